//! People, the engine and revocations at once: nothing waits in a circle, no act is refused for somebody else's sake.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Moment};

use consent::{Giver, Purpose};

use crate::Module as _;
use crate::health::clock::Watch;
use crate::messages::outbox::Breakers;
use crate::sla::Deadline;
use crate::tests::ward::{Ward, Wire, at, cycle, raise, wards};
use domain::alerts::Act;
use domain::{AlertId, Instant, Role};
use store::testing::{NOW, grant_one};
use store::{Actor, Error, Result, Store, Tx, Url, alerts, consents, escalation, sla};

const REDS: usize = 12;
const ROUNDS: u64 = 12;

/// Ends what runs beside a test, however the test ends.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn deed(n: usize, now: Instant) -> Act {
    match n % 4 {
        0 => Act::Ack,
        1 => Act::Claim,
        2 => Act::Snooze { until: now.plus(Duration::from_secs(20)) },
        _ => Act::Unack,
    }
}

/// One try: what PostgreSQL gives up shows.
fn once(store: &Store, actor: Actor, now: Instant, f: impl FnOnce(&mut Tx<'_>) -> Result<()>) -> Result<()> {
    store.once(actor, now, f)
}

/// People act while the engine escalates and clocks run out: no deadlock, no lost update, no 412.
#[test]
fn people_and_the_engine_at_once_never_wait_in_a_circle() {
    for ward in wards() {
        ward.sends_e_mail();
        ward.home.write(Actor::Operator, NOW, sla::seed).unwrap();
        let mut reds = vec![ward.alert];
        reds.extend((1..REDS).map(|_| raise(&ward.home, NOW)));
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let ends = Over(&over);
            let engine = scope.spawn(|| {
                let wire: std::sync::Arc<dyn notify::Channel> = std::sync::Arc::new(Wire::default());
                let mut clocks = Deadline::new((*ward.home).clone());
                let mut minute = 0;
                while !over.load(Ordering::Relaxed) {
                    minute += 1;
                    cycle(&ward.home, &wire, at(minute % 60)).unwrap();
                    clocks.run(at(minute % 60)).unwrap();
                }
            });
            let people: Vec<_> = (0..4)
                .map(|who| {
                    let (ward, reds) = (&ward, &reds);
                    scope.spawn(move || {
                        for round in 0..ROUNDS {
                            for (n, alert) in reds.iter().enumerate() {
                                act(ward, *alert, who, deed(n + who, at(round)), at(round)).unwrap();
                            }
                        }
                    })
                })
                .collect();
            people.into_iter().for_each(|one| one.join().unwrap());
            drop(ends);
            engine.join().unwrap();
        });
        let twice = ward.home.read(escalation::tally).unwrap();
        assert!(twice.steps > 0);
    }
}

/// The clock goes back while people act on what was planned ahead: nothing waits in a circle, and everything is brought
/// back, what somebody held just then too.
#[test]
fn a_clock_that_goes_back_waits_for_who_acts_and_brings_everything_back() {
    for ward in wards() {
        ward.sends_e_mail();
        ward.home.write(Actor::Operator, NOW, sla::seed).unwrap();
        let ahead = NOW.plus(Duration::from_secs(7_200));
        let reds: Vec<AlertId> = (0..REDS).map(|_| raise(&ward.home, ahead)).collect();
        let clock = domain::Clock::driven(ahead);
        let mut watch = Watch::new((*ward.home).clone(), clock.clone(), Breakers::default());
        watch.run(clock.now()).unwrap();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let ends = Over(&over);
            let people: Vec<_> = (0..4)
                .map(|who| {
                    let (ward, reds, over) = (&ward, &reds, &over);
                    scope.spawn(move || {
                        let mut round = 0;
                        while !over.load(Ordering::Relaxed) {
                            round += 1;
                            for (n, alert) in reds.iter().enumerate() {
                                act(ward, *alert, who, deed(n + who + round, NOW), NOW).unwrap();
                            }
                        }
                    })
                })
                .collect();
            clock.step(-7_200_000_000);
            for _ in 0..3 {
                watch.run(clock.now()).unwrap();
            }
            drop(ends);
            people.into_iter().for_each(|one| one.join().unwrap());
        });
        let left = ward.home.read(|view| store::health::clock::ahead(view, BACK, clock.now(), "")).unwrap();
        assert_eq!(left.len(), 0, "{left:?}");
        assert_eq!(ward.home.read(store::health::clock::pending).unwrap(), None);
    }
}

