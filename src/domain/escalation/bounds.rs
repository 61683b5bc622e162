//! What two people may make of the policy of reds: every red is before a person within bounded time, whoever answers.
//! The bounds are generous; beyond them a red would lie where nobody looks.

use super::Policy;

/// The first step is called after so many minutes at the most.
const MOST_START: u32 = 15;
/// A step has so many minutes to answer.
const MOST_STEP: u32 = 60;
/// From the start to the top of the policy: within a shift.
const MOST_POLICY: u64 = 8 * 60;
/// An answer without a resolution lasts so many minutes, then the red calls again.
const MOST_ANSWER: u32 = 4 * 60;
/// Where nobody was reached, somebody is called again within so many minutes.
const MOST_REPEAT: u32 = 60;

/// What lasts longer than a red may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// The first step.
    Start,
    /// A step's time.
    Step,
    /// The whole policy.
    Policy,
    /// An answer.
    Answer,
    /// The call to those for nobody reached.
    Repeat,
}

impl Beyond {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Start, Self::Step, Self::Policy, Self::Answer, Self::Repeat];

    /// Its name in the API: the field that goes too far.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "starts_after",
            Self::Step => "steps.minutes",
            Self::Policy => "steps",
            Self::Answer => "acknowledged_for",
            Self::Repeat => "nobody_reached.minutes",
        }
    }

    /// What a policy of reds may say instead.
    #[must_use]
    pub const fn bound(self) -> &'static str {
        match self {
            Self::Start => "a red calls its first step within 15 minutes: starts_after is 0 to 15",
            Self::Step => "a red waits at most 60 minutes for a step",
            Self::Policy => "an escalation of a red is over within 8 hours, repeats included",
            Self::Answer => {
                "an answer to a red lasts at most 240 minutes without a resolution: acknowledged_for is 1 to 240"
            }
            Self::Repeat => "a red that nobody answered calls again at least every 60 minutes",
        }
    }
}

impl Policy {
    /// What of it lasts longer than a red may wait.
    #[must_use]
    pub fn beyond(&self) -> Vec<Beyond> {
        let lasts = |beyond: &Beyond| match beyond {
            Beyond::Start => self.starts_after > MOST_START,
            Beyond::Step => self.steps.iter().any(|step| step.minutes > MOST_STEP),
            Beyond::Policy => self.lasts().as_secs() > MOST_POLICY * 60,
            Beyond::Answer => !matches!(self.acknowledged_for, Some(1..=MOST_ANSWER)),
            Beyond::Repeat => self.nobody_reached.minutes > MOST_REPEAT,
        };
        Beyond::ALL.into_iter().filter(lasts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::escalation::seeds;

    #[test]
    fn a_red_is_before_somebody_within_bounded_time_whatever_two_people_make_of_its_policy() {
        let red = seeds().remove(0);
        assert_eq!(red.beyond(), []);
        let with = |change: &dyn Fn(&mut Policy)| {
            let mut policy = red.clone();
            change(&mut policy);
            assert_eq!(policy.check(), Ok(()), "any other policy may say so");
            policy.beyond()
        };
        assert_eq!(with(&|policy| policy.starts_after = 15), []);
        assert_eq!(with(&|policy| policy.starts_after = 16), [Beyond::Start]);
        assert_eq!(with(&|policy| policy.steps[1].minutes = 60), []);
        assert_eq!(with(&|policy| policy.steps[1].minutes = 61), [Beyond::Step]);
        assert_eq!(with(&|policy| (policy.steps[1].minutes, policy.repeat) = (60, 9)), [Beyond::Policy]);
        assert_eq!(with(&|policy| policy.acknowledged_for = None), [Beyond::Answer]);
        assert_eq!(with(&|policy| policy.acknowledged_for = Some(0)), [Beyond::Answer]);
        assert_eq!(with(&|policy| policy.acknowledged_for = Some(240)), []);
        assert_eq!(with(&|policy| policy.acknowledged_for = Some(241)), [Beyond::Answer]);
        assert_eq!(with(&|policy| policy.nobody_reached.minutes = 61), [Beyond::Repeat]);
        let asleep = with(&|policy| (policy.starts_after, policy.nobody_reached.minutes) = (10_080, 10_080));
        assert_eq!(asleep, [Beyond::Start, Beyond::Policy, Beyond::Repeat]);
    }
}
