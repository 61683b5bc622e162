//! The escalation of an alert for one viewer now: what was done with its receipts, what comes next and whom it would page.

use std::time::Duration;

use consent::AlertEscalate;

use super::names::{names, people_at};
use crate::alerts::cases;
use crate::escalation::view::policies::{self, Names};
use crate::escalation::view::policy::Paged;
use crate::escalation::view::progress::{Called, Next, Progress, Standing, StepShown, What};
use crate::http::fault::Fault;
use crate::pages::visit::Room;
use crate::people::page::names::People;
use crate::{Key, Words};
use domain::escalation::{Run, State, Step};
use domain::messages::Channel;
use domain::{AlertId, UserId};
use store::View;
use store::consents::permits;
use store::escalation::{self, Escalation, Stepped};
use store::messages::{self, Stored};

/// The escalation of an alert; `None` when nothing escalates.
///
/// # Errors
/// Store faults.
pub(crate) fn of_alert(
    view: &mut View<'_>,
    room: &Room,
    alert: AlertId,
    patient_key: i64,
) -> Result<Option<Progress>, Fault> {
    let Some(escalation) = escalation::of_alert(view, alert)? else { return Ok(None) };
    let (w, run) = (room.words(), &escalation.run);
    let names = names(view, room)?;
    let mut known = People::default();
    let standing = standing(view, &mut known, alert, run)?;
    // Nobody is called without a legal basis, whoever holds the case meanwhile.
    let mut ahead = match permits::look::<AlertEscalate>(view, patient_key, room.now)? {
        Ok(_permit) => ahead(view, room, run, &names)?,
        Err(_denied) => Vec::new(),
    };
    let next = if ahead.is_empty() { None } else { Some(ahead.remove(0)) };
    Ok(Some(Progress {
        policy: run.policy.id.clone(),
        name: policies::name(w, &run.policy),
        version: run.policy.version,
        standing,
        next,
        done: done(view, w, &escalation, &mut known)?,
        rounds_left: if ahead.is_empty() { 0 } else { rounds_left(run) },
        ahead,
        seen: run.stepped_at,
        spoiled: escalation.spoiled.is_some(),
    }))
}

fn standing(view: &mut View<'_>, known: &mut People, alert: AlertId, run: &Run) -> Result<Standing, Fault> {
    // An escalation waits for a claim as for a silence; the case says which of them it is.
    if let (State::Snoozed(_), Some(silence)) = (run.state, cases::silence(view, alert)?) {
        return Ok(Standing::Silenced(known.user(view, silence.by)?, silence.until));
    }
    Ok(match run.state {
        State::Waiting => Standing::Waiting,
        State::Acknowledged(by) => Standing::Answered(known.user(view, by)?),
        State::Snoozed(by) => Standing::Held(known.user(view, by)?),
        State::NobodyReached => Standing::NobodyReached,
        State::NoBasis => Standing::NoBasis,
        State::Done => Standing::Done,
    })
}

/// Why nobody is called about a case that waits for a legal basis, with its article; `None` for any other.
///
/// # Errors
/// Store faults.
pub(crate) fn uncalled(
    view: &mut View<'_>,
    room: &Room,
    patient_key: i64,
    waits: bool,
) -> Result<Option<String>, Fault> {
    if !waits {
        return Ok(None);
    }
    let denied = permits::look::<AlertEscalate>(view, patient_key, room.now)?.err();
    Ok(denied.map(|denied| room.words().one("alert-no-basis", "article", denied.root().0.basis_text())))
}

/// Which step a run escalates when it acts next by itself: its place, or `None` for those who are called when nobody was
/// reached.
#[must_use]
pub(crate) fn next_place(run: &Run) -> Option<usize> {
    let steps = run.policy.steps.len();
    match run.state {
        State::NobodyReached | State::NoBasis | State::Done => None,
        // A wait that ends pages the step it stood on once more.
        State::Acknowledged(_) | State::Snoozed(_) => Some(run.step.unwrap_or(0)),
        State::Waiting => match run.step.map_or(0, |step| step + 1) {
            next if next < steps => Some(next),
            _ if run.round < run.policy.repeat => Some(0),
            _ => None,
        },
    }
}

/// What a run's next step is called.
#[must_use]
pub(crate) fn next_label(w: &Words, run: &Run) -> String {
    match next_place(run) {
        Some(place) => w.one("policy-step", "n", place + 1),
        None => w.say("policy-nobody"),
    }
}

/// How often the whole policy is run again after the round of the next step.
fn rounds_left(run: &Run) -> u32 {
    let goes_round = run.state == State::Waiting && run.step.is_some() && next_place(run) == Some(0);
    let round = run.round.saturating_add(u8::from(goes_round));
    u32::from(run.policy.repeat.saturating_sub(round))
}

