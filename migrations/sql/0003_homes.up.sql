-- Buildings, households, residents and their care; facilities; officers and who answers for which grid.
-- `cell` is the Morton number of the zoom-14 web tile of the place, immutable: the key by which the store can be distributed.

CREATE SEQUENCE building_id_seq;
CREATE TABLE building (
    cell            integer NOT NULL,
    id              bigint NOT NULL DEFAULT nextval('building_id_seq'),
    community_id    integer NOT NULL REFERENCES area (id),
    grid_id         bigint REFERENCES grid (id),
    code            text COLLATE "C" NOT NULL,
    name            text NOT NULL DEFAULT '',
    address         text NOT NULL DEFAULT '',
    use             text NOT NULL DEFAULT 'unknown',
    levels          smallint,
    height_m        real,
    built_year      smallint,
    households      integer NOT NULL DEFAULT 0,
    geom            geometry(MultiPolygon, 4490) NOT NULL,
    geom3857        geometry(MultiPolygon, 3857) GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED,
    version         integer NOT NULL DEFAULT 1,
    source          text,
    source_id       text,
    PRIMARY KEY (cell, id),
    UNIQUE (community_id, code),
    CHECK (ST_IsValid(geom))
);
CREATE INDEX building_id ON building (id);
CREATE INDEX building_geom ON building USING gist (geom);
CREATE INDEX building_geom3857 ON building USING gist (geom3857);
CREATE INDEX building_grid ON building (grid_id);
CREATE INDEX building_source ON building (source, source_id);
CREATE INDEX building_address ON building USING gin (address gin_trgm_ops);

CREATE SEQUENCE household_id_seq;
CREATE TABLE household (
    cell            integer NOT NULL,
    id              bigint NOT NULL DEFAULT nextval('household_id_seq'),
    building_id     bigint NOT NULL,
    community_id    integer NOT NULL REFERENCES area (id),
    unit            text NOT NULL DEFAULT '',
    tenure          text NOT NULL DEFAULT 'unknown' CHECK (tenure IN ('own', 'rent', 'public', 'empty', 'unknown')),
    floating        boolean NOT NULL DEFAULT false,
    members         smallint NOT NULL DEFAULT 0 CHECK (members >= 0),
    has_address     boolean NOT NULL DEFAULT false,
    has_family      boolean NOT NULL DEFAULT false,
    has_work        boolean NOT NULL DEFAULT false,
    has_changes     boolean NOT NULL DEFAULT false,
    has_key_persons boolean NOT NULL DEFAULT false,
    version         integer NOT NULL DEFAULT 1,
    source          text,
    source_id       text,
    PRIMARY KEY (cell, id),
    FOREIGN KEY (cell, building_id) REFERENCES building (cell, id)
);
CREATE INDEX household_building ON household (cell, building_id);
CREATE INDEX household_community ON household (community_id);
CREATE INDEX household_source ON household (source, source_id) WHERE source IS NOT NULL;

CREATE SEQUENCE resident_id_seq;
CREATE TABLE resident (
    cell            integer NOT NULL,
    id              bigint NOT NULL DEFAULT nextval('resident_id_seq'),
    household_id    bigint NOT NULL,
    community_id    integer NOT NULL REFERENCES area (id),
    head            boolean NOT NULL DEFAULT false,
    sex             text NOT NULL DEFAULT 'unknown' CHECK (sex IN ('female', 'male', 'unknown')),
    birth_year      smallint,
    sealed          bytea,
    phone_index     bytea CHECK (length(phone_index) = 16),
    number_index    bytea CHECK (length(number_index) = 16),
    version         integer NOT NULL DEFAULT 1,
    PRIMARY KEY (cell, id),
    FOREIGN KEY (cell, household_id) REFERENCES household (cell, id)
);
CREATE INDEX resident_household ON resident (cell, household_id);
CREATE INDEX resident_phone ON resident (phone_index);
CREATE INDEX resident_number ON resident (number_index);

