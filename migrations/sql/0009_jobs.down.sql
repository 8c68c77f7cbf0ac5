DROP FUNCTION gate.defer(text, jsonb, text);
DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers CASCADE;
DO $$
DECLARE
    each regprocedure;
BEGIN
    FOR each IN SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE 'procrastinate\_%' AND pronamespace = 'public'::regnamespace LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', each);
    END LOOP;
END $$;
DROP TYPE procrastinate_job_to_defer_v1, procrastinate_job_event_type, procrastinate_job_status CASCADE;
