//! Settings that change rarely and are answered for: policies, schedules, calendars, templates, teams. A version is
//! never changed; what was in force at 03:12 last March can be shown, with its author and whoever approved it.

mod callable;

use diesel::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::schema::versions::dsl as v;
use crate::db::tx::act::Act;
use crate::db::tx::{Tx, View};
use domain::line::NotALine;
use domain::{Instant, Label, UserId};

/// What is stored in versions.
pub trait Versioned: Serialize + DeserializeOwned {
    /// The kind's name in the store, the log and the signal.
    const KIND: &'static str;

    /// The people whom it calls by name.
    fn called(&self) -> Vec<UserId> {
        Vec::new()
    }

    /// The schedules and teams that it calls: their kind and lasting id.
    fn names(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    /// Whether two people may make this of what reds lean on.
    ///
    /// # Errors
    /// [`Error::Refused`]; database errors.
    fn fits_reds(&self, _view: &mut View<'_>, _name: &str, _now: Instant) -> Result<()> {
        Ok(())
    }

    /// Whether it may be put down under a name; what was put down before is read all the same.
    ///
    /// # Errors
    /// [`Error::Refused`]; database errors.
    fn check(&self, _view: &mut View<'_>, _name: &str, _now: Instant) -> Result<()> {
        Ok(())
    }
}

/// One version of a setting and who stands behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version<T> {
    /// The setting's lasting id.
    pub name: String,
    /// Counts up from 1.
    pub version: u32,
    /// What it says.
    pub body: T,
    /// Who wrote it, as [`crate::Actor::name`] writes it.
    pub author: String,
    /// When.
    pub proposed_at: Instant,
    /// Who put it in force.
    pub approver: Option<String>,
    /// Since when it is in force; `None`: it is a proposal, or was refused.
    pub in_force_at: Option<Instant>,
    /// When it was refused.
    pub refused_at: Option<Instant>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::versions)]
struct Row {
    name: String,
    version: i64,
    body: String,
    author: String,
    proposed_at: i64,
    approver: Option<String>,
    in_force_at: Option<i64>,
    refused_at: Option<i64>,
}

impl Row {
    fn read<T: Versioned>(self) -> Result<Version<T>> {
        let row = format!("{}:{}:{}", T::KIND, self.name, self.version);
        self.parse().in_row(row)
    }

    fn parse<T: Versioned>(self) -> Result<Version<T>> {
        Ok(Version {
            name: self.name,
            version: u32::try_from(self.version).map_err(|_range| Error::corrupt("versions.version"))?,
            body: body(&self.body)?,
            author: self.author,
            proposed_at: Instant::from_micros(self.proposed_at),
            approver: self.approver,
            in_force_at: self.in_force_at.map(Instant::from_micros),
            refused_at: self.refused_at.map(Instant::from_micros),
        })
    }
}

/// A body as it was written down. Names from before they were checked are read without what is not seen in them: a
/// schedule that could not be read would call nobody.
fn body<T: Versioned>(text: &str) -> Result<T> {
    let corrupt = |_shape| Error::corrupt("versions.body");
    serde_json::from_str(text).or_else(|_shape| {
        let mut value: Value = serde_json::from_str(text).map_err(corrupt)?;
        mend(&mut value);
        serde_json::from_value(value).map_err(corrupt)
    })
}

fn mend(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Err(NotALine::Unseen | NotALine::Long(_)) = text.parse::<Label>() {
                *text = Label::mended(text).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mend),
        Value::Object(members) => members.values_mut().for_each(mend),
        _ => {}
    }
}

/// Puts a version in force now on its author's word. `seen` is the version it was made from, 0 for a new setting.
///
/// # Errors
/// [`Error::Stale`] when another was written since.
pub fn publish<T: Versioned>(tx: &mut Tx<'_>, name: &str, body: &T, seen: u32) -> Result<u32> {
    let version = append::<T>(tx, name, body, seen, true)?;
    tx.audit(&Act::new("config.approved").body(entry_of::<T>(name, version)))?;
    tx.signal("config.changed", T::KIND)?;
    Ok(version)
}

