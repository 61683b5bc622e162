//! The tables of the log: who looked at whom and who asked to know who they are, entries and their bodies, tiles,
//! bundles and checkpoints.

diesel::table! {
    looks (id) {
        id -> BigInt,
        patient_key -> BigInt,
        viewer -> Text,
        role -> Text,
        what -> Text,
        code -> Text,
        listed -> Bool,
        at -> BigInt,
    }
}

diesel::table! {
    reveals (id) {
        id -> Text,
        patient_key -> BigInt,
        asker -> Text,
        reason -> Binary,
        asked_at -> BigInt,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<BigInt>,
        approved -> Nullable<Bool>,
    }
}

diesel::table! {
    audit_entries (id) {
        id -> BigInt,
        at -> BigInt,
        kind -> Text,
        entry -> Nullable<Binary>,
        leaf -> Nullable<BigInt>,
    }
}

diesel::table! {
    audit_bodies (hash) {
        hash -> Binary,
        subject -> Text,
        bytes -> Binary,
    }
}

diesel::table! {
    audit_years (year) {
        year -> BigInt,
        vkey -> Text,
        first_leaf -> BigInt,
        opened_at -> BigInt,
    }
}

diesel::table! {
    audit_bundles (year, idx) {
        year -> BigInt,
        idx -> BigInt,
        width -> BigInt,
        bytes -> Binary,
    }
}

diesel::table! {
    audit_tiles (year, level, idx) {
        year -> BigInt,
        level -> SmallInt,
        idx -> BigInt,
        width -> BigInt,
        bytes -> Binary,
    }
}

diesel::table! {
    audit_checkpoints (year, size) {
        year -> BigInt,
        size -> BigInt,
        at -> BigInt,
        root -> Binary,
        note -> Text,
    }
}
