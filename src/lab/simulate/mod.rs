//! `zelo simulate`: a month of a clinic in a minute. The same ingest, engine, store and messages as a running node; only
//! the clock is driven, from one thing that is due to the next, and the wire leads nowhere.

mod absences;
mod chance;
mod clinic;
mod people;
mod summary;
#[cfg(test)]
mod tests;
mod wearer;
mod wire;
mod world;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use chrono::NaiveDate;
use consent::Controller;
use serde::Serialize;

pub use summary::Summary;

use crate::demo::seed::DemoUser;
use crate::error::{Error, Result};
use domain::people::password::Cost;
use domain::time::civil::{Window, Zone};
use domain::{Clock, Instant};
use store::db::init;
use store::home::{Home, write_private};
use store::keys::signing;
use store::{Store, audit};

const CREDENTIALS: &str = "simulation.json";

/// What to simulate.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Days, the last of which ends with `until`
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    /// Patients with a wearable each
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    patients: u32,
    /// What chance begins with: the same seed and days tell the same story
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The first day that is not simulated any more, as in 2026-11-22 [default: today in São Paulo]
    #[arg(long, value_name = "DATE")]
    until: Option<NaiveDate>,
}

/// A run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) days: u32,
    pub(super) patients: u32,
    pub(super) seed: u64,
    pub(super) until: Instant,
    pub(super) cost: Cost,
}

impl Plan {
    fn begin(&self) -> Instant {
        self.until.minus(Duration::from_secs(86_400 * u64::from(self.days)))
    }

    /// When the provider of e-mail is away: six hours of the evening in the middle of the run.
    fn away(&self) -> Window {
        let half = Duration::from_secs(86_400 * u64::from(self.days / 2) + 16 * 3_600);
        let from = self.begin().plus(half);
        Window { from, to: from.plus(Duration::from_secs(6 * 3_600)) }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    users: &'a [DemoUser],
}

/// What a run came to, for programs and for people.
#[derive(Debug)]
pub struct Outcome {
    /// One JSON object.
    pub json: serde_json::Value,
    /// The same in words.
    pub words: String,
}

/// Runs it into an empty data directory. `note` is told how far it is.
///
/// # Errors
/// No directory was named, or it is in use; as the store says.
pub fn run(args: &Args, dir: Option<&str>, clock: &Clock, note: &dyn Fn(&str)) -> Result<Outcome> {
    let dir = dir.ok_or_else(|| Error::Usage("say with --data-dir where the simulation is kept".into()))?;
    let zone = Zone::SAO_PAULO;
    let day = args.until.unwrap_or_else(|| zone.date(clock.now()));
    let until = zone.day(day).from;
    if until > clock.now() {
        return Err(Error::Usage("--until lies ahead: the simulation would end in the future".into()));
    }
    if args.until.is_none() {
        note(&format!(
            "without --until it ends before today, {day}: --until {day} tells the same story on another day"
        ));
    }
    let plan = Plan { days: args.days, patients: args.patients, seed: args.seed, until, cost: clinic::COST };
    let (summary, users) = simulate(Path::new(dir), &plan, note)?;
    let rows = users.iter().map(|user| format!("  {:<11} {:<32} {}", user.role, user.email, user.password));
    let rows: Vec<String> = rows.collect();
    let words = format!(
        "{}\n\n  zelo serve --data-dir {dir} opens it; sign in as\n{}",
        summary.words(),
        rows.join("\n")
    );
    let json = serde_json::to_value(Line { summary: &summary, users: &users });
    Ok(Outcome { json: json.map_err(|fault| Error::Failed(fault.to_string()))?, words })
}

/// Simulates into a directory that holds nothing yet.
fn simulate(dir: &Path, plan: &Plan, note: &dyn Fn(&str)) -> Result<(Summary, Vec<DemoUser>)> {
    let began = Moment::now();
    let home = Home::take(dir)?;
    if home.database().exists() || home.has_keys() {
        return Err(Error::Refused(format!(
            "{} holds a database or keys already: give the simulation an empty directory",
            home.dir().display()
        )));
    }
    home.make_keys()?;
    let store = Store::open_dir(home.dir())?;
    signing::load(&home.keys())?;
    let clock = Clock::driven(plan.begin());
    init::initialise(&store, &Controller::demo(), clock.now())?;
    let signer = audit::open(&store, &home.keys(), clock.now())?;
    let key = signer.vkey().clone();
    note(&format!("simulating {} days of {} patients…", plan.days, plan.patients));
    let mut world = world::World::begin(&store, clock, signer, plan)?;
    // Whoever dies here begins anew in an empty directory: only the whole must last.
    store.in_one_go(|| world.run())?;
    let mut summary = store.read(|view| summary::of(view, plan, &key))?;
    summary.telemetry = world.telemetry();
    summary.seconds = began.elapsed().as_secs();
    let users = world.users();
    let json = serde_json::to_vec_pretty(&users).map_err(|fault| Error::Failed(fault.to_string()))?;
    write_private(&home.dir().join(CREDENTIALS), &json)?;
    Ok((summary, users))
}

/// The stats of an ingest, as the summary shows them.
fn telemetry(stats: &Arc<ingest::Stats>) -> summary::Telemetry {
    use std::sync::atomic::Ordering::Relaxed;
    summary::Telemetry {
        readings: stats.readings.load(Relaxed),
        messages: stats.messages.load(Relaxed),
        refused: stats.refused.load(Relaxed),
    }
}
