//! A finding that explains itself: which readings, which rule version, which line, in two languages and
//! always in the same words. It is about one person's health: sealed at rest, never logged.

use serde::{Deserialize, Serialize};

use domain::rules::{Condition, Kind};
use domain::{DeviceId, Flags, Instant, Level, Rule, Signal};

use super::episode::Episode;
use super::machine::JudgedReading;
use super::tongue::{EN, PT, Tongue, span, spoken_unit};

/// Why a level was reached. Stored form; [`Finding::spoken`] is what the API shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// The rule's version.
    pub version: u32,
    /// The level that was reached.
    pub level: Level,
    /// The name of the signal.
    pub signal: String,
    /// The condition that held.
    pub condition: Condition,
    /// How many readings count in the stretch.
    pub count: usize,
    /// The lowest of them.
    pub min: Option<Sample>,
    /// The highest of them.
    pub max: Option<Sample>,
    /// At most `SAMPLES` of them, evenly spread, the first and the last among them.
    pub samples: Vec<Sample>,
    /// The devices that measured them, each once.
    pub sources: Vec<DeviceId>,
    /// The last of them is too extreme to be believed alone, and the level rests on it: measure again.
    #[serde(default)]
    pub measure_again: bool,
}

/// How many readings a finding keeps.
pub(crate) const SAMPLES: usize = 12;

/// One reading of a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When it was measured.
    pub at: Instant,
    /// Its value in `unit`.
    pub value: f64,
    /// The UCUM code.
    pub unit: String,
    /// Who measured it.
    pub device_id: DeviceId,
    /// The names of its flags.
    pub flags: Vec<String>,
}

/// A finding as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spoken {
    /// In Portuguese.
    pub pt: String,
    /// In English.
    pub en: String,
    /// The readings it rests on.
    pub readings: Vec<Sample>,
    /// Whether it asks for a second measurement.
    pub measure_again: bool,
}

impl Finding {
    /// Explains why `rule` reached `level`: `stretch` holds the readings from the first of the stretch to
    /// the one that completed it, ascending. Those that count as absent are left out.
    #[must_use]
    pub fn of(rule: &Rule, level: Level, stretch: &[JudgedReading]) -> Self {
        let Kind::Threshold(t) = &rule.kind;
        let condition = if level == Level::Red { t.red } else { t.yellow };
        let counted: Vec<_> = stretch.iter().filter(|r| r.compared().is_some()).collect();
        let sample = |r: &&JudgedReading| Sample::of(rule.signal, r);
        let by_value = |a: &&&JudgedReading, b: &&&JudgedReading| {
            let (a, b) = (a.compared().unwrap_or(f64::NAN), b.compared().unwrap_or(f64::NAN));
            a.total_cmp(&b)
        };
        let mut sources: Vec<_> = counted.iter().map(|r| r.device).collect();
        sources.sort_unstable();
        sources.dedup();
        Self {
            rule: rule.id.clone(),
            version: rule.version,
            level,
            signal: rule.signal.name().to_owned(),
            condition,
            count: counted.len(),
            min: counted.iter().min_by(by_value).map(sample),
            max: counted.iter().max_by(by_value).map(sample),
            samples: spread(counted.len()).filter_map(|index| counted.get(index)).map(sample).collect(),
            sources,
            measure_again: false,
        }
    }

    /// The same, described as what it is where `episode` rests on one suspect value.
    #[must_use]
    pub fn of_episode(rule: &Rule, episode: &Episode, level: Level, stretch: &[JudgedReading]) -> Self {
        let measure_again = episode.is_suspicion(rule);
        Self { measure_again, ..Self::of(rule, level, stretch) }
    }

    /// The value that is to be measured again.
    #[must_use]
    pub fn suspected(&self) -> Option<&Sample> {
        self.samples.last().filter(|_| self.measure_again)
    }

    /// The sentences and the readings.
    #[must_use]
    pub fn spoken(&self) -> Spoken {
        Spoken {
            pt: self.sentence(&PT),
            en: self.sentence(&EN),
            readings: self.samples.clone(),
            measure_again: self.measure_again,
        }
    }

    fn sentence(&self, tongue: &Tongue) -> String {
        let signal = Signal::from_name(&self.signal);
        let name = signal.map_or(self.signal.as_str(), |s| tongue.signal(s));
        let unit = signal.map_or("", spoken_unit);
        let Condition { op, value, lasting } = self.condition;
        let (over, line, span) = (tongue.op(op), tongue.number(value), span(lasting));
        let between = match (&self.min, &self.max) {
            (Some(min), Some(max)) => (tongue.between)(&tongue.value(min), &tongue.value(max), unit),
            _ => String::new(),
        };
        let readings = (tongue.readings)(self.count);
        let (level, word) = (tongue.level(self.level), tongue.for_);
        let (rule, version) = (&self.rule, self.version);
        if let Some(sample) = self.suspected() {
            let value = (tongue.measured)(&tongue.value(sample), unit);
            let again = tongue.measure_again;
            return format!("{level}: {name} {value}, {again} ({} {rule} v{version}).", tongue.rule);
        }
        let source = (tongue.sources)(self.sources.len());
        format!(
            "{level}: {name} {over} {line} {unit} {word} {span} ({readings}{between}{source}; {} {rule} v{version}).",
            tongue.rule
        )
    }
}

