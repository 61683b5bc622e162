//! One integration binary.

mod audit_foreign;
mod spine;
mod tidy;
