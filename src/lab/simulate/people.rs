//! What simulated people do: they hear of an alert after a while or not at all, answer, forget, wait for the patient,
//! resolve. Each draws from a stream of their own, so that the same seed tells the same story.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::chance::Chance;
use super::clinic::Clinic;
use super::wire::Announcement;
use domain::alerts::{Act, AlertState, Outcome};
use domain::calendars::Calendar;
use domain::sla::{self, PauseReason};
use domain::{AlertId, Instant, Level, Role, UserId};
use store::alerts::{self, StoredAlert};
use store::{Actor, Store, sla as clocks};

/// Something that somebody will do.
#[derive(Debug, Clone, Copy)]
enum Plan {
    Answer { alert: AlertId, who: UserId, role: Role },
    Resume { alert: AlertId, who: UserId, role: Role },
    Resolve { alert: AlertId, who: UserId, role: Role },
}

/// What is known of an alert.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// The same for the same seed.
    key: u64,
    /// How often somebody was called for it.
    calls: u64,
    called_at: Option<Instant>,
}

/// Everybody who answers.
pub(super) struct People {
    seed: u64,
    office: Calendar,
    plans: BTreeMap<(Instant, u64), Plan>,
    numbered: u64,
    known: HashMap<AlertId, Known>,
}

fn minutes(n: u32) -> Duration {
    Duration::from_secs(60 * u64::from(n))
}

impl People {
    pub(super) fn new(seed: u64) -> Self {
        let [_, (_, office)] = sla::calendars();
        Self { seed, office, plans: BTreeMap::new(), numbered: 0, known: HashMap::new() }
    }

