//! Bad nights at random: reds, sick mailboxes, outages, answers, absences and somebody who is shut out. Whatever comes together, each red is handed over
//! within its minute to who can be reached, nobody is told the same twice, and an outage ends in few letters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::mail::{Arrived, Mail, Mailbox};
use super::ward::{Ward, raise, wards};
use crate::domain::alert::{Act, Outcome};
use crate::domain::civil::Window;
use crate::domain::message::mark;
use crate::domain::{AlertId, Instant};
use crate::engine::outbox::{Breakers, GATHERS, Outbox};
use crate::engine::{Module as _, Status, auditor::Auditor};
use crate::notify::Channel;
use crate::store::on_call::absences;
use crate::store::testing::NOW;
use crate::store::{Actor, Tx, users};

/// Seconds of one step, and steps of a night.
const STEP: u64 = 5;
const STEPS: u64 = 30 * 12;
const NIGHTS: u64 = 4;

/// Numbers that look random and are the same each time (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }
}

fn second(n: u64) -> Instant {
    NOW.plus(Duration::from_secs(n))
}

struct Night {
    ward: Ward,
    mail: Arc<Mail>,
    post: Outbox,
    dice: Dice,
    open: BTreeMap<AlertId, Instant>,
    /// When the provider was away, and when each mailbox was sick, by step.
    away: BTreeSet<u64>,
    sick: BTreeSet<(usize, u64)>,
    /// When the first of the ladder was noted as away.
    absent: BTreeSet<u64>,
    /// When the third was shut out for good.
    out: Option<u64>,
}

fn address(who: usize) -> String {
    format!("p{who}@example.org")
}

/// The marks of the cases that a letter tells of, as often as it does.
fn marks(letter: &Arrived) -> Vec<String> {
    let both = format!("{}\n{}", letter.subject, letter.text);
    let inside = both.split('[').skip(1).filter_map(|rest| rest.split_once(']'));
    inside.map(|(mark, _)| mark.to_owned()).collect()
}

impl Night {
    fn begin(ward: Ward, seed: u64) -> Self {
        ward.sends_e_mail();
        let mail = Arc::new(Mail::default());
        let channel: Arc<dyn Channel> = Arc::<Mail>::clone(&mail);
        let post =
            Outbox::new((*ward.home).clone(), channel, Breakers::default(), "https://zelo.example".into());
        let open = BTreeMap::from([(ward.alert, NOW)]);
        let (away, sick, absent) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self { ward, mail, post, dice: Dice(seed), open, away, sick, absent, out: None }
    }

    fn live(&mut self) {
        let mut auditor = Auditor::new((*self.ward.home).clone(), Status::default());
        let (mut away_until, mut sick_until, mut absent_until) = (0, [0_u64; 4], 0);
        for step in 0..STEPS {
            let now = second(step * STEP);
            if away_until <= step && self.dice.below(120) == 0 {
                away_until = step + 1 + self.dice.below(100);
            }
            self.mail.goes_away(step < away_until);
            if step < away_until {
                self.away.insert(step);
            }
            for (who, until) in sick_until.iter_mut().enumerate() {
                if *until <= step && self.dice.below(100) == 0 {
                    *until = step + 1 + self.dice.below(80);
                }
                let sick = step < *until;
                self.mail.is(&address(who), if sick { Mailbox::Defers } else { Mailbox::Takes });
                if sick {
                    self.sick.insert((who, step));
                }
            }
            if absent_until <= step && self.dice.below(90) == 0 {
                absent_until = step + 24 + self.dice.below(60);
                let within = Window { from: now, to: second(absent_until * STEP) };
                let first = self.ward.people[0];
                let note = |tx: &mut Tx<'_>| absences::note(tx, first, within, &[]).map(drop);
                self.ward.home.write(Actor::Operator, now, note).unwrap();
            }
            if step < absent_until {
                self.absent.insert(step);
            }
            if self.out.is_none() && step > STEPS / 3 && self.dice.below(60) == 0 {
                let third = self.ward.people[2];
                self.ward.home.write(Actor::Operator, now, |tx| users::disable(tx, third).map(drop)).unwrap();
                self.out = Some(step);
            }
            if self.dice.below(10) == 0 {
                for _ in 0..=self.dice.below(4) {
                    self.open.insert(raise(&self.ward.home, now), now);
                }
            }
            let waits: Vec<AlertId> = self.open.keys().copied().collect();
            if self.dice.below(30) == 0 && !waits.is_empty() {
                let most = u64::try_from(waits.len()).unwrap();
                let case = waits[usize::try_from(self.dice.below(most)).unwrap()];
                self.ward.act_on(case, 1, Act::Ack, now);
                self.ward.act_on(case, 1, Act::Resolve { outcome: Outcome::TrueAlarm }, now);
                self.open.remove(&case);
            }
            while self.ward.tick(now) > 0 || self.post.run(now).unwrap().more {}
            if step % 12 == 0 {
                auditor.run(now).unwrap();
            }
        }
    }

