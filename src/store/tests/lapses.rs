//! The auditor's look: each kind of plan that was not carried out is found, and what was carried out is not.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::prelude::*;

use super::{act, entries, patient};
use crate::db::schema::{escalations, messages as rows, sla_timers as clocks};
use crate::health::lapses::{Lapse, look, settle, standing};
use crate::messages::{self, About, New, Topic};
use crate::on_call::testing::person;
use crate::testing::{NOW, grant_calls, stores};
use crate::{Actor, Error, Keyed, Store, Urgency, alerts, escalation, sla};
use domain::alerts::{Act as Deed, Level};
use domain::messages::{Channel, Class};
use domain::{AlertId, Instant, Role, Rule};
use rules::{Change, Episode, Finding};

fn at(minutes: u64) -> Instant {
    NOW.plus(Duration::from_secs(60 * minutes))
}

fn red(store: &Store, retrospective: bool) -> AlertId {
    let maria = patient(store, "Maria");
    let rule = &Rule::seeds()[0];
    let opened =
        Change::Opened { level: Level::Red, started_at: NOW.minus(Duration::from_secs(60)), at: NOW };
    let episode = Episode::opened(rule, &opened).unwrap();
    let finding = Finding::of(rule, Level::Red, &[]);
    act(store, |tx| {
        grant_calls(tx, maria.id)?;
        alerts::open(tx, Keyed { key: maria.key, id: maria.id }, rule, &episode, &finding, retrospective)
    })
    .unwrap()
}

/// A message that is due at once. Gives its number.
fn message(store: &Store, key: &str, recipient: &str) -> i64 {
    let planned = act(store, |tx| {
        tx.unchanged();
        let new = New {
            key: key.to_owned(),
            class: Class::Clinical,
            channel: Channel::Email,
            recipient: recipient.to_owned(),
            template: "page",
            variables: serde_json::json!({}),
            about: About::house(Topic::Engine, key),
            due_at: NOW,
            not_after: at(600),
        };
        messages::plan(tx, &new)?;
        messages::by_key(tx, key)
    });
    planned.unwrap().unwrap().id
}

/// Kind and row of whatever is late.
fn late(store: &Store, than: Instant) -> BTreeSet<(String, String)> {
    let found = store.read(|view| look(view, than)).unwrap();
    found.into_iter().map(|lapse| (lapse.kind, lapse.subject)).collect()
}

fn escalation_of(store: &Store, alert: AlertId) -> String {
    store.read(|view| escalation::of_alert(view, alert)).unwrap().unwrap().id
}

fn clock_of(store: &Store, alert: AlertId, name: &str) -> String {
    let all = store.read(|view| sla::of_alert(view, alert)).unwrap();
    all.into_iter().find(|clock| clock.service_level == name).unwrap().id
}

/// A store with the policies and the service levels of a house.
fn houses() -> Vec<crate::testing::Home> {
    let seeded = |store: &Store| act(store, |tx| escalation::seed(tx).and_then(|()| sla::seed(tx)));
    stores().into_iter().inspect(|store| seeded(store).unwrap()).collect()
}

#[test]
fn each_kind_of_plan_that_was_not_carried_out_is_found() {
    for store in houses() {
        let (escalating, lost) = (red(&store, false), red(&store, false));
        let (due, stuck) = (message(&store, "due", "a"), message(&store, "stuck", "b"));
        act(&store, |tx| {
            diesel::delete(escalations::table.filter(escalations::subject.eq(lost.to_string())))
                .execute(tx.conn)?;
            diesel::delete(clocks::table.filter(clocks::subject.eq(lost.to_string()))).execute(tx.conn)?;
            tx.unchanged();
            messages::claim(tx, Channel::Email, Some("b"), 1)
        })
        .unwrap();
        assert_eq!(late(&store, NOW.minus(Duration::from_micros(1))), BTreeSet::new(), "nothing was due yet");
        let lapse = |kind: &str, row: String| (kind.to_owned(), row);
        let mut wanted = BTreeSet::from([
            lapse("late_step", escalation_of(&store, escalating)),
            lapse("late_message", due.to_string()),
            lapse("unescalated_red", lost.to_string()),
        ]);
        assert_eq!(late(&store, NOW), wanted);
        wanted.insert(lapse("stuck_message", stuck.to_string()));
        assert_eq!(late(&store, at(1)), wanted, "an attempt has half a minute");
        wanted.insert(lapse("late_timer", clock_of(&store, escalating, "red_first_response")));
        assert_eq!(late(&store, at(16)), wanted, "the warning was due");
    }
}

