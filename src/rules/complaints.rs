//! The seeded rules on paper streams: their edges, and what users of other platforms complained about
//! (false alarms in gaps, no hysteresis, no step-down, doubles, server clocks), replayed one by one.

use std::time::Duration;

use uuid::Uuid;

use domain::alerts::{Act, AlertCase, AlertState, act};
use domain::rules::Kind;
use domain::{AlertId, DeviceId, Flags, Instant, Level, PatientId, Rule, UserId};

use super::*;

const RED: Level = Level::Red;
const YELLOW: Level = Level::Yellow;

fn rule(id: &str) -> Rule {
    Rule::seeds().into_iter().find(|rule| rule.id == id).unwrap()
}

fn reading(second: i64, value: f64) -> JudgedReading {
    let device = DeviceId(Uuid::from_u128(1));
    JudgedReading { at: Instant::from_secs(second), value, flags: Flags::default(), device }
}

/// Parts of (how many readings, value), `step` seconds apart.
fn stream(step: i64, parts: &[(usize, f64)]) -> Vec<JudgedReading> {
    let values = parts.iter().flat_map(|(n, value)| std::iter::repeat_n(*value, *n));
    (0..).zip(values).map(|(index, value)| reading(index * step, value)).collect()
}

fn episodes_of(rule: &Rule, readings: &[JudgedReading]) -> Vec<Episode> {
    let replayed = replay(rule, &[], &[], readings.iter().copied(), Instant::MIN);
    replayed.episodes.into_iter().map(|replayed| replayed.episode).collect()
}

/// Each episode as (start, [(instant, level)], end), in seconds.
type Plain = (i64, Vec<(i64, Level)>, Option<i64>);

fn plain(rule: &Rule, readings: &[JudgedReading]) -> Vec<Plain> {
    let levels = |e: &Episode| e.levels.iter().map(|l| (l.at.secs(), l.level)).collect();
    let all = episodes_of(rule, readings);
    all.iter().map(|e| (e.started_at.secs(), levels(e), e.ended_at.map(Instant::secs))).collect()
}

fn peak(rule: &Rule, readings: &[JudgedReading]) -> Level {
    episodes_of(rule, readings).iter().map(Episode::peak).max().unwrap_or(Level::Green)
}

#[test]
fn sixty_one_readings_of_130_raise_one_red_and_sixty_do_not() {
    let tachycardia = rule("tachycardia");
    assert_eq!(plain(&tachycardia, &stream(1, &[(61, 130.0)])), [(0, vec![(60, RED)], None)]);
    assert_eq!(plain(&tachycardia, &stream(1, &[(60, 130.0)])), []);
    assert_eq!(plain(&tachycardia, &stream(1, &[(300, 130.0)])).len(), 1);
    assert_eq!(plain(&tachycardia, &stream(1, &[(60, 130.0), (1, 120.0)])), [(0, vec![(60, YELLOW)], None)]);
}

#[test]
fn the_edges_of_every_seeded_line_lie_where_the_contract_says() {
    let table = [
        ("tachycardia", 100.0, 100.1, 120.0, 120.1, 95.0, 94.9),
        ("glucose_low", 70.0, 69.9, 54.0, 53.9, 69.9, 70.0),
        ("glucose_high", 180.0, 180.1, 250.0, 250.1, 180.1, 180.0),
    ];
    for (id, not_yellow, yellow, not_red, red, not_clear, clear) in table {
        let rule = rule(id);
        let (step, n) = if id == "tachycardia" { (1, 61) } else { (300, 4) };
        let reached = |value| peak(&rule, &stream(step, &[(n, value)]));
        let ended = |n_clear, value| {
            episodes_of(&rule, &stream(step, &[(n, red), (n_clear, value)]))[0].ended_at.is_some()
        };
        assert_eq!((reached(not_yellow), reached(yellow)), (Level::Green, YELLOW), "{id}");
        assert_eq!((reached(not_red), reached(red)), (YELLOW, RED), "{id}");
        assert_eq!(
            (ended(n, clear), ended(n - 1, clear), ended(3 * n, not_clear)),
            (true, false, false),
            "{id}"
        );
        assert_eq!(peak(&rule, &stream(step, &[(n - 1, red)])), Level::Green, "{id}");
    }
}

