//! What must hold of every night, by the night's own account of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::super::mail::{Arrived, Mail};
use super::{FIRST, GONE, ILL, MINUTE, Night, PEOPLE, Red, STEP, STEPS, TAKER, THIRD, WELL, address, second};
use crate::messages::outbox::GATHERS;
use domain::messages::{Channel, mark};
use domain::{AlertId, Instant, UserId};
use store::messages::{self, Stored};
use store::testing::NOW;

const WITHIN: Duration = Duration::from_secs(60);

/// What all nights together had in them.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Reds that were held against the first law.
    checked: usize,
    /// Of those, told at once to somebody who stands behind one who was away or out of reach.
    waited_for_nobody: usize,
    /// Of those, told to who had taken the turn.
    swapped: usize,
    /// Mailboxes that refused a message for good, and programs that were gone.
    refused: usize,
    gone: usize,
}

impl Seen {
    /// Whether each kind of trouble was there: a law that is asked of nothing holds nothing.
    pub(super) fn is_enough(&self) {
        let all = [self.checked, self.waited_for_nobody, self.swapped, self.refused, self.gone];
        assert!(all.iter().all(|count| *count > 0), "{self:?}");
    }
}

/// The marks of the cases that a message tells of, as often as it does.
fn marks(message: &Arrived) -> Vec<String> {
    let both = format!("{}\n{}", message.subject, message.text);
    let inside = both.split('[').skip(1).filter_map(|rest| rest.split_once(']'));
    inside.map(|(mark, _)| mark.to_owned()).collect()
}

impl Night {
    pub(super) fn check(&self, seed: u64, seen: &mut Seen) {
        for (case, red) in &self.diary.reds {
            self.is_handed_over(seed, *case, *red, seen);
        }
        self.nobody_is_told_twice(seed);
        self.an_outage_ends_in_few_messages(seed);
        self.who_is_lost_is_left_alone(seed, seen);
        self.programs_hear_everything_once(seed);
        self.a_program_that_is_gone_is_called_no_more(seed, seen);
    }

    fn step_of(at: Instant) -> u64 {
        at.since(NOW).as_secs() / STEP
    }

    /// Whether the mail of a person went through in each step of a stretch.
    fn well(&self, who: usize, mut steps: RangeInclusive<u64>) -> bool {
        let diary = &self.diary;
        steps.all(|step| !diary.away.contains(&step) && !diary.sick.contains(&(who, step)))
    }

    /// Since when a person cannot be called: their mailbox refuses for good, or they were shut out.
    fn lost(&self, who: usize) -> Option<u64> {
        let out = self.diary.out.filter(|_| who == THIRD);
        self.diary.refuses.get(&who).copied().into_iter().chain(out).min()
    }

    /// The escalation at a step: who has the turn, if anybody; the second; the third; who is called when nobody answers.
    fn progress(&self, step: u64) -> impl Iterator<Item = usize> {
        let turn = if self.diary.swapped.contains(&step) {
            Some(TAKER)
        } else {
            (!self.diary.absent.contains(&step)).then_some(FIRST)
        };
        turn.into_iter().chain([1, THIRD, 3])
    }

    /// To whom a red that comes at a step is handed over within a minute: the first of the policy who is not lost.
    /// `None`: they were ill in that minute or the one before, or were lost in it, and nobody else is owed a call yet.
    fn awaited(&self, step: u64) -> Option<usize> {
        // Whoever was ill before is asked again after a minute at most.
        let before = step.saturating_sub(MINUTE);
        for who in self.progress(step) {
            match self.lost(who) {
                Some(since) if since > step && since <= step + MINUTE => return None,
                Some(since) if since <= step => {
                    // That a mailbox refuses is known once it is asked.
                    if !self.well(who, before..=step) {
                        return None;
                    }
                }
                _ => return self.well(who, before..=step + MINUTE).then_some(who),
            }
        }
        None
    }

    fn is_handed_over(&self, seed: u64, case: AlertId, red: Red, seen: &mut Seen) {
        let step = Self::step_of(red.raised);
        let hasty = red.touched.is_some_and(|at| at.since(red.raised) <= WITHIN);
        if hasty || step + MINUTE >= STEPS {
            return;
        }
        let Some(who) = self.awaited(step) else { return };
        let of = mark(&case.to_string());
        let mails = self.mails().flat_map(|mail| mail.to(&address(who)));
        let first = mails.filter(|one| marks(one).contains(&of)).map(|one| one.at).min();
        let first =
            first.unwrap_or_else(|| panic!("seed {seed}: {of} of {:?} never came to {who}", red.raised));
        assert!(
            first.since(red.raised) <= WITHIN,
            "seed {seed}: {of} of {:?} to {who}: {first:?}",
            red.raised
        );
        seen.checked += 1;
        seen.waited_for_nobody += usize::from(who != FIRST && who != TAKER);
        seen.swapped += usize::from(who == TAKER);
    }

    fn nobody_is_told_twice(&self, seed: u64) {
        let mut keys = BTreeSet::new();
        for message in self.mails().flat_map(Mail::arrived) {
            let (all, once): (Vec<_>, BTreeSet<_>) = (marks(&message), marks(&message).into_iter().collect());
            assert_eq!(all.len(), once.len(), "seed {seed}: twice in one message: {message:?}");
            assert!(keys.insert(message.key.clone()), "seed {seed}: the same message twice: {message:?}");
        }
        // Each node gathers by itself.
        for mail in self.mails() {
            for who in 0..PEOPLE {
                for pair in of_cases(mail, who).windows(2) {
                    assert!(pair[1].at.since(pair[0].at) >= GATHERS, "seed {seed}: {pair:?}");
                }
            }
        }
    }

