-- The hour of report is that of UTC, which no change of the deployment's zone moves: whoever asks for hours of its clock names those of UTC
-- that hold them (`utc_hours` of data/queries/statistics.py). It is a column, since under row-level security no index of an expression serves.
ALTER TABLE incident ADD COLUMN utc_hour smallint GENERATED ALWAYS AS (extract(hour FROM reported_at AT TIME ZONE 'UTC')) STORED;
CREATE INDEX incident_category_hour ON incident (category_id, utc_hour, reported_at) INCLUDE (community_id, grid_id);
