//! Whoever is away is on call in no schedule, whatever is changed later, and what was stays true.

use std::time::Duration;

use super::absences::{change, list, note, note_once, take_back, turns_of};
use super::swaps::{Asked, ask};
use super::testing::{duty, person, rotation};
use super::*;
use crate::escalation::paging::{self, LeftOut};
use crate::testing::{NOW, entries, stores};
use crate::{Actor, Store, messages};
use domain::escalation::{Step, Target};
use domain::on_call::{Change, Cover, Doubt, Issue, Length};
use domain::time::civil::Window;
use domain::{AbsenceId, Role};

const HOUR: Duration = Duration::from_secs(3_600);

fn hour(n: u32) -> Instant {
    NOW.plus(HOUR * n)
}

fn hours(from: u32, to: u32) -> Window {
    Window { from: hour(from), to: hour(to) }
}

fn at<T>(store: &Store, now: Instant, f: impl FnMut(&mut Tx<'_>) -> Result<T>) -> Result<T> {
    store.write(Actor::Operator, now, f)
}

fn who(store: &Store, id: &str, n: u32) -> Vec<UserId> {
    let (_, present) = store.read(|view| on_call(view, id, hour(n))).unwrap();
    present.into_iter().map(|(user, _)| user).collect()
}

/// Ana and Bia by twelve hours from now on; Caio has none of it.
fn ward(store: &Store) -> [UserId; 3] {
    let people = [(); 3].map(|()| person(store, Role::Clinician));
    alone(store, "duty", &people[..2], Length::Hours(12));
    people
}

fn alone(store: &Store, id: &str, people: &[UserId], length: Length) {
    let body = duty(vec![rotation(Zone::SAO_PAULO.local(NOW), length, people)]);
    at(store, NOW, |tx| publish(tx, id, &body, 0)).unwrap();
}

fn cover(schedule: &str, Window { from, to }: Window, by: UserId) -> Cover {
    Cover { schedule: schedule.into(), from, to, by }
}

#[test]
fn an_absence_goes_over_every_schedule_at_once_and_says_what_nobody_covers() {
    for store in stores() {
        let [ana, bia, caio] = ward(&store);
        alone(&store, "backup", &[ana], Length::Days(7));
        let within = hours(24, 60);
        let turns = store.read(|view| turns_of(view, ana, within, NOW)).unwrap();
        let named = |id: &str, window| (id.to_owned(), window);
        assert_eq!(
            turns,
            [named("backup", within), named("duty", hours(24, 36)), named("duty", hours(48, 60))]
        );
        let stranger = store.write(Actor::Operator, NOW, |tx| {
            crate::people::users::disable(tx, caio).map(drop)?;
            note(tx, ana, within, &[cover("duty", hours(24, 36), caio)])
        });
        assert!(matches!(stranger, Err(Error::Refused { code: "E_INVALID", .. })), "{stranger:?}");
        let foreign = at(&store, NOW, |tx| note(tx, ana, within, &[cover("duty", hours(36, 48), caio)]));
        assert!(matches!(foreign, Err(Error::Refused { code: "E_INVALID", .. })), "it is Bia's turn");
        let covers = [cover("duty", hours(24, 36), caio), cover("backup", hours(30, 60), bia)];
        let left = at(&store, NOW, |tx| note(tx, ana, within, &covers)).unwrap();
        assert_eq!(left.schedules, ["backup", "duty"]);
        assert_eq!(left.uncovered, [named("backup", hours(24, 30)), named("duty", hours(48, 60))]);
        assert_eq!((who(&store, "duty", 25), who(&store, "backup", 31)), (vec![caio], vec![bia]));
        assert_eq!((who(&store, "duty", 50), who(&store, "backup", 25)), (vec![], vec![]));
        assert_eq!(
            (who(&store, "duty", 72), who(&store, "backup", 60)),
            (vec![ana], vec![ana]),
            "back again"
        );
        assert_eq!(store.read(|view| get(view, "duty", NOW)).unwrap().version, 1, "no schedule was changed");
        let twice = at(&store, NOW, |tx| note(tx, ana, hours(40, 80), &[]));
        assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
        let away = at(&store, NOW, |tx| {
            note(tx, bia, hours(62, 70), &[])
                .and_then(|_| note(tx, ana, hours(61, 80), &[cover("backup", hours(61, 80), bia)]))
        });
        assert!(matches!(away, Err(Error::Refused { code: "E_INVALID", .. })), "{away:?}");
        assert_eq!(entries(&store, "shift.absent"), 1);
    }
}

/// "All turns are covered", and nobody was on call.
#[test]
fn a_stand_in_who_is_away_leaves_a_gap_that_is_said_and_may_have_a_stand_in() {
    for store in stores() {
        let [ana, bia, caio] = ward(&store);
        let turn = hours(24, 36);
        at(&store, NOW, |tx| note(tx, ana, turn, &[cover("duty", turn, caio)])).unwrap();
        let away = at(&store, hour(1), |tx| note(tx, caio, hours(20, 40), &[])).unwrap();
        assert_eq!((away.schedules, away.uncovered), (vec!["duty".into()], vec![("duty".into(), turn)]));
        assert_eq!(who(&store, "duty", 25), []);
        at(&store, hour(2), |tx| take_back(tx, away.id)).unwrap();
        let covered = [cover("duty", turn, bia)];
        let away = at(&store, hour(3), |tx| note(tx, caio, hours(20, 40), &covered)).unwrap();
        assert_eq!((away.uncovered, who(&store, "duty", 25)), (vec![], vec![bia]));
    }
}

/// A schedule made later, one written whole, an override and a swap put somebody on call through their leave.
#[test]
fn whoever_is_away_is_on_call_in_no_schedule_whatever_is_changed_later() {
    for store in stores() {
        let [ana, bia, caio] = ward(&store);
        at(&store, NOW, |tx| note(tx, ana, hours(24, 96), &[])).unwrap();
        alone(&store, "later", &[ana], Length::Days(7));
        assert_eq!((who(&store, "later", 12), who(&store, "later", 50)), (vec![ana], vec![]));
        let duty = store.read(|view| get(view, "later", NOW)).unwrap();
        let mut body = duty.body.clone();
        let add =
            Override { from: hour(30), to: hour(40), change: Change::Add(ana), meant_at: Some(hour(1)) };
        body.schedule.overrides = vec![add];
        at(&store, NOW, |tx| publish(tx, "later", &body, 1)).unwrap();
        assert_eq!(who(&store, "later", 35), [], "what a caller says was meant is not the house's word");
        let gap = |issue: &Issue| matches!(issue, Issue::Gap(window) if *window == hours(24, 96));
        let duty = store.read(|view| get(view, "later", NOW)).unwrap();
        let issues = store.read(|view| problems(view, "later", &duty.body, NOW)).unwrap();
        assert!(issues.iter().any(gap), "{issues:?}");
        let over =
            Override { from: hour(20), to: hour(30), change: Change::Replace(bia, ana), meant_at: None };
        let doubts = store.read(|view| changes::doubts(view, "duty", None, &over, NOW)).unwrap();
        assert!(doubts.contains(&Doubt::Absent(ana)), "{doubts:?}");
        let fill =
            Override { from: hour(24), to: hour(36), change: Change::Replace(ana, caio), meant_at: None };
        assert_eq!(store.read(|view| changes::doubts(view, "duty", None, &fill, NOW)).unwrap(), []);
        let taking = Asked { giver: bia, taker: Some(ana), window: hours(36, 48), back: None };
        let swap =
            store.write(Actor::User { id: bia, role: Role::Clinician }, NOW, |tx| ask(tx, "duty", &taking));
        assert!(matches!(swap, Err(Error::Refused { code: "E_INVALID", .. })), "{swap:?}");
        assert!(!store.read(|view| capacity::on_duty(view, hour(50))).unwrap().contains(&ana));
        let turns = store.read(|view| turns(view, "later", hours(0, 120))).unwrap();
        assert_eq!(turns, [(hours(0, 24), ana), (hours(96, 120), ana)]);
    }
}

#[test]
fn an_override_that_was_said_to_be_meant_goes_before_the_absences_of_then_and_no_later_one() {
    for store in stores() {
        let [ana, _, _] = ward(&store);
        let first = at(&store, NOW, |tx| note(tx, ana, hours(24, 96), &[])).unwrap();
        let meant =
            Override { from: hour(30), to: hour(40), change: Change::Add(ana), meant_at: Some(hour(1)) };
        at(&store, hour(1), |tx| changes::put_override(tx, "duty", None, meant, 1)).unwrap();
        assert_eq!((who(&store, "duty", 35), who(&store, "duty", 50)), (vec![ana], vec![]));
        at(&store, hour(2), |tx| {
            take_back(tx, first.id)?;
            note(tx, ana, hours(24, 96), &[])
        })
        .unwrap();
        assert_eq!(who(&store, "duty", 35), [], "nobody said so of this one");
    }
}

/// An absence that was made longer left whoever is away on call by an override of before.
#[test]
fn what_a_change_adds_to_an_absence_goes_over_what_was_said_to_be_meant_before() {
    for store in stores() {
        let [ana, _, _] = ward(&store);
        let id = at(&store, NOW, |tx| note(tx, ana, hours(24, 30), &[])).unwrap().id;
        let meant =
            Override { from: hour(26), to: hour(120), change: Change::Add(ana), meant_at: Some(hour(1)) };
        at(&store, hour(1), |tx| changes::put_override(tx, "duty", None, meant, 1)).unwrap();
        assert_eq!((who(&store, "duty", 27), who(&store, "duty", 41).contains(&ana)), (vec![ana], true));
        at(&store, hour(2), |tx| change(tx, id, hours(24, 96))).unwrap();
        assert_eq!(who(&store, "duty", 27), [ana], "of that it was said");
        assert!(!who(&store, "duty", 41).contains(&ana), "of what is new nobody said so");
        assert!(who(&store, "duty", 97).contains(&ana));
        // Moved further once it has begun: what was stays true, and what is new goes over it.
        at(&store, hour(28), |tx| change(tx, id, hours(24, 110))).unwrap();
        let on_call = |n| who(&store, "duty", n).contains(&ana);
        assert_eq!([27, 41, 97, 111].map(on_call), [true, false, false, true]);
        // Shorter and longer again is new again.
        at(&store, hour(29), |tx| change(tx, id, hours(24, 29 + 1))).unwrap();
        assert!(on_call(41));
        at(&store, hour(29), |tx| take_back(tx, id)).unwrap();
        assert_eq!([27, 41].map(on_call), [true, true]);
    }
}

/// "All turns are covered", and the escalation leaves out whoever stands in.
#[test]
fn who_stands_in_without_the_certificate_that_is_asked_for_covers_nothing() {
    for store in stores() {
        let [ana, bia, caio] = ward(&store);
        let turn = hours(24, 36);
        let certified = |user, until| at(&store, NOW, |tx| certify(tx, user, hour(until))).unwrap();
        let stands_in = |by| {
            let left = at(&store, NOW, |tx| note(tx, ana, turn, &[cover("duty", turn, by)])).unwrap();
            at(&store, NOW, |tx| take_back(tx, left.id)).unwrap();
            left.uncovered
        };
        let named = |window| vec![("duty".to_owned(), window)];
        assert_eq!(stands_in(caio), [], "nothing asks for one");
        let step = |certificate| Step {
            targets: vec![Target::Schedule("duty".into())],
            minutes: 5,
            certificate,
            skip_if_empty: true,
        };
        let mut policy = domain::escalation::seeds().remove(0);
        (policy.steps, policy.nobody_reached) = (vec![step(true)], step(false));
        at(&store, NOW, |tx| versions::seed(tx, &policy.id, &policy)).unwrap();
        assert_eq!(stands_in(caio), named(turn), "a step does");
        // The linter of a schedule that asks for none knows it too.
        at(&store, NOW, |tx| certify(tx, ana, hour(2_000)).and_then(|_| certify(tx, bia, hour(2_000))))
            .unwrap();
        let noted = at(&store, NOW, |tx| note(tx, ana, turn, &[cover("duty", turn, caio)])).unwrap();
        let duty = store.read(|view| get(view, "duty", NOW)).unwrap();
        let issues = store.read(|view| problems(view, "duty", &duty.body, NOW)).unwrap();
        assert!(issues.contains(&Issue::NobodyCertified(turn)), "{issues:?}");
        at(&store, NOW, |tx| take_back(tx, noted.id)).unwrap();
        certified(caio, 30);
        assert_eq!(stands_in(caio), named(hours(30, 36)), "his ends in the middle of the turn");
        certified(bia, 200);
        let duty = store.read(|view| get(view, "duty", NOW)).unwrap();
        let mut body = duty.body;
        body.need.certificate = true;
        at(&store, NOW, |tx| publish(tx, "duty", &body, duty.version)).unwrap();
        assert_eq!((stands_in(caio), stands_in(bia)), (named(hours(30, 36)), vec![]));
    }
}

/// The second click of two on "Record the absence" was told that nothing was changed.
#[test]
fn an_absence_that_is_noted_by_a_button_that_was_pressed_twice_is_noted_once_and_said_twice() {
    for store in stores() {
        let [ana, bia, caio] = ward(&store);
        let covers = [cover("duty", hours(24, 36), caio)];
        let press = |now, within, covers: &[Cover]| at(&store, now, |tx| note_once(tx, ana, within, covers));
        // It is noted as beginning now, a little after what the form says.
        let (first, within) = (NOW.plus(HOUR / 4), hours(0, 60));
        let left = press(first, within, &covers).unwrap();
        let again = press(first.plus(HOUR / 60), within, &covers).unwrap();
        assert_eq!((again.id, again.uncovered.len()), (left.id, left.uncovered.len()));
        assert_eq!((list_len(&store), entries(&store, "shift.absent")), (1, 1));
        let other = press(first, within, &[cover("duty", hours(24, 36), bia)]);
        assert!(matches!(other, Err(Error::Conflict(_))), "other words are no second click: {other:?}");
        let another = store.write(Actor::User { id: bia, role: Role::Manager }, first, |tx| {
            note_once(tx, ana, within, &covers)
        });
        assert!(matches!(another, Err(Error::Conflict(_))), "nor is another's: {another:?}");
    }
}

/// Whoever fell ill could not be noted with somebody who stands in: the turns were listed a moment before.
#[test]
fn who_is_ill_now_is_away_from_now_on_and_whoever_stands_in_is_there_from_now_on() {
    for store in stores() {
        let [ana, bia, caio] = ward(&store);
        // Listed from five minutes ago, an hour into the turn; noted a minute and some microseconds later.
        let minute = HOUR / 60;
        let asked = Window { from: hour(1).minus(minute * 5), to: hour(20) };
        let listed = store.read(|view| turns_of(view, ana, asked, hour(1))).unwrap();
        let covers: Vec<Cover> = listed.iter().map(|(id, window)| cover(id, *window, caio)).collect();
        let now = hour(1).plus(minute).plus(Duration::from_micros(17));
        let left = at(&store, now, |tx| note(tx, ana, asked, &covers)).unwrap();
        assert_eq!(left.uncovered, []);
        let there = store.read(|view| Ok(on_call(view, "duty", now)?.1)).unwrap();
        assert_eq!(there.into_iter().map(|(user, _)| user).collect::<Vec<_>>(), [caio], "no second between");
        assert_eq!((who(&store, "duty", 1), who(&store, "duty", 13)), (vec![ana], vec![bia]));
        let again = at(&store, now.plus(minute), |tx| note_once(tx, ana, asked, &covers)).unwrap();
        assert_eq!((again.id, list_len(&store)), (left.id, 1), "the same again is no other");
        // A turn that is over by then needs nobody; one that was never theirs is refused as ever.
        let late = hour(26);
        let over = cover("duty", hours(24, 26), caio);
        at(&store, late, |tx| note(tx, ana, hours(24, 30), std::slice::from_ref(&over))).unwrap();
        let foreign =
            at(&store, hour(27), |tx| note(tx, bia, hours(27, 40), &[cover("duty", hours(27, 36), caio)]));
        assert!(matches!(foreign, Err(Error::Refused { code: "E_INVALID", .. })), "{foreign:?}");
    }
}

/// "Gap from 13:50 to 13:50": who stands in was stored in milliseconds, the absence in microseconds.
#[test]
fn an_absence_that_ends_within_a_millisecond_leaves_no_gap_before_its_end() {
    for store in stores() {
        let [ana, _, caio] = ward(&store);
        let within = Window { from: hour(24), to: hour(30).plus(Duration::from_micros(1_234)) };
        let left = at(&store, NOW, |tx| note(tx, ana, within, &[cover("duty", within, caio)])).unwrap();
        assert_eq!(left.uncovered, []);
        let duty = store.read(|view| get(view, "duty", NOW)).unwrap();
        let issues = store.read(|view| problems(view, "duty", &duty.body, NOW)).unwrap();
        assert!(!issues.iter().any(|issue| matches!(issue, Issue::Gap(_))), "{issues:?}");
    }
}

/// "In the year 9999", confirmed, was noted; and an auditor, who is in no schedule, was away.
#[test]
fn an_absence_of_who_is_on_call_nowhere_or_that_ends_too_far_ahead_is_refused() {
    for store in stores() {
        let [ana, bia, _] = ward(&store);
        let refused = |result: Result<()>| matches!(result, Err(Error::Refused { code: "E_INVALID", .. }));
        let noted = |user, within| at(&store, NOW, |tx| note(tx, user, within, &[]).map(drop));
        for role in [Role::Auditor, Role::Dpo, Role::Admin] {
            let user = person(&store, role);
            assert!(refused(noted(user, hours(24, 36))), "{role:?}");
        }
        let left = at(&store, NOW, |tx| note(tx, bia, hours(24, 36), &[])).unwrap();
        at(&store, hour(1), |tx| crate::people::users::disable(tx, bia).map(drop)).unwrap();
        assert!(refused(noted(bia, hours(48, 60))), "who has left");
        at(&store, hour(2), |tx| take_back(tx, left.id)).unwrap();
        let furthest = 400 * 24;
        assert!(refused(noted(ana, hours(furthest - 1, furthest + 1))));
        let id = at(&store, NOW, |tx| note(tx, ana, hours(24, furthest), &[])).unwrap().id;
        let longer = at(&store, hour(1), |tx| change(tx, id, hours(24, furthest + 2)).map(drop));
        assert!(refused(longer), "nor is one made longer");
    }
}

fn list_len(store: &Store) -> usize {
    store.read(|view| list(view, NOW)).unwrap().len()
}

#[test]
fn an_absence_is_shortened_and_taken_back_and_what_was_stays_true() {
    for store in stores() {
        let [ana, bia, caio] = ward(&store);
        let boss = person(&store, Role::Manager);
        let own = |now, f: &mut dyn FnMut(&mut Tx<'_>) -> Result<AbsenceId>| {
            store.write(Actor::User { id: ana, role: Role::Clinician }, now, f).unwrap()
        };
        let id =
            own(NOW, &mut |tx| Ok(note(tx, ana, hours(0, 96), &[cover("duty", hours(0, 12), caio)])?.id));
        let announced = || {
            let sent = store.read(|view| messages::of_case(view, "schedule", &id.to_string())).unwrap();
            let absence =
                |one: &&messages::Stored| one.template == "absence" && one.recipient == boss.to_string();
            sent.iter().filter(absence).count()
        };
        assert_eq!(announced(), 1, "who notes their own is heard of");
        assert_eq!(who(&store, "duty", 1), [caio]);
        // The beginning of what has begun stays.
        at(&store, hour(2), |tx| change(tx, id, hours(60, 61))).unwrap();
        let stored = store.read(|view| list(view, hour(2))).unwrap();
        assert_eq!(stored[0].absence.window, hours(0, 61));
        assert_eq!(announced(), 1, "a manager knows what a manager did");
        assert_eq!((who(&store, "duty", 50), who(&store, "duty", 73)), (vec![], vec![ana]));
        let over = at(&store, hour(3), |tx| change(tx, id, hours(0, 2)));
        assert!(matches!(over, Err(Error::Refused { code: "E_INVALID", .. })), "{over:?}");
        own(hour(6), &mut |tx| take_back(tx, id).map(|()| id));
        assert_eq!((who(&store, "duty", 5), who(&store, "duty", 7)), (vec![caio], vec![ana]));
        assert_eq!(who(&store, "duty", 13), [bia]);
        let again = at(&store, hour(7), |tx| take_back(tx, id));
        assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
        // What never began never was.
        let id = at(&store, hour(8), |tx| Ok(note(tx, ana, hours(24, 36), &[])?.id)).unwrap();
        at(&store, hour(9), |tx| take_back(tx, id)).unwrap();
        assert_eq!(who(&store, "duty", 25), [ana]);
        assert!(matches!(at(&store, hour(9), |tx| take_back(tx, id)), Err(Error::NotFound(_))));
        let kinds = ["shift.absent", "shift.absence_changed", "shift.absence_ended"];
        assert_eq!(kinds.map(|kind| entries(&store, kind)), [2, 1, 2]);
    }
}

#[test]
fn whoever_is_away_is_called_by_a_team_or_by_name_only_where_nobody_else_is_there() {
    for store in stores() {
        let [ana, bia, _] = ward(&store);
        at(&store, NOW, |tx| note(tx, ana, hours(0, 96), &[])).unwrap();
        let named = |people: &[UserId]| {
            let targets = people.iter().map(|user| Target::Person(*user)).collect();
            let step = Step { targets, minutes: 5, certificate: false, skip_if_empty: false };
            let all = store.read(|view| paging::candidates(view, &step, hour(1))).unwrap();
            all.into_iter().map(|one| one.left_out).collect::<Vec<_>>()
        };
        assert_eq!(named(&[ana, bia]), [Some(LeftOut::Absent), None]);
        assert_eq!(named(&[ana, ana]), [None, Some(LeftOut::Twice)], "better than nobody");
        let vain = |user| store.read(|view| paging::awaited_in_vain(view, user, hour(1))).unwrap();
        assert_eq!((vain(ana), vain(bia)), (true, false), "and nobody waits for her");
    }
}
