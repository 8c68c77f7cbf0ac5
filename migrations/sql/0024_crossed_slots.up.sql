-- Panels that cost the same however densely a ground reports, whatever they ask: some categories in some hours, a single grid,
-- and what waits of any of these.

-- What 0023 once made; first, since it asks for more than the lock.
DROP INDEX IF EXISTS incident_category_hour;
LOCK TABLE incident IN SHARE ROW EXCLUSIVE MODE;
-- What was told before counts no grid for what ended or fell due; so it is folded first.
SELECT pg_advisory_xact_lock(8420, 8), pg_advisory_xact_lock(8420, 20), statistics_fold(), waiting_fold();
-- What happened in a grid on some days, whenever it was reported.
CREATE INDEX incident_grid_last ON incident (grid_id, greatest(reported_at, closed_at, due_at), reported_at);

CREATE OR REPLACE FUNCTION incident_shares(
        community_id integer, grid_id bigint, category_id integer, state text, level text, on_spot boolean, duplicate_of bigint,
        reported_at timestamptz, filed_at timestamptz, closed_at timestamptz, due_at timestamptz, suspended_s bigint, zone text)
    RETURNS SETOF statistics_delta LANGUAGE sql IMMUTABLE AS $$
    SELECT community_id, coalesce(grid_id, 0), category_id, (reported_at AT TIME ZONE zone)::date,
           extract(hour FROM reported_at AT TIME ZONE zone)::smallint,
           1, (filed_at IS NOT NULL)::integer, 0, 0, 0, 0, 0, 0, 0::bigint, 0, 0, 0
    UNION ALL
    SELECT community_id, coalesce(grid_id, 0), category_id, (closed_at AT TIME ZONE zone)::date,
           extract(hour FROM reported_at AT TIME ZONE zone)::smallint,
           0, 0, 1, counts.closed, counts.closed * on_spot::integer, counts.closed * (level = 'grid')::integer,
           counts.closed * (level IN ('grid', 'community'))::integer, counts.closed * coalesce(closed_at > due_at, false)::integer,
           counts.closed * greatest(extract(epoch FROM closed_at - reported_at)::bigint - suspended_s, 0), 0, 0, 0
      FROM (SELECT (state = 'closed' AND duplicate_of IS NULL)::integer AS closed) AS counts
     WHERE closed_at IS NOT NULL
    UNION ALL
    SELECT community_id, coalesce(grid_id, 0), category_id, (due_at AT TIME ZONE zone)::date,
           extract(hour FROM reported_at AT TIME ZONE zone)::smallint,
           0, 0, 0, 0, 0, 0, 0, 0, 0::bigint, 1, (state = 'closed')::integer, coalesce(state = 'closed' AND closed_at <= due_at, false)::integer
     WHERE due_at IS NOT NULL AND duplicate_of IS NULL AND state NOT IN ('not_filed', 'suspended')
    $$;

