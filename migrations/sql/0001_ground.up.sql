-- The ground: areas, schemes, grids, their past borders and lineage, and the proof that grids tile it.

CREATE FUNCTION ground_on_lattice(border geometry) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ST_OrderingEquals(border, ST_SnapToGrid(border, 0, 0, 7.450580596923828125e-9, 7.450580596923828125e-9));

CREATE SEQUENCE area_id_seq AS integer START 1;
CREATE TABLE area (
    id          integer PRIMARY KEY DEFAULT nextval('area_id_seq'),
    level       text NOT NULL CHECK (level IN ('district', 'street', 'community')),
    parent_id   integer REFERENCES area (id),
    code        text COLLATE "C" NOT NULL CONSTRAINT area_code_never_reused UNIQUE,
    name        text NOT NULL,
    name_en     text NOT NULL DEFAULT '',
    class_code  text CHECK (class_code ~ '^[12][12][0-3]$'),
    geom        geometry(MultiPolygon, 4490) NOT NULL,
    geom3857    geometry(MultiPolygon, 3857) GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED,
    area_m2     double precision GENERATED ALWAYS AS (ST_Area(geom::geography)) STORED,
    version     integer NOT NULL DEFAULT 1,
    valid_from  timestamptz NOT NULL DEFAULT now(),
    valid_to    timestamptz,
    source      text,
    source_id   text,
    CHECK (valid_to > valid_from),
    CHECK ((level = 'district') = (parent_id IS NULL)),
    CONSTRAINT area_border_valid CHECK (ST_IsValid(geom)),
    CONSTRAINT area_border_on_lattice CHECK (ground_on_lattice(geom))
);
CREATE INDEX area_geom ON area USING gist (geom);
CREATE INDEX area_geom3857 ON area USING gist (geom3857);
CREATE INDEX area_parent ON area (parent_id);

CREATE TABLE area_past (
    area_id     integer NOT NULL REFERENCES area (id),
    version     integer NOT NULL,
    parent_id   integer REFERENCES area (id),
    name        text NOT NULL,
    name_en     text NOT NULL,
    geom        geometry(MultiPolygon, 4490) NOT NULL,
    valid_from  timestamptz NOT NULL,
    valid_to    timestamptz NOT NULL,
    PRIMARY KEY (area_id, version)
);
CREATE INDEX area_past_geom ON area_past USING gist (geom);

CREATE TABLE area_lineage (
    from_id         integer NOT NULL REFERENCES area (id),
    to_id           integer NOT NULL REFERENCES area (id),
    at              timestamptz NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('split', 'merge', 'transfer', 'renumber')),
    area_share      double precision NOT NULL CHECK (area_share BETWEEN 0 AND 1),
    household_share double precision CHECK (household_share BETWEEN 0 AND 1),
    PRIMARY KEY (from_id, to_id, at)
);
CREATE INDEX area_lineage_to ON area_lineage (to_id);

CREATE SEQUENCE scheme_id_seq AS integer;
CREATE TABLE scheme (
    id              integer PRIMARY KEY DEFAULT nextval('scheme_id_seq'),
    code            text COLLATE "C" NOT NULL UNIQUE,
    name            text NOT NULL,
    name_en         text NOT NULL DEFAULT '',
    code_pattern    text NOT NULL,
    household_min   integer NOT NULL DEFAULT 300,
    household_max   integer NOT NULL DEFAULT 500,
    is_primary      boolean NOT NULL DEFAULT false,
    CHECK (0 <= household_min AND household_min <= household_max)
);
CREATE UNIQUE INDEX scheme_one_primary ON scheme (is_primary) WHERE is_primary;

CREATE SEQUENCE grid_id_seq;
CREATE TABLE grid (
    id              bigint PRIMARY KEY DEFAULT nextval('grid_id_seq'),
    scheme_id       integer NOT NULL REFERENCES scheme (id),
    community_id    integer NOT NULL REFERENCES area (id),
    code            text COLLATE "C" NOT NULL,
    name            text NOT NULL,
    name_en         text NOT NULL DEFAULT '',
    kind            text NOT NULL DEFAULT 'basic' CHECK (kind IN ('basic', 'dedicated', 'unit')),
    households      integer NOT NULL DEFAULT 0 CHECK (households >= 0),
    geom            geometry(MultiPolygon, 4490) NOT NULL,
    geom3857        geometry(MultiPolygon, 3857) GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED,
    area_m2         double precision GENERATED ALWAYS AS (ST_Area(geom::geography)) STORED,
    perimeter_m     double precision GENERATED ALWAYS AS (ST_Perimeter(geom::geography)) STORED,
    version         integer NOT NULL DEFAULT 1,
    valid_from      timestamptz NOT NULL DEFAULT now(),
    valid_to        timestamptz,
    source          text,
    source_id       text,
    CONSTRAINT grid_code_never_reused UNIQUE (scheme_id, code),
    CHECK (valid_to > valid_from),
    CONSTRAINT grid_border_valid CHECK (ST_IsValid(geom)),
    CONSTRAINT grid_border_on_lattice CHECK (ground_on_lattice(geom))
);
CREATE INDEX grid_geom ON grid USING gist (geom);
CREATE INDEX grid_geom3857 ON grid USING gist (geom3857);
CREATE INDEX grid_community ON grid (community_id, scheme_id);

