//! Lines on their way to standard error. Whoever logs never waits and never fails: a reader that went away or stands
//! still costs lines, which are counted, and nothing else.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What may wait to be written, in bytes.
const ROOM: usize = 1 << 20;
/// What a line costs beside its bytes.
const LINE: usize = 64;

/// A queue of lines before whatever they are written to.
pub(super) struct Sink {
    queue: Mutex<Queue>,
    changed: Condvar,
}

struct Queue {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    writing: bool,
    /// Lines that could not be written, since the start…
    lost: u64,
    /// …and how many of them were reported to the reader.
    reported: u64,
}

impl Sink {
    pub(super) const fn new() -> Self {
        let queue = Queue { lines: VecDeque::new(), bytes: 0, writing: false, lost: 0, reported: 0 };
        Self { queue: Mutex::new(queue), changed: Condvar::new() }
    }

    /// One more line, unless too much waits.
    pub(super) fn push(&self, line: Vec<u8>) {
        let mut queue = self.queue();
        let weight = line.len() + LINE;
        if queue.bytes + weight > ROOM {
            queue.lost += 1;
            return;
        }
        queue.bytes += weight;
        queue.lines.push_back(line);
        drop(queue);
        self.changed.notify_all();
    }

    /// Lines that nobody could read.
    pub(super) fn lost(&self) -> u64 {
        self.queue().lost
    }

    /// Waits until everything is written, as long as it may take.
    pub(super) fn flush(&self, at_most: Duration) {
        let waits = |queue: &mut Queue| queue.writing || !queue.lines.is_empty();
        drop(self.changed.wait_timeout_while(self.queue(), at_most, waits));
    }

    /// Writes for ever.
    pub(super) fn write_to(&self, out: &mut impl Write) {
        loop {
            let waits = |queue: &mut Queue| queue.lines.is_empty();
            drop(self.changed.wait_while(self.queue(), waits).unwrap_or_else(PoisonError::into_inner));
            self.write_some(out);
        }
    }

    /// Writes what waits.
    fn write_some(&self, out: &mut impl Write) {
        let mut queue = self.queue();
        let (lines, missing) = (std::mem::take(&mut queue.lines), queue.lost - queue.reported);
        (queue.writing, queue.bytes) = (true, 0);
        drop(queue);
        let (mut lost, mut reported) = (0, 0);
        for line in &lines {
            // Before what comes after the gap.
            if missing > reported
                && write_all(out, format!("{missing} log lines were lost here\n").as_bytes())
            {
                reported = missing;
            }
            lost += u64::from(!write_all(out, line));
        }
        let mut queue = self.queue();
        queue.writing = false;
        queue.lost += lost;
        queue.reported += reported;
        drop(queue);
        self.changed.notify_all();
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_all(out: &mut impl Write, bytes: &[u8]) -> bool {
    out.write_all(bytes).and_then(|()| out.flush()).is_ok()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// A reader that may be gone.
    struct Pipe {
        open: bool,
        read: Vec<u8>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !self.open {
                return Err(io::Error::from(io::ErrorKind::BrokenPipe));
            }
            self.read.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_nobody_reads_are_counted_and_told_to_the_next_reader() {
        let (sink, mut pipe) = (Sink::new(), Pipe { open: false, read: Vec::new() });
        sink.push(b"a\n".to_vec());
        sink.push(b"b\n".to_vec());
        sink.write_some(&mut pipe);
        assert_eq!(sink.lost(), 2);
        pipe.open = true;
        sink.push(b"c\n".to_vec());
        sink.write_some(&mut pipe);
        sink.push(b"d\n".to_vec());
        sink.write_some(&mut pipe);
        assert_eq!(String::from_utf8(pipe.read).unwrap(), "2 log lines were lost here\nc\nd\n");
        assert_eq!(sink.lost(), 2);
    }

    #[test]
    fn a_reader_that_stands_still_costs_lines_and_no_memory() {
        let sink = Sink::new();
        for _ in 0..100_000 {
            sink.push(vec![b'x'; 100]);
        }
        let queue = sink.queue();
        assert!(queue.bytes <= ROOM && queue.lost > 90_000, "{} bytes, {} lost", queue.bytes, queue.lost);
    }
}
