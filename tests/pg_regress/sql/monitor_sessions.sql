-- What takes several sessions: listeners, and two runs at once.
-- needs: dblink
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
CREATE EXTENSION dblink;
SELECT format('host=%s port=%s dbname=%s user=%s', current_setting('unix_socket_directories'), current_setting('port'), current_database(), current_user) AS here \gset
CREATE TABLE life AS SELECT h AS host, i, at(i) AS ts, wave(i) + CASE WHEN h = 'spike' AND i BETWEEN 3000 AND 3019 THEN 2 ELSE 0 END AS v
  FROM generate_series(0, 4999) i, unnest('{calm,spike}'::text[]) h;
CREATE INDEX ON life (host, ts);
CREATE VIEW told AS SELECT monitor, series, started_at, ended_at, peak_at, peak_score, min_p_value, n_points, contributions, views, is_final, model_version FROM tsad.anomalies;

-- Listeners hear of each event once, when it begins and when it ends, however often the monitor runs.
SELECT tsad.create_monitor('m', 'life', 'ts', 'v', series_columns => '{host}', start_at => at(2000), train_window => '7 days', channel => 'my channel', announce_within => '30 days') > 0 AS created;
SELECT dblink_connect('listener', :'here');
SELECT dblink_exec('listener', 'LISTEN "my channel"');
CALL tsad.run_monitor('m', at(3020));
CALL tsad.run_monitor('m', at(3020));
SELECT * FROM dblink('listener', 'SELECT 1') t (in_step int);
SELECT notify_name, extra::jsonb->>'monitor' AS monitor, extra::jsonb->>'action' AS action, extra::jsonb->'series' AS series, extra::jsonb ? 'peak_score' AS score, octet_length(extra) < 8000 AS short FROM dblink_get_notify('listener');
CALL tsad.run_monitor('m', at(3499));
CALL tsad.run_monitor('m', at(4999));
SELECT * FROM dblink('listener', 'SELECT 1') t (in_step int);
SELECT extra::jsonb->>'action' AS action, extra::jsonb->'series' AS series FROM dblink_get_notify('listener');
SELECT tsad.drop_monitor('m');
-- Names that no notification can hold are left out of it; the number of the event is not.
CREATE VIEW long_names AS SELECT repeat('x', 5000) AS a, repeat('ü', 1900) AS b, ts, v FROM life WHERE host = 'spike';
SELECT tsad.create_monitor('long', 'long_names', 'ts', 'v', series_columns => '{a,b}', start_at => at(2000), train_window => '7 days', channel => 'my channel', announce_within => '30 days') > 0 AS created;
CALL tsad.run_monitor('long', at(3499));
SELECT * FROM dblink('listener', 'SELECT 1') t (in_step int);
SELECT extra::jsonb->>'action' AS action, (SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(extra::jsonb) k) AS of_payload, octet_length(extra) < 8000 AS fits FROM dblink_get_notify('listener');
SELECT dblink_disconnect('listener');
SELECT tsad.drop_monitor('long');

-- A source that somebody holds is an error of the monitor, told once and not for each series, and gone with the next run.
SELECT tsad.create_monitor('held', 'life', 'ts', 'v', series_columns => '{host}', start_at => at(2000), train_window => '7 days') > 0 AS created;
CALL tsad.run_monitor('held', at(3100));
SELECT dblink_connect('holder', :'here');
SELECT dblink_exec('holder', 'BEGIN'), dblink_exec('holder', 'LOCK TABLE life IN ACCESS EXCLUSIVE MODE');
SET lock_timeout = '50ms';
CALL tsad.run_monitor('held', at(3200));
SELECT state, message, ok, failed FROM tsad.monitor_status();
SELECT dblink_exec('holder', 'ROLLBACK'), dblink_disconnect('holder');
RESET lock_timeout;
CALL tsad.run_monitor('held', at(3200));
SELECT state, message, ok, failed FROM tsad.monitor_status();
SELECT tsad.drop_monitor('held');

-- Two runs at once share the work: nothing is done twice, nothing is left.
CREATE TABLE fleet AS SELECT n, ts, v + CASE WHEN n % 2 = 0 AND i BETWEEN 3000 AND 3019 THEN 2 ELSE 0 END AS v FROM life, generate_series(1, 24) n WHERE host = 'calm' AND i < 3500;
CREATE INDEX ON fleet (n, ts);
SELECT tsad.create_monitor(name, 'fleet', 'ts', 'v', series_columns => '{n}', start_at => at(2000), train_window => '7 days', batch_size => 3) > 0 AS created FROM unnest('{two,alone}'::text[]) name;
SELECT dblink_connect('a', :'here'), dblink_connect('b', :'here');
SELECT dblink_send_query('a', $$CALL tsad.run_monitor('two', '2026-01-13 03:35+00')$$), dblink_send_query('b', $$CALL tsad.run_monitor('two', '2026-01-13 03:35+00')$$);
SELECT * FROM dblink_get_result('a') t (status text);
SELECT * FROM dblink_get_result('b') t (status text);
SELECT dblink_disconnect('a'), dblink_disconnect('b');
CALL tsad.run_monitor('two', at(3499));
CALL tsad.run_monitor('alone', at(3499));
SELECT m.name, count(*) AS series, count(*) FILTER (WHERE s.state = 'ok') AS ok, (SELECT count(*) FROM tsad.monitor_model v WHERE v.monitor = m.id) AS models,
       (SELECT count(*) FROM told t WHERE t.monitor = m.name) AS events FROM tsad.monitor_series s JOIN tsad.monitor m ON m.id = s.monitor WHERE m.name <> 'm' GROUP BY m.id, m.name ORDER BY 1;
SELECT count(*) AS different FROM (SELECT to_jsonb(t) - 'monitor' FROM told t WHERE monitor = 'two' EXCEPT SELECT to_jsonb(t) - 'monitor' FROM told t WHERE monitor = 'alone') d;
-- A series that another run has in hand is skipped, and looked for again.
-- It has no row within the late window that would have it found again anyway.
INSERT INTO fleet SELECT n, at(i), wave(i) FROM generate_series(3500, 3599) i, generate_series(1, 24) n WHERE n <> 5 OR i < 3560;
SELECT dblink_connect('a', :'here');
SELECT dblink_exec('a', 'BEGIN');
SELECT * FROM dblink('a', $$SELECT series FROM tsad.monitor_series s WHERE series = '{"n": 5}' AND monitor = (SELECT id FROM tsad.monitor m WHERE m.name = 'two') FOR UPDATE$$) t (series jsonb);
CALL tsad.run_monitor('two', at(3599));
SELECT count(*) FILTER (WHERE newest_at > at(3550)) AS seen, count(*) FILTER (WHERE newest_at < at(3550)) AS skipped FROM tsad.series_status('two');
SELECT dblink_exec('a', 'ROLLBACK'), dblink_disconnect('a');
CALL tsad.run_monitor('two', at(3599));
SELECT count(*) FILTER (WHERE newest_at > at(3550)) AS seen, count(*) FILTER (WHERE newest_at < at(3550)) AS skipped FROM tsad.series_status('two');

SELECT tsad.drop_monitor('two'), tsad.drop_monitor('alone');
DROP VIEW told, long_names;
DROP TABLE life, fleet;
DROP EXTENSION dblink;
