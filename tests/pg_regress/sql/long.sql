-- A series too long to be kept in memory is scored in parts: the same rows, scores and episodes as in one piece.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE long AS SELECT host, at(i) AS ts, i, CASE WHEN i % 50000 BETWEEN 30000 AND 30007 OR i % 33333 = 0 THEN NULL
         ELSE wave(i) + CASE WHEN i % 12498 BETWEEN 12490 AND 12497 THEN 3 ELSE 0 END END AS v
  FROM (VALUES ('a', 119999), ('b', 9999)) h (host, n), generate_series(0, n) i WHERE i NOT BETWEEN 99700 AND 99760;
INSERT INTO long SELECT 'a', NULL, NULL, 1 FROM generate_series(1, 3);
INSERT INTO long SELECT 'a', at(99999), 99999, 0 FROM generate_series(1, 3);
CREATE INDEX ON long (host, ts);
CREATE TABLE model AS SELECT host, tsad.train(ts, v) AS model FROM long WHERE ts < at(3000) GROUP BY host;
-- An array is scored in one piece.
CREATE TABLE whole AS SELECT jsonb_build_object('host', host) AS series, s.*
  FROM model JOIN (SELECT host, array_agg(ts ORDER BY ts) AS ts, array_agg(v ORDER BY ts) AS v FROM long GROUP BY host) l USING (host),
       tsad.score_series(model, l.ts, l.v) s;
CREATE TABLE parts AS SELECT * FROM tsad.detect('long', 'ts', 'v', series_columns => '{host}', models => 'model');
SELECT series, count(*), count(score) AS scored, count(*) FILTER (WHERE is_anomaly) > 50 AS anomalies FROM parts GROUP BY 1 ORDER BY 1;
SELECT count(*) AS different FROM (
  (SELECT series, ts, value, score, p_value, is_anomaly, is_final, status, message, count(*) FROM whole GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9)
   EXCEPT SELECT series, ts, value, score, p_value, is_anomaly, is_final, status, message, count(*) FROM parts GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9) d;
-- In the order of time, rows without one last.
SELECT count(*) AS out_of_order FROM (SELECT ts, lead(ts) OVER w AS next, series, lead(series) OVER w AS next_series FROM (SELECT *, row_number() OVER () AS n FROM parts) p WINDOW w AS (ORDER BY n)) o
 WHERE next_series = series AND (ts IS NULL AND next IS NOT NULL OR next < ts);
-- Episodes and explanations are those of an array, which is explained in one piece.
CREATE TABLE whole_why AS SELECT jsonb_build_object('host', host) AS series, e.*
  FROM model JOIN (SELECT host, array_agg(ts ORDER BY ts) AS ts, array_agg(v ORDER BY ts) AS v FROM long GROUP BY host) l USING (host),
       tsad.explain(model, l.ts, l.v) e;
CREATE TABLE parts_why AS SELECT * FROM tsad.explain('long', 'ts', 'v', series_columns => '{host}', models => 'model');
UPDATE whole_why SET column_name = 'v', reason = NULL, contributions = NULL, direction_contributions = NULL;
UPDATE parts_why SET reason = NULL, contributions = NULL, direction_contributions = NULL;
SELECT series, count(*) > 3 AS several, max(event_id) = count(*) AS numbered FROM parts_why GROUP BY 1 ORDER BY 1;
SELECT count(*) AS different FROM whole_why w FULL JOIN parts_why p USING (series, event_id) WHERE w IS DISTINCT FROM p;
SELECT count(*) AS different FROM tsad.events('long', 'ts', 'v', series_columns => '{host}', models => 'model') e FULL JOIN parts_why p USING (series, event_id)
 WHERE (e.started_at, e.ended_at, e.peak_at, e.peak_score) IS DISTINCT FROM (p.started_at, p.ended_at, p.ts, p.score);
SELECT count(*) AS episodes, count(*) FILTER (WHERE (r.scales, r.window_from, r.normal_values, r.score) IS NOT DISTINCT FROM (p.scales, p.window_from, p.normal_values, p.score)) AS same
  FROM parts_why p LEFT JOIN tsad.explain('long', 'ts', 'v', series_columns => '{host}', models => 'model', since => at(90000), each => 'row') r USING (series, ts)
 WHERE ts > at(90000);
-- What trains may be longer than what is kept in memory; the rows are then read again.
CREATE TABLE late_model AS SELECT host, tsad.train(ts, v, '{"max_training_points": 20000}') AS model FROM long WHERE ts < at(110000) GROUP BY host;
SELECT host, i->'rows' AS rows, i->'rows_left_out' AS left_out FROM late_model, tsad.model_info(model) i ORDER BY host;
CREATE TABLE again AS SELECT * FROM tsad.detect('long', 'ts', 'v', series_columns => '{host}', train_until => at(110000), options => '{"max_training_points": 20000}');
CREATE TABLE once AS SELECT * FROM tsad.detect('long', 'ts', 'v', series_columns => '{host}', models => 'late_model');
SELECT (SELECT count(*) FROM again) AS rows, (SELECT count(*) FROM once) AS expected,
       (SELECT count(*) FROM (SELECT * FROM again EXCEPT ALL SELECT * FROM once) d) AS different;
SELECT count(*) AS episodes, count(*) FILTER (WHERE a IS NOT DISTINCT FROM o) AS same
  FROM tsad.explain('long', 'ts', 'v', series_columns => '{host}', train_until => at(110000), options => '{"max_training_points": 20000}') a
  FULL JOIN tsad.explain('long', 'ts', 'v', series_columns => '{host}', models => 'late_model') o USING (series, event_id);
-- Nor does it matter by which plan: of a query, whose rows have to be kept on disk, and with an array as values.
SELECT count(*) AS different FROM (
  SELECT ts, score FROM tsad.detect('SELECT ts, ARRAY[v] AS v FROM long WHERE host = ''a''', 'ts', 'v', train_until => at(110000), options => '{"max_training_points": 20000}')
  EXCEPT ALL SELECT ts, score FROM once WHERE series = '{"host": "a"}') d;
-- Memory does not grow with the rows: less than 130 MB of its own for 300,000.
CREATE FUNCTION own_memory_mb() RETURNS int LANGUAGE sql AS
  $$ SELECT ((regexp_match(status, 'VmHWM:\s+(\d+)'))[1]::int - (regexp_match(status, 'RssShmem:\s+(\d+)'))[1]::int) / 1024 FROM pg_read_file('/proc/' || pg_backend_pid() || '/status') status $$;
\c -
SELECT count(*) FROM tsad.detect('SELECT at(i) AS ts, wave(i % 100000) AS v FROM generate_series(0, 299999) i', 'ts', 'v', model => (SELECT model FROM model WHERE host = 'a'));
SELECT own_memory_mb() < 130 AS bounded;
\c -
SELECT count(*) FROM tsad.detect('SELECT at(i) AS ts, wave(i % 100000) AS v FROM generate_series(0, 299999) i', 'ts', 'v', train_until => at(250000), options => '{"max_training_points": 5000}');
SELECT count(*) FROM tsad.explain('SELECT at(i) AS ts, wave(i % 100000) AS v FROM generate_series(0, 299999) i', 'ts', 'v', model => (SELECT model FROM model WHERE host = 'a'));
SELECT own_memory_mb() < 130 AS bounded;
DROP FUNCTION own_memory_mb;
DROP TABLE long, model, whole, parts, whole_why, parts_why, late_model, again, once;
