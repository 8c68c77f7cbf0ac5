-- Analyses: questions whose answers are kept; the live watch's alerts; schedules. They take the place of hot-spot runs.

DROP TABLE hotspot, hotspot_run;
DROP SEQUENCE hotspot_run_id_seq;

CREATE SEQUENCE analysis_id_seq;
CREATE TABLE analysis (
    id              bigint PRIMARY KEY DEFAULT nextval('analysis_id_seq'),
    asked_at        timestamptz NOT NULL DEFAULT now(),
    asked_by        bigint REFERENCES person (id),
    origin          text NOT NULL CHECK (origin IN ('person', 'nightly', 'watch', 'schedule', 'command')),
    scheme_id       integer NOT NULL REFERENCES scheme (id),
    communities     int4multirange NOT NULL,        -- what it runs on: the asker's part of the area, all of it for the whole ground
    method          text COLLATE "C" NOT NULL,
    period_from     timestamptz NOT NULL,
    period_to       timestamptz NOT NULL,
    is_map          boolean NOT NULL DEFAULT false, -- a plain map of hot spots, as the one screen shows it
    question        text NOT NULL,                  -- canonical JSON: what the hash is of
    question_hash   bytea NOT NULL CHECK (length(question_hash) = 32),
    code_version    text NOT NULL,
    data_version    bytea CHECK (length(data_version) = 32),
    state           text COLLATE "C" NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'running', 'done', 'refused', 'cancelled', 'failed')),
    stage           text NOT NULL DEFAULT 'waiting',
    progress        real NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
    begun_at        timestamptz,
    told_at         timestamptz,                    -- the last sign of life of whoever works on it
    done_at         timestamptz,
    incidents       bigint,
    refusal         jsonb,
    result_hash     bytea CHECK (length(result_hash) = 32),
    accuracy_due    timestamptz,                    -- when the period after it is over; NULL: scored, or nothing to score
    accuracy        jsonb,
    CHECK (period_from < period_to),
    CHECK ((state = 'done') = (result_hash IS NOT NULL))
);
CREATE INDEX analysis_of_question ON analysis (question_hash, id DESC);
CREATE INDEX analysis_map ON analysis (period_to DESC, id DESC) WHERE is_map AND state = 'done';
CREATE INDEX analysis_waiting ON analysis (id) WHERE state IN ('asked', 'running');
CREATE INDEX analysis_unscored ON analysis (accuracy_due) WHERE accuracy_due IS NOT NULL;

-- A result lies in pieces, so that row-level security can cut it: each piece says of which communities it tells.
-- head: the method, for everybody who sees the analysis; whole: totals; unit, cluster; share: what one community has of a wider cluster.
CREATE TABLE analysis_piece (
    analysis_id     bigint NOT NULL REFERENCES analysis (id) ON DELETE CASCADE,
    kind            text COLLATE "C" NOT NULL CHECK (kind IN ('head', 'whole', 'unit', 'cluster', 'share')),
    key             bigint NOT NULL,                -- a unit's id, a cluster's rank
    part            integer NOT NULL DEFAULT 0,     -- share: the community
    communities     int4multirange NOT NULL,
    body            text NOT NULL,                  -- canonical JSON
    PRIMARY KEY (analysis_id, kind, key, part)
);

-- Who is whose neighbour along the roads, worked out once for each version of the borders and roads.
CREATE TABLE neighbour_table (
    borders         bytea NOT NULL CHECK (length(borders) = 32),    -- fingerprint of units with their versions, and of the roads
    kind            text COLLATE "C" NOT NULL,
    made_at         timestamptz NOT NULL DEFAULT now(),
    first           bytea NOT NULL,                 -- little-endian int64, as gis.hotspots.weights.Neighbours
    index           bytea NOT NULL,                 -- little-endian int32
    PRIMARY KEY (borders, kind)
);

CREATE SEQUENCE alert_id_seq;
CREATE TABLE alert (
    id              bigint PRIMARY KEY DEFAULT nextval('alert_id_seq'),
    state           text COLLATE "C" NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'acknowledged')),
    category_id     integer NOT NULL REFERENCES category (id),
    analysis_id     bigint NOT NULL REFERENCES analysis (id),       -- the newest that saw it
    first_analysis_id bigint NOT NULL REFERENCES analysis (id),
    rank            integer NOT NULL,               -- of the cluster in the newest
    communities     int4multirange NOT NULL,
    raised_at       timestamptz NOT NULL DEFAULT now(),
    raised_for      date NOT NULL,                  -- the day it was first seen on
    begins          date NOT NULL,                  -- the first day of the cluster as it was first seen
    last_seen_for   date NOT NULL,
    times_seen      integer NOT NULL DEFAULT 1,
    recurrence_days double precision NOT NULL,
    looks           integer NOT NULL,               -- how many categories and districts were watched on that day
    acknowledged_at timestamptz,
    acknowledged_by bigint REFERENCES person (id),
    note            text NOT NULL DEFAULT '',
    score           jsonb NOT NULL DEFAULT '{}',
    CHECK ((state = 'acknowledged') = (acknowledged_at IS NOT NULL))
);
CREATE INDEX alert_recent ON alert (raised_for DESC, id DESC);
CREATE INDEX alert_analysis ON alert (analysis_id);
CREATE INDEX alert_first_analysis ON alert (first_analysis_id);
-- The grids an alert was first raised for and has been seen in since.
CREATE TABLE alert_grid (
    alert_id        bigint NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    grid_id         bigint NOT NULL REFERENCES grid (id),
    community_id    integer NOT NULL,
    first           boolean NOT NULL,               -- of the cluster as it was first seen: what the score is of
    PRIMARY KEY (alert_id, grid_id)
);
CREATE INDEX alert_grid_grid ON alert_grid (grid_id);

