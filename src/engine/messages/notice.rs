//! Messages from the program to its managers: one to each, on every channel except those that the message is itself
//! about.

use std::time::Duration;

use domain::escalation::{Step, Target};
use domain::messages::{Channel, Class};
use domain::{Can, Instant, Role};
use store::Tx;
use store::escalation::paging::{self, Finder};
use store::messages::{self, About};

/// A message to the managers.
pub(crate) struct Notice<'a> {
    /// The key: a notice with a key that was planned before is not planned again.
    pub key: String,
    /// The class of message.
    pub class: Class,
    /// The template.
    pub template: &'a str,
    /// What the template's variables stand for.
    pub variables: serde_json::Value,
    /// What it is about.
    pub about: About<'a>,
    /// How long it is worth sending.
    pub lasts: Duration,
    /// Channels that it is about: on those it would be as late as what it reports.
    pub not_by: &'a [Channel],
}

/// Plans it for the duty manager, the managers and these roles. Returns how many messages were planned.
///
/// # Errors
/// Database errors.
pub(crate) fn send(tx: &mut Tx<'_>, also: &[Role], notice: &Notice<'_>) -> store::Result<usize> {
    let now: Instant = tx.now();
    let mut targets = vec![Target::Schedule("duty_manager".into()), Target::Role(Role::Manager)];
    let (called, informed_only): (Vec<Role>, Vec<Role>) =
        also.iter().copied().partition(|role| Can::AnswerCalls.held_by(*role));
    targets.extend(called.into_iter().map(Target::Role));
    let step = Step { targets, minutes: 1, certificate: false, skip_if_empty: true };
    let mut finder = Finder::default();
    let mut people = finder.find(tx, &step, now)?;
    // A step leaves out whoever may not answer an alert. This is no alert: administrators and the DPO are told all the same.
    for role in informed_only {
        people.extend(paging::with_role(tx, role)?);
    }
    let ways = finder.ways(tx, &people)?;
    let mut announced = 0;
    for (channel, recipient) in ways.into_iter().filter(|(channel, _)| !notice.not_by.contains(channel)) {
        let new = messages::New {
            key: format!("{}:{recipient}:{}", notice.key, channel.name()),
            class: notice.class,
            channel,
            recipient,
            template: notice.template,
            variables: notice.variables.clone(),
            about: notice.about.clone(),
            due_at: now,
            not_after: now.plus(notice.lasts),
        };
        announced += usize::from(messages::plan(tx, &new)?);
    }
    Ok(announced)
}
