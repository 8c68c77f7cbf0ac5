-- Panels that cost the same with categories of a part of the ground and in fills: a row for each category, community and month
-- holds its days, its hours and its grids. And long periods with hours of the day: a community's months hold all measures,
-- a grid's months of a year are one row.

LOCK TABLE incident IN SHARE ROW EXCLUSIVE MODE;
SELECT pg_advisory_xact_lock(8420, 8), statistics_fold();

-- days: what happened on a day, slot = measure * 31 + day, measures as in slots_community_day. hours: reported up to and including
-- a day, slot = hour * 31 + day. by_grid: the same of each of `grids`, slot = (n - 1) * 31 + day for the n-th of them.
CREATE TABLE slots_category_month (
    category_id     integer NOT NULL,
    month           date NOT NULL,
    community_id    integer NOT NULL,
    days            bigint[] NOT NULL,
    hours           integer[] NOT NULL,
    grids           bigint[] NOT NULL,
    by_grid         integer[] NOT NULL,
    PRIMARY KEY (category_id, month, community_id)
);
-- Reported up to and including a month of the year, slot = (n - 1) * 12 + month for the n-th of `grids`.
CREATE TABLE slots_category_year (
    category_id     integer NOT NULL,
    year            date NOT NULL,
    community_id    integer NOT NULL,
    grids           bigint[] NOT NULL,
    by_grid         integer[] NOT NULL,
    PRIMARY KEY (category_id, year, community_id)
);
-- Reported up to and including a month of the year by hour, slot = hour * 12 + month; in place of a row a month.
DROP TABLE slots_grid_month;
CREATE TABLE slots_grid_year (community_id integer, year date, grid_id bigint, slots integer[] NOT NULL, PRIMARY KEY (community_id, year, grid_id));
DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['slots_category_month', 'slots_category_year', 'slots_grid_year'] LOOP
        -- Compressed where they stand, not only beyond two kilobytes.
        EXECUTE format('ALTER TABLE %I SET (toast_tuple_target = 128, fillfactor = 90)', each);
        EXECUTE format($guard$SELECT gate.guard(%L, $cut$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$cut$, 'false')$guard$, each);
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON %I FROM wangge_app', each);
    END LOOP;
END $$;
ALTER TABLE slots_category_month ALTER days SET STORAGE MAIN, ALTER hours SET STORAGE MAIN, ALTER grids SET STORAGE MAIN, ALTER by_grid SET STORAGE MAIN;
ALTER TABLE slots_category_year ALTER grids SET STORAGE MAIN, ALTER by_grid SET STORAGE MAIN;
ALTER TABLE slots_grid_year ALTER slots SET STORAGE MAIN;

-- Running slots with some amounts added, each from its place to the end of its block; no slots are zeros.
CREATE FUNCTION running_with(slots integer[], size integer, block integer, places integer[], amounts bigint[]) RETURNS integer[]
    LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF slots IS NULL THEN
        slots := array_fill(0, ARRAY[size]);
    END IF;
    FOR i IN 1 .. coalesce(cardinality(places), 0) LOOP
        FOR place IN places[i] .. ((places[i] - 1) / block + 1) * block LOOP
            slots[place] := slots[place] + amounts[i];
        END LOOP;
    END LOOP;
    RETURN slots;
END $$;
-- The same of a list of grids with a block for each; a grid that is not in the list is put at its end. Slots that do not run yet
-- get each amount at its place alone.
CREATE FUNCTION grids_with(INOUT grids bigint[], INOUT slots integer[], block integer, added bigint[], places integer[], amounts bigint[],
                           running boolean DEFAULT true)
    LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    n integer;
BEGIN
    FOR i IN 1 .. coalesce(cardinality(added), 0) LOOP
        n := array_position(grids, added[i]);
        IF n IS NULL THEN
            grids := grids || added[i];
            slots := slots || array_fill(0, ARRAY[block]);
            n := cardinality(grids);
        END IF;
        FOR place IN (n - 1) * block + places[i] .. CASE WHEN running THEN n * block ELSE (n - 1) * block + places[i] END LOOP
            slots[place] := slots[place] + amounts[i];
        END LOOP;
    END LOOP;
END $$;

