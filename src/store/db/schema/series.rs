//! The tables beside journal and chunks: amendments, the end of each series, moves of readings.

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
        stands -> Bool,
        supersedes -> Bool,
    }
}

diesel::table! {
    wearers (device_key, patient_key) {
        device_key -> BigInt,
        patient_key -> BigInt,
    }
}

diesel::table! {
    measured (patient_key, signal) {
        patient_key -> BigInt,
        signal -> SmallInt,
        at -> BigInt,
    }
}

diesel::table! {
    moves (id) {
        id -> BigInt,
        device_key -> BigInt,
        patient_key -> BigInt,
        gives -> Bool,
        from_at -> BigInt,
        to_at -> BigInt,
        created_at -> BigInt,
        signal -> Nullable<SmallInt>,
        reached_at -> BigInt,
        moved_from -> Nullable<BigInt>,
        moved -> BigInt,
        refused -> BigInt,
        version -> BigInt,
        done_at -> Nullable<BigInt>,
    }
}
