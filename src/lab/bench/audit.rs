//! `zelo bench audit`: entries a second that an outsider verifies, and how long a proof takes.

use std::time::Instant;

use serde::Serialize;

use super::rig::meter::{Histogram, rate};
use super::rig::site::Site;
use super::{Common, note, print};
use domain::{Clock, DeviceIdentity};
use store::audit::{self as log, Rows, Sequencer};
use store::{Actor, devices};

const GROUP: usize = 2_000;
const PROOFS: u64 = 1_000;

/// How to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Entries in the log
    #[arg(long, default_value_t = 100_000)]
    entries: usize,
}

#[derive(Serialize)]
struct Seen {
    backend: &'static str,
    leaves: u64,
    sequenced_s: u64,
    verified_s: u64,
    proof_p50_us: u64,
    proof_p99_us: u64,
    /// `zelo audit verify`: the leaves and the tables under them, in milliseconds.
    whole_ms: u128,
}

/// Runs it.
///
/// # Errors
/// The database failed, or the log does not verify.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let site = Site::fresh(args.common.database_url.as_deref())?;
    let now = Clock::System.now();
    let signer = log::open(&site.store, &site.dir().join("keys"), now)?;
    let key = signer.vkey().clone();
    let identity = DeviceIdentity { label: "bench".into(), model: "bench".into(), serial: None };
    for from in (0..args.entries).step_by(GROUP) {
        site.store.write(Actor::System("bench"), now, |tx| {
            (from..args.entries.min(from + GROUP)).try_for_each(|_| devices::insert(tx, &identity).map(drop))
        })?;
    }
    note(&format!("{} entries written", args.entries));
    let mut sequencer = Sequencer::begin(&site.store, signer)?;
    let began = Instant::now();
    while sequencer.sequence(&site.store, Clock::System.now(), usize::MAX)?.more {}
    let sequenced = began.elapsed();
    let head = site.store.read(|view| log::head(view, &key))?;
    let head = head.ok_or_else(|| anyhow::anyhow!("the log was not sealed"))?;
    let leaves = head.checkpoint.size;
    let began = Instant::now();
    let report = site.store.read(|view| {
        let rows = Rows::new(view, head.year);
        Ok(audit::verify::verify(&rows, &head.note, &key, None, |_, _| ()))
    })??;
    let verified = began.elapsed();
    anyhow::ensure!(report.ok && report.size == leaves, "the log does not verify: {report:?}");
    let mut proofs = Histogram::default();
    for n in 0..PROOFS.min(leaves) {
        let leaf = n.wrapping_mul(7_919) % leaves;
        let began = Instant::now();
        site.store.read(|view| log::proof_of_entry(view, &key, leaf))?;
        proofs.add(began.elapsed());
    }
    let began = Instant::now();
    let whole = log::verify(&site.store, &key, None, &[])?;
    anyhow::ensure!(whole.ok, "the log does not fit its tables: {whole:?}");
    let seen = Seen {
        backend: site.backend(),
        leaves,
        sequenced_s: rate(leaves, sequenced),
        verified_s: rate(leaves, verified),
        proof_p50_us: proofs.quantile(500),
        proof_p99_us: proofs.quantile(990),
        whole_ms: began.elapsed().as_millis(),
    };
    let words = format!(
        "{} · {} leaves\n  sequenced {}/s, verified {}/s; a proof p50 {} µs, p99 {} µs; audit verify with its tables {} ms",
        seen.backend,
        seen.leaves,
        seen.sequenced_s,
        seen.verified_s,
        seen.proof_p50_us,
        seen.proof_p99_us,
        seen.whole_ms,
    );
    print(&args.common, &seen, &words)
}
