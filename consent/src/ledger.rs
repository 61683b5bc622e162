//! The state machine of consent, one (subject, purpose) at a time, and the fold of a person's events.

use crate::EPOCH_MAX;
use crate::decide::Records;
use crate::denied::Code;
use crate::event::{Act, Action, Event, Grant};
use crate::purpose::Purpose;
use crate::record::{Record, State};
use crate::scope::Scope;
use crate::term::Change;

/// What an accepted event did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The row is now this; its epoch is one higher.
    Changed(Record),
    /// Nothing: the row already had that state, and its epoch stands (revoking twice).
    Unchanged,
}

/// An event the state machine does not accept. The attempt itself belongs in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{code} {}: {action} is not possible for {purpose} when it is {}", code.basis_text(), from.map_or("unasked", State::as_str))]
pub struct Rejected {
    /// Why.
    pub code: Code,
    /// What for.
    pub purpose: Purpose,
    /// What was tried.
    pub action: Action,
    /// Where the consent stood; `None`: never asked.
    pub from: Option<State>,
}

/// The state machine: the row before and one event give the row after.
///
/// # Errors
/// [`Rejected`] with `E_TRANSITION` (the state does not allow the act), `E_RETROACTIVE` (a later grant reaches
/// back, or validity starts before the act), `E_VALIDITY` (ends before it starts), `E_NOT_CONSENTABLE` or
/// `E_PROHIBITED_11_4` (no consent can carry the purpose), `E_INTERNAL` (a row of another purpose, or no epoch left).
pub fn apply(before: Option<&Record>, event: &Event) -> Result<Applied, Rejected> {
    let reject = |code| Rejected {
        code,
        purpose: event.purpose,
        action: event.act.action(),
        from: before.map(|record| record.state),
    };
    if before.is_some_and(|record| record.purpose != event.purpose) {
        return Err(reject(Code::Internal));
    }
    if let Some(code) = never_asked_for(event.purpose) {
        return Err(reject(code));
    }
    let next = match next(before, event).map_err(reject)? {
        Some(next) => next,
        None => return Ok(Applied::Unchanged),
    };
    let epoch = before.map_or(0, |record| record.epoch);
    if !(0..EPOCH_MAX).contains(&epoch) {
        return Err(reject(Code::Internal));
    }
    Ok(Applied::Changed(Record { epoch: epoch + 1, since: event.at, ..next }))
}

/// Why consent for `purpose` is never asked: no consent could carry it.
fn never_asked_for(purpose: Purpose) -> Option<Code> {
    if purpose == Purpose::ShareCommercial {
        return Some(Code::Prohibited11_4);
    }
    (!purpose.may_rest_on(crate::Basis::Consent)).then_some(Code::NotConsentable)
}

/// One cell of the table of states: the row after (its epoch still to be set), or `None` for no change.
fn next(before: Option<&Record>, event: &Event) -> Result<Option<Record>, Code> {
    use State::{Expired, Granted, Offered, Refused, Revoked, Stale, Suspended};
    let Some(record) = before else {
        return match &event.act {
            Act::Offered(term) => Ok(Some(Record { term_sha256: Some(*term), ..unasked(event, Offered) })),
            Act::Granted(grant) => granted(None, event, grant).map(Some),
            Act::Refused => Ok(Some(unasked(event, Refused))),
            _ => Err(Code::Transition),
        };
    };
    match (record.state, &event.act) {
        (Offered, Act::Offered(term)) if record.term_sha256 == Some(*term) => Ok(None),
        (Offered, Act::Offered(term)) => Ok(Some(Record { term_sha256: Some(*term), ..record.clone() })),
        (Offered | Granted | Refused | Revoked | Expired | Stale, Act::Granted(grant)) => {
            granted(Some(record), event, grant).map(Some)
        }
        (Offered | Refused | Revoked | Expired | Stale, Act::Refused) => Ok(Some(to(record, Refused))),
        (Revoked, Act::Revoked) | (Suspended, Act::Suspended) => Ok(None),
        (Granted | Expired | Stale | Suspended, Act::Revoked) => Ok(Some(to(record, Revoked))),
        (Granted | Suspended, Act::Expired) => Ok(Some(to(record, Expired))),
        (Granted | Suspended, Act::Superseded(change)) => Ok(superseded(record, *change)),
        (Granted, Act::Suspended) => {
            Ok(Some(Record { previous: Some(record.state), ..to(record, Suspended) }))
        }
        (Suspended, Act::Resumed) => {
            record.previous.map(|previous| Some(to(record, previous))).ok_or(Code::Internal)
        }
        _ => Err(Code::Transition),
    }
}

