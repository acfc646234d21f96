-- Monitors of hypertables: the chunks an incremental run reads, and the schedulers that are there.
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
CREATE TABLE plain AS SELECT host, at(i) AS ts, wave(i) + CASE WHEN host = 'a' AND i BETWEEN 3200 AND 3220 THEN 4 ELSE 0 END AS cpu
  FROM unnest(ARRAY['a', 'b']) host, generate_series(0, 3999) i;
CREATE TABLE metric (host text NOT NULL, ts timestamptz NOT NULL, cpu float8);
SELECT count(*) FROM create_hypertable('metric', by_range('ts', interval '1 day'));
CREATE INDEX ON metric (host, ts);
INSERT INTO metric SELECT * FROM plain WHERE ts <= at(3100);
SELECT tsad.create_monitor(name, source, 'ts', 'cpu', series_columns => '{host}', start_at => at(2500), train_window => '7 days', channel => NULL) > 0 AS made
  FROM (VALUES ('hyper', 'metric'), ('plain', 'plain')) m (name, source);
CALL tsad.run_monitor('hyper', at(3100));
INSERT INTO metric SELECT * FROM plain WHERE ts > at(3100);
ANALYZE metric;

-- Planned: the chunks of the new rows and of the windows before them. Done: the same, the next run's.
SELECT count(DISTINCT substring(line FROM '_hyper_\d+_\d+_chunk')) AS planned, (SELECT count(*) FROM show_chunks('metric')) AS chunks
  FROM tsad.monitor_plan('hyper', at(3300)) line;
SELECT log_plans();
SELECT * FROM chunks_read($$CALL tsad.run_monitor('hyper', at(3300))$$, 'metric');
CALL tsad.run_monitor('hyper', at(3600));
SELECT * FROM chunks_read($$CALL tsad.run_monitor('hyper', at(3700))$$, 'metric');
CALL tsad.run_monitor('hyper', at(3999));
CALL tsad.run_monitor('plain', at(3999));

-- The same episodes and models as of the plain table.
SELECT series, started_at <= at(3200) AND ended_at >= at(3220) AS found, peak_at BETWEEN at(3200) AND at(3220) AS peak_in_it, n_points > 20 AS points, is_final
  FROM tsad.anomalies WHERE monitor = 'hyper' ORDER BY started_at;
SELECT count(*) AS different FROM (SELECT to_jsonb(a) - '{id,monitor,found_at}'::text[] FROM tsad.anomalies a WHERE monitor = 'hyper'
                                   EXCEPT SELECT to_jsonb(a) - '{id,monitor,found_at}'::text[] FROM tsad.anomalies a WHERE monitor = 'plain') d;
CREATE VIEW trained AS SELECT m.name, s.series, v.version, v.trained_from, v.trained_until, v.reason, md5(v.model) AS model
  FROM tsad.monitor_model v JOIN tsad.monitor_series s ON s.id = v.series JOIN tsad.monitor m ON m.id = s.monitor;
SELECT count(*) AS models, count(*) FILTER (WHERE p.model = h.model) AS same FROM trained h FULL JOIN trained p USING (series, version, trained_from, trained_until, reason)
 WHERE h.name = 'hyper' AND p.name = 'plain';
SELECT name, count(*) FROM trained GROUP BY 1 ORDER BY 1;
DROP VIEW trained;

-- pg_cron where it is there.
SELECT tsad.schedule('hyper', '*/5 * * * *') > 0 AS scheduled;
SELECT monitor, schedule, scheduler FROM tsad.monitor_status('hyper');
SELECT schedule, command FROM cron.job;
SELECT tsad.unschedule('hyper');
SELECT count(*) FROM cron.job;

-- Else a job of TimescaleDB, which fires by itself and scores the rows that came meanwhile.
DROP EXTENSION pg_cron;
CREATE TABLE recent AS SELECT host, date_trunc('hour', now()) - (3000 - i) * interval '1 min' AS ts, i, wave(i) + CASE WHEN host = 'a' AND i BETWEEN 2960 AND 2980 THEN 4 ELSE 0 END AS cpu
  FROM unnest(ARRAY['a', 'b']) host, generate_series(0, 3000) i;
TRUNCATE metric;
INSERT INTO metric SELECT host, ts, cpu FROM recent WHERE i < 2900;
SELECT tsad.drop_monitor('hyper');
SELECT tsad.create_monitor('now', 'metric', 'ts', 'cpu', series_columns => '{host}', start_at => (SELECT max(ts) FROM recent) - interval '500 min', channel => NULL) > 0 AS made;
INSERT INTO metric SELECT host, ts, cpu FROM recent WHERE i >= 2900;
SELECT licensed($$SELECT tsad.schedule('now', '1 minute')$$) AS jobs \gset
CREATE PROCEDURE wait_for_run() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. 600 LOOP
        EXIT WHEN EXISTS (SELECT FROM tsad.monitor_status('now') WHERE run_ended_at IS NOT NULL OR state = 'error');
        PERFORM pg_sleep(0.1);
        COMMIT;
    END LOOP;
END $$;
-- Without jobs the run is ours.
\if :jobs
CALL wait_for_run();
\else
CALL tsad.run_monitor('now');
\endif
SELECT state, message, series, ok FROM tsad.monitor_status('now');
SELECT series->>'host' AS host, bool_or(recent.ts BETWEEN started_at AND last_at) AS found
  FROM tsad.anomalies JOIN recent ON recent.i = 2970 AND recent.host = series->>'host' WHERE monitor = 'now' AND series->>'host' = 'a' GROUP BY 1;
SELECT scheduler IS NOT DISTINCT FROM CASE WHEN :'jobs' THEN 'timescaledb' END AS told,
       (SELECT count(*) FROM timescaledb_information.jobs WHERE proc_name = '_timescale_job') = :'jobs'::bool::int AS made FROM tsad.monitor_status('now');
SELECT tsad.schedule('now', '0 3 * * 1');
SELECT tsad.drop_monitor('now'), tsad.drop_monitor('plain');
SELECT count(*) AS jobs FROM timescaledb_information.jobs WHERE proc_name = '_timescale_job';
SET client_min_messages = warning;
CREATE EXTENSION pg_cron;
DROP PROCEDURE wait_for_run;
DROP TABLE recent;
DROP TABLE metric;
DROP TABLE plain;
