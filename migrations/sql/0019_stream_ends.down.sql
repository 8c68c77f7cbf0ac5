CREATE OR REPLACE FUNCTION gate.stream_ends(OUT newest bigint, OUT forgotten bigint) LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce(last_number, given), coalesce(first_number - 1, given)
      FROM (SELECT (SELECT number FROM outbox WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1) AS last_number,
                   (SELECT number FROM outbox WHERE number IS NOT NULL ORDER BY number LIMIT 1) AS first_number,
                   (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_number_seq) AS given) AS ends
    $$;
