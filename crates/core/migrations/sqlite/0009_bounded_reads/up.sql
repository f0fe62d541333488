-- The members of a recording's audience belong to the recording, and a recording that does not exist has none.
CREATE TABLE members_of_recordings (
    recording_id BIGINT NOT NULL REFERENCES recordings ON DELETE CASCADE,
    account_id   BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    nickname     TEXT NOT NULL,
    avatar       TEXT NOT NULL,
    position     BIGINT NOT NULL,          -- order of entry
    PRIMARY KEY (recording_id, account_id)
) WITHOUT ROWID;
INSERT INTO members_of_recordings (recording_id, account_id, nickname, avatar, position)
SELECT recordings.id, member.account_id, member.nickname, member.avatar, member.position
FROM recording_audience AS member
JOIN recordings ON recordings.account_id = member.owner_id AND recordings.file_id = member.file_id;
DROP TABLE recording_audience;
ALTER TABLE members_of_recordings RENAME TO recording_audience;
CREATE INDEX recording_audience_account ON recording_audience (account_id);
CREATE INDEX recording_audience_position ON recording_audience (recording_id, position);

-- Followers are counted when they change, not when a room is shown.
ALTER TABLE rooms ADD COLUMN followers BIGINT NOT NULL DEFAULT 0;
UPDATE rooms SET followers = (SELECT count(*) FROM follows WHERE follows.room = rooms.number);

-- An account may be in the audiences of any number of hosts, but in few through sxb, and a sub-anchor in few.
DROP INDEX audience_account;
CREATE INDEX audience_account ON audience (account_id, dialect);
CREATE INDEX audience_anchored ON audience (account_id) WHERE stream_code IS NOT NULL;
-- Of the broadcasts that a host has had, those around a time are found.
CREATE INDEX broadcasts_started ON broadcasts (account_id, started_at, id);
