-- sources --
-- Every source that ever reported, by leaps through the index.
WITH RECURSIVE each AS (
    (SELECT source FROM intake ORDER BY source LIMIT 1)
    UNION ALL
    SELECT (SELECT source FROM intake WHERE intake.source > each.source ORDER BY source LIMIT 1) FROM each WHERE each.source IS NOT NULL
)
SELECT source FROM each WHERE source IS NOT NULL;

-- grids --
-- Current grids of a scheme on the ground of an analysis, with what rates may be per.
SELECT grid.id, grid.community_id, grid.code, grid.name, grid.name_en, grid.version, grid.area_m2, grid.households,
       ST_AsBinary(grid.geom) AS border
  FROM grid
 WHERE scheme_id = :scheme_id AND valid_to IS NULL AND community_id <@ CAST(:ground AS int4multirange)
 ORDER BY grid.code;

-- communities --
SELECT area.id, area.id AS community_id, area.code, area.name, area.name_en, area.version, area.area_m2,
       coalesce((SELECT sum(households) FROM grid WHERE community_id = area.id AND scheme_id = :scheme_id AND valid_to IS NULL), 0)::integer AS households,
       ST_AsBinary(area.geom) AS border
  FROM area
 WHERE level = 'community' AND valid_to IS NULL AND id <@ CAST(:ground AS int4multirange)
 ORDER BY area.code;

-- names --
SELECT id, code, name, name_en FROM area WHERE level = 'community' AND valid_to IS NULL AND id <@ CAST(:ground AS int4multirange) ORDER BY code;

-- residents --
SELECT building.grid_id, building.community_id, count(*) AS residents
  FROM building
  JOIN household ON household.cell = building.cell AND household.building_id = building.id
  JOIN resident ON resident.cell = household.cell AND resident.household_id = household.id
 WHERE building.community_id <@ CAST(:ground AS int4multirange) AND building.grid_id IS NOT NULL
 GROUP BY 1, 2 ORDER BY 1, 2;

-- residents_at --
-- The same by building, with a point in each: grids of another scheme hold buildings by where they stand.
SELECT ST_X(ST_Centroid(building.geom)) AS lon, ST_Y(ST_Centroid(building.geom)) AS lat, inside.residents
  FROM (SELECT building.cell, building.id, count(*) AS residents
          FROM building
          JOIN household ON household.cell = building.cell AND household.building_id = building.id
          JOIN resident ON resident.cell = household.cell AND resident.household_id = household.id
         WHERE building.community_id <@ CAST(:ground AS int4multirange)
         GROUP BY 1, 2) AS inside
  JOIN building ON building.cell = inside.cell AND building.id = inside.id
 ORDER BY building.id;

-- primary_borders --
SELECT id, ST_AsBinary(geom) AS border FROM grid WHERE scheme_id = :scheme_id AND valid_to IS NULL AND community_id <@ CAST(:ground AS int4multirange)
 ORDER BY code;

-- incidents --
-- Every row a question reads, in columns of fixed width, with a hash of all that it reads of the row.
SELECT incident.id, incident.reported_at, incident.category_id, coalesce(array_position(CAST(:known AS text[]), source), 0) AS source,
       incident.community_id, coalesce(incident.grid_id, -1), coalesce(building_id, -1), coalesce(officer_id, -1),
       coalesce(ST_X(place), 'NaN'), coalesce(ST_Y(place), 'NaN'), CASE WHEN address = '' THEN 0 ELSE hashtext(address) END,
       CASE WHEN ambiguous THEN 1 ELSE 0 END + CASE WHEN coalesce(due_at < :ends AND state NOT IN ('not_filed', 'suspended'), false) THEN 2 ELSE 0 END
       + CASE WHEN coalesce(closed_at <= due_at AND state = 'closed', false) THEN 4 ELSE 0 END
       + CASE WHEN coalesce(incident.reported_at < redrawn.at AND NOT is_open AND place IS NOT NULL
                            AND (placed_by <> 'hand' OR redrawn.ended), false) THEN 8 ELSE 0 END AS marks,
       hash_record_extended(ROW(incident.id, incident.version, incident.reported_at, incident.category_id, source, incident.community_id, incident.grid_id,
                                building_id, officer_id, ST_X(place), ST_Y(place), address, ambiguous, state, due_at, closed_at), 0)
  FROM incident
  LEFT JOIN (SELECT from_id, max(grid_lineage.at) AS at, bool_or(grid.valid_to IS NOT NULL) AS ended
               FROM grid_lineage JOIN grid ON grid.id = from_id WHERE grid_lineage.at > :starts GROUP BY from_id) AS redrawn
    ON redrawn.from_id = incident.grid_id
 WHERE incident.community_id <@ CAST(:ground AS int4multirange) AND reported_at >= :starts AND reported_at < :ends AND duplicate_of IS NULL
   AND (:every OR category_id = ANY (CAST(:categories AS integer[]))) AND (:all_sources OR source = ANY (CAST(:sources AS text[])))

-- fingerprint --
-- The same rows in three numbers: how many, and two sums of their hashes.
SELECT count(*) AS number, coalesce(bit_xor(hash), 0) AS mixed, coalesce(sum(hash), 0) AS total
  FROM (SELECT hash_record_extended(ROW(incident.id, incident.version, incident.reported_at, incident.category_id, source, incident.community_id,
                                        incident.grid_id, building_id, officer_id, ST_X(place), ST_Y(place), address, ambiguous, state, due_at, closed_at), 0) AS hash
          FROM incident
         WHERE community_id <@ CAST(:ground AS int4multirange) AND reported_at >= :starts AND reported_at < :ends AND duplicate_of IS NULL
           AND (:every OR category_id = ANY (CAST(:categories AS integer[])))
           AND (:all_sources OR source = ANY (CAST(:sources AS text[])))) AS read;

-- merged --
SELECT count(*) FROM incident
 WHERE community_id <@ CAST(:ground AS int4multirange) AND reported_at >= :starts AND reported_at < :ends AND duplicate_of IS NOT NULL
   AND (:every OR category_id = ANY (CAST(:categories AS integer[]))) AND (:all_sources OR source = ANY (CAST(:sources AS text[])));

-- homes --
-- Where people live: a point in each building and how many households.
SELECT ST_X(ST_Centroid(geom)) AS lon, ST_Y(ST_Centroid(geom)) AS lat, households
  FROM building WHERE community_id <@ CAST(:ground AS int4multirange) AND households > 0 ORDER BY id;

-- roads --
SELECT ST_AsBinary(geom) AS line FROM base_feature
 WHERE layer = 'road' AND geom && ST_MakeEnvelope(:west, :south, :east, :north, 4490) AND ST_Dimension(geom) = 1 ORDER BY id;

-- roads_version --
SELECT count(*) AS number, coalesce(max(id), 0) AS newest FROM base_feature
 WHERE layer = 'road' AND geom && ST_MakeEnvelope(:west, :south, :east, :north, 4490);
