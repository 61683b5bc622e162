//! Versioned settings in the API. All kinds are read, proposed, put in force and refused the same way; each kind adds
//! its content and how that is shown.

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Desk, IfMatch, List, Reply};
use crate::http::code::Code;
use crate::http::fault::Fault;
use domain::Instant;
use store::View;
use store::versions::{self, Version, Versioned};

/// The state of a version, and the people behind it.
#[derive(Serialize, ToSchema)]
#[schema(as = SettingStanding)]
pub(crate) struct Standing {
    /// `proposed`, `in_force`, `superseded` or `refused`.
    state: &'static str,
    /// `user:<id>`, or a named part of the program.
    author: String,
    #[schema(value_type = String)]
    proposed_at: Instant,
    approver: Option<String>,
    #[schema(value_type = Option<String>)]
    in_force_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    refused_at: Option<Instant>,
}

impl Standing {
    fn of<T>(stored: &Version<T>, in_force: Option<u32>) -> Self {
        let state = match (stored.in_force_at, stored.refused_at) {
            (_, Some(_)) => "refused",
            (None, None) => "proposed",
            (Some(_), None) if in_force == Some(stored.version) => "in_force",
            (Some(_), None) => "superseded",
        };
        Self {
            state,
            author: stored.author.clone(),
            proposed_at: stored.proposed_at,
            approver: stored.approver.clone(),
            in_force_at: stored.in_force_at,
            refused_at: stored.refused_at,
        }
    }
}

/// A kind of setting that the API serves.
pub(crate) trait Shown: Versioned {
    /// The answer's type.
    type Seen: Serialize;

    /// One version as the API shows it.
    fn seen(stored: Version<Self>, standing: Standing) -> Result<Self::Seen, Fault>
    where
        Self: Sized;
}

/// A version whose body stands under `says`: calendars and service levels.
#[derive(Serialize, ToSchema)]
#[schema(as = SettingVersion)]
pub(crate) struct SettingVersion {
    /// Its lasting name.
    id: String,
    version: u32,
    /// What it says.
    #[schema(value_type = Object)]
    says: serde_json::Value,
    #[serde(flatten)]
    standing: Standing,
}

impl SettingVersion {
    pub(crate) fn of<T: Versioned>(stored: &Version<T>, standing: Standing) -> Result<Self, Fault> {
        let says = serde_json::to_value(&stored.body).map_err(|_shape| Fault::new(Code::Internal))?;
        Ok(Self { id: stored.name.clone(), version: stored.version, says, standing })
    }
}

/// A request body that names a proposal. The macro gives it a name of its own in the OpenAPI document for each kind.
macro_rules! which {
    ($name:ident) => {
        /// Which proposal.
        #[derive(serde::Deserialize, utoipa::ToSchema)]
        #[schema(as = $name)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct Which {
            version: u32,
        }
    };
}
pub(crate) use which;

/// Which settings.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// `in_force` by default, or `proposed`: those that wait for a second person.
    state: Option<String>,
}

fn shown<T: Shown>(stored: Version<T>, in_force: Option<u32>) -> Result<T::Seen, Fault> {
    let standing = Standing::of(&stored, in_force);
    T::seen(stored, standing)
}

/// Everything of a kind that is in force.
pub(crate) fn list<T: Shown>(desk: &Desk) -> Result<Reply, Fault> {
    let stored = desk.read(|view| Ok(versions::all_in_force::<T>(view, desk.now)?))?;
    let items = stored.into_iter().map(|stored| {
        let in_force = Some(stored.version);
        shown(stored, in_force)
    });
    Reply::ok(&List::whole(items.collect::<Result<_, _>>()?))
}

/// Everything of a kind that is in force, or the proposals that wait for a second person.
pub(crate) fn wanted<T: Shown>(desk: &Desk, wanted: &Wanted) -> Result<Reply, Fault> {
    match wanted.state.as_deref() {
        None | Some("in_force") => list::<T>(desk),
        Some("proposed") => {
            let waiting = desk.read(|view| Ok(versions::proposals::<T>(view)?))?.into_iter();
            Reply::ok(&List::whole(waiting.map(|stored| shown(stored, None)).collect::<Result<_, _>>()?))
        }
        Some(_) => Err(Fault::invalid("state", "in_force or proposed")),
    }
}

/// Every version of a setting, newest first, and the number of the one in force.
struct Known<T> {
    history: Vec<Version<T>>,
    in_force: Option<u32>,
}

