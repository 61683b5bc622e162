//! The words of the business: no I/O, no clock but in [`time`].

pub mod alerts;
pub mod attachments;
pub mod calendars;
pub mod certificate;
pub mod devices;
pub mod escalation;
pub mod id;
pub mod kpis;
pub mod line;
pub mod messages;
pub mod on_call;
pub mod people;
pub mod readings;
pub mod rules;
pub mod sla;
pub mod templates;
pub mod time;

pub use crate::alerts::{AlertCase, AlertState, Level, Outcome};
pub use crate::devices::DeviceIdentity;
pub use crate::people::access::{Can, Role};
pub use crate::people::identity::{PatientIdentity, StaffIdentity, age_band};
pub use crate::people::person::{Cns, Cpf, Email, Name, Phone};
pub use crate::readings::{Flags, Measured, Reading, Signal, Unit, Withdrawal};
pub use crate::rules::Rule;
pub use id::{
    AbsenceId, AlertId, AttachmentId, BindingId, CommandId, ConsentId, DeviceId, JobId, PatientId, RevealId,
    SessionId, SwapId, TermId, TokenId, UserId,
};
pub use line::{Inscription, Label, Line, Reason};
pub use time::{Clock, Instant};
