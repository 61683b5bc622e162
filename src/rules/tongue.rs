//! The two languages of a finding: words, numbers and units, each as its readers write them.

use std::time::Duration;

use domain::rules::Op;
use domain::{Flags, Level, Signal, Unit};

use super::finding::Sample;

/// What differs between the languages.
pub(super) struct Tongue {
    thousands: char,
    decimal: char,
    pub(super) for_: &'static str,
    pub(super) rule: &'static str,
    levels: [&'static str; 3],
    ops: [&'static str; 4],
    sentinels: [&'static str; 2],
    signals: fn(Signal) -> &'static str,
    pub(super) measure_again: &'static str,
    pub(super) measured: fn(&str, &str) -> String,
    pub(super) between: fn(&str, &str, &str) -> String,
    pub(super) readings: fn(usize) -> String,
    pub(super) sources: fn(usize) -> String,
}

pub(super) const PT: Tongue = Tongue {
    thousands: '.',
    decimal: ',',
    for_: "por",
    rule: "regra",
    levels: ["Verde", "Amarelo", "Vermelho"],
    ops: ["acima de", "em ou acima de", "abaixo de", "em ou abaixo de"],
    sentinels: ["LOW (abaixo do que o sensor mede)", "HIGH (acima do que o sensor mede)"],
    signals: |signal| spoken_signal(signal).0,
    measure_again: "valor extremo demais para uma só leitura: meça de novo agora",
    measured: |value, unit| format!("de {value} {unit}"),
    between: |min, max, unit| {
        if min == max { format!(", todas {min} {unit}") } else { format!(", de {min} a {max} {unit}") }
    },
    readings: |n| if n == 1 { "1 leitura".into() } else { format!("{n} leituras") },
    sources: |n| if n > 1 { format!(", de {n} aparelhos") } else { String::new() },
};

pub(super) const EN: Tongue = Tongue {
    thousands: ',',
    decimal: '.',
    for_: "for",
    rule: "rule",
    levels: ["Green", "Yellow", "Red"],
    ops: ["above", "at or above", "below", "at or below"],
    sentinels: ["LOW (below what the sensor measures)", "HIGH (above what the sensor measures)"],
    signals: |signal| spoken_signal(signal).1,
    measure_again: "too extreme for a single reading: measure again now",
    measured: |value, unit| format!("of {value} {unit}"),
    between: |min, max, unit| {
        if min == max { format!(", all {min} {unit}") } else { format!(", from {min} to {max} {unit}") }
    },
    readings: |n| if n == 1 { "1 reading".into() } else { format!("{n} readings") },
    sources: |n| if n > 1 { format!(", from {n} devices") } else { String::new() },
};

impl Tongue {
    pub(super) fn signal(&self, signal: Signal) -> &'static str {
        (self.signals)(signal)
    }

    pub(super) const fn level(&self, level: Level) -> &'static str {
        let [green, yellow, red] = self.levels;
        match level {
            Level::Green => green,
            Level::Yellow => yellow,
            Level::Red => red,
        }
    }

    pub(super) const fn op(&self, op: Op) -> &'static str {
        let [above, at_least, below, at_most] = self.ops;
        match op {
            Op::Above => above,
            Op::AtLeast => at_least,
            Op::Below => below,
            Op::AtMost => at_most,
        }
    }

    pub(super) fn value(&self, sample: &Sample) -> String {
        let [low, high] = self.sentinels;
        if sample.says(Flags::LOW) {
            low.into()
        } else if sample.says(Flags::HIGH) {
            high.into()
        } else {
            self.number(sample.value)
        }
    }

    /// One decimal at most, thousands in groups: `1.234,5` in Portuguese.
    pub(super) fn number(&self, value: f64) -> String {
        let plain = format!("{:.1}", value.abs());
        let (whole, tenth) = plain.split_once('.').unwrap_or((&plain, "0"));
        let sign = if value < 0.0 && plain != "0.0" { "-" } else { "" };
        let mut grouped = String::from(sign);
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                grouped.push(self.thousands);
            }
            grouped.push(digit);
        }
        if tenth != "0" {
            grouped.push(self.decimal);
            grouped.push_str(tenth);
        }
        grouped
    }
}

/// The largest unit that leaves no rest.
pub(super) fn span(lasting: Duration) -> String {
    match lasting.as_secs() {
        s if s > 0 && s.is_multiple_of(3_600) => format!("{} h", s / 3_600),
        s if s > 0 && s.is_multiple_of(60) => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

pub(super) const fn spoken_unit(signal: Signal) -> &'static str {
    match (signal, signal.unit()) {
        (Signal::HeartRate | Signal::RestingHeartRate, _) => "bpm",
        (_, Unit::Celsius) => "°C",
        (_, Unit::MillimetreHg) => "mmHg",
        (_, Unit::One | Unit::Acvpu) => "",
        (_, unit) => unit.ucum(),
    }
}

const fn spoken_signal(signal: Signal) -> (&'static str, &'static str) {
    match signal {
        Signal::HeartRate => ("frequência cardíaca", "heart rate"),
        Signal::RestingHeartRate => ("frequência cardíaca em repouso", "resting heart rate"),
        Signal::RespiratoryRate => ("frequência respiratória", "respiratory rate"),
        Signal::Spo2 => ("saturação de oxigênio", "oxygen saturation"),
        Signal::BodyTemperature => ("temperatura corporal", "body temperature"),
        Signal::SkinTemperature => ("temperatura da pele", "skin temperature"),
        Signal::SystolicBp => ("pressão sistólica", "systolic blood pressure"),
        Signal::DiastolicBp => ("pressão diastólica", "diastolic blood pressure"),
        Signal::Glucose => ("glicose intersticial", "interstitial glucose"),
        Signal::GlucoseCapillary => ("glicose capilar", "capillary glucose"),
        Signal::Weight => ("peso", "weight"),
        Signal::Height => ("altura", "height"),
        Signal::Steps => ("passos", "steps"),
        Signal::SleepDuration => ("sono", "sleep"),
        Signal::HrvSdnn => ("variabilidade cardíaca (SDNN)", "heart rate variability (SDNN)"),
        Signal::HrvRmssd => ("variabilidade cardíaca (RMSSD)", "heart rate variability (RMSSD)"),
        Signal::SupplementalOxygen => ("oxigênio suplementar", "supplemental oxygen"),
        Signal::Consciousness => ("nível de consciência", "level of consciousness"),
        Signal::Battery => ("bateria do aparelho", "device battery"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_each_language_writes_them() {
        assert_eq!((PT.number(1_234.5), EN.number(1_234.5)), ("1.234,5".into(), "1,234.5".into()));
        assert_eq!((PT.number(12_345_678.0), PT.number(-0.04)), ("12.345.678".into(), "0".into()));
        assert_eq!((PT.number(-999.95), PT.number(100.0)), ("-1.000".into(), "100".into()));
        assert_eq!(
            (span(Duration::from_secs(90)), span(Duration::from_secs(7_200))),
            ("90 s".into(), "2 h".into())
        );
    }
}