CREATE TABLE grid_past (
    grid_id         bigint NOT NULL REFERENCES grid (id),
    version         integer NOT NULL,
    scheme_id       integer NOT NULL REFERENCES scheme (id),
    community_id    integer NOT NULL REFERENCES area (id),
    name            text NOT NULL,
    name_en         text NOT NULL,
    households      integer NOT NULL,
    geom            geometry(MultiPolygon, 4490) NOT NULL,
    valid_from      timestamptz NOT NULL,
    valid_to        timestamptz NOT NULL,
    PRIMARY KEY (grid_id, version)
);
CREATE INDEX grid_past_geom ON grid_past USING gist (geom);

CREATE TABLE grid_lineage (
    from_id         bigint NOT NULL REFERENCES grid (id),
    to_id           bigint NOT NULL REFERENCES grid (id),
    at              timestamptz NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('split', 'merge', 'transfer', 'renumber')),
    area_share      double precision NOT NULL CHECK (area_share BETWEEN 0 AND 1),
    household_share double precision CHECK (household_share BETWEEN 0 AND 1),
    PRIMARY KEY (from_id, to_id, at)
);
CREATE INDEX grid_lineage_to ON grid_lineage (to_id);

-- A moved border leaves its predecessor behind, so that no writer can forget to keep the past.
CREATE FUNCTION keep_past_area() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF (OLD.geom, OLD.parent_id, OLD.name, OLD.name_en) IS NOT DISTINCT FROM
       (NEW.geom, NEW.parent_id, NEW.name, NEW.name_en) THEN
        RETURN NEW;
    END IF;
    IF NEW.valid_from <= OLD.valid_from THEN
        NEW.valid_from := greatest(now(), OLD.valid_from + interval '1 microsecond');
    END IF;
    INSERT INTO area_past (area_id, version, parent_id, name, name_en, geom, valid_from, valid_to)
        VALUES (OLD.id, OLD.version, OLD.parent_id, OLD.name, OLD.name_en, OLD.geom, OLD.valid_from, NEW.valid_from);
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_past BEFORE UPDATE ON area FOR EACH ROW EXECUTE FUNCTION keep_past_area();

CREATE FUNCTION keep_past_grid() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF (OLD.geom, OLD.community_id, OLD.name, OLD.name_en) IS NOT DISTINCT FROM
       (NEW.geom, NEW.community_id, NEW.name, NEW.name_en) THEN
        RETURN NEW;
    END IF;
    IF NEW.valid_from <= OLD.valid_from THEN
        NEW.valid_from := greatest(now(), OLD.valid_from + interval '1 microsecond');
    END IF;
    INSERT INTO grid_past (grid_id, version, scheme_id, community_id, name, name_en, households, geom, valid_from, valid_to)
        VALUES (OLD.id, OLD.version, OLD.scheme_id, OLD.community_id, OLD.name, OLD.name_en, OLD.households, OLD.geom,
                OLD.valid_from, NEW.valid_from);
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_past BEFORE UPDATE ON grid FOR EACH ROW EXECUTE FUNCTION keep_past_grid();

CREATE FUNCTION code_is_for_life() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A code is for life: end % % and make a new one.', TG_TABLE_NAME, OLD.code
        USING ERRCODE = 'check_violation', CONSTRAINT = 'code_is_for_life';
END $$;
CREATE TRIGGER code_for_life BEFORE UPDATE OF code ON area
    FOR EACH ROW WHEN (OLD.code <> NEW.code) EXECUTE FUNCTION code_is_for_life();
CREATE TRIGGER code_for_life BEFORE UPDATE OF code, scheme_id ON grid
    FOR EACH ROW WHEN (OLD.code <> NEW.code OR OLD.scheme_id <> NEW.scheme_id) EXECUTE FUNCTION code_is_for_life();

-- The proof: every ring counter-clockwise, +1 or -1 for each directed edge, the outline subtracted.
-- Nothing left over <=> every inner point lies in exactly one child. Scheme 0 stands for areas inside areas.
-- A parent without children is not divided yet, which is no defect.
CREATE FUNCTION loose_edges(of_scheme integer, of_parent integer)
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

