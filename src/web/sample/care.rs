//! What a clinician sees that night.

use crate::alerts::view::{alert, many, queue};
use crate::attachments::view::{self as attachments, Files};
use crate::consents::view;
use crate::devices::view as devices;
use crate::pages::{AlertState, Choice, Level, Owner, Paging, Total};
use crate::patients::view::patient;
use crate::readings::view as readings;
use domain::Signal;
use domain::attachments::MediaType;

use std::time::Duration;

use super::{Night, alert_id, device_id, patient_id, user_id};

impl Night {
    pub(super) fn row(&self, n: i64, name: &str, level: Level, waited: u64, finding: &str) -> queue::Row {
        queue::Row {
            alert: alert_id(n),
            name: name.to_owned(),
            level: Some(level),
            state: AlertState::Open,
            since: self.ago(waited),
            next_step: Some(queue::NextStep {
                next: self.pick("Passo 2", "Step 2"),
                at: self.ago(waited).plus(Duration::from_secs(900)),
                since: self.ago(waited),
                held: false,
            }),
            finding: finding.to_owned(),
            detail: Some("61 × 121–142 bpm".to_owned()),
            started_at: self.ago(waited),
            ended_at: None,
            latest: Some(queue::Latest {
                signal: Signal::HeartRate,
                value: 138.0,
                at: self.ago(4),
                suspect: false,
            }),
            owner: None,
            snoozed: None,
            worn_out: false,
            retrospective: false,
            nobody_reached: false,
            uncalled: None,
        }
    }

    pub(crate) fn queue(&self) -> queue::View {
        let high = self.pick(
            "Frequência cardíaca acima de 120 bpm por 60 s: pico 142",
            "Heart rate above 120 bpm for 60 s: peak 142",
        );
        let low =
            self.pick("Glicose abaixo de 54 mg/dL por 15 min: 48", "Glucose below 54 mg/dL for 15 min: 48");
        let sweet = self
            .pick("Glicose acima de 180 mg/dL por 15 min: 204", "Glucose above 180 mg/dL for 15 min: 204");
        let mut first = self.row(1, "Maria das Graças S.", Level::Red, 1_330, &high);
        first.nobody_reached = true;
        let mut second = self.row(2, "João Pedro A.", Level::Red, 740, &low);
        second.latest =
            Some(queue::Latest { signal: Signal::Glucose, value: 49.0, at: self.ago(130), suspect: false });
        let mut third = self.row(3, "Antônia R.", Level::Red, 95, &high);
        third.owner = Some(Owner { name: "Caio Lima".to_owned(), me: false });
        third.state = AlertState::Acknowledged;
        third.worn_out = true;
        let mut fourth =
            self.row(4, "Wanderley do Espírito Santo Albuquerque C.", Level::Yellow, 8_100, &sweet);
        fourth.next_step = None;
        fourth.owner = Some(Owner { name: "Renata Okamoto".to_owned(), me: true });
        let mut fifth = self.row(5, "Lídia M.", Level::Yellow, 300, &sweet);
        fifth.retrospective = true;
        fifth.next_step = None;
        fifth.ended_at = Some(self.ago(60));
        queue::View {
            filter: queue::Filter::default(),
            pinned: vec![first],
            counts: queue::Counts { red: 3, yellow: 2, unclaimed: 3, mine: 1, past: 1 },
            rows: vec![second, third, fourth, fifth],
            paging: Paging {
                seen: 4,
                total: Total::Of(9),
                before: None,
                after: Some("/queue?cursor=x".to_owned()),
            },
            may_act: true,
            may_answer: true,
        }
    }

    pub(crate) fn many(&self) -> many::View {
        let queue = self.queue();
        let answered = [(6, None), (7, Some("E_CLAIMED"))];
        let answered = answered.map(|(n, refused)| many::Answered {
            alert: alert_id(n).to_string(),
            name: Some(self.pick("Maria S.", "Maria S.")),
            refused,
        });
        many::View {
            rows: queue.pinned.into_iter().chain(queue.rows).collect(),
            none_ticked: answered.is_empty(),
            answered: answered.into(),
        }
    }

