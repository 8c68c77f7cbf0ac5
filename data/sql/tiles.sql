-- area --
-- Areas by their stored Web Mercator shape. Every vertex goes to a grid of half a pixel anchored at zero before clipping, the same
-- on both sides of a shared border, so that neighbours never come apart.
SELECT ST_AsMVT(tile, 'area', 4096, 'geom', 'fid') FROM (
    SELECT id AS fid, id, code, level, name, name_en,
           ST_AsMVTGeom(ST_SnapToGrid(geom3857, %(step)s), ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64) AS geom
      FROM area
     WHERE geom3857 && ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 0.015625)
       AND valid_to IS NULL AND (%(z)s >= 8 OR level <> 'community')
     ORDER BY id) AS tile
 WHERE geom IS NOT NULL

-- grid --
-- Current grids; `no` is what distinguishes a grid's code from its community's.
SELECT ST_AsMVT(tile, 'grid', 4096, 'geom', 'fid') FROM (
    SELECT grid.id AS fid, grid.id, grid.code, grid.name, grid.name_en, grid.community_id,
           CASE WHEN starts_with(grid.code, area.code) THEN substr(grid.code, length(area.code) + 1)
                ELSE right(grid.code, 4) END AS no,
           ST_AsMVTGeom(ST_SnapToGrid(grid.geom3857, %(step)s), ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64) AS geom
      FROM grid JOIN area ON area.id = community_id
     WHERE grid.geom3857 && ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 0.015625)
       AND grid.valid_to IS NULL AND scheme_id = (SELECT id FROM scheme WHERE is_primary)
     ORDER BY grid.id) AS tile
 WHERE geom IS NOT NULL

-- building --
-- Buildings; the cap is more than a tile of zoom 14 can hold in any city.
SELECT ST_AsMVT(tile, 'building', 4096, 'geom', 'fid') FROM (
    SELECT id AS fid, id, grid_id, use, levels, households,
           ST_AsMVTGeom(geom3857, ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64) AS geom
      FROM building
     WHERE geom3857 && ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 0.015625)
     ORDER BY id LIMIT 20000) AS tile
 WHERE geom IS NOT NULL

-- building_drawn --
-- Buildings for a map that draws them: known by the feature's own number alone, and from afar by nothing but their use.
SELECT ST_AsMVT(tile, 'building', 4096, 'geom', 'fid') FROM (
    SELECT id AS fid, use, CASE WHEN %(z)s >= 15 THEN grid_id END AS grid_id, CASE WHEN %(z)s >= 15 THEN levels END AS levels,
           CASE WHEN %(z)s >= 15 THEN households END AS households,
           ST_AsMVTGeom(geom3857, ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64) AS geom
      FROM building
     WHERE geom3857 && ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 0.015625)
     ORDER BY id LIMIT 20000) AS tile
 WHERE geom IS NOT NULL

-- area_label --
-- Where the names of areas stand: each in one tile only.
SELECT ST_AsMVT(tile, 'area_label', 4096, 'geom', 'fid') FROM (
    SELECT id AS fid, id, code, level, name, name_en,
           ST_AsMVTGeom(label3857, ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 0) AS geom
      FROM area
     WHERE geom3857 && ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AND label3857 && ST_TileEnvelope(%(z)s, %(x)s, %(y)s)
       AND valid_to IS NULL AND %(z)s >= CASE level WHEN 'community' THEN 12 WHEN 'street' THEN 9 ELSE 0 END
     ORDER BY id) AS tile
 WHERE geom IS NOT NULL

-- grid_label --
-- Where the names of grids stand.
SELECT ST_AsMVT(tile, 'grid_label', 4096, 'geom', 'fid') FROM (
    SELECT grid.id AS fid, grid.id, grid.name, grid.name_en,
           CASE WHEN starts_with(grid.code, area.code) THEN substr(grid.code, length(area.code) + 1)
                ELSE right(grid.code, 4) END AS no,
           ST_AsMVTGeom(grid.label3857, ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 0) AS geom
      FROM grid JOIN area ON area.id = community_id
     WHERE grid.geom3857 && ST_TileEnvelope(%(z)s, %(x)s, %(y)s)
       AND grid.label3857 && ST_TileEnvelope(%(z)s, %(x)s, %(y)s)
       AND grid.valid_to IS NULL AND scheme_id = (SELECT id FROM scheme WHERE is_primary)
     ORDER BY grid.id) AS tile
 WHERE geom IS NOT NULL

-- water --
-- Rivers, lakes and canals of the offline base map.
SELECT ST_AsMVT(tile, 'water', 4096, 'geom', 'fid') FROM (
    SELECT id AS fid, class, name, name_en,
           ST_AsMVTGeom(geom3857, ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64) AS geom
      FROM base_feature
     WHERE geom3857 && ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 0.015625) AND layer = 'water' AND min_zoom <= %(z)s
     ORDER BY id) AS tile
 WHERE geom IS NOT NULL

-- green --
-- Parks, hills, farmland and squares.
SELECT ST_AsMVT(tile, 'green', 4096, 'geom', 'fid') FROM (
    SELECT id AS fid, class, name, name_en,
           ST_AsMVTGeom(geom3857, ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64) AS geom
      FROM base_feature
     WHERE geom3857 && ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 0.015625) AND layer = 'green' AND min_zoom <= %(z)s
     ORDER BY id) AS tile
 WHERE geom IS NOT NULL

-- road --
-- Roads and rails.
SELECT ST_AsMVT(tile, 'road', 4096, 'geom', 'fid') FROM (
    SELECT id AS fid, class, name, name_en,
           ST_AsMVTGeom(geom3857, ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64) AS geom
      FROM base_feature
     WHERE geom3857 && ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 0.015625) AND layer = 'road' AND min_zoom <= %(z)s
     ORDER BY id) AS tile
 WHERE geom IS NOT NULL

