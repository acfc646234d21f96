-- The aggregate: forms, partial aggregation, determinism.
SET timezone = 'UTC';
CREATE TABLE metric (host text, ts timestamptz, cpu float8, mem float8);
INSERT INTO metric SELECT 'host' || h, at(i), wave(i + 3 * h), wave(2 * i) + h
  FROM generate_series(1, 8) h, generate_series(0, 1999) i;
ANALYZE metric;

-- All four forms give a model; a group is a model.
SELECT count(*), count(DISTINCT md5(model)) AS different, min(octet_length(model)) > 1000 AS sized
  FROM (SELECT host, tsad.train(ts, cpu) AS model FROM metric GROUP BY host) m;
SELECT i->'trained' AS trained, i->'channels' AS channels, i->'rows' AS rows, i->'scales' AS scales, i->'calibration'->'source' AS calibrated
  FROM (SELECT tsad.model_info(tsad.train(ts, cpu, '{"scales": [16, 64]}')) AS i FROM metric WHERE host = 'host1'
        UNION ALL SELECT tsad.model_info(tsad.train(ts, ARRAY[cpu, mem])) FROM metric WHERE host = 'host1'
        UNION ALL SELECT tsad.model_info(tsad.train(ts, ARRAY[cpu, mem], '{"scales": [32]}')) FROM metric WHERE host = 'host1') m;

-- No rows, no model.
SELECT tsad.train(ts, cpu) IS NULL AS no_model FROM metric WHERE false;

-- Under parallel settings the aggregate is computed in parts.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
EXPLAIN (COSTS OFF) SELECT host, tsad.train(ts, cpu) FROM metric GROUP BY host;
EXPLAIN (COSTS OFF) SELECT tsad.train(ts, cpu) FROM metric;

-- The model is the same, byte for byte, at any number of workers and in any order of the rows.
CREATE TABLE parallel AS SELECT host, tsad.train(ts, cpu) AS one, tsad.train(ts, ARRAY[cpu, mem], '{"seed": 7}') AS two FROM metric GROUP BY host;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT host, tsad.train(ts, cpu) AS one, tsad.train(ts, ARRAY[cpu, mem], '{"seed": 7}') AS two FROM metric GROUP BY host;
CREATE TABLE shuffled AS SELECT host, tsad.train(ts, cpu) AS one, tsad.train(ts, ARRAY[cpu, mem], '{"seed": 7}') AS two
  FROM (SELECT * FROM metric ORDER BY md5(host || ts::text)) m GROUP BY host;
SELECT count(*) AS models,
       count(*) FILTER (WHERE md5(p.one) = md5(s.one) AND md5(p.two) = md5(s.two)) AS same_parallel,
       count(*) FILTER (WHERE md5(p.one) = md5(o.one) AND md5(p.two) = md5(o.two)) AS same_shuffled
  FROM parallel p JOIN serial s USING (host) JOIN shuffled o USING (host);
