-- Who drafts borders must know how many people they move, not who they are: numbers for parts of a plan, through the gate.
-- A part is what the caller names for each building; residents in care of the sensitive classes count for those who may know them.
CREATE FUNCTION gate.plan_people(of_plan bigint, cells integer[], buildings bigint[], parts integer[])
    RETURNS TABLE (part integer, residents bigint, care_households bigint)
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog, public AS $$
    SELECT given.part, count(DISTINCT resident.id), count(DISTINCT household.id) FILTER (WHERE cared.id IS NOT NULL)
      FROM unnest(cells, buildings, parts) AS given (cell, id, part)
      JOIN building ON building.cell = given.cell AND building.id = given.id
      JOIN plan ON plan.id = of_plan AND building.community_id <@ plan.communities AND plan.communities <@ (SELECT gate.scope())
      JOIN household ON household.cell = building.cell AND household.building_id = building.id
      LEFT JOIN resident ON resident.cell = household.cell AND resident.household_id = household.id
      LEFT JOIN LATERAL (
           SELECT resident.id FROM care WHERE care.cell = resident.cell AND care.resident_id = resident.id
              AND (NOT care.sensitive OR (SELECT gate.may('care.sensitive')))
              AND care.since <= (deployment_now() AT TIME ZONE deployment_time_zone())::date
              AND (care.until IS NULL OR care.until > (deployment_now() AT TIME ZONE deployment_time_zone())::date) LIMIT 1) AS cared ON true
     WHERE (SELECT gate.may('plans'))
     GROUP BY given.part
    $$;
REVOKE ALL ON FUNCTION gate.plan_people(bigint, integer[], bigint[], integer[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.plan_people(bigint, integer[], bigint[], integer[]) TO wangge_app;
