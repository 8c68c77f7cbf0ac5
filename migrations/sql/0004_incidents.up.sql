-- Categories with their versions and deadlines, the working calendar, incidents and their append-only log.

CREATE SEQUENCE category_catalogue_id_seq AS integer;
CREATE TABLE category_catalogue (
    id          integer PRIMARY KEY DEFAULT nextval('category_catalogue_id_seq'),
    code        text COLLATE "C" NOT NULL,
    version     text COLLATE "C" NOT NULL,
    name        text NOT NULL,
    name_en     text NOT NULL DEFAULT '',
    valid_from  date,
    valid_to    date,
    UNIQUE (code, version)
);
CREATE SEQUENCE category_id_seq AS integer;
CREATE TABLE category (
    id              integer PRIMARY KEY DEFAULT nextval('category_id_seq'),
    catalogue_id    integer NOT NULL REFERENCES category_catalogue (id),
    parent_id       integer REFERENCES category (id),
    code            text COLLATE "C" NOT NULL,
    name            text NOT NULL,
    name_en         text NOT NULL DEFAULT '',
    symbol          text NOT NULL DEFAULT 'circle',
    UNIQUE (catalogue_id, code)
);
CREATE SEQUENCE category_rule_id_seq AS integer;
CREATE TABLE category_rule (
    id              integer PRIMARY KEY DEFAULT nextval('category_rule_id_seq'),
    category_id     integer NOT NULL REFERENCES category (id),
    serial          smallint NOT NULL DEFAULT 1,
    file_when       text NOT NULL DEFAULT '',
    close_when      text NOT NULL DEFAULT '',
    limit_amount    numeric(8, 2) NOT NULL CHECK (limit_amount > 0),
    limit_unit      text NOT NULL CHECK (limit_unit IN ('urgent_hour', 'working_hour', 'working_day', 'calendar_day')),
    handling_unit   text NOT NULL DEFAULT '',
    department      text NOT NULL DEFAULT '',
    UNIQUE (category_id, serial)
);
CREATE TABLE category_mapping (
    from_id     integer NOT NULL REFERENCES category (id),
    to_id       integer NOT NULL REFERENCES category (id),
    PRIMARY KEY (from_id, to_id)
);

CREATE TABLE calendar_year (year smallint PRIMARY KEY);
CREATE TABLE calendar_day (
    day     date PRIMARY KEY,
    kind    text NOT NULL CHECK (kind IN ('holiday', 'make_up')),
    name    text NOT NULL DEFAULT ''
);

CREATE SEQUENCE incident_id_seq;
CREATE TABLE incident (
    cell                integer NOT NULL,          -- 0 for an incident without a place
    id                  bigint NOT NULL DEFAULT nextval('incident_id_seq'),
    reported_at         timestamptz NOT NULL,
    source              text COLLATE "C" NOT NULL,
    source_id           text COLLATE "C" NOT NULL,
    category_id         integer NOT NULL REFERENCES category (id),
    rule_id             integer REFERENCES category_rule (id),
    title               text NOT NULL DEFAULT '',
    address             text NOT NULL DEFAULT '',
    place               geometry(Point, 4490),
    qk                  bigint,                    -- Morton number of the place at zoom 24
    community_id        integer NOT NULL DEFAULT 0, -- 0: unplaced, seen by whole-district scopes only
    grid_id             bigint REFERENCES grid (id),
    grid_version        integer,
    building_id         bigint,
    placed_by           text NOT NULL DEFAULT 'none' CHECK (placed_by IN ('none', 'covers', 'border', 'building', 'hand')),
    border_distance_m   real,
    ambiguous           boolean NOT NULL DEFAULT false,
    state               text COLLATE "C" NOT NULL DEFAULT 'reported' CHECK (state IN (
                            'reported', 'verifying', 'not_filed', 'filed', 'dispatched', 'returned', 'handling', 'suspended',
                            'feedback', 'checking', 'rework', 'closed')),
    is_open             boolean GENERATED ALWAYS AS (state NOT IN ('closed', 'not_filed')) STORED,
    level               text COLLATE "C" NOT NULL DEFAULT 'grid' CHECK (level IN ('grid', 'community', 'street', 'district')),
    severity            smallint NOT NULL DEFAULT 1 CHECK (severity BETWEEN 1 AND 3),
    urgent              boolean NOT NULL DEFAULT false,
    supervised          boolean NOT NULL DEFAULT false,
    on_spot             boolean NOT NULL DEFAULT false,
    officer_id          bigint REFERENCES officer (id),
    filed_at            timestamptz,
    dispatched_at       timestamptz,
    handled_at          timestamptz,
    closed_at           timestamptz,
    due_at              timestamptz,
    duplicate_of        bigint,
    version             integer NOT NULL DEFAULT 1,
    PRIMARY KEY (cell, id, reported_at),
    CHECK ((place IS NULL) = (qk IS NULL)),
    CHECK (closed_at IS NOT NULL OR state NOT IN ('closed', 'not_filed'))
) PARTITION BY RANGE (reported_at);
CREATE INDEX incident_id ON incident (id);
CREATE INDEX incident_grid_time ON incident (grid_id, reported_at) INCLUDE (category_id, state, due_at);
CREATE INDEX incident_community_time ON incident (community_id, reported_at) INCLUDE (category_id, is_open, closed_at, due_at);
CREATE INDEX incident_time ON incident USING brin (reported_at);
CREATE INDEX incident_qk ON incident (qk) INCLUDE (category_id, is_open, severity);
CREATE INDEX incident_place ON incident USING gist (place);
CREATE INDEX incident_open ON incident (community_id, due_at) WHERE is_open;
CREATE TABLE incident_before PARTITION OF incident FOR VALUES FROM (MINVALUE) TO ('2000-01-01 00:00+00');
CREATE TABLE incident_other PARTITION OF incident DEFAULT;

