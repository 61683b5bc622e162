//! Rotations against python-dateutil, and the calendar feed against a reader that we did not write.

use std::io::Write;
use std::process::{Command, Stdio};

use domain::calendars::Hours;
use domain::on_call::{Idle, Length, Rotation};
use domain::time::civil::{Window, Zone};
use domain::{Instant, UserId};
use serde_json::{Value, json};
use uuid::Uuid;
use web::on_call::ical::Feed;

use crate::support::dice::Dice;
use crate::support::lacks;

const CASES: usize = 10_000;
const SEED: u64 = 20_261_122;
const ZONES: [&str; 9] = [
    "America/Sao_Paulo",
    "America/Sao_Paulo",
    "America/Noronha",
    "America/Manaus",
    "America/Rio_Branco",
    "America/New_York",
    "Europe/Lisbon",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
];
const WEEKS: [&str; 5] =
    ["", "00:00-24:00", "00:00-07:00 19:00-24:00", "08:00-12:00 13:00-18:00", "00:00-01:30 02:30-23:30"];

struct Case {
    zone: Zone,
    rotation: Rotation,
    within: Window,
}

fn hours(length: Length) -> i64 {
    match length {
        Length::Hours(n) => i64::from(n),
        Length::Days(n) => 24 * i64::from(n),
        Length::Weeks(n) => 168 * i64::from(n),
        Length::Months(_) => unreachable!("none is drawn"),
    }
}

fn drawn(dice: &mut Dice) -> Case {
    let zone = Zone::parse(dice.one(&ZONES)).unwrap();
    let lengths: Vec<Length> = (0..=dice.roll(3))
        .map(|_| match dice.roll(4) {
            0 => Length::Hours(1 + dice.small(49)),
            1 | 2 => Length::Days(1 + dice.small(8)),
            _ => Length::Weeks(1 + dice.small(3)),
        })
        .collect();
    let whole: i64 = lengths.iter().copied().map(hours).sum();
    // From 2004 to 2032, by the quarter of an hour; half of them at midnight, where São Paulo's clock changed.
    let quarter = if dice.roll(2) == 0 { 0 } else { dice.roll(96) };
    let day = i64::try_from(dice.roll(28 * 365)).unwrap();
    let start = chrono::NaiveDate::from_ymd_opt(2004, 1, 1).unwrap() + chrono::TimeDelta::days(day);
    let starts = start.and_time(chrono::NaiveTime::MIN)
        + chrono::TimeDelta::minutes(15 * i64::try_from(quarter).unwrap());
    let people = 1 + u128::from(dice.roll(5));
    let week = (dice.roll(4) == 0).then(|| std::array::from_fn(|_| Hours::parse(dice.one(&WEEKS)).unwrap()));
    let ahead = i64::try_from(dice.roll(20)).unwrap() * whole + i64::try_from(dice.roll(48)).unwrap() - 24;
    let from = starts + chrono::TimeDelta::hours(ahead);
    let length = (whole * 5).clamp(48, 24 * 120);
    let ends = (dice.roll(4) == 0)
        .then(|| from + chrono::TimeDelta::hours(1 + i64::try_from(dice.roll(200)).unwrap()))
        .filter(|ends| starts < *ends);
    let to = from + chrono::TimeDelta::hours(length);
    let rotation = Rotation {
        name: "drawn".into(),
        starts,
        ends,
        lengths,
        people: (1..=people).map(|id| UserId(Uuid::from_u128(id))).collect(),
        hours: week,
        overlap_minutes: 0,
        idle_turns: Idle::Counted,
    };
    Case { zone, rotation, within: Window { from: zone.first(from), to: zone.last(to) } }
}

fn asked(case: &Case) -> Value {
    let Case { zone, rotation, within } = case;
    json!({
        "zone": zone.name(), "starts": rotation.starts, "ends": rotation.ends,
        "lengths": rotation.lengths.iter().copied().map(hours).collect::<Vec<_>>(),
        "people": rotation.people.len(), "hours": rotation.hours,
        "from": within.from.secs(), "to": within.to.secs(),
    })
}

