//! `zelo backup`, `zelo restore` and `zelo migrate`: what is saved, what comes back, and what must not.

use std::path::Path;

use serde_json::json;

use crate::cli::args;
use crate::cli::error::{Error, Result};
use crate::cli::out::{Out, note};
use crate::cli::revocations::{self, Known};
use crate::config::Options;
use domain::{Clock, Instant};
use store::db::migrate;
use store::db::snapshot::{self, Manifest};
use store::health::nodes::Clocks;
use store::health::schema;
use store::home::{Home, make_private, whereabouts};
use store::keys::kek::Keks;
use store::privacy::replay;
use store::privacy::withdrawals::{Believed, Restored};
use store::{Store, Url};

pub(in crate::cli) fn backup(options: &Options, to: &Path, out: Out, clock: &Clock) -> Result<()> {
    let _home = Home::existing(&options.data_dir)?;
    let manifest = save(&options.database, to, clock.now())?;
    let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
    let words = format!(
        "{} file(s), {bytes} bytes, in {}. Keys are not in it: keep them elsewhere.",
        manifest.files.len(),
        to.display()
    );
    out.say(&manifest, &words);
    Ok(())
}

fn save(database: &Url, to: &Path, now: Instant) -> Result<Manifest> {
    make_private(to)?;
    let mut inside = std::fs::read_dir(to).map_err(|source| Error::io("cannot read", to, &source))?;
    if inside.next().is_some() {
        return Err(Error::Refused(format!(
            "{} is not empty: a snapshot goes into an empty directory",
            to.display()
        )));
    }
    Ok(snapshot::take(database, to, now)?)
}

pub(in crate::cli) fn restore(
    options: &Options,
    asked: &args::Restore,
    out: Out,
    clock: &Clock,
) -> Result<()> {
    let home = Home::existing(&options.data_dir)?;
    let keks = Keks::load(&home.keys())?;
    let (newer, believed) = match &asked.revocations {
        Some(path) if !path.exists() => {
            return Err(Error::Missing(format!("there is no {}", path.display())));
        }
        Some(path) if asked.unproven => {
            note(
                "WARNING: the lines of revocations.log are taken without proof. Whoever wrote the file decides what stays \
                 revoked; the log says that it was so.",
            );
            (revocations::read_unproven(path, &home.keys())?, Believed::Unproven)
        }
        Some(path) => (revocations::read(path, &home.keys())?, Believed::Proven),
        None => {
            note(
                "WARNING: restoring without revocations.log. Every consent revoked, person blocked, device or token \
                 disabled and key destroyed after the snapshot is back as it was; the log says that it was so.",
            );
            (Known::default(), Believed::Nothing)
        }
    };
    let manifest = snapshot::check(&asked.from)?;
    let unfinished = home.begin_restore()?;
    snapshot::put_back(&asked.from, &manifest, &options.database)?;
    let store = Store::open(&options.database, keks)?;
    Clocks::set(&store, clock)?;
    let now = clock.now();
    let restored = Restored {
        taken_at: Some(manifest.taken_at),
        lost: newer.head,
        revocations: believed,
        ..Restored::default()
    };
    let restored = replay::replay(&store, &newer.withdrawn, restored, now)?;
    revocations::begin_again(home.dir(), now)?;
    revocations::catch_up(&store, home.dir())?;
    unfinished.done()?;
    let words = format!(
        "Restored the state of {}; {} newer withdrawal(s) took hold again, {} concern what the snapshot does not hold. \
         Every session and every one-time link has ended. `audit verify` and `doctor` stay red until somebody says who \
         they are and why: zelo audit acknowledge --by NAME --reason TEXT",
        manifest.taken_at, restored.replayed, restored.beyond
    );
    out.say(&restored, &words);
    Ok(())
}

pub(in crate::cli) fn migrate(
    options: &Options,
    asked: &args::Migrate,
    out: Out,
    clock: &Clock,
) -> Result<()> {
    let home = Home::existing(&options.data_dir)?;
    let ran = bring_up(options, &home, asked.backup.as_deref(), clock)?;
    out.say(&json!({ "migrated": ran }), &format!("{ran} schema version(s) applied."));
    Ok(())
}

/// Applies what is missing, after a snapshot; says how many versions.
pub(in crate::cli) fn bring_up(
    options: &Options,
    home: &Home,
    to: Option<&Path>,
    clock: &Clock,
) -> Result<usize> {
    let (now, here) = (clock.now(), whereabouts(&options.data_dir));
    match migrate::fit_of(&options.database)? {
        migrate::Fit::Current => return Ok(0),
        migrate::Fit::Behind(_) => {
            schema::require_alone(&options.database, &here)?;
            let usual = home.dir().join(format!("backup-before-migration-{}", now.secs()));
            let to = to.unwrap_or(&usual);
            save(&options.database, to, now)?;
            note(&format!("backup: {}", to.display()));
        }
        migrate::Fit::Empty | migrate::Fit::Ahead(_) => {}
    }
    Ok(schema::run(&options.database, &here)?)
}
