//! `zelo audit`: verify, export, prove and show the key of the audit log.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use crate::cli::desk::{Desk, read};
use crate::cli::error::{Error, Result};
use crate::cli::out::Out;
use crate::cli::revocations;
use crate::config::Options;
use audit::note::{Vkey, claimed_origin};
use audit::tile::Dir;
use audit::verify::{Report, verify_dir};
use domain::{Clock, DeviceId, Instant, PatientId, Signal};
use store::audit as log;
use store::home::Home;
use store::privacy::withdrawals;

/// `zelo audit`.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Recompute the log and hold consents and readings against it; exit code 0 whole, 1 broken, 2 unusable
    Verify {
        /// An exported bundle, instead of (or beside) this data directory
        #[arg(long, value_name = "DIR")]
        bundle: Option<PathBuf>,
        /// An earlier checkpoint that the log must still contain
        #[arg(long, value_name = "CHECKPOINT")]
        since: Option<PathBuf>,
        /// The log's key, got another way than with the bundle; or a file of known keys, one a line. A bundle needs it
        /// unless it is verified beside its own data directory
        #[arg(long, value_name = "KEY_OR_FILE", env = "ZELO_AUDIT_VKEY")]
        vkey: Option<String>,
    },
    /// Say who you are and why the database was restored: until then `audit verify` and `doctor` are red
    Acknowledge {
        /// Your name, as it goes into the log
        #[arg(long = "by", value_name = "NAME")]
        name: String,
        /// Why it was restored, and what became of what was lost
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Write the log in the layout that public tools read
    Export {
        /// An empty or new directory
        #[arg(long = "out", value_name = "DIR")]
        to: PathBuf,
        /// Only with this patient's entries named
        #[arg(long, value_name = "ID")]
        patient: Option<String>,
    },
    /// Prove that an entry, or a reading, is in the log
    Prove {
        /// The entry's index
        #[arg(long, value_name = "N")]
        entry: Option<u64>,
        /// The reading's patient
        #[arg(long, value_name = "ID")]
        patient: Option<String>,
        /// The reading's signal
        #[arg(long)]
        signal: Option<String>,
        /// The reading's instant, RFC 3339
        #[arg(long)]
        at: Option<String>,
        /// The reading's device
        #[arg(long, value_name = "ID")]
        device: Option<String>,
    },
    /// The public key that checkpoints are verified with
    Key,
}

pub(in crate::cli) fn run(options: &Options, command: &Audit, out: Out, clock: &Clock) -> Result<()> {
    match command {
        Audit::Verify { bundle, since, vkey } => {
            let asked = Asked { bundle: bundle.as_deref(), since: since.as_deref(), vkey: vkey.as_deref() };
            verify(options, asked, out, clock)
        }
        Audit::Acknowledge { name, reason } => acknowledge(&Desk::open(options, out, clock)?, name, reason),
        Audit::Export { to, patient } => export(&Desk::open(options, out, clock)?, to, patient.as_deref()),
        Audit::Prove { entry, patient, signal, at, device } => {
            let desk = Desk::open(options, out, clock)?;
            match (entry, patient, signal, at, device) {
                (Some(entry), None, None, None, None) => prove_entry(&desk, *entry),
                (None, Some(patient), Some(signal), Some(at), Some(device)) => {
                    prove_reading(&desk, patient, signal, at, device)
                }
                _ => Err(Error::Usage("name one --entry, or --patient, --signal, --at and --device".into())),
            }
        }
        Audit::Key => {
            let desk = Desk::open(options, out, clock)?;
            let key = log::load(&desk.store, &desk.home.keys())?.vkey().to_string();
            out.say(&json!({ "vkey": key }), &key);
            Ok(())
        }
    }
}

/// What is to be verified, and against what.
#[derive(Clone, Copy)]
struct Asked<'a> {
    bundle: Option<&'a Path>,
    since: Option<&'a Path>,
    vkey: Option<&'a str>,
}

/// The keys that an auditor knows: one as text, or a file of them, one a line; empty lines and `#` are left out.
pub(in crate::cli) fn known_keys(asked: &str) -> Result<Vec<Vkey>> {
    let text = match asked.parse::<Vkey>() {
        Ok(key) => return Ok(vec![key]),
        Err(_no_key) => std::fs::read_to_string(asked),
    };
    let text =
        text.map_err(|why| Error::Usage(format!("--vkey {asked}: neither a key nor a file: {why}")))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let read =
        |line: &str| line.parse().map_err(|why| Error::Usage(format!("--vkey {asked}: {line:?}: {why}")));
    lines.map(read).collect()
}

fn acknowledge(desk: &Desk, name: &str, reason: &str) -> Result<()> {
    if name.trim().is_empty() || reason.trim().is_empty() {
        return Err(Error::Usage("an acknowledgement has a name and a reason".into()));
    }
    desk.write(|tx| withdrawals::acknowledge(tx, name.trim(), reason.trim()))?;
    desk.out.say(&json!({ "acknowledged": true }), "Entered in the log.");
    Ok(())
}

