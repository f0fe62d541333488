DROP INDEX broadcasts_started;
DROP INDEX audience_anchored;
DROP INDEX audience_account;
CREATE INDEX audience_account ON audience (account_id);
ALTER TABLE rooms DROP COLUMN followers;
CREATE TABLE members_of_recordings (
    owner_id   BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    file_id    TEXT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    nickname   TEXT NOT NULL,
    avatar     TEXT NOT NULL,
    position   BIGINT NOT NULL,
    PRIMARY KEY (owner_id, file_id, account_id)
) WITHOUT ROWID;
INSERT INTO members_of_recordings (owner_id, file_id, account_id, nickname, avatar, position)
SELECT recordings.account_id, recordings.file_id, member.account_id, member.nickname, member.avatar, member.position
FROM recording_audience AS member JOIN recordings ON recordings.id = member.recording_id;
DROP TABLE recording_audience;
ALTER TABLE members_of_recordings RENAME TO recording_audience;
CREATE INDEX recording_audience_account ON recording_audience (account_id);
