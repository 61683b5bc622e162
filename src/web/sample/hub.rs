//! SLA clocks of that night, and the pages around a schedule: teams, people on duty, programs that are called.

use super::{Drawn, Night, user_id};
use crate::escalation::view::progress::Called;
use crate::messages::view::webhooks;
use crate::messages::view::webhooks::{Call, Program};
use crate::on_call::view::people::{Certificate, Load, Lost, One, Person};
use crate::on_call::view::teams::{Member, Team};
use crate::on_call::view::{people, teams};
use crate::pages::{Choice, Level};
use crate::people::view::account;
use crate::sla::view::clocks::{Row, SlaClocks, Standing, Stretch};
use crate::{Code, Key, Section};
use domain::Role;
use domain::messages::{Channel, State};

impl Night {
    pub(super) fn sla(&self) -> SlaClocks {
        let part = |from, to, still: Option<&str>| Stretch {
            from: self.ago(from),
            to: self.ago(to),
            still: still.map(str::to_owned),
        };
        let row = |metric, standing, share| Row {
            metric,
            of: Level::Red,
            target: "20 min".to_owned(),
            calendar: None,
            level: ("red_first_response".to_owned(), 2),
            standing,
            share: Some(share),
            used: Some(self.pick("Usado 16 min de 20 min (80 %)", "Used 16 min of 20 min (80 %)")),
            warns: Some((true, self.ago(60))),
            due: Some(self.later(240)),
            stopped: None,
            earlier: 0,
            trace: vec![part(900, 600, None), part(600, 0, Some("resposta do paciente"))],
        };
        let paused = Row {
            share: None,
            used: None,
            due: None,
            warns: Some((false, self.later(60))),
            calendar: Some(("clinic".to_owned(), 3)),
            earlier: 1,
            ..row(Key("sla-resolution"), Standing::Paused(Key("pause-waiting-patient")), 0)
        };
        let done =
            Row { stopped: Some(self.ago(30)), ..row(Key("sla-first-response"), Standing::Late, 1_000) };
        let first = row(Key("sla-first-response"), Standing::Warned, 800);
        SlaClocks { rows: vec![first, paused, done], may_pause: true, may_resume: true }
    }

    pub(super) fn trial(&self) -> account::Trial {
        let (app, mail) = (Channel::InApp, Channel::Email);
        let called = |ways| Called { name: String::new(), ways };
        account::Trial {
            ways: vec![(app, None), (mail, Some(Key("trial-no-server")))],
            sent: vec![
                called(vec![(app, State::Read), (mail, State::Failed)]),
                called(vec![(app, State::Delivered)]),
            ],
            sent_at: vec![self.ago(60), self.ago(600)],
            wait: Some(self.later(1_800)),
        }
    }

    fn person(&self, n: i64, certificate: Certificate, load: Option<Load>) -> Person {
        let lost = |channel, word, why| Lost { channel, word, why, since: self.ago(90_000) };
        Person {
            id: user_id(n),
            name: "Ana Beatriz Conceição".to_owned(),
            role: Role::Clinician,
            on_call: n == 1,
            away: (n == 2).then(|| self.later(86_400)),
            ways: [Key("channel-in-app"), Key("channel-email")]
                .into_iter()
                .skip(usize::from(n == 1))
                .collect(),
            certificate,
            lost: if n == 1 {
                vec![
                    lost("email", Key("channel-email"), Key("lost-bounced")),
                    lost("in_app", Key("channel-in-app"), Key("lost-by-hand")),
                ]
            } else {
                Vec::new()
            },
            load,
        }
    }

    fn people(&self) -> Vec<Person> {
        let load = |load, free, used| Load { load, capacity: 10, reserve: 1, reserve_used: used, free };
        vec![
            self.person(1, Certificate::Valid(self.later(8_000_000)), Some(load(10, 0, 1))),
            self.person(2, Certificate::Over(self.ago(80_000)), Some(load(9, 0, 0))),
            self.person(3, Certificate::None, Some(load(3, 6, 0))),
            self.person(4, Certificate::None, None),
        ]
    }

