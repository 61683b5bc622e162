//! The clock of a service level, and what users of other desks complained of, each replayed. The complaints of the
//! reference's table and the tests that replay them:
//!
//! | # | complaint | test |
//! |---|---|---|
//! | 1 | business hours were ignored | `calendar::tests::a_friday_afternoon_hour_ends_on_monday` |
//! | 2 | lunch counted | `calendar::tests::lunch_does_not_count` |
//! | 3 | no exception dates, no half days | `calendar::tests::holidays_of_country_state_and_city_and_a_half_day_do_not_count_and_are_named` |
//! | 4 | a foreign feast closed the desk, unseen | `calendar::tests::holidays_of_country_state_and_city_and_a_half_day_do_not_count_and_are_named` |
//! | 5 | the clock ran on after the resolution | `nothing_runs_after_the_stop`, `engine::tests::sla` |
//! | 6 | no pause while somebody is waited for | `the_clock_stands_still_while_the_patient_is_waited_for` |
//! | 7 | one timer overruled another | `engine::tests::sla` |
//! | 8 | warnings at midnight | `a_warning_falls_into_working_hours` |
//! | 9 | a breach led to nothing | `engine::tests::sla` |

use super::*;
use crate::calendars::{Hours, Place};
use crate::time::civil::Zone;
use chrono::NaiveDateTime;
use proptest::prelude::*;

fn desk() -> Calendar {
    let weekday = Hours::parse("08:00-12:00 13:00-18:00").unwrap();
    let week = std::array::from_fn(|day| if day < 5 { weekday.clone() } else { Hours::NONE });
    Calendar { week, place: Some(Place::default()), ..Calendar::always(Zone::SAO_PAULO) }
}

fn at(text: &str) -> Instant {
    Zone::SAO_PAULO.first(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap())
}

fn paused(from: &str, to: Option<&str>) -> Pause {
    Pause { from: at(from), to: to.map(at), reason: PauseReason::WaitingPatient }
}

#[test]
fn the_clock_stands_still_while_the_patient_is_waited_for() {
    let desk = desk();
    let mut timer = Timer::started(Target::OpenMinutes(240), at("2026-11-24 09:00"));
    assert_eq!(timer.due(&desk), Some(at("2026-11-24 14:00")));
    timer.pauses.push(paused("2026-11-24 10:00", None));
    assert_eq!(timer.due(&desk), None);
    assert_eq!(timer.standing(&desk, at("2026-12-24 10:00")), Standing::Paused);
    timer.pauses[0] = paused("2026-11-24 10:00", Some("2026-11-25 17:00"));
    assert_eq!(
        timer.due(&desk),
        Some(at("2026-11-26 10:00")),
        "an hour before, one on the 25th, two on the 26th"
    );
}

#[test]
fn it_warns_at_four_fifths_breaches_when_due_and_a_stop_ends_it() {
    let desk = desk();
    let mut timer = Timer::started(Target::OpenMinutes(300), at("2026-11-24 08:00"));
    for (now, standing) in [
        ("2026-11-24 11:59", Standing::Running),
        ("2026-11-24 12:00", Standing::Warned),
        ("2026-11-24 13:59", Standing::Warned),
        ("2026-11-24 14:00", Standing::Breached),
    ] {
        assert_eq!(timer.standing(&desk, at(now)), standing, "{now}");
    }
    timer.stopped_at = Some(at("2026-11-24 14:00"));
    assert_eq!(timer.standing(&desk, at("2027-11-24 14:00")), Standing::Met);
    timer.stopped_at = Some(at("2026-11-24 14:01"));
    assert_eq!(timer.standing(&desk, at("2027-11-24 14:00")), Standing::Late);
}

/// After "obrigada" of a patient whose case is resolved, nothing may run on (chatwoot 10178).
#[test]
fn nothing_runs_after_the_stop() {
    let desk = desk();
    let mut timer = Timer::started(Target::OpenMinutes(60), at("2026-11-24 09:00"));
    timer.stopped_at = Some(at("2026-11-24 09:30"));
    let used = timer.used(&desk, at("2026-11-27 09:00"));
    assert_eq!(used, Duration::from_secs(1_800));
    assert_eq!(timer.standing(&desk, at("2026-11-27 09:00")), Standing::Met);
}