    /// When somebody does something next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.plans.keys().next().map(|(at, _)| *at)
    }

    /// An alert changed: a new one comes to the desk.
    pub(super) fn see(&mut self, clinic: &Clinic, stored: &StoredAlert) {
        if self.known.contains_key(&stored.id()) || stored.retrospective {
            return;
        }
        let key = key_of(clinic, stored);
        self.known.insert(stored.id(), Known { key, calls: 0, called_at: None });
        if stored.case.facts.peak == Level::Red {
            return;
        }
        let mut chance = Chance::of(self.seed, key, 10);
        let worked = match chance.below(100) {
            0..70 => chance.between(5, 90),
            70..85 => chance.between(200, 420),
            _ => return,
        };
        let at = self.office.add(stored.raised_at, minutes(worked));
        let Some(at) = at else { return };
        if let Some((who, role)) = clinic.some(Role::Agent, at, &mut chance) {
            self.plan(at, Plan::Answer { alert: stored.id(), who, role });
        }
    }

    /// Messages reached people: some will answer.
    pub(super) fn hear(&mut self, clinic: &Clinic, mut announcements: Vec<Announcement>) {
        announcements.sort_by_key(|announcement| {
            (
                announcement.at,
                self.known.get(&announcement.alert).map(|known| known.key),
                clinic.place(announcement.user),
            )
        });
        for Announcement { at, alert, user } in announcements {
            let Some(known) = self.known.get_mut(&alert) else { continue };
            if known.called_at != Some(at) {
                (known.calls, known.called_at) = (known.calls + 1, Some(at));
            }
            let (key, calls) = (known.key, known.calls);
            let Some(place) = clinic.place(user) else { continue };
            // Some nights nobody hears the telephone.
            let deaf = Chance::of(self.seed, key, 11).percent(4) && calls < 8;
            let mut chance = Chance::of(self.seed, key, 1_000 + 64 * calls + place);
            if deaf || !chance.percent(45) {
                continue;
            }
            let then = at.plus(minutes(chance.between(1, 9)));
            let role = clinic.staff.iter().find(|(id, _)| *id == user).map(|(_, role)| *role);
            let who = match role {
                Some(role @ (Role::Agent | Role::Clinician)) if !clinic.is_away(user, then) => {
                    Some((user, role))
                }
                // Who may not answer themselves, or is away, sends somebody who may.
                _ => clinic.some(Role::Clinician, then, &mut chance),
            };
            if let Some((who, role)) = who {
                self.plan(then, Plan::Answer { alert, who, role });
            }
        }
    }

    /// Does what is due. What somebody meant to do who is away by then, a colleague does.
    ///
    /// # Errors
    /// Database errors.
    pub(super) fn act(&mut self, clinic: &Clinic, store: &Store, now: Instant) -> store::Result<()> {
        while self.next().is_some_and(|at| at <= now) {
            let Some((_, plan)) = self.plans.pop_first() else { break };
            let there = |alert: AlertId, who: UserId, role: Role| {
                let key = self.known.get(&alert).map_or(0, |known| known.key);
                let mut chance = Chance::of(self.seed, key, 14);
                let colleague = clinic.is_away(who, now).then(|| clinic.some(role, now, &mut chance));
                colleague.flatten().unwrap_or((who, role))
            };
            match plan {
                Plan::Answer { alert, who, role } => {
                    let (who, role) = there(alert, who, role);
                    self.answer(store, now, alert, who, role)?;
                }
                Plan::Resume { alert, who, role } => {
                    let (who, role) = there(alert, who, role);
                    let actor = Actor::User { id: who, role };
                    unless_refused(store.write(actor, now, |tx| clocks::resume(tx, alert).map(drop)))?;
                }
                Plan::Resolve { alert, who, role } => {
                    let (who, role) = there(alert, who, role);
                    let key = self.known.get(&alert).map_or(0, |known| known.key);
                    let real = Chance::of(self.seed, key, 12).percent(70);
                    let outcome = if real { Outcome::TrueAlarm } else { Outcome::FalseAlarm };
                    acted(store, now, alert, who, role, Act::Resolve { outcome })?;
                }
            }
        }
        Ok(())
    }

    fn answer(
        &mut self,
        store: &Store,
        now: Instant,
        alert: AlertId,
        who: UserId,
        role: Role,
    ) -> store::Result<()> {
        let stored = store.read(|view| alerts::get(view, alert))?;
        if stored.case.state != AlertState::Open || !acted(store, now, alert, who, role, Act::Ack)? {
            return Ok(());
        }
        let known = self.known.get(&alert);
        let (key, calls) = known.map_or((0, 0), |known| (known.key, known.calls));
        let mut chance = Chance::of(self.seed, key, 13 + 64 * calls);
        if chance.percent(8) {
            // Answered and forgotten.
            return Ok(());
        }
        if stored.case.facts.peak < Level::Red && chance.percent(15) {
            let actor = Actor::User { id: who, role };
            let pause =
                |tx: &mut store::Tx<'_>| clocks::pause(tx, alert, PauseReason::WaitingPatient).map(drop);
            if unless_refused(store.write(actor, now, pause))? {
                self.plan(now.plus(minutes(1_440)), Plan::Resume { alert, who, role });
                self.plan(now.plus(minutes(1_500)), Plan::Resolve { alert, who, role });
                return Ok(());
            }
        }
        let takes = if stored.case.facts.peak == Level::Red { 25 } else { 300 };
        let then = now.plus(minutes(chance.between(4, takes)));
        self.plan(then, Plan::Resolve { alert, who, role });
        Ok(())
    }

    fn plan(&mut self, at: Instant, plan: Plan) {
        self.numbered += 1;
        self.plans.insert((at, self.numbered), plan);
    }
}

/// The same for the same seed: ids are not.
fn key_of(clinic: &Clinic, stored: &StoredAlert) -> u64 {
    let patient = clinic.numbers.get(&stored.case.patient).copied().unwrap_or(0);
    let started = u64::try_from(stored.case.facts.started_at.secs()).unwrap_or(0);
    let rule = stored.episode.rule.bytes().fold(0_u64, |sum, byte| sum * 31 + u64::from(byte));
    Chance::of(patient, started, rule).draw()
}

/// Says whether the case took it.
fn acted(
    store: &Store,
    now: Instant,
    alert: AlertId,
    who: UserId,
    role: Role,
    what: Act,
) -> store::Result<bool> {
    unless_refused(store.write(Actor::User { id: who, role }, now, |tx| {
        alerts::acted(tx, alert, who, what, None).map(drop).map_err(|refused| match refused {
            alerts::Refused::Store(error) => error,
            alerts::Refused::NotCalled | alerts::Refused::Unable => {
                store::Error::Conflict("they may not answer it")
            }
            alerts::Refused::Away { .. } => store::Error::Conflict("they are away"),
            alerts::Refused::Act(_) => store::Error::Conflict("the case does not take it"),
        })
    }))
}

/// What the house refuses is no fault of the simulation: people try what is not possible any more.
fn unless_refused(done: store::Result<()>) -> store::Result<bool> {
    match done {
        Ok(()) => Ok(true),
        Err(store::Error::Conflict(_) | store::Error::Refused { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
