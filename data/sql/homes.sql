-- building --
-- One building with where it stands and whose ground that is.
SELECT building.id, building.cell, building.code, building.name, building.address, building.use, building.levels, building.built_year,
       building.height_m, building.households, building.version, building.community_id,
       ARRAY[ST_X(inner_point), ST_Y(inner_point)] AS center,
       CASE WHEN grid.id IS NOT NULL
            THEN jsonb_build_object('id', grid.id, 'code', grid.code, 'name', grid.name, 'name_en', grid.name_en) END AS grid,
       jsonb_build_object('code', community.code, 'name', community.name, 'name_en', community.name_en) AS community
  FROM building JOIN area AS community ON community.id = building.community_id LEFT JOIN grid ON grid.id = building.grid_id,
       LATERAL ST_PointOnSurface(building.geom) AS inner_point
 WHERE building.id = :id AND (:everything OR building.community_id = ANY (:communities))

-- households --
-- The households of a building, with how much of each is on record.
SELECT household.id, unit, tenure, floating, members,
       jsonb_build_object('address', has_address, 'family', has_family, 'work', has_work, 'changes', has_changes,
                          'key_persons', has_key_persons) AS checks
  FROM household
 WHERE household.cell = :cell AND building_id = :id AND (:everything OR community_id = ANY (:communities))
 ORDER BY unit, household.id

-- residents --
-- The residents of a household, sealed, with the classes of care the caller may know on a day.
SELECT resident.id, resident.head, resident.sex, resident.birth_year, resident.sealed, resident.community_id,
       ARRAY(SELECT class FROM care
              WHERE care.cell = resident.cell AND care.resident_id = resident.id
                AND since <= CAST(:day AS date) AND (until IS NULL OR until > CAST(:day AS date)) ORDER BY class) AS care
  FROM household JOIN resident ON resident.cell = household.cell AND resident.household_id = household.id
 WHERE household.id = :id AND (:everything OR household.community_id = ANY (:communities))
 ORDER BY resident.head DESC, resident.id
