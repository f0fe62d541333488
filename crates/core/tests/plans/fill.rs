//! Fills a database with 100,000 rows in every table that strangers can make grow, many of them about the same few accounts: a
//! statement that looks at all rows of a table, or at all rows about an account, visits that many.

/// Rows per table.
pub(crate) const ROWS: i64 = 100_000;

/// The accounts that many rows are about, by id.
pub(crate) const ANNA: i64 = 1;
pub(crate) const BOB: i64 = 2;

/// The recording of anna that many accounts have entered.
pub(crate) const RECORDING: &str = "f2";
/// The stream of the live that anna has on air.
pub(crate) const CODE: &str = "code-of-anna";

/// The database engine that the statements are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// The columns of each table, and the values of row `i`. `{digest}` is a digest made of `i`; `{now}` the time of the test.
const TABLES: &[(&str, &str, &str)] = &[
    (
        "accounts",
        "id, user_id, folded, password, phone, email, nickname, avatar, sex, frontcover, address, created_at, imported, \
         password_set_at",
        "1000 + i, 'user' || i, 'user' || i, CASE WHEN i % 2 = 0 THEN 'hash' END, 'p' || i, 'e' || i, '', '', 0, '', '', {now}, \
         FALSE, CASE WHEN i % 2 = 0 THEN {now} END",
    ),
    (
        "rooms",
        "number, account_id, broadcast_id, named, name, description, topic, anchor_password, assist_password, user_password, \
         plan_title, plan_cover, plan_location, hint_name, hint_cover",
        "200000 + i, 1000 + i, 1000 + i, FALSE, '', '', '', '', '', '', '', '', '', '', ''",
    ),
    // Lives of guests on air.
    (
        "broadcasts",
        "id, account_id, room, driver, state, title, cover, location, group_id, group_folded, kind, screen, place, stream_code, \
         started_at, beat_at, aired_at, opened_from",
        "1000 + i, 1000 + i, 200000 + i, 1, 1, '', '', '', 'g' || (i % 1000), 'g' || (i % 1000), 'live', FALSE, '', 'c' || i, {now} - i, {now}, {now} - i, \
         '192.0.2.' || (i % 5000)",
    ),
    // Lives that anna has had.
    (
        "broadcasts",
        "id, account_id, room, driver, state, title, cover, location, kind, screen, place, stream_code, started_at, ended_at, \
         beat_at, aired_at",
        "200000 + i, 1, 10001, 1, 2, '', '', '', 'live', FALSE, '', 'anna', {now} - 10 * i, {now} - 10 * i + 9, {now} - 10 * i, \
         {now} - 10 * i",
    ),
    (
        "counters",
        "broadcast_id, account_id, counted_likes, host_likes, anonymous, version",
        "1000 + i, 1000 + i, 0, 0, 0, 0",
    ),
    (
        "counters",
        "broadcast_id, account_id, counted_likes, host_likes, anonymous, version",
        "200000 + i, 1, 0, 0, 0, 0",
    ),
    // Viewers of anna, and the hosts whose viewer bob is.
    (
        "audience",
        "host_id, account_id, role, dialect, group_id, listed, nickname, avatar, position, beat_at",
        "1, 1000 + i, 0, 1, 'g', TRUE, '', '', i, {now}",
    ),
    (
        "audience",
        "host_id, account_id, role, dialect, group_id, listed, nickname, avatar, position, beat_at",
        "1000 + i, 2, 0, 1, 'g', TRUE, '', '', 200000 + i, {now}",
    ),
    (
        "sessions",
        "digest, dialect, account_id, token, opened_at, used_at, cursors",
        "{digest}, 1 + i % 5, 1000 + i, CASE WHEN i % 5 = 1 THEN 't' || i END, {now}, {now}, ''",
    ),
    // Half of the recordings and of the clips are of anna.
    (
        "recordings",
        "id, account_id, file_id, file_name, title, cover, location, nickname, avatar, play_url, play_rank, hls_url, start_at, \
         end_at, duration, size, likes, viewers, stored_at",
        "1000 + i, CASE WHEN i % 2 = 0 THEN 1 ELSE 1000 + i END, 'f' || i, '', '', '', '', '', '', \
         CASE WHEN i % 3 = 0 THEN '' ELSE 'http://vod.example/1.mp4' END, 3, 'http://vod.example/1.m3u8', {now} - i - 100, \
         {now} - i, 100, 0, 0, 0, {now} - i",
    ),
    (
        "recording_files",
        "account_id, file_id, recording_id, format",
        "CASE WHEN i % 2 = 0 THEN 1 ELSE 1000 + i END, 'f' || i, 1000 + i, 3",
    ),
    (
        "recording_audience",
        "recording_id, account_id, nickname, avatar, position",
        "1002, 1000 + i, '', '', 400000 + i",
    ),
    (
        "short_videos",
        "id, account_id, file_id, title, cover, location, play_url, created_at",
        "1000 + i, CASE WHEN i % 2 = 0 THEN 1 ELSE 1000 + i END, 'f' || i, '', '', '', '', {now} - i",
    ),
    // Followers of anna.
    ("follows", "account_id, room", "1000 + i, 10001"),
    ("stream_codes", "kind, code, account_id, purpose", "0, 'c' || i, 1000 + i, 0"),
    // Link-mic codes that anna has asked for.
    ("stream_codes", "kind, code, account_id, purpose, kept_until", "0, 'l' || i, 1, 1, {now} + 100000 + i"),
    ("pushes", "code, account_id, sequence, began_at", "'c' || i, 1000 + i, NULL, {now}"),
    ("revoked_codes", "code, account_id, valid_from", "'c' || i, 1000 + i, {now}"),
    (
        "verifications",
        "phone, purpose, digest, tries, created_at, valid_until",
        "'p' || i, 1, {digest}, 0, {now}, {now} + 600",
    ),
    // Reports of bob about anna.
    ("reports", "reporter_id, host_id, reported_at", "2, 1, {now}"),
    ("head_pictures", "account_id, bytes", "1000 + i, {digest}"),
];

