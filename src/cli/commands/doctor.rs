//! `zelo doctor`: what would go wrong on this machine, reported before it does.

use serde::Serialize;

use crate::cli::certificates;
use crate::cli::error::{Error, Result};
use crate::cli::out::Out;
use crate::cli::revocations::{self, Known};
use crate::config::Options;
use domain::certificate::{self, Certificate};
use domain::{Clock, Instant};
use store::db::settings;
use store::health::nodes::Clocks;
use store::health::standing::ANNOUNCED_FROM_MS;
use store::health::{clock, lapses};
use store::home::Home;
use store::keys::kek::Keks;
use store::keys::signing;
use store::privacy::withdrawals;
use store::{Store, audit};

#[derive(Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    says: String,
}

/// Fewest descriptors for 10,000 devices with room for the rest.
const DESCRIPTORS: u64 = 20_000;

/// Prints every finding.
///
/// # Errors
/// [`Error::Failed`] when one of them is bad.
pub(in crate::cli) fn run(options: &Options, out: Out, clock: &Clock) -> Result<()> {
    let mut findings = vec![time(clock), descriptors()];
    findings.extend(certificates(options, clock.now()));
    match Home::existing(&options.data_dir) {
        Err(fault) => findings.push(bad("data_dir", fault.to_string())),
        Ok(home) => {
            findings.push(disk(&home));
            findings.extend(keys(&home));
            findings.extend(database(options, &home, clock));
        }
    }
    for finding in &findings {
        let mark = if finding.ok { "ok " } else { "BAD" };
        out.say(finding, &format!("{mark}  {:<12} {}", finding.check, finding.says));
    }
    match findings.iter().filter(|finding| !finding.ok).count() {
        0 => Ok(()),
        n => Err(Error::Failed(format!("{n} finding(s) need a hand: see the lines marked BAD"))),
    }
}

const fn good(check: &'static str, says: String) -> Finding {
    Finding { check, ok: true, says }
}

const fn bad(check: &'static str, says: String) -> Finding {
    Finding { check, ok: false, says }
}

fn time(clock: &Clock) -> Finding {
    let now = clock.now();
    // 2025-11-22: an earlier time lies before this program existed, so the clock was never set.
    if now < Instant::from_secs(1_763_769_600) {
        return bad(
            "clock",
            format!("{now}: set the clock (NTP), readings would be refused as from the future"),
        );
    }
    good("clock", format!("{now}"))
}

fn descriptors() -> Finding {
    // The shell's limit as Linux tells it; elsewhere it is not known here.
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|rest| rest.split_whitespace().next());
    match soft.map(|soft| (soft, soft.parse::<u64>())) {
        Some((_, Ok(limit))) if limit < DESCRIPTORS => {
            bad("descriptors", format!("{limit}: 10,000 devices need {DESCRIPTORS}, raise it with ulimit -n"))
        }
        Some((soft, _)) => good("descriptors", soft.to_owned()),
        None => good("descriptors", "not known on this system".to_owned()),
    }
}

/// Whether those who connect will know this node yet, in a week's time at least.
fn certificates(options: &Options, now: Instant) -> Vec<Finding> {
    const CHECK: &str = "certificate";
    let read = match certificates::read(options) {
        Ok(read) => read,
        Err(fault) => return vec![bad(CHECK, fault.to_string())],
    };
    let finding = |one: &Certificate| match one.words(now) {
        Some(words) if one.left(now) < certificate::NOW => bad(CHECK, words),
        Some(words) => good(CHECK, words),
        None => good(CHECK, format!("{}: good until {}", one.door.name(), one.not_after)),
    };
    read.iter().map(finding).collect()
}

fn disk(home: &Home) -> Finding {
    let probe = home.dir().join("doctor.probe");
    let wrote = std::fs::write(&probe, vec![0_u8; 1_048_576]).and_then(|()| std::fs::remove_file(&probe));
    match wrote {
        Ok(()) => good("disk", format!("{} takes a write", home.dir().display())),
        Err(source) => bad("disk", format!("{} refuses a write: {source}", home.dir().display())),
    }
}

fn keys(home: &Home) -> Vec<Finding> {
    let dir = home.keys();
    let keks = match Keks::load(&dir) {
        Ok(keks) => {
            good("keys", format!("{} epoch(s), the newest is {}", keks.fingerprints().count(), keks.newest()))
        }
        Err(fault) => bad("keys", fault.to_string()),
    };
    let tokens = match signing::load(&dir) {
        Ok(_) => good("token key", "signs".to_owned()),
        Err(fault) => bad("token key", fault.to_string()),
    };
    vec![keks, tokens, private(&dir)]
}

#[cfg(unix)]
fn private(dir: &std::path::Path) -> Finding {
    use std::os::unix::fs::PermissionsExt;
    let open = std::fs::read_dir(dir).into_iter().flatten().flatten().filter(|file| {
        file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o077 != 0)
    });
    let open: Vec<String> = open.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    if open.is_empty() {
        good("key files", "readable by their owner only".to_owned())
    } else {
        bad("key files", format!("others can read {}: chmod 600", open.join(", ")))
    }
}