CREATE TABLE care (
    cell            integer NOT NULL,
    resident_id     bigint NOT NULL,
    class           text NOT NULL CHECK (class IN ('poor', 'lone_elder', 'left_behind_child', 'disabled', 'unemployed', 'floating',
                                                   'correction', 'drug_recovery', 'mental_health')),
    sensitive       boolean GENERATED ALWAYS AS (class IN ('correction', 'drug_recovery', 'mental_health')) STORED,
    community_id    integer NOT NULL REFERENCES area (id),
    since           date NOT NULL,
    until           date,
    PRIMARY KEY (cell, resident_id, class),
    FOREIGN KEY (cell, resident_id) REFERENCES resident (cell, id)
);

CREATE SEQUENCE facility_id_seq;
CREATE TABLE facility (
    cell            integer NOT NULL,
    id              bigint NOT NULL DEFAULT nextval('facility_id_seq'),
    qk              bigint NOT NULL,
    community_id    integer NOT NULL REFERENCES area (id),
    grid_id         bigint REFERENCES grid (id),
    kind            text NOT NULL,
    code            text COLLATE "C" NOT NULL,
    name            text NOT NULL,
    name_en         text NOT NULL DEFAULT '',
    status          text NOT NULL DEFAULT 'working' CHECK (status IN ('working', 'faulty', 'removed')),
    geom            geometry(Point, 4490) NOT NULL,
    version         integer NOT NULL DEFAULT 1,
    PRIMARY KEY (cell, id),
    UNIQUE (community_id, code)
);
CREATE INDEX facility_geom ON facility USING gist (geom);
CREATE INDEX facility_qk ON facility (qk) INCLUDE (kind, status);

CREATE SEQUENCE officer_id_seq;
CREATE TABLE officer (
    id              bigint PRIMARY KEY DEFAULT nextval('officer_id_seq'),
    person_id       bigint UNIQUE REFERENCES person (id),
    community_id    integer NOT NULL REFERENCES area (id),
    name            text NOT NULL,
    staff_number    text COLLATE "C" NOT NULL UNIQUE,
    phone_sealed    bytea,
    on_duty         boolean NOT NULL DEFAULT false,
    last_place      geometry(Point, 4490),
    last_seen_at    timestamptz,
    ended_on        date
);
CREATE INDEX officer_community ON officer (community_id);
CREATE INDEX officer_place ON officer USING gist (last_place);

CREATE SEQUENCE assignment_id_seq;
CREATE TABLE assignment (
    id              bigint PRIMARY KEY DEFAULT nextval('assignment_id_seq'),
    officer_id      bigint NOT NULL REFERENCES officer (id),
    grid_id         bigint NOT NULL REFERENCES grid (id),
    community_id    integer NOT NULL REFERENCES area (id),
    duty            text NOT NULL DEFAULT 'main' CHECK (duty IN ('main', 'assist')),
    valid           daterange NOT NULL CHECK (NOT isempty(valid)),
    why             text NOT NULL DEFAULT '',
    CONSTRAINT one_officer_answers EXCLUDE USING gist (grid_id WITH =, valid WITH &&) WHERE (duty = 'main')
);
CREATE INDEX assignment_officer ON assignment (officer_id);

SELECT gate.guard('building',   $$community_id <@ (SELECT gate.scope())$$, $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('ground.write') OR gate.may('imports') OR gate.may('households.write'))$$);
SELECT gate.guard('household',  $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('households'))$$, $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('households.write'))$$);
SELECT gate.guard('resident',   $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('residents'))$$, $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('residents.write'))$$);
SELECT gate.guard('care',       $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('care')) AND (NOT sensitive OR (SELECT gate.may('care.sensitive')))$$,
                                $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('residents.write'))$$);
SELECT gate.guard('facility',   $$community_id <@ (SELECT gate.scope())$$, $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('facilities.write') OR gate.may('imports'))$$);
SELECT gate.guard('officer',    $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('officers'))$$, $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('officers.write'))$$);
SELECT gate.guard('assignment', $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('officers'))$$, $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('officers.write') OR gate.may('ground.write'))$$);
