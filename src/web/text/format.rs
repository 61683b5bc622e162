//! Numbers, instants and spans as the reader writes them: `1.234,5` and `22/11/2026 14:02` in Portuguese.

use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate};
use chrono_tz::Tz;

pub(crate) use super::l10n::number::number;
use super::l10n::{Key, Lang, Words};
use domain::{Instant, Signal};

impl Words {
    fn local(&self, at: Instant) -> Option<DateTime<Tz>> {
        at.utc().map(|utc| utc.with_timezone(&self.zone))
    }

    /// Day and minute: `22/11/2026 14:02`, `22 Nov 2026, 14:02`.
    #[must_use]
    pub(crate) fn at(&self, at: &Instant) -> String {
        let pattern = match self.lang {
            Lang::PtBr => "%d/%m/%Y %H:%M",
            Lang::En => "%-d %b %Y, %H:%M",
        };
        self.local(*at).map_or_else(|| at.rfc3339(), |local| local.format(pattern).to_string())
    }

    /// Day, minute and second, for the audit log.
    #[must_use]
    pub(crate) fn at_second(&self, at: &Instant) -> String {
        let pattern = match self.lang {
            Lang::PtBr => "%d/%m/%Y %H:%M:%S",
            Lang::En => "%-d %b %Y, %H:%M:%S",
        };
        self.local(*at).map_or_else(|| at.rfc3339(), |local| local.format(pattern).to_string())
    }

    /// Only the clock when the instant is of today, else the short day with it: `14:02`, `21/11 14:02`.
    #[must_use]
    pub(crate) fn clock(&self, at: &Instant) -> String {
        let (Some(local), Some(now)) = (self.local(*at), self.local(self.now)) else { return at.rfc3339() };
        let pattern = match (local.date_naive() == now.date_naive(), local.year() == now.year(), self.lang) {
            (true, _, _) => "%H:%M",
            (_, true, Lang::PtBr) => "%d/%m %H:%M",
            (_, true, Lang::En) => "%-d %b %H:%M",
            _ => return self.at(at),
        };
        local.format(pattern).to_string()
    }

    /// The short day, with the year when it is another: `03/11`, `3 Nov`.
    #[must_use]
    pub(crate) fn day(&self, at: &Instant) -> String {
        let (Some(local), Some(now)) = (self.local(*at), self.local(self.now)) else { return at.rfc3339() };
        let pattern = match (local.year() == now.year(), self.lang) {
            (true, Lang::PtBr) => "%d/%m",
            (true, Lang::En) => "%-d %b",
            (false, Lang::PtBr) => "%d/%m/%Y",
            (false, Lang::En) => "%-d %b %Y",
        };
        local.format(pattern).to_string()
    }

    /// A day of the calendar: `03/11/2026`, `3 Nov 2026`.
    #[must_use]
    pub(crate) fn date(&self, day: NaiveDate) -> String {
        let pattern = match self.lang {
            Lang::PtBr => "%d/%m/%Y",
            Lang::En => "%-d %b %Y",
        };
        day.format(pattern).to_string()
    }

    /// The day of the calendar where the reader is; `None` beyond what a calendar reaches.
    #[must_use]
    pub(crate) fn local_date(&self, at: Instant) -> Option<NaiveDate> {
        self.local(at).map(|local| local.date_naive())
    }

    /// The time of the day where the reader is: `14:02`.
    #[must_use]
    pub(crate) fn time_of_day(&self, at: &Instant) -> String {
        self.local(*at).map_or_else(|| at.rfc3339(), |local| local.format("%H:%M").to_string())
    }

    /// How long from `from` until now, in its two largest parts: `48 s`, `12 min`, `2 h 05`, `3 d 4 h`.
    #[must_use]
    pub(crate) fn wait(&self, from: &Instant) -> String {
        self.span(&self.now.since(*from))
    }

    /// How long until an instant: `4:05`, `2 h 05`; a word once it is due.
    #[must_use]
    pub(crate) fn left(&self, to: &Instant) -> String {
        if *to <= self.now {
            return self.say(Key("countdown-due"));
        }
        let left = to.since(self.now);
        match left.as_secs() {
            secs if secs < 3_600 => format!("{}:{:02}", secs / 60, secs % 60),
            _ => self.span(&left),
        }
    }

