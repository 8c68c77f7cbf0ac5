-- Ground stays divided once it was, in levels that fit, and what was is never changed afterwards.

-- One row for each (scheme, parent) that was ever touched. Its turn queues the writers of one coverage as a lock would, and whoever
-- writes from an older snapshot than the last turn fails to serialise instead of proving the coverage on ground that is gone.
CREATE TABLE coverage (
    scheme_id   integer NOT NULL,
    parent_id   integer NOT NULL REFERENCES area (id) ON DELETE CASCADE,
    turn        bigint NOT NULL DEFAULT 0,
    divided     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (scheme_id, parent_id)
);
INSERT INTO coverage (scheme_id, parent_id, divided)
    SELECT DISTINCT scheme_id, community_id, true FROM grid WHERE valid_to IS NULL
    UNION
    SELECT DISTINCT 0, parent_id, true FROM area WHERE valid_to IS NULL AND parent_id IS NOT NULL;

CREATE OR REPLACE FUNCTION coverage_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coverage (scheme_id, parent_id) SELECT NEW.scheme_id, id FROM area WHERE id = NEW.parent_id
        ON CONFLICT (scheme_id, parent_id) DO UPDATE SET turn = coverage.turn + 1;
    RETURN NEW;
END $$;

-- Every ring counter-clockwise, +1 or -1 for each directed edge, the outline subtracted: nothing left over <=> every inner point
-- lies in exactly one child. Scheme 0 stands for areas inside areas. A parent that never had children is not divided yet,
-- which is no defect; one that was stays so while it lives, unless its whole scheme is given up.
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
                SELECT -1, geom FROM area
                 WHERE id = of_parent AND valid_to IS NULL AND (
                       EXISTS (SELECT FROM child) OR
                       EXISTS (SELECT FROM coverage WHERE scheme_id = of_scheme AND parent_id = of_parent AND divided)
                       AND (of_scheme = 0 OR EXISTS (SELECT FROM scheme WHERE scheme.id = of_scheme)))) AS signed
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
    UPDATE coverage SET divided = true
     WHERE (scheme_id, parent_id) = (NEW.scheme_id, NEW.parent_id) AND NOT divided
       AND (EXISTS (SELECT FROM grid WHERE scheme_id = NEW.scheme_id AND community_id = NEW.parent_id AND valid_to IS NULL) OR
            NEW.scheme_id = 0 AND EXISTS (SELECT FROM area WHERE parent_id = NEW.parent_id AND valid_to IS NULL));
    RETURN NULL;
END $$;

CREATE FUNCTION note_grids_emptied() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO coverage_due (scheme_id, parent_id)
        SELECT scheme_id, parent_id FROM coverage WHERE scheme_id > 0 AND divided ORDER BY 1, 2 ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER note_truncate AFTER TRUNCATE ON grid FOR EACH STATEMENT EXECUTE FUNCTION note_grids_emptied();

ALTER TABLE grid ADD CONSTRAINT grid_border_has_ground CHECK (NOT ST_IsEmpty(geom));
ALTER TABLE area ADD CONSTRAINT area_border_has_ground CHECK (NOT ST_IsEmpty(geom));

CREATE FUNCTION grid_in_community() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF (SELECT level FROM area WHERE id = NEW.community_id) <> 'community' THEN
        RAISE EXCEPTION 'Grid % lies in an area that is no community.', NEW.code
            USING ERRCODE = 'check_violation', CONSTRAINT = 'grid_in_community';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER in_community BEFORE INSERT OR UPDATE OF community_id ON grid FOR EACH ROW EXECUTE FUNCTION grid_in_community();

CREATE FUNCTION area_in_level_above() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF (NEW.level, (SELECT level FROM area WHERE id = NEW.parent_id)) NOT IN (('street', 'district'), ('community', 'street')) THEN
        RAISE EXCEPTION 'Area % lies in an area of the wrong level: districts hold streets, streets hold communities.', NEW.code
            USING ERRCODE = 'check_violation', CONSTRAINT = 'area_in_level_above';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER in_level_above BEFORE INSERT OR UPDATE OF parent_id ON area
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION area_in_level_above();

CREATE FUNCTION level_is_for_life() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A level is for life: end area % and make a new one.', OLD.code
        USING ERRCODE = 'check_violation', CONSTRAINT = 'level_is_for_life';
END $$;
CREATE TRIGGER level_for_life BEFORE UPDATE OF level ON area
    FOR EACH ROW WHEN (OLD.level <> NEW.level) EXECUTE FUNCTION level_is_for_life();

-- Old figures and maps are asked of the past as it was told then; rows come in, and none changes or goes.
CREATE FUNCTION past_is_kept() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    -- Ground that is emptied altogether takes its past with it.
    IF TG_OP = 'TRUNCATE' AND NOT EXISTS (SELECT FROM area) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'The past is kept as it was: rows of % are neither changed nor removed.', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = 'past_is_kept';
END $$;
CREATE TRIGGER past_is_kept BEFORE UPDATE OR DELETE ON grid_past FOR EACH ROW EXECUTE FUNCTION past_is_kept();
CREATE TRIGGER past_is_kept BEFORE UPDATE OR DELETE ON area_past FOR EACH ROW EXECUTE FUNCTION past_is_kept();
CREATE TRIGGER past_is_kept_whole AFTER TRUNCATE ON grid_past FOR EACH STATEMENT EXECUTE FUNCTION past_is_kept();
CREATE TRIGGER past_is_kept_whole AFTER TRUNCATE ON area_past FOR EACH STATEMENT EXECUTE FUNCTION past_is_kept();
