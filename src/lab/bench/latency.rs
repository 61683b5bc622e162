//! `zelo bench latency`: publish to PUBACK at a fixed rate, from the instant at which a message was planned.

use std::time::Duration;

use super::rig::load::Pace;
use super::rig::measure::{Drive, measure};
use super::{Common, print};
use crate::house::Start;

/// How to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Devices at once
    #[arg(long, default_value_t = 1_000)]
    devices: usize,
    /// Messages a second in all
    #[arg(long, default_value_t = 2_000)]
    rate: u32,
    /// Seconds that count
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Seconds before
    #[arg(long, default_value_t = 5)]
    warm: u64,
}

/// Runs it.
///
/// # Errors
/// The house, the database or the generator failed.
pub(super) fn run(args: &Args, start: Start) -> anyhow::Result<()> {
    let drive = Drive {
        devices: args.devices,
        pace: Pace::Fixed(args.rate),
        warm: Duration::from_secs(args.warm),
        run: Duration::from_secs(args.seconds),
    };
    let seen = measure(args.common.database_url.as_deref(), drive, start)?;
    print(&args.common, &seen, &format!("{} messages/s asked · {}", args.rate, seen.words()))
}
