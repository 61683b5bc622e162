//! The one writer of the log: whole past seconds of receipts become a `telemetry.batch` entry each, and entries
//! take their place in the order of their ids. Each step is one transaction: bundles, tiles, checkpoint and the
//! entries' places are there together or not at all, so a crash is cured by doing it again.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use ring::rand::SystemRandom;

use super::years::{self, Year};
use super::{Rows, broken, new_year, rows};
use crate::audit::receipts::{self, Second};
use crate::db::error::{Error, Result};
use crate::db::schema::{audit_checkpoints as checkpoints, audit_entries as entries, receipts_open as open};
use crate::keys::seal::Broken;
use crate::{Conn, Store, Tx, Urgency, View};
use audit::note::{Checkpoint, Signer};
use audit::tile::{Appender, Written};
use audit::{ActorKind, Entry, EntryType, Nonce};
use domain::Instant;
use domain::id::uuid_at;

const MODULE: &str = "seal";
/// Entries that one transaction places: a few milliseconds of writing.
const STEP: i64 = 1_024;
/// Rows of receipts that one transaction looks at.
const PARTS: i64 = 256;
/// Messages that one transaction packs, unless a single second has more.
const MESSAGES: usize = 30_000;
/// Of the checkpoints signed in one hour the last is kept.
const KEPT_EVERY: i64 = 3_600;

/// Sequences; holds the log's right edge from one cycle to the next.
pub struct Sequencer {
    signer: Signer,
    held: Option<OpenLog>,
}

pub(super) struct OpenLog {
    pub year: Year,
    pub signer: Signer,
    pub note: Option<String>,
    pub log: Appender,
}

/// What a cycle did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sequenced {
    /// Seconds of receipts packed.
    pub packed: usize,
    /// Entries placed in the log.
    pub placed: usize,
    /// Whether something was left for the next cycle.
    pub more: bool,
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

impl Sequencer {
    /// Takes the stored log up where it is.
    ///
    /// # Errors
    /// [`Error::Log`] when `signer` did not sign the newest checkpoint, or the stored tiles do not lead to it.
    pub fn begin(store: &Store, signer: Signer) -> Result<Self> {
        let held = store.read(|view| {
            let year = years::newest(view)?.ok_or_else(|| broken("the log was never opened"))?;
            let note = year.note(view)?.map(|(note, _)| note);
            resume(view, year, note, &signer)
        })?;
        Ok(Self { signer: held.signer.clone(), held: Some(held) })
    }

    /// The key that it signs with, under the name of the year that it last wrote.
    #[cfg(test)]
    pub(crate) const fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Packs the seconds before `now`, then places about `limit` entries at most. Does nothing while another
    /// node sequences.
    ///
    /// # Errors
    /// [`Error::Log`] when the stored log does not hold together; database errors. Nothing of the failed step
    /// is kept.
    pub fn sequence(&mut self, store: &Store, now: Instant, limit: usize) -> Result<Sequenced> {
        let mut out = Sequenced::default();
        if !store.read(|view| due(view, now))? {
            return Ok(out);
        }
        while out.packed < limit {
            let Some((packed, more)) = self.pack(store, now)? else { return Ok(out) };
            out.packed += packed;
            if !more {
                break;
            }
        }
        loop {
            let Some(step) = self.place(store, now)? else { return Ok(out) };
            out.placed += step.placed;
            if !step.more || out.placed >= limit {
                out.more = step.more;
                return Ok(out);
            }
        }
    }

    fn pack(&self, store: &Store, now: Instant) -> Result<Option<(usize, bool)>> {
        store.keep_house(Urgency::Patient, MODULE, now, |tx| {
            if !alone(tx)? {
                return Ok(None);
            }
            let waiting = receipts::waiting(tx, now.secs(), PARTS)?;
            let (mut packed, mut messages) = (0, 0);
            for second in &waiting {
                if packed > 0 && messages + second.pack.0.len() > MESSAGES {
                    return Ok(Some((packed, true)));
                }
                let entry = batch_entry(tx, second)?;
                receipts::pack(tx, second, entry)?;
                packed += 1;
                messages += second.pack.0.len();
            }
            Ok(Some((packed, packed > 0)))
        })
    }

