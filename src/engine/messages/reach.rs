//! People whom e-mail no longer reaches: their mailbox refuses for good, at the server or by a bounce report.
//! Escalations do not wait for them, the managers are told, and the first message that is accepted again ends it.

use std::time::Duration;

use super::notice::{Notice, send};
use domain::messages::{Attempt, Channel, Class};
use domain::{Instant, UserId};
use store::messages::{About, Topic};
use store::{Store, Tx, Urgency, on_call};

/// Reason: a bounce report came back.
pub(crate) const BOUNCED: &str = "bounced";
/// Reason: the mail server refused the message.
pub const REFUSED: &str = "refused";
/// How long the message about it is worth sending.
const WORD_LASTS: Duration = Duration::from_secs(24 * 3_600);

/// Updates whether e-mail reaches a person, from the result of an attempt.
///
/// # Errors
/// Database errors.
pub fn heard(store: &Store, user: UserId, attempt: Attempt, now: Instant) -> store::Result<()> {
    if !matches!(attempt, Attempt::Gone | Attempt::Accepted) {
        return Ok(());
    }
    let gone = store.read(|view| on_call::unreachable(view, user))?;
    let lost = gone.iter().find(|gone| gone.channel == Channel::Email);
    let house = |f: &mut dyn FnMut(&mut Tx<'_>) -> store::Result<()>| {
        store.keep_house(Urgency::Urgent, "outbox", now, |tx| f(tx))
    };
    match (attempt, lost) {
        (Attempt::Gone, None) => house(&mut |tx| lose(tx, user, REFUSED)),
        // A server may accept what bounces later, so acceptance ends only what a refusal began.
        (Attempt::Accepted, Some(lost)) if lost.why == REFUSED => house(&mut |tx| regain(tx, user)),
        _ => Ok(()),
    }
}

/// Records that e-mail no longer reaches a person, and tells the managers.
///
/// # Errors
/// Database errors.
pub fn lose(tx: &mut Tx<'_>, user: UserId, why: &str) -> store::Result<()> {
    if !on_call::mark_unreachable(tx, user, Channel::Email, why)? {
        return Ok(());
    }
    let (now, id) = (tx.now(), user.to_string());
    let notice = Notice {
        key: format!("unreachable:{id}:{}", now.micros()),
        class: Class::Transactional,
        template: "unreachable",
        variables: serde_json::json!({ "link": format!("/on-duty/{id}"), "since": now }),
        about: About::house(Topic::Schedule, &id),
        lasts: WORD_LASTS,
        not_by: &[Channel::Webhook],
    };
    send(tx, &[], &notice).map(drop)
}

/// Records that e-mail reaches a person again.
///
/// # Errors
/// Database errors.
pub(crate) fn regain(tx: &mut Tx<'_>, user: UserId) -> store::Result<()> {
    on_call::reached_again(tx, user, Channel::Email).map(drop)
}
