-- The models of monitors: what trains them, when, how many are kept; and what settings do to episodes.
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
-- Two incidents an hour and a half apart, and a large one in the history.
CREATE TABLE src AS SELECT at(i) AS ts, wave(i) + CASE WHEN i BETWEEN 2700 AND 2709 OR i BETWEEN 2728 AND 2737 THEN 2 WHEN i BETWEEN 1000 AND 1049 THEN 9 ELSE 0 END AS v FROM generate_series(0, 3999) i;
CREATE VIEW models AS SELECT m.name AS monitor, v.version, v.reason, v.trained_until, v.rows, v.version = s.version AS in_use FROM tsad.monitor_model v JOIN tsad.monitor_series s ON s.id = v.series JOIN tsad.monitor m ON m.id = v.monitor;

-- What is excluded does not train; other series columns, and other times, do not matter.
SELECT tsad.create_monitor(name, 'src', 'ts', 'v', start_at => at(1500), train_window => '10 days', retrain_every => NULL, retention => '30 days') > 0 AS created FROM unnest('{all,without}'::text[]) name;
SELECT tsad.exclude('without', at(990), at(1059)) > 0 AS excluded;
CALL tsad.run_monitor('all', at(1600)); CALL tsad.run_monitor('without', at(1600));
SELECT monitor, version, rows FROM models ORDER BY 1;
-- An excluded range is forgotten when nothing asks for it any more.
CALL tsad.run_monitor('without', at(3999));
SELECT count(*) AS kept FROM tsad.monitor_exclusion;
INSERT INTO src (ts, v) VALUES (at(3999) + interval '31 days', 0);
CALL tsad.run_monitor('without', at(3999) + interval '31 days');
DELETE FROM src WHERE ts > at(3999);
SELECT count(*) AS kept FROM tsad.monitor_exclusion;
SELECT tsad.drop_monitor('all'), tsad.drop_monitor('without');

-- A young series is trained anew when its data has doubled, although retrain_every is far off.
SELECT tsad.create_monitor('young', 'src', 'ts', 'v', start_at => at(1100), train_window => '100 days', retrain_every => '100 days', adapt_after => NULL) > 0 AS created;
CALL tsad.run_monitor('young', at(3999));
SELECT version, reason, trained_until, in_use FROM models ORDER BY version;
SELECT tsad.drop_monitor('young');

-- A version that was gone back to stays in use, however often it runs and whatever is due; then the newest are kept, keep_models of them.
SELECT tsad.create_monitor('kept', 'src', 'ts', 'v', start_at => at(1500), train_window => '5 days', retrain_every => '1 day', keep_models => 2) > 0 AS created;
CALL tsad.run_monitor('kept', at(2400));
SELECT version, in_use FROM models ORDER BY version;
SELECT tsad.use_model_version('kept', '{}', (SELECT min(version) FROM models)) AS version \gset
CALL tsad.run_monitor('kept', at(3200)); CALL tsad.run_monitor('kept', at(3300)); CALL tsad.run_monitor('kept', at(3400));
SELECT version = :version AS gone_back_to, in_use FROM models WHERE in_use;
SELECT count(*) AS models FROM models;
SELECT tsad.use_model_version('kept', '{}', NULL) > :version AS newer;
CALL tsad.run_monitor('kept', at(3999));
SELECT count(*) AS models, max(version) > :version + 2 AS trained_again, bool_or(in_use AND version = (SELECT max(version) FROM models)) AS newest_in_use FROM models;
SELECT tsad.drop_monitor('kept');

-- Rows of before start_at that come late are no rows that came too late to be scored.
CREATE TABLE held AS SELECT * FROM src WHERE ts BETWEEN at(1480) AND at(1489);
DELETE FROM src WHERE ts BETWEEN at(1480) AND at(1489);
SELECT tsad.create_monitor('late', 'src', 'ts', 'v', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('late', at(1530)); CALL tsad.run_monitor('late', at(1531));
INSERT INTO src TABLE held;
CALL tsad.run_monitor('late', at(1532));
SELECT rows_too_late FROM tsad.series_status('late');
SELECT tsad.drop_monitor('late');

-- Breaks that merge, and how far below its highest score an episode goes.
SELECT tsad.create_monitor(format('%s %s', gap, focus), 'SELECT * FROM src WHERE ts > at(1100)', 'ts', 'v', start_at => at(2400), train_window => '10 days', retrain_every => NULL, options => '{"scales": [8, 16]}', merge_gap => gap::interval, focus => focus) > 0 AS created
  FROM (VALUES ('0', 0.9), ('3 h', 0.9), ('0', 0)) x (gap, focus);
SELECT format('CALL tsad.run_monitor(%L, at(3999))', name) FROM tsad.monitor ORDER BY id \gexec
SELECT monitor, count(*) AS episodes, sum(n_points) > 40 AS wide FROM tsad.anomalies GROUP BY 1 ORDER BY 1;
SELECT count(tsad.drop_monitor(name)) AS dropped FROM tsad.monitor;
DROP VIEW models;
DROP TABLE src, held;
