-- Statistics that panels read: rollups fed by insert-only deltas in the transaction of each change, folded by the worker.
-- Reads are rollup + deltas, so no reader waits for a fold and no writer for another writer's counter.

ALTER TABLE incident
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN suspended_until timestamptz,
    ADD COLUMN suspended_due_at timestamptz,    -- the deadline at that moment; due_at is empty while the clock stands
    ADD COLUMN suspended_s bigint NOT NULL DEFAULT 0 CHECK (suspended_s >= 0),
    ADD COLUMN extensions smallint NOT NULL DEFAULT 0 CHECK (extensions BETWEEN 0 AND 2);

-- Row-level security asks for community_id, so an index that lacks it is never read alone. Within a year the heap lies in
-- Morton order, which makes a BRIN of times useless; incident_recent serves questions by time.
DROP INDEX incident_grid_time, incident_community_time, incident_time, incident_open;
CREATE INDEX incident_grid_time ON incident (grid_id, reported_at) INCLUDE (community_id, category_id, state, due_at);
CREATE INDEX incident_community_time ON incident (community_id, reported_at) INCLUDE (grid_id, category_id, filed_at);
CREATE INDEX incident_open ON incident (community_id, due_at) INCLUDE (grid_id, category_id, reported_at) WHERE is_open;
CREATE INDEX incident_due ON incident (community_id, due_at) INCLUDE (category_id, state, closed_at, duplicate_of) WHERE due_at IS NOT NULL;
CREATE INDEX incident_closed ON incident (community_id, closed_at) INCLUDE (category_id, reported_at, due_at, state, level, on_spot, duplicate_of, suspended_s) WHERE closed_at IS NOT NULL;

