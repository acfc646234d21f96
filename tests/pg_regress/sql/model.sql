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
