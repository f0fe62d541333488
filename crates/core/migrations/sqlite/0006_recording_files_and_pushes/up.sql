-- The files of each recording: the file that the recording began with, and those of other formats that were merged into it.
CREATE TABLE recording_files (
    account_id   BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    file_id      TEXT NOT NULL,
    recording_id BIGINT NOT NULL REFERENCES recordings ON DELETE CASCADE,
    format       SMALLINT NOT NULL,        -- 0 hls, 1 any, 2 flv, 3 mp4
    PRIMARY KEY (account_id, file_id, format)
) WITHOUT ROWID;
CREATE INDEX recording_files_recording ON recording_files (recording_id, format);
INSERT INTO recording_files (account_id, file_id, recording_id, format)
SELECT account_id, file_id, id, play_rank FROM recordings;

-- Pushes that the media cloud has announced and not ended: at most one per stream.
CREATE TABLE pushes (
    code       TEXT PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    sequence   TEXT,                       -- the cloud's name of the push, if it gave one
    began_at   BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX pushes_account ON pushes (account_id);
CREATE INDEX pushes_began_at ON pushes (began_at);

-- Whether the account was taken over from an original server, whose first-generation apps prove nothing.
ALTER TABLE accounts ADD COLUMN imported BOOLEAN NOT NULL DEFAULT FALSE;
