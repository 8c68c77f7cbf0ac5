-- The whole ground by day: what an overview of everything sums up, a row a day however many communities there are.
-- It follows statistics_day within each statement that changes that, so that folds, recounts and loads need not know of it.
CREATE TABLE statistics_whole_day (
    day             date PRIMARY KEY,
    reported        bigint NOT NULL,
    filed           bigint NOT NULL,
    ended           bigint NOT NULL,
    closed          bigint NOT NULL,
    on_spot         bigint NOT NULL,
    closed_in_grid  bigint NOT NULL,
    closed_in_community bigint NOT NULL,
    closed_late     bigint NOT NULL,
    handled_s       bigint NOT NULL,
    due             bigint NOT NULL,
    due_closed      bigint NOT NULL,
    due_on_time     bigint NOT NULL
);

INSERT INTO statistics_whole_day
    SELECT day, sum(reported), sum(filed), sum(ended), sum(closed), sum(on_spot), sum(closed_in_grid), sum(closed_in_community),
           sum(closed_late), sum(handled_s), sum(due), sum(due_closed), sum(due_on_time)
      FROM statistics_day GROUP BY day;

CREATE FUNCTION note_whole_days() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    change text := CASE TG_OP WHEN 'INSERT' THEN 'SELECT 1 AS sign, * FROM fresh'
                              WHEN 'DELETE' THEN 'SELECT -1 AS sign, * FROM stale'
                              ELSE 'SELECT 1 AS sign, * FROM fresh UNION ALL SELECT -1, * FROM stale' END;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        TRUNCATE statistics_whole_day;
        RETURN NULL;
    END IF;
    EXECUTE format($statement$
        INSERT INTO statistics_whole_day AS kept
        SELECT day, sum(sign * reported), sum(sign * filed), sum(sign * ended), sum(sign * closed), sum(sign * on_spot),
               sum(sign * closed_in_grid), sum(sign * closed_in_community), sum(sign * closed_late), sum(sign * handled_s), sum(sign * due),
               sum(sign * due_closed), sum(sign * due_on_time)
          FROM (%s) AS change GROUP BY day
            ON CONFLICT (day) DO UPDATE SET
                reported = kept.reported + excluded.reported, filed = kept.filed + excluded.filed, ended = kept.ended + excluded.ended,
                closed = kept.closed + excluded.closed, on_spot = kept.on_spot + excluded.on_spot,
                closed_in_grid = kept.closed_in_grid + excluded.closed_in_grid,
                closed_in_community = kept.closed_in_community + excluded.closed_in_community,
                closed_late = kept.closed_late + excluded.closed_late, handled_s = kept.handled_s + excluded.handled_s,
                due = kept.due + excluded.due, due_closed = kept.due_closed + excluded.due_closed,
                due_on_time = kept.due_on_time + excluded.due_on_time
        $statement$, change);
    RETURN NULL;
END $$;
CREATE TRIGGER note_insert AFTER INSERT ON statistics_day REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION note_whole_days();
CREATE TRIGGER note_update AFTER UPDATE ON statistics_day REFERENCING NEW TABLE AS fresh OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION note_whole_days();
CREATE TRIGGER note_delete AFTER DELETE ON statistics_day REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION note_whole_days();
CREATE TRIGGER note_truncate AFTER TRUNCATE ON statistics_day FOR EACH STATEMENT EXECUTE FUNCTION note_whole_days();

-- A ranking of communities is read from the index alone.
ALTER TABLE statistics_day DROP CONSTRAINT statistics_day_pkey;
ALTER TABLE statistics_day ADD PRIMARY KEY (community_id, day) INCLUDE (reported);

SELECT gate.guard('statistics_whole_day', $$lower_inf((SELECT gate.scope())) AND upper_inf((SELECT gate.scope())) AND (SELECT gate.may('statistics'))$$, $$false$$);
REVOKE INSERT, UPDATE, DELETE ON statistics_whole_day FROM wangge_app;
