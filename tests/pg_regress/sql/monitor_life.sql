-- What monitors do in the life of a fleet: late rows, level changes, feedback, maintenance, silence, dump and
-- restore; what takes several sessions is in monitor_sessions.sql. The complaints of users of other detectors that are about scheduled detection, each by its number.
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
CREATE TABLE life (host text, i int, ts timestamptz, v float8);
INSERT INTO life SELECT h, i, at(i), wave(i) + CASE WHEN h = 'spike' AND i BETWEEN 3000 AND 3019 THEN 2 WHEN h = 'level' AND i >= 3000 THEN 3 ELSE 0 END
  FROM generate_series(0, 4999) i, unnest('{calm,level,spike}'::text[]) h;
CREATE TABLE seen (host text, ts timestamptz, v float8);
CREATE INDEX ON seen (host, ts);
CREATE VIEW told AS SELECT monitor, series, started_at, ended_at, peak_at, peak_score, min_p_value, n_points, contributions, views, is_final, model_version FROM tsad.anomalies;

-- 1. Points under test leak into the training (elementary 1491, 1560; SigNoz 6963). Models are trained on what is settled, and what
-- they score is later: no row is scored by a model that has seen it.
INSERT INTO seen SELECT host, ts, v FROM life WHERE i < 3500;
SELECT tsad.create_monitor('m', 'seen', 'ts', 'v', series_columns => '{host}', start_at => at(2000), train_window => '7 days', retrain_every => '2 days', announce_within => '30 days') > 0 AS created;
CALL tsad.run_monitor('m', at(3499));
SELECT series, peak_at BETWEEN at(3000) AND at(3200) AS at_the_change, ended_at IS NULL AS open FROM tsad.anomalies ORDER BY series, started_at;
SELECT count(*) AS models, count(*) FILTER (WHERE v.trained_until > s.watermark) AS trained_on_unsettled FROM tsad.monitor_model v JOIN tsad.monitor_series s ON s.id = v.series;

-- 17. Scores change afterwards (elastic/stack-docs PR 1334). What is final stays, whatever comes and however often it runs.
INSERT INTO seen SELECT host, ts, v FROM life WHERE i BETWEEN 3500 AND 4999;
CALL tsad.run_monitor('m', at(4200));
CREATE TABLE before AS SELECT * FROM told WHERE is_final;
CALL tsad.run_monitor('m', at(4999)); CALL tsad.run_monitor('m', at(4999));
SELECT (SELECT count(*) FROM before) AS final, count(*) AS changed FROM (TABLE before EXCEPT TABLE told) d;

-- 10. Stuck at 100 % anomalous after a level change (netdata 12967). Even without a schedule for training: what lasts is taken for
-- the new normal, trained, and quiet again.
SELECT tsad.create_monitor('level', $$SELECT * FROM seen WHERE host = 'level'$$, 'ts', 'v', start_at => at(2000), train_window => '7 days', retrain_every => NULL, adapt_after => '12 hours') > 0 AS created;
CALL tsad.run_monitor('level', at(4999));
SELECT series, peak_at BETWEEN at(3000) AND at(3200) AS at_the_change, last_at < at(4000) AS quiet_after_two_windows, is_final FROM tsad.anomalies WHERE monitor = 'level' ORDER BY started_at;
SELECT v.version, v.reason FROM tsad.monitor_model v JOIN tsad.monitor m ON m.id = v.monitor WHERE m.name = 'level' ORDER BY v.version;
SELECT tsad.drop_monitor('level');

-- 2. A past incident hides the next one (elementary 980, 1589). Episodes do not train: the same spike is found again.
INSERT INTO seen SELECT 'spike', at(i), wave(i) + CASE WHEN i BETWEEN 5300 AND 5319 THEN 2 ELSE 0 END FROM generate_series(5000, 5699) i;
CALL tsad.run_monitor('m', at(5699));
SELECT count(*) FILTER (WHERE peak_at BETWEEN at(3000) AND at(3019)) AS first, count(*) FILTER (WHERE peak_at BETWEEN at(5300) AND at(5319)) AS second, count(*) AS events FROM tsad.anomalies WHERE series = '{"host": "spike"}';

-- 9. Late data never analysed (elastic/elasticsearch 35131). Rows that come an hour after later ones: the same in the end as in order.
CREATE TABLE late (host text, ts timestamptz, v float8);
CREATE INDEX ON late (host, ts);
SELECT tsad.create_monitor(name, 'late', 'ts', 'v', series_columns => '{host}', start_at => at(2000), train_window => '7 days', retrain_every => '2 days', late_window => '1 hour') > 0 AS created FROM (VALUES ('late')) n (name);
DO $$ BEGIN
    FOR k IN 60..166 LOOP
        -- A row in seven comes 55 minutes, eleven rows, late: after the run that would have seen it.
        INSERT INTO late SELECT host, ts, v FROM life WHERE host <> 'level' AND CASE WHEN i % 7 = 3 THEN i + 11 ELSE i END BETWEEN CASE WHEN k = 60 THEN 0 ELSE 30 * k END AND 30 * k + 29;
        CALL tsad.run_monitor('late', at(30 * k + 29));
    END LOOP;
