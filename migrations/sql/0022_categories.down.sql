DROP TRIGGER fold_categories ON statistics_delta;
LOCK TABLE incident IN SHARE ROW EXCLUSIVE MODE;
SELECT pg_advisory_xact_lock(8420, 8), statistics_fold();
CREATE OR REPLACE FUNCTION statistics_mend() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT counts_mend() + slots_mend() + hours_mend() + waiting_mend() + reach_mend()
    $$;
DROP FUNCTION fold_categories(), categories_mend(), months_mend(), slot_tables(), slots_added(integer, text, text, integer, integer, text);
DROP FUNCTION grids_with(bigint[], integer[], integer, bigint[], integer[], bigint[], boolean), running_with(integer[], integer, integer, integer[], bigint[]);
DROP TABLE slots_category_month, slots_category_year, slots_grid_year;
UPDATE slots_community_month SET slots = slots[1:24];
ALTER TABLE slots_community_month DROP COLUMN reported;
ALTER TABLE slots_community_month ADD COLUMN reported bigint GENERATED ALWAYS AS (slots_total(slots)) STORED;
CREATE TABLE slots_grid_month      (community_id integer, month date, grid_id bigint, slots bigint[] NOT NULL, PRIMARY KEY (community_id, month, grid_id));
ALTER TABLE slots_grid_month ALTER slots SET STORAGE MAIN;
ALTER TABLE slots_grid_month SET (toast_tuple_target = 128);
SELECT gate.guard('slots_grid_month', $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$, 'false');
REVOKE INSERT, UPDATE, DELETE ON slots_grid_month FROM wangge_app;
-- How each table is told from rows like those of statistics_delta: by which keys, into which slot of a measure,
-- from which rows; `days` is how far beyond its own day a row counts.
CREATE FUNCTION slot_tables() RETURNS TABLE (
        number integer, name text, keys text, told text, slot text, step integer, measures integer, counted text, days integer)
    LANGUAGE sql IMMUTABLE AS $$
    VALUES (1, 'slots_community_day', 'community_id, day', 'community_id, day', 'hour + 1', 24, 12, 'true', 0),
           (2, 'slots_ground_day', 'category_id, day', 'category_id, day', 'hour + 1', 24, 12, 'true', 0),
           (3, 'slots_ground_day', 'category_id, day', '0, day', 'hour + 1', 24, 12, 'true', 0),
           (4, 'slots_community_month', 'community_id, month', 'community_id, month', 'hour + 1', 24, 1, 'true', 0),
           (5, 'slots_ground_month', 'category_id, month', 'category_id, month', 'hour + 1', 24, 1, 'true', 0),
           (6, 'slots_grid_month', 'community_id, month, grid_id', 'community_id, month, grid_id', 'hour + 1', 24, 1, 'grid_id > 0', 0),
           (7, 'slots_grid_hour', 'community_id, month, grid_id', 'community_id, month, grid_id', 'hour * 31 + until', 744, 1, 'grid_id > 0', 31)
    $$;

