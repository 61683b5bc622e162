//! The memory that files on their way in have together: one waits until there is room for all of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::http::code::Code;
use crate::http::fault::Fault;

/// Memory is given out in pieces of so many bytes …
const UNIT: usize = 64 * 1024;
/// … and all files that come in at one time have so many of them: 64 MiB.
const UNITS: usize = 1_024;
/// How long a file waits for memory: less than a connection may be silent.
const WAITS: Duration = Duration::from_secs(5);

/// The memory for files that come in.
#[derive(Debug)]
pub(crate) struct Uploads(Arc<Semaphore>);

impl Default for Uploads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(UNITS)))
    }
}

impl Uploads {
    /// Room for a file of so many bytes, until it is dropped.
    ///
    /// # Errors
    /// `E_BUSY` where none came free in time.
    pub(super) async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Fault> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).map_err(|_range| Fault::new(Code::TooLarge))?;
        match timeout(WAITS, Arc::clone(&self.0).acquire_many_owned(units)).await {
            Ok(Ok(room)) => Ok(room),
            Ok(Err(_)) | Err(_) => Err(Code::Busy.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::attachments::MOST_BYTES;

    #[tokio::test(start_paused = true)]
    async fn files_that_come_in_at_once_have_64_mebibytes_and_others_wait_or_are_told_so() {
        let uploads = Uploads::default();
        let mut held = Vec::new();
        for _ in 0..6 {
            held.push(uploads.room(MOST_BYTES).await.unwrap());
        }
        let refused = uploads.room(MOST_BYTES).await;
        assert_eq!(refused.err().map(|fault| fault.code), Some(Code::Busy));
        assert!(uploads.room(100_000).await.is_ok(), "a small one finds room");
        held.pop();
        assert!(uploads.room(MOST_BYTES).await.is_ok());
    }
}
