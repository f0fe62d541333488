ALTER TABLE broadcasts DROP COLUMN aired_at;
