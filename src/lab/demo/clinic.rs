//! The demo's clinic: twelve invented patients, their devices, and which recording each device replays. Every
//! family name says that the person does not exist; the CPFs are valid in form and made from a counter.

use std::time::Duration;

use domain::Role;

/// Which protocol a replaying client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// MQTT 3.1.1.
    V4,
    /// MQTT 5.
    V5,
}

/// What a device replays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The recording.
    pub recording: &'static str,
    /// What of it falls on the start-up, since its first row.
    pub cut: Duration,
    /// How much of what lies before is sent.
    pub history: Duration,
    /// How it speaks.
    pub protocol: Protocol,
}

/// How a patient answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes to everything, before the history.
    Granted,
    /// No to everything.
    Refused,
    /// Never asked.
    Silent,
}

/// A wearable.
#[derive(Debug, Clone, Copy)]
pub struct Wearable {
    /// What people call it.
    pub label: &'static str,
    /// Kind of device.
    pub model: &'static str,
    /// What it replays; `None`: no client.
    pub part: Option<Part>,
}

/// An invented patient.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// Name.
    pub name: &'static str,
    /// 11 digits.
    pub cpf: &'static str,
    /// `(year, month, day)`.
    pub born: (i32, u32, u32),
    /// Their answer.
    pub answer: Answer,
    /// Their devices, the preferred one first.
    pub wearables: &'static [Wearable],
}

/// A sign-in: role, name, e-mail address.
pub const STAFF: [(Role, &str, &str); 8] = [
    (Role::Agent, "Alice Exemplo", "agente@clinica.example"),
    (Role::Technician, "Tadeu Exemplo", "tecnico@clinica.example"),
    (Role::Clinician, "Clara Exemplo", "clinica@clinica.example"),
    (Role::Manager, "Gustavo Exemplo", "gestor@clinica.example"),
    (Role::Auditor, "Audrey Exemplo", "auditoria@clinica.example"),
    (Role::Dpo, "Ana Exemplo", "encarregado@clinica.example"),
    (Role::Admin, "Adão Exemplo", "admin@clinica.example"),
    // The patient's own sign-in: the first of PATIENTS.
    (Role::Patient, "Aurora Exemplo", "aurora@paciente.example"),
];

const BAND: &str = "Pulseira (E4)";
const SENSOR: &str = "Sensor de glicose (CGM)";
const CUFF: &str = "Medidor de pressão";
/// The alerts of three days are enough to read; home blood pressure tells something over months.
const DAYS: Duration = Duration::from_secs(3 * 86_400);

const fn plays(
    label: &'static str,
    model: &'static str,
    recording: &'static str,
    cut: u64,
    protocol: Protocol,
) -> Wearable {
    Wearable {
        label,
        model,
        part: Some(Part { recording, cut: Duration::from_secs(cut), history: DAYS, protocol }),
    }
}

const fn idle(label: &'static str, model: &'static str) -> Wearable {
    Wearable { label, model, part: None }
}

