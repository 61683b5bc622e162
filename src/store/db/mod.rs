//! The database: connections, turns to write, transactions, schema.

pub mod ahead;
pub(crate) mod checkpoint;
pub(crate) mod conn;
pub(crate) mod doubt;
pub(crate) mod error;
pub mod idempotency;
pub mod init;
pub(crate) mod item;
pub mod migrate;
pub mod page;
#[cfg(any(test, feature = "testing"))]
pub mod plans;
pub(crate) mod pools;
pub(crate) mod prune;
pub(crate) mod schema;
pub mod scratch;
pub mod settings;
pub mod snapshot;
pub mod turn;
pub(crate) mod tx;
pub(crate) mod waits;
