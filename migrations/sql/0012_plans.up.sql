-- Plans: drafts as an overlay of changed grids over today's ground, an append-only log of operations, and what people say of them.
-- Ids of new grids and areas come from the sequences of the real tables, so publishing gives a row the id it had in the draft.

CREATE SEQUENCE plan_id_seq;
CREATE TABLE plan (
    id              bigint PRIMARY KEY DEFAULT nextval('plan_id_seq'),
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    note            text NOT NULL DEFAULT '',
    area_id         integer NOT NULL REFERENCES area (id),
    scheme_id       integer NOT NULL REFERENCES scheme (id),
    communities     int4multirange NOT NULL,        -- those in the area when the plan was made: who sees all of them sees the plan
    household_min   integer NOT NULL,
    household_max   integer NOT NULL,
    state           text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'submitted', 'approved', 'publishing', 'published', 'withdrawn')),
    revision        bigint NOT NULL DEFAULT 0,      -- the number of the last row of the log
    made_by         bigint NOT NULL REFERENCES person (id),
    made_at         timestamptz NOT NULL DEFAULT now(),
    submitted_by    bigint REFERENCES person (id),
    submitted_at    timestamptz,
    decided_by      bigint REFERENCES person (id),
    decided_at      timestamptz,
    decision_note   text NOT NULL DEFAULT '',
    effective_at    timestamptz,
    published_at    timestamptz,
    failure         jsonb,                          -- why the last try to publish was refused
    reverses        bigint REFERENCES plan (id),
    CHECK (0 <= household_min AND household_min <= household_max),
    CONSTRAINT plan_decided_by_another CHECK (state NOT IN ('approved', 'publishing', 'published') OR decided_by <> submitted_by)
);
CREATE INDEX plan_by_area ON plan (area_id, state);

-- Copy on write: a row for each grid that a draft changed, made or ended. `geom` NULL: ended in this draft.
CREATE TABLE plan_grid (
    plan_id         bigint NOT NULL REFERENCES plan (id) ON DELETE CASCADE,
    grid_id         bigint NOT NULL,
    base_version    integer,                        -- grid.version it was copied from; NULL: new in this draft
    community_id    integer NOT NULL,
    name            text NOT NULL,
    name_en         text NOT NULL DEFAULT '',
    kind            text NOT NULL DEFAULT 'basic',
    households      integer NOT NULL DEFAULT 0,
    geom            geometry(MultiPolygon, 4490),
    area_m2         double precision GENERATED ALWAYS AS (ST_Area(geom::geography)) STORED,
    perimeter_m     double precision GENERATED ALWAYS AS (ST_Perimeter(geom::geography)) STORED,
    version         bigint NOT NULL DEFAULT 1,      -- base_version + number of the operation that changed the ground: never the same twice
    noded_only      boolean NOT NULL DEFAULT false, -- the same ground as today; a neighbour's edit gave it vertices
    PRIMARY KEY (plan_id, grid_id),
    CHECK (base_version IS NOT NULL OR NOT noded_only),
    CONSTRAINT plan_border_valid CHECK (ST_IsValid(geom)),
    CONSTRAINT plan_border_on_lattice CHECK (ground_on_lattice(geom))
);
CREATE INDEX plan_grid_geom ON plan_grid USING gist (geom);

-- Communities that a draft makes (new id), renames or ends (merged away). Outlines are the union of their grids.
CREATE TABLE plan_area (
    plan_id         bigint NOT NULL REFERENCES plan (id) ON DELETE CASCADE,
    area_id         integer NOT NULL,
    base_version    integer,
    parent_id       integer NOT NULL,
    name            text NOT NULL,
    name_en         text NOT NULL DEFAULT '',
    class_code      text,
    ended           boolean NOT NULL DEFAULT false,
    PRIMARY KEY (plan_id, area_id)
);