ALTER TABLE slots_community_month DROP COLUMN reported;
ALTER TABLE slots_community_month ADD COLUMN reported bigint GENERATED ALWAYS AS (slots_total(slots[1:24])) STORED;
DROP FUNCTION slot_tables(), slots_added(integer, text, text, integer, text);
-- How each table is told from rows like those of statistics_delta: by which keys, into which slot of a measure,
-- from which rows; a slot is running within its block, of one where it is not.
CREATE FUNCTION slot_tables() RETURNS TABLE (
        number integer, name text, keys text, told text, slot text, step integer, measures integer, counted text, block integer)
    LANGUAGE sql IMMUTABLE AS $$
    VALUES (1, 'slots_community_day', 'community_id, day', 'community_id, day', 'hour + 1', 24, 12, 'true', 1),
           (2, 'slots_ground_day', 'category_id, day', 'category_id, day', 'hour + 1', 24, 12, 'true', 1),
           (3, 'slots_ground_day', 'category_id, day', '0, day', 'hour + 1', 24, 12, 'true', 1),
           (4, 'slots_community_month', 'community_id, month', 'community_id, month', 'hour + 1', 24, 12, 'true', 1),
           (5, 'slots_ground_month', 'category_id, month', 'category_id, month', 'hour + 1', 24, 1, 'true', 1),
           (6, 'slots_grid_year', 'community_id, year, grid_id', 'community_id, year, grid_id', 'hour * 12 + of_year', 288, 1, 'grid_id > 0', 12),
           (7, 'slots_grid_hour', 'community_id, month, grid_id', 'community_id, month, grid_id', 'hour * 31 + of_month', 744, 1, 'grid_id > 0', 31)
    $$;

-- The part of a statement that adds what `cells` (keys, place, amount) holds to a table of slots.
CREATE FUNCTION slots_added(number integer, name text, keys text, size integer, block integer, cells text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format($part$
        change_%1$s AS MATERIALIZED (
            SELECT %3$s, array_agg(place) AS places, array_agg(amount) AS amounts
              FROM (SELECT %3$s, place, sum(amount)::bigint AS amount FROM (%5$s) AS cell (%3$s, place, amount)
                     GROUP BY %3$s, place HAVING sum(amount) <> 0) AS told
             GROUP BY %3$s
        ), made_%1$s AS (
            INSERT INTO %2$s (%3$s, slots)
            SELECT %3$s, %8$s((NULL::%2$s).slots, %4$s, places, amounts) FROM change_%1$s AS change
             WHERE NOT EXISTS (SELECT FROM %2$s AS kept WHERE (%6$s) = (%7$s))
        ), changed_%1$s AS (
            UPDATE %2$s AS kept SET slots = %8$s(kept.slots, %4$s, places, amounts)
              FROM change_%1$s AS change WHERE (%6$s) = (%7$s)
        )$part$, number, name, keys,
            CASE block WHEN 1 THEN size::text ELSE format('%s, %s', size, block) END, cells, 'kept.' || replace(keys, ', ', ', kept.'), 'change.' || replace(keys, ', ', ', change.'),
            CASE block WHEN 1 THEN 'slots_with' ELSE 'running_with' END)
    $$;

CREATE OR REPLACE FUNCTION fold_hours() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM gone) THEN
        RETURN NULL;
    END IF;
    EXECUTE (SELECT format($all$WITH cells AS MATERIALIZED (
            SELECT community_id, grid_id, category_id, day, date_trunc('month', day)::date AS month, extract(day FROM day)::integer AS of_month,
                   date_trunc('year', day)::date AS year, extract(month FROM day)::integer AS of_year, hour::integer, measure, amount::bigint
              FROM gone, LATERAL (VALUES (0, reported), (1, filed), (2, ended), (3, closed), (4, on_spot), (5, closed_in_grid), (6, closed_in_community), (7, closed_late), (8, handled_s), (9, due), (10, due_closed), (11, due_on_time)) AS each (measure, amount)
             WHERE amount <> 0), %s SELECT$all$,
            string_agg(slots_added(number, name, keys, step * measures, block, format(
                'SELECT %s, measure * %s + %s, amount FROM cells'
                ' WHERE measure < %s AND %s', told, step, slot, measures, counted)), ', '))
          FROM slot_tables());
    RETURN NULL;
