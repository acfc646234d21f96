-- What users type: settings at and beyond their limits, names that need care, times that are none, keys of other types. Either it works,
-- or an error says what to do and nothing is made.
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
CREATE TABLE src AS SELECT h, at(i) AS ts, wave(i) + CASE WHEN i BETWEEN 1700 AND 1719 THEN 2 ELSE 0 END AS v FROM generate_series(0, 2399) i, unnest('{a,b}'::text[]) h;
CREATE VIEW state AS SELECT monitor, state, message, series, ok, failed, events FROM tsad.monitor_status();

-- Refused.
SELECT s.setting, e.* FROM unnest(ARRAY['train_window => ''178000000 years''', 'retrain_every => ''-1 day''', 'alpha => 0', 'alpha => ''NaN''', 'alarms_per_day => ''Infinity''', 'late_window => ''-1 h''', 'keep_models => NULL', 'merge_gap => ''-1 h''',
         'min_points => 0', 'min_duration => NULL', 'focus => ''NaN''', 'adapt_after => ''0''', 'min_samples => -1', 'retention => ''-1 h''', 'keep_models => 0', 'min_points => NULL', 'batch_size => 0', 'readers => NULL', 'readers => ''{NULL}''',
         'options => ''[]''', 'options => ''{"scales": "x"}''', 'options => ''{"scales": [1000000000]}''', 'options => ''{"scales": [16.5]}''', 'on_event => ''''', 'on_event => ''now(), at''', 'series_columns => ''{NULL}''']) s (setting),
       error_of(format($$SELECT tsad.create_monitor('m', 'src', 'ts', 'v', %s)$$, s.setting)) e;
SELECT s.arguments, e.* FROM unnest(ARRAY[$$NULL, 'src', 'ts', 'v'$$, $$'m', NULL, 'ts', 'v'$$, $$'m', '', 'ts', 'v'$$, $$'m', 'a.b.c.d', 'ts', 'v'$$, $$'m', 'src', 'ts', '{}'$$, $$'m', 'src', 'ts', NULL$$, $$'m', 'src; DROP TABLE src', 'ts', 'v'$$,
         $$'m', 'SELECT 1; DROP TABLE src', 'ts', 'v'$$, $$'m', 'SELECT $1 AS ts, 1 AS v', 'ts', 'v'$$]) s (arguments),
       error_of(format('SELECT tsad.create_monitor(%s)', s.arguments)) e;
CREATE TEMPORARY TABLE tmp AS TABLE src;
SELECT * FROM error_of($$SELECT tsad.create_monitor('m', 'tmp', 'ts', 'v', '{h}')$$);
SELECT e.* FROM unnest(ARRAY[$$CALL tsad.run_monitor(NULL)$$, $$SELECT tsad.drop_monitor(NULL)$$, $$SELECT tsad.alter_monitor(NULL, '{}')$$, $$SELECT tsad.schedule('nope', '5 minutes')$$, $$SELECT tsad.feedback('nope', '{}', now(), now(), true)$$, $$SELECT tsad.feedback(NULL, true)$$,
         $$SELECT tsad.exclude('nope', now(), now())$$, $$SELECT tsad.retrain('nope')$$, $$SELECT tsad.use_model_version('nope', '{}', 1)$$]) s (statement), error_of(s.statement) e;
SELECT count(*) AS monitors FROM tsad.monitor;

-- Taken, and run twice: extremes find what everybody finds, or nothing where that was asked for.
CREATE TABLE extreme AS SELECT 'x ' || n AS name, setting FROM unnest(ARRAY['train_window => ''1 microsecond''', 'train_window => ''1000 years''', 'retrain_every => ''1 microsecond''', 'retrain_every => ''1000 years''', 'start_at => ''-infinity''',
         'start_at => ''4714-12-01 BC''', 'start_at => ''294276-12-31''', 'alpha => 1e-300', 'alarms_per_day => 1e300', 'late_window => ''0''', 'late_window => ''1000 years''', 'merge_gap => ''0''', 'merge_gap => ''1000 years''', 'min_points => 2147483647',
         'min_duration => ''1000 years''', 'focus => 0', 'focus => 1', 'adapt_after => ''1 microsecond''', 'min_samples => 2147483647', 'min_samples => 1', 'retention => ''1 microsecond''', 'retention => ''1000 years''', 'keep_models => 2147483647', 'keep_models => 1',
         'announce_within => ''1000 years''', 'batch_size => 2147483647', 'series_columns => ''{h,h}''']) WITH ORDINALITY s (setting, n);