-- A yearly partition, made before rows of that year arrive; years are cut at UTC. Rows already in the default partition stay readable.
CREATE FUNCTION incident_partition(of_year integer) RETURNS regclass LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    part text := format('incident_%s', of_year);
BEGIN
    IF of_year NOT BETWEEN 2000 AND 2200 THEN
        RETURN 'incident_other'::regclass;
    END IF;
    IF to_regclass('public.' || part) IS NULL THEN
        EXECUTE format('CREATE TABLE public.%I PARTITION OF incident FOR VALUES FROM (%L) TO (%L)', part,
                       make_timestamptz(of_year, 1, 1, 0, 0, 0, 'UTC'), make_timestamptz(of_year + 1, 1, 1, 0, 0, 0, 'UTC'));
    END IF;
    RETURN ('public.' || part)::regclass;
END $$;

-- One row for each case of a source: what makes intake idempotent whatever the time or the cell.
CREATE TABLE intake (
    source          text COLLATE "C" NOT NULL,
    source_id       text COLLATE "C" NOT NULL,
    cell            integer NOT NULL,
    incident_id     bigint NOT NULL,
    reported_at     timestamptz NOT NULL,
    community_id    integer NOT NULL DEFAULT 0,
    content_hash    bytea,
    PRIMARY KEY (source, source_id)
);
CREATE INDEX intake_incident ON intake (incident_id);

CREATE TABLE incident_log (
    cell            integer NOT NULL,
    incident_id     bigint NOT NULL,
    serial          smallint NOT NULL,
    at              timestamptz NOT NULL,
    community_id    integer NOT NULL DEFAULT 0,
    actor_id        bigint REFERENCES person (id),
    action          text NOT NULL,
    from_state      text,
    to_state        text,
    seconds_used    bigint,
    overdue         boolean NOT NULL DEFAULT false,
    note            text NOT NULL DEFAULT '',
    PRIMARY KEY (cell, incident_id, serial)
);

-- Where an incident was placed before, and why it moved.
CREATE TABLE incident_placement (
    cell            integer NOT NULL,
    incident_id     bigint NOT NULL,
    at              timestamptz NOT NULL DEFAULT now(),
    community_id    integer NOT NULL DEFAULT 0,
    grid_id         bigint REFERENCES grid (id),
    grid_version    integer,
    placed_by       text NOT NULL,
    why             text NOT NULL,
    PRIMARY KEY (cell, incident_id, at)
);

SELECT gate.guard('category_catalogue', $$(SELECT gate.person_id()) IS NOT NULL$$, $$(SELECT gate.may('categories.write'))$$);
SELECT gate.guard('category',           $$(SELECT gate.person_id()) IS NOT NULL$$, $$(SELECT gate.may('categories.write'))$$);
SELECT gate.guard('category_rule',      $$(SELECT gate.person_id()) IS NOT NULL$$, $$(SELECT gate.may('categories.write'))$$);
SELECT gate.guard('category_mapping',   $$(SELECT gate.person_id()) IS NOT NULL$$, $$(SELECT gate.may('categories.write'))$$);
SELECT gate.guard('calendar_year',      $$(SELECT gate.person_id()) IS NOT NULL$$, $$(SELECT gate.may('categories.write'))$$);
SELECT gate.guard('calendar_day',       $$(SELECT gate.person_id()) IS NOT NULL$$, $$(SELECT gate.may('categories.write'))$$);
SELECT gate.guard('incident',  $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('incidents'))$$,
                               $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('incidents.write') OR gate.may('imports'))$$);
SELECT gate.guard('intake',    $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('incidents'))$$,
                               $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('incidents.write') OR gate.may('imports'))$$);
SELECT gate.guard('incident_log', $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('incidents'))$$,
                               $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('incidents.write') OR gate.may('imports'))$$);
SELECT gate.guard('incident_placement', $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('incidents'))$$,
                               $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('incidents.write') OR gate.may('imports') OR gate.may('ground.write'))$$);
-- The log is append-only, whoever asks.
REVOKE UPDATE, DELETE ON incident_log, incident_placement FROM wangge_app;
GRANT EXECUTE ON FUNCTION incident_partition(integer) TO wangge_app;
