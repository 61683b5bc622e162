//! The tables of deadlines: versioned settings, on-call schedules, escalations, SLA clocks, messages, lapses.

diesel::table! {
    versions (kind, name, version) {
        kind -> Text,
        name -> Text,
        version -> BigInt,
        body -> Text,
        author -> Text,
        proposed_at -> BigInt,
        approver -> Nullable<Text>,
        in_force_at -> Nullable<BigInt>,
        refused_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    certificates (user_id) {
        user_id -> Text,
        valid_until -> BigInt,
        noted_by -> Text,
        noted_at -> BigInt,
        licence -> Nullable<Binary>,
    }
}

diesel::table! {
    letters (user_id) {
        user_id -> Text,
        lang -> Text,
        zone -> Text,
    }
}

diesel::table! {
    departures (user_id) {
        user_id -> Text,
        why -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    unreachable (user_id, channel) {
        user_id -> Text,
        channel -> Text,
        why -> Text,
        since -> BigInt,
    }
}

diesel::table! {
    capacities (user_id) {
        user_id -> Text,
        most -> BigInt,
    }
}

diesel::table! {
    feeds (secret) {
        secret -> Binary,
        user_id -> Text,
        schedule -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    swaps (id) {
        id -> Text,
        schedule -> Text,
        giver -> Text,
        taker -> Nullable<Text>,
        from_at -> BigInt,
        to_at -> BigInt,
        back_from -> Nullable<BigInt>,
        back_to -> Nullable<BigInt>,
        asked_by -> Text,
        asked_at -> BigInt,
        outcome -> Nullable<Text>,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    absences (id) {
        id -> Text,
        user_id -> Text,
        from_at -> BigInt,
        until_at -> BigInt,
        known_at -> BigInt,
        noted_by -> Text,
        covers -> Text,
        begun_at -> Nullable<BigInt>,
        parts -> Nullable<Text>,
    }
}

diesel::table! {
    escalations (id) {
        id -> Text,
        kind -> Text,
        subject -> Text,
        patient_id -> Nullable<Text>,
        policy -> Text,
        policy_version -> BigInt,
        record -> Text,
        state -> Text,
        next_at -> Nullable<BigInt>,
        started_at -> BigInt,
        updated_at -> BigInt,
        fence -> BigInt,
        spoiled -> Nullable<Text>,
    }
}

diesel::table! {
    escalation_steps (id) {
        id -> BigInt,
        escalation_id -> Text,
        fence -> BigInt,
        at -> BigInt,
        due_at -> BigInt,
        did -> Text,
        step -> Nullable<BigInt>,
        round -> BigInt,
        people -> Text,
        patient_id -> Nullable<Text>,
    }
}

diesel::table! {
    sla_timers (id) {
        id -> Text,
        kind -> Text,
        subject -> Text,
        service_level -> Text,
        metric -> Text,
        calendar -> Text,
        calendar_version -> BigInt,
        on_breach -> Nullable<Text>,
        record -> Text,
        standing -> Text,
        due_at -> Nullable<BigInt>,
        next_at -> Nullable<BigInt>,
        started_at -> BigInt,
        fence -> BigInt,
        spoiled -> Nullable<Text>,
    }
}

diesel::table! {
    webhooks (id) {
        id -> Text,
        url -> Binary,
        secret -> Binary,
        created_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
        created_by -> Nullable<Text>,
        called -> BigInt,
    }
}

diesel::table! {
    messages (id) {
        id -> BigInt,
        key -> Text,
        class -> Text,
        channel -> Text,
        recipient -> Text,
        template -> Text,
        template_version -> BigInt,
        variables -> Text,
        kind -> Text,
        subject -> Text,
        state -> Text,
        created_at -> BigInt,
        due_at -> BigInt,
        not_after -> BigInt,
        attempt -> BigInt,
        sending_until -> Nullable<BigInt>,
        accepted_at -> Nullable<BigInt>,
        provider_id -> Nullable<Text>,
        letter -> Nullable<Text>,
        sequence -> Nullable<BigInt>,
        spoiled -> Nullable<Text>,
        patient_id -> Nullable<Text>,
        purpose -> Nullable<Text>,
    }
}

diesel::table! {
    supersessions (id) {
        id -> BigInt,
        purpose -> Text,
        change -> Text,
        published_at -> BigInt,
        after_key -> BigInt,
        done_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    message_events (id) {
        id -> BigInt,
        message_id -> BigInt,
        at -> BigInt,
        what -> Text,
        code -> Nullable<Text>,
    }
}

diesel::table! {
    jobs (id) {
        id -> Text,
        kind -> Text,
        asked_by -> Text,
        asked_at -> BigInt,
        state -> Text,
        done -> BigInt,
        total -> BigInt,
        checkpoint -> Nullable<Text>,
        node -> Nullable<Text>,
        fence -> BigInt,
        lease_until -> Nullable<BigInt>,
        attempts -> BigInt,
        begun_at -> Nullable<BigInt>,
        finished_at -> Nullable<BigInt>,
        code -> Nullable<Text>,
        result -> Nullable<Binary>,
    }
}

diesel::table! {
    lapses (kind, subject, expected_at) {
        kind -> Text,
        subject -> Text,
        expected_at -> BigInt,
        noticed_at -> BigInt,
        over_at -> Nullable<BigInt>,
    }
}
