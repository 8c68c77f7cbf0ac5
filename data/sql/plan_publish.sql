-- locked --
-- A plan held against other writers until the transaction ends, with what deciding on it needs to know.
SELECT id, name, area_id, scheme_id, state, revision, made_by, submitted_by, decided_by, effective_at, reverses, communities::text AS communities,
       (SELECT is_primary FROM scheme WHERE scheme.id = scheme_id) AS is_primary,
       (SELECT code_pattern FROM scheme WHERE scheme.id = scheme_id) AS code_pattern
  FROM plan WHERE id = :id FOR UPDATE;

-- overlay --
-- The rows of a draft with the border each grid had when it was copied, and as it is now; current rows are held.
SELECT plan_grid.grid_id, plan_grid.base_version, plan_grid.noded_only, plan_grid.community_id, plan_grid.name, plan_grid.name_en,
       plan_grid.kind, plan_grid.households, ST_AsBinary(plan_grid.geom) AS mine,
       coalesce(past.community_id, CASE WHEN grid.version = base_version THEN grid.community_id END) AS base_community,
       coalesce(past.name, CASE WHEN grid.version = base_version THEN grid.name END) AS base_name,
       coalesce(past.name_en, CASE WHEN grid.version = base_version THEN grid.name_en END) AS base_name_en,
       coalesce(past.households, CASE WHEN grid.version = base_version THEN grid.households END) AS base_households,
       ST_AsBinary(coalesce(past.geom, CASE WHEN grid.version = base_version THEN grid.geom END)) AS base,
       grid.version AS now_version, grid.valid_to IS NOT NULL AS now_ended, grid.community_id AS now_community, grid.name AS now_name,
       grid.name_en AS now_name_en, grid.kind AS now_kind, grid.households AS now_households, grid.code AS now_code,
       grid.valid_from AS now_from, ST_AsBinary(grid.geom) AS now
  FROM plan_grid
  LEFT JOIN grid ON grid.id = plan_grid.grid_id
  LEFT JOIN grid_past AS past ON past.grid_id = plan_grid.grid_id AND past.version = base_version AND grid.version <> base_version
 WHERE plan_id = :id ORDER BY plan_grid.grid_id;

-- drawn_areas --
-- The communities of a draft with the name each had when it was copied.
SELECT drawn.area_id, drawn.base_version, drawn.parent_id, drawn.name, drawn.name_en, drawn.class_code, drawn.ended,
       coalesce(past.name, area.name) AS base_name, coalesce(past.name_en, area.name_en) AS base_name_en
  FROM plan_area AS drawn
  LEFT JOIN area ON area.id = drawn.area_id
  LEFT JOIN area_past AS past ON past.area_id = drawn.area_id AND past.version = drawn.base_version AND area.version <> drawn.base_version
 WHERE plan_id = :id ORDER BY area_id;

-- hold_grids --
SELECT id FROM grid WHERE id IN (SELECT grid_id FROM plan_grid WHERE plan_id = :id) ORDER BY id FOR NO KEY UPDATE;

-- around --
-- Living grids of a scheme that meet any of some borders, those named left out.
SELECT DISTINCT grid.id, ST_AsBinary(grid.geom) AS border, grid.community_id, grid.name, grid.name_en, grid.version, grid.kind,
       grid.households, grid.valid_from, grid.code
  FROM unnest(CAST(:borders AS bytea[])) AS given
  JOIN grid ON grid.geom && ST_GeomFromWKB(given, 4490)
 WHERE grid.scheme_id = :scheme AND grid.valid_to IS NULL AND NOT grid.id = ANY (:without);

-- areas --
-- Areas by id and all they lie in, held; children come before their parents.
WITH RECURSIVE above AS (
    SELECT id, parent_id FROM area WHERE id = ANY (:ids)
    UNION
    SELECT area.id, area.parent_id FROM area JOIN above ON area.id = above.parent_id
)
SELECT id, level, parent_id, code, name, name_en, class_code, version, valid_from, valid_to IS NOT NULL AS ended, ST_AsBinary(geom) AS border
  FROM area WHERE id IN (SELECT id FROM above)
 ORDER BY array_position(ARRAY['community', 'street', 'district'], level), id FOR NO KEY UPDATE;

