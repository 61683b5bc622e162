//! Who a person is, as one value that is sealed and never printed; and how old the law takes them to be.

use std::fmt;

use chrono::{Datelike, NaiveDate};
use consent::AgeBand;
use serde::{Deserialize, Serialize};

use crate::{Cns, Cpf, Email, Instant, Name, Phone};

/// What identifies a patient; sealed as one value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatientIdentity {
    /// How they are called.
    pub name: Name,
    /// `YYYY-MM-DD`.
    pub birth_date: NaiveDate,
    /// Absent for foreigners, the newborn, indigenous people and emergencies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpf: Option<Cpf>,
    /// National health card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cns: Option<Cns>,
    /// E-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}

impl fmt::Debug for PatientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PatientIdentity(…)")
    }
}

/// What identifies a member of staff, or a service; sealed as one value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffIdentity {
    /// How they are called.
    pub name: Name,
    /// What they sign in with.
    pub email: Email,
}

impl fmt::Debug for StaffIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaffIdentity(…)")
    }
}

/// The age band at an instant. Bands change at 00:00 in America/Sao_Paulo, on the 29th of February's birthday
/// on the 1st of March (Código Civil art. 132 §3).
#[must_use]
pub fn age_band(birth: NaiveDate, now: Instant) -> AgeBand {
    let Some(utc) = now.utc() else { return AgeBand::Child };
    let today = utc.with_timezone(&chrono_tz::America::Sao_Paulo).date_naive();
    let before_birthday = (today.month(), today.day()) < (birth.month(), birth.day());
    match today.year() - birth.year() - i32::from(before_birthday) {
        ..12 => AgeBand::Child,
        12..16 => AgeBand::Young,
        16..18 => AgeBand::Adolescent,
        18.. => AgeBand::Adult,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_begins_at_midnight_in_sao_paulo() {
        let birth = NaiveDate::from_ymd_opt(2008, 11, 22).unwrap();
        let at = |text: &str| age_band(birth, Instant::parse(text).unwrap());
        assert_eq!(at("2026-11-22T02:59:59Z"), AgeBand::Adolescent);
        assert_eq!(at("2026-11-22T03:00:00Z"), AgeBand::Adult);
        assert_eq!(at("2024-11-22T02:59:59Z"), AgeBand::Young);
        assert_eq!(at("2020-11-22T02:59:59Z"), AgeBand::Child);
        let leap = NaiveDate::from_ymd_opt(2008, 2, 29).unwrap();
        let at = |text: &str| age_band(leap, Instant::parse(text).unwrap());
        assert_eq!(at("2026-02-28T12:00:00Z"), AgeBand::Adolescent);
        assert_eq!(at("2026-03-01T12:00:00Z"), AgeBand::Adult);
    }
}
