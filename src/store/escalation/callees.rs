//! Who can be called, beside what a policy names: what a look at the waiting escalations compares with the last one.

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::{count_star, max};
use diesel::prelude::*;

use super::paging;
use crate::View;
use crate::db::error::Result;
use crate::db::schema::{users, versions as rows};
use crate::on_call::turns;
use crate::versions::Versioned as _;
use domain::on_call::{Duty, Team};
use domain::{Can, Instant, Role, UserId};

/// Who can be called at an instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Callees {
    /// Who is on call, by schedule.
    present: BTreeSet<(String, UserId)>,
    /// The accounts that can answer a call, as they are stored.
    able: BTreeSet<String>,
    /// Who is away.
    away: BTreeSet<UserId>,
    /// Until when each certificate is valid.
    certified: BTreeMap<UserId, Instant>,
    /// How many versions of schedules and teams there are, and since when the last is in force.
    versions: (i64, Option<i64>),
}

/// Who can be called at an instant.
///
/// # Errors
/// Database errors.
pub fn callees(view: &mut View<'_>, at: Instant) -> Result<Callees> {
    let roles: Vec<&str> = Can::AnswerCalls.roles().iter().map(|role| Role::name(*role)).collect();
    let able: Vec<String> = users::table
        .filter(users::role.eq_any(roles).and(users::disabled_at.is_null()).and(users::held_at.is_null()))
        .select(users::id)
        .load(view.conn)?;
    let versions = rows::table
        .filter(rows::kind.eq_any([Duty::KIND, Team::KIND]))
        .select((count_star(), max(rows::in_force_at)))
        .first(view.conn)?;
    Ok(Callees {
        present: turns::present(view, at)?,
        able: able.into_iter().collect(),
        away: paging::away(view, at)?.into_keys().collect(),
        certified: paging::certified(view)?,
        versions,
    })
}

impl Callees {
    /// Whether somebody can be called who could not before. A change of a schedule or a team counts as one: whoever was
    /// off call between the two looks may not have been called meanwhile.
    #[must_use]
    pub fn gained_on(&self, before: &Self) -> bool {
        let certified = |(user, until): (&UserId, &Instant)| before.certified.get(user) == Some(until);
        self.versions != before.versions
            || !self.present.is_subset(&before.present)
            || !self.able.is_subset(&before.able)
            || !before.away.is_subset(&self.away)
            || !self.certified.iter().all(certified)
    }
}