-- grids_of --
-- The living grids of a scheme in communities.
SELECT id, community_id, code, name, name_en, version, kind, households, valid_from, ST_AsBinary(geom) AS border FROM grid
 WHERE scheme_id = :scheme AND community_id = ANY (:communities) AND valid_to IS NULL ORDER BY code;

-- children_of --
-- The living areas inside areas, with the areas' own ids.
SELECT id, parent_id, ST_AsBinary(geom) AS border FROM area WHERE parent_id = ANY (:parents) AND valid_to IS NULL ORDER BY id;

-- buildings --
-- The buildings of grids, as they stand, with what lives in them.
SELECT cell, id, grid_id, community_id, code, households, ST_AsBinary(geom) AS border FROM building
 WHERE grid_id = ANY (:grids) OR (community_id = ANY (:ended)) ORDER BY cell, id;

-- buildings_within --
-- The buildings that meet borders: for a scheme to which buildings do not belong.
SELECT DISTINCT cell, id, grid_id, community_id, code, households, ST_AsBinary(geom) AS border
  FROM unnest(CAST(:borders AS bytea[])) AS given JOIN building ON building.geom && ST_GeomFromWKB(given, 4490) ORDER BY cell, id;

-- facilities --
SELECT cell, id, grid_id, community_id, code, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM facility
 WHERE grid_id = ANY (:grids) OR community_id = ANY (:ended) ORDER BY cell, id;

-- open_incidents --
-- Open incidents of grids or of communities that end, held in the order of their ids.
SELECT cell, id, reported_at, grid_id, grid_version, community_id, building_id, placed_by, border_distance_m, ambiguous, state,
       ST_X(place) AS lon, ST_Y(place) AS lat
  FROM incident
 WHERE is_open AND community_id = ANY (:communities) AND (grid_id = ANY (:grids) OR community_id = ANY (:ended))
 ORDER BY id FOR NO KEY UPDATE;

-- assignments --
-- Who answers for grids on a day or later.
SELECT assignment.id, officer_id, grid_id, assignment.community_id, duty, lower(valid) AS since, upper(valid) AS until
  FROM assignment WHERE grid_id = ANY (:grids) AND (upper_inf(valid) OR upper(valid) > CAST(:day AS date))
 ORDER BY assignment.id FOR UPDATE;

-- new_area --
INSERT INTO area (id, level, parent_id, code, name, name_en, class_code, geom, valid_from)
VALUES (:id, 'community', :parent_id, :code, :name, :name_en, :class_code, ST_Multi(ST_GeomFromWKB(:border, 4490)), :at);

-- change_area --
UPDATE area SET name = :name, name_en = :name_en, geom = ST_Multi(ST_GeomFromWKB(:border, 4490)), valid_from = :at WHERE id = :id;

-- end_areas --
UPDATE area SET valid_to = :at WHERE id = ANY (:ids);

-- new_grids --
INSERT INTO grid (id, scheme_id, community_id, code, name, name_en, kind, households, geom, valid_from)
SELECT id, :scheme, community_id, code, name, name_en, kind, households, ST_Multi(ST_GeomFromWKB(border, 4490)), :at
  FROM unnest(CAST(:ids AS bigint[]), CAST(:communities AS integer[]), CAST(:codes AS text[]), CAST(:names AS text[]),
              CAST(:names_en AS text[]), CAST(:kinds AS text[]), CAST(:households AS integer[]), CAST(:borders AS bytea[]))
       AS fresh (id, community_id, code, name, name_en, kind, households, border);

