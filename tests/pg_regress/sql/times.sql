-- Times of all types, with the same scores.
SET timezone = 'Europe/Berlin';
SET datestyle = 'ISO';
CREATE TABLE metric AS SELECT at(i) AS tz, at(i) AT TIME ZONE 'UTC' AS plain, i AS small, (10 * i)::bigint AS big,
       wave(i) + CASE WHEN i BETWEEN 1700 AND 1720 THEN 4 ELSE 0 END AS v FROM generate_series(0, 1999) i;
CREATE TABLE m AS SELECT tsad.train(tz, v, '{"alpha": 0.001}') FILTER (WHERE small < 1500) AS tz, tsad.train(plain, v, '{"alpha": 0.001}') FILTER (WHERE small < 1500) AS plain,
       tsad.train(small, v) FILTER (WHERE small < 1500) AS small, tsad.train(big, v) FILTER (WHERE small < 1500) AS big FROM metric;
SELECT tsad.model_info(tz)->>'times' AS tz, tsad.model_info(plain)->>'times' AS plain, tsad.model_info(small)->>'times' AS small,
       tsad.model_info(big)->>'times' AS big, tsad.model_info(big)->'calibration'->'alpha' AS alpha, tsad.model_info(big)->'training_range' AS range,
       tsad.model_info(big)->'sampling_interval' AS interval FROM m;
CREATE TABLE tz AS SELECT * FROM tsad.detect('metric', 'tz', 'v', model => (SELECT tz FROM m));
CREATE TABLE plain AS SELECT * FROM tsad.detect('metric', 'plain', 'v', model => (SELECT plain FROM m));
CREATE TABLE small AS SELECT * FROM tsad.detect('metric', 'small', 'v', model => (SELECT small FROM m));
CREATE TABLE big AS SELECT * FROM tsad.detect('metric', 'big', 'v', model => (SELECT big FROM m));
SELECT count(*) AS rows, count(*) FILTER (WHERE plain.score = tz.score) AS plain, count(*) FILTER (WHERE small.score = tz.score AND small.is_anomaly = tz.is_anomaly) AS small,
       count(*) FILTER (WHERE big.score = tz.score) AS big, count(*) FILTER (WHERE plain.ts = metric.plain) AS plain_joins
  FROM metric JOIN tz ON tz.ts = metric.tz JOIN plain ON plain.ts = metric.plain JOIN small ON small.seq = metric.small JOIN big ON big.seq = metric.big;
SELECT count(*) FILTER (WHERE tz.seq IS NULL) AS no_seq, (SELECT count(*) FROM big WHERE ts IS NULL) AS no_ts FROM tz;

-- Episodes of integer times have integer bounds and no duration.
SELECT event_id, started_at, ended_at, duration, peak_at, started_seq <= 17000 AS starts, ended_seq >= 17200 AS ends, peak_seq BETWEEN 16900 AND 17300 AS peak
  FROM tsad.events('metric', 'big', 'v', model => (SELECT big FROM m));
SELECT a.started_at = b.started_at AT TIME ZONE 'UTC' AS same_start, a.duration = b.duration AS same_duration, a.started_seq, a.ended_seq
  FROM tsad.events('metric', 'plain', 'v', model => (SELECT plain FROM m)) a, tsad.events('metric', 'tz', 'v', model => (SELECT tz FROM m)) b;

-- A range of integers, and training before one: the scores of the whole table, and those of a model trained so.
SELECT count(*) AS rows, min(r.seq), max(r.seq), count(*) FILTER (WHERE r.score = big.score AND r.is_anomaly = big.is_anomaly) AS same
  FROM tsad.detect('metric', 'big', 'v', model => (SELECT big FROM m), since_seq => 16000, until_seq => 18000) r JOIN big ON big.seq = r.seq;
