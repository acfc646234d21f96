-- Rows that do not come: told while it lasts, under one number, ended by the next row, withdrawn where they were only late.
SET timezone = 'UTC';
CREATE TABLE quiet (host text, ts timestamptz, v float8, w float8, PRIMARY KEY (host, ts));
CREATE FUNCTION fill(h text, a int, b int) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO public.quiet SELECT h, at(i), wave(i), wave(i + 7) FROM generate_series(a, b) i $$;
CREATE TABLE told (n serial, action text, kind text, event bigint, series jsonb, started_at timestamptz, last_at timestamptz, ended_at timestamptz);
CREATE FUNCTION tell(e jsonb) RETURNS void LANGUAGE sql AS $$ INSERT INTO public.told (action, kind, event, series, started_at, last_at, ended_at)
    VALUES (e->>'action', e->>'kind', (e->>'event')::bigint, e->'series', (e->>'started_at')::timestamptz, (e->>'last_at')::timestamptz, (e->>'ended_at')::timestamptz) $$;
-- A run every half hour, on the rows up to then.
CREATE PROCEDURE run(a int, b int) LANGUAGE plpgsql AS $$ BEGIN
    FOR i IN a..b BY 6 LOOP CALL tsad.run_monitor('quiet', at(i)); END LOOP; END $$;
CREATE VIEW told_now AS SELECT action, kind, dense_rank() OVER (ORDER BY event) AS event, series->>'host' AS host, started_at, last_at, ended_at FROM told ORDER BY n;
SELECT fill('a', 0, 960), fill('b', 0, 960), fill('c', 0, 960);
SELECT tsad.create_monitor('quiet', 'quiet', 'ts', '{v,w}', '{host}', start_at => at(700), min_samples => 500, on_event => 'tell', channel => NULL) > 0 AS made;
CALL run(700, 958);
SELECT * FROM told_now;
-- All have rows but b; after an hour (late_window) and some rows it is told.
SELECT fill('a', 961, 1100), fill('c', 961, 1100);
CALL run(964, 970);
SELECT * FROM told_now;
CALL run(976, 1036);
SELECT * FROM told_now;
SELECT kind, series->>'host' AS host, started_at, ended_at, last_at, peak_score > 3 AS missed, n_points, direction, contributions IS NULL AS none, is_final FROM tsad.anomalies WHERE monitor = 'quiet';
SELECT series->>'host' AS host, state, message, open_events FROM tsad.series_status('quiet');
-- Rows come, and the missing ones do not: it is over.
SELECT fill('b', 1040, 1100);
CALL run(1042, 1096);
SELECT * FROM told_now;
SELECT kind, series->>'host' AS host, started_at, ended_at, last_at, contributions, is_final FROM tsad.anomalies WHERE monitor = 'quiet';
-- What is said of it decides about no threshold.
SELECT tsad.feedback(id, false) FROM tsad.anomalies WHERE monitor = 'quiet';
SELECT kind, verdict FROM tsad.anomalies WHERE monitor = 'quiet';
SELECT count(*) FROM tsad.monitor_feedback;

-- c goes on without values of w; a is late with its rows, which come after all.
TRUNCATE told;
SELECT fill('b', 1101, 1200), fill('c', 1101, 1200);
UPDATE quiet SET w = NULL WHERE host = 'c' AND ts BETWEEN at(1120) AND at(1200);
CALL run(1102, 1180);
SELECT * FROM told_now;
SELECT fill('a', 1101, 1180);
CALL run(1186, 1200);
SELECT * FROM told_now;
SELECT fill('a', 1181, 1300), fill('b', 1201, 1300), fill('c', 1201, 1300);
CALL run(1206, 1290);
SELECT * FROM told_now WHERE host = 'c';
SELECT kind, series->>'host' AS host, started_at, ended_at, contributions FROM tsad.anomalies WHERE monitor = 'quiet' AND started_at > at(1100) ORDER BY 2, 3;