impl Sample {
    fn of(signal: Signal, reading: &JudgedReading) -> Self {
        Self {
            at: reading.at,
            value: reading.value,
            unit: signal.unit().ucum().to_owned(),
            device_id: reading.device,
            flags: reading.flags.names().into_iter().map(str::to_owned).collect(),
        }
    }

    pub(super) fn says(&self, flag: Flags) -> bool {
        flag.names().iter().any(|name| self.flags.iter().any(|mine| mine == name))
    }
}

/// The indexes of at most [`SAMPLES`] of `count`, evenly spread, both ends in.
fn spread(count: usize) -> impl Iterator<Item = usize> {
    let samples = count.min(SAMPLES);
    (0..samples).map(move |i| if samples < 2 { 0 } else { i * (count - 1) / (samples - 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(second: i64, value: f64, flags: Flags) -> JudgedReading {
        let device = DeviceId(uuid::Uuid::from_u128(1));
        JudgedReading { at: Instant::from_secs(second), value, flags, device }
    }

    #[test]
    fn a_tachycardia_explains_itself_in_both_languages() {
        let rule = &Rule::seeds()[0];
        let mut stretch: Vec<_> = (0..=60).map(|s| reading(s, 128.0, Flags::default())).collect();
        stretch[7].value = 134.55;
        let finding = Finding::of(rule, Level::Red, &stretch);
        let spoken = finding.spoken();
        assert_eq!(
            spoken.pt,
            "Vermelho: frequência cardíaca acima de 120 bpm por 1 min \
             (61 leituras, de 128 a 134,6 bpm; regra tachycardia v1)."
        );
        assert_eq!(
            spoken.en,
            "Red: heart rate above 120 bpm for 1 min (61 readings, from 128 to 134.6 bpm; rule tachycardia v1)."
        );
        let seconds: Vec<_> = spoken.readings.iter().map(|r| r.at.secs()).collect();
        assert_eq!(seconds, [0, 5, 10, 16, 21, 27, 32, 38, 43, 49, 54, 60]);
        let json = serde_json::to_value(&spoken).unwrap();
        assert_eq!(json["readings"][0]["unit"], "/min");
        assert_eq!(
            serde_json::from_value::<Finding>(serde_json::to_value(&finding).unwrap()).unwrap(),
            finding
        );
    }

    #[test]
    fn a_sentinel_is_said_as_what_it_is() {
        let rule = &Rule::seeds()[1];
        let stretch = [
            reading(0, 53.0, Flags::default()),
            reading(300, 40.0, Flags::LOW),
            reading(900, 51.0, Flags::default()),
        ];
        let spoken = Finding::of(rule, Level::Red, &stretch).spoken();
        assert!(spoken.pt.contains("abaixo de 54 mg/dL por 15 min"), "{}", spoken.pt);
        assert!(spoken.pt.contains("de LOW (abaixo do que o sensor mede) a 53 mg/dL"), "{}", spoken.pt);
        assert_eq!(spoken.readings[1].flags, ["low"]);
    }

    #[test]
    fn one_value_too_extreme_to_be_believed_is_told_and_asked_for_again() {
        let rule = &Rule::seeds()[1];
        let stretch = [reading(0, 62.0, Flags::default()), reading(300, 38.0, Flags::SUSPECT)];
        let mut machine = super::super::Machine::new(rule);
        let change = stretch.iter().filter_map(|r| machine.step(r)).last().unwrap();
        let episode = Episode::opened(rule, &change).unwrap();
        let spoken = Finding::of_episode(rule, &episode, Level::Yellow, &stretch).spoken();
        assert_eq!(
            spoken.pt,
            "Amarelo: glicose intersticial de 38 mg/dL, valor extremo demais para uma só leitura: \
             meça de novo agora (regra glucose_low v1)."
        );
        assert_eq!(
            spoken.en,
            "Yellow: interstitial glucose of 38 mg/dL, too extreme for a single reading: \
             measure again now (rule glucose_low v1)."
        );
        assert!(spoken.measure_again);
    }

    #[test]
    fn few_readings_are_all_kept_and_none_breaks_nothing() {
        assert_eq!(spread(1).collect::<Vec<_>>(), [0]);
        assert_eq!(spread(5).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!(spread(1_000).count(), SAMPLES);
        let empty = Finding::of(&Rule::seeds()[0], Level::Yellow, &[]).spoken();
        assert!(empty.pt.contains("(0 leituras; regra"), "{}", empty.pt);
    }
}
