-- Times are seconds since 1970 (UTC). Enumerations are the numbers of their Rust types.

CREATE TABLE accounts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id      TEXT NOT NULL UNIQUE,
    folded       TEXT NOT NULL,            -- user_id in ASCII lower case
    password     TEXT,                     -- argon2id of the canonical form; NULL: a guest
    phone        TEXT UNIQUE,
    email        TEXT UNIQUE,
    nickname     TEXT NOT NULL,
    avatar       TEXT NOT NULL,
    sex          SMALLINT NOT NULL,
    frontcover   TEXT NOT NULL,
    address      TEXT NOT NULL,
    head_picture BIGINT,
    created_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX accounts_registered ON accounts (folded) WHERE password IS NOT NULL;
CREATE INDEX accounts_folded ON accounts (folded);

CREATE TABLE head_pictures (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL UNIQUE REFERENCES accounts ON DELETE CASCADE,
    bytes      BLOB NOT NULL
);

CREATE TABLE sessions (
    digest         BLOB PRIMARY KEY,       -- SHA-256 of the token
    dialect        SMALLINT NOT NULL,
    account_id     BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    token          TEXT,                   -- readable only where it keys request signatures
    refresh_digest BLOB,
    refresh_until  BIGINT,
    opened_at      BIGINT NOT NULL,
    used_at        BIGINT NOT NULL,
    cursors        TEXT NOT NULL           -- where the session's lists stand
) WITHOUT ROWID;
CREATE INDEX sessions_account ON sessions (account_id, dialect);
CREATE INDEX sessions_used ON sessions (dialect, used_at);

CREATE TABLE rooms (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id      BIGINT NOT NULL UNIQUE REFERENCES accounts ON DELETE CASCADE,
    broadcast_id    BIGINT,                -- the latest broadcast
    named           BOOLEAN NOT NULL,      -- its owner has given it a name
    name            TEXT NOT NULL,
    description     TEXT NOT NULL,
    topic           TEXT NOT NULL,
    anchor_password TEXT NOT NULL,
    assist_password TEXT NOT NULL,
    user_password   TEXT NOT NULL,
    plan_title      TEXT NOT NULL,         -- what the owner announced for its next broadcast
    plan_cover      TEXT NOT NULL,
    plan_location   TEXT NOT NULL,
    planned_at      BIGINT,
    hint_name       TEXT NOT NULL,         -- what the owner said about its next recording
    hint_cover      TEXT NOT NULL
);
INSERT INTO sqlite_sequence (name, seq) VALUES ('rooms', 10000);

CREATE TABLE broadcasts (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id    BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    room          BIGINT NOT NULL,
    driver        SMALLINT NOT NULL,
    state         SMALLINT NOT NULL,
    title         TEXT NOT NULL,
    cover         TEXT NOT NULL,
    location      TEXT NOT NULL,
    nickname      TEXT,                    -- NULL: the profile's
    avatar        TEXT,                    -- NULL: the profile's
    group_id      TEXT,                    -- NULL: the room number
    kind          TEXT NOT NULL,
    app           BIGINT,
    device        SMALLINT,
    screen        BOOLEAN NOT NULL,
    longitude     DOUBLE,
    latitude      DOUBLE,
    place         TEXT NOT NULL,
    stream_code   TEXT NOT NULL,
    push_sequence TEXT,
    started_at    BIGINT NOT NULL,
    ended_at      BIGINT,
    counted_likes BIGINT NOT NULL,
    host_likes    BIGINT NOT NULL,
    anonymous     BIGINT NOT NULL,
    beat_at       BIGINT NOT NULL,
    lease         BIGINT                   -- seconds after beat_at at which it dies; NULL: never
);
CREATE INDEX broadcasts_account ON broadcasts (account_id, id);
CREATE INDEX broadcasts_state ON broadcasts (state) WHERE state < 2;

