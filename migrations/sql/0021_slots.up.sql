-- Panels that cost the same with hours of the day: the measures of statistics_delta in slots of an hour, a row for each unit and day
-- or month. Rows are nearly all zeros and compress to a tenth.
-- And the homes within reach of a service point, kept by grid.

-- What ended or fell due is told by the hour of its report, too; so what was told without it is folded first.
LOCK TABLE incident IN SHARE ROW EXCLUSIVE MODE;
SELECT pg_advisory_xact_lock(8420, 8);
SELECT statistics_fold();
CREATE OR REPLACE FUNCTION incident_shares(
        community_id integer, grid_id bigint, category_id integer, state text, level text, on_spot boolean, duplicate_of bigint,
        reported_at timestamptz, filed_at timestamptz, closed_at timestamptz, due_at timestamptz, suspended_s bigint, zone text)
    RETURNS SETOF statistics_delta LANGUAGE sql IMMUTABLE AS $$
    SELECT community_id, coalesce(grid_id, 0), category_id, (reported_at AT TIME ZONE zone)::date,
           extract(hour FROM reported_at AT TIME ZONE zone)::smallint,
           1, (filed_at IS NOT NULL)::integer, 0, 0, 0, 0, 0, 0, 0::bigint, 0, 0, 0
    UNION ALL
    SELECT community_id, 0::bigint, category_id, (closed_at AT TIME ZONE zone)::date,
           extract(hour FROM reported_at AT TIME ZONE zone)::smallint,
           0, 0, 1, counts.closed, counts.closed * on_spot::integer, counts.closed * (level = 'grid')::integer,
           counts.closed * (level IN ('grid', 'community'))::integer, counts.closed * coalesce(closed_at > due_at, false)::integer,
           counts.closed * greatest(extract(epoch FROM closed_at - reported_at)::bigint - suspended_s, 0), 0, 0, 0
      FROM (SELECT (state = 'closed' AND duplicate_of IS NULL)::integer AS closed) AS counts
     WHERE closed_at IS NOT NULL
    UNION ALL
    SELECT community_id, 0::bigint, category_id, (due_at AT TIME ZONE zone)::date,
           extract(hour FROM reported_at AT TIME ZONE zone)::smallint,
           0, 0, 0, 0, 0, 0, 0, 0, 0::bigint, 1, (state = 'closed')::integer, coalesce(state = 'closed' AND closed_at <= due_at, false)::integer
     WHERE due_at IS NOT NULL AND duplicate_of IS NULL AND state NOT IN ('not_filed', 'suspended')
    $$;