-- The log. Undo and redo are rows too; a row's own effect stands in plan_op_grid, geometries included, so that nothing is
-- ever computed again to go back.
CREATE TABLE plan_op (
    plan_id         bigint NOT NULL REFERENCES plan (id) ON DELETE CASCADE,
    seq             bigint NOT NULL,
    client_id       uuid NOT NULL,
    at              timestamptz NOT NULL DEFAULT now(),
    person_id       bigint NOT NULL REFERENCES person (id),
    kind            text NOT NULL,
    operation       jsonb NOT NULL,
    undoes          bigint,
    redoes          bigint,
    facts           jsonb NOT NULL DEFAULT '{}',    -- moved_m2, warnings, households before and after
    PRIMARY KEY (plan_id, seq),
    UNIQUE (plan_id, client_id),
    CHECK ((kind = 'undo') = (undoes IS NOT NULL) AND (kind = 'redo') = (redoes IS NOT NULL))
);
CREATE INDEX plan_op_taken_back ON plan_op (plan_id, (coalesce(undoes, redoes)), seq DESC) WHERE kind IN ('undo', 'redo');
CREATE TABLE plan_op_grid (
    plan_id         bigint NOT NULL,
    seq             bigint NOT NULL,
    grid_id         bigint NOT NULL,
    before          jsonb,                          -- the overlay row's plain columns before, NULL: no overlay row
    before_geom     geometry(MultiPolygon, 4490),
    after           jsonb,
    after_geom      geometry(MultiPolygon, 4490),
    PRIMARY KEY (plan_id, seq, grid_id),
    FOREIGN KEY (plan_id, seq) REFERENCES plan_op (plan_id, seq) ON DELETE CASCADE
);
CREATE INDEX plan_op_grid_history ON plan_op_grid (plan_id, grid_id, seq);
CREATE TABLE plan_op_area (
    plan_id         bigint NOT NULL,
    seq             bigint NOT NULL,
    area_id         integer NOT NULL,
    before          jsonb,
    after           jsonb,
    PRIMARY KEY (plan_id, seq, area_id),
    FOREIGN KEY (plan_id, seq) REFERENCES plan_op (plan_id, seq) ON DELETE CASCADE
);
CREATE FUNCTION log_is_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The log of a plan is only added to.' USING ERRCODE = 'check_violation', CONSTRAINT = 'log_is_for_good';
END $$;
CREATE TRIGGER log_is_for_good BEFORE UPDATE ON plan_op FOR EACH ROW EXECUTE FUNCTION log_is_for_good();
CREATE TRIGGER log_is_for_good BEFORE UPDATE ON plan_op_grid FOR EACH ROW EXECUTE FUNCTION log_is_for_good();
CREATE TRIGGER log_is_for_good BEFORE UPDATE ON plan_op_area FOR EACH ROW EXECUTE FUNCTION log_is_for_good();

CREATE TABLE plan_lock (
    plan_id         bigint NOT NULL REFERENCES plan (id) ON DELETE CASCADE,
    grid_id         bigint NOT NULL,
    person_id       bigint NOT NULL REFERENCES person (id),
    at              timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plan_id, grid_id)
);

CREATE TABLE plan_snapshot (
    plan_id         bigint NOT NULL REFERENCES plan (id) ON DELETE CASCADE,
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    seq             bigint NOT NULL,
    person_id       bigint NOT NULL REFERENCES person (id),
    at              timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plan_id, name)
);

CREATE SEQUENCE plan_comment_id_seq;
CREATE TABLE plan_comment (
    id              bigint PRIMARY KEY DEFAULT nextval('plan_comment_id_seq'),
    plan_id         bigint NOT NULL REFERENCES plan (id) ON DELETE CASCADE,
    place           geometry(Point, 4490),
    grid_id         bigint,
    body            text NOT NULL CHECK (length(body) BETWEEN 1 AND 4000),
    person_id       bigint NOT NULL REFERENCES person (id),
    at              timestamptz NOT NULL DEFAULT now(),
    resolved_by     bigint REFERENCES person (id),
    resolved_at     timestamptz
);
CREATE INDEX plan_comment_plan ON plan_comment (plan_id);

CREATE SEQUENCE plan_proposal_id_seq;
CREATE TABLE plan_proposal (
    id              bigint PRIMARY KEY DEFAULT nextval('plan_proposal_id_seq'),
    plan_id         bigint NOT NULL REFERENCES plan (id) ON DELETE CASCADE,
    asked_at        timestamptz NOT NULL DEFAULT now(),
    asked_by        bigint NOT NULL REFERENCES person (id),
    question        jsonb NOT NULL,                 -- communities, weight, min, max, parts, seed, alternatives, goals, locked
    state           text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'running', 'done', 'failed', 'cancelled')),
    progress        real NOT NULL DEFAULT 0,
    revision        bigint NOT NULL,                -- of the plan it was worked out on
    result          jsonb,                          -- alternatives: figures, and for each community the label of each atom
    failure         jsonb,
    done_at         timestamptz
);
CREATE INDEX plan_proposal_plan ON plan_proposal (plan_id);