/// The next step and everything above it, each at the instant at which it would come and with whoever is there then.
/// A step that finds nobody is passed at once where its policy says so.
fn ahead(view: &mut View<'_>, room: &Room, run: &Run, names: &Names) -> Result<Vec<Next>, Fault> {
    let (w, policy) = (room.words(), &run.policy);
    let Some(mut at) = run.next_at else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    if let Some(next) = next_place(run) {
        for (place, step) in policy.steps.iter().enumerate().skip(next) {
            let people = people_at(view, room, names, step, at.max(room.now))?;
            let paged = Paged { label: w.one("policy-step", "n", place + 1), people };
            let passed = step.skip_if_empty && !paged.reaches();
            out.push(Next { at, paged });
            at = if passed { at } else { run.pace.after(at, step.time()) };
        }
        let once: Duration = policy.steps.iter().map(Step::time).sum();
        at = run.pace.after(at, once * rounds_left(run));
    }
    let people = people_at(view, room, names, &policy.nobody_reached, at.max(room.now))?;
    out.push(Next { at, paged: Paged { label: w.say("policy-nobody"), people } });
    Ok(out)
}

/// Why somebody was told outside the escalation, by the message's template.
fn outside(template: &str) -> Key {
    match template {
        "sla_warning" => Key("escalation-deadline-near"),
        "sla_breach" => Key("escalation-deadline-passed"),
        _ => Key("escalation-handed-over"),
    }
}

/// What was done, with what became of each message. A page outside the escalation (a hand-over) is shown by its messages.
fn done(
    view: &mut View<'_>,
    w: &Words,
    escalation: &Escalation,
    known: &mut People,
) -> Result<Vec<StepShown>, Fault> {
    let mut messages = messages::of_case(view, &escalation.kind, &escalation.subject)?;
    messages.retain(|message| message.channel != Channel::Webhook);
    let mut shown = Vec::new();
    for step in escalation::steps(view, &escalation.id)? {
        let mut called = Vec::new();
        for user in &step.people {
            called.push(Called { name: known.user(view, *user)?, ways: taken(&mut messages, &step, *user) });
        }
        shown.push(StepShown { at: step.at, label: label(w, &step), what: what(&step), people: called });
    }
    for message in messages {
        let Ok(user) = message.recipient.parse::<UserId>() else { continue };
        let way = (message.channel, message.way.state);
        let name = known.user(view, user)?;
        let same = |step_shown: &&mut StepShown| {
            step_shown.at == message.created_at && step_shown.people.iter().any(|person| person.name == name)
        };
        match shown.iter_mut().find(same) {
            Some(step_shown) => step_shown
                .people
                .iter_mut()
                .filter(|person| person.name == name)
                .for_each(|person| person.ways.push(way)),
            None => shown.push(StepShown {
                at: message.created_at,
                label: w.say(outside(&message.template)),
                what: What::Paged,
                people: vec![Called { name, ways: vec![way] }],
            }),
        }
    }
    shown.sort_by_key(|step_shown| step_shown.at);
    Ok(shown)
}

/// The messages of one step to one person: those that were planned in its transaction.
fn taken(
    messages: &mut Vec<Stored>,
    step: &Stepped,
    user: UserId,
) -> Vec<(Channel, domain::messages::State)> {
    let recipient = user.to_string();
    let (of_step, rest) = std::mem::take(messages)
        .into_iter()
        .partition::<Vec<_>, _>(|message| message.created_at == step.at && message.recipient == recipient);
    *messages = rest;
    of_step.into_iter().map(|message| (message.channel, message.way.state)).collect()
}

/// What a step is called, with the round it belongs to.
#[must_use]
pub(crate) fn label(w: &Words, step: &Stepped) -> String {
    let step_label = match step.step {
        Some(place) => w.one("policy-step", "n", place + 1),
        None => w.say("policy-nobody"),
    };
    if step.round == 0 {
        return step_label;
    }
    format!("{step_label} ({})", w.one("escalation-round", "n", u32::from(step.round) + 1))
}

/// What a step did.
#[must_use]
pub(crate) fn what(step: &Stepped) -> What {
    match step.did.as_str() {
        "empty" => What::Empty,
        "nobody_reached" => What::NobodyReached,
        "resumed" => What::Resumed,
        "withheld" => What::Withheld,
        _ if step.people.is_empty() => What::Empty,
        "joined" => What::Joined,
        _ => What::Paged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Instant;
    use domain::escalation::seeds;

    /// "Step 1, called" stood over somebody whom no step had called.
    #[test]
    fn who_came_on_call_while_a_step_waited_is_told_apart_from_whom_it_called() {
        let at = Instant::from_secs(0);
        let did = |did: &str| {
            let people = vec![UserId::new(at)];
            what(&Stepped { at, due_at: at, did: did.into(), step: Some(0), round: 0, people })
        };
        assert_eq!((did("paged"), did("joined")), (What::Paged, What::Joined));
    }

    #[test]
    fn the_rounds_that_are_left_are_counted_from_the_round_of_the_next_step() {
        let mut policy = seeds().remove(0);
        policy.repeat = 2;
        let last = policy.steps.len() - 1;
        let mut run = Run::begin(policy, Instant::from_secs(0));
        assert_eq!((next_place(&run), rounds_left(&run)), (Some(0), 2));
        run.step = Some(last - 1);
        assert_eq!((next_place(&run), rounds_left(&run)), (Some(last), 2));
        run.step = Some(last);
        assert_eq!((next_place(&run), rounds_left(&run)), (Some(0), 1), "the steps begin again");
        run.round = 2;
        assert_eq!((next_place(&run), rounds_left(&run)), (None, 0), "nobody reached comes next");
    }
}
