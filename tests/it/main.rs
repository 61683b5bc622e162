//! One integration binary.

#![cfg(test)]

mod audit_foreign;
mod demo;
mod durability;
mod foreign;
mod spine;
mod support;
mod tidy;