fn python(script: &str, input: Vec<u8>) -> String {
    #[expect(clippy::disallowed_methods, reason = "where the packages are, tests/run says")]
    let python = std::env::var("ZELO_TEST_PYTHON").unwrap_or_else(|_unset| "python3".to_owned());
    let script = format!("{}/tests/foreign/on_call/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(python)
        .arg(&script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut pipe = child.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || pipe.write_all(&input));
    let done = child.wait_with_output().unwrap();
    feeding.join().unwrap().unwrap();
    assert!(done.status.success(), "{script}");
    String::from_utf8(done.stdout).unwrap()
}

fn turns(case: &Case) -> Vec<(u128, i64, i64)> {
    let turns = case.rotation.turns(case.zone, case.within).into_iter();
    let mut told: Vec<_> =
        turns.map(|(user, window)| (user.0.as_u128() - 1, window.from.secs(), window.to.secs())).collect();
    told.sort_unstable();
    told
}

#[test]
fn ten_thousand_random_rules_unfold_as_dateutil_unfolds_them() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    println!("seed {SEED}");
    let mut dice = Dice(SEED);
    let cases: Vec<Case> = (0..CASES).map(|_| drawn(&mut dice)).collect();
    let lines: String = cases.iter().map(|case| format!("{}\n", asked(case))).collect();
    let answers = python("expand.py", lines.into_bytes());
    let (mut compared, mut odd) = (0, 0);
    for (number, (case, answer)) in cases.iter().zip(answers.lines()).enumerate() {
        let answer: Value = serde_json::from_str(answer).unwrap();
        let clock = |name: &str| answer[name].as_str().unwrap().parse::<chrono::NaiveDateTime>().unwrap();
        let (low, high) = (clock("low"), clock("high"));
        let ours: Vec<Value> = case
            .rotation
            .handovers(low)
            .skip_while(|at| *at < low)
            .take_while(|at| *at <= high)
            .map(|at| json!(at.format("%Y-%m-%dT%H:%M:%S").to_string()))
            .collect();
        assert_eq!(json!(ours), answer["hand_overs"], "seed {SEED}, case {number}: {}", asked(case));
        let theirs: Vec<(u128, i64, i64)> = serde_json::from_value(answer["turns"].clone()).unwrap();
        let ours = turns(case);
        assert_eq!(ours, theirs, "seed {SEED}, case {number}: {}", asked(case));
        compared += ours.len();
        odd += ours
            .iter()
            .filter(|(_, from, to)| (to - from) % 3_600 != 0 || (to - from) % 86_400 == 82_800)
            .count();
    }
    assert_eq!(answers.lines().count(), CASES);
    assert!(compared > 100_000 && odd > 100, "{compared} turns, {odd} over a change of clocks");
    println!("{compared} turns compared");
}

#[test]
fn the_calendar_feed_is_read_by_a_library_that_we_did_not_write() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    let zone = Zone::SAO_PAULO;
    let name = "Plantão clínico; noites, fins de semana e feriados de \"São João\" \\ Natal ".repeat(3);
    let clock = |text: &str| text.parse::<chrono::NaiveDateTime>().unwrap();
    let rotation = Rotation {
        name: "x".into(),
        starts: clock("2018-10-29T00:00:00"),
        ends: None,
        lengths: vec![Length::Days(1)],
        people: vec![UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2))],
        hours: None,
        overlap_minutes: 0,
        idle_turns: Idle::Skipped,
    };
    let at = |text: &str| zone.first(clock(text));
    let within = Window { from: at("2018-10-29T00:00:00"), to: at("2018-11-12T00:00:00") };
    let held = rotation.turns(zone, within);
    let feed = |changed| {
        let turns = held.iter().map(|(user, window)| (*window, user.to_string(), "Conceição".to_owned()));
        Feed { schedule: "nights", name: &name, version: 1, changed, turns: turns.collect() }.text()
    };
    let read = |text: String| serde_json::from_str::<Value>(&python("feed.py", text.into_bytes())).unwrap();
    let (first, later) = (read(feed(within.from)), read(feed(Instant::from_secs(0))));
    assert_eq!(first["name"], json!(name));
    let events = first["events"].as_array().unwrap();
    assert_eq!(events.len(), 14);
    for ((event, again), (_, window)) in events.iter().zip(later["events"].as_array().unwrap()).zip(&held) {
        assert_eq!(
            (event["from"].as_i64(), event["to"].as_i64()),
            (Some(window.from.secs()), Some(window.to.secs()))
        );
        assert_eq!(event["uid"], again["uid"], "an id stays");
        assert_eq!(event["summary"], json!(format!("Conceição · {name}")));
        let names = ["DTEND", "DTSTAMP", "DTSTART", "LAST-MODIFIED", "SEQUENCE", "SUMMARY", "TRANSP", "UID"];
        assert_eq!(event["names"], json!(names));
    }
    let ids: std::collections::BTreeSet<&str> =
        events.iter().map(|event| event["uid"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 14);
}
