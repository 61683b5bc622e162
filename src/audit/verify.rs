//! Recomputes a whole log from its entries and says where it first breaks: every leaf, every tile, the root, the
//! signature, and that an earlier checkpoint is still part of its past.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::bundle;
use super::entry::Entry;
use super::jcs;
use super::merkle::{self, Hash};
use super::note::{Checkpoint, NoteError, Vkey, claimed_origin};
use super::restores::Restores;
use super::tile::edge::Grown;
use super::tile::{Bundle, Dir, Edge, FULL, Place, Row, TileReader, Unreadable, hashes, places, tiles};
use super::years::{End, joined};

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether everything holds.
    pub ok: bool,
    /// Entries, as the checkpoint says.
    pub size: u64,
    /// The root, as the checkpoint says, in base64.
    pub root: String,
    /// Where it first breaks.
    pub first_break: Option<Break>,
}

/// Where a log breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Break {
    /// The first entry concerned; none when the break is in the checkpoint, or cannot be placed.
    pub index: Option<u64>,
    /// What is wrong, in words.
    pub what: String,
}

/// Why no verdict can be given.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Something cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The verifier key is none.
    #[error("the verifier key cannot be used: {0}; compare it with the copy you got from the organisation")]
    Key(#[from] NoteError),
}

/// Where an export keeps the logs of the years before the newest, each in a directory named for its year.
pub const EARLIER: &str = "logs";

/// Verifies an exported directory with one of `keys`, got out of band under any year's name: every file under the signed
/// list, the newest log and, where the export has them, those of the years before and the seams between them. `since` is
/// an earlier checkpoint of any of them. In the report `size` and `index` count through all years that are there.
///
/// # Errors
/// [`Unusable`] when the directory cannot be read.
pub fn verify_dir(dir: &Dir, keys: &[Vkey], since: Option<&str>) -> Result<Report, Unusable> {
    let covered = bundle::check(dir, keys)?;
    let walked = walk_dir(dir, keys, since);
    match covered {
        Ok(()) => walked,
        // The walk says at which entry; what it does not look at, the list says.
        Err(what) => Ok(match walked {
            Ok(report) if !report.ok => report,
            _ => Report::broken(None, Break::at(None, what)),
        }),
    }
}

fn walk_dir(dir: &Dir, keys: &[Vkey], since: Option<&str>) -> Result<Report, Unusable> {
    let years = dir.within(EARLIER)?;
    let (mut before, mut older) = (0, None::<Walked>);
    let mut restores = Restores::default();
    let mut unmet = since;
    for (last, of) in years.iter().map(|of| (false, of)).chain([(true, dir)]) {
        let vkey: Vkey = of.text("vkey.txt")?.parse()?;
        if !keys.iter().any(|key| key.same_key(&vkey)) {
            let what = "vkey.txt is not the key that you gave: the export is not from that log";
            return Ok(Report::broken(None, Break { index: None, what: what.into() }));
        }
        let note = of.text("checkpoint")?;
        let ours = unmet.filter(|since| last || claimed_origin(since) == vkey.name());
        if ours.is_some() {
            unmet = None;
        }
        let mut ends = (Vec::new(), Vec::new());
        let size = before;
        let mut report = verify(of, &note, &vkey, ours, |place, bytes| {
            if let Ok(entry) = Entry::read(bytes) {
                restores.see(Some(size + place), entry.kind);
            }
            if place == 0 {
                ends.0 = bytes.to_vec();
            }
            ends.1.clear();
            ends.1.extend_from_slice(bytes);
        })?;
        report.size += before;
        if let Some(found) = &mut report.first_break {
            found.index = found.index.map(|place| place + before);
            if !years.is_empty() {
                found.what = format!("{}: {}", vkey.name(), found.what);
            }
            return Ok(report);
        }
        let head = Checkpoint::open(&note, &vkey)?;
        let newer = Walked { vkey, head, first: ends.0, last: ends.1 };
        if let Some(what) = older.as_ref().and_then(|older| older.seam(&newer, dir).err()) {
            let report = Report { ok: false, first_break: Some(Break::at(Some(before), what)), ..report };
            return Ok(report);
        }
        if last {
            return Ok(match restores.open() {
                Some(found) => Report { ok: false, first_break: Some(found), ..report },
                None => report,
            });
        }
        (before, older) = (report.size, Some(newer));
    }
    Ok(Report::broken(None, Break::at(None, "the export holds no log".into())))
}

