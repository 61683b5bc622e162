//! What a message says, as data: versioned, in both languages, checked before it is approved. A template knows that
//! something waits, never what.

pub mod lint;
pub mod seeds;

use serde::{Deserialize, Serialize};

use super::line;
use super::messages::Class;
use lint::Tells;

/// A language of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lang {
    /// Portuguese of Brazil.
    Pt,
    /// English.
    En,
}

impl Lang {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Pt, Self::En];

    /// Its BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Pt => "pt-BR",
            Self::En => "en",
        }
    }

    /// From its tag.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.tag() == tag)
    }
}

/// The same in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Portuguese of Brazil.
    pub pt: String,
    /// English.
    pub en: String,
}

impl Words {
    /// In one language.
    #[must_use]
    pub fn of(&self, lang: Lang) -> &str {
        match lang {
            Lang::Pt => &self.pt,
            Lang::En => &self.en,
        }
    }
}

/// One version of one template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// `page`; small letters, digits and `_`.
    pub id: String,
    /// From 1; a change is a new version.
    pub version: u32,
    /// What lists call it.
    pub name: Words,
    /// One line.
    pub subject: Words,
    /// Plain text.
    pub text: Words,
    /// What messages of it are for.
    pub class: Class,
}

/// What may stand in braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variable {
    /// Where to sign in and see.
    Link,
    /// The number of the repetition.
    Repetition,
    /// Since when something waits, in the reader's time.
    Since,
    /// The start of a shift.
    From,
    /// The end of a shift, or a deadline.
    Until,
    /// How many.
    Count,
    /// The cases that wait, a line each.
    Cases,
}

impl Variable {
    /// Every variable.
    pub const ALL: [Self; 7] =
        [Self::Link, Self::Repetition, Self::Since, Self::From, Self::Until, Self::Count, Self::Cases];

    /// Its name, without braces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Repetition => "repetition",
            Self::Since => "since",
            Self::From => "from",
            Self::Until => "until",
            Self::Count => "count",
            Self::Cases => "cases",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variable| variable.name() == name)
    }
}

/// What stands for each variable, already written for the reader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vars {
    /// See [`Variable::Link`].
    pub link: Option<String>,
    /// See [`Variable::Repetition`].
    pub repetition: Option<u32>,
    /// See [`Variable::Since`].
    pub since: Option<String>,
    /// See [`Variable::From`].
    pub from: Option<String>,
    /// See [`Variable::Until`].
    pub until: Option<String>,
    /// See [`Variable::Count`].
    pub count: Option<u32>,
    /// See [`Variable::Cases`].
    pub cases: Option<String>,
}

impl Vars {
    fn get(&self, variable: Variable) -> Option<String> {
        match variable {
            Variable::Link => self.link.clone(),
            Variable::Repetition => self.repetition.map(|n| n.to_string()),
            Variable::Since => self.since.clone(),
            Variable::From => self.from.clone(),
            Variable::Until => self.until.clone(),
            Variable::Count => self.count.map(|n| n.to_string()),
            Variable::Cases => self.cases.clone(),
        }
    }
}

