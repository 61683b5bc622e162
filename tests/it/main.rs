//! One integration binary.

mod audit_foreign;
mod spine;
mod foreign;
mod support;
mod tidy;
