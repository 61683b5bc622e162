//! Who looked at whom, and who was refused (Lei 13.787 art. 4; LGPD arts. 18 and 37): in the log before anything is
//! shown, one entry per viewer, patient and thing in five minutes. A list is one entry that names those it showed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use diesel::prelude::*;

use crate::db::conn::insert_all;
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::schema::{audit_bodies, looks};
use crate::keys::seal::Place;
use crate::patients::audience::Audience;
use crate::{Act, Actor, Store, Tx, View, patients};
use domain::{Instant, PatientId, Role, UserId};

/// How long one entry speaks for further looks.
pub(crate) const COVERS: Duration = Duration::from_secs(300);

/// What of a person is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// Who they are: a name, or the record of a name.
    Identity,
    /// How they are reached.
    Contacts,
    /// What they answered, and when.
    Consents,
    /// Alerts about them, and what was done.
    Alerts,
    /// What was measured, and what was set aside of it.
    Readings,
    /// Who looked at them.
    Looks,
    /// Who stands behind a pseudonym.
    Reveal,
    /// All that is stored about them, exported.
    Export,
    /// A file that is attached to something of theirs: each time that it is handed out.
    Attachments,
}

impl What {
    /// Everything that can be looked at.
    pub const ALL: [Self; 9] = [
        Self::Identity,
        Self::Contacts,
        Self::Consents,
        Self::Alerts,
        Self::Readings,
        Self::Looks,
        Self::Reveal,
        Self::Export,
        Self::Attachments,
    ];

    /// The name in the log and in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Contacts => "contacts",
            Self::Consents => "consents",
            Self::Alerts => "alerts",
            Self::Readings => "readings",
            Self::Looks => "looks",
            Self::Reveal => "reveal",
            Self::Export => "export",
            Self::Attachments => "attachments",
        }
    }

    /// From the name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.name() == name)
    }

    /// The purpose under which it is shown; the rest stands on the care contract and on the law's own duties.
    pub(crate) const fn purpose(self) -> Option<&'static str> {
        match self {
            // Files are attached to alerts alone.
            Self::Alerts | Self::Readings | Self::Attachments => Some("alert.evaluate"),
            _ => None,
        }
    }
}

/// One look at one person, or one that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Look {
    /// At whom.
    pub patient: PatientId,
    /// At what.
    pub what: What,
    /// The code that refused it.
    pub refused: Option<&'static str>,
}

impl Look {
    const fn code(&self) -> &'static str {
        match self.refused {
            Some(code) => code,
            None => "",
        }
    }
}

/// Makes sure that looks are in the log before their data goes out; `list` names the list that showed them.
///
/// # Errors
/// Database errors: then nothing may be shown.
pub fn witness(
    store: &Store,
    viewer: Actor,
    list: Option<&str>,
    seen: &BTreeSet<Look>,
    now: Instant,
) -> Result<()> {
    let fresh = store.read(|view| uncovered(view, viewer, seen, now))?;
    if fresh.is_empty() {
        return Ok(());
    }
    store.write(viewer, now, |tx| record(tx, list, &fresh))
}

/// Whether an entry still speaks for this look.
///
/// # Errors
/// Database errors.
pub fn is_covered(view: &mut View<'_>, viewer: Actor, look: Look, now: Instant) -> Result<bool> {
    Ok(uncovered(view, viewer, &BTreeSet::from([look]), now)?.is_empty())
}

/// The looks that no entry speaks for, each with the patient's number. Whoever does not exist was not looked at.
fn uncovered(
    view: &mut View<'_>,
    viewer: Actor,
    seen: &BTreeSet<Look>,
    now: Instant,
) -> Result<Vec<(i64, Look)>> {
    let since = now.micros().saturating_sub(i64::try_from(COVERS.as_micros()).unwrap_or(i64::MAX));
    let rows: Vec<(i64, String, String)> = looks::table
        .filter(looks::viewer.eq(viewer.name()))
        .filter(looks::at.gt(since).and(looks::at.le(now.micros())))
        .select((looks::patient_key, looks::what, looks::code))
        .load(view.conn)?;
    let spoken: HashSet<(i64, &str, &str)> =
        rows.iter().map(|(key, what, code)| (*key, what.as_str(), code.as_str())).collect();
    let mut fresh = Vec::new();
    let mut keys: BTreeMap<PatientId, Option<i64>> = BTreeMap::new();
    for look in seen {
        let key = match keys.get(&look.patient) {
            Some(key) => *key,
            None => {
                let key = match patients::key_of(view, look.patient) {
                    Ok(key) => Some(key),
                    Err(Error::NotFound(_)) => None,
                    Err(error) => return Err(error),
                };
                keys.insert(look.patient, key);
                key
            }
        };
        if let Some(key) = key.filter(|key| !spoken.contains(&(*key, look.what.name(), look.code()))) {
            fresh.push((key, *look));
        }
    }
    Ok(fresh)
}