#[test]
fn what_was_set_aside_is_told_once_and_not_as_late() {
    for store in houses() {
        let alert = red(&store, false);
        let clock = clock_of(&store, alert, "red_first_response");
        let message = message(&store, "broken", "a");
        let escalation = escalation_of(&store, alert);
        act(&store, |tx| {
            diesel::update(escalations::table.find(&escalation))
                .set(escalations::spoiled.eq("why"))
                .execute(tx.conn)?;
            diesel::update(clocks::table.find(&clock)).set(clocks::spoiled.eq("why")).execute(tx.conn)?;
            diesel::update(rows::table.find(message)).set(rows::spoiled.eq("why")).execute(tx.conn)?;
            tx.unchanged();
            Ok(())
        })
        .unwrap();
        let wanted = [escalation, clock, message.to_string()].map(|row| ("set_aside".to_owned(), row));
        assert_eq!(late(&store, at(16)), BTreeSet::from(wanted));
    }
}

#[test]
fn what_was_answered_or_sent_is_no_lapse_and_a_red_that_stands_unpaged_is_one() {
    for store in houses() {
        let found_late = red(&store, true);
        let (answered, ana) = (red(&store, false), person(&store, Role::Clinician));
        message(&store, "sent", "a");
        let ack = |tx: &mut crate::Tx<'_>| {
            let acted = alerts::acted(tx, answered, ana, Deed::Ack, None);
            acted.map(drop).map_err(|_refused| Error::Conflict("refused"))
        };
        store.write(Actor::User { id: ana, role: Role::Clinician }, at(1), ack).unwrap();
        act(&store, |tx| {
            tx.unchanged();
            let claimed = messages::claim(tx, Channel::Email, None, 9)?;
            let sent = domain::messages::Attempt::Accepted;
            claimed
                .iter()
                .try_for_each(|one| messages::attempted(tx, one, &messages::Answer::new(sent, "ok"), None))
        })
        .unwrap();
        let missed = ("unescalated_red".to_owned(), found_late.to_string());
        assert_eq!(late(&store, at(16)), BTreeSet::from([missed]));
    }
}

/// One bad row blocks the module (goalert 3783): so with messages.
#[test]
fn a_message_that_cannot_be_read_is_set_aside_once_and_holds_up_nobody() {
    for store in houses() {
        let (bad, good) = (message(&store, "bad", "a"), message(&store, "good", "b"));
        let broken = |class: &'static str| {
            act(&store, |tx| {
                diesel::update(rows::table.find(bad)).set(rows::class.eq(class)).execute(tx.conn)?;
                tx.unchanged();
                messages::claim(tx, Channel::Email, None, 9)
            })
        };
        let claimed: Vec<i64> = broken("odd").unwrap().into_iter().map(|one| one.id).collect();
        assert_eq!((claimed, entries(&store, "engine.quarantined")), (vec![good], 1));
        message(&store, "next", "c");
        assert_eq!(broken("odd").unwrap().len(), 1);
        assert_eq!(entries(&store, "engine.quarantined"), 1, "it is not tried again and again");
        let sooner = late(&store, NOW);
        assert!(sooner.contains(&("set_aside".to_owned(), bad.to_string())), "{sooner:?}");
    }
}

#[test]
fn a_lapse_that_comes_back_stands_again() {
    for store in stores() {
        let found = [Lapse { kind: "late_step".to_owned(), subject: "a".to_owned(), expected_at: NOW }];
        let settled = |found: &[Lapse], at| {
            store.keep_house(Urgency::Urgent, "test", at, |tx| settle(tx, found, false)).unwrap().fresh.len()
        };
        assert_eq!((settled(&found, at(1)), settled(&found, at(2)), settled(&[], at(3))), (1, 0, 0));
        assert_eq!(store.read(standing).unwrap(), []);
        assert_eq!(settled(&found, at(4)), 1);
        let stands: Vec<Lapse> = store.read(standing).unwrap().into_iter().map(|one| one.lapse).collect();
        assert_eq!((stands.as_slice(), entries(&store, "engine.lapse")), (found.as_slice(), 2));
    }
}

/// One step stood late for days, and every later one was announced to nobody.
#[test]
fn a_kind_of_lapse_that_stands_is_told_again_after_an_hour_when_another_joins_it() {
    for store in stores() {
        let lapse = |subject: &str| Lapse {
            kind: "late_step".to_owned(),
            subject: subject.to_owned(),
            expected_at: NOW,
        };
        let settled = |found: &[Lapse], at| {
            store.keep_house(Urgency::Urgent, "test", at, |tx| settle(tx, found, false)).unwrap().unannounced
        };
        let (one, two, three) = (lapse("a"), lapse("b"), lapse("c"));
        assert!(settled(std::slice::from_ref(&one), at(1)));
        assert!(!settled(&[one.clone(), two.clone()], at(30)), "within the hour it is one word");
        assert!(!settled(&[one.clone(), two.clone()], at(90)), "nothing new");
        assert!(settled(&[one.clone(), two.clone(), three.clone()], at(91)), "the first still stands");
        assert!(!settled(&[one, two], at(92)));
    }
}

