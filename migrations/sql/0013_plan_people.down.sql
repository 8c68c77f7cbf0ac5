DROP FUNCTION gate.plan_people(bigint, integer[], bigint[], integer[]);
