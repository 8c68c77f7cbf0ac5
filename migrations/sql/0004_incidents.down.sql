DROP TABLE incident_placement, incident_log, intake, incident, calendar_day, calendar_year,
    category_mapping, category_rule, category, category_catalogue;
DROP FUNCTION incident_partition(integer);
DROP SEQUENCE incident_id_seq, category_rule_id_seq, category_id_seq, category_catalogue_id_seq;