CREATE TABLE audience (
    host_id    BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    account_id BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    role       SMALLINT NOT NULL,
    dialect    SMALLINT NOT NULL,          -- entered through last
    group_id   TEXT,                       -- NULL: the broadcast's own group
    listed     BOOLEAN NOT NULL,           -- false: a host that did not enter its own group
    nickname   TEXT,                       -- NULL: the profile's
    avatar     TEXT,                       -- NULL: the profile's
    position   BIGINT NOT NULL,            -- order of entry
    beat_at    BIGINT NOT NULL,
    session    BLOB,                       -- the session it lives and dies with
    PRIMARY KEY (host_id, account_id)
) WITHOUT ROWID;
CREATE INDEX audience_account ON audience (account_id);
CREATE INDEX audience_position ON audience (host_id, position);
CREATE INDEX audience_session ON audience (session) WHERE session IS NOT NULL;

CREATE TABLE recordings (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    file_id    TEXT NOT NULL,
    file_name  TEXT NOT NULL,
    title      TEXT NOT NULL,
    cover      TEXT NOT NULL,
    location   TEXT NOT NULL,
    nickname   TEXT NOT NULL,
    avatar     TEXT NOT NULL,
    play_url   TEXT NOT NULL,
    play_rank  SMALLINT NOT NULL,          -- 0 none, 1 any, 2 flv, 3 mp4
    hls_url    TEXT NOT NULL,
    start_at   BIGINT NOT NULL,
    end_at     BIGINT NOT NULL,
    duration   BIGINT NOT NULL,
    size       BIGINT NOT NULL,
    likes      BIGINT NOT NULL,
    viewers    BIGINT NOT NULL,
    stored_at  BIGINT NOT NULL,
    UNIQUE (account_id, file_id)
);
CREATE INDEX recordings_end ON recordings (end_at, id);
CREATE INDEX recordings_account_end ON recordings (account_id, end_at);

CREATE TABLE recording_audience (
    owner_id   BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    file_id    TEXT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    nickname   TEXT NOT NULL,
    avatar     TEXT NOT NULL,
    position   BIGINT NOT NULL,
    PRIMARY KEY (owner_id, file_id, account_id)
) WITHOUT ROWID;
CREATE INDEX recording_audience_account ON recording_audience (account_id);

CREATE TABLE short_videos (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    file_id    TEXT NOT NULL,
    title      TEXT NOT NULL,
    cover      TEXT NOT NULL,
    location   TEXT NOT NULL,
    play_url   TEXT NOT NULL,
    nickname   TEXT,                       -- NULL: the profile's
    avatar     TEXT,                       -- NULL: the profile's
    created_at BIGINT NOT NULL,
    UNIQUE (account_id, file_id)
);
CREATE INDEX short_videos_created ON short_videos (created_at, id);

CREATE TABLE follows (
    account_id BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    room       BIGINT NOT NULL REFERENCES rooms ON DELETE CASCADE,
    PRIMARY KEY (account_id, room)
) WITHOUT ROWID;
CREATE INDEX follows_room ON follows (room);

CREATE TABLE stream_codes (
    kind       SMALLINT NOT NULL,          -- 0 a whole stream code, 1 the part of one after its last underscore
    code       TEXT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    PRIMARY KEY (kind, code)
) WITHOUT ROWID;
CREATE INDEX stream_codes_account ON stream_codes (account_id);

CREATE TABLE verifications (
    phone      TEXT NOT NULL,
    purpose    SMALLINT NOT NULL,
    digest     BLOB NOT NULL,
    tries      SMALLINT NOT NULL,
    created_at BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    PRIMARY KEY (phone, purpose)
) WITHOUT ROWID;

CREATE TABLE reports (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    reporter_id BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    host_id     BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    reported_at BIGINT NOT NULL
);
CREATE INDEX reports_reporter ON reports (reporter_id);
CREATE INDEX reports_host ON reports (host_id);

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
