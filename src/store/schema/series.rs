//! The tables beside journal and chunks: what was put right, and where each series ends.

diesel::table! {
    amendments (patient_key, signal, at, device_key, generation) {
        patient_key -> BigInt,
        signal -> SmallInt,
        at -> BigInt,
        device_key -> BigInt,
        generation -> BigInt,
        received -> BigInt,
        amended_at -> BigInt,
        item -> Nullable<Text>,
        sealed -> Binary,
    }
}

diesel::table! {
    measured (patient_key, signal) {
        patient_key -> BigInt,
        signal -> SmallInt,
        at -> BigInt,
    }
}
