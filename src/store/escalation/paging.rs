//! Who would be paged by a step at an instant and why, and who is left out.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use crate::db::error::{Error, Result};
use crate::db::schema::{certificates, unreachable, users, webhooks};
use crate::db::settings;
use crate::db::tx::{Tx, View};
use crate::on_call::{away, turns};
use crate::people::answering;
use crate::versions;
use domain::escalation::{Found, Step, Target};
use domain::messages::Channel;
use domain::on_call::{Absences, Because, Duty, Team};
use domain::{Can, Instant, Role, UserId};

/// A person that a step names, and whether they would be paged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub user: UserId,
    /// Through which target.
    pub target: Target,
    /// Why they are on call, for a schedule.
    pub because: Option<Because>,
    /// Why they are left out; `None`: they are paged.
    pub left_out: Option<LeftOut>,
}

/// Why somebody is not paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// The user is disabled, or gone.
    Disabled,
    /// The account waits for a second person to vouch for it: they could not sign in to answer.
    Held,
    /// Their role may not answer an alert.
    CannotAnswer,
    /// The step asks for a certificate that they do not hold, or that has run out.
    NoCertificate,
    /// An earlier target found them already.
    Twice,
    /// They are away, and somebody else is there.
    Absent,
}

/// The setting that says whether there is a server for e-mail.
const E_MAIL: &str = "notify.email";

/// Everybody that a step names at an instant, in the order of paging.
///
/// # Errors
/// Database errors.
pub fn candidates(view: &mut View<'_>, step: &Step, at: Instant) -> Result<Vec<Candidate>> {
    let absences = away::after(view, at)?;
    // A person who is away and on call all the same was put there by an override that means it.
    let away = |user: UserId, because: Option<Because>| {
        because.is_none() && absences.of(user).any(|window| window.holds(at))
    };
    let mut out: Vec<Candidate> = Vec::new();
    for target in &step.targets {
        for (user, because) in meant(view, target, at, &absences)? {
            let twice =
                |earlier: &Candidate| earlier.user == user && earlier.left_out != Some(LeftOut::Absent);
            let left_out = if out.iter().any(twice) {
                Some(LeftOut::Twice)
            } else {
                unfit(view, user, step.certificate, at)?.or(away(user, because).then_some(LeftOut::Absent))
            };
            out.push(Candidate { user, target: target.clone(), because, left_out });
        }
    }
    // Somebody who is away is better than nobody: they are called, but not waited for.
    if out.iter().all(|one| one.left_out.is_some()) {
        let mut called = BTreeSet::new();
        for one in out.iter_mut().filter(|one| one.left_out == Some(LeftOut::Absent)) {
            one.left_out = (!called.insert(one.user)).then_some(LeftOut::Twice);
        }
    }
    Ok(out)
}

/// Looks up who is paged and on which channels, each once. It lives within one transaction.
#[derive(Default)]
pub struct Finder {
    known: Vec<(Step, Found)>,
    channels: BTreeMap<UserId, Vec<Channel>>,
    webhooks: Option<Vec<String>>,
    templates: BTreeMap<&'static str, i64>,
}

impl Finder {
    /// The people that a step pages now.
    ///
    /// # Errors
    /// Database errors.
    pub fn find(&mut self, view: &mut View<'_>, step: &Step, at: Instant) -> Result<Found> {
        if let Some((_, found)) = self.known.iter().find(|(known, _)| known == step) {
            return Ok(found.clone());
        }
        let all = candidates(view, step, at)?;
        let found: Found = all.into_iter().filter(|one| one.left_out.is_none()).map(|one| one.user).collect();
        self.known.push((step.clone(), found.clone()));
        Ok(found)
    }

