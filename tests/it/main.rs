//! One integration binary.

mod audit_foreign;
mod tidy;
