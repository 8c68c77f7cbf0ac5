-- Tiles and lookups: where something changed, how many incidents lie in each cell of each zoom, the ground as it ever was.

-- One row for each change a cached tile must hear of. Written by the database itself, so that no writer can forget it:
-- not the import, not psql, not an editor that connects directly. `cell` NULL: anywhere.
CREATE SEQUENCE tile_change_id_seq;
CREATE TABLE tile_change (
    id      bigint PRIMARY KEY DEFAULT nextval('tile_change_id_seq'),
    xid     xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at      timestamptz NOT NULL DEFAULT now(),
    layer   text NOT NULL,
    cell    integer
);
CREATE INDEX tile_change_xid ON tile_change (xid);
SELECT gate.guard('tile_change', $$(SELECT gate.person_id()) IS NOT NULL$$, $$false$$);
REVOKE INSERT, UPDATE, DELETE ON tile_change FROM wangge_app;

CREATE FUNCTION note_tile_change() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO tile_change (layer) VALUES (TG_TABLE_NAME);
    RETURN NULL;
END $$;
CREATE TRIGGER note_tiles AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON area
    FOR EACH STATEMENT EXECUTE FUNCTION note_tile_change();
CREATE TRIGGER note_tiles AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON grid
    FOR EACH STATEMENT EXECUTE FUNCTION note_tile_change();
CREATE TRIGGER note_tiles AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON building
    FOR EACH STATEMENT EXECUTE FUNCTION note_tile_change();
CREATE TRIGGER note_tiles AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON facility
    FOR EACH STATEMENT EXECUTE FUNCTION note_tile_change();
CREATE TRIGGER note_tiles AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON base_feature
    FOR EACH STATEMENT EXECUTE FUNCTION note_tile_change();

-- Where the name of an area or a grid stands on the map, Web Mercator.
ALTER TABLE area ADD COLUMN label3857 geometry(Point, 3857)
    GENERATED ALWAYS AS (ST_PointOnSurface(ST_Transform(geom, 3857))) STORED;
ALTER TABLE grid ADD COLUMN label3857 geometry(Point, 3857)
    GENERATED ALWAYS AS (ST_PointOnSurface(ST_Transform(geom, 3857))) STORED;

-- Counting a tile's incidents by category, period and scope reads these indexes only, never the rows.
DROP INDEX incident_qk;
CREATE INDEX incident_qk ON incident (qk) INCLUDE (community_id, category_id, is_open, reported_at, severity);
CREATE INDEX incident_recent ON incident (reported_at) INCLUDE (qk, community_id, category_id, is_open);

-- How many incidents lie in each cell, one row a level of the pyramid: level 20 has cells of 38 m at the equator.
-- Category 0 stands for all; single categories are kept up to level 17. True at each moment together with incident_delta.
CREATE TABLE incident_bin (
    level           smallint NOT NULL,
    category_id     integer NOT NULL,
    cell            bigint NOT NULL,
    community_id    integer NOT NULL,
    n               integer NOT NULL,
    open_n          integer NOT NULL,
    PRIMARY KEY (level, category_id, cell, community_id)
);
-- What writers added and took since the last fold; insert-only, so that they never wait for each other.
CREATE TABLE incident_delta (
    cell            bigint NOT NULL,
    community_id    integer NOT NULL,
    category_id     integer NOT NULL,
    n               integer NOT NULL,
    open_n          integer NOT NULL
);
CREATE INDEX incident_delta_cell ON incident_delta (cell);
SELECT gate.guard('incident_bin', $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('incidents'))$$, $$false$$);
SELECT gate.guard('incident_delta', $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('incidents'))$$, $$false$$);
REVOKE INSERT, UPDATE, DELETE ON incident_bin, incident_delta FROM wangge_app;

-- A bulk load may count once at its end instead: SET wangge.bins_later = on, and rebuild_incident_bins() afterwards.
CREATE FUNCTION bins_later() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('wangge.bins_later', true), '') = 'on' AND session_user <> 'wangge_app'
    $$;

-- Many cells at once are told as "anywhere": a bulk change empties the cache of the layer.
CREATE FUNCTION note_incident_cells(cells integer[]) RETURNS void LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    INSERT INTO tile_change (layer, cell)
        SELECT 'incident', cell FROM unnest(cells) AS cell WHERE cardinality(cells) <= 200
        UNION ALL
        SELECT 'incident', NULL WHERE cardinality(cells) > 200
    $$;