    /// The channels on which a step reaches these people, and every webhook.
    ///
    /// # Errors
    /// Database errors.
    pub fn ways(&mut self, view: &mut View<'_>, people: &[UserId]) -> Result<Vec<(Channel, String)>> {
        let mut ways = Vec::new();
        for user in people {
            let known = match self.channels.get(user) {
                Some(known) => known.clone(),
                None => channels(view, *user)?,
            };
            ways.extend(known.iter().map(|channel| (*channel, user.to_string())));
            self.channels.insert(*user, known);
        }
        let hooks = match self.webhooks.take() {
            Some(known) => known,
            None => webhooks(view)?,
        };
        ways.extend(hooks.iter().map(|id| (Channel::Webhook, id.clone())));
        self.webhooks = Some(hooks);
        Ok(ways)
    }

    /// The version of a template that is in force.
    ///
    /// # Errors
    /// Database errors.
    pub(crate) fn template(&mut self, view: &mut View<'_>, name: &'static str) -> Result<i64> {
        if let Some(version) = self.templates.get(name) {
            return Ok(*version);
        }
        let version = versions::newest_in_force(view, "template", name)?;
        self.templates.insert(name, version);
        Ok(version)
    }
}

/// The channels that reach a person. The dashboard always does.
///
/// # Errors
/// Database errors.
pub fn channels(view: &mut View<'_>, user: UserId) -> Result<Vec<Channel>> {
    let gone: Vec<String> = unreachable::table
        .filter(unreachable::user_id.eq(user.to_string()))
        .select(unreachable::channel)
        .load(view.conn)?;
    let reaches = |channel: &Channel| !gone.iter().any(|name| name == channel.name());
    let mut channels = vec![Channel::InApp];
    if reaches(&Channel::Email) && sends_e_mail(view)? {
        channels.push(Channel::Email);
    }
    Ok(channels)
}

/// Whether e-mail is set up but no longer reaches a person, so that nobody should wait for them. The dashboard does not
/// count: it shows a call to whoever looks, and wakes nobody.
///
/// # Errors
/// Database errors.
fn out_of_reach(view: &mut View<'_>, user: UserId) -> Result<bool> {
    let gone: Option<String> = unreachable::table
        .find((user.to_string(), Channel::Email.name()))
        .select(unreachable::channel)
        .first(view.conn)
        .optional()?;
    Ok(gone.is_some() && sends_e_mail(view)?)
}

/// Counts of lost channels and departures. It changes whenever somebody can no longer be reached or answer.
///
/// # Errors
/// Database errors.
pub fn losses(view: &mut View<'_>) -> Result<Losses> {
    use diesel::dsl::{count_star, max};
    let (lost, last) = unreachable::table.select((count_star(), max(unreachable::since))).first(view.conn)?;
    Ok(Losses { lost, last, departed: answering::counted(view)? })
}

/// Whether waiting for a person is pointless: no call reaches them, they cannot answer one, or they are away.
///
/// # Errors
/// Database errors.
pub fn awaited_in_vain(view: &mut View<'_>, user: UserId, at: Instant) -> Result<bool> {
    Ok(unfit(view, user, false, at)?.is_some()
        || out_of_reach(view, user)?
        || away(view, at)?.contains_key(&user))
}

/// The people who are away, and until when, without those whom a schedule has on call all the same.
///
/// # Errors
/// Database errors.
pub fn away(view: &mut View<'_>, at: Instant) -> Result<BTreeMap<UserId, Instant>> {
    let mut away = away::after(view, at)?.ends(at);
    if !away.is_empty() {
        let on_duty = turns::on_duty(view, at)?;
        away.retain(|user, _| !on_duty.contains(user));
    }
    Ok(away)
}

/// How many people were lost so far; see [`losses`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Losses {
    lost: i64,
    last: Option<i64>,
    departed: Option<String>,
}

/// Stores whether this installation sends e-mail: without a server no e-mail is planned.
///
/// # Errors
/// Database errors.
pub fn send_e_mail(tx: &mut Tx<'_>, on: bool) -> Result<()> {
    settings::set(tx, E_MAIL, if on { "on" } else { "off" })
}

