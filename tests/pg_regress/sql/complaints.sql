-- What users of other detectors complain of. One test each, numbered and named; those about scheduled detection are in
-- monitor_life.sql.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE metric AS SELECT at(i) AS ts, i, wave(i) + CASE WHEN i BETWEEN 3000 AND 3019 THEN 2 ELSE 0 END AS v FROM generate_series(0, 3999) i;

-- 1. Points under test leak into the training, so alarms never fire (elementary 1491, 1560; SigNoz 6963).
-- The rows that train are those before train_until, whatever else is in the table; what was trained on says so.
SELECT bool_or(is_anomaly) FILTER (WHERE ts BETWEEN at(3000) AND at(3019)) AS fires,
       bool_and((status = 'in_training_range') = (ts < at(2000))) AS training_is_marked
  FROM tsad.detect('metric', 'ts', 'v', train_until => at(2000));

-- 2. A past incident in the training data hides the next one (contaminated training windows). It is left out of the
-- training, and the model says so.
CREATE TABLE again AS SELECT ts, i, v + CASE WHEN i BETWEEN 1000 AND 1019 THEN 2 ELSE 0 END AS v FROM metric;
SELECT bool_or(is_anomaly) FILTER (WHERE ts BETWEEN at(3000) AND at(3019)) AS fires,
       count(*) FILTER (WHERE is_anomaly AND ts > at(2500) AND ts NOT BETWEEN at(3000 - 256) AND at(3019 + 256)) AS elsewhere
  FROM tsad.detect('again', 'ts', 'v', train_until => at(2500));
SELECT tsad.model_info(tsad.train(ts, v))->'calibration'->'set_aside' AS left_out FROM again WHERE i < 2500;
DROP TABLE again;

-- 3. Stuck "initialising" on sparse data, no reason shown (opensearch anomaly-detection 577, 400).
SELECT verdict, message FROM tsad.suggest('SELECT ts, v FROM metric WHERE i < 50', 'ts', 'v');
SELECT DISTINCT status, message FROM tsad.detect('SELECT ts, v FROM metric WHERE i < 50', 'ts', 'v', train_until => at(40));
-- One sample every hour is as good as one every five minutes.
SELECT count(score) = count(*) AS scored FROM tsad.detect('SELECT ts, v FROM metric WHERE i % 12 = 0', 'ts', 'v', train_until => at(2500));

-- 4. Missing buckets ruin detection (opensearch anomaly-detection PR 1274). A tenth of the rows is missing.
SELECT bool_or(is_anomaly) FILTER (WHERE ts BETWEEN at(3000) AND at(3019)) AS fires,
       count(*) FILTER (WHERE is_anomaly AND ts NOT BETWEEN at(3000 - 256) AND at(3019 + 256)) AS elsewhere, count(*) = count(score) AS all_scored
  FROM tsad.detect('SELECT ts, v FROM metric WHERE i * 7919 % 1009 >= 100', 'ts', 'v', train_until => at(2500));

-- 6. No way to say "this was normal" (opensearch 562, 1419).
CREATE TABLE told AS WITH m AS (SELECT tsad.train(ts, v) AS model FROM metric WHERE i < 2500)
SELECT model, tsad.recalibrate(model, ts, v, CASE WHEN i BETWEEN 2900 AND 3100 THEN false END) AS better FROM metric, m GROUP BY model;
SELECT (SELECT bool_or(is_anomaly) FROM tsad.detect('metric', 'ts', 'v', model => model) WHERE ts BETWEEN at(2900) AND at(3100)) AS before,
       (SELECT bool_or(is_anomaly) FROM tsad.detect('metric', 'ts', 'v', model => better) WHERE ts BETWEEN at(2900) AND at(3100)) AS after FROM told;

-- 7. No reason given (opensearch 299; elastic/kibana 224765). 8. Univariate only (dotnet/machinelearning 1696).
-- Every scored row blames views and columns; jointly scored columns find what their relation breaks.
SELECT count(*) FILTER (WHERE views IS NULL OR contributions IS NULL) AS without_reason,
       bool_or(is_anomaly AND (contributions->>'b')::float8 > 0.5) AS blames_b
  FROM tsad.detect_details('SELECT ts, wave(i) AS a, v AS b, wave(i + 7) AS c FROM metric', 'ts', '{a,b,c}', train_until => at(2500)) WHERE score IS NOT NULL;

-- 10. Stuck at 100 % anomalous after a level change (netdata 12967). A model of the new level finds it normal.
CREATE TABLE level AS SELECT ts, i, v + CASE WHEN i >= 2600 THEN 50 ELSE 0 END AS v FROM metric WHERE i < 3000 OR i > 3100;
SELECT (SELECT avg(is_anomaly::int) > 0.9 FROM tsad.detect('level', 'ts', 'v', train_until => at(2500)) WHERE ts > at(2900)) AS old_model_flags,
       (SELECT sum(is_anomaly::int) FROM tsad.detect('SELECT * FROM level WHERE i >= 2600', 'ts', 'v', train_until => at(3600)) WHERE ts > at(3600)) AS new_model_flags;

