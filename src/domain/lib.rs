//! The words of the business: no I/O, no clock but in [`time`].

pub mod access;
pub mod alert;
pub mod calendar;
pub mod certificate;
pub mod civil;
pub mod device;
pub mod escalation;
pub mod id;
pub mod identity;
pub mod line;
pub mod message;
pub mod network;
pub mod on_call;
pub mod password;
pub mod person;
pub mod rule;
pub mod signal;
pub mod sla;
pub mod template;
pub mod time;
pub mod token;
pub mod webhook;

pub use access::{Can, Role};
pub use alert::{AlertCase, AlertState, Level, Outcome};
pub use device::DeviceIdentity;
pub use id::{
    AbsenceId, AlertId, BindingId, CommandId, ConsentId, DeviceId, PatientId, RevealId, SessionId, SwapId,
    TermId, TokenId, UserId,
};
pub use identity::{PatientIdentity, StaffIdentity, age_band};
pub use line::{Inscription, Label, Line, Reason};
pub use person::{Cns, Cpf, Email, Name, Phone};
pub use rule::Rule;
pub use signal::{Flags, Measured, Reading, Signal, Unit, Withdrawal};
pub use time::{Clock, Instant};
