//! One message template: how a message from it reads when it is filled, proposals that wait, the form with what gives
//! somebody away by field and word, and every version.

use askama::Template;

use crate::pages::Html;
use crate::versions::view::{Editor, Kind, Line, SettingView, Wrong};
use crate::{Key, Lang, Section, Shell, Theme, Words};
use domain::messages::{self, Class};
use domain::templates::{self, Fault, Lang as In, Rendered, Variable, Vars};
use domain::time::civil::Zone;

/// The page of one template.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// What is in force, what waits, what was.
    pub kept: SettingView,
    /// What messages from it are for.
    pub class: Option<Key>,
    /// What messages from it may be filled with, and what that is.
    pub variables: Vec<(Variable, Key)>,
    /// As messages from the version in force read.
    pub messages: Vec<Outgoing>,
    /// The form, for who may propose.
    pub editor: Option<Editor<Draft>>,
    /// As messages from the draft would read, when it was looked at.
    pub drafted: Vec<Outgoing>,
}

/// A message as it reads.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    /// In which language.
    pub lang: Key,
    /// Its tag.
    pub tag: &'static str,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// A template while it is being written: six fields, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    /// In the order in which the form shows them.
    pub fields: [String; 6],
}

/// A field: its id, its part, its language, its name.
const FIELDS: [(&str, &str, In, Key); 6] = [
    ("name-pt", "name", In::Pt, Key("policy-name-pt")),
    ("name-en", "name", In::En, Key("policy-name-en")),
    ("subject-pt", "subject", In::Pt, Key("template-subject-pt")),
    ("subject-en", "subject", In::En, Key("template-subject-en")),
    ("text-pt", "text", In::Pt, Key("template-text-pt")),
    ("text-en", "text", In::En, Key("template-text-en")),
];

/// What stands in a message for a variable, in words.
const VARIABLES: [(Variable, Key); 7] = [
    (Variable::Link, Key("template-link")),
    (Variable::Repetition, Key("template-repetition")),
    (Variable::Since, Key("template-since")),
    (Variable::From, Key("template-from")),
    (Variable::Until, Key("template-until")),
    (Variable::Count, Key("template-count")),
    (Variable::Cases, Key("template-cases")),
];

/// What messages from a template may be filled with, and what that is.
#[must_use]
pub(crate) fn variables(id: &str) -> Vec<(Variable, Key)> {
    let given = templates::given(id);
    VARIABLES.into_iter().filter(|(variable, _)| given.contains(variable)).collect()
}

/// Its name in the reader's language.
#[must_use]
pub(crate) fn name(w: &Words, template: &templates::Template) -> String {
    match w.lang {
        Lang::PtBr => template.name.pt.clone(),
        Lang::En => template.name.en.clone(),
    }
}

/// What messages of a class are for.
#[must_use]
pub(crate) const fn class(class: Class) -> Key {
    match class {
        Class::Clinical => Key("template-clinical"),
        Class::Transactional => Key("template-transactional"),
        Class::Care => Key("template-care"),
        Class::Marketing => Key("template-marketing"),
    }
}

/// What a template says, line by line.
#[must_use]
pub(crate) fn lines(w: &Words, template: &templates::Template) -> Vec<Line> {
    let draft = Draft::of(Some(template));
    let fields = FIELDS.into_iter().zip(draft.fields);
    fields.map(|((.., label), text)| Line { label: w.say(label), text }).collect()
}

/// A template as messages from it read, filled with what could stand there.
#[must_use]
pub(crate) fn messages(w: &Words, template: &templates::Template) -> Vec<Outgoing> {
    // As the outbox writes it.
    let at = |hours: u64| {
        let at = w.now.plus(std::time::Duration::from_secs(3_600 * hours));
        Some(Zone::SAO_PAULO.local(at).format("%d/%m %H:%M").to_string())
    };
    let vars = Vars {
        link: Some("https://zelo.exemplo/alerts/0190a1b2".to_owned()),
        repetition: Some(2),
        since: at(0),
        from: at(5),
        until: at(17),
        count: Some(2),
        cases: Some(
            ["0190a1b2", "0190a1c3"]
                .map(|case| {
                    format!(
                        "[{}] {}  https://zelo.exemplo/alerts/{case}",
                        messages::mark(case),
                        at(0).unwrap_or_default()
                    )
                })
                .join("\n"),
        ),
    };
    let both = [(In::Pt, Key("template-in-pt"), "pt-BR"), (In::En, Key("template-in-en"), "en")];
    let message = |(lang, word, tag)| {
        let Rendered { subject, text } = template.render(lang, &vars).ok()?;
        Some(Outgoing { lang: word, tag, subject, text })
    };
    both.into_iter().filter_map(message).collect()
}

