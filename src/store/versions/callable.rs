//! Checks that a policy, schedule or team can call whom it names: people whose role may answer, schedules and teams
//! that exist. A red must not be the first to find out.

use diesel::prelude::*;

use crate::View;
use crate::db::error::{Error, Result};
use crate::db::schema::versions::dsl as v;
use crate::people::accounts;
use crate::versions::Versioned;
use domain::Can;

/// Checks that the people it names may answer.
///
/// # Errors
/// [`Error::Refused`] `E_INVALID`; database errors.
pub(crate) fn may_answer<T: Versioned>(view: &mut View<'_>, body: &T) -> Result<()> {
    for user in body.called() {
        // A person who is gone is left out of every call, and a schedule keeps their past.
        let role = accounts::role_of(view, user)?;
        if role.is_some_and(|role| !Can::AnswerCalls.held_by(role)) {
            let what = "it calls somebody whose role may not answer an alert: name agents, technicians, clinicians \
                        or managers";
            return Err(Error::Refused { code: "E_INVALID", what });
        }
    }
    Ok(())
}

/// Checks that the schedules and teams it names exist.
///
/// # Errors
/// [`Error::Refused`] `E_INVALID`; database errors.
pub(crate) fn is_there<T: Versioned>(view: &mut View<'_>, body: &T) -> Result<()> {
    for (kind, name) in body.names() {
        let found =
            v::versions.filter(v::kind.eq(kind).and(v::name.eq(name)).and(v::in_force_at.is_not_null()));
        let found: i64 = found.count().get_result(view.conn)?;
        if found == 0 {
            let what =
                "a step calls a schedule or a team that there is not: make it first, or look at its id";
            return Err(Error::Refused { code: "E_INVALID", what });
        }
    }
    Ok(())
}
