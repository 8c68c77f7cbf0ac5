-- around --
-- The draft's grids that meet any of some boxes: its own rows where it has them, today's elsewhere, whoever they belong to.
SELECT own.grid_id AS id, own.community_id, own.version, own.base_version, own.noded_only, true AS overlaid, own.name, own.name_en, own.kind,
       own.households, own.area_m2, own.perimeter_m, ST_AsBinary(own.geom) AS wkb
  FROM plan_grid AS own WHERE own.plan_id = :plan AND own.geom && CAST(:box AS geometry)
UNION ALL
SELECT today.grid_id, today.community_id, today.version, today.version, false, false, grid.name, grid.name_en, grid.kind,
       grid.households, grid.area_m2, grid.perimeter_m, ST_AsBinary(today.geom)
  FROM gate.plan_neighbours(:plan, CAST(:box AS geometry)) AS today LEFT JOIN grid ON grid.id = today.grid_id
 WHERE NOT EXISTS (SELECT FROM plan_grid AS own WHERE own.plan_id = :plan AND own.grid_id = today.grid_id)

-- named --
-- Grids of a draft by number, ended ones too (without a shape).
SELECT own.grid_id AS id, own.community_id, own.version, own.base_version, own.noded_only, true AS overlaid, own.name, own.name_en, own.kind,
       own.households, own.area_m2, own.perimeter_m, ST_AsBinary(own.geom) AS wkb
  FROM plan_grid AS own WHERE own.plan_id = :plan AND own.grid_id = ANY (:ids)
UNION ALL
SELECT grid.id, grid.community_id, grid.version, grid.version, false, false, grid.name, grid.name_en, grid.kind,
       grid.households, grid.area_m2, grid.perimeter_m, ST_AsBinary(grid.geom)
  FROM grid JOIN plan ON plan.id = :plan AND grid.scheme_id = plan.scheme_id AND grid.community_id <@ plan.communities
 WHERE grid.id = ANY (:ids) AND grid.valid_to IS NULL
   AND NOT EXISTS (SELECT FROM plan_grid AS own WHERE own.plan_id = :plan AND own.grid_id = grid.id)

-- overlay --
-- All rows of its own that a draft has, ended grids too.
SELECT own.grid_id AS id, own.community_id, own.version, own.base_version, own.noded_only, true AS overlaid, own.name, own.name_en, own.kind,
       own.households, own.area_m2, own.perimeter_m, ST_AsBinary(own.geom) AS wkb
  FROM plan_grid AS own WHERE own.plan_id = :plan ORDER BY own.grid_id

-- overlay_of --
-- The rows of its own that a draft has for some grids.
SELECT own.grid_id AS id, own.community_id, own.version, own.base_version, own.noded_only, true AS overlaid, own.name, own.name_en, own.kind,
       own.households, own.area_m2, own.perimeter_m, ST_AsBinary(own.geom) AS wkb
  FROM plan_grid AS own WHERE own.plan_id = :plan AND own.grid_id = ANY (:ids)

-- today --
-- Today's grids within a box, whatever the draft does with them.
SELECT today.grid_id AS id, today.community_id, today.version, today.version AS base_version, false AS noded_only, false AS overlaid, grid.name,
       grid.name_en, grid.kind, grid.households, grid.area_m2, grid.perimeter_m,
       ST_AsBinary(today.geom) AS wkb
  FROM gate.plan_neighbours(:plan, CAST(:box AS geometry)) AS today LEFT JOIN grid ON grid.id = today.grid_id
 WHERE today.grid_id = ANY (:ids)

-- whole --
-- All grids of a draft, or of some of its communities, with the officers of today.
WITH answering AS MATERIALIZED (
    SELECT assignment.grid_id, officer.id, officer.name FROM assignment JOIN officer ON officer.id = officer_id
     WHERE duty = 'main' AND assignment.valid @> (deployment_now() AT TIME ZONE (SELECT deployment_time_zone()))::date
), drawn AS (
    SELECT own.grid_id AS id, own.community_id, own.version, own.base_version, own.noded_only, true AS overlaid, own.name, own.name_en,
           own.kind, own.households, own.area_m2, own.perimeter_m, own.geom
      FROM plan_grid AS own
     WHERE own.plan_id = :plan AND own.geom IS NOT NULL
       AND (own.community_id <@ CAST(:communities AS int4multirange)
            OR own.community_id IN (SELECT area_id FROM plan_area WHERE plan_id = :plan AND base_version IS NULL))
       AND (CAST(:within AS integer[]) IS NULL OR own.community_id = ANY (:within))
    UNION ALL
    SELECT grid.id, grid.community_id, grid.version, grid.version, false, false, grid.name, grid.name_en,
           grid.kind, grid.households, grid.area_m2, grid.perimeter_m, grid.geom
      FROM grid
     WHERE grid.scheme_id = :scheme AND grid.valid_to IS NULL AND grid.community_id <@ CAST(:communities AS int4multirange)
       AND (CAST(:within AS integer[]) IS NULL OR grid.community_id = ANY (:within))
       AND NOT EXISTS (SELECT FROM plan_grid AS own WHERE own.plan_id = :plan AND own.grid_id = grid.id)
)
SELECT drawn.id, grid.code, drawn.name, drawn.name_en, drawn.kind, drawn.community_id, drawn.version, drawn.base_version, drawn.noded_only,
       drawn.overlaid, drawn.households, drawn.area_m2, drawn.perimeter_m, answering.id AS officer_id, answering.name AS officer_name,
       plan_lock.grid_id IS NOT NULL AS locked, ST_AsBinary(drawn.geom) AS wkb
  FROM drawn
  LEFT JOIN grid ON grid.id = drawn.id
  LEFT JOIN answering ON answering.grid_id = drawn.id
  LEFT JOIN plan_lock ON plan_lock.plan_id = :plan AND plan_lock.grid_id = drawn.id
 ORDER BY drawn.id