DO $$
DECLARE
    e record;
BEGIN
    FOR e IN TABLE extreme LOOP
        EXECUTE format('SELECT tsad.create_monitor(%L, ''src'', ''ts'', ''v'', %s)', e.name, concat_ws(', ', e.setting, CASE WHEN e.setting !~ 'start_at' THEN 'start_at => at(1500)' END,
                       CASE WHEN e.setting !~ 'train_window' THEN 'train_window => ''10 days''' END, CASE WHEN e.setting !~ 'series_columns' THEN 'series_columns => ''{h}''' END));
        CALL tsad.run_monitor(e.name, at(1900));
        CALL tsad.run_monitor(e.name, at(2399));
    END LOOP;
END $$;
SELECT e.setting, s.state, s.message, s.ok, s.collecting, s.failed, s.events FROM extreme e, tsad.monitor_status(e.name) s ORDER BY length(e.name), e.name;
SELECT DISTINCT e.setting, s.message FROM extreme e, tsad.series_status(e.name) s WHERE s.message IS NOT NULL;
SELECT count(tsad.drop_monitor(name)) AS dropped FROM tsad.monitor;

-- Changed, or refused as it would be refused at first.
SELECT tsad.create_monitor(name, 'src', 'ts', 'v', '{h}', start_at => at(1500), train_window => '10 days') > 0 AS created FROM unnest('{m,n}'::text[]) name;
SELECT s.settings, e.* FROM unnest(ARRAY['{"name": "n"}', '{"name": ""}', '{"name": null}', '{"time_column": "nope"}', '{"value_columns": []}', '{"value_columns": "h"}', '{"value_columns": ["v", null]}', '{"source": null}', '{"series_columns": ["v"]}', '{"batch_size": 1e10}',
         '{"late_window": "x"}', '{"paused": "maybe"}', '{"readers": "postgres"}', '{"readers": ["tsad_nobody"]}', '{"on_event": ["x"]}', '{"id": 5}', 'null', '{"value_columns": "v", "paused": false}', '{}']) s (settings), error_of(format('SELECT tsad.alter_monitor(''m'', %L)', s.settings)) e;
CALL tsad.run_monitor('m', at(2399));
SELECT monitor, state, ok, events FROM state;
SELECT tsad.drop_monitor('m'), tsad.drop_monitor('n');

-- Times of runs. One far ahead ages nothing and hides nothing that comes later; one before the last withdraws nothing.
SELECT tsad.create_monitor('m', 'src', 'ts', 'v', '{h}', start_at => at(1500), train_window => '10 days', retention => '10 years', on_event => 'pg_catalog.jsonb_typeof', announce_within => '1000 years') > 0 AS created;
SELECT * FROM error_of($$CALL tsad.run_monitor('m', 'infinity')$$);
SELECT * FROM error_of($$CALL tsad.run_monitor('m', '-infinity')$$);
CALL tsad.run_monitor('m', at(1705));
SELECT array_agg(id ORDER BY id) AS events FROM tsad.anomalies \gset
CALL tsad.run_monitor('m', at(1000)); CALL tsad.run_monitor('m', at(1701));
SELECT array_agg(id ORDER BY id) = :'events' AS the_same, count(*) FROM tsad.anomalies;
CALL tsad.run_monitor('m', at(2399));
CALL tsad.run_monitor('m', '2500-01-01');
SELECT events, series, state FROM state;
INSERT INTO src SELECT h, clock_timestamp() - i * interval '5 min', 0 FROM generate_series(0, 9) i, unnest('{a,b,c}'::text[]) h;
CALL tsad.run_monitor('m');
SELECT series, newest_at > now() - interval '1 minute' AS seen FROM tsad.series_status('m');
-- The clock of the server is put back after the series were looked at.
UPDATE tsad.monitor_series SET checked_at = clock_timestamp() + interval '1 hour';
CALL tsad.run_monitor('m');
SELECT count(*) AS not_looked_at FROM tsad.monitor_series WHERE checked_at > clock_timestamp();
DELETE FROM src WHERE ts > at(2399);
SELECT tsad.drop_monitor('m');