    /// No more messages than cases that were ever open.
    fn an_outage_ends_in_few_messages(&self, seed: u64) {
        let away = &self.diary.away;
        let most = 1 + 60 / usize::try_from(GATHERS.as_secs()).unwrap();
        let most = most.min(self.diary.reds.len() + 1);
        for end in away.iter().filter(|step| !away.contains(&(**step + 1))) {
            let from = second((end + 1) * STEP);
            for (mail, who) in self.mails().flat_map(|mail| (0..PEOPLE).map(move |who| (mail, who))) {
                let mails = of_cases(mail, who);
                let after = mails.iter().filter(|one| one.at >= from && one.at.since(from) < WITHIN);
                assert!(after.count() <= most, "seed {seed}");
            }
        }
    }

    /// Who was shut out is told nothing from then on. A mailbox that refuses is asked once by a node, and the managers
    /// hear of it once.
    fn who_is_lost_is_left_alone(&self, seed: u64, seen: &mut Seen) {
        if let Some(out) = self.diary.out {
            let late = self.mails().flat_map(|mail| mail.to(&address(THIRD)));
            let late = late.filter(|one| one.at > second(out * STEP)).collect::<Vec<_>>();
            assert!(late.is_empty(), "seed {seed}: {late:?}");
        }
        let notices = self.notices(self.manager, "unreachable");
        for (who, since) in &self.diary.refuses {
            let since = second(since * STEP);
            let asked = |mail: &Mail| mail.asked_at(&address(*who)).iter().filter(|at| **at >= since).count();
            let asked: Vec<usize> = self.mails().map(asked).collect();
            assert!(asked.iter().all(|times| *times <= 1), "seed {seed}: {who} was asked {asked:?} times");
            let person = self.ward.people[*who].to_string();
            let words = notices.iter().filter(|one| one.subject == person).count();
            assert_eq!(words, asked.iter().sum::<usize>().min(1), "seed {seed}: word of {who}");
            seen.refused += words;
        }
    }

    fn programs_hear_everything_once(&self, seed: u64) {
        let mut keys = BTreeSet::new();
        for call in self.hooks().flat_map(Mail::arrived) {
            assert!(keys.insert((call.to.clone(), call.key.clone())), "seed {seed}: twice: {call:?}");
        }
        let well: Vec<Arrived> = self.hooks().flat_map(|mail| mail.to(WELL)).collect();
        let calls: Vec<serde_json::Value> =
            well.iter().map(|call| serde_json::from_str(&call.text).unwrap()).collect();
        let numbers: BTreeSet<u64> =
            calls.iter().map(|call| call["data"]["sequence"].as_u64().unwrap()).collect();
        let count = u64::try_from(calls.len()).unwrap();
        assert_eq!(numbers, (1..=count).collect(), "seed {seed}: without a hole");
        let mut paged: BTreeMap<&str, Instant> = BTreeMap::new();
        for (arrived, call) in well.iter().zip(&calls) {
            if call["type"] == "page" {
                let first = paged.entry(call["data"]["case"]["id"].as_str().unwrap()).or_insert(arrived.at);
                *first = arrived.at.min(*first);
            }
        }
        for (case, red) in
            self.diary.reds.iter().filter(|(_, red)| red.touched.is_none_or(|at| at > red.raised))
        {
            let paged_at = paged.get(case.to_string().as_str());
            assert!(
                paged_at.is_some_and(|at| at.since(red.raised) <= WITHIN),
                "seed {seed}: {case} {paged_at:?}"
            );
        }
        assert!(self.hooks().any(|mail| mail.asked(ILL) > 0), "seed {seed}");
    }

    fn a_program_that_is_gone_is_called_no_more(&self, seed: u64, seen: &mut Seen) {
        let Some(gone) = self.diary.gone else { return };
        let asked = self.hooks().flat_map(|mail| mail.asked_at(GONE));
        let asked: BTreeSet<Instant> = asked.filter(|at| *at >= second(gone * STEP)).collect();
        assert!(asked.len() <= 1, "seed {seed}: {asked:?}");
        let notices = self.notices(self.admin, "webhook_gone").len();
        assert_eq!(notices, asked.len(), "seed {seed}: who runs the system hears of it once");
        seen.gone += notices;
    }

    fn mails(&self) -> impl Iterator<Item = &Mail> {
        self.nodes.iter().map(|node| &*node.mail)
    }

    fn hooks(&self) -> impl Iterator<Item = &Mail> {
        self.nodes.iter().map(|node| &*node.programs)
    }

    /// The notices of a kind on somebody's dashboard.
    fn notices(&self, user: UserId, template: &str) -> Vec<Stored> {
        let (home, user) = (&self.ward.home, user.to_string());
        let all = home.read(|view| messages::after(view, Channel::InApp, &user, 0, 10_000)).unwrap();
        all.into_iter().filter(|one| one.template == template).collect()
    }
}

/// The messages about cases that came to a person.
fn of_cases(mail: &Mail, who: usize) -> Vec<Arrived> {
    let mut mails = mail.to(&address(who));
    mails.retain(|one| !marks(one).is_empty());
    mails
}
