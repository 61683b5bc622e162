//! Promised times of that night, and the pages around a schedule: teams, people on duty, programs that are called.

use super::Night;
use crate::web::Key;
use crate::web::pages::promises::{Promises, Row, Standing, Stretch};

impl Night {
    pub(super) fn promises(&self) -> Promises {
        let part = |from, to, still: Option<&str>| Stretch {
            from: self.ago(from),
            to: self.ago(to),
            still: still.map(str::to_owned),
        };
        let row = |metric, standing, share| Row {
            metric,
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
            ..row(Key("promise-resolution"), Standing::Paused(Key("pause-waiting-patient")), 0)
        };
        let done = Row {
            stopped: Some(self.ago(30)),
            ..row(Key("promise-first-response"), Standing::Late, 1_000)
        };
        let first = row(Key("promise-first-response"), Standing::Warned, 800);
        Promises { rows: vec![first, paused, done], may_pause: true, may_resume: true }
    }
}
