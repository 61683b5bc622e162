//! A rule as data: immutable, versioned, readable as JSON. What the numbers do is in `rules`; here is what
//! they may be, and the three that every installation starts with.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::line::Label;
use super::readings::Signal;

/// One version of one rule. A change of any number is a new version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its lasting id, as in `tachycardia`.
    pub id: String,
    /// Counts up from 1.
    pub version: u32,
    /// Its name for people.
    pub name: Name,
    /// The signal it judges, in that signal's canonical unit.
    #[serde(with = "signal_name")]
    pub signal: Signal,
    /// How it judges.
    pub kind: Kind,
}

/// A name in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// Portuguese.
    pub pt: Label,
    /// English.
    pub en: Label,
}

/// How a rule judges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A line crossed for a time.
    Threshold(Threshold),
}

/// Lines, each with the time that it must hold (closed interval of event time, both end readings present).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Raises to yellow.
    pub yellow: Condition,
    /// Raises to red.
    pub red: Condition,
    /// Lowers red to yellow.
    pub step_down: Condition,
    /// Ends the episode, from either level.
    pub clear: Condition,
    /// Two readings further apart than this do not belong to one stretch. JSON: whole seconds.
    #[serde(with = "whole_seconds")]
    pub max_gap: Duration,
    /// The share of the expected samples that a stretch must hold, 1 to 100 (see `rules::window`).
    pub min_coverage: u8,
}

/// "`op` `value` for `lasting`".
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The comparison, reading on the left.
    pub op: Op,
    /// The line, in the signal's canonical unit.
    pub value: f64,
    /// How long it must hold. JSON: `for`, whole seconds.
    #[serde(rename = "for", with = "whole_seconds")]
    pub lasting: Duration,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// Above.
    #[serde(rename = ">")]
    Above,
    /// At or above.
    #[serde(rename = ">=")]
    AtLeast,
    /// Below.
    #[serde(rename = "<")]
    Below,
    /// At or below.
    #[serde(rename = "<=")]
    AtMost,
}

impl Op {
    /// Whether `reading op line`.
    #[must_use]
    pub fn holds(self, reading: f64, line: f64) -> bool {
        match self {
            Self::Above => reading > line,
            Self::AtLeast => reading >= line,
            Self::Below => reading < line,
            Self::AtMost => reading <= line,
        }
    }

    /// Whether it looks upwards.
    #[must_use]
    pub const fn upward(self) -> bool {
        matches!(self, Self::Above | Self::AtLeast)
    }

    const fn strict(self) -> bool {
        matches!(self, Self::Above | Self::Below)
    }
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule} version {version}: {why}")]
pub struct RuleRefused {
    /// The rule's id.
    pub rule: String,
    /// Its version.
    pub version: u32,
    /// What to change.
    pub why: &'static str,
}

const LONGEST: Duration = Duration::from_secs(7 * 24 * 3_600);

impl Rule {
    /// The rules of a new installation, numbers as published in the contract.
    #[must_use]
    pub fn seeds() -> Vec<Self> {
        let minute = Duration::from_secs(60);
        let quarter = Duration::from_secs(15 * 60);
        let eleven = Duration::from_secs(11 * 60);
        vec![
            Self {
                id: "tachycardia".into(),
                version: 1,
                name: Name { pt: "Taquicardia".into(), en: "Tachycardia".into() },
                signal: Signal::HeartRate,
                kind: Kind::Threshold(Threshold {
                    yellow: Condition { op: Op::Above, value: 100.0, lasting: minute },
                    red: Condition { op: Op::Above, value: 120.0, lasting: minute },
                    step_down: Condition { op: Op::AtMost, value: 120.0, lasting: minute },
                    clear: Condition { op: Op::Below, value: 95.0, lasting: minute },
                    max_gap: Duration::from_secs(30),
                    min_coverage: 80,
                }),
            },
            Self {
                id: "glucose_low".into(),
                version: 1,
                name: Name { pt: "Glicose baixa".into(), en: "Low glucose".into() },
                signal: Signal::Glucose,
                kind: Kind::Threshold(Threshold {
                    yellow: Condition { op: Op::Below, value: 70.0, lasting: quarter },
                    red: Condition { op: Op::Below, value: 54.0, lasting: quarter },
                    step_down: Condition { op: Op::AtLeast, value: 54.0, lasting: quarter },
                    clear: Condition { op: Op::AtLeast, value: 70.0, lasting: quarter },
                    max_gap: eleven,
                    min_coverage: 80,
                }),
            },
            Self {
                id: "glucose_high".into(),
                version: 1,
                name: Name { pt: "Glicose alta".into(), en: "High glucose".into() },
                signal: Signal::Glucose,
                kind: Kind::Threshold(Threshold {
                    yellow: Condition { op: Op::Above, value: 180.0, lasting: quarter },
                    red: Condition { op: Op::Above, value: 250.0, lasting: quarter },
                    step_down: Condition { op: Op::AtMost, value: 250.0, lasting: quarter },
                    clear: Condition { op: Op::AtMost, value: 180.0, lasting: quarter },
                    max_gap: eleven,
                    min_coverage: 80,
                }),
            },
        ]
    }