    /// Whether a person could be reached in each step of a stretch.
    fn well(&self, who: usize, steps: std::ops::RangeInclusive<u64>) -> bool {
        steps.into_iter().all(|step| !self.away.contains(&step) && !self.sick.contains(&(who, step)))
    }

    /// Says how many reds came while the first of the ladder was away.
    fn check(&self, seed: u64) -> usize {
        let (arrived, mut waited_for_nobody) = (self.mail.arrived(), 0);
        // Each red that still stands, to the first of the ladder, within its minute.
        for (case, raised) in &self.open {
            let step = raised.since(NOW).as_secs() / STEP;
            // Whoever was sick before is asked again after a minute at most.
            let lately = step.saturating_sub(60 / STEP)..=(step + 60 / STEP);
            if step + 60 / STEP >= STEPS || !self.well(0, lately) {
                continue;
            }
            let of = mark(&case.to_string());
            let told = arrived.iter().find(|one| one.to == address(0) && marks(one).contains(&of));
            let told = told.unwrap_or_else(|| panic!("seed {seed}: {of} was never told"));
            assert!(told.at.since(*raised) <= Duration::from_secs(60), "seed {seed}: {of} {told:?}");
            // Nobody waits for who is away: the second is called within that minute too.
            let mut whole = step..=(step + 60 / STEP);
            let around = step.saturating_sub(60 / STEP)..=(step + 60 / STEP);
            if whole.all(|step| self.absent.contains(&step)) && self.well(1, around) {
                let told = arrived.iter().find(|one| one.to == address(1) && marks(one).contains(&of));
                let told = told.unwrap_or_else(|| panic!("seed {seed}: {of} waited for who is away"));
                assert!(told.at.since(*raised) <= Duration::from_secs(60), "seed {seed}: {of} {told:?}");
                waited_for_nobody += 1;
            }
        }
        // Who was shut out is told nothing from then on.
        if let Some(out) = self.out {
            let late = self.mail.to(&address(2)).into_iter().find(|one| one.at > second(out * STEP));
            assert!(late.is_none(), "seed {seed}: {late:?}");
        }
        for who in 0..4 {
            let to = self.mail.to(&address(who));
            for letter in &to {
                let (all, once): (Vec<_>, BTreeSet<_>) = (marks(letter), marks(letter).into_iter().collect());
                assert_eq!(all.len(), once.len(), "seed {seed}: twice in one letter: {letter:?}");
            }
            for pair in to.windows(2) {
                assert!(pair[1].at.since(pair[0].at) >= GATHERS, "seed {seed}: {pair:?}");
            }
            // After an outage: no more letters than cases that were ever open.
            for end in self.away.iter().filter(|step| !self.away.contains(&(**step + 1))) {
                let from = second((end + 1) * STEP);
                let after =
                    to.iter().filter(|one| one.at >= from && one.at.since(from) < Duration::from_secs(60));
                let most = 1 + 60 / usize::try_from(GATHERS.as_secs()).unwrap();
                assert!(after.count() <= most.min(self.ward_cases() + 1), "seed {seed}");
            }
        }
        waited_for_nobody
    }

    fn ward_cases(&self) -> usize {
        let all: BTreeSet<String> = self.mail.arrived().iter().flat_map(marks).collect();
        all.len().max(self.open.len())
    }
}

#[test]
fn a_bad_night_hands_over_every_red_within_its_minute_and_nobody_gets_the_same_twice() {
    let mut seen = 0;
    for seed in 1..=NIGHTS {
        for ward in wards() {
            let mut night = Night::begin(ward, seed);
            night.live();
            seen += night.check(seed);
        }
    }
    assert!(seen > 0, "some came while the first of the ladder was away");
}
