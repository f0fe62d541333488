-- The second in which the password was last set: a ticket made before it opens no session. NULL: a guest.
ALTER TABLE accounts ADD COLUMN password_set_at BIGINT;
-- Of older rows it is not known; the password is not older than the account.
UPDATE accounts SET password_set_at = created_at WHERE password IS NOT NULL;

ALTER TABLE broadcasts ADD COLUMN group_folded TEXT;    -- group_id in lower case
ALTER TABLE broadcasts ADD COLUMN room_info TEXT;       -- RoomService: the text that the creator gave
ALTER TABLE broadcasts ADD COLUMN anchor_name TEXT;     -- RoomService: the names that the creator goes by in its room
ALTER TABLE broadcasts ADD COLUMN anchor_avatar TEXT;
ALTER TABLE broadcasts ADD COLUMN custom_fields TEXT;   -- JSON; NULL: none
UPDATE broadcasts SET group_folded = lower(group_id) WHERE group_id IS NOT NULL AND state < 2;
CREATE INDEX broadcasts_group ON broadcasts (group_folded, id) WHERE group_folded IS NOT NULL;
-- Of the rooms of RoomService (driver 5) that are prepared or on air, no two have the same id.
CREATE UNIQUE INDEX broadcasts_room_service ON broadcasts (group_folded) WHERE driver = 5 AND state < 2;
CREATE INDEX broadcasts_prepared ON broadcasts (beat_at) WHERE driver = 5 AND state = 0;

ALTER TABLE audience ADD COLUMN info TEXT;              -- RoomService: the text that a viewer gave
ALTER TABLE audience ADD COLUMN stream_code TEXT;       -- the stream of a sub-anchor; NULL: the member is none
ALTER TABLE audience ADD COLUMN anchor_position BIGINT; -- order in which sub-anchors joined
-- Sub-anchors of a host are counted when another one joins; its audience may be large.
CREATE INDEX audience_anchors ON audience (host_id) WHERE stream_code IS NOT NULL;
