//! What those who keep the house see that night.

use std::time::Duration;

use crate::audit::verifications::view::{Outcome, Past, Verifications};
use crate::audit::{kind, view};
use crate::devices::view::{self as devices, pairing};
use crate::health::view as status;
use crate::pages::job::UnderWay;
use crate::pages::{Level, Paging, Total, api_docs};
use crate::patients::view::list;
use crate::people::view::users;
use crate::rules::view as rules;
use crate::{Code, Key};
use ::audit::kind::EntryType;
use domain::certificate::Door;
use domain::{CommandId, JobId, Role, Signal};
use store::jobs::State;

use super::{Night, device_id, patient_id, user_id};

impl Night {
    pub(super) fn audit(&self, broken: bool) -> view::View {
        let entry = |index, secs, kind: &str, decision: &str, code: &str| view::Entry {
            index,
            at: self.ago(secs),
            kind: kind.to_owned(),
            actor: "user 3f2a91c0".to_owned(),
            subject: "b7719e02".to_owned(),
            purpose: "alert.evaluate".to_owned(),
            decision: decision.to_owned(),
            code: code.to_owned(),
        };
        view::View {
            filter: view::Filter::default(),
            kinds: [EntryType::AccessRead, EntryType::ConsentRevoked]
                .map(|kind| (kind.name(), kind::word(kind)))
                .to_vec(),
            entries: vec![
                entry(1_284_002, 2, "telemetry.batch", "", ""),
                entry(1_284_001, 60, "access.read", "permit", ""),
                entry(1_284_000, 75, "access.read", "deny", "E_REVOKED"),
                entry(1_283_999, 80, "consent.revoked", "permit", ""),
            ],
            next: Some("MTI4Mzk5OQ".to_owned()),
            checkpoint: Some(view::Checkpoint {
                origin: "zelo.demo/audit/2026".to_owned(),
                size: 1_284_003,
                root: "qFQz7xk5pJm0dGx3J2nJ4o0b2e8b1yq0m3F4iGzVxkQ=".to_owned(),
                at: self.ago(1),
                key: "zelo.demo/audit/2026+5c3f1a77+AfW1b0x9mC0s2m1Qy3k0".to_owned(),
            }),
            verifications: self.verifications(broken),
        }
    }

    /// One that runs while the last one stands; or one that found a break.
    pub(super) fn verifications(&self, broken: bool) -> Verifications {
        let past = |secs, outcome| Past {
            at: self.ago(secs),
            by: (secs > 3_600).then(|| "3f2a91c0".to_owned()),
            outcome,
        };
        let found = Outcome::Broken {
            index: Some(1_204),
            what: "hash 4 of tile/0/x004 is not that of the entries".to_owned(),
        };
        let whole = past(90_000, Outcome::Whole { size: 1_190_000 });
        let under_way = UnderWay {
            id: JobId(super::id(900)),
            kind: store::audit::VERIFICATION.to_owned(),
            state: State::Running,
            of: (120_000, 290_000),
            percent: Some(41),
            since: self.ago(70),
            node: Some("0199f3a1-7c00-7000-8000-000000000001".to_owned()),
        };
        let last = if broken { found } else { Outcome::Whole { size: 1_283_000 } };
        Verifications {
            under_way: (!broken).then_some(under_way),
            past: vec![
                past(3_600, last),
                past(50_000, Outcome::Cancelled),
                past(60_000, Outcome::Failed),
                whole,
            ],
        }
    }

