DROP INDEX broadcasts_opened_from;
ALTER TABLE broadcasts DROP COLUMN opened_from;