CREATE FUNCTION deployment_time_zone() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce((SELECT value #>> '{}' FROM deployment WHERE key = 'timezone'), 'Asia/Shanghai')
    $$;
-- The moment statistics call now: the clock, unless a demonstration keeps its own.
CREATE FUNCTION deployment_now() RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce((SELECT (value #>> '{}')::timestamptz FROM deployment WHERE key = 'now'), now())
    $$;

CREATE TABLE statistics_delta (
    community_id    integer NOT NULL,
    grid_id         bigint NOT NULL,            -- 0 for none
    category_id     integer NOT NULL,
    day             date NOT NULL,
    hour            smallint NOT NULL,
    reported        integer NOT NULL,
    filed           integer NOT NULL,
    ended           integer NOT NULL,
    closed          integer NOT NULL,
    on_spot         integer NOT NULL,
    closed_in_grid  integer NOT NULL,
    closed_in_community integer NOT NULL,
    closed_late     integer NOT NULL,
    handled_s       bigint NOT NULL,
    due             integer NOT NULL,
    due_closed      integer NOT NULL,
    due_on_time     integer NOT NULL
);

-- Days and months are the deployment's. By day all categories together, by month each category: a cell a category a day
-- would be as many cells as incidents. Category by day is read from incident_community_time, incident_closed and incident_due.
CREATE TABLE statistics_day (
    community_id    integer NOT NULL,
    day             date NOT NULL,
    reported        integer NOT NULL,
    filed           integer NOT NULL,
    ended           integer NOT NULL,
    closed          integer NOT NULL,
    on_spot         integer NOT NULL,
    closed_in_grid  integer NOT NULL,
    closed_in_community integer NOT NULL,
    closed_late     integer NOT NULL,
    handled_s       bigint NOT NULL,
    due             integer NOT NULL,
    due_closed      integer NOT NULL,
    due_on_time     integer NOT NULL,
    PRIMARY KEY (community_id, day)
);
CREATE TABLE statistics_month (
    community_id    integer NOT NULL,
    category_id     integer NOT NULL,
    month           date NOT NULL,
    reported        integer NOT NULL,
    filed           integer NOT NULL,
    ended           integer NOT NULL,
    closed          integer NOT NULL,
    on_spot         integer NOT NULL,
    closed_in_grid  integer NOT NULL,
    closed_in_community integer NOT NULL,
    closed_late     integer NOT NULL,
    handled_s       bigint NOT NULL,
    due             integer NOT NULL,
    due_closed      integer NOT NULL,
    due_on_time     integer NOT NULL,
    hours           integer[] NOT NULL CHECK (cardinality(hours) = 24),
    PRIMARY KEY (community_id, category_id, month)
);
CREATE TABLE statistics_grid_month (
    grid_id         bigint NOT NULL,
    month           date NOT NULL,
    community_id    integer NOT NULL,
    reported        integer NOT NULL,
    PRIMARY KEY (community_id, month, grid_id)
);

-- The whole ground by day and category, for those who see all of it: what bars and hours show at once. Smaller scopes count.
CREATE TABLE statistics_ground_day (
    category_id     integer NOT NULL,
    day             date NOT NULL,
    hours           integer[] NOT NULL CHECK (cardinality(hours) = 24),
    PRIMARY KEY (day, category_id)
);

-- What one incident adds: a row on the day it was reported, one on the day it ended, one on the day it was due.
-- Ended is closed, declined or merged; closed is closed alone.
-- Due leaves out what is void, merged or suspended. All of it is inlined into the statements that ask.
CREATE FUNCTION incident_shares(
        community_id integer, grid_id bigint, category_id integer, state text, level text, on_spot boolean, duplicate_of bigint,
        reported_at timestamptz, filed_at timestamptz, closed_at timestamptz, due_at timestamptz, suspended_s bigint, zone text)
    RETURNS SETOF statistics_delta LANGUAGE sql IMMUTABLE AS $$
    SELECT community_id, coalesce(grid_id, 0), category_id, (reported_at AT TIME ZONE zone)::date,
           extract(hour FROM reported_at AT TIME ZONE zone)::smallint,
           1, (filed_at IS NOT NULL)::integer, 0, 0, 0, 0, 0, 0, 0::bigint, 0, 0, 0
    UNION ALL
    SELECT community_id, 0::bigint, category_id, (closed_at AT TIME ZONE zone)::date, 0::smallint,
           0, 0, 1, counts.closed, counts.closed * on_spot::integer, counts.closed * (level = 'grid')::integer,
           counts.closed * (level IN ('grid', 'community'))::integer, counts.closed * coalesce(closed_at > due_at, false)::integer,
           counts.closed * greatest(extract(epoch FROM closed_at - reported_at)::bigint - suspended_s, 0), 0, 0, 0
      FROM (SELECT (state = 'closed' AND duplicate_of IS NULL)::integer AS closed) AS counts
     WHERE closed_at IS NOT NULL
    UNION ALL
    SELECT community_id, 0::bigint, category_id, (due_at AT TIME ZONE zone)::date, 0::smallint,
           0, 0, 0, 0, 0, 0, 0, 0, 0::bigint, 1, (state = 'closed')::integer, coalesce(state = 'closed' AND closed_at <= due_at, false)::integer
     WHERE due_at IS NOT NULL AND duplicate_of IS NULL AND state NOT IN ('not_filed', 'suspended')
    $$;

CREATE FUNCTION note_shares_new() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO statistics_delta
    SELECT share.* FROM fresh AS i, LATERAL incident_shares(
        i.community_id, i.grid_id, i.category_id, i.state, i.level, i.on_spot, i.duplicate_of, i.reported_at, i.filed_at, i.closed_at,
        i.due_at, i.suspended_s, deployment_time_zone()) AS share;
    RETURN NULL;
END $$;
CREATE FUNCTION note_shares_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    zone text := deployment_time_zone();
BEGIN
    INSERT INTO statistics_delta
    SELECT community_id, grid_id, category_id, day, hour, sum(sign * reported), sum(sign * filed), sum(sign * ended), sum(sign * closed),
           sum(sign * on_spot), sum(sign * closed_in_grid), sum(sign * closed_in_community), sum(sign * closed_late), sum(sign * handled_s),
           sum(sign * due), sum(sign * due_closed), sum(sign * due_on_time)
      FROM (SELECT 1 AS sign, share.* FROM fresh AS i, LATERAL incident_shares(
                i.community_id, i.grid_id, i.category_id, i.state, i.level, i.on_spot, i.duplicate_of, i.reported_at, i.filed_at,
                i.closed_at, i.due_at, i.suspended_s, zone) AS share
            UNION ALL
            SELECT -1, share.* FROM stale AS i, LATERAL incident_shares(
                i.community_id, i.grid_id, i.category_id, i.state, i.level, i.on_spot, i.duplicate_of, i.reported_at, i.filed_at,
                i.closed_at, i.due_at, i.suspended_s, zone) AS share) AS change
     GROUP BY community_id, grid_id, category_id, day, hour
    HAVING (sum(sign * reported), sum(sign * filed), sum(sign * ended), sum(sign * closed), sum(sign * on_spot),
            sum(sign * closed_in_grid), sum(sign * closed_in_community), sum(sign * closed_late), sum(sign * handled_s), sum(sign * due), sum(sign * due_closed),
            sum(sign * due_on_time)) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    RETURN NULL;
END $$;
CREATE FUNCTION note_shares_old() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO statistics_delta
    SELECT share.community_id, share.grid_id, share.category_id, day, hour, -reported, -filed, -ended, -closed, -share.on_spot, -closed_in_grid,
           -closed_in_community, -closed_late, -handled_s, -due, -due_closed, -due_on_time
      FROM stale AS i, LATERAL incident_shares(
        i.community_id, i.grid_id, i.category_id, i.state, i.level, i.on_spot, i.duplicate_of, i.reported_at, i.filed_at, i.closed_at,
        i.due_at, i.suspended_s, deployment_time_zone()) AS share;
    RETURN NULL;
END $$;
CREATE TRIGGER note_insert AFTER INSERT ON incident REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION note_shares_new();
CREATE TRIGGER note_update AFTER UPDATE ON incident REFERENCING NEW TABLE AS fresh OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION note_shares_changed();
CREATE TRIGGER note_delete AFTER DELETE ON incident REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION note_shares_old();

-- Folds what has gathered; nothing when another fold is at work. Returns the deltas folded.
CREATE FUNCTION statistics_fold() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    folded bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(8420, 8) THEN
        RETURN 0;
    END IF;
    WITH gone AS (
        DELETE FROM statistics_delta RETURNING *, date_trunc('month', day)::date AS month
    ), days AS (
        INSERT INTO statistics_day AS kept
        SELECT community_id, day,
               sum(reported), sum(filed), sum(ended), sum(closed), sum(on_spot), sum(closed_in_grid), sum(closed_in_community),
               sum(closed_late), sum(handled_s), sum(due), sum(due_closed), sum(due_on_time)
          FROM gone GROUP BY 1, 2
        ON CONFLICT (community_id, day) DO UPDATE SET
            reported = kept.reported + excluded.reported, filed = kept.filed + excluded.filed, ended = kept.ended + excluded.ended,
            closed = kept.closed + excluded.closed, on_spot = kept.on_spot + excluded.on_spot,
            closed_in_grid = kept.closed_in_grid + excluded.closed_in_grid,
            closed_in_community = kept.closed_in_community + excluded.closed_in_community,
            closed_late = kept.closed_late + excluded.closed_late, handled_s = kept.handled_s + excluded.handled_s,
            due = kept.due + excluded.due, due_closed = kept.due_closed + excluded.due_closed,
            due_on_time = kept.due_on_time + excluded.due_on_time
    ), months AS (
        INSERT INTO statistics_month AS kept
        SELECT community_id, category_id, month,
               sum(reported), sum(filed), sum(ended), sum(closed), sum(on_spot), sum(closed_in_grid), sum(closed_in_community),
               sum(closed_late), sum(handled_s), sum(due), sum(due_closed), sum(due_on_time), ARRAY[
               coalesce(sum(reported) FILTER (WHERE hour = 0), 0), coalesce(sum(reported) FILTER (WHERE hour = 1), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 2), 0), coalesce(sum(reported) FILTER (WHERE hour = 3), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 4), 0), coalesce(sum(reported) FILTER (WHERE hour = 5), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 6), 0), coalesce(sum(reported) FILTER (WHERE hour = 7), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 8), 0), coalesce(sum(reported) FILTER (WHERE hour = 9), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 10), 0), coalesce(sum(reported) FILTER (WHERE hour = 11), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 12), 0), coalesce(sum(reported) FILTER (WHERE hour = 13), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 14), 0), coalesce(sum(reported) FILTER (WHERE hour = 15), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 16), 0), coalesce(sum(reported) FILTER (WHERE hour = 17), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 18), 0), coalesce(sum(reported) FILTER (WHERE hour = 19), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 20), 0), coalesce(sum(reported) FILTER (WHERE hour = 21), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 22), 0), coalesce(sum(reported) FILTER (WHERE hour = 23), 0)]
          FROM gone GROUP BY 1, 2, 3
        ON CONFLICT (community_id, category_id, month) DO UPDATE SET
            reported = kept.reported + excluded.reported, filed = kept.filed + excluded.filed, ended = kept.ended + excluded.ended,
            closed = kept.closed + excluded.closed, on_spot = kept.on_spot + excluded.on_spot,
            closed_in_grid = kept.closed_in_grid + excluded.closed_in_grid,
            closed_in_community = kept.closed_in_community + excluded.closed_in_community,
            closed_late = kept.closed_late + excluded.closed_late, handled_s = kept.handled_s + excluded.handled_s,
            due = kept.due + excluded.due, due_closed = kept.due_closed + excluded.due_closed,
            due_on_time = kept.due_on_time + excluded.due_on_time,
            hours = ARRAY(SELECT a + b FROM unnest(kept.hours, excluded.hours) WITH ORDINALITY AS pair (a, b, n) ORDER BY n)
    ), grids AS (
        INSERT INTO statistics_grid_month AS kept
        SELECT grid_id, month, community_id, sum(reported)
          FROM gone WHERE reported <> 0 AND grid_id > 0 GROUP BY 1, 2, 3
        ON CONFLICT (community_id, month, grid_id) DO UPDATE SET reported = kept.reported + excluded.reported
    ), ground AS (
        INSERT INTO statistics_ground_day AS kept
        SELECT category_id, day, ARRAY[
               coalesce(sum(reported) FILTER (WHERE hour = 0), 0), coalesce(sum(reported) FILTER (WHERE hour = 1), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 2), 0), coalesce(sum(reported) FILTER (WHERE hour = 3), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 4), 0), coalesce(sum(reported) FILTER (WHERE hour = 5), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 6), 0), coalesce(sum(reported) FILTER (WHERE hour = 7), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 8), 0), coalesce(sum(reported) FILTER (WHERE hour = 9), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 10), 0), coalesce(sum(reported) FILTER (WHERE hour = 11), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 12), 0), coalesce(sum(reported) FILTER (WHERE hour = 13), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 14), 0), coalesce(sum(reported) FILTER (WHERE hour = 15), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 16), 0), coalesce(sum(reported) FILTER (WHERE hour = 17), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 18), 0), coalesce(sum(reported) FILTER (WHERE hour = 19), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 20), 0), coalesce(sum(reported) FILTER (WHERE hour = 21), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 22), 0), coalesce(sum(reported) FILTER (WHERE hour = 23), 0)]
          FROM gone WHERE reported <> 0 GROUP BY 1, 2
        ON CONFLICT (day, category_id) DO UPDATE SET
            hours = ARRAY(SELECT a + b FROM unnest(kept.hours, excluded.hours) WITH ORDINALITY AS pair (a, b, n) ORDER BY n)
    )
    SELECT count(*) INTO folded FROM gone;
    RETURN folded;