    /// The pages around a schedule.
    pub(super) fn hub(&self) -> Vec<Drawn> {
        let shell = |role, path: &str| self.shell(Some(role), Section::Schedules, path);
        let member = |n: i64, gone| Member { id: user_id(n).to_string(), name: "Caio Lima".to_owned(), gone };
        let team = |id: &str, members| Team {
            id: id.to_owned(),
            version: 2,
            pt: "Enfermagem noturna".to_owned(),
            en: "Night nurses".to_owned(),
            members,
        };
        let list = teams::View {
            rows: vec![team("nurses", vec![member(1, false), member(2, true)]), team("empty", vec![])],
            people: vec![Choice { value: user_id(1).to_string(), label: "Caio Lima".to_owned() }],
            may_manage: true,
        };
        let one = |place: usize, may_manage| One {
            person: self.people().remove(place),
            noted: Some((Some("Renata Okamoto".to_owned()), self.ago(500))),
            licence: ("COREN-SP".to_owned(), "123456-ENF".to_owned()),
            last_day: "2027-01-31".to_owned(),
            may_manage,
        };
        let (path, other) = (format!("/on-duty/{}", user_id(1)), format!("/on-duty/{}", user_id(4)));
        let arrived = account::View { trial: Some(self.trial()), ..account::View::default() };
        let calm = account::View { trial: Some(account::Trial::default()), ..account::View::default() };
        let account = |path: &str| self.shell(Some(Role::Clinician), Section::Elsewhere, path);
        let call = |cursor, state, code: Option<&str>| Call {
            cursor,
            kind: "page".to_owned(),
            case: "alert 0190a1b2-0000-7000-8000-000000000065".to_owned(),
            at: self.ago(300),
            state,
            attempts: 2,
            accepted: (state == State::Accepted).then(|| self.ago(299)),
            code: code.map(str::to_owned),
        };
        let program = |id: &str, disabled, last| Program {
            id: id.to_owned(),
            url: "https://chamados.clinica.example/zelo".to_owned(),
            since: self.ago(900_000),
            disabled,
            last,
        };
        let programs = webhooks::View {
            rows: vec![
                program("a", None, Some(call(7, State::Failed, None))),
                program("b", Some(self.ago(100)), None),
            ],
            url: "ftp://x".to_owned(),
            refused: Some(Code::Invalid),
            made: Some(("https://chamados.clinica.example/zelo".to_owned(), "whsec_c2VncmVkbw==".to_owned())),
            may_manage: true,
        };
        let calls = webhooks::One {
            program: program("a", None, None),
            calls: vec![
                call(9, State::Accepted, None),
                call(8, State::Due, Some("http_503")),
                call(7, State::Failed, Some("timeout")),
            ],
            cursor: "6".to_owned(),
            next: Some(9),
            again: Some(3),
            after: "9".to_owned(),
            may_manage: true,
        };
        let quiet = webhooks::One {
            calls: Vec::new(),
            cursor: String::new(),
            again: None,
            after: String::new(),
            may_manage: false,
            ..calls.clone()
        };
        let status = |role, path: &str| self.shell(Some(role), Section::Status, path);
        vec![
            ("webhooks", "/webhooks".into(), webhooks::page(&status(Role::Admin, "/webhooks"), &programs)),
            (
                "webhooks-none",
                "/webhooks?none".into(),
                webhooks::page(&status(Role::Manager, "/webhooks"), &webhooks::View::default()),
            ),
            ("webhook", "/webhooks/a".into(), webhooks::one(&status(Role::Admin, "/webhooks/a"), &calls)),
            (
                "webhook-quiet",
                "/webhooks/b".into(),
                webhooks::one(&status(Role::Manager, "/webhooks/b"), &quiet),
            ),
            (
                "account-trial",
                "/account/trial".into(),
                account::arrived(&account("/account/trial"), &arrived),
            ),
            ("account-calm", "/account?calm".into(), account::page(&account("/account"), &calm)),
            ("teams", "/teams".into(), teams::page(&shell(Role::Manager, "/teams"), &list)),
            (
                "teams-none",
                "/teams?none".into(),
                teams::page(&shell(Role::Agent, "/teams"), &teams::View::default()),
            ),
            (
                "on-duty",
                "/on-duty".into(),
                people::page(&shell(Role::Agent, "/on-duty"), &people::View { rows: self.people() }),
            ),
            ("on-duty-one", path.clone(), people::one(&shell(Role::Manager, &path), &one(0, true))),
            ("on-duty-seen", other.clone(), people::one(&shell(Role::Agent, &other), &one(3, false))),
        ]
    }
}
