//! Who is told of an absence, in one message each: the person who is away, when others recorded it; people who stand in,
//! of shifts that they get, that change or that they lose; the managers, when people record their own. Nobody is told
//! what they did themselves. Of one absence only the newest message to a person is sent.

use std::collections::BTreeSet;

use super::absences;
use crate::Tx;
use crate::db::error::Result;
use crate::db::tx::Actor;
use crate::escalation::paging;
use crate::messages::{self, About, New, Topic};
use domain::messages::Class;
use domain::on_call::Absence;
use domain::time::civil::Window;
use domain::{AbsenceId, Instant, Role, UserId};

/// What happened to an absence: recorded (nothing before), changed, or taken back (nothing after).
pub(super) struct Turned<'a> {
    pub(super) id: AbsenceId,
    pub(super) before: Option<&'a Absence>,
    pub(super) after: Option<&'a Absence>,
}

/// One message to one person.
struct Word {
    to: UserId,
    template: &'static str,
    /// The absence, or the first of the turns.
    window: Window,
    /// How many turns, to who stands in.
    turns: Option<usize>,
    /// Until when it is worth sending.
    not_after: Instant,
}

/// The templates of one reader: noted, changed, taken back.
type Templates = [&'static str; 3];

const TO_MANAGERS: Templates = ["absence", "absence_changed", "absence_ended"];
const TO_THEMSELVES: Templates = ["own_absence", "own_absence_changed", "own_absence_ended"];
const TO_STAND_INS: Templates = ["stand_in", "stand_in_changed", "stand_in_ended"];

/// Plans the messages to everybody concerned.
///
/// # Errors
/// Database errors.
pub(super) fn announce(tx: &mut Tx<'_>, turned: &Turned<'_>) -> Result<()> {
    let by = match tx.actor() {
        Actor::User { id, .. } => Some(id),
        _ => None,
    };
    let mut words = turned.to_stand_ins(tx.now());
    let standing_in: BTreeSet<UserId> = words.iter().map(|word| word.to).collect();
    if let Some((user, window)) = turned.moved() {
        let (templates, readers) = if by == Some(user) {
            (TO_MANAGERS, paging::with_role(tx, Role::Manager)?)
        } else {
            (TO_THEMSELVES, vec![user])
        };
        let template = turned.of(templates);
        let word = |to| Word { to, template, window, turns: None, not_after: window.to };
        words.extend(readers.into_iter().filter(|to| !standing_in.contains(to)).map(word));
    }
    words.iter().filter(|word| Some(word.to) != by).try_for_each(|word| say(tx, turned.id, word))
}

impl Turned<'_> {
    /// The word for what was done.
    const fn of(&self, [noted, changed, taken_back]: Templates) -> &'static str {
        match (self.before, self.after) {
            (None, _) => noted,
            (Some(_), Some(_)) => changed,
            (Some(_), None) => taken_back,
        }
    }

    /// Whose absence lasts otherwise now, and how long: of one that was taken back, how long it would have.
    fn moved(&self) -> Option<(UserId, Window)> {
        let window = |absence: &Absence| absence.window;
        let absence = self.after.or(self.before)?;
        (self.before.map(window) != self.after.map(window)).then_some((absence.user, absence.window))
    }

    fn to_stand_ins(&self, now: Instant) -> Vec<Word> {
        let covers = self.before.into_iter().chain(self.after).flat_map(|absence| &absence.covers);
        let people: BTreeSet<UserId> = covers.map(|cover| cover.by).collect();
        let word = |to| {
            let (were, are) = (ahead(self.before, to, now), ahead(self.after, to, now));
            let [stands_in, changed, no_more] = TO_STAND_INS;
            let (template, turns) = match (were.as_slice(), are.as_slice()) {
                (were, are) if were == are => return None,
                ([], _) => (stands_in, &are),
                (_, []) => (no_more, &were),
                _ => (changed, &are),
            };
            let not_after = turns.iter().map(|turn| turn.to).max()?;
            Some(Word { to, template, window: *turns.first()?, turns: Some(turns.len()), not_after })
        };
        people.into_iter().filter_map(word).collect()
    }
}

/// The turns that somebody has by an absence from now on, in order of time.
fn ahead(absence: Option<&Absence>, by: UserId, now: Instant) -> Vec<Window> {
    let turns = |absence: &Absence| {
        let covers = absence.covers.iter().filter(|cover| cover.by == by);
        let mut turns: Vec<Window> = covers
            .filter_map(|cover| cover.window().meet(absence.window))
            .filter(|turn| turn.to > now)
            .collect();
        turns.sort_unstable();
        turns
    };
    absence.map(turns).unwrap_or_default()
}

fn say(tx: &mut Tx<'_>, id: AbsenceId, word: &Word) -> Result<()> {
    let (now, subject, recipient) = (tx.now(), id.to_string(), word.to.to_string());
    let about = About::house(Topic::Schedule, &subject);
    messages::unsay(tx, &about, &recipient)?;
    // Two acts may share an instant; the count of acts tells them apart.
    let act = absences::acts(tx)?.map_or(0, |(count, _)| count);
    let variables = serde_json::json!({
        "link": format!("/absence#a-{id}"),
        "from": word.window.from.to_string(),
        "until": word.window.to.to_string(),
        "count": word.turns,
    });
    for channel in paging::channels(tx, word.to)? {
        let new = New {
            key: format!("absence:{id}:{act}:{recipient}:{}", channel.name()),
            class: Class::Transactional,
            channel,
            recipient: recipient.clone(),
            template: word.template,
            variables: variables.clone(),
            about: about.clone(),
            due_at: now,
            not_after: word.not_after,
        };
        messages::plan(tx, &new)?;
    }
    Ok(())
}