#[test]
fn a_gap_of_thirty_seconds_joins_and_a_longer_one_does_not() {
    let tachycardia = rule("tachycardia");
    assert_eq!(peak(&tachycardia, &stream(30, &[(3, 130.0)])), RED);
    assert_eq!(peak(&tachycardia, &stream(31, &[(20, 130.0)])), Level::Green);
    assert_eq!(peak(&rule("glucose_low"), &stream(660, &[(3, 50.0)])), RED);
    assert_eq!(peak(&rule("glucose_low"), &stream(661, &[(9, 50.0)])), Level::Green);
}

#[test]
fn a_stretch_short_of_samples_waits_until_it_has_four_in_five() {
    let tachycardia = rule("tachycardia");
    let with_hole = |missing: i64, until: i64| -> Vec<_> {
        let seconds = (0..=until).filter(|s| !(30..30 + missing).contains(s));
        seconds.map(|s| reading(s, 130.0)).collect()
    };
    assert_eq!(peak(&tachycardia, &with_hole(12, 60)), RED);
    assert_eq!(peak(&tachycardia, &with_hole(13, 60)), Level::Green);
    let late = plain(&tachycardia, &with_hole(25, 200));
    assert_eq!(late.len(), 1);
    let (start, levels, _) = &late[0];
    assert!(
        (60..=120).contains(&levels[0].0) && *start == levels[0].0 - 60,
        "the part that proves it: {late:?}"
    );
}

#[test]
fn the_sensors_low_and_high_count_as_beyond_every_line() {
    let say = |flag, n: usize| -> Vec<_> {
        let word = |r: JudgedReading| JudgedReading { flags: flag, value: 100.0, ..r };
        stream(300, &[(n, 0.0)]).into_iter().map(word).collect()
    };
    assert_eq!(peak(&rule("glucose_low"), &say(Flags::LOW, 4)), RED);
    assert_eq!(peak(&rule("glucose_high"), &say(Flags::HIGH, 4)), RED);
    assert_eq!(peak(&rule("glucose_high"), &say(Flags::LOW, 9)), Level::Green);
    assert_eq!(peak(&rule("glucose_low"), &say(Flags::LOW.with(Flags::SUSPECT), 9)), RED);
}

/// As a device would send them: what lies outside the sensor's own range is suspect.
fn flagged(step: i64, values: &[f64], band: std::ops::RangeInclusive<f64>) -> Vec<JudgedReading> {
    let flag = |value: &f64| if band.contains(value) { Flags::default() } else { Flags::SUSPECT };
    let at = (0..).zip(values);
    at.map(|(index, value)| JudgedReading { flags: flag(value), ..reading(index * step, *value) }).collect()
}

#[test]
fn a_fall_into_the_depths_is_red_before_it_is_deadly() {
    let low = rule("glucose_low");
    let falling = flagged(300, &[100.0, 62.0, 45.0, 38.0, 33.0, 28.0, 23.0], 40.0..=400.0);
    assert_eq!(plain(&low, &falling), [(300, vec![(900, YELLOW), (1_500, RED)], None)]);
    let steady = |value| flagged(300, &[value; 8], 40.0..=400.0);
    assert_eq!(plain(&low, &steady(39.0)), [(0, vec![(0, YELLOW), (900, RED)], None)]);
    assert_eq!(plain(&low, &steady(40.0)), [(0, vec![(900, RED)], None)]);
    assert_eq!(plain(&rule("glucose_high"), &steady(450.0)), [(0, vec![(0, YELLOW), (900, RED)], None)]);
}

#[test]
fn a_racing_heart_beyond_belief_is_as_red_as_a_believable_one() {
    let tachycardia = rule("tachycardia");
    let racing = |n| flagged(1, &vec![225.0; n], 25.0..=220.0);
    assert_eq!(plain(&tachycardia, &racing(61)), [(0, vec![(0, YELLOW), (60, RED)], None)]);
    assert_eq!(peak(&tachycardia, &racing(60)), YELLOW);
    let mut rising = vec![150.0; 40];
    rising.extend([230.0; 21]);
    let story = plain(&tachycardia, &flagged(1, &rising, 25.0..=220.0));
    assert_eq!(story, [(0, vec![(40, YELLOW), (60, RED)], None)], "it goes on being what it was");
}

