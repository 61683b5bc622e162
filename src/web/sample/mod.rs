//! Sample views of every page for the render tests: a clinic at three in the morning, with realistic data.

pub(crate) mod care;
pub(crate) mod house;
pub(crate) mod hub;
pub(crate) mod settings;

use std::time::Duration;

use crate::alerts::view::{alert, many, queue};
use crate::audit::verifications::view as verifications;
use crate::audit::view;
use crate::devices::view::{self as devices, pairing};
use crate::health::view as status;
use crate::pages::shell::{DEFAULT_ZONE, Shell, Theme, Viewer};
use crate::pages::{AlertState, Html, Masked, api_docs, error};
use crate::patients::view::{list, patient};
use crate::people::view::{account, login, password, users};
use crate::privacy::view::portal;
use crate::readings::view as readings;
use crate::rules::view as rules;
use crate::{Code, Lang, Section, Words};
use domain::{AlertId, DeviceId, Instant, PatientId, Role, UserId};
use store::messages::reader::Reader;

/// When the pages are drawn, in which language and theme.
#[derive(Clone, Copy)]
pub(crate) struct Night {
    pub now: Instant,
    pub lang: Lang,
    pub theme: Theme,
}

/// A page that was drawn: its name, its path, its HTML.
pub(crate) type Drawn = (&'static str, String, Html);

impl Night {
    pub(crate) fn ago(&self, secs: u64) -> Instant {
        self.now.minus(Duration::from_secs(secs))
    }

    pub(crate) fn later(&self, secs: u64) -> Instant {
        self.now.plus(Duration::from_secs(secs))
    }

    pub(crate) fn pick(&self, pt: &str, en: &str) -> String {
        match self.lang {
            Lang::PtBr => pt.to_owned(),
            Lang::En => en.to_owned(),
        }
    }

    pub(crate) fn shell(&self, role: Option<Role>, section: Section, path: &str) -> Shell {
        let viewer = role.map(|role| Viewer { name: "Renata Okamoto".to_owned(), role });
        let sees = role.is_some_and(|role| domain::Can::SeeAlerts.held_by(role));
        Shell {
            words: Words { lang: self.lang, zone: DEFAULT_ZONE, now: self.now },
            theme: self.theme,
            viewer,
            section,
            path: path.to_owned(),
            red_open: sees.then_some(3),
        }
    }

    /// Every page, once for each state in which it looks different.
    pub(crate) fn pages(&self) -> Vec<Drawn> {
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
            (
                "password",
                "/password/x".into(),
                password::page(
                    &self.shell(None, Elsewhere, "/password/x"),
                    &password::View::Form(Some(password::Why::Differ)),
                ),
            ),
            (
                "password-dead",
                "/password/y".into(),
                password::page(&self.shell(None, Elsewhere, "/password/y"), &password::View::Dead),
            ),
            (
                "account",
                "/account".into(),
                account::page(
                    &at(Role::Agent, Elsewhere, "/account"),
                    &self.account(account::Factor::Missing),
                ),
            ),
            (
                "account-offered",
                "/account/totp".into(),
                account::page(
                    &at(Role::Agent, Elsewhere, "/account"),
                    &self.account(account::Factor::Offered("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".to_owned())),
                ),
            ),
            (
                "account-set",
                "/account?set".into(),
                account::page(&at(Role::Agent, Elsewhere, "/account"), &self.account(account::Factor::Set)),
            ),
            (
                "many",
                "/queue/many".into(),
                many::page(&at(Role::Clinician, Queue, "/queue/many"), &self.many()),
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
                list::page(&at(Role::Admin, Patients, "/patients"), &self.patients()),
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
                    &devices::View { may_manage: true, ..Default::default() },
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
            ("audit", "/audit".into(), view::page(&at(Role::Auditor, Audit, "/audit"), &self.audit(false))),
            (
                "audit-broken",
                "/audit?broken".into(),
                view::page(&at(Role::Dpo, Audit, "/audit"), &self.audit(true)),
            ),
            (
                "audit-verifications",
                "/audit/verifications".into(),
                verifications::page(
                    &at(Role::Auditor, Audit, "/audit/verifications"),
                    &self.verifications(false),
                ),
            ),
            (
                "audit-empty",
                "/audit?empty".into(),
                view::page(&at(Role::Dpo, Audit, "/audit"), &view::View::default()),
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
                            refused: false,
                        }],
                        officer: Some(("Ana Exemplo".to_owned(), "encarregado@clinica.example".to_owned())),
                    },
                ),
            ),
            (
                "docs",
                "/api/docs".into(),
                api_docs::page(&at(Role::Admin, Elsewhere, "/api/docs"), &Self::docs()),
            ),
        ];
        out.extend(self.duty());
        out.extend(self.hub());
        if let Some(detail) = self.device() {
            out.push((
                "device",
                format!("/devices/{}", device_id(1)),
                devices::detail(&at(Role::Admin, Devices, "/devices"), &detail),
            ));
        }
        if let Some(entry) = self.audit(false).entries.first().cloned() {
            let json = "{\n  \"dec\": \"deny\",\n  \"type\": \"access.read\"\n}".to_owned();
            let detail = view::Detail { entry, json, leaf_hash: "ab".repeat(32), sealed: true };
            out.push((
                "audit-entry",
                "/audit/entries/1284002".into(),
                view::entry(&at(Role::Auditor, Audit, "/audit"), &detail),
            ));
        }
        for (name, path, code) in [
            ("error-403", "/e403", Code::Role),
            ("error-404", "/e404", Code::NotFound),
            ("error-409", "/e409", Code::Claimed),
            ("error-500", "/e500", Code::Internal),
        ] {
            out.push((
                name,
                path.into(),
                error::page(&at(Role::Agent, Elsewhere, path), code, error::Named::default()),
            ));
        }
        out.extend(self.timelines());
        out.extend(self.access_pages());
        out.extend(self.policy_pages());
        out.extend(self.setting_pages());
        out
    }

    pub(crate) fn account(&self, factor: account::Factor) -> account::View {
        let email = "renata@clinica.example".to_owned();
        account::View {
            email,
            factor,
            refused: Some(Code::Credentials),
            trial: Some(self.trial()),
            mail: Some(Reader::default()),
        }
    }

    /// The parts of pages that browsers fetch again, by path.
    pub(crate) fn parts(&self) -> Vec<Drawn> {
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
            (
                "part-refusal",
                "/e409".into(),
                error::fragment(
                    &shell,
                    Code::Claimed,
                    error::Named {
                        owner: Some("Caio Lima"),
                        until: Some("03:14"),
                        field: Some("reason"),
                        ..Default::default()
                    },
                ),
            ),
        ];
        for part in patient::Part::ALL {
            out.push((
                "part-patient",
                format!("{p1}?part={}", part.name()),
                patient::part(&shell, &patient, part),
            ));
        }
        out.extend(self.policy_parts());
        out
    }
}

pub(crate) fn id(n: i64) -> uuid::Uuid {
    uuid::Uuid::from_u128(0x0190_a1b2_0000_7000_8000_0000_0000_0000 + u128::from(n.unsigned_abs()))
}

pub(crate) fn patient_id(n: i64) -> PatientId {
    PatientId(id(n))
}

pub(crate) fn alert_id(n: i64) -> AlertId {
    AlertId(id(n + 100))
}

pub(crate) fn device_id(n: i64) -> DeviceId {
    DeviceId(id(n + 200))
}

pub(crate) fn user_id(n: i64) -> UserId {
    UserId(id(n + 300))
}
