-- What is counted apart from what is said: a like then writes a page with a hundred counters instead of one with a
-- dozen broadcasts.
CREATE TABLE counters (
    broadcast_id  INTEGER PRIMARY KEY NOT NULL REFERENCES broadcasts ON DELETE CASCADE,
    account_id    BIGINT NOT NULL,         -- the host, as in broadcasts
    counted_likes BIGINT NOT NULL,         -- one by one
    host_likes    BIGINT NOT NULL,         -- as the host reported them last
    anonymous     BIGINT NOT NULL          -- viewers without a name
);
INSERT INTO counters SELECT id, account_id, counted_likes, host_likes, anonymous FROM broadcasts;
ALTER TABLE broadcasts DROP COLUMN counted_likes;
ALTER TABLE broadcasts DROP COLUMN host_likes;
ALTER TABLE broadcasts DROP COLUMN anonymous;
