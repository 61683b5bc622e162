//! What a run is measured by: latencies in a histogram, and what the system says of a process. Whole numbers only.

use std::time::Duration;

/// Buckets of one doubling: 1/32, so a quantile is at most 3 % off.
const STEPS: u64 = 32;
const BITS: u32 = 5;
/// Ticks of `/proc/<pid>/stat` in a second (`getconf CLK_TCK` on every Linux that Rust runs on).
const TICKS: u64 = 100;

/// Latencies in microseconds.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; 2_048], total: 0, max: 0 }
    }
}

impl Histogram {
    /// Adds one.
    pub(crate) fn add(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(micros)) {
            *count += 1;
        }
        self.total += 1;
        self.max = self.max.max(micros);
    }

    /// The value that `share` of 1,000 do not exceed.
    #[must_use]
    pub(crate) fn quantile(&self, share: u64) -> u64 {
        let wanted = (self.total * share).div_ceil(1_000).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper(index).min(self.max);
            }
        }
        self.max
    }

    /// The longest.
    #[must_use]
    pub(crate) const fn max(&self) -> u64 {
        self.max
    }
}

fn bucket(micros: u64) -> usize {
    let index = if micros < STEPS {
        micros
    } else {
        let doubling = u64::from(micros.ilog2() - BITS);
        doubling * STEPS + (micros >> doubling)
    };
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn upper(index: usize) -> u64 {
    let index = u64::try_from(index).unwrap_or(u64::MAX);
    if index < 2 * STEPS {
        return index;
    }
    let doubling = index / STEPS - 1;
    ((index % STEPS + STEPS + 1) << doubling) - 1
}

/// How many in a second.
#[must_use]
pub(crate) fn rate(count: u64, took: Duration) -> u64 {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    u64::try_from(u128::from(count) * 1_000_000 / u128::from(micros)).unwrap_or(u64::MAX)
}

/// Processor time of this process so far, in milliseconds; 0 where the system does not tell.
#[must_use]
pub(crate) fn cpu_ms() -> u64 {
    cpu_ms_of("self")
}

/// The same of another process, by its number.
#[must_use]
pub(crate) fn cpu_ms_of(process: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name is in parentheses and may hold spaces; user and system time are the 12th and 13th after it.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    ticks * 1_000 / TICKS
}

/// Resident memory of this process in KiB; 0 where the system does not tell.
#[must_use]
pub(crate) fn rss_kib() -> u64 {
    status("self", "VmRSS:")
}

/// The most that was resident of this process since [`forget_peak`], in KiB.
#[must_use]
pub(crate) fn peak_kib() -> u64 {
    status("self", "VmHWM:")
}

/// Begins the peak of resident memory anew, where the system can (Linux, `proc(5)`, `clear_refs`).
pub(crate) fn forget_peak() {
    let _elsewhere = std::fs::write("/proc/self/clear_refs", "5");
}

/// Resident memory of another process in KiB.
#[must_use]
pub(crate) fn rss_kib_of(pid: u32) -> u64 {
    status(&pid.to_string(), "VmRSS:")
}

fn status(process: &str, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.split_whitespace().next()).and_then(|n| n.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_three_percent_right() {
        let mut histogram = Histogram::default();
        (1..=10_000).for_each(|micros| histogram.add(Duration::from_micros(micros)));
        for (share, exact) in [(500, 5_000), (990, 9_900), (10, 100)] {
            let quantile = histogram.quantile(share);
            assert!(quantile >= exact && quantile <= exact + exact / 25, "{share}: {quantile}");
        }
        assert_eq!((histogram.max(), histogram.total), (10_000, 10_000));
    }

    #[test]
    fn every_bucket_ends_where_the_next_begins() {
        for micros in (0..5_000).chain([1 << 20, (1 << 30) + 7]) {
            let index = bucket(micros);
            assert!(micros <= upper(index), "{micros}");
            assert!(index == 0 || micros > upper(index - 1), "{micros}");
        }
    }

    #[test]
    fn a_rate_is_per_second() {
        assert_eq!(rate(500, Duration::from_millis(250)), 2_000);
        assert_eq!(rate(1, Duration::ZERO), 1_000_000);
    }
}
