//! Tells people that their shift begins, a quarter of an hour ahead, or late after an outage. The message's key says
//! what was announced, so a second run or a second node tells nobody twice.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::{Module, Progress};
use domain::messages::{Channel, Class};
use domain::on_call::Duty;
use domain::time::civil::Window;
use domain::{Instant, UserId};
use store::escalation::paging;
use store::messages::{self, About, New, Topic};
use store::{Store, Tx, Urgency, View, on_call, versions};

/// How long before a shift its person is told.
const AHEAD: Duration = Duration::from_secs(15 * 60);
/// Shifts that began during an outage of up to this long are announced late, while they last.
const CATCH_UP: Duration = Duration::from_secs(8 * 86_400);
/// How far ahead the end of a shift is looked for.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);
/// How long the message is worth sending, from the beginning of the shift or from when it is planned.
const WORTH: Duration = Duration::from_secs(3_600);
/// How often it looks.
const EVERY: Duration = Duration::from_secs(20);

/// A shift whose person is to be told.
struct Turn {
    schedule: String,
    user: UserId,
    window: Window,
}

impl Turn {
    fn key(&self) -> String {
        format!("handover:{}:{}:{}", self.schedule, self.user, self.window.from.micros())
    }
}

/// Hand-over notices as a module.
pub struct Handover {
    store: Store,
    /// Cache of keys known to be planned; saves one look-up per shift and cycle.
    announced: BTreeSet<String>,
}

impl Handover {
    /// Handover notices of this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store, announced: BTreeSet::new() }
    }

    fn due(&self, view: &mut View<'_>, now: Instant) -> store::Result<Vec<Turn>> {
        let known = on_call::people(view)?;
        let near = Window { from: now.minus(CATCH_UP), to: now.plus(AHEAD) };
        let mut due = Vec::new();
        for schedule in versions::all_in_force::<Duty>(view, now)? {
            for (window, user) in on_call::turns(view, &schedule.name, near)? {
                let turn = Turn { schedule: schedule.name.clone(), user, window };
                // A shift that began before this window was announced then; one that is over is no longer worth telling.
                let begins = window.from > near.from && window.to > now;
                if begins && known.contains_key(&user) && !self.announced.contains(&turn.key()) {
                    due.push(turn);
                }
            }
        }
        due.sort_by(|a, b| (a.user, a.window.from, &a.schedule).cmp(&(b.user, b.window.from, &b.schedule)));
        Ok(due)
    }
}

impl Module for Handover {
    fn name(&self) -> &'static str {
        "handover"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        let due = self.store.read(|view| self.due(view, now))?;
        let mut did = 0;
        if !due.is_empty() {
            did = self.store.keep_house(Urgency::Patient, self.name(), now, |tx| {
                let together = due.chunk_by(|a, b| (a.user, a.window.from) == (b.user, b.window.from));
                together.map(|turns| announce(tx, turns)).sum()
            })?;
        }
        self.announced.retain(|key| began(key) > now.minus(CATCH_UP).micros());
        self.announced.extend(due.iter().map(Turn::key));
        Ok(Progress { did, more: false })
    }
}

fn began(key: &str) -> i64 {
    key.rsplit(':').next().and_then(|micros| micros.parse().ok()).unwrap_or(i64::MIN)
}

/// The message about a shift, or about several that begin together.
#[derive(Clone)]
struct Word {
    key: String,
    schedule: String,
    template: &'static str,
    variables: serde_json::Value,
    /// Too late to be worth sending: by then the person has noticed, or somebody has told them.
    not_after: Instant,
}

impl Word {
    fn of(tx: &mut Tx<'_>, turn: &Turn) -> store::Result<Self> {
        let Turn { schedule, user, window } = turn;
        let whole = Window { from: window.from, to: window.from.plus(LONGEST) };
        let turns = on_call::turns(tx, schedule, whole)?;
        let until = turns.iter().find(|(turn, who)| who == user && turn.from == window.from);
        let until = until.map_or(window.to, |(turn, _)| turn.to);
        let from = window.from.to_string();
        let link = format!("/schedules/{schedule}");
        // No change of shift within the search window: the end found is only where the search stopped, so no end is
        // told.
        let (template, variables) = match until < whole.to {
            true => ("handover", json!({ "link": link, "from": from, "until": until.to_string() })),
            false => ("handover_alone", json!({ "link": link, "from": from })),
        };
        let not_after = until.min(window.from.max(tx.now()).plus(WORTH));
        Ok(Self { key: turn.key(), schedule: schedule.clone(), template, variables, not_after })
    }

    /// Shifts that begin together are one message: two messages with the same words in the same second would leave open
    /// which is which, and messages do not name the schedule, for its name may reveal a specialty.
    fn joint(words: &[Self]) -> Option<Self> {
        let (first, others) = words.split_first()?;
        if others.is_empty() {
            return Some(first.clone());
        }
        let schedules: Vec<&str> = words.iter().map(|word| word.schedule.as_str()).collect();
        let variables = json!({
            "link": "/schedules", "from": first.variables.get("from"), "count": words.len(), "schedules": schedules,
        });
        let not_after = words.iter().map(|word| word.not_after).max()?;
        Some(Self { template: "handover_several", variables, not_after, ..first.clone() })
    }

