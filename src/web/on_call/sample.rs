//! A schedule of two weeks with a gap, its forms, and the list with what everybody carries.

use crate::on_call::view::schedule::{
    Cell, Changed, Day, Need, OwnTurn, RotationShown, Strip, Swap, Then, Turn,
};
use crate::on_call::view::schedules::{Load, Present, Row, Trouble};
use crate::on_call::view::{absence, schedule, schedules};
use crate::pages::Choice;
use crate::sample::{Drawn, Night, user_id};
use crate::{Key, Section};
use domain::Role;

fn present(name: &str) -> Present {
    Present { name: name.to_owned(), why: "rodízio Noites".to_owned() }
}

fn need() -> Need {
    let (pt, en) = ("Clínico de plantão".to_owned(), "Clinician on call".to_owned());
    Need { pt, en, zone: "America/Manaus".to_owned(), certificate: true, hours: 60, weeks: 2 }
}

fn cells(hours: &str, bars: &[(u64, u64)]) -> Vec<Cell> {
    let cell = |day: u64| match day % 2 {
        0 => Cell { bars: bars.to_vec(), hours: vec![hours.to_owned()] },
        _ => Cell::default(),
    };
    (0..14).map(cell).collect()
}

impl Night {
    /// The pages of schedules.
    pub(crate) fn duty(&self) -> Vec<Drawn> {
        let trouble =
            |grave, kind: &str, text: &str| Trouble { grave, kind: kind.to_owned(), text: text.to_owned() };
        let gap = trouble(true, &self.pick("Lacuna", "Gap"), "24/11/2026 08:00 – 20:00");
        let overload = trouble(false, &self.pick("Sobrecarga", "Overload"), "Ana Beatriz Conceição · 96 h");
        let row = |id: &str, name: &str, present, troubles| Row {
            id: id.to_owned(),
            name: name.to_owned(),
            present,
            next: Some(self.later(7_200)),
            troubles,
        };
        let list = schedules::View {
            rows: vec![
                row("clinician_on_call", "Clínico de plantão", vec![present("Ana Conceição")], vec![]),
                row("duty_manager", "Gestor de plantão", vec![], vec![gap.clone(); 6]),
            ],
            people: vec![
                Load { name: "Ana Conceição".into(), on_call: true, load: 9, capacity: 10, free: 0 },
                Load { name: "Caio Lima".into(), on_call: false, load: 2, capacity: 10, free: 7 },
            ],
            fresh: need(),
            reserve: 2,
            reserve_used: 1,
            waiting: 9,
            displaced: 2,
        };
        let rotation = RotationShown {
            place: "0".into(),
            name: "Noites".into(),
            starts: "2026-11-16T19:00".into(),
            lengths: [("5".into(), "days"), ("2".into(), "days")],
            people: vec![user_id(1).to_string(), String::new()],
            hours: vec!["00:00-07:00 19:00-24:00".into(); 7],
            ..RotationShown::default()
        };
        let one = schedule::View {
            id: "clinician_on_call".into(),
            name: "Clínico de plantão".into(),
            version: 7,
            author: Some("Renata Okamoto".into()),
            since: Some(self.ago(400_000)),
            present: vec![present("Ana Conceição")],
            next: Some(self.later(7_200)),
            troubles: vec![gap, overload],
            days: (0..14)
                .map(|n| Day {
                    label: format!("dia {n}"),
                    today: n == 2,
                    holiday: (n == 5).then(|| "Natal".into()),
                })
                .collect(),
            gaps: cells("08:00–20:00", &[(333, 500)]),
            strips: vec![
                Strip {
                    name: "Ana Conceição".into(),
                    cells: cells("00:00–07:00, 19:00–24:00", &[(0, 292), (792, 208)]),
                },
                Strip { name: "Caio Lima".into(), cells: cells("07:00–08:00", &[(292, 41)]) },
            ],
            turns: vec![
                Turn { from: self.ago(7_200), to: self.later(7_200), who: Some(present("Ana Conceição")) },
                Turn { from: self.later(7_200), to: self.later(9_200), who: None },
            ],
            around: ("2026-11-08".into(), "2026-12-06".into()),
            asked: "2026-03-12T03:12".into(),
            answer: Some(Then {
                at: self.ago(22_000_000),
                version: Some(3),
                present: vec![present("Caio Lima")],
            }),
            changes: vec![
                Changed {
                    is_temporary: true,
                    window: (self.later(86_400), self.later(172_800)),
                    fields: ("2026-12-24T08:00".into(), "2026-12-26T08:00".into()),
                    what: self.pick("Escala temporária: Caio Lima", "Temporary schedule: Caio Lima"),
                    turns: vec![OwnTurn { user: user_id(1).to_string(), ..OwnTurn::default() }],
                    ..Changed::default()
                },
                Changed {
                    window: (self.later(7_200), self.later(9_200)),
                    fields: ("2026-11-24T08:00".into(), "2026-11-24T20:00".into()),
                    what: self
                        .pick("Caio Lima no lugar de Ana Conceição", "Caio Lima in place of Ana Conceição"),
                    remove: user_id(1).to_string(),
                    ..Changed::default()
                },
            ],
            swaps: vec![
                Swap {
                    id: user_id(7).to_string(),
                    what: self.pick(
                        "Ana Conceição daria o turno a Caio Lima",
                        "Ana Conceição would give Caio Lima the turn",
                    ),
                    window: (self.later(7_200), self.later(9_200)),
                    back: Some((self.later(86_400), self.later(90_000))),
                    may_accept: true,
                    may_decline: true,
                    ..Swap::default()
                },
                Swap {
                    id: user_id(8).to_string(),
                    what: "Caio Lima".into(),
                    is_mine: true,
                    ..Swap::default()
                },
            ],
            swappable: vec![Choice { value: "1|2|3".into(), label: "Ana Conceição · 24/11 08:00".into() }],
            mates: vec![Choice { value: user_id(2).to_string(), label: "Caio Lima".into() }],
            rows: vec![OwnTurn::default(); 3],
            may_manage: true,
            need: need(),
            people: vec![Choice { value: user_id(1).to_string(), label: "Ana Conceição".into() }],
            rotations: vec![
                rotation.clone(),
                RotationShown { place: "1".into(), beyond: true, ..rotation },
                RotationShown::default(),
            ],
            followed: true,
            feed: Some("https://zelo.example/api/v1/schedules/x/calendar.ics?token=y".into()),
        };
        let never = schedule::View {
            answer: Some(Then { at: self.ago(90_000_000), version: None, present: vec![] }),
            may_manage: false,
            feed: None,
            ..one.clone()
        };
        let shell = |role, path: &str| self.shell(Some(role), Section::Schedules, path);
        let at = "/schedules/clinician_on_call";
        let turn = |hours: u64| absence::Turn {
            schedule: "clinician_on_call".into(),
            name: "Clínico de plantão".into(),
            from: self.later(hours * 3_600),
            to: self.later(hours * 3_600 + 43_200),
            sent: (1, 2),
        };
        let asked = absence::View {
            people: one.people.clone(),
            mates: one.mates.clone(),
            ahead: vec![absence::Ahead {
                id: user_id(9).to_string(),
                name: "Caio Lima".into(),
                window: (self.later(86_400), self.later(172_800)),
                sent: ("2026-11-24T08:00".into(), "2026-11-25T08:00".into()),
                covers: vec!["Ana Conceição".into()],
                by: Some("Caio Lima".into()),
                begun: false,
                may_change: true,
            }],
            user: user_id(1).to_string(),
            from: "2026-11-24T08:00".into(),
            to: "2026-11-30T08:00".into(),
            turns: Some(vec![turn(24), turn(72)]),
            doubts: vec![Key("doubt-far-ahead")],
            ..absence::View::default()
        };
        let stands = absence::View {
            refusal: Some(Key("field-span")),
            standing: Some(("Já há uma ausência de Ana Conceição".into(), user_id(9).to_string())),
            ..asked.clone()
        };
        let done = absence::Done {
            changed: false,
            name: "Ana Conceição".into(),
            schedules: vec![("clinician_on_call".into(), "Clínico de plantão".into())],
            uncovered: vec![turn(72)],
        };
        let absent = absence::View { turns: None, done: Some(done), user: String::new(), ..asked.clone() };
        let back = absence::View {
            turns: None,
            taken_back: Some("Ana Conceição".into()),
            user: String::new(),
            ..asked.clone()
        };
        let away = |view| absence::page(&shell(Role::Manager, "/absence"), view);
        vec![
            ("absence", "/absence".into(), away(&asked)),
            ("absence-done", "/absence?done".into(), away(&absent)),
            ("absence-taken", "/absence?back".into(), away(&back)),
            ("absence-stands", "/absence?stands".into(), away(&stands)),
            ("schedules", "/schedules".into(), schedules::page(&shell(Role::Agent, "/schedules"), &list)),
            ("schedule", at.into(), schedule::page(&shell(Role::Manager, at), &one)),
            ("schedule-past", format!("{at}?at"), schedule::page(&shell(Role::Agent, at), &never)),
        ]
    }
}