END $$;

-- Makes the rollups equal a recount, beside writers: each statement compares, in one snapshot, the incidents with what
-- rollup and deltas say, and adds the difference. Returns the cells that differed. For bulk loads, and as the test of the rest:
-- it counts in its own words.
CREATE FUNCTION statistics_mend() RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public SET work_mem = '256MB' SET TimeZone = 'UTC' AS $$
DECLARE
    mended bigint;
    changed bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(8420, 8);
    -- Days and hours in the zone of the session cost a quarter of naming it for each row; it ends with this function.
    PERFORM set_config('TimeZone', deployment_time_zone(), true);
    WITH compared (community_id, day,
                   reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s, due, due_closed,
                   due_on_time) AS (
        SELECT community_id, reported_at::date,
               count(*), count(filed_at), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
          FROM incident GROUP BY 1, 2
        UNION ALL
        SELECT community_id, closed_at::date,
               0, 0, count(*), count(*) FILTER (WHERE good), count(*) FILTER (WHERE good AND on_spot),
               count(*) FILTER (WHERE good AND level = 'grid'), count(*) FILTER (WHERE good AND level IN ('grid', 'community')),
               count(*) FILTER (WHERE good AND closed_at > due_at),
               coalesce(sum(greatest(date_part('epoch', closed_at - reported_at)::bigint - suspended_s, 0)) FILTER (WHERE good), 0),
               0, 0, 0
          FROM (SELECT *, state = 'closed' AND duplicate_of IS NULL AS good FROM incident WHERE closed_at IS NOT NULL) AS ended
         GROUP BY 1, 2
        UNION ALL
        SELECT community_id, due_at::date,
               0, 0, 0, 0, 0, 0, 0, 0, 0, count(*), count(*) FILTER (WHERE state = 'closed'),
               count(*) FILTER (WHERE state = 'closed' AND closed_at <= due_at)
          FROM incident WHERE due_at IS NOT NULL AND duplicate_of IS NULL AND state NOT IN ('not_filed', 'suspended')
         GROUP BY 1, 2
        UNION ALL
        SELECT community_id, day,
               -reported, -filed, -ended, -closed, -on_spot, -closed_in_grid, -closed_in_community, -closed_late, -handled_s, -due,
               -due_closed, -due_on_time FROM statistics_day
        UNION ALL
        SELECT community_id, day,
               -reported, -filed, -ended, -closed, -on_spot, -closed_in_grid, -closed_in_community, -closed_late, -handled_s, -due,
               -due_closed, -due_on_time FROM statistics_delta
    )
    INSERT INTO statistics_day AS kept
    SELECT community_id, day,
           sum(reported), sum(filed), sum(ended), sum(closed), sum(on_spot), sum(closed_in_grid), sum(closed_in_community),
           sum(closed_late), sum(handled_s), sum(due), sum(due_closed), sum(due_on_time)
      FROM compared GROUP BY 1, 2
    HAVING (sum(reported), sum(filed), sum(ended), sum(closed), sum(on_spot), sum(closed_in_grid), sum(closed_in_community),
            sum(closed_late), sum(handled_s), sum(due), sum(due_closed), sum(due_on_time))
           <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        ON CONFLICT (community_id, day) DO UPDATE SET
            reported = kept.reported + excluded.reported, filed = kept.filed + excluded.filed, ended = kept.ended + excluded.ended,
            closed = kept.closed + excluded.closed, on_spot = kept.on_spot + excluded.on_spot,
            closed_in_grid = kept.closed_in_grid + excluded.closed_in_grid,
            closed_in_community = kept.closed_in_community + excluded.closed_in_community,
            closed_late = kept.closed_late + excluded.closed_late, handled_s = kept.handled_s + excluded.handled_s,
            due = kept.due + excluded.due, due_closed = kept.due_closed + excluded.due_closed,
            due_on_time = kept.due_on_time + excluded.due_on_time;
    GET DIAGNOSTICS mended = ROW_COUNT;

    WITH timed AS (
        SELECT community_id, category_id, reported_at, filed_at, date_part('hour', reported_at)::integer AS hour FROM incident
    ), compared (community_id, category_id, month,
                   reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s, due, due_closed,
                   due_on_time, hours) AS (
        SELECT community_id, category_id, date_trunc('month', reported_at)::date,
               count(*), count(filed_at), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ARRAY[
               count(*) FILTER (WHERE hour = 0), count(*) FILTER (WHERE hour = 1), count(*) FILTER (WHERE hour = 2),
               count(*) FILTER (WHERE hour = 3), count(*) FILTER (WHERE hour = 4), count(*) FILTER (WHERE hour = 5),
               count(*) FILTER (WHERE hour = 6), count(*) FILTER (WHERE hour = 7), count(*) FILTER (WHERE hour = 8),
               count(*) FILTER (WHERE hour = 9), count(*) FILTER (WHERE hour = 10), count(*) FILTER (WHERE hour = 11),
               count(*) FILTER (WHERE hour = 12), count(*) FILTER (WHERE hour = 13), count(*) FILTER (WHERE hour = 14),
               count(*) FILTER (WHERE hour = 15), count(*) FILTER (WHERE hour = 16), count(*) FILTER (WHERE hour = 17),
               count(*) FILTER (WHERE hour = 18), count(*) FILTER (WHERE hour = 19), count(*) FILTER (WHERE hour = 20),
               count(*) FILTER (WHERE hour = 21), count(*) FILTER (WHERE hour = 22), count(*) FILTER (WHERE hour = 23)]
          FROM timed GROUP BY 1, 2, 3
        UNION ALL
        SELECT community_id, category_id, date_trunc('month', closed_at)::date,
               0, 0, count(*), count(*) FILTER (WHERE good), count(*) FILTER (WHERE good AND on_spot),
               count(*) FILTER (WHERE good AND level = 'grid'), count(*) FILTER (WHERE good AND level IN ('grid', 'community')),
               count(*) FILTER (WHERE good AND closed_at > due_at),
               coalesce(sum(greatest(date_part('epoch', closed_at - reported_at)::bigint - suspended_s, 0)) FILTER (WHERE good), 0),
               0, 0, 0, NULL::bigint[]
          FROM (SELECT *, state = 'closed' AND duplicate_of IS NULL AS good FROM incident WHERE closed_at IS NOT NULL) AS ended
         GROUP BY 1, 2, 3
        UNION ALL
        SELECT community_id, category_id, date_trunc('month', due_at)::date,
               0, 0, 0, 0, 0, 0, 0, 0, 0, count(*), count(*) FILTER (WHERE state = 'closed'),
               count(*) FILTER (WHERE state = 'closed' AND closed_at <= due_at), NULL::bigint[]
          FROM incident WHERE due_at IS NOT NULL AND duplicate_of IS NULL AND state NOT IN ('not_filed', 'suspended')
         GROUP BY 1, 2, 3
        UNION ALL
        SELECT community_id, category_id, month,
               -reported, -filed, -ended, -closed, -on_spot, -closed_in_grid, -closed_in_community, -closed_late, -handled_s, -due,
               -due_closed, -due_on_time,
               ARRAY(SELECT -number::bigint FROM unnest(hours) WITH ORDINALITY AS slot (number, n) ORDER BY n) FROM statistics_month
        UNION ALL
        SELECT community_id, category_id, date_trunc('month', day)::date,
               -sum(reported), -sum(filed), -sum(ended), -sum(closed), -sum(on_spot), -sum(closed_in_grid), -sum(closed_in_community),
               -sum(closed_late), -sum(handled_s), -sum(due), -sum(due_closed), -sum(due_on_time),
               ARRAY[
               -coalesce(sum(reported) FILTER (WHERE hour = 0), 0), -coalesce(sum(reported) FILTER (WHERE hour = 1), 0),
               -coalesce(sum(reported) FILTER (WHERE hour = 2), 0), -coalesce(sum(reported) FILTER (WHERE hour = 3), 0),
               -coalesce(sum(reported) FILTER (WHERE hour = 4), 0), -coalesce(sum(reported) FILTER (WHERE hour = 5), 0),
               -coalesce(sum(reported) FILTER (WHERE hour = 6), 0), -coalesce(sum(reported) FILTER (WHERE hour = 7), 0),
               -coalesce(sum(reported) FILTER (WHERE hour = 8), 0), -coalesce(sum(reported) FILTER (WHERE hour = 9), 0),
               -coalesce(sum(reported) FILTER (WHERE hour = 10), 0), -coalesce(sum(reported) FILTER (WHERE hour = 11), 0),
               -coalesce(sum(reported) FILTER (WHERE hour = 12), 0), -coalesce(sum(reported) FILTER (WHERE hour = 13), 0),
               -coalesce(sum(reported) FILTER (WHERE hour = 14), 0), -coalesce(sum(reported) FILTER (WHERE hour = 15), 0),
               -coalesce(sum(reported) FILTER (WHERE hour = 16), 0), -coalesce(sum(reported) FILTER (WHERE hour = 17), 0),
               -coalesce(sum(reported) FILTER (WHERE hour = 18), 0), -coalesce(sum(reported) FILTER (WHERE hour = 19), 0),
               -coalesce(sum(reported) FILTER (WHERE hour = 20), 0), -coalesce(sum(reported) FILTER (WHERE hour = 21), 0),
               -coalesce(sum(reported) FILTER (WHERE hour = 22), 0), -coalesce(sum(reported) FILTER (WHERE hour = 23), 0)]
          FROM statistics_delta GROUP BY 1, 2, 3
    ), summed AS (
        SELECT community_id, category_id, month,
               sum(reported) AS reported, sum(filed) AS filed, sum(ended) AS ended, sum(closed) AS closed, sum(on_spot) AS on_spot,
               sum(closed_in_grid) AS closed_in_grid, sum(closed_in_community) AS closed_in_community, sum(closed_late) AS closed_late,
               sum(handled_s) AS handled_s, sum(due) AS due, sum(due_closed) AS due_closed, sum(due_on_time) AS due_on_time,
               ARRAY[
               coalesce(sum(hours[1]), 0), coalesce(sum(hours[2]), 0), coalesce(sum(hours[3]), 0), coalesce(sum(hours[4]), 0),
               coalesce(sum(hours[5]), 0), coalesce(sum(hours[6]), 0), coalesce(sum(hours[7]), 0), coalesce(sum(hours[8]), 0),
               coalesce(sum(hours[9]), 0), coalesce(sum(hours[10]), 0), coalesce(sum(hours[11]), 0), coalesce(sum(hours[12]), 0),
               coalesce(sum(hours[13]), 0), coalesce(sum(hours[14]), 0), coalesce(sum(hours[15]), 0), coalesce(sum(hours[16]), 0),
               coalesce(sum(hours[17]), 0), coalesce(sum(hours[18]), 0), coalesce(sum(hours[19]), 0), coalesce(sum(hours[20]), 0),
               coalesce(sum(hours[21]), 0), coalesce(sum(hours[22]), 0), coalesce(sum(hours[23]), 0), coalesce(sum(hours[24]), 0)] AS hours
          FROM compared GROUP BY 1, 2, 3
    )
    INSERT INTO statistics_month AS kept
    SELECT * FROM summed
     WHERE (reported, filed, ended, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s, due, due_closed,
            due_on_time)
           <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) OR hours <> array_fill(0::numeric, ARRAY[24])
        ON CONFLICT (community_id, category_id, month) DO UPDATE SET
            reported = kept.reported + excluded.reported, filed = kept.filed + excluded.filed, ended = kept.ended + excluded.ended,
            closed = kept.closed + excluded.closed, on_spot = kept.on_spot + excluded.on_spot,
            closed_in_grid = kept.closed_in_grid + excluded.closed_in_grid,
            closed_in_community = kept.closed_in_community + excluded.closed_in_community,
            closed_late = kept.closed_late + excluded.closed_late, handled_s = kept.handled_s + excluded.handled_s,
            due = kept.due + excluded.due, due_closed = kept.due_closed + excluded.due_closed,
            due_on_time = kept.due_on_time + excluded.due_on_time,
            hours = ARRAY(SELECT a + b FROM unnest(kept.hours, excluded.hours) WITH ORDINALITY AS pair (a, b, n) ORDER BY n);
    GET DIAGNOSTICS changed = ROW_COUNT;
    mended := mended + changed;

    WITH compared AS (
        SELECT grid_id, date_trunc('month', reported_at)::date AS month, community_id, count(*) AS reported
          FROM incident WHERE grid_id IS NOT NULL GROUP BY 1, 2, 3
        UNION ALL
        SELECT grid_id, month, community_id, -reported FROM statistics_grid_month
        UNION ALL
        SELECT grid_id, date_trunc('month', day)::date, community_id, -reported
          FROM statistics_delta WHERE reported <> 0 AND grid_id > 0
    )
    INSERT INTO statistics_grid_month AS kept
    SELECT grid_id, month, community_id, sum(reported) FROM compared GROUP BY 1, 2, 3 HAVING sum(reported) <> 0
        ON CONFLICT (community_id, month, grid_id) DO UPDATE SET reported = kept.reported + excluded.reported;
    GET DIAGNOSTICS changed = ROW_COUNT;
    mended := mended + changed;

    WITH compared AS (
        SELECT category_id, reported_at::date AS day, date_part('hour', reported_at)::integer AS hour,
               count(*) AS reported
          FROM incident GROUP BY 1, 2, 3
        UNION ALL
        SELECT category_id, day, (n - 1)::integer, -number
          FROM statistics_ground_day, unnest(hours) WITH ORDINALITY AS slot (number, n) WHERE number <> 0
        UNION ALL
        SELECT category_id, day, hour, -reported FROM statistics_delta WHERE reported <> 0
    ), summed AS (
        SELECT category_id, day, ARRAY[
               coalesce(sum(reported) FILTER (WHERE hour = 0), 0), coalesce(sum(reported) FILTER (WHERE hour = 1), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 2), 0), coalesce(sum(reported) FILTER (WHERE hour = 3), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 4), 0), coalesce(sum(reported) FILTER (WHERE hour = 5), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 6), 0), coalesce(sum(reported) FILTER (WHERE hour = 7), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 8), 0), coalesce(sum(reported) FILTER (WHERE hour = 9), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 10), 0), coalesce(sum(reported) FILTER (WHERE hour = 11), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 12), 0), coalesce(sum(reported) FILTER (WHERE hour = 13), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 14), 0), coalesce(sum(reported) FILTER (WHERE hour = 15), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 16), 0), coalesce(sum(reported) FILTER (WHERE hour = 17), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 18), 0), coalesce(sum(reported) FILTER (WHERE hour = 19), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 20), 0), coalesce(sum(reported) FILTER (WHERE hour = 21), 0),
               coalesce(sum(reported) FILTER (WHERE hour = 22), 0), coalesce(sum(reported) FILTER (WHERE hour = 23), 0)] AS hours
          FROM compared GROUP BY 1, 2
    )
    INSERT INTO statistics_ground_day AS kept
    SELECT category_id, day, hours FROM summed WHERE hours <> array_fill(0::numeric, ARRAY[24])
        ON CONFLICT (day, category_id) DO UPDATE SET
            hours = ARRAY(SELECT a + b FROM unnest(kept.hours, excluded.hours) WITH ORDINALITY AS pair (a, b, n) ORDER BY n);
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN mended + changed;
END $$;

