//! `zelo bench heavier`: a heavier text is published over many grants (LGPD art. 8 §6). What a calm device notices while
//! they are marked one after the other, and how long that takes; none of them permits anything from the publication on.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use consent::{Change, Purpose, Term, Version};
use serde::Serialize;

use super::rig::lone::{Answer, Lone};
use super::rig::measure::{rest, settled};
use super::rig::meter::Histogram;
use super::rig::seed::many;
use super::rig::site::Site;
use super::{Common, note, print};
use crate::house::Start;
use domain::Clock;
use store::consents::{self, terms};
use store::{Actor, Store};

/// What is not marked by then counts as never.
const PATIENCE: Duration = Duration::from_secs(1_800);
/// What the heavier text is about: the calm device goes on being permitted what it needs.
const PURPOSE: Purpose = Purpose::AlertEscalate;

/// How to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Patients with a grant each of the text that is superseded
    #[arg(long, default_value_t = 100_000)]
    grants: usize,
    /// Seconds that the calm device is watched alone
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

#[derive(Debug, Default, Serialize)]
struct Calm {
    answers: usize,
    p50_us: u64,
    p99_us: u64,
    slowest_us: u64,
}

#[derive(Debug, Serialize)]
struct Seen {
    backend: &'static str,
    grants: usize,
    published_us: u128,
    marked_ms: u128,
    alone: Calm,
    beside: Calm,
}

/// Runs it.
///
/// # Errors
/// The house or the device failed, or the grants were not all marked in half an hour.
pub(super) fn run(args: &Args, start: Start) -> anyhow::Result<()> {
    let site = Site::fresh(args.common.database_url.as_deref())?;
    let enrolled = many(&site.store, &site.tokens, args.grants, Clock::System.now())?;
    note(&format!("{} grants stand", enrolled.len()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let house = runtime.block_on(site.house(start))?;
    settled(&house);
    let one = enrolled.get(..1).context("a device")?;
    let lone = || Lone::start(house.mqtt, one);
    let calm = lone()?;
    rest(Duration::from_secs(args.seconds));
    let alone = Calm::of(&calm.stop()?.0);
    let calm = lone()?;
    let began = Instant::now();
    publish(&site.store)?;
    let published_us = began.elapsed().as_micros();
    while site.store.read(|view| consents::any_due(view, Clock::System.now()))? {
        anyhow::ensure!(began.elapsed() < PATIENCE, "the grants are not marked");
        rest(Duration::from_millis(10));
    }
    let marked_ms = began.elapsed().as_millis();
    let beside = Calm::of(&calm.stop()?.0);
    runtime.block_on(house.stop());
    let seen = Seen { backend: site.backend(), grants: args.grants, published_us, marked_ms, alone, beside };
    print(&args.common, &seen, &seen.words())
}

/// Publishes a text that shares more than the one that stands.
fn publish(store: &Store) -> anyhow::Result<()> {
    let current = store.read(|view| terms::current(view, PURPOSE))?;
    let heavier = current
        .iter()
        .map(|term| {
            let text = term.text.replacen('.', " (9).", 1);
            Term::new(PURPOSE, term.lang, Version(9, 0, 0), Change::Sharing, text)
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|fault| anyhow::anyhow!("{fault:?}"))?;
    Ok(store.write(Actor::Operator, Clock::System.now(), |tx| {
        terms::publish(tx, &heavier, "bench", "bench of another")
    })?)
}

impl Calm {
    fn of(answers: &[Answer]) -> Self {
        let mut all = Histogram::default();
        answers.iter().for_each(|(_, took)| all.add(*took));
        Self {
            answers: answers.len(),
            p50_us: all.quantile(500),
            p99_us: all.quantile(990),
            slowest_us: all.quantile(1_000),
        }
    }

    fn words(&self) -> String {
        let Self { answers, p50_us, p99_us, slowest_us } = self;
        format!("p50 {p50_us} µs, p99 {p99_us} µs, slowest {slowest_us} µs ({answers} answers)")
    }
}

impl Seen {
    fn words(&self) -> String {
        let Self { backend, grants, published_us, marked_ms, alone, beside } = self;
        format!(
            "{backend} · {grants} grants superseded: published in {published_us} µs, all marked after {marked_ms} ms\n  \
             a calm device alone: {}\n  beside it: {}",
            alone.words(),
            beside.words(),
        )
    }
}
