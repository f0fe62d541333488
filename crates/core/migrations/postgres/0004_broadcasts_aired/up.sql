-- The first second on air; NULL for a broadcast that was only prepared: such a broadcast does not name a recording that
-- another one overlaps.
ALTER TABLE broadcasts ADD COLUMN aired_at BIGINT;
-- Of older rows the first second on air is not known; the start is the closest. An sxb broadcast has a lease from the moment
-- it goes on air, a minilvb-v1 live an end once it was taken off the air or replaced, the other drivers open on air.
UPDATE broadcasts SET aired_at = started_at
WHERE state = 1 OR driver IN (2, 4) OR (driver = 3 AND lease IS NOT NULL) OR (driver = 1 AND ended_at IS NOT NULL);
