-- Evaluation: the measures of labelled scores.
SET timezone = 'UTC';
CREATE FUNCTION near(a float8, b float8) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT abs(a - b) < 1e-9 $$;

-- The first case of crates/tsad-core/tests/data/measure_reference.json, with what TSB-AD's own code gives for it.
CREATE TABLE judged AS
  SELECT i::int, at(i::int) AS ts, score, score > 1.304 AS is_anomaly, substr('000000000000000000001111111100000000000000000000000000000000', i::int, 1) = '1' AS label
    FROM unnest('{-0.36,1.204,1.397,0.317,0.414,-0.49,-0.914,-0.9,-0.998,0.929,-0.056,0.128,-0.64,-1.088,-1.202,-0.842,0.821,0.463,0.21,0.65,-0.316,2.564,0.339,1.82,3.915,-0.996,-0.074,0.387,1.005,-1.048,0.209,0.194,0.171,-2.388,0.646,1.597,0.437,-0.723,-0.613,-2.646,0.476,1.503,0.65,-2.977,-0.426,-0.103,-0.484,1.033,-1.744,-0.718,0.596,0.991,0.169,1.055,0.52,-1.059,1.294,-0.506,-1.631,0.438}'::float8[]) WITH ORDINALITY s (score, i);
SELECT near(vus_pr, 0.529212032749276) AS vus_pr, near(vus_roc, 0.740153203004649) AS vus_roc,
       near(auc_pr, 0.48411568161568164) AS auc_pr, near(auc_roc, 0.65625) AS auc_roc,
       near(best_point_f1, 0.5454505785412469) AS best_point_f1, near(best_event_f1, 0.9999999999999996) AS best_event_f1,
       near(best_range_f1, 0.5185185185185185) AS best_range_f1, near(best_affiliation_f1, 0.9889415481832539) AS best_affiliation_f1,
       near(point_f1, 0.42857142857142855) AS point_f1, near(event_f1, 0.6666666666666662) AS event_f1,
       near(range_f1, 0.37333333333333335) AS range_f1, near(affiliation_f1, 0.8290754755573733) AS affiliation_f1
  FROM (SELECT (tsad.evaluate(score, label, ts, is_anomaly, 7)).* FROM judged) e;

-- Counts, delay and false alarms, by hand: a sample an hour, two events, one missed, two false alarms in two days.
CREATE TABLE hours AS
  SELECT '2026-01-01'::timestamptz + i * interval '1 hour' AS ts, i, (i IN (10, 11, 12, 30))::int AS label,
         i % 7 + CASE WHEN i = 12 THEN 9 ELSE 0 END AS score, i IN (3, 4, 12, 13, 20) AS is_anomaly
    FROM generate_series(0, 47) i;
\x on
SET extra_float_digits = -9;
SELECT (tsad.evaluate(score, label, ts, is_anomaly, 4)).* FROM hours;
-- Without decisions; the window is the period of the scores.
SELECT (tsad.evaluate(score, label, ts)).* FROM hours;
RESET extra_float_digits;
\x off

-- All forms agree: label as boolean, rows ordered by ORDER BY or by a window instead of ts, any order of arrival.
SELECT count(DISTINCT e) FROM (
  SELECT tsad.evaluate(score, label, ts)::text AS e FROM hours
  UNION ALL SELECT tsad.evaluate(score, label = 1, ts)::text FROM hours
  UNION ALL SELECT tsad.evaluate(score, label ORDER BY ts)::text FROM hours
  UNION ALL SELECT tsad.evaluate(score, label = 1 ORDER BY ts)::text FROM hours
  UNION ALL SELECT tsad.evaluate(score, label, ts, NULL)::text FROM hours
  UNION ALL SELECT tsad.evaluate(score, label, ts, NULL, NULL)::text FROM hours
  UNION ALL SELECT tsad.evaluate(score, label, ts)::text FROM (SELECT * FROM hours ORDER BY md5(i::text)) h
  UNION ALL (SELECT tsad.evaluate(score, label) OVER (ORDER BY ts)::text FROM hours ORDER BY ts DESC LIMIT 1)) e;

-- Times of other types: integers have no delay and no days.
SELECT (a).vus_pr = (b).vus_pr AS same_vus, (a).range_f1 = (b).range_f1 AS same_f1, (a).delay, (a).false_alarms_per_day, (b).delay AS with_unit
  FROM (SELECT tsad.evaluate(score, label, i, is_anomaly) AS a, tsad.evaluate(score, label, ts::timestamp, is_anomaly) AS b FROM hours) e;

-- NULL and NaN scores count as the lowest one, rows without a label are left out.
SELECT (a).n_unscored, (a).vus_pr = (b).vus_pr AND (a).auc_roc = (b).auc_roc AND (a).best_event_f1 = (b).best_event_f1 AS same
  FROM (SELECT tsad.evaluate(CASE WHEN i = 9 THEN NULL WHEN i = 29 THEN float8 'NaN' ELSE score END, label, ts, NULL, 6) AS a,
               tsad.evaluate(CASE WHEN i IN (9, 29) THEN 0 ELSE score END, label, ts, NULL, 6) AS b FROM hours) e;
