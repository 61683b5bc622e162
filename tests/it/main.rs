//! One integration binary.

mod audit_foreign;
mod foreign;
mod support;
mod tidy;