-- described --
-- What a page shows of some grids beside their borders: code, officer, lock.
SELECT named.id, grid.code, officer.id AS officer_id, officer.name AS officer_name,
       named.id IN (SELECT grid_id FROM plan_lock WHERE plan_id = :plan) AS locked
  FROM unnest(CAST(:ids AS bigint[])) AS named (id)
  LEFT JOIN grid ON grid.id = named.id
  LEFT JOIN assignment ON assignment.grid_id = named.id AND duty = 'main'
        AND assignment.valid @> (deployment_now() AT TIME ZONE (SELECT deployment_time_zone()))::date
  LEFT JOIN officer ON officer.id = officer_id

-- homes --
-- Buildings whose outline meets a box: a point inside each, and its households.
SELECT array_agg(id) AS ids, array_agg(households) AS households, array_agg(ST_X(inside)) AS x, array_agg(ST_Y(inside)) AS y
  FROM (SELECT building.id, building.households, ST_PointOnSurface(building.geom) AS inside
          FROM building WHERE building.geom && CAST(:box AS geometry) AND building.community_id <@ CAST(:communities AS int4multirange)
           AND building.households > 0) AS home

-- incidents --
-- Incidents within a box that are open or were reported since a moment.
SELECT array_agg(ST_X(place)) AS x, array_agg(ST_Y(place)) AS y, array_agg(is_open) AS open,
       array_agg(reported_at >= :since) AS recent
  FROM incident
 WHERE place && CAST(:box AS geometry) AND (is_open OR reported_at >= :since)

-- communities --
-- The communities of a draft: today's, renamed or ended as the draft says, and those it makes.
SELECT coalesce(own.area_id, area.id) AS id, area.code, coalesce(own.name, area.name) AS name, coalesce(own.name_en, area.name_en) AS name_en,
       coalesce(own.parent_id, area.parent_id) AS parent_id, coalesce(own.class_code, area.class_code) AS class_code,
       area.version AS base_version, coalesce(own.ended, false) AS ended, own.area_id IS NOT NULL AS overlaid
  FROM (SELECT * FROM area WHERE level = 'community' AND valid_to IS NULL AND id <@ CAST(:communities AS int4multirange)) AS area
  FULL JOIN (SELECT * FROM plan_area WHERE plan_id = :plan) AS own ON own.area_id = area.id
 ORDER BY 1

-- buildings --
-- Buildings of a plan's communities whose outline meets a box.
SELECT building.id, building.address, building.households, ST_AsBinary(building.geom) AS wkb
  FROM building WHERE building.geom && CAST(:box AS geometry) AND building.community_id <@ CAST(:communities AS int4multirange)
 ORDER BY building.id

-- history --
-- The states a grid has had, the newest first.
SELECT code, version, name, name_en, households, valid_from, valid_to, community_id, area_m2
  FROM (SELECT code, version, name, name_en, households, valid_from, valid_to, community_id, area_m2 FROM grid WHERE id = :id
        UNION ALL
        SELECT grid.code, past.version, past.name, past.name_en, past.households, past.valid_from, past.valid_to, past.community_id,
               ST_Area(past.geom::geography)
          FROM grid_past AS past JOIN grid ON grid.id = past.grid_id WHERE past.grid_id = :id) AS state
 ORDER BY version DESC

-- lineage --
-- Which grids a grid came from and became, with the shares of ground and homes; those out of scope are left out.
SELECT from_id, to_id, at, lineage.kind, area_share, household_share, earlier.code AS from_code, later.code AS to_code
  FROM grid_lineage AS lineage JOIN grid AS earlier ON earlier.id = from_id JOIN grid AS later ON later.id = to_id
 WHERE from_id = :id OR to_id = :id ORDER BY at, from_id, to_id
