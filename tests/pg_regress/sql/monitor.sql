-- Monitors: created, run step by step, told about, changed, dropped. All times are given, so that no clock shows.
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
CREATE TABLE fleet (host text, ts timestamptz, cpu float8, mem float8);
CREATE INDEX ON fleet (host, ts);
-- web1 has two incidents, web2 none, web3 comes late, web4 never has enough.
CREATE VIEW life AS
    SELECT h AS host, at(i) AS ts, i,
           wave(i) + CASE WHEN h = 'web1' AND (i BETWEEN 3000 AND 3019 OR i BETWEEN 4200 AND 4209) THEN 2 ELSE 0 END AS cpu, 50 + wave(i + 7) AS mem
      FROM generate_series(0, 5199) i, unnest('{web1,web2,web3,web4}'::text[]) h
     WHERE h IN ('web1', 'web2') OR h = 'web3' AND i >= 2600 OR h = 'web4' AND i >= 5000;

SELECT tsad.create_monitor('cpu', 'fleet', 'ts', 'cpu', series_columns => '{host}', start_at => at(2000), train_window => '7 days', retrain_every => '3 days') > 0 AS created;
-- What is wrong is said at once, and nothing is made.
SELECT * FROM error_of($$SELECT tsad.create_monitor('cpu', 'fleet', 'ts', 'cpu')$$);
SELECT * FROM error_of($$SELECT tsad.create_monitor('x', 'fleets', 'ts', 'cpu')$$);
SELECT * FROM error_of($$SELECT tsad.create_monitor('x', 'fleet', 'ts', 'cpus')$$);
SELECT * FROM error_of($$SELECT tsad.create_monitor('x', 'fleet', 'cpu', 'ts')$$);
SELECT * FROM error_of($$SELECT tsad.create_monitor('x', 'fleet', 'ts', 'cpu', series_columns => '{hots}')$$);
SELECT * FROM error_of($$SELECT tsad.create_monitor('x', 'SELECT 1::bigint AS ts, 1.0 AS v', 'ts', 'v')$$);
SELECT * FROM error_of($$SELECT tsad.create_monitor('x', 'fleet', 'ts', 'cpu', options => '{"alfa": 0.1}')$$);
SELECT * FROM error_of($$SELECT tsad.create_monitor('x', 'fleet', 'ts', 'cpu', alpha => 0.1, alarms_per_day => 1)$$);
SELECT * FROM error_of($$SELECT tsad.create_monitor('x', 'fleet', 'ts', 'cpu', on_event => 'nothing')$$);
SELECT * FROM error_of($$SELECT tsad.create_monitor('x', 'fleet', 'ts', 'cpu', min_duration => NULL)$$);
SELECT * FROM error_of($$SELECT tsad.create_monitor('x', 'fleet', 'ts', 'cpu', train_window => '-1 day')$$);
SELECT * FROM error_of($$SELECT tsad.alter_monitor('cpu', '{"late_windows": "1 hour"}')$$);
SELECT * FROM error_of($$SELECT tsad.alter_monitor('cpus', '{"late_window": "1 hour"}')$$);
SELECT * FROM error_of($$SELECT tsad.alter_monitor('cpu', '[]')$$);
SELECT * FROM error_of($$CALL tsad.run_monitor('cpus')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.monitor_plan('cpu')$$);
SELECT count(*) AS monitors FROM tsad.monitor;

-- An empty table, and one without a model yet: the status says what is missing.
CALL tsad.run_monitor('cpu', at(100));
SELECT monitor, state, message, series, events FROM tsad.monitor_status('cpu');
INSERT INTO fleet SELECT host, ts, cpu, mem FROM life WHERE i < 900;
CALL tsad.run_monitor('cpu', at(900));
SELECT series, state, message, newest_at, model_version FROM tsad.series_status('cpu');

-- The first model is trained at start_at, and what comes later is scored.
INSERT INTO fleet SELECT host, ts, cpu, mem FROM life WHERE i BETWEEN 900 AND 2799;
CALL tsad.run_monitor('cpu', at(2799));
SELECT series, state, message, model_version, trained_until = at(2000) AS at_start, watermark > at(2000) AS settled_further FROM tsad.series_status('cpu');

-- An incident: open while it lasts, one event however often one looks, ended afterwards, final when nothing can change it.
INSERT INTO fleet SELECT host, ts, cpu, mem FROM life WHERE i BETWEEN 2800 AND 3015;
CALL tsad.run_monitor('cpu', at(3015));
SELECT monitor, series, ended_at IS NULL AS open, started_at BETWEEN at(2900) AND at(3010) AS at_the_time, is_final, n_points > 0 AS points FROM tsad.anomalies;
SELECT id AS first_id FROM tsad.anomalies \gset
CALL tsad.run_monitor('cpu', at(3015));
INSERT INTO fleet SELECT host, ts, cpu, mem FROM life WHERE i BETWEEN 3016 AND 3300;
CALL tsad.run_monitor('cpu', at(3300));
INSERT INTO fleet SELECT host, ts, cpu, mem FROM life WHERE i BETWEEN 3301 AND 3999;
CALL tsad.run_monitor('cpu', at(3999));
SELECT id = :first_id AS same, series, ended_at IS NULL AS open, peak_at BETWEEN at(3000) AND at(3019) AS peak_in_it, is_final,
       contributions, (SELECT sum(w::numeric) FROM jsonb_each_text(views) e (k, w)) AS views FROM tsad.anomalies;

