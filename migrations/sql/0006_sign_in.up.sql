-- Signing in: what the application must know or change of credentials, links and sessions, as functions that each do one thing.
-- wangge_app has no right on credential, sign_in_link or session; these functions are all it can do with them.

-- Failures are counted by name in limit_hit, for names nobody has as well, so that a lock does not tell which names exist.
ALTER TABLE credential DROP COLUMN failures, DROP COLUMN locked_until;

-- Who covers every district there is or will be: the first person of a fresh deployment.
ALTER TABLE person ADD COLUMN every_district boolean NOT NULL DEFAULT false;
CREATE FUNCTION grant_new_district() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO person_scope (person_id, area_id) SELECT id, NEW.id FROM person WHERE every_district ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER grant_new_district AFTER INSERT ON area
    FOR EACH ROW WHEN (NEW.level = 'district') EXECUTE FUNCTION grant_new_district();

-- Nobody widens their own rights, whatever the application lets through.
CREATE FUNCTION not_by_oneself() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    touched bigint := CASE WHEN TG_TABLE_NAME = 'person' THEN (to_jsonb(NEW) ->> 'id')::bigint
                           ELSE (to_jsonb(NEW) ->> 'person_id')::bigint END;
BEGIN
    IF touched = gate.person_id() THEN
        RAISE EXCEPTION 'Nobody changes their own rights.' USING ERRCODE = 'check_violation', CONSTRAINT = 'not_by_oneself';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER not_by_oneself BEFORE UPDATE OF roles, every_district, disabled_at ON person
    FOR EACH ROW WHEN (OLD.roles <> NEW.roles OR OLD.every_district <> NEW.every_district
                       OR OLD.disabled_at IS DISTINCT FROM NEW.disabled_at) EXECUTE FUNCTION not_by_oneself();
CREATE TRIGGER not_by_oneself BEFORE INSERT OR UPDATE ON person_scope FOR EACH ROW EXECUTE FUNCTION not_by_oneself();

