//! People who may be on call: what each carries, whose certificate is valid until when, and who cannot be reached;
//! for one of them, the forms.

use askama::Template;

use crate::pages::Html;
use crate::pages::shell::role_word;
use crate::{Key, Lang, Section, Shell, Theme, Words};
use domain::{Instant, Role, UserId};

/// The list.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// By name.
    pub rows: Vec<Person>,
}

/// Somebody who may be on call.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Who.
    pub id: UserId,
    /// The name.
    pub name: String,
    /// As what.
    pub role: Role,
    /// Whether they are on call now.
    pub on_call: bool,
    /// Until when they are away, where they are and the reader is told.
    pub away: Option<Instant>,
    /// Their certificate.
    pub certificate: Certificate,
    /// Channels that reach them.
    pub ways: Vec<Key>,
    /// Channels that reach them no more.
    pub lost: Vec<Lost>,
    /// What they carry; `None`: their role takes no alerts.
    pub load: Option<Load>,
}

impl Person {
    /// The ways that reach them, in words.
    fn reached(&self, w: &Words) -> String {
        self.ways.iter().map(|way| w.say(*way)).collect::<Vec<_>>().join(", ")
    }

    fn role_word(&self) -> Key {
        role_word(self.role)
    }
}

/// How somebody's certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// There is none.
    None,
    /// Valid until the end of the day that holds this instant.
    Valid(Instant),
    /// It ran out at the end of that day.
    Over(Instant),
}

/// A channel that reaches somebody no more.
#[derive(Debug, Clone)]
pub(crate) struct Lost {
    /// What is sent.
    pub channel: &'static str,
    /// Its word.
    pub word: Key,
    /// Why.
    pub why: Key,
    /// Since when.
    pub since: Instant,
}

/// What somebody carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    /// Unresolved alerts they own.
    pub load: u32,
    /// What they carry well.
    pub capacity: u32,
    /// Of that, what is reserved for red.
    pub reserve: u32,
    /// Of the reserve, what is in use.
    pub reserve_used: u32,
    /// Room for ordinary work.
    pub free: u32,
}

impl Load {
    /// Thousandths of the capacity that are in use, 1,000 at the most.
    #[must_use]
    pub(crate) fn share(&self) -> u32 {
        (self.load.saturating_mul(1_000) / self.capacity.max(1)).min(1_000)
    }

    /// Where the reserve begins, in thousandths.
    #[must_use]
    pub(crate) fn mark(&self) -> u32 {
        (self.capacity - self.reserve.min(self.capacity)).saturating_mul(1_000) / self.capacity.max(1)
    }

    /// "9 de 10: espaço para 0; 1 guardado para vermelho".
    #[must_use]
    pub(crate) fn words(&self, w: &Words) -> String {
        let carried = w.two("load-of", "load", self.load, "capacity", self.capacity);
        let room = match self.free {
            0 => w.say("load-only-red"),
            free => w.count("load-free", free),
        };
        format!(
            "{carried} · {room} · {}",
            w.two("load-reserve", "n", self.reserve, "used", self.reserve_used)
        )
    }

    const fn tone(&self) -> &'static str {
        if self.load >= self.capacity {
            "red"
        } else if self.free == 0 {
            "warn"
        } else {
            "off"
        }
    }
}

/// One person, with the forms.
#[derive(Debug, Clone)]
pub(crate) struct One {
    /// Who.
    pub person: Person,
    /// Who noted the certificate, and when.
    pub noted: Option<(Option<String>, Instant)>,
    /// The council that keeps them, and the number in its register.
    pub licence: (String, String),
    /// The last day of the certificate as the field holds it.
    pub last_day: String,
    /// Whether the forms are shown.
    pub may_manage: bool,
}

#[derive(Template)]
#[template(path = "on_call/people.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

#[derive(Template)]
#[template(path = "on_call/person.html")]
struct OnePage<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a One,
}

/// The list.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}

/// One person. POST `/on-duty/{id}/{certificate|uncertify|capacity|reached}`.
///
/// # Errors
/// The formatter's.
pub(crate) fn one(shell: &Shell, view: &One) -> Html {
    OnePage { shell, w: &shell.words, view }.render()
}
