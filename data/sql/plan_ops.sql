-- known --
-- The operation that a client has sent before, whoever it was.
SELECT seq, kind, operation, undoes, redoes, facts, person_id FROM plan_op WHERE plan_id = :plan AND client_id = :client_id

-- write --
-- One row at the end of the log with what it did to each grid; the overlay and the plan's revision follow it, all in one go.
WITH at_end AS (
    INSERT INTO plan_op (plan_id, seq, client_id, person_id, kind, operation, undoes, redoes, facts)
    VALUES (:plan, :seq, :client_id, :person, :kind, CAST(:operation AS jsonb), :undoes, :redoes, CAST(:facts AS jsonb))
), counted AS (
    UPDATE plan SET revision = :seq WHERE id = :plan
), done AS MATERIALIZED (
    SELECT grid_id, CAST(before AS jsonb) AS before, ST_Multi(ST_GeomFromWKB(before_wkb, 4490)) AS before_geom, CAST(after AS jsonb) AS after,
           ST_Multi(ST_GeomFromWKB(after_wkb, 4490)) AS after_geom
      FROM unnest(CAST(:ids AS bigint[]), CAST(:before AS text[]), CAST(:before_wkb AS bytea[]), CAST(:after AS text[]),
                  CAST(:after_wkb AS bytea[])) AS step (grid_id, before, before_wkb, after, after_wkb)
), logged AS (
    INSERT INTO plan_op_grid (plan_id, seq, grid_id, before, before_geom, after, after_geom)
    SELECT :plan, :seq, grid_id, before, before_geom, after, after_geom FROM done
), gone AS (
    DELETE FROM plan_grid WHERE plan_id = :plan AND grid_id IN (SELECT grid_id FROM done WHERE after IS NULL)
)
INSERT INTO plan_grid (plan_id, grid_id, base_version, community_id, name, name_en, kind, households, geom, version, noded_only)
SELECT :plan, done.grid_id, state.base_version, state.community_id, state.name, state.name_en, state.kind, state.households, after_geom,
       state.version, state.noded_only
  FROM done, jsonb_to_record(after) AS state (base_version integer, community_id integer, name text, name_en text, kind text, households integer,
                                              version bigint, noded_only boolean)
 WHERE after IS NOT NULL
ON CONFLICT (plan_id, grid_id) DO UPDATE
   SET base_version = EXCLUDED.base_version, community_id = EXCLUDED.community_id, name = EXCLUDED.name, name_en = EXCLUDED.name_en,
       kind = EXCLUDED.kind, households = EXCLUDED.households, geom = EXCLUDED.geom, version = EXCLUDED.version,
       noded_only = EXCLUDED.noded_only
RETURNING grid_id, area_m2, perimeter_m

-- append_areas --
-- What that row did to each community.
INSERT INTO plan_op_area (plan_id, seq, area_id, before, after)
SELECT :plan, :seq, area_id, CAST(before AS jsonb), CAST(after AS jsonb)
  FROM unnest(CAST(:ids AS integer[]), CAST(:before AS text[]), CAST(:after AS text[])) AS done (area_id, before, after)

-- draw_areas --
-- The overlay takes the new states of some communities.
INSERT INTO plan_area (plan_id, area_id, base_version, parent_id, name, name_en, class_code, ended)
SELECT :plan, drawn.id, drawn.base_version, drawn.parent_id, drawn.name, drawn.name_en, drawn.class_code, drawn.ended
  FROM jsonb_to_recordset(CAST(:states AS jsonb))
       AS drawn (id integer, base_version integer, parent_id integer, name text, name_en text, class_code text, ended boolean)
ON CONFLICT (plan_id, area_id) DO UPDATE
   SET base_version = EXCLUDED.base_version, parent_id = EXCLUDED.parent_id, name = EXCLUDED.name, name_en = EXCLUDED.name_en,
       class_code = EXCLUDED.class_code, ended = EXCLUDED.ended

