//! What can happen that the log must keep: a closed list, so that a verifier knows every word.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($variant:ident = $name:literal;)+) => {
        /// The type of an entry. Names never change; new ones may be added.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum EntryType { $(#[doc = concat!("`", $name, "`")] #[serde(rename = $name)] $variant,)+ }

        impl EntryType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in the log.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// From the name in the log.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

kinds! {
    TermPublished = "term.published";
    PolicyPublished = "policy.published";
    ConsentOffered = "consent.offered";
    ConsentGranted = "consent.granted";
    ConsentRefused = "consent.refused";
    ConsentRevoked = "consent.revoked";
    ConsentExpired = "consent.expired";
    ConsentSuperseded = "consent.superseded";
    ConsentSuspended = "consent.suspended";
    ConsentResumed = "consent.resumed";
    DecisionBatch = "decision.batch";
    DecisionDeny = "decision.deny";
    TelemetryBatch = "telemetry.batch";
    PatientRegistered = "patient.registered";
    PatientCorrected = "patient.corrected";
    DeviceEnrolled = "device.enrolled";
    DeviceDisabled = "device.disabled";
    DeviceEnabled = "device.enabled";
    DeviceKicked = "device.kicked";
    DeviceBound = "device.bound";
    DeviceUnbound = "device.unbound";
    DeviceToken = "device.token";
    DeviceCommanded = "device.commanded";
    ReadingAmended = "reading.amended";
    DeviceCommandCancelled = "device.command_cancelled";
    ClockStepped = "clock.stepped";
    QuarantineReleased = "quarantine.released";
    QuarantineDiscarded = "quarantine.discarded";
    AlertRaised = "alert.raised";
    AlertJudged = "alert.judged";
    AlertEscalated = "alert.escalated";
    AlertClaimed = "alert.claimed";
    AlertAck = "alert.ack";
    AlertUnack = "alert.unack";
    AlertSnoozed = "alert.snoozed";
    AlertReassigned = "alert.reassigned";
    AlertGivenBack = "alert.given_back";
    AlertUnreached = "alert.unreached";
    AlertClosed = "alert.closed";
    AttachmentAdded = "attachment.added";
    AttachmentRemoved = "attachment.removed";
    RuleProposed = "rule.proposed";
    RuleApproved = "rule.approved";
    RulePublished = "rule.published";
    ConfigProposed = "config.proposed";
    ConfigApproved = "config.approved";
    ConfigRefused = "config.refused";
    ShiftOffered = "shift.offered";
    ShiftTaken = "shift.taken";
    ShiftDeclined = "shift.declined";
    ShiftAbsent = "shift.absent";
    ShiftAbsenceChanged = "shift.absence_changed";
    ShiftAbsenceEnded = "shift.absence_ended";
    MessageQueued = "message.queued";
    MessageSent = "message.sent";
    MessageFailed = "message.failed";
    MessageSuppressed = "message.suppressed";
    AccessRead = "access.read";
    AccessSearch = "access.search";
    AccessExport = "access.export";
    AccessReveal = "access.reveal";
    BreakglassOpened = "breakglass.opened";
    BreakglassConfirmed = "breakglass.confirmed";
    BreakglassClosed = "breakglass.closed";
    ShareSent = "share.sent";
    ShareNotice = "share.notice";
    ShareAck = "share.ack";
    DsrOpened = "dsr.opened";
    DsrAnswered = "dsr.answered";
    DsrRefused = "dsr.refused";
    DsrClosed = "dsr.closed";
    EraseRequested = "erase.requested";
    EraseKeyDestroyed = "erase.key_destroyed";
    EraseVerified = "erase.verified";
    RetentionDisposed = "retention.disposed";
    RetentionHeld = "retention.held";
    IncidentOpened = "incident.opened";
    IncidentAssessed = "incident.assessed";
    IncidentNotified = "incident.notified";
    IncidentClosed = "incident.closed";
    KeyCreated = "key.created";
    KeyRotated = "key.rotated";
    KeyDestroyed = "key.destroyed";
    AuthLogin = "auth.login";
    AuthFail = "auth.fail";
    AuthMfa = "auth.mfa";
    AuthSessionKilled = "auth.session_killed";
    AdminRole = "admin.role";
    AdminConfig = "admin.config";
    LogOpened = "log.opened";
    LogSealed = "log.sealed";
    BackupMade = "backup.made";
    BackupRestored = "backup.restored";
    BackupAcknowledged = "backup.acknowledged";
    ClockSkew = "clock.skew";
    SlaStarted = "sla.started";
    SlaWarned = "sla.warned";
    SlaBreached = "sla.breached";
    SlaPaused = "sla.paused";
    SlaResumed = "sla.resumed";
    SlaStopped = "sla.stopped";
    EngineLapse = "engine.lapse";
    EngineQuarantined = "engine.quarantined";
    NodeThreadEnded = "node.thread_ended";
    JobAsked = "job.asked";
    JobCancelled = "job.cancelled";
    JobEnded = "job.ended";
}

impl fmt::Display for EntryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_back_from_its_name_and_in_json() {
        for kind in EntryType::ALL {
            assert_eq!(EntryType::from_name(kind.name()), Some(*kind));
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{kind}\""));
        }
        assert_eq!(EntryType::from_name("consent.assumed"), None);
    }
}
