-- page --
-- Plans the caller may see, the newest first, each with what it changes and what the caller could take back.
SELECT plan.id, plan.name, plan.note, plan.state, plan.revision, plan.household_min, plan.household_max, plan.reverses,
       plan.made_at, plan.submitted_at, plan.decided_at, plan.decision_note, plan.effective_at, plan.published_at, plan.failure,
       plan.made_by, plan.submitted_by, plan.decided_by,
       gate.planner_name(plan.id, plan.made_by) AS made_by_name,
       gate.planner_name(plan.id, plan.submitted_by) AS submitted_by_name,
       gate.planner_name(plan.id, plan.decided_by) AS decided_by_name,
       jsonb_build_object('code', area.code, 'name', area.name, 'name_en', area.name_en, 'level', area.level) AS area,
       jsonb_build_object('code', scheme.code, 'name', scheme.name, 'name_en', scheme.name_en) AS scheme,
       ARRAY[ST_XMin(area.geom), ST_YMin(area.geom), ST_XMax(area.geom), ST_YMax(area.geom)] AS bounds,
       today.grids + drawn.new - drawn.ended AS grids, drawn.changed, drawn.new, drawn.ended,
       today.communities + made.communities AS communities,
       own.undoable IS NOT NULL AS can_undo, own.redoable IS NOT NULL AS can_redo
  FROM plan
  JOIN area ON area.id = plan.area_id
  JOIN scheme ON scheme.id = plan.scheme_id
 CROSS JOIN LATERAL (
       SELECT count(*) AS grids, count(DISTINCT community_id) AS communities FROM grid
        WHERE scheme_id = plan.scheme_id AND valid_to IS NULL AND community_id <@ plan.communities) AS today
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE base_version IS NULL AND geom IS NOT NULL) AS new,
              count(*) FILTER (WHERE base_version IS NOT NULL AND geom IS NULL) AS ended,
              count(*) FILTER (WHERE base_version IS NOT NULL AND geom IS NOT NULL AND NOT noded_only) AS changed
         FROM plan_grid WHERE plan_id = plan.id) AS drawn
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(CASE WHEN ended THEN -1 WHEN base_version IS NULL THEN 1 ELSE 0 END), 0) AS communities
         FROM plan_area WHERE plan_id = plan.id) AS made
 CROSS JOIN LATERAL (
       SELECT (SELECT op.seq FROM plan_op AS op
                WHERE op.plan_id = plan.id AND op.person_id = :person AND op.kind NOT IN ('undo', 'redo')
                  AND (SELECT last.kind FROM plan_op AS last WHERE last.plan_id = plan.id AND last.kind IN ('undo', 'redo')
                          AND coalesce(last.undoes, last.redoes) = op.seq ORDER BY last.seq DESC LIMIT 1) IS DISTINCT FROM 'undo'
                ORDER BY op.seq DESC LIMIT 1) AS undoable,
              (SELECT back.undoes FROM plan_op AS back
                WHERE back.plan_id = plan.id AND back.person_id = :person AND back.kind = 'undo'
                  AND NOT EXISTS (SELECT FROM plan_op AS later WHERE later.plan_id = plan.id AND later.seq > back.seq
                                     AND later.person_id = :person
                                     AND (later.kind NOT IN ('undo', 'redo') OR later.redoes = back.undoes))
                ORDER BY back.seq DESC LIMIT 1) AS redoable) AS own
 WHERE (CAST(:id AS bigint) IS NULL OR plan.id = :id)
   AND (CAST(:state AS text) IS NULL OR plan.state = :state)
   AND (CAST(:areas AS integer[]) IS NULL OR plan.area_id = ANY (:areas))
 ORDER BY plan.made_at DESC, plan.id DESC

-- create --
-- A plan over an area and a scheme (the primary one unless named), with the scheme's band unless one is given.
INSERT INTO plan (name, note, area_id, scheme_id, communities, household_min, household_max, made_by, reverses)
SELECT :name, :note, :area_id, scheme.id, CAST(:communities AS int4multirange), coalesce(CAST(:household_min AS integer), scheme.household_min),
       coalesce(CAST(:household_max AS integer), scheme.household_max), :person, :reverses
  FROM scheme WHERE CASE WHEN CAST(:scheme AS text) IS NULL THEN is_primary ELSE scheme.code = :scheme END
RETURNING id

-- held --
-- A plan under its lock, so that its operations come one after the other.
SELECT plan.id, plan.name, plan.state, plan.revision, plan.area_id, plan.scheme_id, plan.communities, plan.household_min, plan.household_max,
       plan.made_by, ARRAY(SELECT area_id FROM plan_area WHERE plan_id = plan.id AND base_version IS NULL) AS made
  FROM plan WHERE plan.id = :id FOR NO KEY UPDATE

-- seen --
-- The same without a lock, for those who only look.
SELECT plan.id, plan.name, plan.state, plan.revision, plan.area_id, plan.scheme_id, plan.communities, plan.household_min, plan.household_max,
       plan.made_by, ARRAY(SELECT area_id FROM plan_area WHERE plan_id = plan.id AND base_version IS NULL) AS made
  FROM plan WHERE plan.id = :id

-- copy_grids --
-- The overlay of one plan in another, with numbers of its own for what the first one made.
INSERT INTO plan_grid (plan_id, grid_id, base_version, community_id, name, name_en, kind, households, geom, version, noded_only)
SELECT :to_plan, coalesce(fresh.to_id, grid_id), base_version, coalesce(made.to_id, community_id), name, name_en, kind, households, geom,
       CASE WHEN noded_only THEN version ELSE coalesce(base_version, 0) + 1 END, noded_only
  FROM plan_grid
  LEFT JOIN unnest(CAST(:grids_from AS bigint[]), CAST(:grids_to AS bigint[])) AS fresh (from_id, to_id) ON fresh.from_id = grid_id
  LEFT JOIN unnest(CAST(:areas_from AS integer[]), CAST(:areas_to AS integer[])) AS made (from_id, to_id) ON made.from_id = community_id
 WHERE plan_id = :from_plan

-- copy_areas --
-- The communities that one plan makes, renames or ends, in another.
INSERT INTO plan_area (plan_id, area_id, base_version, parent_id, name, name_en, class_code, ended)
SELECT :to_plan, coalesce(made.to_id, area_id), base_version, parent_id, name, name_en, class_code, ended
  FROM plan_area LEFT JOIN unnest(CAST(:areas_from AS integer[]), CAST(:areas_to AS integer[])) AS made (from_id, to_id)
    ON made.from_id = area_id WHERE plan_id = :from_plan

-- comments --
-- What people say of a plan, the oldest first.
SELECT id, ST_X(place) AS lon, ST_Y(place) AS lat, grid_id, body, person_id, gate.planner_name(plan_id, person_id) AS person_name, at,
       resolved_by, gate.planner_name(plan_id, resolved_by) AS resolved_by_name, resolved_at
  FROM plan_comment WHERE plan_id = :plan ORDER BY id

-- snapshots --
-- Named moments of a plan, the newest first.
SELECT name, seq, at, person_id, gate.planner_name(plan_id, person_id) AS person_name FROM plan_snapshot WHERE plan_id = :plan ORDER BY seq DESC, at DESC
