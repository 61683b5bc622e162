//! The certificates that the settings name, and how long they are good.

use std::path::Path;

use mqtt::gateway;

use super::error::{Error, Result};
use crate::config::Options;
use domain::Instant;
use domain::certificate::{Certificate, Door, NOW};

/// Reads them.
///
/// # Errors
/// A file cannot be read, or holds no certificate.
pub(super) fn read(options: &Options) -> Result<Vec<Certificate>> {
    let http = options.http_tls.as_ref().map(|files| (Door::Https, &files.cert));
    let mqtt = options.mqtt_tls.as_ref().map(|(_, files)| (Door::Mqtts, &files.cert));
    http.into_iter().chain(mqtt).map(|(door, path)| one(door, path)).collect()
}

fn one(door: Door, path: &Path) -> Result<Certificate> {
    let pem = std::fs::read(path).map_err(|source| Error::io("cannot read", path, &source))?;
    let not_after = gateway::not_after(&pem);
    let not_after = not_after.map_err(|why| Error::Usage(format!("{}: {why}", path.display())))?;
    Ok(Certificate { door, not_after: Instant::from_micros(not_after) })
}

/// Says at the start which of them are at their end.
pub(super) fn report(certificates: &[Certificate], now: Instant) {
    for certificate in certificates {
        match certificate.words(now) {
            Some(words) if certificate.left(now) < NOW => tracing::error!("{words}"),
            Some(words) => tracing::warn!("{words}"),
            None => {}
        }
    }
}
