-- What a run looks at, and what it keeps: series that wait for a model, settings that changed, history, buckets in progress.
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
CREATE TABLE src AS SELECT h, at(i) AS ts, wave(i) + CASE WHEN i BETWEEN 1700 AND 1719 THEN 2 ELSE 0 END AS v FROM generate_series(0, 2399) i, unnest('{a,b}'::text[]) h;
CREATE INDEX ON src (h, ts);

-- A first training that failed asks for more rows. With other options, or on request, as few as at first will do again, although no row is newer.
CREATE TABLE few AS SELECT 'a' AS h, ts, v FROM src WHERE h = 'a' AND ts < at(700);
SELECT tsad.create_monitor('few', 'few', 'ts', 'v', '{h}', start_at => at(300), train_window => '10 days', min_samples => 300, options => '{"scales": [500]}') > 0 AS created;
CALL tsad.run_monitor('few', at(699));
SELECT state, message FROM tsad.series_status('few');
CALL tsad.run_monitor('few', at(700)); CALL tsad.run_monitor('few', at(701));
SELECT state, message FROM tsad.series_status('few');
SELECT tsad.alter_monitor('few', '{"options": {"scales": [16, 32]}}');
CALL tsad.run_monitor('few', at(702));
SELECT state, message, model_version FROM tsad.series_status('few');
SELECT tsad.drop_monitor('few');
SELECT tsad.create_monitor('few', 'few', 'ts', 'v', '{h}', start_at => at(300), train_window => '10 days', min_samples => 2000) > 0 AS created;
CALL tsad.run_monitor('few', at(699));
SELECT state, message FROM tsad.series_status('few');
SELECT tsad.alter_monitor('few', '{"min_samples": 600}');
CALL tsad.run_monitor('few', at(699));
SELECT state, message, model_version FROM tsad.series_status('few');
-- Another source, whose rows are not newer.
SELECT tsad.drop_monitor('few');
CREATE TABLE fewer AS SELECT * FROM few LIMIT 100;
SELECT tsad.create_monitor('few', 'fewer', 'ts', 'v', '{h}', start_at => at(300), train_window => '10 days', min_samples => 600) > 0 AS created;
CALL tsad.run_monitor('few', at(699)); CALL tsad.run_monitor('few', at(699));
SELECT state, message FROM tsad.series_status('few');
SELECT tsad.alter_monitor('few', '{"source": "few"}');
CALL tsad.run_monitor('few', at(699));
SELECT state, message, model_version FROM tsad.series_status('few');
-- Rows of before, loaded later, end the waiting as well.
SELECT tsad.drop_monitor('few');
DELETE FROM few WHERE ts < at(300);
SELECT tsad.create_monitor('few', 'few', 'ts', 'v', '{h}', start_at => at(300), train_window => '10 days', min_samples => 600, late_window => '0') > 0 AS created;
CALL tsad.run_monitor('few', at(699));
SELECT state, message FROM tsad.series_status('few');
INSERT INTO few SELECT 'a', ts, v FROM src WHERE h = 'a' AND ts < at(300);
CALL tsad.run_monitor('few', at(699));
SELECT state, message, model_version FROM tsad.series_status('few');
-- To be trained on request, although no row is newer.
SELECT tsad.retrain('few');
CALL tsad.run_monitor('few', at(699));
SELECT state, message, model_version FROM tsad.series_status('few');
SELECT tsad.drop_monitor('few');

-- Retention counts from the newest row of a series: a monitor may go over history. What it does not keep, it says.
SELECT tsad.create_monitor('history', 'src', 'ts', 'v', '{h}', start_at => at(1500), train_window => '10 days', retention => '10 days') > 0 AS created;
CALL tsad.run_monitor('history');
SELECT series, count(*) > 0 AS kept FROM tsad.anomalies GROUP BY 1 ORDER BY 1;
SELECT tsad.drop_monitor('history');
SELECT tsad.create_monitor('history', 'src', 'ts', 'v', '{h}', start_at => at(1500), train_window => '10 days', retention => '1 day', options => '{"scales": [16, 32]}') > 0 AS created;
CALL tsad.run_monitor('history');
SELECT count(*) AS kept FROM tsad.anomalies;
SELECT series, state FROM tsad.series_status('history');
-- A series that others are this much ahead of is forgotten.
INSERT INTO src SELECT 'a', at(i), wave(i) FROM generate_series(2400, 2800) i;
CALL tsad.run_monitor('history'); CALL tsad.run_monitor('history');
SELECT series, state FROM tsad.series_status('history');
SELECT tsad.drop_monitor('history');
DELETE FROM src WHERE ts > at(2399);