/// The step back of these tests.
const BACK: store::health::clock::Back = store::health::clock::Back::By(Duration::from_secs(7_200));

fn act(ward: &Ward, alert: AlertId, who: usize, what: Act, now: Instant) -> Result<()> {
    let id = ward.people[who];
    let done = once(&ward.home, Actor::User { id, role: Role::Clinician }, now, |tx| {
        match alerts::acted(tx, alert, id, what, Some("em exame")) {
            Ok(_) => Ok(()),
            Err(alerts::Refused::Store(error)) => Err(error),
            Err(_refused) => Err(Error::Conflict("the case does not take it")),
        }
    });
    match done {
        Err(Error::Conflict(_)) => Ok(()),
        done => done,
    }
}

/// A revocation while everybody acts on the alerts of that patient: it succeeds at its first try, and soon.
#[test]
fn a_revocation_is_never_refused_for_what_a_colleague_does() {
    for ward in wards() {
        let patient = ward.home.read(|view| alerts::get(view, ward.alert)).unwrap().case.patient;
        let over = AtomicBool::new(false);
        let mut took = Vec::new();
        std::thread::scope(|scope| {
            let _ends = Over(&over);
            for who in 0..3 {
                let (ward, over) = (&ward, &over);
                scope.spawn(move || {
                    let mut n = who;
                    while !over.load(Ordering::Relaxed) {
                        n += 1;
                        act(ward, ward.alert, who, deed(n, at(1)), at(1)).unwrap();
                    }
                });
            }
            for round in 0..20 {
                let now = at(2 + round);
                let purpose = if round < 19 { Purpose::AlertEscalate } else { Purpose::TelemetryCollect };
                let began = Moment::now();
                once(&ward.home, Actor::Operator, now, |tx| {
                    consents::revoke(tx, patient, purpose, &Giver::Subject.into()).map(drop)
                })
                .unwrap();
                took.push(began.elapsed());
                for purpose in Purpose::ASKED {
                    ward.home.write(Actor::Operator, now, |tx| grant_one(tx, patient, *purpose)).unwrap();
                }
            }
        });
        took.sort_unstable();
        assert!(took[took.len() - 1] < Duration::from_secs(5), "{took:?}");
    }
}

/// A colleague's act is under way, holding the alert, when the revocation comes.
#[test]
fn a_revocation_waits_for_an_act_under_way_and_then_stands() {
    for ward in wards() {
        if !matches!(ward.home.url(), Url::Postgres(_)) {
            continue;
        }
        let patient = ward.home.read(|view| alerts::get(view, ward.alert)).unwrap().case.patient;
        let (held, holds) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let colleague = scope.spawn(|| {
                let id = ward.people[0];
                once(&ward.home, Actor::User { id, role: Role::Clinician }, at(1), |tx| {
                    alerts::acted(tx, ward.alert, id, Act::Ack, None).unwrap();
                    held.send(()).unwrap();
                    std::thread::park_timeout(Duration::from_millis(300));
                    Ok(())
                })
            });
            holds.recv_timeout(Duration::from_secs(10)).unwrap();
            once(&ward.home, Actor::Operator, at(2), |tx| {
                consents::revoke(tx, patient, Purpose::TelemetryCollect, &Giver::Subject.into()).map(drop)
            })
            .unwrap();
            colleague.join().unwrap().unwrap();
        });
        let case = ward.home.read(|view| alerts::get(view, ward.alert)).unwrap().case;
        assert_eq!(case.outcome, Some(domain::Outcome::ConsentRevoked));
        assert_eq!(case.acknowledgements.len(), 1, "what the colleague did is kept");
    }
}
