//! What is written on a wearable: it can lead to a person, so it is sealed and never printed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::line::Inscription;

/// Label, model and serial number; sealed as one value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceIdentity {
    /// What people call it.
    pub label: Inscription,
    /// Maker and model.
    pub model: Inscription,
    /// The maker's serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<Inscription>,
}

impl fmt::Debug for DeviceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceIdentity(…)")
    }
}