SELECT count(*) AS rows, count(*) FILTER (WHERE r.score = small.score AND r.severity = small.severity) AS same
  FROM tsad.detect('metric', 'small', 'v', train_until_seq => 1500, since_seq => 1600) r JOIN small ON small.seq = r.seq;
SELECT count(*) AS rows, min(seq), max(seq), count(*) FILTER (WHERE replaced) > 0 AS replaced
  FROM tsad.clean('metric', 'small', 'v', train_until_seq => 1500, since_seq => 1600, until_seq => 1800);
SELECT min(seq) BETWEEN 16900 AND 17300 AS first, max(seq) BETWEEN 16900 AND 17300 AS last
  FROM tsad.explain('metric', 'big', 'v', model => (SELECT big FROM m), since_seq => 16000, until_seq => 18000);
SELECT count(*) = 0 AS none_so_long FROM tsad.events('metric', 'big', 'v', model => (SELECT big FROM m), min_duration_seq => 3000);
SELECT gap, count(*) AS episodes, bool_and(duration IS NULL) AS without_interval
  FROM unnest('{0,20000}'::bigint[]) gap, tsad.events('SELECT big, v + CASE WHEN small BETWEEN 1970 AND 1980 THEN 4 ELSE 0 END AS v FROM metric', 'big', 'v',
       model => (SELECT big FROM m), merge_gap_seq => gap) GROUP BY 1 ORDER BY 1;

-- Dates: one sample a day.
CREATE TABLE daily AS SELECT '2020-01-01'::date + i AS day, wave(i) + CASE WHEN i BETWEEN 900 AND 910 THEN 4 ELSE 0 END AS v FROM generate_series(0, 999) i;
CREATE TABLE daily_model AS SELECT tsad.train(day, v) AS model FROM daily WHERE day < '2022-01-01';
SELECT tsad.model_info(model)->'sampling_interval_seconds' AS seconds, tsad.model_info(model)->'calibration'->'alpha' AS alpha FROM daily_model;
SELECT count(*) AS rows, bool_and(ts = day) AS same_day, min(ts::date) FILTER (WHERE is_anomaly AND status = 'ok') <= '2022-06-19' AS found
  FROM daily JOIN tsad.detect('daily', 'day', 'v', model => (TABLE daily_model)) ON ts = day;
INSERT INTO daily VALUES ('infinity', 1), (NULL, 1);
SELECT ts, value, status, message FROM tsad.detect('daily', 'day', 'v', model => (TABLE daily_model), since => '2022-09-26') WHERE NOT isfinite(ts) OR ts IS NULL;
SELECT ts, value, status, message FROM tsad.detect('daily', 'day', 'v', model => (TABLE daily_model)) WHERE NOT isfinite(ts) OR ts IS NULL;

-- What does not go together.
\x on
SELECT * FROM error_of($$SELECT tsad.train(big, v, '{"alarms_per_day": 1}') FROM metric$$);
SELECT status, message, count(*) FROM tsad.detect('metric', 'big', 'v', model => (SELECT tz FROM m)) GROUP BY 1, 2;
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'big', 'v', model => (SELECT big FROM m), since => '2026-01-01')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'big', 'v', train_until => '2026-01-01')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'tz', 'v', train_until_seq => 1500)$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'big', 'v', train_until_seq => 1500, since => '2026-01-01')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.events('metric', 'tz', 'v', model => (SELECT tz FROM m), merge_gap_seq => 5)$$);
SELECT * FROM error_of($$SELECT * FROM tsad.events('metric', 'big', 'v', model => (SELECT big FROM m), min_duration_seq => -5)$$);
SELECT * FROM error_of($$SELECT * FROM tsad.events('metric', 'big', 'v', model => (SELECT big FROM m), merge_gap => '1 h', min_duration_seq => 5)$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'v', 'tz', model => (SELECT tz FROM m))$$);
SELECT * FROM error_of($$SELECT tsad.train('infinity'::date, 1.0)$$);
\x off
DROP TABLE metric, m, tz, plain, small, big, daily, daily_model;
