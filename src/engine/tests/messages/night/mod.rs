//! Bad nights at random: reds, mailboxes that put off, hang and refuse for good, outages, answers, absences, turns that
//! are swapped, somebody who is shut out, programs that are down, hang or are gone; on PostgreSQL two nodes. Whatever
//! comes together, each red is handed over within its minute to who can be reached, nobody is told the same twice, and
//! an outage ends in few messages.
//!
//! `ZELO_TEST_NIGHTS=1-40` lives other nights than the gate does, `17-17` one of them again.

mod law;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::mail::{Mail, Mailbox};
use crate::escalation::Escalate;
use crate::health::auditor::Auditor;
use crate::messages::outbox::{Breakers, Outbox};
use crate::tests::ward::{Ward, raise, wards};
use crate::{Module as _, Status};
use domain::alerts::{Act, Outcome};
use domain::escalation::{Policy, Target};
use domain::on_call::Length;
use domain::time::civil::{Window, Zone};
use domain::{AlertId, Instant, Role, StaffIdentity, UserId};
use notify::Channel;
use store::messages::webhooks;
use store::on_call::swaps::{Asked, Word};
use store::on_call::testing::{duty, person, rotation};
use store::on_call::{absences, swaps};
use store::people::users;
use store::testing::NOW;
use store::{Actor, Error, Store, Tx, Urgency, Url, alerts, escalation, versions};

/// Seconds of one step, steps of a minute, and steps of a night.
const STEP: u64 = 5;
const MINUTE: u64 = 60 / STEP;
const STEPS: u64 = 30 * MINUTE;
/// The nights that the gate lives.
const NIGHTS: std::ops::RangeInclusive<u64> = 1..=3;

/// Who has the turn, until it is swapped; who calls nobody any more from some step on; who takes the turn.
const FIRST: usize = 0;
const THIRD: usize = 2;
const TAKER: usize = 4;
const PEOPLE: usize = 5;
/// At most so many mailboxes refuse for good.
const REFUSING: usize = 2;

const SCHEDULE: &str = "night";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Programs: one is always well, one is down and hangs at times, one is gone from some step on.
const WELL: &str = "https://bem.example/hook";
const ILL: &str = "https://mal.example/hook";
const GONE: &str = "https://fora.example/hook";

/// Numbers that look random and are the same each time (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }

    fn one_in(&mut self, most: u64) -> bool {
        self.below(most) == 0
    }
}

fn second(n: u64) -> Instant {
    NOW.plus(Duration::from_secs(n))
}

fn address(who: usize) -> String {
    let domain = if who == TAKER { "example.net" } else { "example.org" };
    format!("p{who}@{domain}")
}

/// A process: its own escalation, auditor and outboxes, and what reached the mail server and the programs from it.
struct Node {
    progress: Escalate,
    auditor: Auditor,
    post: Outbox,
    calls: Outbox,
    mail: Arc<Mail>,
    programs: Arc<Mail>,
}

impl Node {
    fn on(store: &Store) -> Self {
        let (mail, programs) = (Arc::new(Mail::default()), Arc::new(Mail::of_programs()));
        let out = |channel: Arc<dyn Channel>| {
            let base_url = "https://zelo.example".to_owned();
            let post = Outbox::new(store.clone(), channel, Breakers::default(), base_url);
            post.hearing_for(Duration::from_millis(5))
        };
        Self {
            progress: Escalate::new(store.clone()),
            auditor: Auditor::new(store.clone(), Status::default()),
            post: out(Arc::<Mail>::clone(&mail)),
            calls: out(Arc::<Mail>::clone(&programs)),
            mail,
            programs,
        }
    }

    /// One cycle. Says whether there is more to do: what hangs is waited for in driven time alone.
    fn cycle(&mut self, now: Instant) -> bool {
        let mut more = self.progress.run(now).unwrap().more;
        for post in [&mut self.post, &mut self.calls] {
            more |= post.run(now).unwrap().more;
        }
        more || self.post.under_way() > self.mail.hanging()
            || self.calls.under_way() > self.programs.hanging()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.mail.lets_go();
        self.programs.lets_go();
    }
}

/// A red by the account of the night: when it came, and when somebody first did something with it.
#[derive(Clone, Copy)]
struct Red {
    raised: Instant,
    touched: Option<Instant>,
}

/// What the night was like, step by step, by its own account.
#[derive(Default)]
struct Diary {
    reds: BTreeMap<AlertId, Red>,
    /// When the provider was away, and when each mailbox put off or hung.
    away: BTreeSet<u64>,
    sick: BTreeSet<(usize, u64)>,
    /// Since when a mailbox refuses for good.
    refuses: BTreeMap<usize, u64>,
    /// When the first was noted as away, and when the turn was another's.
    absent: BTreeSet<u64>,
    swapped: BTreeSet<u64>,
    /// When the third was shut out, and when a program was gone.
    out: Option<u64>,
    gone: Option<u64>,
}

