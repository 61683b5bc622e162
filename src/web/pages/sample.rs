//! A night at the clinic, for the render tests: every page with realistic data at three in the morning.

use std::time::Duration;

use crate::domain::{AlertId, DeviceId, Instant, PatientId, Role, Signal, UserId};
use crate::web::pages::{
    AlertState, Choice, Html, Level, Masked, Owner, alert, api_docs, audit, consents, devices, error, login,
    pairing, patient, patients, portal, queue, readings, rules, status, users,
};
use crate::web::shell::{DEFAULT_ZONE, Shell, Theme, Viewer};
use crate::web::{Code, Lang, Section, Words};

/// Who looks, when, in which words.
#[derive(Clone, Copy)]
pub struct Night {
    pub now: Instant,
    pub lang: Lang,
    pub theme: Theme,
}

/// A page: its name, its address, its HTML.
pub type Drawn = (&'static str, String, Html);

impl Night {
    fn ago(&self, secs: u64) -> Instant {
        self.now.minus(Duration::from_secs(secs))
    }

    fn later(&self, secs: u64) -> Instant {
        self.now.plus(Duration::from_secs(secs))
    }

    fn pick(&self, pt: &str, en: &str) -> String {
        match self.lang {
            Lang::PtBr => pt.to_owned(),
            Lang::En => en.to_owned(),
        }
    }

    pub fn shell(&self, role: Option<Role>, section: Section, path: &str) -> Shell {
        let viewer = role.map(|role| Viewer { name: "Renata Okamoto".to_owned(), role });
        let sees = role.is_some_and(|role| crate::domain::Can::SeeAlerts.held_by(role));
        Shell {
            words: Words { lang: self.lang, zone: DEFAULT_ZONE, now: self.now },
            theme: self.theme,
            viewer,
            section,
            path: path.to_owned(),
            red_open: sees.then_some(3),
        }
    }

    fn row(&self, n: i64, name: &str, level: Level, waited: u64, finding: &str) -> queue::Row {
        queue::Row {
            alert: alert_id(n),
            patient: patient_id(n),
            name: name.to_owned(),
            level,
            state: AlertState::Open,
            since: self.ago(waited),
            due: Some(self.ago(waited).plus(Duration::from_secs(900))),
            finding: finding.to_owned(),
            latest: Some(queue::Latest { signal: Signal::HeartRate, value: 138.0, at: self.ago(4) }),
            owner: None,
            contacted_at: None,
            snoozed_until: None,
            retrospective: false,
            nobody_reached: false,
        }
    }

    pub fn queue(&self) -> queue::View {
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
        second.latest = Some(queue::Latest { signal: Signal::Glucose, value: 49.0, at: self.ago(130) });
        let mut third = self.row(3, "Antônia R.", Level::Red, 95, &high);
        third.owner = Some(Owner { name: "Caio Lima".to_owned(), me: false });
        third.state = AlertState::Acknowledged;
        let mut fourth =
            self.row(4, "Wanderley do Espírito Santo Albuquerque C.", Level::Yellow, 8_100, &sweet);
        fourth.due = Some(self.later(6_000));
        fourth.owner = Some(Owner { name: "Renata Okamoto".to_owned(), me: true });
        fourth.contacted_at = Some(self.ago(3_000));
        let mut fifth = self.row(5, "Lídia M.", Level::Yellow, 300, &sweet);
        fifth.retrospective = true;
        fifth.due = None;
        queue::View {
            filter: queue::Filter::default(),
            counts: queue::Counts { red: 3, yellow: 2, unclaimed: 3, mine: 1 },
            rows: vec![first, second, third, fourth, fifth],
            next: Some("b2Zmc2V0".to_owned()),
            may_act: true,
        }
    }

    fn chart(&self, page: &str) -> readings::Chart {
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
            marks: vec![readings::Mark { alert: alert_id(1), at: self.ago(1_330), level: Level::Red }],
            table: (0..).zip(values).map(|(i, v)| bucket(i, v)).collect(),
            source: Some("Polar H10 · ZL-0142".to_owned()),
        }
    }

    fn shown(&self, page: &str) -> readings::Readings {
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
            chart: Some(self.chart(page)),
        }))
    }

    fn consents(&self, own: bool) -> consents::Consents {
        let term = consents::Term {
            version: "1.2.0".to_owned(),
            text: self.pick(
                "Autorizo o recebimento e a guarda das medidas dos meus dispositivos para o acompanhamento do meu cuidado.\n\nPosso revogar a qualquer momento, sem custo.",
                "I allow the measurements of my devices to be received and stored for the follow-up of my care.\n\nI may revoke this at any time, free of charge.",
            ),
            sha256: "9f2b6c1e0d7a4f5b8c3e2d1a0f9e8d7c6b5a49382716051f2e3d4c5b6a798812".to_owned(),
        };
        let line = |purpose: &str, state, at| consents::Line {
            purpose: purpose.to_owned(),
            state,
            at,
            epoch: 2,
            accepted: Some("1.2.0".to_owned()),
            term: Some(term.clone()),
        };
        consents::Consents {
            patient: patient_id(1),
            lines: vec![
                line("telemetry.collect", consents::State::Granted, Some(self.ago(8_000_000))),
                line("alert.evaluate", consents::State::Granted, Some(self.ago(8_000_000))),
                line("alert.escalate", consents::State::Revoked, Some(self.ago(1_650_000))),
                line("care.remind", consents::State::Stale, Some(self.ago(90_000_000))),
                line("engage.message", consents::State::None, None),
            ],
            may_grant: true,
            may_revoke: true,
            own,
        }
    }

    fn links(&self) -> Vec<devices::Link> {
        let link = |n: i64, name: &str, state, seen: Option<u64>, battery| devices::Link {
            device: device_id(n),
            name: name.to_owned(),
            state,
            seen_at: seen.map(|secs| self.ago(secs)),
            battery,
            patient: Some((patient_id(n), "Maria das Graças S.".to_owned())),
            from: Some(self.ago(9_000_000)),
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

    fn patient(&self, readings: readings::Readings) -> patient::View {
        let line = |n, level, state, secs: u64, over: Option<u64>| patient::AlertLine {
            alert: alert_id(n),
            level,
            state,
            finding: Some(self.pick(
                "Frequência cardíaca acima de 120 bpm por 60 s: pico 142",
                "Heart rate above 120 bpm for 60 s: peak 142",
            )),
            started_at: self.ago(secs),
            ended_at: over.map(|secs| self.ago(secs)),
            owner: None,
        };
        let event = |secs, kind, pt: &str, en: &str, who: Option<&str>| patient::Event {
            at: self.ago(secs),
            kind,
            text: self.pick(pt, en),
            who: who.map(str::to_owned),
            audit_index: Some(18_231),
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
            timeline: vec![
                event(
                    1_330,
                    patient::EventKind::Alert,
                    "Alerta vermelho aberto: taquicardia",
                    "Red alert raised: tachycardia",
                    None,
                ),
                event(
                    4_000,
                    patient::EventKind::Access,
                    "Viu as leituras (alert.evaluate)",
                    "Saw the readings (alert.evaluate)",
                    Some("Renata Okamoto"),
                ),
                event(
                    1_650_000,
                    patient::EventKind::Consent,
                    "Revogou: acionar pessoas",
                    "Revoked: call people",
                    Some("Maria das Graças Silveira"),
                ),
            ],
        }
    }

    fn alert(&self, finding: alert::Finding) -> alert::View {
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
            rule: "tachycardia".to_owned(),
            rule_version: 3,
            level: Level::Red,
            peak: Level::Red,
            state: AlertState::Open,
            started_at: self.ago(1_330),
            ended_at: None,
            due: Some(self.ago(430)),
            owner: None,
            outcome: None,
            retrospective: false,
            nobody_reached: true,
            finding,
            acts: vec![
                act(1_390, None, alert::ActKind::Raised(Level::Yellow), None),
                act(1_330, None, alert::ActKind::Level(Level::Red), None),
                act(1_329, None, alert::ActKind::Paged, Some("WhatsApp → Caio Lima")),
                act(430, None, alert::ActKind::Escalated, None),
            ],
            may_act: true,
            colleagues: vec![Choice { value: user_id(2).to_string(), label: "Caio Lima".to_owned() }],
        }
    }

    fn finding(&self) -> alert::Finding {
        let readings = [(61, 124.0), (41, 131.0), (21, 142.0), (1, 139.0)];
        alert::Finding::Shown {
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

    fn audit(&self, broken: bool) -> audit::View {
        let entry = |index, secs, kind: &str, decision: &str, code: &str| audit::Entry {
            index,
            at: self.ago(secs),
            kind: kind.to_owned(),
            actor: "user 3f2a91c0".to_owned(),
            subject: "b7719e02".to_owned(),
            purpose: "alert.evaluate".to_owned(),
            decision: decision.to_owned(),
            code: code.to_owned(),
        };
        audit::View {
            filter: audit::Filter::default(),
            kinds: vec!["access.read".to_owned(), "consent.revoked".to_owned(), "telemetry.batch".to_owned()],
            entries: vec![
                entry(1_284_002, 2, "telemetry.batch", "", ""),
                entry(1_284_001, 60, "access.read", "permit", ""),
                entry(1_284_000, 75, "access.read", "deny", "E_REVOKED"),
                entry(1_283_999, 80, "consent.revoked", "permit", ""),
            ],
            next: Some("MTI4Mzk5OQ".to_owned()),
            checkpoint: Some(audit::Checkpoint {
                origin: "zelo.demo/audit/2026".to_owned(),
                size: 1_284_003,
                root: "qFQz7xk5pJm0dGx3J2nJ4o0b2e8b1yq0m3F4iGzVxkQ=".to_owned(),
                at: self.ago(1),
                key: "zelo.demo/audit/2026+5c3f1a77+AfW1b0x9mC0s2m1Qy3k0".to_owned(),
            }),
            verified: Some(audit::Verified {
                at: self.ago(3_600),
                size: 1_283_000,
                first_break: broken.then(|| {
                    (
                        1_204,
                        self.pick(
                            "a folha não confere com a raiz assinada",
                            "the leaf does not match the signed root",
                        ),
                    )
                }),
            }),
        }
    }

    fn status(&self, bad: bool) -> status::View {
        let module = |name: &str, health, did: &str| status::Module {
            name: name.to_owned(),
            ran_at: Some(self.ago(1)),
            took: Some(Duration::from_millis(12)),
            did: did.to_owned(),
            health,
        };
        status::View {
            version: "0.1.0".to_owned(),
            started_at: self.ago(500_000),
            modules: vec![
                module("reevaluate", status::Health::Well, "0"),
                module("escalate", if bad { status::Health::Failing } else { status::Health::Well }, "2"),
                module("seal", if bad { status::Health::Late } else { status::Health::Well }, "1.284.003"),
            ],
            ingest_lag: Some(Duration::from_millis(if bad { 1_400 } else { 6 })),
            queue_depth: 12,
            reevaluate_depth: 0,
            outbox_depth: 3,
            seal_age: Some(Duration::from_millis(800)),
            connections: 4_812,
            readings_minute: 288_410,
            backend: "SQLite 3.50".to_owned(),
            stored_bytes: 1_840_000_000,
            free_bytes: Some(82_000_000_000),
            hot_rows: 10_244_120,
            nobody_reached: u32::from(bad),
        }
    }

    fn rules(&self) -> rules::View {
        let step = |level, above, value, for_secs| rules::Step { level, above, value, for_secs };
        let version = |number, days: u64, author: Option<&str>| rules::Version {
            number,
            since: self.ago(days * 86_400),
            author: author.map(str::to_owned),
            approver: author.map(|_| "Dr. Hélio Braga".to_owned()),
        };
        let rule = |id: &str, name: String, signal, levels: Vec<rules::Step>, clear| rules::Rule {
            id: id.to_owned(),
            name,
            signal,
            levels,
            clear: Some(clear),
            max_gap_secs: 30,
            coverage: Some(80),
            versions: vec![version(2, 40, Some("Dra. Renata Okamoto")), version(1, 200, None)],
            worth: Some(rules::Worth { episodes: 41, real: 83, to_ack_secs: 260 }),
        };
        rules::View {
            rules: vec![
                rule(
                    "tachycardia",
                    self.pick("Taquicardia", "Tachycardia"),
                    Signal::HeartRate,
                    vec![step(Level::Red, true, 120.0, 60), step(Level::Yellow, true, 100.0, 60)],
                    step(Level::Green, false, 95.0, 60),
                ),
                rule(
                    "glucose_low",
                    self.pick("Glicose baixa", "Low glucose"),
                    Signal::Glucose,
                    vec![step(Level::Red, false, 54.0, 900), step(Level::Yellow, false, 70.0, 900)],
                    step(Level::Green, true, 70.0, 900),
                ),
                rule(
                    "glucose_high",
                    self.pick("Glicose alta", "High glucose"),
                    Signal::Glucose,
                    vec![step(Level::Red, true, 250.0, 900), step(Level::Yellow, true, 180.0, 900)],
                    step(Level::Green, false, 180.0, 900),
                ),
            ],
        }
    }

    fn users(&self) -> users::View {
        let user = |n, name: &str, role, locked: bool| users::User {
            id: user_id(n),
            name: name.to_owned(),
            email: format!("u{n}@zelo.example"),
            role,
            totp: !locked,
            seen_at: (!locked).then(|| self.ago(4_000)),
            locked,
        };
        users::View {
            rows: vec![
                user(1, "Renata Okamoto", Role::Clinician, false),
                user(2, "Caio Lima", Role::Agent, false),
                user(3, "Ítalo Prado", Role::Auditor, true),
            ],
            next: None,
            draft: users::Draft { name: String::new(), email: "x@y".to_owned(), role: Some(Role::Agent) },
            refused: Some(Code::Invalid),
            link: Some(("Caio Lima".to_owned(), "http://127.0.0.1:8080/login?once=Zk3v0pQ1".to_owned())),
        }
    }

    fn pairing(&self, token: bool, connected: bool) -> pairing::View {
        pairing::View {
            device: device_id(4),
            name: "Relógio · ZL-0377".to_owned(),
            mqtt: "192.0.2.10:8883".to_owned(),
            tls: true,
            token: token
                .then(|| "eyJhbGciOiJFZERTQSJ9.".to_owned() + &"eyJhdWQiOiJ6ZWxvLWRldmljZSJ9".repeat(6)),
            ends_at: Some(self.later(31_000_000)),
            connected_at: connected.then(|| self.ago(2)),
        }
    }

    fn device(&self) -> Option<devices::Detail> {
        Some(devices::Detail {
            link: self.links().into_iter().nth(1)?,
            bindings: vec![devices::Binding {
                patient: patient_id(1),
                name: "Maria das Graças S.".to_owned(),
                from: self.ago(9_000_000),
                to: None,
            }],
            tokens: vec![devices::Token {
                id: "0190a1b2-77aa".to_owned(),
                created_at: self.ago(9_000_000),
                ends_at: self.later(20_000_000),
                used_at: None,
                revoked_at: None,
            }],
            notices: vec![devices::Notice {
                at: self.ago(70),
                code: "E_REVOKED".to_owned(),
                basis: "LGPD art. 8 §5".to_owned(),
            }],
            may_manage: true,
            patients: vec![],
        })
    }

    fn patients(&self) -> patients::View {
        let row = |n, name: &str, level, collecting| patients::Row {
            patient: patient_id(n),
            name: name.to_owned(),
            phone: Some("+55 11 99999-0142".to_owned()),
            email: None,
            level,
            collecting,
            seen_at: collecting.then(|| self.ago(40)),
        };
        patients::View {
            q: String::new(),
            rows: vec![
                row(3, "Antônia Ribeiro", Some(Level::Yellow), true),
                row(1, "Maria das Graças Silveira", Some(Level::Red), true),
                row(6, "Zilda Nóbrega", None, false),
            ],
            next: None,
            refused: None,
        }
    }

    fn docs() -> api_docs::View {
        api_docs::View::of(&serde_json::json!({
            "openapi": "3.1.0", "info": {"title": "Zelo", "version": "0.1.0", "description": "…"},
            "paths": {"/api/v1/patients/{id}/series": {"get": {"tags": ["readings"], "summary": "Down-sampled series",
                "parameters": [{"name": "signal", "in": "query", "required": true, "description": "a signal code"}],
                "responses": {"200": {"description": "buckets"}, "403": {"description": "no permit"}}}}}
        }))
    }

    /// Every page and every state that looks different.
    pub fn pages(&self) -> Vec<Drawn> {
        use Section::{Audit, Devices, Elsewhere, Me, Patients, Queue, Rules, Status, Users};
        let at = |role, section, path: &str| self.shell(Some(role), section, path);
        let p1 = format!("/patients/{}", patient_id(1));
        let a1 = format!("/alerts/{}", alert_id(1));
        let masked = Masked { code: Code::Revoked, since: Some(self.ago(1_650_000)) };
        let mut out: Vec<Drawn> = vec![
            (
                "login",
                "/login".into(),
                login::page(
                    &self.shell(None, Elsewhere, "/login"),
                    &login::View {
                        totp: true,
                        refused: Some(Code::Credentials),
                        wait_secs: Some(4),
                        ..Default::default()
                    },
                ),
            ),
            ("queue", "/queue".into(), queue::page(&at(Role::Clinician, Queue, "/queue"), &self.queue())),
            (
                "queue-empty",
                "/queue?empty".into(),
                queue::page(&at(Role::Manager, Queue, "/queue"), &queue::View::default()),
            ),
            (
                "patients",
                "/patients".into(),
                patients::page(&at(Role::Admin, Patients, "/patients"), &self.patients()),
            ),
            (
                "patient",
                p1.clone(),
                patient::page(&at(Role::Clinician, Patients, &p1), &self.patient(self.shown(&p1))),
            ),
            (
                "patient-masked",
                format!("{p1}?masked"),
                patient::page(
                    &at(Role::Clinician, Patients, &p1),
                    &self.patient(readings::Readings::Masked(masked.clone())),
                ),
            ),
            (
                "patient-agent",
                format!("{p1}?agent"),
                patient::page(
                    &at(Role::Agent, Patients, &p1),
                    &patient::View {
                        quarantine: None,
                        alerts: Some(vec![]),
                        devices: Some(vec![]),
                        timeline: vec![],
                        ..self.patient(readings::Readings::NotYours)
                    },
                ),
            ),
            (
                "patient-unrecorded",
                format!("{p1}?unrecorded"),
                patient::page(
                    &at(Role::Clinician, Patients, &p1),
                    &self.patient(readings::Readings::Unrecorded),
                ),
            ),
            ("alert", a1.clone(), alert::page(&at(Role::Clinician, Queue, &a1), &self.alert(self.finding()))),
            (
                "alert-masked",
                format!("{a1}?masked"),
                alert::page(
                    &at(Role::Clinician, Queue, &a1),
                    &alert::View {
                        state: AlertState::Resolved,
                        outcome: Some(alert::Outcome::ConsentRevoked),
                        ended_at: Some(self.ago(9)),
                        ..self.alert(alert::Finding::Hidden(masked))
                    },
                ),
            ),
            (
                "devices",
                "/devices".into(),
                devices::page(
                    &at(Role::Technician, Devices, "/devices"),
                    &devices::View { rows: self.links(), may_manage: true, ..Default::default() },
                ),
            ),
            (
                "devices-empty",
                "/devices?empty".into(),
                devices::page(
                    &at(Role::Admin, Devices, "/devices"),
                    &devices::View { may_manage: true, refused: Some(Code::Invalid), ..Default::default() },
                ),
            ),
            (
                "pairing",
                format!("/devices/{}/pairing", device_id(4)),
                pairing::page(&at(Role::Technician, Devices, "/devices"), &self.pairing(true, false)),
            ),
            (
                "pairing-green",
                "/pairing-green".into(),
                pairing::page(&at(Role::Technician, Devices, "/devices"), &self.pairing(false, true)),
            ),
            ("audit", "/audit".into(), audit::page(&at(Role::Auditor, Audit, "/audit"), &self.audit(false))),
            (
                "audit-broken",
                "/audit?broken".into(),
                audit::page(&at(Role::Dpo, Audit, "/audit"), &self.audit(true)),
            ),
            (
                "audit-empty",
                "/audit?empty".into(),
                audit::page(&at(Role::Dpo, Audit, "/audit"), &audit::View::default()),
            ),
            (
                "status",
                "/status".into(),
                status::page(&at(Role::Admin, Status, "/status"), &self.status(false)),
            ),
            (
                "status-bad",
                "/status?bad".into(),
                status::page(&at(Role::Admin, Status, "/status"), &self.status(true)),
            ),
            ("users", "/users".into(), users::page(&at(Role::Admin, Users, "/users"), &self.users())),
            ("rules", "/rules".into(), rules::page(&at(Role::Clinician, Rules, "/rules"), &self.rules())),
            (
                "portal",
                "/me".into(),
                portal::page(
                    &at(Role::Patient, Me, "/me"),
                    &portal::View {
                        patient: patient_id(1),
                        name: "Maria".to_owned(),
                        readings: self.shown("/me"),
                        consents: self.consents(true),
                        devices: self.links(),
                        looks: vec![portal::Look {
                            at: self.ago(4_000),
                            who: "Renata Okamoto".to_owned(),
                            what: self
                                .pick("Leituras, para avaliar e mostrar", "Readings, to judge and show"),
                        }],
                    },
                ),
            ),
            (
                "docs",
                "/api/docs".into(),
                api_docs::page(&at(Role::Admin, Elsewhere, "/api/docs"), &Self::docs()),
            ),
        ];
        if let Some(detail) = self.device() {
            out.push((
                "device",
                format!("/devices/{}", device_id(1)),
                devices::detail(&at(Role::Admin, Devices, "/devices"), &detail),
            ));
        }
        if let Some(entry) = self.audit(false).entries.first().cloned() {
            let json = "{\n  \"dec\": \"deny\",\n  \"type\": \"access.read\"\n}".to_owned();
            let detail = audit::Detail { entry, json, leaf_hash: "ab".repeat(32), sealed: true };
            out.push((
                "audit-entry",
                "/audit/entries/1284002".into(),
                audit::entry(&at(Role::Auditor, Audit, "/audit"), &detail),
            ));
        }
        for (name, path, code) in [
            ("error-403", "/e403", Code::Role),
            ("error-404", "/e404", Code::NotFound),
            ("error-409", "/e409", Code::Claimed),
            ("error-500", "/e500", Code::Internal),
        ] {
            out.push((name, path.into(), error::page(&at(Role::Agent, Elsewhere, path), code)));
        }
        out
    }

    /// Parts that are asked for again, by address.
    pub fn parts(&self) -> Vec<Drawn> {
        let p1 = format!("/patients/{}", patient_id(1));
        let shell = self.shell(Some(Role::Clinician), Section::Patients, &p1);
        let queue = self.shell(Some(Role::Clinician), Section::Queue, "/queue");
        let patient = self.patient(self.shown(&p1));
        let mut out: Vec<Drawn> = vec![
            ("part-queue", "/queue".into(), queue::rows(&queue, &self.queue())),
            ("part-badge", "/queue?part=badge".into(), queue::badge(&queue)),
            (
                "part-alert",
                format!("/alerts/{}", alert_id(1)),
                alert::part(&shell, &self.alert(self.finding())),
            ),
            (
                "part-light",
                format!("/devices/{}/pairing", device_id(4)),
                pairing::light(&shell, &self.pairing(false, true)),
            ),
            (
                "part-devices",
                "/devices".into(),
                devices::rows(&shell, &devices::View { rows: self.links(), ..Default::default() }),
            ),
            ("part-status", "/status".into(), status::part(&shell, &self.status(false))),
            ("part-refusal", "/e409".into(), error::fragment(&shell, Code::Claimed)),
        ];
        for part in patient::Part::ALL {
            out.push((
                "part-patient",
                format!("{p1}?part={}", part.name()),
                patient::part(&shell, &patient, part),
            ));
        }
        out
    }
}

fn id(n: i64) -> uuid::Uuid {
    uuid::Uuid::from_u128(0x0190_a1b2_0000_7000_8000_0000_0000_0000 + u128::from(n.unsigned_abs()))
}

pub fn patient_id(n: i64) -> PatientId {
    PatientId(id(n))
}

pub fn alert_id(n: i64) -> AlertId {
    AlertId(id(n + 100))
}

fn device_id(n: i64) -> DeviceId {
    DeviceId(id(n + 200))
}

fn user_id(n: i64) -> UserId {
    UserId(id(n + 300))
}