-- change_grids --
UPDATE grid SET community_id = fresh.community_id, name = fresh.name, name_en = fresh.name_en, kind = fresh.kind,
       households = fresh.households, geom = ST_Multi(ST_GeomFromWKB(fresh.border, 4490)), valid_from = :at
  FROM unnest(CAST(:ids AS bigint[]), CAST(:communities AS integer[]), CAST(:names AS text[]), CAST(:names_en AS text[]),
              CAST(:kinds AS text[]), CAST(:households AS integer[]), CAST(:borders AS bytea[]))
       AS fresh (id, community_id, name, name_en, kind, households, border)
 WHERE grid.id = fresh.id;

-- end_grids --
UPDATE grid SET valid_to = :at WHERE id = ANY (:ids);

-- grid_lineage --
INSERT INTO grid_lineage (from_id, to_id, at, kind, area_share, household_share)
SELECT from_id, to_id, :at, kind, area_share, household_share
  FROM unnest(CAST(:from_ids AS bigint[]), CAST(:to_ids AS bigint[]), CAST(:kinds AS text[]), CAST(:area_shares AS float[]),
              CAST(:household_shares AS float[])) AS piece (from_id, to_id, kind, area_share, household_share);

-- area_lineage --
INSERT INTO area_lineage (from_id, to_id, at, kind, area_share, household_share)
SELECT from_id, to_id, :at, kind, area_share, household_share
  FROM unnest(CAST(:from_ids AS integer[]), CAST(:to_ids AS integer[]), CAST(:kinds AS text[]), CAST(:area_shares AS float[]),
              CAST(:household_shares AS float[])) AS piece (from_id, to_id, kind, area_share, household_share);

-- move_buildings --
UPDATE building SET grid_id = fresh.grid_id, community_id = fresh.community_id, code = fresh.code
  FROM unnest(CAST(:cells AS integer[]), CAST(:ids AS bigint[]), CAST(:grids AS bigint[]), CAST(:communities AS integer[]),
              CAST(:codes AS text[])) AS fresh (cell, id, grid_id, community_id, code)
 WHERE building.cell = fresh.cell AND building.id = fresh.id;

-- move_households --
UPDATE household SET community_id = fresh.community_id
  FROM unnest(CAST(:cells AS integer[]), CAST(:ids AS bigint[]), CAST(:communities AS integer[])) AS fresh (cell, id, community_id)
 WHERE household.cell = fresh.cell AND household.building_id = fresh.id AND household.community_id <> fresh.community_id;

-- move_residents --
UPDATE resident SET community_id = household.community_id
  FROM unnest(CAST(:cells AS integer[]), CAST(:ids AS bigint[])) AS fresh (cell, id)
  JOIN household ON household.cell = fresh.cell AND household.building_id = fresh.id
 WHERE resident.cell = household.cell AND resident.household_id = household.id AND resident.community_id <> household.community_id;

-- move_care --
UPDATE care SET community_id = household.community_id
  FROM unnest(CAST(:cells AS integer[]), CAST(:ids AS bigint[])) AS fresh (cell, id)
  JOIN household ON household.cell = fresh.cell AND household.building_id = fresh.id
  JOIN resident ON resident.cell = household.cell AND resident.household_id = household.id
 WHERE care.cell = resident.cell AND care.resident_id = resident.id AND care.community_id <> household.community_id;

-- move_facilities --
UPDATE facility SET grid_id = fresh.grid_id, community_id = fresh.community_id, code = fresh.code
  FROM unnest(CAST(:cells AS integer[]), CAST(:ids AS bigint[]), CAST(:grids AS bigint[]), CAST(:communities AS integer[]),
              CAST(:codes AS text[])) AS fresh (cell, id, grid_id, community_id, code)
 WHERE facility.cell = fresh.cell AND facility.id = fresh.id;

