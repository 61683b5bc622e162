//! Moving bytes: reads into a buffer that the thread shares, writes that give up, and a goodbye
//! that waits until it arrived.

use super::super::backend::EndReason;
use super::super::mailbox::Mailbox;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::{sleep, timeout};

/// What one read takes at most.
pub(super) const SCRATCH_BYTES: usize = 64 * 1024;
/// Room an empty output may keep.
const RETAINED_BYTES: usize = 1024;
/// How long a farewell may take to reach the device.
const LINGER: Duration = Duration::from_secs(1);

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH_BYTES]);
}

/// Reads what there is, `most` bytes of it, into the thread's buffer and shows it to `take`; the number of bytes.
pub(super) async fn read_with<S: AsyncRead + Unpin>(
    io: &mut S,
    most: usize,
    mut take: impl FnMut(&[u8]),
) -> io::Result<usize> {
    poll_fn(|task| {
        SCRATCH.with_borrow_mut(|scratch| {
            let most = most.min(scratch.len());
            let mut buffer = ReadBuf::new(scratch.get_mut(..most).unwrap_or_default());
            ready!(Pin::new(&mut *io).poll_read(task, &mut buffer))?;
            take(buffer.filled());
            Poll::Ready(Ok(buffer.filled().len()))
        })
    })
    .await
}

/// Writes all of `out`; gives up when the device does not read, at once when the house wants it gone.
pub(super) async fn write<S: AsyncWrite + Unpin>(
    io: &mut S,
    out: &mut Vec<u8>,
    mailbox: &Mailbox,
    limit: Duration,
) -> Result<(), EndReason> {
    let writing = async {
        io.write_all(out).await?;
        io.flush().await
    };
    let unwanted = async {
        poll_fn(|task| mailbox.poll_closing(task)).await;
        sleep(LINGER).await;
    };
    let written = tokio::select! { biased;
        written = writing => written.map_err(|_broken| EndReason::Lost),
        () = unwanted => Err(EndReason::NotReading),
        () = sleep(limit) => Err(EndReason::NotReading),
    };
    out.clear();
    out.shrink_to(RETAINED_BYTES);
    written
}

/// Writes the last bytes and waits a moment until the other side has closed.
pub(super) async fn part<S: AsyncRead + AsyncWrite + Unpin>(io: &mut S, last: &[u8]) {
    let parting = async {
        io.write_all(last).await?;
        io.flush().await?;
        io.shutdown().await?;
        while read_with(io, SCRATCH_BYTES, |_unread| ()).await? > 0 {}
        io::Result::Ok(())
    };
    drop(timeout(LINGER, parting).await);
}
