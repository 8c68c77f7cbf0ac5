ALTER TABLE statistics_day DROP CONSTRAINT statistics_day_pkey;
ALTER TABLE statistics_day ADD PRIMARY KEY (community_id, day);
DROP TRIGGER note_insert ON statistics_day;
DROP TRIGGER note_update ON statistics_day;
DROP TRIGGER note_delete ON statistics_day;
DROP TRIGGER note_truncate ON statistics_day;
DROP FUNCTION note_whole_days();
DROP TABLE statistics_whole_day;
