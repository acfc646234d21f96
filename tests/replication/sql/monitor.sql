-- Logical replication carries monitors, models, events and watermarks, and the copy can go on where the original was.
SET timezone = 'UTC';
CREATE EXTENSION pg_tsad;
CREATE TABLE metric AS SELECT h AS host, '2026-01-01'::timestamptz + i * interval '5 min' AS ts,
       sin(i * 2 * pi() / 40) + 0.1 * ((i * 7919 % 1009) / 1009.0 - 0.5) + CASE WHEN i BETWEEN 1800 AND 1819 THEN 2 ELSE 0 END AS v
  FROM generate_series(0, 2399) i, generate_series(1, 3) h;
CREATE FUNCTION fails(e jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not here'; END $$;
SELECT tsad.create_monitor('copied', 'metric', 'ts', 'v', '{host}', start_at => '2026-01-06', on_event => 'fails', announce_within => '10 years') > 0 AS created;
CREATE PUBLICATION everything FOR TABLE metric, tsad.monitor, tsad.monitor_series, tsad.monitor_model, tsad.monitor_event, tsad.monitor_call, tsad.monitor_feedback, tsad.monitor_exclusion;
SELECT slot_name FROM pg_create_logical_replication_slot('copy', 'pgoutput');
SELECT current_database() AS original, format('host=%s port=%s dbname=%s user=%s', current_setting('unix_socket_directories'), current_setting('port'), current_database(), current_user) AS here \gset
CREATE DATABASE tsad_copy;
\c tsad_copy
CREATE EXTENSION pg_tsad;
CREATE TABLE metric (host int, ts timestamptz, v float8);
CREATE SUBSCRIPTION copy CONNECTION :'here' PUBLICATION everything WITH (create_slot = false, slot_name = 'copy');
DO $$ BEGIN
    FOR i IN 1..600 LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM pg_subscription_rel WHERE srsubstate <> 'r');
        PERFORM pg_sleep(0.05);
    END LOOP;
END $$;
\c :original
SET timezone = 'UTC';
CALL tsad.run_monitor('copied', '2026-01-08 12:00+00');
SELECT tsad.feedback(min(id), false) ? 'threshold' AS fed_back FROM tsad.anomalies;
SELECT tsad.exclude('copied', '2026-02-01', '2026-02-02') > 0 AS excluded;
CALL tsad.run_monitor('copied', '2026-01-09 08:00+00');
CREATE FUNCTION everything() RETURNS TABLE (name text, rows bigint, md5 text) LANGUAGE sql AS $$
    SELECT 'monitor', count(*), md5(string_agg(t::text, '' ORDER BY id)) FROM tsad.monitor t
    UNION ALL SELECT 'series', count(*), md5(string_agg(t::text, '' ORDER BY id)) FROM tsad.monitor_series t
    UNION ALL SELECT 'model', count(*), md5(string_agg(t::text, '' ORDER BY series, version)) FROM tsad.monitor_model t
    UNION ALL SELECT 'event', count(*), md5(string_agg(t::text, '' ORDER BY id)) FROM tsad.monitor_event t
    UNION ALL SELECT 'call', count(*), md5(string_agg(t::text, '' ORDER BY id)) FROM tsad.monitor_call t
    UNION ALL SELECT 'feedback', count(*), md5(string_agg(t::text, '' ORDER BY id)) FROM tsad.monitor_feedback t
    UNION ALL SELECT 'exclusion', count(*), md5(string_agg(t::text, '' ORDER BY id)) FROM tsad.monitor_exclusion t $$;
SET extra_float_digits = 1;
SELECT name, rows FROM everything();
SELECT jsonb_object_agg(name, md5) AS sums FROM everything() \gset
SELECT pg_get_functiondef('everything'::regproc) AS function \gset
DO $$ BEGIN
    FOR i IN 1..600 LOOP
        EXIT WHEN (SELECT confirmed_flush_lsn >= pg_current_wal_lsn() FROM pg_replication_slots WHERE slot_name = 'copy');
        PERFORM pg_sleep(0.05);
    END LOOP;
END $$;
\c tsad_copy
SET timezone = 'UTC';
SET extra_float_digits = 1;
:function;
SELECT name, rows, md5 = :'sums'::jsonb->>name AS the_same FROM everything();
SELECT series, verdict FROM tsad.anomalies ORDER BY series;
ALTER SUBSCRIPTION copy DISABLE; ALTER SUBSCRIPTION copy SET (slot_name = NONE); DROP SUBSCRIPTION copy;
CALL tsad.run_monitor('copied', '2026-01-09 08:00+00');
SELECT state, ok, events FROM tsad.monitor_status();
\c :original
SELECT pg_drop_replication_slot('copy');
DROP DATABASE tsad_copy;
DROP PUBLICATION everything;
DROP FUNCTION everything(), fails(jsonb);
DROP TABLE metric;
DROP EXTENSION pg_tsad;
