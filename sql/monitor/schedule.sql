-- Schedules: pg_cron where this database has it, TimescaleDB's jobs where it has these only.

CREATE FUNCTION tsad._cron_of(every interval) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN s BETWEEN 60 AND 1800 AND 3600 % s = 0 AND s % 60 = 0 THEN format('*/%s * * * *', s / 60)
                WHEN s = 3600 THEN '0 * * * *'
                WHEN s BETWEEN 3601 AND 43200 AND 86400 % s = 0 AND s % 3600 = 0 THEN format('0 */%s * * *', s / 3600)
                WHEN s = 86400 THEN '0 0 * * *' END
      FROM (SELECT extract(epoch FROM every)::bigint AS s WHERE extract(epoch FROM every) = trunc(extract(epoch FROM every))) seconds $$;
COMMENT ON FUNCTION tsad._cron_of(interval) IS 'an interval as a cron schedule, NULL where it is none';

CREATE FUNCTION tsad._interval_of(cron text) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN cron ~ '^\s*\*(\s+\*){4}\s*$' THEN interval '1 minute'
                WHEN cron ~ '^\s*\*/[1-9]\d?(\s+\*){4}\s*$' THEN make_interval(mins => substring(cron FROM '/(\d+)')::integer)
                WHEN cron ~ '^\s*\d+\s+\*(\s+\*){3}\s*$' THEN interval '1 hour'
                WHEN cron ~ '^\s*\d+\s+\*/[1-9]\d?(\s+\*){3}\s*$' THEN make_interval(hours => substring(cron FROM '/(\d+)')::integer)
                WHEN cron ~ '^\s*\d+\s+\d+(\s+\*){3}\s*$' THEN interval '1 day' END $$;
COMMENT ON FUNCTION tsad._interval_of(text) IS 'a simple cron schedule as an interval, NULL where it is none';

CREATE FUNCTION tsad._as_interval(schedule text) RETURNS interval
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- PostgreSQL takes '*/5 * * * *' for an interval of five seconds.
    IF schedule ~ '\*' OR schedule ~ '^\s*[\d,/-]+(\s+[\d,/-]+){4}\s*$' THEN
        RETURN NULL;
    END IF;
    RETURN schedule::interval;
EXCEPTION WHEN invalid_datetime_format OR datetime_field_overflow OR interval_field_overflow THEN
    RETURN NULL;
END $$;
COMMENT ON FUNCTION tsad._as_interval(text) IS 'a text as an interval, NULL where it is none';

CREATE PROCEDURE tsad._timescale_job(job_id integer, config jsonb)
    LANGUAGE plpgsql AS $$
BEGIN
    CALL tsad.run_monitor(config OPERATOR(pg_catalog.->>) 'monitor');
END $$;
COMMENT ON PROCEDURE tsad._timescale_job(integer, jsonb) IS 'what a job of TimescaleDB calls';

CREATE FUNCTION tsad.schedule(monitor text, schedule text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    m tsad.monitor := tsad._monitor_of(monitor);
    every interval := tsad._as_interval(schedule);
    cron text := CASE WHEN every IS NULL THEN schedule ELSE tsad._cron_of(every) END;
    timescale text := (SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb');
    job bigint;
BEGIN
    IF schedule IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'schedule is NULL',
            HINT = 'Pass a cron schedule or an interval; tsad.unschedule takes a monitor off its schedule.';
    ELSIF m.scheduler IS NOT NULL THEN
        PERFORM tsad.unschedule(monitor);
    END IF;
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
        IF cron IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('pg_cron cannot run something every %s', schedule),
                HINT = 'Give a cron schedule, or an interval of minutes or hours that divides an hour or a day.';
        END IF;
        -- The name is unique per user: two roles may have monitors of one name.
        EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO job
          USING format('tsad %s %s', m.id, m.name), cron, format('CALL tsad.run_monitor(%L)', m.name);
        schedule := cron;
    ELSIF timescale IS NOT NULL THEN
        every := coalesce(every, tsad._interval_of(schedule));
        IF every IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('schedule "%s" is no interval', schedule),
                HINT = 'Jobs of TimescaleDB run at intervals: give one, such as ''5 minutes'', or install pg_cron.';
        END IF;
        EXECUTE format('SELECT %s.add_job(''tsad._timescale_job'', $1, $2)', timescale) INTO job
          USING every, jsonb_build_object('monitor', m.name, 'id', m.id);
        schedule := every::text;
    ELSE
        RAISE EXCEPTION USING ERRCODE = 'feature_not_supported', MESSAGE = 'there is no scheduler in this database',
            HINT = format('CREATE EXTENSION pg_cron (or timescaledb) in this database, or have something else execute CALL tsad.run_monitor(%L) from time to time.', m.name);
    END IF;
    UPDATE tsad.monitor o SET job = job, schedule = schedule, job_role = quote_ident(current_user)::regrole,
           scheduler = CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN 'pg_cron' ELSE 'timescaledb' END WHERE o.id = m.id;
    RETURN job;
END $$;
COMMENT ON FUNCTION tsad.schedule(text, text) IS 'has pg_cron or TimescaleDB run a monitor; a cron schedule or an interval; returns the number of the job';

CREATE FUNCTION tsad.unschedule(monitor text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    m tsad.monitor := tsad._monitor_of(monitor);
    role oid;
BEGIN
    IF m.scheduler IS NULL THEN
        RETURN false;
    END IF;
    -- Jobs are seen and removed by whose they are. (Those of a role that is gone, by superusers.)
    SELECT r.oid INTO role FROM pg_roles r WHERE r.oid = m.job_role;
    IF role IS NULL THEN
        PERFORM tsad._remove_job(m.scheduler, m.job, m.id);
    ELSIF pg_has_role(role, 'USAGE') THEN
        PERFORM tsad._as_role(role, format('SELECT tsad._remove_job(%L::pg_catalog.text, %s::pg_catalog.int8, %s::pg_catalog.int8)', m.scheduler, m.job, m.id));
    ELSE
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format('job %s of monitor "%s" belongs to role %s', m.job, m.name, m.job_role::regrole),
            HINT = 'That role, its members and superusers can take the monitor off its schedule.';
    END IF;
    UPDATE tsad.monitor o SET scheduler = NULL, job = NULL, job_role = NULL, schedule = NULL WHERE o.id = m.id;
    RETURN true;
END $$;
COMMENT ON FUNCTION tsad.unschedule(text) IS 'takes a monitor off its schedule; false where it had none';

CREATE FUNCTION tsad._remove_job(scheduler text, job bigint, monitor bigint) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    timescale text := (SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb');
BEGIN
    -- Somebody may have removed the job, or the scheduler, by other means. The number of a job can be written by the monitor's owner,
    -- that of a monitor cannot: a superuser who calls this must not remove another's job.
    IF scheduler = 'pg_cron' AND EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
        EXECUTE 'SELECT cron.unschedule(jobid) FROM cron.job WHERE jobid = $1 AND jobname ^@ $2' USING job, format('tsad %s ', monitor);
    ELSIF scheduler = 'timescaledb' AND timescale IS NOT NULL THEN
        EXECUTE format('SELECT %s.delete_job(job_id) FROM timescaledb_information.jobs WHERE job_id = $1 AND config->>''id'' = $2', timescale) USING job::integer, monitor::text;
    END IF;
    RETURN '{}';
END $$;
COMMENT ON FUNCTION tsad._remove_job(text, bigint, bigint) IS 'removes the job of a monitor from pg_cron or TimescaleDB';
