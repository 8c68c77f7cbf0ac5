-- Walls become disabled integrations: what the trail says of them stays readable.
DELETE FROM session WHERE kind = 'wall';
DROP TRIGGER close_other_kind ON person;
UPDATE person SET roles = '{integration}', disabled_at = coalesce(disabled_at, now()) WHERE 'wall' = ANY (roles);
CREATE OR REPLACE FUNCTION gate.set_password(new_hash text, remember integer) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    INSERT INTO credential (person_id, password_hash, changed_at)
         SELECT gate.person_id(), new_hash, now() WHERE gate.person_id() IS NOT NULL
    ON CONFLICT (person_id) DO UPDATE
        SET past_hashes = (array_remove(array_prepend(credential.password_hash, credential.past_hashes), NULL))[1:remember],
            password_hash = new_hash, changed_at = now()
    RETURNING true
    $$;
CREATE OR REPLACE FUNCTION gate.set_second_factor(sealed bytea, step bigint) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    INSERT INTO credential (person_id, totp_sealed, totp_last_step) SELECT gate.person_id(), sealed, step WHERE gate.person_id() IS NOT NULL
    ON CONFLICT (person_id) DO UPDATE SET totp_sealed = sealed, totp_last_step = step
    RETURNING true
    $$;
CREATE OR REPLACE FUNCTION gate.set_language(chosen text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE person SET language = chosen WHERE id = gate.person_id()
    $$;
DROP FUNCTION gate.own_account(), gate.use_link(bytea);
CREATE FUNCTION gate.use_link(hash bytea) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE sign_in_link SET used_at = now()
      FROM person
     WHERE token_hash = hash AND used_at IS NULL AND expires_at > now() AND person.id = person_id AND disabled_at IS NULL
    RETURNING person_id
    $$;
CREATE OR REPLACE FUNCTION gate.open_session(of_person bigint, hash bytea, of_kind text, lifetime interval, idle interval, of_label text, from_address text)
    RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    INSERT INTO session (token_hash, person_id, kind, label, expires_at, idle_limit, address, permissions, scope, areas)
    SELECT hash, person.id, of_kind, of_label, now() + lifetime, idle, from_address,
           gate.permissions_of(person.id), gate.scope_of(person.id), gate.areas_of(person.id)
      FROM person WHERE person.id = of_person AND disabled_at IS NULL AND (of_kind = 'system') = ('system' = ANY (roles))
       -- The application's role can never become the system: only the owner's connection (command line, worker) opens that.
       AND (of_kind <> 'system' OR session_user <> 'wangge_app')
    $$;
ALTER POLICY in_scope ON incident_log USING (community_id <@ (SELECT gate.scope()) AND (SELECT gate.may('incidents')));
DELETE FROM role_permission WHERE role = 'wall' OR permission = 'particulars';
UPDATE session SET permissions = gate.permissions_of(person_id);
ALTER TABLE session DROP CONSTRAINT session_idle, DROP CONSTRAINT session_kind_check;
ALTER TABLE session ADD CONSTRAINT session_kind_check CHECK (kind IN ('browser', 'token', 'system'));
ALTER TABLE person DROP CONSTRAINT person_roles_known, DROP CONSTRAINT person_admins_apart;
ALTER TABLE person
    ADD CONSTRAINT person_roles_known CHECK (cardinality(roles) > 0 AND roles <@ ARRAY[
        'operator', 'planner', 'analyst', 'clerk', 'officer',
        'system_admin', 'security_admin', 'audit_admin', 'integration', 'system']),
    ADD CONSTRAINT person_admins_apart CHECK (
        cardinality(roles) = 1 OR NOT roles && ARRAY['system_admin', 'security_admin', 'audit_admin', 'integration', 'system']);