fn verify(options: &Options, asked: Asked<'_>, out: Out, clock: &Clock) -> Result<()> {
    // Whatever keeps a verdict from being given is code 2; code 1 is the verdict that it is broken.
    let report = verdict(options, asked, out, clock);
    let report = report.map_err(|why| Error::Usage(format!("the audit log cannot be judged: {why}")))?;
    out.say(&report, &words(&report));
    if report.ok { Ok(()) } else { Err(Error::Failed("the audit log does not hold".into())) }
}

fn verdict(options: &Options, asked: Asked<'_>, out: Out, clock: &Clock) -> Result<Report> {
    let keys = asked.vkey.map(known_keys).transpose()?;
    let since = asked
        .since
        .map(|path| {
            std::fs::read_to_string(path).map_err(|why| Error::Usage(format!("{}: {why}", path.display())))
        })
        .transpose()?;
    let here = Home::existing(&options.data_dir).is_ok_and(|home| home.database().exists());
    match asked.bundle {
        // An auditor has a bundle and no database. A key out of the bundle itself would prove nothing.
        Some(dir) if !here || keys.is_some() => {
            let keys = keys.ok_or_else(|| {
                Error::Usage(
                    "say with --vkey which key the log has: the organisation gave it to you another way, and `audit \
                     export` printed it"
                        .into(),
                )
            })?;
            let dir = Dir(dir.to_owned());
            verify_dir(&dir, &keys, since.as_deref()).map_err(|why| Error::Usage(why.to_string()))
        }
        _ => {
            let desk = Desk::open(options, out, clock)?;
            let key = log::load(&desk.store, &desk.home.keys())?.vkey().clone();
            let bundle = asked.bundle.map(|dir| Dir(dir.to_owned()));
            let stored = revocations::signed_head(desk.home.dir())?;
            let earlier: Vec<&str> = since.iter().chain(&stored).map(String::as_str).collect();
            Ok(log::verify(&desk.store, &key, bundle.as_ref(), &earlier)?)
        }
    }
}

fn words(report: &Report) -> String {
    match &report.first_break {
        None => format!("whole: {} entries, root {}", report.size, report.root),
        Some(found) => {
            let place = found.index.map_or_else(String::new, |index| format!(" at entry {index}"));
            format!("BROKEN{place}: {}", found.what)
        }
    }
}

fn export(desk: &Desk, to: &Path, patient: Option<&str>) -> Result<()> {
    let scope = match patient {
        Some(patient) => log::Scope::Patient(read::<PatientId>("patient", patient)?),
        None => log::Scope::Log,
    };
    let signer = log::load(&desk.store, &desk.home.keys())?;
    let head = log::export(&desk.store, &signer, &Dir(to.to_owned()), scope)?;
    let vkey = signer.vkey().to_string();
    let words = format!(
        "{} entries in {}; VERIFY.md there says how to check them. Hand over the key another way:\n{vkey}",
        head.size,
        to.display()
    );
    desk.out.say(&json!({ "size": head.size, "origin": head.origin, "vkey": vkey }), &words);
    Ok(())
}

fn prove_entry(desk: &Desk, entry: u64) -> Result<()> {
    let key = log::load(&desk.store, &desk.home.keys())?.vkey().clone();
    let proof = desk.store.read(|view| log::proof_of_entry(view, &key, entry))?;
    desk.out.say(&json!({ "entry": entry, "proof": proof }), &proof);
    Ok(())
}

fn prove_reading(desk: &Desk, patient: &str, signal: &str, at: &str, device: &str) -> Result<()> {
    let key = log::load(&desk.store, &desk.home.keys())?.vkey().clone();
    let patient = read::<PatientId>("patient", patient)?;
    let device = read::<DeviceId>("device", device)?;
    let signal = Signal::from_name(signal)
        .ok_or_else(|| Error::Usage(format!("--signal {signal} is not a signal of the contract")))?;
    let at =
        Instant::parse(at).ok_or_else(|| Error::Usage(format!("--at {at} is not an RFC 3339 instant")))?;
    let proof = desk.store.read(|view| log::proof_of_reading(view, &key, patient, signal, at, device))?;
    // The reading may be of an earlier year, whose log has its own name.
    let of_year = key.named(claimed_origin(&proof.leaf.checkpoint));
    let of_year = of_year.map_err(|broken| Error::Failed(broken.to_string()))?;
    let (batch, head) = proof.verify(&of_year).map_err(|broken| Error::Failed(broken.to_string()))?;
    let words = format!(
        "the reading's receipt is message {} of second {} (leaf root {}), in the log of {} entries",
        proof.position,
        batch.second,
        hex::encode(batch.root),
        head.size
    );
    let json = json!({
        "origin": head.origin, "second": batch.second, "position": proof.position, "receipt": hex::encode(proof.message.receipt),
        "root": hex::encode(batch.root), "size": head.size, "leaf": proof.leaf.to_string(),
    });
    desk.out.say(&json, &words);
    Ok(())
}
