//! What the DPO and auditors see that night of who saw whose data.

use crate::pages::shell::role_word;
use crate::privacy::view::accesses::{self, Person, Request, Row};
use crate::{Code, Section};
use domain::{RevealId, Role};
use store::privacy::accesses::What;
use store::privacy::reveals::State;

use crate::sample::{Drawn, Night, id, patient_id};

impl Night {
    pub(crate) fn access_pages(&self) -> Vec<Drawn> {
        let (list, one) = ("/accesses", format!("/patients/{}/accesses", patient_id(1)));
        let dpo = self.shell(Some(Role::Dpo), Section::Audit, list);
        let auditor = self.shell(Some(Role::Auditor), Section::Audit, &one);
        let known = Some(("Maria Souza".to_owned(), self.pick("17/05/1990", "17 May 1990")));
        let person = |known| Some(Person { id: patient_id(1), reference: "a1b20001".to_owned(), known });
        let all = accesses::View { decides: true, refused: Some(Code::NotFound), ..self.looks() };
        let revealed = accesses::View { person: person(known), decides: true, ..self.looks() };
        let asked = accesses::View { person: person(None), asked: true, ..self.looks() };
        let none = accesses::View::default();
        vec![
            ("accesses", list.into(), accesses::page(&dpo, &all)),
            ("accesses-revealed", one.clone(), accesses::page(&dpo, &revealed)),
            ("accesses-asked", one, accesses::page(&auditor, &asked)),
            ("accesses-none", list.into(), accesses::page(&auditor, &none)),
        ]
    }

    fn looks(&self) -> accesses::View {
        let row = |n: i64, what, refused: Option<&str>| Row {
            at: self.ago(60 * n.unsigned_abs()),
            patient: Some((patient_id(n), format!("a1b2000{n}"))),
            who: (n != 3).then(|| "Caio Lima".to_owned()),
            role: Some(role_word(Role::Clinician)),
            what,
            refused: refused.map(str::to_owned),
            listed: n == 2,
        };
        let things = (1_i64..).zip(What::ALL);
        let rows = things.map(|(n, what)| row(n, what, (n == 4).then_some("E_REVOKED"))).collect();
        let states = [State::Asked, State::Approved, State::Refused, State::Over];
        let request = |(n, state)| Request {
            id: RevealId(id(500 + n)),
            patient: (patient_id(n), format!("a1b2000{n}")),
            who: "Davi Nunes".to_owned(),
            reason: (n != 4).then(|| "auditoria 12/2026".to_owned()),
            at: self.ago(3_600),
            state,
            own: state == State::Approved,
        };
        let requests = (1_i64..).zip(states).map(request).collect();
        accesses::View { rows, requests, older: Some("/accesses?before=7".to_owned()), ..Default::default() }
    }
}