/// What goes into a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// What is wrong with a template, or with what it was to be filled with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its name in the store.
    #[error("a template's id is 1 to 64 small letters, digits and _")]
    Id,
    /// No version.
    #[error("a template's version is a number from 1")]
    Version,
    /// Missing words.
    #[error("{part} is empty in {lang:?}: write it in both languages")]
    Empty {
        /// Which part.
        part: &'static str,
        /// In which language.
        lang: Lang,
    },
    /// More than one line, or with what is not seen.
    #[error("the {part} is one line of at most 200 letters, a name of 80, all of them seen ({lang:?})")]
    NotALine {
        /// Which part.
        part: &'static str,
        /// In which language.
        lang: Lang,
    },
    /// What is not seen, beside line ends.
    #[error("the text holds a character that is not seen ({0:?}): type it anew")]
    Unseen(Lang),
    /// A variable that does not exist, or a brace alone.
    #[error(
        "{{{name}}} is no variable: use {{link}}, {{repetition}}, {{since}}, {{from}}, {{until}}, {{count}} or {{cases}}, and no other brace"
    )]
    Unknown {
        /// What stands after the brace.
        name: String,
    },
    /// The two languages say different things.
    #[error("{{{}}} stands in one language only: use it in both", .0.name())]
    OneLanguage(Variable),
    /// A message from it would have nothing to fill it with.
    #[error("{{{}}} is not given to messages from this template", .0.name())]
    NotGiven(Variable),
    /// It gives something away.
    #[error("{part} in {lang:?}: {tells}")]
    Tells {
        /// Which part.
        part: &'static str,
        /// In which language.
        lang: Lang,
        /// What.
        tells: Tells,
    },
    /// Nothing to fill a variable with.
    #[error("nothing was given for {{{}}}", .0.name())]
    Missing(Variable),
}

impl Template {
    /// With its name and subject as lines, where they can be: what looks the same is the same.
    #[must_use]
    pub fn in_lines(mut self) -> Self {
        let lines = [(&mut self.name, 80), (&mut self.subject, 200)];
        for (words, most) in lines {
            for text in [&mut words.pt, &mut words.en] {
                if let Ok(line) = line::read(text, most) {
                    *text = line;
                }
            }
        }
        self
    }

    /// Everything that is wrong with it; empty: it may be approved.
    #[must_use]
    pub fn check(&self) -> Vec<Fault> {
        let mut faults = vec![];
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.id.is_empty() || self.id.len() > 64 || !self.id.chars().all(plain) {
            faults.push(Fault::Id);
        }
        if self.version == 0 {
            faults.push(Fault::Version);
        }
        for lang in Lang::ALL {
            for (part, words) in [("name", &self.name), ("subject", &self.subject), ("text", &self.text)] {
                let words = words.of(lang);
                if words.trim().is_empty() {
                    faults.push(Fault::Empty { part, lang });
                }
                faults.extend(lint::lint(words).into_iter().map(|tells| Fault::Tells { part, lang, tells }));
            }
            for (part, words, most) in [("name", &self.name, 80), ("subject", &self.subject, 200)] {
                if let Err(line::NotALine::Unseen | line::NotALine::Long(_)) =
                    line::read(words.of(lang), most)
                {
                    faults.push(Fault::NotALine { part, lang });
                }
            }
            if !line::is_plain(self.text.of(lang)) {
                faults.push(Fault::Unseen(lang));
            }
        }
        for words in [&self.subject, &self.text] {
            match (pieces(&words.pt), pieces(&words.en)) {
                (Ok(pt), Ok(en)) => {
                    let one = |variable: &Variable| uses(&pt, *variable) != uses(&en, *variable);
                    faults.extend(Variable::ALL.into_iter().filter(one).map(Fault::OneLanguage));
                }
                (pt, en) => faults.extend([pt.err(), en.err()].into_iter().flatten()),
            }
        }
        let given = given(&self.id);
        let missing = |variable: &Variable| self.fills(*variable) && !given.contains(variable);
        faults.extend(Variable::ALL.into_iter().filter(missing).map(Fault::NotGiven));
        faults
    }

    /// Whether a message from it is filled with a variable.
    fn fills(&self, variable: Variable) -> bool {
        let words = [&self.subject, &self.text].into_iter().flat_map(|words| [&words.pt, &words.en]);
        words.filter_map(|words| pieces(words).ok()).any(|pieces| uses(&pieces, variable))
    }

    /// Its words with every variable filled; what is filled in is not read again.
    ///
    /// # Errors
    /// [`Fault::Missing`], or [`Fault::Unknown`] of a template that [`Template::check`] refuses.
    pub fn render(&self, lang: Lang, vars: &Vars) -> Result<Rendered, Fault> {
        let subject = fill(self.subject.of(lang), vars)?.replace(char::is_control, " ");
        Ok(Rendered { subject, text: fill(self.text.of(lang), vars)? })
    }
}