CREATE FUNCTION count_incidents_new() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF bins_later() THEN
        RETURN NULL;
    END IF;
    INSERT INTO incident_delta (cell, community_id, category_id, n, open_n)
        SELECT qk >> 8, community_id, category_id, count(*), count(*) FILTER (WHERE is_open)
          FROM fresh WHERE qk IS NOT NULL GROUP BY 1, 2, 3;
    PERFORM note_incident_cells(ARRAY(SELECT DISTINCT (qk >> 20)::integer FROM fresh WHERE qk IS NOT NULL));
    RETURN NULL;
END $$;
CREATE FUNCTION count_incidents_old() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF bins_later() THEN
        RETURN NULL;
    END IF;
    INSERT INTO incident_delta (cell, community_id, category_id, n, open_n)
        SELECT qk >> 8, community_id, category_id, -count(*), -count(*) FILTER (WHERE is_open)
          FROM stale WHERE qk IS NOT NULL GROUP BY 1, 2, 3;
    PERFORM note_incident_cells(ARRAY(SELECT DISTINCT (qk >> 20)::integer FROM stale WHERE qk IS NOT NULL));
    RETURN NULL;
END $$;
CREATE FUNCTION count_incidents_moved() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF bins_later() THEN
        RETURN NULL;
    END IF;
    INSERT INTO incident_delta (cell, community_id, category_id, n, open_n)
        SELECT cell, community_id, category_id, sum(n), sum(open_n) FROM (
            SELECT qk >> 8 AS cell, community_id, category_id, 1 AS n, is_open::integer AS open_n FROM fresh
            UNION ALL
            SELECT qk >> 8, community_id, category_id, -1, -is_open::integer FROM stale) AS moved
         WHERE cell IS NOT NULL GROUP BY 1, 2, 3 HAVING sum(n) <> 0 OR sum(open_n) <> 0;
    PERFORM note_incident_cells(ARRAY(
        SELECT DISTINCT (qk >> 20)::integer FROM (
            (SELECT id, qk, community_id, category_id, severity, is_open, urgent, reported_at FROM fresh
             EXCEPT SELECT id, qk, community_id, category_id, severity, is_open, urgent, reported_at FROM stale)
            UNION ALL
            (SELECT id, qk, community_id, category_id, severity, is_open, urgent, reported_at FROM stale
             EXCEPT SELECT id, qk, community_id, category_id, severity, is_open, urgent, reported_at FROM fresh)) AS seen
         WHERE qk IS NOT NULL));
    RETURN NULL;
END $$;
CREATE FUNCTION count_incidents_none() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    DELETE FROM incident_delta;
    DELETE FROM incident_bin;
    INSERT INTO tile_change (layer) VALUES ('incident');
    RETURN NULL;
END $$;
CREATE TRIGGER count_insert AFTER INSERT ON incident REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION count_incidents_new();
CREATE TRIGGER count_delete AFTER DELETE ON incident REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION count_incidents_old();
CREATE TRIGGER count_update AFTER UPDATE ON incident REFERENCING NEW TABLE AS fresh OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION count_incidents_moved();
CREATE TRIGGER count_truncate AFTER TRUNCATE ON incident
    FOR EACH STATEMENT EXECUTE FUNCTION count_incidents_none();

-- Moves the deltas into the pyramid once there are `at_least` of them; readers see each either here or there.
CREATE FUNCTION fold_incident_bins(at_least integer DEFAULT 1) RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    folded bigint;
BEGIN
    DELETE FROM tile_change WHERE at < now() - interval '1 hour';
    IF (SELECT count(*) FROM (SELECT FROM incident_delta LIMIT at_least) AS seen) < at_least
       OR NOT pg_try_advisory_xact_lock(8420, 7) THEN
        RETURN 0;
    END IF;
    WITH taken AS (
        DELETE FROM incident_delta RETURNING *
    ), spread AS (
        SELECT level, category, taken.cell >> (2 * (20 - level)) AS cell, community_id, sum(n) AS n, sum(open_n) AS open_n
          FROM taken, generate_series(13, 20) AS level, unnest(ARRAY[0, category_id]) AS category
         WHERE category = 0 OR level <= 17
         GROUP BY 1, 2, 3, 4
        HAVING sum(n) <> 0 OR sum(open_n) <> 0
    ), merged AS (
        INSERT INTO incident_bin AS bin (level, category_id, cell, community_id, n, open_n)
            SELECT * FROM spread ORDER BY 1, 2, 3, 4
        ON CONFLICT (level, category_id, cell, community_id)
            DO UPDATE SET n = bin.n + excluded.n, open_n = bin.open_n + excluded.open_n
    )
    SELECT count(*) INTO folded FROM taken;
    DELETE FROM incident_bin WHERE n = 0 AND open_n = 0;
    RETURN folded;
END $$;

