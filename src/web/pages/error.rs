//! A refusal as a page, and as a part that htmx puts above the page it was asked from.

use askama::Template;
use serde_json::Value;

use super::Html;
use crate::pages::shell::landing;
use crate::{Code, Key, Lang, Section, Shell, Theme, Words};

/// What a refusal names beside its code.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Named<'a> {
    /// Who has what was asked for.
    pub owner: Option<&'a str>,
    /// Until when they keep others away, in the reader's words.
    pub until: Option<&'a str>,
    /// The field of the form that was not taken.
    pub field: Option<&'a str>,
    /// Where it stands in the form, where that has another name.
    pub place: Option<&'a str>,
    /// What is hardly meant: `{kind}`, each.
    pub doubts: &'a [Value],
    /// The absence that stands in the way: in words, and its id.
    pub standing: Option<(&'a str, &'a str)>,
}

impl Named<'_> {
    /// Where it stands in the form.
    fn at(&self) -> Option<&str> {
        self.place.or(self.field)
    }

    /// What is hardly meant, in words.
    fn doubted(&self, w: &Words) -> Vec<String> {
        let say = |one: &Value| {
            let word = doubt(one.get("kind")?.as_str()?)?;
            let count = one.get("readings").and_then(Value::as_u64);
            let since = one.get("since").and_then(|since| serde_json::from_value(since.clone()).ok());
            Some(match count.zip(since) {
                Some((count, since)) => {
                    let count = w.count("finding-readings", count);
                    w.two(word, "count", count, "time", w.at(&since))
                }
                None => w.say(word),
            })
        };
        self.doubts.iter().filter_map(say).collect()
    }

    /// What is wrong with the field, in words that help to mend it.
    #[must_use]
    pub(crate) fn advice(&self, code: Code) -> Option<Key> {
        Some(match (self.field?, code) {
            ("trial", Code::Rate) => Key("trial-enough"),
            ("id", Code::Conflict) => Key("field-id-taken"),
            ("absence", Code::Conflict) => Key("field-absence"),
            ("silence", Code::FourEyes) => Key("field-silence"),
            ("cpf", Code::Conflict) => Key("field-cpf-taken"),
            ("email", Code::Conflict) => Key("field-email-taken"),
            ("patient_id", Code::Conflict) => Key("field-device-bound"),
            ("name", _) => Key("field-name"),
            ("birth_date", _) => Key("field-birth-date"),
            ("cpf", _) => Key("field-cpf"),
            ("email", _) => Key("field-email"),
            ("phone", _) => Key("field-phone"),
            ("zone", _) => Key("field-zone"),
            ("patient_id", _) => Key("field-patient"),
            ("role", _) => Key("field-role"),
            ("reason", _) => Key("field-reason"),
            ("password", _) => Key("totp-password-wrong-detail"),
            ("outcome", _) => Key("field-outcome"),
            ("minutes" | "until", _) => Key("field-minutes"),
            ("to", _) => Key("field-to"),
            ("span", _) => Key("field-span"),
            ("ahead", _) => Key("field-ahead"),
            ("past", _) => Key("field-past"),
            ("ended", _) => Key("field-ended"),
            ("cover_away", _) => Key("field-cover-away"),
            ("cover_unable", _) => Key("field-cover-unable"),
            ("turns", _) => Key("field-turns"),
            ("moment", _) => Key("field-moment"),
            ("unseen", _) => Key("field-unseen"),
            ("pause", _) => Key("field-pause"),
            ("id", _) => Key("field-id"),
            ("url", _) => Key("field-url"),
            ("after", _) => Key("field-after"),
            ("pt" | "en", _) => Key("field-name"),
            ("hours", _) => Key("field-hours-a-week"),
            ("members", _) => Key("field-members"),
            ("day", _) => Key("field-day"),
            ("council" | "number" | "licence", _) => Key("field-licence"),
            ("most", _) => Key("field-most"),
            _ => return None,
        })
    }
}

/// What is hardly meant, by its name in the API, in words.
#[must_use]
pub(crate) fn doubt(name: &str) -> Option<Key> {
    match name {
        "far_ahead" => Some(Key("doubt-far-ahead")),
        "long" => Some(Key("doubt-long")),
        "not_on_call" => Some(Key("doubt-not-on-call")),
        "readings_leave" => Some(Key("doubt-readings-leave")),
        "on_call_already" => Some(Key("doubt-on-call-already")),
        "absent" => Some(Key("doubt-absent")),
        _ => None,
    }
}

#[derive(Template)]
#[template(path = "pages/error.html", blocks = ["refusal"])]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    code: Code,
    named: Named<'a>,
    advice: Option<Key>,
    back: &'static str,
    /// Where absences are listed, seen from here.
    absences: &'static str,
}

fn of<'a>(shell: &'a Shell, code: Code, named: Named<'a>) -> Page<'a> {
    let back = match &shell.viewer {
        Some(viewer) => landing(viewer.role),
        None => "/",
    };
    Page { shell, w: &shell.words, code, named, advice: named.advice(code), back, absences: "/absence" }
}

/// The page of a refusal: what happened, what to do, the way back, the code to quote.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, code: Code, named: Named<'_>) -> Html {
    of(shell, code, named).render()
}

/// The same without its surroundings.
///
/// # Errors
/// The formatter's.
pub(crate) fn fragment(shell: &Shell, code: Code, named: Named<'_>) -> Html {
    Page { absences: "", ..of(shell, code, named) }.as_refusal().render()
}
