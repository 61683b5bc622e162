//! The one function that decides. It walks the decision table from the top; the first row that has an
//! answer gives it, and no answer at all is a refusal.

use crate::basis::{Bases, Basis};
use crate::context::Context;
use crate::denied::{Code, Denied};
use crate::permit::{Permit, Typed, Verdict};
use crate::purpose::Purpose;
use crate::record::Record;
use crate::subject::Subject;
use crate::table::{Answer, ROWS};

/// Where the rows of one person are looked up.
pub trait Records {
    /// The row of `purpose`, if it was ever asked.
    fn record(&self, purpose: Purpose) -> Option<&Record>;
}

impl Records for [Record] {
    fn record(&self, purpose: Purpose) -> Option<&Record> {
        self.iter().find(|record| record.purpose == purpose)
    }
}

impl<const N: usize> Records for [Record; N] {
    fn record(&self, purpose: Purpose) -> Option<&Record> {
        self.as_slice().record(purpose)
    }
}

impl Records for Vec<Record> {
    fn record(&self, purpose: Purpose) -> Option<&Record> {
        self.as_slice().record(purpose)
    }
}

impl Records for Option<Record> {
    fn record(&self, purpose: Purpose) -> Option<&Record> {
        self.as_slice().record(purpose)
    }
}

/// One question, all of it borrowed.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What the organisation declared.
    pub bases: &'a Bases,
    /// What the person answered.
    pub records: &'a dyn Records,
    /// The person.
    pub subject: &'a Subject,
    /// The circumstances.
    pub context: &'a Context<'a>,
}

/// Decides for the purpose `P`.
///
/// # Errors
/// [`Denied`], by the first row of the table that refuses.
pub fn decide<P: Typed>(request: &Request<'_>) -> Result<Permit<P>, Denied> {
    judge(P::PURPOSE, request).map(Permit::of)
}

/// Decides for a purpose known only at run time.
///
/// # Errors
/// [`Denied`], by the first row of the table that refuses.
pub fn judge(purpose: Purpose, request: &Request<'_>) -> Result<Verdict, Denied> {
    Case::open(purpose, request, false)?.judge()
}

/// Decides for a purpose named on a wire.
///
/// # Errors
/// `E_UNKNOWN_PURPOSE` for a name that is not on the list (D01), else as [`judge`].
pub fn judge_named(name: &str, request: &Request<'_>) -> Result<Verdict, Denied> {
    match Purpose::parse(name) {
        Some(purpose) => judge(purpose, request),
        None => Err(Denied { code: Code::UnknownPurpose, purpose: None, since: None, cause: None }),
    }
}

/// One purpose of one request, with its basis and its row already found.
pub(crate) struct Case<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) basis: Option<Basis>,
    pub(crate) record: Option<&'a Record>,
    pub(crate) subject: &'a Subject,
    pub(crate) context: &'a Context<'a>,
    /// Asked on behalf of a child (D29): about the person, not about this caller and this datum.
    pub(crate) as_ancestor: bool,
    request: &'a Request<'a>,
}

impl<'a> Case<'a> {
    fn open(purpose: Purpose, request: &'a Request<'a>, as_ancestor: bool) -> Result<Self, Denied> {
        let record = request.records.record(purpose);
        if record.is_some_and(|record| record.purpose != purpose) {
            return Err(Denied::internal(purpose));
        }
        Ok(Self {
            purpose,
            basis: request.bases.of(purpose),
            record,
            subject: request.subject,
            context: request.context,
            as_ancestor,
            request,
        })
    }

    /// Whether an ancestor stands: only the rows about the person, not those about this caller and this datum.
    pub(crate) fn stands(&self, ancestor: Purpose) -> Result<(), Denied> {
        Case::open(ancestor, self.request, true)?.judge().map(drop)
    }

    fn judge(&self) -> Result<Verdict, Denied> {
        let rows = ROWS.iter().filter(|row| row.of_person || !self.as_ancestor);
        for row in rows {
            match (row.rule)(self) {
                Answer::Next => {}
                Answer::Deny { code, since, cause } => {
                    return Err(Denied { code, purpose: Some(self.purpose), since, cause });
                }
                Answer::Permit(basis, obligations) => {
                    let granted = self.record.filter(|_row| basis == Basis::Consent);
                    return Ok(Verdict {
                        purpose: self.purpose,
                        basis,
                        epoch: self.record.map_or(0, |record| record.epoch),
                        measured_from: granted.map_or(i64::MIN, |record| record.measured_from),
                        decided_at: self.context.now,
                        obligations,
                        row: row.id,
                    });
                }
            }
        }
        Err(Denied::internal(self.purpose))
    }

    /// The data asked for; nothing named means everything the purpose may touch.
    pub(crate) fn data(&self) -> &'a [crate::Datum] {
        match self.context.data {
            [] => self.purpose.projection(),
            named => named,
        }
    }

    /// Whether the subject asks to see their own data (D10a; a block is no wall before them, D06).
    pub(crate) fn own(&self) -> bool {
        self.context.own && self.purpose == Purpose::AlertEvaluate
    }

    /// Whether a valid emergency can carry this purpose now (D13; it also lifts a block, D06).
    pub(crate) fn emergency(&self) -> bool {
        self.purpose.may_be_emergency()
            && self.context.emergency.is_some_and(|emergency| {
                emergency.standing(self.context.now).is_ok()
                    && (emergency.open_red || self.purpose != Purpose::AlertEvaluate)
            })
    }
}