SELECT (a).n, same FROM (
  SELECT (SELECT tsad.evaluate(score, CASE WHEN i < 40 THEN label END, ts) FROM hours) AS a,
         (SELECT tsad.evaluate(score, label, ts) FROM hours WHERE i < 40)::text
           = (SELECT tsad.evaluate(score, CASE WHEN i < 40 THEN label END, ts) FROM hours)::text AS same) e;

-- A group without an event, or with nothing else, has NULL measures and does not stop the others.
SELECT kind, (e).n, (e).n_unscored, (e).n_anomalous, (e).n_events, (e).vus_pr IS NULL AS no_vus, (e).vus_window IS NULL AS no_window,
       (e).point_f1 IS NULL AS no_f1, (e).delay, round((e).false_alarms_per_day::numeric, 3) AS false_alarms
  FROM (SELECT kind, tsad.evaluate(CASE WHEN kind <> 'unscored' THEN score END,
                                   CASE kind WHEN 'normal' THEN 0 WHEN 'anomalous' THEN 1 WHEN 'unlabelled' THEN NULL ELSE label END,
                                   CASE WHEN kind = 'one time' THEN '2026-01-01' ELSE ts END, is_anomaly) AS e
          FROM hours, unnest('{normal,anomalous,unlabelled,unscored,"one time",usual}'::text[]) kind GROUP BY kind) g ORDER BY kind;
SELECT tsad.evaluate(score, label, ts) IS NULL AS no_rows FROM hours WHERE false;

-- In parallel, in parts, with the same result.
CREATE TABLE many AS SELECT s AS series, at(i) AS ts, (i * (7919 + s) % 1009) / 100.0 AS score, i % 500 < 20 AS label, i % 301 = 0 AS is_anomaly
  FROM generate_series(1, 4) s, generate_series(0, 4999) i;
ANALYZE many;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT series, tsad.evaluate(score, label, ts, is_anomaly, 30) AS e FROM many GROUP BY series;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
EXPLAIN (COSTS OFF) SELECT series, tsad.evaluate(score, label, ts, is_anomaly, 30) FROM many GROUP BY series;
SELECT count(*) AS series, count(*) FILTER (WHERE p.e = s.e) AS same
  FROM (SELECT series, tsad.evaluate(score, label, ts, is_anomaly, 30) AS e FROM many GROUP BY series) p JOIN serial s USING (series);

-- It judges tsad.detect: a planted incident is found at once and nothing else.
CREATE TABLE metric AS SELECT at(i) AS ts, wave(i) + CASE WHEN i BETWEEN 1800 AND 1849 THEN 4 ELSE 0 END AS cpu, i BETWEEN 1800 AND 1849 AS label FROM generate_series(0, 1999) i;
SELECT (e).n, (e).n_anomalous, (e).n_events, (e).auc_roc > 0.9 AS good, (e).event_recall, (e).delay, (e).false_alarms_per_day < 1 AS quiet
  FROM (SELECT tsad.evaluate(d.score, m.label, d.ts, d.is_anomaly) AS e
          FROM tsad.detect('metric', 'ts', 'cpu', model => (SELECT tsad.train(ts, cpu) FROM metric WHERE ts < at(1500)), since => at(1500)) d
          JOIN metric m USING (ts)) j;

-- Errors.
\x on
SELECT * FROM error_of($$SELECT tsad.evaluate(score, label) FROM hours$$);
SELECT * FROM error_of($$SELECT tsad.evaluate(score, label + 1, ts) FROM hours$$);
SELECT * FROM error_of($$SELECT tsad.evaluate(score, label, NULL::timestamptz) FROM hours$$);
SELECT * FROM error_of($$SELECT tsad.evaluate(score, label, timestamptz 'infinity') FROM hours$$);
SELECT * FROM error_of($$SELECT tsad.evaluate('infinity', label, ts) FROM hours$$);
SELECT * FROM error_of($$SELECT tsad.evaluate(score, label, ts, is_anomaly, -1) FROM hours$$);
SELECT * FROM error_of($$SELECT tsad.evaluate(score, label, ts, is_anomaly, i) FROM hours$$);
SELECT * FROM error_of($$SELECT tsad.evaluate(score, series % 2, ts, is_anomaly, series % 2) FROM many$$);
SELECT state IN ('42883', '0A000') AS refused FROM error_of($$SELECT tsad._evaluate_final(NULL)$$);
\x off

-- It can be cancelled.
SET statement_timeout = '200ms';
\set VERBOSITY sqlstate
SELECT tsad.evaluate(score, label, ts, NULL, 100000000) FROM many;
SET statement_timeout = 0;
DROP TABLE judged, hours, many, serial, metric;
DROP FUNCTION near;
