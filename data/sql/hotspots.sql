-- ask --
INSERT INTO hotspot_run (asked_by, scheme_id, period_from, period_to, category_ids, method, parameters, code_version, scope)
SELECT :asked_by, id, :starts, :ends, CAST(:categories AS integer[]), :method, CAST(:parameters AS jsonb), :code_version,
       CASE WHEN :everything THEN int4multirange(int4range(NULL, NULL))
            ELSE coalesce((SELECT range_agg(int4range(community, community + 1)) FROM unnest(CAST(:communities AS integer[])) AS community), '{}')
       END
  FROM scheme WHERE is_primary
RETURNING id;

-- begin --
-- A run is worked on once: only the job that moves it on goes on with it. One that died while running begins again.
UPDATE hotspot_run SET state = 'running' WHERE id = :id AND state IN ('asked', 'running')
RETURNING id, scheme_id, period_from, period_to, category_ids, parameters, upper_inf(scope) AS everything, scope::text AS scope;

-- counts --
-- Current grids of the scheme within the run's area, each with its incidents of the period, none included.
SELECT grid.id, grid.community_id, grid.households, ST_AsBinary(grid.geom) AS border, coalesce(counted.incidents, 0) AS incidents
  FROM hotspot_run AS run
  JOIN grid ON grid.scheme_id = run.scheme_id AND grid.valid_to IS NULL AND grid.community_id <@ run.scope
  LEFT JOIN (SELECT grid_id, count(*) AS incidents
               FROM incident, hotspot_run AS asked
              WHERE asked.id = :id AND reported_at >= :starts AND reported_at < :ends AND duplicate_of IS NULL
                AND (cardinality(asked.category_ids) = 0 OR category_id = ANY (asked.category_ids)) AND grid_id IS NOT NULL
              GROUP BY grid_id) AS counted ON counted.grid_id = grid.id
 WHERE run.id = :id
 ORDER BY grid.code;

-- clear --
DELETE FROM hotspot WHERE run_id = :id;

-- store --
INSERT INTO hotspot (run_id, grid_id, community_id, incidents, households, rate, rate_smoothed, z, p, q, class, flag)
SELECT :id, grid_id, community_id, incidents, households, rate, rate_smoothed, z, p, q, class, flag
  FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row (
       grid_id bigint, community_id integer, incidents integer, households integer, rate double precision, rate_smoothed double precision,
       z double precision, p double precision, q double precision, class smallint, flag text);

-- finish --
UPDATE hotspot_run
   SET state = :state, done_at = now(), incidents = :incidents, grids = :grids, caveats = CAST(:caveats AS jsonb),
       refusal = CAST(:refusal AS jsonb), parameters = parameters || CAST(:parameters AS jsonb)
 WHERE id = :id;

-- latest --
-- The newest finished run over the whole ground or over an area that holds all the caller asks for.
SELECT * FROM hotspot_run
 WHERE state = 'done' AND scope @> (SELECT coalesce(range_agg(int4range(community, community + 1)), '{}')
                                      FROM unnest(CAST(:communities AS integer[])) AS community)
 ORDER BY period_to DESC, id DESC LIMIT 1;

-- one --
SELECT * FROM hotspot_run WHERE id = :id;

-- items --
SELECT grid_id, class, z, p, q, incidents, households, rate, rate_smoothed, flag
  FROM hotspot WHERE run_id = :id AND community_id = ANY (:communities) ORDER BY grid_id;

-- first_due --
-- Whether there are incidents and grids to analyse and nobody ever asked.
SELECT EXISTS (SELECT FROM incident)
   AND EXISTS (SELECT FROM grid JOIN scheme ON scheme.id = scheme_id WHERE is_primary)
   AND NOT EXISTS (SELECT FROM hotspot_run);
