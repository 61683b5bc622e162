//! `zelo bench`: the budgets of the design, measured on this machine beside what the machine could do at most.

mod audit;
mod child;
mod idle;
mod ingest;
mod kill;
mod latency;
mod limits;
mod load;
mod measure;
mod meter;
mod node;
mod revoke;
mod seed;
mod site;
mod wire;

use std::io::Write;

use clap::{Args as Arguments, Subcommand};

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
    /// Verifying the audit log, and proofs from it
    Audit(audit::Args),
    /// The load generator of the others
    #[command(hide = true)]
    Load(load::Args),
    /// A house to be killed
    #[command(hide = true)]
    Node(node::Args),
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

/// Runs one.
///
/// # Errors
/// The machine, the database or the house failed; a promise was broken.
pub fn run(args: &Args) -> anyhow::Result<()> {
    match &args.what {
        What::Ingest(args) => ingest::run(args),
        What::Latency(args) => latency::run(args),
        What::Idle(args) => idle::run(args),
        What::Kill(args) => kill::run(args),
        What::Revoke(args) => revoke::run(args),
        What::Audit(args) => audit::run(args),
        What::Load(args) => load::run(args),
        What::Node(args) => node::run(args),
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
fn tell(common: &Common, value: &impl serde::Serialize, words: &str) -> anyhow::Result<()> {
    if common.json {
        say(&serde_json::to_string(value)?)
    } else {
        say(words)
    }
    Ok(())
}
