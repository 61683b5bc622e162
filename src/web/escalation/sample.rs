//! What escalates that night, and the policies behind it.

use crate::escalation::form::{Draft, sent};
use crate::escalation::view::policies::{self, Names};
use crate::escalation::view::policy::{self, Editor, Load, Paged, Person, Rehearsed, Row, Sum, Targets};
use crate::escalation::view::progress::{Called, Next, Progress, Standing, StepShown, What};
use crate::messages::view::pager::{self, Case, Cause};
use crate::pages::{Choice, Html};
use crate::versions::view::{Kind, Line, Proposal, SettingView, Standing as Stands, Version, side_by_side};
use crate::{Key, Section};
use domain::escalation::{Policy, Target, seeds};
use domain::messages::{Channel, State};
use domain::{Role, UserId};

use crate::sample::{Drawn, Night, user_id};

impl Night {
    pub(crate) fn progress(&self) -> Progress {
        let called = |name: &str, ways| Called { name: name.to_owned(), ways };
        let step = |n: &str| self.pick("Passo ", "Step ") + n;
        Progress {
            policy: "red_alert".to_owned(),
            name: self.pick("Alerta vermelho", "Red alert"),
            version: 3,
            standing: Standing::NobodyReached,
            next: Some(Next { at: self.later(245), paged: self.paged(step("3")) }),
            done: vec![
                StepShown {
                    at: self.ago(900),
                    label: step("1"),
                    what: What::Paged,
                    people: vec![called(
                        "Caio Lima",
                        vec![(Channel::InApp, State::Delivered), (Channel::Email, State::Failed)],
                    )],
                },
                StepShown { at: self.ago(600), label: step("2"), what: What::Empty, people: vec![] },
                StepShown { at: self.ago(300), label: step("4"), what: What::NobodyReached, people: vec![] },
                StepShown { at: self.ago(290), label: step("1"), what: What::Resumed, people: vec![] },
            ],
            ahead: vec![
                Next { at: self.later(545), paged: self.paged(step("4")) },
                Next { at: self.later(1_745), paged: Paged { label: step("5"), people: vec![] } },
            ],
            rounds_left: 1,
            seen: self.ago(300),
            spoiled: true,
        }
    }

    fn paged(&self, label: String) -> Paged {
        let person = |name: &str, left_out: Option<String>| Person {
            name: name.to_owned(),
            because: self.pick(
                "Plantão clínico (escala): vez no rodízio 1",
                "Clinician on call (schedule): rotation 1",
            ),
            left_out,
        };
        let out = self.pick("sem certificado válido", "no valid certificate");
        Paged { label, people: vec![person("Caio Lima", None), person("Ana Terra", Some(out))] }
    }

    fn names(&self) -> Names {
        let people: [(UserId, String); 1] = [(user_id(2), "Caio Lima".to_owned())];
        Names {
            schedules: [("clinician_on_call".to_owned(), self.pick("Plantão clínico", "Clinician on call"))]
                .into(),
            people: people.into(),
            ..Names::default()
        }
    }

    fn targets(&self) -> Targets {
        let empty = Paged { label: self.pick("Passo 2", "Step 2"), people: vec![] };
        Targets { at: self.now, steps: vec![self.paged(self.pick("Passo 1", "Step 1")), empty] }
    }

    fn rehearsed(&self) -> Rehearsed {
        Rehearsed {
            from: self.ago(30 * 86_400),
            to: self.now,
            alerts: 212,
            rows: vec![Row {
                label: self.pick("Passo 1", "Step 1"),
                pages: 240,
                empty: 3,
                before: Some(212),
            }],
            sums: vec![Sum { what: Key("policy-pages"), now: 240, before: Some(212) }],
            people: vec![Load {
                name: "Caio Lima".to_owned(),
                pages: 91,
                worst: 11,
                day: "03/11/2026".to_owned(),
            }],
        }
    }

