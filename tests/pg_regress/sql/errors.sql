-- Every kind of error: SQLSTATE, message and hint.
\x on
SET timezone = 'UTC';
CREATE TABLE metric (host text, ts timestamptz, day date, cpu float8, mem float8, note text);
INSERT INTO metric SELECT 'a', at(i), '2026-01-01', wave(i), wave(i), '' FROM generate_series(0, 499) i;
CREATE TABLE model AS SELECT host, tsad.train(ts, cpu) AS model FROM metric GROUP BY host;

-- 22023: options
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '[1]') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"sede": 1}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"xyzzy": 1}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"seed": "one"}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"seed": -1}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"centres": 0}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"scales": []}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"scales": [7]}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"scales": [64, 32]}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"scales": "32"}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"contamination": 0.5}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"contamination": null}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"max_gap": 5000}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"alpha": 0}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"alarms_per_day": -2}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"alpha": 0.01, "alarms_per_day": 1}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, jsonb_build_object('seed', extract(minute FROM ts))) FROM metric$$);

-- 22004: a time or an argument that is NULL
SELECT * FROM error_of($$SELECT tsad.train(NULL::timestamptz, cpu) FROM metric$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect(NULL, 'ts', 'cpu', models => 'model')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', NULL, 'cpu', models => 'model')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', NULL::text, models => 'model')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', ARRAY['cpu', NULL], models => 'model')$$);

-- 22008: an infinite time; 22003: an infinite value
SELECT * FROM error_of($$SELECT tsad.train('infinity'::timestamptz, cpu) FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, 'infinity'::float8) FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, ARRAY[cpu, '-infinity']) FROM metric$$);

-- 2202E: numbers of values that differ
SELECT * FROM error_of($$SELECT tsad.train(ts, CASE WHEN ts > at(5) THEN ARRAY[cpu] ELSE ARRAY[cpu, mem] END) FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, '{}'::float8[]) FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, array_fill(1::float8, ARRAY[1025])) FROM metric$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', '{cpu,mem}'::text[], model => (SELECT model FROM model))$$);

-- 22P03: bytes that are not a model; 0A000: a model from the future
SELECT * FROM error_of($$SELECT tsad.model_info('')$$);
SELECT * FROM error_of($$SELECT tsad.model_info('\x00')$$);
SELECT * FROM error_of($$SELECT tsad.model_info(decode(repeat('00', 40), 'hex'))$$);
SELECT state, regexp_replace(message, '\d{3,}', 'N', 'g') AS message, hint FROM error_of($$SELECT tsad.model_info(substr(model, 1, 100)) FROM model$$);
SELECT * FROM error_of($$SELECT tsad.model_info(set_byte(model, 200, 255 - get_byte(model, 200))) FROM model$$);
SELECT state, regexp_replace(message, '\d{3,}', 'N', 'g') AS message, hint FROM error_of($$SELECT tsad.model_info(model || '\x00') FROM model$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', model => '\x0123')$$);
SELECT * FROM error_of($$SELECT tsad.model_info('\x54534144090001000000000000000000c1993133')$$);

-- 22023: which model?
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', models => 'model', model => '\x00')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', '{}'::text[], models => 'model')$$);

-- 42703, 42P01, 42804: tables and columns
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metrix', 'ts', 'cpu', models => 'model')$$);
CREATE SCHEMA elsewhere CREATE TABLE far_metric (ts timestamptz, cpu float8);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('far_metric', 'ts', 'cpu', models => 'model')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('elsewhere.metric_far', 'ts', 'cpu', models => 'model')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('nothing_like_it', 'ts', 'cpu', models => 'model')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('no.such.relation.ever', 'ts', 'cpu', models => 'model')$$);
DROP SCHEMA elsewhere CASCADE;
SELECT * FROM error_of($$SELECT * FROM tsad.detect('SELECT 1 AS n, now() AS ts', 'n', 'ts', models => 'model')$$);
DO $$ BEGIN EXECUTE 'CREATE TABLE broad (ts timestamptz, ' || (SELECT string_agg('column_' || i || ' float8', ', ') FROM generate_series(1, 30) i) || ')'; END $$;
SELECT * FROM error_of($$SELECT * FROM tsad.detect('broad', 'ts', 'colum_17', models => 'model')$$);
DROP TABLE broad;
SELECT * FROM error_of($$SELECT * FROM tsad.detect(1::regclass, 'ts', 'cpu', models => 'model')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpus', series_columns => '{host}', models => 'model')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'timestamp', 'cpu', series_columns => '{host}', models => 'model')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{hots}', models => 'model')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'note', 'cpu', series_columns => '{host}', models => 'model')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'note', series_columns => '{host}', models => 'model')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'metric')$$);
CREATE VIEW text_model AS SELECT host, encode(model, 'hex') AS model FROM model;
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'text_model')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{note}', models => 'model')$$);