-- move_incidents --
-- Incidents with the grid they have now. One whose grid or community changed leaves behind where it was, and a line in its log.
WITH fresh AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row (
           cell integer, id bigint, reported_at timestamptz, state text, was_grid bigint, was_version integer, was_placed_by text,
           grid_id bigint, grid_version integer, community_id integer, placed_by text, border_distance_m real, ambiguous boolean,
           moved boolean)
), kept AS (
    INSERT INTO incident_placement (cell, incident_id, at, community_id, grid_id, grid_version, placed_by, why)
    SELECT cell, id, greatest(CAST(:now AS timestamptz), (SELECT max(past.at) + interval '1 microsecond' FROM incident_placement AS past
                                                           WHERE past.cell = fresh.cell AND past.incident_id = fresh.id)),
           community_id, was_grid, was_version, was_placed_by, CAST(:why AS text)
      FROM fresh WHERE moved
), logged AS (
    INSERT INTO incident_log (cell, incident_id, serial, at, community_id, actor_id, action, from_state, to_state, note)
    SELECT cell, id, 1 + coalesce((SELECT max(past.serial) FROM incident_log AS past WHERE past.cell = fresh.cell AND past.incident_id = fresh.id), 0),
           CAST(:now AS timestamptz), community_id, CAST(:actor_id AS bigint), 'replan', state, state, CAST(:why AS text)
      FROM fresh WHERE moved
)
UPDATE incident SET grid_id = fresh.grid_id, grid_version = fresh.grid_version, community_id = fresh.community_id,
       border_distance_m = fresh.border_distance_m, ambiguous = fresh.ambiguous, placed_by = fresh.placed_by,
       version = version + fresh.moved::integer
  FROM fresh
 WHERE incident.cell = fresh.cell AND incident.id = fresh.id AND incident.reported_at = fresh.reported_at;

-- move_logs --
UPDATE incident_log SET community_id = fresh.community_id
  FROM unnest(CAST(:ids AS bigint[]), CAST(:communities AS integer[])) AS fresh (id, community_id)
 WHERE incident_log.incident_id = fresh.id AND incident_log.community_id <> fresh.community_id;

-- move_placements --
UPDATE incident_placement SET community_id = fresh.community_id
  FROM unnest(CAST(:ids AS bigint[]), CAST(:communities AS integer[])) AS fresh (id, community_id)
 WHERE incident_placement.incident_id = fresh.id AND incident_placement.community_id <> fresh.community_id;

-- move_intake --
UPDATE intake SET community_id = fresh.community_id
  FROM unnest(CAST(:ids AS bigint[]), CAST(:communities AS integer[])) AS fresh (id, community_id)
 WHERE intake.incident_id = fresh.id AND intake.community_id <> fresh.community_id;

-- close_assignments --
-- Ends duties on a day. One that began that day stays for it if its grid has ended, so that the day has somebody who answers.
UPDATE assignment SET valid = daterange(lower(valid), greatest(CAST(:day AS date), lower(valid) + 1)),
       why = concat_ws('; ', nullif(why, ''), CAST(:why AS text))
 WHERE id = ANY (:ids);

-- drop_assignments --
DELETE FROM assignment WHERE id = ANY (:ids);

-- open_assignments --
INSERT INTO assignment (officer_id, grid_id, community_id, duty, valid, why)
SELECT officer_id, grid_id, community_id, duty, daterange(since, until), :why
  FROM unnest(CAST(:officers AS bigint[]), CAST(:grids AS bigint[]), CAST(:communities AS integer[]), CAST(:duties AS text[]),
              CAST(:since AS date[]), CAST(:until AS date[])) AS fresh (officer_id, grid_id, community_id, duty, since, until);

-- follow_grids --
-- A duty lies in the community of its grid.
UPDATE assignment SET community_id = grid.community_id FROM grid
 WHERE grid.id = assignment.grid_id AND assignment.grid_id = ANY (:grids) AND assignment.community_id <> grid.community_id
   AND (upper_inf(valid) OR upper(valid) > CAST(:day AS date));

