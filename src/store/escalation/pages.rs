//! The messages of escalation steps.

use super::Advanced;
use super::paging::Finder;
use crate::db::error::Result;
use crate::db::tx::Tx;
use crate::messages::{self, About, New, PAGE_LASTS};
use domain::escalation::{self, Did};
use domain::messages::{Channel, Class};

/// Plans the messages of escalation steps: to each person on every channel that reaches them, and to every webhook. An
/// escalation whose ground was denied sends nothing.
///
/// # Errors
/// Database errors.
pub fn page(tx: &mut Tx<'_>, advanced: &[Advanced], finder: &mut Finder) -> Result<()> {
    let mut pages = Vec::new();
    for one in advanced {
        for did in &one.did {
            pages.extend(pages_of(tx, one, did, finder)?);
        }
    }
    let again = advanced.iter().filter(|one| one.from.run.step.is_some());
    messages::plan_pages(tx, pages, &again.map(|one| one.from.subject.as_str()).collect())
}

fn pages_of<'a>(
    tx: &mut Tx<'_>,
    Advanced { from, run, ground, .. }: &'a Advanced,
    did: &Did,
    finder: &mut Finder,
) -> Result<Vec<(New<'a>, i64)>> {
    let (step, people) = match did {
        Did::Paged { step, people, .. } => (*step, people),
        Did::Joined { step, people, .. } => (Some(*step), people),
        _ => return Ok(Vec::new()),
    };
    let Ok(ground) = ground else { return Ok(Vec::new()) };
    let now = tx.now();
    // A person who is handed a case is called outside the steps, which says nothing about who was called before.
    let template = match (step, run.round) {
        (None, _) if run.state == escalation::State::NobodyReached => "nobody_reached",
        (_, 0) => "page",
        (_, _) => "page_repeat",
    };
    let version = finder.template(tx, template)?;
    let page = |(channel, recipient): (Channel, String)| {
        let new = New {
            key: format!("esc:{}:{}:{recipient}:{}", from.id, run.fence, channel.name()),
            class: Class::Clinical,
            channel,
            recipient,
            template,
            variables: serde_json::json!({
                "link": format!("/{}s/{}", from.kind, from.subject),
                "since": from.started_at.to_string(),
                "repetition": u32::from(run.round) + 1,
            }),
            about: About::patient(*ground, &from.kind, &from.subject),
            due_at: now,
            not_after: now.plus(PAGE_LASTS),
        };
        (new, version)
    };
    Ok(finder.ways(tx, people)?.into_iter().map(page).collect())
}
