-- People, roles, scopes and sessions; and the gate: functions through which the database itself learns who asks.
-- The application only ever names a token (setting wangge.token, per transaction); everything else is looked up here.

CREATE SEQUENCE person_id_seq;
CREATE TABLE person (
    id              bigint PRIMARY KEY DEFAULT nextval('person_id_seq'),
    sign_in_name    text COLLATE "C" NOT NULL UNIQUE CHECK (sign_in_name ~ '^[a-z0-9][a-z0-9._:-]{1,62}$'),
    display_name    text NOT NULL,
    roles           text[] NOT NULL,
    language        text NOT NULL DEFAULT 'zh' CHECK (language IN ('zh', 'en')),
    created_at      timestamptz NOT NULL DEFAULT now(),
    disabled_at     timestamptz,
    CONSTRAINT person_roles_known CHECK (cardinality(roles) > 0 AND roles <@ ARRAY[
        'operator', 'planner', 'analyst', 'clerk', 'officer',
        'system_admin', 'security_admin', 'audit_admin', 'integration', 'system']),
    -- 三权分立: an administrator is that administrator and nothing else.
    CONSTRAINT person_admins_apart CHECK (
        cardinality(roles) = 1 OR NOT roles && ARRAY['system_admin', 'security_admin', 'audit_admin', 'integration', 'system'])
);

-- What each role may do is data; scope says where.
CREATE TABLE role_permission (
    role        text NOT NULL,
    permission  text NOT NULL,
    PRIMARY KEY (role, permission)
);
INSERT INTO role_permission (role, permission)
SELECT role, unnest(permissions) FROM (VALUES
    ('operator',       ARRAY['map', 'incidents', 'incidents.write', 'incidents.dispatch', 'officers', 'facilities', 'households', 'statistics']),
    ('planner',        ARRAY['map', 'incidents', 'officers', 'facilities', 'households', 'statistics', 'ground.write']),
    ('analyst',        ARRAY['map', 'incidents', 'officers', 'facilities', 'households', 'statistics', 'analyses.write', 'export']),
    ('clerk',          ARRAY['map', 'incidents', 'incidents.write', 'incidents.dispatch', 'officers', 'facilities', 'households', 'residents', 'residents.reveal', 'care', 'statistics']),
    ('officer',        ARRAY['map', 'incidents', 'incidents.write', 'officers', 'facilities', 'households', 'residents', 'residents.reveal', 'care']),
    ('system_admin',   ARRAY['map', 'imports', 'categories.write', 'deployment.write']),
    ('security_admin', ARRAY['people', 'people.write', 'scopes.write', 'tokens.write']),
    ('audit_admin',    ARRAY['audit']),
    ('integration',    ARRAY['map', 'incidents', 'incidents.write', 'facilities', 'statistics']),
    ('system',         ARRAY['map', 'incidents', 'incidents.write', 'incidents.dispatch', 'officers', 'officers.write', 'facilities',
                             'facilities.write', 'households', 'households.write', 'residents', 'residents.write', 'care', 'care.sensitive',
                             'statistics', 'analyses.write', 'ground.write', 'imports', 'categories.write', 'deployment.write',
                             'people', 'people.write', 'scopes.write', 'tokens.write', 'audit'])
) AS granted (role, permissions);

CREATE TABLE person_scope (
    person_id   bigint NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    area_id     integer NOT NULL REFERENCES area (id),
    granted_by  bigint REFERENCES person (id),
    granted_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person_id, area_id)
);

CREATE TABLE credential (
    person_id       bigint PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
    password_hash   text,
    past_hashes     text[] NOT NULL DEFAULT '{}',
    changed_at      timestamptz,
    totp_sealed     bytea,
    totp_last_step  bigint,
    failures        integer NOT NULL DEFAULT 0,
    locked_until    timestamptz
);

CREATE TABLE session (
    token_hash      bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    person_id       bigint NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    kind            text NOT NULL CHECK (kind IN ('browser', 'token', 'system')),
    label           text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    last_seen_at    timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL,
    idle_limit      interval,
    address         text,
    permissions     text[] NOT NULL,
    scope           int4multirange NOT NULL,   -- communities whose rows may be seen; 0 is "no community yet"
    areas           int4multirange NOT NULL    -- areas that may be seen: the scope, what lies inside it and what it lies in
);
CREATE INDEX session_person ON session (person_id);
CREATE INDEX session_expires ON session (expires_at);

CREATE TABLE sign_in_link (
    token_hash  bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    person_id   bigint NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz
);

