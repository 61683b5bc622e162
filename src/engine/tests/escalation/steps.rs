//! The escalation under driven time, on every backend at hand: red to "nobody reached", and every act that makes it
//! silent.

use std::time::Duration;

use crate::tests::ward::{Ward, at, paged, raise, raise_late, wards};
use domain::alerts::{Act, ActRefused, LEASE};
use domain::escalation::{Policy, State};
use domain::messages::State as Way;
use domain::{Outcome, Role};
use store::alerts::{self, late_reds};
use store::escalation::Advanced;
use store::escalation::{self, paging};
use store::health::lapses;
use store::messages::Ground;
use store::people::users;
use store::testing::{NOW, entries};
use store::{Actor, Error, Tx, Urgency, messages, versions};

#[test]
fn with_nobody_answering_it_escalates_to_nobody_reached_and_calls_again_until_somebody_takes_it() {
    for ward in wards() {
        assert_eq!((ward.tick(NOW), ward.tick(NOW)), (1, 0), "twice changes nothing");
        for minute in 1..=60 {
            ward.tick(at(minute));
        }
        let last = ("paged".to_owned(), None, vec![3]);
        let mut story = vec![paged(0, 0), paged(1, 1), paged(2, 2), ("nobody_reached".into(), None, vec![])];
        story.extend(std::iter::repeat_n(last, 4));
        assert_eq!(ward.story(), story);
        assert_eq!(ward.state(), State::NobodyReached);
        let log = |kind| entries(&ward.home, kind);
        assert_eq!((log("alert.escalated"), log("alert.unreached")), (7, 1));
        ward.act(3, Act::Ack, at(61));
        assert_eq!(ward.tick(at(80)), 0);
        assert!(ward.ways().iter().all(|way| *way == Way::Cancelled), "{:?}", ward.ways());
    }
}

/// Acked on the phone, the SMS still came (grafana oncall 4654, 4760); acked and forgotten (goalert 3378).
#[test]
fn an_answer_cancels_what_is_planned_at_once_and_runs_out_without_a_resolution() {
    for ward in wards() {
        ward.tick(NOW);
        ward.act(1, Act::Ack, at(2));
        assert_eq!(ward.ways(), [Way::Cancelled]);
        assert_eq!((ward.tick(at(31)), ward.tick(at(32))), (0, 1));
        assert_eq!(ward.story()[1..], [("resumed".to_owned(), Some(0), vec![]), paged(0, 0)]);
        let case = ward.home.read(|view| alerts::get(view, ward.alert)).unwrap().case;
        assert_eq!((case.state.name(), case.owner, case.acknowledgements.len()), ("open", None, 1));
        ward.act(1, Act::Ack, at(33));
        ward.act(1, Act::Unack, at(34));
        assert_eq!((ward.tick(at(34)), ward.state()), (1, State::Waiting));
        ward.act(1, Act::Resolve { outcome: Outcome::TrueAlarm }, at(35));
        assert_eq!((ward.state(), ward.tick(at(600))), (State::Done, 0));
    }
}

#[test]
fn a_claim_holds_the_policy_for_its_lease_and_a_silence_until_its_end() {
    for ward in wards() {
        ward.tick(NOW);
        ward.act(2, Act::Claim, at(1));
        assert_eq!(ward.tick(at(10)), 0, "left alone with it");
        let over = at(1).plus(LEASE);
        assert_eq!(ward.tick(over), 1);
        let case = ward.home.read(|view| alerts::get(view, ward.alert)).unwrap().case;
        assert_eq!((case.owner, case.claimed_until), (None, None));
        ward.act(0, Act::Snooze { until: at(40) }, at(12));
        assert_eq!((ward.tick(at(39)), ward.tick(at(40))), (0, 1));
        ward.home.keep_house(Urgency::Patient, "test", at(40), |tx| alerts::wake(tx, 10)).unwrap();
        assert_eq!(ward.tick(at(40)), 0, "the end of a silence pages once");
        ward.act(0, Act::Reassign { to: ward.people[3] }, at(41));
        assert_eq!(ward.ways().last(), Some(&Way::Accepted), "who is handed it is paged");
    }
}

