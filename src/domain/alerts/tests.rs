//! What people and judgement may do with a case, one sentence a test.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;

const NOW: Instant = Instant::from_secs(1_000);

fn facts(level: Level, peak: Level, ended: bool) -> Facts {
    Facts { started_at: Instant::from_secs(900), ended_at: ended.then_some(NOW), level, peak }
}

fn case(level: Level) -> AlertCase {
    AlertCase::open(AlertId::new(NOW), PatientId::new(NOW), facts(level, level, false))
}

fn hour() -> Instant {
    NOW.plus(Duration::from_secs(3_600))
}

#[test]
fn claiming_a_claimed_alert_is_refused_and_names_the_owner() {
    let (ana, bia) = (UserId::new(NOW), UserId::new(NOW));
    let mine = act(&case(Level::Red), Act::Claim, ana, NOW).unwrap();
    assert_eq!((mine.owner, mine.state), (Some(ana), AlertState::Open));
    assert_eq!(act(&mine, Act::Claim, ana, NOW).unwrap(), mine);
    assert_eq!(
        act(&mine, Act::Claim, bia, NOW),
        Err(ActRefused::Claimed { owner: ana, until: Some(NOW.plus(LEASE)) })
    );
    assert_eq!(act(&mine, Act::Reassign { to: bia }, ana, NOW).unwrap().owner, Some(bia));
}

#[test]
fn the_end_closes_a_yellow_that_nobody_holds_and_never_an_unanswered_red() {
    let ana = UserId::new(NOW);
    let yellow = case(Level::Yellow).judged(facts(Level::Yellow, Level::Yellow, true), NOW);
    assert_eq!((yellow.state, yellow.outcome), (AlertState::Resolved, None));
    let stepped_down = case(Level::Red).judged(facts(Level::Yellow, Level::Red, true), NOW);
    assert_eq!(stepped_down.state, AlertState::Open);
    let held = act(&case(Level::Yellow), Act::Claim, ana, NOW).unwrap();
    assert_eq!(held.judged(facts(Level::Yellow, Level::Yellow, true), NOW).state, AlertState::Open);
    let answered = act(&stepped_down, Act::Ack, ana, NOW).unwrap();
    assert_eq!((answered.state, answered.owner), (AlertState::Acknowledged, Some(ana)));
}

#[test]
fn a_worse_level_breaks_a_snooze_and_the_next_reading_of_the_same_level_does_not() {
    let ana = UserId::new(NOW);
    let snoozed = act(&case(Level::Yellow), Act::Snooze { until: hour() }, ana, NOW).unwrap();
    let same = snoozed.judged(facts(Level::Yellow, Level::Yellow, false), NOW);
    assert_eq!(same.state, AlertState::Snoozed);
    let worse = same.judged(facts(Level::Red, Level::Red, false), NOW);
    assert_eq!((worse.state, worse.snooze), (AlertState::Open, None));
    let after_step_down = case(Level::Red).judged(facts(Level::Yellow, Level::Red, false), NOW);
    let snoozed = act(&after_step_down, Act::Snooze { until: hour() }, ana, NOW).unwrap();
    assert_eq!(snoozed.judged(facts(Level::Red, Level::Red, false), NOW).state, AlertState::Open);
}

#[test]
fn a_snooze_ends_with_its_time_and_must_lie_ahead() {
    let ana = UserId::new(NOW);
    let snoozed = act(&case(Level::Red), Act::Snooze { until: hour() }, ana, NOW).unwrap();
    assert_eq!(snoozed.awake(hour().minus(Duration::from_micros(1))).state, AlertState::Snoozed);
    assert_eq!(snoozed.awake(hour()).state, AlertState::Open);
    let answered = act(&case(Level::Red), Act::Ack, ana, NOW).unwrap();
    let quiet = act(&answered, Act::Snooze { until: hour() }, ana, NOW).unwrap();
    let over = quiet.awake(hour());
    assert_eq!(
        (over.state, over.owner),
        (AlertState::Open, None),
        "the silence took the place of the answer"
    );
    let past = Act::Snooze { until: NOW };
    assert_eq!(act(&case(Level::Red), past, ana, NOW), Err(ActRefused::SnoozeInThePast));
}

