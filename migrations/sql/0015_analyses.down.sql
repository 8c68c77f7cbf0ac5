-- Back to hot-spot runs alone; what was analysed since is lost.

-- Changes after a number, in order: ids and areas, never content. The server tells each listener what lies in their scope;
-- `reach` is what one must see to hear of a change, NULL where the change lies nowhere.
CREATE OR REPLACE FUNCTION gate.changes_after(after bigint, at_most integer) RETURNS TABLE (
        number bigint, at timestamptz, layer text, op text, noun_id bigint, cell integer, community_id integer, reach int4multirange)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT outbox.number, outbox.at, outbox.layer, outbox.op, outbox.noun_id, outbox.cell, outbox.community_id,
           CASE WHEN outbox.layer = 'plan' THEN coalesce((SELECT communities FROM plan WHERE plan.id = outbox.noun_id), int4multirange(int4range(0, 1)))
                WHEN outbox.community_id > 0 OR (outbox.layer = 'incident' AND outbox.op <> 'bulk')
                THEN int4multirange(int4range(outbox.community_id, outbox.community_id + 1)) END
      FROM outbox WHERE outbox.number > after ORDER BY outbox.number LIMIT at_most
    $$;

DROP TABLE schedule_run, schedule, alert_grid, alert, neighbour_table, analysis_piece, analysis;
DROP SEQUENCE schedule_run_id_seq, schedule_id_seq, alert_id_seq, analysis_id_seq;
DELETE FROM role_permission WHERE permission = 'alerts.write';
UPDATE session SET permissions = gate.permissions_of(person_id);

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

SELECT gate.guard('hotspot_run',  $$(SELECT gate.may('statistics'))$$, $$(SELECT gate.may('analyses.write'))$$);
SELECT gate.guard('hotspot',      $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('statistics'))$$, $$(SELECT gate.may('analyses.write'))$$);