-- place --
-- Named places of the base map.
SELECT ST_AsMVT(tile, 'place', 4096, 'geom', 'fid') FROM (
    SELECT id AS fid, class, name, name_en,
           ST_AsMVTGeom(geom3857, ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 0) AS geom
      FROM base_feature
     WHERE geom3857 && ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AND layer = 'place' AND min_zoom <= %(z)s
     ORDER BY id) AS tile
 WHERE geom IS NOT NULL

-- facility --
-- Facilities by their Morton number: the places of a tile are one range of the index.
SELECT ST_AsMVT(tile, 'facility', 4096, 'geom', 'fid') FROM (
    SELECT id AS fid, id, kind, status, name, name_en,
           ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 0, false) AS geom
      FROM facility
     WHERE qk >= %(low)s AND qk < %(high)s AND status <> 'removed'
     ORDER BY id) AS tile

-- chosen --
-- What of the incidents a caller wants to see; stands after a condition wherever a statement below says {chosen}.
AND reported_at >= coalesce(%(from)s::timestamptz, '-infinity') AND reported_at < coalesce(%(to)s::timestamptz, 'infinity')
       AND (%(categories)s::integer[] IS NULL OR category_id = ANY (ARRAY(
            SELECT id FROM category WHERE id = ANY (%(categories)s) OR parent_id = ANY (%(categories)s))))
       AND (%(hours)s::integer[] IS NULL OR extract(hour FROM reported_at AT TIME ZONE (SELECT deployment_time_zone()))::integer = ANY (%(hours)s))

-- incident --
-- Single incidents, and how many: counted in the index no further than the cap, beyond which nothing is drawn, because the tile
-- then shows counts by cell, so that none is left out unseen.
WITH number AS MATERIALIZED (
    SELECT count(*) AS n FROM (SELECT FROM incident WHERE qk >= %(low)s AND qk < %(high)s {chosen} LIMIT %(cap)s + 1) AS counted
)
SELECT ST_AsMVT(tile, 'incident', 4096, 'geom', 'fid'), (SELECT n FROM number) FROM (
    SELECT id AS fid, id, category_id, severity, is_open AS open, urgent,
           ST_AsMVTGeom(ST_Transform(place, 3857), ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 0, false) AS geom
      FROM incident
     WHERE qk >= %(low)s AND qk < %(high)s {chosen} AND (SELECT n FROM number) <= %(cap)s
     ORDER BY id) AS tile

-- incident_cell --
-- Counts by cell from the pyramid and what was not folded into it yet; cells lie where the bits of their number say.
WITH wanted AS (
    SELECT ARRAY(SELECT id FROM category WHERE id = ANY (%(categories)s) OR parent_id = ANY (%(categories)s)) AS categories
), counted AS (
    SELECT cell >> (2 * (%(level)s::integer - %(shown)s)) AS cell, n, open_n
      FROM incident_bin
     WHERE level = %(level)s AND cell >= %(low)s >> (2 * (24 - %(level)s)) AND cell < %(high)s >> (2 * (24 - %(level)s))
       AND category_id = ANY (CASE WHEN %(categories)s::integer[] IS NULL THEN ARRAY[0] ELSE (SELECT categories FROM wanted) END)
    UNION ALL
    SELECT cell >> (2 * (20 - %(shown)s)), n, open_n
      FROM incident_delta
     WHERE cell >= %(low)s >> 8 AND cell < %(high)s >> 8
       AND (%(categories)s::integer[] IS NULL OR category_id = ANY ((SELECT categories FROM wanted)::integer[]))
), summed AS (
    SELECT cell - (%(low)s::bigint >> (2 * (24 - %(shown)s))) AS cell, sum(n)::integer AS n, sum(open_n)::integer AS open
      FROM counted GROUP BY cell HAVING sum(n) > 0
)
SELECT ST_AsMVT(tile, 'incident_cell', 4096, 'geom') FROM (
    SELECT n, open,
           ST_MakePoint(128 * ((cell & 1) | (cell >> 1 & 2) | (cell >> 2 & 4) | (cell >> 3 & 8) | (cell >> 4 & 16)) + 64,
                        128 * ((cell >> 1 & 1) | (cell >> 2 & 2) | (cell >> 3 & 4) | (cell >> 4 & 8) | (cell >> 5 & 16)) + 64) AS geom
      FROM summed ORDER BY cell) AS tile

-- incident_cell_counted --
-- The same counts from the incidents themselves, for a period or for categories the pyramid does not keep at this zoom.
WITH summed AS (
    SELECT (qk >> (2 * (24 - %(shown)s))) - (%(low)s::bigint >> (2 * (24 - %(shown)s))) AS cell, count(*)::integer AS n,
           count(*) FILTER (WHERE is_open)::integer AS open
      FROM incident
     WHERE qk >= %(low)s AND qk < %(high)s {chosen}
     GROUP BY 1
)
SELECT ST_AsMVT(tile, 'incident_cell', 4096, 'geom') FROM (
    SELECT n, open,
           ST_MakePoint(128 * ((cell & 1) | (cell >> 1 & 2) | (cell >> 2 & 4) | (cell >> 3 & 8) | (cell >> 4 & 16)) + 64,
                        128 * ((cell >> 1 & 1) | (cell >> 2 & 2) | (cell >> 3 & 4) | (cell >> 4 & 8) | (cell >> 5 & 16)) + 64) AS geom
      FROM summed ORDER BY cell) AS tile