#[test]
fn an_acknowledged_yellow_that_turns_red_waits_for_a_person_again() {
    let ana = UserId::new(NOW);
    let answered = act(&case(Level::Yellow), Act::Ack, ana, NOW).unwrap();
    let red = answered.judged(facts(Level::Red, Level::Red, false), NOW);
    assert_eq!((red.state, red.acknowledgements.len()), (AlertState::Open, 1));
    let closed = act(&answered, Act::Resolve { outcome: Outcome::FalseAlarm }, ana, NOW).unwrap();
    let late = closed.judged(facts(Level::Yellow, Level::Red, true), NOW);
    assert_eq!((late.state, late.outcome), (AlertState::Open, None));
}

#[test]
fn a_resolved_alert_takes_no_act_but_the_label_that_judgement_left_out() {
    let ana = UserId::new(NOW);
    let resolve = |outcome| Act::Resolve { outcome };
    let closed = act(&case(Level::Red), resolve(Outcome::TrueAlarm), ana, NOW).unwrap();
    assert_eq!((closed.resolved_by, closed.answered_for()), (Some(ana), true));
    assert_eq!(act(&closed, Act::Ack, ana, NOW), Err(ActRefused::Resolved));
    assert_eq!(act(&closed, resolve(Outcome::Other), ana, NOW), Err(ActRefused::Resolved));
    let by_itself = case(Level::Yellow).judged(facts(Level::Yellow, Level::Yellow, true), NOW);
    let labelled = act(&by_itself, resolve(Outcome::TrueAlarm), ana, NOW).unwrap();
    assert_eq!(labelled.outcome, Some(Outcome::TrueAlarm));
    let retracted = case(Level::Red).withdrawn(Outcome::Retracted, NOW);
    assert_eq!(act(&retracted, resolve(Outcome::TrueAlarm), ana, NOW), Err(ActRefused::Resolved));
    let refused = Err(ActRefused::NotYours { outcome: Outcome::Retracted });
    assert_eq!(act(&case(Level::Red), resolve(Outcome::Retracted), ana, NOW), refused);
}

#[test]
fn a_merge_keeps_every_acknowledgement() {
    let (ana, bia) = (UserId::new(NOW), UserId::new(NOW));
    let acked = act(&case(Level::Yellow), Act::Ack, ana, NOW).unwrap();
    let judged = acked.judged(facts(Level::Red, Level::Red, false), NOW);
    let other = act(&case(Level::Red), Act::Ack, bia, NOW).unwrap();
    let merged = judged.absorbing(&other);
    assert_eq!((merged.state, merged.owner), (AlertState::Acknowledged, Some(ana)));
    assert_eq!(merged.acknowledgements.len(), 2);
    assert_eq!(other.withdrawn(Outcome::Duplicate, NOW).outcome, Some(Outcome::Duplicate));
}

#[test]
fn stored_numbers_and_names_lead_back() {
    assert!(Level::Green < Level::Yellow && Level::Yellow < Level::Red);
    for outcome in Outcome::ALL {
        assert_eq!(Outcome::from_code(outcome.code()), Some(*outcome));
        assert_eq!(Outcome::from_name(outcome.name()), Some(*outcome));
        assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.name());
    }
    for state in AlertState::ALL {
        assert_eq!(AlertState::from_code(state.code()), Some(*state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.name());
    }
}

