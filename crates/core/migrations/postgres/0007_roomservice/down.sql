-- An older version does not know RoomService (5), nor the purpose of its stream codes (2).
DELETE FROM audience WHERE dialect = 5;
DELETE FROM sessions WHERE dialect = 5;
DELETE FROM stream_codes WHERE purpose = 2;
DELETE FROM broadcasts WHERE driver = 5;
UPDATE rooms SET broadcast_id = (SELECT max(id) FROM broadcasts WHERE broadcasts.account_id = rooms.account_id);
DROP INDEX audience_anchors;
ALTER TABLE audience DROP COLUMN anchor_position;
ALTER TABLE audience DROP COLUMN stream_code;
ALTER TABLE audience DROP COLUMN info;
DROP INDEX broadcasts_prepared;
DROP INDEX broadcasts_room_service;
DROP INDEX broadcasts_group;
ALTER TABLE broadcasts DROP COLUMN custom_fields;
ALTER TABLE broadcasts DROP COLUMN anchor_avatar;
ALTER TABLE broadcasts DROP COLUMN anchor_name;
ALTER TABLE broadcasts DROP COLUMN room_info;
ALTER TABLE broadcasts DROP COLUMN group_folded;
ALTER TABLE accounts DROP COLUMN password_set_at;