-- undoable --
-- The caller's last operation that is not taken back.
SELECT op.seq, op.kind FROM plan_op AS op
 WHERE op.plan_id = :plan AND op.person_id = :person AND op.kind NOT IN ('undo', 'redo')
   AND (SELECT last.kind FROM plan_op AS last WHERE last.plan_id = :plan AND last.kind IN ('undo', 'redo')
           AND coalesce(last.undoes, last.redoes) = op.seq ORDER BY last.seq DESC LIMIT 1) IS DISTINCT FROM 'undo'
 ORDER BY op.seq DESC LIMIT 1

-- redoable --
-- What the caller took back last and has not built over since.
SELECT back.undoes AS seq, back.kind FROM plan_op AS back
 WHERE back.plan_id = :plan AND back.person_id = :person AND back.kind = 'undo'
   AND NOT EXISTS (SELECT FROM plan_op AS later WHERE later.plan_id = :plan AND later.seq > back.seq AND later.person_id = :person
                      AND (later.kind NOT IN ('undo', 'redo') OR later.redoes = back.undoes))
 ORDER BY back.seq DESC LIMIT 1

-- effect --
-- What one row of the log did to grids, and how the draft has them now.
SELECT done.grid_id AS id, done.before, ST_AsBinary(done.before_geom) AS before_wkb, done.after, ST_AsBinary(done.after_geom) AS after_wkb
  FROM plan_op_grid AS done WHERE done.plan_id = :plan AND done.seq = :seq ORDER BY done.grid_id

-- area_effect --
-- What one row of the log did to communities.
SELECT area_id AS id, before, after FROM plan_op_area WHERE plan_id = :plan AND seq = :seq ORDER BY area_id

-- since --
-- For each grid that changed after a moment of the log: how it was at that moment.
SELECT DISTINCT ON (grid_id) grid_id AS id, before, ST_AsBinary(before_geom) AS before_wkb
  FROM plan_op_grid WHERE plan_id = :plan AND seq > :seq ORDER BY grid_id, seq

-- areas_since --
-- The same for communities.
SELECT DISTINCT ON (area_id) area_id AS id, before FROM plan_op_area WHERE plan_id = :plan AND seq > :seq ORDER BY area_id, seq

-- last_touching --
-- Who changed any of some grids last.
SELECT op.seq, op.at, op.person_id, gate.planner_name(op.plan_id, op.person_id) AS person_name, op.kind
  FROM plan_op AS op
 WHERE op.plan_id = :plan AND op.seq = (SELECT max(seq) FROM plan_op_grid WHERE plan_id = :plan AND grid_id = ANY (:ids))

-- log --
-- The log after a row, the oldest first, with whether each is taken back. Grids of others that only gained vertices are not told.
SELECT op.seq, op.at, op.person_id, gate.planner_name(op.plan_id, op.person_id) AS person_name, op.kind, op.operation, op.undoes, op.redoes,
       op.facts, op.client_id,
       coalesce((SELECT last.kind = 'undo' FROM plan_op AS last WHERE last.plan_id = op.plan_id AND last.kind IN ('undo', 'redo')
                    AND coalesce(last.undoes, last.redoes) = op.seq ORDER BY last.seq DESC LIMIT 1), false) AS undone,
       done.changed, done.ended
  FROM plan_op AS op JOIN plan ON plan.id = op.plan_id
 CROSS JOIN LATERAL (
       SELECT coalesce(array_agg(grid_id ORDER BY grid_id) FILTER (WHERE NOT gone), '{}') AS changed,
              coalesce(array_agg(grid_id ORDER BY grid_id) FILTER (WHERE gone), '{}') AS ended
         FROM (SELECT grid_id, after_geom IS NULL AND (after IS NOT NULL OR before ->> 'base_version' IS NULL) AS gone,
                      (coalesce(after, before) ->> 'community_id')::integer AS community_id
                 FROM plan_op_grid WHERE plan_op_grid.plan_id = op.plan_id AND plan_op_grid.seq = op.seq) AS step
        WHERE community_id <@ plan.communities OR EXISTS (SELECT FROM plan_area WHERE plan_area.plan_id = op.plan_id AND area_id = community_id)
       ) AS done
 WHERE op.plan_id = :plan AND op.seq > :after ORDER BY op.seq LIMIT :limit
