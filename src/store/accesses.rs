//! Who looked at whom, and who was refused (Lei 13.787 art. 4; LGPD arts. 18 and 37): in the log before anything is
//! shown, one entry per viewer, patient and thing in five minutes. A list is one entry that names those it showed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use diesel::prelude::*;

use super::conn::insert_all;
use super::error::{Error, Result};
use super::schema::{audit_bodies, looks};
use super::seal::Place;
use super::{Act, Actor, Store, Tx, View, patients};
use crate::audit;
use crate::domain::{Instant, PatientId, Role, UserId};

/// How long one entry speaks for further looks.
pub const COVERS: Duration = Duration::from_secs(300);

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
}

impl What {
    /// Everything that can be looked at.
    pub const ALL: [Self; 6] =
        [Self::Identity, Self::Contacts, Self::Consents, Self::Alerts, Self::Readings, Self::Looks];

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
        }
    }

    /// From the name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.name() == name)
    }

    /// The purpose under which it is shown; the rest stands on the care contract and on the law's own duties.
    const fn purpose(self) -> Option<&'static str> {
        match self {
            Self::Alerts | Self::Readings => Some("alert.evaluate"),
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
    let (viewer, now) = (tx.actor().name(), tx.now());
    let role = match tx.actor() {
        Actor::User { role, .. } => role.name(),
        Actor::Device(_) | Actor::System(_) | Actor::Operator => "",
    };
    let listed = fresh.iter().map(|(_, look)| look.patient).collect::<BTreeSet<_>>().len() > 1;
    let rows: Vec<Row<'_>> = fresh
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
    for (code, (patients, what)) in by_answer(fresh) {
        let names: Vec<&str> = what.iter().map(|what| what.name()).collect();
        let mut act = Act::new("access.read").decided(code.is_empty());
        if !code.is_empty() {
            act = act.code(code);
        }
        if let Some(purpose) = what.iter().find_map(|what| what.purpose()) {
            act = act.purpose(purpose);
        }
        let act = match (patients.first(), patients.len()) {
            (Some(only), 1) => act.patient(*only).body(serde_json::json!({ "what": names })),
            _ => act.body(serde_json::json!({ "list": list, "what": names, "patients": patients })),
        };
        tx.audit(&act)?;
    }
    Ok(())
}

/// By the code that refused, or none: at whom, and at what of them.
type Answers = BTreeMap<&'static str, (BTreeSet<PatientId>, BTreeSet<What>)>;

fn by_answer(fresh: &[(i64, Look)]) -> Answers {
    let mut answers = Answers::new();
    for (_, look) in fresh {
        let (patients, what) = answers.entry(look.code()).or_default();
        patients.insert(look.patient);
        what.insert(look.what);
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
pub struct Told {
    /// Its place: pass it as `before` for what came earlier.
    pub id: i64,
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
) -> Result<Vec<Told>> {
    type Raw = (i64, String, String, String, String, bool, i64);
    let rows: Vec<Raw> = looks::table
        .filter(looks::patient_key.eq(patient_key).and(looks::id.lt(before.unwrap_or(i64::MAX))))
        .order(looks::id.desc())
        .limit(limit)
        .select((looks::id, looks::viewer, looks::role, looks::what, looks::code, looks::listed, looks::at))
        .load(view.conn)?;
    let told = |(id, viewer, role, what, code, listed, at): Raw| {
        Ok(Told {
            id,
            at: Instant::from_micros(at),
            viewer: viewer.strip_prefix("user:").and_then(|id| id.parse().ok()),
            role: Role::from_name(&role),
            what: What::from_name(&what).ok_or(Error::Corrupt("looks.what"))?,
            refused: Some(code).filter(|code| !code.is_empty()),
            listed,
        })
    };
    rows.into_iter().map(told).collect()
}

/// Whom the body of a look at a list names.
///
/// # Errors
/// Database errors. What cannot be read names nobody: the verification of the log says so.
pub(in crate::store) fn listed(view: &mut View<'_>, entry: &audit::Entry) -> Result<Vec<PatientId>> {
    #[derive(serde::Deserialize)]
    struct Names {
        #[serde(default)]
        patients: Vec<PatientId>,
    }
    let Some(body) = entry.body else { return Ok(Vec::new()) };
    let row = audit_bodies::table.find(body.hash.0.as_slice()).select(audit_bodies::bytes);
    let Some(sealed) = row.get_result::<Vec<u8>>(view.conn).optional()? else { return Ok(Vec::new()) };
    let id = entry.id.to_string();
    match view.open_json::<Names>(Place::new("audit_bodies", "bytes", &id), &sealed) {
        Ok(names) => Ok(names.patients),
        Err(Error::Sealed(_) | Error::Corrupt(_)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