#[test]
fn a_rule_without_a_duration_waits_for_the_second_that_agrees() {
    let mut at_once = rule("glucose_low");
    let Kind::Threshold(t) = &mut at_once.kind;
    (t.yellow.lasting, t.red.lasting, t.clear.lasting) = Default::default();
    let of = |values: &[f64]| peak(&at_once, &flagged(300, values, 40.0..=400.0));
    assert_eq!((of(&[100.0, 30.0, 100.0]), of(&[100.0, 30.0, 31.0]), of(&[30.0, 50.0])), (YELLOW, RED, RED));
    assert_eq!(of(&[50.0, 30.0]), RED);
    let ended =
        |values: &[f64]| episodes_of(&at_once, &flagged(300, values, 40.0..=400.0))[0].ended_at.is_some();
    assert!(!ended(&[50.0, 450.0]), "one value beyond belief is no good news");
    assert!(ended(&[50.0, 450.0, 440.0]) && ended(&[50.0, 120.0]));
}

#[test]
fn one_value_beyond_belief_on_the_safe_side_breaks_no_stretch_and_two_do() {
    let high = rule("glucose_high");
    let of = |values: &[f64]| peak(&high, &flagged(300, values, 40.0..=400.0));
    assert_eq!(of(&[300.0, 300.0, 20.0, 300.0]), RED);
    assert_eq!(of(&[300.0, 300.0, 300.0, 20.0]), Level::Green, "not red by a reading that is not");
    assert_eq!(of(&[300.0, 300.0, 20.0, 21.0, 300.0]), Level::Green);
    assert_eq!(of(&[300.0, 300.0, 100.0, 300.0]), Level::Green);
}

#[test]
fn complaint_1_no_alarm_from_two_readings_around_a_gap() {
    let mut ninety_minutes = rule("tachycardia");
    let Kind::Threshold(t) = &mut ninety_minutes.kind;
    t.yellow.lasting = Duration::from_secs(5_400);
    t.red.lasting = Duration::from_secs(5_400);
    assert_eq!(peak(&ninety_minutes, &[reading(0, 130.0), reading(5_400, 130.0)]), Level::Green);
    assert_eq!(peak(&ninety_minutes, &stream(30, &[(181, 130.0)])), RED);
}

#[test]
fn complaint_2_no_alarm_before_its_time_and_a_dip_starts_the_time_anew() {
    let tachycardia = rule("tachycardia");
    assert_eq!(peak(&tachycardia, &stream(1, &[(59, 130.0), (1, 99.0), (60, 130.0)])), Level::Green);
    let dipped = stream(1, &[(59, 130.0), (1, 99.0), (61, 130.0)]);
    assert_eq!(plain(&tachycardia, &dipped), [(60, vec![(120, RED)], None)]);
}

#[test]
fn complaints_5_and_23_hysteresis_holds_one_episode_over_the_line_and_gaps_never_clear() {
    let tachycardia = rule("tachycardia");
    let mut swinging = stream(1, &[(61, 110.0)]);
    swinging.extend((61..2_000).map(|s| reading(s, if s / 70 % 2 == 0 { 97.0 } else { 103.0 })));
    assert_eq!(plain(&tachycardia, &swinging), [(0, vec![(60, YELLOW)], None)]);
    let mut silent = stream(1, &[(61, 110.0), (30, 80.0)]);
    silent.extend((100_000..100_060).map(|s| reading(s, 80.0)));
    assert_eq!(
        episodes_of(&tachycardia, &silent)[0].ended_at,
        None,
        "thirty before the gap do not help sixty after"
    );
    silent.push(reading(100_060, 80.0));
    assert_eq!(episodes_of(&tachycardia, &silent)[0].ended_at, Some(Instant::from_secs(100_060)));
}

#[test]
fn complaint_6_it_rises_steps_down_and_clears_each_with_its_own_time() {
    let day = stream(1, &[(61, 110.0), (61, 130.0), (61, 115.0), (61, 130.0), (61, 110.0), (61, 90.0)]);
    let levels = vec![(60, YELLOW), (121, RED), (182, YELLOW), (243, RED), (304, YELLOW)];
    assert_eq!(plain(&rule("tachycardia"), &day), [(0, levels, Some(365))]);
}

