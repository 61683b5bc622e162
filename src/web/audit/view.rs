//! The audit explorer: entries, the signed checkpoint, proofs to take away, and whether the log is whole.

use askama::Template;

use super::kind;
use super::verifications::view::{Outcome, Verifications};
use crate::pages::Html;
use crate::pages::shell::address;
use crate::{Key, Lang, Section, Shell, Theme, Words};
use domain::Instant;

/// The explorer.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// What was asked for.
    pub filter: Filter,
    /// The types there are, for the filter, and what each is called.
    pub kinds: Vec<(&'static str, Key)>,
    /// Newest first.
    pub entries: Vec<Entry>,
    /// The cursor of the next page.
    pub next: Option<String>,
    /// The newest signed state of the log.
    pub checkpoint: Option<Checkpoint>,
    /// Verifications of the whole log.
    pub verifications: Verifications,
}

/// `?kind=&actor=&patient=&decision=&from=&to=`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// An entry type, such as `consent.revoked`.
    pub kind: String,
    /// A kind of actor: `user`, `subject`, `device`, `system`.
    pub actor: String,
    /// A patient's id.
    pub patient: String,
    /// `permit` or `deny`.
    pub decision: String,
    /// A local day, `YYYY-MM-DD`, inclusive.
    pub from: String,
    /// A local day, exclusive.
    pub to: String,
}

/// The kinds of actor, with their words.
const ACTORS: [(&str, Key); 4] = [
    ("user", Key("actor-user")),
    ("subject", Key("actor-subject")),
    ("device", Key("actor-device")),
    ("system", Key("actor-system")),
];

impl View {
    /// Where the entries go on that are older, under the same filter.
    fn older(&self) -> Option<String> {
        let Filter { kind, actor, patient, decision, from, to } = &self.filter;
        let cursor = self.next.as_deref()?;
        let values = [
            ("kind", kind.as_str()),
            ("actor", actor),
            ("patient", patient),
            ("decision", decision),
            ("from", from),
            ("to", to),
            ("cursor", cursor),
        ];
        Some(address("/audit", &values))
    }
}

impl Filter {
    /// Whether anything was asked for.
    #[must_use]
    pub(crate) fn is_set(&self) -> bool {
        [&self.kind, &self.actor, &self.patient, &self.decision, &self.from, &self.to]
            .iter()
            .any(|values| !values.is_empty())
    }
}

/// One entry of the log, as its leaf has it: no names, no values.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its place in the log.
    pub index: u64,
    /// When.
    pub at: Instant,
    /// The type.
    pub kind: String,
    /// The kind of actor and the tag: `user 3f2a…`.
    pub actor: String,
    /// The subject's tag, or empty.
    pub subject: String,
    /// The purpose, or empty.
    pub purpose: String,
    /// `permit`, `deny` or empty.
    pub decision: String,
    /// The code of a denial, or empty.
    pub code: String,
}

/// A signed state of the log.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many entries it covers.
    pub size: u64,
    /// The root, base64.
    pub root: String,
    /// When it was signed.
    pub at: Instant,
    /// The verifier key, as `zelo audit key` prints it.
    pub key: String,
}

/// The page of one entry.
#[derive(Debug, Clone)]
pub(crate) struct Detail {
    /// As in the list.
    pub entry: Entry,
    /// The leaf, indented.
    pub json: String,
    /// The leaf's hash, hexadecimal.
    pub leaf_hash: String,
    /// Whether a checkpoint covers it, so that a proof exists.
    pub sealed: bool,
}

fn decision(name: &str) -> Option<Key> {
    match name {
        "permit" => Some(Key("decision-permit")),
        "deny" => Some(Key("decision-deny")),
        _ => None,
    }
}

impl Entry {
    /// What its type is called.
    fn kind_word(&self) -> Option<Key> {
        kind::named(&self.kind)
    }

    /// The word of its decision.
    #[must_use]
    pub(crate) fn decision_word(&self) -> Option<Key> {
        decision(&self.decision)
    }
}

#[derive(Template)]
#[template(path = "audit/log.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
    verifications: &'a Verifications,
}

#[derive(Template)]
#[template(path = "audit/entry.html")]
struct DetailPage<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a Detail,
}

/// The explorer.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view, verifications: &view.verifications }.render()
}

/// One entry.
///
/// # Errors
/// The formatter's.
pub(crate) fn entry(shell: &Shell, view: &Detail) -> Html {
    DetailPage { shell, w: &shell.words, view }.render()
}
