//! Devices, what they measured, and what was put right.

use super::clear::{CODE, MEASURED, WHEN};
use super::{BOOKKEEPING, Ends, Holding, LEFT_OUT, OwnCopy, Owner, Whose, blind, clear, key, masked, sealed};
use crate::keys::Class;

/// A device goes from patient to patient: its key is none of theirs.
const DEVICES: Ends = Ends::OtherKey("the device's: it is readable as long as the device's keys are there");

pub(super) const HOLDINGS: &[Holding] = &[
    Holding {
        table: "devices",
        whose: Whose::Patient,
        columns: &[
            key("key"),
            key("id"),
            sealed("identity", Class::Identity, Owner::Device),
            clear("last_seen_at", WHEN),
            clear("online", WHEN),
            sealed("status", Class::Identity, Owner::Device),
        ],
        ends: DEVICES,
        copy: OwnCopy::Partly(
            "which device and when, by its binding; not what is written on it, nor its status",
        ),
        retention: None,
    },
    Holding {
        table: "device_charges",
        whose: Whose::Patient,
        // Whoever opens it names another place: `Place::new("devices", "charge", …)`.
        columns: &[key("device_key"), sealed("level", Class::Identity, Owner::Device)],
        ends: DEVICES,
        copy: LEFT_OUT,
        retention: None,
    },
    Holding {
        table: "device_tokens",
        whose: Whose::Patient,
        columns: &[key("device_key")],
        ends: Ends::Pseudonymous,
        copy: OwnCopy::Not("how a device signs in tells nothing of its wearer"),
        retention: None,
    },
    Holding {
        table: "commands",
        whose: Whose::Patient,
        columns: &[
            key("device_key"),
            sealed("body", Class::Message, Owner::Device),
            sealed("reply", Class::Message, Owner::Device),
        ],
        ends: DEVICES,
        copy: LEFT_OUT,
        retention: None,
    },
    Holding {
        table: "bindings",
        whose: Whose::Patient,
        columns: &[key("device_key"), key("patient_key"), clear("from_at", WHEN), clear("to_at", WHEN)],
        ends: Ends::Pseudonymous,
        copy: OwnCopy::Held,
        retention: None,
    },
    Holding {
        table: "wearers",
        whose: Whose::Patient,
        columns: &[key("device_key"), key("patient_key")],
        ends: Ends::Pseudonymous,
        copy: BOOKKEEPING,
        retention: None,
    },
    Holding {
        table: "moves",
        whose: Whose::Patient,
        columns: &[
            key("device_key"),
            key("patient_key"),
            clear("from_at", WHEN),
            clear("to_at", WHEN),
            clear("signal", MEASURED),
        ],
        ends: Ends::Pseudonymous,
        copy: BOOKKEEPING,
        retention: None,
    },
    Holding {
        table: "readings",
        whose: Whose::Patient,
        columns: &[
            clear("at", WHEN),
            key("patient_key"),
            clear("signal", MEASURED),
            key("device_key"),
            masked("masked"),
            masked("attrs"),
        ],
        ends: Ends::KeyDestroyed { remains: "at which instants which signal was measured by which device" },
        copy: OwnCopy::Held,
        retention: Some("readings::chunks::roll::roll"),
    },
    Holding {
        table: "chunks",
        whose: Whose::Patient,
        columns: &[
            key("patient_key"),
            clear("signal", MEASURED),
            clear("first_at", WHEN),
            clear("last_at", WHEN),
            clear("count", MEASURED),
            sealed("sealed", Class::Telemetry, Owner::Patient),
        ],
        ends: Ends::KeyDestroyed { remains: "from when to when which signal was measured, and how often" },
        copy: OwnCopy::Held,
        retention: None,
    },
    Holding {
        table: "amendments",
        whose: Whose::Patient,
        columns: &[
            key("patient_key"),
            clear("signal", MEASURED),
            clear("at", WHEN),
            key("device_key"),
            key("item"),
            sealed("sealed", Class::Telemetry, Owner::Patient),
        ],
        ends: Ends::KeyDestroyed {
            remains: "that something was said of a reading, when, and of which signal",
        },
        copy: OwnCopy::Partly(
            "what is in force, among the readings; not what was said before, by whom or why",
        ),
        retention: None,
    },
    Holding {
        table: "merged_readings",
        whose: Whose::Patient,
        columns: &[key("device_key"), key("patient_key"), clear("signal", MEASURED), clear("at", WHEN)],
        ends: Ends::Pseudonymous,
        copy: BOOKKEEPING,
        retention: None,
    },
    Holding {
        table: "measured",
        whose: Whose::Patient,
        columns: &[key("patient_key"), clear("signal", MEASURED), clear("at", WHEN)],
        ends: Ends::Pseudonymous,
        copy: BOOKKEEPING,
        retention: None,
    },
    Holding {
        table: "unstamped",
        whose: Whose::Patient,
        columns: &[key("device_key"), blind("payload_index"), clear("at", WHEN)],
        ends: Ends::OtherKey("the installation's: a blind index of a payload, which goes by age"),
        copy: BOOKKEEPING,
        retention: Some("readings::journal::unstamped::prune"),
    },
    Holding {
        table: "quarantine",
        whose: Whose::Patient,
        columns: &[
            key("patient_key"),
            key("device_key"),
            clear("signal", MEASURED),
            clear("reason", CODE),
            clear("at", WHEN),
            sealed("sealed", Class::Telemetry, Owner::PatientOrDevice),
            clear("decision", CODE),
            key("decided_by"),
            sealed("note", Class::Clinical, Owner::Patient),
        ],
        ends: Ends::KeyDestroyed {
            remains: "when which signal was set aside, why and what was decided, as codes; and, under the \
                device's key, what was measured while the device was nobody's",
        },
        copy: OwnCopy::Not("left out today until it is released and is a reading; nothing decided it"),
        retention: Some("readings::quarantine::expire"),
    },
];
