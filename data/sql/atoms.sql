-- fingerprint --
-- What the atoms of a community are made from, as one hash with the one they were last made from, and whether the caller may store them.
SELECT sha256(coalesce((SELECT string_agg(int8send(building.id) || int4send(building.households) || ST_AsBinary(building.geom), ''
                                          ORDER BY building.id)
                          FROM building WHERE building.community_id = area.id), '')
              || coalesce((SELECT string_agg(ST_AsBinary(base_feature.geom), '' ORDER BY base_feature.id) FROM base_feature
                            WHERE base_feature.layer IN ('road', 'water') AND base_feature.geom && area.geom
                              AND ST_Intersects(base_feature.geom, area.geom)), '')
              || ST_AsBinary(area.geom)) AS now,
       atom_ground.fingerprint AS before, (SELECT gate.may('plans.write')) AS may_store
  FROM area LEFT JOIN atom_ground ON atom_ground.community_id = area.id
 WHERE area.id = :id AND area.level = 'community' AND (:everything OR area.id = ANY (:communities))

-- ingredients --
-- The outline of a community, its buildings, and the roads and water that touch it, as one list.
SELECT 'outline' AS kind, id, 0 AS households, ST_AsBinary(geom) AS wkb FROM area WHERE id = :id
 UNION ALL
SELECT 'building', id, households, ST_AsBinary(geom) FROM building
 WHERE community_id = :id AND (:everything OR community_id = ANY (:communities))
 UNION ALL
SELECT base_feature.layer, base_feature.id, 0, ST_AsBinary(base_feature.geom)
  FROM base_feature JOIN area ON base_feature.geom && area.geom AND ST_Intersects(base_feature.geom, area.geom)
 WHERE area.id = :id AND base_feature.layer IN ('road', 'water')
 ORDER BY kind, id

-- claim --
-- Take the turn to store atoms: no row when somebody has stored these very ones meanwhile.
INSERT INTO atom_ground (community_id, fingerprint) VALUES (:id, :fingerprint)
ON CONFLICT (community_id) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, made_at = now()
 WHERE atom_ground.fingerprint <> EXCLUDED.fingerprint
RETURNING community_id

-- store --
-- New atoms in the order they came.
INSERT INTO atom (community_id, block, building_id, households, geom)
SELECT :id, block, building_id, households, ST_Multi(ST_GeomFromWKB(wkb, 4490))
  FROM unnest(CAST(:block AS integer[]), CAST(:building_id AS bigint[]), CAST(:households AS integer[]), CAST(:wkb AS bytea[]))
       WITH ORDINALITY AS fresh (block, building_id, households, wkb, place)
 ORDER BY place

-- stored --
-- The atoms of a community.
SELECT id, block, building_id, households, ST_AsBinary(geom) AS wkb
  FROM atom WHERE community_id = :id AND (:everything OR community_id = ANY (:communities)) ORDER BY id

-- named --
-- Some atoms by their ids.
SELECT id, block, building_id, households, ST_AsBinary(geom) AS wkb
  FROM atom WHERE id = ANY (:ids) AND (:everything OR community_id = ANY (:communities)) ORDER BY id

-- lines --
-- Roads and water that meet a box; the base map is everybody's.
SELECT layer, ST_AsBinary(geom) AS wkb FROM base_feature
 WHERE layer IN ('road', 'water') AND geom && ST_MakeEnvelope(:west, :south, :east, :north, 4490)
   AND ST_Intersects(geom, ST_MakeEnvelope(:west, :south, :east, :north, 4490))
 ORDER BY layer, id