#[test]
fn a_red_is_silent_for_a_day_of_its_life_and_never_twice_in_a_row_by_the_same_hand() {
    let (ana, bia) = (UserId::new(NOW), UserId::new(NOW));
    let at = |hours: u64| NOW.plus(Duration::from_secs(3_600 * hours));
    let silenced = |case: &AlertCase, who, from, to| act(case, Act::Snooze { until: at(to) }, who, at(from));
    let once = silenced(&case(Level::Red), ana, 0, 10).unwrap();
    assert_eq!(silenced(&once, ana, 5, 6), Err(ActRefused::SilencedByYou), "while it lasts");
    assert_eq!(silenced(&once.awake(at(10)), ana, 11, 12), Err(ActRefused::SilencedByYou), "and after it");
    // An answer ended it after four hours: those count, and no more.
    let answered = act(&once, Act::Ack, ana, at(4)).unwrap();
    assert_eq!(answered.silences, [Silence { by: ana, from: NOW, to: at(4) }]);
    let twice = silenced(&answered, bia, 20, 30).unwrap();
    assert_eq!(silenced(&twice.awake(at(30)), ana, 31, 42), Err(ActRefused::SilentTooLong));
    assert_eq!(silenced(&twice.awake(at(30)), ana, 31, 41).unwrap().silences.len(), 3);
    // What is not red is bounded for each silence alone.
    let yellow = silenced(&case(Level::Yellow), ana, 0, 20).unwrap();
    assert!(silenced(&yellow.awake(at(20)), ana, 20, 40).unwrap().silences.is_empty());
}

/// Each answer to a red is half an hour of quiet: nobody gives it the whole night alone.
#[test]
fn a_red_is_held_by_one_hand_for_a_claim_and_three_answers_then_it_is_for_another_person() {
    let (ana, bia) = (UserId::new(NOW), UserId::new(NOW));
    let at = |minutes: u64| NOW.plus(Duration::from_secs(60 * minutes));
    let held = |level| {
        let claimed = act(&case(level), Act::Claim, ana, at(0)).unwrap();
        [2, 35, 70].into_iter().fold(claimed, |case, minute| {
            let answered = act(&case.resumed(at(minute)), Act::Ack, ana, at(minute)).unwrap();
            act(&answered, Act::Ack, ana, at(minute)).unwrap()
        })
    };
    let worn = held(Level::Red).resumed(at(105));
    assert_eq!(worn.state, AlertState::Open, "its escalation goes on");
    for what in [Act::Ack, Act::Claim] {
        assert_eq!(act(&worn, what, ana, at(105)), Err(ActRefused::HeldByYou), "{what:?}");
    }
    assert!(act(&worn, Act::Resolve { outcome: Outcome::TrueAlarm }, ana, at(105)).is_ok());
    assert!(act(&worn, Act::Reassign { to: bia }, ana, at(105)).is_ok());
    let again = act(&worn, Act::Ack, bia, at(106)).unwrap().resumed(at(140));
    assert!(act(&again, Act::Ack, ana, at(141)).is_ok(), "another person took part");
    assert!(act(&held(Level::Yellow).resumed(at(105)), Act::Ack, ana, at(105)).is_ok());
}

