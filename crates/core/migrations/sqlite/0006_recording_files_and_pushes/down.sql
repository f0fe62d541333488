DROP TABLE pushes;
DROP TABLE recording_files;
