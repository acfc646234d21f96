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
CREATE TABLE whole AS SELECT * FROM tsad.detect('long', 'ts', 'v', series_columns => '{host}', train_until => at(3000));
CREATE TABLE parts AS SELECT * FROM tsad.detect('long', 'ts', 'v', series_columns => '{host}', models => 'model');
SELECT series, count(*), count(score) AS scored, count(*) FILTER (WHERE is_anomaly) > 50 AS anomalies FROM parts GROUP BY 1 ORDER BY 1;
SELECT count(*) AS different FROM (
  (SELECT series, ts, value, score, p_value, is_anomaly, is_final, status, message, count(*) FROM whole GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9)
   EXCEPT SELECT series, ts, value, score, p_value, is_anomaly, is_final, status, message, count(*) FROM parts GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9) d;
-- In the order of time, rows without one last.
SELECT count(*) AS out_of_order FROM (SELECT ts, lead(ts) OVER w AS next, series, lead(series) OVER w AS next_series FROM (SELECT *, row_number() OVER () AS n FROM parts) p WINDOW w AS (ORDER BY n)) o
 WHERE next_series = series AND (ts IS NULL AND next IS NOT NULL OR next < ts);
SELECT count(*) AS episodes, count(*) FILTER (WHERE w IS NOT DISTINCT FROM p) AS same
  FROM tsad.events('long', 'ts', 'v', series_columns => '{host}', train_until => at(3000)) w
  FULL JOIN tsad.events('long', 'ts', 'v', series_columns => '{host}', models => 'model') p USING (series, event_id);
-- Memory does not grow with the rows: less than 100 MB of its own for 300,000.
CREATE FUNCTION own_memory_mb() RETURNS int LANGUAGE sql AS
  $$ SELECT ((regexp_match(status, 'VmHWM:\s+(\d+)'))[1]::int - (regexp_match(status, 'RssShmem:\s+(\d+)'))[1]::int) / 1024 FROM pg_read_file('/proc/' || pg_backend_pid() || '/status') status $$;
\c -
SELECT count(*) FROM tsad.detect('SELECT at(i) AS ts, wave(i % 100000) AS v FROM generate_series(0, 299999) i', 'ts', 'v', model => (SELECT model FROM model WHERE host = 'a'));
SELECT own_memory_mb() < 100 AS bounded;
DROP FUNCTION own_memory_mb;
DROP TABLE long, model, whole, parts;