struct Night {
    ward: Ward,
    nodes: Vec<Node>,
    dice: Dice,
    open: BTreeSet<AlertId>,
    manager: UserId,
    admin: UserId,
    diary: Diary,
    /// Until which step the provider is away, the first is absent, the turn is another's, each mailbox and the program
    /// are ill.
    away: u64,
    absent: u64,
    swapped: u64,
    sick: [(u64, Mailbox); PEOPLE],
    ill: (u64, Mailbox),
}

impl Night {
    fn begin(mut ward: Ward, seed: u64) -> Self {
        ward.sends_e_mail();
        ward.act(1, Act::Resolve { outcome: Outcome::TrueAlarm }, NOW);
        let (manager, admin) = (person(&ward.home, Role::Manager), person(&ward.home, Role::Admin));
        let identity =
            StaffIdentity { name: "Bia Reis".parse().unwrap(), email: address(TAKER).parse().unwrap() };
        let new = users::NewUser { identity, role: Role::Clinician, password: None, patient: None };
        let taker = ward.home.write(Actor::Operator, NOW, |tx| users::insert(tx, &new)).unwrap().id;
        ward.people.push(taker);
        let house = |tx: &mut Tx<'_>| {
            let begins = Zone::SAO_PAULO.local(NOW.minus(Duration::from_secs(3_600)));
            let turns = rotation(begins, Length::Days(1), &[ward.people[FIRST], taker]);
            versions::publish(tx, SCHEDULE, &duty(vec![turns]), 0)?;
            let mut policy = versions::in_force::<Policy>(tx, escalation::RED, NOW)?.unwrap();
            policy.body.steps[0].targets = vec![Target::Schedule(SCHEDULE.to_owned())];
            versions::publish(tx, escalation::RED, &policy.body, policy.version)?;
            [WELL, ILL, GONE].into_iter().try_for_each(|url| webhooks::insert(tx, url, SECRET).map(drop))
        };
        ward.home.keep_house(Urgency::Urgent, "test", NOW, house).unwrap();
        let mut nodes = vec![Node::on(&ward.home)];
        if !matches!(ward.home.url(), Url::Sqlite(_)) {
            nodes.push(Node::on(&ward.home.reopened().unwrap()));
        }
        Self {
            ward,
            nodes,
            dice: Dice(seed),
            open: BTreeSet::new(),
            manager,
            admin,
            diary: Diary::default(),
            away: 0,
            absent: 0,
            swapped: 0,
            sick: [(0, Mailbox::Takes); PEOPLE],
            ill: (0, Mailbox::Takes),
        }
    }

    fn live(&mut self) {
        for step in 0..STEPS {
            let now = second(step * STEP);
            self.mailboxes(step);
            self.programs(step);
            self.people(step, now);
            if self.dice.one_in(10) {
                for _ in 0..=self.dice.below(4) {
                    let case = raise(&self.ward.home, now);
                    self.diary.reds.insert(case, Red { raised: now, touched: None });
                    self.open.insert(case);
                }
            }
            self.answers(now);
            self.nodes.rotate_left(1);
            for node in &self.nodes {
                node.mail.it_is(now);
                node.programs.it_is(now);
            }
            // Each node has its turn, until none has anything left to do.
            while self.nodes.iter_mut().filter_map(|node| node.cycle(now).then_some(())).count() > 0 {}
            if step % MINUTE == 0 {
                for node in &mut self.nodes {
                    node.auditor.run(now).unwrap();
                }
            }
        }
    }

    fn mailboxes(&mut self, step: u64) {
        if self.away <= step && self.dice.one_in(120) {
            self.away = step + 1 + self.dice.below(100);
        }
        if step < self.away {
            self.diary.away.insert(step);
        }
        self.nodes.iter().for_each(|node| node.mail.goes_away(step < self.away));
        for who in 0..PEOPLE {
            if self.sick[who].0 <= step && self.dice.one_in(100) {
                let how = if self.dice.one_in(2) { Mailbox::Defers } else { Mailbox::Hangs };
                self.sick[who] = (step + 1 + self.dice.below(80), how);
            }
            let refuses = self.dice.one_in(150) && step > STEPS / 4 && self.diary.refuses.len() < REFUSING;
            if refuses {
                self.diary.refuses.entry(who).or_insert(step);
            }
            let is = if self.diary.refuses.contains_key(&who) {
                Mailbox::Refuses
            } else if step < self.sick[who].0 {
                self.diary.sick.insert((who, step));
                self.sick[who].1
            } else {
                Mailbox::Takes
            };
            self.nodes.iter().for_each(|node| node.mail.is(&address(who), is));
        }
    }

    fn programs(&mut self, step: u64) {
        if self.ill.0 <= step && self.dice.one_in(60) {
            let how = if self.dice.one_in(2) { Mailbox::Defers } else { Mailbox::Hangs };
            self.ill = (step + 1 + self.dice.below(80), how);
        }
        if self.diary.gone.is_none() && step > STEPS / 4 && self.dice.one_in(40) {
            self.diary.gone = Some(step);
        }
        let ill = if step < self.ill.0 { self.ill.1 } else { Mailbox::Takes };
        for node in &self.nodes {
            node.programs.is(ILL, ill);
            node.programs.is(GONE, self.diary.gone.map_or(Mailbox::Takes, |_| Mailbox::Refuses));
        }
    }

    /// Absences and swaps of the first of the policy, and the third is shut out.
    fn people(&mut self, step: u64, now: Instant) {
        let home = &self.ward.home;
        if self.absent <= step && self.dice.one_in(90) {
            self.absent = step + 2 * MINUTE + self.dice.below(60);
            let within = Window { from: now, to: second(self.absent * STEP) };
            let first = self.ward.people[FIRST];
            home.write(Actor::Operator, now, |tx| absences::note(tx, first, within, &[]).map(drop)).unwrap();
        }
        if self.swapped <= step && self.dice.one_in(60) {
            let until = step + 2 * MINUTE + self.dice.below(60);
            let window = Window { from: now, to: second(until * STEP) };
            let offered_to_all = self.dice.one_in(2);
            if self.swap(window, offered_to_all, now) {
                self.swapped = until;
            }
        }
        if step < self.absent {
            self.diary.absent.insert(step);
        }
        if step < self.swapped {
            self.diary.swapped.insert(step);
        }
        if self.diary.out.is_none() && step > STEPS / 3 && self.dice.one_in(60) {
            let third = self.ward.people[THIRD];
            let shut_out = |tx: &mut Tx<'_>| users::disable(tx, third).map(drop);
            self.ward.home.write(Actor::Operator, now, shut_out).unwrap();
            self.diary.out = Some(step);
        }
    }

    /// The first gives the turn away, and it is taken. Whoever is away has none to give.
    fn swap(&self, window: Window, offered_to_all: bool, now: Instant) -> bool {
        let (giver, taker) = (self.ward.people[FIRST], self.ward.people[TAKER]);
        let by = |id| Actor::User { id, role: Role::Clinician };
        let asked = Asked { giver, taker: (!offered_to_all).then_some(taker), window, back: None };
        match self.ward.home.write(by(giver), now, |tx| swaps::ask(tx, SCHEDULE, &asked)) {
            Ok(swap) => {
                let taken = |tx: &mut Tx<'_>| swaps::answer(tx, swap.id, Word::Accept).map(drop);
                self.ward.home.write(by(taker), now, taken).unwrap();
                true
            }
            Err(Error::Refused { .. }) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// The second settles a case, claims it, or hands it to the last of the policy.
    fn answers(&mut self, now: Instant) {
        let waits: Vec<AlertId> = self.open.iter().copied().collect();
        if waits.is_empty() || !self.dice.one_in(20) {
            return;
        }
        let most = u64::try_from(waits.len()).unwrap();
        let case = waits[usize::try_from(self.dice.below(most)).unwrap()];
        let what = match self.dice.below(4) {
            0 => Act::Claim,
            1 => Act::Reassign { to: self.ward.people[3] },
            _ => Act::Resolve { outcome: Outcome::TrueAlarm },
        };
        if self.act(case, what, now) {
            self.diary.reds.get_mut(&case).unwrap().touched.get_or_insert(now);
            if matches!(what, Act::Resolve { .. }) {
                self.open.remove(&case);
            }
        }
    }

    /// Says whether the case took it: another may have it.
    fn act(&self, case: AlertId, what: Act, now: Instant) -> bool {
        let id = self.ward.people[1];
        let acted = |tx: &mut Tx<'_>| -> store::Result<()> {
            alerts::acted(tx, case, id, what, None).map(drop).map_err(|refused| match refused {
                alerts::Refused::Store(error) => error,
                _ => Error::Conflict("refused"),
            })
        };
        match self.ward.home.write(Actor::User { id, role: Role::Clinician }, now, acted) {
            Ok(()) => true,
            Err(Error::Conflict("refused")) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

fn nights() -> std::ops::RangeInclusive<u64> {
    #[expect(clippy::disallowed_methods, reason = "which nights, only the runner knows")]
    let asked = std::env::var("ZELO_TEST_NIGHTS");
    let Ok(asked) = asked else { return NIGHTS };
    let (from, to) = asked.split_once('-').expect("nights as in 1-40");
    from.parse().unwrap()..=to.parse().unwrap()
}

#[test]
fn a_bad_night_hands_over_every_red_within_its_minute_and_nobody_gets_the_same_twice() {
    let mut seen = law::Seen::default();
    for seed in nights() {
        for ward in wards() {
            let mut night = Night::begin(ward, seed);
            night.live();
            night.check(seed, &mut seen);
        }
    }
    seen.is_enough();
}
