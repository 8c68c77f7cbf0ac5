-- Statistics that panels read: rollups fed by insert-only deltas in the transaction of each change, folded by the worker.
-- Reads are rollup + deltas, so no reader waits for a fold and no writer for another writer's counter.

ALTER TABLE incident
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN suspended_until timestamptz,
    ADD COLUMN suspended_s bigint NOT NULL DEFAULT 0 CHECK (suspended_s >= 0),
    ADD COLUMN extensions smallint NOT NULL DEFAULT 0 CHECK (extensions BETWEEN 0 AND 2);

-- Row-level security asks for community_id, so an index that lacks it is never read alone. Within a year the heap lies in
-- Morton order, which makes a BRIN of times useless; incident_recent serves questions by time.
DROP INDEX incident_grid_time, incident_community_time, incident_time, incident_open;
CREATE INDEX incident_grid_time ON incident (grid_id, reported_at) INCLUDE (community_id, category_id, state, due_at);
CREATE INDEX incident_community_time ON incident (community_id, reported_at) INCLUDE (grid_id, category_id, is_open, closed_at, due_at);
CREATE INDEX incident_open ON incident (community_id, due_at) INCLUDE (grid_id, category_id, reported_at) WHERE is_open;
CREATE INDEX incident_closed ON incident (community_id, closed_at) INCLUDE (category_id, reported_at, due_at) WHERE closed_at IS NOT NULL;

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

-- Category 0 is the sum over all categories. Days and months are the deployment's.
CREATE TABLE statistics_day (
    community_id    integer NOT NULL,
    category_id     integer NOT NULL,
    day             date NOT NULL,
    reported        integer NOT NULL,
    filed           integer NOT NULL,
    closed          integer NOT NULL,
    on_spot         integer NOT NULL,
    closed_in_grid  integer NOT NULL,
    closed_in_community integer NOT NULL,
    closed_late     integer NOT NULL,
    handled_s       bigint NOT NULL,
    due             integer NOT NULL,
    due_closed      integer NOT NULL,
    due_on_time     integer NOT NULL,
    PRIMARY KEY (community_id, category_id, day)
);
CREATE TABLE statistics_month (
    community_id    integer NOT NULL,
    category_id     integer NOT NULL,
    month           date NOT NULL,
    reported        integer NOT NULL,
    hours           integer[] NOT NULL CHECK (cardinality(hours) = 24),
    PRIMARY KEY (community_id, category_id, month)
);
CREATE TABLE statistics_grid_month (
    grid_id         bigint NOT NULL,
    category_id     integer NOT NULL,
    month           date NOT NULL,
    community_id    integer NOT NULL,
    reported        integer NOT NULL,
    PRIMARY KEY (community_id, category_id, month, grid_id)
);

-- What one incident adds: a row on the day it was reported, one on the day it was closed, one on the day it was due.
-- Due leaves out what is void, merged or suspended. All of it is inlined into the statements that ask.
CREATE FUNCTION incident_shares(
        community_id integer, grid_id bigint, category_id integer, state text, level text, on_spot boolean, duplicate_of bigint,
        reported_at timestamptz, filed_at timestamptz, closed_at timestamptz, due_at timestamptz, suspended_s bigint, zone text)
    RETURNS SETOF statistics_delta LANGUAGE sql IMMUTABLE AS $$
    SELECT community_id, coalesce(grid_id, 0), category_id, (reported_at AT TIME ZONE zone)::date,
           extract(hour FROM reported_at AT TIME ZONE zone)::smallint,
           1, (filed_at IS NOT NULL)::integer, 0, 0, 0, 0, 0, 0::bigint, 0, 0, 0
    UNION ALL
    SELECT community_id, 0::bigint, category_id, (closed_at AT TIME ZONE zone)::date, 0::smallint,
           0, 0, 1, on_spot::integer, (level = 'grid')::integer, (level IN ('grid', 'community'))::integer,
           coalesce(closed_at > due_at, false)::integer,
           greatest(extract(epoch FROM closed_at - reported_at)::bigint - suspended_s, 0), 0, 0, 0
     WHERE state = 'closed' AND duplicate_of IS NULL
    UNION ALL
    SELECT community_id, 0::bigint, category_id, (due_at AT TIME ZONE zone)::date, 0::smallint,
           0, 0, 0, 0, 0, 0, 0, 0::bigint, 1, (state = 'closed')::integer, coalesce(state = 'closed' AND closed_at <= due_at, false)::integer
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
    SELECT community_id, grid_id, category_id, day, hour, sum(sign * reported), sum(sign * filed), sum(sign * closed), sum(sign * on_spot),
           sum(sign * closed_in_grid), sum(sign * closed_in_community), sum(sign * closed_late), sum(sign * handled_s),
           sum(sign * due), sum(sign * due_closed), sum(sign * due_on_time)
      FROM (SELECT 1 AS sign, share.* FROM fresh AS i, LATERAL incident_shares(
                i.community_id, i.grid_id, i.category_id, i.state, i.level, i.on_spot, i.duplicate_of, i.reported_at, i.filed_at,
                i.closed_at, i.due_at, i.suspended_s, zone) AS share
            UNION ALL
            SELECT -1, share.* FROM stale AS i, LATERAL incident_shares(
                i.community_id, i.grid_id, i.category_id, i.state, i.level, i.on_spot, i.duplicate_of, i.reported_at, i.filed_at,
                i.closed_at, i.due_at, i.suspended_s, zone) AS share) AS change
     GROUP BY community_id, grid_id, category_id, day, hour
    HAVING (sum(sign * reported), sum(sign * filed), sum(sign * closed), sum(sign * on_spot), sum(sign * closed_in_grid),
            sum(sign * closed_in_community), sum(sign * closed_late), sum(sign * handled_s), sum(sign * due), sum(sign * due_closed),
            sum(sign * due_on_time)) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    RETURN NULL;
