//! The service levels of that night, when the clinic is open, and what its messages say.

use super::{Drawn, Night};
use crate::calendars::{form, view as calendar};
use crate::escalation::view::policies as policy_view;
use crate::pages::Choice;
use crate::sla::view::level::{self, Due};
use crate::templates::view as message_template;
use crate::versions::view::{self, Begin, Editor, Kind, List, Row, SettingView, Waiting, side_by_side};
use crate::{Code, Key, Section, Shell};
use domain::Role;
use domain::calendars::{Calendar, Exception, Hours};
use domain::escalation::seeds as policies;
use domain::sla::{calendars, seeds as service_levels};
use domain::templates::seeds::seeds as templates;

impl Night {
    fn lists(&self, shell: &Shell) -> Vec<List> {
        let w = &shell.words;
        let row = |id: &str, name: String, lines| Row {
            id: id.to_owned(),
            name,
            version: 1,
            hint: self.pick("dica", "hint"),
            lines,
        };
        let names = policy_view::Names::default();
        let progress = |policy: domain::escalation::Policy| {
            row(&policy.id, policy_view::name(w, &policy), names.lines(w, &policy))
        };
        let service_level = |(id, level)| row(id, level::name(w, &level), level::lines(w, &level, &[]));
        let hours = |(id, calendar)| row(id, id.to_owned(), calendar::brief(w, &calendar));
        let message = |template: domain::templates::Template| {
            row(&template.id, message_template::name(w, &template), message_template::lines(w, &template))
        };
        let rows = [
            policies().into_iter().map(progress).collect::<Vec<_>>(),
            service_levels().into_iter().map(service_level).collect(),
            calendars().into_iter().map(hours).collect(),
            templates().into_iter().map(message).collect(),
        ];
        let waiting = Waiting {
            id: "red_alert".to_owned(),
            name: self.pick("Alerta vermelho", "Red alert"),
            version: 2,
            author: Some("Ana Terra".to_owned()),
            mine: false,
            proposed_at: self.ago(4_000),
        };
        let proposals = vec![Waiting { mine: true, ..waiting.clone() }, waiting];
        let begin = Begin { id: "\"><b>".to_owned(), wrong: Some(Key("kept-id-wrong")) };
        let list = |(kind, rows): (Kind, _)| List {
            kind,
            rows,
            proposals: proposals.clone(),
            begin: kind.grows().then(|| begin.clone()),
        };
        Kind::ALL.into_iter().zip(rows).map(list).collect()
    }

    fn clinic(&self, shell: &Shell) -> calendar::View {
        let w = &shell.words;
        let [_, (id, seed)] = calendars();
        let today = seed.zone.date(self.now);
        let hours = Hours::parse("08:00-12:00").unwrap();
        let eve = Exception { label: "Véspera".into(), hours, yearly: true };
        let new = Calendar { exceptions: [(today, eve)].into(), ..seed.clone() };
        let mut draft = form::Draft::of(Some(&new));
        draft.zone = "\"><b>".to_owned();
        draft.own[0].hours = "manhã".to_owned();
        let (before, after) = (calendar::lines(w, &seed), calendar::lines(w, &new));
        let setting = self.setting_view(Kind::Calendars, id, id.to_owned(), &before, &after);
        calendar::View {
            kept: SettingView { proposals: vec![], ..setting },
            is_open: Some(false),
            ahead: calendar::ahead(w, &seed, today),
            holidays: calendar::holidays(w, &new, today),
            editor: Some(Editor {
                seen: 1,
                wrong: draft.calendar(w).unwrap_err(),
                draft,
                refused: Some(Code::Precondition),
                changes: side_by_side(&before, &after),
            }),
            drafted: calendar::ahead(w, &new, today),
        }
    }

    fn service_level(&self, shell: &Shell) -> level::View {
        let w = &shell.words;
        let [(id, seed), (_, new), ..] = service_levels();
        let (before, after) = (level::lines(w, &seed, &[]), level::lines(w, &new, &[]));
        let mut draft = level::Draft::of(Some(&new));
        draft.count = "\"><b>".to_owned();
        let due = Due { warn: Some(self.later(960)), due: Some(self.later(1_200)) };
        level::View {
            kept: self.setting_view(Kind::ServiceLevels, id, level::name(w, &seed), &before, &after),
            now: Some(due),
            editor: Some(Editor {
                seen: 3,
                wrong: draft.service_level(w, &[], &[]).unwrap_err(),
                draft,
                refused: Some(Code::Precondition),
                changes: side_by_side(&before, &after),
            }),
            calendars: vec![Choice { value: "always".to_owned(), label: "always".to_owned() }],
            policies: vec![Choice { value: "red_alert".to_owned(), label: "Alerta".to_owned() }],
            drafted: Some(Due { due: None, ..due }),
        }
    }

    fn message(&self, shell: &Shell) -> message_template::View {
        let w = &shell.words;
        let seed = templates().remove(0);
        let mut new = seed.clone();
        new.subject.pt = "Alerta vermelho \"><b> {patient}".to_owned();
        let draft = message_template::Draft::of(Some(&new));
        let (before, after) = (message_template::lines(w, &seed), message_template::lines(w, &new));
        message_template::View {
            kept: self.setting_view(
                Kind::Templates,
                "page",
                message_template::name(w, &seed),
                &before,
                &after,
            ),
            class: Some(message_template::class(seed.class)),
            variables: message_template::variables(&seed.id),
            messages: message_template::messages(w, &seed),
            editor: Some(Editor {
                seen: 3,
                wrong: draft.template(w, &seed, 4).unwrap_err(),
                draft,
                refused: None,
                changes: side_by_side(&before, &after),
            }),
            drafted: message_template::messages(w, &seed),
        }
    }

    pub(super) fn setting_pages(&self) -> Vec<Drawn> {
        let shell = self.shell(Some(Role::Manager), Section::Policies, "/policies");
        let mut out: Vec<Drawn> = Vec::new();
        for list in self.lists(&shell) {
            out.push(("kept", list.kind.path().to_owned(), view::page(&shell, &list)));
        }
        out.push(("kept-none", "/policies?none".to_owned(), view::page(&shell, &List::default())));
        let (clinic, service_level, message) =
            (self.clinic(&shell), self.service_level(&shell), self.message(&shell));
        let new = |kind: Kind| SettingView {
            kind,
            id: "new".to_owned(),
            name: "new".to_owned(),
            ..SettingView::default()
        };
        let fresh = calendar::View {
            kept: new(Kind::Calendars),
            editor: Some(Editor { draft: form::Draft::of(None), ..Editor::default() }),
            ..calendar::View::default()
        };
        let wanted = level::View {
            kept: new(Kind::ServiceLevels),
            editor: Some(Editor::default()),
            ..level::View::default()
        };
        let read = message_template::View { editor: None, ..self.message(&shell) };
        out.extend([
            ("calendar", "/calendars/clinic".to_owned(), calendar::page(&shell, &clinic)),
            ("calendar-new", "/calendars/new?new=1".to_owned(), calendar::page(&shell, &fresh)),
            ("service-level", "/service-levels/red".to_owned(), level::page(&shell, &service_level)),
            ("service-level-new", "/service-levels/new".to_owned(), level::page(&shell, &wanted)),
            ("template", "/message-templates/page".to_owned(), message_template::page(&shell, &message)),
            (
                "template-read",
                "/message-templates/page?read".to_owned(),
                message_template::page(&shell, &read),
            ),
        ]);
        out
    }
}
