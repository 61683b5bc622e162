//! Settings that are kept in versions, as the API shows them: calendars and service levels. A body stands under `says`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Desk, List, Reply};
use crate::domain::Instant;
use crate::store::versions::{self, Version, Versioned};
use crate::web::code::Code;
use crate::web::fault::Fault;

/// One version of a setting, and who stands behind it.
#[derive(Serialize, ToSchema)]
#[schema(as = SettingVersion)]
pub struct Kept {
    /// Its lasting name.
    id: String,
    version: u32,
    /// `proposed`, `in_force`, `superseded` or `refused`.
    state: &'static str,
    /// What it says.
    #[schema(value_type = Object)]
    says: serde_json::Value,
    /// `user:<id>`, or a named part of the program.
    author: String,
    #[schema(value_type = String)]
    proposed_at: Instant,
    approver: Option<String>,
    #[schema(value_type = Option<String>)]
    in_force_at: Option<Instant>,
}

/// Which proposal.
#[derive(Deserialize, ToSchema)]
#[schema(as = SettingWhich)]
#[serde(deny_unknown_fields)]
pub struct Which {
    pub(super) version: u32,
}

impl Kept {
    pub(super) fn of<T: Versioned>(version: &Version<T>, in_force: Option<u32>) -> Result<Self, Fault> {
        let state = match (version.in_force_at, version.refused_at) {
            (_, Some(_)) => "refused",
            (None, None) => "proposed",
            (Some(_), None) if in_force == Some(version.version) => "in_force",
            (Some(_), None) => "superseded",
        };
        Ok(Self {
            id: version.name.clone(),
            version: version.version,
            state,
            says: serde_json::to_value(&version.body).map_err(|_shape| Fault::new(Code::Internal))?,
            author: version.author.clone(),
            proposed_at: version.proposed_at,
            approver: version.approver.clone(),
            in_force_at: version.in_force_at,
        })
    }
}

/// Everything of a kind that is in force.
pub(super) fn list<T: Versioned>(desk: &Desk) -> Result<Reply, Fault> {
    let items = desk.read(|view| {
        let held = versions::all_in_force::<T>(view, desk.now)?;
        held.iter().map(|version| Kept::of(version, Some(version.version))).collect::<Result<Vec<_>, _>>()
    })?;
    Reply::ok(&List::whole(items))
}

/// One as it is in force; its ETag is the newest version's number, proposals included.
pub(super) fn get<T: Versioned>(desk: &Desk, id: &str) -> Result<Reply, Fault> {
    desk.read(|view| {
        let held = versions::in_force::<T>(view, id, desk.now)?.ok_or_else(|| Fault::new(Code::NotFound))?;
        Ok(Reply::ok(&Kept::of(&held, Some(held.version))?)?.at(newest::<T>(view, id)?))
    })
}

/// Every version, newest first.
pub(super) fn history<T: Versioned>(desk: &Desk, id: &str) -> Result<Reply, Fault> {
    desk.read(|view| {
        let all = versions::history::<T>(view, id)?;
        if all.is_empty() {
            return Err(Code::NotFound.into());
        }
        let in_force = versions::in_force::<T>(view, id, desk.now)?.map(|held| held.version);
        let items = all.iter().map(|version| Kept::of(version, in_force)).collect::<Result<Vec<_>, _>>()?;
        Reply::ok(&List::whole(items))
    })
}

/// The newest number: what a change must have seen; 0 for a new setting.
pub(super) fn newest<T: Versioned>(view: &mut crate::store::View<'_>, id: &str) -> Result<i64, Fault> {
    let all = versions::history::<T>(view, id)?;
    Ok(all.first().map_or(0, |version| i64::from(version.version)))
}

/// An id is a word that stands in addresses and in the log for ever.
pub(super) fn named(id: &str) -> Result<(), Fault> {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if id.is_empty() || id.len() > 64 || !id.bytes().all(word) {
        return Err(Fault::invalid("id", "1 to 64 of a-z, 0-9 and _"));
    }
    Ok(())
}
