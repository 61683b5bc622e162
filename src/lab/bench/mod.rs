//! `zelo bench`: the budgets of the design, measured on this machine beside what the machine could do at most.

mod audit;
mod engine;
mod growth;
mod heavier;
mod idle;
mod ingest;
mod kill;
mod late;
mod latency;
mod overload;
mod pages;
mod read;
mod red;
mod revoke;
pub(crate) mod rig;
mod siege;
mod start;

use std::io::Write;

use clap::{Args as Arguments, Subcommand};

use crate::house::Start;

/// What to measure.
#[derive(Debug, Arguments)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Readings a second, durable and answered, beside the bare store and the bare gateway
    Ingest(ingest::Args),
    /// Publish to PUBACK at a fixed rate
    Latency(latency::Args),
    /// Many connections that say nothing
    Idle(idle::Args),
    /// kill -9 under load: nothing acknowledged is lost, nothing is doubled
    Kill(kill::Args),
    /// Revocations against busy writers
    Revoke(revoke::Args),
    /// From the publish that completes a red to the red on an open dashboard
    Red(red::Args),
    /// Ten times what the house can take, for a minute
    Overload(overload::Args),
    /// What a device notices while a heavier text supersedes many grants
    Heavier(heavier::Args),
    /// What late data costs those who are on time
    Late(late::Args),
    /// Fifty million readings: bytes of each, a day read, a month drawn
    Read(read::Args),
    /// What a reading, or with --pages a page, costs with ten times the history
    Growth(growth::Args),
    /// From the start of a node to ready and warm, on a full journal
    Start(start::Args),
    /// Many deadlines due in the same minute: all handled, none twice
    Engine(engine::Args),
    /// Verifying the audit log, and proofs from it
    Audit(audit::Args),
    /// What honest devices notice of slow connections and of floods on foreign topics
    Siege(siege::Args),
    /// Those who lay siege
    #[command(hide = true)]
    Strangers(rig::strangers::Args),
    /// The load generator of the others
    #[command(hide = true)]
    Load(rig::load::Args),
    /// A house to be killed
    #[command(hide = true)]
    Node(rig::node::Args),
}

/// Options that every measurement has.
#[derive(Debug, Clone, Arguments)]
pub struct Common {
    /// A PostgreSQL server on which a database is made and dropped; without it SQLite in a temporary directory
    #[arg(long)]
    database_url: Option<String>,
    /// One JSON line instead of words
    #[arg(long)]
    json: bool,
}

/// Runs one. `start` is how the root starts a house.
///
/// # Errors
/// The machine, the database or the house failed; a promise was broken.
pub fn run(args: &Args, start: Start) -> anyhow::Result<()> {
    match &args.what {
        What::Ingest(args) => ingest::run(args, start),
        What::Latency(args) => latency::run(args, start),
        What::Idle(args) => idle::run(args, start),
        What::Kill(args) => kill::run(args),
        What::Revoke(args) => revoke::run(args, start),
        What::Red(args) => red::run(args, start),
        What::Overload(args) => overload::run(args, start),
        What::Heavier(args) => heavier::run(args, start),
        What::Late(args) => late::run(args, start),
        What::Read(args) => read::run(args),
        What::Growth(args) => growth::run(args, start),
        What::Start(args) => start::run(args),
        What::Engine(args) => engine::run(args, start),
        What::Audit(args) => audit::run(args),
        What::Siege(args) => siege::run(args, start),
        What::Strangers(args) => rig::strangers::run(args),
        What::Load(args) => rig::load::run(args),
        What::Node(args) => rig::node::run(args, start),
    }
}

/// One line of an answer.
fn say(line: &str) {
    let _gone = writeln!(std::io::stdout().lock(), "{line}");
}

/// Progress, on standard error.
fn note(line: &str) {
    let _gone = writeln!(std::io::stderr().lock(), "{line}");
}

/// The answer as JSON, or as words.
fn print(common: &Common, value: &impl serde::Serialize, words: &str) -> anyhow::Result<()> {
    if common.json {
        say(&serde_json::to_string(value)?)
    } else {
        say(words)
    }
    Ok(())
}
