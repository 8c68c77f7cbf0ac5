LOCK TABLE incident IN SHARE ROW EXCLUSIVE MODE;
SELECT pg_advisory_xact_lock(8420, 8), pg_advisory_xact_lock(8420, 20), statistics_fold(), waiting_fold();
CREATE OR REPLACE FUNCTION statistics_mend() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT counts_mend() + slots_mend() + hours_mend() + categories_mend() + waiting_mend() + reach_mend()
    $$;
DROP TRIGGER fold_crossed ON statistics_delta;
DROP FUNCTION fold_crossed(), rollups_mend(), crossed_mend(), shares_told(text), cells_with(integer[], bigint[], integer[], bigint[]), waiting_cells(integer, integer, bigint, bigint, bigint, bigint);
DROP FUNCTION grids_with(bigint[], integer[], integer, bigint[], integer[], bigint[], integer);
DROP TABLE slots_crossed_month, slots_crossed_year, slots_grid_measures, slots_grid_month, slots_grid_category, slots_waiting, slots_waiting_grid;
DROP INDEX incident_grid_last;
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

DO $$ BEGIN
    EXECUTE replace(pg_get_functiondef('categories_mend()'::regprocedure), 'run => 1', 'running => false');
END $$;
DO $$
DECLARE
    mend record;
BEGIN
    FOR mend IN SELECT * FROM (VALUES ('counts_mend()', 30), ('hours_mend()', 31), ('categories_mend()', 32)) AS each (name, number) LOOP
        EXECUTE replace(pg_get_functiondef(mend.name::regprocedure),
                        format('pg_advisory_xact_lock_shared(8420, 8), pg_advisory_xact_lock(8420, %s)', mend.number), 'pg_advisory_xact_lock(8420, 8)');
    END LOOP;
END $$;
DO $$
DECLARE
    told text := pg_get_functiondef('months_mend()'::regprocedure);
BEGIN
    told := replace(told, 'unnest(slots) WITH', 'unnest(slots[1:%4$s]) WITH');
    told := replace(told, 'AS each (number, slot)', $new$AS each (number, slot) WHERE %2$s > 0 OR %3$L = 'community'$new$);
    told := replace(told, $old$'community_id' END, unit)$old$, $new$'community_id' END, unit,
        CASE unit WHEN 'ground' THEN 24 ELSE 288 END)$new$);
    EXECUTE told;
END $$;
CREATE OR REPLACE FUNCTION slot_tables() RETURNS TABLE (
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
CREATE TABLE statistics_waiting_hour (
    community_id    integer NOT NULL,
    hour            integer NOT NULL,
    open            integer NOT NULL,
    overdue         integer NOT NULL,
    open_then       integer NOT NULL,
    overdue_then    integer NOT NULL,
    PRIMARY KEY (community_id, hour)
);
DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['statistics_waiting', 'statistics_waiting_grid', 'statistics_waiting_hour'] LOOP
        EXECUTE format($guard$SELECT gate.guard(%L, $cut$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$cut$, 'false')$guard$, each);
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON %I FROM wangge_app', each);
    END LOOP;
END $$;
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
SELECT months_mend() + waiting_mend();
