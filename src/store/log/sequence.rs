//! The one writer of the log: whole past seconds of receipts become a `telemetry.batch` entry each, and entries
//! take their place in the order of their ids. Each step is one transaction: bundles, tiles, checkpoint and the
//! entries' places are there together or not at all, so a crash is cured by doing it again.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use ring::rand::SystemRandom;

use super::{Rows, broken, newest, rows};
use crate::audit::note::{Checkpoint, Signer};
use crate::audit::tile::{Appender, Written};
use crate::audit::{self, ActorKind, Entry, EntryType, Nonce};
use crate::domain::Instant;
use crate::domain::id::uuid_at;
use crate::store::error::{Error, Result};
use crate::store::receipts::{self, Second};
use crate::store::schema::{
    audit_checkpoints as checkpoints, audit_entries as entries, receipts_open as open,
};
use crate::store::seal::Broken;
use crate::store::{Conn, Store, Tx, Urgency, View};

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
    held: Option<Held>,
}

struct Held {
    note: Option<String>,
    log: Appender,
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
            let note = newest(view)?.map(|(note, _)| note);
            resume(&Rows::new(view), note, &signer)
        })?;
        Ok(Self { signer, held: Some(held) })
    }

    /// The key that it signs with.
    #[must_use]
    pub const fn signer(&self) -> &Signer {
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
            let Some(placed) = self.place(store, now)? else { return Ok(out) };
            out.placed += placed;
            let full = i64::try_from(placed).is_ok_and(|placed| placed == STEP);
            if !full || out.placed >= limit {
                out.more = full;
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

    fn place(&mut self, store: &Store, now: Instant) -> Result<Option<usize>> {
        let (signer, held) = (&self.signer, self.held.as_ref());
        let step = store.keep_house(Urgency::Patient, MODULE, now, |tx| {
            if !alone(tx)? { Ok(None) } else { step(tx, signer, held).map(Some) }
        });
        match step {
            Ok(Some((next, placed))) => {
                self.held = next.or_else(|| self.held.take());
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

/// Whether there is anything to do: an idle log does not ask for a turn to write.
fn due(view: &mut View<'_>, now: Instant) -> Result<bool> {
    let placeless = entries::table.filter(entries::leaf.is_null()).select(entries::id).limit(1);
    if !placeless.load::<i64>(view.conn)?.is_empty() {
        return Ok(true);
    }
    let over = open::table.filter(open::second.lt(now.secs())).select(open::id).limit(1);
    Ok(!over.load::<i64>(view.conn)?.is_empty())
}

/// Places the first waiting entries. `held` is what memory has of the log; another node may have gone on since.
fn step(tx: &mut Tx<'_>, signer: &Signer, held: Option<&Held>) -> Result<(Option<Held>, usize)> {
    let waiting: Vec<(i64, Option<Vec<u8>>)> = entries::table
        .filter(entries::leaf.is_null())
        .order(entries::id)
        .limit(STEP)
        .select((entries::id, entries::entry))
        .load(tx.conn)?;
    if waiting.is_empty() {
        return Ok((None, 0));
    }
    let head = newest(tx)?;
    let note = head.as_ref().map(|(note, _)| note.clone());
    let resumed;
    let log = match held.filter(|held| held.note == note) {
        Some(held) => &held.log,
        None => {
            resumed = resume(&Rows::new(tx), note, signer)?;
            &resumed.log
        }
    };
    let (ids, bytes): (Vec<i64>, Vec<Option<Vec<u8>>>) = waiting.into_iter().unzip();
    let bytes = bytes.into_iter().collect::<Option<Vec<_>>>().ok_or(Error::Corrupt("audit_entries.entry"))?;
    let written = log.append(&bytes, signer).map_err(broken)?;
    write(tx, &written, head.map(|(_, at)| (log.size(), at)))?;
    mark(tx, &ids, written.first)?;
    Ok((Some(Held { note: Some(written.checkpoint), log: written.next }), ids.len()))
}

fn resume(rows: &Rows<'_, '_>, note: Option<String>, signer: &Signer) -> Result<Held> {
    let log = match &note {
        None => Appender::new(signer.vkey().name()),
        Some(text) => {
            let head = Checkpoint::open(text, signer.vkey()).map_err(broken)?;
            Appender::resume(rows, &head).map_err(broken)?
        }
    };
    Ok(Held { note, log })
}

/// The rows of one append; `before` is the checkpoint that it replaces: its size and instant.
fn write(tx: &mut Tx<'_>, written: &Written, before: Option<(u64, i64)>) -> Result<()> {
    for piece in written.bundles.iter().chain(&written.tiles) {
        rows::put(tx, piece)?;
    }
    let now = tx.now();
    diesel::insert_into(checkpoints::table)
        .values((
            checkpoints::size.eq(rows::stored(written.head.size)?),
            checkpoints::at.eq(now.micros()),
            checkpoints::root.eq(written.head.root.as_slice()),
            checkpoints::note.eq(&written.checkpoint),
        ))
        .execute(tx.conn)?;
    let hour = |at: Instant| at.secs().div_euclid(KEPT_EVERY);
    if let Some((size, _)) = before.filter(|(_, at)| hour(Instant::from_micros(*at)) == hour(now)) {
        diesel::delete(checkpoints::table.find(rows::stored(size)?)).execute(tx.conn)?;
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
