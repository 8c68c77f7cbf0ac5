ALTER TABLE facility ADD COLUMN source text, ADD COLUMN source_id text;
CREATE INDEX facility_source ON facility (source, source_id) WHERE source IS NOT NULL;
