//! One integration binary.

#![cfg(test)]

mod audit_foreign;
mod browser;
mod contract;
mod demo;
mod durability;
mod foreign;
mod judgement;
mod notify;
mod on_call;
mod remote;
mod spine;
mod support;
mod tidy;
