//! The last look before a message leaves the house: still wanted, and still under its permit, in the transaction after
//! whose commit it goes to the provider at once.

use super::about::{Cleared, is_house};
use super::attempts::{note, one, write};
use super::{Ground, Stored, Topic};
use crate::domain::message::State;
use crate::store::act::Act;
use crate::store::error::Result;
use crate::store::tx::Tx;
use crate::store::{lapses, permits, turn};

/// Looks at a claimed message again. A revocation, an answer or the end of the case since it was claimed ends it here;
/// the code says why.
///
/// # Errors
/// Database errors.
pub fn hand_over(tx: &mut Tx<'_>, claimed: &Stored) -> Result<std::result::Result<Cleared, &'static str>> {
    turn::share(tx)?;
    let permit = match claimed.ground {
        Some(ground) => match permits::ask_for(tx, ground.patient(), ground.purpose())? {
            Ok(permit) => Some(permit),
            Err(denied) => return end(tx, claimed, denied.root().0.as_str(), Some(ground)),
        },
        // Word of what is late is stale once it is done.
        None if claimed.kind == Topic::Engine.name() && !lapses::stands(tx, &claimed.subject)? => {
            return end(tx, claimed, "not_wanted", None);
        }
        None if is_house(&claimed.kind) => None,
        None => return end(tx, claimed, "no_ground", None),
    };
    let now = tx.now();
    match one(tx, claimed.id)? {
        Some(stored) if stored.is_under_way(claimed) && stored.way.not_after > now => {
            Ok(Ok(Cleared::new(stored, permit)))
        }
        _ => end(tx, claimed, "not_wanted", None),
    }
}

impl Stored {
    /// Whether this is still the attempt that was claimed.
    fn is_under_way(&self, claimed: &Self) -> bool {
        self.way.state == State::Sending && self.way.attempt == claimed.way.attempt
    }
}

fn end(
    tx: &mut Tx<'_>,
    claimed: &Stored,
    code: &'static str,
    denied: Option<Ground>,
) -> Result<std::result::Result<Cleared, &'static str>> {
    let Some(mut stored) = one(tx, claimed.id)?.filter(|stored| stored.is_under_way(claimed)) else {
        return Ok(Err(code));
    };
    (stored.way.state, stored.way.sending_until) = (State::Cancelled, None);
    write(tx, &stored, None)?;
    note(tx, stored.id, State::Cancelled.name(), Some(code))?;
    let body = serde_json::json!({
        "message": stored.id, "channel": stored.channel.name(), "recipient": stored.recipient,
        "case": stored.subject, "code": code,
    });
    let act = Act::new("message.suppressed").code(code).body(body);
    tx.audit(&match denied {
        Some(ground) => act.patient(ground.patient()).purpose(ground.purpose().as_str()).decided(false),
        None => act,
    })?;
    Ok(Err(code))
}
