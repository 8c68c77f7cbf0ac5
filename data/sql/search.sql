-- everything --
-- What the caller may see that has the words in its name, code or address; of each kind the best few. No index helps: behind
-- row-level security words are compared with every row, so neighbours of what was found are joined afterwards.
WITH asked AS NOT MATERIALIZED (
    SELECT CAST(:words AS text) AS words, CAST(:pattern AS text) AS pattern, CAST(:number AS bigint) AS number
), found AS (
    (SELECT 'area' AS kind, 0 AS kind_order, area.id::bigint AS id, area.code, area.name AS label, area.name_en AS label_en,
            coalesce(parent.name, '') AS sub, coalesce(parent.name_en, '') AS sub_en, area.geom, area.name AS matched
       FROM asked, area LEFT JOIN area AS parent ON parent.id = area.parent_id
      WHERE area.valid_to IS NULL AND area.id <@ (SELECT gate.areas())
        AND (area.name ILIKE pattern OR area.name_en ILIKE pattern OR area.code LIKE pattern)
      ORDER BY area.code = words DESC, area.name = words DESC, length(area.name), area.code LIMIT :each)
    UNION ALL
    SELECT 'grid', 1, grid.id, grid.code, grid.name, grid.name_en, area.name, area.name_en, grid.geom, grid.name
      FROM (SELECT grid.* FROM asked, grid
             WHERE grid.valid_to IS NULL AND grid.scheme_id = (SELECT id FROM scheme WHERE is_primary)
               AND (:everything OR grid.community_id = ANY (:communities))
               AND (grid.name ILIKE pattern OR grid.name_en ILIKE pattern OR grid.code LIKE pattern)
             ORDER BY grid.code = words DESC, grid.name = words DESC, length(grid.name), grid.code LIMIT :each) AS grid
      JOIN area ON area.id = grid.community_id
    UNION ALL
    (SELECT 'building', 2, building.id, building.code, coalesce(nullif(building.name, ''), building.address), '', building.address, '',
            building.geom, building.address
       FROM asked, building
      WHERE (:everything OR building.community_id = ANY (:communities))
        AND (building.address ILIKE pattern OR building.name ILIKE pattern)
      ORDER BY building.address = words DESC, building.name = words DESC, length(building.address), building.id LIMIT :each)
    UNION ALL
    (SELECT 'officer', 3, officer.id, officer.staff_number, officer.name, '', area.name, area.name_en,
            coalesce(officer.last_place, ST_PointOnSurface(area.geom)), officer.name
       FROM asked, officer JOIN area ON area.id = officer.community_id
      WHERE :officers AND officer.ended_on IS NULL AND (:everything OR officer.community_id = ANY (:communities))
        AND (officer.name ILIKE pattern OR officer.staff_number ILIKE pattern)
      ORDER BY officer.name = words DESC, length(officer.name), officer.id LIMIT :each)
    UNION ALL
    SELECT 'facility', 4, facility.id, facility.code, facility.name, facility.name_en, area.name, area.name_en, facility.geom, facility.name
      FROM (SELECT facility.* FROM asked, facility
             WHERE :facilities AND facility.status <> 'removed' AND (:everything OR facility.community_id = ANY (:communities))
               AND (facility.name ILIKE pattern OR facility.name_en ILIKE pattern OR facility.code LIKE pattern)
             ORDER BY facility.code = words DESC, length(facility.name), facility.id LIMIT :each) AS facility
      JOIN area ON area.id = facility.community_id
    UNION ALL
    (SELECT 'incident', 5, incident.id, incident.source_id, coalesce(nullif(incident.title, ''), category.name),
            coalesce(nullif(incident.title, ''), category.name_en), incident.address, incident.address, incident.place, incident.title
       FROM asked, incident JOIN category ON category.id = incident.category_id
      WHERE :incidents AND (SELECT gate.may('particulars')) AND incident.id = number AND (:everything OR incident.community_id = ANY (:communities)) LIMIT :each)
)
SELECT kind, id, code, label, label_en, sub, sub_en,
       CASE WHEN geom IS NOT NULL THEN ARRAY[ST_X(inner_point), ST_Y(inner_point)] END AS center,
       CASE WHEN geom IS NOT NULL THEN ARRAY[ST_XMin(geom), ST_YMin(geom), ST_XMax(geom), ST_YMax(geom)] END AS bbox
  FROM asked, found, LATERAL ST_PointOnSurface(geom) AS inner_point
 ORDER BY code = words DESC, label = words DESC, starts_with(label, words) DESC, kind_order, length(label), id
 LIMIT :most

-- house_numbers --
-- Buildings of a street whose number comes closest to one that no building has.
SELECT 'building' AS kind, id, code, coalesce(nullif(name, ''), address) AS label, '' AS label_en, address AS sub, '' AS sub_en,
       ARRAY[ST_X(ST_PointOnSurface(geom)), ST_Y(ST_PointOnSurface(geom))] AS center,
       ARRAY[ST_XMin(geom), ST_YMin(geom), ST_XMax(geom), ST_YMax(geom)] AS bbox
  FROM building, LATERAL substring(substr(address, length(:street) + 1) FROM '^(\d{1,5})\D') AS told
 WHERE (:everything OR building.community_id = ANY (:communities)) AND address LIKE :pattern AND told IS NOT NULL
 ORDER BY abs(told::integer - :number), told::integer, id
 LIMIT :each