-- Atoms: the smallest pieces of ground a border may be painted along, one a building, inside the blocks between roads and water.
CREATE SEQUENCE atom_id_seq;
CREATE TABLE atom_ground (
    community_id    integer PRIMARY KEY REFERENCES area (id),
    fingerprint     bytea NOT NULL,                 -- of the buildings, roads, water and outline they were made from
    made_at         timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE atom (
    id              bigint PRIMARY KEY DEFAULT nextval('atom_id_seq'),
    community_id    integer NOT NULL REFERENCES area (id),
    block           integer NOT NULL,               -- a number within the community: same block, no road or water between
    building_id     bigint,                         -- NULL: ground without a building
    households      integer NOT NULL DEFAULT 0,
    geom            geometry(MultiPolygon, 4490) NOT NULL
);
CREATE INDEX atom_community ON atom (community_id);
CREATE INDEX atom_geom ON atom USING gist (geom);

INSERT INTO role_permission (role, permission) VALUES
    ('planner', 'plans'), ('planner', 'plans.write'), ('planner', 'plans.review'),
    ('analyst', 'plans'), ('operator', 'plans'), ('clerk', 'plans'),
    ('system', 'plans'), ('system', 'plans.write'), ('system', 'plans.review');

SELECT gate.guard('plan', $$communities <@ (SELECT gate.scope()) AND (SELECT gate.may('plans'))$$,
                          $$communities <@ (SELECT gate.scope()) AND (SELECT gate.may('plans.write') OR gate.may('plans.review'))$$);
DO $do$
DECLARE
    part text;
BEGIN
    FOREACH part IN ARRAY ARRAY['plan_grid', 'plan_area', 'plan_op', 'plan_op_grid', 'plan_op_area', 'plan_lock', 'plan_snapshot', 'plan_comment', 'plan_proposal'] LOOP
        PERFORM gate.guard(part::regclass, format('EXISTS (SELECT FROM plan WHERE plan.id = %I.plan_id)', part),
                           format('EXISTS (SELECT FROM plan WHERE plan.id = %I.plan_id) AND (SELECT gate.may(''plans.write'') OR gate.may(''plans.review''))', part));
    END LOOP;
END $do$;
SELECT gate.guard('atom', $$community_id <@ (SELECT gate.scope())$$, $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('plans.write'))$$);
SELECT gate.guard('atom_ground', $$community_id <@ (SELECT gate.scope())$$, $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('plans.write'))$$);

-- Editing a border gives vertices to neighbours whoever they belong to: scope limits what one may see and change, not what is true.
-- Only borders come back, of today's grids of the plan's scheme that meet a box, and only to somebody who may write the plan.
CREATE FUNCTION gate.plan_neighbours(of_plan bigint, box geometry)
    RETURNS TABLE (grid_id bigint, community_id integer, version integer, geom geometry)
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 20 SET search_path = pg_catalog, public AS $$
    SELECT grid.id, grid.community_id, grid.version, grid.geom
      FROM plan JOIN grid ON grid.scheme_id = plan.scheme_id AND grid.valid_to IS NULL AND grid.geom && box
     WHERE plan.id = of_plan AND plan.communities <@ (SELECT gate.scope()) AND (SELECT gate.may('plans.write'))
    $$;
REVOKE ALL ON FUNCTION gate.plan_neighbours(bigint, geometry) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.plan_neighbours(bigint, geometry) TO wangge_app;

-- Names are for administrators; of those who took part in a plan, whoever sees the plan knows the name.
CREATE FUNCTION gate.planner_name(of_plan bigint, of_person bigint) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT display_name FROM person
     WHERE person.id = of_person AND (SELECT gate.may('plans'))
       AND EXISTS (SELECT FROM plan WHERE plan.id = of_plan AND plan.communities <@ (SELECT gate.scope())
                      AND (of_person IN (made_by, submitted_by, decided_by)
                           OR EXISTS (SELECT FROM plan_op WHERE plan_id = of_plan AND person_id = of_person)
                           OR EXISTS (SELECT FROM plan_comment WHERE plan_id = of_plan AND of_person IN (person_id, resolved_by))
                           OR EXISTS (SELECT FROM plan_lock WHERE plan_id = of_plan AND person_id = of_person)
                           OR EXISTS (SELECT FROM plan_snapshot WHERE plan_id = of_plan AND person_id = of_person)
                           OR EXISTS (SELECT FROM plan_proposal WHERE plan_id = of_plan AND asked_by = of_person)))
    $$;
REVOKE ALL ON FUNCTION gate.planner_name(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.planner_name(bigint, bigint) TO wangge_app;