-- What is asked of some categories in some hours. `places` and `amounts`: a month's measures by hour of report, only what is not zero, in
-- the order of places, so that any days of an hour lie together: place = (hour * 32 + day) * 12 + measure; measures count from 0 in the
-- order of statistics_delta. `measures`: those of the whole month, slot = measure * 24 + hour + 1. `by_grid`: reported up to and including a
-- day of the month, slot = ((n - 1) * 24 + hour) * 31 + day for the n-th of `grids`; or up to and including a month of the year, with 12 in
-- place of 31.
CREATE TABLE slots_crossed_month (
    category_id     integer NOT NULL,
    month           date NOT NULL,
    community_id    integer NOT NULL,
    places          integer[] NOT NULL,
    amounts         bigint[] NOT NULL,
    measures        bigint[] NOT NULL,
    grids           bigint[] NOT NULL,
    by_grid         integer[] NOT NULL,
    PRIMARY KEY (category_id, month, community_id)
);
CREATE TABLE slots_crossed_year (
    category_id     integer NOT NULL,
    year            date NOT NULL,
    community_id    integer NOT NULL,
    grids           bigint[] NOT NULL,
    by_grid         integer[] NOT NULL,
    PRIMARY KEY (category_id, year, community_id)
);
-- The measures of a grid by day, slot = measure * 31 + day; by hour of report, slot = measure * 24 + hour + 1; and of a category by month,
-- slot = measure * 24 + month: 12 of them would be too short a row to be compressed.
CREATE TABLE slots_grid_measures (community_id integer, month date, grid_id bigint, slots bigint[] NOT NULL, PRIMARY KEY (community_id, month, grid_id));
CREATE TABLE slots_grid_month (community_id integer, month date, grid_id bigint, slots bigint[] NOT NULL, PRIMARY KEY (community_id, month, grid_id));
CREATE TABLE slots_grid_category (
    community_id integer, year date, grid_id bigint, category_id integer, slots bigint[] NOT NULL, PRIMARY KEY (community_id, year, grid_id, category_id)
);
-- What waits, of a category or of all (0), in place of three tables: slot = what * 25 + hour + 1, the hour that of its report and 24 for all;
-- what = 0 open, 1 overdue, 2 open then, 3 overdue then. By grid in blocks of 100 for the n-th of `grids`.
DROP TABLE statistics_waiting, statistics_waiting_hour, statistics_waiting_grid;
CREATE TABLE slots_waiting (category_id integer, community_id integer, slots integer[] NOT NULL, PRIMARY KEY (category_id, community_id));
CREATE TABLE slots_waiting_grid (category_id integer, community_id integer, grids bigint[] NOT NULL, by_grid integer[] NOT NULL, PRIMARY KEY (category_id, community_id));
DO $$
DECLARE
    each text;
    slots text;
BEGIN
    FOREACH each IN ARRAY ARRAY['slots_crossed_month', 'slots_crossed_year', 'slots_grid_measures', 'slots_grid_month', 'slots_grid_category', 'slots_waiting',
                              'slots_waiting_grid'] LOOP
        -- A row of more than two kilobytes is compressed where it stands until it is short, not moved out.
        EXECUTE format('ALTER TABLE %I SET (toast_tuple_target = 128, fillfactor = 90)', each);
        FOR slots IN SELECT attname FROM pg_attribute WHERE attrelid = each::regclass AND attnum > 0 AND attndims > 0 LOOP
            EXECUTE format('ALTER TABLE %I ALTER %I SET STORAGE MAIN', each, slots);
        END LOOP;
        EXECUTE format($guard$SELECT gate.guard(%L, $cut$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$cut$, 'false')$guard$, each);
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON %I FROM wangge_app', each);
    END LOOP;
END $$;

-- Slots of a list of grids with a block for each, with some amounts added, each from its place to the end of its run within the block
-- (NULL: the block; 1: at its place alone). A grid that is not in the list is put at its end.
DROP FUNCTION grids_with(bigint[], integer[], integer, bigint[], integer[], bigint[], boolean);
CREATE FUNCTION grids_with(INOUT grids bigint[], INOUT slots integer[], block integer, added bigint[], places integer[], amounts bigint[],
                           run integer DEFAULT NULL)
    LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    n integer;
BEGIN
    run := coalesce(run, block);
    FOR i IN 1 .. coalesce(cardinality(added), 0) LOOP
        n := array_position(grids, added[i]);
        IF n IS NULL THEN
            grids := grids || added[i];
            slots := slots || array_fill(0, ARRAY[block]);
            n := cardinality(grids);
        END IF;
        FOR place IN (n - 1) * block + places[i] .. (n - 1) * block + ((places[i] - 1) / run + 1) * run LOOP
            slots[place] := slots[place] + amounts[i];
        END LOOP;
    END LOOP;
END $$;
DO $$ BEGIN
    EXECUTE replace(pg_get_functiondef('categories_mend()'::regprocedure), 'running => false', 'run => 1');
END $$;
-- Recounts of different tables may go on side by side while no fold does, each with a lock of its own.
DO $$
DECLARE
    mend record;
