-- What "this was normal" and "this was one" may do to a threshold, and what they may not.
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
-- One moderate incident, and four large ones that somebody will call normal.
CREATE TABLE src AS SELECT at(i) AS ts, wave(i) + normal * 0.5 + CASE WHEN i BETWEEN 2200 AND 2209 THEN 3 WHEN i / 600 BETWEEN 5 AND 8 AND i % 600 < 20 THEN 5 + 3 * (i / 600) ELSE 0 END AS v
  FROM generate_series(0, 5999) i CROSS JOIN LATERAL (SELECT (hashint4(i)::float8 / 4294967296 + hashint4(i + 10000)::float8 / 4294967296 + hashint4(i + 20000)::float8 / 4294967296) * 2 AS normal) noise;
SELECT tsad.create_monitor('m', 'src', 'ts', 'v', start_at => at(1500), train_window => '30 days', retrain_every => NULL) > 0 AS created;
CALL tsad.run_monitor('m', at(5999));
CREATE VIEW threshold AS SELECT s.version, (tsad.model_info(o.model)->'calibration'->>'threshold')::float8 AS threshold, (tsad.model_info(o.model)->'calibration'->>'alpha')::float8 AS alpha, s.message
  FROM tsad.monitor_series s JOIN tsad.monitor_model o ON o.series = s.id AND o.version = s.version;
SELECT count(*) AS events, bool_or(peak_at BETWEEN at(2190) AND at(2220)) AS moderate, count(*) FILTER (WHERE peak_at > at(2990)) AS large FROM tsad.anomalies;
-- The moderate one is confirmed. Then the large ones are called normal, one after the other: the threshold never hides the confirmed one.
SELECT tsad.feedback('m', '{}', at(2200), at(2209), true, 'it was one') ? 'threshold' AS said;
SELECT max(score) AS confirmed FROM tsad.detect('src', 'ts', 'v', model => (SELECT o.model FROM tsad.monitor_series s JOIN tsad.monitor_model o ON o.series = s.id AND o.version = s.version), since => at(2200), until => at(2209)) \gset
SELECT n, f->>'message' AS message FROM generate_series(5, 8) n, LATERAL (SELECT tsad.feedback('m', '{}', at(600 * n), at(600 * n + 19), false, 'load test') AS f) said;
SELECT is_anomaly AS still_found FROM tsad.detect('src', 'ts', 'v', model => (SELECT o.model FROM tsad.monitor_series s JOIN tsad.monitor_model o ON o.series = s.id AND o.version = s.version), since => at(2200), until => at(2209)) GROUP BY 1;
SELECT message FROM tsad.series_status('m');
-- The later word counts: nothing is confirmed any more, and the threshold rises above all that is normal.
SELECT f ? 'message' AS disagrees FROM (SELECT tsad.feedback('m', '{}', at(2200), at(2209), false, 'a load test too') AS f) said;
SELECT count(*) AS flagged FROM tsad.detect('src', 'ts', 'v', model => (SELECT o.model FROM tsad.monitor_series s JOIN tsad.monitor_model o ON o.series = s.id AND o.version = s.version)) WHERE is_anomaly AND ts > at(2000);
SELECT tsad.drop_monitor('m');

-- An ordinary stretch called an anomaly lowers the threshold, but not so far that everything is one.
SELECT tsad.create_monitor('m', 'src', 'ts', 'v', start_at => at(1500), train_window => '30 days', retrain_every => NULL) > 0 AS created;
CALL tsad.run_monitor('m', at(2399));
SELECT threshold AS before, alpha AS asked FROM threshold \gset
SELECT f->>'message' AS message FROM (SELECT tsad.feedback('m', '{}', at(1800), at(1809), true, 'it felt like one') AS f) said;
SELECT threshold < :before AS lower, round((alpha / :asked)::numeric, 2) AS times_as_many FROM threshold;
SELECT tsad.drop_monitor('m');
DROP VIEW threshold;
DROP TABLE src;

-- What reads the source has no table of ours beside it: that may be a distributed or a foreign table.
CREATE TABLE said (context text);
CREATE FUNCTION listen() RETURNS boolean LANGUAGE plpgsql AS $$ DECLARE c text; BEGIN GET DIAGNOSTICS c = PG_CONTEXT; INSERT INTO public.said VALUES (c); RETURN true; END $$;
CREATE TABLE heard AS SELECT at(i) AS ts, wave(i) + CASE WHEN i BETWEEN 1700 AND 1719 THEN 2 ELSE 0 END AS v FROM generate_series(0, 2399) i;
CREATE VIEW overheard AS SELECT ts, v FROM heard WHERE ts <> at(1700) OR listen();
SELECT tsad.create_monitor('overheard', 'overheard', 'ts', 'v', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('overheard', at(2399));
SELECT tsad.feedback('overheard', '{}', at(1700), at(1719), true) ? 'threshold' AS said;
SELECT count(*) > 0 AS read, count(*) FILTER (WHERE context ~ 'recalibrate') > 0 AS recalibrated,
       count(*) FILTER (WHERE substring(context FROM 'SQL statement "(.*?)"\n') ~ 'recalibrate.*tsad\.monitor') AS beside_ours FROM said;
SELECT tsad.drop_monitor('overheard');
DROP VIEW overheard; DROP FUNCTION listen(); DROP TABLE heard, said;
