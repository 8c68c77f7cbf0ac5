DROP POLICY may_insert ON audit;
CREATE POLICY may_insert ON audit FOR INSERT TO wangge_app
    WITH CHECK ((SELECT gate.person_id()) IS NOT NULL OR action = 'sign_in');
DROP FUNCTION gate.sweep(), gate.set_language(text), gate.end_others(), gate.end_session(bigint, text), gate.sessions_of(bigint),
    gate.use_link(bytea), gate.link(bytea), gate.add_link(bigint, bytea, interval), gate.reset(bigint), gate.use_code(bigint, bigint),
    gate.set_second_factor(bytea, bigint), gate.set_password(text, integer), gate.own_credential(), gate.credential_of(text);
DROP TRIGGER not_by_oneself ON person_scope;
DROP TRIGGER not_by_oneself ON person;
DROP TRIGGER grant_new_district ON area;
DROP FUNCTION not_by_oneself(), grant_new_district();
ALTER TABLE person DROP COLUMN every_district;
ALTER TABLE credential ADD COLUMN failures integer NOT NULL DEFAULT 0, ADD COLUMN locked_until timestamptz;
