-- A wall of screens signs in as itself: a person with the role "wall" and no other, whose sessions are of the kind "wall".
-- Nobody sits before it, so its session has no idle limit; in return it may change nothing, and read nothing that somebody wrote or is reached by.

ALTER TABLE person DROP CONSTRAINT person_roles_known, DROP CONSTRAINT person_admins_apart;
ALTER TABLE person
    ADD CONSTRAINT person_roles_known CHECK (cardinality(roles) > 0 AND roles <@ ARRAY[
        'operator', 'planner', 'analyst', 'clerk', 'officer',
        'system_admin', 'security_admin', 'audit_admin', 'integration', 'wall', 'system']),
    ADD CONSTRAINT person_admins_apart CHECK (
        cardinality(roles) = 1 OR NOT roles && ARRAY['system_admin', 'security_admin', 'audit_admin', 'integration', 'wall', 'system']);
ALTER TABLE session DROP CONSTRAINT session_kind_check;
ALTER TABLE session
    ADD CONSTRAINT session_kind_check CHECK (kind IN ('browser', 'token', 'wall', 'system')),
    ADD CONSTRAINT session_idle CHECK (kind <> 'wall' OR idle_limit IS NULL);

-- "particulars": what people wrote about an incident (title, address, notes) and how officers are reached.
INSERT INTO role_permission (role, permission)
SELECT role, 'particulars' FROM role_permission WHERE permission = 'incidents';
INSERT INTO role_permission (role, permission)
SELECT 'wall', unnest(ARRAY['map', 'statistics', 'incidents', 'officers', 'facilities']);
UPDATE session SET permissions = gate.permissions_of(person_id);
ALTER POLICY in_scope ON incident_log
    USING (community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('incidents')) AND (SELECT gate.may('particulars')));

-- Only a wall has a wall's session, and a wall has no other.
CREATE OR REPLACE FUNCTION gate.open_session(of_person bigint, hash bytea, of_kind text, lifetime interval, idle interval, of_label text, from_address text)
    RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    INSERT INTO session (token_hash, person_id, kind, label, expires_at, idle_limit, address, permissions, scope, areas)
    SELECT hash, person.id, of_kind, of_label, now() + lifetime, idle, from_address,
           gate.permissions_of(person.id), gate.scope_of(person.id), gate.areas_of(person.id)
      FROM person
     WHERE person.id = of_person AND disabled_at IS NULL
       AND (of_kind = 'system') = ('system' = ANY (roles)) AND (of_kind = 'wall') = ('wall' = ANY (roles))
       -- The application's role can never become the system: only the owner's connection (command line, worker) opens that.
       AND (of_kind <> 'system' OR session_user <> 'wangge_app')
    $$;
-- Who becomes a wall, or stops being one, begins anew.
CREATE TRIGGER close_other_kind AFTER UPDATE OF roles ON person
    FOR EACH ROW WHEN (('wall' = ANY (OLD.roles)) <> ('wall' = ANY (NEW.roles))) EXECUTE FUNCTION close_disabled();

DROP FUNCTION gate.use_link(bytea);
CREATE FUNCTION gate.use_link(hash bytea) RETURNS TABLE (person_id bigint, wall boolean)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE sign_in_link SET used_at = now()
      FROM person
     WHERE token_hash = hash AND used_at IS NULL AND expires_at > now() AND person.id = sign_in_link.person_id AND disabled_at IS NULL
    RETURNING person.id, 'wall' = ANY (person.roles)
    $$;

-- Whose account the caller may change: their own; a wall has none, or whoever passes by could give it a password.
CREATE FUNCTION gate.own_account() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT person_id FROM gate.current_session() WHERE kind <> 'wall'
    $$;
CREATE OR REPLACE FUNCTION gate.set_password(new_hash text, remember integer) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    INSERT INTO credential (person_id, password_hash, changed_at)
         SELECT gate.own_account(), new_hash, now() WHERE gate.own_account() IS NOT NULL
    ON CONFLICT (person_id) DO UPDATE
        SET past_hashes = (array_remove(array_prepend(credential.password_hash, credential.past_hashes), NULL))[1:remember],
            password_hash = new_hash, changed_at = now()
    RETURNING true
    $$;
CREATE OR REPLACE FUNCTION gate.set_second_factor(sealed bytea, step bigint) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    INSERT INTO credential (person_id, totp_sealed, totp_last_step) SELECT gate.own_account(), sealed, step WHERE gate.own_account() IS NOT NULL
    ON CONFLICT (person_id) DO UPDATE SET totp_sealed = sealed, totp_last_step = step
    RETURNING true
    $$;
CREATE OR REPLACE FUNCTION gate.set_language(chosen text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE person SET language = chosen WHERE id = gate.own_account()
    $$;