-- The part of a statement that adds what `cells` (keys, place, amount) holds to a table of slots.
CREATE FUNCTION slots_added(number integer, name text, keys text, size integer, cells text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format($part$
        change_%1$s AS MATERIALIZED (
            SELECT %3$s, array_agg(place) AS places, array_agg(amount) AS amounts
              FROM (SELECT %3$s, place, sum(amount)::bigint AS amount FROM (%5$s) AS cell (%3$s, place, amount)
                     GROUP BY %3$s, place HAVING sum(amount) <> 0) AS told
             GROUP BY %3$s
        ), made_%1$s AS (
            INSERT INTO %2$s (%3$s, slots)
            SELECT %3$s, slots_with((NULL::%2$s).slots, %4$s, places, amounts) FROM change_%1$s AS change
             WHERE NOT EXISTS (SELECT FROM %2$s AS kept WHERE (%6$s) = (%7$s))
        ), changed_%1$s AS (
            UPDATE %2$s AS kept SET slots = slots_with(kept.slots, %4$s, places, amounts)
              FROM change_%1$s AS change WHERE (%6$s) = (%7$s)
        )$part$, number, name, keys, size, cells, 'kept.' || replace(keys, ', ', ', kept.'), 'change.' || replace(keys, ', ', ', change.'))
    $$;

CREATE OR REPLACE FUNCTION fold_hours() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM gone) THEN
        RETURN NULL;
    END IF;
    EXECUTE (SELECT format($all$WITH cells AS MATERIALIZED (
            SELECT community_id, grid_id, category_id, day, date_trunc('month', day)::date AS month, extract(day FROM day)::integer AS of_month,
                   hour::integer, measure, amount::bigint
              FROM gone, LATERAL (VALUES (0, reported), (1, filed), (2, ended), (3, closed), (4, on_spot), (5, closed_in_grid), (6, closed_in_community), (7, closed_late), (8, handled_s), (9, due), (10, due_closed), (11, due_on_time)) AS each (measure, amount)
             WHERE amount <> 0), %s SELECT$all$,
            string_agg(slots_added(number, name, keys, step * measures, format(
                'SELECT %s, measure * %s + %s, amount FROM cells, generate_series(of_month, greatest(of_month, %s)) AS until'
                ' WHERE measure < %s AND %s', told, step, slot, days, measures, counted)), ', '))
          FROM slot_tables());
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION hours_mend() RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public SET work_mem = '256MB' SET TimeZone = 'UTC' AS $$
DECLARE
    unit text;
    changed bigint;
    mended bigint := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(8420, 8), set_config('TimeZone', deployment_time_zone(), true);
    FOREACH unit IN ARRAY ARRAY['community', 'ground'] LOOP
        EXECUTE format($statement$
        WITH cell AS MATERIALIZED (
            SELECT unit, day, hour, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
                   sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
                   sum(handled_s)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
              FROM (SELECT %2$s AS unit, reported_at::date AS day, date_part('hour', reported_at)::integer AS hour,
                           count(*) AS reported, count(filed_at) AS filed, 0 AS ended, 0 AS closed, 0 AS on_spot, 0 AS closed_in_grid,
                           0 AS closed_in_community, 0 AS closed_late, 0::numeric AS handled_s, 0 AS due, 0 AS due_closed, 0 AS due_on_time
                      FROM incident GROUP BY 1, 2, 3
                    UNION ALL
                    SELECT %2$s, closed_at::date, date_part('hour', reported_at)::integer,
                           0, 0, count(*), count(*) FILTER (WHERE good), count(*) FILTER (WHERE good AND on_spot),
                           count(*) FILTER (WHERE good AND level = 'grid'), count(*) FILTER (WHERE good AND level IN ('grid', 'community')),
                           count(*) FILTER (WHERE good AND closed_at > due_at),
                           coalesce(sum(greatest(extract(epoch FROM closed_at - reported_at)::bigint - suspended_s, 0)) FILTER (WHERE good), 0),
                           0, 0, 0
                      FROM (SELECT *, state = 'closed' AND duplicate_of IS NULL AS good FROM incident WHERE closed_at IS NOT NULL) AS ended
                     GROUP BY 1, 2, 3
                    UNION ALL
                    SELECT %2$s, due_at::date, date_part('hour', reported_at)::integer,
                           0, 0, 0, 0, 0, 0, 0, 0, 0, count(*), count(*) FILTER (WHERE state = 'closed'),
                           count(*) FILTER (WHERE state = 'closed' AND closed_at <= due_at)
                      FROM incident WHERE due_at IS NOT NULL AND duplicate_of IS NULL AND state NOT IN ('not_filed', 'suspended')
                     GROUP BY 1, 2, 3
                    UNION ALL
                    SELECT %2$s, day, hour, -reported, -filed, -ended, -closed, -on_spot, -closed_in_grid, -closed_in_community, -closed_late, -handled_s, -due, -due_closed, -due_on_time
                      FROM statistics_delta) AS told
             GROUP BY unit, day, hour
        ), every AS MATERIALIZED (
            SELECT * FROM cell
            UNION ALL
            SELECT 0, day, hour, sum(reported)::bigint, sum(filed)::bigint, sum(ended)::bigint, sum(closed)::bigint, sum(on_spot)::bigint, sum(closed_in_grid)::bigint,
                   sum(closed_in_community)::bigint, sum(closed_late)::bigint, sum(handled_s)::bigint, sum(due)::bigint, sum(due_closed)::bigint, sum(due_on_time)::bigint FROM cell WHERE %3$L = 'ground' GROUP BY day, hour
        ), told AS MATERIALIZED (
            SELECT unit, day, array_agg(reported) || array_agg(filed) || array_agg(ended) || array_agg(closed) || array_agg(on_spot)
                   || array_agg(closed_in_grid) || array_agg(closed_in_community) || array_agg(closed_late) || array_agg(handled_s)
                   || array_agg(due) || array_agg(due_closed) || array_agg(due_on_time) AS slots
              FROM (SELECT unit, day, coalesce(reported, 0) AS reported, coalesce(filed, 0) AS filed, coalesce(ended, 0) AS ended, coalesce(closed, 0) AS closed,
                           coalesce(on_spot, 0) AS on_spot, coalesce(closed_in_grid, 0) AS closed_in_grid, coalesce(closed_in_community, 0) AS closed_in_community, coalesce(closed_late, 0) AS closed_late,
                           coalesce(handled_s, 0) AS handled_s, coalesce(due, 0) AS due, coalesce(due_closed, 0) AS due_closed, coalesce(due_on_time, 0) AS due_on_time
                      FROM (SELECT DISTINCT unit, day FROM every
                             WHERE (reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s, due, due_closed, due_on_time)
                                   <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)) AS days CROSS JOIN generate_series(0, 23) AS hour
                      LEFT JOIN every USING (unit, day, hour)
                     ORDER BY unit, day, hour) AS filled
             GROUP BY unit, day
        ), gone AS (
            DELETE FROM %1$I AS kept WHERE NOT EXISTS (SELECT FROM told WHERE (unit, told.day) = (kept.%2$s, kept.day))
            RETURNING 0 <> ANY (slots) AS differed
        ), put AS (
            INSERT INTO %1$I AS kept SELECT unit, day, slots FROM told
                ON CONFLICT (%2$s, day) DO UPDATE SET slots = excluded.slots WHERE kept.slots <> excluded.slots
            RETURNING 1
        ) SELECT (SELECT count(*) FROM gone WHERE differed) + (SELECT count(*) FROM put)
        $statement$, format('slots_%s_day', unit), CASE unit WHEN 'ground' THEN 'category_id' ELSE 'community_id' END, unit) INTO changed;
        mended := mended + changed;
    END LOOP;

    FOREACH unit IN ARRAY ARRAY['community', 'ground'] LOOP
        EXECUTE format($statement$
        WITH told AS MATERIALIZED (
            SELECT unit, month, array_agg(number ORDER BY slot) AS slots
              FROM (SELECT %2$s AS unit, date_trunc('month', day)::date AS month, slot, sum(number)::bigint AS number
                      FROM slots_%3$s_day, unnest(slots[1:24]) WITH ORDINALITY AS each (number, slot) WHERE %2$s > 0 OR %3$L = 'community'
                     GROUP BY 1, 2, 3) AS each
             GROUP BY 1, 2 HAVING bool_or(number <> 0)
        ), gone AS (
            DELETE FROM %1$I AS kept WHERE NOT EXISTS (SELECT FROM told WHERE (unit, told.month) = (kept.%2$s, kept.month))
            RETURNING 0 <> ANY (slots) AS differed
        ), put AS (
            INSERT INTO %1$I AS kept (%2$s, month, slots) SELECT unit, month, slots FROM told
                ON CONFLICT (%2$s, month) DO UPDATE SET slots = excluded.slots WHERE kept.slots <> excluded.slots
            RETURNING 1
        ) SELECT (SELECT count(*) FROM gone WHERE differed) + (SELECT count(*) FROM put)
        $statement$, format('slots_%s_month', unit), CASE unit WHEN 'ground' THEN 'category_id' ELSE 'community_id' END, unit) INTO changed;
        mended := mended + changed;
    END LOOP;

    WITH cell AS MATERIALIZED (
        SELECT community_id, grid_id, date_trunc('month', day)::date AS month, date_part('day', day)::integer AS of_month, hour,
               sum(number)::bigint AS number
          FROM (SELECT community_id, grid_id, reported_at::date AS day, date_part('hour', reported_at)::integer AS hour, count(*) AS number
                  FROM incident WHERE grid_id IS NOT NULL GROUP BY 1, 2, 3, 4
                UNION ALL
                SELECT community_id, grid_id, day, hour, -reported FROM statistics_delta WHERE reported <> 0 AND grid_id > 0) AS told
         GROUP BY 1, 2, 3, 4, 5
    ), told AS MATERIALIZED (
        SELECT community_id, month, grid_id, running_by_hour(slots_with(NULL::integer[], 744, array_agg(hour * 31 + of_month), array_agg(number))) AS by_both,
               slots_with(NULL::bigint[], 24, array_agg(hour + 1), array_agg(number)) AS by_hour
          FROM cell GROUP BY 1, 2, 3 HAVING bool_or(number <> 0)
    ), gone AS (
        DELETE FROM slots_grid_hour AS kept
         WHERE NOT EXISTS (SELECT FROM told WHERE (told.community_id, told.month, told.grid_id) = (kept.community_id, kept.month, kept.grid_id))
        RETURNING 0 <> ANY (slots) AS differed
    ), gone_months AS (
        DELETE FROM slots_grid_month AS kept
         WHERE NOT EXISTS (SELECT FROM told WHERE (told.community_id, told.month, told.grid_id) = (kept.community_id, kept.month, kept.grid_id))
        RETURNING 0 <> ANY (slots) AS differed
    ), put AS (
        INSERT INTO slots_grid_hour AS kept SELECT community_id, month, grid_id, by_both FROM told
            ON CONFLICT (community_id, month, grid_id) DO UPDATE SET slots = excluded.slots WHERE kept.slots <> excluded.slots
        RETURNING 1
    ), put_months AS (
        INSERT INTO slots_grid_month AS kept SELECT community_id, month, grid_id, by_hour FROM told
            ON CONFLICT (community_id, month, grid_id) DO UPDATE SET slots = excluded.slots WHERE kept.slots <> excluded.slots
        RETURNING 1
    ) SELECT (SELECT count(*) FROM gone WHERE differed) + (SELECT count(*) FROM gone_months WHERE differed) + (SELECT count(*) FROM put)
             + (SELECT count(*) FROM put_months) INTO changed;
    RETURN mended + changed;
END $$;

SELECT hours_mend();