    /// How long ago, in a sentence: `há 12 min`, `12 min ago`; `agora` below five seconds.
    #[must_use]
    pub(crate) fn ago(&self, at: &Instant) -> String {
        let gone = self.now.since(*at);
        if gone < Duration::from_secs(5) {
            self.say(Key("ago-now"))
        } else {
            self.one(Key("ago"), "span", self.span(&gone))
        }
    }

    /// A span in its two largest parts.
    #[must_use]
    pub(crate) fn span(&self, span: &Duration) -> String {
        let secs = span.as_secs();
        let (minutes, hours, days) = (secs / 60, secs / 3_600, secs / 86_400);
        match secs {
            0..60 => format!("{secs} s"),
            60..3_600 => format!("{minutes} min"),
            3_600..86_400 => format!("{hours} h {:02}", minutes % 60),
            _ => format!("{days} d {} h", hours % 24),
        }
    }

    /// A span below a second in milliseconds, else as [`Words::span`].
    #[must_use]
    pub(crate) fn short_span(&self, span: &Duration) -> String {
        if span.as_secs() < 1 { format!("{} ms", span.as_millis()) } else { self.span(span) }
    }

    /// A whole number, grouped.
    #[must_use]
    pub(crate) fn whole(&self, n: &u64) -> String {
        let plain = n.to_string();
        let group = match self.lang {
            Lang::PtBr => ".",
            Lang::En => ",",
        };
        let head = match plain.len() % 3 {
            0 => 3,
            other => other,
        };
        let mut out = String::with_capacity(plain.len() + 6);
        for (i, digit) in plain.chars().enumerate() {
            if i >= head && (i - head).is_multiple_of(3) {
                out.push_str(group);
            }
            out.push(digit);
        }
        out
    }

    /// Bytes in the largest unit that keeps a whole part: `1,4 GB` (decimal units).
    #[must_use]
    pub(crate) fn bytes(&self, bytes: &u64) -> String {
        const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
        for (unit, size) in UNITS {
            if *bytes >= size {
                let tenths = bytes / (size / 10);
                return format!("{} {unit}", number(self.lang, tenths_of(tenths), 1));
            }
        }
        format!("{bytes} B")
    }

    /// A value in its signal's canonical unit, with the decimals that mean something: `36,8`, `142`.
    #[must_use]
    pub(crate) fn value(&self, signal: &Signal, value: &f64) -> String {
        if *signal == Signal::Consciousness {
            return acvpu(*value).to_owned();
        }
        number(self.lang, *value, decimals(*signal))
    }

    /// A share in percent, without its sign.
    #[must_use]
    pub(crate) fn percent(&self, value: &f64) -> String {
        number(self.lang, *value, 0)
    }

    /// The name of a signal.
    #[must_use]
    pub(crate) fn signal(&self, signal: &Signal) -> String {
        self.say(signal_key(*signal))
    }

    /// The unit of a signal as people write it: `bpm`, `°C`, `mg/dL`.
    #[must_use]
    pub(crate) fn unit(&self, signal: &Signal) -> String {
        self.say(unit_key(*signal))
    }
}

fn tenths_of(tenths: u64) -> f64 {
    f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
}

/// The decimals that mean something in a signal.
pub(crate) fn decimals(signal: Signal) -> usize {
    use Signal::{BodyTemperature, SkinTemperature, SupplementalOxygen, Weight};
    usize::from(matches!(signal, BodyTemperature | SkinTemperature | Weight | SupplementalOxygen))
}

/// The stored number of a level of consciousness is its place in A C V P U.
fn acvpu(value: f64) -> &'static str {
    const LETTERS: [(f64, &str); 5] = [(0.5, "A"), (1.5, "C"), (2.5, "V"), (3.5, "P"), (f64::INFINITY, "U")];
    LETTERS.iter().find(|(below, _)| value < *below).map_or("U", |(_, letter)| letter)
}

