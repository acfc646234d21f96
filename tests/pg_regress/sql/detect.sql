-- Scoring a table: the contract of the rows.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE metric (host text, ts timestamptz, cpu float8, mem real, "Odd ""Name" numeric);
INSERT INTO metric SELECT 'a', at(i), wave(i) + CASE WHEN i BETWEEN 1800 AND 1809 THEN 4 ELSE 0 END, wave(2 * i), wave(i) FROM generate_series(0, 1999) i;
INSERT INTO metric SELECT 'b', at(i), wave(i + 5), wave(2 * i) + CASE WHEN i BETWEEN 1700 AND 1720 THEN 3 ELSE 0 END, wave(i) FROM generate_series(0, 1999) i;
INSERT INTO metric SELECT 'c', at(i), wave(i), wave(i), wave(i) FROM generate_series(0, 99) i;
CREATE TABLE model AS SELECT host, tsad.train(ts, cpu) AS model FROM metric WHERE ts < at(1500) AND host <> 'c' GROUP BY host;
CREATE TABLE scored AS SELECT * FROM tsad.detect_details('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model');

-- One row out per row in, with its value; a series without model says so.
SELECT series, status, message, count(*), count(score) AS scored, count(*) FILTER (WHERE is_anomaly) > 0 AS anomalies
  FROM scored GROUP BY 1, 2, 3 ORDER BY 1, 2;
SELECT count(*) AS rows, count(*) FILTER (WHERE s.value = m.cpu) AS same
  FROM metric m JOIN scored s ON s.series->>'host' = m.host AND s.ts = m.ts;

-- The narrow rows, fit to be read, say the same as the wide ones.
SELECT * FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', since => 'infinity');
SELECT count(*) AS different FROM (
  SELECT d FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model') d
  EXCEPT SELECT (series, ts, seq, value, "values", expected, lower, upper, score, severity, p_value, is_anomaly, in_shadow, is_final, status, message) FROM scored) n;

-- Flag, severity and p-value agree everywhere, and what is in the shadow is no anomaly; shares sum to one.
SELECT bool_and(is_anomaly = (severity > 1)) AS flag_is_severity,
       bool_and(is_anomaly = (p_value < (SELECT (tsad.model_info(model)->'calibration'->>'alpha')::float8 FROM model LIMIT 1))) AS flag_is_p_value,
       bool_and((SELECT sum(v::numeric) = 1 FROM jsonb_each_text(views) e(k, v))) AS views_sum_to_one,
       bool_and(contributions = '{"cpu": 1}') AS contributions_sum_to_one,
       bool_and(NOT (in_shadow AND is_anomaly)) AS shadow_is_none
  FROM scored WHERE score IS NOT NULL;
SELECT count(*) FROM scored WHERE score IS NULL AND (threshold IS NOT NULL OR p_value IS NOT NULL OR is_anomaly IS NOT NULL OR views IS NOT NULL);

-- The planted incident is found where it is; the last rows are not final.
SELECT min(ts) <= at(1800) AS from_its_start, max(ts) >= at(1809) AS to_its_end, min(ts) > at(1800 - 256) AND max(ts) < at(1809 + 256) AS within_a_window_of_it
  FROM scored WHERE series->>'host' = 'a' AND is_anomaly AND status = 'ok';
SELECT series->>'host' AS host, count(*) FILTER (WHERE NOT is_final) AS not_final, min(ts) FILTER (WHERE NOT is_final) AS since
  FROM scored WHERE score IS NOT NULL GROUP BY 1 ORDER BY 1;

-- Reading a part of the table gives the same scores.
SELECT count(*) AS rows, min(ts), max(ts) FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', since => at(1795), until => at(1799));
SELECT count(*) AS different FROM (
  SELECT series, ts, score, p_value, is_anomaly, is_final, status FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', since => at(300), until => at(1850))
  EXCEPT SELECT series, ts, score, p_value, is_anomaly, is_final, status FROM scored) d;
SELECT count(*) FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', since => 'infinity');

-- One model for all, here for one series without series columns; the key of the series is empty then.
SELECT series, status, count(*) FROM tsad.detect('metric', 'ts', 'cpu', model => (SELECT model FROM model WHERE host = 'a'))
 GROUP BY 1, 2 ORDER BY 2;
CREATE VIEW only_a AS SELECT ts, cpu FROM metric WHERE host = 'a';
SELECT count(*) AS different FROM (
  SELECT ts, score FROM tsad.detect('only_a', 'ts', 'cpu', model => (SELECT model FROM model WHERE host = 'a'))
  EXCEPT SELECT ts, score FROM scored WHERE series->>'host' = 'a') d;

