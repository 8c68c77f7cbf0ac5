-- Panels that cost the same however many incidents a ground has: reported by day within the months that were kept already,
-- hours of each community's days, measures of each category of the whole ground, and what is open now and was open a week ago.

-- Slots of a day or a month as an array: `tally` adds up amounts by slot, `running` makes "up to and including" of it.
CREATE FUNCTION slot_added(slots bigint[], slot integer, amount bigint, size integer) RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    slots := coalesce(slots, array_fill(0::bigint, ARRAY[size]));
    slots[slot] := slots[slot] + amount;
    RETURN slots;
END $$;
CREATE AGGREGATE tally(integer, bigint, integer) (SFUNC = slot_added, STYPE = bigint[]);
CREATE FUNCTION running(slots bigint[]) RETURNS integer[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(total ORDER BY slot)
      FROM (SELECT slot, sum(number) OVER (ORDER BY slot)::integer AS total FROM unnest(slots) WITH ORDINALITY AS each (number, slot)) AS totals
    $$;
CREATE FUNCTION slots_sum(one integer[], other integer[]) RETURNS integer[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY(SELECT a + b FROM unnest(one, other) WITH ORDINALITY AS pair (a, b, slot) ORDER BY slot)
    $$;
-- What was reported from a day to before another, of a month's running counts; inlined into the statements that ask.
CREATE FUNCTION between_days(until integer[], month date, first date, after date) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT until[least(after - month, 31)] - CASE WHEN first > month THEN until[first - month] ELSE 0 END
    $$;

ALTER TABLE statistics_grid_month
    ADD COLUMN until integer[] NOT NULL DEFAULT array_fill(0, ARRAY[31]) CHECK (cardinality(until) = 31);
ALTER TABLE statistics_month
    ADD COLUMN until integer[] NOT NULL DEFAULT array_fill(0, ARRAY[31]) CHECK (cardinality(until) = 31);
CREATE TABLE statistics_hour (
    community_id    integer NOT NULL,
    day             date NOT NULL,
    hours           integer[] NOT NULL CHECK (cardinality(hours) = 24),
    PRIMARY KEY (community_id, day)
);
-- The whole ground by category: the measures of statistics_day beside the hours that statistics_ground_day holds.
CREATE TABLE statistics_ground_category (
    category_id     integer NOT NULL,
    day             date NOT NULL,
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
    due_on_time     bigint NOT NULL,
    PRIMARY KEY (day, category_id)
);

-- Deltas that leave are folded here too, by whatever takes them away; `statistics_fold` need not know.
CREATE FUNCTION fold_slots() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO statistics_hour AS kept
    SELECT community_id, day, tally(hour + 1, reported, 24) FROM gone WHERE reported <> 0 GROUP BY 1, 2
        ON CONFLICT (community_id, day) DO UPDATE SET hours = slots_sum(kept.hours, excluded.hours);
    INSERT INTO statistics_month AS kept (community_id, category_id, month, reported, filed, ended, closed, on_spot, closed_in_grid,
           closed_in_community, closed_late, handled_s, due, due_closed, due_on_time, hours, until)
    SELECT community_id, category_id, date_trunc('month', day)::date, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, array_fill(0, ARRAY[24]),
           running(tally(extract(day FROM day)::integer, reported, 31))
      FROM gone WHERE reported <> 0 GROUP BY 1, 2, 3
        ON CONFLICT (community_id, category_id, month) DO UPDATE SET until = slots_sum(kept.until, excluded.until);
    INSERT INTO statistics_grid_month AS kept (grid_id, month, community_id, reported, until)
    SELECT grid_id, date_trunc('month', day)::date, community_id, 0, running(tally(extract(day FROM day)::integer, reported, 31))
      FROM gone WHERE reported <> 0 AND grid_id > 0 GROUP BY 1, 2, 3
        ON CONFLICT (community_id, month, grid_id) DO UPDATE SET until = slots_sum(kept.until, excluded.until);
    INSERT INTO statistics_ground_category AS kept
    SELECT category_id, day, sum(reported), sum(filed), sum(ended), sum(closed), sum(on_spot), sum(closed_in_grid), sum(closed_in_community),
           sum(closed_late), sum(handled_s), sum(due), sum(due_closed), sum(due_on_time)
      FROM gone GROUP BY 1, 2
        ON CONFLICT (day, category_id) DO UPDATE SET
            reported = kept.reported + excluded.reported, filed = kept.filed + excluded.filed, ended = kept.ended + excluded.ended,
            closed = kept.closed + excluded.closed, on_spot = kept.on_spot + excluded.on_spot,
            closed_in_grid = kept.closed_in_grid + excluded.closed_in_grid,
            closed_in_community = kept.closed_in_community + excluded.closed_in_community,
            closed_late = kept.closed_late + excluded.closed_late, handled_s = kept.handled_s + excluded.handled_s,
            due = kept.due + excluded.due, due_closed = kept.due_closed + excluded.due_closed,
            due_on_time = kept.due_on_time + excluded.due_on_time;
    RETURN NULL;
END $$;
CREATE TRIGGER fold_slots AFTER DELETE ON statistics_delta REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION fold_slots();

-- What is open and late, kept as of one moment that each fold moves on; and what was a week before that moment, told from
-- what still waits and what has ended since. Reads add what fell due after the moment, a few seconds' worth.
CREATE TABLE waiting_moment (
    only_one    boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    at          timestamptz NOT NULL
);
INSERT INTO waiting_moment (at) VALUES (deployment_now());
CREATE TABLE statistics_waiting (
    community_id    integer NOT NULL,
    category_id     integer NOT NULL,
    open            integer NOT NULL,
    overdue         integer NOT NULL,
    open_then       integer NOT NULL,
    overdue_then    integer NOT NULL,
    PRIMARY KEY (community_id, category_id)
);
CREATE TABLE statistics_waiting_grid (
    community_id    integer NOT NULL,
    grid_id         bigint NOT NULL,
    open            integer NOT NULL,
    overdue         integer NOT NULL,
    PRIMARY KEY (community_id, grid_id)
);
CREATE TABLE waiting_delta (
    sign            smallint NOT NULL,
    community_id    integer NOT NULL,
    grid_id         bigint NOT NULL,            -- 0 for none
    category_id     integer NOT NULL,
    is_open         boolean NOT NULL,
    reported_at     timestamptz NOT NULL,
    closed_at       timestamptz,
    due_at          timestamptz
);

-- What one incident adds to what waits, as of a moment. Inlined.
CREATE FUNCTION waiting_share(sign integer, is_open boolean, reported_at timestamptz, closed_at timestamptz, due_at timestamptz, at timestamptz)
    RETURNS TABLE (open integer, overdue integer, open_then integer, overdue_then integer) LANGUAGE sql IMMUTABLE AS $$
    SELECT sign * is_open::integer, sign * (is_open AND coalesce(due_at < at, false))::integer,
           sign * (reported_at < at - interval '168 hours' AND coalesce(is_open OR closed_at >= at - interval '168 hours', false))::integer,
           sign * coalesce(due_at < at - interval '168 hours' AND (is_open OR closed_at >= at - interval '168 hours'), false)::integer
    $$;

CREATE FUNCTION note_waiting() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    -- What ended before counts nowhere: the moment never goes back.
    since timestamptz := (SELECT at - interval '168 hours' FROM waiting_moment);
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO waiting_delta
        SELECT 1, community_id, coalesce(grid_id, 0), category_id, is_open, reported_at, closed_at, due_at
          FROM fresh WHERE is_open OR closed_at >= since;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO waiting_delta
        SELECT -1, community_id, coalesce(grid_id, 0), category_id, is_open, reported_at, closed_at, due_at
          FROM stale WHERE is_open OR closed_at >= since;
    ELSE
        INSERT INTO waiting_delta
        SELECT sum(sign), community_id, grid_id, category_id, is_open, reported_at, closed_at, due_at
          FROM (SELECT 1 AS sign, community_id, coalesce(grid_id, 0) AS grid_id, category_id, is_open, reported_at, closed_at, due_at
                  FROM fresh WHERE is_open OR closed_at >= since
                UNION ALL
                SELECT -1, community_id, coalesce(grid_id, 0), category_id, is_open, reported_at, closed_at, due_at
                  FROM stale WHERE is_open OR closed_at >= since) AS change
         GROUP BY 2, 3, 4, 5, 6, 7, 8 HAVING sum(sign) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER wait_insert AFTER INSERT ON incident REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION note_waiting();
CREATE TRIGGER wait_update AFTER UPDATE ON incident REFERENCING NEW TABLE AS fresh OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION note_waiting();
CREATE TRIGGER wait_delete AFTER DELETE ON incident REFERENCING OLD TABLE AS stale FOR EACH STATEMENT EXECUTE FUNCTION note_waiting();

-- Open incidents by their deadline and by their report, whatever community: there are few, and lists ask for them in these orders.
DROP INDEX incident_open;
CREATE INDEX incident_open ON incident (due_at) INCLUDE (community_id, grid_id, category_id, reported_at) WHERE is_open;
CREATE INDEX incident_open_newest ON incident (reported_at) INCLUDE (community_id, category_id, state, due_at) WHERE is_open;

-- Folds what has gathered and moves the moment on; in one statement, so that all of it is of one snapshot.
CREATE FUNCTION waiting_fold() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    folded bigint;
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
        SELECT community_id, grid_id, category_id, told.*
          FROM gone, LATERAL waiting_share(sign, is_open, reported_at, closed_at, due_at, old) AS told
        UNION ALL
        SELECT community_id, coalesce(grid_id, 0), category_id, 0, 1, 0, 0 FROM incident WHERE is_open AND due_at >= old AND due_at < new
        UNION ALL
        SELECT community_id, coalesce(grid_id, 0), category_id, 0, 0, 1, 0
          FROM incident WHERE reported_at >= old_then AND reported_at < new_then AND (is_open OR closed_at >= new_then)
        UNION ALL
        SELECT community_id, coalesce(grid_id, 0), category_id, 0, 0, 0, 1
          FROM incident WHERE community_id = ANY (places) AND due_at >= old_then AND due_at < new_then AND (is_open OR closed_at >= new_then)
        UNION ALL
        SELECT community_id, coalesce(grid_id, 0), category_id, 0, 0, -(reported_at < old_then)::integer, -coalesce(due_at < old_then, false)::integer
          FROM incident WHERE community_id = ANY (places) AND closed_at >= old_then AND closed_at < new_then AND NOT is_open
    ), kinds AS (
        INSERT INTO statistics_waiting AS kept
        SELECT community_id, category_id, sum(open), sum(overdue), sum(open_then), sum(overdue_then) FROM share GROUP BY 1, 2
            ON CONFLICT (community_id, category_id) DO UPDATE SET
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

-- Makes what waits equal a recount as of now, in the way of statistics_mend; returns the cells that differed.
CREATE FUNCTION waiting_mend() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    mended bigint;
    changed bigint;
    moment timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(8420, 20);
    IF (SELECT at > deployment_now() FROM waiting_moment) THEN
        -- The deployment's clock was set back: begin anew.
        DELETE FROM statistics_waiting;
        DELETE FROM statistics_waiting_grid;
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

-- The slots equal a recount likewise.
CREATE FUNCTION slots_mend() RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public SET work_mem = '256MB' SET TimeZone = 'UTC' AS $$
DECLARE
    mended bigint;
    changed bigint;
BEGIN
    PERFORM set_config('TimeZone', deployment_time_zone(), true);
    WITH compared (community_id, day, hour, number) AS (
        SELECT community_id, reported_at::date, date_part('hour', reported_at)::integer, count(*) FROM incident GROUP BY 1, 2, 3
        UNION ALL
        SELECT community_id, day, (slot - 1)::integer, -number
          FROM statistics_hour, unnest(hours) WITH ORDINALITY AS each (number, slot) WHERE number <> 0
        UNION ALL
        SELECT community_id, day, hour, -reported FROM statistics_delta WHERE reported <> 0
    ), differing AS (
        SELECT community_id, day, hour, sum(number)::bigint AS number FROM compared GROUP BY 1, 2, 3 HAVING sum(number) <> 0
    )
    INSERT INTO statistics_hour AS kept
    SELECT community_id, day, tally(hour + 1, number, 24) FROM differing GROUP BY 1, 2
        ON CONFLICT (community_id, day) DO UPDATE SET hours = slots_sum(kept.hours, excluded.hours);
    GET DIAGNOSTICS mended = ROW_COUNT;

    WITH compared (community_id, category_id, month, day, number) AS (
        SELECT community_id, category_id, date_trunc('month', day)::date, extract(day FROM day)::integer, number
          FROM (SELECT community_id, category_id, reported_at::date AS day, count(*) AS number FROM incident GROUP BY 1, 2, 3
                UNION ALL
                SELECT community_id, category_id, day, -reported FROM statistics_delta WHERE reported <> 0) AS counted
        UNION ALL
        SELECT community_id, category_id, month, day, coalesce(until[day - 1], 0) - until[day]
          FROM statistics_month, generate_series(1, 31) AS day WHERE until[day] <> coalesce(until[day - 1], 0)
    ), differing AS (
        SELECT community_id, category_id, month, day, sum(number)::bigint AS number FROM compared GROUP BY 1, 2, 3, 4 HAVING sum(number) <> 0
    )
    INSERT INTO statistics_month AS kept (community_id, category_id, month, reported, filed, ended, closed, on_spot, closed_in_grid,
           closed_in_community, closed_late, handled_s, due, due_closed, due_on_time, hours, until)
    SELECT community_id, category_id, month, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, array_fill(0, ARRAY[24]), running(tally(day, number, 31))
      FROM differing GROUP BY 1, 2, 3
        ON CONFLICT (community_id, category_id, month) DO UPDATE SET until = slots_sum(kept.until, excluded.until);
    GET DIAGNOSTICS changed = ROW_COUNT;
    mended := mended + changed;

    WITH compared (community_id, grid_id, month, day, number) AS (
        SELECT community_id, grid_id, date_trunc('month', day)::date, extract(day FROM day)::integer, number
          FROM (SELECT community_id, grid_id, reported_at::date AS day, count(*) AS number
                  FROM incident WHERE grid_id IS NOT NULL GROUP BY 1, 2, 3
                UNION ALL
                SELECT community_id, grid_id, day, -reported FROM statistics_delta WHERE reported <> 0 AND grid_id > 0) AS counted
        UNION ALL
        SELECT community_id, grid_id, month, day, coalesce(until[day - 1], 0) - until[day]
          FROM statistics_grid_month, generate_series(1, 31) AS day WHERE until[day] <> coalesce(until[day - 1], 0)
    ), differing AS (
        SELECT community_id, grid_id, month, day, sum(number)::bigint AS number FROM compared GROUP BY 1, 2, 3, 4 HAVING sum(number) <> 0
    )
    INSERT INTO statistics_grid_month AS kept (grid_id, month, community_id, reported, until)
    SELECT grid_id, month, community_id, 0, running(tally(day, number, 31)) FROM differing GROUP BY 1, 2, 3
        ON CONFLICT (community_id, month, grid_id) DO UPDATE SET until = slots_sum(kept.until, excluded.until);
    GET DIAGNOSTICS changed = ROW_COUNT;
    mended := mended + changed;

    WITH compared (category_id, day,
                   reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s, due, due_closed,
                   due_on_time) AS (
        SELECT category_id, reported_at::date, count(*), count(filed_at), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM incident GROUP BY 1, 2
        UNION ALL
        SELECT category_id, closed_at::date,
               0, 0, count(*), count(*) FILTER (WHERE good), count(*) FILTER (WHERE good AND on_spot),
               count(*) FILTER (WHERE good AND level = 'grid'), count(*) FILTER (WHERE good AND level IN ('grid', 'community')),
               count(*) FILTER (WHERE good AND closed_at > due_at),
               coalesce(sum(greatest(date_part('epoch', closed_at - reported_at)::bigint - suspended_s, 0)) FILTER (WHERE good), 0),
               0, 0, 0
          FROM (SELECT *, state = 'closed' AND duplicate_of IS NULL AS good FROM incident WHERE closed_at IS NOT NULL) AS ended
         GROUP BY 1, 2
        UNION ALL
        SELECT category_id, due_at::date, 0, 0, 0, 0, 0, 0, 0, 0, 0, count(*), count(*) FILTER (WHERE state = 'closed'),
               count(*) FILTER (WHERE state = 'closed' AND closed_at <= due_at)
          FROM incident WHERE due_at IS NOT NULL AND duplicate_of IS NULL AND state NOT IN ('not_filed', 'suspended')
         GROUP BY 1, 2
        UNION ALL
        SELECT category_id, day, -reported, -filed, -ended, -closed, -on_spot, -closed_in_grid, -closed_in_community, -closed_late, -handled_s,
               -due, -due_closed, -due_on_time FROM statistics_ground_category
        UNION ALL
        SELECT category_id, day, -reported, -filed, -ended, -closed, -on_spot, -closed_in_grid, -closed_in_community, -closed_late, -handled_s,
               -due, -due_closed, -due_on_time FROM statistics_delta
    )
    INSERT INTO statistics_ground_category AS kept
    SELECT category_id, day, sum(reported), sum(filed), sum(ended), sum(closed), sum(on_spot), sum(closed_in_grid), sum(closed_in_community),
           sum(closed_late), sum(handled_s), sum(due), sum(due_closed), sum(due_on_time)
      FROM compared GROUP BY 1, 2
    HAVING (sum(reported), sum(filed), sum(ended), sum(closed), sum(on_spot), sum(closed_in_grid), sum(closed_in_community),
            sum(closed_late), sum(handled_s), sum(due), sum(due_closed), sum(due_on_time))
           <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        ON CONFLICT (day, category_id) DO UPDATE SET
            reported = kept.reported + excluded.reported, filed = kept.filed + excluded.filed, ended = kept.ended + excluded.ended,
            closed = kept.closed + excluded.closed, on_spot = kept.on_spot + excluded.on_spot,
            closed_in_grid = kept.closed_in_grid + excluded.closed_in_grid,
            closed_in_community = kept.closed_in_community + excluded.closed_in_community,
            closed_late = kept.closed_late + excluded.closed_late, handled_s = kept.handled_s + excluded.handled_s,
            due = kept.due + excluded.due, due_closed = kept.due_closed + excluded.due_closed,
            due_on_time = kept.due_on_time + excluded.due_on_time;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN mended + changed;
END $$;

ALTER FUNCTION statistics_mend() RENAME TO counts_mend;
CREATE FUNCTION statistics_mend() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT counts_mend() + slots_mend() + waiting_mend()
    $$;

-- Counted once here for a deployment that has incidents.
SELECT pg_advisory_xact_lock(8420, 8), slots_mend() + waiting_mend();

SELECT gate.guard('statistics_hour',         $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$, $$false$$);
SELECT gate.guard('statistics_waiting',      $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$, $$false$$);
SELECT gate.guard('statistics_waiting_grid', $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$, $$false$$);
SELECT gate.guard('waiting_delta',           $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$, $$false$$);
SELECT gate.guard('statistics_ground_category', $$lower_inf((SELECT gate.scope())) AND upper_inf((SELECT gate.scope())) AND (SELECT gate.may('statistics'))$$, $$false$$);
SELECT gate.guard('waiting_moment',          $$(SELECT gate.person_id()) IS NOT NULL$$, $$false$$);
REVOKE INSERT, UPDATE, DELETE ON statistics_hour, statistics_waiting, statistics_waiting_grid, waiting_delta, statistics_ground_category,
    waiting_moment FROM wangge_app;
REVOKE ALL ON FUNCTION waiting_fold(), waiting_mend(), slots_mend(), statistics_mend() FROM PUBLIC;
