//! Recordings of real wearables, moved in time as a whole so that a chosen row falls on the start-up. Values
//! are never touched; sources and licences are in `recordings/README.md`.

use std::time::Duration;

use domain::{Instant, Signal};

/// A pause longer than any rule bridges, between the last row and the first one again.
const PAUSE: Duration = Duration::from_secs(20 * 60);

/// What a sensor reported.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    /// A value in the signal's canonical unit.
    Value(f64),
    /// Below what it can measure.
    Low,
    /// Above what it can measure.
    High,
}

/// What was measured at one moment, one entry per column of the recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Since the first row.
    pub t: Duration,
    /// In the order of [`Recording::signals`]; `None`: nothing.
    pub cells: Vec<Option<Cell>>,
}

/// One subject and one device.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Its file's name, without the ending.
    pub name: &'static str,
    /// Its columns.
    pub signals: Vec<Signal>,
    /// Ascending; the first at zero.
    pub rows: Vec<Row>,
}

/// An embedded recording is not in its form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the recording {name} is damaged at line {line}: {what}")]
pub struct Damaged {
    /// Which.
    pub name: &'static str,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: &'static str,
}

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => {
        const EMBEDDED: &[(&str, &str)] = &[$(($name, include_str!(concat!("recordings/", $name, ".csv")))),+];
    };
}

embedded!(
    "hupa-0001p",
    "hupa-0002p",
    "hupa-0003p",
    "physiocgm-c1s01",
    "stress-predict-02",
    "stress-predict-04",
    "stress-predict-06",
    "stress-predict-08",
    "stress-predict-10",
    "stress-predict-12",
    "welltory-6be5033971",
);

impl Recording {
    /// The recording of that name.
    ///
    /// # Errors
    /// [`Damaged`] when there is none of that name, or it is not in its form.
    pub fn named(wanted: &'static str) -> Result<Self, Damaged> {
        let found = EMBEDDED.iter().find(|(name, _)| *name == wanted);
        let (name, text) = found.ok_or(Damaged { name: wanted, line: 0, what: "there is no such file" })?;
        Self::read(name, text)
    }

    fn read(name: &'static str, text: &str) -> Result<Self, Damaged> {
        let damaged = |line: usize, what| Damaged { name, line, what };
        let mut lines = text.lines().zip(1_usize..);
        let (head, _) = lines.next().ok_or(damaged(1, "it is empty"))?;
        let columns = head.strip_prefix("t,").ok_or(damaged(1, "the first column must be t"))?;
        let signals: Option<Vec<Signal>> = columns.split(',').map(Signal::from_name).collect();
        let signals = signals.ok_or(damaged(1, "a column is not a signal code"))?;
        let mut rows: Vec<Row> = Vec::new();
        for (line, number) in lines {
            let row = row_of(line).map_err(|what| damaged(number, what))?;
            let right = match rows.last() {
                None => row.t.is_zero(),
                Some(before) => row.t > before.t,
            };
            if !right || row.cells.len() != signals.len() {
                return Err(damaged(number, "rows must begin at 0, ascend, and fill their columns"));
            }
            rows.push(row);
        }
        Ok(Self { name, signals, rows })
    }

    /// From the first row to the last.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.rows.last().map_or(Duration::ZERO, |row| row.t)
    }

    /// Moved so that what was measured `cut` after the first row falls on `now`.
    #[must_use]
    pub(crate) const fn rebased(&self, cut: Duration, now: Instant) -> Rebased<'_> {
        // Whole milliseconds: what a payload's `ts` can say.
        Rebased { recording: self, cut, now: Instant::from_millis(now.millis()) }
    }
}

fn row_of(line: &str) -> Result<Row, &'static str> {
    let (t, rest) = line.split_once(',').ok_or("no values")?;
    let t = t.parse().map(Duration::from_secs).map_err(|_not_a_number| "t must be whole seconds")?;
    let cells = rest.split(',').map(|cell| match cell {
        "" => Ok(None),
        "LOW" => Ok(Some(Cell::Low)),
        "HIGH" => Ok(Some(Cell::High)),
        number => number.parse().map(|value| Some(Cell::Value(value))).map_err(|_not_a_number| "not a value"),
    });
    Ok(Row { t, cells: cells.collect::<Result<_, _>>()? })
}

/// A recording with a place in time, endless: after a pause it begins again.
#[derive(Debug, Clone, Copy)]
pub struct Rebased<'r> {
    recording: &'r Recording,
    cut: Duration,
    now: Instant,
}

/// A row with its instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'r> {
    /// When, in whole milliseconds.
    pub at: Instant,
    /// Whose columns.
    pub signals: &'r [Signal],
    /// What was measured.
    pub row: &'r Row,
}

impl<'r> Rebased<'r> {
    /// The instant of the very first row: nothing lies before it.
    #[must_use]
    pub fn begins(&self) -> Instant {
        self.now.minus(self.cut)
    }

