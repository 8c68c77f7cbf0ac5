-- ask --
INSERT INTO analysis (asked_by, origin, scheme_id, communities, method, period_from, period_to, is_map, question, question_hash, code_version,
                      accuracy_due)
VALUES (:asked_by, :origin, :scheme_id, CAST(:communities AS int4multirange), :method, :starts, :ends, :is_map, :question, :question_hash,
        :code_version, CAST(:accuracy_due AS timestamptz))
RETURNING id;

-- stored --
-- The newest analysis of a question by the same code that is finished or under way.
SELECT id, state, data_version FROM analysis
 WHERE question_hash = :question_hash AND code_version = :code_version AND state IN ('asked', 'running', 'done')
 ORDER BY id DESC LIMIT 1;

-- one --
SELECT analysis.*, communities::text AS ground, NOT communities <@ gate.scope() AS cut FROM analysis WHERE id = :id;

-- page --
SELECT analysis.*, NOT communities <@ gate.scope() AS cut
  FROM analysis
 WHERE (CAST(:method AS text) IS NULL OR method = :method) AND (CAST(:state AS text) IS NULL OR state = :state)
   AND (CAST(:origin AS text) IS NULL OR origin = :origin)
   AND (CAST(:before AS bigint) IS NULL OR id < :before)
   AND (CAST(:starts AS timestamptz) IS NULL OR period_to > :starts) AND (CAST(:ends AS timestamptz) IS NULL OR period_from < :ends)
   AND (CAST(:area AS text) IS NULL OR CAST(question AS jsonb) ->> 'area' = :area)
 ORDER BY id DESC LIMIT :limit;

-- begin --
-- An analysis is worked on once: whoever moves it on goes on with it. One whose worker fell silent begins again.
UPDATE analysis SET state = 'running', stage = 'reading', progress = 0, begun_at = clock_timestamp(), told_at = clock_timestamp()
 WHERE id = :id AND (state = 'asked' OR (state = 'running' AND told_at < clock_timestamp() - interval '60 seconds'))
RETURNING id, communities::text AS ground, question, code_version, period_from, period_to, scheme_id, method, is_map, asked_by;

-- tell --
UPDATE analysis SET stage = :stage, progress = :progress, told_at = clock_timestamp() WHERE id = :id AND state = 'running' RETURNING id;

-- cancel --
UPDATE analysis SET state = 'cancelled', done_at = clock_timestamp(), accuracy_due = NULL WHERE id = :id AND state IN ('asked', 'running')
RETURNING id;

-- finish --
UPDATE analysis
   SET state = :state, stage = CASE WHEN :state = 'done' THEN 'stored' ELSE stage END, progress = CASE WHEN :state = 'done' THEN 1 ELSE progress END,
       done_at = clock_timestamp(), incidents = :incidents, data_version = :data_version, result_hash = :result_hash,
       refusal = CAST(:refusal AS jsonb), accuracy_due = CASE WHEN :state = 'done' THEN accuracy_due END
 WHERE id = :id AND state = 'running'
RETURNING id;

-- clear --
DELETE FROM analysis_piece WHERE analysis_id = :id;

-- store --
INSERT INTO analysis_piece (analysis_id, kind, key, part, communities, body)
SELECT :id, kind, key, part, CAST(communities AS int4multirange), body
  FROM unnest(CAST(:kinds AS text[]), CAST(:keys AS bigint[]), CAST(:parts AS integer[]), CAST(:grounds AS text[]), CAST(:bodies AS text[]))
       AS piece (kind, key, part, communities, body);

-- pieces --
-- What the caller may see of a result; shares of clusters that they see whole are left out.
SELECT kind, key, part, body FROM analysis_piece AS piece
 WHERE analysis_id = :id
   AND (kind <> 'share' OR NOT EXISTS (SELECT FROM analysis_piece AS wide
                                        WHERE wide.analysis_id = :id AND wide.kind = 'cluster' AND wide.key = piece.key))
 ORDER BY kind, key, part;

-- remove --
DELETE FROM analysis WHERE id = :id RETURNING id;

-- hanging --
-- What would lose its ground if an analysis were removed.
SELECT (SELECT count(*) FROM alert WHERE analysis_id = :id OR first_analysis_id = :id) AS alerts,
       (SELECT count(*) FROM schedule_run WHERE analysis_id = :id) AS runs;

-- latest_map --
-- The newest plain map of hot spots over the whole ground or over an area that holds all the caller asks for.
SELECT id FROM analysis
 WHERE is_map AND state = 'done' AND communities @> (SELECT coalesce(range_agg(int4range(community, community + 1)), '{}')
                                                      FROM unnest(CAST(:communities AS integer[])) AS community)
 ORDER BY period_to DESC, id DESC LIMIT 1;

-- newest_map --
-- The newest plain map of hot spots that was asked for, however far it is.
SELECT id, state FROM analysis WHERE is_map ORDER BY id DESC LIMIT 1;

-- map_due --
-- Whether there are incidents and grids to analyse and nobody ever asked.
SELECT EXISTS (SELECT FROM incident)
   AND EXISTS (SELECT FROM grid JOIN scheme ON scheme.id = scheme_id WHERE is_primary)
   AND NOT EXISTS (SELECT FROM analysis WHERE is_map);

-- waiting --
-- Asked for, or begun by a worker that fell silent.
SELECT id FROM analysis
 WHERE (state = 'asked' AND asked_at < clock_timestamp() - interval '60 seconds')
    OR (state = 'running' AND told_at < clock_timestamp() - interval '60 seconds')
 ORDER BY id;

-- scheme --
SELECT id, code FROM scheme WHERE CASE WHEN CAST(:code AS text) IS NULL THEN is_primary ELSE code = :code END;

-- unscored --
SELECT id, communities::text AS ground, question, period_from, period_to, scheme_id
  FROM analysis WHERE accuracy_due IS NOT NULL AND accuracy_due <= :now AND state = 'done' ORDER BY id LIMIT 200;

-- score --
UPDATE analysis SET accuracy = CAST(:accuracy AS jsonb), accuracy_due = NULL WHERE id = :id;

-- old_watches --
-- Watches of a month ago that no alert rests on.
DELETE FROM analysis
 WHERE origin = 'watch' AND asked_at < now() - interval '30 days'
   AND NOT EXISTS (SELECT FROM alert WHERE alert.analysis_id = analysis.id)
   AND NOT EXISTS (SELECT FROM alert WHERE alert.first_analysis_id = analysis.id);

-- neighbours --
SELECT first, index AS of_each FROM neighbour_table WHERE borders = :borders AND kind = :kind;

-- keep_neighbours --
INSERT INTO neighbour_table (borders, kind, first, index) VALUES (:borders, :kind, :first, :index) ON CONFLICT DO NOTHING;

-- forget_neighbours --
DELETE FROM neighbour_table WHERE made_at < now() - interval '90 days';
