//! One integration binary.

#![cfg(test)]

mod audit_foreign;
mod browser;
mod demo;
mod durability;
mod foreign;
mod notify;
mod remote;
mod spine;
mod support;
mod tidy;