-- Were the workers there at all?
SET max_parallel_workers_per_gather = 4;
CREATE FUNCTION launched(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE line text; found boolean := false;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
        found := found OR line ~ 'Workers Launched: [1-9]';
    END LOOP;
    RETURN found;
END $$;
SELECT launched('SELECT host, tsad.train(ts, cpu) FROM metric GROUP BY host');
RESET max_parallel_workers_per_gather;

-- Of more rows than max_training_points allows the latest are trained on, whatever the order, plan and number of workers.
CREATE FUNCTION thinned(source text) RETURNS TABLE (host text, one text, two text) LANGUAGE plpgsql AS $$ BEGIN
    RETURN QUERY EXECUTE format('SELECT host, md5(tsad.train(ts, cpu, %L)), md5(tsad.train(ts, ARRAY[cpu, mem], %1$L)) FROM %s m GROUP BY host',
                                '{"max_training_points": 1200}', source);
END $$;
CREATE TABLE thin AS SELECT * FROM thinned('metric');
SET max_parallel_workers_per_gather = 4;
SELECT launched('SELECT host, tsad.train(ts, cpu, ''{"max_training_points": 1200}'') FROM metric GROUP BY host');
SELECT count(*) AS models, count(*) FILTER (WHERE t = p) AS same_parallel, count(*) FILTER (WHERE t = o) AS same_shuffled, count(*) FILTER (WHERE t = b) AS same_backwards
  FROM thin t JOIN thinned('metric') p USING (host) JOIN thinned('(SELECT * FROM metric ORDER BY md5(host || ts::text))') o USING (host)
  JOIN thinned('(SELECT * FROM metric ORDER BY ts DESC)') b USING (host);
RESET max_parallel_workers_per_gather;
WITH latest AS (SELECT tsad.model_info(tsad.train(ts, cpu)) AS i FROM metric WHERE host = 'host1' AND ts >= at(800)),
     thinned AS (SELECT tsad.model_info(tsad.train(ts, cpu, '{"max_training_points": 1200}')) AS i FROM metric WHERE host = 'host1')
SELECT t.i->'rows' AS rows, t.i->'rows_left_out' AS left_out, t.i->'training_range' = l.i->'training_range' AS same_range,
       t.i->'calibration' = l.i->'calibration' AS same_calibration FROM latest l, thinned t;
SELECT i->'rows' AS rows, i->'rows_left_out' AS left_out
  FROM (SELECT tsad.model_info(tsad.train(ts, ARRAY[cpu, mem], '{"max_training_points": 1200}')) AS i FROM metric WHERE host = 'host1') m;
DROP TABLE thin;
DROP FUNCTION thinned;

-- As a window function the aggregate sees its frame.
SELECT count(DISTINCT md5(model)) FROM (SELECT tsad.train(ts, cpu) OVER (PARTITION BY host) AS model FROM metric WHERE host < 'host3') m;

-- A model is a value: it survives a text dump.
SELECT bool_and(model = decode(encode(model, 'base64'), 'base64')) FROM (SELECT one AS model FROM serial) m;

-- Everything model_info tells, of a model of known rows.
SELECT jsonb_pretty(tsad.model_info(tsad.train(ts, cpu, '{"alpha": 0.001}'))
                    #- '{library_version}' #- '{model_version}' #- '{size}' #- '{calibration,threshold}' #- '{calibration,tail_scale}'
                    #- '{calibration,tail_shape}' #- '{calibration,achieved_false_alarm_rate}' #- '{causal_calibration,threshold}' #- '{causal_calibration,tail_scale}'
                    #- '{causal_calibration,tail_shape}' #- '{causal_calibration,achieved_false_alarm_rate}' #- '{clusters}' #- '{regimes}') AS info
  FROM metric WHERE host = 'host1';
DROP TABLE metric, parallel, serial, shuffled;
DROP FUNCTION launched;

-- With the option metric, windows beside one have a say where the series has an order; a score then is final later.
CREATE TABLE forms AS SELECT '2026-01-01'::timestamptz + i * interval '5 min' AS ts,
    sin(i * 3.14159265 / 20) + CASE WHEN i / 40 % 2 = 0 THEN 0 ELSE 0.8 * sin(i * 3.14159265 / 10) END + (i * 7919 % 101) / 1000.0 AS v
  FROM generate_series(0, 1999) i;
CREATE TABLE form_model AS SELECT tsad.train(ts, v, '{"scales": [16, 32], "metric": true}') AS learned, tsad.train(ts, v, '{"scales": [16, 32]}') AS plain FROM forms;
SELECT tsad.model_info(learned)->'context_scales' AS learned, tsad.model_info(plain)->'context_scales' AS plain FROM form_model;
SELECT count(*) FILTER (WHERE NOT l.is_final) AS learned, count(*) FILTER (WHERE NOT p.is_final) AS plain
  FROM form_model m, LATERAL tsad.detect('forms', 'ts', 'v', model => m.learned) l JOIN LATERAL tsad.detect('forms', 'ts', 'v', model => m.plain) p USING (ts);
DROP TABLE forms, form_model;

-- What is averaged, and what is left out, is said.
CREATE TABLE mixed AS SELECT h, at(i) AS ts, wave(i + 10 * h) AS v, CASE WHEN i % 3 = 0 THEN wave(i) END AS w FROM generate_series(0, 1499) i, generate_series(1, 4) h;
SELECT tsad.train(ts, v) IS NOT NULL AS trained FROM mixed;
SELECT count(score) > 0 AS scored FROM tsad.detect('mixed', 'ts', 'v', train_until => at(1200));
SELECT count(score) > 0 AS scored FROM tsad.detect('mixed', 'ts', 'v', '{h}', train_until => at(1200));
CREATE TABLE half_model AS SELECT tsad.train(ts, ARRAY[v, w]) AS model FROM mixed WHERE h = 1;
SELECT i->'channels' AS channels, i->'channels_used' AS used, i->'channels_left_out' AS left_out FROM half_model, tsad.model_info(model) i;
SELECT DISTINCT message FROM tsad.detect('SELECT * FROM mixed WHERE h = 1', 'ts', '{v,w}', model => (SELECT model FROM half_model));
SELECT verdict, message FROM tsad.suggest('mixed', 'ts', '{v,w}', '{h}') WHERE series @> '{"h": 1}';
SELECT "check", ok, message FROM tsad.validate('mixed', 'ts', '{v,w}', '{h}') WHERE series @> '{"h": 1}' OR "check" = 'index';
CREATE VIEW mixed_view AS TABLE mixed;
SELECT "check", ok, message FROM tsad.validate('mixed_view', 'ts', 'v', '{h}');
CREATE INDEX ON mixed (h, ts DESC);
SELECT "check", ok, message FROM tsad.validate('mixed', 'ts', 'v', '{h}') WHERE "check" = 'index';
DROP VIEW mixed_view; DROP TABLE mixed, half_model;