/// Writes looks down: one entry for one person, one for all whom a list showed.
///
/// # Errors
/// Database errors.
pub fn record(tx: &mut Tx<'_>, list: Option<&str>, fresh: &[(i64, Look)]) -> Result<()> {
    for (code, seen) in by_answer(fresh) {
        let role = save(tx, &seen)?;
        let mut act = Act::new("access.read").decided(code.is_empty());
        if !code.is_empty() {
            act = act.code(code);
        }
        if let Some(purpose) = seen.iter().find_map(|(_, look)| look.what.purpose()) {
            act = act.purpose(purpose);
        }
        let act = match (seen.first(), is_list(&seen)) {
            (Some((_, only)), false) => {
                let names: Vec<&str> = seen.iter().map(|(_, look)| look.what.name()).collect();
                act.patient(only.patient).body(serde_json::json!({ "role": role, "what": names }))
            }
            _ => act.body(serde_json::json!({ "role": role, "list": list, "seen": named(&seen) })),
        };
        tx.audit(&act)?;
    }
    Ok(())
}

/// Puts the rows of one entry in the table; the role of whoever looked, as entry and rows have it.
pub(crate) fn save(tx: &mut Tx<'_>, seen: &[(i64, Look)]) -> Result<&'static str> {
    let (viewer, now) = (tx.actor().name(), tx.now());
    let role = match tx.actor() {
        Actor::User { role, .. } => role.name(),
        Actor::Device(_) | Actor::System(_) | Actor::Operator => "",
    };
    let listed = is_list(seen);
    let rows: Vec<Row<'_>> = seen
        .iter()
        .map(|(key, look)| Row {
            patient_key: *key,
            viewer: &viewer,
            role,
            what: look.what.name(),
            code: look.code(),
            listed,
            at: now.micros(),
        })
        .collect();
    insert_all!(tx, looks::table, rows);
    Ok(role)
}

/// Whether several people were shown at once.
fn is_list(seen: &[(i64, Look)]) -> bool {
    seen.first().is_some_and(|(key, _)| seen.iter().any(|(other, _)| other != key))
}

/// At what of whom a list looked, as its entry keeps it.
fn named(seen: &[(i64, Look)]) -> Seen {
    let mut named = Seen::new();
    for (_, look) in seen {
        named.entry(look.what.name().to_owned()).or_default().push(look.patient);
    }
    named
}

/// By what was seen, of whom.
type Seen = BTreeMap<String, Vec<PatientId>>;

/// By the code that refused, or none: the looks of one entry.
fn by_answer(fresh: &[(i64, Look)]) -> BTreeMap<&'static str, Vec<(i64, Look)>> {
    let mut answers: BTreeMap<&'static str, Vec<(i64, Look)>> = BTreeMap::new();
    for (key, look) in fresh {
        answers.entry(look.code()).or_default().push((*key, *look));
    }
    answers
}

#[derive(Insertable)]
#[diesel(table_name = looks)]
struct Row<'a> {
    patient_key: i64,
    viewer: &'a str,
    role: &'a str,
    what: &'a str,
    code: &'a str,
    listed: bool,
    at: i64,
}

/// A look as the person is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedAccess {
    /// Its place: pass it as `before` for what came earlier.
    pub id: i64,
    /// At whom, by number.
    pub patient_key: i64,
    /// When.
    pub at: Instant,
    /// By whom; `None` for the program and its operator.
    pub viewer: Option<UserId>,
    /// As what.
    pub role: Option<Role>,
    /// At what.
    pub what: What,
    /// The code that refused it.
    pub refused: Option<String>,
    /// As one of several in a list.
    pub listed: bool,
}

