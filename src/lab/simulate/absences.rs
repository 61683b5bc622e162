//! Holidays and days of illness of the simulated staff: each notes their own as the month begins, and some find somebody who
//! stands in.

use std::time::Duration;

use super::Plan;
use super::chance::Chance;
use crate::error::Result;
use domain::on_call::Cover;
use domain::time::civil::Window;
use domain::{Instant, Role, UserId};
use store::on_call::absences;
use store::{Actor, Store, Tx};

const DAY: Duration = Duration::from_secs(86_400);
/// Who draws absences: those who are on call or answer.
const ROLES: [Role; 4] = [Role::Agent, Role::Technician, Role::Clinician, Role::Manager];

/// Draws and notes them. Says who is away when.
///
/// # Errors
/// The store refuses.
pub(super) fn draw(
    store: &Store,
    staff: &[(UserId, Role)],
    plan: &Plan,
    begin: Instant,
) -> Result<Vec<(UserId, Window)>> {
    let mut drawn: Vec<(UserId, Window)> = Vec::new();
    for (place, (user, role)) in (0_u64..).zip(staff) {
        let mut chance = Chance::of(plan.seed, place, 20);
        if !ROLES.contains(role) || !chance.percent(50) {
            continue;
        }
        let from = begin.plus(DAY * chance.below(plan.days));
        let within = Window { from, to: from.plus(DAY * chance.between(1, 7)) };
        let covered = chance.percent(60);
        let colleagues: Vec<UserId> = staff
            .iter()
            .filter(|(other, other_role)| other_role == role && other != user)
            .map(|(other, _)| *other)
            .filter(|other| drawn.iter().all(|(away, at)| away != other || at.meet(within).is_none()))
            .collect();
        let place = usize::try_from(chance.draw() % 64).unwrap_or(0) % colleagues.len().max(1);
        let cover = colleagues.get(place).copied().filter(|_| covered);
        let actor = Actor::User { id: *user, role: *role };
        store.write(actor, begin, |tx| note(tx, *user, within, cover))?;
        drawn.push((*user, within));
    }
    Ok(drawn)
}

fn note(tx: &mut Tx<'_>, user: UserId, within: Window, cover: Option<UserId>) -> store::Result<()> {
    let now = tx.now();
    let turns = absences::turns_of(tx, user, within, now)?;
    let covers: Vec<Cover> = match cover {
        Some(by) => turns
            .into_iter()
            .map(|(schedule, window)| Cover { schedule, from: window.from, to: window.to, by })
            .collect(),
        None => Vec::new(),
    };
    match absences::note(tx, user, within, &covers) {
        // Whoever stands in for somebody else then has turns that are not theirs to give on.
        Err(store::Error::Refused { .. }) if !covers.is_empty() => absences::note(tx, user, within, &[]),
        noted => noted,
    }
    .map(drop)
}