    fn place(&mut self, store: &Store, now: Instant) -> Result<Option<Placed>> {
        let (signer, held) = (&self.signer, self.held.as_ref());
        let step = store.keep_house(Urgency::Patient, MODULE, now, |tx| {
            if !alone(tx)? { Ok(None) } else { step(tx, signer, held).map(Some) }
        });
        match step {
            Ok(Some((next, placed))) => {
                self.held = next.or_else(|| self.held.take());
                if let Some(held) = &self.held {
                    self.signer = held.signer.clone();
                }
                Ok(Some(placed))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.held = None;
                Err(error)
            }
        }
    }
}

/// What one transaction placed, and whether the next has work.
#[derive(Default)]
struct Placed {
    placed: usize,
    more: bool,
}

/// Whether there is anything to do: an idle log does not ask for a turn to write.
fn due(view: &mut View<'_>, now: Instant) -> Result<bool> {
    let placeless = entries::table.filter(entries::leaf.is_null()).select(entries::id).limit(1);
    if !placeless.load::<i64>(view.conn)?.is_empty() {
        return Ok(true);
    }
    if years::newest(view)?.is_some_and(|year| year.is_over(now)) {
        return Ok(true);
    }
    let over = open::second.lt(now.secs()).or(open::second.gt(now.secs() + receipts::AHEAD));
    let over = open::table.filter(over).select(open::id).limit(1);
    Ok(!over.load::<i64>(view.conn)?.is_empty())
}

/// Places the first waiting entries. `held` is what memory has of the log; another node may have gone on since. What
/// was written before the year ended is placed in its tree; then the tree is closed and the next one opened.
fn step(tx: &mut Tx<'_>, signer: &Signer, held: Option<&OpenLog>) -> Result<(Option<OpenLog>, Placed)> {
    let year = years::newest(tx)?.ok_or_else(|| broken("the log was never opened"))?;
    let mut waiting: Vec<(i64, i64, Option<Vec<u8>>)> = entries::table
        .filter(entries::leaf.is_null())
        .order(entries::id)
        .limit(STEP)
        .select((entries::id, entries::at, entries::entry))
        .load(tx.conn)?;
    let full = i64::try_from(waiting.len()).is_ok_and(|waiting| waiting == STEP);
    let mut over = year.is_over(tx.now());
    if over {
        let end = years::end_of(year.year).micros();
        let old = waiting.iter().take_while(|(_, at, _)| *at < end).count();
        over = old < waiting.len() || !full;
        waiting.truncate(old);
    }
    if waiting.is_empty() && !over {
        return Ok((None, Placed::default()));
    }
    let head = year.note(tx)?;
    let note = head.as_ref().map(|(note, _)| note.clone());
    let resumed;
    let held = match held.filter(|held| held.year == year && held.note == note) {
        Some(held) => held,
        None => {
            resumed = resume(tx, year, note, signer)?;
            &resumed
        }
    };
    let placed = waiting.len();
    let whole = |(id, _, bytes): (i64, i64, Option<Vec<u8>>)| {
        Ok((id, bytes.ok_or_else(|| Error::corrupt("audit_entries.entry").in_row(id))?))
    };
    let (ids, bytes): (Vec<i64>, Vec<Vec<u8>>) = waiting.into_iter().map(whole).collect::<Result<_>>()?;
    mark(tx, &ids, held.year.first + held.log.size())?;
    let before = head.map(|(_, at)| (held.log.size(), at));
    if over {
        let next = new_year::turn(tx, held, bytes, before)?;
        return Ok((Some(next), Placed { placed: placed + 2, more: true }));
    }
    let written = held.log.append(&bytes, &held.signer).map_err(broken)?;
    write(tx, held.year.year, &written, before)?;
    let (year, signer) = (held.year.clone(), held.signer.clone());
    let next = OpenLog { year, signer, note: Some(written.checkpoint), log: written.next };
    Ok((Some(next), Placed { placed, more: full }))
}