const fn signal_key(signal: Signal) -> Key {
    match signal {
        Signal::HeartRate => Key("signal-heart-rate"),
        Signal::RestingHeartRate => Key("signal-resting-heart-rate"),
        Signal::RespiratoryRate => Key("signal-respiratory-rate"),
        Signal::Spo2 => Key("signal-spo2"),
        Signal::BodyTemperature => Key("signal-body-temperature"),
        Signal::SkinTemperature => Key("signal-skin-temperature"),
        Signal::SystolicBp => Key("signal-systolic-bp"),
        Signal::DiastolicBp => Key("signal-diastolic-bp"),
        Signal::Glucose => Key("signal-glucose"),
        Signal::GlucoseCapillary => Key("signal-glucose-capillary"),
        Signal::Weight => Key("signal-weight"),
        Signal::Height => Key("signal-height"),
        Signal::Steps => Key("signal-steps"),
        Signal::SleepDuration => Key("signal-sleep-duration"),
        Signal::HrvSdnn => Key("signal-hrv-sdnn"),
        Signal::HrvRmssd => Key("signal-hrv-rmssd"),
        Signal::SupplementalOxygen => Key("signal-supplemental-oxygen"),
        Signal::Consciousness => Key("signal-consciousness"),
        Signal::Battery => Key("signal-battery"),
    }
}

const fn unit_key(signal: Signal) -> Key {
    match signal {
        Signal::HeartRate | Signal::RestingHeartRate => Key("unit-beats"),
        Signal::RespiratoryRate => Key("unit-breaths"),
        Signal::Spo2 | Signal::Battery => Key("unit-percent"),
        Signal::BodyTemperature | Signal::SkinTemperature => Key("unit-celsius"),
        Signal::SystolicBp | Signal::DiastolicBp => Key("unit-mmhg"),
        Signal::Glucose | Signal::GlucoseCapillary => Key("unit-mg-dl"),
        Signal::Weight => Key("unit-kg"),
        Signal::Height => Key("unit-cm"),
        Signal::Steps => Key("unit-steps"),
        Signal::SleepDuration => Key("unit-minutes"),
        Signal::HrvSdnn | Signal::HrvRmssd => Key("unit-ms"),
        Signal::SupplementalOxygen => Key("unit-litres-minute"),
        Signal::Consciousness => Key("unit-acvpu"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(lang: Lang) -> Words {
        Words {
            lang,
            zone: chrono_tz::America::Sao_Paulo,
            now: Instant::parse("2026-11-22T17:02:09Z").unwrap(),
        }
    }

    #[test]
    fn numbers_are_grouped_as_the_reader_writes_them() {
        assert_eq!(number(Lang::PtBr, 1_234.5, 1), "1.234,5");
        assert_eq!(number(Lang::En, -1_234_567.0, 0), "−1,234,567");
        assert_eq!(number(Lang::PtBr, -0.04, 1), "0,0");
        assert_eq!(words(Lang::PtBr).whole(&12_345_678), "12.345.678");
        assert_eq!(words(Lang::En).whole(&100), "100");
        assert_eq!(words(Lang::PtBr).bytes(&1_450_000_000), "1,4 GB");
    }

    #[test]
    fn instants_are_told_in_the_readers_zone() {
        let (pt, en) = (words(Lang::PtBr), words(Lang::En));
        let at = Instant::parse("2026-11-22T02:30:00Z").unwrap();
        assert_eq!(pt.at(&at), "21/11/2026 23:30");
        assert_eq!(en.at(&at), "21 Nov 2026, 23:30");
        assert_eq!(pt.clock(&at), "21/11 23:30");
        assert_eq!(pt.clock(&pt.now), "14:02");
        assert_eq!(pt.day(&Instant::parse("2025-11-03T12:00:00Z").unwrap()), "03/11/2025");
    }

    #[test]
    fn waiting_is_told_in_its_two_largest_parts() {
        let pt = words(Lang::PtBr);
        let before = |secs| pt.now.minus(Duration::from_secs(secs));
        assert_eq!(pt.wait(&before(48)), "48 s");
        assert_eq!(pt.wait(&before(725)), "12 min");
        assert_eq!(pt.wait(&before(7_500)), "2 h 05");
        assert_eq!(pt.wait(&before(275_000)), "3 d 4 h");
        assert_eq!(pt.ago(&before(725)), "há 12 min");
    }

    #[test]
    fn a_value_keeps_only_the_decimals_that_mean_something() {
        let pt = words(Lang::PtBr);
        assert_eq!(pt.value(&Signal::BodyTemperature, &36.84), "36,8");
        assert_eq!(pt.value(&Signal::HeartRate, &142.0), "142");
        assert_eq!(pt.value(&Signal::Consciousness, &2.0), "V");
    }
}
