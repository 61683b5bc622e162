//! `zelo bench growth`: what a reading costs with ten times the patients, and with ten times the history behind them;
//! with `--pages` what a look costs.

use std::time::Duration;

use serde::Serialize;

use super::rig::history::{Sensor, Values, lay};
use super::rig::load::Pace;
use super::rig::measure::{Drive, Seen, measure_at};
use super::rig::seed::many;
use super::rig::site::Site;
use super::rig::source;
use super::{Common, note, print};
use crate::house::Start;
use domain::time::civil::Window;
use domain::{Clock, Signal};

const SIGNALS: [Signal; 3] = [Signal::HeartRate, Signal::Spo2, Signal::RespiratoryRate];
/// History ends where measured time begins.
const BEHIND: Duration = Duration::from_secs(4 * 3_600);

/// How to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Every page and endpoint instead of readings: two houses, asked in turn
    #[arg(long)]
    pages: bool,
    /// Resolved alerts at first, with --pages
    #[arg(long, default_value_t = 2_000)]
    alerts: usize,
    /// Patients at first
    #[arg(long, default_value_t = 500)]
    patients: usize,
    /// Minutes of history at first, three signals at 1 Hz
    #[arg(long, default_value_t = 20)]
    minutes: u64,
    /// Messages under way of each device: ten times the patients bring ten times the messages
    #[arg(long, default_value_t = 4)]
    window: usize,
    /// Seconds that count of each run
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

#[derive(Serialize)]
struct Line {
    name: &'static str,
    patients: usize,
    history: u64,
    /// Thousandths of a microsecond of the house's processor time.
    nanos_per_reading: u64,
    /// Against the mean of the first run and the last, which are alike, in per cent.
    per_cent: i64,
    seen: Seen,
}

/// Runs it.
///
/// # Errors
/// The house, the store or the generator failed.
pub(super) fn run(args: &Args, start: Start) -> anyhow::Result<()> {
    if args.pages {
        return super::pages::run(&args.common, args.alerts);
    }
    let (patients, minutes) = (args.patients, args.minutes);
    let cases = [
        ("as it is", patients, minutes),
        ("10 × patients", patients * 10, minutes),
        ("10 × history", patients, minutes * 10),
        ("as it is, again", patients, minutes),
    ];
    let mut lines = Vec::new();
    for (name, patients, minutes) in cases {
        // Of ten times the patients each has a tenth of the history: one thing grows at a time.
        let minutes = (minutes * u64::try_from(args.patients)? / u64::try_from(patients)?.max(1)).max(1);
        let line = one(args, start, name, patients, minutes)?;
        note(&format!("{name}: {} ns a reading", line.nanos_per_reading));
        lines.push(line);
    }
    let ends = [lines.first(), lines.last()].into_iter().flatten().map(|line| line.nanos_per_reading);
    let mean = (ends.sum::<u64>() / 2).max(1);
    for line in &mut lines {
        line.per_cent = i64::try_from(line.nanos_per_reading * 100 / mean)? - 100;
    }
    let words: Vec<String> = lines.iter().map(Line::words).collect();
    print(&args.common, &lines, &words.join("\n"))
}

fn one(args: &Args, start: Start, name: &'static str, patients: usize, minutes: u64) -> anyhow::Result<Line> {
    let site = Site::fresh(args.common.database_url.as_deref())?;
    let enrolled = many(&site.store, &site.tokens, patients, Clock::System.now())?;
    let sources = source::of(&site.store, &enrolled)?;
    let end = Clock::System.now().minus(BEHIND);
    let from = end.minus(Duration::from_secs(minutes * 60));
    let mut history = 0;
    for signal in SIGNALS {
        let sensor = Sensor { signal, every: 1_000, jitter: 0, values: Values::Wander };
        history += lay(&site.store, &sources, &sensor, Window { from, to: end }, true)?;
    }
    drop(sources);
    let drive = Drive {
        devices: patients,
        pace: Pace::Closed(args.window.max(1)),
        warm: Duration::from_secs(6),
        run: Duration::from_secs(args.seconds),
    };
    let seen = measure_at(&site, drive, enrolled, start)?;
    let nanos_per_reading = seen.nanos_per_reading();
    Ok(Line { name, patients, history, nanos_per_reading, per_cent: 0, seen })
}

impl Line {
    fn words(&self) -> String {
        format!(
            "{} · {}: {} patients, {} readings behind them\n  {}.{:02} µs of processor time a reading ({:+} %); {} readings/s, {} rows a commit, {} MiB resident",
            self.seen.backend,
            self.name,
            self.patients,
            self.history,
            self.nanos_per_reading / 1_000,
            self.nanos_per_reading % 1_000 / 10,
            self.per_cent,
            self.seen.readings_s,
            self.seen.rows_per_commit,
            self.seen.rss_kib / 1_024,
        )
    }
}
