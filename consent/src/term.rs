//! The text a person accepts. It is immutable, known by its hash, and a linter refuses one that lacks what
//! LGPD art. 9 and art. 18 VIII demand, before anybody can be shown it.

use std::fmt;

use crate::basis::Basis;
use crate::denied::Code;
use crate::digest::sha256;
use crate::purpose::Purpose;

registry! {
    /// How a version of a term differs from the one before, from light to heavy (LGPD art. 8 §6, art. 9 §2).
    Change {
        /// Wording only.
        None = 0, "none";
        /// Form or duration: the subject is told.
        Duration = 1, "duration";
        /// The controller: the subject is told.
        Controller = 2, "controller";
        /// The sharing: a new choice is needed.
        Sharing = 3, "sharing";
        /// The purpose: a new choice is needed.
        Purpose = 4, "purpose";
    }
}

impl Change {
    /// Whether the old consent no longer carries.
    #[must_use]
    pub const fn needs_new_choice(self) -> bool {
        matches!(self, Self::Sharing | Self::Purpose)
    }
}

registry! {
    /// The language of a term.
    Lang {
        /// Brazilian Portuguese.
        PtBr = 1, "pt-BR";
        /// English.
        En = 2, "en";
    }
}

/// What a term must say, in this order, each under its own heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// The specific purpose (LGPD art. 9 I).
    Purpose,
    /// Form and duration (art. 9 II).
    FormAndDuration,
    /// Who the controller is (art. 9 III).
    Controller,
    /// How to reach the controller (art. 9 IV).
    Contact,
    /// With whom it is shared, and why (art. 9 V).
    Sharing,
    /// What those who process it answer for (art. 9 VI).
    Duties,
    /// The rights of art. 18, by name (art. 9 VII).
    Rights,
    /// That one may refuse, and what follows (art. 18 VIII).
    Refusal,
}

impl Element {
    /// All of them, in the order of a term.
    pub const ALL: [Self; 8] = [
        Self::Purpose,
        Self::FormAndDuration,
        Self::Controller,
        Self::Contact,
        Self::Sharing,
        Self::Duties,
        Self::Rights,
        Self::Refusal,
    ];

    /// Its heading.
    #[must_use]
    pub const fn heading(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Purpose, Lang::PtBr) => "Para que serve",
            (Self::FormAndDuration, Lang::PtBr) => "Como e por quanto tempo",
            (Self::Controller, Lang::PtBr) => "Quem é responsável pelos seus dados",
            (Self::Contact, Lang::PtBr) => "Como falar com a gente",
            (Self::Sharing, Lang::PtBr) => "Com quem os dados são compartilhados",
            (Self::Duties, Lang::PtBr) => "Nossas obrigações",
            (Self::Rights, Lang::PtBr) => "Seus direitos",
            (Self::Refusal, Lang::PtBr) => "Se você disser não",
            (Self::Purpose, Lang::En) => "What it is for",
            (Self::FormAndDuration, Lang::En) => "How and for how long",
            (Self::Controller, Lang::En) => "Who is responsible for your data",
            (Self::Contact, Lang::En) => "How to reach us",
            (Self::Sharing, Lang::En) => "Who the data is shared with",
            (Self::Duties, Lang::En) => "Our duties",
            (Self::Rights, Lang::En) => "Your rights",
            (Self::Refusal, Lang::En) => "If you say no",
        }
    }

    /// Stems that its section must hold; the rights of art. 18 are named one by one.
    const fn must_name(self, lang: Lang) -> &'static [&'static str] {
        match (self, lang) {
            (Self::Contact, _) => &["@"],
            (Self::Rights, Lang::PtBr) => &[
                "confirma",
                "acess",
                "corrig",
                "bloque",
                "elimina",
                "portabilidade",
                "compartilh",
                "revoga",
                "ANPD",
            ],
            (Self::Rights, Lang::En) => {
                &["confirm", "access", "correct", "block", "delet", "portab", "shared", "withdraw", "ANPD"]
            }
            _ => &[],
        }
    }
}

/// A version by semantic versioning: major.minor.patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(pub u16, pub u16, pub u16);

