//! What goes wrong behind a handler, on its way to the one who asked: the store's words become codes here and
//! nowhere else. Causes stay in the log of the program, without values.

use actix_web::HttpRequest;
use serde_json::{Map, Value};

use super::code::Code;
use super::problem::Refusal;
use domain::Instant;
use domain::alerts::ActRefused;
use store::alerts;
use store::keys::seal::Broken;

/// A refusal that does not know yet how its reader wants it.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// Why.
    pub code: Code,
    /// Members of single codes, such as `owner`.
    pub more: Map<String, Value>,
}

impl Fault {
    /// A refusal with this code.
    #[must_use]
    pub(crate) fn new(code: Code) -> Self {
        Self { code, more: Map::new() }
    }

    /// With one more member.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// A body or a parameter that is not what it should be.
    #[must_use]
    pub(crate) fn invalid(field: &str, what: &str) -> Self {
        Self::new(Code::Invalid).with("field", field).with("reason", what)
    }

    /// As the error that undoes a transaction; one that PostgreSQL gave up may be tried again.
    #[must_use]
    pub(crate) fn undone(&self) -> store::Error {
        match self.code {
            Code::Busy => store::Error::GivenUp,
            // The store watches for it.
            Code::DiskFull => store::Error::Full,
            _ => store::Error::Conflict("undone"),
        }
    }

    /// As an answer to `request`.
    #[must_use]
    pub(crate) fn of(self, request: &HttpRequest) -> Refusal {
        let mut refusal = Refusal::new(request, self.code);
        refusal.more = self.more;
        refusal
    }
}

impl From<Code> for Fault {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<consent::Denied> for Fault {
    /// The reader is told the ancestor's own refusal where there is one.
    fn from(denied: consent::Denied) -> Self {
        let (code, purpose) = denied.root();
        let mut fault = named(code, Code::Scope);
        if let Some(purpose) = purpose {
            fault = fault.with("purpose", purpose.as_str());
        }
        match denied.since {
            Some(since) => fault.with("since", Instant::from_micros(since).rfc3339()),
            None => fault,
        }
    }
}

/// The code of the same name; one that the table does not have keeps its name beside the nearest.
fn named(code: consent::Code, nearest: Code) -> Fault {
    match Code::from_name(code.as_str()) {
        Some(code) => Fault::new(code),
        None => Fault::new(nearest).with("reason", code.as_str()).with("basis", code.basis_text()),
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        use store::Error;
        match error {
            Error::NotFound(what) => Self::new(Code::NotFound).with("reason", what),
            Error::Conflict(what) => Self::new(Code::Conflict).with("reason", what),
            Error::Stale { current } => Self::new(Code::Precondition).with("current", current),
            Error::Denied(denied) => denied.into(),
            Error::Rejected(rejected) => {
                let fault = named(rejected.code, Code::State).with("purpose", rejected.purpose.as_str());
                match rejected.from {
                    Some(state) => fault.with("state", state.as_str()),
                    None => fault,
                }
            }
            Error::Refused { code, what } => {
                Self::new(Code::from_name(code).unwrap_or(Code::Conflict)).with("reason", what)
            }
            Error::Sealed(Broken::KeyDestroyed, _) => Self::new(Code::Erased),
            Error::Busy => Self::new(Code::Busy),
            Error::Full => Self::new(Code::DiskFull),
            Error::Unsure => Self::new(Code::Unsure),
            Error::ReadOnly => Self::new(Code::Busy).with("reason", "the database takes no writes"),
            given_up if given_up.may_pass() => Self::new(Code::Busy),
            other => {
                tracing::error!(error = %other, "the store failed");
                Self::new(Code::Internal)
            }
        }
    }
}

impl From<alerts::Refused> for Fault {
    fn from(refused: alerts::Refused) -> Self {
        match refused {
            alerts::Refused::Store(error) => error.into(),
            alerts::Refused::Act(ActRefused::Claimed { owner, until }) => {
                let fault = Self::new(Code::Claimed).with("owner", owner.to_string());
                match until {
                    Some(until) => fault.with("until", until.rfc3339()),
                    None => fault,
                }
            }
            alerts::Refused::NotCalled => {
                Self::new(Code::Role).with("reason", "only whoever was called about this alert may answer it")
            }
            alerts::Refused::Unable => Self::invalid("to", "somebody who can be called about alerts"),
            alerts::Refused::Away { who, until } => Self::new(Code::Absent)
                .with("to", who.to_string())
                .with("until", until.rfc3339())
                .with("reason", "they are away: hand it to somebody who is there"),
            alerts::Refused::Act(ActRefused::Resolved | ActRefused::NotAcknowledged) => {
                Self::new(Code::State)
            }
            alerts::Refused::Act(ActRefused::SnoozeTooLong) => {
                Self::invalid("until", "a silence ends within 24 hours")
            }
            alerts::Refused::Act(ActRefused::SilentTooLong) => Self::invalid(
                "until",
                "a red alert is silent for 24 hours at the most, all its silences together",
            ),
            alerts::Refused::Act(ActRefused::SilencedByYou) => {
                Self::new(Code::FourEyes).with("field", "silence").with(
                    "reason",
                    "you silenced this red alert last: the next silence is for another person to ask",
                )
            }
            alerts::Refused::Act(ActRefused::HeldByYou) => Self::new(Code::FourEyes).with(
                "reason",
                "you held this red alert four times in a row without resolving it: it is for another person now; \
                 resolve it, or hand it over",
            ),
            alerts::Refused::Act(ActRefused::HeldByFew) => Self::new(Code::FourEyes).with(
                "reason",
                "you and others held this red alert in turns without resolving it: it is for another person now; \
                 resolve it, or hand it over",
            ),
            alerts::Refused::Act(ActRefused::HeldByThem) => Self::new(Code::FourEyes).with(
                "reason",
                "they held this red alert too often without resolving it: hand it to another person",
            ),
            alerts::Refused::Act(ActRefused::NoReason) => {
                Self::new(Code::ReasonMissing).with("field", "note")
            }
            alerts::Refused::Act(ActRefused::SnoozeInThePast) => Self::invalid("until", "it ends after now"),
            alerts::Refused::Act(ActRefused::NotYours { .. }) => {
                Self::invalid("outcome", "only the system sets this outcome")
            }
        }
    }
}
