//! The tables, as both backends have them (written by hand: `print-schema` narrows SQLite's integers).

mod deadlines;
mod files;
mod log;
mod series;

pub(crate) use deadlines::{
    absences, capacities, certificates, departures, escalation_steps, escalations, feeds, jobs, lapses,
    letters, message_events, messages, sla_timers, supersessions, swaps, unreachable, versions, webhooks,
};
pub(crate) use files::{attachment_pieces, attachments};
pub(crate) use log::{
    audit_bodies, audit_bundles, audit_checkpoints, audit_entries, audit_tiles, audit_years, looks, reveals,
};
pub(crate) use series::{amendments, measured, moves, wearers};

diesel::table! {
    settings (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    kek_epochs (epoch) {
        epoch -> BigInt,
        fingerprint -> Binary,
        created_at -> BigInt,
        retired_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    subject_keys (id) {
        id -> BigInt,
        subject -> Text,
        class -> SmallInt,
        epoch -> BigInt,
        wrapped -> Binary,
        created_at -> BigInt,
        destroyed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    withdrawals (seq) {
        seq -> BigInt,
        id -> Text,
        at -> BigInt,
        what -> Text,
    }
}

diesel::table! {
    users (id) {
        id -> Text,
        email_index -> Binary,
        identity -> Binary,
        role -> Text,
        password -> Nullable<Text>,
        totp -> Nullable<Binary>,
        patient_id -> Nullable<Text>,
        created_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
        version -> BigInt,
        totp_step -> Nullable<BigInt>,
        held_by -> Nullable<Text>,
        held_for -> Nullable<Text>,
        held_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        user_id -> Text,
        kind -> Text,
        secret -> Binary,
        created_at -> BigInt,
        seen_at -> BigInt,
        expires_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        ended_by -> Nullable<Text>,
        confirmed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    links (secret) {
        secret -> Binary,
        user_id -> Text,
        purpose -> Text,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
        made_by -> Nullable<Text>,
    }
}

diesel::table! {
    sign_in_networks (network) {
        network -> Binary,
        at -> BigInt,
    }
}

diesel::table! {
    throttles (bucket) {
        bucket -> Binary,
        failures -> BigInt,
        until_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    idempotent_answers (actor, route, idempotency_key) {
        actor -> Text,
        route -> Text,
        idempotency_key -> Text,
        request -> Binary,
        status -> SmallInt,
        answer -> Binary,
        at -> BigInt,
    }
}

diesel::table! {
    patients (key) {
        key -> BigInt,
        id -> Text,
        identity -> Binary,
        cpf_index -> Nullable<Binary>,
        cns_index -> Nullable<Binary>,
        zone -> Text,
        language -> Text,
        created_at -> BigInt,
        blocked_at -> Nullable<BigInt>,
        erased_at -> Nullable<BigInt>,
        version -> BigInt,
    }
}

diesel::table! {
    patient_changes (id) {
        id -> BigInt,
        patient_key -> BigInt,
        at -> BigInt,
        what -> Text,
        actor -> Nullable<Text>,
    }
}

diesel::table! {
    devices (key) {
        key -> BigInt,
        id -> Text,
        identity -> Binary,
        created_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
        first_seen_at -> Nullable<BigInt>,
        last_seen_at -> Nullable<BigInt>,
        online -> Bool,
        node -> Nullable<SmallInt>,
        status -> Nullable<Binary>,
        version -> BigInt,
        status_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    device_charges (device_key) {
        device_key -> BigInt,
        at -> BigInt,
        level -> Binary,
    }
}

diesel::table! {
    device_tokens (id) {
        id -> Text,
        device_key -> BigInt,
        issued_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    bindings (id) {
        id -> Text,
        device_key -> BigInt,
        patient_key -> BigInt,
        from_at -> BigInt,
        to_at -> Nullable<BigInt>,
        preferred -> Bool,
        created_at -> BigInt,
    }
}

diesel::table! {
    commands (id) {
        id -> Text,
        device_key -> BigInt,
        body -> Binary,
        created_at -> BigInt,
        acknowledged_at -> Nullable<BigInt>,
        replied_at -> Nullable<BigInt>,
        reply -> Nullable<Binary>,
        expires_at -> Nullable<BigInt>,
        refused_at -> Nullable<BigInt>,
        refused_code -> Nullable<SmallInt>,
        cancelled_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    terms (id) {
        id -> Text,
        purpose -> Text,
        lang -> Text,
        version -> Text,
        text -> Text,
        text_sha256 -> Binary,
        change -> Text,
        published_at -> BigInt,
        author -> Text,
        approver -> Text,
    }
}

diesel::table! {
    consent_events (id) {
        id -> Text,
        patient_key -> BigInt,
        purpose -> Text,
        action -> Text,
        epoch -> BigInt,
        at -> BigInt,
        term_sha256 -> Nullable<Binary>,
        measured_from -> Nullable<BigInt>,
        valid_until -> Nullable<BigInt>,
        basis -> Text,
        actor_kind -> Text,
        actor_id -> Nullable<Text>,
        event -> Text,
        evidence -> Nullable<Binary>,
    }
}

diesel::table! {
    consents (patient_key, purpose) {
        patient_key -> BigInt,
        purpose -> Text,
        state -> Text,
        previous -> Nullable<Text>,
        epoch -> BigInt,
        term_sha256 -> Nullable<Binary>,
        valid_from -> BigInt,
        valid_until -> Nullable<BigInt>,
        measured_from -> BigInt,
        first_granted_at -> Nullable<BigInt>,
        scope -> Text,
        pending -> Text,
        guardian -> Bool,
        updated_at -> BigInt,
    }
}

diesel::table! {
    readings (at, patient_key, signal, device_key) {
        at -> BigInt,
        patient_key -> BigInt,
        signal -> SmallInt,
        device_key -> BigInt,
        masked -> BigInt,
        attrs -> SmallInt,
        received -> BigInt,
    }
}

diesel::table! {
    chunks (id) {
        id -> BigInt,
        patient_key -> BigInt,
        signal -> SmallInt,
        span_from -> BigInt,
        span_to -> BigInt,
        first_at -> BigInt,
        last_at -> BigInt,
        count -> BigInt,
        sealed -> Binary,
        overlaid -> Bool,
    }
}

diesel::table! {
    merged_readings (id) {
        id -> BigInt,
        received -> BigInt,
        device_key -> BigInt,
        patient_key -> BigInt,
        signal -> SmallInt,
        at -> BigInt,
    }
}

diesel::table! {
    unstamped (device_key, payload_index) {
        device_key -> BigInt,
        payload_index -> Binary,
        at -> BigInt,
    }
}

diesel::table! {
    receipts_open (id) {
        id -> BigInt,
        second -> BigInt,
        node -> SmallInt,
        count -> BigInt,
        pack -> Binary,
    }
}

diesel::table! {
    receipts (second, part) {
        second -> BigInt,
        part -> SmallInt,
        count -> BigInt,
        entry -> BigInt,
        pack -> Binary,
    }
}

diesel::table! {
    quarantine (id) {
        id -> Text,
        patient_key -> Nullable<BigInt>,
        device_key -> BigInt,
        signal -> Nullable<SmallInt>,
        reason -> Text,
        at -> Nullable<BigInt>,
        received -> BigInt,
        received_at -> BigInt,
        expires_at -> BigInt,
        sealed -> Binary,
        decided_at -> Nullable<BigInt>,
        decision -> Nullable<Text>,
        decided_by -> Nullable<Text>,
        note -> Nullable<Binary>,
    }
}

diesel::table! {
    rule_versions (rule, version) {
        rule -> Text,
        version -> BigInt,
        body -> Text,
        author -> Text,
        approver -> Text,
        in_force_at -> BigInt,
    }
}

diesel::table! {
    alerts (id) {
        id -> Text,
        patient_key -> BigInt,
        rule -> Text,
        rule_version -> BigInt,
        signal -> SmallInt,
        level -> SmallInt,
        peak -> SmallInt,
        state -> Text,
        started_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        raised_at -> BigInt,
        owner -> Nullable<Text>,
        outcome -> Nullable<Text>,
        retrospective -> Bool,
        snoozed_until -> Nullable<BigInt>,
        episode -> Text,
        case_record -> Text,
        finding -> Nullable<Binary>,
        version -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    alert_acts (id) {
        id -> BigInt,
        alert_id -> Text,
        at -> BigInt,
        actor -> Text,
        act -> Text,
        outcome -> Nullable<Text>,
        note -> Nullable<Binary>,
        whom -> Nullable<Text>,
        patient_key -> Nullable<BigInt>,
    }
}

diesel::table! {
    reevaluations (patient_key, signal) {
        patient_key -> BigInt,
        signal -> SmallInt,
        from_at -> BigInt,
        since -> BigInt,
        version -> BigInt,
        until_at -> BigInt,
        taken_from -> Nullable<BigInt>,
        taken_until -> Nullable<BigInt>,
        taken_at -> Nullable<BigInt>,
        taken_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    facts (id) {
        id -> BigInt,
        kind -> Text,
        subject -> Nullable<Text>,
        occurrence -> BigInt,
        at -> BigInt,
        local_date -> Text,
        zone -> Text,
        patient_key -> Nullable<BigInt>,
        user_id -> Nullable<Text>,
        dimensions -> Text,
        value -> Nullable<BigInt>,
        counted -> Nullable<BigInt>,
        unit -> Nullable<Text>,
    }
}

diesel::table! {
    signals (id) {
        id -> BigInt,
        name -> Text,
        subject -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    nodes (slot) {
        slot -> SmallInt,
        id -> Text,
        seen_at -> BigInt,
        home -> Text,
        ahead_by -> BigInt,
    }
}

diesel::joinable!(bindings -> devices (device_key));
diesel::joinable!(alerts -> patients (patient_key));
diesel::joinable!(alert_acts -> alerts (alert_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(escalation_steps -> escalations (escalation_id));
diesel::joinable!(message_events -> messages (message_id));

diesel::allow_tables_to_appear_in_same_query!(
    alert_acts,
    alerts,
    bindings,
    capacities,
    certificates,
    commands,
    consent_events,
    consents,
    device_tokens,
    devices,
    escalation_steps,
    escalations,
    feeds,
    links,
    message_events,
    messages,
    patients,
    quarantine,
    sessions,
    users,
);