impl Version {
    /// From `1.0.0`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| {
            let plain =
                part.bytes().all(|byte| byte.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
            plain.then(|| part.parse().ok()).flatten()
        });
        let version = Self(parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Why a text cannot be a term.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TermFault {
    /// No consent carries the purpose.
    #[error("{0} does not rest on consent: it has no term")]
    NotConsentable(Purpose),
    /// Two byte sequences would show the same text.
    #[error(
        "line {line} is not in normal form (U+{found:04X}): use composed Latin letters, LF, no trailing space, one LF at the end"
    )]
    NotNormal {
        /// Counted from one.
        line: usize,
        /// The character.
        found: u32,
    },
    /// A place was not filled in.
    #[error("line {0} still has a place to fill in: every {{…}} needs its value")]
    Unfilled(usize),
    /// The headings are not those of art. 9, once each and in order.
    #[error(
        "the headings must be those of LGPD art. 9, once each and in order: `## {0}` is missing or misplaced"
    )]
    Headings(&'static str),
    /// A section says too little.
    #[error("the section `{0}` says too little to inform anybody")]
    Thin(&'static str),
    /// A section lacks something it must name.
    #[error("the section `{section}` must name `{stem}…`")]
    Unnamed {
        /// Its heading.
        section: &'static str,
        /// What is not there.
        stem: &'static str,
    },
    /// A generic authorisation is void (LGPD art. 8 §4).
    #[error("`{0}` makes the authorisation generic, and so void: name the purpose (LGPD art. 8 §4)")]
    Generic(&'static str),
}

const GENERIC: [&str; 8] = [
    "quaisquer finalidades",
    "qualquer finalidade",
    "outras finalidades",
    "fins diversos",
    "any purpose",
    "other purposes",
    "various purposes",
    "including but not limited",
];

/// A section shorter than this informs nobody.
const SHORTEST_SECTION: usize = 60;

/// One version of one text for one purpose in one language. It exists only if the linter passed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    purpose: Purpose,
    lang: Lang,
    version: Version,
    text: String,
    text_sha256: [u8; 32],
    change: Change,
}

impl Term {
    /// Checks the text and takes its hash.
    ///
    /// # Errors
    /// [`TermFault`], with the place and what to do.
    pub fn new(
        purpose: Purpose,
        lang: Lang,
        version: Version,
        change: Change,
        text: String,
    ) -> Result<Self, TermFault> {
        if !purpose.may_rest_on(Basis::Consent) {
            return Err(TermFault::NotConsentable(purpose));
        }
        normal_form(&text)?;
        lint(lang, &text)?;
        let text_sha256 = sha256(text.as_bytes());
        Ok(Self { purpose, lang, version, text, text_sha256, change })
    }

    /// What for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// In which language.
    #[must_use]
    pub const fn lang(&self) -> Lang {
        self.lang
    }

    /// Which version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// How it differs from the version before.
    #[must_use]
    pub const fn change(&self) -> Change {
        self.change
    }

    /// The exact text: UTF-8, NFC, LF.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the text: what a grant names.
    #[must_use]
    pub const fn text_sha256(&self) -> [u8; 32] {
        self.text_sha256
    }

    /// The first line.
    #[must_use]
    pub fn title(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    /// Whether the hash a screen sends back is of this text.
    ///
    /// # Errors
    /// `E_STALE_TERM` when it is of another.
    pub fn shown_as(&self, sha256: &[u8; 32]) -> Result<(), Code> {
        if *sha256 == self.text_sha256 { Ok(()) } else { Err(Code::StaleTerm) }
    }
}

/// Refuses what could be written in two ways. The alphabet is one whose every text is in NFC, so that no
/// tables of Unicode are needed.
fn normal_form(text: &str) -> Result<(), TermFault> {
    for (index, line) in text.split('\n').enumerate() {
        let trailing = line.ends_with(' ').then_some(' ');
        let foreign = line.chars().find(|&letter| !in_alphabet(letter));
        if let Some(found) = foreign.or(trailing) {
            return Err(TermFault::NotNormal { line: index + 1, found: u32::from(found) });
        }
    }
    if !text.ends_with('\n') || text.ends_with("\n\n") {
        return Err(TermFault::NotNormal { line: text.lines().count(), found: u32::from('\n') });
    }
    Ok(())
}

/// Below U+0300 every assigned letter is composed and stays itself under NFC; so do these marks.
const fn in_alphabet(letter: char) -> bool {
    matches!(letter,
        ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{24f}'
        | '–' | '—' | '‘' | '’' | '“' | '”' | '•' | '…' | '€')
}

fn lint(lang: Lang, text: &str) -> Result<(), TermFault> {
    if let Some(line) = text.lines().position(|line| line.contains(['{', '}'])) {
        return Err(TermFault::Unfilled(line + 1));
    }
    let lower = text.to_lowercase();
    if let Some(words) = GENERIC.into_iter().find(|words| lower.contains(words)) {
        return Err(TermFault::Generic(words));
    }
    let mut sections = text.split("\n## ").skip(1);
    for element in Element::ALL {
        let heading = element.heading(lang);
        let body = sections
            .next()
            .and_then(|section| section.split_once('\n'))
            .filter(|(found, _body)| *found == heading)
            .map(|(_found, body)| body.trim())
            .ok_or(TermFault::Headings(heading))?;
        if body.chars().count() < SHORTEST_SECTION {
            return Err(TermFault::Thin(heading));
        }
        if let Some(&stem) = element.must_name(lang).iter().find(|stem| !body.contains(**stem)) {
            return Err(TermFault::Unnamed { section: heading, stem });
        }
    }
    match sections.next() {
        Some(_extra) => Err(TermFault::Headings(Element::Refusal.heading(lang))),
        None => Ok(()),
    }
}
