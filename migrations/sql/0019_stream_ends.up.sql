-- The ends of the stream as this transaction sees them. The sequence counts what a relay is still numbering: a listener who asked
-- meanwhile was told to stand behind changes that nobody had heard. Upkeep leaves the newest change, so the rows alone say where it ends.
CREATE OR REPLACE FUNCTION gate.stream_ends(OUT newest bigint, OUT forgotten bigint) LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce(max(number), 0), coalesce(min(number) - 1, 0) FROM outbox
    $$;
