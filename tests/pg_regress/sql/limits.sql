-- Values of users beyond all bounds: numbers of any size, lists in lists, keys of any length.
\set VERBOSITY terse
SET timezone = 'UTC';
CREATE TABLE metric AS SELECT at(i) AS ts, wave(i) AS cpu, false AS label FROM generate_series(0, 299) i;
CREATE FUNCTION deep(depth int) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT (repeat('[', depth) || repeat(']', depth))::jsonb $$;

-- Options are refused with an error of our own, whatever they are.
\x on
SELECT c.name, s.way, e.*
  FROM (VALUES ('huge number', '{"alpha": 1e400}'::jsonb), ('digits', ('{"seed": ' || repeat('7', 3000) || '}')::jsonb),
               ('deep', jsonb_build_object('scales', deep(200))), ('deep object', deep(1000)),
               ('long name', jsonb_build_object(repeat('x', 5000), 1)), ('long word', jsonb_build_object('decision', repeat('y', 5000)))) c (name, options),
       (VALUES ('train', 'SELECT tsad.train(ts, cpu, %L) FROM metric'), ('plot', 'SELECT tsad.plot(ts, cpu, %L) FROM metric'),
               ('suggest', $$SELECT * FROM tsad.suggest('metric', 'ts', 'cpu', options => %L)$$),
               ('detect', $$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', train_until => now(), options => %L)$$)) s (way, statement),
       LATERAL error_of(format(s.statement, c.options)) e
 ORDER BY c.name, s.way;
SELECT state, length(message) < 300 AS short FROM error_of($$SELECT tsad.create_monitor('m', 'metric', 'ts', 'cpu', options => '{"alpha": 1e400}')$$);
\x off

-- A key is found whatever it is, and concerns its own series.
CREATE TABLE fleet (key jsonb, ts timestamptz, cpu float8);
INSERT INTO fleet SELECT k, m.ts, m.cpu FROM metric m, (VALUES ('"plain"'::jsonb), ('1e400'), (deep(300)), (to_jsonb(repeat('k', 1500)))) v (k);
CREATE TABLE model AS SELECT key, tsad.train(ts, cpu) AS model FROM fleet GROUP BY key;
SELECT left(d.series::text, 20) AS series, d.status, count(*) FROM tsad.detect('fleet', 'ts', 'cpu', '{key}', models => 'model') d GROUP BY 1, 2 ORDER BY 1;
SELECT left(d.series::text, 20) AS series, count(*) FROM tsad.events('fleet', 'ts', 'cpu', '{key}', models => 'model') d GROUP BY 1 ORDER BY 1;
-- Where a model is missing or broken the message has but the beginning of the key.
UPDATE model SET model = 'x' WHERE jsonb_typeof(key) <> 'string' OR length(key::text) > 1000;
SELECT count(*) FROM tsad.events('fleet', 'ts', 'cpu', '{key}', models => 'model');
INSERT INTO model SELECT * FROM model WHERE length(key::text) > 1000;
\x on
SELECT * FROM error_of($$SELECT * FROM tsad.detect('fleet', 'ts', 'cpu', '{key}', models => 'model')$$);
\x off

-- So it is in monitors.
SELECT tsad.create_monitor('fleet', 'fleet', 'ts', 'cpu', series_columns => '{key}', start_at => at(250), min_samples => 200) IS NOT NULL AS made;
CALL tsad.run_monitor('fleet', until => at(300));
SELECT left(series::text, 20) AS series, state, message FROM tsad.series_status('fleet') ORDER BY 1;
SELECT state, message FROM tsad.monitor_status();
\x on
SELECT state, length(message) < 300 AS short, length(hint) < 300 AS short_hint FROM error_of(format('SELECT tsad.feedback(%L, %L, at(0), at(1), true)', 'fleet', jsonb_build_object('key', repeat('z', 5000))));
SELECT state, length(message) < 300 AS short FROM error_of(format('SELECT tsad.exclude(%L, at(0), at(1), series => %L)', 'fleet', to_jsonb(repeat('z', 5000))));
SELECT * FROM error_of(format('SELECT tsad.exclude(%L, at(0), at(1), series => %L) > 0', 'fleet', '{"key": 1e400}'));
\x off
SELECT tsad.drop_monitor('fleet');

-- A window beyond all rows is that of all rows, and takes no longer.
SET statement_timeout = '30s';
SELECT (e).vus_window, (e).vus_pr = (f).vus_pr AS same
  FROM (SELECT tsad.evaluate(r, i BETWEEN 1500 AND 1520, at(i), NULL, 1000000) AS e, tsad.evaluate(r, i BETWEEN 1500 AND 1520, at(i), NULL, 3000) AS f
          FROM (SELECT i, abs(wave(i)) AS r FROM generate_series(1, 3000) i) s) t;
RESET statement_timeout;
DROP TABLE metric, fleet, model;
DROP FUNCTION deep;