impl Draft {
    /// A template as it stands.
    #[must_use]
    pub(crate) fn of(template: Option<&templates::Template>) -> Self {
        let Some(templates::Template { name, subject, text, .. }) = template else { return Self::default() };
        let words = [name, subject, text];
        let [[name_pt, name_en], [subject_pt, subject_en], [text_pt, text_en]] =
            words.map(|words| In::ALL.map(|lang| words.of(lang).to_owned()));
        Self { fields: [name_pt, name_en, subject_pt, subject_en, text_pt, text_en] }
    }

    /// What a form sent, field by field; a browser ends its lines with CR LF.
    #[must_use]
    pub(crate) fn sent(get: impl Fn(&str) -> String) -> Self {
        Self { fields: FIELDS.map(|(id, ..)| get(id).replace("\r\n", "\n")) }
    }

    /// A field's id, name and text, and whether it has many lines.
    #[must_use]
    pub(crate) fn each(&self, w: &Words) -> Vec<(&'static str, String, &str, bool)> {
        let all = FIELDS.into_iter().zip(&self.fields);
        all.map(|((id, part, _, label), text)| (id, w.say(label), text.as_str(), part == "text")).collect()
    }

    /// The template it makes, or everything that is wrong with it, by field and word. What it is for stays.
    ///
    /// # Errors
    /// The mistakes, each at its field.
    pub(crate) fn template(
        &self,
        w: &Words,
        template: &templates::Template,
        version: u32,
    ) -> Result<templates::Template, Vec<Wrong>> {
        let [name_pt, name_en, subject_pt, subject_en, text_pt, text_en] = self.fields.clone();
        let words = |pt: String, en: String| templates::Words { pt, en };
        // Messages end with a line break, which a form does not keep.
        let (text_pt, text_en) = (ended(text_pt), ended(text_en));
        let made = templates::Template {
            version,
            name: words(name_pt, name_en),
            subject: words(subject_pt, subject_en),
            text: words(text_pt, text_en),
            ..template.clone()
        }
        .in_lines();
        let wrong: Vec<Wrong> =
            made.check().iter().flat_map(|fault| self.wrongs(w, &template.id, fault)).collect();
        if wrong.is_empty() { Ok(made) } else { Err(wrong) }
    }

    /// A fault at the fields that have it.
    fn wrongs(&self, w: &Words, id: &str, fault: &Fault) -> Vec<Wrong> {
        let here = |is_here: &dyn Fn(&str, In, &str) -> bool, what: &str| -> Vec<Wrong> {
            let all = FIELDS.into_iter().zip(&self.fields);
            let found = all.filter(|((_, part, lang, _), text)| is_here(part, *lang, text));
            found
                .map(|((id, .., label), _)| Wrong {
                    field: id.to_owned(),
                    label: w.say(label),
                    what: what.to_owned(),
                })
                .collect()
        };
        let names = || in_braces(&templates::given(id));
        match fault {
            Fault::NotGiven(variable) => {
                let braced = format!("{{{}}}", variable.name());
                let what = w.two("template-wrong-not-given", "name", &braced, "names", names());
                here(&|part, _, text| part != "name" && text.contains(&braced), &what)
            }
            Fault::Empty { part, lang } => {
                here(&|field, of, _| field == *part && of == *lang, &w.say("template-wrong-empty"))
            }
            Fault::NotALine { part, lang } => {
                here(&|field, of, _| field == *part && of == *lang, &w.say("template-wrong-subject"))
            }
            Fault::Unseen(lang) => {
                here(&|field, of, _| field == "text" && of == *lang, &w.say("template-wrong-unseen"))
            }
            Fault::Tells { part, lang, tells } => {
                let what =
                    w.two("template-wrong-tells", "word", tells.word, "what", w.say(gives_away(tells.what)));
                here(&|field, of, _| field == *part && of == *lang, &what)
            }
            Fault::Unknown { name } if name == "}" => here(
                &|field, _, text| field != "name" && lone_brace(text),
                &w.one("template-wrong-brace", "names", names()),
            ),
            Fault::Unknown { name } => {
                let what = w.two("template-wrong-unknown", "name", format!("{{{name}}}"), "names", names());
                here(&|field, _, text| field != "name" && text.contains(&format!("{{{name}")), &what)
            }
            Fault::OneLanguage(variable) => {
                let braced = format!("{{{}}}", variable.name());
                let what = w.one("template-wrong-one-language", "name", &braced);
                let other = |part: &str, lang: In| {
                    let mut all = FIELDS.into_iter().zip(&self.fields);
                    all.any(|((_, field, of, _), text)| field == part && of != lang && text.contains(&braced))
                };
                here(
                    &|part, lang, text| part != "name" && !text.contains(&braced) && other(part, lang),
                    &what,
                )
            }
            // Neither comes from a form: the id and the version are the house's, the message was filled by it.
            Fault::Id | Fault::Version | Fault::Missing(_) => {
                here(&|part, _, _| part == "name", &fault.to_string())
            }
        }
    }
}

