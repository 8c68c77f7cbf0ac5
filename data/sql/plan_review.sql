-- grids_before --
-- The grids of a published plan: the state it took them from, and the version it left them in.
SELECT row.grid_id AS id, row.base_version, row.geom IS NULL AS ended, row.noded_only,
       coalesce(past.community_id, grid.community_id) AS community_id, coalesce(past.name, grid.name) AS name,
       coalesce(past.name_en, grid.name_en) AS name_en, grid.kind, coalesce(past.households, grid.households) AS households,
       ST_AsBinary(coalesce(past.geom, grid.geom)) AS was, ST_AsBinary(grid.geom) AS now,
       CASE WHEN row.base_version IS NULL THEN 1 WHEN past.grid_id IS NULL THEN row.base_version ELSE row.base_version + 1 END AS left_version
  FROM plan_grid AS row
  JOIN grid ON grid.id = row.grid_id
  LEFT JOIN grid_past AS past ON past.grid_id = row.grid_id AND past.version = row.base_version
 WHERE row.plan_id = :id ORDER BY row.grid_id;

-- areas_before --
-- The communities of a published plan, with the name each had before.
SELECT row.area_id AS id, row.base_version, row.ended, area.parent_id, area.class_code, area.version AS now_version,
       coalesce(past.name, area.name) AS name, coalesce(past.name_en, area.name_en) AS name_en
  FROM plan_area AS row
  JOIN area ON area.id = row.area_id
  LEFT JOIN area_past AS past ON past.area_id = row.area_id AND past.version = row.base_version
 WHERE row.plan_id = :id ORDER BY row.area_id;

-- draft_like --
-- A new draft over the ground of a published plan, with the communities that the plan made.
INSERT INTO plan (name, note, area_id, scheme_id, communities, household_min, household_max, made_by, reverses)
SELECT coalesce(CAST(:name AS text), left('撤销：' || name, 200)), note, area_id, scheme_id,
       communities + coalesce((SELECT range_agg(int4range(area_id, area_id + 1)) FROM plan_area
                                WHERE plan_id = plan.id AND base_version IS NULL AND NOT ended), '{}'),
       household_min, household_max, :person, id
  FROM plan WHERE id = :id
RETURNING id;
