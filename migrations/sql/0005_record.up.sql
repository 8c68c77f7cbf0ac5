-- What the system remembers of itself: deployment, base map, audit, outbox, imports, idempotency, hot spots.

CREATE TABLE deployment (
    key     text COLLATE "C" PRIMARY KEY,
    value   jsonb NOT NULL
);

-- The offline base map below everything else: public within the district, of no area.
CREATE SEQUENCE base_feature_id_seq;
CREATE TABLE base_feature (
    id          bigint PRIMARY KEY DEFAULT nextval('base_feature_id_seq'),
    layer       text NOT NULL CHECK (layer IN ('road', 'water', 'green', 'place')),
    class       text NOT NULL DEFAULT '',
    name        text NOT NULL DEFAULT '',
    name_en     text NOT NULL DEFAULT '',
    min_zoom    smallint NOT NULL DEFAULT 10,
    geom        geometry(Geometry, 4490) NOT NULL,
    geom3857    geometry(Geometry, 3857) GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED
);
CREATE INDEX base_feature_geom3857 ON base_feature USING gist (geom3857);

CREATE SEQUENCE audit_id_seq;
CREATE TABLE audit (
    id          bigint NOT NULL DEFAULT nextval('audit_id_seq'),
    at          timestamptz NOT NULL DEFAULT now(),
    xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
    person_id   bigint,
    address     text,
    action      text NOT NULL,
    noun        text NOT NULL,
    noun_id     text NOT NULL DEFAULT '',
    community_id integer NOT NULL DEFAULT 0,
    outcome     text NOT NULL DEFAULT 'done' CHECK (outcome IN ('done', 'refused')),
    why         text NOT NULL DEFAULT '',
    facts       jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE TABLE audit_default PARTITION OF audit DEFAULT;
CREATE INDEX audit_person ON audit (person_id, at);
CREATE INDEX audit_noun ON audit (noun, noun_id, at);

-- One row for each change that open pages and tile caches must hear of, written in the transaction of the change.
CREATE SEQUENCE outbox_id_seq;
CREATE TABLE outbox (
    id              bigint PRIMARY KEY DEFAULT nextval('outbox_id_seq'),
    xid             xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at              timestamptz NOT NULL DEFAULT now(),
    layer           text NOT NULL,
    op              text NOT NULL CHECK (op IN ('insert', 'update', 'delete', 'bulk')),
    noun_id         bigint,
    cell            integer,
    community_id    integer NOT NULL DEFAULT 0
);
CREATE INDEX outbox_layer ON outbox (layer, id);

CREATE SEQUENCE import_batch_id_seq;
CREATE TABLE import_batch (
    id              bigint PRIMARY KEY DEFAULT nextval('import_batch_id_seq'),
    at              timestamptz NOT NULL DEFAULT now(),
    person_id       bigint REFERENCES person (id),
    noun            text NOT NULL,
    source          text NOT NULL,
    file_name       text NOT NULL,
    file_hash       bytea NOT NULL,
    mapping_hash    bytea NOT NULL,
    rows_read       bigint NOT NULL,
    rows_loaded     bigint NOT NULL,
    rows_unchanged  bigint NOT NULL,
    rows_mended     bigint NOT NULL,
    rows_refused    bigint NOT NULL,
    report          jsonb NOT NULL,
    CHECK (rows_read = rows_loaded + rows_unchanged + rows_refused)
);

CREATE TABLE idempotency (
    person_id   bigint NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    key         text COLLATE "C" NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    at          timestamptz NOT NULL DEFAULT now(),
    route       text NOT NULL,
    body_hash   bytea NOT NULL,
    status      smallint NOT NULL,
    answer      jsonb NOT NULL,
    PRIMARY KEY (person_id, key)
);

CREATE SEQUENCE hotspot_run_id_seq;
CREATE TABLE hotspot_run (
    id              bigint PRIMARY KEY DEFAULT nextval('hotspot_run_id_seq'),
    asked_at        timestamptz NOT NULL DEFAULT now(),
    asked_by        bigint REFERENCES person (id),
    scheme_id       integer NOT NULL REFERENCES scheme (id),
    period_from     timestamptz NOT NULL,
    period_to       timestamptz NOT NULL,
    category_ids    integer[] NOT NULL DEFAULT '{}',
    method          text NOT NULL,
    parameters      jsonb NOT NULL,
    code_version    text NOT NULL,
    state           text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'running', 'done', 'refused', 'failed')),
    done_at         timestamptz,
    incidents       bigint,
    grids           integer,
    caveats         jsonb NOT NULL DEFAULT '[]',
    refusal         jsonb,
    scope           int4multirange NOT NULL
);
CREATE INDEX hotspot_run_recent ON hotspot_run (scheme_id, period_to DESC) WHERE state = 'done';
CREATE TABLE hotspot (
    run_id          bigint NOT NULL REFERENCES hotspot_run (id) ON DELETE CASCADE,
    grid_id         bigint NOT NULL REFERENCES grid (id),
    community_id    integer NOT NULL,
    incidents       integer NOT NULL,
    households      integer NOT NULL,
    rate            double precision,
    rate_smoothed   double precision,
    z               double precision,
    p               double precision,
    q               double precision,
    class           smallint NOT NULL DEFAULT 0 CHECK (class IN (-99, -95, -90, 0, 90, 95, 99)),
    flag            text NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, grid_id)
);

SELECT gate.guard('deployment',   $$(SELECT gate.person_id()) IS NOT NULL$$, $$(SELECT gate.may('deployment.write'))$$);
SELECT gate.guard('base_feature', $$(SELECT gate.person_id()) IS NOT NULL$$, $$(SELECT gate.may('imports') OR gate.may('ground.write'))$$);
SELECT gate.guard('audit',        $$(SELECT gate.may('audit'))$$, $$(SELECT gate.person_id()) IS NOT NULL OR action = 'sign_in'$$);
REVOKE UPDATE, DELETE ON audit FROM wangge_app;
SELECT gate.guard('import_batch', $$(SELECT gate.may('imports'))$$, $$(SELECT gate.may('imports'))$$);
SELECT gate.guard('idempotency',  $$person_id = (SELECT gate.person_id())$$, $$person_id = (SELECT gate.person_id())$$);
SELECT gate.guard('hotspot_run',  $$(SELECT gate.may('statistics'))$$, $$(SELECT gate.may('analyses.write'))$$);
SELECT gate.guard('hotspot',      $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$, $$(SELECT gate.may('analyses.write'))$$);
-- The outbox names ids and areas, never content. Any writer may add; what a reader is told is cut by scope.
SELECT gate.guard('outbox',       $$community_id = 0 OR community_id <@ (SELECT gate.scope())$$, $$(SELECT gate.person_id()) IS NOT NULL$$);
