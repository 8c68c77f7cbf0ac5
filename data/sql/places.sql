-- located --
-- The grid of the primary scheme a place lay in at a moment; on a shared border the lowest code.
SELECT grid.id, grid.code, grid.name, grid.name_en, grid.version, grid.community_id,
       ST_Distance(ST_Boundary(grid.geom)::geography, place::geography) AS border_distance_m,
       CASE WHEN officer.id IS NOT NULL
            THEN jsonb_build_object('id', officer.id, 'name', officer.name, 'on_duty', officer.on_duty) END AS officer
  FROM (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4490) AS place) AS asked
  JOIN grid_ever AS grid ON grid.geom && place AND ST_Intersects(grid.geom, place)
  LEFT JOIN assignment ON assignment.grid_id = grid.id AND duty = 'main' AND assignment.valid @> CAST(:day AS date)
  LEFT JOIN officer ON officer.id = officer_id
 WHERE scheme_id = (SELECT id FROM scheme WHERE is_primary)
   AND (:everything OR grid.community_id = ANY (:communities))
   AND grid.valid_from <= :as_of AND (grid.valid_to IS NULL OR grid.valid_to > :as_of)
 ORDER BY grid.code LIMIT 1

-- areas_at --
-- The areas a place lay in at a moment, the district first; on a shared border the lowest code of each level.
SELECT DISTINCT ON (array_position(ARRAY['district', 'street', 'community'], level)) code, level, name, name_en
  FROM (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4490) AS place) AS asked
  JOIN area_ever AS area ON area.geom && place AND ST_Intersects(area.geom, place)
 WHERE area.id <@ (SELECT gate.areas())
   AND area.valid_from <= coalesce(CAST(:as_of AS timestamptz), now())
   AND (area.valid_to IS NULL OR area.valid_to > coalesce(CAST(:as_of AS timestamptz), now()))
 ORDER BY array_position(ARRAY['district', 'street', 'community'], level), code

-- answering --
-- Everybody who answers for a grid on a day, the one who is accountable first.
SELECT officer.id, officer.name, officer.on_duty, duty, lower(assignment.valid) AS since
  FROM assignment JOIN officer ON officer.id = officer_id
 WHERE assignment.grid_id = :id AND assignment.valid @> CAST(:day AS date)
   AND (:everything OR assignment.community_id = ANY (:communities))
 ORDER BY duty DESC, assignment.id

-- care_within --
-- Residents in each class of care whose home lies in a region; the database holds back what the caller may not know.
SELECT care.class, count(*) AS n
  FROM building
  JOIN household ON household.cell = building.cell AND household.building_id = building.id
  JOIN resident ON resident.cell = household.cell AND resident.household_id = household.id
  JOIN care ON care.cell = resident.cell AND care.resident_id = resident.id
 WHERE building.geom && CAST(:box AS geometry) AND {region}
   AND (:everything OR building.community_id = ANY (:communities))
   AND care.since <= CAST(:day AS date) AND (care.until IS NULL OR care.until > CAST(:day AS date))
 GROUP BY 1 ORDER BY 1

-- residents_within --
-- How many residents live in a region.
SELECT count(*)
  FROM building
  JOIN household ON household.cell = building.cell AND household.building_id = building.id
  JOIN resident ON resident.cell = household.cell AND resident.household_id = household.id
 WHERE building.geom && CAST(:box AS geometry) AND {region}
   AND (:everything OR building.community_id = ANY (:communities))

-- counts --
-- Incidents and households of each part of the ground in a period, parts without incidents included.
WITH held AS (
    SELECT {unit} AS unit, sum(grid.households) AS households
      FROM grid JOIN area AS community ON community.id = grid.community_id
     WHERE grid.valid_to IS NULL AND grid.scheme_id = (SELECT id FROM scheme WHERE is_primary)
       AND (:everything OR grid.community_id = ANY (:communities))
       AND (CAST(:within AS integer[]) IS NULL OR grid.community_id = ANY (:within))
     GROUP BY 1
), happened AS (
    SELECT {happened} AS unit, sum(n) AS n, sum(open_n) AS open
      FROM (SELECT incident.grid_id AS id, incident.community_id, count(*) AS n, count(*) FILTER (WHERE is_open) AS open_n
              FROM incident
             WHERE reported_at >= coalesce(CAST(:since AS timestamptz), '-infinity')
               AND reported_at < coalesce(CAST(:until AS timestamptz), 'infinity')
               AND (CAST(:categories AS integer[]) IS NULL OR category_id = ANY (ARRAY(
                    SELECT id FROM category WHERE id = ANY (:categories) OR parent_id = ANY (:categories))))
               AND (:everything OR incident.community_id = ANY (:communities))
               AND (CAST(:within AS integer[]) IS NULL OR incident.community_id = ANY (:within))
             GROUP BY 1, 2) AS grid
      LEFT JOIN area AS community ON community.id = grid.community_id
     GROUP BY 1
)
SELECT held.unit, {named}, held.households::bigint AS households, coalesce(n, 0)::bigint AS n, coalesce(open, 0)::bigint AS open
  FROM held JOIN {table} AS part ON part.id = held.unit LEFT JOIN happened ON happened.unit = held.unit
 ORDER BY part.code
