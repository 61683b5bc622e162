//! The words of the business: no I/O, no clock but in [`time`].

pub mod access;
pub mod alert;
pub mod id;
pub mod rule;
pub mod signal;
pub mod time;

pub use access::{Can, Role};
pub use alert::{AlertCase, AlertState, Level, Outcome};
pub use id::{AlertId, CommandId, DeviceId, PatientId, TermId, UserId};
pub use rule::Rule;
pub use signal::{Flags, Measured, Reading, Signal, Unit};
pub use time::{Clock, Instant};