BEGIN
    FOR mend IN SELECT * FROM (VALUES ('counts_mend()', 30), ('hours_mend()', 31), ('categories_mend()', 32)) AS each (name, number) LOOP
        EXECUTE replace(pg_get_functiondef(mend.name::regprocedure), 'pg_advisory_xact_lock(8420, 8)',
                        format('pg_advisory_xact_lock_shared(8420, 8), pg_advisory_xact_lock(8420, %s)', mend.number));
        ASSERT (SELECT prosrc LIKE '%lock_shared(8420, 8)%' FROM pg_proc WHERE oid = mend.name::regprocedure), mend.name;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION slot_tables() RETURNS TABLE (
        number integer, name text, keys text, told text, slot text, step integer, measures integer, counted text, block integer)
    LANGUAGE sql IMMUTABLE AS $$
    VALUES (1, 'slots_community_day', 'community_id, day', 'community_id, day', 'hour + 1', 24, 12, 'true', 1),
           (2, 'slots_ground_day', 'category_id, day', 'category_id, day', 'hour + 1', 24, 12, 'true', 1),
           (3, 'slots_ground_day', 'category_id, day', '0, day', 'hour + 1', 24, 12, 'true', 1),
           (4, 'slots_community_month', 'community_id, month', 'community_id, month', 'hour + 1', 24, 12, 'true', 1),
           (5, 'slots_ground_month', 'category_id, month', 'category_id, month', 'hour + 1', 24, 12, 'true', 1),
           (6, 'slots_grid_year', 'community_id, year, grid_id', 'community_id, year, grid_id', 'hour * 12 + of_year', 288, 1, 'grid_id > 0', 12),
           (7, 'slots_grid_hour', 'community_id, month, grid_id', 'community_id, month, grid_id', 'hour * 31 + of_month', 744, 1, 'grid_id > 0', 31),
           (8, 'slots_grid_measures', 'community_id, month, grid_id', 'community_id, month, grid_id', 'of_month', 31, 12, 'grid_id > 0', 1),
           (9, 'slots_ground_month', 'category_id, month', '0, month', 'hour + 1', 24, 12, 'true', 1),
           (10, 'slots_grid_month', 'community_id, month, grid_id', 'community_id, month, grid_id', 'hour + 1', 24, 12, 'grid_id > 0', 1),
           (11, 'slots_grid_category', 'community_id, year, grid_id, category_id', 'community_id, year, grid_id, category_id', 'of_year', 24, 12,
            'grid_id > 0', 1)
    $$;
-- Months of the whole ground have all measures now, and all categories together (0).
DO $$
DECLARE
    told text := pg_get_functiondef('months_mend()'::regprocedure);
BEGIN
    told := replace(told, $old$ WHERE %2$s > 0 OR %3$L = 'community'$old$, '');
    told := replace(told, $old$slots[1:%4$s]$old$, 'slots');
    told := replace(told, $old$ unit,
        CASE unit WHEN 'ground' THEN 24 ELSE 288 END)$old$, ' unit)');
    ASSERT told NOT LIKE '%\%4$s%' AND told NOT LIKE '%ELSE 288%' AND told NOT LIKE '%> 0 OR%', told;
    EXECUTE told;
END $$;

-- Places in their order with amounts added; what comes to nothing is left out.
CREATE FUNCTION cells_with(places integer[], amounts bigint[], added integer[], more bigint[], OUT places_after integer[], OUT amounts_after bigint[])
    LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_agg(place ORDER BY place), '{}'), coalesce(array_agg(amount ORDER BY place), '{}')
      FROM (SELECT place, sum(amount)::bigint AS amount
              FROM (SELECT * FROM unnest(places, amounts) UNION ALL SELECT * FROM unnest(added, more)) AS each (place, amount)
             GROUP BY place HAVING sum(amount) <> 0) AS told
    $$;
