//! A thread of our own for conversations with mail servers: each ends within its limit, whatever the server does, and a
//! caller may stand inside or outside of another runtime.

use std::future::Future;
use std::io;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Where conversations run.
pub(crate) struct Wire(Option<Runtime>);

impl Wire {
    /// Starts its thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn new() -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("notify").enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// Waits for a conversation; `None`: it did not end within the limit and was dropped, or broke down.
    pub(crate) fn within<T, F>(&self, limit: Duration, conversation: F) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (tell, hear) = mpsc::sync_channel(1);
        self.0.as_ref()?.spawn(async move {
            if let Ok(answer) = tokio::time::timeout(limit, conversation).await {
                // Nobody hears any more: the caller's thread is gone.
                let _unheard = tell.send(answer);
            }
        });
        // One that keeps the thread to itself cannot be dropped; its caller goes on all the same.
        hear.recv_timeout(limit.saturating_add(Duration::from_millis(500))).ok()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // A plain drop would wait, and may not happen inside of another runtime.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_that_does_not_end_is_dropped() {
        let wire = Wire::new().unwrap();
        assert_eq!(wire.within(Duration::from_millis(10), std::future::pending::<()>()), None);
        assert_eq!(wire.within(Duration::from_secs(10), async { 7 }), Some(7));
    }

    #[tokio::test]
    async fn a_caller_inside_another_runtime_is_served() {
        let wire = Wire::new().unwrap();
        assert_eq!(wire.within(Duration::from_secs(10), async { 7 }), Some(7));
    }
}