CREATE SEQUENCE schedule_id_seq;
CREATE TABLE schedule (
    id              bigint PRIMARY KEY DEFAULT nextval('schedule_id_seq'),
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    question        jsonb NOT NULL,                 -- without a period
    communities     int4multirange NOT NULL,        -- its maker's part of the area
    every           text COLLATE "C" NOT NULL CHECK (every IN ('week', 'month')),
    languages       text[] NOT NULL CHECK (languages <@ ARRAY['zh', 'en'] AND cardinality(languages) > 0),
    next_at         timestamptz NOT NULL,
    paused          boolean NOT NULL DEFAULT false,
    made_by         bigint REFERENCES person (id),
    made_at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX schedule_due ON schedule (next_at) WHERE NOT paused;
CREATE SEQUENCE schedule_run_id_seq;
CREATE TABLE schedule_run (
    id              bigint PRIMARY KEY DEFAULT nextval('schedule_run_id_seq'),
    schedule_id     bigint NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
    analysis_id     bigint NOT NULL REFERENCES analysis (id) ON DELETE CASCADE,
    communities     int4multirange NOT NULL,
    first           date NOT NULL,
    last            date NOT NULL,
    state           text COLLATE "C" NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'written', 'refused', 'failed')),
    asked_at        timestamptz NOT NULL DEFAULT now(),
    written_at      timestamptz,
    folder          text NOT NULL DEFAULT '',       -- below the outbox folder
    files           jsonb NOT NULL DEFAULT '[]',
    UNIQUE (schedule_id, first, last)
);
CREATE INDEX schedule_run_analysis ON schedule_run (analysis_id);

INSERT INTO role_permission (role, permission) VALUES
    ('operator', 'alerts.write'), ('analyst', 'alerts.write'), ('clerk', 'alerts.write'), ('system', 'alerts.write');
UPDATE session SET permissions = gate.permissions_of(person_id);

SELECT gate.guard('analysis', $$communities && (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$,
                              $$communities <@ (SELECT gate.scope()) AND (SELECT gate.may('analyses.write'))$$);
SELECT gate.guard('analysis_piece',
                  $$CASE WHEN kind = 'head' THEN EXISTS (SELECT FROM analysis WHERE analysis.id = analysis_id)
                         ELSE communities <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics')) END$$, $$false$$);
SELECT gate.guard('neighbour_table', $$false$$, $$false$$);
SELECT gate.guard('alert', $$communities && (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$,
                           $$communities && (SELECT gate.scope()) AND (SELECT gate.may('alerts.write'))$$);
SELECT gate.guard('alert_grid', $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$, $$false$$);
SELECT gate.guard('schedule', $$communities <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$,
                              $$communities <@ (SELECT gate.scope()) AND (SELECT gate.may('analyses.write'))$$);
SELECT gate.guard('schedule_run', $$communities <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$, $$false$$);
REVOKE INSERT, UPDATE, DELETE ON analysis_piece, alert_grid, schedule_run FROM wangge_app;
REVOKE ALL ON neighbour_table FROM wangge_app;
REVOKE INSERT, DELETE ON alert FROM wangge_app;

-- Changes after a number, in order (now of analyses and schedules too): ids and areas, never content. The server tells each listener what lies in their scope;
-- `reach` is what one must see to hear of a change, NULL where the change lies nowhere.
CREATE OR REPLACE FUNCTION gate.changes_after(after bigint, at_most integer) RETURNS TABLE (
        number bigint, at timestamptz, layer text, op text, noun_id bigint, cell integer, community_id integer, reach int4multirange)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT outbox.number, outbox.at, outbox.layer, outbox.op, outbox.noun_id, outbox.cell, outbox.community_id,
           CASE WHEN outbox.layer = 'plan' THEN coalesce((SELECT communities FROM plan WHERE plan.id = outbox.noun_id), int4multirange(int4range(0, 1)))
                WHEN outbox.layer = 'analysis' THEN coalesce((SELECT communities FROM analysis WHERE analysis.id = outbox.noun_id), int4multirange(int4range(0, 1)))
                WHEN outbox.layer = 'schedule' THEN coalesce((SELECT communities FROM schedule WHERE schedule.id = outbox.noun_id), int4multirange(int4range(0, 1)))
                WHEN outbox.community_id > 0 OR (outbox.layer = 'incident' AND outbox.op <> 'bulk')
                THEN int4multirange(int4range(outbox.community_id, outbox.community_id + 1)) END
      FROM outbox WHERE outbox.number > after ORDER BY outbox.number LIMIT at_most
    $$;
