//! `zelo bench engine`: many escalations due in the same minute. Counts how long the engine of a running house takes until
//! each has paged its first step, and that none did twice.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::rig::measure::rest;
use super::rig::meter::{cpu_ms, rss_kib};
use super::rig::seed::many;
use super::rig::site::{Site, manager};
use super::{Common, note, print};
use crate::house::Start;
use domain::escalation::{Policy, Run};
use domain::{AlertId, Clock, PatientId};
use store::messages::Ground;
use store::{Actor, Store, escalation, versions};

/// Rows a transaction while seeding.
const ROWS: usize = 1_000;
/// Patients that the cases belong to.
const PATIENTS: usize = 1_000;
const LOOK: Duration = Duration::from_millis(50);

/// How to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Deadlines in the same minute
    #[arg(long, default_value_t = 100_000)]
    deadlines: usize,
}

#[derive(Default, Serialize)]
struct Seen {
    backend: &'static str,
    deadlines: usize,
    took_ms: u128,
    per_second: u128,
    cpu_ms: u64,
    rss_kib: u64,
    steps: i64,
    twice: i64,
    messages: i64,
}

/// Runs it.
///
/// # Errors
/// The house failed, or a deadline was handled twice or not at all.
pub(super) fn run(args: &Args, start: Start) -> anyhow::Result<()> {
    let site = Site::fresh(args.common.database_url.as_deref())?;
    let now = Clock::System.now();
    manager(&site.store, now)?;
    let patients: Vec<PatientId> = many(&site.store, &site.tokens, PATIENTS, now)?
        .into_iter()
        .map(|enrolled| enrolled.patient)
        .collect();
    seed(&site.store, &patients, args.deadlines)?;
    note(&format!("{} deadlines are due", args.deadlines));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (began, cpu) = (Instant::now(), cpu_ms());
    let house = runtime.block_on(site.house(start))?;
    while site.store.read(|view| escalation::any_due(view, Clock::System.now()))? {
        rest(LOOK);
    }
    let took = began.elapsed();
    let tally = site.store.read(escalation::tally)?;
    let seen = Seen {
        backend: site.backend(),
        deadlines: args.deadlines,
        took_ms: took.as_millis(),
        per_second: u128::try_from(args.deadlines)? * 1_000 / took.as_millis().max(1),
        cpu_ms: cpu_ms().saturating_sub(cpu),
        rss_kib: rss_kib(),
        steps: tally.steps,
        twice: tally.twice,
        messages: tally.messages,
    };
    runtime.block_on(house.stop());
    print(&args.common, &seen, &seen.words())?;
    let all = i64::try_from(args.deadlines)?;
    anyhow::ensure!(seen.steps == all && seen.twice == 0, "a deadline was handled twice, or not at all");
    Ok(())
}

impl Seen {
    fn words(&self) -> String {
        format!(
            "{} · {} deadlines due at once\n  all paged in {} ms ({} a second), {} ms of processor, {} KiB resident\n  {} steps, {} of them twice, {} messages planned",
            self.backend,
            self.deadlines,
            self.took_ms,
            self.per_second,
            self.cpu_ms,
            self.rss_kib,
            self.steps,
            self.twice,
            self.messages,
        )
    }
}

fn seed(store: &Store, patients: &[PatientId], deadlines: usize) -> anyhow::Result<()> {
    let now = Clock::System.now();
    store.write(Actor::System("bench"), now, escalation::seed)?;
    let policy = store.read(|view| versions::in_force::<Policy>(view, escalation::RED, now))?;
    let policy = policy.ok_or_else(|| anyhow::anyhow!("the seeded policy is not there"))?;
    let mut owners = patients.iter().cycle();
    let mut left = deadlines;
    while left > 0 {
        let rows = left.min(ROWS);
        let owned: Vec<PatientId> = owners.by_ref().take(rows).copied().collect();
        store.keep_house(store::Urgency::Patient, "bench", now, |tx| {
            owned.into_iter().try_for_each(|patient| {
                let ground = Ground::ask(tx, patient)?;
                let run = Run::begin(escalation::policy_of_run(policy.clone()), now);
                escalation::begin(tx, AlertId::new(now), patient, run, ground).map(drop)
            })
        })?;
        left -= rows;
    }
    Ok(())
}