/// Two people took turns for as long as both went on, and the same step was called again and again.
#[test]
fn a_red_that_two_people_hold_in_turns_goes_on_to_the_next_step_and_both_are_told_why() {
    for ward in wards() {
        ward.tick(NOW);
        let notices_of = |who: usize| {
            let unread = ward.home.read(|view| messages::unread(view, ward.people[who], 99)).unwrap();
            unread.iter().filter(|one| one.template == "held_too_long").count()
        };
        for turn in 0..8 {
            ward.act(turn % 2, Act::Ack, at(31 * u64::try_from(turn).unwrap() + 1));
            let over = at(31 * u64::try_from(turn).unwrap() + 31);
            assert_eq!((notices_of(0), notices_of(1)), (0, 0), "turn {turn}");
            assert!(ward.tick(over) > 0, "turn {turn}");
            if turn < 7 {
                assert_eq!(ward.story().last(), Some(&paged(0, 0)), "turn {turn}");
            }
        }
        // The next step means one of the two, who may not answer: the one after it is called at once.
        ward.tick(at(248));
        assert_eq!(ward.story().last(), Some(&paged(2, 2)));
        assert_eq!((notices_of(0), notices_of(1), notices_of(2)), (1, 1, 0), "both are told why");
        for who in [0, 1] {
            let id = ward.people[who];
            let actor = Actor::User { id, role: Role::Clinician };
            let refused = ward.home.write(actor, at(250), |tx| {
                let tried = alerts::acted(tx, ward.alert, id, Act::Claim, None);
                let worn = matches!(tried, Err(alerts::Refused::Act(ActRefused::HeldByFew)));
                if worn { Err::<(), _>(Error::Conflict("worn out")) } else { Ok(()) }
            });
            assert!(matches!(refused, Err(Error::Conflict("worn out"))), "{refused:?}");
        }
        ward.act(2, Act::Ack, at(251));
        ward.tick(at(281));
        ward.act(0, Act::Ack, at(282));
    }
}

/// A red found late calls nobody until it pages, and may have been held too often by then.
#[test]
fn an_escalation_that_begins_when_somebody_held_its_red_too_often_calls_others() {
    for ward in wards() {
        let late = raise_late(&ward.home, NOW);
        for hold in 0..4 {
            ward.act_on(late, 0, Act::Ack, at(5 * hold));
            ward.act_on(late, 0, Act::Unack, at(5 * hold + 1));
        }
        let paged = |tx: &mut Tx<'_>| late_reds::page(tx, late);
        ward.home.keep_house(Urgency::Urgent, "test", at(20), paged).unwrap();
        ward.tick(at(20));
        ward.tick(at(20));
        let called = ward.home.read(|view| {
            let escalation = escalation::of_alert(view, late)?.unwrap();
            escalation::steps(view, &escalation.id)
        });
        let called: Vec<_> = called.unwrap().into_iter().flat_map(|did| did.people).collect();
        assert_eq!(called, [ward.people[1]]);
    }
}

/// The button on an old message (goalert's `last_escalation <= created_at`).
#[test]
fn a_stale_button_does_nothing_and_a_fresh_one_pages_the_next_step() {
    for ward in wards() {
        ward.tick(NOW);
        let force = |seen, now| {
            let actor = Actor::User { id: ward.people[3], role: Role::Agent };
            ward.home.write(actor, now, |tx| escalation::force(tx, ward.alert, seen))
        };
        let stale = force(NOW.minus(Duration::from_secs(1)), at(1));
        assert!(matches!(stale, Err(Error::Refused { code: "E_STALE_STEP", .. })));
        force(NOW, at(1)).unwrap();
        ward.tick(at(1));
        assert_eq!(ward.story(), [paged(0, 0), paged(1, 1)]);
    }
}

/// One bad row blocks the module (goalert 3783).
#[test]
fn a_row_that_cannot_be_read_is_set_aside_and_holds_up_nobody() {
    for ward in wards() {
        let other = raise(&ward.home, NOW);
        ward.home.keep_house(Urgency::Urgent, "test", NOW, |tx| escalation::break_row(tx, other)).unwrap();
        ward.tick(NOW);
        assert_eq!(ward.story(), [paged(0, 0)]);
        assert_eq!(ward.tick(at(1)), 0, "it is not tried again and again");
        let shown = ward.home.read(|view| escalation::going_on(view, escalation::ALERT, 9)).unwrap();
        assert_eq!(shown.len(), 1, "queue and status go on without it");
        ward.act_on(other, 2, Act::Ack, at(1));
        let case = ward.home.read(|view| alerts::get(view, other)).unwrap().case;
        assert_eq!(case.state.name(), "acknowledged", "nobody is kept from answering");
        let late = ward.home.read(|view| lapses::look(view, at(3))).unwrap();
        assert!(late.iter().any(|lapse| lapse.kind == "set_aside"), "{late:?}");
        assert_eq!(ward.tick(at(5)), 1, "the others go on");
        assert_eq!(entries(&ward.home, "engine.quarantined"), 1);
    }
}

/// A weekend's empty step lost its whole delay (goalert 4548); disabled people are not waited for (oncall 1511).
#[test]
fn a_step_without_anybody_is_skipped_at_once() {
    for ward in wards() {
        ward.home.write(Actor::System("test"), NOW, |tx| users::disable(tx, ward.people[0])).unwrap();
        ward.tick(NOW);
        assert_eq!(ward.story(), [("empty".to_owned(), Some(0), vec![]), paged(1, 1)]);
    }
}

fn ground(ward: &Ward, of: &escalation::Escalation) -> Result<Ground, consent::Denied> {
    ward.home.keep_house(Urgency::Urgent, "test", NOW, |tx| Ground::ask(tx, of.patient.unwrap())).unwrap()
}

