-- What scripts/pictures draws. Run by psql with the variables "data", the folder of nab.csv and series.csv, and "out",
-- where the pictures go.
\set ON_ERROR_STOP on
\pset tuples_only on
\pset format unaligned
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE EXTENSION pg_tsad;
CREATE TABLE metric (series text, ts timestamptz, value float8, label int);
CREATE TABLE metric_series (series text PRIMARY KEY, source text, rows int, train_rows int, train_until timestamptz,
                            incidents int);
\set file :data '/nab.csv'
COPY metric FROM :'file' (FORMAT csv, HEADER);
\set file :data '/series.csv'
COPY metric_series FROM :'file' (FORMAT csv, HEADER);
CREATE TABLE model AS
  SELECT series, tsad.train(ts, value) AS model
    FROM metric JOIN metric_series USING (series)
   WHERE ts < train_until GROUP BY series;
CREATE TABLE episode AS SELECT * FROM tsad.events('metric', 'ts', 'value', series_columns => '{series}', models => 'model');
CREATE TABLE point AS
  SELECT p.series->>'series' AS series, ts, value, severity, event_id IS NOT NULL AS shaded
    FROM tsad.detect('metric', 'ts', 'value', series_columns => '{series}', models => 'model') p
    LEFT JOIN episode e ON e.series = p.series AND ts BETWEEN started_at AND coalesce(ended_at, 'infinity');

\set file :out '/several.svg'
\o :file
SELECT tsad.plot(ts, value, severity, 1, shaded, series, '{"title": "Four series of the Numenta Anomaly Benchmark"}')
  FROM point WHERE series IN ('facility_1', 'facility_28', 'traffic_7', 'traffic_13');
\set file :out '/dark.svg'
\o :file
SELECT tsad.plot(ts, value, severity, 1, shaded, NULL, '{"title": "Web service 3", "theme": "dark", "width": 720}')
  FROM point WHERE series = 'webservice_3';
\o

-- Those of docs/method.md.
CREATE TABLE detail AS
  SELECT series->>'series' AS series, ts, value, score, severity, is_anomaly, lower, upper, views
    FROM tsad.detect_details('metric', 'ts', 'value', series_columns => '{series}', models => 'model');
\set file :out '/band.svg'
\o :file
SELECT tsad.plot(ts, value, severity, 1, shaded, lower, upper, NULL, '{"title": "Traffic 7 with its expected band"}')
  FROM detail d JOIN point p USING (series, ts, value, severity)
 WHERE series = 'traffic_7';
\set file :out '/views.svg'
\o :file
SELECT tsad.plot(ts, v, NULL, NULL, false, name, '{"title": "What each view adds to the score of facility 1", "height": 560}')
  FROM detail, LATERAL (VALUES ('1 value', value), ('2 amplitude', score * (views->>'amplitude')::float8),
         ('3 shape', score * (views->>'shape')::float8), ('4 spectrum', score * (views->>'spectrum')::float8),
         ('5 profile', score * (views->>'profile')::float8)) AS panel (name, v)
 WHERE series = 'facility_1' AND ts >= '2026-01-11';
-- A machine with three modes of work, an hour or so each.
CREATE TABLE machine AS
  SELECT i::bigint AS i, CASE i / 640 % 3 WHEN 0 THEN sin(2 * pi() * i / 64) WHEN 1 THEN sign(sin(2 * pi() * (i + 0.5) / 64))
           ELSE 2 * (i % 64) / 64.0 - 1 END + 0.05 * cos(i * i * 0.7) AS v
    FROM generate_series(0, 7679) AS i;
\set file :out '/regimes.svg'
\o :file
SELECT tsad.plot(at, v::float8, NULL, NULL, false, format('%s: %s %% of the windows', chr(65 + regime), round(100 * share)), '{"title": "The usual windows of a machine with three modes of work", "height": 640}')
  FROM (SELECT tsad.train(i, v) AS model FROM machine) AS m, tsad.model_regimes(model) AS r,
       jsonb_array_elements_text(example) WITH ORDINALITY AS s (v, at)
 WHERE share >= 0.05;
\o