    /// The rows after `after` and up to `until`, ascending.
    pub fn between(&self, after: Instant, until: Instant) -> impl Iterator<Item = Sample<'r>> + use<'r> {
        let (recording, begins) = (self.recording, self.begins());
        let period = recording.span() + PAUSE;
        let whole = after.since(begins).as_micros().checked_div(period.as_micros()).unwrap_or(0);
        let first = u32::try_from(whole).unwrap_or(u32::MAX);
        (first..u32::MAX)
            .map(move |round| begins.plus(period.saturating_mul(round)))
            .take_while(move |start| *start <= until)
            .flat_map(move |start| {
                let from = recording.rows.partition_point(|row| start.plus(row.t) <= after);
                let rows = recording.rows.get(from..).unwrap_or_default();
                rows.iter().map(move |row| Sample { at: start.plus(row.t), signals: &recording.signals, row })
            })
            .take_while(move |sample| sample.at <= until)
    }
}

impl Sample<'_> {
    /// How many readings it holds.
    #[must_use]
    pub fn readings(&self) -> usize {
        self.row.cells.iter().flatten().count()
    }

    /// As the contract's JSON: `{"ts": milliseconds, "values": {signal: value}}`.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let values = self.signals.iter().zip(&self.row.cells).filter_map(|(signal, cell)| {
            let value = match (*cell)? {
                Cell::Value(value) => serde_json::json!(value),
                Cell::Low => serde_json::json!("LOW"),
                Cell::High => serde_json::json!("HIGH"),
            };
            Some((signal.name().to_owned(), value))
        });
        let values: serde_json::Map<_, _> = values.collect();
        serde_json::json!({ "ts": self.at.millis(), "values": values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_micros(1_795_348_800_123_456);

    #[test]
    fn every_embedded_recording_is_in_its_form_and_small() {
        let mut bytes = 0;
        for (name, text) in EMBEDDED {
            let recording = Recording::named(name).unwrap();
            assert!(recording.rows.len() > 100, "{name}");
            assert_eq!(recording.rows.len() + 1, text.lines().count(), "{name}: no row is lost");
            bytes += text.len();
        }
        assert!(bytes < 1_500_000, "{bytes}");
    }

    #[test]
    fn damage_is_found_with_its_line() {
        let read = |text| Recording::read("x", text).unwrap_err();
        assert_eq!(read("t,heart_rate\n0,60\n0,61\n").line, 3);
        assert_eq!(read("t,heart_rate\n0,sixty\n").what, "not a value");
        assert_eq!(read("t,pulse\n").what, "a column is not a signal code");
        assert_eq!(read("t,heart_rate\n1,60\n").line, 2);
        assert_eq!(read("t,heart_rate\n0,60,70\n").line, 2);
    }

    #[test]
    fn rebasing_loses_no_reading_changes_none_and_keeps_the_order() {
        for (name, text) in EMBEDDED {
            let recording = Recording::named(name).unwrap();
            let cut = recording.span() / 3;
            let rebased = recording.rebased(cut, NOW);
            let end = rebased.begins().plus(recording.span());
            let samples: Vec<Sample<'_>> = rebased.between(Instant::MIN, end).collect();
            assert_eq!(samples.len(), recording.rows.len(), "{name}");
            assert!(samples.windows(2).all(|pair| pair[0].at < pair[1].at), "{name}");
            for (sample, line) in samples.iter().zip(text.lines().skip(1)) {
                let (t, values) = line.split_once(',').unwrap();
                let moved = sample.at.since(rebased.begins());
                assert_eq!(moved, Duration::from_secs(t.parse().unwrap()), "{name}");
                let json = sample.json();
                for (signal, cell) in sample.signals.iter().zip(values.split(',')) {
                    let value = &json["values"][signal.name()];
                    match cell {
                        "LOW" | "HIGH" => assert_eq!(value, cell),
                        number => assert_eq!(value.as_f64(), number.parse().ok(), "{name} {number}"),
                    }
                }
            }
        }
    }

    #[test]
    fn history_and_playback_meet_without_a_gap_or_a_double_and_end_where_they_should() {
        let recording = Recording::named("stress-predict-02").unwrap();
        let rebased = recording.rebased(Duration::from_secs(1_000), NOW);
        let now = Instant::from_millis(NOW.millis());
        let history: Vec<_> = rebased.between(Instant::MIN, now).collect();
        assert_eq!(history.len(), 1_001);
        assert_eq!(history.last().unwrap().at, now);
        let later = now.plus(Duration::from_secs(10));
        let live: Vec<_> = rebased.between(now, later).map(|sample| sample.at).collect();
        assert_eq!(live.first(), Some(&now.plus(Duration::from_secs(1))));
        assert_eq!(live.last(), Some(&later));
        assert_eq!(rebased.between(later, later).count(), 0);
    }

    #[test]
    fn after_its_last_row_and_a_pause_it_begins_again() {
        let recording = Recording::named("stress-predict-02").unwrap();
        let rebased = recording.rebased(Duration::ZERO, NOW);
        let end = rebased.begins().plus(recording.span());
        let again = end.plus(PAUSE);
        assert_eq!(rebased.between(end, again.minus(Duration::from_micros(1))).count(), 0);
        let second: Vec<_> = rebased.between(end, again.plus(recording.span())).collect();
        assert_eq!(second.len(), recording.rows.len());
        assert_eq!((second[0].at, &second[0].row), (again, &&recording.rows[0]));
    }
}
