ALTER TABLE counters DROP COLUMN version;
