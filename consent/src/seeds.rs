//! The terms a new organisation starts with: its own name and contact in our words, in both languages.

use crate::purpose::Purpose;
use crate::term::{Change, Lang, Term, TermFault, Version};

/// Who answers for the data (LGPD art. 5 VI, art. 9 III and IV, art. 41), as the terms print it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Its name.
    pub name: String,
    /// CNPJ, as written on documents.
    pub cnpj: String,
    /// Street, city, state.
    pub address: String,
    /// E-mail and telephone.
    pub contact: String,
    /// The data protection officer (encarregado).
    pub dpo_name: String,
    /// How to reach them.
    pub dpo_contact: String,
}

impl Controller {
    /// The clinic of the demo. It does not exist: its CNPJ is all zeros and its address is reserved (RFC 2606).
    #[must_use]
    pub fn demo() -> Self {
        Self {
            name: "Clínica Zelo (demonstração)".to_owned(),
            cnpj: "00.000.000/0000-00".to_owned(),
            address: "Rua do Exemplo, 100, São Paulo, SP".to_owned(),
            contact: "contato@clinica.example, (11) 5555-0100".to_owned(),
            dpo_name: "Ana Exemplo".to_owned(),
            dpo_contact: "encarregado@clinica.example".to_owned(),
        }
    }

    fn fill(&self, text: &str) -> String {
        let values = [
            ("{controller_name}", &self.name),
            ("{controller_cnpj}", &self.cnpj),
            ("{controller_address}", &self.address),
            ("{controller_contact}", &self.contact),
            ("{dpo_name}", &self.dpo_name),
            ("{dpo_contact}", &self.dpo_contact),
        ];
        values.iter().fold(text.to_owned(), |filled, (place, value)| filled.replace(place, value.trim()))
    }
}

macro_rules! text {
    ($name:literal) => {
        [
            (Lang::PtBr, include_str!(concat!("terms/", $name, ".pt-BR.txt"))),
            (Lang::En, include_str!(concat!("terms/", $name, ".en.txt"))),
        ]
    };
}

const FIRST: Version = Version(1, 0, 0);
/// The first text promised what the program does not do (an exception after a withdrawal, targets of a care plan, an
/// emergency contact). Less is done than was agreed to, so no grant of the first text lapses: a change of wording.
const CORRECTED: Version = Version(1, 0, 1);

/// A purpose, the version of its words, and the words in each language.
type Text = (Purpose, Version, [(Lang, &'static str); 2]);

const TEXTS: [Text; 5] = [
    (Purpose::TelemetryCollect, FIRST, text!("telemetry.collect")),
    (Purpose::AlertEvaluate, CORRECTED, text!("alert.evaluate")),
    (Purpose::AlertEscalate, CORRECTED, text!("alert.escalate")),
    (Purpose::CareRemind, FIRST, text!("care.remind")),
    (Purpose::EngageMessage, FIRST, text!("engage.message")),
];

impl Term {
    /// The five terms as they stand now, in both languages, in the controller's name.
    ///
    /// # Errors
    /// [`TermFault`] when a value of the controller is empty of contact or written in another normal form.
    pub fn seeds(controller: &Controller) -> Result<Vec<Self>, TermFault> {
        let texts = TEXTS.iter().flat_map(|(purpose, version, langs)| {
            langs.iter().map(move |(lang, text)| (purpose, version, lang, text))
        });
        texts
            .map(|(&purpose, &version, &lang, text)| {
                Self::new(purpose, lang, version, Change::None, controller.fill(text))
            })
            .collect()
    }
}
