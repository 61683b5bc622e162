//! What a policy's ids stand for, for this reader: names of schedules, teams and people, whom a step would page and
//! why, and what a dry run found.

use std::collections::BTreeMap;

use crate::escalation::form::sent;
use crate::escalation::rehearsal::Rehearsal;
use crate::escalation::view::policies::Names;
use crate::escalation::view::policy::{Load, Paged, Person, Rehearsed, Row, Sum, Targets};
use crate::http::fault::Fault;
use crate::pages::Choice;
use crate::pages::shell::role_word;
use crate::pages::visit::Room;
use crate::{Key, Lang, Words};
use domain::escalation::{Policy, Step, Target};
use domain::on_call::{Because, Duty, Team};
use domain::rules::Name;
use domain::{Can, Instant, Role, UserId};
use store::escalation::paging::{self, Candidate, LeftOut};
use store::people::users;
use store::people::users::User;
use store::{Ask, View, versions};

/// People whose load a dry run lists, the most paged first.
const MOST_LOADED: usize = 20;

fn spoken(w: &Words, name: Name) -> String {
    match w.lang {
        Lang::PtBr => name.pt.into(),
        Lang::En => name.en.into(),
    }
}

/// How everything that a policy may name is called.
///
/// # Errors
/// Store faults.
pub(crate) fn names(view: &mut View<'_>, room: &Room) -> Result<Names, Fault> {
    let w = room.words();
    let duties = versions::all_in_force::<Duty>(view, room.now)?;
    let teams = versions::all_in_force::<Team>(view, room.now)?;
    let page = users::page(view, &Ask { limit: store::db::page::MOST, ..Ask::default() })?;
    let staff: Vec<_> = page.items.into_iter().filter(|user| Role::STAFF.contains(&user.role)).collect();
    // They keep their name where they are named, and are not offered.
    let away = |user: &&User| user.disabled_at.is_some() || !Can::AnswerCalls.held_by(user.role);
    let gone = staff.iter().filter(away).map(|user| user.id).collect();
    let people = staff.into_iter().filter_map(|user| Some((user.id, String::from(user.identity?.name))));
    Ok(Names {
        gone,
        schedules: duties.into_iter().map(|duty| (duty.name, spoken(w, duty.body.name))).collect(),
        teams: teams.into_iter().map(|team| (team.name, spoken(w, team.body.name))).collect(),
        people: people.collect(),
    })
}

/// What a target may be.
#[must_use]
pub(crate) fn choices(w: &Words, names: &Names) -> Vec<(Key, Vec<Choice>)> {
    let choice = |target: Target, label: String| Choice { value: sent(&target), label };
    let of = |names: &BTreeMap<String, String>, target: fn(String) -> Target| -> Vec<Choice> {
        names.iter().map(|(id, name)| choice(target(id.clone()), name.clone())).collect()
    };
    let able = Can::AnswerCalls.roles().iter();
    let roles = able.map(|role| choice(Target::Role(*role), w.say(role_word(*role)))).collect();
    let here = names.people.iter().filter(|(id, _)| !names.gone.contains(id));
    let mut people: Vec<Choice> = here.map(|(id, name)| choice(Target::Person(*id), name.clone())).collect();
    people.sort_by_key(|choice| choice.label.to_lowercase());
    vec![
        (Key("policy-schedules"), of(&names.schedules, Target::Schedule)),
        (Key("policy-roles"), roles),
        (Key("policy-teams"), of(&names.teams, Target::Team)),
        (Key("policy-people"), people),
    ]
}

/// Whom each step would page now.
///
/// # Errors
/// Store faults.
pub(crate) fn targets(
    view: &mut View<'_>,
    room: &Room,
    names: &Names,
    policy: &Policy,
) -> Result<Targets, Fault> {
    let w = room.words();
    let mut steps = Vec::new();
    let labels = (1..=policy.steps.len()).map(|number| w.one("policy-step", "n", number));
    let labels = labels.chain(std::iter::once(w.say("policy-nobody")));
    for (step, label) in policy.steps.iter().chain(std::iter::once(&policy.nobody_reached)).zip(labels) {
        steps.push(Paged { label, people: people(view, room, names, step)? });
    }
    Ok(Targets { at: room.now, steps })
}