/// Two people took turns, and the escalation waited for as long as both went on.
#[test]
fn a_red_is_held_by_the_same_two_eight_times_then_it_is_for_a_third() {
    let people @ [ana, bia, caio] = [0, 1, 2].map(|n| UserId::new(NOW.plus(Duration::from_secs(n))));
    let at = |minutes: u64| NOW.plus(Duration::from_secs(60 * minutes));
    let turn = |case: &AlertCase, n: u64, of: usize| {
        let who = people[usize::try_from(n).unwrap() % of];
        act(&case.resumed(at(40 * n)), Act::Ack, who, at(40 * n))
    };
    let by_turns = (0..8).fold(case(Level::Red), |case, n| turn(&case, n, 2).unwrap());
    assert_eq!(by_turns.worn_out(), BTreeSet::from([ana, bia]));
    let free = by_turns.resumed(at(320));
    for who in [ana, bia] {
        assert_eq!(act(&free, Act::Ack, who, at(321)), Err(ActRefused::HeldByFew));
        assert_eq!(act(&free, Act::Claim, who, at(321)), Err(ActRefused::HeldByFew));
        assert_eq!(act(&free, Act::Reassign { to: who }, caio, at(321)), Err(ActRefused::HeldByThem));
        assert!(act(&free, Act::Resolve { outcome: Outcome::TrueAlarm }, who, at(321)).is_ok());
    }
    let third = act(&free, Act::Ack, caio, at(321)).unwrap();
    assert_eq!(third.worn_out(), BTreeSet::new());
    assert!(act(&third.resumed(at(360)), Act::Ack, ana, at(361)).is_ok(), "a third took part");
    // Three who take turns have twelve.
    let three = (0..12).fold(case(Level::Red), |case, n| turn(&case, n, 3).unwrap());
    assert_eq!(turn(&three, 12, 3), Err(ActRefused::HeldByFew));
    assert!((0..20).try_fold(case(Level::Yellow), |case, n| turn(&case, n, 2)).is_ok(), "a yellow is no red");
}

/// Handing it on without an answer held the escalation too.
#[test]
fn a_red_that_two_people_hand_to_each_other_comes_to_an_end() {
    let (ana, bia) = (UserId::new(NOW), UserId::new(NOW.plus(Duration::from_secs(1))));
    let at = |minutes: u64| NOW.plus(Duration::from_secs(60 * minutes));
    let handed = |case: &AlertCase, n: u64| {
        let (from, to) = if n.is_multiple_of(2) { (ana, bia) } else { (bia, ana) };
        act(case, Act::Reassign { to }, from, at(4 * n))
    };
    let worn = (0..8).fold(case(Level::Red), |case, n| handed(&case, n).unwrap());
    assert_eq!(handed(&worn, 8), Err(ActRefused::HeldByThem));
    let caio = UserId::new(NOW.plus(Duration::from_secs(2)));
    assert!(act(&worn, Act::Reassign { to: caio }, bia, at(33)).is_ok());
}

#[test]
fn a_claim_that_is_claimed_again_lasts_no_longer() {
    let ana = UserId::new(NOW);
    let mine = act(&case(Level::Red), Act::Claim, ana, NOW).unwrap();
    let again = act(&mine, Act::Claim, ana, NOW.plus(Duration::from_secs(500))).unwrap();
    assert_eq!(again.claimed_until, Some(NOW.plus(LEASE)));
}

#[test]
fn programs_hear_of_every_change_of_who_holds_a_case_and_of_what_it_waits_for() {
    let (ana, bia) = (UserId::new(NOW), UserId::new(NOW));
    let did = |case: &AlertCase, what, by| {
        let next = act(case, what, by, NOW).unwrap();
        let word = next.became(case);
        assert_eq!(next.became(&next), None, "once");
        (next, word)
    };
    let (claimed, word) = did(&case(Level::Yellow), Act::Claim, ana);
    assert_eq!(word, Some("claimed"));
    assert_eq!(did(&claimed, Act::Claim, ana).1, None, "it is hers already");
    let (given, word) = did(&claimed, Act::Reassign { to: bia }, ana);
    assert_eq!(word, Some("reassigned"));
    let (answered, word) = did(&given, Act::Ack, bia);
    assert_eq!(word, Some("acknowledged"));
    assert_eq!(did(&answered, Act::Unack, bia).1, Some("reopened"));
    assert_eq!(did(&answered, Act::Resolve { outcome: Outcome::TrueAlarm }, bia).1, Some("resolved"));
    let (silent, word) = did(&answered, Act::Snooze { until: hour() }, bia);
    assert_eq!(word, Some("silenced"));
    let worse = silent.judged(facts(Level::Red, Level::Red, false), NOW);
    assert_eq!(worse.became(&silent), Some("reopened"));
    let words = ["claimed", "acknowledged", "silenced", "reassigned", "resolved", "reopened"];
    assert_eq!(words, BECAME);
}
