ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE USAGE ON SEQUENCES FROM wangge_app;
DROP TRIGGER refresh_sessions ON area;
DO $$
DECLARE
    guarded text;
    rule text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['area', 'area_past', 'area_lineage', 'grid', 'grid_past', 'grid_lineage', 'scheme'] LOOP
        FOREACH rule IN ARRAY ARRAY['owner_sees_all', 'in_scope', 'may_insert', 'may_update', 'may_delete'] LOOP
            EXECUTE format('DROP POLICY %I ON %I', rule, guarded);
        END LOOP;
        EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format('REVOKE ALL ON %I FROM wangge_app', guarded);
    END LOOP;
END $$;
DROP TABLE limit_hit, sign_in_link, session, credential, person_scope, role_permission, person CASCADE;
DROP SCHEMA gate CASCADE;
DROP FUNCTION refresh_sessions(), close_disabled();
DROP SEQUENCE person_id_seq;