/// Two nodes read the same row; between the look and the word of one, a person answers: the answer stands.
#[test]
fn an_escalation_that_was_read_before_an_answer_is_not_written_over_it() {
    for ward in wards() {
        let other = raise(&ward.home, NOW);
        ward.tick(NOW);
        let read = |alert| {
            let from = ward.home.read(|view| escalation::of_alert(view, alert)).unwrap().unwrap();
            let mut run = from.run.clone();
            let did = run.tick(at(5), &mut |_step| vec![ward.people[1]]);
            Advanced { ground: ground(&ward, &from), from, run, did, due_at: at(5) }
        };
        let (stale, fresh) = (read(ward.alert), read(other));
        ward.act(0, Act::Ack, at(1));
        for advanced in [vec![stale.clone()], vec![fresh.clone(), stale]] {
            let saved =
                ward.home.keep_house(Urgency::Urgent, "test", at(5), |tx| escalation::save(tx, &advanced));
            assert!(matches!(saved, Err(Error::GivenUp)), "{saved:?}");
        }
        assert_eq!(ward.state(), State::Acknowledged(ward.people[0]));
        let after = ward.home.read(|view| escalation::of_alert(view, other)).unwrap();
        assert_eq!(after, Some(fresh.from), "and nothing of the same commit is kept");
    }
}

#[test]
fn a_page_that_is_planned_twice_is_sent_once() {
    for ward in wards() {
        ward.sends_e_mail();
        let from = ward.home.read(|view| escalation::of_alert(view, ward.alert)).unwrap().unwrap();
        let mut run = from.run.clone();
        let did = run.tick(NOW, &mut |_step| ward.people[..2].to_vec());
        let advanced = [Advanced { ground: ground(&ward, &from), from, run, did, due_at: NOW }];
        for _ in 0..2 {
            ward.home
                .keep_house(Urgency::Urgent, "test", NOW, |tx| {
                    escalation::page(tx, &advanced, &mut paging::Finder::default())
                })
                .unwrap();
            assert_eq!(ward.ways().len(), 4, "two people, on the dashboard and by e-mail");
        }
    }
}

#[test]
fn a_red_that_is_found_too_late_pages_nobody() {
    for ward in wards() {
        let late = raise_late(&ward.home, NOW);
        assert_eq!(ward.home.read(|view| escalation::of_alert(view, late)).unwrap(), None);
        assert_eq!(ward.tick(NOW), 1, "only the other one");
    }
}

#[test]
fn an_answer_cancels_the_pages_of_an_escalation_that_cannot_be_read_too() {
    for ward in wards() {
        ward.sends_e_mail();
        ward.tick(NOW);
        assert_eq!(ward.ways(), [Way::Accepted, Way::Due]);
        let broken = ward.alert;
        ward.home.keep_house(Urgency::Urgent, "test", NOW, |tx| escalation::break_row(tx, broken)).unwrap();
        ward.act(2, Act::Ack, at(1));
        assert_eq!(ward.ways(), [Way::Cancelled, Way::Cancelled]);
    }
}

#[test]
fn an_answer_to_one_case_leaves_the_pages_of_the_others() {
    for ward in wards() {
        ward.sends_e_mail();
        let other = raise(&ward.home, NOW);
        assert_eq!(ward.tick(NOW), 2);
        ward.act_on(other, 2, Act::Ack, at(1));
        assert_eq!(ward.ways(), [Way::Accepted, Way::Due]);
        assert_eq!(ward.tick(at(5)), 1);
    }
}

/// Late data disproved it, the patient revoked consent, another case tells the same story: nobody need come.
#[test]
fn what_is_withdrawn_pages_nobody_any_more() {
    for outcome in [Outcome::Retracted, Outcome::ConsentRevoked, Outcome::Duplicate] {
        for ward in wards() {
            ward.sends_e_mail();
            ward.tick(NOW);
            ward.home
                .write(Actor::System("test"), at(1), |tx| {
                    let stored = alerts::get(tx, ward.alert)?;
                    alerts::withdraw(tx, &stored, outcome).map(drop)
                })
                .unwrap();
            assert_eq!((ward.state(), ward.tick(at(60))), (State::Done, 0), "{outcome:?}");
            assert_eq!(ward.ways(), [Way::Cancelled, Way::Cancelled], "{outcome:?}");
        }
    }
}

#[test]
fn an_escalation_keeps_the_version_of_its_policy() {
    for ward in wards() {
        ward.tick(NOW);
        let change = |tx: &mut Tx<'_>| {
            let mut red = versions::in_force::<Policy>(tx, escalation::RED, NOW)?.unwrap();
            red.body.steps.reverse();
            red.body.steps.iter_mut().for_each(|step| step.minutes = 30);
            versions::publish(tx, escalation::RED, &red.body, red.version)
        };
        ward.home.write(Actor::System("test"), at(1), change).unwrap();
        let later = raise(&ward.home, at(2));
        ward.tick(at(5));
        ward.tick(at(10));
        assert_eq!(ward.story(), [paged(0, 0), paged(1, 1), paged(2, 2)]);
        let new = ward.home.read(|view| escalation::of_alert(view, later)).unwrap().unwrap();
        assert_eq!(
            (new.run.policy.version, new.run.next_at),
            (2, Some(at(35))),
            "the new one is for new cases"
        );
    }
}
