-- Jobs are deferred through the gate, so that the application's role can ask for work but neither read nor change what waits.
-- A job with a queueing lock that waits already is not asked for twice: NULL then.
CREATE FUNCTION gate.defer(task text, args jsonb, queueing_lock text) RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    job_id bigint;
BEGIN
    IF gate.person_id() IS NULL AND session_user = 'wangge_app' THEN
        RAISE EXCEPTION 'Nobody is signed in.' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT unnest(procrastinate_defer_jobs_v1(ARRAY[
        ROW('default', task, 0, NULL, queueing_lock, args, NULL)::procrastinate_job_to_defer_v1])) INTO job_id;
    RETURN job_id;
EXCEPTION WHEN unique_violation THEN
    RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION gate.defer(text, jsonb, text) TO wangge_app;
