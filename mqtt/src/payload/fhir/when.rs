//! When a FHIR Observation was measured: `effective[x]` in each of its forms, then `issued`; never the moment of
//! reception, for the record says another time.

use super::super::json::{Read, Scanner};
use super::super::stamp::{self, Written};
use super::super::{Malformed, What};

/// What a time says.
#[derive(Clone, Copy)]
pub(super) enum Said {
    /// An instant.
    At(i64),
    /// A date without a time of day.
    Day,
    /// A span or a schedule whose end is not said.
    Open,
}

/// The times of an Observation.
#[derive(Default)]
pub(super) struct Times {
    effective: Option<Read<Said>>,
    issued: Option<Read<Said>>,
}

impl Times {
    /// Takes a member that tells a time; `false` leaves it unread. A time that cannot be read is told by
    /// [`Times::instant`].
    pub(super) fn member(&mut self, scanner: &mut Scanner<'_>, key: &str) -> Read<bool> {
        let told = match key {
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
        *told = Some(scanner.attempt(date_time)?);
        Ok(true)
    }

    /// Microseconds since the epoch; `Ok(None)` when no instant is said.
    ///
    /// What was measured over a span that is still open was known when it was issued.
    pub(super) fn instant(&self) -> Read<Option<i64>> {
        let said = match self.effective {
            None | Some(Ok(Said::Open)) => self.issued,
            said => said,
        };
        match said.transpose()? {
            Some(Said::At(micros)) => Ok(Some(micros)),
            _ => Ok(None),
        }
    }
}

fn date_time(scanner: &mut Scanner<'_>) -> Read<Said> {
    let at = scanner.place();
    match stamp::written(&scanner.string("a dateTime")?) {
        Some(Written::At(micros)) => Ok(Said::At(micros)),
        Some(Written::Day) => Ok(Said::Day),
        None => Err(Malformed::byte(at, What::Stamp)),
    }
}

/// The end of a Period.
fn period(scanner: &mut Scanner<'_>) -> Read<Said> {
    let mut end = None;
    scanner.object(|scanner, key| match key {
        "end" => date_time(scanner).map(|said| end = Some(said)),
        "start" => date_time(scanner).map(drop),
        _ => scanner.skip(),
    })?;
    Ok(end.unwrap_or(Said::Open))
}

/// The last event of a Timing, or the end of the period that bounds it.
fn timing(scanner: &mut Scanner<'_>) -> Read<Said> {
    let (mut event, mut bound) = (None, None);
    scanner.object(|scanner, key| match key {
        "event" => scanner.array(|scanner| {
            let said = date_time(scanner)?;
            event = Some(match (event, said) {
                (Some(Said::At(before)), Said::At(at)) => Said::At(at.max(before)),
                (_, said) => said,
            });
            Ok(())
        }),
        "repeat" => scanner.object(|scanner, key| match key {
            "boundsPeriod" => period(scanner).map(|said| bound = Some(said)),
            _ => scanner.skip(),
        }),
        _ => scanner.skip(),
    })?;
    Ok(event.or(bound).unwrap_or(Said::Open))
}
