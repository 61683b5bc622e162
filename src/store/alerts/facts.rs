//! The facts of alerts: raised, answered, resolved, opened again.

use super::StoredAlert;
use crate::db::tx::Tx;
use crate::kpis::facts::append;
use domain::alerts::{AlertCase, AlertState, Outcome};
use domain::kpis::{Amount, Dimension, Fact, Kind};
use rules::Episode;

/// The version that an alert opens with; each change counts it up, so that a version is an occurrence.
const FIRST: i64 = 1;

/// Judgement opened an alert.
pub(super) fn raised(tx: &mut Tx<'_>, case: &AlertCase, episode: &Episode, retrospective: bool) {
    let now = tx.now();
    let timing = if retrospective { "retrospective" } else { "in_time" };
    let fact = of(Kind::AlertRaised, case, episode, FIRST, now).with(Dimension::Timing, timing);
    append(tx, fact.amounting(Amount::took(now.since(case.facts.started_at))));
}

/// An alert's row was changed.
pub(super) fn changed(tx: &mut Tx<'_>, old: &StoredAlert, next: &StoredAlert) {
    let now = tx.now();
    let fact = |kind| of(kind, &next.case, &next.episode, next.version, now);
    let waited = Amount::took(now.since(next.raised_at));
    // Those that a merged alert brings along were facts when they were given.
    let answers = old.case.acknowledgements.len();
    if let Some(answer) = next.case.acknowledgements.get(answers..).and_then(<[_]>::last)
        && answer.at == now
    {
        let answered = fact(Kind::AlertAcknowledged).by(Some(answer.by));
        append(
            tx,
            match answers {
                0 => answered.with(Dimension::Turn, "first").amounting(waited),
                _ => answered.with(Dimension::Turn, "again"),
            },
        );
    }
    let is_done = |alert: &StoredAlert| alert.case.state == AlertState::Resolved;
    match (is_done(old), is_done(next)) {
        (false, true) => {
            let outcome = next.case.outcome.map_or("ended", Outcome::name);
            let resolved = fact(Kind::AlertResolved).by(next.case.resolved_by);
            append(tx, resolved.with(Dimension::Outcome, outcome).amounting(waited));
        }
        (true, false) => append(tx, fact(Kind::AlertReopened)),
        (true, true) => {
            if let (None, Some(outcome)) = (old.case.outcome, next.case.outcome) {
                let labelled = fact(Kind::AlertLabelled).by(next.case.resolved_by);
                append(tx, labelled.with(Dimension::Outcome, outcome.name()));
            }
        }
        (false, false) => {}
    }
}

fn of(kind: Kind, case: &AlertCase, episode: &Episode, version: i64, now: domain::Instant) -> Fact {
    Fact::new(kind, case.id, version, now)
        .of(Some(case.patient))
        .with(Dimension::Rule, &episode.rule)
        .with(Dimension::Level, case.facts.peak.name())
}
