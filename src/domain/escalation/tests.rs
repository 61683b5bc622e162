//! The escalation under driven time, and the complaints about other policies replayed on it.

use std::time::Duration;

use super::*;
use crate::alerts::{self, AlertCase, Facts, Level, Outcome, act};
use crate::id::{AlertId, PatientId, UserId};
use crate::time::Instant;
use proptest::prelude::*;
use uuid::Uuid;

fn person(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn minute(n: u64) -> Instant {
    Instant::from_secs(1_800_000_000).plus(Duration::from_secs(60 * n))
}

fn red() -> Policy {
    seeds().into_iter().find(|policy| policy.id == "red_alert").unwrap()
}

/// Everybody is there: the person's number tells the step.
fn everybody(policy: &Policy) -> impl FnMut(&Step) -> Found + use<> {
    let steps = policy.steps.clone();
    move |step| {
        let place = steps.iter().position(|s| s == step).map_or(99, |n| n + 1);
        vec![person(u128::try_from(place).unwrap())]
    }
}

/// What happens when nobody acts, minute by minute.
fn timeline(
    run: &mut Run,
    minutes: std::ops::Range<u64>,
    find: &mut dyn FnMut(&Step) -> Found,
) -> Vec<(u64, Did)> {
    let each = |n| run.tick(minute(n), &mut *find).into_iter().map(move |did| (n, did)).collect::<Vec<_>>();
    minutes.flat_map(each).collect()
}

fn pages(timeline: &[(u64, Did)]) -> Vec<(u64, UserId)> {
    let paged = |(n, did): &(u64, Did)| match did {
        Did::Paged { people, .. } => people.iter().map(|user| (*n, *user)).collect(),
        _ => vec![],
    };
    timeline.iter().flat_map(paged).collect()
}

#[test]
fn a_red_that_nobody_answers_escalates_to_the_top_and_then_says_so_for_ever() {
    let mut run = Run::begin(red(), minute(0));
    let log = timeline(&mut run, 0..36, &mut everybody(&red()));
    let who: Vec<(u64, u128)> = pages(&log).into_iter().map(|(n, user)| (n, user.0.as_u128())).collect();
    assert_eq!(who, [(0, 1), (5, 2), (10, 3), (15, 4), (20, 99), (25, 99), (30, 99), (35, 99)]);
    assert!(log.contains(&(20, Did::NobodyReached)));
    assert_eq!(run.state, State::NobodyReached);
    run.acknowledge(person(4), minute(36)).unwrap();
    assert_eq!(pages(&timeline(&mut run, 36..60, &mut everybody(&red()))), []);
}

/// A red that judgement opens again after it was closed is nobody's business otherwise.
#[test]
fn a_case_that_is_open_again_goes_on_where_it_stood() {
    let mut run = Run::begin(red(), minute(0));
    timeline(&mut run, 0..7, &mut everybody(&red()));
    run.finish();
    assert_eq!(timeline(&mut run, 7..20, &mut everybody(&red())), []);
    run.unacknowledge(minute(20)).unwrap();
    let again = timeline(&mut run, 20..26, &mut everybody(&red()));
    assert_eq!(pages(&again), [(20, person(2)), (25, person(3))]);
}

#[test]
fn every_seed_can_be_walked_and_says_how_long_it_lasts() {
    let lasts: Vec<(String, u64)> = seeds()
        .into_iter()
        .map(|policy| {
            policy.check().unwrap();
            (policy.id.clone(), policy.lasts().as_secs() / 60)
        })
        .collect();
    let lasts: Vec<(&str, u64)> = lasts.iter().map(|(id, minutes)| (id.as_str(), *minutes)).collect();
    assert_eq!(
        lasts,
        [
            ("red_alert", 20),
            ("standard", 540),
            ("complexity_low", 150),
            ("complexity_medium", 135),
            ("complexity_high", 105)
        ]
    );
    let standard = seeds().into_iter().find(|policy| policy.id == "standard").unwrap();
    let mut run = Run::begin(standard.clone(), minute(0));
    let when: Vec<u64> =
        pages(&timeline(&mut run, 0..541, &mut everybody(&standard))).iter().map(|p| p.0).collect();
    assert_eq!(when, [120, 240, 480, 540], "2 h, 4 h, 8 h, and then nobody was reached");
}

/// An empty weekend step lost its whole delay (goalert 4548).
#[test]
fn a_step_without_people_is_skipped_at_once_unless_told_to_wait() {
    let mut policy = red();
    let nobody_on_call = |step: &Step| match &step.targets[0] {
        Target::Schedule(_) => vec![],
        _ => vec![person(4)],
    };
    let mut run = Run::begin(policy.clone(), minute(0));
    let log = timeline(&mut run, 0..1, &mut { nobody_on_call });
    let empty = |step| (0, Did::Empty { step, round: 0 });
    let paged = (0, Did::Paged { step: Some(3), round: 0, people: vec![person(4)] });
    assert_eq!(log, [empty(0), empty(1), empty(2), paged]);
    policy.steps[0].skip_if_empty = false;
    let mut run = Run::begin(policy, minute(0));
    assert_eq!(pages(&timeline(&mut run, 0..6, &mut { nobody_on_call })), [(5, person(4))]);
}

#[test]
fn when_nobody_is_found_at_all_it_says_so_at_once() {
    let mut run = Run::begin(red(), minute(0));
    let log = timeline(&mut run, 0..1, &mut |_| vec![]);
    assert!(log.contains(&(0, Did::NobodyReached)));
    assert_eq!(run.next_at, Some(minute(5)), "and goes on looking");
}

/// Acked and forgotten (goalert 3378): after its time an acknowledged red pages again.
#[test]
fn an_acknowledgement_without_a_resolution_runs_out() {
    let mut run = Run::begin(red(), minute(0));
    let mut find = everybody(&red());
    timeline(&mut run, 0..7, &mut find);
    run.acknowledge(person(2), minute(7)).unwrap();
    let log = timeline(&mut run, 7..45, &mut find);
    assert_eq!(log[0], (37, Did::Resumed));
    assert_eq!(pages(&log), [(37, person(2)), (42, person(3))], "from the step it had reached");
}

#[test]
fn an_answer_taken_back_and_new_evidence_page_the_same_step_again() {
    let mut find = everybody(&red());
    let mut run = Run::begin(red(), minute(0));
    assert_eq!(run.unacknowledge(minute(0)), Err(Refused::NotAcknowledged));
    timeline(&mut run, 0..7, &mut find);
    run.acknowledge(person(2), minute(7)).unwrap();
    run.unacknowledge(minute(9)).unwrap();
    assert_eq!(pages(&timeline(&mut run, 9..10, &mut find)), [(9, person(2))]);
    run.acknowledge(person(2), minute(10)).unwrap();
    run.rearm(minute(11)).unwrap();
    assert_eq!(pages(&timeline(&mut run, 11..12, &mut find)), [(11, person(2))]);
}

/// Pressing "escalate" on an old message after it went on by itself does nothing (GoAlert's guard).
#[test]
fn a_stale_button_does_nothing() {
    let mut find = everybody(&red());
    let mut run = Run::begin(red(), minute(0));
    timeline(&mut run, 0..6, &mut find);
    let before = run.clone();
    assert_eq!(run.force(minute(3), minute(6)), Err(Refused::Stale));
    assert_eq!(run, before);
    run.force(minute(6), minute(6)).unwrap();
    assert_eq!(pages(&timeline(&mut run, 6..7, &mut find)), [(6, person(3))]);
}

/// A silence that never ended (grafana oncall 895): every wait has an end.
#[test]
fn a_silence_ends() {
    let mut find = everybody(&red());
    let mut run = Run::begin(red(), minute(0));
    timeline(&mut run, 0..1, &mut find);
    assert_eq!(run.snooze(person(1), minute(1), minute(25 * 60)), Err(Refused::TooLong));
    run.snooze(person(1), minute(1), minute(20)).unwrap();
    assert_eq!(pages(&timeline(&mut run, 1..21, &mut find)), [(20, person(1))]);
}

#[test]
fn a_case_handed_to_a_person_pages_that_person_and_goes_on() {
    let mut find = everybody(&red());
    let mut run = Run::begin(red(), minute(0));
    timeline(&mut run, 0..1, &mut find);
    let did = run.reassign(person(7), minute(2)).unwrap();
    assert_eq!(did, Did::Paged { step: None, round: 0, people: vec![person(7)] });
    assert_eq!(pages(&timeline(&mut run, 2..8, &mut find)), [(7, person(2))]);
}

#[test]
fn a_policy_may_be_walked_again_and_ends_with_the_case() {
    let mut find = everybody(&red());
    let mut run = Run::begin(Policy { repeat: 1, ..red() }, minute(0));
    let who: Vec<u128> =
        pages(&timeline(&mut run, 0..41, &mut find)).iter().map(|(_, user)| user.0.as_u128()).collect();
    assert_eq!(who, [1, 2, 3, 4, 1, 2, 3, 4, 99]);
    run.finish();
    assert_eq!(timeline(&mut run, 41..100, &mut find), []);
    assert_eq!(run.acknowledge(person(1), minute(100)), Err(Refused::Done));
}

#[test]
fn a_person_named_by_two_targets_is_paged_once() {
    let mut run = Run::begin(red(), minute(0));
    let log = timeline(&mut run, 0..1, &mut |_| vec![person(1), person(2), person(1)]);
    assert_eq!(pages(&log), [(0, person(1)), (0, person(2))]);
}

#[test]
fn a_policy_that_cannot_be_walked_says_what_is_wrong_with_it() {
    let broken = |change: &dyn Fn(&mut Policy)| {
        let mut policy = red();
        change(&mut policy);
        policy.check().unwrap_err()
    };
    assert_eq!(broken(&|p| p.steps.clear()), Faulty::NoSteps);
    assert_eq!(broken(&|p| p.steps[1].targets.clear()), Faulty::NoTargets(2));
    assert_eq!(broken(&|p| p.steps[0].minutes = 0), Faulty::Minutes(1, 0));
    assert_eq!(broken(&|p| p.nobody_reached.minutes = 20_000), Faulty::Minutes(0, 20_000));
    assert_eq!(broken(&|p| p.repeat = 10), Faulty::Repeat(10));
    assert_eq!(broken(&|p| p.acknowledged_for = Some(20_000)), Faulty::Wait("acknowledged_for", 20_000));
}

/// Friday, 27 November 2026, 17:00 in São Paulo: the clinic closes at 18:00.
const FRIDAY: Instant = Instant::from_secs(1_795_809_600);

fn clinic() -> crate::calendars::Calendar {
    let [_, (_, clinic)] = crate::sla::calendars();
    clinic
}

fn standard() -> Policy {
    seeds().into_iter().find(|policy| policy.id == "standard").unwrap()
}

fn yellow() -> AlertCase {
    let facts = Facts { started_at: FRIDAY, ended_at: None, level: Level::Yellow, peak: Level::Yellow };
    AlertCase::open(AlertId::new(FRIDAY), PatientId::new(FRIDAY), facts)
}

/// Who is called when nobody acts, looked at every ten minutes for sixteen days.
fn sixteen_days(mut run: Run) -> (Vec<Instant>, Run) {
    let mut find = everybody(&standard());
    let ticks = (0..16 * 144).map(|n| FRIDAY.plus(Duration::from_secs(600 * n)));
    let mut called =
        |run: &mut Run, at| run.tick(at, &mut find).iter().any(|did| matches!(did, Did::Paged { .. }));
    let calls = ticks.filter(|at| called(&mut run, *at)).collect();
    (calls, run)
}

/// One yellow rang managers 1,373 times, on a Saturday night too.
#[test]
fn a_breach_of_a_yellow_calls_in_open_hours_and_once_at_its_top() {
    let run = Run::breached(standard(), Pace::of(Level::Yellow, &clinic()), &yellow(), FRIDAY);
    let (calls, run) = sixteen_days(run);
    assert_eq!(calls.len(), 4, "three steps and the top: {calls:?}");
    assert!(calls.iter().all(|at| clinic().is_open(*at)), "{calls:?}");
    assert!(calls[0] > FRIDAY.plus(Duration::from_secs(60 * 3_600)), "Monday: {calls:?}");
    assert_eq!((run.state, run.next_at), (State::NobodyReached, None));
}

#[test]
fn a_breach_of_a_case_that_is_answered_for_or_settled_calls_nobody() {
    let now = FRIDAY;
    let breached = |case: &AlertCase| {
        let (calls, run) =
            sixteen_days(Run::breached(standard(), Pace::of(Level::Yellow, &clinic()), case, now));
        assert_eq!(calls, [], "{run:?}");
        run.state
    };
    let ana = person(1);
    let answered = act(&yellow(), alerts::Act::Ack, ana, now).unwrap();
    assert_eq!(breached(&answered), State::Acknowledged(ana));
    let ended = Facts { ended_at: Some(now), ..yellow().facts };
    assert_eq!(
        breached(&act(&yellow(), alerts::Act::Claim, ana, now).unwrap().judged(ended, now)),
        State::Done
    );
    assert_eq!(
        breached(&act(&yellow(), alerts::Act::Resolve { outcome: Outcome::Other }, ana, now).unwrap()),
        State::Done
    );
}

/// The engine was away from Friday evening to Saturday: the call waits for Monday, and a hand's call for nothing.
#[test]
fn a_call_of_open_hours_that_comes_late_waits_for_the_next_and_a_hand_is_obeyed() {
    let mut run = Run::breached(
        Policy { starts_after: 30, ..standard() },
        Pace::of(Level::Yellow, &clinic()),
        &yellow(),
        FRIDAY,
    );
    let saturday = FRIDAY.plus(Duration::from_secs(10 * 3_600));
    assert_eq!(run.tick(saturday, &mut everybody(&standard())), []);
    assert!(clinic().is_open(run.next_at.unwrap()));
    run.force(saturday, saturday).unwrap();
    assert_eq!(run.tick(saturday, &mut everybody(&standard())).len(), 1);
}

/// A yellow that escalated slowly turned red, and went on escalating slowly.
#[test]
fn a_red_takes_the_place_of_what_a_yellow_began_to_escalate() {
    let mut run = Run::breached(standard(), Pace::of(Level::Yellow, &clinic()), &yellow(), FRIDAY);
    let fence = run.fence;
    run.give_way(red(), minute(0));
    assert!(run.fence > fence);
    assert_eq!((run.pace.clone(), run.next_at), (Pace::Relentless, Some(minute(0))));
    assert_eq!(pages(&timeline(&mut run, 0..6, &mut everybody(&red()))).len(), 2);
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Acknowledge,
    Unacknowledge,
    Rearm,
    Snooze(u64),
    Force,
    Reassign,
    Wait(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        Just(Act::Acknowledge),
        Just(Act::Unacknowledge),
        Just(Act::Rearm),
        (0_u64..2_000).prop_map(Act::Snooze),
        Just(Act::Force),
        Just(Act::Reassign),
        (0_u64..60).prop_map(Act::Wait),
    ];
    proptest::collection::vec(act, 0..40)
}

proptest! {
    /// Whatever people do, short of answering or resolving, it always has a next deadline and pages again.
    #[test]
    fn no_act_but_an_answer_makes_it_silent_for_ever(acts in acts(), present in any::<[bool; 5]>()) {
        let policy = red();
        let mut run = Run::begin(policy.clone(), minute(0));
        let mut find = |step: &Step| {
            let place = policy.steps.iter().position(|s| s == step).unwrap_or(4);
            if present[place] { vec![person(u128::try_from(place).unwrap())] } else { vec![] }
        };
        let mut now = 0;
        let mut fence = 0;
        for act in acts {
            match act {
                Act::Acknowledge => run.acknowledge(person(1), minute(now)).unwrap(),
                Act::Unacknowledge => drop(run.unacknowledge(minute(now))),
                Act::Rearm => run.rearm(minute(now)).unwrap(),
                Act::Snooze(n) => drop(run.snooze(person(1), minute(now), minute(now + n))),
                Act::Force => drop(run.force(minute(now), minute(now))),
                Act::Reassign => drop(run.reassign(person(9), minute(now)).unwrap()),
                Act::Wait(n) => { timeline(&mut run, now..now + n, &mut find); now += n; }
            }
            prop_assert!(run.fence >= fence, "the fence only rises");
            fence = run.fence;
            let next = run.next_at;
            prop_assert!(next.is_some_and(|at| at <= minute(now + 24 * 60)), "every wait has an end: {run:?}");
        }
        let log = timeline(&mut run, now..now + 26 * 60, &mut find);
        prop_assert!(log.iter().any(|(_, did)| matches!(did, Did::Paged { .. })), "it pages again");
    }

    /// A tick twice at the same instant does nothing the second time, and state survives its JSON.
    #[test]
    fn a_tick_may_come_twice(at in proptest::collection::vec(0_u64..200, 1..30)) {
        let mut run = Run::begin(red(), minute(0));
        let mut find = everybody(&red());
        let mut at = at;
        at.sort_unstable();
        for n in at {
            run.tick(minute(n), &mut find);
            let json = serde_json::to_string(&run).unwrap();
            let mut again: Run = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(&again, &run);
            prop_assert_eq!(again.tick(minute(n), &mut find), vec![]);
            prop_assert_eq!(&again, &run);
        }
    }
}
