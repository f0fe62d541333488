ALTER TABLE broadcasts ADD COLUMN counted_likes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE broadcasts ADD COLUMN host_likes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE broadcasts ADD COLUMN anonymous BIGINT NOT NULL DEFAULT 0;
UPDATE broadcasts SET counted_likes = counters.counted_likes, host_likes = counters.host_likes,
    anonymous = counters.anonymous
FROM counters WHERE counters.broadcast_id = broadcasts.id;
DROP TABLE counters;