impl<T: Shown> Known<T> {
    fn read(view: &mut View<'_>, id: &str, now: Instant) -> Result<Self, Fault> {
        let history = versions::history::<T>(view, id)?;
        if history.is_empty() {
            return Err(Code::NotFound.into());
        }
        Ok(Self { history, in_force: versions::in_force::<T>(view, id, now)?.map(|stored| stored.version) })
    }

    fn one(self, which: Option<u32>) -> Result<Reply, Fault> {
        let tag = newest(&self.history);
        let stored = self.history.into_iter().find(|stored| Some(stored.version) == which);
        let stored = stored.ok_or_else(|| Fault::new(Code::NotFound))?;
        Ok(Reply::ok(&shown(stored, self.in_force)?)?.at(tag))
    }
}

/// The newest number: what a change must have seen; 0 for a new setting.
fn newest<T>(history: &[Version<T>]) -> i64 {
    history.first().map_or(0, |stored| i64::from(stored.version))
}

/// The version in force. The ETag is the number of the newest version, proposals included.
pub(crate) fn get<T: Shown>(desk: &Desk, id: &str) -> Result<Reply, Fault> {
    let known = desk.read(|view| Known::<T>::read(view, id, desk.now))?;
    let in_force = known.in_force;
    known.one(in_force)
}

/// Every version, newest first.
pub(crate) fn history<T: Shown>(desk: &Desk, id: &str) -> Result<Reply, Fault> {
    let Known { history, in_force } = desk.read(|view| Known::<T>::read(view, id, desk.now))?;
    let tag = newest(&history);
    let items = history.into_iter().map(|stored| shown(stored, in_force)).collect::<Result<_, _>>()?;
    Ok(Reply::ok(&List::whole(items))?.at(tag))
}

/// Writes a version that waits for a second person. `body` is given the known versions, newest first, and the number
/// that the new one will have.
pub(crate) fn propose<T: Shown>(
    desk: &Desk,
    id: &str,
    seen: IfMatch,
    body: impl FnOnce(&[Version<T>], u32) -> Result<T, Fault>,
) -> Result<Reply, Fault> {
    let (body, seen) = checked(desk, id, seen, body)?;
    let made = desk.write(|tx| {
        let version = versions::propose(tx, id, &body, seen)?;
        Ok(versions::get::<T>(tx, id, version)?)
    })?;
    let tag = i64::from(made.version);
    Ok(Reply::with(StatusCode::CREATED, &shown(made, None)?)?.at(tag))
}

/// Puts a version in force on its author's word alone.
pub(crate) fn publish<T: Shown>(desk: &Desk, id: &str, seen: IfMatch, body: T) -> Result<Reply, Fault> {
    let (body, seen) = checked(desk, id, seen, |_, _| Ok(body))?;
    let made = desk.write(|tx| {
        let version = versions::publish(tx, id, &body, seen)?;
        Ok(versions::get::<T>(tx, id, version)?)
    })?;
    let number = made.version;
    Ok(Reply::ok(&shown(made, Some(number))?)?.at(i64::from(number)))
}

fn checked<T: Shown>(
    desk: &Desk,
    id: &str,
    seen: IfMatch,
    body: impl FnOnce(&[Version<T>], u32) -> Result<T, Fault>,
) -> Result<(T, u32), Fault> {
    named(id)?;
    let history = desk.read(|view| Ok(versions::history::<T>(view, id)?))?;
    let newest = newest(&history);
    let stale = |_range| Fault::new(Code::Precondition).with("current", newest);
    let seen = u32::try_from(seen.or(newest)?).map_err(stale)?;
    Ok((body(&history, seen.saturating_add(1))?, seen))
}

/// Puts another person's proposal in force, or refuses it.
pub(crate) fn decide<T: Shown>(desk: &Desk, id: &str, which: u32, approve: bool) -> Result<Reply, Fault> {
    desk.write(|tx| match approve {
        true => Ok(versions::approve::<T>(tx, id, which)?),
        false => Ok(versions::refuse::<T>(tx, id, which)?),
    })?;
    desk.read(|view| Known::<T>::read(view, id, desk.now))?.one(Some(which))
}

/// Checks an id: it stands in addresses and in the log for good.
pub(crate) fn named(id: &str) -> Result<(), Fault> {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if id.is_empty() || id.len() > 64 || !id.bytes().all(word) {
        return Err(Fault::invalid("id", "1 to 64 of a-z, 0-9 and _"));
    }
    Ok(())
}