    pub(super) fn chart(&self, page: &str) -> readings::Chart {
        let bucket = |i: u64, v: f64| readings::Bucket {
            at: self.ago(86_400 - i * 3_600),
            min: v - 6.0,
            avg: v,
            max: v + 9.0,
            n: 3_600,
        };
        let values = [
            71.0, 69.0, 66.0, 64.0, 63.0, 62.0, 64.0, 70.0, 78.0, 84.0, 81.0, 86.0, 92.0, 88.0, 96.0, 104.0,
            131.0,
        ];
        readings::Chart {
            patient: patient_id(1),
            page: page.to_owned(),
            signal: Signal::HeartRate,
            range: readings::Range::Day,
            from: self.ago(86_400),
            to: self.now,
            tabs: vec![Signal::HeartRate, Signal::Spo2, Signal::Glucose, Signal::BodyTemperature],
            bands: vec![
                readings::Band { value: 120.0, level: Level::Red, above: true },
                readings::Band { value: 100.0, level: Level::Yellow, above: true },
            ],
            marks: vec![readings::Mark { at: self.ago(1_330), level: Level::Red }],
            table: (0..).zip(values).map(|(i, v)| bucket(i, v)).collect(),
            source: Some("Polar H10 · ZL-0142".to_owned()),
        }
    }

    pub(super) fn shown(&self, page: &str) -> readings::Readings {
        let value = |signal, value, secs, level| readings::Latest {
            signal,
            value,
            at: self.ago(secs),
            level,
            suspect: false,
        };
        readings::Readings::Shown(Box::new(readings::Shown {
            latest: vec![
                value(Signal::HeartRate, 138.0, 2, Some(Level::Red)),
                value(Signal::Spo2, 96.0, 2, None),
                value(Signal::Glucose, 112.0, 190, None),
                value(Signal::BodyTemperature, 36.8, 7_300, None),
            ],
            unbelieved: Vec::new(),
            chart: Some(self.chart(page)),
        }))
    }

    pub(super) fn consents(&self, own: bool) -> view::Consents {
        let term = view::Term {
            version: "1.2.0".to_owned(),
            text: self.pick(
                "Autorizo o recebimento e a guarda das medidas dos meus dispositivos para o acompanhamento do meu cuidado.\n\nPosso revogar a qualquer momento, sem custo.",
                "I allow the measurements of my devices to be received and stored for the follow-up of my care.\n\nI may revoke this at any time, free of charge.",
            ),
            sha256: "9f2b6c1e0d7a4f5b8c3e2d1a0f9e8d7c6b5a49382716051f2e3d4c5b6a798812".to_owned(),
        };
        let line = |purpose: &str, state, at| view::Line {
            purpose: purpose.to_owned(),
            state,
            at,
            epoch: 2,
            accepted: Some("1.2.0".to_owned()),
            effect: view::Effect::Acts(consent::Purpose::TelemetryCollect),
            term: Some(term.clone()),
        };
        view::Consents {
            patient: patient_id(1),
            lines: vec![
                line("telemetry.collect", view::State::Granted, Some(self.ago(8_000_000))),
                line("alert.evaluate", view::State::Granted, Some(self.ago(8_000_000))),
                line("alert.escalate", view::State::Revoked, Some(self.ago(1_650_000))),
                line("care.remind", view::State::Stale, Some(self.ago(90_000_000))),
                line("engage.message", view::State::None, None),
            ],
            may_grant: true,
            may_revoke: true,
            own,
        }
    }

    pub(super) fn links(&self) -> Vec<devices::Link> {
        let link = |n: i64, name: &str, state, seen: Option<u64>, battery| devices::Link {
            device: device_id(n),
            name: name.to_owned(),
            state,
            seen_at: seen.map(|secs| self.ago(secs)),
            battery,
            status: (n == 2).then(|| ("offline".to_owned(), Some(self.ago(5_400)))),
            patient: Some((patient_id(n), "Maria das Graças S.".to_owned())),
            to: None,
            preferred: n == 1,
        };
        let mut loose = link(4, "Relógio · ZL-0377", devices::State::Waiting, None, None);
        loose.patient = None;
        vec![
            link(2, "Dexcom G7 · ZL-0201", devices::State::Silent, Some(5_400), Some(9.0)),
            link(1, "Polar H10 · ZL-0142", devices::State::Connected, Some(2), Some(81.0)),
            loose,
            link(3, "Oxímetro · ZL-0019", devices::State::Disabled, Some(900_000), None),
        ]
    }

