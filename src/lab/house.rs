//! A running house as a measurement sees it. The root composes it (`app::House`) and hands in how to start one: what is
//! measured is what runs, and this crate needs nothing of the root.

use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use domain::people::token::Signer;
use engine::Status;
use ingest::Stats;
use mqtt::gateway::Registry;
use notify::Post;
use store::Store;

/// Something that a house does, on the caller's own thread.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Starts ingest, engine and gateway on a store whose keys lie in a directory.
pub type Start = for<'a> fn(&'a Store, &'a Path, Arc<Signer>, Post) -> Doing<'a, anyhow::Result<House>>;

/// Ingest, engine and gateway at work.
pub struct House {
    /// Where devices connect.
    pub mqtt: SocketAddr,
    /// Their sessions.
    pub registry: Registry,
    /// What ingest did.
    pub ingest: Arc<Stats>,
    /// How the engine is doing.
    pub engine: Status,
    /// Ends it, in order.
    pub end: Box<dyn FnOnce() -> Doing<'static, ()>>,
}

impl House {
    /// Ends it.
    pub async fn stop(self) {
        let Self { registry, ingest, engine, end, .. } = self;
        drop((registry, ingest, engine));
        end().await;
    }
}
