//! A person's pages on the dashboard: delivered when their browser fetches them, read when they open what the page is
//! about. Receipts only move a message forward, so reporting one twice changes nothing.

use super::Stored;
use crate::db::error::Result;
use crate::db::tx::Tx;
use crate::messages;
use crate::{Store, Urgency};
use domain::messages::{Receipt, State};
use domain::{Instant, UserId};

/// More pages than anybody reads at once.
const MOST: i64 = 200;

/// A person's unread pages; those fetched by their browser with this call are noted as delivered.
///
/// # Errors
/// Database errors.
pub fn fetched(store: &Store, user: UserId, now: Instant) -> Result<Vec<Stored>> {
    let waiting = store.read(|view| messages::unread(view, user, MOST))?;
    let fresh =
        |message: &&Stored| matches!(message.way.state, State::Sending | State::Accepted | State::Sent);
    let keys: Vec<String> = waiting.iter().filter(fresh).map(|message| message.key.clone()).collect();
    if keys.is_empty() {
        return Ok(waiting);
    }
    receive(store, now, &keys, Receipt::Delivered)?;
    store.read(|view| messages::unread(view, user, MOST))
}

/// The path on this site where a page is answered.
#[must_use]
pub fn link(message: &Stored) -> &str {
    let link = message.variables.get("link").and_then(serde_json::Value::as_str);
    link.filter(|link| link.starts_with('/') && !link.starts_with("//")).unwrap_or("/")
}

/// Marks pages as read when a person opens the path they lead to.
///
/// # Errors
/// Database errors.
pub fn opened(store: &Store, user: UserId, at: &str, now: Instant) -> Result<usize> {
    let waiting = store.read(|view| messages::unread(view, user, MOST))?;
    // An anchor within a page is in sight with the page.
    let about = |message: &&Stored| link(message) == at || link(message).split('#').next() == Some(at);
    let keys: Vec<String> = waiting.iter().filter(about).map(|message| message.key.clone()).collect();
    if !keys.is_empty() {
        receive(store, now, &keys, Receipt::Read)?;
    }
    Ok(keys.len())
}

fn receive(store: &Store, now: Instant, keys: &[String], receipt: Receipt) -> Result<()> {
    store.keep_house(Urgency::Urgent, "receipts", now, |tx: &mut Tx<'_>| {
        keys.iter().try_for_each(|key| messages::receipt(tx, key, receipt).map(drop))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{About, New, Topic};
    use crate::testing::{NOW, stores};
    use domain::messages::{Channel, Class};

    #[test]
    fn a_page_is_delivered_when_fetched_and_read_when_its_case_is_opened_by_its_reader_alone() {
        for store in stores() {
            let (ana, bia) = (UserId::new(NOW), UserId::new(NOW));
            for (n, user) in [(1, ana), (2, ana), (3, bia)] {
                let new = New {
                    key: format!("k{n}"),
                    class: Class::Clinical,
                    channel: Channel::InApp,
                    recipient: user.to_string(),
                    template: "page",
                    variables: serde_json::json!({ "link": if n == 2 { "/alerts/a2" } else { "/alerts/a1" } }),
                    about: About::house(Topic::Engine, "a"),
                    due_at: NOW,
                    not_after: NOW.plus(std::time::Duration::from_secs(60)),
                };
                store.keep_house(Urgency::Urgent, "test", NOW, |tx| messages::plan(tx, &new)).unwrap();
            }
            let states = |user| -> Vec<State> {
                let all =
                    store.read(|view| messages::after(view, Channel::InApp, &UserId::to_string(&user), 0, 9));
                all.unwrap().into_iter().map(|message| message.way.state).collect()
            };
            assert_eq!(states(ana), [State::Accepted; 2]);
            assert_eq!(fetched(&store, ana, NOW).unwrap().len(), 2);
            assert_eq!((states(ana), states(bia)), (vec![State::Delivered; 2], vec![State::Accepted]));
            assert_eq!(opened(&store, ana, "/alerts/a1", NOW).unwrap(), 1);
            assert_eq!(states(ana), [State::Read, State::Delivered]);
            assert_eq!((fetched(&store, ana, NOW).unwrap().len(), states(bia)), (1, vec![State::Accepted]));
        }
    }
}