/// Writes a version that waits for a second person.
///
/// # Errors
/// [`Error::Stale`] when another was written since.
pub fn propose<T: Versioned>(tx: &mut Tx<'_>, name: &str, body: &T, seen: u32) -> Result<u32> {
    callable::is_there(tx, body)?;
    let now = tx.now();
    body.fits_reds(tx, name, now)?;
    let version = append::<T>(tx, name, body, seen, false)?;
    tx.audit(&Act::new("config.proposed").body(entry_of::<T>(name, version)))?;
    tx.signal("config.changed", T::KIND)?;
    Ok(version)
}

/// A second person puts a proposal in force.
///
/// # Errors
/// [`Error::Refused`] `E_FOUR_EYES` when its author tries; [`Error::Conflict`] when it is decided already, or a newer
/// one is in force; [`Error::NotFound`].
pub fn approve<T: Versioned>(tx: &mut Tx<'_>, name: &str, version: u32) -> Result<()> {
    let proposal = waiting::<T>(tx, name, version)?;
    if proposal.author == tx.actor().name() {
        return Err(Error::Refused {
            code: "E_FOUR_EYES",
            what: "whoever proposed it cannot approve it: ask a second person",
        });
    }
    // A role, a schedule or a team may have changed since it was proposed.
    callable::may_answer(tx, &proposal.body)?;
    callable::is_there(tx, &proposal.body)?;
    let now = tx.now();
    proposal.body.fits_reds(tx, name, now)?;
    if in_force::<T>(tx, name, now)?.is_some_and(|now| now.version > version) {
        return Err(Error::Conflict("a newer version is in force: propose it anew"));
    }
    let (approver, now) = (tx.actor().name(), tx.now().micros());
    diesel::update(v::versions.find((T::KIND, name, i64::from(version))))
        .set((v::approver.eq(approver), v::in_force_at.eq(now)))
        .execute(tx.conn)?;
    tx.audit(&Act::new("config.approved").body(entry_of::<T>(name, version)))?;
    tx.signal("config.changed", T::KIND)
}

/// A second person, or the author, takes a proposal off the table.
///
/// # Errors
/// [`Error::Conflict`] when it is decided already; [`Error::NotFound`].
pub fn refuse<T: Versioned>(tx: &mut Tx<'_>, name: &str, version: u32) -> Result<()> {
    waiting::<T>(tx, name, version)?;
    let now = tx.now().micros();
    diesel::update(v::versions.find((T::KIND, name, i64::from(version))))
        .set(v::refused_at.eq(now))
        .execute(tx.conn)?;
    tx.audit(&Act::new("config.refused").body(entry_of::<T>(name, version)))?;
    tx.signal("config.changed", T::KIND)
}

/// Puts a first version in force, unless the setting is there.
///
/// # Errors
/// Database errors.
pub fn seed<T: Versioned>(tx: &mut Tx<'_>, name: &str, body: &T) -> Result<()> {
    match newest(tx, T::KIND, name)? {
        0 => publish(tx, name, body, 0).map(drop),
        _ => Ok(()),
    }
}

/// What was in force at an instant.
///
/// # Errors
/// Database errors.
pub fn in_force<T: Versioned>(view: &mut View<'_>, name: &str, at: Instant) -> Result<Option<Version<T>>> {
    let row = v::versions
        .filter(v::kind.eq(T::KIND).and(v::name.eq(name)).and(v::in_force_at.le(at.micros())))
        .order(v::version.desc())
        .select(Row::as_select())
        .first(view.conn)
        .optional()?;
    row.map(Row::read).transpose()
}

/// The number of the version in force now; 0 when there is none.
///
/// # Errors
/// Database errors.
pub(crate) fn newest_in_force(view: &mut View<'_>, kind: &str, name: &str) -> Result<i64> {
    let newest: Option<i64> = v::versions
        .filter(v::kind.eq(kind).and(v::name.eq(name)).and(v::in_force_at.is_not_null()))
        .select(diesel::dsl::max(v::version))
        .get_result(view.conn)?;
    Ok(newest.unwrap_or(0))
}