-- Several value columns, or an array: joint scores, and which column is to blame.
CREATE TABLE joint AS SELECT host, tsad.train(ts, ARRAY[cpu, mem]) AS model FROM metric WHERE ts < at(1500) AND host <> 'c' GROUP BY host;
SELECT series->>'host' AS host, bool_or(is_anomaly) AS found,
       avg((contributions->>'cpu')::float8) > 0.5 AS blames_cpu, avg((contributions->>'mem')::float8) > 0.5 AS blames_mem,
       bool_and((contributions->>'cpu')::numeric + (contributions->>'mem')::numeric = 1) AS sum_to_one
  FROM tsad.detect_details('metric', 'ts', '{cpu,mem}'::text[], series_columns => '{host}', models => 'joint')
 WHERE is_anomaly AND status = 'ok' GROUP BY 1 ORDER BY 1;
CREATE VIEW arrays AS SELECT host, ts, ARRAY[cpu, mem] AS both FROM metric;
SELECT count(*) AS rows, count(*) FILTER (WHERE a.score = b.score) AS same, min(a.contributions::text) LIKE '{"1": %, "2": %}' AS by_subscript,
       bool_and(a.value IS NULL AND cardinality(a."values") = 2) AS array_out
  FROM tsad.detect_details('arrays', 'ts', 'both', series_columns => '{host}', models => 'joint') a
  JOIN tsad.detect('metric', 'ts', '{cpu,mem}'::text[], series_columns => '{host}', models => 'joint') b USING (series, ts) WHERE a.score IS NOT NULL;

-- Names that need quoting; values that cast to float8; several series columns, NULL among their values.
CREATE SCHEMA "Odd Schema";
CREATE TABLE "Odd Schema"."tablé; DROP" AS SELECT ts AS "Time ""T", "Odd ""Name", NULLIF(host, 'a') AS "where", 7 AS "group" FROM metric;
CREATE TABLE odd_model AS SELECT "where", "group", tsad.train("Time ""T", "Odd ""Name"::float8) AS model
  FROM "Odd Schema"."tablé; DROP" WHERE "Time ""T" < at(1500) GROUP BY 1, 2;
SELECT series, count(*), count(score) AS scored FROM tsad.detect('"Odd Schema"."tablé; DROP"', 'Time "T', 'Odd "Name', series_columns => '{where,group}', models => 'odd_model')
 GROUP BY 1 ORDER BY 1;

-- Partitioned tables, temporary tables.
CREATE TABLE parts (host text, ts timestamptz, cpu float8) PARTITION BY RANGE (ts);
CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM ('-infinity') TO ('2026-01-03');
CREATE TABLE part2 PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT host, ts, cpu FROM metric;
CREATE TEMP TABLE temporary AS SELECT host, ts, cpu FROM metric;
SELECT (SELECT count(*) FROM (SELECT series, ts, score FROM tsad.detect('parts', 'ts', 'cpu', series_columns => '{host}', models => 'model') EXCEPT SELECT series, ts, score FROM scored) d) AS different_parts,
       (SELECT count(*) FROM (SELECT series, ts, score FROM tsad.detect('temporary', 'ts', 'cpu', series_columns => '{host}', models => 'model') EXCEPT SELECT series, ts, score FROM scored) d) AS different_temporary;

-- Rows written earlier in the same transaction are seen, and so is a model.
BEGIN;
INSERT INTO metric SELECT 'd', at(i), wave(i), 0, 0 FROM generate_series(0, 1999) i;
INSERT INTO model SELECT 'd', tsad.train(ts, cpu) FROM metric WHERE host = 'd' AND ts < at(1500);
SELECT status, count(*) FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model') WHERE series = '{"host": "d"}' GROUP BY 1 ORDER BY 1;
ROLLBACK;

-- One bad series never stops the others.
UPDATE model SET model = '\x54534144' WHERE host = 'b';
SELECT series, status, message, count(*) FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model') GROUP BY 1, 2, 3 ORDER BY 1, 2;
UPDATE model SET model = (SELECT model FROM joint WHERE host = 'b') WHERE host = 'b';
SELECT series, status, message, count(*) FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model') GROUP BY 1, 2, 3 ORDER BY 1, 2;
UPDATE model SET model = NULL WHERE host = 'b';
SELECT series, status, message, count(*) FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model') GROUP BY 1, 2, 3 ORDER BY 1, 2;

DROP TABLE metric, model, scored, joint, odd_model, parts, temporary CASCADE;
DROP SCHEMA "Odd Schema" CASCADE;