CREATE FUNCTION fold_crossed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    WITH change AS MATERIALIZED (
        SELECT category_id, date_trunc('month', day)::date AS month, community_id,
               array_agg((hour * 32 + of_month) * 12 + measure) AS added, array_agg(measure * 24 + hour + 1) AS measured, array_agg(amount) AS more,
               array_agg(grid_id) FILTER (WHERE measure = 0 AND grid_id > 0) AS grids,
               array_agg(hour * 31 + of_month) FILTER (WHERE measure = 0 AND grid_id > 0) AS grid_places,
               array_agg(amount) FILTER (WHERE measure = 0 AND grid_id > 0) AS grid_amounts
          FROM gone, LATERAL (SELECT extract(day FROM day)::integer AS of_month) AS dated,
               LATERAL (VALUES (0, reported::bigint), (1, filed), (2, ended), (3, closed), (4, on_spot), (5, closed_in_grid), (6, closed_in_community),
                               (7, closed_late), (8, handled_s), (9, due), (10, due_closed), (11, due_on_time)) AS each (measure, amount)
         WHERE amount <> 0 GROUP BY 1, 2, 3
    ), made AS (
        INSERT INTO slots_crossed_month
        SELECT category_id, month, community_id, places_after, amounts_after, slots_with(NULL::bigint[], 288, measured, more), held.grids, held.slots
          FROM change, LATERAL cells_with('{}', '{}', added, more) AS cells,
               LATERAL grids_with('{}', '{}', 744, change.grids, grid_places, grid_amounts, 31) AS held
         WHERE NOT EXISTS (SELECT FROM slots_crossed_month AS kept
                            WHERE (kept.category_id, kept.month, kept.community_id) = (change.category_id, change.month, change.community_id))
    )
    UPDATE slots_crossed_month AS kept
       SET (places, amounts) = (SELECT places_after, amounts_after FROM cells_with(kept.places, kept.amounts, added, more) AS cells),
           measures = slots_with(kept.measures, 288, measured, more),
           (grids, by_grid) = (SELECT held.grids, held.slots FROM grids_with(kept.grids, kept.by_grid, 744, change.grids, grid_places, grid_amounts, 31) AS held)
      FROM change WHERE (kept.category_id, kept.month, kept.community_id) = (change.category_id, change.month, change.community_id);

    WITH change AS MATERIALIZED (
        SELECT category_id, date_trunc('year', day)::date AS year, community_id, array_agg(grid_id) AS grids,
               array_agg(hour * 12 + extract(month FROM day)::integer) AS places, array_agg(reported::bigint) AS amounts
          FROM gone WHERE reported <> 0 AND grid_id > 0 GROUP BY 1, 2, 3
    ), made AS (
        INSERT INTO slots_crossed_year
        SELECT category_id, year, community_id, held.grids, held.slots
          FROM change, LATERAL grids_with('{}', '{}', 288, change.grids, places, amounts, 12) AS held
         WHERE NOT EXISTS (SELECT FROM slots_crossed_year AS kept
                            WHERE (kept.category_id, kept.year, kept.community_id) = (change.category_id, change.year, change.community_id))
    )
    UPDATE slots_crossed_year AS kept
       SET (grids, by_grid) = (SELECT held.grids, held.slots FROM grids_with(kept.grids, kept.by_grid, 288, change.grids, places, amounts, 12) AS held)
      FROM change WHERE (kept.category_id, kept.year, kept.community_id) = (change.category_id, change.year, change.community_id);
    RETURN NULL;
END $$;
CREATE TRIGGER fold_crossed AFTER DELETE ON statistics_delta REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION fold_crossed();

-- What all incidents add, without what is not folded yet.
CREATE FUNCTION shares_told(zone text) RETURNS SETOF statistics_delta LANGUAGE sql STABLE AS $$
    SELECT share.* FROM incident AS i, LATERAL incident_shares(
        i.community_id, i.grid_id, i.category_id, i.state, i.level, i.on_spot, i.duplicate_of, i.reported_at, i.filed_at, i.closed_at,
        i.due_at, i.suspended_s, zone) AS share
    UNION ALL
    SELECT community_id, grid_id, category_id, day, hour,
           -reported, -filed, -ended, -closed, -on_spot, -closed_in_grid, -closed_in_community, -closed_late,
           -handled_s, -due, -due_closed, -due_on_time FROM statistics_delta
    $$;