/// Whom a step would page now, and who is left out.
///
/// # Errors
/// Store faults.
pub(crate) fn people(
    view: &mut View<'_>,
    room: &Room,
    names: &Names,
    step: &Step,
) -> Result<Vec<Person>, Fault> {
    people_at(view, room, names, step, room.now)
}

/// Whom a step would page at an instant, and who is left out.
///
/// # Errors
/// Store faults.
pub(crate) fn people_at(
    view: &mut View<'_>,
    room: &Room,
    names: &Names,
    step: &Step,
    at: Instant,
) -> Result<Vec<Person>, Fault> {
    let meant = paging::candidates(view, step, at)?;
    Ok(meant.iter().map(|candidate| person(room.words(), names, candidate)).collect())
}

fn person(w: &Words, names: &Names, candidate: &Candidate) -> Person {
    let through = match &candidate.target {
        Target::Person(_) => w.say("policy-by-name"),
        target => names.target(w, target),
    };
    let because = match candidate.because {
        Some(Because::Rotation(n)) => format!("{through}: {}", w.one("policy-because-rotation", "n", n + 1)),
        Some(Because::Temporary(_)) => format!("{through}: {}", w.say("policy-because-temporary")),
        Some(Because::Override(_)) => format!("{through}: {}", w.say("policy-because-override")),
        Some(Because::StandsInFor(_)) => format!("{through}: {}", w.say("policy-because-stands-in")),
        None => through,
    };
    let left_out = candidate.left_out.map(|why| {
        w.say(match why {
            LeftOut::Disabled => Key("policy-left-disabled"),
            LeftOut::Held => Key("policy-left-held"),
            LeftOut::NoCertificate => Key("policy-left-certificate"),
            LeftOut::Twice => Key("policy-left-twice"),
            LeftOut::Absent => Key("policy-left-absent"),
            LeftOut::CannotAnswer => Key("policy-left-role"),
        })
    });
    Person { name: called(w, names, candidate.user), because, left_out }
}

fn called(w: &Words, names: &Names, user: UserId) -> String {
    names.people.get(&user).cloned().unwrap_or_else(|| w.say("policy-person-gone"))
}

/// A dry run in the reader's words.
#[must_use]
pub(crate) fn rehearsed(room: &Room, names: &Names, policy: &Policy, rehearsal: &Rehearsal) -> Rehearsed {
    let w = room.words();
    let Rehearsal { from, to, draft, in_force } = rehearsal;
    let before = |place: usize| {
        in_force.as_ref().and_then(|rehearsal| rehearsal.steps.get(place)).map(|tally| tally.pages)
    };
    let step = |(place, tally): (usize, &domain::escalation::StepTally)| Row {
        label: w.one("policy-step", "n", place + 1),
        pages: tally.pages,
        empty: tally.empty,
        before: before(place),
    };
    let mut rows: Vec<Row> = draft.steps.iter().enumerate().map(step).collect();
    debug_assert_eq!(rows.len(), policy.steps.len(), "one row a step");
    rows.push(Row {
        label: w.say("policy-nobody"),
        pages: draft.top.pages,
        empty: draft.top.empty,
        before: in_force.as_ref().map(|rehearsal| rehearsal.top.pages),
    });
    let worst = |rehearsal: &domain::escalation::DryRun| rehearsal.worst_day().map_or(0, |(_, _, n)| n);
    let sum = |what, of: &dyn Fn(&domain::escalation::DryRun) -> u32| Sum {
        what,
        now: of(draft),
        before: in_force.as_ref().map(of),
    };
    let mut people: Vec<Load> = draft
        .people
        .iter()
        .filter_map(|(user, days)| {
            let (day, worst) = days.iter().max_by_key(|(day, n)| (**n, std::cmp::Reverse(**day)))?;
            Some(Load {
                name: called(w, names, *user),
                pages: days.values().sum(),
                worst: *worst,
                day: w.date(*day),
            })
        })
        .collect();
    people.sort_by(|a, b| b.pages.cmp(&a.pages).then_with(|| a.name.cmp(&b.name)));
    people.truncate(MOST_LOADED);
    Rehearsed {
        from: *from,
        to: *to,
        alerts: draft.cases,
        rows,
        sums: vec![
            sum(Key("policy-pages"), &|rehearsal| rehearsal.pages()),
            sum(Key("policy-unanswered"), &|rehearsal| rehearsal.unanswered),
            sum(Key("policy-worst"), &worst),
        ],
        people,
    }
}
