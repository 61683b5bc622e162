//! Pages by which a person tries whether they are reached: to themselves, on each channel that is set up for them,
//! without a case behind them.

use std::time::Duration;

use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::super::keys::Subject;
use super::{About, New, Row, Stored, Topic, plan};
use crate::db::conn::literally;
use crate::db::error::{Error, Result};
use crate::db::schema::{messages, users};
use crate::db::tx::act::Act;
use crate::db::tx::{Tx, View};
use crate::escalation::paging;
use crate::on_call;
use domain::id::uuid_at;
use domain::messages::{Channel, Class};
use domain::{Instant, UserId};

/// What they are about, and the template that says so.
pub const TRIAL: (&str, &str) = ("trial", "test");
/// Where a test page leads: opening it is its receipt.
pub const TRIAL_LINK: &str = "/account/trial";
/// How many a person may send themselves within [`TRIALS_WITHIN`].
pub(crate) const MOST_TRIALS: usize = 3;
/// See [`MOST_TRIALS`].
pub(crate) const TRIALS_WITHIN: Duration = Duration::from_secs(3_600);

/// Plans a test page to a person on each of their channels.
///
/// # Errors
/// [`Error::Refused`] `E_RATE` beyond `MOST_TRIALS`; [`Error::NotFound`] without such a user.
pub fn try_out(tx: &mut Tx<'_>, user: UserId) -> Result<Vec<Stored>> {
    let now = tx.now();
    // Two at once are counted one after the other.
    let row = users::table.find(user.to_string()).filter(users::disabled_at.is_null());
    if diesel::update(row).set(users::version.eq(users::version)).execute(tx.conn)? == 0 {
        return Err(Error::NotFound("user"));
    }
    let lately = messages::created_at.gt(now.minus(TRIALS_WITHIN).micros());
    let sent: i64 = mine(user)
        .filter(messages::channel.eq(Channel::InApp.name()).and(lately))
        .count()
        .get_result(tx.conn)?;
    if usize::try_from(sent).is_ok_and(|sent| sent >= MOST_TRIALS) {
        let what = "three test pages in an hour are enough: look at their receipts, then try again later";
        return Err(Error::Refused { code: "E_RATE", what });
    }
    let ((kind, template), id) = (TRIAL, uuid_at(now).to_string());
    // One that was refused is tried: this message is how the person learns that they are reached again.
    let mut channels = paging::channels(tx, user)?;
    if on_call::unreachable(tx, user)?
        .iter()
        .any(|gone| gone.channel == Channel::Email && gone.why == "refused")
    {
        channels.push(Channel::Email);
    }
    for channel in &channels {
        let new = New {
            key: format!("{kind}:{id}:{}", channel.name()),
            class: Class::Transactional,
            channel: *channel,
            recipient: user.to_string(),
            template,
            variables: serde_json::json!({ "link": TRIAL_LINK, "since": now.to_string() }),
            about: About::house(Topic::Trial, &id),
            due_at: now,
            not_after: now.plus(TRIALS_WITHIN),
        };
        plan(tx, &new)?;
    }
    let ways: Vec<&str> = channels.iter().map(|channel| channel.name()).collect();
    let body = serde_json::json!({ "trial": id, "channels": ways });
    tx.audit(&Act::new("message.queued").about(Subject::User(user)).body(body))?;
    super::of_case(tx, kind, &id)
}

/// The test pages that a person sent themselves, the newest first.
///
/// # Errors
/// Database errors.
pub fn trials(view: &mut View<'_>, user: UserId, limit: i64) -> Result<Vec<Stored>> {
    let rows = mine(user).order(messages::id.desc()).limit(limit).select(Row::as_select()).load(view.conn)?;
    rows.into_iter().map(Row::open).collect()
}

/// When a person may send themselves another; `None`: now.
///
/// # Errors
/// Database errors.
pub fn next_trial(view: &mut View<'_>, user: UserId, now: Instant) -> Result<Option<Instant>> {
    let most = i64::try_from(MOST_TRIALS).unwrap_or(i64::MAX);
    let lately: Vec<i64> = mine(user)
        .filter(messages::channel.eq(Channel::InApp.name()))
        .order(messages::id.desc())
        .limit(most)
        .select(messages::created_at)
        .load(view.conn)?;
    let oldest = lately.get(MOST_TRIALS.saturating_sub(1)).map(|at| Instant::from_micros(*at));
    Ok(oldest.map(|at| at.plus(TRIALS_WITHIN)).filter(|at| *at > now))
}

#[diesel::dsl::auto_type]
fn mine(user: UserId) -> _ {
    let recipient: String = user.to_string();
    let is_trial: SqlLiteral<Bool> = literally("messages.kind = 'trial'");
    messages::table.filter(messages::recipient.eq(recipient).and(is_trial))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Actor;
    use crate::on_call::testing::person;
    use crate::testing::{NOW, stores};
    use domain::Role;
    use domain::messages::State;

    #[test]
    fn a_person_tries_their_channels_at_most_three_times_an_hour() {
        for store in stores() {
            let (ana, bia) = (person(&store, Role::Agent), person(&store, Role::Agent));
            let actor = Actor::User { id: ana, role: Role::Agent };
            let send = |at: Instant| store.write(actor, at, |tx| try_out(tx, ana));
            let first = send(NOW).unwrap();
            let ways: Vec<_> = first.iter().map(|message| (message.channel, message.way.state)).collect();
            assert_eq!(ways, [(Channel::InApp, State::Accepted)], "no mail server, no e-mail");
            store.write(Actor::Operator, NOW, |tx| paging::send_e_mail(tx, true)).unwrap();
            let second = send(NOW.plus(TRIALS_WITHIN / 2)).unwrap();
            assert_eq!(second.len(), 2);
            assert_eq!((second[1].channel, second[1].way.state), (Channel::Email, State::Due));
            send(NOW.plus(TRIALS_WITHIN / 2)).unwrap();
            let soon = NOW.plus(TRIALS_WITHIN * 3 / 4);
            assert!(matches!(send(soon), Err(Error::Refused { code: "E_RATE", .. })));
            assert_eq!(
                store.read(|view| next_trial(view, ana, soon)).unwrap(),
                Some(NOW.plus(TRIALS_WITHIN)),
                "when the first of the three is an hour old"
            );
            store.write(Actor::Operator, soon, |tx| try_out(tx, bia)).unwrap();
            send(NOW.plus(TRIALS_WITHIN)).unwrap();
            assert_eq!(store.read(|view| trials(view, ana, 3)).unwrap().len(), 3);
        }
    }
}
