DROP TRIGGER past_is_kept ON grid_past;
DROP TRIGGER past_is_kept ON area_past;
DROP TRIGGER past_is_kept_whole ON grid_past;
DROP TRIGGER past_is_kept_whole ON area_past;
DROP TRIGGER level_for_life ON area;
DROP TRIGGER in_level_above ON area;
DROP TRIGGER in_community ON grid;
DROP TRIGGER note_truncate ON grid;
DROP FUNCTION past_is_kept(), level_is_for_life(), area_in_level_above(), grid_in_community(), note_grids_emptied();
ALTER TABLE grid DROP CONSTRAINT grid_border_has_ground;
ALTER TABLE area DROP CONSTRAINT area_border_has_ground;

CREATE OR REPLACE FUNCTION coverage_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(NEW.scheme_id, NEW.parent_id);
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION loose_edges(of_scheme integer, of_parent integer)
    RETURNS TABLE (x1 double precision, y1 double precision, x2 double precision, y2 double precision, surplus bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH child AS (
        SELECT geom FROM grid
         WHERE of_scheme > 0 AND scheme_id = of_scheme AND community_id = of_parent AND valid_to IS NULL
        UNION ALL
        SELECT geom FROM area WHERE of_scheme = 0 AND parent_id = of_parent AND valid_to IS NULL
    ), polygon AS (
        SELECT row_number() OVER () AS ord, sign, geom
          FROM (SELECT 1 AS sign, geom FROM child
                UNION ALL
                SELECT -1, geom FROM area WHERE id = of_parent AND valid_to IS NULL AND EXISTS (SELECT FROM child)) AS signed
    ), point AS (
        SELECT ord, sign, (d).path AS path, ST_X((d).geom) AS x, ST_Y((d).geom) AS y
          FROM polygon, LATERAL ST_DumpPoints(ST_ForcePolygonCCW(geom)) AS d
    ), edge AS (
        SELECT sign, x, y, lead(x) OVER ring AS next_x, lead(y) OVER ring AS next_y
          FROM point
        WINDOW ring AS (PARTITION BY ord, path[1], path[2] ORDER BY path[3])
    ), directed AS (
        SELECT x, y, next_x, next_y, sign FROM edge WHERE next_x IS NOT NULL AND (x, y) < (next_x, next_y)
        UNION ALL
        SELECT next_x, next_y, x, y, -sign FROM edge WHERE next_x IS NOT NULL AND (x, y) > (next_x, next_y)
    )
    SELECT x, y, next_x, next_y, sum(sign) FROM directed GROUP BY 1, 2, 3, 4 HAVING sum(sign) <> 0
    $$;
CREATE OR REPLACE FUNCTION coverage_must_hold() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    edges bigint;
    sample jsonb;
    parent_code text;
    scheme_code text;
BEGIN
    DELETE FROM coverage_due WHERE (xid, scheme_id, parent_id) = (NEW.xid, NEW.scheme_id, NEW.parent_id);
    SELECT count(*), jsonb_agg(jsonb_build_array(x1, y1, x2, y2, surplus)) FILTER (WHERE number <= 20)
      INTO edges, sample
      FROM (SELECT *, row_number() OVER () AS number FROM loose_edges(NEW.scheme_id, NEW.parent_id)) AS loose;
    IF edges > 0 THEN
        SELECT code INTO parent_code FROM area WHERE id = NEW.parent_id;
        SELECT code INTO scheme_code FROM scheme WHERE id = NEW.scheme_id;
        RAISE EXCEPTION 'The coverage of area % is broken: % loose edges.', parent_code, edges
            USING ERRCODE = 'check_violation', CONSTRAINT = 'coverage_must_hold',
                  DETAIL = jsonb_build_object('area', parent_code, 'scheme', coalesce(scheme_code, 'areas'),
                                              'loose_edges', edges, 'sample', sample)::text;
    END IF;
    RETURN NULL;
END $$;
DROP TABLE coverage;