/// Those whose devices have no client stand last.
pub(crate) const PATIENTS: [Person; 12] = [
    Person {
        name: "Aurora Exemplo",
        cpf: "90000000175",
        born: (1976, 3, 14),
        answer: Answer::Granted,
        wearables: &[
            // Red since ten minutes: below 54 mg/dL from minute 8,845 for 165 minutes.
            plays("Sensor da Aurora", SENSOR, "hupa-0002p", 8_870 * 60, Protocol::V5),
            // The next measurement follows half an hour after the start-up.
            Wearable {
                label: "Medidor da Aurora",
                model: CUFF,
                part: Some(Part {
                    recording: "welltory-6be5033971",
                    cut: Duration::from_secs(10_528_015),
                    history: Duration::from_secs(150 * 86_400),
                    protocol: Protocol::V4,
                }),
            },
        ],
    },
    Person {
        name: "Fausto Fictício",
        cpf: "90000000256",
        born: (1999, 8, 2),
        answer: Answer::Granted,
        // Red since seconds: above 120 from second 2,226 for 79 s, and again from 2,754.
        wearables: &[plays("Pulseira do Fausto", BAND, "stress-predict-10", 2_296, Protocol::V5)],
    },
    Person {
        name: "Estela Inventada",
        cpf: "90000000337",
        born: (2001, 1, 30),
        answer: Answer::Granted,
        // Green, and a new red after a minute and a half: above 120 from second 1,586 for 109 s.
        wearables: &[plays("Pulseira da Estela", BAND, "stress-predict-02", 1_556, Protocol::V5)],
    },
    Person {
        name: "Gilda Modelo",
        cpf: "90000000418",
        born: (1988, 11, 9),
        answer: Answer::Granted,
        // Yellow: above 100 from second 1,288 for 317 s.
        wearables: &[plays("Pulseira da Gilda", BAND, "stress-predict-08", 1_408, Protocol::V5)],
    },
    Person {
        name: "Bento Simulado",
        cpf: "90000000507",
        born: (1962, 6, 21),
        answer: Answer::Granted,
        // Yellow, after red: above 180 mg/dL from minute 7,035 for 205 minutes.
        wearables: &[plays("Sensor do Bento", SENSOR, "hupa-0001p", 7_160 * 60, Protocol::V5)],
    },
    Person {
        name: "Caetana Fictícia",
        cpf: "90000000680",
        born: (1974, 12, 5),
        answer: Answer::Granted,
        // Green: between 70 and 180 mg/dL from minute 11,230 for 19 hours.
        wearables: &[plays("Sensor da Caetana", SENSOR, "hupa-0003p", 11_530 * 60, Protocol::V5)],
    },
    Person {
        name: "Davi Inventado",
        cpf: "90000000760",
        born: (1981, 4, 17),
        answer: Answer::Granted,
        // Green, with spells of LOW in the days before.
        wearables: &[plays("Sensor do Davi", SENSOR, "physiocgm-c1s01", 15_565 * 60, Protocol::V4)],
    },
    Person {
        name: "Heitor Modelo",
        cpf: "90000000841",
        born: (1995, 9, 26),
        answer: Answer::Granted,
        wearables: &[plays("Pulseira do Heitor", BAND, "stress-predict-04", 1_800, Protocol::V4)],
    },
    Person {
        name: "Iara Simulada",
        cpf: "90000000922",
        born: (1990, 2, 11),
        answer: Answer::Silent,
        wearables: &[plays("Pulseira da Iara", BAND, "stress-predict-06", 1_800, Protocol::V5)],
    },
    Person {
        name: "Jonas Fictício",
        cpf: "90000001066",
        born: (1969, 7, 7),
        answer: Answer::Refused,
        wearables: &[plays("Pulseira do Jonas", BAND, "stress-predict-12", 1_800, Protocol::V5)],
    },
    Person {
        name: "Kátia Inventada",
        cpf: "90000001147",
        born: (1957, 10, 19),
        answer: Answer::Granted,
        wearables: &[idle("Pulseira da Kátia", BAND)],
    },
    Person {
        name: "Lauro Modelo",
        cpf: "90000001228",
        born: (1993, 5, 3),
        answer: Answer::Granted,
        wearables: &[idle("Sensor do Lauro", SENSOR)],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::recording::{Rebased, Recording};
    use super::*;
    use domain::{Cpf, DeviceId, Flags, Instant, Level, Reading, Rule, Signal};
    use proptest::prelude::Rng;
    use proptest::test_runner::{RngAlgorithm, TestRng};
    use rules::{JudgedReading, Replayed, replay};

    const SPEAKS: fn(&str) -> Part = |name| {
        let parts = PATIENTS.iter().flat_map(|p| p.wearables).filter_map(|w| w.part);
        parts.into_iter().find(|part| part.recording == name).unwrap()
    };

    fn judged(rebased: &Rebased<'_>, signal: Signal, until: Instant) -> Vec<JudgedReading> {
        let device = DeviceId::new(until);
        let reading = |sample: super::super::recording::Sample<'_>| {
            let json = sample.json();
            let (value, flags) = match &json["values"][signal.name()] {
                serde_json::Value::Null => return None,
                serde_json::Value::String(word) if word == "LOW" => (0.0, Flags::LOW),
                number => (number.as_f64().unwrap(), Flags::default()),
            };
            let reading = Reading { signal, at: sample.at, value, unit: signal.unit(), flags };
            Some(JudgedReading { at: sample.at, value: reading.canonical(), flags, device })
        };
        rebased.between(Instant::MIN, until).filter_map(reading).collect()
    }

    fn replayed(part: Part, rule: &str, now: Instant, until: Instant) -> Replayed {
        let recording = Recording::named(part.recording).unwrap();
        let rebased = recording.rebased(part.cut, now);
        let rule = Rule::seeds().into_iter().find(|seed| seed.id == rule).unwrap();
        let readings = judged(&rebased, rule.signal, until);
        replay(&rule, &[], &[], readings, Instant::MIN)
    }

    fn starts() -> impl Iterator<Item = Instant> {
        let mut chance = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let years = 20 * 365 * 86_400_000_000_u64;
        (0..200).map(move |_| {
            let micros = i64::try_from(chance.next_u64() % years).unwrap();
            Instant::from_micros(1_700_000_000_000_000 + micros)
        })
    }

    #[test]
    fn whenever_the_demo_starts_two_reds_a_yellow_and_a_green_are_seen() {
        for now in starts() {
            let level = |name, rule| replayed(SPEAKS(name), rule, now, now).machine.level();
            assert_eq!(level("hupa-0002p", "glucose_low"), Level::Red, "{now}");
            assert_eq!(level("stress-predict-10", "tachycardia"), Level::Red, "{now}");
            assert_eq!(level("stress-predict-08", "tachycardia"), Level::Yellow, "{now}");
            assert_eq!(level("stress-predict-02", "tachycardia"), Level::Green, "{now}");
        }
    }

    #[test]
    fn whenever_the_demo_starts_a_new_red_comes_within_two_minutes() {
        for now in starts() {
            let later =
                replayed(SPEAKS("stress-predict-02"), "tachycardia", now, now.plus(Duration::from_secs(120)));
            let red =
                later.episodes.last().unwrap().episode.levels.iter().find(|l| l.level == Level::Red).unwrap();
            let waited = red.at.since(now);
            assert!((60..=120).contains(&waited.as_secs()), "{now}: {waited:?}");
        }
    }

    #[test]
    fn the_red_of_the_start_is_still_red_an_hour_later_so_that_speed_shows_it_too() {
        let now = Instant::from_secs(1_795_348_800);
        let later = now.plus(Duration::from_secs(3_600));
        assert_eq!(replayed(SPEAKS("hupa-0002p"), "glucose_low", now, later).machine.level(), Level::Red);
    }

    #[test]
    fn the_others_are_as_their_comments_say() {
        let now = Instant::from_secs(1_795_348_800);
        let level = |name, rule| replayed(SPEAKS(name), rule, now, now).machine.level();
        assert_eq!(level("hupa-0001p", "glucose_high"), Level::Yellow);
        for (name, rules) in [
            ("hupa-0003p", ["glucose_low", "glucose_high"].as_slice()),
            ("physiocgm-c1s01", &["glucose_low", "glucose_high"]),
            ("stress-predict-04", &["tachycardia"]),
        ] {
            assert!(rules.iter().all(|rule| level(name, rule) == Level::Green), "{name}");
        }
    }

    #[test]
    fn everybody_is_invented_valid_and_once() {
        let cpfs: HashSet<String> =
            PATIENTS.iter().map(|p| p.cpf.parse::<Cpf>().unwrap().as_str().to_owned()).collect();
        assert_eq!(cpfs.len(), PATIENTS.len());
        let roles: HashSet<Role> = STAFF.iter().map(|(role, ..)| *role).collect();
        assert_eq!(roles.len(), Role::ALL.len() - 1);
        assert!(!roles.contains(&Role::Service));
        for answer in [Answer::Refused, Answer::Silent] {
            assert_eq!(PATIENTS.iter().filter(|p| p.answer == answer).count(), 1);
        }
        let idle = |p: &Person| p.wearables.iter().all(|w| w.part.is_none());
        let (played, unplayed) = PATIENTS.split_at(PATIENTS.len() - 2);
        assert!(played.iter().all(|p| !idle(p)));
        assert!(unplayed.iter().all(|p| idle(p) && p.answer == Answer::Granted));
    }
}