#[cfg(not(unix))]
fn private(_: &std::path::Path) -> Finding {
    good("key files", "permissions are not known on this system".to_owned())
}

fn database(options: &Options, home: &Home, clock: &Clock) -> Vec<Finding> {
    let store = Keks::load(&home.keys()).and_then(|keks| Store::open(&options.database, keks));
    let store = match store {
        Ok(store) => store,
        Err(fault) => return vec![bad("database", fault.to_string())],
    };
    let apart = apart(&store, clock);
    let now = clock.now();
    vec![
        good("schema", "fits this program".to_owned()),
        apart,
        steps(&store, now),
        lapses(&store),
        seal(&store, home, now),
        restored(&store, home),
        officer(&store),
    ]
}

/// Whether patients are told whom to ask about their data (LGPD art. 41 §1).
fn officer(store: &Store) -> Finding {
    match store.read(settings::officer) {
        Err(fault) => bad("dpo", fault.to_string()),
        Ok(None) => bad(
            "dpo",
            "the patients' page names no data protection officer: PUT /api/v1/organisation/dpo as DPO or administrator"
                .into(),
        ),
        Ok(Some(officer)) => good("dpo", format!("{}, {}", officer.name, officer.contact)),
    }
}

/// Whether a restore waits for a named person, or happened behind the program's back.
fn restored(store: &Store, home: &Home) -> Finding {
    let path = home.dir().join(revocations::FILE);
    let known = if path.exists() { revocations::read(&path, &home.keys()) } else { Ok(Known::default()) };
    let here = store.read(|view| Ok((withdrawals::unacknowledged(view)?, audit::newest_note(view)?)));
    match (known, here) {
        (Err(fault), _) => bad("restore", fault.to_string()),
        (_, Err(fault)) => bad("restore", fault.to_string()),
        (_, Ok((Some(at), _))) => bad(
            "restore",
            format!("the database was restored at {at} and nobody acknowledged it: zelo audit acknowledge"),
        ),
        (Ok(known), Ok((None, here))) if revocations::is_behind(here.as_deref(), known.head.as_deref()) => bad(
            "restore",
            "the database is older than revocations.log: it was put back by hand; the next start replays what is missing"
                .into(),
        ),
        _ => good("restore", "none waits to be acknowledged".into()),
    }
}

/// Whether this machine's clock and the database's are so far apart that it is reported.
fn apart(store: &Store, clock: &Clock) -> Finding {
    match Clocks::set(store, clock) {
        Err(fault) => bad("database clock", fault.to_string()),
        Ok(clocks) if clocks.off_ms().abs() >= ANNOUNCED_FROM_MS => bad(
            "database clock",
            format!(
                "this machine's clock is off by {} ms beside the database's: look at the time service (NTP) of both",
                clocks.off_ms()
            ),
        ),
        Ok(clocks) => good("database clock", format!("this machine's is off by {} ms", clocks.off_ms())),
    }
}

/// Whether the clock is behind what was written, and whether it was stepped lately.
fn steps(store: &Store, now: Instant) -> Finding {
    match store.read(|view| Ok((clock::written(view)?, clock::last_step(view, now)?))) {
        Err(fault) => bad("clock step", fault.to_string()),
        Ok((Some(last), _)) if last.since(now) > clock::BEHIND => bad(
            "clock step",
            format!(
                "the last entry is {} s ahead of this clock: set it (NTP) before starting",
                last.since(now).as_secs()
            ),
        ),
        Ok((_, Some(step))) => bad(
            "clock step",
            format!(
                "the clock was stepped by {} ms at {}: look at the time service (NTP)",
                step.by_ms, step.at
            ),
        ),
        Ok((_, None)) => good("clock step", "none in the last day".to_owned()),
    }
}

/// Whether something planned for a red alert was not done when somebody last looked.
fn lapses(store: &Store) -> Finding {
    let found = store.read(|view| {
        let standing = lapses::standing(view)?;
        Ok((standing.len(), lapses::of_red(view, &standing)?))
    });
    match found {
        Err(fault) => bad("lapses", fault.to_string()),
        Ok((_, 0)) => good("lapses", "nothing planned for a red alert is late".to_owned()),
        Ok((all, red)) => bad(
            "lapses",
            format!(
                "{red} of {all} late plans are about a red alert: see who was to be called on the status page"
            ),
        ),
    }
}

/// A stopped node seals nothing: the age is reported and not judged.
fn seal(store: &Store, home: &Home, now: Instant) -> Finding {
    let key = match audit::load(store, &home.keys()) {
        Ok(key) => key,
        Err(fault) => return bad("seal", fault.to_string()),
    };
    match store.read(|view| audit::head(view, key.vkey())) {
        Err(fault) => bad("seal", fault.to_string()),
        Ok(None) => good("seal", "the log has no entry yet".to_owned()),
        Ok(Some(head)) => {
            let age = now.since(head.at).as_secs();
            good("seal", format!("{} entries, last signed {age} s ago, at {}", head.entries(), head.at))
        }
    }
}
