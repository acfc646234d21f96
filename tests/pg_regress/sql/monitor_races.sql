-- Runs and changes of one monitor at the same time, in sessions that wait for each other.
-- needs: dblink
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET statement_timeout = '60s';
\set SHOW_CONTEXT never
CREATE EXTENSION dblink;
SELECT format('host=%s port=%s dbname=%s user=%s', current_setting('unix_socket_directories'), current_setting('port'), current_database(), current_user) AS here \gset
CREATE TABLE short AS SELECT h AS host, i, at(i) AS ts, wave(i) + CASE WHEN h = 'spike' AND i BETWEEN 3000 AND 3019 THEN 2 ELSE 0 END AS v
  FROM generate_series(0, 3700) i, unnest('{calm,spike}'::text[]) h;
CREATE INDEX ON short (host, ts);

-- A run that looks less far, while another one waits: what lies beyond is not lost. (The gate lets a session wait that was told to.)
CREATE FUNCTION gate() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    IF current_setting('app.gated', true) IN ('wait', 'fail') THEN
        PERFORM pg_advisory_lock(77), pg_advisory_unlock(77);
        IF current_setting('app.gated') = 'fail' THEN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END IF;
    END IF;
    RETURN true;
END $$;
CREATE VIEW gated AS SELECT host, ts, v FROM short WHERE (i = 1000 OR i = 3600) AND gate() OR i NOT IN (1000, 3600);
SELECT tsad.create_monitor('far', 'gated', 'ts', 'v', series_columns => '{host}', start_at => at(2000), train_window => '7 days', late_window => '0') > 0 AS created;
CALL tsad.run_monitor('far', at(2500));
SELECT dblink_connect('a', :'here'), dblink_exec('a', 'SET app.gated = wait');
SELECT pg_advisory_lock(77);
SELECT dblink_send_query('a', $$CALL tsad.run_monitor('far', '2026-01-13 20:20+00')$$);
DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$;
CALL tsad.run_monitor('far', at(2900));
SELECT count(*) AS found_so_far FROM tsad.anomalies;
SELECT pg_advisory_unlock(77);
SELECT * FROM dblink_get_result('a') t (status text); SELECT * FROM dblink_get_result('a') t (status text);
SELECT series, newest_at FROM tsad.series_status('far');
SELECT series, started_at BETWEEN at(2960) AND at(3020) AS at_the_time FROM tsad.anomalies;
SELECT dblink_disconnect('a');
SELECT tsad.drop_monitor('far');

-- Who drops, changes or retrains a monitor waits for the batch at work, and that one for nobody: no deadlock, nothing is lost.
SELECT tsad.create_monitor('locked', 'gated', 'ts', 'v', series_columns => '{host}', start_at => at(2000), train_window => '7 days') > 0 AS created;
CALL tsad.run_monitor('locked', at(3650));
CREATE PROCEDURE race(command text) LANGUAGE plpgsql AS $$
DECLARE
    here CONSTANT text := format('host=%s port=%s dbname=%s user=%s', current_setting('unix_socket_directories'), current_setting('port'), current_database(), current_user);
    said text;
BEGIN
    PERFORM dblink_connect('run', here), dblink_connect('change', here);
    PERFORM dblink_exec('run', 'SET app.gated = fail'), dblink_exec('run', 'SET client_min_messages = error');
    -- Beyond the row at which the run is to wait, so that it is found; and that is read again.
    PERFORM pg_advisory_lock(77);
    PERFORM dblink_send_query('run', 'CALL tsad.run_monitor(''locked'', at(3699))');
    WHILE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted) LOOP PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot(); END LOOP;
    PERFORM dblink_send_query('change', command);
    WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE query = command AND wait_event_type = 'Lock') LOOP PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot(); END LOOP;
    PERFORM pg_advisory_unlock(77);
    FOR said IN SELECT status FROM dblink_get_result('run') t (status text) LOOP RAISE NOTICE 'run: %', said; END LOOP;
    FOR said IN SELECT status FROM dblink_get_result('change') t (status text) LOOP RAISE NOTICE 'change: %', said; END LOOP;
    PERFORM dblink_disconnect('run'), dblink_disconnect('change');
END $$;
CALL race($$SELECT tsad.retrain('locked')::text$$);
SELECT state, message FROM tsad.monitor_status('locked');
CALL race($$SELECT tsad.exclude('locked', at(10), at(20))::text <> ''$$);
CALL race($$SELECT tsad.alter_monitor('locked', '{"min_samples": 500}')::text$$);
CALL race($$SELECT tsad.feedback('locked', '{"host": "spike"}', at(3000), at(3019), true) ? 'threshold'$$);
CALL race($$SELECT tsad.drop_monitor('locked')::text$$);
SELECT count(*) AS monitors FROM tsad.monitor;
DROP PROCEDURE race(text); DROP VIEW gated; DROP FUNCTION gate(); DROP TABLE short; DROP EXTENSION dblink;
