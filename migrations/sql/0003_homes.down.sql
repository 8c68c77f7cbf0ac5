DROP TABLE assignment, officer, facility, care, resident, household, building;
DROP SEQUENCE assignment_id_seq, officer_id_seq, facility_id_seq, resident_id_seq, household_id_seq, building_id_seq;
