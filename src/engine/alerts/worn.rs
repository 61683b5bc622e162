//! A red that the same few people kept passing among themselves goes on to others. Those few are told why.

use std::collections::BTreeSet;

use domain::UserId;
use domain::messages::Class;
use store::Tx;
use store::escalation::Advanced;
use store::escalation::paging;
use store::messages::{self, About};

/// Tells the people who held a case too often that others are now called for it. Tells nobody without a legal basis for
/// calling people about the patient.
///
/// # Errors
/// Database errors.
pub(crate) fn announce(tx: &mut Tx<'_>, advanced: &Advanced, hands: &BTreeSet<UserId>) -> store::Result<()> {
    let Advanced { from, run, ground: Ok(ground), .. } = advanced else { return Ok(()) };
    let now = tx.now();
    for user in hands {
        for channel in paging::channels(tx, *user)? {
            let new = messages::New {
                key: format!("held:{}:{}:{user}:{}", from.id, run.fence, channel.name()),
                class: Class::Clinical,
                channel,
                recipient: user.to_string(),
                template: "held_too_long",
                variables: serde_json::json!({
                    "link": format!("/{}s/{}", from.kind, from.subject),
                    "since": from.started_at.to_string(),
                }),
                about: About::patient(*ground, &from.kind, &from.subject),
                due_at: now,
                not_after: now.plus(messages::PAGE_LASTS),
            };
            messages::plan(tx, &new)?;
        }
    }
    Ok(())
}
