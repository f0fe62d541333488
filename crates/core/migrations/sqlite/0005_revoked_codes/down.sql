DROP TABLE revoked_codes;
DROP INDEX stream_codes_kept_until;
DELETE FROM stream_codes WHERE purpose <> 0;
ALTER TABLE stream_codes DROP COLUMN kept_until;
ALTER TABLE stream_codes DROP COLUMN purpose;
