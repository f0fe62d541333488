ALTER TABLE accounts DROP COLUMN imported;
DROP TABLE pushes;
DROP TABLE recording_files;
