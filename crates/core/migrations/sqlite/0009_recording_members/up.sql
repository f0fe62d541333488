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