-- move_officers --
-- An officer whose every duty lies in one other community belongs there now; one of an ended community goes where it went.
WITH duties AS (
    SELECT officer_id, array_agg(DISTINCT community_id) AS communities FROM assignment
     WHERE officer_id IN (SELECT officer_id FROM assignment WHERE grid_id = ANY (:grids))
       AND (upper_inf(valid) OR upper(valid) > CAST(:day AS date))
     GROUP BY officer_id
), wanted AS (
    SELECT officer.id, CASE WHEN cardinality(communities) = 1 THEN communities[1] ELSE heir.to_id END AS community_id
      FROM officer LEFT JOIN duties ON duties.officer_id = officer.id
      LEFT JOIN unnest(CAST(:ended AS integer[]), CAST(:heirs AS integer[])) AS heir (from_id, to_id) ON heir.from_id = officer.community_id
     WHERE heir.to_id IS NOT NULL OR cardinality(communities) = 1
)
UPDATE officer SET community_id = wanted.community_id FROM wanted
 WHERE officer.id = wanted.id AND officer.community_id <> wanted.community_id;

-- widen_scopes --
-- Nobody loses sight of ground that only changed its community: who was given one that ends or is divided is given its heirs,
-- and who was given an heir may read the history of what ended.
INSERT INTO person_scope (person_id, area_id)
SELECT person_id, to_id FROM person_scope JOIN unnest(CAST(:from_ids AS integer[]), CAST(:to_ids AS integer[])) AS pair (from_id, to_id)
    ON area_id = from_id
ON CONFLICT DO NOTHING;

-- finish --
UPDATE plan SET state = 'published', published_at = now(), effective_at = :at, failure = NULL WHERE id = :id;

-- keep_rebased --
-- What was published stands in the draft's rows, so that a reversal knows it.
UPDATE plan_grid SET base_version = fresh.base_version, geom = ST_Multi(ST_GeomFromWKB(fresh.border, 4490))
  FROM unnest(CAST(:ids AS bigint[]), CAST(:versions AS integer[]), CAST(:borders AS bytea[])) AS fresh (id, base_version, border)
 WHERE plan_id = :id AND grid_id = fresh.id;

-- due --
-- Approved plans that somebody asked to publish and whose moment has come, the earliest first.
SELECT id FROM plan WHERE state = 'publishing' AND coalesce(effective_at, now()) <= now() ORDER BY effective_at NULLS FIRST, id;

-- keep_ended --
UPDATE plan_grid SET base_version = fresh.base_version
  FROM unnest(CAST(:ids AS bigint[]), CAST(:versions AS integer[])) AS fresh (id, base_version)
 WHERE plan_id = :id AND grid_id = fresh.id;

-- astray --
-- Open incidents placed on ground that was redrawn while they came in, held, with what became of their grid.
SELECT incident.cell, incident.id, reported_at, incident.grid_id, incident.grid_version, incident.community_id, placed_by,
       border_distance_m, ambiguous, state, ST_X(place) AS lon, ST_Y(place) AS lat, grid.valid_to IS NOT NULL AS ended,
       grid.version AS now_version, grid.community_id AS now_community,
       heir.id AS heir, heir.version AS heir_version, heir.community_id AS heir_community
  FROM grid
  JOIN scheme ON scheme.id = scheme_id AND is_primary
  JOIN incident ON incident.grid_id = grid.id AND is_open AND (grid.valid_to IS NOT NULL OR incident.grid_version IS DISTINCT FROM grid.version)
  LEFT JOIN LATERAL (
       SELECT later.id, later.version, later.community_id FROM grid_lineage JOIN grid AS later ON later.id = to_id AND later.valid_to IS NULL
        WHERE from_id = grid.id ORDER BY household_share DESC NULLS LAST, area_share DESC, to_id LIMIT 1) AS heir ON true
 WHERE grid.valid_to > now() - CAST(:lately AS interval)
    OR (grid.valid_to IS NULL AND grid.version > 1 AND grid.valid_from > now() - CAST(:lately AS interval))
 ORDER BY incident.id FOR NO KEY UPDATE OF incident;
