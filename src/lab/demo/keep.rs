//! What the demo keeps in its data directory: the credentials that every start prints, and how far the devices
//! came, so that a second start never lays one copy of a recording over another.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use domain::Instant;
use store::home::{self, Home, write_private};

use super::seed::DemoCast;

const CREDENTIALS: &str = "demo.json";
const PROGRESS: &str = "demo.progress";
/// The progress is written ahead by this much, and again after half of it: a killed demo has sent less than
/// its file says, never more.
const AHEAD: Duration = Duration::from_secs(40);

/// The credentials of an earlier start.
pub(super) fn credentials(home: &Home) -> Result<Option<DemoCast>> {
    let path = home.dir().join(CREDENTIALS);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|fault| Error::Failed(format!("{} is not readable: {fault}", path.display()))),
        Err(none) if none.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(home::Error::io("cannot read", &path, &source).into()),
    }
}

/// Keeps them, mode 0600.
pub(super) fn keep_credentials(home: &Home, cast: &DemoCast) -> Result<()> {
    let json = serde_json::to_vec_pretty(cast).map_err(|fault| Error::Failed(fault.to_string()))?;
    Ok(write_private(&home.dir().join(CREDENTIALS), &json)?)
}

/// How far the devices came.
#[derive(Debug, Clone)]
pub(super) struct Progress(PathBuf);

impl Progress {
    pub(super) fn of(dir: &Path) -> Self {
        Self(dir.join(PROGRESS))
    }

    /// Nothing measured up to here is to be sent again; `None`: nothing was sent.
    pub(super) fn read(&self) -> Option<Instant> {
        std::fs::read_to_string(&self.0).ok().and_then(|text| Instant::parse(text.trim()))
    }

    /// Says that everything up to `at` may have been sent.
    pub(super) fn write(&self, at: Instant) -> Result<()> {
        Ok(write_private(&self.0, at.rfc3339().as_bytes())?)
    }

    /// Writes ahead until it is dropped. `reached` is the playhead.
    pub(super) async fn keep(&self, reached: impl Fn() -> Instant) {
        loop {
            if let Err(fault) = self.write(reached().plus(AHEAD)) {
                tracing::warn!(%fault, "the demo's progress cannot be kept");
            }
            tokio::time::sleep(AHEAD / 2).await;
        }
    }
}