-- The bucket in progress: a rollup of 5 minutes, run every minute.
CREATE TABLE requests AS SELECT '2026-01-01 00:00+00'::timestamptz + i * interval '10 s' + (i * 7919 % 8) * interval '1 s' AS ts FROM generate_series(0, 60000) i;
CREATE INDEX ON requests (ts);
CREATE TABLE told (what text);
CREATE FUNCTION tell(e jsonb) RETURNS void LANGUAGE sql AS $$ INSERT INTO public.told VALUES (e->>'action') $$;
SELECT tsad.create_monitor('rollup', 'SELECT date_bin(''5 min'', ts, ''2026-01-01'') AS ts, count(*) AS n FROM requests GROUP BY 1', 'ts', 'n', start_at => '2026-01-07 12:00+00', train_window => '10 days',
                           on_event => 'tell', announce_within => '1000 years') > 0 AS created;
SELECT aggregates, settle_after, bucket FROM tsad.monitor;
-- Only rows of before: as if they came while time goes by.
CREATE FUNCTION clock() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT current_setting('app.clock')::timestamptz $$;
SET app.clock = '2026-01-07 16:00+00';
SELECT tsad.alter_monitor('rollup', '{"source": "SELECT date_bin(''5 min'', ts, ''2026-01-01'') AS ts, count(*) AS n FROM requests WHERE ts <= clock() GROUP BY 1"}');
CREATE PROCEDURE follow_rollup() LANGUAGE plpgsql AS $$ BEGIN FOR i IN 0..60 LOOP PERFORM set_config('app.clock', ('2026-01-07 16:00+00'::timestamptz + i * interval '1 min')::text, false); CALL tsad.run_monitor('rollup', clock()); COMMIT; END LOOP; END $$;
CALL follow_rollup();
SELECT bucket, (SELECT newest_at FROM tsad.series_status('rollup')), (SELECT count(*) FROM told) AS told FROM tsad.monitor;
-- Without that pause: each bucket begins with too few.
SELECT tsad.drop_monitor('rollup');
SELECT tsad.create_monitor('rollup', 'SELECT date_bin(''5 min'', ts, ''2026-01-01'') AS ts, count(*) AS n FROM requests WHERE ts <= clock() GROUP BY 1', 'ts', 'n', start_at => '2026-01-07 12:00+00', train_window => '10 days',
                           on_event => 'tell', announce_within => '1000 years', settle_after => '0') > 0 AS created;
CALL follow_rollup();
SELECT count(*) > 10 AS told_and_withdrawn FROM told WHERE what IN ('started', 'withdrawn');
SELECT tsad.drop_monitor('rollup');
-- Of a table, as long as is said; the setting can be changed, and a value of an expression makes no aggregate.
SELECT tsad.create_monitor('table', 'src', 'ts', 'v', '{h}', start_at => at(1500), settle_after => '1 hour') > 0 AS created;
CALL tsad.run_monitor('table', at(2399));
SELECT series, newest_at = at(2387) AS an_hour_before FROM tsad.series_status('table');
SELECT tsad.alter_monitor('table', '{"settle_after": null}');
CALL tsad.run_monitor('table', at(2399));
SELECT series, newest_at = at(2399) AS all_seen FROM tsad.series_status('table');
SELECT e.* FROM error_of($$SELECT tsad.alter_monitor('table', '{"settle_after": "-1 h"}')$$) e;
SELECT tsad.drop_monitor('table');
SELECT tsad.create_monitor('scalar', 'SELECT h, ts, v / (SELECT max(v) FROM src) AS v FROM src', 'ts', 'v', '{h}', start_at => at(1500)) > 0 AS created;
SELECT tsad.drop_monitor('scalar');

-- Values that are changed when all is decided are counted, by run.
SELECT tsad.create_monitor('changed', 'src', 'ts', 'v', '{h}', start_at => at(1500), train_window => '10 days', options => '{"scales": [16, 32]}') > 0 AS created;
CALL tsad.run_monitor('changed', at(2300)); CALL tsad.run_monitor('changed', at(2310));
SELECT series, rows_too_late, rewrites FROM tsad.series_status('changed');
UPDATE src SET v = v + 1 WHERE h = 'b' AND ts BETWEEN at(1650) AND at(1660);
CALL tsad.run_monitor('changed', at(2320)); CALL tsad.run_monitor('changed', at(2330));
SELECT series, rows_too_late, rewrites FROM tsad.series_status('changed');
SELECT rewrites FROM tsad.monitor_status('changed');
SELECT tsad.drop_monitor('changed');

-- Half-empty columns, and rows of several series taken for one, are named.
CREATE TABLE wide AS SELECT h, ts, v, CASE WHEN i % 3 = 0 THEN v END AS w FROM (SELECT *, (row_number() OVER ()) AS i FROM src) s;
SELECT tsad.create_monitor('wide', 'wide', 'ts', '{v,w}', start_at => at(1500), train_window => '10 days') > 0 AS created;
SET client_min_messages = error;
CALL tsad.run_monitor('wide', at(2399));
RESET client_min_messages;
SELECT state, message FROM tsad.series_status('wide');
SELECT tsad.drop_monitor('wide');
DROP PROCEDURE follow_rollup(); DROP FUNCTION tell(jsonb), clock(); DROP TABLE told, requests, few, fewer, wide, src;