#[test]
fn complaint_7_one_episode_clears_from_either_level() {
    let tachycardia = rule("tachycardia");
    let from_red = stream(1, &[(61, 130.0), (61, 80.0)]);
    assert_eq!(plain(&tachycardia, &from_red), [(0, vec![(60, RED)], Some(121))]);
    let from_yellow = stream(1, &[(61, 110.0), (61, 80.0)]);
    assert_eq!(plain(&tachycardia, &from_yellow), [(0, vec![(60, YELLOW)], Some(121))]);
}

#[test]
fn complaint_8_a_value_still_bad_after_a_hand_resolved_it_alarms_again() {
    let tachycardia = rule("tachycardia");
    let cuts = [Instant::from_secs(100)];
    let all = stream(1, &[(300, 130.0)]);
    let replayed = replay(&tachycardia, &[], &cuts, all, Instant::MIN).episodes;
    let episodes: Vec<Episode> = replayed.into_iter().map(|replayed| replayed.episode).collect();
    assert_eq!(episodes.len(), 2);
    assert_eq!((episodes[0].ended_at, episodes[0].by_hand), (Some(cuts[0]), true));
    assert_eq!((episodes[1].started_at.secs(), episodes[1].raised_at().secs()), (101, 161));
}

#[test]
fn complaint_9_two_readings_some_milliseconds_apart_are_one_story() {
    let tachycardia = rule("tachycardia");
    let twin = |r: JudgedReading| {
        [
            r,
            JudgedReading { at: r.at.plus(Duration::from_millis(3)), ..r },
            JudgedReading { value: 131.0, ..r },
        ]
    };
    let doubled: Vec<_> = stream(1, &[(200, 130.0)]).into_iter().flat_map(twin).collect();
    let mut machine = Machine::new(&tachycardia);
    let changes: Vec<_> = doubled.iter().filter_map(|r| machine.step(r)).collect();
    assert_eq!(changes.len(), 1, "{changes:?}");
}

#[test]
fn complaints_10_and_12_times_are_event_times_and_the_duration_is_that_of_the_data() {
    let episode =
        episodes_of(&rule("tachycardia"), &stream(1, &[(61, 130.0), (100, 130.0), (61, 80.0)])).remove(0);
    assert_eq!(episode.ended_at.unwrap().since(episode.started_at), Duration::from_secs(221));
    let open = episodes_of(&rule("tachycardia"), &stream(1, &[(61, 130.0)])).remove(0);
    assert_eq!(open.raised_at().since(open.started_at), Duration::from_secs(60));
}

#[test]
fn complaint_14_the_next_reading_leaves_a_snooze_alone_and_a_worse_level_breaks_it() {
    let tachycardia = rule("tachycardia");
    let (now, later) = (Instant::from_secs(60), Instant::from_secs(9_999));
    let yellow = episodes_of(&tachycardia, &stream(1, &[(61, 110.0)])).remove(0);
    let case = AlertCase::open(AlertId::new(now), PatientId::new(now), yellow.facts());
    let snoozed = act(&case, Act::Snooze { until: later }, UserId::new(now), now).unwrap();
    let judged = |parts: &[(usize, f64)]| {
        snoozed.judged(episodes_of(&tachycardia, &stream(1, parts))[0].facts(), now).state
    };
    assert_eq!(judged(&[(90, 110.0)]), AlertState::Snoozed);
    assert_eq!(judged(&[(61, 110.0), (61, 130.0)]), AlertState::Open);
}

#[test]
fn complaint_23_the_latest_is_the_latest_measured_not_the_latest_arrived() {
    let tachycardia = rule("tachycardia");
    let mut machine = Machine::new(&tachycardia);
    for r in stream(1, &[(61, 130.0)]) {
        machine.step(&r);
    }
    let old = reading(-500, 80.0);
    assert_eq!((machine.arrival(&old), machine.step(&old)), (Arrival::Late, None));
    assert_eq!((machine.level(), machine.head()), (RED, Some(Instant::from_secs(60))));
    assert_eq!(machine.arrival(&reading(60, 80.0)), Arrival::Late);
    assert_eq!(machine.arrival(&reading(61, 80.0)), Arrival::InOrder);
}

#[test]
fn an_idle_machine_is_small_and_a_quiet_step_is_quick() {
    assert!(size_of::<Machine>() <= 256, "{} bytes", size_of::<Machine>());
    let mut machine = Machine::new(&rule("tachycardia"));
    let quiet = stream(1, &[(5_000, 72.0)]);
    assert!(quiet.iter().all(|r| machine.step(r).is_none()));
}
