DROP INDEX incident_category_hour;
ALTER TABLE incident DROP COLUMN utc_hour;