-- The rest, in steps of ten; another monitor of the same looks once, a third one whenever it likes. What is settled is the same
-- to the last bit: events, watermarks apart, and models, which are trained at times of the data and not of the runs.
INSERT INTO fleet SELECT host, ts, cpu, mem FROM life WHERE i >= 4000;
DO $$ BEGIN FOR i IN 400..519 LOOP CALL tsad.run_monitor('cpu', at(10 * i + 9)); END LOOP; END $$;
SELECT tsad.create_monitor('once', 'fleet', 'ts', 'cpu', series_columns => '{host}', start_at => at(2000), train_window => '7 days', retrain_every => '3 days') > 0 AS created;
CALL tsad.run_monitor('once', at(5199));
SELECT tsad.create_monitor('seldom', 'SELECT * FROM fleet', 'ts', 'cpu', series_columns => '{host}', start_at => at(2000), train_window => '7 days', retrain_every => '3 days', batch_size => 1) > 0 AS created;
DO $$ BEGIN FOR i IN 1..8 LOOP CALL tsad.run_monitor('seldom', at(1000 + (i * i * 4199 / 64.0)::int)); END LOOP; END $$;
CREATE VIEW told AS SELECT monitor, series, started_at, ended_at, peak_at, peak_score, min_p_value, n_points, contributions, views, is_final, model_version FROM tsad.anomalies;
SELECT count(*) AS events, count(*) FILTER (WHERE is_final) AS final FROM told WHERE monitor = 'once';
SELECT other, (SELECT count(*) FROM (SELECT to_jsonb(t) - 'monitor' FROM told t WHERE monitor = other EXCEPT SELECT to_jsonb(t) - 'monitor' FROM told t WHERE monitor = 'once') d) AS events_different,
       (SELECT count(*) FROM (SELECT s.series, v.version, md5(model), v.trained_from, v.trained_until FROM tsad.monitor_model v JOIN tsad.monitor_series s ON s.id = v.series JOIN tsad.monitor m ON m.id = s.monitor WHERE m.name = other
                       EXCEPT SELECT s.series, v.version, md5(model), v.trained_from, v.trained_until FROM tsad.monitor_model v JOIN tsad.monitor_series s ON s.id = v.series JOIN tsad.monitor m ON m.id = s.monitor WHERE m.name = 'once') d) AS models_different
  FROM unnest('{cpu,seldom}'::text[]) other;
SELECT series, state, message, model_version, trained_until, next_training, open_events FROM tsad.series_status('cpu');
SELECT monitor, state, message, series, ok, collecting, failed, waiting, open_events, events, newest_at FROM tsad.monitor_status() ORDER BY 1;
SELECT s.series, array_agg(reason ORDER BY v.version) AS reasons, array_agg(v.version ORDER BY v.version) AS versions FROM tsad.monitor_model v JOIN tsad.monitor_series s ON s.id = v.series
  JOIN tsad.monitor m ON m.id = s.monitor WHERE m.name = 'cpu' GROUP BY 1 ORDER BY 1;

-- Only what is needed is read, by the index, whatever lies before.
ANALYZE fleet;
SET enable_seqscan = off; SET enable_bitmapscan = off;
SELECT regexp_replace(line, '''[-0-9]+ [0-9:]+\+00''', '''...''', 'g') AS plan FROM tsad.monitor_plan('cpu', at(5199)) line;
RESET enable_seqscan; RESET enable_bitmapscan;

-- Versions: going back pins a version, NULL takes the newest and trains again.
SELECT tsad.use_model_version('cpu', '{"host": "web1"}', 1);
SELECT model_version, pinned, next_training FROM tsad.series_status('cpu') WHERE series = '{"host": "web1"}';
SELECT * FROM error_of($$SELECT tsad.use_model_version('cpu', '{"host": "web1"}', 99)$$);
SELECT * FROM error_of($$SELECT tsad.use_model_version('cpu', '{"host": "web9"}', 1)$$);
SELECT tsad.use_model_version('cpu', '{"host": "web1"}', NULL) > 1 AS newest;
SELECT tsad.retrain('cpu', '{"host": "web1"}');
CALL tsad.run_monitor('cpu', at(5199));
SELECT reason FROM tsad.monitor_model v JOIN tsad.monitor_series s ON s.id = v.series JOIN tsad.monitor m ON m.id = s.monitor WHERE m.name = 'cpu' AND s.series = '{"host": "web1"}' ORDER BY v.version DESC LIMIT 1;

-- Settings.
SELECT tsad.alter_monitor('cpu', '{"paused": true, "late_window": "2 hours", "retention": null, "name": "cpu load"}');
CALL tsad.run_monitor('cpu load', at(5199));
SELECT monitor, state FROM tsad.monitor_status('cpu load');
SELECT late_window, retention, paused FROM tsad.monitor WHERE name = 'cpu load';
SELECT tsad.alter_monitor('cpu load', '{"paused": false, "value_columns": ["cpu", "mem"]}');
CALL tsad.run_monitor('cpu load', at(5199));
SELECT series, state, message, model_version FROM tsad.series_status('cpu load');
SELECT tsad.drop_monitor('cpu load'), tsad.drop_monitor('once'), tsad.drop_monitor('seldom');
SELECT (SELECT count(*) FROM tsad.monitor_series) AS series, (SELECT count(*) FROM tsad.monitor_model) AS models, (SELECT count(*) FROM tsad.monitor_event) AS events;
DROP VIEW told, life;
DROP TABLE fleet;
