-- The gate is asked several times by every statement of every request: in PL/pgSQL its plans are kept for the life of a
-- connection, in SQL they were made anew each time, which cost more than most of the statements it guards.

CREATE OR REPLACE FUNCTION gate.current_session() RETURNS session
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    found session;
BEGIN
    SELECT * INTO found FROM session
     WHERE token_hash = sha256(convert_to(nullif(current_setting('wangge.token', true), ''), 'UTF8'))
       AND expires_at > now() AND (idle_limit IS NULL OR last_seen_at + idle_limit > now());
    RETURN found;
END $$;
CREATE OR REPLACE FUNCTION gate.scope() RETURNS int4multirange
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN coalesce((SELECT session.scope FROM session
                      WHERE token_hash = sha256(convert_to(nullif(current_setting('wangge.token', true), ''), 'UTF8'))
                        AND expires_at > now() AND (idle_limit IS NULL OR last_seen_at + idle_limit > now())), '{}');
END $$;
CREATE OR REPLACE FUNCTION gate.areas() RETURNS int4multirange
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN coalesce((SELECT session.areas FROM session
                      WHERE token_hash = sha256(convert_to(nullif(current_setting('wangge.token', true), ''), 'UTF8'))
                        AND expires_at > now() AND (idle_limit IS NULL OR last_seen_at + idle_limit > now())), '{}');
END $$;
CREATE OR REPLACE FUNCTION gate.may(permission text) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN coalesce((SELECT permission = ANY (session.permissions) FROM session
                      WHERE token_hash = sha256(convert_to(nullif(current_setting('wangge.token', true), ''), 'UTF8'))
                        AND expires_at > now() AND (idle_limit IS NULL OR last_seen_at + idle_limit > now())), false);
END $$;
CREATE OR REPLACE FUNCTION gate.person_id() RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN (SELECT session.person_id FROM session
             WHERE token_hash = sha256(convert_to(nullif(current_setting('wangge.token', true), ''), 'UTF8'))
               AND expires_at > now() AND (idle_limit IS NULL OR last_seen_at + idle_limit > now()));
END $$;

-- Who answers for a grid is asked by the grid.
CREATE INDEX assignment_grid ON assignment (grid_id);
