-- The real pg_cron: a job that tsad.schedule made fires by itself, with the rights of an ordinary role, and scores the
-- rows that came meanwhile.
SET timezone = 'UTC';
\set SHOW_CONTEXT never
SET ROLE tsad_watcher;
CREATE TABLE metric (host text, ts timestamptz, cpu float8);
-- A wave of 40 samples with a little deterministic noise, a sample a minute until now; only one host misbehaves.
CREATE FUNCTION wave(i int) RETURNS float8 LANGUAGE sql IMMUTABLE AS
    $$ SELECT sin(i * 2 * pi() / 40) + 0.1 * ((i * 7919 % 1009) / 1009.0 - 0.5) $$;
-- A table, for the hour may change while the test runs.
CREATE TABLE sample AS SELECT host, date_trunc('hour', now()) - (3000 - i) * interval '1 min' AS ts, i, wave(i) + CASE WHEN host = 'a' AND i BETWEEN 2960 AND 2980 THEN 4 ELSE 0 END AS cpu
  FROM unnest(ARRAY['a', 'b']) host, generate_series(0, 3000) i;
INSERT INTO metric SELECT host, ts, cpu FROM sample WHERE i < 2900;
CREATE INDEX ON metric (host, ts);
SELECT tsad.create_monitor('cpu', 'metric', 'ts', 'cpu', series_columns => '{host}', start_at => (SELECT max(ts) FROM sample) - interval '500 min') > 0 AS made;
SELECT tsad.schedule('cpu', '1 minute') > 0 AS scheduled;
SELECT schedule, command, username, active FROM cron.job;
SELECT schedule, scheduler FROM tsad.monitor_status('cpu');

INSERT INTO metric SELECT host, ts, cpu FROM sample WHERE i >= 2900;
CREATE TABLE inserted AS SELECT clock_timestamp() AS at;
-- pg_cron looks at the clock once a minute; a run may have been there before the rows.
DO $$
BEGIN
    FOR i IN 1 .. 1800 LOOP
        EXIT WHEN EXISTS (SELECT FROM tsad.monitor_status('cpu') JOIN inserted ON run_started_at > at WHERE run_ended_at IS NOT NULL OR state = 'error');
        PERFORM pg_sleep(0.1);
        COMMIT;
    END LOOP;
END $$;
SELECT state, message, series, ok, rows > 900 AS rows FROM tsad.monitor_status('cpu');
SELECT series->>'host' AS host, bool_or(sample.ts BETWEEN started_at AND last_at) AS found
  FROM tsad.anomalies JOIN sample ON sample.i = 2970 AND sample.host = series->>'host' WHERE series->>'host' = 'a' GROUP BY 1;
RESET ROLE;
DO $$
BEGIN
    FOR i IN 1 .. 600 LOOP
        EXIT WHEN EXISTS (SELECT FROM cron.job_run_details WHERE status IN ('succeeded', 'failed'));
        PERFORM pg_sleep(0.1);
        COMMIT;
    END LOOP;
END $$;
SELECT DISTINCT command, username, status FROM cron.job_run_details WHERE status NOT IN ('starting', 'running', 'sending', 'connecting');

-- Another schedule takes the place of the first; without one there is no job, nor after the monitor.
SET ROLE tsad_watcher;
SELECT tsad.schedule('cpu', '*/5 * * * *') > 0 AS scheduled;
SELECT schedule, count(*) FROM cron.job GROUP BY 1;
SELECT tsad.unschedule('cpu'), tsad.unschedule('cpu') AS again;
SELECT count(*) FROM cron.job;
SELECT tsad.schedule('cpu', '2 hours') > 0 AS scheduled;
SELECT schedule FROM cron.job;
SELECT tsad.drop_monitor('cpu');
SELECT count(*) FROM cron.job;
-- What pg_cron cannot do is said in its own words or in ours.
SELECT tsad.create_monitor('cpu', 'metric', 'ts', 'cpu', series_columns => '{host}') > 0 AS made;
SELECT tsad.schedule('cpu', '7 minutes');
DO $$
BEGIN
    PERFORM tsad.schedule('cpu', 'now and then');
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE '%', SQLERRM;
END $$;
SELECT tsad.schedule('cpu', NULL);
SELECT scheduler IS NULL AS unscheduled FROM tsad.monitor_status('cpu');
-- A job is that of who made it: a member of that role, and a superuser, may take it away, and two never run one monitor.
SELECT tsad.schedule('cpu', '3 hours') > 0 AS scheduled;
SET ROLE tsad_member;
SELECT tsad.schedule('cpu', '4 hours') > 0 AS scheduled;
RESET ROLE;
SELECT schedule, username FROM cron.job;
SET ROLE tsad_watcher;
SELECT tsad.unschedule('cpu');
RESET ROLE;
SELECT schedule, username FROM cron.job;
SELECT tsad.unschedule('cpu');
SELECT count(*) FROM cron.job;
SET ROLE tsad_watcher;
SELECT tsad.schedule('cpu', '6 hours') > 0 AS scheduled;
RESET ROLE;
-- A superuser who takes a monitor off its schedule removes no other job, whatever its owner wrote there.
SELECT cron.schedule('precious', '0 0 * * *', 'SELECT 1') AS precious \gset
SET ROLE tsad_watcher;
SELECT tsad.alter_monitor('cpu', '{"name": "it''s cpu"}');
SELECT schedule, command FROM cron.job;
SELECT job FROM tsad.monitor \gset
UPDATE tsad.monitor SET job = :precious, job_role = 'postgres';
RESET ROLE;
SELECT tsad.unschedule('it''s cpu');
SELECT jobname = 'precious' AS precious, count(*) FROM cron.job GROUP BY 1 ORDER BY 1;
SELECT cron.unschedule('precious'), cron.unschedule(:job);
SET ROLE tsad_watcher;
SELECT tsad.drop_monitor('it''s cpu');
DROP TABLE sample;
DROP TABLE metric, inserted;
DROP FUNCTION wave;
