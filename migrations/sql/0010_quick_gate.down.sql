DROP INDEX assignment_grid;

CREATE OR REPLACE FUNCTION gate.current_session() RETURNS session
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT session FROM session
     WHERE token_hash = sha256(convert_to(nullif(current_setting('wangge.token', true), ''), 'UTF8'))
       AND expires_at > now() AND (idle_limit IS NULL OR last_seen_at + idle_limit > now())
    $$;
CREATE OR REPLACE FUNCTION gate.scope() RETURNS int4multirange
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce((gate.current_session()).scope, '{}')
    $$;
CREATE OR REPLACE FUNCTION gate.areas() RETURNS int4multirange
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce((gate.current_session()).areas, '{}')
    $$;
CREATE OR REPLACE FUNCTION gate.may(permission text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce(permission = ANY ((gate.current_session()).permissions), false)
    $$;
CREATE OR REPLACE FUNCTION gate.person_id() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT (gate.current_session()).person_id
    $$;
