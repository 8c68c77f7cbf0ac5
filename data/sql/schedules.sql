-- put --
INSERT INTO schedule (name, question, communities, every, languages, next_at, made_by)
VALUES (:name, CAST(:question AS jsonb), CAST(:communities AS int4multirange), :every, CAST(:languages AS text[]), :next_at, :made_by)
RETURNING id;

-- page --
SELECT schedule.*, communities::text AS ground FROM schedule WHERE CAST(:id AS bigint) IS NULL OR id = :id ORDER BY id;

-- change --
UPDATE schedule SET name = coalesce(CAST(:name AS text), name), paused = coalesce(CAST(:paused AS boolean), paused),
       next_at = coalesce(CAST(:next_at AS timestamptz), next_at)
 WHERE id = :id RETURNING id;

-- remove --
DELETE FROM schedule WHERE id = :id RETURNING id;

-- due --
-- Locked, so that two workers never run the same one.
SELECT schedule.*, communities::text AS ground FROM schedule WHERE NOT paused AND next_at <= :now ORDER BY next_at, id FOR UPDATE SKIP LOCKED;

-- put_run --
INSERT INTO schedule_run (schedule_id, analysis_id, communities, first, last)
VALUES (:schedule_id, :analysis_id, CAST(:communities AS int4multirange), :first, :last)
    ON CONFLICT (schedule_id, first, last) DO NOTHING
RETURNING id;

-- runs --
SELECT schedule_run.*, analysis.state AS analysis_state, analysis.refusal, schedule.name, schedule.languages
  FROM schedule_run JOIN analysis ON analysis.id = analysis_id JOIN schedule ON schedule.id = schedule_id
 WHERE (CAST(:id AS bigint) IS NULL OR schedule_run.id = :id) AND (CAST(:schedule_id AS bigint) IS NULL OR schedule_id = :schedule_id)
   AND (CAST(:before AS bigint) IS NULL OR schedule_run.id < :before)
 ORDER BY schedule_run.id DESC LIMIT :limit;

-- latest_runs --
SELECT DISTINCT ON (schedule_id) schedule_run.*, analysis.state AS analysis_state, analysis.refusal
  FROM schedule_run JOIN analysis ON analysis.id = analysis_id
 WHERE schedule_id = ANY (CAST(:ids AS bigint[]))
 ORDER BY schedule_id, schedule_run.id DESC;

-- unwritten --
-- Runs whose analysis is over and whose files are not there yet.
SELECT schedule_run.*, analysis.state AS analysis_state, analysis.refusal, schedule.name, schedule.languages
  FROM schedule_run JOIN analysis ON analysis.id = analysis_id JOIN schedule ON schedule.id = schedule_id
 WHERE schedule_run.state = 'asked' AND analysis.state NOT IN ('asked', 'running')
 ORDER BY schedule_run.id FOR UPDATE OF schedule_run SKIP LOCKED;

-- written --
UPDATE schedule_run SET state = :state, written_at = now(), folder = :folder, files = CAST(:files AS jsonb) WHERE id = :id;