/// One year's log that holds, and its entries at the seams.
struct Walked {
    vkey: Vkey,
    head: Checkpoint,
    first: Vec<u8>,
    last: Vec<u8>,
}

impl Walked {
    fn seam(&self, newer: &Self, dir: &Dir) -> Result<(), String> {
        let older = End { vkey: &self.vkey, head: &self.head, entry: &self.last };
        let newer = End { vkey: &newer.vkey, head: &newer.head, entry: &newer.first };
        joined(&older, &newer, |hash| dir.bytes(&format!("bodies/{}", hex::encode(hash.0))))
    }
}

/// Verifies the log in `reader` under its signed `checkpoint`. `since` is an earlier signed checkpoint of the same
/// log. `entry` sees each entry that holds, in order, so that a caller can fold what the entries say.
///
/// # Errors
/// [`Unreadable`] when storage fails; a break is not an error but a [`Report`].
pub fn verify<R: TileReader + ?Sized>(
    reader: &R,
    checkpoint: &str,
    key: &Vkey,
    since: Option<&str>,
    mut entry: impl FnMut(u64, &[u8]),
) -> Result<Report, Unreadable> {
    let head = match Checkpoint::open(checkpoint, key) {
        Ok(head) => head,
        Err(why) => return Ok(Report::broken(None, Break::at(None, format!("checkpoint: {why}")))),
    };
    let earlier = match since.map(|note| Checkpoint::open(note, key)).transpose() {
        Ok(earlier) => earlier,
        Err(why) => {
            return Ok(Report::broken(Some(&head), Break::at(None, format!("earlier checkpoint: {why}"))));
        }
    };
    let mut walk = Walk { reader, size: head.size, edge: Edge::default(), stored: HashMap::new() };
    let found = walk.run(&head, earlier.as_ref(), &mut entry)?;
    Ok(found.map_or_else(|| Report::whole(&head), |broken| Report::broken(Some(&head), broken)))
}

impl Report {
    fn whole(head: &Checkpoint) -> Self {
        Self { ok: true, size: head.size, root: STANDARD.encode(head.root), first_break: None }
    }

    fn broken(head: Option<&Checkpoint>, at: Break) -> Self {
        let (size, root) = head.map_or((0, String::new()), |head| (head.size, STANDARD.encode(head.root)));
        Self { ok: false, size, root, first_break: Some(at) }
    }
}

impl Break {
    const fn at(index: Option<u64>, what: String) -> Self {
        Self { index, what }
    }
}

/// One pass over all entries.
struct Walk<'r, R: TileReader + ?Sized> {
    reader: &'r R,
    size: u64,
    edge: Edge,
    /// The stored tile of each level that the walk is in.
    stored: HashMap<u8, (u64, Vec<Hash>)>,
}