CREATE FUNCTION hour_of(at timestamptz, zone text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT extract(hour FROM at AT TIME ZONE zone)::integer
    $$;

-- Days by hour of report: slot = measure * 24 + hour + 1; measures count from 0 in the order of statistics_delta. Category 0 of a
-- day of the ground stands for all. Months hold what was reported alone. Grids hold it by hour up to and
-- including a day of the month: slot = hour * 31 + day.
CREATE FUNCTION slots_total(slots bigint[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT sum(number)::bigint FROM unnest(slots) AS number $$;
CREATE TABLE slots_community_day   (community_id integer, day date, slots bigint[] NOT NULL, PRIMARY KEY (community_id, day));
CREATE TABLE slots_community_month (community_id integer, month date, slots bigint[] NOT NULL,
    reported bigint GENERATED ALWAYS AS (slots_total(slots)) STORED, PRIMARY KEY (community_id, month));
CREATE TABLE slots_ground_day      (category_id integer, day date, slots bigint[] NOT NULL, PRIMARY KEY (category_id, day));
CREATE TABLE slots_ground_month    (category_id integer, month date, slots bigint[] NOT NULL, PRIMARY KEY (category_id, month));
CREATE TABLE slots_grid_month      (community_id integer, month date, grid_id bigint, slots bigint[] NOT NULL, PRIMARY KEY (community_id, month, grid_id));
CREATE TABLE slots_grid_hour       (community_id integer, month date, grid_id bigint, slots integer[] NOT NULL, PRIMARY KEY (community_id, month, grid_id));
DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['slots_community_day', 'slots_community_month', 'slots_ground_day', 'slots_ground_month',
                                'slots_grid_month', 'slots_grid_hour'] LOOP
        -- Compressed where they stand, not only beyond two kilobytes.
        EXECUTE format('ALTER TABLE %I ALTER slots SET STORAGE MAIN', each);
        EXECUTE format('ALTER TABLE %I SET (toast_tuple_target = 128)', each);
        EXECUTE format($guard$SELECT gate.guard(%L, %L, 'false')$guard$, each,
            CASE WHEN each LIKE 'slots_ground%' THEN $cut$lower_inf((SELECT gate.scope())) AND upper_inf((SELECT gate.scope())) AND (SELECT gate.may('statistics'))$cut$
                 ELSE $cut$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$cut$ END);
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON %I FROM wangge_app', each);
    END LOOP;
END $$;

-- Slots with some amounts added; no slots are zeros.
CREATE FUNCTION slots_with(slots anyarray, size integer, places integer[], amounts bigint[]) RETURNS anyarray LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF slots IS NULL THEN
        slots := array_fill(0, ARRAY[size]);
    END IF;
    FOR i IN 1 .. cardinality(places) LOOP
        slots[places[i]] := slots[places[i]] + amounts[i];
    END LOOP;
    RETURN slots;
END $$;

-- Each hour's amounts by day as amounts up to and including the day.
CREATE FUNCTION running_by_hour(slots anyarray) RETURNS anyarray LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    FOR place IN 2 .. cardinality(slots) LOOP
        IF place % 31 <> 1 THEN
            slots[place] := slots[place] + slots[place - 1];
        END IF;
    END LOOP;
    RETURN slots;
END $$;

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

CREATE FUNCTION fold_hours() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
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
CREATE TRIGGER fold_hours AFTER DELETE ON statistics_delta REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION fold_hours();

-- The slots equal a recount likewise: told anew, without what is not folded yet, and put where they differ.
CREATE FUNCTION hours_mend() RETURNS bigint LANGUAGE plpgsql
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

-- What waits by the hour of its report, beside statistics_waiting.
CREATE TABLE statistics_waiting_hour (
    community_id    integer NOT NULL,
    hour            integer NOT NULL,
    open            integer NOT NULL,
    overdue         integer NOT NULL,
    open_then       integer NOT NULL,
    overdue_then    integer NOT NULL,
    PRIMARY KEY (community_id, hour)
);
SELECT gate.guard('statistics_waiting_hour', $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$, $$false$$);
REVOKE INSERT, UPDATE, DELETE ON statistics_waiting_hour FROM wangge_app;
CREATE OR REPLACE FUNCTION waiting_fold() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    folded bigint;
    zone text := deployment_time_zone();
    places integer[] := ARRAY(SELECT id FROM area WHERE level = 'community') || 0;
    old timestamptz;
    new timestamptz;
    old_then timestamptz;
    new_then timestamptz;
BEGIN
    IF NOT pg_try_advisory_xact_lock(8420, 20) THEN
        RETURN 0;
    END IF;
    SELECT at, greatest(at, deployment_now()) INTO old, new FROM waiting_moment;
    old_then := old - interval '168 hours';
    new_then := new - interval '168 hours';
    WITH gone AS (
        DELETE FROM waiting_delta RETURNING *
    ), share AS MATERIALIZED (
        SELECT community_id, grid_id, category_id, hour_of(reported_at, zone) AS hour, told.*
          FROM gone, LATERAL waiting_share(sign, is_open, reported_at, closed_at, due_at, old) AS told
        UNION ALL
        SELECT community_id, coalesce(grid_id, 0), category_id, hour_of(reported_at, zone), 0, 1, 0, 0 FROM incident WHERE is_open AND due_at >= old AND due_at < new
        UNION ALL
        SELECT community_id, coalesce(grid_id, 0), category_id, hour_of(reported_at, zone), 0, 0, 1, 0
          FROM incident WHERE reported_at >= old_then AND reported_at < new_then AND (is_open OR closed_at >= new_then)
        UNION ALL
        SELECT community_id, coalesce(grid_id, 0), category_id, hour_of(reported_at, zone), 0, 0, 0, 1
          FROM incident WHERE community_id = ANY (places) AND due_at >= old_then AND due_at < new_then AND (is_open OR closed_at >= new_then)
        UNION ALL
        SELECT community_id, coalesce(grid_id, 0), category_id, hour_of(reported_at, zone), 0, 0,
               -(reported_at < old_then)::integer, -coalesce(due_at < old_then, false)::integer
          FROM incident WHERE community_id = ANY (places) AND closed_at >= old_then AND closed_at < new_then AND NOT is_open
    ), kinds AS (
        INSERT INTO statistics_waiting AS kept
        SELECT community_id, category_id, sum(open), sum(overdue), sum(open_then), sum(overdue_then) FROM share GROUP BY 1, 2
            ON CONFLICT (community_id, category_id) DO UPDATE SET
                open = kept.open + excluded.open, overdue = kept.overdue + excluded.overdue,
                open_then = kept.open_then + excluded.open_then, overdue_then = kept.overdue_then + excluded.overdue_then
    ), hours AS (
        INSERT INTO statistics_waiting_hour AS kept
        SELECT community_id, hour, sum(open), sum(overdue), sum(open_then), sum(overdue_then) FROM share GROUP BY 1, 2
            ON CONFLICT (community_id, hour) DO UPDATE SET
                open = kept.open + excluded.open, overdue = kept.overdue + excluded.overdue,
                open_then = kept.open_then + excluded.open_then, overdue_then = kept.overdue_then + excluded.overdue_then
    ), grids AS (
        INSERT INTO statistics_waiting_grid AS kept
        SELECT community_id, grid_id, sum(open), sum(overdue) FROM share WHERE grid_id > 0 AND (open <> 0 OR overdue <> 0) GROUP BY 1, 2
            ON CONFLICT (community_id, grid_id) DO UPDATE SET open = kept.open + excluded.open, overdue = kept.overdue + excluded.overdue
    ), moved AS (
        UPDATE waiting_moment SET at = new WHERE at <> new
    )
    SELECT count(*) INTO folded FROM gone;
    RETURN folded;
END $$;

CREATE OR REPLACE FUNCTION waiting_mend() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    mended bigint;
    changed bigint;
    moment timestamptz;
    zone text := deployment_time_zone();
BEGIN
    PERFORM pg_advisory_xact_lock(8420, 20);
    IF (SELECT at > deployment_now() FROM waiting_moment) THEN
        -- The deployment's clock was set back: begin anew.
        DELETE FROM statistics_waiting;
        DELETE FROM statistics_waiting_grid;
        DELETE FROM statistics_waiting_hour;
        UPDATE waiting_moment SET at = deployment_now();
    END IF;
    PERFORM waiting_fold();
    SELECT at INTO moment FROM waiting_moment;
    WITH compared AS (
        SELECT community_id, category_id, count(*) FILTER (WHERE is_open) AS open, count(*) FILTER (WHERE is_open AND due_at < moment) AS overdue,
               count(*) FILTER (WHERE reported_at < moment - interval '168 hours') AS open_then,
               count(*) FILTER (WHERE due_at < moment - interval '168 hours') AS overdue_then
          FROM incident WHERE is_open OR closed_at >= moment - interval '168 hours' GROUP BY 1, 2
        UNION ALL
        SELECT community_id, category_id, -open, -overdue, -open_then, -overdue_then FROM statistics_waiting
        UNION ALL
        SELECT community_id, category_id, told.*
          FROM waiting_delta, LATERAL waiting_share(-sign, is_open, reported_at, closed_at, due_at, moment) AS told
    )
    INSERT INTO statistics_waiting AS kept
    SELECT community_id, category_id, sum(open), sum(overdue), sum(open_then), sum(overdue_then)
      FROM compared GROUP BY 1, 2 HAVING (sum(open), sum(overdue), sum(open_then), sum(overdue_then)) <> (0, 0, 0, 0)
        ON CONFLICT (community_id, category_id) DO UPDATE SET
            open = kept.open + excluded.open, overdue = kept.overdue + excluded.overdue,
            open_then = kept.open_then + excluded.open_then, overdue_then = kept.overdue_then + excluded.overdue_then;
    GET DIAGNOSTICS mended = ROW_COUNT;
    WITH compared AS (
        SELECT community_id, hour_of(reported_at, zone) AS hour, count(*) FILTER (WHERE is_open) AS open,
               count(*) FILTER (WHERE is_open AND due_at < moment) AS overdue,
               count(*) FILTER (WHERE reported_at < moment - interval '168 hours') AS open_then,
               count(*) FILTER (WHERE due_at < moment - interval '168 hours') AS overdue_then
          FROM incident WHERE is_open OR closed_at >= moment - interval '168 hours' GROUP BY 1, 2
        UNION ALL
        SELECT community_id, hour, -open, -overdue, -open_then, -overdue_then FROM statistics_waiting_hour
        UNION ALL
        SELECT community_id, hour_of(reported_at, zone), told.*
          FROM waiting_delta, LATERAL waiting_share(-sign, is_open, reported_at, closed_at, due_at, moment) AS told
    )
    INSERT INTO statistics_waiting_hour AS kept
    SELECT community_id, hour, sum(open), sum(overdue), sum(open_then), sum(overdue_then)
      FROM compared GROUP BY 1, 2 HAVING (sum(open), sum(overdue), sum(open_then), sum(overdue_then)) <> (0, 0, 0, 0)
        ON CONFLICT (community_id, hour) DO UPDATE SET
            open = kept.open + excluded.open, overdue = kept.overdue + excluded.overdue,
            open_then = kept.open_then + excluded.open_then, overdue_then = kept.overdue_then + excluded.overdue_then;
    GET DIAGNOSTICS changed = ROW_COUNT;
    mended := mended + changed;
    WITH compared AS (
        SELECT community_id, grid_id, count(*) AS open, count(*) FILTER (WHERE due_at < moment) AS overdue
          FROM incident WHERE is_open AND grid_id IS NOT NULL GROUP BY 1, 2
        UNION ALL
        SELECT community_id, grid_id, -open, -overdue FROM statistics_waiting_grid
        UNION ALL
        SELECT community_id, grid_id, -sign * is_open::integer, -sign * (is_open AND coalesce(due_at < moment, false))::integer
          FROM waiting_delta WHERE grid_id > 0
    )
    INSERT INTO statistics_waiting_grid AS kept
    SELECT community_id, grid_id, sum(open), sum(overdue) FROM compared GROUP BY 1, 2 HAVING (sum(open), sum(overdue)) <> (0, 0)
        ON CONFLICT (community_id, grid_id) DO UPDATE SET open = kept.open + excluded.open, overdue = kept.overdue + excluded.overdue;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN mended + changed;
END $$;

-- Homes of each grid within reach of a service point that works: ten minutes on foot at four kilometres an hour, as the crow flies;
-- a building counts by its middle. Whatever changes buildings or points has the grids around counted again.
CREATE FUNCTION service_circle_m() RETURNS double precision LANGUAGE sql IMMUTABLE AS $$ SELECT 670.0::double precision $$;
CREATE TABLE service_reach (
    community_id    integer NOT NULL,
    grid_id         bigint NOT NULL,
    households      bigint NOT NULL,
    near            bigint NOT NULL,
    PRIMARY KEY (community_id, grid_id)
);
SELECT gate.guard('service_reach', $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('facilities'))$$, $$false$$);
REVOKE INSERT, UPDATE, DELETE ON service_reach FROM wangge_app;

CREATE FUNCTION circle_box(point geometry) RETURNS geometry LANGUAGE sql IMMUTABLE AS $$
    SELECT ST_Expand(point, service_circle_m() / (111320 * cos(radians(ST_Y(point)))), service_circle_m() / 110570)
    $$;
-- The figures of some grids, or of all for NULL. A circle is asked as a box around it, then measured on the sphere.
CREATE FUNCTION reached(grids bigint[]) RETURNS SETOF service_reach LANGUAGE sql STABLE AS $$
    WITH home AS MATERIALIZED (
        SELECT community_id, grid_id, households, ST_Centroid(ST_Envelope(geom)) AS middle
          FROM building
         WHERE grid_id IS NOT NULL AND households > 0 AND (grids IS NULL OR grid_id = ANY (grids))
    ), point AS MATERIALIZED (
        SELECT geom, circle_box(geom) AS box FROM facility WHERE kind = 'service_point' AND status = 'working'
    )
    SELECT community_id, grid_id, sum(households)::bigint,
           coalesce(sum(households) FILTER (WHERE EXISTS (
               SELECT FROM point WHERE box && middle AND ST_DistanceSphere(point.geom, middle) <= service_circle_m())), 0)::bigint
      FROM home GROUP BY community_id, grid_id
    $$;
CREATE FUNCTION reach_again(grids bigint[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM service_reach WHERE grids IS NULL OR grid_id = ANY (grids);
    INSERT INTO service_reach SELECT * FROM reached(grids);
    $$;
CREATE FUNCTION note_reach() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    seen text := CASE TG_TABLE_NAME
        WHEN 'building' THEN 'SELECT id, community_id, grid_id, households, geom FROM %s WHERE households > 0 AND grid_id IS NOT NULL'
        ELSE 'SELECT id, geom FROM %s WHERE kind = ''service_point'' AND status = ''working''' END;
    fresh text := format(seen, 'fresh');
    stale text := format(seen, 'stale');
    change text := CASE TG_OP WHEN 'INSERT' THEN fresh WHEN 'DELETE' THEN stale
        ELSE format('(%1$s EXCEPT %2$s) UNION ALL (%2$s EXCEPT %1$s)', fresh, stale) END;
    differs boolean;
    around bigint[];
BEGIN
    EXECUTE format('SELECT EXISTS (%s)', change) INTO differs;
    IF NOT differs THEN
        RETURN NULL;
    END IF;
    -- Two that change points and homes at once see each other's change only when it is done.
    PERFORM pg_advisory_xact_lock(8420, 21);
    EXECUTE format(CASE TG_TABLE_NAME
        WHEN 'building' THEN 'SELECT array_agg(DISTINCT grid_id) FROM (%s) AS change'
        ELSE 'SELECT array_agg(DISTINCT grid_id) FROM (%s) AS change JOIN building ON building.geom && circle_box(change.geom)' END, change) INTO around;
    IF around IS NOT NULL THEN
        PERFORM reach_again(around);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION note_reach_of_all() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(8420, 21), reach_again(NULL);
    RETURN NULL;
END $$;
DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['building', 'facility'] LOOP
        EXECUTE format('CREATE TRIGGER reach_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION note_reach()', each);
        EXECUTE format('CREATE TRIGGER reach_update AFTER UPDATE ON %I REFERENCING NEW TABLE AS fresh OLD TABLE AS stale FOR EACH STATEMENT EXECUTE FUNCTION note_reach()', each);
        EXECUTE format('CREATE TRIGGER reach_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS stale FOR EACH STATEMENT EXECUTE FUNCTION note_reach()', each);
        EXECUTE format('CREATE TRIGGER reach_truncate AFTER TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION note_reach_of_all()', each);
    END LOOP;
END $$;
CREATE FUNCTION reach_mend() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    differing bigint[];
BEGIN
    PERFORM pg_advisory_xact_lock(8420, 21);
    differing := ARRAY(SELECT grid_id FROM reached(NULL) AS told FULL JOIN service_reach AS kept USING (community_id, grid_id)
                        WHERE (told.households, told.near) IS DISTINCT FROM (kept.households, kept.near));
    PERFORM reach_again(differing);
    RETURN cardinality(differing);
END $$;

CREATE OR REPLACE FUNCTION statistics_mend() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT counts_mend() + slots_mend() + hours_mend() + waiting_mend() + reach_mend()
    $$;

-- Counted once here for a deployment that has incidents.
SELECT hours_mend() + waiting_mend() + reach_mend();
REVOKE ALL ON FUNCTION hours_mend(), reach_mend(), reach_again(bigint[]) FROM PUBLIC;
