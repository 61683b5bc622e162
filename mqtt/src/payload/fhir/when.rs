//! When a FHIR Observation was measured: `effective[x]` in each of its forms, then `issued`; never the moment of
//! reception, for the record says another time.

use super::super::json::{Read, Scanner};
use super::super::stamp::{self, Written};
use super::super::{Malformed, What};

/// What a time says.
#[derive(Clone, Copy)]
pub(super) enum Stated {
    /// An instant.
    At(i64),
    /// A date without a time of day.
    Day,
    /// A span or a schedule whose end is not stated.
    Open,
}

/// The times of an Observation.
#[derive(Default)]
pub(super) struct Times {
    effective: Option<Read<Stated>>,
    issued: Option<Read<Stated>>,
}

impl Times {
    /// Takes a member that tells a time; `false` leaves it unread. A time that cannot be read is told by
    /// [`Times::instant`].
    pub(super) fn member(&mut self, scanner: &mut Scanner<'_>, key: &str) -> Read<bool> {
        let slot = match key {
            "effectiveDateTime" | "effectiveInstant" => &mut self.effective,
            "effectivePeriod" => {
                self.effective = Some(scanner.attempt(period)?);
                return Ok(true);
            }
            "effectiveTiming" => {
                self.effective = Some(scanner.attempt(timing)?);
                return Ok(true);
            }
            "issued" => &mut self.issued,
            _ => return Ok(false),
        };
        *slot = Some(scanner.attempt(date_time)?);
        Ok(true)
    }

    /// Microseconds since the epoch; `Ok(None)` when no instant is stated.
    ///
    /// What was measured over a span that is still open was known when it was issued.
    pub(super) fn instant(&self) -> Read<Option<i64>> {
        let stated = match self.effective {
            None | Some(Ok(Stated::Open)) => self.issued,
            stated => stated,
        };
        match stated.transpose()? {
            Some(Stated::At(micros)) => Ok(Some(micros)),
            _ => Ok(None),
        }
    }
}

fn date_time(scanner: &mut Scanner<'_>) -> Read<Stated> {
    let at = scanner.place();
    match stamp::written(&scanner.string("a dateTime")?) {
        Some(Written::At(micros)) => Ok(Stated::At(micros)),
        Some(Written::Day) => Ok(Stated::Day),
        None => Err(Malformed::byte(at, What::Stamp)),
    }
}

/// The end of a Period.
fn period(scanner: &mut Scanner<'_>) -> Read<Stated> {
    let mut end = None;
    scanner.object(|scanner, key| match key {
        "end" => date_time(scanner).map(|stated| end = Some(stated)),
        "start" => date_time(scanner).map(drop),
        _ => scanner.skip(),
    })?;
    Ok(end.unwrap_or(Stated::Open))
}

/// The last event of a Timing, or the end of the period that bounds it.
fn timing(scanner: &mut Scanner<'_>) -> Read<Stated> {
    let (mut event, mut bound) = (None, None);
    scanner.object(|scanner, key| match key {
        "event" => scanner.array(|scanner| {
            let stated = date_time(scanner)?;
            event = Some(match (event, stated) {
                (Some(Stated::At(before)), Stated::At(at)) => Stated::At(at.max(before)),
                (_, stated) => stated,
            });
            Ok(())
        }),
        "repeat" => scanner.object(|scanner, key| match key {
            "boundsPeriod" => period(scanner).map(|stated| bound = Some(stated)),
            _ => scanner.skip(),
        }),
        _ => scanner.skip(),
    })?;
    Ok(event.or(bound).unwrap_or(Stated::Open))
}