    pub(super) fn status(&self, bad: bool) -> status::View {
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
            jobs: self.verifications(false).under_way.into_iter().collect(),
            log_broken: bad.then(|| self.ago(3_600)),
            queue_depth: 12,
            reevaluate: status::Backlog { depth: 4, age: bad.then(|| Duration::from_secs(90)) },
            outbox: status::Backlog { depth: 3, age: Some(Duration::from_secs(9)) },
            commands: status::Backlog::default(),
            unrolled: status::Rolling { readings: 100_000, more: bad },
            seal_age: Some(Duration::from_millis(800)),
            unsigned: bad.then(|| Duration::from_secs(40)),
            connections: 4_812,
            edge: vec![(Key("status-edge-readings"), 10_288_410), (Key("status-edge-refused"), 17)],
            backend: "SQLite".to_owned(),
            stored_bytes: Some(1_840_000_000),
            free_bytes: Some(if bad { 82_000 } else { 82_000_000_000 }),
            certificates: vec![
                (Door::Https, Duration::from_secs(if bad { 0 } else { 5_000_000 })),
                (Door::Mqtts, Duration::from_secs(if bad { 2_000_000 } else { 5_000_000 })),
            ],
            nobody_reached: u32::from(bad),
            passed_over: bad.then(|| (2, self.ago(90))),
            step: bad.then(|| domain::time::Step { at: self.ago(60), by_ms: -7_200_000 }),
            heartbeat: (!bad).then(|| self.ago(12)),
            lapses: [
                "late_step",
                "late_timer",
                "late_message",
                "late_program",
                "stuck_message",
                "unescalated_red",
                "set_aside",
                "new",
            ]
            .into_iter()
            .filter(|_| bad)
            .map(|kind| status::Lapse {
                kind: kind.to_owned(),
                subject: "4711".to_owned(),
                link: (kind == "late_program").then(|| "/webhooks/4711".to_owned()),
                count: if kind == "late_program" { 74 } else { 1 },
                expected_at: self.ago(400),
                noticed_at: self.ago(300),
            })
            .collect(),
            resting: vec![
                status::Resting {
                    kind: Key("status-rests-domain"),
                    name: "clinica.example".into(),
                    link: None,
                    window: (self.ago(300), self.later(20)),
                    why: "timeout",
                },
                status::Resting {
                    kind: Key("status-rests-mailbox"),
                    name: "Ana Conceição".into(),
                    link: Some("/on-duty/1".into()),
                    window: (self.ago(90), self.later(10)),
                    why: "smtp_421",
                },
            ],
            messages: [
                status::Provider::Asked,
                status::Provider::Resting(self.later(30)),
                status::Provider::Missing(Key("status-no-email")),
            ]
            .map(|provider| status::MessageCounts {
                channel: Key("channel-email"),
                due: 4,
                sending: 1,
                gone: 1_204,
                failed: 2,
                provider,
            })
            .into(),
        }
    }

    pub(super) fn rules(&self) -> rules::View {
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

    pub(super) fn users(&self) -> users::View {
        let user = |n, name: &str, role, locked: bool| users::User {
            id: user_id(n),
            name: name.to_owned(),
            email: format!("u{n}@zelo.example"),
            role,
            totp: !locked,
            seen_at: (!locked).then(|| self.ago(4_000)),
            locked,
            held: n == 2,
            may_vouch: n == 2,
            version: 1,
            open: usize::from(n == 1),
            red: usize::from(n == 1),
            ties: users::Ties {
                shifts: vec![users::Shift {
                    schedule: "Linha de frente".to_owned(),
                    from: self.ago(0),
                    to: self.ago(0).plus(Duration::from_secs(8 * 3_600)),
                    is_now: true,
                }],
                teams: vec!["Noite".to_owned()],
                policies: vec!["Alerta vermelho".to_owned()],
            },
        };
        users::View {
            rows: vec![
                user(1, "Renata Okamoto", Role::Clinician, false),
                user(2, "Caio Lima", Role::Agent, false),
                user(3, "Ítalo Prado", Role::Auditor, true),
            ],
            q: String::new(),
            total: 3,
            next: None,
            draft: users::Draft { name: String::new(), email: "x@y".to_owned(), role: Some(Role::Agent) },
            refused: Some(Code::Invalid),
            field: Some("email".to_owned()),
            link: Some(("Caio Lima".to_owned(), "http://127.0.0.1:8080/login?once=Zk3v0pQ1".to_owned())),
        }
    }

    pub(super) fn pairing(&self, token: bool, connected: bool) -> pairing::View {
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

    pub(super) fn device(&self) -> Option<devices::Detail> {
        Some(devices::Detail {
            link: self.links().into_iter().nth(1)?,
            bindings: vec![devices::Binding {
                patient: patient_id(1),
                name: "Maria das Graças S.".to_owned(),
                from: self.ago(9_000_000),
                to: None,
            }],
            nobodys: vec![store::devices::unbound::Waiting {
                signal: Signal::HeartRate,
                readings: 12,
                from: self.ago(7_200),
                to: self.ago(3_600),
                expires_at: self.later(2_000_000),
            }],
            moves: vec![devices::Moved {
                patient: patient_id(2),
                name: "José da Silva".to_owned(),
                gives: false,
                readings: 12,
                refused: 0,
                from: self.ago(7_200),
                is_open: false,
            }],
            tokens: vec![devices::Token {
                id: "0190a1b2-77aa".to_owned(),
                created_at: self.ago(9_000_000),
                ends_at: Some(self.later(20_000_000)),
                revoked_at: None,
            }],
            commands: vec![
                devices::Command {
                    id: CommandId(uuid::Uuid::from_u128(2)),
                    body: "{\"interval_s\":60}".to_owned(),
                    state: store::devices::commands::State::Waiting,
                    given_at: self.ago(600),
                    at: self.ago(600),
                },
                devices::Command {
                    id: CommandId(uuid::Uuid::from_u128(1)),
                    body: "{\"interval_s\":30}".to_owned(),
                    state: store::devices::commands::State::Refused(0x83),
                    given_at: self.ago(7_200),
                    at: self.ago(7_190),
                },
            ],
            may_manage: true,
            patients: devices::Offer { patients: Vec::new(), typed: true },
        })
    }

    pub(super) fn patients(&self) -> list::View {
        let row = |n, name: &str, level, collecting| list::Row {
            patient: patient_id(n),
            name: name.to_owned(),
            phone: Some("+55 11 99999-0142".to_owned()),
            email: None,
            level,
            collecting,
            seen_at: collecting.then(|| self.ago(40)),
            online: n == 1,
        };
        list::View {
            q: String::new(),
            rows: vec![
                row(3, "Antônia Ribeiro", Some(Level::Yellow), true),
                row(1, "Maria das Graças Silveira", Some(Level::Red), true),
                row(6, "Zilda Nóbrega", None, false),
            ],
            paging: Paging {
                seen: 100,
                total: Total::Of(240),
                before: None,
                after: Some("/patients?cursor=x".to_owned()),
            },
        }
    }

    pub(super) fn docs() -> api_docs::View {
        api_docs::View::of(&serde_json::json!({
            "openapi": "3.1.0", "info": {"title": "Zelo", "version": "0.1.0", "description": "…"},
            "paths": {"/api/v1/patients/{id}/series": {"get": {"tags": ["readings"], "summary": "Down-sampled series",
                "parameters": [{"name": "signal", "in": "query", "required": true, "description": "a signal code"}],
                "responses": {"200": {"description": "buckets"}, "403": {"description": "no permit"}}}}}
        }))
    }
}
