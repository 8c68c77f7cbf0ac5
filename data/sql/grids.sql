-- page --
-- Grids of the primary scheme in scope, current or as they were, with the officer who answers for each on that day.
SELECT grid.id, grid.code, grid.name, grid.name_en, grid.kind, community.code AS community_code, street.code AS street_code,
       grid.households, grid.area_m2, grid.perimeter_m,
       ARRAY[ST_X(label), ST_Y(label)] AS center,
       ARRAY[ST_XMin(grid.geom), ST_YMin(grid.geom), ST_XMax(grid.geom), ST_YMax(grid.geom)] AS bbox,
       grid.version, grid.valid_from, grid.valid_to,
       CASE WHEN officer.id IS NOT NULL THEN jsonb_build_object('id', officer.id, 'name', officer.name) END AS officer
  FROM grid_ever AS grid
  JOIN area AS community ON community.id = grid.community_id
  LEFT JOIN area AS street ON street.id = community.parent_id
  LEFT JOIN assignment ON assignment.grid_id = grid.id AND duty = 'main' AND assignment.valid @> CAST(:day AS date)
  LEFT JOIN officer ON officer.id = officer_id,
       LATERAL ST_Transform(grid.label3857, 4490) AS label
 WHERE grid.scheme_id = (SELECT id FROM scheme WHERE is_primary)
   AND (:everything OR grid.community_id = ANY (:communities))
   AND CASE WHEN CAST(:as_of AS timestamptz) IS NULL THEN grid.valid_to IS NULL
            ELSE grid.valid_from <= :as_of AND (grid.valid_to IS NULL OR grid.valid_to > :as_of) END
   AND (CAST(:within AS integer[]) IS NULL OR grid.community_id = ANY (:within))
   AND (CAST(:id AS bigint) IS NULL OR grid.id = :id)
 ORDER BY grid.code

-- ended --
-- A grid that lived once: when it ended and what came after it.
SELECT grid.id, grid.code, grid.name, grid.name_en, grid.valid_from, grid.valid_to,
       ARRAY(SELECT to_id FROM grid_lineage WHERE from_id = grid.id ORDER BY to_id) AS successors
  FROM grid WHERE id = :id AND valid_to IS NOT NULL AND (:everything OR community_id = ANY (:communities))

-- card --
-- What one grid holds now: officer, homes, and of its incidents those of some categories and hours: since the day began, and open.
WITH chosen AS NOT MATERIALIZED (
    SELECT reported_at, is_open, due_at
      FROM incident
     WHERE grid_id = :id
       AND (:every OR category_id = ANY (:categories))
       AND (:all_day OR extract(hour FROM reported_at AT TIME ZONE (SELECT deployment_time_zone()))::integer = ANY (:hours))
)
SELECT officer.id AS officer_id, officer.name AS officer_name, officer.on_duty,
       CASE WHEN (SELECT gate.may('particulars')) THEN officer.phone_sealed END AS phone_sealed,
       (SELECT count(*) FROM building WHERE building.grid_id = grid.id) AS buildings,
       (SELECT count(*) FROM chosen WHERE reported_at >= :today) AS today,
       (SELECT count(*) FROM chosen WHERE is_open) AS open,
       (SELECT count(*) FROM chosen WHERE is_open AND due_at < :now) AS overdue,
       (SELECT jsonb_build_object('class', told -> 'class', 'z', told -> 'z', 'p', told -> 'p', 'q', told -> 'q', 'run_id', analysis_id)
          FROM (SELECT analysis_id, CAST(body AS jsonb) AS told FROM analysis_piece
                 WHERE kind = 'unit' AND key = grid.id
                   AND analysis_id = (SELECT id FROM analysis WHERE is_map AND state = 'done' ORDER BY period_to DESC, id DESC LIMIT 1)) AS newest) AS hotspot,
       ST_X(ST_PointOnSurface(grid.geom)) AS lon, ST_Y(ST_PointOnSurface(grid.geom)) AS lat
  FROM grid
  LEFT JOIN assignment ON assignment.grid_id = grid.id AND duty = 'main' AND assignment.valid @> CAST(:day AS date)
  LEFT JOIN officer ON officer.id = officer_id
 WHERE grid.id = :id AND grid.valid_to IS NULL AND (:everything OR grid.community_id = ANY (:communities))

-- residents_by_care --
-- Residents of a grid in each class of care on a day; the database itself holds back what the caller may not know.
SELECT care.class, count(*) AS n
  FROM building
  JOIN household ON household.cell = building.cell AND household.building_id = building.id
  JOIN resident ON resident.cell = household.cell AND resident.household_id = household.id
  JOIN care ON care.cell = resident.cell AND care.resident_id = resident.id
 WHERE building.grid_id = :id AND (:everything OR building.community_id = ANY (:communities))
   AND care.since <= CAST(:day AS date) AND (care.until IS NULL OR care.until > CAST(:day AS date))
 GROUP BY 1 ORDER BY 1

-- described --
-- The areas a current grid lies in and who answers for it on a day, for a caller who may see the grid.
SELECT grid.id, grid.code, grid.name, grid.name_en, grid.version,
       ARRAY(SELECT jsonb_build_object('code', area.code, 'level', area.level, 'name', area.name, 'name_en', area.name_en)
               FROM area WHERE area.id IN (community.id, street.id, street.parent_id)
              ORDER BY array_position(ARRAY['district', 'street', 'community'], area.level)) AS areas,
       CASE WHEN officer.id IS NOT NULL
            THEN jsonb_build_object('id', officer.id, 'name', officer.name, 'on_duty', officer.on_duty) END AS officer
  FROM grid
  JOIN area AS community ON community.id = grid.community_id
  LEFT JOIN area AS street ON street.id = community.parent_id
  LEFT JOIN assignment ON assignment.grid_id = grid.id AND duty = 'main' AND assignment.valid @> %(day)s::date
  LEFT JOIN officer ON officer.id = officer_id
 WHERE grid.id = %(id)s AND (%(everything)s OR grid.community_id = ANY (%(communities)s))