-- Class breaks of a fill stay put for a day, so that a map does not change its colours with each incident.
CREATE TABLE fill_breaks (
    made_on     date NOT NULL,
    question    bytea NOT NULL,
    breaks      double precision[] NOT NULL,
    PRIMARY KEY (made_on, question)
);

SELECT gate.guard('statistics_delta',      $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$, $$false$$);
SELECT gate.guard('statistics_day',        $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$, $$false$$);
SELECT gate.guard('statistics_month',      $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$, $$false$$);
SELECT gate.guard('statistics_grid_month', $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$, $$false$$);
SELECT gate.guard('statistics_ground_day', $$lower_inf((SELECT gate.scope())) AND upper_inf((SELECT gate.scope())) AND (SELECT gate.may('statistics'))$$, $$false$$);
SELECT gate.guard('fill_breaks',           $$(SELECT gate.person_id()) IS NOT NULL$$, $$(SELECT gate.person_id()) IS NOT NULL$$);
REVOKE INSERT, UPDATE, DELETE ON statistics_delta, statistics_day, statistics_month, statistics_grid_month, statistics_ground_day
    FROM wangge_app;
REVOKE ALL ON FUNCTION statistics_fold(), statistics_mend() FROM PUBLIC;

-- An incident placed elsewhere takes its history along: the log stays as it was written, only who may read it changes.
CREATE FUNCTION gate.move_history(of_incident bigint, to_community integer) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NOT gate.may('incidents.dispatch') OR NOT to_community <@ gate.scope()
       OR NOT EXISTS (SELECT FROM incident WHERE id = of_incident AND community_id = to_community) THEN
        RAISE EXCEPTION 'The incident is not yours to move.' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE incident_log SET community_id = to_community WHERE incident_id = of_incident;
    UPDATE incident_placement SET community_id = to_community WHERE incident_id = of_incident;
    UPDATE intake SET community_id = to_community WHERE incident_id = of_incident;
END $$;
CREATE INDEX incident_log_incident ON incident_log (incident_id);
CREATE INDEX incident_placement_incident ON incident_placement (incident_id);
