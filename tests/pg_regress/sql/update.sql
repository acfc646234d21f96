-- Newer rows folded into a model; whether a model still fits.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE metric AS SELECT host, at(i) AS ts, i, wave(i) + CASE WHEN host = 'b' AND i >= 2500 THEN 30 ELSE 0 END + CASE WHEN i BETWEEN 4500 AND 4519 THEN 2 ELSE 0 END AS v
  FROM unnest(ARRAY['a', 'b']) host, generate_series(0, 4999) i;
CREATE TABLE model AS SELECT host, tsad.train(ts, v) AS model FROM metric WHERE i < 2000 GROUP BY host;
CREATE TABLE updated AS SELECT host, tsad.update_model(model, ts, v) AS model FROM metric JOIN model USING (host) WHERE i BETWEEN 2600 AND 3900 GROUP BY host;

-- The old model is stuck on the new level of b; the updated one knows it, finds an incident in it and still knows the old one.
SELECT series->>'host' AS host, round(avg(o.is_anomaly::int) FILTER (WHERE ts BETWEEN at(4000) AND at(4200)), 1) AS old_model_flags,
       round(avg(n.is_anomaly::int) FILTER (WHERE ts BETWEEN at(4000) AND at(4200)), 1) AS new_model_flags,
       bool_or(n.is_anomaly) FILTER (WHERE ts BETWEEN at(4500) AND at(4519)) AS new_model_finds,
       round(avg(n.is_anomaly::int) FILTER (WHERE ts < at(2200)), 1) AS old_level_flags
  FROM tsad.detect('metric', 'ts', 'v', series_columns => '{host}', models => 'model') o
  JOIN tsad.detect('metric', 'ts', 'v', series_columns => '{host}', models => 'updated') n USING (series, ts) GROUP BY 1 ORDER BY 1;

-- What the model tells of it.
SELECT host, i->'rows' AS rows, i->'updates' AS updates, i->'training_range'->>'to' AS until, i->'calibration'->'alpha' = o->'calibration'->'alpha' AS same_alpha
  FROM updated JOIN model m USING (host), LATERAL (SELECT tsad.model_info(updated.model) AS i, tsad.model_info(m.model) AS o) j ORDER BY 1;

-- Twice is once; the order of rows does not matter, nor do workers; rows that the model knows are left out.
SELECT host, tsad.update_model(u.model, ts, v) = u.model AS twice_is_once FROM metric JOIN updated u USING (host) WHERE i BETWEEN 0 AND 3900 GROUP BY host, u.model ORDER BY 1;
SELECT host, tsad.update_model(m.model, ts, v ORDER BY v) = u.model AS any_order FROM metric JOIN model m USING (host) JOIN updated u USING (host) WHERE i BETWEEN 2600 AND 3900 GROUP BY host, u.model ORDER BY 1;
ALTER TABLE metric SET (parallel_workers = 4);
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
CREATE FUNCTION sums(workers int) RETURNS TABLE (host text, updated text, drift text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('max_parallel_workers_per_gather', workers::text, true);
    RETURN QUERY SELECT m.host, md5(tsad.update_model(model, ts, v)), md5(tsad.drift(model, ts, v)::text)
      FROM metric m JOIN model USING (host) WHERE i > 2600 GROUP BY m.host;
END $$;
SELECT count(*) AS hosts, count(*) FILTER (WHERE a = b) AS same FROM sums(0) a JOIN sums(4) b USING (host);
SET max_parallel_workers_per_gather = 4;
SET enable_hashjoin = off; SET enable_mergejoin = off;
SELECT * FROM plan_of($$SELECT tsad.update_model((SELECT model FROM model WHERE host = 'a'), ts, v) FROM metric$$) line;
RESET ALL;
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- Too few rows to fill a window change nothing.
SELECT host, tsad.update_model(model, ts, v) = model AS too_few FROM metric JOIN model USING (host) WHERE i BETWEEN 2600 AND 2610 GROUP BY host, model ORDER BY 1;
SELECT tsad.update_model(model, ts, v) IS NULL AS no_rows, tsad.drift(model, ts, v) IS NULL AS no_rows_either FROM metric JOIN model USING (host) WHERE i < 0;
-- A model that had too little data is trained.
SELECT tsad.model_info(tsad.update_model(model, ts, v))->'trained' AS trained
  FROM metric, (SELECT tsad.train(ts, v) AS model FROM metric WHERE host = 'a' AND i < 10) short WHERE host = 'a' AND i BETWEEN 10 AND 900;
-- Several values, and other types of times.
SELECT tsad.model_info(tsad.update_model(model, i::bigint, ARRAY[v, -v]))->'updates' AS updates, tsad.drift(model, i::bigint, ARRAY[v, -v])->'age' AS age
  FROM metric, (SELECT tsad.train(i::bigint, ARRAY[v, -v]) AS model FROM metric WHERE host = 'a' AND i < 1000) m WHERE host = 'a' AND i < 2000;

-- Drift: what to do, and why.
SELECT host, d->>'advice' AS advice, d->>'reason' AS reason, (d->>'far_share')::float8 > 0.5 AS far, (d->>'alarm_rate')::float8 > 0.5 AS alarms, d->'age_seconds' AS age, (d->'shifts'->>0)::float8 > 3 AS shifted
  FROM (SELECT host, tsad.drift(model, ts, v) AS d FROM metric JOIN model USING (host) WHERE i BETWEEN 1500 AND 4490 GROUP BY host) x ORDER BY 1;
SELECT host, tsad.drift(model, ts, v)->>'advice' AS updated FROM metric JOIN updated USING (host) WHERE i < 4400 GROUP BY host ORDER BY 1;
SELECT jsonb_object_keys(tsad.drift(model, ts, v)) FROM metric JOIN model USING (host) WHERE host = 'a' GROUP BY host;
SELECT tsad.drift(model, ts, v)->>'reason' AS reason FROM metric JOIN model USING (host) WHERE host = 'a' AND i % 3 = 0;
SELECT tsad.drift(model, ts, v)->>'reason' AS reason FROM metric JOIN model USING (host) WHERE host = 'a' AND i < 2100;
\x on
SELECT * FROM error_of($$SELECT tsad.update_model(m, ts, v) FROM metric, (SELECT model FROM model UNION SELECT model FROM updated) x (m)$$);
SELECT * FROM error_of($$SELECT tsad.update_model(NULL, ts, v) FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.drift(model, ts, ARRAY[v, v]) FROM metric JOIN model USING (host) WHERE host = 'a'$$);
SELECT * FROM error_of($$SELECT tsad.drift(model, i::bigint, v) FROM metric JOIN model USING (host) WHERE host = 'a'$$);
SELECT * FROM error_of($$SELECT tsad.update_model('\x00'::bytea, ts, v) FROM metric$$);
\x off
DROP FUNCTION sums;
DROP TABLE metric, model, updated;
