-- Degenerate input: what each kind gives when a model is trained on it, and when it is scored by a good model.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE bad (kind text, ts timestamptz, v float8);
INSERT INTO bad SELECT 'constant', at(i), 5 FROM generate_series(0, 499) i;
INSERT INTO bad VALUES ('one row', at(0), 5);
INSERT INTO bad SELECT 'all NULL', at(i), NULL FROM generate_series(0, 499) i;
INSERT INTO bad SELECT 'all NaN', at(i), 'NaN' FROM generate_series(0, 499) i;
INSERT INTO bad SELECT 'some NULL', at(i), CASE WHEN i % 10 <> 0 THEN wave(i) END FROM generate_series(0, 499) i;
INSERT INTO bad SELECT 'shorter than the smallest window', at(i), wave(i) FROM generate_series(0, 30) i;
INSERT INTO bad SELECT 'shorter than twice the smallest window', at(i), wave(i) FROM generate_series(0, 62) i;
INSERT INTO bad SELECT 'long gaps', at(i + 1000 * (i / 20)), wave(i) FROM generate_series(0, 499) i;
INSERT INTO bad SELECT 'duplicates', at(i / 2), wave(i / 2) FROM generate_series(0, 999) i;
INSERT INTO bad SELECT 'unordered', at(i), wave(i) FROM generate_series(0, 499) i ORDER BY md5(i::text);
INSERT INTO bad SELECT 'one time', at(0), wave(i) FROM generate_series(0, 499) i;
INSERT INTO bad SELECT 'huge values', at(i), 1e300 * wave(i) FROM generate_series(0, 499) i;
INSERT INTO bad SELECT 'tiny values', at(i), 1e-300 * wave(i) FROM generate_series(0, 499) i;
INSERT INTO bad SELECT 'irregular times', at(i) + (i * 37 % 100) * interval '1 s', wave(i) FROM generate_series(0, 499) i;
INSERT INTO bad SELECT 'daylight saving', ('2026-03-28 12:00'::timestamp + i * interval '5 min') AT TIME ZONE 'Europe/Berlin', wave(i) FROM generate_series(0, 499) i;

-- Trained on: never an error, always a model that tells what it has.
CREATE TABLE own AS SELECT kind, tsad.train(ts, v) AS model FROM bad GROUP BY kind;
SELECT kind, i->'trained' AS trained, i->'rows' AS rows, i->'rows_missing' AS missing, round((i->>'imputed_share')::numeric, 3) AS imputed, i->>'reason' AS reason
  FROM (SELECT kind, tsad.model_info(model) AS i FROM own) m ORDER BY kind;
SELECT series->>'kind' AS kind, status, message, count(*), count(score) AS scored
  FROM tsad.detect('bad', 'ts', 'v', series_columns => '{kind}', models => 'own') GROUP BY 1, 2, 3 ORDER BY 1, 2;

-- Scored by a good model.
CREATE TABLE good AS SELECT tsad.train(at(i - 2000), wave(i)) AS model FROM generate_series(0, 999) i;
SELECT series->>'kind' AS kind, status, message, count(*), count(score) AS scored, count(*) FILTER (WHERE imputed) AS imputed
  FROM tsad.detect_details('bad', 'ts', 'v', series_columns => '{kind}', model => (TABLE good)) GROUP BY 1, 2, 3 ORDER BY 1, 2;

-- Infinite values and missing times are errors when training, and rows with a message when scoring.
CREATE TABLE worse AS SELECT at(i) AS ts, CASE WHEN i = 100 THEN 'infinity'::float8 WHEN i = 200 THEN '-infinity' WHEN i = 250 THEN NULL ELSE wave(i) END AS v FROM generate_series(0, 299) i
 UNION ALL VALUES (NULL::timestamptz, 1.0::float8), ('infinity', 1), ('-infinity', 1);
SELECT status, message, count(*), count(score) AS scored FROM tsad.detect('worse', 'ts', 'v', model => (TABLE good)) GROUP BY 1, 2 ORDER BY 1, 2;
SELECT ts, value, status, message FROM tsad.detect('worse', 'ts', 'v', model => (TABLE good)) WHERE status <> 'ok';

-- An empty table gives no rows.
SELECT count(*) FROM tsad.detect('worse', 'ts', 'v', model => (TABLE good), since => '2100-01-01', until => '2200-01-01');
CREATE TABLE empty (ts timestamptz, v float8);
SELECT count(*) FROM tsad.detect('empty', 'ts', 'v', model => (TABLE good));
SELECT count(*) FROM tsad.events('empty', 'ts', 'v', model => (TABLE good));

-- A constant series stays normal as long as it is constant, and any change is reported as such.
CREATE TABLE constant AS SELECT at(i) AS ts, CASE WHEN i BETWEEN 800 AND 820 THEN 6 ELSE 5 END AS v FROM generate_series(0, 999) i;
CREATE TABLE constant_model AS SELECT tsad.train(ts, v) AS model FROM constant WHERE ts < at(500);
SELECT status, count(*), count(*) FILTER (WHERE is_anomaly) > 0 AS anomalies, min(ts) FILTER (WHERE is_anomaly) <= at(800) AS in_time
  FROM tsad.detect('constant', 'ts', 'v', model => (TABLE constant_model)) GROUP BY 1 ORDER BY 1;
SELECT count(*) AS false_alarms FROM tsad.detect('constant', 'ts', 'v', model => (TABLE constant_model)) WHERE is_anomaly AND (ts < at(650) OR ts > at(970));

-- Arrays with missing elements, of another length, NULL arrays.
CREATE TABLE pair_model AS SELECT tsad.train(at(i), CASE WHEN i % 50 = 0 THEN NULL WHEN i % 7 = 0 THEN ARRAY[wave(i), NULL] ELSE ARRAY[wave(i), wave(2 * i)] END) AS model FROM generate_series(0, 999) i;
SELECT tsad.model_info(model)->'channels' AS channels, tsad.model_info(model)->'rows_missing' AS missing FROM pair_model;
CREATE TABLE pairs AS SELECT at(i) AS ts, CASE i WHEN 1100 THEN ARRAY[1.0] WHEN 1200 THEN NULL WHEN 1300 THEN '{}' WHEN 1400 THEN ARRAY[NULL, 1.0] ELSE ARRAY[wave(i), wave(2 * i)] END::float8[] AS v FROM generate_series(1000, 1499) i;
SELECT ts, "values", score IS NOT NULL AS scored, imputed, status, message FROM tsad.detect_details('pairs', 'ts', 'v', model => (TABLE pair_model)) WHERE imputed OR status <> 'ok';

DROP TABLE bad, own, good, worse, empty, constant, constant_model, pair_model, pairs;
