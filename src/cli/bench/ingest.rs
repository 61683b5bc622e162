//! `zelo bench ingest`: durable, consented, audited, judged readings a second, beside S, G and L of the same run.

use std::time::Duration;

use serde::Serialize;

use super::limits::{bare_gateway, bare_store, per_cent, together};
use super::load::Pace;
use super::measure::{Drive, Seen, measure};
use super::{Common, note, tell};

/// How to measure.
#[derive(Debug, clap::Args)]
pub struct Args {
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
}

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
pub fn run(args: &Args) -> anyhow::Result<()> {
    for devices in &args.devices {
        for window in &args.window {
            let drive = Drive {
                devices: *devices,
                pace: Pace::Closed(*window),
                warm: Duration::from_secs(args.warm),
                run: Duration::from_secs(args.seconds),
            };
            let line = one(args, drive, *window)?;
            tell(&args.common, &line, &line.words())?;
        }
    }
    Ok(())
}

fn one(args: &Args, drive: Drive, window: usize) -> anyhow::Result<Line> {
    let server = args.common.database_url.as_deref();
    let seen = measure(server, drive)?;
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
