//! On call against a walk, against the zone's clock changes, and against what other tools' users complained of.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::calendars::Hours;
use crate::on_call::Doubt;
use chrono::NaiveDateTime;
use proptest::prelude::*;
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3_600);

fn person(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn clock(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

fn at(zone: Zone, text: &str) -> Instant {
    zone.first(clock(text))
}

fn rotation(starts: &str, lengths: &[Length], people: &[u128]) -> Rotation {
    Rotation {
        name: "plantão".into(),
        starts: clock(starts),
        ends: None,
        lengths: lengths.to_vec(),
        people: people.iter().map(|n| person(*n)).collect(),
        hours: None,
        overlap_minutes: 0,
        idle_turns: Idle::Skipped,
    }
}

fn schedule(zone: &str, rotations: Vec<Rotation>) -> Schedule {
    Schedule { zone: Zone::parse(zone).unwrap(), rotations, temporaries: vec![], overrides: vec![] }
}

fn who(schedule: &Schedule, text: &str) -> Vec<UserId> {
    schedule.at(at(schedule.zone, text), Away::NOBODY).into_iter().map(|(user, _)| user).collect()
}

#[test]
fn a_week_is_handed_over_at_the_same_hour_of_the_wall_clock() {
    // In 2018 São Paulo's clock was set ahead on 4 November, at midnight.
    let plan =
        schedule("America/Sao_Paulo", vec![rotation("2018-10-29 08:00", &[Length::Weeks(1)], &[1, 2, 3])]);
    assert_eq!(who(&plan, "2018-11-05 07:59"), [person(1)]);
    assert_eq!(who(&plan, "2018-11-05 08:00"), [person(2)]);
    assert_eq!(who(&plan, "2018-11-19 08:00"), [person(1)], "the fourth week is the first's again");
    assert_eq!(who(&plan, "2018-10-29 07:59"), [], "not before it starts");
}

#[test]
fn a_clock_set_back_gives_an_overlap_and_one_set_ahead_no_gap() {
    let daily = || vec![rotation("2018-01-01 23:30", &[Length::Days(1)], &[1, 2])];
    let plan = schedule("America/Sao_Paulo", daily());
    // 17 February 2018: 23:30 came twice.
    let twice = plan.zone.during(clock("2018-02-17 23:30"), clock("2018-02-17 23:31"));
    assert_eq!(twice.len(), 2);
    let both = plan.at(twice[0].from.plus(HOUR / 2), Away::NOBODY);
    assert_eq!(both.len(), 2, "from the first 23:30 to the last both are on call");
    assert_eq!(plan.at(twice[1].from, Away::NOBODY).len(), 1);
    let year = Window { from: at(plan.zone, "2018-01-02 00:00"), to: at(plan.zone, "2019-01-01 00:00") };
    let midnight =
        schedule("America/Sao_Paulo", vec![rotation("2018-01-01 00:00", &[Length::Days(1)], &[1, 2])]);
    for plan in [plan, midnight] {
        let covered = union(plan.shifts(year, Away::NOBODY).iter().map(|shift| shift.window).collect());
        assert_eq!(covered, [year]);
    }
}

#[test]
fn nights_and_days_of_different_people() {
    let mut night = rotation("2026-11-02 00:00", &[Length::Weeks(1)], &[7, 8]);
    night.hours = Some(std::array::from_fn(|_| Hours::parse("00:00-07:00 19:00-24:00").unwrap()));
    let mut day = rotation("2026-11-02 00:00", &[Length::Days(5), Length::Days(2)], &[1, 2]);
    day.hours = Some(std::array::from_fn(|_| Hours::parse("07:00-19:00").unwrap()));
    let plan = schedule("America/Manaus", vec![day, night]);
    assert_eq!(who(&plan, "2026-11-04 03:12"), [person(7)]);
    assert_eq!(who(&plan, "2026-11-04 12:00"), [person(1)]);
    assert_eq!(who(&plan, "2026-11-07 12:00"), [person(2)], "the weekend's");
    assert_eq!(who(&plan, "2026-11-11 03:12"), [person(8)]);
}

#[test]
fn overrides_and_temporary_schedules_are_on_top() {
    let mut plan =
        schedule("America/Sao_Paulo", vec![rotation("2026-11-02 08:00", &[Length::Weeks(1)], &[1, 2])]);
    let moment = |text| at(Zone::SAO_PAULO, text);
    plan.temporaries.push(Temporary {
        from: moment("2026-11-03 08:00"),
        to: moment("2026-11-04 08:00"),
        shifts: vec![(person(5), moment("2026-11-03 08:00"), moment("2026-11-03 20:00"))],
    });
    let mut over = |from, to, change| {
        plan.overrides.push(Override { from: moment(from), to: moment(to), change, meant_at: None })
    };
    over("2026-11-05 12:00", "2026-11-05 18:00", Change::Replace(person(1), person(9)));
    over("2026-11-06 12:00", "2026-11-06 18:00", Change::Add(person(9)));
    over("2026-11-07 12:00", "2026-11-07 18:00", Change::Remove(person(1)));
    assert_eq!(who(&plan, "2026-11-03 09:00"), [person(5)]);
    assert_eq!(who(&plan, "2026-11-03 21:00"), [], "only its own shifts count");
    assert_eq!(plan.at(moment("2026-11-05 13:00"), Away::NOBODY), [(person(9), Because::Override(0))]);
    assert_eq!(who(&plan, "2026-11-05 18:00"), [person(1)]);
    assert_eq!(who(&plan, "2026-11-06 13:00"), [person(1), person(9)]);
    assert_eq!(who(&plan, "2026-11-07 13:00"), []);
}

fn around(people: &BTreeMap<UserId, Fitness>) -> Around<'_> {
    Around { people, elsewhere: &[], before: &[] }
}

#[test]
fn the_linter_looks_across_schedules_and_at_each_person() {
    let monday = |n| Window { from: at_day(n), to: at_day(n + 7) };
    let shift = |n, user| Shift { window: monday(n), user, because: Because::Rotation(0) };
    let within = Window { from: at_day(0), to: at_day(28) };
    let far = at_day(0).plus(LONGEST_CERTIFICATE).plus(HOUR);
    let people = BTreeMap::from([
        (person(1), Fitness { reachable: true, certified_until: Some(far) }),
        (person(2), Fitness { reachable: false, certified_until: Some(at_day(60)) }),
    ]);
    let here = [shift(0, person(1)), shift(7, person(1)), shift(7, person(2)), shift(14, person(2))];
    // Ana is on call elsewhere in the week between: alone neither schedule is too much for anybody.
    let elsewhere = [shift(7, person(1)), shift(14, person(1)), shift(21, person(3))];
    let need = Need { certificate: true, most_in_a_week: 120 * HOUR, averaged_weeks: 3 };
    let found =
        issues(&here, within, need, Around { people: &people, elsewhere: &elsewhere, before: &elsewhere });
    let of_people: Vec<Issue> = found
        .into_iter()
        .filter(|issue| !matches!(issue, Issue::Gap(_) | Issue::NobodyReachable(_)))
        .collect();
    let wanted = [
        Issue::FirstAndBackup(person(1), monday(7)),
        Issue::Unreachable(person(2), at_day(7)),
        Issue::CertificateDate(person(1), far),
        Issue::Overload(person(1), at_day(0), 168 * HOUR),
    ];
    assert_eq!(of_people, wanted);
    let alone = issues(&here, within, need, around(&people));
    assert!(
        !alone.iter().any(|issue| matches!(issue, Issue::Overload(..) | Issue::FirstAndBackup(..))),
        "{alone:?}"
    );
}

fn at_day(n: u64) -> Instant {
    Instant::from_secs(1_795_348_800).plus(24 * HOUR * u32::try_from(n).unwrap())
}

#[test]
fn the_linter_finds_gaps_the_unreachable_expired_certificates_and_overload() {
    let mut day = rotation("2026-11-02 00:00", &[Length::Weeks(1)], &[1, 2, 3]);
    day.hours = Some(std::array::from_fn(|weekday| {
        Hours::parse(if weekday == 6 { "08:00-20:00" } else { "00:00-24:00" }).unwrap()
    }));
    let plan = schedule("America/Sao_Paulo", vec![day]);
    let moment = |text| at(Zone::SAO_PAULO, text);
    let within = Window { from: moment("2026-11-02 00:00"), to: moment("2026-11-23 00:00") };
    let valid = |until| Some(moment(until));
    let people = BTreeMap::from([
        (person(1), Fitness { reachable: true, certified_until: valid("2027-01-01 00:00") }),
        (person(2), Fitness { reachable: false, certified_until: valid("2027-01-01 00:00") }),
        (person(3), Fitness { reachable: true, certified_until: valid("2026-11-18 12:00") }),
    ]);
    let need = Need { certificate: true, most_in_a_week: 160 * HOUR, averaged_weeks: 1 };
    let found = issues(&plan.shifts(within, Away::NOBODY), within, need, around(&people));
    let gap = |from, to| Issue::Gap(Window { from: moment(from), to: moment(to) });
    assert!(found.contains(&gap("2026-11-08 00:00", "2026-11-08 08:00")), "{found:?}");
    assert!(found.contains(&Issue::CertificateEnds(person(3), moment("2026-11-18 12:00"))));
    assert_eq!(found.iter().filter(|issue| matches!(issue, Issue::Gap(_))).count(), 6);
    let unreached = |issue: &&Issue| matches!(issue, Issue::NobodyReachable(_));
    assert_eq!(found.iter().filter(unreached).count(), 2, "the second week, and its Sunday");
    assert!(found.iter().any(|issue| matches!(issue, Issue::NobodyCertified(_))));
    assert!(!found.iter().any(|issue| matches!(issue, Issue::Overload(..))), "156 hours");
    let strict = Need { most_in_a_week: 150 * HOUR, ..need };
    let found = issues(&plan.shifts(within, Away::NOBODY), within, strict, around(&people));
    let Some(Issue::Overload(user, from, load)) = found.iter().find(|i| matches!(i, Issue::Overload(..)))
    else {
        panic!("nobody carries too much: {found:?}");
    };
    assert_eq!((*user, *from, *load), (person(1), within.from, 156 * HOUR));
}

#[test]
fn a_month_is_a_month_of_the_calendar_and_the_last_day_stays_the_last() {
    let plan =
        schedule("America/Sao_Paulo", vec![rotation("2027-01-31 08:00", &[Length::Months(1)], &[1, 2, 3])]);
    assert_eq!(who(&plan, "2027-02-28 07:59"), [person(1)]);
    assert_eq!(who(&plan, "2027-02-28 08:00"), [person(2)]);
    assert_eq!(who(&plan, "2027-03-31 07:59"), [person(2)]);
    assert_eq!(who(&plan, "2027-03-31 08:00"), [person(3)]);
    assert_eq!(who(&plan, "2028-02-29 08:00"), [person(2)], "a leap year: the fourteenth turn");
    assert_eq!(who(&plan, "2199-12-31 08:00"), [person(3)], "2075 months later");
    let quarters =
        schedule("America/Sao_Paulo", vec![rotation("2027-01-01 00:00", &[Length::Months(3)], &[1, 2])]);
    assert_eq!(who(&quarters, "2027-03-31 23:59"), [person(1)]);
    assert_eq!(who(&quarters, "2027-04-01 00:00"), [person(2)]);
    assert_eq!(who(&quarters, "2027-07-01 00:00"), [person(1)]);
}

/// Seven people on five working days: without more the same two would always have the free days (goalert 55).
#[test]
fn turns_without_hours_are_nobodys_and_everybody_has_as_many() {
    let mut days = rotation("2026-11-30 00:00", &[Length::Days(1)], &[1, 2, 3, 4, 5, 6, 7]);
    let works = |weekday: usize| Hours::parse(if weekday < 5 { "08:00-18:00" } else { "" }).unwrap();
    days.hours = Some(std::array::from_fn(works));
    let counted = schedule("America/Sao_Paulo", vec![Rotation { idle_turns: Idle::Counted, ..days.clone() }]);
    let fair = schedule("America/Sao_Paulo", vec![days]);
    let moment = |text| at(Zone::SAO_PAULO, text);
    let seven_weeks = Window { from: moment("2026-11-30 00:00"), to: moment("2027-01-18 00:00") };
    let each = |plan: &Schedule| -> BTreeMap<UserId, usize> {
        plan.shifts(seven_weeks, Away::NOBODY).iter().fold(BTreeMap::new(), |mut each, shift| {
            *each.entry(shift.user).or_default() += 1;
            each
        })
    };
    assert_eq!(each(&fair).into_values().collect::<Vec<_>>(), [5; 7]);
    assert_eq!(each(&counted).len(), 5, "who was on call before anybody could choose stays who it was");
    assert_eq!(who(&fair, "2026-12-04 09:00"), [person(5)]);
    assert_eq!(who(&fair, "2026-12-07 09:00"), [person(6)], "Monday follows Friday");
    assert_eq!(who(&fair, "2026-12-06 09:00"), []);
    // Far from its start it goes on as if somebody had walked there.
    let near = fair
        .shifts(Window { from: moment("2029-01-01 00:00"), to: moment("2029-02-01 00:00") }, Away::NOBODY);
    let walk = fair.shifts(Window { from: seven_weeks.from, to: moment("2029-02-01 00:00") }, Away::NOBODY);
    assert_eq!(near[..], walk[walk.len() - near.len()..]);
}

#[test]
fn whoever_goes_stays_beside_whoever_comes_for_as_long_as_was_said() {
    let mut days = rotation("2026-11-30 07:00", &[Length::Hours(12)], &[1, 2]);
    days.overlap_minutes = 15;
    days.ends = Some(clock("2026-12-01 07:00"));
    let plan = schedule("America/Sao_Paulo", vec![days]);
    assert_eq!(who(&plan, "2026-11-30 07:05"), [person(1)], "nobody was there before");
    assert_eq!(who(&plan, "2026-11-30 19:14"), [person(1), person(2)]);
    assert_eq!(who(&plan, "2026-11-30 19:15"), [person(2)]);
    assert_eq!(who(&plan, "2026-12-01 07:00"), [], "nobody stays where nobody comes");
}

/// Twelve hours on and 36 off: 48 hours in one week and 36 in the next.
#[test]
fn twelve_on_thirty_six_off_is_no_overload_where_the_limit_is_an_average() {
    let plan = schedule(
        "America/Sao_Paulo",
        vec![rotation("2026-11-30 07:00", &[Length::Hours(12)], &[1, 2, 3, 4])],
    );
    let moment = |text| at(Zone::SAO_PAULO, text);
    let within = Window { from: moment("2026-11-30 07:00"), to: moment("2026-12-30 07:00") };
    let loads = |averaged_weeks| {
        let need = Need { certificate: false, most_in_a_week: 44 * HOUR, averaged_weeks };
        let found = issues(&plan.shifts(within, Away::NOBODY), within, need, around(&BTreeMap::new()));
        let load = |issue: &Issue| match issue {
            Issue::Overload(_, _, load) => Some(*load),
            _ => None,
        };
        found.iter().filter_map(load).collect::<Vec<_>>()
    };
    assert_eq!(loads(1), [48 * HOUR; 4]);
    assert!(loads(2).is_empty());
}

#[test]
fn what_is_hardly_meant_is_asked_again() {
    let plan = schedule("America/Sao_Paulo", vec![rotation("2026-11-30 07:00", &[Length::Days(1)], &[1, 2])]);
    let moment = |text| at(Zone::SAO_PAULO, text);
    let now = moment("2026-12-01 09:00");
    let doubts = |from, to, change| {
        plan.doubts(
            &Override { from: moment(from), to: moment(to), change, meant_at: None },
            now,
            Away::NOBODY,
        )
    };
    let day = ("2026-12-02 07:00", "2026-12-03 07:00");
    assert_eq!(doubts(day.0, day.1, Change::Replace(person(1), person(9))), []);
    assert_eq!(
        doubts(day.0, day.1, Change::Replace(person(2), person(9))),
        [Doubt::NotOnCall(person(2))],
        "it is the other's day"
    );
    assert_eq!(doubts(day.0, day.1, Change::Remove(person(9))), [Doubt::NotOnCall(person(9))]);
    assert_eq!(doubts(day.0, day.1, Change::Add(person(1))), [Doubt::OnCallAlready(person(1))]);
    assert_eq!(doubts("2027-12-02 07:00", "2027-12-03 07:00", Change::Add(person(9))), [Doubt::FarAhead]);
    assert_eq!(doubts("2026-12-02 07:00", "2027-12-03 07:00", Change::Add(person(9))), [Doubt::Long]);
    assert_eq!(
        doubts("2026-12-02 07:00", "2027-01-01 07:00", Change::Add(person(9))),
        [],
        "a month of holidays"
    );
}

const ZONES: [&str; 5] =
    ["America/Sao_Paulo", "America/Noronha", "America/Rio_Branco", "America/New_York", "Australia/Lord_Howe"];

fn some_rotation() -> impl Strategy<Value = Rotation> {
    let length = prop_oneof![
        (1_u16..50).prop_map(Length::Hours),
        (1_u16..9).prop_map(Length::Days),
        (1_u16..4).prop_map(Length::Weeks),
    ];
    let lengths = proptest::collection::vec(length, 1..4);
    (lengths, 1_u128..5, 0_i64..2_000).prop_map(|(lengths, people, start)| {
        let mut rotation = rotation("2017-10-01 00:00", &lengths, &(1..=people).collect::<Vec<_>>());
        rotation.starts += chrono::TimeDelta::hours(start);
        rotation
    })
}

proptest! {
    /// Step by step on the wall clock: whose turn it is, is whose handover was the last.
    #[test]
    fn the_person_on_call_is_the_one_of_a_walk(
        rotation in some_rotation(), zone in 0..ZONES.len(), ahead in 0_i64..12_000,
    ) {
        let plan = schedule(ZONES[zone], vec![rotation.clone()]);
        let now = at(plan.zone, "2017-10-01 00:00").plus(HOUR * u32::try_from(ahead).unwrap());
        let local = plan.zone.local(now);
        let mut handover = rotation.starts;
        let mut expected = None;
        for (number, length) in rotation.lengths.iter().cycle().enumerate() {
            if handover > local { break; }
            expected = Some(rotation.people[number % rotation.people.len()]);
            handover += chrono::TimeDelta::hours(match length {
                Length::Hours(n) => i64::from(*n),
                Length::Days(n) => i64::from(*n) * 24,
                Length::Weeks(n) => i64::from(*n) * 168,
                Length::Months(_) => unreachable!("none is drawn"),
            });
        }
        let on_call: Vec<UserId> = plan.at(now, Away::NOBODY).into_iter().map(|(user, _)| user).collect();
        let alone = plan.zone.during(local, local + chrono::TimeDelta::microseconds(1)).len() == 1;
        if alone {
            prop_assert!(expected.is_none_or(|user| on_call.contains(&user)), "{on_call:?}, not {expected:?}");
            prop_assert_eq!(expected.is_none(), on_call.is_empty());
        }
    }

    /// Whatever a schedule says, nobody is on call in an absence of theirs, nobody else's turn changes, and a stand-in is
    /// there where they were.
    #[test]
    fn nobody_is_on_call_in_an_absence_of_theirs(
        rotation in some_rotation(), spans in proptest::collection::vec((0_u32..2_000, 1_u32..400, 0_u128..6), 1..5),
    ) {
        let plan = schedule("America/Sao_Paulo", vec![rotation]);
        let from = at(plan.zone, "2017-10-01 00:00");
        let within = Window { from, to: from.plus(HOUR * 2_500) };
        let away = |(start, long, who): &(u32, u32, u128)| {
            let window = Window { from: from.plus(HOUR * *start), to: from.plus(HOUR * (*start + *long)) };
            let cover = |schedule: &str, by| Cover { schedule: schedule.into(), from: window.from, to: window.to, by };
            let covers = vec![cover("here", person(99)), cover("there", person(98))];
            Absence { user: person(*who), window, known_at: from, covers }
        };
        let absences = Absences::new(spans.iter().map(away).collect());
        let (all, present) =
            (plan.shifts(within, Away::NOBODY), plan.shifts(within, absences.in_schedule("here")));
        for shift in &present {
            prop_assert!(absences.of(shift.user).all(|window| window.meet(shift.window).is_none()), "{shift:?}");
            prop_assert_ne!(shift.user, person(98));
        }
        let span = |shifts: &[Shift]| union(shifts.iter().map(|shift| shift.window).collect());
        prop_assert_eq!(span(&all), span(&present), "somebody stands in wherever somebody is missing");
    }

    #[test]
    fn from_the_first_turn_on_there_is_never_a_gap(rotation in some_rotation(), zone in 0..ZONES.len()) {
        let plan = schedule(ZONES[zone], vec![rotation.clone()]);
        let from = plan.zone.first(rotation.starts);
        let within = Window { from, to: from.plus(HOUR * 24 * 400) };
        let covered = union(plan.shifts(within, Away::NOBODY).iter().map(|shift| shift.window).collect());
        prop_assert_eq!(covered, vec![within]);
    }
}