    fn policy(&self) -> policy::View {
        let shell = self.shell(Some(Role::Clinician), Section::Policies, "/policies/red_alert");
        let (w, names) = (&shell.words, self.names());
        let old: Policy = seeds().remove(0);
        let mut new = old.clone();
        new.steps.remove(1);
        new.steps[0].minutes = 9;
        new.steps[1].targets = vec![Target::Person(user_id(2)), Target::Team("gone".to_owned())];
        let (before, after) = (names.lines(w, &old), names.lines(w, &new));
        let mut draft = Draft::of(&new);
        draft.steps[0].minutes = "\"><b>".to_owned();
        draft.steps[1].targets.clear();
        policy::View {
            kept: self.setting_view(Kind::Policies, "red_alert", policies::name(w, &old), &before, &after),
            targets: self.targets(),
            editor: Some(Editor {
                seen: 3,
                wrong: draft.policy("red_alert", 4).unwrap_err(),
                draft,
                choices: vec![(
                    Key("policy-roles"),
                    vec![Choice { value: sent(&Target::Role(Role::Manager)), label: "Gestão".to_owned() }],
                )],
                refused: Some(crate::Code::Precondition),
                changes: side_by_side(&before, &after),
                targets: Some(self.targets()),
                rehearsed: Some(self.rehearsed()),
            }),
            rehearsed: Some(self.rehearsed()),
        }
    }

    /// A setting with a version in force, two proposals, and a history of every standing.
    pub(crate) fn setting_view(
        &self,
        kind: Kind,
        id: &str,
        name: String,
        before: &[Line],
        after: &[Line],
    ) -> SettingView {
        let proposal = |version, mine| Proposal {
            version,
            author: Some("Ana Terra".to_owned()),
            mine,
            proposed_at: self.ago(4_000),
            changes: side_by_side(before, after),
        };
        let version = |(state, number)| Version {
            number,
            state,
            author: None,
            proposed_at: self.ago(900_000),
            approver: Some("Ana Terra".to_owned()),
            in_force_at: Some(self.ago(800_000)),
        };
        let stands = [Stands::InForce, Stands::Proposed, Stands::Refused, Stands::Superseded];
        SettingView {
            kind,
            id: id.to_owned(),
            name,
            version: Some(1),
            lines: before.to_vec(),
            proposals: vec![proposal(2, false), proposal(3, true)],
            may_decide: true,
            history: stands.into_iter().zip(1..).map(version).collect(),
        }
    }

    pub(crate) fn policy_pages(&self) -> Vec<Drawn> {
        let at = |role, path: &str| self.shell(Some(role), Section::Policies, path);
        let path = "/policies/red_alert";
        vec![
            ("policy", path.into(), policy::page(&at(Role::Clinician, path), &self.policy())),
            (
                "policy-read",
                "/policies/red_alert?read".into(),
                policy::page(
                    &at(Role::Auditor, path),
                    &policy::View { editor: None, rehearsed: None, ..self.policy() },
                ),
            ),
        ]
    }

    pub(crate) fn policy_parts(&self) -> Vec<Drawn> {
        let shell = self.shell(Some(Role::Clinician), Section::Policies, "/policies/red_alert");
        vec![
            ("part-editor", "/policies/red_alert".into(), policy::editor(&shell, &self.policy())),
            (
                "part-targets",
                "/policies/red_alert?part=targets".into(),
                policy::targets(&shell, &self.policy()),
            ),
            ("part-pager", "/pager".into(), self.pager()),
        ]
    }

    fn pager(&self) -> Html {
        let shell = self.shell(Some(Role::Clinician), Section::Queue, "/queue");
        let case = |link: &str, times, cause| {
            let schedule = (cause == Cause::OnCall).then(|| "Gestor de plantão".to_owned());
            Case { link: link.to_owned(), since: self.ago(70), times, cause, schedule }
        };
        let cases = vec![
            case("/alerts/1", 1, Cause::Called),
            case("/alerts/2", 3, Cause::Unreached),
            case("/status", 1, Cause::Lapse),
            case("/schedules/duty_manager", 1, Cause::OnCall),
        ];
        pager::part(&shell, &pager::View { cases, on_its_way: true })
    }
}