fn ended(text: String) -> String {
    if text.is_empty() { text } else { text + "\n" }
}

fn in_braces(variables: &[Variable]) -> String {
    let each = variables.iter().map(|variable| format!("{{{}}}", variable.name()));
    each.collect::<Vec<_>>().join(", ")
}

/// A brace that closes nothing.
fn lone_brace(text: &str) -> bool {
    text.matches('}').count() != text.matches('{').count()
}

/// What a word would give away, as the linter names it.
fn gives_away(what: &str) -> Key {
    match what {
        "a vital sign" => Key("template-tells-vital"),
        "the level of an alert" => Key("template-tells-level"),
        _ => Key("template-tells-specialty"),
    }
}

#[derive(Template)]
#[template(path = "templates/template.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The whole page.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::shell::DEFAULT_ZONE;
    use domain::Instant;
    use domain::templates::lint::lint;
    use domain::templates::seeds::seeds;

    const WORDS: Words = Words { lang: Lang::PtBr, zone: DEFAULT_ZONE, now: Instant::from_micros(0) };

    /// As a browser sends it, without space around it.
    fn through(template: &templates::Template) -> Draft {
        let draft = Draft::of(Some(template));
        Draft::sent(|name| {
            let place = FIELDS.iter().position(|(id, ..)| *id == name).unwrap();
            draft.fields[place].trim().replace('\n', "\r\n")
        })
    }

    #[test]
    fn every_seed_goes_through_the_form_unchanged() {
        for template in seeds() {
            assert_eq!(through(&template).template(&WORDS, &template, 1), Ok(template));
        }
    }

    #[test]
    fn what_the_linter_finds_stands_at_its_field_with_its_word() {
        let template = seeds().remove(0);
        let wrong = |change: fn(&mut [String; 6])| -> Vec<(String, String)> {
            let mut draft = through(&template);
            change(&mut draft.fields);
            let wrong = draft.template(&WORDS, &template, 2).unwrap_err();
            wrong.into_iter().map(|wrong| (wrong.field, wrong.what)).collect()
        };
        let only = |found: Vec<(String, String)>, field: &str, word: &str| {
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].0 == field && found[0].1.contains(word), "{found:?}");
        };
        only(wrong(|fields| fields[0].push_str(" da cardiologia")), "name-pt", "cardio");
        only(wrong(|fields| fields[2] = "Alerta vermelho".to_owned()), "subject-pt", "vermelh");
        only(wrong(|fields| fields[5] = "Since {since}, {link}: glucose".to_owned()), "text-en", "gluc");
        only(wrong(|fields| fields[3].clear()), "subject-en", "idiomas");
        only(wrong(|fields| fields[4].push_str(" {patient}")), "text-pt", "{patient}");
        only(wrong(|fields| fields[4].push('}')), "text-pt", "chave");
        let not_given = wrong(|fields| fields[2..4].fill("{until}".to_owned()));
        assert_eq!(
            not_given.iter().map(|(field, _)| field).collect::<Vec<_>>(),
            ["subject-pt", "subject-en"]
        );
        assert!(not_given[0].1.contains("{link}, {since}"), "{not_given:?}");
        only(wrong(|fields| fields[5] = "Sign in: {link}".to_owned()), "text-en", "{since}");
    }

    #[test]
    fn every_reason_of_the_linter_has_its_own_words() {
        let reasons = ["glicose", "vermelho", "cardiologia"].map(|text| gives_away(lint(text)[0].what));
        assert_eq!(
            reasons.map(|key| key.0),
            ["template-tells-vital", "template-tells-level", "template-tells-specialty"]
        );
    }
}