/// Every setting of a kind as it was in force at an instant, by name.
///
/// # Errors
/// Database errors.
pub fn all_in_force<T: Versioned>(view: &mut View<'_>, at: Instant) -> Result<Vec<Version<T>>> {
    let rows = v::versions
        .filter(v::kind.eq(T::KIND).and(v::in_force_at.le(at.micros())))
        .order((v::name.asc(), v::version.asc()))
        .select(Row::as_select())
        .load(view.conn)?;
    let mut out: Vec<Version<T>> = Vec::new();
    for row in rows {
        if out.last().is_some_and(|last| last.name == row.name) {
            out.pop();
        }
        out.push(row.read()?);
    }
    Ok(out)
}

/// Every version of a setting, newest first.
///
/// # Errors
/// Database errors.
pub fn history<T: Versioned>(view: &mut View<'_>, name: &str) -> Result<Vec<Version<T>>> {
    let rows = v::versions
        .filter(v::kind.eq(T::KIND).and(v::name.eq(name)))
        .order(v::version.desc())
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(Row::read).collect()
}

/// The versions that came into force after an instant and before another, newest first.
///
/// # Errors
/// Database errors.
pub(crate) fn between<T: Versioned>(
    view: &mut View<'_>,
    name: &str,
    after: Instant,
    before: Instant,
) -> Result<Vec<Version<T>>> {
    let rows = v::versions
        .filter(v::kind.eq(T::KIND).and(v::name.eq(name)))
        .filter(v::in_force_at.gt(after.micros()).and(v::in_force_at.lt(before.micros())))
        .order(v::version.desc())
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(Row::read).collect()
}

/// One version.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get<T: Versioned>(view: &mut View<'_>, name: &str, version: u32) -> Result<Version<T>> {
    let row = v::versions
        .find((T::KIND, name, i64::from(version)))
        .select(Row::as_select())
        .get_result(view.conn)
        .optional()?;
    row.ok_or(Error::NotFound("version"))?.read()
}

/// Proposals that wait for a second person, oldest first.
///
/// # Errors
/// Database errors.
pub fn proposals<T: Versioned>(view: &mut View<'_>) -> Result<Vec<Version<T>>> {
    let rows = v::versions
        .filter(v::kind.eq(T::KIND).and(v::in_force_at.is_null()).and(v::refused_at.is_null()))
        .order((v::proposed_at.asc(), v::name.asc()))
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(Row::read).collect()
}

fn append<T: Versioned>(tx: &mut Tx<'_>, name: &str, body: &T, seen: u32, at_once: bool) -> Result<u32> {
    let last = newest(tx, T::KIND, name)?;
    if last != i64::from(seen) {
        return Err(Error::Stale { current: last });
    }
    let (author, now) = (tx.actor().name(), tx.now());
    body.check(tx, name, now)?;
    callable::may_answer(tx, body)?;
    let now = now.micros();
    let body = serde_json::to_string(body).map_err(|_shape| Error::corrupt("a version to store"))?;
    diesel::insert_into(v::versions)
        .values((
            v::kind.eq(T::KIND),
            v::name.eq(name),
            v::version.eq(last + 1),
            v::body.eq(body),
            v::author.eq(&author),
            v::proposed_at.eq(now),
            v::approver.eq(at_once.then_some(&author)),
            v::in_force_at.eq(at_once.then_some(now)),
        ))
        .execute(tx.conn)?;
    Ok(seen.saturating_add(1))
}

fn newest(view: &mut View<'_>, kind: &str, name: &str) -> Result<i64> {
    let last: Option<i64> = v::versions
        .filter(v::kind.eq(kind).and(v::name.eq(name)))
        .select(diesel::dsl::max(v::version))
        .get_result(view.conn)?;
    Ok(last.unwrap_or(0))
}

fn waiting<T: Versioned>(view: &mut View<'_>, name: &str, version: u32) -> Result<Version<T>> {
    let proposal = get::<T>(view, name, version)?;
    if proposal.in_force_at.is_some() || proposal.refused_at.is_some() {
        return Err(Error::Conflict("this proposal is decided already"));
    }
    Ok(proposal)
}