CREATE FUNCTION gate.credential_of(of_name text) RETURNS TABLE (
        person_id bigint, roles text[], password_hash text, changed_at timestamptz, totp_sealed bytea, disabled boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT person.id, roles, password_hash, changed_at, totp_sealed, disabled_at IS NOT NULL
      FROM person LEFT JOIN credential ON credential.person_id = person.id
     WHERE sign_in_name = of_name AND NOT 'system' = ANY (roles)
    $$;
CREATE FUNCTION gate.own_credential() RETURNS TABLE (password_hash text, past_hashes text[], changed_at timestamptz, totp_sealed bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT password_hash, past_hashes, changed_at, totp_sealed FROM credential WHERE person_id = gate.person_id()
    $$;

-- Passwords and second factors are set by their owner only; an administrator can merely take them away (gate.reset).
CREATE FUNCTION gate.set_password(new_hash text, remember integer) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    INSERT INTO credential (person_id, password_hash, changed_at)
         SELECT gate.person_id(), new_hash, now() WHERE gate.person_id() IS NOT NULL
    ON CONFLICT (person_id) DO UPDATE
        SET past_hashes = (array_remove(array_prepend(credential.password_hash, credential.past_hashes), NULL))[1:remember],
            password_hash = new_hash, changed_at = now()
    RETURNING true
    $$;
CREATE FUNCTION gate.set_second_factor(sealed bytea, step bigint) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    INSERT INTO credential (person_id, totp_sealed, totp_last_step) SELECT gate.person_id(), sealed, step WHERE gate.person_id() IS NOT NULL
    ON CONFLICT (person_id) DO UPDATE SET totp_sealed = sealed, totp_last_step = step
    RETURNING true
    $$;
-- A code counts once: false when this step or a later one was used before.
CREATE FUNCTION gate.use_code(of_person bigint, step bigint) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH used AS (
        UPDATE credential SET totp_last_step = step
         WHERE person_id = of_person AND (totp_last_step IS NULL OR totp_last_step < step) RETURNING 1)
    SELECT EXISTS (SELECT FROM used)
    $$;
CREATE FUNCTION gate.reset(of_person bigint) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH gone AS (DELETE FROM session WHERE person_id = of_person AND gate.may('people.write')),
         unused AS (DELETE FROM sign_in_link WHERE person_id = of_person AND gate.may('people.write')),
         bare AS (
        UPDATE credential SET password_hash = NULL, changed_at = NULL, totp_sealed = NULL, totp_last_step = NULL
         WHERE person_id = of_person AND gate.may('people.write'))
    SELECT gate.may('people.write')
    $$;

-- Links: made by who administers people, or by the owner's connection (command line); used once.
CREATE FUNCTION gate.add_link(of_person bigint, hash bytea, lifetime interval) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH older AS (DELETE FROM sign_in_link WHERE person_id = of_person AND used_at IS NULL AND (gate.may('people.write') OR session_user <> 'wangge_app')),
         added AS (
        INSERT INTO sign_in_link (token_hash, person_id, expires_at)
        SELECT hash, id, now() + lifetime FROM person
         WHERE id = of_person AND disabled_at IS NULL AND NOT 'system' = ANY (roles)
           AND (gate.may('people.write') OR session_user <> 'wangge_app')
        RETURNING 1)
    SELECT EXISTS (SELECT FROM added)
    $$;
CREATE FUNCTION gate.link(hash bytea) RETURNS TABLE (person_id bigint, sign_in_name text, display_name text, language text, expires_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT person.id, sign_in_name, display_name, language, expires_at
      FROM sign_in_link JOIN person ON person.id = sign_in_link.person_id
     WHERE token_hash = hash AND used_at IS NULL AND expires_at > now() AND disabled_at IS NULL
    $$;
CREATE FUNCTION gate.use_link(hash bytea) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE sign_in_link SET used_at = now()
      FROM person
     WHERE token_hash = hash AND used_at IS NULL AND expires_at > now() AND person.id = person_id AND disabled_at IS NULL
    RETURNING person_id
    $$;

-- Sessions as people see them: named by the start of the hash, which opens nothing.
CREATE FUNCTION gate.sessions_of(of_person bigint) RETURNS TABLE (
        id text, kind text, label text, created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz, address text, current boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT encode(substr(token_hash, 1, 8), 'hex'), kind, label, created_at, last_seen_at, expires_at, address,
           token_hash IS NOT DISTINCT FROM (gate.current_session()).token_hash
      FROM session
     WHERE session.person_id = of_person AND session.expires_at > now() AND (of_person = gate.person_id() OR gate.may('people'))
     ORDER BY created_at
    $$;
CREATE FUNCTION gate.end_session(of_person bigint, named text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH ended AS (
        DELETE FROM session WHERE person_id = of_person AND encode(substr(token_hash, 1, 8), 'hex') = named
           AND (of_person = gate.person_id() OR gate.may('people.write')) RETURNING 1)
    SELECT count(*) FROM ended
    $$;
CREATE FUNCTION gate.end_others() RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH ended AS (
        DELETE FROM session WHERE person_id = gate.person_id() AND kind = 'browser'
           AND token_hash <> (gate.current_session()).token_hash RETURNING 1)
    SELECT count(*) FROM ended
    $$;
CREATE FUNCTION gate.set_language(chosen text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE person SET language = chosen WHERE id = gate.person_id()
    $$;
-- What has expired goes, a little at each sign-in.
CREATE FUNCTION gate.sweep() RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    DELETE FROM session WHERE expires_at < now() - interval '1 day';
    DELETE FROM sign_in_link WHERE expires_at < now() - interval '7 days';
    DELETE FROM limit_hit WHERE at < now() - interval '1 day'
    $$;

-- An audit row names who really asked: the caller of the transaction, or a sign-in that had no session yet.
DROP POLICY may_insert ON audit;
CREATE POLICY may_insert ON audit FOR INSERT TO wangge_app
    WITH CHECK (CASE WHEN (SELECT gate.person_id()) IS NULL THEN action = 'sign_in' ELSE person_id = (SELECT gate.person_id()) END);