-- These slots equal a recount likewise; grids keep their places.
CREATE FUNCTION crossed_mend() RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public SET work_mem = '256MB' AS $$
DECLARE
    zone text := deployment_time_zone();
    row record;
    blocks record;
    part record;
    changed bigint;
    mended bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(8420, 8), pg_advisory_xact_lock(8420, 33);
    WITH told AS MATERIALIZED (
        SELECT category_id, month, community_id,
               coalesce(array_agg(place ORDER BY place) FILTER (WHERE of_month > 0), '{}') AS places,
               coalesce(array_agg(amount ORDER BY place) FILTER (WHERE of_month > 0), '{}') AS amounts,
               slots_with(NULL::bigint[], 288, coalesce(array_agg(place) FILTER (WHERE of_month IS NULL), '{}'),
                          array_agg(amount) FILTER (WHERE of_month IS NULL)) AS measures
          FROM (SELECT category_id, month, community_id, of_month, amount,
                       CASE WHEN of_month > 0 THEN (hour * 32 + of_month) * 12 + measure ELSE measure * 24 + hour + 1 END AS place
                  FROM (SELECT category_id, date_trunc('month', day)::date AS month, community_id, hour, extract(day FROM day)::integer AS of_month,
                               sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
                               sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
                               sum(handled_s)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
                          FROM shares_told(zone) GROUP BY GROUPING SETS ((1, 2, 3, 4, 5), (1, 2, 3, 4))) AS summed,
                       LATERAL (VALUES (0, reported::bigint), (1, filed), (2, ended), (3, closed), (4, on_spot), (5, closed_in_grid), (6, closed_in_community),
                               (7, closed_late), (8, handled_s), (9, due), (10, due_closed), (11, due_on_time)) AS each (measure, amount)
                 WHERE amount <> 0) AS cell
         GROUP BY 1, 2, 3
    ), gone AS (
        DELETE FROM slots_crossed_month AS kept
         WHERE NOT EXISTS (SELECT FROM told WHERE (told.category_id, told.month, told.community_id) = (kept.category_id, kept.month, kept.community_id))
        RETURNING places <> '{}' AS differed
    ), put AS (
        INSERT INTO slots_crossed_month AS kept SELECT *, '{}', '{}' FROM told
            ON CONFLICT (category_id, month, community_id) DO UPDATE SET places = excluded.places, amounts = excluded.amounts, measures = excluded.measures
             WHERE (kept.places, kept.amounts, kept.measures) <> (excluded.places, excluded.amounts, excluded.measures)
        RETURNING 1
    ) SELECT (SELECT count(*) FROM gone WHERE differed) + (SELECT count(*) FROM put) INTO mended;

    -- Row by row, since one unpacked takes a hundred kilobytes.
    FOR row IN
        SELECT category_id, month, community_id, change.grids, places_told, amounts_told,
               -- New grids have their blocks from the start: each that came later would copy all of them.
               kept.grids || ARRAY(SELECT DISTINCT grid FROM unnest(change.grids) AS grid WHERE grid <> ALL (kept.grids) ORDER BY grid) AS places_of
          FROM slots_crossed_month AS kept
          LEFT JOIN (SELECT category_id, month, community_id, array_agg(grid_id) AS grids, array_agg(hour * 31 + of_month) AS places_told,
                            array_agg(number) AS amounts_told
                       -- A grid of which nothing is left must not get a place.
                       FROM (SELECT category_id, date_trunc('month', day)::date AS month, community_id, grid_id, hour::integer AS hour,
                                    extract(day FROM day)::integer AS of_month, sum(reported)::bigint AS number
                               FROM shares_told(zone) WHERE reported <> 0 AND grid_id > 0
                              GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(reported) <> 0) AS cell
                      GROUP BY 1, 2, 3) AS change USING (category_id, month, community_id)
    LOOP
        blocks := grids_with(row.places_of, array_fill(0, ARRAY[744 * cardinality(row.places_of)]), 744, row.grids, row.places_told, row.amounts_told, 31);
        UPDATE slots_crossed_month AS kept SET grids = blocks.grids, by_grid = blocks.slots
         WHERE (kept.category_id, kept.month, kept.community_id) = (row.category_id, row.month, row.community_id)
           AND (kept.grids, kept.by_grid) <> (blocks.grids, blocks.slots);
        GET DIAGNOSTICS changed = ROW_COUNT;
        mended := mended + changed;
    END LOOP;

    WITH reported AS (
        SELECT category_id, year, community_id, array_agg(grid_id) AS grids, array_agg(hour * 12 + of_year) AS places, array_agg(number) AS amounts
          FROM (SELECT category_id, date_trunc('year', day)::date AS year, community_id, grid_id, hour::integer AS hour,
                       extract(month FROM day)::integer AS of_year, sum(reported)::bigint AS number
                  FROM shares_told(zone) WHERE reported <> 0 AND grid_id > 0
                 GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(reported) <> 0) AS cell
         GROUP BY 1, 2, 3
    ), told AS MATERIALIZED (
        SELECT category_id, year, community_id, held.grids, held.slots AS by_grid
          FROM reported LEFT JOIN slots_crossed_year AS kept USING (category_id, year, community_id),
               LATERAL grids_with(coalesce(kept.grids, '{}'), array_fill(0, ARRAY[288 * coalesce(cardinality(kept.grids), 0)]), 288,
                                  reported.grids, places, amounts, 12) AS held
    ), gone AS (
        DELETE FROM slots_crossed_year AS kept
         WHERE NOT EXISTS (SELECT FROM told WHERE (told.category_id, told.year, told.community_id) = (kept.category_id, kept.year, kept.community_id))
        RETURNING 0 <> ANY (by_grid) AS differed
    ), put AS (
        INSERT INTO slots_crossed_year AS kept SELECT * FROM told
            ON CONFLICT (category_id, year, community_id) DO UPDATE SET grids = excluded.grids, by_grid = excluded.by_grid
             WHERE (kept.grids, kept.by_grid) <> (excluded.grids, excluded.by_grid)
        RETURNING 1
    ) SELECT (SELECT count(*) FROM gone WHERE differed) + (SELECT count(*) FROM put) INTO changed;
    mended := mended + changed;

    FOR part IN SELECT * FROM slot_tables() WHERE name IN ('slots_grid_measures', 'slots_grid_month', 'slots_grid_category') LOOP
        EXECUTE format($statement$
            WITH told AS MATERIALIZED (
                SELECT %2$s, slots_with(NULL::bigint[], %4$s * 12, array_agg(measure * %4$s + place), array_agg(amount)) AS slots
                  FROM (SELECT %2$s, %3$s AS place,
                               sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
                               sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
                               sum(handled_s)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
                          FROM (SELECT *, date_trunc('month', day)::date AS month, extract(day FROM day)::integer AS of_month,
                                       date_trunc('year', day)::date AS year, extract(month FROM day)::integer AS of_year
                                  FROM shares_told($1) WHERE grid_id > 0) AS dated
                         GROUP BY %2$s, place) AS summed,
                       LATERAL (VALUES (0, reported), (1, filed), (2, ended), (3, closed), (4, on_spot), (5, closed_in_grid), (6, closed_in_community),
                                       (7, closed_late), (8, handled_s), (9, due), (10, due_closed), (11, due_on_time)) AS each (measure, amount)
                 WHERE amount <> 0 GROUP BY %2$s
            ), gone AS (
                DELETE FROM %1$I AS kept WHERE NOT EXISTS (SELECT FROM told WHERE (told.%5$s) = (kept.%6$s))
                RETURNING 0 <> ANY (slots) AS differed
            ), put AS (
                INSERT INTO %1$I AS kept SELECT * FROM told
                    ON CONFLICT (%2$s) DO UPDATE SET slots = excluded.slots WHERE kept.slots <> excluded.slots
                RETURNING 1
            ) SELECT (SELECT count(*) FROM gone WHERE differed) + (SELECT count(*) FROM put)
            $statement$, part.name, part.keys, part.slot, part.step, replace(part.keys, ', ', ', told.'), replace(part.keys, ', ', ', kept.'))
            INTO changed USING zone;
        mended := mended + changed;
    END LOOP;
    RETURN mended;