/// What messages from a template are given to be filled with: what its first version asks for. Any variable, for one that
/// the program does not begin with.
#[must_use]
pub fn given(id: &str) -> Vec<Variable> {
    let first = seeds::seeds().into_iter().find(|template| template.id == id);
    let is_given = |variable: &Variable| first.as_ref().is_none_or(|first| first.fills(*variable));
    Variable::ALL.into_iter().filter(is_given).collect()
}

#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Plain(&'a str),
    Filled(Variable),
}

fn uses(pieces: &[Piece<'_>], variable: Variable) -> bool {
    pieces.contains(&Piece::Filled(variable))
}

fn fill(words: &str, vars: &Vars) -> Result<String, Fault> {
    let one = |piece| match piece {
        Piece::Plain(text) => Ok(text.to_owned()),
        Piece::Filled(variable) => vars.get(variable).ok_or(Fault::Missing(variable)),
    };
    pieces(words)?.into_iter().map(one).collect()
}

fn pieces(words: &str) -> Result<Vec<Piece<'_>>, Fault> {
    let unknown = |name: &str| Fault::Unknown { name: name.chars().take(40).collect() };
    let mut found = vec![];
    let mut rest = words;
    while let Some((plain, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or_else(|| unknown(after))?;
        found.push(Piece::Plain(plain));
        found.push(Piece::Filled(Variable::of(name).ok_or_else(|| unknown(name))?));
        rest = after;
    }
    found.push(Piece::Plain(rest));
    let alone = |piece: &&Piece<'_>| matches!(piece, Piece::Plain(text) if text.contains('}'));
    match found.iter().find(alone) {
        Some(_) => Err(unknown("}")),
        None => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::seeds::seeds;
    use super::*;

    fn page() -> Template {
        seeds().into_iter().find(|template| template.id == "page").unwrap()
    }

    #[test]
    fn what_tells_too_much_or_is_half_is_refused_in_either_language() {
        type Change = fn(&mut Template);
        let wrong: [(&str, Change); 11] = [
            ("one line", |t| t.subject.pt = "Olá\nBcc: todos".into()),
            ("a vital sign", |t| t.text.pt = "Glicose alta: {link} {since}".into()),
            ("the level of an alert", |t| t.subject.en = "Red alert".into()),
            ("a specialty", |t| t.name.pt = "Aviso da cardiologia".into()),
            ("{patient}", |t| t.text.en = "{patient} waits: {link} {since}".into()),
            ("{}}", |t| t.text.en = "waits} {link} {since}".into()),
            ("{link} stands in one language", |t| t.text.en = "waits since {since}".into()),
            ("text is empty in En", |t| t.text.en = " ".into()),
            ("{until} is not given", |t| {
                t.text = Words { pt: "Até {until}: {link}".into(), en: "Until {until}: {link}".into() };
            }),
            ("version", |t| t.version = 0),
            ("id", |t| t.id = "Page 1".into()),
        ];
        for (why, change) in wrong {
            let mut template = page();
            change(&mut template);
            let faults: Vec<String> = template.check().iter().map(ToString::to_string).collect();
            assert!(faults.iter().any(|fault| fault.contains(why)), "{why}: {faults:?}");
        }
    }

    #[test]
    fn what_is_filled_in_is_not_read_again_and_nothing_is_left_out() {
        let mut template = page();
        template.subject.pt = "{since}".into();
        template.text.pt = "{link} {since}".into();
        let vars =
            Vars { link: Some("{since}".into()), since: Some("14:00\r\nBcc: x".into()), ..Vars::default() };
        let rendered = template.render(Lang::Pt, &vars).unwrap();
        assert_eq!(rendered.text, "{since} 14:00\r\nBcc: x");
        assert_eq!(rendered.subject, "14:00  Bcc: x", "still one line");
        let without = template.render(Lang::Pt, &Vars { since: None, ..vars });
        assert_eq!(without, Err(Fault::Missing(Variable::Since)));
    }
}
