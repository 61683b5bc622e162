//! How a bench starts the house that it measures: as a node does, without pages.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use domain::Clock;
use domain::people::token::Signer;
use lab::house::{Doing, House};
use notify::Post;
use store::{Store, audit};

use crate::app::{self, Options, Signers};

/// Ingest, engine and gateway on a store whose keys lie in `dir`.
pub(super) fn house<'a>(
    store: &'a Store,
    dir: &'a Path,
    tokens: Arc<Signer>,
    post: Post,
) -> Doing<'a, anyhow::Result<House>> {
    Box::pin(async move {
        let clock = Clock::System;
        let log = audit::open(store, &dir.join("keys"), clock.now())?;
        let options = Options {
            mqtt: SocketAddr::from(([127, 0, 0, 1], 0)),
            mqtt_tls: None,
            descriptors: 1_048_576,
            node: None,
            home: String::new(),
            bases: consent::Bases::default(),
            post,
            stored_head: Arc::new(|| Ok(None)),
        };
        let house = Box::pin(app::House::start(store, &clock, Signers { tokens, log }, options)).await?;
        Ok(House {
            mqtt: house.gateway.local_addr(),
            registry: house.registry.clone(),
            ingest: Arc::clone(house.ingest.stats()),
            engine: house.engine.clone(),
            end: Box::new(move || Box::pin(house.stop())),
        })
    })
}
