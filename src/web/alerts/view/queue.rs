//! The triage queue: what waits for a human, gravest and longest first. Asked for again on `alert.changed`.

use askama::Template;

use crate::pages::{AlertState, Html, Level, Owner, Paging, Snoozed};
use crate::{Key, Lang, Section, Shell, Theme, Words};
use domain::{AlertId, Instant, Signal};

/// The queue as this reader may see it.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// What was asked for.
    pub filter: Filter,
    /// How many there are, whatever the filter.
    pub counts: Counts,
    /// What goes on before what late data raised afterwards; the gravest first, then the longest waiting.
    pub rows: Vec<Row>,
    /// Alerts that nobody answered up to the top of their policy: above every queue, whatever was asked for.
    pub pinned: Vec<Row>,
    /// Which part of the list this is.
    pub paging: Paging,
    /// Whether the reader may claim.
    pub may_act: bool,
    /// Whether they may answer, at least for what they were called to.
    pub may_answer: bool,
}

/// `?level=&state=&mine=1&q=`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Only this level.
    pub level: Option<Level>,
    /// Only this state; without one, all that is not resolved.
    pub state: Option<AlertState>,
    /// Only the reader's own.
    pub mine: bool,
    /// A part of a patient's name.
    pub q: String,
}

impl Filter {
    /// Whether this level was asked for.
    #[must_use]
    pub(crate) fn is_level(&self, level: &Level) -> bool {
        self.level == Some(*level)
    }

    /// Whether this state was asked for.
    #[must_use]
    pub(crate) fn is_state(&self, state: &AlertState) -> bool {
        self.state == Some(*state)
    }

    /// Whether rows are sifted within their state.
    #[must_use]
    pub(crate) fn is_narrow(&self) -> bool {
        self.level.is_some() || self.mine || !self.q.is_empty()
    }

    /// Whether anything was asked for.
    #[must_use]
    pub(crate) fn is_set(&self) -> bool {
        self.level.is_some() || self.state.is_some() || self.mine || !self.q.is_empty()
    }
}

/// Unresolved alerts by level, and those that nobody has.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Red, but for the past.
    pub red: u32,
    /// Yellow, but for the past.
    pub yellow: u32,
    /// Claimed by nobody.
    pub unclaimed: u32,
    /// The reader's own.
    pub mine: u32,
    /// Raised afterwards by late data, and over.
    pub past: u32,
}

/// One alert in the queue.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The alert.
    pub alert: AlertId,
    /// Their short name.
    pub name: String,
    /// As it stands; `None` without a legal basis to show.
    pub level: Option<Level>,
    /// Where it stands.
    pub state: AlertState,
    /// Since when someone should look: the start, or the end of a snooze.
    pub since: Instant,
    /// What its policy does next; from 80 % of the way there the wait is shown in bold.
    pub next_step: Option<NextStep>,
    /// What fired, in the reader's language: "Frequência cardíaca acima de 120 bpm por 1 min".
    pub finding: String,
    /// What it rests on: "61 leituras, 121–134 bpm".
    pub detail: Option<String>,
    /// When it began.
    pub started_at: Instant,
    /// When it was over; nobody has answered for it yet all the same.
    pub ended_at: Option<Instant>,
    /// The alerting signal's latest value, where the reader may see it.
    pub latest: Option<Latest>,
    /// Who has it.
    pub owner: Option<Owner>,
    /// That it is put off: until when, and by whom.
    pub snoozed: Option<Snoozed>,
    /// The same people held it too often without an end: it is for another person.
    pub worn_out: bool,
    /// Raised by readings that came late.
    pub retrospective: bool,
    /// Every step of the policy was taken and nobody answered.
    pub nobody_reached: bool,
    /// Nobody is called, for want of a legal basis: the sentence with its article.
    pub uncalled: Option<String>,
}

/// The escalation of an alert, as its row tells it.
#[derive(Debug, Clone)]
pub(crate) struct NextStep {
    /// The step that comes next: "Passo 2".
    pub next: String,
    /// When it comes.
    pub at: Instant,
    /// When somebody was last paged, or it began.
    pub since: Instant,
    /// Whether it waits because a person has it.
    pub held: bool,
}

impl View {
    /// The rows by heading: what nobody answered, what goes on and what is of the past, or what was resolved.
    fn groups(&self) -> [(Key, Vec<&Row>); 3] {
        let pinned = (Key("queue-unreached-group"), self.pinned.iter().collect());
        if self.filter.state == Some(AlertState::Resolved) {
            let resolved = (Key("queue-resolved-group"), self.rows.iter().collect());
            return [pinned, resolved, (Key("queue-past-group"), Vec::new())];
        }
        let (past, now) = self.rows.iter().partition(|row| row.is_past());
        [pinned, (Key("queue-now-group"), now), (Key("queue-past-group"), past)]
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub(crate) const fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.pinned.is_empty()
    }
}

impl Row {
    /// By what messages about it are distinguished from those about others.
    #[must_use]
    pub(crate) fn mark(&self) -> String {
        domain::messages::mark(&self.alert.to_string())
    }

    /// How far the wait has gone: nothing, near its bound, beyond it.
    #[must_use]
    pub(crate) fn pressure(&self, w: &Words) -> &'static str {
        let Some(next_step) = self.next_step.as_ref().filter(|next_step| !next_step.held) else { return "" };
        if w.now >= next_step.at {
            return "is-late";
        }
        let (gone, whole) = (w.now.since(next_step.since), next_step.at.since(next_step.since));
        if gone.saturating_mul(5) >= whole.saturating_mul(4) { "is-near" } else { "" }
    }

    /// Whether it stands behind what goes on: it is resolved, or late data raised it when it was over.
    #[must_use]
    pub(crate) fn is_past(&self) -> bool {
        self.state == AlertState::Resolved || self.retrospective && self.ended_at.is_some()
    }

    /// Whether it stands at red, as far as that may be shown.
    #[must_use]
    pub(crate) fn is_red(&self) -> bool {
        self.level == Some(Level::Red)
    }

    /// Whether another person has it: the row steps back.
    #[must_use]
    pub(crate) fn is_others(&self) -> bool {
        self.owner.as_ref().is_some_and(|owner| !owner.me)
    }
}

/// A signal's latest value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latest {
    /// What was measured.
    pub signal: Signal,
    /// In the signal's canonical unit.
    pub value: f64,
    /// When.
    pub at: Instant,
    /// Too extreme to be believed alone: to be measured again.
    pub suspect: bool,
}

#[derive(Template)]
#[template(path = "alerts/queue.html", blocks = ["rows"])]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

#[derive(Template)]
#[template(path = "pages/badge.html")]
struct Badge<'a> {
    shell: &'a Shell,
    w: &'a Words,
}

/// The whole page.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}

/// The counts and rows alone, for `HX-Request-Type: partial`.
///
/// # Errors
/// The formatter's.
pub(crate) fn rows(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.as_rows().render()
}

/// The number of open reds beside the queue's name in the rail (`?part=badge`), from [`Shell::red_open`].
///
/// # Errors
/// The formatter's.
pub(crate) fn badge(shell: &Shell) -> Html {
    Badge { shell, w: &shell.words }.render()
}