    fn plan(&self, tx: &mut Tx<'_>, user: UserId, channel: Channel) -> store::Result<bool> {
        let new = New {
            key: format!("{}:{}", self.key, channel.name()),
            class: Class::Transactional,
            channel,
            recipient: user.to_string(),
            template: self.template,
            variables: self.variables.clone(),
            about: About::house(Topic::Schedule, &self.schedule),
            due_at: tx.now(),
            not_after: self.not_after,
        };
        messages::plan(tx, &new)
    }
}

/// Tells one person of their shifts that begin together. The dashboard gets a message for each, with the name of the
/// schedule. The other channels get one for all that are new on the dashboard.
fn announce(tx: &mut Tx<'_>, turns: &[Turn]) -> store::Result<usize> {
    let Some(user) = turns.first().map(|turn| turn.user) else { return Ok(0) };
    let mut fresh = Vec::new();
    for turn in turns {
        let word = Word::of(tx, turn)?;
        if word.plan(tx, user, Channel::InApp)? {
            fresh.push(word);
        }
    }
    let mut did = fresh.len();
    if let Some(joint) = Word::joint(&fresh) {
        let channels = paging::channels(tx, user)?.into_iter().filter(|channel| *channel != Channel::InApp);
        for channel in channels {
            did += usize::from(joint.plan(tx, user, channel)?);
        }
    }
    Ok(did)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Role;
    use domain::on_call::{Change, Length, Override};
    use domain::time::civil::Zone;
    use store::Actor;
    use store::on_call::testing::{duty, person, rotation};
    use store::testing::{NOW, stores};

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_turn_is_told_once_a_quarter_of_an_hour_ahead_or_late_after_a_pause() {
        for store in stores() {
            let (ana, bia) = (person(&store, Role::Clinician), person(&store, Role::Clinician));
            // NOW is Sunday, 09:00 in São Paulo: Ana until 10:00, then Bia, by turns of an hour.
            let starts = Zone::SAO_PAULO.local(NOW);
            let body = duty(vec![rotation(starts, Length::Hours(1), &[ana, bia])]);
            let announced_at = |at: Instant| {
                let mut fresh = Handover::new((*store).clone());
                let did = fresh.run(at).unwrap().did;
                let again = Handover::new((*store).clone()).run(at).unwrap().did;
                assert_eq!(
                    (again, fresh.run(at.plus(HOUR / 60)).unwrap().did),
                    (0, 0),
                    "a second run tells nobody"
                );
                did
            };
            store.write(Actor::Operator, NOW, |tx| paging::send_e_mail(tx, true)).unwrap();
            let publish = |tx: &mut Tx<'_>| on_call::publish(tx, "duty", &body, 0);
            store.write(Actor::Operator, NOW, publish).unwrap();
            assert_eq!(announced_at(NOW), 2, "Ana's turn begins: on the dashboard and by e-mail");
            assert_eq!(announced_at(NOW.plus(HOUR / 2)), 0);
            assert_eq!(announced_at(NOW.plus(HOUR * 7 / 10)), 0, "Bia's turn is 18 minutes away");
            assert_eq!(announced_at(NOW.plus(HOUR * 4 / 5)), 2, "Bia's is near");
            // Asleep from 09:49 to 13:30: what began and is over is announced no more.
            assert_eq!(announced_at(NOW.plus(HOUR * 9 / 2)), 2, "only the turn that lasts");
            // Whoever is alone is told so, and no end that nobody planned.
            let alone = duty(vec![rotation(starts, Length::Weeks(1), &[bia])]);
            store.write(Actor::Operator, NOW, |tx| on_call::publish(tx, "alone", &alone, 0)).unwrap();
            assert_eq!(announced_at(NOW), 2);
            let messages_of = |id: &str| store.read(|view| messages::of_case(view, "schedule", id)).unwrap();
            let mails = messages_of("alone");
            assert!(mails.iter().all(|one| one.template == "handover_alone"), "{mails:?}");
            assert!(mails.iter().all(|one| one.variables.get("until").is_none()), "{mails:?}");
            assert!(messages_of("duty").iter().all(|one| one.template == "handover"));
            assert_eq!(mails.len(), 2);
            // An edit in the middle of a turn is no new turn.
            let at = NOW.plus(HOUR * 9 / 2);
            let over =
                Override { from: at, to: at.plus(HOUR / 10), change: Change::Add(bia), meant_at: None };
            store
                .write(Actor::Operator, at, |tx| on_call::changes::put_override(tx, "duty", None, over, 1))
                .unwrap();
            assert_eq!(announced_at(at.plus(HOUR / 30)), 2, "Bia comes in addition; Ana is told nothing");
            assert_eq!(announced_at(at.plus(HOUR / 20)), 0);
        }
    }

    /// Two messages in the same words in the same second, and nobody knew which was which.
    #[test]
    fn turns_that_begin_together_are_one_message_and_each_is_named_on_the_dashboard() {
        for store in stores() {
            let (ana, bia) = (person(&store, Role::Clinician), person(&store, Role::Clinician));
            let starts = Zone::SAO_PAULO.local(NOW);
            let days = |who| duty(vec![rotation(starts, Length::Days(1), &[who, bia])]);
            store.write(Actor::Operator, NOW, |tx| paging::send_e_mail(tx, true)).unwrap();
            let publish = |id: &str, body: &Duty| {
                store.write(Actor::Operator, NOW, |tx| on_call::publish(tx, id, body, 0)).unwrap()
            };
            publish("ward", &days(ana));
            publish("backup", &days(ana));
            let messages_to = |who: UserId, channel: Channel| {
                let to = who.to_string();
                let all = store.read(|view| messages::after(view, channel, &to, 0, 99)).unwrap();
                all.into_iter().map(|one| (one.template, one.variables)).collect::<Vec<_>>()
            };
            let run = |at: Instant| Handover::new((*store).clone()).run(at).unwrap().did;
            assert_eq!((run(NOW), run(NOW)), (3, 0), "a second run, or another node, tells nobody twice");
            let mails = messages_to(ana, Channel::Email);
            let [(template, says)] = mails.as_slice() else { panic!("{mails:?}") };
            assert_eq!((template.as_str(), says["count"].as_u64()), ("handover_several", Some(2)));
            let links: Vec<_> =
                messages_to(ana, Channel::InApp).into_iter().map(|(_, says)| says["link"].clone()).collect();
            assert_eq!(links, ["/schedules/backup", "/schedules/ward"]);
            // One that comes later begins alone.
            publish("later", &days(ana));
            assert_eq!(run(NOW.plus(HOUR / 60)), 2);
            assert_eq!(messages_to(ana, Channel::Email)[1].0, "handover");
            // As long as one of the two is hers, the message is true.
            let who = ana.to_string();
            let claim = |tx: &mut Tx<'_>| messages::claim(tx, Channel::Email, Some(&who), 1);
            let claimed = store.keep_house(Urgency::Urgent, "test", NOW, claim).unwrap();
            let gives = |id: &str| {
                let change = Change::Replace(ana, bia);
                let over = Override { from: NOW, to: NOW.plus(HOUR * 24), change, meant_at: None };
                let put = |tx: &mut Tx<'_>| on_call::changes::put_override(tx, id, None, over, 1);
                store.write(Actor::Operator, NOW, put).unwrap();
            };
            let leaves = || {
                let hand_over = |tx: &mut Tx<'_>| Ok(messages::hand_over(tx, &claimed)?.len());
                store.keep_house(Urgency::Urgent, "test", NOW, hand_over).unwrap()
            };
            gives("backup");
            assert_eq!(leaves(), 1);
            gives("ward");
            assert_eq!(leaves(), 0);
        }
    }

    /// "Your turn since 06:59" left a mailbox that had rested, to somebody who was on call no more.
    #[test]
    fn word_of_a_turn_is_worth_an_hour_and_does_not_leave_once_the_turn_is_anothers() {
        for store in stores() {
            let (ana, bia) = (person(&store, Role::Clinician), person(&store, Role::Clinician));
            let body = duty(vec![rotation(Zone::SAO_PAULO.local(NOW), Length::Weeks(1), &[ana])]);
            let house = |f: &mut dyn FnMut(&mut Tx<'_>) -> store::Result<usize>| {
                store.keep_house(Urgency::Urgent, "test", NOW, |tx| f(tx)).unwrap()
            };
            store.write(Actor::Operator, NOW, |tx| paging::send_e_mail(tx, true)).unwrap();
            store.write(Actor::Operator, NOW, |tx| on_call::publish(tx, "duty", &body, 0)).unwrap();
            let mut module = Handover::new((*store).clone());
            module.run(NOW).unwrap();
            let sent = store.read(|view| messages::of_case(view, "schedule", "duty")).unwrap();
            assert!(sent.iter().all(|one| one.way.not_after == NOW.plus(HOUR)), "{sent:?}");
            // Claimed, and then the turn is Bia's.
            let claim = |who: UserId| {
                let who = who.to_string();
                store
                    .keep_house(Urgency::Urgent, "test", NOW, |tx| {
                        messages::claim(tx, Channel::Email, Some(&who), 1)
                    })
                    .unwrap()
            };
            let hers = claim(ana);
            let over = Override {
                from: NOW,
                to: NOW.plus(HOUR * 9),
                change: Change::Replace(ana, bia),
                meant_at: None,
            };
            store
                .write(Actor::Operator, NOW, |tx| on_call::changes::put_override(tx, "duty", None, over, 1))
                .unwrap();
            assert_eq!(house(&mut |tx| Ok(messages::hand_over(tx, &hers)?.len())), 0);
            let code = store.keep_house(Urgency::Urgent, "test", NOW, |tx| messages::suppress(tx, &hers[0]));
            assert_eq!(code.unwrap(), Some("not_wanted"));
            module.run(NOW).unwrap();
            let his = claim(bia);
            assert_eq!(house(&mut |tx| Ok(messages::hand_over(tx, &his)?.len())), 1, "his is true");
        }
    }
}
