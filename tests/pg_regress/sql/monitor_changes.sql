-- Monitors while what they depend on changes under them, and while others get in their way: tables, types, partitions, policies,
-- roles, settings of the session, hostile names. What needs a second session is in monitor_sessions.sql.
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
CREATE TABLE src AS SELECT h, at(i) AS ts, wave(i) + CASE WHEN i BETWEEN 1700 AND 1719 THEN 2 ELSE 0 END AS v FROM generate_series(0, 2399) i, unnest('{a,b}'::text[]) h;
CREATE VIEW state AS SELECT monitor, state, message, series, ok, failed, rows_too_late FROM tsad.monitor_status();
SELECT tsad.create_monitor('m', 'src', 'ts', 'v', series_columns => '{h}', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('m', at(1900));

-- A table dropped and made anew under its name is the source again.
CREATE TABLE copy AS TABLE src;
DROP TABLE src;
CALL tsad.run_monitor('m', at(1920));
ALTER TABLE copy RENAME TO src;
CALL tsad.run_monitor('m', at(1950));
TABLE state;
-- Another type of the values or times is read as well, as long as it means the same.
ALTER TABLE src ALTER v TYPE numeric; CALL tsad.run_monitor('m', at(2000));
ALTER TABLE src ALTER ts TYPE timestamp; CALL tsad.run_monitor('m', at(2020));
ALTER TABLE src ALTER h TYPE varchar(10); CALL tsad.run_monitor('m', at(2040));
TABLE state;
-- Another type of a series column makes other keys.
ALTER TABLE src ALTER h TYPE int USING CASE h WHEN 'a' THEN 1 ELSE 2 END;
CALL tsad.run_monitor('m', at(2070));
SELECT tsad.alter_monitor('m', '{"source": "src"}');
CALL tsad.run_monitor('m', at(2399));
SELECT series, state, message, newest_at FROM tsad.series_status('m');
SELECT count(*) AS events FROM tsad.anomalies WHERE series = '{"h": 1}';
SELECT tsad.drop_monitor('m');
ALTER TABLE src ALTER ts TYPE timestamptz, ALTER v TYPE float8, ALTER h TYPE text USING CASE h WHEN 1 THEN 'a' ELSE 'b' END;

-- Partitions go and come.
CREATE TABLE parts (h text, ts timestamptz, v float8) PARTITION BY RANGE (ts);
CREATE TABLE parts_old PARTITION OF parts FOR VALUES FROM (MINVALUE) TO ('2026-01-06');
CREATE TABLE parts_now PARTITION OF parts FOR VALUES FROM ('2026-01-06') TO (MAXVALUE);
INSERT INTO parts SELECT h, ts, v FROM src;
SELECT tsad.create_monitor('parts', 'parts', 'ts', 'v', series_columns => '{h}', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('parts', at(2200));
ALTER TABLE parts DETACH PARTITION parts_old;
CALL tsad.run_monitor('parts', at(2300));
SELECT tsad.retrain('parts');
CALL tsad.run_monitor('parts', at(2399));
SELECT series, state, message FROM tsad.series_status('parts');
SELECT tsad.drop_monitor('parts');
DROP TABLE parts, parts_old;

-- Functions, operators and tables that are called like those of PostgreSQL, and come first.
CREATE SCHEMA evil;
CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil'; END $$;
CREATE FUNCTION evil.eq(text, text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil'; END $$;
CREATE FUNCTION evil.arrow(jsonb, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil'; END $$;
CREATE FUNCTION evil.gt(timestamptz, timestamptz) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil'; END $$;
CREATE FUNCTION evil.exists(jsonb, text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil'; END $$;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);
CREATE OPERATOR evil.->> (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = evil.arrow);
CREATE OPERATOR evil.? (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = evil.exists);
CREATE OPERATOR evil.> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.gt);
CREATE TABLE evil.pg_roles (oid oid);
CREATE TABLE evil.monitor (id int);
SET search_path = evil, pg_catalog, public;
SELECT tsad.create_monitor('m', 'src', 'ts', 'v', series_columns => '{h}', start_at => public.at(1500), train_window => '10 days') IS NOT NULL AS created;
CALL tsad.run_monitor('m', public.at(1900));
SELECT tsad.alter_monitor('m', '{"late_window": "2 hours", "owner": "postgres"}');
SELECT tsad.feedback((SELECT min(id) FROM tsad.anomalies), true) IS NOT NULL AS said;
SELECT tsad.exclude('m', public.at(2000), public.at(2010)) IS NOT NULL AS excluded;
SELECT tsad.retrain('m'), (SELECT count(*) FROM tsad.monitor_plan('m')) IS NOT NULL AS planned, (SELECT count(*) FROM tsad.series_status('m')) AS series;
CALL tsad.run_monitor('m', public.at(2000));
RESET search_path;
TABLE state;
SET client_min_messages = warning;
DROP SCHEMA evil CASCADE;
RESET client_min_messages;

-- Where it is called: in a function, below a savepoint, at other isolation levels, where nothing may be written.
DO $$ BEGIN CALL tsad.run_monitor('m', at(2050)); END $$;
BEGIN;
SAVEPOINT before;
CALL tsad.run_monitor('m', at(2100));
ROLLBACK TO before;
COMMIT;
SELECT max(newest_at) = at(2050) AS undone FROM tsad.series_status('m');
BEGIN ISOLATION LEVEL SERIALIZABLE;
CALL tsad.run_monitor('m', at(2100));
COMMIT;
SET default_transaction_isolation = 'repeatable read';
CALL tsad.run_monitor('m', at(2150));
RESET default_transaction_isolation;
SET default_transaction_read_only = on;
CALL tsad.run_monitor('m', at(2200));
RESET default_transaction_read_only;
SET statement_timeout = 1;
CALL tsad.run_monitor('m', at(2399));
RESET statement_timeout;
SELECT state, message, max(newest_at) = at(2150) AS as_before FROM tsad.series_status('m') GROUP BY 1, 2;
CALL tsad.run_monitor('m', at(2399));
TABLE state;
SELECT tsad.drop_monitor('m');

-- A policy that appears, and goes again.
CREATE ROLE tsad_ann; CREATE ROLE tsad_bob; CREATE ROLE tsad_eve;
GRANT SELECT ON src TO tsad_ann, tsad_bob;
SET ROLE tsad_ann;
SELECT tsad.create_monitor('m', 'src', 'ts', 'v', series_columns => '{h}', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('m', at(2000));
RESET ROLE;
ALTER TABLE src ENABLE ROW LEVEL SECURITY;
CREATE POLICY only_a ON src USING (h = 'a');
CALL tsad.run_monitor('m', at(2100));
SELECT series, state, newest_at = at(2100) AS read FROM tsad.series_status('m');
ALTER TABLE src DISABLE ROW LEVEL SECURITY;
CALL tsad.run_monitor('m', at(2150));
SELECT series, state, newest_at = at(2150) AS read, rows_too_late FROM tsad.series_status('m');

-- Keys know no row security. Nobody can plant rows in the series of others, or take the numbers that theirs will get.
SET ROLE tsad_eve;
SELECT tsad.create_monitor('hers', 'SELECT now() AS ts, 1.0 AS v', 'ts', 'v') > 0 AS created;
CREATE FUNCTION pg_temp.plant(into_table text, what jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    columns text := (SELECT string_agg(quote_ident(k), ', ') FROM jsonb_object_keys(what) k);
BEGIN
    EXECUTE format('INSERT INTO tsad.%I (%s) SELECT %s FROM jsonb_populate_record(NULL::tsad.%I, %L)', into_table, columns, columns, into_table,
                   what || jsonb_build_object('monitor', (SELECT id FROM tsad.monitor)));
    RETURN 'planted';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
RESET ROLE;
SELECT max(id) AS victim FROM tsad.monitor_series \gset
SET ROLE tsad_eve;
SELECT pg_temp.plant('monitor_model', format('{"monitor": 0, "series": %s, "version": 2, "model": "\\x00", "reason": "first", "trained_from": "2026-01-01", "trained_until": "2026-01-01", "rows": 1}', :victim)::jsonb);
SELECT pg_temp.plant('monitor_event', format('{"monitor": 0, "series": %s, "kind": "value", "started_at": "2026-01-07", "last_at": "2026-01-07", "peak_at": "2026-01-07", "peak_score": 1, "min_p_value": 1, "n_points": 1, "direction": 0, "version": 1, "is_final": true}', :victim)::jsonb);
SELECT pg_temp.plant('monitor_feedback', format('{"monitor": 0, "series": %s, "from_at": "2026-01-01", "until_at": "2026-01-09", "is_anomaly": false}', :victim)::jsonb);
SELECT pg_temp.plant('monitor_series', '{"monitor": 0, "id": 1000000, "series": {}}');
SELECT pg_temp.plant('monitor_series', '{"monitor": 0, "series": {}}');
SELECT * FROM error_of('UPDATE tsad.monitor_series SET id = 1000000');
SELECT * FROM error_of($$UPDATE tsad.monitor SET owner = 'tsad_ann'$$);
SELECT tsad.drop_monitor('hers');

-- Whose monitor it is: renamed, given to another role, gone.
SELECT * FROM error_of($$SELECT tsad.alter_monitor('m', '{"owner": "tsad_eve"}')$$);
SET ROLE tsad_ann;
SELECT * FROM error_of($$SELECT tsad.alter_monitor('m', '{"owner": "tsad_bob"}')$$);
SELECT * FROM error_of($$SELECT tsad.alter_monitor('m', '{"owner": "tsad_nobody"}')$$);
RESET ROLE;
SELECT * FROM error_of($$SELECT tsad.alter_monitor('m', '{"owner": "tsad_eve"}')$$);
SELECT * FROM error_of($$SELECT tsad.alter_monitor('m', '{"owner": null}')$$);
ALTER ROLE tsad_ann RENAME TO tsad_anna;
CALL tsad.run_monitor('m', at(2200));
SELECT monitor, owner, state FROM tsad.monitor_status();
DROP OWNED BY tsad_anna;
CALL tsad.run_monitor('m', at(2200));
DROP ROLE tsad_anna;
SELECT regexp_replace(message, '\d+', '…') AS message, state FROM state;
SELECT state, regexp_replace(message, '\d+', '…') AS message, hint FROM error_of($$CALL tsad.run_monitor('m')$$);
SELECT tsad.alter_monitor('m', '{"owner": "tsad_bob"}');
CALL tsad.run_monitor('m', at(2399));
SELECT monitor, owner, state, message, series, ok FROM tsad.monitor_status();
SET ROLE tsad_bob;
SELECT count(*) AS events FROM tsad.anomalies WHERE monitor = 'm';
SELECT tsad.drop_monitor('m');
RESET ROLE;
DROP OWNED BY tsad_bob, tsad_eve;
DROP ROLE tsad_bob, tsad_eve;

-- Settings that cannot be.
SELECT s.setting, e.* FROM unnest(ARRAY['retention => ''0''', 'train_window => ''100000 years''', 'channel => repeat(''c'', 64)', 'channel => ''''', 'start_at => ''infinity''']) s (setting),
       error_of(format($$SELECT tsad.create_monitor('m', 'src', 'ts', 'v', %s)$$, s.setting)) e;
SELECT * FROM error_of($$SELECT tsad.create_monitor('', 'src', 'ts', 'v')$$);
-- Names as long as one likes.
SELECT tsad.create_monitor(repeat('long ', 200), 'src', 'ts', 'v', series_columns => '{h}', start_at => at(1500), train_window => '10 days', channel => repeat('c', 63)) > 0 AS created;
CALL tsad.run_monitor(repeat('long ', 200), at(2399));
SELECT length(monitor), count(*) AS events FROM tsad.anomalies GROUP BY 1;
SELECT tsad.drop_monitor(repeat('long ', 200));

-- A start in the future: nothing is trained before it.
SELECT tsad.create_monitor('later', 'src', 'ts', 'v', series_columns => '{h}', start_at => at(2300), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('later', at(2000));
SELECT series, state, message FROM tsad.series_status('later');
CALL tsad.run_monitor('later', at(2350));
SELECT series, state, message, trained_until = at(2300) AS trained_at_start FROM tsad.series_status('later');
SELECT tsad.drop_monitor('later');

-- Rows that come when everything around them is decided are counted; those within the late window are not.
SELECT tsad.create_monitor('late', 'src', 'ts', 'v', series_columns => '{h}', start_at => at(1100), train_window => '10 days', options => '{"scales": [16, 32]}', min_samples => 500) > 0 AS created;
CREATE TABLE held AS SELECT * FROM src WHERE h = 'b' AND ts BETWEEN at(1900) AND at(1909) OR h = 'a' AND ts BETWEEN at(1991) AND at(1994) OR ts BETWEEN at(900) AND at(909);
DELETE FROM src USING held WHERE (src.h, src.ts) = (held.h, held.ts);
CALL tsad.run_monitor('late', at(1800)); CALL tsad.run_monitor('late', at(1995)); CALL tsad.run_monitor('late', at(1998));
SELECT series, rows_too_late FROM tsad.series_status('late');
INSERT INTO src TABLE held;
CALL tsad.run_monitor('late', at(2000)); CALL tsad.run_monitor('late', at(2100));
SELECT series, watermark > at(1909) AS decided, rows_too_late FROM tsad.series_status('late');
TABLE state;
-- What was excluded and is let in again did not come late.
SELECT tsad.exclude('late', at(2000), at(2020)) AS exclusion \gset
CALL tsad.run_monitor('late', at(2101));
SELECT tsad.include(:exclusion);
CALL tsad.run_monitor('late', at(2102));
SELECT rows_too_late FROM state;
SELECT tsad.drop_monitor('late');
DROP VIEW state;
DROP TABLE src, held;