END $$;
-- What one incident adds, by kind (its own category and all of them) and place.
CREATE FUNCTION waiting_cells(category_id integer, hour integer, open bigint, overdue bigint, open_then bigint, overdue_then bigint)
    RETURNS TABLE (kind integer, place integer, amount bigint) LANGUAGE sql IMMUTABLE AS $$
    SELECT kind, what * 25 + slot + 1, amount
      FROM (VALUES (0, open), (1, overdue), (2, open_then), (3, overdue_then)) AS told (what, amount),
           (VALUES (category_id), (0)) AS kinds (kind), (VALUES (hour), (24)) AS slots (slot)
     WHERE amount <> 0
    $$;
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
    ), share AS (
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
    ), cell AS MATERIALIZED (
        SELECT kind, community_id, grid_id, place, sum(amount)::bigint AS amount
          FROM share, LATERAL waiting_cells(category_id, hour, open, overdue, open_then, overdue_then) AS told
         GROUP BY 1, 2, 3, 4 HAVING sum(amount) <> 0
    ), change AS MATERIALIZED (
        SELECT kind, community_id, array_agg(place) AS slot_places, array_agg(amount) AS amounts,
               array_agg(grid_id) FILTER (WHERE grid_id > 0) AS grids,
               array_agg(place) FILTER (WHERE grid_id > 0) AS grid_places, array_agg(amount) FILTER (WHERE grid_id > 0) AS grid_amounts
          FROM cell GROUP BY 1, 2
    ), made AS (
        INSERT INTO slots_waiting SELECT kind, community_id, slots_with(NULL::integer[], 100, slot_places, amounts) FROM change
         WHERE NOT EXISTS (SELECT FROM slots_waiting AS kept WHERE (kept.category_id, kept.community_id) = (kind, change.community_id))
    ), changed AS (
        UPDATE slots_waiting AS kept SET slots = slots_with(kept.slots, 100, slot_places, amounts)
          FROM change WHERE (kept.category_id, kept.community_id) = (kind, change.community_id)
    ), made_grids AS (
        INSERT INTO slots_waiting_grid SELECT kind, community_id, held.grids, held.slots
          FROM change, LATERAL grids_with('{}', '{}', 100, change.grids, grid_places, grid_amounts, 1) AS held
         WHERE NOT EXISTS (SELECT FROM slots_waiting_grid AS kept WHERE (kept.category_id, kept.community_id) = (kind, change.community_id))
    ), changed_grids AS (
        UPDATE slots_waiting_grid AS kept
           SET (grids, by_grid) = (SELECT held.grids, held.slots FROM grids_with(kept.grids, kept.by_grid, 100, change.grids, grid_places, grid_amounts, 1) AS held)
          FROM change WHERE (kept.category_id, kept.community_id) = (kind, change.community_id)
    ), moved AS (
        UPDATE waiting_moment SET at = new WHERE at <> new
    )
    SELECT count(*) INTO folded FROM gone;
    RETURN folded;
