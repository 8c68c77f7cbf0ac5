-- Live: one stream of changes, numbered in the order in which they became visible; and steps that can be taken back.

-- Ids of the outbox are given when a row is written, and rows become visible when their transaction ends, in another order.
-- The relay numbers what has become visible, one relay at a time: whoever has heard of number n has heard of all before it.
CREATE SEQUENCE outbox_number_seq;
ALTER TABLE outbox ADD COLUMN number bigint;
UPDATE outbox SET number = numbered.number
  FROM (SELECT id, nextval('outbox_number_seq') AS number FROM (SELECT id FROM outbox ORDER BY id) AS ordered) AS numbered
 WHERE numbered.id = outbox.id;
DROP INDEX outbox_layer;
CREATE UNIQUE INDEX outbox_number ON outbox (number) WHERE number IS NOT NULL;
CREATE INDEX outbox_untold ON outbox (id) WHERE number IS NULL;
REVOKE UPDATE, DELETE ON outbox FROM wangge_app;
REVOKE ALL ON SEQUENCE outbox_number_seq FROM wangge_app;

-- Numbers what waits and says so in one NOTIFY, of numbers only; how many there were, 0 while another one is at it.
CREATE FUNCTION gate.relay(at_most integer) RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    first_told bigint;
    last_told bigint;
    told integer;
BEGIN
    IF NOT EXISTS (SELECT FROM outbox WHERE number IS NULL) OR NOT pg_try_advisory_xact_lock(8420, 9) THEN
        RETURN 0;
    END IF;
    WITH waiting AS MATERIALIZED (
        SELECT id, nextval('outbox_number_seq') AS number
          FROM (SELECT id FROM outbox WHERE number IS NULL ORDER BY id LIMIT at_most) AS ordered
    ), numbered AS (
        UPDATE outbox SET number = waiting.number FROM waiting WHERE waiting.id = outbox.id AND outbox.number IS NULL
        RETURNING outbox.number
    )
    SELECT min(number), max(number), count(*) INTO first_told, last_told, told FROM numbered;
    IF told > 0 THEN
        PERFORM pg_notify('wangge_changes', first_told || '-' || last_told);
    END IF;
    RETURN told;
END $$;

-- Where the stream ends, and the last number that is forgotten: who heard less than that has missed something.
CREATE FUNCTION gate.stream_ends(OUT newest bigint, OUT forgotten bigint) LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce(last_number, given), coalesce(first_number - 1, given)
      FROM (SELECT (SELECT number FROM outbox WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1) AS last_number,
                   (SELECT number FROM outbox WHERE number IS NOT NULL ORDER BY number LIMIT 1) AS first_number,
                   (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_number_seq) AS given) AS ends
    $$;

-- Changes after a number, in order: ids and areas, never content. The server tells each listener what lies in their scope;
-- `reach` is what one must see to hear of a change, NULL where the change lies nowhere.
CREATE FUNCTION gate.changes_after(after bigint, at_most integer) RETURNS TABLE (
        number bigint, at timestamptz, layer text, op text, noun_id bigint, cell integer, community_id integer, reach int4multirange)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT outbox.number, outbox.at, outbox.layer, outbox.op, outbox.noun_id, outbox.cell, outbox.community_id,
           CASE WHEN outbox.layer = 'plan' THEN coalesce((SELECT communities FROM plan WHERE plan.id = outbox.noun_id), int4multirange(int4range(0, 1)))
                WHEN outbox.community_id > 0 OR (outbox.layer = 'incident' AND outbox.op <> 'bulk')
                THEN int4multirange(int4range(outbox.community_id, outbox.community_id + 1)) END
      FROM outbox WHERE outbox.number > after ORDER BY outbox.number LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION gate.relay(integer), gate.stream_ends(), gate.changes_after(bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.relay(integer), gate.stream_ends(), gate.changes_after(bigint, integer) TO wangge_app;

-- A step that can be taken back keeps what it changed, and until when by the clock on the wall: a deployment's own may stand still.
ALTER TABLE incident_log ADD COLUMN before jsonb, ADD COLUMN undo_until timestamptz;
-- How many open incidents an officer has.
CREATE INDEX incident_officer ON incident (officer_id) WHERE is_open AND officer_id IS NOT NULL;
