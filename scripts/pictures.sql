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
  SELECT p.series->>'series' AS series, ts, value, score, threshold, event_id IS NOT NULL AS shaded
    FROM tsad.detect('metric', 'ts', 'value', series_columns => '{series}', models => 'model') p
    LEFT JOIN episode e ON e.series = p.series AND ts BETWEEN started_at AND coalesce(ended_at, 'infinity');

\set file :out '/several.svg'
\o :file
SELECT tsad.plot(ts, value, score, threshold, shaded, series, '{"title": "Four series of the Numenta Anomaly Benchmark"}')
  FROM point WHERE series IN ('facility_1', 'facility_28', 'traffic_7', 'traffic_13');
\set file :out '/dark.svg'
\o :file
SELECT tsad.plot(ts, value, score, threshold, shaded, NULL, '{"title": "Web service 3", "theme": "dark", "width": 720}')
  FROM point WHERE series = 'webservice_3';
\o
