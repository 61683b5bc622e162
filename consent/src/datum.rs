//! The classes of data a request can name, so that a purpose touches only what it needs (LGPD art. 6 III).

registry! {
    /// One class of data.
    Datum {
        /// A measured value with its instant.
        Reading = 1, "reading";
        /// A level, an alert or a score derived from readings.
        Finding = 2, "finding";
        /// Battery, connection and synchronisation of a device.
        DeviceState = 3, "device_state";
        /// Name, CPF, CNS.
        Identity = 4, "identity";
        /// Telephone, e-mail, emergency contact.
        Contact = 5, "contact";
        /// Age and sex, as rules and scores need them.
        Demographics = 6, "demographics";
        /// The care plan and its targets.
        CarePlan = 7, "care_plan";
        /// An appointment; it may reveal a specialty (LGPD art. 11 §1).
        Appointment = 8, "appointment";
        /// A medication and its times.
        Medication = 9, "medication";
        /// Use of the service, answers to surveys, tickets.
        Engagement = 10, "engagement";
        /// Sign-in names, sessions, keys, device identity.
        Account = 11, "account";
        /// Entries of the audit log.
        Evidence = 12, "evidence";
    }
}

impl Datum {
    /// Whether it comes from a wearable, directly or derived.
    #[must_use]
    pub const fn is_telemetry(self) -> bool {
        matches!(self, Self::Reading | Self::Finding | Self::DeviceState)
    }
}