END $$;
SELECT tsad.create_monitor('in order', 'late', 'ts', 'v', series_columns => '{host}', start_at => at(2000), train_window => '7 days', retrain_every => '2 days') > 0 AS created;
CALL tsad.run_monitor('in order', at(5009));
SELECT count(*) AS events, bool_or(peak_at BETWEEN at(3000) AND at(3019)) AS spike_found FROM told WHERE monitor = 'late';
SELECT count(*) AS different FROM (SELECT to_jsonb(t) - 'monitor' FROM told t WHERE monitor = 'late' EXCEPT SELECT to_jsonb(t) - 'monitor' FROM told t WHERE monitor = 'in order') d;

-- 6. No way to say "this was normal" (opensearch 562, 1419).
SELECT id AS event FROM tsad.anomalies WHERE monitor = 'm' AND series = '{"host": "spike"}' ORDER BY started_at LIMIT 1 \gset
SELECT model_version AS version FROM tsad.series_status('m') WHERE series = '{"host": "spike"}' \gset
SELECT (f->>'threshold')::float8 > (f->>'threshold_before')::float8 AS raised, (f->>'model_version')::int > :version AS another_version FROM tsad.feedback(:event, false, 'load test') f;
SELECT verdict FROM tsad.anomalies WHERE id = :event;
-- The same again is quiet now; something else is not.
INSERT INTO seen SELECT 'spike', at(i), CASE WHEN i BETWEEN 6900 AND 6999 THEN 4 * wave(7 * i) ELSE wave(i) + CASE WHEN i BETWEEN 6000 AND 6019 THEN 2 ELSE 0 END END FROM generate_series(5700, 7499) i;
CALL tsad.run_monitor('m', at(7499));
SELECT count(*) FILTER (WHERE peak_at BETWEEN at(5950) AND at(6070)) AS same_again, count(*) FILTER (WHERE peak_at BETWEEN at(6880) AND at(7020)) AS something_else FROM tsad.anomalies WHERE series = '{"host": "spike"}' AND monitor = 'm' AND started_at > at(5700);
-- It can be revoked by saying otherwise; but the model was trained anew since, with what was called normal in it, and says so.
SELECT (f->>'threshold')::float8 <= (f->>'threshold_before')::float8 AS not_raised, f->>'message' AS message FROM tsad.feedback('m', '{"host": "spike"}', at(3000), at(3019), true, 'it was one after all') f;
SELECT given_by, is_anomaly, note FROM tsad.monitor_feedback ORDER BY id;
SELECT * FROM error_of($$SELECT tsad.feedback('m', '{"host": "spike"}', at(1), at(0), true)$$);
SELECT * FROM error_of($$SELECT tsad.feedback('m', '{"host": "spikes"}', now(), now(), true)$$);
SELECT * FROM error_of($$SELECT tsad.feedback(1000000, true)$$);
SELECT tsad.drop_monitor('m'), tsad.drop_monitor('late'), tsad.drop_monitor('in order');

-- Maintenance: the range is neither scored nor trained on, its neighbours do not suffer, and what was found in it is not shown.
SELECT tsad.create_monitor('m', 'seen', 'ts', 'v', series_columns => '{host}', start_at => at(2000), train_window => '7 days') > 0 AS created;
SELECT tsad.exclude('m', at(2990), at(3030), '{"host": "spike"}', 'upgrade') AS exclusion \gset
SELECT * FROM error_of($$SELECT tsad.exclude('m', at(2990), at(3030), '{"hosts": "spike"}')$$);
SELECT * FROM error_of($$SELECT tsad.exclude('m', at(2990), at(30))$$);
CALL tsad.run_monitor('m', at(3499));
SELECT series, count(*) FROM tsad.anomalies GROUP BY 1 ORDER BY 1;
SELECT tsad.include(:exclusion), tsad.include(:exclusion);
SELECT tsad.drop_monitor('m');

-- In a transaction block everything is one transaction, and can be undone.
SELECT tsad.create_monitor('m', 'seen', 'ts', 'v', series_columns => '{host}', start_at => at(2000), train_window => '7 days', batch_size => 1) > 0 AS created;
BEGIN;
CALL tsad.run_monitor('m', at(3499));
SELECT count(*) AS events FROM tsad.anomalies;
ROLLBACK;
SELECT (SELECT count(*) FROM tsad.anomalies) AS events, (SELECT count(*) FROM tsad.monitor_series) AS series;
-- By itself it commits after each batch.
CREATE TABLE transactions (id xid8 DEFAULT pg_current_xact_id());
CREATE FUNCTION note_transaction(event jsonb) RETURNS void LANGUAGE sql AS 'INSERT INTO public.transactions DEFAULT VALUES';
SELECT tsad.alter_monitor('m', '{"on_event": "note_transaction", "announce_within": "30 days"}');
CALL tsad.run_monitor('m', at(3499));
SELECT count(DISTINCT xmin::text) AS transactions, count(*) AS series FROM tsad.monitor_series;
-- So is each call of on_event.
SELECT count(*) = count(DISTINCT id) AS apart, count(*) > 1 AS several FROM transactions;