    /// Whether the numbers make sense together. The replay law holds only for rules that pass.
    ///
    /// # Errors
    /// [`RuleRefused`] with the first thing to change.
    pub fn check(&self) -> Result<(), RuleRefused> {
        let Kind::Threshold(t) = &self.kind;
        let faults = [
            (self.id.is_empty() || self.version == 0, "give it an id and a version from 1"),
            (!t.all().iter().all(|c| c.value.is_finite()), "every line must be a number"),
            (
                t.all().iter().any(|c| c.lasting > LONGEST) || t.max_gap > LONGEST,
                "use spans of 7 days at most",
            ),
            (t.max_gap.is_zero(), "max_gap must be above 0 s"),
            (!(1..=100).contains(&t.min_coverage), "min_coverage must be 1 to 100"),
            (t.yellow.op.upward() != t.red.op.upward(), "yellow and red must look the same way"),
            (!within(t.red, t.yellow), "whatever is red must be yellow too"),
            (!apart(t.clear, t.yellow), "clear must not hold where yellow holds"),
            (!apart(t.step_down, t.red), "step_down must not hold where red holds"),
        ];
        match faults.into_iter().find(|(fault, _)| *fault) {
            Some((_, why)) => Err(RuleRefused { rule: self.id.clone(), version: self.version, why }),
            None => Ok(()),
        }
    }

    /// Two readings further apart than this do not belong to one stretch.
    #[must_use]
    pub const fn max_gap(&self) -> Duration {
        let Kind::Threshold(t) = &self.kind;
        t.max_gap
    }

    /// How far back readings decide: the state at an instant follows from the level in force and from the
    /// readings of this span before it. The longest stretch, a gap at each of its ends, one around a suspect
    /// reading that differs, a slot of grid.
    #[must_use]
    pub fn lookback(&self) -> Duration {
        let Kind::Threshold(t) = &self.kind;
        t.longest() + t.max_gap * 3 + t.longest() / 240 + Duration::from_micros(2)
    }
}

impl Threshold {
    /// The four conditions.
    #[must_use]
    pub const fn all(&self) -> [Condition; 4] {
        [self.yellow, self.red, self.step_down, self.clear]
    }

    /// The longest time that a condition must hold.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.all().into_iter().map(|c| c.lasting).max().unwrap_or_default()
    }
}

/// Whether everything that `inner` holds for, `outer` holds for too. Both look the same way.
fn within(inner: Condition, outer: Condition) -> bool {
    let deeper = if outer.op.upward() { inner.value > outer.value } else { inner.value < outer.value };
    deeper || (inner.value.total_cmp(&outer.value).is_eq() && (inner.op.strict() || !outer.op.strict()))
}

/// Whether no value satisfies both.
fn apart(a: Condition, b: Condition) -> bool {
    if a.op.upward() == b.op.upward() {
        return false;
    }
    let (low, high) = if a.op.upward() { (b, a) } else { (a, b) };
    low.value < high.value
        || (low.value.total_cmp(&high.value).is_eq() && (low.op.strict() || high.op.strict()))
}

mod signal_name {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::Signal;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde calls")]
    pub(super) fn serialize<S: Serializer>(signal: &Signal, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(signal.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Signal, D::Error> {
        Signal::from_name(&String::deserialize(d)?).ok_or_else(|| Error::custom("not a signal code"))
    }
}

mod whole_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(span: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(span.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        u32::deserialize(d).map(|secs| Duration::from_secs(secs.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_make_sense_and_survive_json() {
        for rule in Rule::seeds() {
            assert_eq!(rule.check(), Ok(()));
            let json = serde_json::to_string(&rule).unwrap();
            assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), rule, "{json}");
        }
        let json = serde_json::to_value(&Rule::seeds()[0]).unwrap();
        assert_eq!(json["signal"], "heart_rate");
        assert_eq!(
            json["kind"]["threshold"]["red"],
            serde_json::json!({"op": ">", "value": 120.0, "for": 60})
        );
    }

    #[test]
    fn a_rule_whose_lines_overlap_is_refused() {
        let seed = Rule::seeds().remove(0);
        let with = |change: fn(&mut Threshold)| {
            let mut rule = seed.clone();
            let Kind::Threshold(t) = &mut rule.kind;
            change(t);
            rule.check().map_err(|refused| refused.why)
        };
        assert_eq!(with(|t| t.clear.value = 100.1), Err("clear must not hold where yellow holds"));
        assert_eq!(with(|t| t.clear.value = 100.0), Ok(()));
        assert_eq!(with(|t| t.red.value = 99.0), Err("whatever is red must be yellow too"));
        assert_eq!(with(|t| t.step_down.value = 121.0), Err("step_down must not hold where red holds"));
        assert_eq!(with(|t| t.red.value = f64::NAN), Err("every line must be a number"));
        assert_eq!(with(|t| t.max_gap = Duration::ZERO), Err("max_gap must be above 0 s"));
        assert_eq!(with(|t| t.min_coverage = 0), Err("min_coverage must be 1 to 100"));
        assert_eq!(with(|t| t.yellow.op = Op::Below), Err("yellow and red must look the same way"));
    }
}
