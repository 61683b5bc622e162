//! A patient's timeline, whole and with a part that is hidden.

use crate::patients::contributions::CONTRIBUTIONS;
use crate::patients::view::timeline::{self, Chip, Day, Line, View};
use crate::sample::{Drawn, Night, alert_id, device_id, patient_id};
use crate::{Key, Section};
use domain::Role;

impl Night {
    pub(crate) fn lines(&self) -> Vec<Line> {
        let line = |secs, icon, pt: &str, en: &str, who: Option<&str>, href: Option<String>| Line {
            at: self.ago(secs),
            time: self.shell(None, Section::Patients, "/").words.clock(&self.ago(secs)),
            icon,
            text: self.pick(pt, en),
            who: who.map(str::to_owned),
            href,
        };
        let alert = Some(format!("/alerts/{}", alert_id(1)));
        let device = Some(format!("/devices/{}", device_id(1)));
        vec![
            line(
                1_200,
                "bell",
                "Taquicardia: Passo 1, chamado: Renata Okamoto, Caio Lima",
                "Tachycardia: Step 1, called: Renata Okamoto, Caio Lima",
                None,
                alert.clone(),
            ),
            line(
                1_330,
                "siren",
                "Taquicardia: aberto em vermelho",
                "Tachycardia: raised at red",
                None,
                alert,
            ),
            line(
                90_000,
                "watch",
                "Dispositivo Polar H10 · ZL-0142 vinculado",
                "Device Polar H10 · ZL-0142 bound",
                None,
                device,
            ),
            line(
                1_650_000,
                "file-check",
                "Acionar pessoas: revogado",
                "Call people: revoked",
                Some("Maria das Graças Silveira"),
                None,
            ),
        ]
    }

    /// The page of all: the newest, and an older page in which readings are hidden.
    pub(crate) fn timelines(&self) -> Vec<Drawn> {
        let place = format!("/patients/{}/timeline", patient_id(1));
        let shell = self.shell(Some(Role::Clinician), Section::Patients, &place);
        let chip = |title, icon, href: String, is_current| Chip { title, icon, href, is_current };
        let mut kinds = vec![chip(Key("timeline-all"), "history", place.clone(), true)];
        kinds.extend(
            CONTRIBUTIONS
                .iter()
                .map(|one| chip(one.title, one.icon, format!("{place}?kind={}", one.kind), false)),
        );
        let day = |pt: &str, en: &str, lines: Vec<Line>| Day { title: self.pick(pt, en), lines };
        let mut lines = self.lines();
        let earlier = lines.split_off(2);
        let whole = View {
            patient: patient_id(1),
            name: "Maria das Graças Silveira".to_owned(),
            kinds,
            days: vec![day("Hoje", "Today", lines), day("03/11/2026", "3 Nov 2026", earlier)],
            older: Some(format!("{place}?before=x")),
            newest: None,
            masked: Vec::new(),
        };
        let hidden = self.pick(
            "Leituras: sem base legal para exibir: consentimento revogado em 03/11 (LGPD art. 8 §5)",
            "Readings: no legal basis to show: consent revoked on 3 Nov (LGPD art. 8 §5)",
        );
        let end = View {
            days: Vec::new(),
            older: None,
            newest: Some(place.clone()),
            masked: vec![hidden],
            ..whole.clone()
        };
        vec![
            ("timeline", place.clone(), timeline::page(&shell, &whole)),
            ("timeline-end", format!("{place}?before=x"), timeline::page(&shell, &end)),
        ]
    }
}