END $$;

-- Months and years of these, told from their days and months.
CREATE FUNCTION months_mend() RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public SET work_mem = '256MB' SET TimeZone = 'UTC' AS $$
DECLARE
    unit text;
    changed bigint;
    mended bigint := 0;
BEGIN
    FOREACH unit IN ARRAY ARRAY['community', 'ground'] LOOP
        EXECUTE format($statement$
        WITH told AS MATERIALIZED (
            SELECT unit, month, array_agg(number ORDER BY slot) AS slots
              FROM (SELECT %2$s AS unit, date_trunc('month', day)::date AS month, slot, sum(number)::bigint AS number
                      FROM slots_%3$s_day, unnest(slots[1:%4$s]) WITH ORDINALITY AS each (number, slot) WHERE %2$s > 0 OR %3$L = 'community'
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
        $statement$, format('slots_%s_month', unit), CASE unit WHEN 'ground' THEN 'category_id' ELSE 'community_id' END, unit,
        CASE unit WHEN 'ground' THEN 24 ELSE 288 END) INTO changed;
        mended := mended + changed;
    END LOOP;

    WITH told AS MATERIALIZED (
        SELECT community_id, date_trunc('year', month)::date AS year, grid_id,
               running_with(NULL, 288, 12, array_agg(hour * 12 + date_part('month', month)::integer), array_agg(held[hour * 31 + 31]::bigint)) AS by_both
          FROM (SELECT community_id, month, grid_id, slots[1:744] AS held FROM slots_grid_hour OFFSET 0) AS kept, generate_series(0, 23) AS hour
         WHERE held[hour * 31 + 31] <> 0 GROUP BY 1, 2, 3
    ), gone AS (
        DELETE FROM slots_grid_year AS kept
         WHERE NOT EXISTS (SELECT FROM told WHERE (told.community_id, told.year, told.grid_id) = (kept.community_id, kept.year, kept.grid_id))
        RETURNING 0 <> ANY (slots) AS differed
    ), put AS (
        INSERT INTO slots_grid_year AS kept SELECT * FROM told
            ON CONFLICT (community_id, year, grid_id) DO UPDATE SET slots = excluded.slots WHERE kept.slots <> excluded.slots
        RETURNING 1
    ) SELECT (SELECT count(*) FROM gone WHERE differed) + (SELECT count(*) FROM put) INTO changed;
    RETURN mended + changed;
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

    WITH cell AS MATERIALIZED (
        SELECT community_id, grid_id, date_trunc('month', day)::date AS month, date_part('day', day)::integer AS of_month, hour,
               sum(number)::bigint AS number
          FROM (SELECT community_id, grid_id, reported_at::date AS day, date_part('hour', reported_at)::integer AS hour, count(*) AS number
                  FROM incident WHERE grid_id IS NOT NULL GROUP BY 1, 2, 3, 4
                UNION ALL
                SELECT community_id, grid_id, day, hour, -reported FROM statistics_delta WHERE reported <> 0 AND grid_id > 0) AS told
         GROUP BY 1, 2, 3, 4, 5
    ), told AS MATERIALIZED (
        SELECT community_id, month, grid_id, running_by_hour(slots_with(NULL::integer[], 744, array_agg(hour * 31 + of_month), array_agg(number))) AS by_both
          FROM cell GROUP BY 1, 2, 3 HAVING bool_or(number <> 0)
    ), gone AS (
        DELETE FROM slots_grid_hour AS kept
         WHERE NOT EXISTS (SELECT FROM told WHERE (told.community_id, told.month, told.grid_id) = (kept.community_id, kept.month, kept.grid_id))
        RETURNING 0 <> ANY (slots) AS differed
    ), put AS (
        INSERT INTO slots_grid_hour AS kept SELECT community_id, month, grid_id, by_both FROM told
            ON CONFLICT (community_id, month, grid_id) DO UPDATE SET slots = excluded.slots WHERE kept.slots <> excluded.slots
        RETURNING 1
    ) SELECT (SELECT count(*) FROM gone WHERE differed) + (SELECT count(*) FROM put) INTO changed;
    RETURN mended + changed + months_mend();
END $$;


CREATE FUNCTION fold_categories() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM gone) THEN
        RETURN NULL;
    END IF;
    WITH change AS MATERIALIZED (
        SELECT category_id, date_trunc('month', day)::date AS month, community_id,
               array_agg(measure * 31 + of_month) AS places, array_agg(amount) AS amounts,
               array_agg(hour * 31 + of_month) FILTER (WHERE measure = 0) AS hour_places, array_agg(amount) FILTER (WHERE measure = 0) AS hour_amounts,
               array_agg(grid_id) FILTER (WHERE measure = 0 AND grid_id > 0) AS grids,
               array_agg(of_month) FILTER (WHERE measure = 0 AND grid_id > 0) AS grid_places,
               array_agg(amount) FILTER (WHERE measure = 0 AND grid_id > 0) AS grid_amounts
          FROM gone, LATERAL (SELECT extract(day FROM day)::integer AS of_month) AS dated,
               LATERAL (VALUES (0, reported::bigint), (1, filed), (2, ended), (3, closed), (4, on_spot), (5, closed_in_grid), (6, closed_in_community),
                               (7, closed_late), (8, handled_s), (9, due), (10, due_closed), (11, due_on_time)) AS each (measure, amount)
         WHERE amount <> 0 GROUP BY 1, 2, 3
    ), made AS (
        INSERT INTO slots_category_month (category_id, month, community_id, days, hours, grids, by_grid)
        SELECT category_id, month, community_id, slots_with(NULL::bigint[], 372, places, amounts),
               running_with(NULL, 744, 31, hour_places, hour_amounts), held.grids, held.slots
          FROM change, LATERAL grids_with('{}', '{}', 31, change.grids, grid_places, grid_amounts) AS held
         WHERE NOT EXISTS (SELECT FROM slots_category_month AS kept
                            WHERE (kept.category_id, kept.month, kept.community_id) = (change.category_id, change.month, change.community_id))
    )
    UPDATE slots_category_month AS kept
       SET days = slots_with(kept.days, 372, places, amounts),
           hours = CASE WHEN hour_places IS NULL THEN kept.hours ELSE running_with(kept.hours, 744, 31, hour_places, hour_amounts) END,
           (grids, by_grid) = (SELECT held.grids, held.slots FROM grids_with(kept.grids, kept.by_grid, 31, change.grids, grid_places, grid_amounts) AS held)
      FROM change WHERE (kept.category_id, kept.month, kept.community_id) = (change.category_id, change.month, change.community_id);

    WITH change AS MATERIALIZED (
        SELECT category_id, date_trunc('year', day)::date AS year, community_id,
               array_agg(grid_id) AS grids, array_agg(extract(month FROM day)::integer) AS places, array_agg(reported::bigint) AS amounts
          FROM gone WHERE reported <> 0 AND grid_id > 0 GROUP BY 1, 2, 3
    ), made AS (
        INSERT INTO slots_category_year (category_id, year, community_id, grids, by_grid)
        SELECT category_id, year, community_id, held.grids, held.slots
          FROM change, LATERAL grids_with('{}', '{}', 12, change.grids, places, amounts) AS held
         WHERE NOT EXISTS (SELECT FROM slots_category_year AS kept
                            WHERE (kept.category_id, kept.year, kept.community_id) = (change.category_id, change.year, change.community_id))
    )
    UPDATE slots_category_year AS kept
       SET (grids, by_grid) = (SELECT held.grids, held.slots FROM grids_with(kept.grids, kept.by_grid, 12, change.grids, places, amounts) AS held)
      FROM change WHERE (kept.category_id, kept.year, kept.community_id) = (change.category_id, change.year, change.community_id);
    RETURN NULL;
END $$;
CREATE TRIGGER fold_categories AFTER DELETE ON statistics_delta REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION fold_categories();

-- The slots equal a recount likewise: told anew, without what is not folded yet, and put where they differ. Grids keep their places.
CREATE FUNCTION categories_mend() RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public SET work_mem = '256MB' SET TimeZone = 'UTC' AS $$
DECLARE
    changed bigint;
    mended bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(8420, 8), set_config('TimeZone', deployment_time_zone(), true);
    WITH counted AS (
        SELECT category_id, day - of_month + 1 AS month, community_id, array_agg(measure * 31 + of_month) AS places, array_agg(amount) AS amounts
          FROM (SELECT category_id, community_id, day, date_part('day', day)::integer AS of_month, measure, amount
                  FROM (SELECT category_id, community_id, reported_at::date AS day, count(*) AS reported, count(filed_at) AS filed
                          FROM incident GROUP BY 1, 2, 3) AS each, LATERAL (VALUES (0, reported), (1, filed)) AS told (measure, amount)
                UNION ALL
                SELECT category_id, community_id, day, date_part('day', day)::integer, measure, amount
                  FROM (SELECT category_id, community_id, closed_at::date AS day, count(*) AS ended, count(*) FILTER (WHERE good) AS closed,
                               count(*) FILTER (WHERE good AND on_spot) AS on_spot, count(*) FILTER (WHERE good AND level = 'grid') AS closed_in_grid,
                               count(*) FILTER (WHERE good AND level IN ('grid', 'community')) AS closed_in_community,
                               count(*) FILTER (WHERE good AND closed_at > due_at) AS closed_late,
                               sum(greatest(extract(epoch FROM closed_at - reported_at)::bigint - suspended_s, 0)) FILTER (WHERE good)::bigint AS handled_s
                          FROM (SELECT *, state = 'closed' AND duplicate_of IS NULL AS good FROM incident WHERE closed_at IS NOT NULL) AS ended
                         GROUP BY 1, 2, 3) AS each,
                       LATERAL (VALUES (2, ended), (3, closed), (4, on_spot), (5, closed_in_grid), (6, closed_in_community), (7, closed_late),
                                       (8, handled_s)) AS told (measure, amount)
                UNION ALL
                SELECT category_id, community_id, day, date_part('day', day)::integer, measure, amount
                  FROM (SELECT category_id, community_id, due_at::date AS day, count(*) AS due, count(*) FILTER (WHERE state = 'closed') AS due_closed,
                               count(*) FILTER (WHERE state = 'closed' AND closed_at <= due_at) AS due_on_time
                          FROM incident WHERE due_at IS NOT NULL AND duplicate_of IS NULL AND state NOT IN ('not_filed', 'suspended')
                         GROUP BY 1, 2, 3) AS each, LATERAL (VALUES (9, due), (10, due_closed), (11, due_on_time)) AS told (measure, amount)
                UNION ALL
                SELECT category_id, community_id, day, date_part('day', day)::integer, measure, -amount
                  FROM statistics_delta,
                       LATERAL (VALUES (0, reported::bigint), (1, filed), (2, ended), (3, closed), (4, on_spot), (5, closed_in_grid),
                                       (6, closed_in_community), (7, closed_late), (8, handled_s), (9, due), (10, due_closed),
                                       (11, due_on_time)) AS told (measure, amount)) AS told
         WHERE amount <> 0 GROUP BY 1, 2, 3
    ), reported AS (
        SELECT category_id, day - of_month + 1 AS month, community_id, array_agg(hour * 31 + of_month) AS hour_places, array_agg(number) AS hour_amounts,
               array_agg(grid_id) FILTER (WHERE grid_id > 0) AS grids,
               array_agg(of_month) FILTER (WHERE grid_id > 0) AS grid_places, array_agg(number) FILTER (WHERE grid_id > 0) AS grid_amounts
          -- A grid of which nothing is left must not get a place.
          FROM (SELECT category_id, community_id, grid_id, day, hour, date_part('day', day)::integer AS of_month, sum(number)::bigint AS number
                  FROM (SELECT category_id, community_id, coalesce(grid_id, 0) AS grid_id, reported_at::date AS day,
                               date_part('hour', reported_at)::integer AS hour, 1 AS number
                          FROM incident
                        UNION ALL
                        SELECT category_id, community_id, grid_id, day, hour, -reported FROM statistics_delta WHERE reported <> 0) AS each
                 GROUP BY 1, 2, 3, 4, 5 HAVING sum(number) <> 0) AS each
         GROUP BY 1, 2, 3
    ), told AS MATERIALIZED (
        SELECT * FROM (
            SELECT category_id, month, community_id, slots_with(NULL::bigint[], 372, coalesce(places, '{}'), amounts) AS days,
                   -- Of many it costs less to let them run afterwards.
                   CASE WHEN cardinality(hour_places) > 50 THEN running_by_hour(slots_with(NULL::integer[], 744, hour_places, hour_amounts))
                        ELSE running_with(NULL, 744, 31, hour_places, hour_amounts) END AS hours,
                   held.grids, running_by_hour(held.slots) AS by_grid
              FROM counted FULL JOIN reported USING (category_id, month, community_id)
              LEFT JOIN slots_category_month AS kept USING (category_id, month, community_id),
                   LATERAL grids_with(coalesce(kept.grids, '{}'), array_fill(0, ARRAY[31 * coalesce(cardinality(kept.grids), 0)]), 31,
                                      reported.grids, grid_places, grid_amounts, running => false) AS held
             -- Told once, not for the filter again.
            OFFSET 0) AS each
         WHERE 0 <> ANY (days) OR 0 <> ANY (hours) OR 0 <> ANY (by_grid)
    ), gone AS (
        DELETE FROM slots_category_month AS kept
         WHERE NOT EXISTS (SELECT FROM told WHERE (told.category_id, told.month, told.community_id) = (kept.category_id, kept.month, kept.community_id))
        RETURNING 0 <> ANY (days) OR 0 <> ANY (hours) OR 0 <> ANY (by_grid) AS differed
    ), put AS (
        INSERT INTO slots_category_month AS kept SELECT * FROM told ORDER BY category_id, month, community_id
            ON CONFLICT (category_id, month, community_id) DO UPDATE
                SET days = excluded.days, hours = excluded.hours, grids = excluded.grids, by_grid = excluded.by_grid
             WHERE (kept.days, kept.hours, kept.grids, kept.by_grid) <> (excluded.days, excluded.hours, excluded.grids, excluded.by_grid)
        RETURNING 1
    ) SELECT (SELECT count(*) FROM gone WHERE differed) + (SELECT count(*) FROM put) INTO mended;

    WITH reported AS (
        SELECT category_id, date_trunc('year', month)::date AS year, community_id,
               array_agg(grid) AS grids, array_agg(date_part('month', month)::integer) AS places, array_agg(until::bigint) AS amounts
          FROM (SELECT category_id, month, community_id, grid, held[n * 31] AS until
                  FROM (SELECT category_id, month, community_id, grids, by_grid[1:] AS held FROM slots_category_month OFFSET 0) AS kept,
                       unnest(grids) WITH ORDINALITY AS each (grid, n)) AS whole
         WHERE until <> 0 GROUP BY 1, 2, 3
    ), told AS MATERIALIZED (
        SELECT category_id, year, community_id, held.grids, held.slots AS by_grid
          FROM reported LEFT JOIN slots_category_year AS kept USING (category_id, year, community_id),
               LATERAL grids_with(coalesce(kept.grids, '{}'), array_fill(0, ARRAY[12 * coalesce(cardinality(kept.grids), 0)]), 12,
                                  reported.grids, places, amounts) AS held
    ), gone AS (
        DELETE FROM slots_category_year AS kept
         WHERE NOT EXISTS (SELECT FROM told WHERE (told.category_id, told.year, told.community_id) = (kept.category_id, kept.year, kept.community_id))
        RETURNING 0 <> ANY (by_grid) AS differed
    ), put AS (
        INSERT INTO slots_category_year AS kept SELECT * FROM told ORDER BY category_id, year, community_id
            ON CONFLICT (category_id, year, community_id) DO UPDATE SET grids = excluded.grids, by_grid = excluded.by_grid
             WHERE (kept.grids, kept.by_grid) <> (excluded.grids, excluded.by_grid)
        RETURNING 1
    ) SELECT (SELECT count(*) FROM gone WHERE differed) + (SELECT count(*) FROM put) INTO changed;
    RETURN mended + changed;
END $$;

CREATE OR REPLACE FUNCTION statistics_mend() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT counts_mend() + slots_mend() + hours_mend() + categories_mend() + waiting_mend() + reach_mend()
    $$;

-- Counted once here for a deployment that has incidents.
SELECT months_mend() + categories_mend();
REVOKE ALL ON FUNCTION categories_mend(), months_mend() FROM PUBLIC;
