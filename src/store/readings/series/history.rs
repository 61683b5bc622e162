//! The history of a reading across wearers (DESIGN §4). A device that changes hands takes its readings to the next
//! wearer: their generations are numbered across wearers, and what the source withdrew stays withdrawn at each of them.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::View;
use crate::db::conn::on;
use crate::db::error::{Error, Result};
use crate::db::schema::amendments::dsl;
use crate::devices::Wearer;
use crate::devices::unbound::{self, Back};
use crate::patients::keyed::Keyed;
use crate::readings::amendments::{COLUMNS, Generation, Identity, Raw, opened, signal_of};
use crate::readings::chunks::rows::Series;
use domain::{Instant, PatientId, Reading, Signal};

/// Instants in one query: SQLite binds 32,766 at most.
const AT_ONCE: usize = 8_192;

/// Every generation of one reading, with whose each is.
pub(in crate::readings) struct History {
    identity: Identity,
    rows: Vec<(i64, Raw)>,
}

impl Identity {
    /// What was reported of it at any wearer.
    pub(crate) fn history(&self, view: &mut View<'_>) -> Result<History> {
        let generations = generations(view, self.device_key, &[self.at.micros()])?;
        let of_signal = generations.into_iter().filter(|(_, signal, _)| *signal == self.signal.code());
        Ok(History { identity: *self, rows: of_signal.map(|(patient, _, raw)| (patient, raw)).collect() })
    }
}

impl History {
    /// Those of some readings of one series, by instant.
    pub(crate) fn of(
        view: &mut View<'_>,
        patient: Keyed<PatientId>,
        signal: Signal,
        device_key: i64,
        instants: &[i64],
    ) -> Result<HashMap<i64, Self>> {
        let identity = |at: i64| Identity { patient, signal, at: Instant::from_micros(at), device_key };
        let empty = |at: &i64| (*at, Self { identity: identity(*at), rows: Vec::new() });
        let mut out: HashMap<i64, Self> = instants.iter().map(empty).collect();
        for (whose, code, raw) in generations(view, device_key, instants)? {
            if let Some(history) = out.get_mut(&raw.0).filter(|_| code == signal.code()) {
                history.rows.push((whose, raw));
            }
        }
        Ok(out)
    }

    /// The number of the generation that comes next.
    pub(crate) fn next(&self) -> i64 {
        self.rows.iter().map(|(_, raw)| raw.2).max().unwrap_or(0).saturating_add(1)
    }

    /// The last generation at this wearer.
    pub(crate) fn last(&self, view: &mut View<'_>) -> Result<Option<Generation>> {
        let series = self.identity.series();
        let own = self.rows.iter().filter(|(patient, _)| *patient == series.patient_key);
        let last = own.max_by_key(|(_, raw)| raw.2);
        last.map(|(_, raw)| opened(view, series, raw.clone())).transpose()
    }

    /// What its source took back, if nothing was put in force since, at whichever wearer.
    pub(crate) fn taken_back(&self, view: &mut View<'_>) -> Result<Option<TakenBack>> {
        Ok(last_word(view, self.identity.signal, &self.rows)?.map(|(_, taken)| taken))
    }
}

/// A reading that its source took back.
#[derive(Debug, Clone)]
pub struct TakenBack {
    /// Each value that was, where it was written down.
    was: Vec<Option<Reading>>,
    of_nobodys: bool,
}

impl TakenBack {
    /// What was taken back while its device was nobody's.
    pub(in crate::readings) fn of_nobodys<'b>(taken_back: impl Iterator<Item = &'b Back>) -> Self {
        Self { was: taken_back.map(|back| back.was).collect(), of_nobodys: true }
    }

    /// Whether it says nothing of this value: another was taken back of what waited.
    #[must_use]
    pub fn leaves(&self, reading: &Reading) -> bool {
        self.of_nobodys && !self.is(reading)
    }

    /// Whether this is the value that was taken back. Any may be, where none was written down.
    #[must_use]
    pub fn is(&self, reading: &Reading) -> bool {
        self.was.iter().any(|was| was.is_none_or(|was| was.says_the_same(reading)))
    }
}

