DROP INDEX facility_source;
ALTER TABLE facility DROP COLUMN source, DROP COLUMN source_id;
