//! Cancels calls that are no longer wanted, of everybody or of one person: those that wait do not leave, those being
//! sent are not repeated, and the dashboard stops showing them.

use diesel::prelude::*;

use super::State;
use crate::db::conn::literally;
use crate::db::error::Result;
use crate::db::schema::messages;
use crate::db::turn::locks::Lock;
use crate::db::tx::Tx;
use domain::UserId;
use domain::messages::Channel;

/// Cancels all calls about a case. Planned ones do not leave; ones being sent are not repeated.
///
/// # Errors
/// Database errors.
pub fn cancel(tx: &mut Tx<'_>, kind: &str, subject: &str) -> Result<usize> {
    let now = tx.now().micros();
    if let Ok(alert) = subject.parse() {
        tx.lock(Lock::Messages(alert));
    }
    // Messages to programs about a case's state are no calls, and stay true.
    let calls = || messages::class.ne("transactional");
    let case =
        || messages::kind.eq(kind.to_owned()).and(messages::subject.eq(subject.to_owned())).and(calls());
    let people: Vec<String> = messages::table
        .filter(case().and(messages::channel.eq(Channel::InApp.name())))
        .filter(messages::state.ne_all(vec![State::Cancelled.name(), State::Read.name()]))
        .select(messages::recipient)
        .distinct()
        .load(tx.conn)?;
    diesel::update(messages::table.filter(case().and(messages::state.eq(State::Sending.name()))))
        .set(messages::not_after.eq(now))
        .execute(tx.conn)?;
    let there = messages::channel
        .eq(Channel::InApp.name())
        .and(messages::state.eq_any([State::Accepted, State::Sent, State::Delivered].map(State::name)));
    let cancelled =
        diesel::update(messages::table.filter(case().and(messages::state.eq(State::Due.name()).or(there))))
            .set(messages::state.eq(State::Cancelled.name()))
            .execute(tx.conn)?;
    // Their unread badge drops by one.
    people.into_iter().try_for_each(|user| tx.signal("message.changed", user))?;
    Ok(cancelled)
}

/// Cancels the calls to one person, who handed the case on by name. Others who were called still are.
///
/// # Errors
/// Database errors.
pub fn let_go(tx: &mut Tx<'_>, kind: &str, subject: &str, user: UserId) -> Result<()> {
    let (now, user) = (tx.now().micros(), user.to_string());
    if let Ok(alert) = subject.parse() {
        tx.lock(Lock::Messages(alert));
    }
    let theirs = || {
        messages::table
            .filter(messages::kind.eq(kind).and(messages::subject.eq(subject)))
            .filter(messages::recipient.eq(&user).and(messages::class.ne("transactional")))
    };
    let under_way = theirs().filter(literally("messages.state = 'sending'"));
    diesel::update(under_way).set(messages::not_after.eq(now)).execute(tx.conn)?;
    let waits_or_is_shown = literally(
        "(messages.state = 'due' OR messages.channel = 'in_app' AND messages.state IN ('accepted', 'sent', 'delivered'))",
    );
    let gone = diesel::update(theirs().filter(waits_or_is_shown))
        .set(messages::state.eq(State::Cancelled.name()))
        .execute(tx.conn)?;
    if gone > 0 { tx.signal("message.changed", user) } else { Ok(()) }
}
