//! The calendar against a walk minute by minute, and against what other desks' users complained of.

use super::*;
use chrono::{NaiveDateTime, Timelike};
use proptest::prelude::*;

fn hours(text: &str) -> Hours {
    Hours::parse(text).unwrap()
}

fn clinic(zone: &str, weekday: &str, saturday: &str) -> Calendar {
    let (open, half, none) = (hours(weekday), hours(saturday), Hours::NONE);
    let [mon, tue, wed, thu] = std::array::from_fn(|_| open.clone());
    Calendar {
        zone: Zone::parse(zone).unwrap(),
        place: Some(Place { state: Some(State::Sp), municipality: Some(3_550_308) }),
        week: [mon, tue, wed, thu, open, half, none],
        exceptions: BTreeMap::new(),
    }
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(zone: Zone, text: &str) -> Instant {
    zone.first(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap())
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// What a person with a watch would count.
fn walked(calendar: &Calendar, from: Instant, minutes: u64) -> Vec<bool> {
    let counts = |k: u64| {
        let local = calendar.zone.local(from.plus(Duration::from_secs(60 * k)));
        let inside = |(open, shut): (NaiveDateTime, NaiveDateTime)| open <= local && local < shut;
        calendar.day(local.date()).0.on(local.date()).any(inside)
    };
    (0..minutes).map(counts).collect()
}

/// Changes of São Paulo's clock at midnight, ahead and back; one of New York's at two; ends of months and years.
const NEAR: [(&str, &str); 12] = [
    ("America/Sao_Paulo", "2018-11-02 12:00"),
    ("America/Sao_Paulo", "2018-02-15 12:00"),
    ("America/Sao_Paulo", "1985-10-31 12:00"),
    ("America/Sao_Paulo", "2026-12-30 12:00"),
    ("America/Sao_Paulo", "2024-02-27 12:00"),
    ("America/Sao_Paulo", "2026-04-29 12:00"),
    ("America/Noronha", "2001-10-12 12:00"),
    ("America/Manaus", "1994-02-18 12:00"),
    ("America/Rio_Branco", "2008-06-22 12:00"),
    ("America/Rio_Branco", "2013-11-08 12:00"),
    ("America/New_York", "2026-10-30 12:00"),
    ("Australia/Lord_Howe", "2026-10-02 12:00"),
];

fn some_hours() -> impl Strategy<Value = Hours> {
    proptest::collection::btree_set(0_u16..=96, 0..=3).prop_map(|cuts| {
        let cuts: Vec<u16> = cuts.into_iter().map(|quarter| quarter * 15).collect();
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let intervals = cuts.chunks_exact(2).map(|cut| format!("{}-{}", clock(cut[0]), clock(cut[1])));
        hours(&intervals.collect::<Vec<_>>().join(" "))
    })
}

fn some_calendar() -> impl Strategy<Value = (Calendar, Instant)> {
    let week = proptest::array::uniform7(prop_oneof![some_hours(), Just(hours("08:00-12:00 13:00-18:00"))]);
    let exception = proptest::option::of((0_i64..5, some_hours()));
    let start = (0..NEAR.len(), 0_u64..4 * 24 * 60);
    (week, exception, start, any::<bool>()).prop_map(|(week, exception, (near, minutes), rests)| {
        let zone = Zone::parse(NEAR[near].0).unwrap();
        let from = at(zone, NEAR[near].1).plus(Duration::from_secs(60 * minutes));
        let place = rests.then_some(Place { state: Some(State::Rj), municipality: None });
        let exceptions = exception.into_iter().map(|(days, hours)| {
            let then = zone.date(from).checked_add_signed(TimeDelta::days(days)).unwrap();
            (then, Exception { label: "mutirão".into(), hours, yearly: false })
        });
        (Calendar { zone, place, week, exceptions: exceptions.collect() }, from)
    })
}

proptest! {
    #[test]
    fn counts_what_a_walk_minute_by_minute_counts((calendar, from) in some_calendar(), minutes in 0_u64..4_000) {
        let walk = walked(&calendar, from, minutes);
        let to = from.plus(Duration::from_secs(60 * minutes));
        let open = u64::try_from(walk.iter().filter(|open| **open).count()).unwrap();
        prop_assert_eq!(calendar.between(from, to), Duration::from_secs(60 * open));
        let traced: Duration = calendar.trace(Window { from, to }).iter().filter(|s| s.closed.is_none())
            .map(|s| s.window.to.since(s.window.from)).sum();
        prop_assert_eq!(traced, Duration::from_secs(60 * open));
    }

    #[test]
    fn a_trace_covers_all_of_it_without_a_seam((calendar, from) in some_calendar(), minutes in 1_u64..4_000) {
        let to = from.plus(Duration::from_secs(60 * minutes));
        let trace = calendar.trace(Window { from, to });
        prop_assert_eq!(trace.first().unwrap().window.from, from);
        prop_assert_eq!(trace.last().unwrap().window.to, to);
        for pair in trace.windows(2) {
            prop_assert_eq!(pair[0].window.to, pair[1].window.from);
        }
    }

    #[test]
    fn the_end_of_a_time_is_the_first_minute_by_which_it_was_open_so_long(
        (calendar, from) in some_calendar(), wanted in 1_u64..600,
    ) {
        let walk = walked(&calendar, from, 5 * 24 * 60);
        let mut open = 0;
        let end = walk.iter().position(|is| { open += u64::from(*is); open == wanted });
        if let Some(end) = end {
            let due = calendar.add(from, MINUTE * u32::try_from(wanted).unwrap()).unwrap();
            prop_assert_eq!(due, from.plus(Duration::from_secs(60 * (u64::try_from(end).unwrap() + 1))));
        }
    }

    #[test]
    fn it_opens_at_the_first_open_minute((calendar, from) in some_calendar()) {
        let walk = walked(&calendar, from, 5 * 24 * 60);
        if let Some(first) = walk.iter().position(|open| *open) {
            let opens = from.plus(Duration::from_secs(60 * u64::try_from(first).unwrap()));
            prop_assert_eq!(calendar.opens(from), Some(opens));
        }
    }

    #[test]
    fn adding_and_counting_are_inverses((calendar, from) in some_calendar(), seconds in 0_u64..400_000) {
        let time = Duration::from_secs(seconds);
        if let Some(due) = calendar.add(from, time) {
            prop_assert_eq!(calendar.between(from, due), time);
        }
    }
}

#[test]
fn a_friday_afternoon_hour_ends_on_monday() {
    let calendar = clinic("America/Sao_Paulo", "08:00-17:00", "");
    let due = calendar.add(at(calendar.zone, "2026-11-27 16:30"), HOUR).unwrap();
    assert_eq!(due, at(calendar.zone, "2026-11-30 08:30"));
}

#[test]
fn lunch_does_not_count() {
    let calendar = clinic("America/Sao_Paulo", "08:00-12:00 13:00-18:00", "");
    let due = calendar.add(at(calendar.zone, "2026-11-24 11:30"), HOUR).unwrap();
    assert_eq!(due, at(calendar.zone, "2026-11-24 13:30"));
}

#[test]
fn holidays_of_country_state_and_city_and_a_half_day_do_not_count_and_are_named() {
    let mut calendar = clinic("America/Sao_Paulo", "08:00-18:00", "");
    calendar.exceptions.insert(
        date("2026-12-24"),
        Exception { label: "véspera de Natal".into(), hours: hours("08:00-12:00"), yearly: false },
    );
    let from = at(calendar.zone, "2026-12-24 11:00");
    let due = calendar.add(from, 2 * HOUR).unwrap();
    assert_eq!(due, at(calendar.zone, "2026-12-28 09:00"), "Christmas is a Friday");
    let why: Vec<Closed> =
        calendar.trace(Window { from, to: due }).into_iter().filter_map(|s| s.closed).collect();
    assert_eq!(
        why,
        [
            Closed::Exception("véspera de Natal".into()),
            Closed::Holiday("Natal".into()),
            Closed::DayOff,
            Closed::OffHours,
        ]
    );
    for (day, name) in [
        ("2026-01-25", Some("Aniversário de São Paulo")),
        ("2026-07-09", Some("Revolução Constitucionalista")),
        ("2026-06-04", Some("Corpus Christi")),
        ("2026-02-17", None),
        ("2026-11-11", None),
    ] {
        let found = calendar.place.unwrap().holiday(date(day)).map(|holiday| holiday.name);
        assert_eq!(found, name, "{day}");
    }
}

#[test]
fn a_half_day_that_comes_back_each_year_gives_way_to_what_is_said_of_the_date() {
    let mut calendar = clinic("America/Sao_Paulo", "08:00-18:00", "");
    let half =
        |text: &'static str, yearly| Exception { label: text.into(), hours: hours("08:00-12:00"), yearly };
    calendar.exceptions.insert(date("2026-12-24"), half("véspera", true));
    calendar.exceptions.insert(date("2028-12-24"), Exception { hours: Hours::NONE, ..half("ponte", false) });
    calendar.exceptions.insert(date("2028-02-29"), half("aniversário", true));
    calendar.exceptions.insert(date("2026-12-31"), half("só neste ano", false));
    let label = |text: &str| calendar.exception(date(text)).map(|exception| exception.label.to_string());
    let label_or_empty = |text: &str| label(text).unwrap_or_default();
    assert_eq!(["2025-12-24", "2026-12-24", "2027-12-24"].map(label_or_empty), ["", "véspera", "véspera"]);
    assert_eq!(["2028-12-24", "2029-12-24"].map(label_or_empty), ["ponte", "véspera"]);
    assert_eq!(["2029-02-28", "2029-03-01", "2032-02-29"].map(label_or_empty), ["", "", "aniversário"]);
    assert_eq!(["2026-12-31", "2027-12-31"].map(label_or_empty), ["só neste ano", ""]);
    let from = at(calendar.zone, "2027-12-24 11:00");
    assert_eq!(calendar.add(from, 2 * HOUR), Some(at(calendar.zone, "2027-12-27 09:00")));
    let written = serde_json::to_value(&calendar).unwrap();
    assert_eq!(written["exceptions"]["2026-12-31"].get("yearly"), None, "as it was written before");
    assert_eq!(serde_json::from_value::<Calendar>(written.clone()).unwrap(), calendar);
    let read = |days: serde_json::Value| {
        let mut says = written.clone();
        says["exceptions"] = days;
        serde_json::from_value::<Calendar>(says)
    };
    let every =
        read(serde_json::json!({ "--12-24": { "label": "véspera", "hours": "08:00-12:00" } })).unwrap();
    assert_eq!(every.exception(date("2031-12-24")).unwrap().label, "véspera");
    for wrong in ["12-24", "--13-24", "--12-24T00:00", "2026"] {
        assert!(read(serde_json::json!({ wrong: { "label": "x" } })).is_err(), "{wrong}");
    }
}

#[test]
fn a_municipality_whose_holidays_nobody_knows_is_refused() {
    let mut calendar = clinic("America/Sao_Paulo", "08:00-18:00", "");
    let mut check = |state, municipality| {
        calendar.place = Some(Place { state, municipality });
        calendar.check()
    };
    assert_eq!(check(Some(State::Sp), Some(3_550_308)), Ok(()));
    assert_eq!(check(Some(State::Rj), Some(3_304_557)), Err(Faulty::Municipality));
    assert_eq!(check(Some(State::Sp), Some(2_304_400)), Err(Faulty::State));
    assert_eq!(check(None, Some(3_550_308)), Err(Faulty::State));
    assert_eq!((check(Some(State::Rj), None), check(None, None)), (Ok(()), Ok(())));
}

#[test]
fn movable_feasts_fall_where_the_church_put_them() {
    let rio = Place { state: Some(State::Rj), municipality: None };
    let vitoria = Place { state: Some(State::Es), municipality: None };
    for (year, friday, carnival) in [
        (2024, "2024-03-29", "2024-02-13"),
        (2025, "2025-04-18", "2025-03-04"),
        (2026, "2026-04-03", "2026-02-17"),
        (2027, "2027-03-26", "2027-02-09"),
        (2038, "2038-04-23", "2038-03-09"),
    ] {
        assert_eq!(rio.holiday(date(friday)).unwrap().name, "Sexta-feira da Paixão", "{year}");
        assert_eq!(rio.holiday(date(carnival)).unwrap().name, "Carnaval", "{year}");
    }
    assert_eq!(vitoria.holiday(date("2025-04-28")).unwrap().scope, Scope::State);
    let acre = Place { state: Some(State::Ac), municipality: None };
    assert_eq!(
        acre.holiday(date("2025-01-24")).unwrap().name,
        "Dia do Evangélico",
        "from Thursday to Friday"
    );
    assert_eq!(acre.holiday(date("2025-01-23")), None);
}

/// The vectors of the incident clock: 3 working days, then 3 more, then 20, national holidays only.
#[test]
fn working_days_of_the_regulation() {
    let week = clinic("America/Sao_Paulo", "09:00-18:00", "");
    let calendar = Calendar { place: Some(Place::default()), ..week };
    for (known, first, then, last) in [
        ("2026-11-18", "2026-11-24", "2026-11-27", "2026-12-22"),
        ("2026-11-21", "2026-11-25", "2026-11-30", "2026-12-23"),
        ("2026-12-23", "2026-12-29", "2027-01-04", "2027-01-27"),
        ("2027-03-24", "2027-03-30", "2027-04-02", "2027-04-28"),
    ] {
        let computed = calendar.working_day(date(known), 3).unwrap();
        assert_eq!(computed, date(first), "{known}");
        assert_eq!(calendar.working_day(computed, 3).unwrap(), date(then), "{known}");
        assert_eq!(calendar.working_day(computed, 20).unwrap(), date(last), "{known}");
    }
}

#[test]
fn a_midnight_that_never_came_starts_the_day_an_hour_late() {
    let zone = Zone::SAO_PAULO;
    let day = zone.day(date("2018-11-04"));
    assert_eq!(day.to.since(day.from), 23 * HOUR);
    assert_eq!(zone.local(day.from).time().hour(), 1);
    let long = zone.day(date("2018-02-17"));
    assert_eq!(long.to.since(long.from), 25 * HOUR);
}

#[test]
fn a_calendar_that_never_opens_has_no_deadline() {
    let calendar = clinic("America/Sao_Paulo", "", "");
    assert_eq!(calendar.add(at(calendar.zone, "2026-11-24 11:30"), HOUR), None);
    assert_eq!(calendar.working_day(date("2026-11-24"), 1), None);
    let always = Calendar::always(Zone::SAO_PAULO);
    let from = at(always.zone, "2018-11-03 20:00");
    assert_eq!(always.add(from, 30 * HOUR), Some(from.plus(30 * HOUR)));
}

#[test]
fn hours_are_read_as_written_and_say_what_is_wrong() {
    let text = "08:00-12:00 13:30-24:00";
    assert_eq!(String::from(hours(text)), text);
    assert_eq!(Hours::parse("8-12"), Err(NoHours::Form("8-12".into())));
    assert_eq!(Hours::parse("25:00-26:00"), Err(NoHours::Form("25:00-26:00".into())));
    assert_eq!(Hours::parse("22:00-06:00"), Err(NoHours::Backwards("22:00-06:00".into())));
    assert_eq!(Hours::parse("08:00-12:00 11:00-13:00"), Err(NoHours::Order("11:00-13:00".into())));
    let json = r#"{"zone":"America/Manaus","place":{"state":"AM","municipality":null},"week":["08:00-12:00","","","","","",""]}"#;
    let calendar: Calendar = serde_json::from_str(json).unwrap();
    assert!(!calendar.works(date("2026-11-24")) && calendar.works(date("2026-11-23")));
}