/// Who looked at a patient, the newest first, before the place `before`.
///
/// # Errors
/// Database errors.
pub fn of_patient(
    view: &mut View<'_>,
    patient_key: i64,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<NotedAccess>> {
    let rows: Vec<Raw> = looks::table
        .filter(looks::patient_key.eq(patient_key).and(looks::id.lt(before.unwrap_or(i64::MAX))))
        .order(looks::id.desc())
        .limit(limit)
        .select(COLUMNS)
        .load(view.conn)?;
    rows.into_iter().map(from_row).collect()
}

/// Who looked at anybody of an audience, the newest first, before the place `before`; without the reader's own looks at looks, which
/// each reading of this list adds to.
///
/// # Errors
/// Database errors.
pub fn newest(
    view: &mut View<'_>,
    audience: &Audience,
    reader: Actor,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<NotedAccess>> {
    let others = looks::viewer.ne(reader.name()).or(looks::what.ne(What::Looks.name()));
    let mut rows = looks::table
        .filter(looks::id.lt(before.unwrap_or(i64::MAX)).and(others))
        .order(looks::id.desc())
        .limit(limit)
        .select(COLUMNS)
        .into_boxed();
    if let Some(within) = audience.within("looks.patient_key") {
        rows = rows.filter(within);
    }
    rows.load::<Raw>(view.conn)?.into_iter().map(from_row).collect()
}

pub(super) type Raw = (i64, i64, String, String, String, String, bool, i64);

pub(super) const COLUMNS: (
    looks::id,
    looks::patient_key,
    looks::viewer,
    looks::role,
    looks::what,
    looks::code,
    looks::listed,
    looks::at,
) = (
    looks::id,
    looks::patient_key,
    looks::viewer,
    looks::role,
    looks::what,
    looks::code,
    looks::listed,
    looks::at,
);

pub(super) fn from_row((id, patient_key, viewer, role, what, code, listed, at): Raw) -> Result<NotedAccess> {
    Ok(NotedAccess {
        id,
        patient_key,
        at: Instant::from_micros(at),
        viewer: viewer.strip_prefix("user:").and_then(|id| id.parse().ok()),
        role: Role::from_name(&role),
        what: What::from_name(&what).ok_or(Error::corrupt("looks.what")).in_row(id)?,
        refused: Some(code).filter(|code| !code.is_empty()),
        listed,
    })
}

/// What the sealed body of a look says of it.
#[derive(Debug, Default, serde::Deserialize)]
pub(crate) struct LookBody {
    /// As what somebody looked; entries from before roles were stored have none.
    #[serde(default)]
    pub role: Option<String>,
    /// At what of the one person whom the entry is about.
    #[serde(default)]
    pub what: Vec<String>,
    /// At what of whom, in a list.
    #[serde(default)]
    pub seen: Seen,
    /// Whom a list showed: entries from before it stated what of whom.
    #[serde(default)]
    patients: Vec<PatientId>,
}

impl LookBody {
    /// Whom a list showed.
    pub(crate) fn listed(&self) -> impl Iterator<Item = PatientId> {
        self.seen.values().flatten().chain(&self.patients).copied()
    }
}

/// Whom the body of a look at a list names.
///
/// # Errors
/// Database errors. What cannot be read names nobody: the verification of the log says so.
pub(crate) fn listed(view: &mut View<'_>, entry: &audit::Entry) -> Result<Vec<PatientId>> {
    let Some(body) = entry.body else { return Ok(Vec::new()) };
    let row = audit_bodies::table.find(body.hash.0.as_slice()).select(audit_bodies::bytes);
    let Some(sealed) = row.get_result::<Vec<u8>>(view.conn).optional()? else { return Ok(Vec::new()) };
    let id = entry.id.to_string();
    match view.open_json::<LookBody>(Place::new("audit_bodies", "bytes", &id), &sealed) {
        Ok(look) => Ok(look.listed().collect()),
        Err(Error::Sealed(..) | Error::Corrupt(_)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