END $$;

CREATE OR REPLACE FUNCTION waiting_mend() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    mended bigint;
    zone text := deployment_time_zone();
BEGIN
    PERFORM pg_advisory_xact_lock(8420, 20);
    -- Folds that came since this transaction began have moved it on by as much.
    IF (SELECT at > deployment_now() + (clock_timestamp() - now()) FROM waiting_moment) THEN
        -- The deployment's clock was set back: begin anew.
        DELETE FROM slots_waiting;
        DELETE FROM slots_waiting_grid;
        UPDATE waiting_moment SET at = deployment_now();
    END IF;
    PERFORM waiting_fold();
    WITH share AS (
        SELECT community_id, coalesce(grid_id, 0) AS grid_id, category_id, hour_of(reported_at, zone) AS hour,
               count(*) FILTER (WHERE is_open) AS open, count(*) FILTER (WHERE is_open AND due_at < at) AS overdue,
               count(*) FILTER (WHERE reported_at < at - interval '168 hours') AS open_then, count(*) FILTER (WHERE due_at < at - interval '168 hours') AS overdue_then
          FROM incident, waiting_moment WHERE is_open OR closed_at >= at - interval '168 hours' GROUP BY 1, 2, 3, 4
        UNION ALL
        SELECT community_id, grid_id, category_id, hour_of(reported_at, zone), told.*
          FROM waiting_delta, waiting_moment, LATERAL waiting_share(-sign, is_open, reported_at, closed_at, due_at, at) AS told
    ), cell AS MATERIALIZED (
        SELECT kind AS category_id, community_id, grid_id, place, sum(amount)::bigint AS amount
          FROM share, LATERAL waiting_cells(category_id, hour, open, overdue, open_then, overdue_then) AS told
         GROUP BY 1, 2, 3, 4 HAVING sum(amount) <> 0
    ), told AS MATERIALIZED (
        SELECT category_id, community_id, slots_with(NULL::integer[], 100, array_agg(place), array_agg(amount)) AS slots FROM cell GROUP BY 1, 2
    ), gone AS (
        DELETE FROM slots_waiting AS kept WHERE NOT EXISTS (SELECT FROM told WHERE (told.category_id, told.community_id) = (kept.category_id, kept.community_id))
        RETURNING 0 <> ANY (slots) AS differed
    ), put AS (
        INSERT INTO slots_waiting AS kept SELECT * FROM told
            ON CONFLICT (category_id, community_id) DO UPDATE SET slots = excluded.slots WHERE kept.slots <> excluded.slots
        RETURNING 1
    ), of_grids AS MATERIALIZED (
        SELECT category_id, community_id, array_agg(grid_id ORDER BY grid_id) AS grids, array_agg(place ORDER BY grid_id) AS places,
               array_agg(amount ORDER BY grid_id) AS amounts, array_agg(-amount ORDER BY grid_id) AS negative
          FROM cell WHERE grid_id > 0 GROUP BY 1, 2
    ), differing AS (
        -- Equal where nothing is left of what is kept.
        SELECT count(*) AS number
          FROM of_grids FULL JOIN slots_waiting_grid AS kept USING (category_id, community_id),
               LATERAL grids_with(coalesce(kept.grids, '{}'), coalesce(kept.by_grid, '{}'), 100, of_grids.grids, places, negative, 1) AS left_over
         WHERE 0 <> ANY (left_over.slots)
    ), gone_grids AS (
        DELETE FROM slots_waiting_grid AS kept
         WHERE NOT EXISTS (SELECT FROM of_grids WHERE (of_grids.category_id, of_grids.community_id) = (kept.category_id, kept.community_id))
    ), put_grids AS (
        -- A grid of which nothing waits loses its place.
        INSERT INTO slots_waiting_grid AS kept
        SELECT category_id, community_id, held.grids, held.slots
          FROM of_grids, LATERAL grids_with('{}', '{}', 100, of_grids.grids, places, amounts, 1) AS held
            ON CONFLICT (category_id, community_id) DO UPDATE SET grids = excluded.grids, by_grid = excluded.by_grid
             WHERE (kept.grids, kept.by_grid) <> (excluded.grids, excluded.by_grid)
    )
    SELECT (SELECT count(*) FROM gone WHERE differed) + (SELECT count(*) FROM put) + (SELECT number FROM differing) INTO mended;
    RETURN mended;
END $$;

-- All but what is crossed, which takes as long and may go on beside it.
CREATE FUNCTION rollups_mend() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT counts_mend() + slots_mend() + hours_mend() + categories_mend() + waiting_mend() + reach_mend()
    $$;
CREATE OR REPLACE FUNCTION statistics_mend() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    -- What waits and the homes in reach come last, so that their locks are not held for long.
    SELECT crossed_mend() + rollups_mend()
    $$;

-- Counted once here for a deployment that has incidents.
SELECT crossed_mend() + months_mend() + waiting_mend();
REVOKE ALL ON FUNCTION crossed_mend(), rollups_mend() FROM PUBLIC;