fn unasked(event: &Event, state: State) -> Record {
    Record {
        purpose: event.purpose,
        state,
        previous: None,
        epoch: 0,
        since: event.at,
        term_sha256: None,
        valid_from: event.at,
        valid_until: None,
        measured_from: event.at,
        first_granted_at: None,
        scope: Scope::default(),
        pending: Change::None,
        guardian: false,
    }
}

fn to(record: &Record, state: State) -> Record {
    Record { state, previous: None, ..record.clone() }
}

/// A change of purpose or sharing needs a new choice; one of duration or controller only a notice (art. 8 §6).
fn superseded(record: &Record, change: Change) -> Option<Record> {
    let pending = record.pending.max(change);
    match change {
        Change::None => None,
        Change::Duration | Change::Controller => Some(Record { pending, ..record.clone() }),
        Change::Sharing | Change::Purpose => Some(Record { pending, ..to(record, State::Stale) }),
    }
}

/// A yes. Only the first one may reach back to readings measured before it (consent is not retroactive).
fn granted(before: Option<&Record>, event: &Event, grant: &Grant) -> Result<Record, Code> {
    let first = before.and_then(|record| record.first_granted_at);
    let valid_from = grant.valid_from.unwrap_or(event.at);
    if valid_from < event.at {
        return Err(Code::Retroactive);
    }
    if grant.valid_until.is_some_and(|until| until <= valid_from) {
        return Err(Code::Validity);
    }
    let measured_from = match grant.measured_from {
        Some(from) if from < event.at && first.is_some() => return Err(Code::Retroactive),
        Some(from) => from,
        None => before.and_then(|record| unbroken(record, event)).unwrap_or(event.at),
    };
    Ok(Record {
        purpose: event.purpose,
        state: State::Granted,
        previous: None,
        epoch: 0,
        since: event.at,
        term_sha256: Some(grant.term_sha256),
        valid_from,
        valid_until: grant.valid_until,
        measured_from,
        first_granted_at: first.or(Some(event.at)),
        scope: grant.scope.clone(),
        pending: Change::None,
        guardian: event.guardian,
    })
}

/// A renewal without a gap keeps the beginning it had: readings still under way were measured under a grant.
fn unbroken(record: &Record, event: &Event) -> Option<i64> {
    let stands = record.state == State::Granted && record.valid_until.is_none_or(|until| event.at < until);
    stands.then_some(record.measured_from)
}

/// What one person allows: at most one row per purpose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    records: Vec<Record>,
}

impl Ledger {
    /// From stored rows; a later row of the same purpose replaces an earlier.
    #[must_use]
    pub fn of(rows: impl IntoIterator<Item = Record>) -> Self {
        let mut ledger = Self::default();
        rows.into_iter().for_each(|row| ledger.put(row));
        ledger
    }

    /// From the events, oldest first.
    ///
    /// # Errors
    /// The first [`Rejected`] event: accepted events refold without one, so a stored history that does not was altered.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<Self, Rejected> {
        let mut ledger = Self::default();
        for event in events {
            ledger.apply(event)?;
        }
        Ok(ledger)
    }

    /// Takes one event in; says whether anything changed.
    ///
    /// # Errors
    /// As [`apply`]; the ledger then stays as it was.
    pub fn apply(&mut self, event: &Event) -> Result<bool, Rejected> {
        match apply(self.record(event.purpose), event)? {
            Applied::Changed(record) => {
                self.put(record);
                Ok(true)
            }
            Applied::Unchanged => Ok(false),
        }
    }

    /// The rows, in the order in which purposes were first answered.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    fn put(&mut self, row: Record) {
        match self.records.iter_mut().find(|record| record.purpose == row.purpose) {
            Some(place) => *place = row,
            None => self.records.push(row),
        }
    }
}

impl Records for Ledger {
    fn record(&self, purpose: Purpose) -> Option<&Record> {
        self.records.record(purpose)
    }
}