-- Nor is a model stuck that has the new level folded in, without a training from nothing; and it finds what is odd there.
-- (The longest window reaches from row 3645 on into the incident.)
CREATE TABLE folded AS WITH m AS (SELECT tsad.train(ts, v) AS model FROM level WHERE i < 2500)
SELECT tsad.update_model(model, ts, v) AS model FROM level, m WHERE i BETWEEN 2700 AND 3600;
SELECT avg(is_anomaly::int) FILTER (WHERE i BETWEEN 3601 AND 3640) AS flags_normal, bool_or(is_anomaly) FILTER (WHERE i BETWEEN 3900 AND 3919) AS finds_incident
  FROM (SELECT ts, i, v + CASE WHEN i BETWEEN 3900 AND 3919 THEN 2 ELSE 0 END AS v FROM level) l JOIN
       tsad.detect('SELECT ts, v + CASE WHEN i BETWEEN 3900 AND 3919 THEN 2 ELSE 0 END AS v FROM level', 'ts', 'v', model => (TABLE folded)) USING (ts);

-- 11. Silent NULL or cap (BigQuery documents both). As many rows out as in, and no NULL score without a status.
SELECT (SELECT count(*) FROM tsad.detect('SELECT ts + n * interval ''1 year'' AS ts, CASE WHEN i % 97 <> 0 THEN v END AS v FROM metric, generate_series(0, 24) n', 'ts', 'v', train_until => at(2500))) AS rows_out,
       (SELECT count(*) * 25 FROM metric) AS rows_in;
SELECT status, count(*) = count(score) AS all_scored, count(score) = 0 AS none_scored
  FROM tsad.detect('SELECT ts, CASE WHEN i % 97 <> 0 THEN v END AS v FROM metric', 'ts', 'v', train_until => at(2500)) GROUP BY 1 ORDER BY 1;

-- 12. Everything is an anomaly on tiny or constant data (opensearch 1449).
SELECT sum(is_anomaly::int) AS constant FROM tsad.detect('SELECT ts, 7 AS v FROM metric', 'ts', 'v', train_until => at(2500));
SELECT sum(is_anomaly::int) AS tiny FROM tsad.detect('SELECT ts, 1e-12 * wave(i) AS v FROM metric', 'ts', 'v', train_until => at(2500));
SELECT sum(is_anomaly::int) AS short, count(score) AS scored FROM tsad.detect('SELECT ts, wave(i) AS v FROM metric WHERE i < 140', 'ts', 'v', train_until => at(100));

-- 13. A quota of alarms instead of an error rate (yzhao062/pyod 744). Nothing is flagged where nothing is odd, however
-- much is asked for; and the rate is a setting.
SELECT sum(is_anomaly::int) AS nothing_odd FROM tsad.detect('SELECT ts, wave(i) AS v FROM metric', 'ts', 'v', train_until => at(2500)) WHERE ts > at(2500);
SELECT tsad.model_info(tsad.recalibrate(model, 0.01))->'calibration'->'alpha' AS asked, tsad.model_info(model)->'calibration' ? 'achieved_false_alarm_rate' AS achieved_is_told FROM told;

-- 14. I want it in the database (timescaledb-toolkit 45, 184). 16. Python baggage (tembo-io/trunk PR 413).
SELECT extname, (SELECT count(*) FROM pg_depend d WHERE d.classid = 'pg_extension'::regclass AND d.objid = e.oid AND d.refclassid = 'pg_extension'::regclass) AS other_extensions_needed,
       (SELECT count(*) FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = 'tsad'::regnamespace AND l.lanname NOT IN ('c', 'sql', 'plpgsql', 'internal')) AS functions_in_other_languages
  FROM pg_extension e WHERE extname = 'pg_tsad';

-- 15. Fragile model life cycle (postgresml 1259). A model is a value: it lives in any table, moves with a rename, a copy and
-- a rollback, and needs nothing else.
CREATE TABLE kept AS SELECT 'a' AS name, model FROM told;
ALTER TABLE kept RENAME TO kept_elsewhere;
BEGIN; UPDATE kept_elsewhere SET model = '\x00'; ROLLBACK;
CREATE TABLE copied AS SELECT name, decode(encode(model, 'hex'), 'hex') AS model FROM kept_elsewhere;
SELECT count(*) AS different FROM (SELECT ts, score FROM tsad.detect('metric', 'ts', 'v', model => (SELECT model FROM copied))
                     EXCEPT SELECT ts, score FROM tsad.detect('metric', 'ts', 'v', model => (SELECT model FROM told))) d;

-- 17. Scores change afterwards (elastic/stack-docs PR 1334). What is final stays, to the last bit, when rows arrive.
CREATE TABLE first AS SELECT * FROM tsad.detect('SELECT ts, v FROM metric WHERE i < 3500', 'ts', 'v', model => (SELECT model FROM told));
SELECT count(*) FILTER (WHERE f.is_final) AS final, count(*) FILTER (WHERE f.is_final AND (f.score, f.p_value, f.is_anomaly) IS DISTINCT FROM (d.score, d.p_value, d.is_anomaly)) AS changed
  FROM first f JOIN tsad.detect('metric', 'ts', 'v', model => (SELECT model FROM told)) d USING (ts);
DROP TABLE metric, told, level, folded, kept_elsewhere, copied, first;