#[test]
fn a_breach_before_a_pause_stays_a_breach() {
    let desk = desk();
    let mut timer = Timer::started(Target::Minutes(60), at("2026-11-24 09:00"));
    timer.pauses.push(paused("2026-11-24 11:00", None));
    assert_eq!(timer.standing(&desk, at("2026-11-24 12:00")), Standing::Breached);
}

#[test]
fn a_statutory_answer_is_counted_in_days() {
    let desk = desk();
    let sac = Timer::started(Target::Days(7), at("2026-11-20 10:00"));
    assert_eq!(sac.due(&desk), Some(at("2026-11-28 00:00")), "the whole seventh day is theirs");
    let ans = Timer::started(Target::WorkingDays(5), at("2026-11-19 10:00"));
    assert_eq!(ans.due(&desk), Some(at("2026-11-28 00:00")), "20 November is a holiday");
    assert_eq!(ans.warn_at(&desk), Some(at("2026-11-27 00:00")));
}

/// Reminders of escalation went out at midnight and on weekends (zammad 4432, glpi 22678).
#[test]
fn a_warning_falls_into_working_hours() {
    let desk = desk();
    let timer = Timer::started(Target::OpenMinutes(240), at("2026-11-27 16:00"));
    let warn = timer.warn_at(&desk).unwrap();
    assert_eq!(warn, at("2026-11-30 09:12"));
    assert!(desk.is_open(warn));
}

/// A clock of days says it at midnight; nobody is told before the desk opens.
#[test]
fn what_a_clock_of_days_says_at_midnight_is_told_when_the_desk_opens() {
    let desk = desk();
    let timer = Timer::started(Target::WorkingDays(2), at("2026-11-26 10:00"));
    let due = timer.due(&desk).unwrap();
    assert_eq!(due, at("2026-12-01 00:00"));
    assert_eq!(timer.announced_at(&desk, due), Some(at("2026-12-01 08:00")));
    let friday = Timer::started(Target::Days(1), at("2026-11-26 10:00"));
    assert_eq!(friday.due(&desk), Some(at("2026-11-28 00:00")));
    assert_eq!(friday.announced_at(&desk, at("2026-11-28 00:00")), Some(at("2026-11-30 08:00")));
    let minutes = Timer::started(Target::Minutes(60), at("2026-11-28 02:00"));
    assert_eq!(minutes.announced_at(&desk, at("2026-11-28 03:00")), Some(at("2026-11-28 03:00")));
}

#[test]
fn its_trace_tells_every_stretch_and_why() {
    let desk = desk();
    let mut timer = Timer::started(Target::OpenMinutes(240), at("2026-11-24 11:00"));
    timer.pauses.push(paused("2026-11-24 14:00", Some("2026-11-24 15:00")));
    let stills: Vec<Option<Still>> =
        timer.trace(&desk, at("2026-11-24 16:00")).into_iter().map(|segment| segment.still).collect();
    let lunch = Some(Still::Closed(Closed::OffHours));
    let waiting = Some(Still::Paused(PauseReason::WaitingPatient));
    assert_eq!(stills, [None, lunch, None, waiting, None]);
}

proptest! {
    #[test]
    fn what_is_used_when_it_is_due_is_the_target(
        start in 0_i64..20_000, minutes in 1_u32..3_000, cuts in proptest::collection::btree_set(0_i64..20_000, 0..6),
    ) {
        let desk = desk();
        let begin = at("2026-11-16 00:00");
        let after = |minutes: i64| Instant::from_secs(begin.secs() + 60 * minutes);
        let cuts: Vec<i64> = cuts.into_iter().filter(|cut| *cut > start).collect();
        let mut timer = Timer::started(Target::OpenMinutes(minutes), after(start));
        timer.pauses = cuts.chunks_exact(2).map(|cut| Pause {
            from: after(cut[0]), to: Some(after(cut[1])), reason: PauseReason::ScheduledCallback,
        }).collect();
        let due = timer.due(&desk).unwrap();
        prop_assert_eq!(timer.used(&desk, due), Duration::from_secs(60 * u64::from(minutes)));
        prop_assert!(timer.warn_at(&desk).unwrap() <= due);
    }
}