/// The statements that fill a database whose tables have few rows. It has the accounts of [`ANNA`] and [`BOB`], and anna's room
/// is the first one.
pub(crate) fn statements(engine: Engine, now: i64) -> Vec<String> {
    let digest = match engine {
        Engine::Sqlite => "CAST(printf('%032d', i) AS BLOB)",
        Engine::Postgres => "convert_to(lpad(i::text, 32, '0'), 'UTF8')",
    };
    let mut parts = vec!["BEGIN; ".to_owned()];
    for (table, columns, values) in TABLES {
        let values = values.replace("{digest}", digest).replace("{now}", &now.to_string());
        parts.push(format!(
            "INSERT INTO {table} ({columns}) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) \
             SELECT {values} FROM n; "
        ));
    }
    // The live that anna has on air, and its stream.
    parts.push(format!(
        "INSERT INTO broadcasts (id, account_id, room, driver, state, title, cover, location, group_id, group_folded, kind, screen, \
         place, stream_code, started_at, beat_at, aired_at) VALUES \
         (900000, 1, 10001, 1, 1, '', '', '', 'g', 'g', 'live', FALSE, '', '{CODE}', {now}, {now}, {now}); \
         INSERT INTO counters (broadcast_id, account_id, counted_likes, host_likes, anonymous, version) \
         VALUES (900000, 1, 0, 0, 0, 0); \
         UPDATE rooms SET broadcast_id = 900000 WHERE number = 10001; \
         INSERT INTO stream_codes (kind, code, account_id, purpose) VALUES (0, '{CODE}', 1, 0); "
    ));
    if engine == Engine::Postgres {
        for (table, column) in [
            ("accounts", "id"),
            ("rooms", "number"),
            ("broadcasts", "id"),
            ("recordings", "id"),
            ("short_videos", "id"),
        ] {
            parts.push(format!("SELECT setval(pg_get_serial_sequence('{table}', '{column}'), 1000000); "));
        }
        parts.push("SELECT setval('positions', 1000000); ".to_owned());
    }
    parts.push("COMMIT; ".to_owned());
    // A SQLite database in use has no statistics.
    if engine == Engine::Postgres {
        parts.push("ANALYZE".to_owned());
    }
    parts
}
