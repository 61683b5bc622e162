//! `zelo bench ingest`: durable, consented, audited, judged readings a second, beside S, G and L of the same run.

use std::time::Duration;

use serde::Serialize;

use super::rig::limits::{bare_gateway, bare_store, per_cent, together};
use super::rig::load::Pace;
use super::rig::measure::{Drive, Seen, measure};
use super::{Common, note, print, say};
use crate::house::Start;

/// How to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Devices at once; several are measured one after the other
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000, 5_000])]
    devices: Vec<usize>,
    /// Unanswered messages that each device keeps on its way
    #[arg(long, value_delimiter = ',', default_values_t = [1, 20])]
    window: Vec<usize>,
    /// Seconds that count
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Seconds before
    #[arg(long, default_value_t = 5)]
    warm: u64,
    /// Leave out S, G and L
    #[arg(long)]
    no_limits: bool,
    /// The devices and windows above in short runs, as one table of Markdown
    #[arg(long, conflicts_with = "no_limits")]
    matrix: bool,
}

/// Of a matrix each of the three measurements takes no longer.
const SHORT: (u64, u64) = (4, 8);

#[derive(Serialize)]
struct Line {
    window: usize,
    seen: Seen,
    limits: Option<Limits>,
}

#[derive(Serialize)]
struct Limits {
    bare_store: u64,
    bare_gateway: u64,
    together: u64,
    per_cent: u64,
}

/// Runs it.
///
/// # Errors
/// The house, the database or the generator failed.
pub(super) fn run(args: &Args, start: Start) -> anyhow::Result<()> {
    let (warm, seconds) = if args.matrix {
        (args.warm.min(SHORT.0), args.seconds.min(SHORT.1))
    } else {
        (args.warm, args.seconds)
    };
    if args.matrix && !args.common.json {
        say(HEAD);
    }
    for devices in &args.devices {
        for window in &args.window {
            let drive = Drive {
                devices: *devices,
                pace: Pace::Closed(*window),
                warm: Duration::from_secs(warm),
                run: Duration::from_secs(seconds),
            };
            let line = one(args, start, drive, *window)?;
            let words = if args.matrix { line.row() } else { line.words() };
            print(&args.common, &line, &words)?;
        }
    }
    Ok(())
}

/// Of the table.
const HEAD: &str = "| backend | devices | window | readings/s | S | G | L | of L | p50 ms | p99 ms | rows a commit | cores: house, generator | µs a reading | MiB | hot bytes | cold bytes | audit bytes |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|";

fn one(args: &Args, start: Start, drive: Drive, window: usize) -> anyhow::Result<Line> {
    let server = args.common.database_url.as_deref();
    let seen = measure(server, drive, start)?;
    if args.no_limits {
        return Ok(Line { window, seen, limits: None });
    }
    note("the bare store…");
    let store = bare_store(server, drive, seen.rows_per_commit)?;
    note("the bare gateway…");
    let gateway = bare_gateway(drive)?;
    let together = together(store, gateway);
    let per_cent = per_cent(seen.readings_s, together)?;
    let limits = Limits { bare_store: store, bare_gateway: gateway, together, per_cent };
    Ok(Line { window, seen, limits: Some(limits) })
}

impl Line {
    /// As a row of the table.
    fn row(&self) -> String {
        let seen = &self.seen;
        let limits = self.limits.as_ref().map_or_else(
            || "| | | ".to_owned(),
            |l| format!("{} | {} | {} | {} %", l.bare_store, l.bare_gateway, l.together, l.per_cent),
        );
        let hundredths =
            |thousandths: u64| format!("{}.{:02}", thousandths / 1_000, thousandths % 1_000 / 10);
        format!(
            "| {} | {} | {} | {} | {limits} | {} | {} | {} | {}, {} | {} | {} | {} | {} | {} |",
            seen.backend,
            seen.devices,
            self.window,
            seen.readings_s,
            hundredths(seen.load.p50_us),
            hundredths(seen.load.p99_us),
            seen.rows_per_commit,
            hundredths(seen.house_millicores),
            hundredths(seen.load_millicores),
            hundredths(seen.nanos_per_reading()),
            seen.rss_kib / 1_024,
            seen.hot.words(),
            seen.cold.words(),
            seen.audit.words(),
        )
    }

    fn words(&self) -> String {
        let limits = self.limits.as_ref().map_or_else(String::new, |limits| {
            format!(
                "\n  S {} · G {} · L {} readings/s: {} % of L",
                limits.bare_store, limits.bare_gateway, limits.together, limits.per_cent
            )
        });
        format!("window {} · {}{limits}", self.window, self.seen.words())
    }
}