/// A page that was tried once and put off for hours was no lapse, and a call to a program that came late was kept from
/// the mailboxes.
#[test]
fn a_call_that_is_put_off_is_late_from_when_it_was_planned_and_is_told_by_the_other_ways() {
    for store in houses() {
        let alert = red(&store, false);
        let put_off = |channel, recipient: &str| {
            act(&store, |tx| {
                tx.unchanged();
                let patient = alerts::get(tx, alert)?.case.patient;
                let ground = messages::Ground::ask(tx, patient)?.expect("a permit");
                let (key, subject) = (format!("call:{recipient}"), alert.to_string());
                let new = New {
                    key: key.clone(),
                    class: Class::Clinical,
                    channel,
                    recipient: recipient.to_owned(),
                    template: "page",
                    variables: serde_json::json!({}),
                    about: About::patient(ground, escalation::ALERT, &subject),
                    due_at: NOW,
                    not_after: NOW.plus(messages::PAGE_LASTS),
                };
                messages::plan(tx, &new)?;
                let claimed = messages::claim(tx, channel, Some(recipient), 1)?.remove(0);
                let later = messages::Answer::new(domain::messages::Attempt::Later(None), "smtp_421");
                messages::attempted(tx, &claimed, &later, Some(Duration::from_secs(3_600)))?;
                Ok(claimed.id.to_string())
            })
            .unwrap()
        };
        let call = put_off(Channel::Webhook, "a program");
        let found = late(&store, NOW);
        assert!(found.contains(&("late_program".to_owned(), "a program".to_owned())), "{call}: {found:?}");
        let looked = store.read(|view| look(view, NOW)).unwrap();
        let raised =
            store.keep_house(Urgency::Urgent, "test", at(2), |tx| settle(tx, &looked, false)).unwrap();
        assert_eq!(raised.ways, BTreeSet::from([Channel::Webhook]));
        assert_eq!(
            store.read(|view| look(view, NOW)).unwrap(),
            looked,
            "the same lapse however often it is tried"
        );
    }
}

/// A hundred and thirty rows, each with a number, for two programs that did not answer.
#[test]
fn a_program_that_keeps_calls_waiting_is_one_lapse_with_their_count_until_nothing_waits() {
    for store in houses() {
        let alert = red(&store, false);
        let call = |n: u64| {
            let planned = act(&store, |tx| {
                tx.unchanged();
                let patient = alerts::get(tx, alert)?.case.patient;
                let ground = messages::Ground::ask(tx, patient)?.expect("a permit");
                let (key, subject) = (format!("call:{n}"), alert.to_string());
                let new = New {
                    key: key.clone(),
                    class: Class::Clinical,
                    channel: Channel::Webhook,
                    recipient: "a program".to_owned(),
                    template: "page",
                    variables: serde_json::json!({}),
                    about: About::patient(ground, escalation::ALERT, &subject),
                    due_at: at(n),
                    not_after: NOW.plus(messages::PAGE_LASTS),
                };
                messages::plan(tx, &new)?;
                messages::by_key(tx, &key)
            });
            planned.unwrap().unwrap().id
        };
        let calls: Vec<i64> = (0..3).map(call).collect();
        let settled = |now: Instant| {
            let mut found = store.read(|view| look(view, now)).unwrap();
            found.retain(|one| one.kind == "late_program");
            store.keep_house(Urgency::Urgent, "test", now, |tx| settle(tx, &found, false)).unwrap();
            store.read(standing).unwrap()
        };
        let stands = settled(at(3));
        assert_eq!(stands.iter().map(|one| one.count).collect::<Vec<_>>(), [3]);
        assert_eq!(stands[0].lapse.subject, "a program");
        assert_eq!(store.read(|view| crate::health::lapses::of_red(view, &stands)).unwrap(), 3);
        // The oldest of them goes: the others still wait, and it is the same lapse.
        let gone = |id: i64| {
            act(&store, |tx| {
                tx.unchanged();
                diesel::update(rows::table.find(id)).set(rows::state.eq("accepted")).execute(tx.conn)?;
                Ok(())
            })
            .unwrap();
        };
        gone(calls[0]);
        let again = settled(at(4));
        assert_eq!((again.len(), again[0].count, &again[0].lapse), (1, 2, &stands[0].lapse));
        assert_eq!(entries(&store, "engine.lapse"), 1);
        gone(calls[1]);
        gone(calls[2]);
        assert_eq!(settled(at(5)), []);
    }
}