    pub(super) fn patient(&self, readings: readings::Readings) -> patient::View {
        let line = |n, level, state, secs: u64, over: Option<u64>| patient::AlertLine {
            alert: alert_id(n),
            level: Some(level),
            state,
            finding: Some(self.pick(
                "Frequência cardíaca acima de 120 bpm por 60 s: pico 142",
                "Heart rate above 120 bpm for 60 s: peak 142",
            )),
            started_at: self.ago(secs),
            ended_at: over.map(|secs| self.ago(secs)),
            owner: None,
        };
        patient::View {
            patient: patient_id(1),
            name: "Maria das Graças Silveira".to_owned(),
            contact: Some(patient::Contact {
                age: Some(67),
                email: Some("maria@example.org".to_owned()),
                phone: Some("+55 92 99999-0142".to_owned()),
                zone: "America/Manaus".to_owned(),
                local_time: Some("02:04".to_owned()),
            }),
            readings,
            alerts: Some(vec![
                line(1, Level::Red, AlertState::Open, 1_330, None),
                line(9, Level::Yellow, AlertState::Resolved, 200_000, Some(198_000)),
            ]),
            consents: Some(self.consents(false)),
            devices: Some(self.links()),
            quarantine: Some(vec![patient::Quarantined {
                id: "0190a1b2-0000-7000-8000-000000000001".to_owned(),
                signal: Some(Signal::HeartRate),
                at: Some(self.later(40_000)),
                received_at: self.ago(4_000),
                code: "E_CLOCK".to_owned(),
                value: Some("88 bpm".to_owned()),
                device: "Polar H10 · ZL-0142".to_owned(),
            }]),
            timeline: self.lines(),
        }
    }

    pub(super) fn alert(&self, finding: alert::Finding) -> alert::View {
        let act = |secs, who: Option<&str>, what, note: Option<&str>| alert::Act {
            at: self.ago(secs),
            who: who.map(str::to_owned),
            what,
            note: note.map(str::to_owned),
        };
        alert::View {
            alert: alert_id(1),
            patient: patient_id(1),
            name: "Maria das Graças Silveira".to_owned(),
            phone: Some("+55 92 99999-0142".to_owned()),
            judged: Some(alert::Judged {
                signal: Signal::HeartRate,
                rule: "tachycardia".to_owned(),
                rule_version: 3,
                level: Level::Red,
                peak: Level::Red,
            }),
            state: AlertState::Open,
            started_at: self.ago(1_330),
            ended_at: None,
            due: Some(self.ago(430)),
            owner: None,
            outcome: None,
            retrospective: false,
            nobody_reached: true,
            claimed_until: None,
            snoozed: None,
            worn_out: false,
            progress: Some(self.progress()),
            sla: self.sla(),
            finding,
            acts: vec![
                act(1_390, None, alert::ActKind::Raised(Level::Yellow), None),
                act(1_330, None, alert::ActKind::Level(Level::Red), None),
            ],
            files: Some(self.files()),
            may_act: true,
            may_answer: true,
            given_back: None,
            uncalled: None,
            colleagues: vec![Choice { value: user_id(2).to_string(), label: "Caio Lima".to_owned() }],
        }
    }

    fn files(&self) -> Files {
        let row = |id: &str, name: Option<String>, media, size, secs| attachments::Row {
            id: id.parse().expect("an id"),
            name,
            media,
            size,
            at: self.ago(secs),
            who: Some("Renata Okamoto".to_owned()),
            removed: None,
            may_remove: true,
        };
        let photo = self.pick("pé direito, segunda-feira.jpg", "right foot, monday.jpg");
        let gone = attachments::Removed {
            at: self.ago(300),
            who: Some("Renata Okamoto".to_owned()),
            reason: Some(self.pick("era de outra paciente", "was another patient's")),
        };
        Files {
            path: format!("/alerts/{}/attachments", alert_id(1)),
            rows: vec![
                row("0190a1b2-0000-7000-8000-0000000000a1", Some(photo), MediaType::Jpeg, 2_411_724, 900),
                attachments::Row {
                    removed: Some(gone),
                    may_remove: false,
                    ..row("0190a1b2-0000-7000-8000-0000000000a2", None, MediaType::Pdf, 88_214, 600)
                },
            ],
            hidden: None,
            may_attach: true,
        }
    }

    pub(super) fn finding(&self) -> alert::Finding {
        let readings = [(61, 124.0), (41, 131.0), (21, 142.0), (1, 139.0)];
        alert::Finding::Shown {
            headline: Some("FC > 120".to_owned()),
            text: self.pick(
                "Frequência cardíaca acima de 120 bpm por 60 s: 61 leituras, pico 142 (tachycardia v3).",
                "Heart rate above 120 bpm for 60 s: 61 readings, peak 142 (tachycardia v3).",
            ),
            readings: readings
                .map(|(secs, value)| alert::Evidence {
                    signal: Signal::HeartRate,
                    at: self.ago(1_330 + secs),
                    value,
                    device: "Polar H10 · ZL-0142".to_owned(),
                })
                .to_vec(),
        }
    }
}
