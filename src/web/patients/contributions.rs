//! The list of all that contributes to a patient's timeline, and the one reader that merges it into pages.

use super::event::{Entry, Event, Place, Position, Reader};
use crate::http::fault::Fault;
use crate::{Code, Key};
use domain::Can;
use store::View;
use store::patients::Patient;

/// Gives events after a position, the newest first: of each of its sources at most so many. Each source is read along an
/// index; a row that the reader may not see is [`Event::left_out`], so that the next page goes on behind it.
pub(crate) type Contribute =
    fn(&mut View<'_>, &mut Reader<'_>, &Patient, &Position, i64) -> Result<Vec<Event>, Fault>;

/// What a capability adds to a patient's timeline.
pub(crate) struct Contribution {
    /// The capability, which is the value of `?kind=`.
    pub kind: &'static str,
    /// Who may see it.
    pub right: Can,
    /// What it is called.
    pub title: Key,
    /// The icon of its lines.
    pub icon: &'static str,
    /// Whether it is among the first lines on the patient's own page.
    pub in_brief: bool,
    /// Its events.
    pub contribute: Contribute,
}

/// Everything that contributes, as the page lists it. A capability with a `timeline.rs` has its line here.
pub(crate) const CONTRIBUTIONS: &[Contribution] = &[
    Contribution {
        kind: "alerts",
        right: Can::SeeAlerts,
        title: Key("alerts-title"),
        icon: "siren",
        in_brief: true,
        contribute: crate::alerts::timeline::contribute,
    },
    Contribution {
        kind: "escalation",
        right: Can::SeeAlerts,
        title: Key("timeline-escalation"),
        icon: "bell",
        in_brief: true,
        contribute: crate::escalation::timeline::contribute,
    },
    Contribution {
        kind: "messages",
        right: Can::SeeAlerts,
        title: Key("timeline-messages"),
        icon: "mail",
        in_brief: false,
        contribute: crate::messages::timeline::contribute,
    },
    Contribution {
        kind: "readings",
        right: Can::SeeReadings,
        title: Key("readings-title"),
        icon: "activity",
        in_brief: true,
        contribute: crate::readings::timeline::contribute,
    },
    Contribution {
        kind: "devices",
        right: Can::SeeDevices,
        title: Key("devices-title"),
        icon: "watch",
        in_brief: true,
        contribute: crate::devices::timeline::contribute,
    },
    Contribution {
        kind: "consents",
        right: Can::SeeConsents,
        title: Key("consents-title"),
        icon: "file-check",
        in_brief: true,
        contribute: crate::consents::timeline::contribute,
    },
    Contribution {
        kind: "patients",
        right: Can::SeeContacts,
        title: Key("timeline-patients"),
        icon: "user-round",
        in_brief: true,
        contribute: crate::patients::timeline::contribute,
    },
    Contribution {
        kind: "privacy",
        right: Can::ReadAudit,
        title: Key("timeline-privacy"),
        icon: "key-round",
        in_brief: false,
        contribute: crate::privacy::timeline::contribute,
    },
];

/// What of a timeline is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted<'a> {
    /// The lines on the patient's own page.
    Brief,
    /// Everything.
    All,
    /// Of one capability.
    Kind(&'a str),
}

impl<'a> Wanted<'a> {
    /// From `?kind=`.
    #[must_use]
    pub(crate) fn kind(kind: &'a str) -> Self {
        if kind.is_empty() { Self::All } else { Self::Kind(kind) }
    }

    fn takes(self, one: &Contribution) -> bool {
        match self {
            Self::Brief => one.in_brief,
            Self::All => true,
            Self::Kind(kind) => one.kind == kind,
        }
    }
}

/// A line of the timeline.
pub(crate) struct Line {
    /// What it comes from.
    pub of: &'static Contribution,
    /// Where it stands.
    pub place: Place,
    /// What it says.
    pub entry: Entry,
}

/// A page of the timeline.
#[derive(Default)]
pub(crate) struct Page {
    /// The newest first.
    pub lines: Vec<Line>,
    /// After which place older ones come, if there are any.
    pub next: Option<Place>,
}

/// How often a page goes on where rows were left out: it may be shorter than asked for, and even empty, although more
/// follow.
const ROUNDS: usize = 4;

/// A page of a patient's timeline for one reader, whose looks are noted: at what the page shows, and no more.
///
/// # Errors
/// `E_INVALID` for a kind that there is not, `E_ROLE` for one that is not the reader's; store faults.
pub(crate) fn page(
    view: &mut View<'_>,
    reader: &mut Reader<'_>,
    patient: &Patient,
    wanted: Wanted<'_>,
    mut position: Position,
    limit: usize,
) -> Result<Page, Fault> {
    let contributions = chosen(reader, wanted)?;
    let mut page = Page::default();
    for _round in 0..ROUNDS {
        let left = limit.saturating_sub(page.lines.len());
        let (rows, has_more) = merged(view, reader, patient, &contributions, &position, left)?;
        let last = rows.last().map(|(_, event)| event.place.clone());
        for (of, Event { place, entry }) in rows {
            page.lines.extend(entry.map(|entry| Line { of, place, entry }));
        }
        page.next = last.filter(|_| has_more);
        match &page.next {
            Some(last) if page.lines.len() < limit => position = Position::after(last.clone()),
            _ => break,
        }
    }
    for line in &page.lines {
        match line.entry.look {
            (what, None) => reader.sight.saw(patient.id, what),
            (what, Some(code)) => reader.sight.refused(patient.id, what, code),
        }
    }
    Ok(page)
}

fn chosen(reader: &Reader<'_>, wanted: Wanted<'_>) -> Result<Vec<&'static Contribution>, Fault> {
    let meant: Vec<_> = CONTRIBUTIONS.iter().filter(|one| wanted.takes(one)).collect();
    let chosen: Vec<_> = meant.iter().copied().filter(|one| reader.viewer.may(one.right)).collect();
    match wanted {
        Wanted::Kind(_) if meant.is_empty() => {
            let kinds: Vec<&str> = CONTRIBUTIONS.iter().map(|one| one.kind).collect();
            Err(Fault::invalid("kind", &kinds.join(", ")))
        }
        Wanted::Kind(_) if chosen.is_empty() => Err(Code::Role.into()),
        _ => Ok(chosen),
    }
}

type Row = (&'static Contribution, Event);

/// At most `limit` rows after a position, the newest first, and whether there are more. Each source is asked for one row
/// more than fits, so nothing that stands between two rows is missing.
fn merged(
    view: &mut View<'_>,
    reader: &mut Reader<'_>,
    patient: &Patient,
    contributions: &[&'static Contribution],
    position: &Position,
    limit: usize,
) -> Result<(Vec<Row>, bool), Fault> {
    let reach = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows: Vec<Row> = Vec::new();
    for one in contributions {
        let events = (one.contribute)(view, reader, patient, position, reach)?;
        rows.extend(events.into_iter().map(|event| (*one, event)));
    }
    rows.sort_by(|(_, one), (_, other)| other.place.cmp(&one.place));
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    Ok((rows, has_more))
}