-- What is forgotten after retention and found again is not told again.
CREATE TABLE heard (what jsonb);
CREATE FUNCTION hear(jsonb) RETURNS void LANGUAGE sql AS 'INSERT INTO public.heard VALUES ($1)';
SELECT tsad.create_monitor('m', 'src', 'ts', 'v', '{h}', start_at => at(1500), train_window => '10 days', retention => '1 hour', late_window => '0', on_event => 'hear', announce_within => '1000 years') > 0 AS created;
CALL tsad.run_monitor('m', at(1705));
SELECT what->>'action' AS action, count(*) FROM heard GROUP BY 1;
CALL tsad.run_monitor('m', '2026-02-01'); CALL tsad.run_monitor('m', '2026-02-01 00:05+00');
SELECT count(*) AS series FROM tsad.monitor_series;
INSERT INTO src VALUES ('a', '2026-02-01 12:00+00', 0);
CALL tsad.run_monitor('m', '2026-02-01 12:01+00');
SELECT s.series, v.version FROM tsad.monitor_series s JOIN tsad.monitor_model v ON v.series = s.id;
SELECT what->>'action' AS action, count(*) FROM heard GROUP BY 1 ORDER BY 1;
DELETE FROM src WHERE ts > at(2399);
SELECT tsad.drop_monitor('m');

-- Settings of a session do not change what a key or a time is.
CREATE TABLE keyed AS SELECT ts, v, '1 mon 2 days'::interval AS i, 1.0::float8 / 3 AS f, '\x00ff'::bytea AS b, 'DE'::char(2) AS c, B'101' AS bits, '{1,NULL,3}'::int[] AS list, ROW(1, 'x,y')::text AS t, '2026-03-29 02:30'::timestamp AS at FROM src WHERE h = 'a';
SELECT tsad.create_monitor('keys', 'keyed', 'ts', 'v', '{i,f,b,c,bits,list,t,at}', start_at => at(1500), train_window => '10 days') > 0 AS created;
SET intervalstyle = 'iso_8601'; SET extra_float_digits = -10; SET bytea_output = 'escape'; SET datestyle = 'SQL, DMY'; SET timezone = 'Asia/Kolkata'; SET standard_conforming_strings = off;
CALL tsad.run_monitor('keys', public.at(1800));
SELECT tsad.exclude('keys', public.at(100), public.at(110)) > 0 AS excluded, tsad.feedback('keys', series, public.at(200), public.at(210), false) ? 'threshold' AS said FROM tsad.monitor_series;
-- IST is of India here, and of Israel to who reads it.
SELECT run_until = public.at(1800) AS until FROM tsad.monitor;
SELECT from_at = public.at(200) AS from FROM tsad.monitor_feedback;
RESET intervalstyle; RESET extra_float_digits; RESET bytea_output; RESET standard_conforming_strings; SET timezone = 'UTC'; SET datestyle = 'ISO';
CALL tsad.run_monitor('keys', at(2399));
SELECT series, state, message, newest_at = at(2399) AS read FROM tsad.series_status('keys');
SELECT count(*) AS events FROM tsad.anomalies;
SELECT tsad.drop_monitor('keys');

-- Excluded ranges: of keys of other types, without ends, over each other. Ranges that are none.
CREATE TABLE numbered AS SELECT CASE h WHEN 'a' THEN 1 ELSE 2 END AS n, ts, v FROM src;
SELECT tsad.create_monitor('m', 'numbered', 'ts', 'v', '{n}', start_at => at(1500), train_window => '10 days', keep_models => 20) > 0 AS created;
SELECT tsad.exclude('m', at(1650), at(1750), '{"n": "1"}') > 0 AS excluded;
SELECT series FROM tsad.monitor_exclusion;
SELECT * FROM error_of($$SELECT tsad.exclude('m', at(1600), at(1800), '{"n": "abc"}')$$);
SELECT * FROM error_of($$SELECT tsad.exclude('m', at(1600), at(1800), '[]')$$);
SELECT * FROM error_of($$SELECT tsad.exclude('m', '2026-01-01', '294276-12-31')$$);
SELECT * FROM error_of($$SELECT tsad.exclude('m', '4714-12-01 BC', 'infinity')$$);
SELECT * FROM error_of($$SELECT tsad.exclude('m', 'infinity', '-infinity')$$);
SELECT * FROM error_of($$SELECT tsad.feedback('m', '{"n": 1}', at(1), '294276-12-31', true)$$);
CALL tsad.run_monitor('m', at(2399));
SELECT tsad.exclude('m', at(1700), at(1760), '{"n": 1}') > 0 AND tsad.exclude('m', at(1640), at(1710)) > 0 AS over_it;
CALL tsad.run_monitor('m', at(2399));
SELECT series FROM tsad.anomalies;
SELECT tsad.exclude('m', '-infinity', 'infinity') AS everything \gset
CALL tsad.run_monitor('m', at(2399));
SELECT events, state, failed FROM state;
SELECT count(*) AS shown FROM tsad.anomalies;
SELECT tsad.include(:everything);
SELECT count(*) AS shown FROM tsad.anomalies;

