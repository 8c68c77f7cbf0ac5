-- page --
-- Areas the caller may see, current or as they were, with the households and grids inside and the place of their label.
WITH RECURSIVE ground AS (
    SELECT id, level, parent_id, code, name, name_en, geom, valid_from, valid_to, area_m2, label3857
      FROM area_ever
     WHERE id <@ (SELECT gate.areas())
       AND CASE WHEN CAST(:as_of AS timestamptz) IS NULL THEN valid_to IS NULL
                ELSE valid_from <= :as_of AND (valid_to IS NULL OR valid_to > :as_of) END
), inside AS (
    SELECT id AS area_id, id AS part_id FROM ground
    UNION ALL
    SELECT inside.area_id, ground.id FROM inside JOIN ground ON ground.parent_id = inside.part_id
), held AS (
    SELECT community_id, sum(households) AS households, count(*) AS grids
      FROM grid_ever
     WHERE scheme_id = (SELECT id FROM scheme WHERE is_primary)
       AND (:everything OR community_id = ANY (:communities))
       AND CASE WHEN CAST(:as_of AS timestamptz) IS NULL THEN valid_to IS NULL
                ELSE valid_from <= :as_of AND (valid_to IS NULL OR valid_to > :as_of) END
     GROUP BY 1
), counted AS (
    SELECT area_id, sum(households)::bigint AS households, sum(grids)::bigint AS grids
      FROM inside JOIN held ON community_id = part_id GROUP BY 1
)
SELECT ground.id, ground.code, ground.level, parent.code AS parent_code, ground.name, ground.name_en, ground.area_m2,
       coalesce(households, 0) AS households, coalesce(grids, 0) AS grids,
       ARRAY[ST_X(label), ST_Y(label)] AS center,
       ARRAY[ST_XMin(ground.geom), ST_YMin(ground.geom), ST_XMax(ground.geom), ST_YMax(ground.geom)] AS bbox,
       ground.valid_from, ground.valid_to
  FROM ground LEFT JOIN ground AS parent ON parent.id = ground.parent_id LEFT JOIN counted ON area_id = ground.id,
       LATERAL ST_Transform(ground.label3857, 4490) AS label
 WHERE (CAST(:parent AS text) IS NULL OR parent.code = :parent)
   AND (CAST(:level AS text) IS NULL OR ground.level = :level)
   AND (CAST(:code AS text) IS NULL OR ground.code = :code)
 ORDER BY ground.code

-- ancestors --
-- What an area lies in, outermost first.
WITH RECURSIVE above AS (
    SELECT id, parent_id, 0 AS height FROM area WHERE code = :code
    UNION ALL
    SELECT area.id, area.parent_id, height + 1 FROM area JOIN above ON area.id = above.parent_id
)
SELECT area.code, area.level, area.name, area.name_en
  FROM above JOIN area USING (id) WHERE height > 0 AND area.id <@ (SELECT gate.areas()) ORDER BY height DESC

-- ended --
-- A code that lived once: what came after it.
SELECT area.code, area.level, area.name, area.name_en, area.valid_from, area.valid_to,
       ARRAY(SELECT later.code FROM area_lineage JOIN area AS later ON later.id = to_id
              WHERE from_id = area.id AND later.id <@ (SELECT gate.areas()) ORDER BY later.code) AS successors
  FROM area WHERE code = :code AND valid_to IS NOT NULL AND id <@ (SELECT gate.areas())