fn resume(view: &mut View<'_>, year: Year, note: Option<String>, signer: &Signer) -> Result<OpenLog> {
    let signer = year.signer(signer)?;
    let log = match &note {
        None => Appender::new(signer.vkey().name()),
        Some(text) => {
            let head = Checkpoint::open(text, signer.vkey()).map_err(broken)?;
            Appender::resume(&Rows::new(view, year.year), &head).map_err(broken)?
        }
    };
    Ok(OpenLog { year, signer, note, log })
}

/// The rows of one append to a year's tree; `before` is the checkpoint that it replaces: its size and instant.
pub(super) fn write(tx: &mut Tx<'_>, year: i64, written: &Written, before: Option<(u64, i64)>) -> Result<()> {
    for piece in written.bundles.iter().chain(&written.tiles) {
        rows::put(tx, year, piece)?;
    }
    let now = tx.now();
    diesel::insert_into(checkpoints::table)
        .values((
            checkpoints::year.eq(year),
            checkpoints::size.eq(rows::stored(written.head.size)?),
            checkpoints::at.eq(now.micros()),
            checkpoints::root.eq(written.head.root.as_slice()),
            checkpoints::note.eq(&written.checkpoint),
        ))
        .execute(tx.conn)?;
    let hour = |at: Instant| at.secs().div_euclid(KEPT_EVERY);
    if let Some((size, _)) = before.filter(|(_, at)| hour(Instant::from_micros(*at)) == hour(now)) {
        diesel::delete(checkpoints::table.find((year, rows::stored(size)?))).execute(tx.conn)?;
    }
    Ok(())
}

/// Gives the entries (ids ascending) their places from `first` on. Their bytes now live in the bundles.
fn mark(tx: &mut Tx<'_>, ids: &[i64], first: u64) -> Result<()> {
    let mut leaf = rows::stored(first)?;
    for run in ids.chunk_by(|id, next| *next == id + 1) {
        let (Some(from), Some(to)) = (run.first(), run.last()) else { continue };
        let waiting = entries::id.between(*from, *to).and(entries::leaf.is_null());
        let marked = diesel::update(entries::table.filter(waiting))
            .set((
                entries::leaf.eq((entries::id + (leaf - from)).nullable()),
                entries::entry.eq(None::<Vec<u8>>),
            ))
            .execute(tx.conn)?;
        if marked != run.len() {
            return Err(Error::Conflict("another sequencer placed these entries"));
        }
        leaf += to - from + 1;
    }
    Ok(())
}

/// Whether this transaction may sequence until it ends. On SQLite it is the one writer.
fn alone(tx: &mut Tx<'_>) -> Result<bool> {
    let Conn::Pg(conn) = &mut *tx.conn else { return Ok(true) };
    let taken: Taken = diesel::sql_query(
        "SELECT pg_try_advisory_xact_lock(hashtext('zelo.log'), hashtext(current_schema())) AS taken",
    )
    .get_result(conn)?;
    Ok(taken.taken)
}

/// Writes the entry of one second; returns its row.
fn batch_entry(tx: &mut Tx<'_>, second: &Second) -> Result<i64> {
    let now = tx.now();
    let nonce = Nonce::fresh(&SystemRandom::new()).map_err(|_unspecified| Broken::NoRandomness)?;
    let actor = audit::Actor { kind: ActorKind::System, tag: None };
    let mut entry = Entry::new(EntryType::TelemetryBatch, uuid_at(now), now, nonce, actor);
    entry.batch = Some(second.pack.batch(second.second));
    let bytes = entry.canonical().map_err(|refused| Error::Audit(refused.to_string()))?;
    let row = (
        entries::at.eq(now.micros()),
        entries::kind.eq(EntryType::TelemetryBatch.name()),
        entries::entry.eq(bytes),
    );
    Ok(diesel::insert_into(entries::table).values(row).returning(entries::id).get_result(tx.conn)?)
}
