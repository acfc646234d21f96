-- Dry runs: what would be trained on, and what would go wrong.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE metric (host text, ts timestamptz, v float8);
INSERT INTO metric SELECT 'good', at(i), wave(i) FROM generate_series(0, 499) i;
INSERT INTO metric SELECT 'gaps', at(i + 10 * (i / 50)), CASE WHEN i % 20 <> 7 THEN wave(i) END FROM generate_series(0, 499) i;
INSERT INTO metric SELECT 'short', at(i), wave(i) FROM generate_series(0, 39) i;
INSERT INTO metric SELECT 'sparse', at(20 * i), wave(i) FROM generate_series(0, 99) i;
INSERT INTO metric SELECT 'scattered', at(i + 1000 * (i / 20)), wave(i) FROM generate_series(0, 499) i;
INSERT INTO metric SELECT 'constant', at(i), 1 FROM generate_series(0, 499) i;
INSERT INTO metric VALUES ('one', at(0), 1);
INSERT INTO metric SELECT 'mixed', at(i % 100), wave(i) FROM generate_series(0, 499) i;
INSERT INTO metric SELECT 'irregular', at(i) + (i * i % 7) * interval '1 min', wave(i) FROM generate_series(0, 499) i;
INSERT INTO metric SELECT 'infinite', at(i), CASE i WHEN 7 THEN 'infinity' ELSE wave(i) END FROM generate_series(0, 499) i;
INSERT INTO metric VALUES ('infinite', NULL, 1);
SELECT series->>'host' AS host, rows, samples, first_ts, last_ts, sampling_interval, round(irregular_share::numeric, 2) AS irregular, round(imputed_share::numeric, 2) AS imputed, stretches, longest_step
  FROM tsad.suggest('metric', 'ts', 'v', series_columns => '{host}');
SELECT series->>'host' AS host, verdict, message, suggested_options FROM tsad.suggest('metric', 'ts', 'v', series_columns => '{host}');
-- With shorter windows less data is enough.
SELECT series->>'host' AS host, verdict, message, suggested_options FROM tsad.suggest('metric', 'ts', 'v', series_columns => '{host}', options => '{"scales": [8, 16]}') WHERE series->>'host' IN ('short', 'scattered');
-- The verdict is what training says.
SELECT count(*) AS series, bool_and((verdict <> 'insufficient_data') = (tsad.model_info(model)->>'trained')::boolean) AS agree
  FROM tsad.suggest('metric', 'ts', 'v', series_columns => '{host}') s
  JOIN (SELECT host, tsad.train(ts, v) AS model FROM metric WHERE host <> 'infinite' GROUP BY host) m ON m.host = s.series->>'host';
-- More rows than are trained on.
SELECT verdict, message FROM tsad.suggest('SELECT i, wave(i) AS v, wave(i) AS w FROM generate_series(1, 2000) i', 'i', '{v,w}', options => '{"max_training_points": 1000}');
SELECT rows, first_ts, sampling_interval, first_seq, last_seq, verdict FROM tsad.suggest('SELECT i, wave(i) AS v FROM generate_series(10, 300) i', 'i', 'v');

SELECT "check", ok, series->>'host' AS host, message, hint FROM tsad.validate('metric', 'ts', 'v', series_columns => '{host}');
CREATE INDEX ON metric (host, ts);
SELECT "check", ok, series, message, hint FROM tsad.validate('metric', 'ts', 'v', series_columns => '{host}') WHERE series IS NULL;
SELECT "check", ok, series, message, hint FROM tsad.validate('SELECT * FROM metric WHERE host = ''good''', 'ts', 'v', series_columns => '{host}');
-- What would be an error is a finding.
SELECT "check", ok, series, message, hint FROM tsad.validate('metric', 'time', 'v', series_columns => '{host}')
UNION ALL SELECT "check", ok, series, message, hint FROM tsad.validate('metric', 'v', 'ts', series_columns => '{host}')
UNION ALL SELECT "check", ok, series, message, hint FROM tsad.validate('metric', 'ts', 'v', options => '{"seeds": 1}')
UNION ALL SELECT "check", ok, series, message, hint FROM tsad.validate('metric', 'ts', NULL::text);
DROP TABLE metric;
