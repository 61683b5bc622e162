//! Who is out of reach: a mailbox that refuses for good, at the server or by a report, is nobody's to wait for. The
//! managers are told, the ladder goes on, and the first letter that is taken again ends it.

use std::time::Duration;

use super::notice::{Notice, tell};
use domain::messages::{Attempt, Channel, Class};
use domain::{Instant, UserId};
use store::messages::{About, Topic};
use store::{Store, Tx, Urgency, on_call};

/// Why a channel reaches somebody no more: the report on a letter said so.
pub const BOUNCED: &str = "bounced";
/// Why a channel reaches somebody no more: the server refused the letter.
pub const REFUSED: &str = "refused";
/// How long a word of it is worth sending.
const WORD_LASTS: Duration = Duration::from_secs(24 * 3_600);

/// What an attempt by e-mail tells of its reader.
///
/// # Errors
/// Database errors.
pub fn heard(store: &Store, user: UserId, said: Attempt, now: Instant) -> store::Result<()> {
    if !matches!(said, Attempt::Gone | Attempt::Accepted) {
        return Ok(());
    }
    let gone = store.read(|view| on_call::unreachable(view, user))?;
    let lost = gone.iter().find(|gone| gone.channel == Channel::Email);
    let house = |f: &mut dyn FnMut(&mut Tx<'_>) -> store::Result<()>| {
        store.keep_house(Urgency::Urgent, "outbox", now, |tx| f(tx))
    };
    match (said, lost) {
        (Attempt::Gone, None) => house(&mut |tx| lose(tx, user, REFUSED)),
        // A server takes what bounces later: its word ends only what was its word.
        (Attempt::Accepted, Some(lost)) if lost.why == REFUSED => house(&mut |tx| regain(tx, user)),
        _ => Ok(()),
    }
}

/// E-mail does not reach a person any more: noted, and told to the managers.
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
    tell(tx, &[], &notice).map(drop)
}

/// E-mail reaches a person again.
///
/// # Errors
/// Database errors.
pub fn regain(tx: &mut Tx<'_>, user: UserId) -> store::Result<()> {
    on_call::reached_again(tx, user, Channel::Email).map(drop)
}