-- Counts everything anew, for the end of a bulk load; writers of incidents wait meanwhile (about 10 s for a million).
CREATE FUNCTION rebuild_incident_bins() RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    bins bigint;
BEGIN
    LOCK TABLE incident IN SHARE MODE;
    PERFORM pg_advisory_xact_lock(8420, 7);
    DELETE FROM incident_delta;
    DELETE FROM incident_bin;
    WITH fine AS MATERIALIZED (
        SELECT qk >> 8 AS cell, community_id, category_id, count(*) AS n, count(*) FILTER (WHERE is_open) AS open_n
          FROM incident WHERE qk IS NOT NULL GROUP BY 1, 2, 3
    ), category_fine AS MATERIALIZED (
        SELECT cell >> 6 AS cell, community_id, category_id, sum(n) AS n, sum(open_n) AS open_n FROM fine GROUP BY 1, 2, 3
    )
    INSERT INTO incident_bin (level, category_id, cell, community_id, n, open_n)
        SELECT level, 0, cell >> (2 * (20 - level)), community_id, sum(n), sum(open_n)
          FROM (SELECT cell, community_id, sum(n) AS n, sum(open_n) AS open_n FROM fine GROUP BY 1, 2) AS whole,
               generate_series(13, 20) AS level
         GROUP BY 1, 2, 3, 4
        UNION ALL
        SELECT level, category_id, cell >> (2 * (17 - level)), community_id, sum(n), sum(open_n)
          FROM category_fine, generate_series(13, 17) AS level
         GROUP BY 1, 2, 3, 4;
    GET DIAGNOSTICS bins = ROW_COUNT;
    INSERT INTO tile_change (layer) VALUES ('incident');
    RETURN bins;
END $$;
REVOKE ALL ON FUNCTION rebuild_incident_bins(), note_incident_cells(integer[]), fold_incident_bins(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fold_incident_bins(integer) TO wangge_app;

-- Incidents that were there before this revision.
SELECT rebuild_incident_bins();

-- The ground as it ever was: current and past rows under one name, each under the caller's own scope.
-- A past row outlives a transfer of its grid to another community, so code and kind come through the gate.
CREATE FUNCTION gate.grid_code(of_grid bigint) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT code FROM grid WHERE id = of_grid
    $$;
CREATE FUNCTION gate.grid_kind(of_grid bigint) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT kind FROM grid WHERE id = of_grid
    $$;
CREATE VIEW grid_ever WITH (security_invoker = true) AS
    SELECT id, version, scheme_id, community_id, code, name, name_en, kind, households, geom, valid_from, valid_to,
           area_m2, perimeter_m, label3857
      FROM grid
    UNION ALL
    SELECT grid_id, version, scheme_id, community_id, gate.grid_code(grid_id), name, name_en, gate.grid_kind(grid_id),
           households, geom, valid_from, valid_to,
           ST_Area(geom::geography), ST_Perimeter(geom::geography), ST_PointOnSurface(ST_Transform(geom, 3857))
      FROM grid_past;
CREATE VIEW area_ever WITH (security_invoker = true) AS
    SELECT id, version, level, parent_id, code, name, name_en, geom, valid_from, valid_to, area_m2, label3857
      FROM area
    UNION ALL
    SELECT past.area_id, past.version, area.level, past.parent_id, area.code, past.name, past.name_en, past.geom,
           past.valid_from, past.valid_to, ST_Area(past.geom::geography), ST_PointOnSurface(ST_Transform(past.geom, 3857))
      FROM area_past AS past JOIN area ON area.id = past.area_id;
GRANT SELECT ON grid_ever, area_ever TO wangge_app;

-- Where each place belongs is true whoever asks, so the lookup index of a server process holds the whole current ground;
-- what of an answer the caller may see is cut by scope afterwards.
CREATE FUNCTION gate.ground_stamp() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT concat_ws('.', count(*), sum(hashint8extended(grid.id, grid.version)),
                     (SELECT concat_ws('.', count(*), sum(hashint8extended(id, version))) FROM area
                       WHERE level = 'community' AND valid_to IS NULL))
      FROM grid JOIN scheme ON scheme.id = scheme_id AND is_primary
     WHERE grid.valid_to IS NULL
    $$;
CREATE FUNCTION gate.current_grids() RETURNS TABLE (id bigint, version integer, community_id integer, border bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT grid.id, version, community_id, ST_AsBinary(geom)
      FROM grid JOIN scheme ON scheme.id = scheme_id AND is_primary
     WHERE valid_to IS NULL ORDER BY grid.code
    $$;
CREATE FUNCTION gate.current_communities() RETURNS TABLE (id integer, border bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT id, ST_AsBinary(geom) FROM area WHERE level = 'community' AND valid_to IS NULL ORDER BY code
    $$;