-- One row for each (scheme, parent) touched in a transaction; its deferred trigger proves the coverage once, at commit.
CREATE TABLE coverage_due (
    xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
    scheme_id   integer NOT NULL,
    parent_id   integer NOT NULL,
    PRIMARY KEY (xid, scheme_id, parent_id)
);

-- Two writers on one coverage queue here, so that neither proves it on ground the other is about to change.
CREATE FUNCTION coverage_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(NEW.scheme_id, NEW.parent_id);
    RETURN NEW;
END $$;
CREATE TRIGGER coverage_queue BEFORE INSERT ON coverage_due FOR EACH ROW EXECUTE FUNCTION coverage_queue();

CREATE FUNCTION coverage_must_hold() RETURNS trigger LANGUAGE plpgsql
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
CREATE CONSTRAINT TRIGGER coverage_must_hold AFTER INSERT ON coverage_due
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION coverage_must_hold();

CREATE FUNCTION note_grids_new() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO coverage_due (scheme_id, parent_id)
        SELECT DISTINCT scheme_id, community_id FROM fresh ORDER BY 1, 2 ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE FUNCTION note_grids_old() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO coverage_due (scheme_id, parent_id)
        SELECT DISTINCT scheme_id, community_id FROM stale ORDER BY 1, 2 ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE FUNCTION note_grids_moved() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO coverage_due (scheme_id, parent_id)
        SELECT scheme_id, community_id FROM (
            (SELECT id, scheme_id, community_id, valid_to, geom::bytea FROM fresh
             EXCEPT SELECT id, scheme_id, community_id, valid_to, geom::bytea FROM stale)
            UNION ALL
            (SELECT id, scheme_id, community_id, valid_to, geom::bytea FROM stale
             EXCEPT SELECT id, scheme_id, community_id, valid_to, geom::bytea FROM fresh)) AS moved
        GROUP BY 1, 2 ORDER BY 1, 2 ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER note_insert AFTER INSERT ON grid REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION note_grids_new();
CREATE TRIGGER note_delete AFTER DELETE ON grid REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION note_grids_old();
CREATE TRIGGER note_update AFTER UPDATE ON grid REFERENCING NEW TABLE AS fresh OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION note_grids_moved();

-- An area that moves must still be tiled by its grids in every scheme and by its children, and still tile its parent.
CREATE FUNCTION note_areas(touched integer[]) RETURNS void LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    INSERT INTO coverage_due (scheme_id, parent_id)
        SELECT 0, id FROM unnest(touched) AS id WHERE id IS NOT NULL
        UNION
        SELECT scheme.id, area.id FROM scheme, area WHERE area.id = ANY (touched) AND area.level = 'community'
         ORDER BY 1, 2
    ON CONFLICT DO NOTHING
    $$;
CREATE FUNCTION note_areas_new() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM note_areas(ARRAY(SELECT id FROM fresh UNION SELECT parent_id FROM fresh));
    RETURN NULL;
END $$;
CREATE FUNCTION note_areas_old() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM note_areas(ARRAY(SELECT parent_id FROM stale));
    RETURN NULL;
END $$;
CREATE FUNCTION note_areas_moved() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM note_areas(ARRAY(
        SELECT unnest(ARRAY[later.id, later.parent_id, earlier.parent_id])
          FROM fresh AS later JOIN stale AS earlier USING (id)
         WHERE (later.geom::bytea, later.parent_id, later.valid_to) IS DISTINCT FROM (earlier.geom::bytea, earlier.parent_id, earlier.valid_to)));
    RETURN NULL;
END $$;
CREATE TRIGGER note_insert AFTER INSERT ON area REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION note_areas_new();
CREATE TRIGGER note_delete AFTER DELETE ON area REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION note_areas_old();
CREATE TRIGGER note_update AFTER UPDATE ON area REFERENCING NEW TABLE AS fresh OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION note_areas_moved();

-- Ended grids of an ended community: an area that ends takes no current grids or children with it.
CREATE FUNCTION ended_area_is_empty() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF EXISTS (SELECT FROM area WHERE id = NEW.id AND valid_to IS NOT NULL) AND (
        EXISTS (SELECT FROM grid WHERE community_id = NEW.id AND valid_to IS NULL) OR
        EXISTS (SELECT FROM area WHERE parent_id = NEW.id AND valid_to IS NULL)) THEN
        RAISE EXCEPTION 'Area % ends while it still holds current ground.', NEW.code
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ended_area_is_empty';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ended_area_is_empty AFTER UPDATE OF valid_to ON area
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.valid_to IS NOT NULL) EXECUTE FUNCTION ended_area_is_empty();