-- One row for each counted deed (sign-in by account or address, search, export): the limits are the application's.
CREATE TABLE limit_hit (
    bucket      text COLLATE "C" NOT NULL,
    at          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX limit_hit_bucket ON limit_hit (bucket, at);

CREATE SCHEMA gate;

-- Communities in a person's scope: the whole ground for a scope that holds a district, else what lies below.
CREATE FUNCTION gate.scope_of(of_person bigint) RETURNS int4multirange
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH RECURSIVE inside AS (
        SELECT area.id, area.level FROM person_scope JOIN area ON area.id = area_id WHERE person_id = of_person
        UNION
        SELECT area.id, area.level FROM area JOIN inside ON area.parent_id = inside.id
    )
    SELECT CASE WHEN EXISTS (SELECT FROM inside WHERE level = 'district')
                  OR EXISTS (SELECT FROM person WHERE id = of_person AND 'system' = ANY (roles))
                THEN int4multirange(int4range(NULL, NULL))
                ELSE coalesce((SELECT range_agg(int4range(id, id + 1)) FROM inside WHERE level = 'community'), '{}')
           END
    $$;
CREATE FUNCTION gate.areas_of(of_person bigint) RETURNS int4multirange
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH RECURSIVE inside AS (
        SELECT area.id, area.parent_id, area.level FROM person_scope JOIN area ON area.id = area_id WHERE person_id = of_person
        UNION
        SELECT area.id, area.parent_id, area.level FROM area JOIN inside ON area.parent_id = inside.id
    ), above AS (
        SELECT id, parent_id FROM inside
        UNION
        SELECT area.id, area.parent_id FROM area JOIN above ON area.id = above.parent_id
    )
    SELECT CASE WHEN upper_inf(gate.scope_of(of_person)) THEN int4multirange(int4range(NULL, NULL))
                ELSE coalesce((SELECT range_agg(int4range(id, id + 1)) FROM above), '{}') END
    $$;
CREATE FUNCTION gate.permissions_of(of_person bigint) RETURNS text[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce(array_agg(DISTINCT permission ORDER BY permission), '{}')
      FROM person JOIN role_permission ON role = ANY (roles) WHERE person.id = of_person
    $$;

CREATE FUNCTION gate.current_session() RETURNS session
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT session FROM session
     WHERE token_hash = sha256(convert_to(nullif(current_setting('wangge.token', true), ''), 'UTF8'))
       AND expires_at > now() AND (idle_limit IS NULL OR last_seen_at + idle_limit > now())
    $$;
CREATE FUNCTION gate.scope() RETURNS int4multirange
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce((SELECT scope FROM session
                      WHERE token_hash = sha256(convert_to(nullif(current_setting('wangge.token', true), ''), 'UTF8'))
                        AND expires_at > now() AND (idle_limit IS NULL OR last_seen_at + idle_limit > now())), '{}')
    $$;
CREATE FUNCTION gate.areas() RETURNS int4multirange
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce((gate.current_session()).areas, '{}')
    $$;
CREATE FUNCTION gate.may(permission text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce(permission = ANY ((gate.current_session()).permissions), false)
    $$;
CREATE FUNCTION gate.person_id() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT (gate.current_session()).person_id
    $$;
-- Who asks, for the application: no row for a token that is made up, expired or idle too long.
CREATE FUNCTION gate.who() RETURNS TABLE (
        person_id bigint, sign_in_name text, display_name text, roles text[], language text, permissions text[],
        scope int4multirange, area_ids integer[], kind text, expires_at timestamptz, last_seen_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT person.id, sign_in_name, display_name, roles, language, asking.permissions, asking.scope,
           ARRAY(SELECT area_id FROM person_scope WHERE person_scope.person_id = person.id ORDER BY area_id),
           asking.kind, asking.expires_at, asking.last_seen_at
      FROM gate.current_session() AS asking JOIN person ON person.id = asking.person_id
     WHERE person.disabled_at IS NULL
    $$;
CREATE FUNCTION gate.seen() RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE session SET last_seen_at = now()
     WHERE token_hash = (gate.current_session()).token_hash AND last_seen_at < now() - interval '30 seconds'
    $$;
-- Opens a session with exactly what the person's grants give: no caller can choose a scope.
CREATE FUNCTION gate.open_session(of_person bigint, hash bytea, of_kind text, lifetime interval, idle interval, of_label text, from_address text)
    RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    INSERT INTO session (token_hash, person_id, kind, label, expires_at, idle_limit, address, permissions, scope, areas)
    SELECT hash, person.id, of_kind, of_label, now() + lifetime, idle, from_address,
           gate.permissions_of(person.id), gate.scope_of(person.id), gate.areas_of(person.id)
      FROM person WHERE person.id = of_person AND disabled_at IS NULL AND (of_kind = 'system') = ('system' = ANY (roles))
       -- The application's role can never become the system: only the owner's connection (command line, worker) opens that.
       AND (of_kind <> 'system' OR session_user <> 'wangge_app')
    $$;
CREATE FUNCTION gate.close_session() RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    DELETE FROM session WHERE token_hash = sha256(convert_to(current_setting('wangge.token', true), 'UTF8'))
    $$;
CREATE FUNCTION gate.close_sessions_of(of_person bigint) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH closed AS (
        DELETE FROM session WHERE person_id = of_person
           AND (of_person = gate.person_id() OR gate.may('people.write')) RETURNING 1)
    SELECT count(*) FROM closed
    $$;

-- Whoever changes grants, roles or the tree of areas changes the open sessions with it.
CREATE FUNCTION refresh_sessions() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE session SET permissions = gate.permissions_of(person_id), scope = gate.scope_of(person_id), areas = gate.areas_of(person_id);
    RETURN NULL;
END $$;
CREATE TRIGGER refresh_sessions AFTER INSERT OR UPDATE OR DELETE ON person_scope FOR EACH STATEMENT EXECUTE FUNCTION refresh_sessions();
CREATE TRIGGER refresh_sessions AFTER UPDATE OF roles ON person FOR EACH STATEMENT EXECUTE FUNCTION refresh_sessions();
CREATE TRIGGER refresh_sessions AFTER INSERT OR UPDATE OF parent_id OR DELETE ON area FOR EACH STATEMENT EXECUTE FUNCTION refresh_sessions();
CREATE FUNCTION close_disabled() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    DELETE FROM session WHERE person_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER close_disabled AFTER UPDATE OF disabled_at ON person
    FOR EACH ROW WHEN (NEW.disabled_at IS NOT NULL) EXECUTE FUNCTION close_disabled();

-- gate.guard(table, using, check): the owner's own functions see every row; the application's role only what the
-- two expressions let through. FORCE makes the rule hold for the owner too, so nothing is open by accident.
CREATE FUNCTION gate.guard(guarded regclass, readable text, writable text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', guarded);
    EXECUTE format('CREATE POLICY owner_sees_all ON %s TO %I USING (true) WITH CHECK (true)', guarded, current_user);
    EXECUTE format('CREATE POLICY in_scope ON %s FOR SELECT TO wangge_app USING (%s)', guarded, readable);
    EXECUTE format('CREATE POLICY may_insert ON %s FOR INSERT TO wangge_app WITH CHECK (%s)', guarded, writable);
    EXECUTE format('CREATE POLICY may_update ON %s FOR UPDATE TO wangge_app USING (%s) WITH CHECK (%s)', guarded, writable, writable);
    EXECUTE format('CREATE POLICY may_delete ON %s FOR DELETE TO wangge_app USING (%s)', guarded, writable);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO wangge_app', guarded);
END $$;

SELECT gate.guard('area',         $$id <@ (SELECT gate.areas())$$,            $$id <@ (SELECT gate.areas()) AND (SELECT gate.may('ground.write'))$$);
SELECT gate.guard('area_past',    $$area_id <@ (SELECT gate.areas())$$,       $$false$$);
SELECT gate.guard('area_lineage', $$from_id <@ (SELECT gate.areas()) OR to_id <@ (SELECT gate.areas())$$, $$(SELECT gate.may('ground.write'))$$);
SELECT gate.guard('grid',         $$community_id <@ (SELECT gate.scope())$$,  $$community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('ground.write'))$$);
SELECT gate.guard('grid_past',    $$community_id <@ (SELECT gate.scope())$$,  $$false$$);
SELECT gate.guard('grid_lineage', $$EXISTS (SELECT FROM grid WHERE grid.id IN (from_id, to_id))$$, $$(SELECT gate.may('ground.write'))$$);
SELECT gate.guard('person',       $$id = (SELECT gate.person_id()) OR (SELECT gate.may('people'))$$, $$(SELECT gate.may('people.write'))$$);
SELECT gate.guard('person_scope', $$person_id = (SELECT gate.person_id()) OR (SELECT gate.may('people'))$$, $$(SELECT gate.may('scopes.write'))$$);
SELECT gate.guard('scheme',       $$(SELECT gate.person_id()) IS NOT NULL$$,  $$(SELECT gate.may('ground.write'))$$);

GRANT USAGE ON SCHEMA gate TO wangge_app;
GRANT SELECT ON role_permission TO wangge_app;
GRANT SELECT, INSERT, DELETE ON limit_hit TO wangge_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO wangge_app;
REVOKE ALL ON FUNCTION gate.guard(regclass, text, text) FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO wangge_app;

INSERT INTO person (sign_in_name, display_name, roles) VALUES ('system', 'Wangge', '{system}');
