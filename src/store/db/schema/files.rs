//! The tables of files that are attached to something of a patient's.

diesel::table! {
    attachments (id) {
        id -> Text,
        patient_key -> BigInt,
        subject_kind -> Text,
        subject -> Text,
        at -> BigInt,
        actor -> Text,
        media_type -> Text,
        size -> BigInt,
        description -> Nullable<Binary>,
        removed_at -> Nullable<BigInt>,
        removed_by -> Nullable<Text>,
        reason -> Nullable<Binary>,
    }
}

diesel::table! {
    attachment_pieces (attachment_id, place) {
        attachment_id -> Text,
        place -> BigInt,
        content -> Binary,
    }
}
