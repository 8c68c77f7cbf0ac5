-- Statements of the import that are longer than fifteen lines; what arrives waits in temporary tables.

-- changed_facilities --
-- Facilities of a source whose row says something else now. Its cell stays: it is the key, not the place.
UPDATE facility AS old
   SET kind = arriving.kind, code = arriving.code, name = arriving.name, name_en = arriving.name_en, status = arriving.status,
       qk = arriving.qk, community_id = arriving.community_id, grid_id = arriving.grid_id,
       geom = ST_SetSRID(ST_MakePoint(arriving.lon, arriving.lat), 4490), version = old.version + 1
  FROM arriving_facility AS arriving
 WHERE old.source = :source AND old.source_id = arriving.source_id
   AND (old.kind, old.code, old.name, old.name_en, old.status, old.community_id, old.grid_id, ST_X(old.geom), ST_Y(old.geom))
       IS DISTINCT FROM (arriving.kind, arriving.code, arriving.name, arriving.name_en, arriving.status, arriving.community_id,
                         arriving.grid_id, arriving.lon, arriving.lat)
RETURNING old.id

-- new_facilities --
-- Facilities that this source brings for the first time, in the order of the ground.
INSERT INTO facility (cell, qk, community_id, grid_id, kind, code, name, name_en, status, geom, source, source_id)
SELECT cell, qk, community_id, grid_id, kind, code, name, name_en, status, ST_SetSRID(ST_MakePoint(lon, lat), 4490), :source, source_id
  FROM arriving_facility AS arriving
 WHERE NOT EXISTS (SELECT FROM facility AS old WHERE old.source = :source AND old.source_id = arriving.source_id)
 ORDER BY qk
RETURNING id

-- changed_households --
-- Households of a source whose row says something else now and whose building is under the same cell.
UPDATE household AS old
   SET building_id = arriving.building_id, unit = arriving.unit, tenure = arriving.tenure, floating = arriving.floating, members = arriving.members,
       has_address = arriving.has_address, has_family = arriving.has_family, has_work = arriving.has_work,
       has_changes = arriving.has_changes, has_key_persons = arriving.has_key_persons, community_id = arriving.community_id,
       version = old.version + 1
  FROM arriving_household AS arriving
 WHERE old.source = :source AND old.source_id = arriving.source_id AND old.cell = arriving.cell
   AND (old.building_id, old.unit, old.tenure, old.floating, old.members, old.has_address, old.has_family, old.has_work, old.has_changes,
        old.has_key_persons, old.community_id)
       IS DISTINCT FROM (arriving.building_id, arriving.unit, arriving.tenure, arriving.floating, arriving.members,
                         arriving.has_address, arriving.has_family, arriving.has_work, arriving.has_changes, arriving.has_key_persons, arriving.community_id)
RETURNING old.source_id

-- new_households --
-- Households that are new, or are in another building now: those keep their id under the new building's cell.
INSERT INTO household (cell, id, building_id, community_id, unit, tenure, floating, members, has_address, has_family, has_work,
                       has_changes, has_key_persons, version, source, source_id)
SELECT arriving.cell, coalesce(old.id, nextval('household_id_seq')), arriving.building_id, arriving.community_id, arriving.unit,
       arriving.tenure, arriving.floating, arriving.members, arriving.has_address, arriving.has_family, arriving.has_work,
       arriving.has_changes, arriving.has_key_persons, coalesce(old.version, 0) + 1, :source, arriving.source_id
  FROM arriving_household AS arriving
  LEFT JOIN household AS old ON old.source = :source AND old.source_id = arriving.source_id
 WHERE old.id IS NULL OR old.cell <> arriving.cell
 ORDER BY arriving.cell
RETURNING source_id

-- moved_residents --
-- The residents of a household that stands under two cells follow it to the new one.
INSERT INTO resident (cell, id, household_id, community_id, head, sex, birth_year, sealed, phone_index, number_index, version)
SELECT arriving.cell, resident.id, household_id, arriving.community_id, head, sex, birth_year, sealed, phone_index, number_index,
       resident.version + 1
  FROM arriving_household AS arriving
  JOIN household AS old ON old.source = :source AND old.source_id = arriving.source_id AND old.cell <> arriving.cell
  JOIN resident ON resident.cell = old.cell AND resident.household_id = old.id

-- moved_care --
-- And so does the care they need.
INSERT INTO care (cell, resident_id, class, community_id, since, until)
SELECT arriving.cell, care.resident_id, care.class, arriving.community_id, care.since, care.until
  FROM arriving_household AS arriving
  JOIN household AS old ON old.source = :source AND old.source_id = arriving.source_id AND old.cell <> arriving.cell
  JOIN resident ON resident.cell = old.cell AND resident.household_id = old.id
  JOIN care ON care.cell = resident.cell AND care.resident_id = resident.id

-- counts_of_households --
-- In grids with household rows the counts of grids and buildings are the rows.
WITH rows_of AS (
    SELECT building.cell, building.id, building.grid_id, count(household.id)::integer AS n
      FROM building LEFT JOIN household ON household.cell = building.cell AND household.building_id = building.id
     WHERE building.grid_id IN (SELECT grid_id FROM household JOIN building USING (cell)
                                 WHERE household.building_id = building.id AND household.source IS NOT NULL)
     GROUP BY building.cell, building.id, building.grid_id
), buildings AS (
    UPDATE building SET households = n FROM rows_of
     WHERE building.cell = rows_of.cell AND building.id = rows_of.id AND households <> n RETURNING building.id
), of_grid AS (
    SELECT grid_id, sum(n)::integer AS n FROM rows_of GROUP BY grid_id
), grids AS (
    UPDATE grid SET households = n FROM of_grid WHERE grid.id = of_grid.grid_id AND households <> n RETURNING grid.id
)
SELECT (SELECT count(*) FROM of_grid) AS grids, (SELECT coalesce(sum(n), 0) FROM of_grid) AS households,
       (SELECT count(*) FROM buildings) + (SELECT count(*) FROM grids) AS changed,
       (SELECT count(*) FROM grid JOIN scheme ON scheme.id = scheme_id AND is_primary
         WHERE valid_to IS NULL AND grid.id NOT IN (SELECT grid_id FROM of_grid)) AS others
