-- watched --
-- Categories worth a watch on a ground: enough incidents in the whole study, and any in its last days.
SELECT category_id, count(*) AS incidents, count(*) FILTER (WHERE reported_at >= :recent) AS lately
  FROM incident
 WHERE community_id <@ CAST(:ground AS int4multirange) AND reported_at >= :starts AND reported_at < :ends AND duplicate_of IS NULL
   AND grid_id IS NOT NULL
 GROUP BY 1 HAVING count(*) >= :enough AND count(*) FILTER (WHERE reported_at >= :recent) >= :least
 ORDER BY 1;

-- districts --
SELECT id, code FROM area WHERE level = 'district' AND valid_to IS NULL ORDER BY code;

-- same --
-- The alert a cluster goes on with: of the same category, a grid in common, seen within so many days of this one.
SELECT id FROM alert
 WHERE category_id = :category_id AND CAST(:day AS date) BETWEEN raised_for - CAST(:gap AS integer) AND last_seen_for + CAST(:gap AS integer)
   AND EXISTS (SELECT FROM alert_grid WHERE alert_id = alert.id AND grid_id = ANY (CAST(:grids AS bigint[])))
 ORDER BY last_seen_for DESC, id LIMIT 1
   FOR UPDATE;

-- raise --
INSERT INTO alert (category_id, analysis_id, first_analysis_id, rank, communities, raised_for, begins, last_seen_for, recurrence_days,
                   looks)
VALUES (:category_id, :analysis_id, :analysis_id, :rank, CAST(:communities AS int4multirange), :day, :begins, :day, :recurrence_days, :looks)
RETURNING id;

-- go_on --
-- A later look moves the alert on; the same day looked at again changes nothing but which analysis saw it; an earlier day nothing.
UPDATE alert
   SET analysis_id = :analysis_id, rank = :rank, communities = communities + CAST(:communities AS int4multirange), recurrence_days = :recurrence_days,
       looks = :looks, times_seen = times_seen + CASE WHEN :day > last_seen_for THEN 1 ELSE 0 END, last_seen_for = :day
 WHERE id = :id AND last_seen_for <= :day
RETURNING id;

-- note_grids --
INSERT INTO alert_grid (alert_id, grid_id, community_id, first)
SELECT :id, grid.id, grid.community_id, :first FROM grid WHERE grid.id = ANY (CAST(:grids AS bigint[]))
    ON CONFLICT DO NOTHING;

-- page --
SELECT alert.*, ARRAY(SELECT grid_id FROM alert_grid WHERE alert_id = alert.id ORDER BY grid_id) AS grid_ids,
       ARRAY(SELECT DISTINCT community_id FROM alert_grid WHERE alert_id = alert.id ORDER BY 1) AS community_ids
  FROM alert
 WHERE (CAST(:id AS bigint) IS NULL OR id = :id) AND (CAST(:state AS text) IS NULL OR state = :state)
   AND (CAST(:category_id AS integer) IS NULL OR category_id = :category_id)
   AND (CAST(:first AS date) IS NULL OR last_seen_for >= :first) AND (CAST(:last AS date) IS NULL OR raised_for <= :last)
   AND (CAST(:within AS integer[]) IS NULL
        OR EXISTS (SELECT FROM alert_grid WHERE alert_id = alert.id AND community_id = ANY (CAST(:within AS integer[]))))
   AND (CAST(:before AS bigint) IS NULL OR id < :before)
 ORDER BY id DESC LIMIT :limit;

-- waiting --
SELECT count(*) FROM alert WHERE state = 'open';

-- clusters --
-- The newest cluster of each alert as the caller may see it: whole, or what their communities have of it.
SELECT alert.id, piece.kind, piece.body
  FROM alert JOIN analysis_piece AS piece ON piece.analysis_id = alert.analysis_id AND piece.key = alert.rank AND piece.kind IN ('cluster', 'share')
 WHERE alert.id = ANY (CAST(:ids AS bigint[]))
 ORDER BY alert.id, piece.kind, piece.part;

-- acknowledge --
UPDATE alert SET state = 'acknowledged', acknowledged_at = now(), acknowledged_by = :person_id, note = :note
 WHERE id = :id AND state = 'open' RETURNING id;

-- unscored --
-- Alerts whose following days are over and were not counted yet.
SELECT alert.id, raised_for, begins, CAST(analysis.question AS jsonb) -> 'category_ids' AS category_ids, score,
       ARRAY(SELECT grid_id FROM alert_grid WHERE alert_id = alert.id AND first ORDER BY grid_id) AS grids,
       ARRAY(SELECT DISTINCT community_id FROM alert_grid WHERE alert_id = alert.id ORDER BY 1) AS community_ids
  FROM alert JOIN analysis ON analysis.id = first_analysis_id
 WHERE raised_for + CAST(:days AS integer) < CAST(:today AS date) AND NOT score ? CAST(:days AS text)
 ORDER BY alert.id;

-- happened --
SELECT count(*) FROM incident
 WHERE grid_id = ANY (CAST(:grids AS bigint[])) AND reported_at >= :starts AND reported_at < :ends AND duplicate_of IS NULL
   AND category_id = ANY (CAST(:categories AS integer[]));

-- score --
UPDATE alert SET score = score || CAST(:score AS jsonb) WHERE id = :id;