-- Feedback on everything, said again and again the other way round; on what is to come; then back to the first model.
SELECT tsad.feedback('m', '{"n": 2}', '-infinity', 'infinity', said) ? 'threshold' AS said FROM unnest('{f,t,f}'::bool[]) said;
SELECT tsad.feedback('m', '{"n": 2}', '2050-01-01', '2050-01-02', true) ? 'threshold' AS said;
SELECT * FROM error_of($$SELECT tsad.feedback('m', '{"n": 2}', at(1), at(2), NULL)$$);
SELECT tsad.retrain('m');
CALL tsad.run_monitor('m', at(2399));
SELECT tsad.use_model_version('m', '{"n": 2}', 1);
CALL tsad.run_monitor('m', at(2399));
SELECT series, state, model_version, pinned FROM tsad.series_status('m') WHERE series = '{"n": 2}';
SELECT tsad.use_model_version('m', '{"n": 2}', NULL) > 1 AS newest;
CALL tsad.run_monitor('m', at(2399));
SELECT monitor, state, ok, failed FROM state;
SELECT tsad.drop_monitor('m');

-- Names that need care, and those that our own statements use.
CREATE SCHEMA "Sch.ema %s \";
CREATE TABLE "Sch.ema %s \"."täb.le %I ""q"" '; DROP" AS SELECT h AS "h.x %L {}", ts AS "Time %s", v AS "{v}" FROM src;
CREATE TABLE internal AS SELECT h AS series, ts AS at, v AS value, h AS t, h AS q, h AS m, h AS "user" FROM src;
CREATE TABLE longest AS SELECT h AS "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh3", ts AS "tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt3", v AS "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv3" FROM src;
SELECT tsad.create_monitor(E'a\tb\n%s %I "q" ''x'' \\ {"json": 1} 😀', '"Sch.ema %s \"."täb.le %I ""q"" ''; DROP"', 'Time %s', ARRAY['{v}'], ARRAY['h.x %L {}'], start_at => at(1500), train_window => '10 days') > 0 AS odd,
       tsad.create_monitor('internal', 'internal', 'at', 'value', '{series,t,q,m,user}', start_at => at(1500), train_window => '10 days') > 0 AS internal,
       tsad.create_monitor('longest', 'longest', repeat('t', 62) || '3', repeat('v', 62) || '3', ARRAY[repeat('h', 62) || '3'], start_at => at(1500), train_window => '10 days') > 0 AS longest,
       tsad.create_monitor('comment', 'SELECT * FROM src -- all of it', 'ts', 'v', '{h}', start_at => at(1500), train_window => '10 days') > 0 AS comment;
SELECT format('CALL tsad.run_monitor(%L, at(%s))', name, i) FROM tsad.monitor, unnest('{1800,2399}'::int[]) i ORDER BY id, i \gexec
SELECT quote_literal(monitor) AS monitor, state, message, ok, events FROM state ORDER BY monitor COLLATE "C";
SELECT count(tsad.feedback(id, false)) AS said FROM tsad.anomalies;
SELECT count(*) AS messages FROM tsad.monitor m, tsad.series_status(m.name) s WHERE s.message IS NOT NULL;
SELECT count(tsad.drop_monitor(name)) AS dropped FROM tsad.monitor;
SET client_min_messages = warning;
DROP SCHEMA "Sch.ema %s \" CASCADE;
RESET client_min_messages;
DROP VIEW state;
DROP FUNCTION hear(jsonb);
DROP TABLE src, tmp, extreme, keyed, numbered, internal, longest, heard;