END $$;
CREATE FUNCTION note_shares_old() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO statistics_delta
    SELECT share.community_id, share.grid_id, share.category_id, day, hour, -reported, -filed, -closed, -share.on_spot, -closed_in_grid,
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
        DELETE FROM statistics_delta RETURNING *
    ), each AS (
        SELECT gone.*, either.category, date_trunc('month', day)::date AS month
          FROM gone, LATERAL (VALUES (gone.category_id), (0)) AS either (category)
    ), days AS (
        INSERT INTO statistics_day AS kept
        SELECT community_id, category, day,
               sum(reported), sum(filed), sum(closed), sum(on_spot), sum(closed_in_grid), sum(closed_in_community), sum(closed_late),
               sum(handled_s), sum(due), sum(due_closed), sum(due_on_time)
          FROM each GROUP BY 1, 2, 3
        ON CONFLICT (community_id, category_id, day) DO UPDATE SET
            reported = kept.reported + excluded.reported, filed = kept.filed + excluded.filed, closed = kept.closed + excluded.closed,
            on_spot = kept.on_spot + excluded.on_spot, closed_in_grid = kept.closed_in_grid + excluded.closed_in_grid,
            closed_in_community = kept.closed_in_community + excluded.closed_in_community,
            closed_late = kept.closed_late + excluded.closed_late, handled_s = kept.handled_s + excluded.handled_s,
            due = kept.due + excluded.due, due_closed = kept.due_closed + excluded.due_closed,
            due_on_time = kept.due_on_time + excluded.due_on_time
    ), months AS (
        INSERT INTO statistics_month AS kept
        SELECT community_id, category, month, sum(reported), ARRAY[
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
          FROM each WHERE reported <> 0 GROUP BY 1, 2, 3
        ON CONFLICT (community_id, category_id, month) DO UPDATE SET
            reported = kept.reported + excluded.reported,
            hours = ARRAY(SELECT a + b FROM unnest(kept.hours, excluded.hours) WITH ORDINALITY AS pair (a, b, n) ORDER BY n)
    ), grids AS (
        INSERT INTO statistics_grid_month AS kept
        SELECT grid_id, category, month, community_id, sum(reported)
          FROM each WHERE reported <> 0 AND grid_id > 0 GROUP BY 1, 2, 3, 4
        ON CONFLICT (community_id, category_id, month, grid_id) DO UPDATE SET reported = kept.reported + excluded.reported
    )
    SELECT count(*) INTO folded FROM gone;
    RETURN folded;
END $$;

-- Makes the rollups equal a recount, beside writers: each statement compares, in one snapshot, the incidents with what
-- rollup and deltas say, and adds the difference. Returns the cells that differed. For bulk loads, and as the test of the rest.
CREATE FUNCTION statistics_mend() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    zone text := deployment_time_zone();
    mended bigint;
    changed bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(8420, 8);
    WITH truth AS (
        SELECT share.community_id, coalesce(share.category_id, 0) AS category_id, share.day,
               sum(share.reported) AS reported, sum(share.filed) AS filed, sum(share.closed) AS closed, sum(share.on_spot) AS on_spot,
               sum(share.closed_in_grid) AS closed_in_grid, sum(share.closed_in_community) AS closed_in_community,
               sum(share.closed_late) AS closed_late, sum(share.handled_s) AS handled_s, sum(share.due) AS due,
               sum(share.due_closed) AS due_closed, sum(share.due_on_time) AS due_on_time
          FROM incident AS i, LATERAL incident_shares(
                i.community_id, i.grid_id, i.category_id, i.state, i.level, i.on_spot, i.duplicate_of, i.reported_at, i.filed_at,
                i.closed_at, i.due_at, i.suspended_s, zone) AS share
         GROUP BY GROUPING SETS ((share.community_id, share.category_id, share.day), (share.community_id, share.day))
    ), known AS (
        SELECT * FROM statistics_day
        UNION ALL
        SELECT community_id, category, day,
               reported, filed, closed, on_spot, closed_in_grid, closed_in_community, closed_late, handled_s, due, due_closed, due_on_time
          FROM statistics_delta, LATERAL (VALUES (category_id), (0)) AS either (category)
    )
    INSERT INTO statistics_day AS kept
    SELECT community_id, category_id, day,
           sum(sign * reported), sum(sign * filed), sum(sign * closed), sum(sign * on_spot), sum(sign * closed_in_grid),
           sum(sign * closed_in_community), sum(sign * closed_late), sum(sign * handled_s), sum(sign * due), sum(sign * due_closed),
           sum(sign * due_on_time)
      FROM (SELECT 1 AS sign, truth.* FROM truth UNION ALL SELECT -1, known.* FROM known) AS compared
     GROUP BY 1, 2, 3
    HAVING (sum(sign * reported), sum(sign * filed), sum(sign * closed), sum(sign * on_spot), sum(sign * closed_in_grid),
            sum(sign * closed_in_community), sum(sign * closed_late), sum(sign * handled_s), sum(sign * due), sum(sign * due_closed),
            sum(sign * due_on_time)) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        ON CONFLICT (community_id, category_id, day) DO UPDATE SET
            reported = kept.reported + excluded.reported, filed = kept.filed + excluded.filed, closed = kept.closed + excluded.closed,
            on_spot = kept.on_spot + excluded.on_spot, closed_in_grid = kept.closed_in_grid + excluded.closed_in_grid,
            closed_in_community = kept.closed_in_community + excluded.closed_in_community,
            closed_late = kept.closed_late + excluded.closed_late, handled_s = kept.handled_s + excluded.handled_s,
            due = kept.due + excluded.due, due_closed = kept.due_closed + excluded.due_closed,
            due_on_time = kept.due_on_time + excluded.due_on_time;
    GET DIAGNOSTICS mended = ROW_COUNT;

    WITH hourly AS (
        SELECT community_id, category_id, date_trunc('month', reported_at AT TIME ZONE zone)::date AS month,
               extract(hour FROM reported_at AT TIME ZONE zone)::integer AS hour, count(*)::integer AS reported
          FROM incident GROUP BY 1, 2, 3, 4
        UNION ALL
        SELECT community_id, category_id, month, (n - 1)::integer, -number
          FROM statistics_month, unnest(hours) WITH ORDINALITY AS slot (number, n) WHERE category_id > 0
        UNION ALL
        SELECT community_id, category_id, date_trunc('month', day)::date, hour, -reported FROM statistics_delta WHERE reported <> 0
    )
    INSERT INTO statistics_month AS kept
    SELECT community_id, category, month, sum(reported), ARRAY[
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
      FROM hourly, LATERAL (VALUES (category_id), (0)) AS either (category)
     GROUP BY 1, 2, 3
    HAVING ARRAY[
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
               coalesce(sum(reported) FILTER (WHERE hour = 22), 0), coalesce(sum(reported) FILTER (WHERE hour = 23), 0)] <> array_fill(0::bigint, ARRAY[24])
        ON CONFLICT (community_id, category_id, month) DO UPDATE SET
            reported = kept.reported + excluded.reported,
            hours = ARRAY(SELECT a + b FROM unnest(kept.hours, excluded.hours) WITH ORDINALITY AS pair (a, b, n) ORDER BY n);
    GET DIAGNOSTICS changed = ROW_COUNT;
    mended := mended + changed;

    WITH compared AS (
        SELECT grid_id, category_id, date_trunc('month', reported_at AT TIME ZONE zone)::date AS month, community_id, count(*) AS reported
          FROM incident WHERE grid_id IS NOT NULL GROUP BY 1, 2, 3, 4
        UNION ALL
        SELECT grid_id, category_id, month, community_id, -reported FROM statistics_grid_month WHERE category_id > 0
        UNION ALL
        SELECT grid_id, category_id, date_trunc('month', day)::date, community_id, -reported
          FROM statistics_delta WHERE reported <> 0 AND grid_id > 0
    )
    INSERT INTO statistics_grid_month AS kept
    SELECT grid_id, category, month, community_id, sum(reported)
      FROM compared, LATERAL (VALUES (category_id), (0)) AS either (category)
     GROUP BY 1, 2, 3, 4 HAVING sum(reported) <> 0
        ON CONFLICT (community_id, category_id, month, grid_id) DO UPDATE SET reported = kept.reported + excluded.reported;
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
SELECT gate.guard('fill_breaks',           $$(SELECT gate.person_id()) IS NOT NULL$$, $$(SELECT gate.person_id()) IS NOT NULL$$);
REVOKE INSERT, UPDATE, DELETE ON statistics_delta, statistics_day, statistics_month, statistics_grid_month FROM wangge_app;
REVOKE ALL ON FUNCTION statistics_fold(), statistics_mend() FROM PUBLIC;
