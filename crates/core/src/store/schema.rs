//! The tables in diesel's terms. `migrations/` explains the columns.

diesel::table! {
    accounts (id) {
        id -> BigInt, user_id -> Text, folded -> Text, password -> Nullable<Text>,
        phone -> Nullable<Text>, email -> Nullable<Text>,
        nickname -> Text, avatar -> Text, sex -> SmallInt, frontcover -> Text, address -> Text,
        head_picture -> Nullable<BigInt>, created_at -> BigInt, imported -> Bool,
        password_set_at -> Nullable<BigInt>,
    }
}
diesel::table! {
    head_pictures (id) { id -> BigInt, account_id -> BigInt, bytes -> Binary, }
}
diesel::table! {
    sessions (digest) {
        digest -> Binary, dialect -> SmallInt, account_id -> BigInt, token -> Nullable<Text>,
        refresh_digest -> Nullable<Binary>, refresh_until -> Nullable<BigInt>,
        opened_at -> BigInt, used_at -> BigInt, cursors -> Text,
    }
}
diesel::table! {
    rooms (number) {
        number -> BigInt, account_id -> BigInt, broadcast_id -> Nullable<BigInt>, named -> Bool,
        name -> Text, description -> Text, topic -> Text,
        anchor_password -> Text, assist_password -> Text, user_password -> Text,
        plan_title -> Text, plan_cover -> Text, plan_location -> Text, planned_at -> Nullable<BigInt>,
        hint_name -> Text, hint_cover -> Text, followers -> BigInt,
    }
}
diesel::table! {
    broadcasts (id) {
        id -> BigInt, account_id -> BigInt, room -> BigInt, driver -> SmallInt, state -> SmallInt,
        title -> Text, cover -> Text, location -> Text, nickname -> Nullable<Text>, avatar -> Nullable<Text>,
        group_id -> Nullable<Text>, kind -> Text, app -> Nullable<BigInt>, device -> Nullable<SmallInt>,
        screen -> Bool, longitude -> Nullable<Double>, latitude -> Nullable<Double>, place -> Text,
        stream_code -> Text, push_sequence -> Nullable<Text>, started_at -> BigInt, ended_at -> Nullable<BigInt>,
        beat_at -> BigInt, lease -> Nullable<BigInt>, aired_at -> Nullable<BigInt>,
        group_folded -> Nullable<Text>, room_info -> Nullable<Text>, anchor_name -> Nullable<Text>,
        anchor_avatar -> Nullable<Text>, custom_fields -> Nullable<Text>, opened_from -> Nullable<Text>,
    }
}
diesel::table! {
    counters (broadcast_id) {
        broadcast_id -> BigInt, account_id -> BigInt,
        counted_likes -> BigInt, host_likes -> BigInt, anonymous -> BigInt, version -> BigInt,
    }
}
diesel::table! {
    audience (host_id, account_id) {
        host_id -> BigInt, account_id -> BigInt, role -> SmallInt, dialect -> SmallInt,
        group_id -> Nullable<Text>, listed -> Bool, nickname -> Nullable<Text>, avatar -> Nullable<Text>,
        position -> BigInt, beat_at -> BigInt, session -> Nullable<Binary>,
        info -> Nullable<Text>, stream_code -> Nullable<Text>, anchor_position -> Nullable<BigInt>,
    }
}
diesel::table! {
    recordings (id) {
        id -> BigInt, account_id -> BigInt, file_id -> Text, file_name -> Text,
        title -> Text, cover -> Text, location -> Text, nickname -> Text, avatar -> Text,
        play_url -> Text, play_rank -> SmallInt, hls_url -> Text,
        start_at -> BigInt, end_at -> BigInt, duration -> BigInt, size -> BigInt,
        likes -> BigInt, viewers -> BigInt, stored_at -> BigInt,
    }
}
diesel::table! {
    recording_files (account_id, file_id, format) {
        account_id -> BigInt, file_id -> Text, recording_id -> BigInt, format -> SmallInt,
    }
}
diesel::table! {
    recording_audience (recording_id, account_id) {
        recording_id -> BigInt, account_id -> BigInt,
        nickname -> Text, avatar -> Text, position -> BigInt,
    }
}
diesel::table! {
    short_videos (id) {
        id -> BigInt, account_id -> BigInt, file_id -> Text, title -> Text, cover -> Text, location -> Text,
        play_url -> Text, nickname -> Nullable<Text>, avatar -> Nullable<Text>, created_at -> BigInt,
    }
}
diesel::table! {
    follows (account_id, room) { account_id -> BigInt, room -> BigInt, }
}
diesel::table! {
    stream_codes (kind, code) {
        kind -> SmallInt, code -> Text, account_id -> BigInt, purpose -> SmallInt, kept_until -> Nullable<BigInt>,
    }
}
diesel::table! {
    pushes (code) { code -> Text, account_id -> BigInt, sequence -> Nullable<Text>, began_at -> BigInt, }
}
diesel::table! {
    revoked_codes (code) { code -> Text, account_id -> BigInt, valid_from -> BigInt, }
}
diesel::table! {
    verifications (phone, purpose) {
        phone -> Text, purpose -> SmallInt, digest -> Binary, tries -> SmallInt,
        created_at -> BigInt, valid_until -> BigInt,
    }
}
diesel::table! {
    reports (id) { id -> BigInt, reporter_id -> BigInt, host_id -> BigInt, reported_at -> BigInt, }
}
diesel::table! {
    settings (name) { name -> Text, value -> Text, }
}
diesel::table! {
    // Exists in PostgreSQL only. Plain SQL in `table/changes.rs` names the columns whose types only PostgreSQL has.
    changes (xid) { xid -> BigInt, origin -> BigInt, keys -> Text, }
}

diesel::joinable!(rooms -> accounts (account_id));
diesel::joinable!(broadcasts -> accounts (account_id));
diesel::joinable!(counters -> broadcasts (broadcast_id));
diesel::joinable!(sessions -> accounts (account_id));
diesel::joinable!(audience -> accounts (account_id));
diesel::joinable!(recordings -> accounts (account_id));
diesel::joinable!(recording_files -> recordings (recording_id));
diesel::joinable!(recording_audience -> accounts (account_id));
diesel::joinable!(short_videos -> accounts (account_id));
diesel::joinable!(follows -> rooms (room));
diesel::allow_tables_to_appear_in_same_query!(
    accounts,
    head_pictures,
    sessions,
    rooms,
    broadcasts,
    counters,
    audience,
    recordings,
    recording_files,
    recording_audience,
    short_videos,
    follows,
    stream_codes,
    pushes,
    revoked_codes,
    verifications,
    reports,
    settings,
);