fn entry_of<T: Versioned>(name: &str, version: u32) -> Value {
    serde_json::json!({ "kind": T::KIND, "name": name, "version": version })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::{NOW, stores};
    use crate::{Actor, Store};
    use domain::escalation::{Policy, Target, seeds};
    use domain::on_call::Team;
    use domain::{Role, UserId};

    fn policy() -> Policy {
        seeds().remove(0)
    }

    fn as_user<T>(
        store: &Store,
        id: UserId,
        at: Instant,
        f: impl FnMut(&mut Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        store.write(Actor::User { id, role: Role::Clinician }, at, f)
    }

    #[test]
    fn a_name_from_before_it_was_checked_hides_no_schedule() {
        let written = r#"{"name":{"pt":"Noite\u202e","en":"Night"},"members":[]}"#;
        assert_eq!(body::<Team>(written).unwrap().name.pt, "Noite");
        assert!(serde_json::from_str::<Team>(written).is_err());
        assert!(body::<Team>("{\"name\":1}").is_err());
    }

    #[test]
    fn a_proposal_needs_a_second_person_and_history_keeps_what_was_in_force() {
        for store in stores() {
            let (ana, bia) = (UserId::new(NOW), UserId::new(NOW));
            let at = |minutes: u64| NOW.plus(Duration::from_secs(60 * minutes));
            let mut body = policy();
            body.id = "tested".into();
            as_user(&store, ana, at(0), crate::on_call::seed).unwrap();
            as_user(&store, ana, at(0), |tx| seed(tx, "tested", &body)).unwrap();
            body.repeat = 2;
            let second = as_user(&store, ana, at(1), |tx| propose(tx, "tested", &body, 1)).unwrap();
            assert_eq!(second, 2);
            let own = as_user(&store, ana, at(2), |tx| approve::<Policy>(tx, "tested", 2));
            assert!(matches!(own, Err(Error::Refused { code: "E_FOUR_EYES", .. })));
            let repeat =
                |at| store.read(|view| in_force::<Policy>(view, "tested", at)).unwrap().unwrap().body.repeat;
            assert_eq!(repeat(at(3)), 0);
            as_user(&store, bia, at(3), |tx| approve::<Policy>(tx, "tested", 2)).unwrap();
            assert_eq!((repeat(at(2)), repeat(at(3))), (0, 2));
            let again = as_user(&store, bia, at(4), |tx| refuse::<Policy>(tx, "tested", 2));
            assert!(matches!(again, Err(Error::Conflict(_))));
            let stale = as_user(&store, bia, at(4), |tx| propose(tx, "tested", &body, 1));
            assert!(matches!(stale, Err(Error::Stale { current: 2 })));
            // Two proposals at once: the older one does not come back over the newer one.
            for seen in [2, 3] {
                as_user(&store, ana, at(5), |tx| propose(tx, "tested", &body, seen)).unwrap();
            }
            as_user(&store, bia, at(6), |tx| approve::<Policy>(tx, "tested", 4)).unwrap();
            let older = as_user(&store, bia, at(7), |tx| approve::<Policy>(tx, "tested", 3));
            assert!(matches!(older, Err(Error::Conflict(_))), "{older:?}");
            // Nobody is called by a name that nothing has: it is refused before a red finds out.
            for target in [Target::Schedule("clinician_oncall".into()), Target::Team("night".into())] {
                let mut astray = body.clone();
                astray.nobody_reached.targets = vec![target];
                let refused = as_user(&store, ana, at(8), |tx| propose(tx, "tested", &astray, 4));
                assert!(matches!(refused, Err(Error::Refused { code: "E_INVALID", .. })), "{refused:?}");
            }
            let history = store.read(|view| history::<Policy>(view, "tested")).unwrap();
            assert_eq!(history.iter().map(|v| v.version).collect::<Vec<_>>(), [4, 3, 2, 1]);
        }
    }
}