-- What was meant as a query, and several columns in one name.
SELECT statement, e.* FROM (VALUES
  ($$SELEC ts, cpu FROM public.metric$$), ($$DELETE FROM metric RETURNING *$$), (''), ('SELECT ts, cpu FROM'), ('SELECT ts, cpu FROM metric; SELECT 1'),
  ('WITH gone AS (DELETE FROM metric RETURNING *) SELECT * FROM gone'), ('SELECT ts, cpuu FROM metric')) s (statement),
  error_of(format('SELECT * FROM tsad.detect(%L, %L, %L, models => %L)', statement, 'ts', 'cpu', 'model')) e;
SELECT columns, e.* FROM (VALUES ('cpu,mem'), ('cpu, mem'), ('{cpu,mem'), ('CPU')) c (columns),
  error_of(format('SELECT * FROM tsad.detect(%L, %L, %L, models => %L)', 'metric', 'ts', columns, 'model')) e;
SELECT count(*) FROM tsad.detect('  public . metric', 'ts', 'cpu', series_columns => '{host}', models => 'model');
-- The table of models where a model is meant.
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', model => 'model')$$);
-- Words and lists as values of options.
SELECT options, e.* FROM (VALUES ('{"decision": "metrik"}'), ('{"decision": 1}'), ('{"scales": [32.5]}'), ('{"scales": [-32]}'), ('{"metric": "yes"}')) o (options),
  error_of(format('SELECT tsad.train(ts, cpu, %L) FROM metric', options)) e;
SELECT options, e.* FROM (VALUES ('{"theme": "drak"}'), ('{"theme": 1}'), ('{"timezone": "Europe/Berln"}'), ('{"timezone": "Mars"}')) o (options),
  error_of(format('SELECT tsad.plot(ts, cpu, %L) FROM metric', options)) e;
-- Nothing to train on.
SELECT DISTINCT status, message FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', train_until => '2020-01-01');

-- 21000: several models for one series
CREATE TABLE hosts_model AS SELECT * FROM model UNION ALL SELECT 'b', model FROM model;
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', models => 'hosts_model')$$);
DROP TABLE hosts_model;
CREATE TABLE twice AS SELECT * FROM model UNION ALL SELECT * FROM model;
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'twice')$$);

-- 22023: episodes
SELECT * FROM error_of($$SELECT * FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', merge_gap => '-1 s')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', min_points => 0)$$);
SELECT * FROM error_of($$SELECT * FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', min_duration => '-1 s')$$);

SELECT * FROM error_of($$SELECT * FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', focus => 1.5)$$);

SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"max_training_points": 999}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(ts, cpu, '{"max_training_points": 16777217}') FROM metric$$);

-- 54000: more values than the limit. Training takes the latest of them.
SELECT * FROM error_of($$SELECT tsad.drift(model, at(i), array_fill(1::float8, ARRAY[1024])) FROM generate_series(0, 16384) i,
    (SELECT tsad.train(at(i), array_fill(1::float8, ARRAY[1024])) AS model FROM generate_series(0, 9) i) m$$);
SELECT i->'rows' AS rows, i->'rows_left_out' AS left_out
  FROM (SELECT tsad.model_info(tsad.train(at(i), array_fill(1::float8, ARRAY[1024]), '{"max_training_points": 10240}')) AS i FROM generate_series(0, 16384) i) m;

-- 42501: rights; row security of the reader holds
CREATE ROLE tsad_reader;
GRANT SELECT ON model TO tsad_reader;
GRANT EXECUTE ON FUNCTION error_of TO tsad_reader;
SET ROLE tsad_reader;
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model')$$);
RESET ROLE;
GRANT SELECT (host, ts) ON metric TO tsad_reader;
SET ROLE tsad_reader;
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model')$$);
RESET ROLE;
GRANT SELECT ON metric TO tsad_reader;
REVOKE SELECT ON model FROM tsad_reader;
SET ROLE tsad_reader;
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model')$$);
RESET ROLE;
GRANT SELECT ON model TO tsad_reader;
ALTER TABLE metric ENABLE ROW LEVEL SECURITY;
CREATE POLICY first_rows ON metric FOR SELECT TO tsad_reader USING (ts < at(7));
SET ROLE tsad_reader;
SELECT count(*) FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model');
RESET ROLE;

-- Support functions are not for calling.
SELECT state IN ('42883', '0A000') AS refused FROM error_of($$SELECT tsad._train_final(NULL)$$);
SELECT state IN ('42883', '0A000') AS refused FROM error_of($$SELECT tsad._train_serialize(NULL)$$);
DROP TABLE metric, model, twice CASCADE;
DROP OWNED BY tsad_reader;
DROP ROLE tsad_reader;