-- A fleet to be copied below.
CREATE TABLE fleet AS SELECT n, ts, v + CASE WHEN n % 2 = 0 AND i BETWEEN 3000 AND 3019 THEN 2 ELSE 0 END AS v FROM life, generate_series(1, 24) n WHERE host = 'calm' AND i < 3600;
CREATE INDEX ON fleet (n, ts);
SELECT tsad.create_monitor('two', 'fleet', 'ts', 'v', series_columns => '{n}', start_at => at(2000), train_window => '7 days', batch_size => 3) > 0 AS created;
CALL tsad.run_monitor('two', at(3599));

-- A series that falls silent in the middle of an episode does not keep the alarm up for ever; what comes later is another one.
CREATE TABLE silent AS SELECT i, at(i) AS ts, wave(i) + CASE WHEN i >= 3000 THEN 2 ELSE 0 END AS v, h FROM generate_series(0, 3599) i, unnest('{gone,here}'::text[]) h WHERE h = 'here' OR i NOT BETWEEN 3010 AND 3299;
SELECT tsad.create_monitor('silent', 'silent', 'ts', 'v', '{h}', start_at => at(2000), train_window => '7 days') > 0 AS created;
CALL tsad.run_monitor('silent', at(3015));
SELECT ended_at IS NULL AS open FROM tsad.anomalies WHERE monitor = 'silent' AND series = '{"h": "gone"}';
CALL tsad.run_monitor('silent', at(3100));
SELECT ended_at BETWEEN at(3005) AND at(3009) AS ended_with_the_last_rows, is_final FROM tsad.anomalies WHERE monitor = 'silent' AND series = '{"h": "gone"}';
CALL tsad.run_monitor('silent', at(3599));
SELECT bool_or(ended_at BETWEEN at(3005) AND at(3009)) AS as_it_was, count(*) FILTER (WHERE started_at BETWEEN at(3010) AND at(3299)) AS in_the_silence FROM tsad.anomalies WHERE monitor = 'silent' AND series = '{"h": "gone"}';
SELECT tsad.drop_monitor('silent');
DROP TABLE silent;

-- No scheduler in this database.
SELECT * FROM error_of($$SELECT tsad.schedule('two', '*/5 * * * *')$$);
SELECT tsad.unschedule('two');
SELECT tsad._cron_of(i::interval) FROM unnest('{5 minutes,1 hour,6 hours,1 day,7 minutes,90 seconds}'::text[]) i;
SELECT tsad._interval_of(c) FROM unnest(ARRAY['* * * * *', '*/5 * * * *', '7 * * * *', '0 */6 * * *', '30 4 * * *', '0 0 1 * *']) c;

-- pg_dump carries all of it, and the copy goes on as the original does.
SELECT tsad.drop_monitor('m');
\! pg_dump --format=custom --dbname=tsad_regress --file=monitors.dump
CREATE DATABASE tsad_restored;
\! pg_restore --dbname=tsad_restored monitors.dump && rm monitors.dump
INSERT INTO fleet SELECT n, at(i), wave(i) FROM generate_series(3600, 4299) i, generate_series(1, 24) n;
CALL tsad.run_monitor('two', at(4299));
CREATE TABLE original AS SELECT * FROM told;
\! pg_dump --dbname=tsad_regress --table=original | psql --quiet --output=/dev/null --dbname=tsad_restored
\c tsad_restored
SET timezone = 'UTC';
SELECT (SELECT count(*) FROM tsad.monitor) AS monitors, (SELECT count(*) FROM tsad.monitor_series WHERE watermark IS NOT NULL) AS watermarks, (SELECT count(*) FROM tsad.monitor_model) AS models, (SELECT count(*) FROM tsad.anomalies) AS events;
INSERT INTO fleet SELECT n, at(i), wave(i) FROM generate_series(3600, 4299) i, generate_series(1, 24) n;
CALL tsad.run_monitor('two', at(4299));
SELECT count(*) AS events, count(*) FILTER (WHERE is_final) AS final FROM tsad.anomalies;
SELECT count(*) AS different FROM (TABLE original EXCEPT SELECT monitor, series, started_at, ended_at, peak_at, peak_score, min_p_value, n_points, contributions, views, is_final, model_version FROM tsad.anomalies) d;
SELECT tsad.create_monitor('another', 'fleet', 'ts', 'v') > (SELECT id FROM tsad.monitor WHERE name = 'two') AS numbers_go_on;
\c tsad_regress
DROP DATABASE tsad_restored;
SELECT tsad.drop_monitor('two');
DROP FUNCTION note_transaction(jsonb);
DROP VIEW told;
DROP TABLE life, seen, late, fleet, before, transactions, original;