impl<R: TileReader + ?Sized> Walk<'_, R> {
    fn run(
        &mut self,
        head: &Checkpoint,
        earlier: Option<&Checkpoint>,
        entry: &mut impl FnMut(u64, &[u8]),
    ) -> Result<Option<Break>, Unreadable> {
        if let Some(earlier) = earlier.filter(|earlier| earlier.size > head.size) {
            let what = format!("the log had {} entries and now has {}", earlier.size, head.size);
            return Ok(Some(Break::at(Some(head.size), what)));
        }
        for place in places(Row::Entries, head.size) {
            if let Some(found) = self.bundle(place, earlier, entry)? {
                return Ok(Some(found));
            }
        }
        Ok(self.rewritten(earlier).or_else(|| {
            let what = "the entries do not lead to the checkpoint's root";
            (self.edge.root() != head.root).then(|| Break::at(None, what.into()))
        }))
    }

    fn bundle(
        &mut self,
        place: Place,
        earlier: Option<&Checkpoint>,
        entry: &mut impl FnMut(u64, &[u8]),
    ) -> Result<Option<Break>, Unreadable> {
        let Some(bytes) = self.reader.read(place)? else {
            return Ok(Some(Break::at(Some(self.edge.size()), format!("{place} is missing"))));
        };
        self.load_tiles(place)?;
        let mut entries = Bundle::new(&bytes);
        for _ in 0..place.width {
            if let Some(found) = self.rewritten(earlier) {
                return Ok(Some(found));
            }
            let index = self.edge.size();
            let Some(bytes) = entries.next() else {
                return Ok(Some(Break::at(Some(index), format!("{place} ends before this entry"))));
            };
            if let Some(found) = self.leaf(index, bytes) {
                return Ok(Some(found));
            }
            entry(index, bytes);
        }
        let spare = place.width == FULL && !entries.rest().is_empty();
        let what = || Break::at(Some(self.edge.size() - 1), format!("{place} goes on after its last entry"));
        Ok(spare.then(what))
    }

    /// Reads the stored tiles that the entries of this bundle grow.
    fn load_tiles(&mut self, bundle: Place) -> Result<(), Unreadable> {
        for level in 0..8_u8 {
            let index = bundle.index >> (8 * u32::from(level));
            if self.stored.get(&level).is_some_and(|(stored, _)| *stored == index) {
                continue;
            }
            let items = self.size >> (8 * u32::from(level));
            let width =
                u16::try_from(items.saturating_sub(index * u64::from(FULL))).unwrap_or(FULL).min(FULL);
            let place = Place { row: Row::Level(level), index, width };
            let bytes = if width == 0 { None } else { self.reader.read(place)? };
            let bytes = bytes.filter(|bytes| width < FULL || bytes.len() == usize::from(FULL) * 32);
            let tile =
                bytes.map(|bytes| hashes(&bytes, (bytes.len() / 32).min(256).try_into().unwrap_or(FULL)));
            self.stored.insert(level, (index, tile.flatten().unwrap_or_default()));
        }
        Ok(())
    }

    /// Hashes one entry and holds every hash that comes to be against its tile.
    fn leaf(&mut self, index: u64, bytes: &[u8]) -> Option<Break> {
        let (stored, mut found) = (&self.stored, None);
        self.edge.push(merkle::leaf(bytes), |grown| {
            if found.is_none() {
                found = differs(stored, grown);
            }
        });
        found.or_else(|| {
            let why = jcs::check(bytes).err()?;
            Some(Break::at(Some(index), format!("the entry is not canonical: {why}")))
        })
    }

    fn rewritten(&self, earlier: Option<&Checkpoint>) -> Option<Break> {
        let earlier = earlier.filter(|earlier| earlier.size == self.edge.size())?;
        let what = format!("the first {} entries are not those of the earlier checkpoint", earlier.size);
        (self.edge.root() != earlier.root).then(|| Break::at(None, what))
    }
}

/// Whether the newest hash of a tile is not the stored one.
fn differs(stored: &HashMap<u8, (u64, Vec<Hash>)>, grown: Grown<'_>) -> Option<Break> {
    let at = grown.tile.len() - 1;
    let (_, tile) = stored.get(&grown.level)?;
    let width = u64::try_from(at).unwrap_or(u64::MAX);
    let first = (grown.index * u64::from(FULL) + width) << (8 * u32::from(grown.level));
    let place = Place { row: Row::Level(grown.level), index: grown.index, width: FULL };
    match tile.get(at) {
        Some(hash) if grown.tile.last() == Some(hash) => None,
        Some(_) => Some(Break::at(Some(first), format!("hash {at} of {place} is not that of the entries"))),
        None => Some(Break::at(Some(first), format!("{place} is missing or has the wrong length"))),
    }
}

/// How many files a log of `size` entries has.
#[must_use]
pub fn pieces(size: u64) -> usize {
    tiles(size).count() + places(Row::Entries, size).count()
}
