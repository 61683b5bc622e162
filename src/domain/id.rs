//! Names of things, as UUIDv7 newtypes: one kind of id cannot be handed in for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp, Uuid};

use super::time::Instant;

/// The text is not a UUID in its hyphenated or simple form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct NotAnId;

/// A fresh UUIDv7 (RFC 9562 §5.7) stamped with `now`.
#[must_use]
pub fn uuid_at(now: Instant) -> Uuid {
    let micros = u64::try_from(now.micros()).unwrap_or(0);
    let nanos = u32::try_from(micros % 1_000_000).unwrap_or(0) * 1_000;
    Uuid::new_v7(Timestamp::from_unix(NoContext, micros / 1_000_000, nanos))
}

macro_rules! id {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id stamped with `now`.
            #[must_use]
            pub fn new(now: Instant) -> Self {
                Self(uuid_at(now))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                Uuid::parse_str(text).map(Self).map_err(|_not_a_uuid| NotAnId)
            }
        }
    )+};
}

id! {
    /// A patient.
    PatientId,
    /// A member of staff, a patient's sign-in, or a service.
    UserId,
    /// A wearable.
    DeviceId,
    /// One alert episode.
    AlertId,
    /// One version of a consent term.
    TermId,
    /// A command for a device.
    CommandId,
    /// One device at one patient for one span.
    BindingId,
    /// One event of a patient's consent.
    ConsentId,
    /// One sign-in.
    SessionId,
    /// One signed token.
    TokenId,
    /// A turn on call that one person would give another.
    SwapId,
    /// A time in which somebody is away.
    AbsenceId,
    /// A request to know who stands behind a pseudonym.
    RevealId,
    /// Long work that somebody asked for.
    JobId,
    /// A file that is attached to something of a patient's.
    AttachmentId,
}
