-- The address from which a guest has begun the broadcast (IPv6: its network of 64 bits). NULL: the host is registered, or the
-- address is not known.
ALTER TABLE broadcasts ADD COLUMN opened_from TEXT COLLATE "C";
CREATE INDEX broadcasts_opened_from ON broadcasts (opened_from) WHERE opened_from IS NOT NULL AND state = 1;