/// What was reported before of a reading that a device sends again.
#[derive(Debug, Clone)]
pub enum Before {
    /// Its source took it back, when it was nobody's or another's than the patient's.
    TakenBack(TakenBack),
    /// This is in force at the patient, and was put there: it was given to them, corrected, or released.
    Stands(Reading),
}

/// What was reported before of what a device measured at these instants for a patient.
///
/// # Errors
/// Database errors.
pub fn recorded_before(
    view: &mut View<'_>,
    wearer: Wearer,
    instants: &[Instant],
) -> Result<HashMap<(Signal, Instant), Before>> {
    let instants: Vec<i64> = instants.iter().map(|at| at.micros()).collect();
    let mut rows: HashMap<(i16, i64), Vec<(i64, Raw)>> = HashMap::new();
    for (patient, signal, raw) in generations(view, wearer.device_key, &instants)? {
        rows.entry((signal, raw.0)).or_default().push((patient, raw));
    }
    let mut out: HashMap<(Signal, Instant), Before> = HashMap::new();
    for instants in instants.chunks(AT_ONCE) {
        let of_nobodys = unbound::taken_back(view, wearer.device_key, instants)?;
        let taken = |backs: Vec<Back>| Before::TakenBack(TakenBack::of_nobodys(backs.iter()));
        out.extend(of_nobodys.into_iter().map(|(key, backs)| (key, taken(backs))));
    }
    for ((code, at), rows) in rows {
        let signal = signal_of(wearer.patient_key, code)?;
        let word = last_word(view, signal, &rows)?.filter(|(whose, _)| *whose != wearer.patient_key);
        let before = match word {
            Some((_, taken)) => Some(Before::TakenBack(taken)),
            None => stands(view, Series::new(wearer.patient_key, signal), &rows)?.map(Before::Stands),
        };
        out.extend(before.map(|before| ((signal, Instant::from_micros(at)), before)));
    }
    Ok(out)
}

/// What the last generation at a patient puts in force. What cannot be opened any more says nothing.
fn stands(view: &mut View<'_>, series: Series, rows: &[(i64, Raw)]) -> Result<Option<Reading>> {
    let own = rows.iter().filter(|(patient, _)| *patient == series.patient_key).max_by_key(|(_, raw)| raw.2);
    let Some((_, raw)) = own else { return Ok(None) };
    match opened(view, series, raw.clone()) {
        Ok(generation) => Ok(generation.reading),
        Err(Error::Sealed(..) | Error::Corrupt(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

type SealedGeneration = (i64, i16, Raw);

/// The generations of what a device measured at these instants, whosever it was, in the order in which they came.
fn generations(view: &mut View<'_>, device_key: i64, instants: &[i64]) -> Result<Vec<SealedGeneration>> {
    let mut out: Vec<SealedGeneration> = Vec::new();
    for instants in instants.chunks(AT_ONCE) {
        let query = dsl::amendments
            .filter(dsl::device_key.eq(device_key).and(dsl::at.eq_any(instants)))
            .select((dsl::patient_key, dsl::signal, COLUMNS));
        let found: Vec<SealedGeneration> = on!(&mut *view.conn, |c| query.load(c))?;
        out.extend(found);
    }
    out.sort_by_key(|(_, _, raw)| (raw.4, raw.2));
    Ok(out)
}

/// Whose the last word on a reading is, if it takes it back; that it went from one wearer to another says nothing of
/// it. What cannot be opened any more says nothing.
fn last_word(view: &mut View<'_>, signal: Signal, rows: &[(i64, Raw)]) -> Result<Option<(i64, TakenBack)>> {
    // Without a word of the source's nothing is opened: so it is of nearly everything that moves.
    if rows.iter().all(|(_, raw)| raw.5.is_some()) {
        return Ok(None);
    }
    for (patient, raw) in rows.iter().rev() {
        let generation = match opened(view, Series::new(*patient, signal), raw.clone()) {
            Ok(generation) => generation,
            Err(Error::Sealed(..) | Error::Corrupt(_)) => continue,
            Err(error) => return Err(error),
        };
        if !generation.is_anothers() {
            let taken = generation
                .is_taken_back()
                .then(|| TakenBack { was: vec![generation.was], of_nobodys: false });
            return Ok(taken.map(|taken| (*patient, taken)));
        }
    }
    Ok(None)
}
