-- buildings --
-- The buildings on ground that a plan changes, each with a point inside.
SELECT building.cell, building.id, building.code, building.address, building.households, ST_X(inside) AS lon, ST_Y(inside) AS lat
  FROM building, LATERAL ST_PointOnSurface(building.geom) AS inside
 WHERE building.geom && CAST(:box AS geometry) AND (:everything OR building.community_id = ANY (:communities))
 ORDER BY building.cell, building.id;

-- incidents --
-- Open incidents on that ground and those reported since a moment.
SELECT array_agg(ST_X(place)) AS lon, array_agg(ST_Y(place)) AS lat, array_agg(is_open) AS open, array_agg(reported_at >= :since) AS recent
  FROM incident
 WHERE place && CAST(:box AS geometry) AND (is_open OR reported_at >= :since) AND (:everything OR community_id = ANY (:communities));

-- people --
-- Residents, and households with somebody in care, of parts of the ground; a part is a number the caller gives to buildings.
SELECT part, residents, care_households
  FROM gate.plan_people(:plan, CAST(:cells AS integer[]), CAST(:buildings AS bigint[]), CAST(:parts AS integer[]));

-- officers --
-- Who answers for grids on a day.
SELECT assignment.grid_id, officer.id, officer.name
  FROM assignment JOIN officer ON officer.id = officer_id
 WHERE assignment.grid_id = ANY (:grids) AND duty = 'main' AND assignment.valid @> CAST(:day AS date);

-- today --
-- Living grids of a scheme by number, as they are today.
SELECT id, code, name, name_en, households, community_id, ST_AsBinary(geom) AS border FROM grid
 WHERE id = ANY (:ids) AND valid_to IS NULL AND (:everything OR community_id = ANY (:communities));

-- measures --
-- Area (m²) and perimeter (m) of borders on the ellipsoid, in their order.
SELECT ST_Area(ST_GeomFromWKB(border, 4490)::geography) AS area_m2, ST_Perimeter(ST_GeomFromWKB(border, 4490)::geography) AS perimeter_m
  FROM unnest(CAST(:borders AS bytea[])) WITH ORDINALITY AS given (border, place) ORDER BY place;

-- moving --
-- The households of buildings, for a list of those that move.
SELECT building.id AS building_id, building.code AS building_code, building.name AS building_name, building.address, household.id, household.unit
  FROM unnest(CAST(:cells AS integer[]), CAST(:buildings AS bigint[])) AS given (cell, id)
  JOIN building ON building.cell = given.cell AND building.id = given.id
  JOIN household ON household.cell = building.cell AND household.building_id = building.id
 WHERE :everything OR building.community_id = ANY (:communities)
 ORDER BY building.address, building.code, household.unit, household.id;