/// Whether a call can leave this installation, by e-mail or webhook. The dashboard alone wakes nobody.
///
/// # Errors
/// Database errors.
pub(crate) fn calls_out(view: &mut View<'_>) -> Result<bool> {
    Ok(sends_e_mail(view)? || !webhooks(view)?.is_empty())
}

fn sends_e_mail(view: &mut View<'_>) -> Result<bool> {
    Ok(settings::get(view, E_MAIL)?.as_deref() == Some("on"))
}

/// The webhooks that are called.
///
/// # Errors
/// Database errors.
pub fn webhooks(view: &mut View<'_>) -> Result<Vec<String>> {
    Ok(webhooks::table
        .filter(webhooks::disabled_at.is_null())
        .order(webhooks::id)
        .select(webhooks::id)
        .load(view.conn)?)
}

fn meant(
    view: &mut View<'_>,
    target: &Target,
    at: Instant,
    absences: &Absences,
) -> Result<Vec<(UserId, Option<Because>)>> {
    Ok(match target {
        Target::Person(user) => vec![(*user, None)],
        Target::Role(role) => with_role(view, *role)?.into_iter().map(|user| (user, None)).collect(),
        Target::Schedule(id) => match versions::in_force::<Duty>(view, id, at)? {
            None => Vec::new(),
            Some(duty) => {
                let on_call = duty.body.schedule.at(at, absences.in_schedule(id));
                on_call.into_iter().map(|(user, because)| (user, Some(because))).collect()
            }
        },
        Target::Team(id) => match versions::in_force::<Team>(view, id, at)? {
            None => Vec::new(),
            Some(team) => team.body.members.into_iter().map(|user| (user, None)).collect(),
        },
    })
}

/// Everybody of a role who may sign in.
///
/// # Errors
/// Database errors.
pub fn with_role(view: &mut View<'_>, role: Role) -> Result<Vec<UserId>> {
    let ids: Vec<String> = users::table
        .filter(users::role.eq(role.name()).and(users::disabled_at.is_null()))
        .order(users::id)
        .select(users::id)
        .load(view.conn)?;
    let read = |id: String| id.parse().map_err(|_not_an_id| Error::corrupt("users.id").in_row(&id));
    ids.into_iter().map(read).collect()
}

fn unfit(view: &mut View<'_>, user: UserId, certificate: bool, at: Instant) -> Result<Option<LeftOut>> {
    let id = user.to_string();
    let enabled = users::table.filter(users::id.eq(&id).and(users::disabled_at.is_null()));
    let found: Option<(String, Option<i64>)> =
        enabled.select((users::role, users::held_at)).first(view.conn).optional()?;
    let Some((role, held_at)) = found else { return Ok(Some(LeftOut::Disabled)) };
    if held_at.is_some() {
        return Ok(Some(LeftOut::Held));
    }
    if !Role::from_name(&role).is_some_and(|role| Can::AnswerCalls.held_by(role)) {
        return Ok(Some(LeftOut::CannotAnswer));
    }
    if !certificate {
        return Ok(None);
    }
    let until: Option<i64> =
        certificates::table.find(&id).select(certificates::valid_until).get_result(view.conn).optional()?;
    Ok(until.is_none_or(|until| until <= at.micros()).then_some(LeftOut::NoCertificate))
}

/// Everybody's certificate, for the linter: until when each is valid.
///
/// # Errors
/// Database errors.
pub(crate) fn certified(view: &mut View<'_>) -> Result<BTreeMap<UserId, Instant>> {
    let rows: Vec<(String, i64)> =
        certificates::table.select((certificates::user_id, certificates::valid_until)).load(view.conn)?;
    let read = |(id, until): (String, i64)| {
        let id = id.parse().map_err(|_not_an_id| Error::corrupt("certificates.user_id").in_row(&id))?;
        Ok((id, Instant::from_micros(until)))
    };
    rows.into_iter().map(read).collect()
}
