//! How much a person carries and how much they may: a tenth of everybody's capacity is reserved for red. Pure and
//! deterministic: the same people and the same work give the same answer.

use crate::id::UserId;

/// How many unresolved alerts a person carries well, until somebody says otherwise.
pub const USUAL: u32 = 10;
/// The most that anybody may be set to carry.
pub const MOST: u32 = 500;

/// A person who may work on alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agent {
    /// Who.
    pub user: UserId,
    /// Unresolved alerts they carry well.
    pub capacity: u32,
    /// Unresolved alerts they own.
    pub load: u32,
    /// Whether they worked on this patient before.
    pub knows: bool,
}

/// How urgent a piece of work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Red: it may use the reserve, and is never turned away.
    Red,
    /// Everything else.
    Ordinary,
}

impl Agent {
    /// How much of their capacity ordinary work may fill: nine tenths, rounded down.
    #[must_use]
    pub(crate) const fn ordinary_most(&self) -> u32 {
        self.capacity - self.reserve()
    }

    /// What is reserved for red: a tenth, rounded up.
    #[must_use]
    pub const fn reserve(&self) -> u32 {
        self.capacity.div_ceil(10)
    }

    /// How much of the reserve is in use.
    #[must_use]
    pub fn reserve_used(&self) -> u32 {
        self.load.saturating_sub(self.ordinary_most()).min(self.reserve())
    }

    /// How many more pieces of this work they take on.
    #[must_use]
    pub const fn free(&self, work: Work) -> u32 {
        match work {
            Work::Red => self.capacity.saturating_sub(self.load),
            Work::Ordinary => self.ordinary_most().saturating_sub(self.load),
        }
    }

    /// Whether they may take one more piece of this work: red always.
    #[must_use]
    pub const fn takes(&self, work: Work) -> bool {
        matches!(work, Work::Red) || self.free(work) > 0
    }
}

/// Who gets the next piece of work: whoever knows the patient and has room, else the least loaded for what they
/// carry. Ordinary work waits when nobody has room; red goes to the least loaded all the same.
#[must_use]
pub fn allocate(agents: &[Agent], work: Work) -> Option<UserId> {
    let takes = agents.iter().filter(|agent| agent.takes(work));
    takes.min_by(|a, b| order(a, b, work)).map(|agent| agent.user)
}

fn order(a: &Agent, b: &Agent, work: Work) -> std::cmp::Ordering {
    let strange = |agent: &Agent| !(agent.knows && agent.free(work) > 0);
    let full = |agent: &Agent| agent.free(work) == 0;
    // a.load / a.capacity < b.load / b.capacity, without fractions; who carries nothing well is loaded already.
    let share = |mine: &Agent, other: &Agent| u64::from(mine.load) * u64::from(other.capacity.max(1));
    (strange(a), full(a), share(a, b), a.load, a.user).cmp(&(
        strange(b),
        full(b),
        share(b, a),
        b.load,
        b.user,
    ))
}

/// What everybody together carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Capacity.
    pub capacity: u32,
    /// Unresolved alerts with an owner.
    pub load: u32,
    /// Reserved for red.
    pub reserve: u32,
    /// Of that, in use.
    pub reserve_used: u32,
    /// Room for ordinary work.
    pub ordinary_free: u32,
    /// Ordinary alerts that nobody has and nobody has room for.
    pub displaced: u32,
}

/// What these people carry, with so many ordinary alerts that wait for somebody.
#[must_use]
pub fn report(agents: &[Agent], waiting: u32) -> Report {
    let sum = |of: fn(&Agent) -> u32| agents.iter().map(of).fold(0, u32::saturating_add);
    let ordinary_free = sum(|agent| agent.free(Work::Ordinary));
    Report {
        capacity: sum(|agent| agent.capacity),
        load: sum(|agent| agent.load),
        reserve: sum(Agent::reserve),
        reserve_used: sum(Agent::reserve_used),
        ordinary_free,
        displaced: waiting.saturating_sub(ordinary_free),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn agent(id: u128, capacity: u32, load: u32) -> Agent {
        Agent { user: UserId(Uuid::from_u128(id)), capacity, load, knows: false }
    }

    fn chosen(agents: &[Agent], work: Work) -> Option<u128> {
        allocate(agents, work).map(|user| user.0.as_u128())
    }

    #[test]
    fn ordinary_work_leaves_a_tenth_and_red_may_use_all_of_it() {
        assert_eq!(agent(1, 10, 9).free(Work::Ordinary), 0);
        assert_eq!(agent(1, 10, 9).free(Work::Red), 1);
        assert_eq!(agent(1, 10, 8).free(Work::Ordinary), 1);
        assert_eq!((agent(1, 3, 0).ordinary_most(), agent(1, 0, 0).ordinary_most()), (2, 0));
        let (full, over) = (agent(1, 10, 9), agent(2, 10, 12));
        assert_eq!(chosen(&[full, over], Work::Ordinary), None, "it waits");
        assert_eq!(chosen(&[full, over], Work::Red), Some(1));
        assert_eq!(chosen(&[over], Work::Red), Some(2), "red is never turned away");
    }

    #[test]
    fn who_knows_the_patient_goes_before_the_least_loaded_unless_full() {
        let knows = |agent| Agent { knows: true, ..agent };
        assert_eq!(chosen(&[agent(1, 10, 0), knows(agent(2, 10, 5))], Work::Ordinary), Some(2));
        assert_eq!(chosen(&[agent(1, 10, 0), knows(agent(2, 10, 9))], Work::Ordinary), Some(1));
        assert_eq!(
            chosen(&[agent(1, 10, 4), agent(2, 20, 6)], Work::Ordinary),
            Some(2),
            "of what they carry"
        );
        assert_eq!(chosen(&[agent(2, 10, 4), agent(1, 10, 4)], Work::Ordinary), Some(1));
    }

    #[test]
    fn the_report_counts_the_reserve_and_what_it_displaces() {
        let report = report(&[agent(1, 10, 10), agent(2, 20, 17)], 4);
        let expected =
            Report { capacity: 30, load: 27, reserve: 3, reserve_used: 1, ordinary_free: 1, displaced: 3 };
        assert_eq!(report, expected);
    }

    proptest! {
        #[test]
        fn ordinary_work_never_enters_the_reserve_and_order_does_not_matter(
            loads in proptest::collection::vec((0_u32..30, 0_u32..30, any::<bool>()), 0..8),
        ) {
            let mut agents: Vec<Agent> = (1_u128..).zip(&loads).map(|(id, (capacity, load, knows))| Agent {
                knows: *knows,
                ..agent(id, *capacity, *load)
            }).collect();
            let ordinary = allocate(&agents, Work::Ordinary);
            let red = allocate(&agents, Work::Red);
            if let Some(user) = ordinary {
                let taken = agents.iter().find(|agent| agent.user == user).unwrap();
                prop_assert!((taken.load + 1) * 10 <= taken.capacity * 9);
            } else {
                prop_assert!(agents.iter().all(|agent| (agent.load + 1) * 10 > agent.capacity * 9));
            }
            prop_assert_eq!(red.is_some(), !agents.is_empty());
            agents.reverse();
            prop_assert_eq!(allocate(&agents, Work::Ordinary), ordinary);
            prop_assert_eq!(allocate(&agents, Work::Red), red);
        }
    }
}
