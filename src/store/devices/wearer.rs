//! Who wears what, by number.

/// A device at a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wearer {
    /// `devices.key`.
    pub device_key: i64,
    /// `patients.key`.
    pub patient_key: i64,
}