-- Nobody is called for what is maintained; and who was is told that it was nothing.
TRUNCATE told;
SELECT tsad.exclude('quiet', at(1310), at(1330), '{"host": "b"}') > 0 AS excluded;
SELECT fill('a', 1301, 1305), fill('c', 1301, 1400);
CALL run(1296, 1368);
SELECT * FROM told_now;
SELECT tsad.exclude('quiet', at(1310), at(1400)) > 0 AS excluded;
CALL run(1374, 1374);
SELECT * FROM told_now;
SELECT tsad.drop_monitor('quiet');
DROP TABLE quiet, told CASCADE;
DROP FUNCTION fill, tell;
DROP PROCEDURE run;

-- Days: the first model after two weeks, without a window; another one each week, with windows when there are enough rows for them.
CREATE TABLE days (day date PRIMARY KEY, v float8);
SELECT tsad.create_monitor('days', 'days', 'day', 'v', start_at => '2026-01-01', channel => NULL) > 0 AS made;
CREATE PROCEDURE run(a int, b int) LANGUAGE plpgsql AS $$ BEGIN
    FOR i IN a..b LOOP
        INSERT INTO days SELECT '2026-01-01'::date + i, CASE WHEN i % 7 IN (2, 3) THEN 300 ELSE 1000 END + i * 7919 % 61;
        CALL tsad.run_monitor('days', '2026-01-01 06:00+00'::timestamptz + i * interval '1 day');
    END LOOP; END $$;
CALL run(0, 4);
SELECT state, message FROM tsad.series_status('days');
SELECT verdict, message FROM tsad.suggest('days', 'day', 'v');
CALL run(5, 12);
SELECT state, message FROM tsad.series_status('days');
CALL run(13, 13);
SELECT verdict, message FROM tsad.suggest('days', 'day', 'v');
SELECT state, message, model_version, trained_until, next_training FROM tsad.series_status('days');
CALL run(14, 80);
SELECT version, reason, trained_from, trained_until, rows, tsad.model_info(model)->'scales' AS scales FROM tsad.monitor_model ORDER BY version;
SELECT count(*) FROM tsad.anomalies WHERE monitor = 'days';
-- Five days without a row.
DO $$ BEGIN FOR i IN 81..86 LOOP CALL tsad.run_monitor('days', '2026-01-01 06:00+00'::timestamptz + i * interval '1 day'); END LOOP; END $$;
SELECT kind, started_at, ended_at, last_at FROM tsad.anomalies WHERE monitor = 'days';
SELECT tsad.drop_monitor('days');

-- Minutes: two days of them, or as many as four of the longest windows have; what is asked for is obeyed.
CREATE TABLE few AS SELECT at(i) AS ts, wave(i) AS v FROM generate_series(0, 399) i;
SELECT tsad.create_monitor('few', 'few', 'ts', 'v', start_at => at(0), channel => NULL) > 0 AS made;
CALL tsad.run_monitor('few', at(400));
SELECT state, message FROM tsad.series_status('few');
SELECT verdict, message FROM tsad.suggest('few', 'ts', 'v');
SELECT tsad.alter_monitor('few', '{"options": {"scales": [32, 64]}}');
CALL tsad.run_monitor('few', at(400));
SELECT trained_from, trained_until, rows FROM tsad.monitor_model;
SELECT tsad.drop_monitor('few');
SELECT tsad.create_monitor('few', 'few', 'ts', 'v', start_at => at(0), min_samples => 100, train_window => '1 hour', channel => NULL) > 0 AS made;
CALL tsad.run_monitor('few', at(120));
SELECT trained_from, trained_until, rows FROM tsad.monitor_model;
SELECT tsad.drop_monitor('few');
SELECT tsad.create_monitor('few', 'few', 'ts', 'v', start_at => at(0), channel => NULL) > 0 AS made;
INSERT INTO few SELECT at(i), wave(i) FROM generate_series(400, 1100) i;
CALL tsad.run_monitor('few', at(1100));
SELECT trained_from, trained_until, rows FROM tsad.monitor_model ORDER BY version LIMIT 1;
SELECT tsad.drop_monitor('few');
DROP TABLE few, days;
DROP PROCEDURE run;
