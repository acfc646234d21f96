-- What scripts/memory-check runs its statements on.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION pg_tsad;
CREATE FUNCTION at(i int) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
    $$ SELECT '2026-01-01 00:00+00'::timestamptz + i * interval '1 min' $$;
CREATE TABLE one AS
  SELECT at(i) AS ts, sin(i * 2 * pi() / 40) + 0.1 * ((i * 7919 % 1009) / 1009.0 - 0.5) + CASE WHEN i % 20000 < 9 THEN 3 ELSE 0 END AS v,
         i % 20000 < 9 AS label
    FROM generate_series(1, 60000) i;
-- The same in disorder, so that it is sorted.
CREATE TABLE mixed AS SELECT * FROM one ORDER BY md5(ts::text);
CREATE TABLE four AS
  SELECT ts, v, v * v AS w, cos(v) AS x, v - 1 AS y, ARRAY[v, v * v, cos(v), v - 1] AS all_four FROM one WHERE ts < at(30000);
CREATE TABLE models AS SELECT tsad.train(ts, v, '{"causal": true}') AS model FROM one WHERE ts < at(10000);
CREATE TABLE models_four AS SELECT tsad.train(ts, all_four) AS model FROM four WHERE ts < at(10000);
CREATE TABLE scored AS SELECT ts, value, severity AS score, 1.0::float8 AS threshold, is_anomaly FROM tsad.detect('one', 'ts', 'v', models => 'models');
CREATE TABLE mixed_scores AS SELECT ts, v AS value, label FROM mixed;
CREATE TABLE arrays AS SELECT array_agg(ts ORDER BY ts) AS ts, array_agg(v ORDER BY ts) AS v FROM one;
CREATE TABLE hosts AS SELECT 'host' || h AS host, ts, v + h AS v FROM one, generate_series(1, 2) h WHERE ts < at(20000);
CREATE INDEX ON hosts (host, ts);
VACUUM ANALYZE;
