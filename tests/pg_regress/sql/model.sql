-- Models from models: thresholds without training.
SET timezone = 'UTC';
CREATE TABLE metric AS SELECT at(i) AS ts, i, wave(i) + CASE WHEN i BETWEEN 2000 AND 2010 THEN 0.6 WHEN i BETWEEN 3000 AND 3010 THEN 3 ELSE 0 END AS v FROM generate_series(0, 3999) i;
CREATE TABLE m AS SELECT tsad.train(ts, v) AS model FROM metric WHERE i < 1500;

-- Another error probability is what training with it gives, but for the record of options.
SELECT tsad.model_info(r)->'calibration'->'alpha' AS alpha, r = t AS as_trained
  FROM (SELECT tsad.recalibrate(model, 0.02) AS r, (SELECT tsad.train(ts, v, '{"alpha": 0.02}') FROM metric WHERE i < 1500) AS t FROM m) x;
SELECT tsad.model_info(tsad.recalibrate(model, alarms_per_day => 2.88))->'calibration'->'alpha' AS alpha, tsad.model_info(model)->'calibration'->'alpha' AS before FROM m;
SELECT tsad.recalibrate(tsad.recalibrate(model, 0.02), alarms_per_day => 1 / 7.0) = tsad.recalibrate(model, alarms_per_day => 1 / 7.0) AS no_memory FROM m;
SELECT bool_and(t > lead) AS falls FROM (SELECT (tsad.model_info(tsad.recalibrate(model, alpha))->'calibration'->>'threshold')::float8 AS t,
  lead((tsad.model_info(tsad.recalibrate(model, alpha))->'calibration'->>'threshold')::float8) OVER (ORDER BY alpha) AS lead FROM m, unnest(ARRAY[1e-6, 1e-4, 1e-2, 0.3]) alpha) x WHERE lead IS NOT NULL;
SELECT tsad.recalibrate(NULL, 0.1) IS NULL AS no_model;

-- A model that is too old says so and scores all the same, until it is updated.
CREATE TABLE aged AS SELECT tsad.train(ts, v, '{"max_age_days": 2}') AS model FROM metric WHERE i < 1500;
SELECT d.status, min(d.ts) - at(1499) AS from_age, count(*) AS rows, count(*) FILTER (WHERE d.score = o.score) AS same_score
  FROM tsad.detect('metric', 'ts', 'v', model => (TABLE aged), since => at(1500)) d JOIN tsad.detect('metric', 'ts', 'v', model => (TABLE m), since => at(1500)) o USING (ts) GROUP BY 1 ORDER BY 2;
SELECT (s).status, count(*) FROM (SELECT tsad.score(model, ts, v) OVER (ORDER BY ts) AS s FROM metric, aged WHERE i >= 1500) w WHERE (s).status <> 'warmup' GROUP BY 1 ORDER BY 1;
SELECT status, count(*) FROM tsad.detect('metric', 'ts', 'v', model => (SELECT tsad.update_model(model, ts, v) FROM metric, aged WHERE i < 1900), since => at(1900)) GROUP BY 1 ORDER BY 1;

-- Every model has a version of its own, which rows tell.
SELECT length(version) AS digits, bool_and(model_version = version) AS of_rows, version <> tsad.model_info(tsad.recalibrate(model, 0.02))->>'model_version' AS another
  FROM m, LATERAL (SELECT tsad.model_info(model)->>'model_version' AS version) i, tsad.detect_details('metric', 'ts', 'v', model => model) GROUP BY version, model;
CREATE TABLE nothing (model bytea);
SELECT model_version IS NULL AS none_without_a_model, status, count(*) FROM tsad.detect_details('metric', 'ts', 'v', models => 'nothing') GROUP BY 1, 2;

-- "This was normal", "this was one": both incidents are flagged; the small one is said to be normal.
CREATE FUNCTION flagged(model bytea, lo int, hi int) RETURNS boolean LANGUAGE sql AS
  $$ SELECT bool_or(is_anomaly) FROM tsad.detect('metric', 'ts', 'v', model => model) WHERE ts BETWEEN at(lo) AND at(hi) $$;
SELECT flagged(model, 2000, 2010) AS small, flagged(model, 3000, 3010) AS large FROM m;
CREATE TABLE better AS SELECT tsad.recalibrate(model, ts, v, CASE WHEN i BETWEEN 1900 AND 2100 THEN false WHEN i BETWEEN 3000 AND 3010 THEN true END) AS model FROM metric, m;
SELECT flagged(model, 2000, 2010) AS small, flagged(model, 3000, 3010) AS large, tsad.model_info(model)->'calibration'->'source' AS source FROM better;
-- In any order of the rows, and of arrays.
SELECT (SELECT tsad.recalibrate(model, ts, v, CASE WHEN i BETWEEN 1900 AND 2100 THEN false WHEN i BETWEEN 3000 AND 3010 THEN true END ORDER BY md5(i::text)) FROM metric, m) = model AS any_order,
       (SELECT tsad.recalibrate(model, ts, ARRAY[v], CASE WHEN i BETWEEN 1900 AND 2100 THEN false WHEN i BETWEEN 3000 AND 3010 THEN true END) FROM metric, m) = model AS arrays FROM better;
SELECT tsad.recalibrate(model, ts, v, true) IS NULL AS no_rows FROM metric, m WHERE false;

\x on
SELECT * FROM error_of($$SELECT tsad.train(ts, v, '{"max_age_days": 0}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.train(i, v, '{"max_age_days": 1}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.recalibrate(model) FROM m$$);
SELECT * FROM error_of($$SELECT tsad.recalibrate(model, 0.1, 3) FROM m$$);
SELECT * FROM error_of($$SELECT tsad.recalibrate(model, 0.7) FROM m$$);
SELECT * FROM error_of($$SELECT tsad.recalibrate(model, alarms_per_day => -1) FROM m$$);
SELECT * FROM error_of($$SELECT tsad.recalibrate('\x00', 0.1)$$);
SELECT * FROM error_of($$SELECT tsad.recalibrate(tsad.train(ts, v), 0.1) FROM metric WHERE i < 10$$);
SELECT * FROM error_of($$SELECT tsad.recalibrate(model, ts, v, NULL::boolean) FROM metric, m$$);
SELECT * FROM error_of($$SELECT tsad.recalibrate(model, ts, ARRAY[v, v], true) FROM metric, m$$);
SELECT * FROM error_of($$SELECT tsad.recalibrate(NULL::bytea, ts, v, true) FROM metric, m$$);
SELECT * FROM error_of($$SELECT tsad.recalibrate(model, i::bigint, v, true) FROM metric, m$$);
SELECT * FROM error_of($$SELECT tsad.recalibrate(CASE WHEN i < 10 THEN m.model ELSE b.model END, ts, v, true) FROM metric, m, better b$$);
\x off
DROP FUNCTION flagged;
DROP TABLE metric, m, better;
