-- The function on_event of a monitor, and what it can do to the run that calls it: nothing.
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
CREATE TABLE src AS SELECT h, at(i) AS ts, wave(i) + CASE WHEN i BETWEEN 1700 AND 1719 THEN 2 ELSE 0 END AS v FROM generate_series(0, 2399) i, unnest('{a,b}'::text[]) h;
CREATE TABLE heard (n int GENERATED ALWAYS AS IDENTITY, monitor text, action text, path text DEFAULT current_setting('search_path'), zone text DEFAULT current_setting('timezone'), xact xid8 DEFAULT pg_current_xact_id());
CREATE FUNCTION hear(e jsonb) RETURNS void LANGUAGE sql AS $$ INSERT INTO public.heard (monitor, action) VALUES (e->>'monitor', e->>'action') $$;
CREATE VIEW due AS SELECT m.name AS monitor, s.series->>'h' AS h, c.payload->>'action' AS action, c.attempts, c.error FROM tsad.monitor_call c JOIN tsad.monitor m ON m.id = c.monitor JOIN tsad.monitor_series s ON s.id = c.series ORDER BY m.name, h, c.id;
CREATE FUNCTION watch(name text, on_event text) RETURNS boolean LANGUAGE sql AS $$
    SELECT tsad.create_monitor(name, 'src', 'ts', 'v', '{h}', start_at => at(1500), train_window => '10 days', announce_within => '1000 years', on_event => on_event, batch_size => 1) > 0 $$;

-- Called in order, each call in a transaction of its own, with the search_path of who made the monitor, in UTC.
SELECT watch('plain', 'hear');
CALL tsad.run_monitor('plain', at(1710)); CALL tsad.run_monitor('plain', at(2399));
SELECT action, path, zone, count(*), count(DISTINCT xact) AS transactions FROM heard GROUP BY 1, 2, 3 ORDER BY 1 DESC;
SELECT tsad.drop_monitor('plain');
TRUNCATE heard;

-- What is no function, or none of one jsonb.
CREATE PROCEDURE a_procedure(e jsonb) LANGUAGE sql AS '';
CREATE AGGREGATE an_aggregate(jsonb) (sfunc = jsonb_concat, stype = jsonb);
CREATE FUNCTION of_two(e jsonb, i int DEFAULT 1) RETURNS void LANGUAGE sql AS '';
SELECT e.* FROM unnest('{a_procedure,an_aggregate,of_two,pg_notify}'::text[]) f, error_of(format('SELECT watch(''m'', %L)', f)) e;

-- Failing in every way that can be thought of: the run is none the worse, and what went wrong is kept.
CREATE FUNCTION raises(e jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.heard (action) VALUES ('undone'); RAISE EXCEPTION '%', repeat('long ', 1000); END $$;
CREATE FUNCTION asserts(e jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN ASSERT false, 'asserted'; END $$;
CREATE FUNCTION commits(e jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;
CREATE FUNCTION runs(e jsonb) RETURNS void LANGUAGE plpgsql SET search_path = nowhere AS $$ BEGIN CALL tsad.run_monitor('runs', public.at(2399)); END $$;
-- It cannot say that it is not called.
CREATE FUNCTION cheats(e jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('tsad.calling', 'off', true); CALL tsad.run_monitor('cheats', public.at(2399)); END $$;
CREATE FUNCTION deep(e jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM deep(e); END $$;
CREATE FUNCTION shouts(e jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('x', repeat('x', 9000)); END $$;
CREATE FUNCTION gone(e jsonb) RETURNS void LANGUAGE sql AS '';
SELECT f AS monitor, watch(f, f) AS created FROM unnest('{raises,asserts,commits,runs,cheats,deep,shouts,gone}'::text[]) f;
DROP FUNCTION gone(jsonb);
SELECT format('CALL tsad.run_monitor(%L, at(2399));', name) FROM tsad.monitor ORDER BY name \gexec
SELECT monitor, state, ok, events, calls_due FROM tsad.monitor_status();
SELECT monitor, action, attempts, left(error, 80) AS error, length(error) > 80 AS more FROM due WHERE h = 'a';
SELECT count(*) AS undone FROM heard;
-- Five times in all; what failed stays, and is taken up again with another function.
DO $$ BEGIN FOR i IN 1..6 LOOP CALL tsad.run_monitor('asserts', at(2399)); END LOOP; END $$;
SELECT action, attempts, error FROM due WHERE monitor = 'asserts' AND h = 'a';
SELECT tsad.alter_monitor('asserts', '{"on_event": "hear"}');
CALL tsad.run_monitor('asserts', at(2399));
SELECT action, count(*) FROM heard GROUP BY 1 ORDER BY min(n);
SELECT tsad.alter_monitor('deep', '{"on_event": null}');
SELECT count(*) AS forgotten FROM due WHERE monitor = 'deep';
SELECT count(tsad.drop_monitor(name)) AS dropped FROM tsad.monitor;
TRUNCATE heard;

-- One that never comes back is cancelled with the run, which has kept what it found; the next one comes further. It is given up after five.
-- (Here it cancels itself.)
CREATE FUNCTION hangs(e jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN IF e->'series'->>'h' = 'b' THEN PERFORM public.hear(e); ELSE PERFORM pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(100); END IF; END $$;
SELECT watch('hangs', 'hangs');
CALL tsad.run_monitor('hangs', at(1710));
SELECT state, ok, events, calls_due FROM tsad.monitor_status();
CALL tsad.run_monitor('hangs', at(1710));
SELECT state, ok, events, calls_due FROM tsad.monitor_status();
SELECT h, action, attempts, error FROM due;
UPDATE tsad.monitor_call SET attempts = 4 WHERE attempts = 2;
CALL tsad.run_monitor('hangs', at(1710));
CALL tsad.run_monitor('hangs', at(1710));
SELECT h, action, attempts, error FROM due;
SELECT monitor, action FROM heard;
SELECT tsad.drop_monitor('hangs');
TRUNCATE heard;

-- An episode that is withdrawn is told of although its row is gone, and again where that failed.
CREATE FUNCTION takes_back(e jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM hear(e); IF e->>'action' <> 'started' THEN RAISE EXCEPTION 'not yet'; END IF; END $$;
SELECT watch('back', 'takes_back');
CALL tsad.run_monitor('back', at(1715));
UPDATE src SET v = v - 2 WHERE ts BETWEEN at(1700) AND at(1719);
CALL tsad.run_monitor('back', at(2399));
SELECT h, action, attempts, error FROM due;
SELECT tsad.alter_monitor('back', '{"on_event": "hear"}');
CALL tsad.run_monitor('back', at(2399));
SELECT action, count(*) FROM heard GROUP BY 1 ORDER BY min(n);
SELECT count(*) AS due FROM due;
SELECT tsad.drop_monitor('back');
UPDATE src SET v = v + 2 WHERE ts BETWEEN at(1700) AND at(1719);
TRUNCATE heard;

-- Who was told that an episode began is told that it ended, although its range was excluded in between.
CREATE TABLE long AS SELECT at(i) AS ts, wave(i) + CASE WHEN i BETWEEN 2000 AND 2600 THEN 5 ELSE 0 END AS v FROM generate_series(0, 3000) i;
SELECT tsad.create_monitor('long', 'long', 'ts', 'v', start_at => at(1500), train_window => '10 days', retrain_every => NULL, adapt_after => NULL, options => '{"scales": [8, 16]}', on_event => 'hear', announce_within => '1000 years') > 0 AS created;
CALL tsad.run_monitor('long', at(2600));
SELECT count(*) FILTER (WHERE action = 'started') > count(*) FILTER (WHERE action = 'ended') AS one_is_open FROM heard;
SELECT tsad.exclude('long', at(1900), at(2700)) > 0 AS excluded;
CALL tsad.run_monitor('long', at(3000));
SELECT count(*) FILTER (WHERE action = 'started') > count(*) FILTER (WHERE action = 'ended') AS one_is_open FROM heard;
SELECT count(*) AS shown FROM tsad.anomalies WHERE started_at < at(2600);
SELECT tsad.drop_monitor('long');
DROP TABLE long;
TRUNCATE heard;

-- It may drop what calls it.
CREATE FUNCTION drops(e jsonb) RETURNS void LANGUAGE sql AS $$ SELECT tsad.drop_monitor(e->>'monitor') $$;
SELECT watch('drops', 'drops');
CALL tsad.run_monitor('drops', at(2399));
SELECT count(*) AS monitors FROM tsad.monitor;

-- Settings that it changes are not those of the session, whoever runs the monitor: else who owns it could have the next statement of a
-- superuser call his functions.
CREATE ROLE tsad_ann;
CREATE SCHEMA evil AUTHORIZATION tsad_ann;
GRANT SELECT ON src TO tsad_ann;
SET ROLE tsad_ann;
CREATE FUNCTION evil.sets(e jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN SET search_path = evil, pg_catalog, public; SET timezone = 'Asia/Tokyo'; SET statement_timeout = '1ms'; SET transaction_read_only = on; END $$;
CREATE FUNCTION evil.plus(bigint, int) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil as %', current_user; END $$;
CREATE FUNCTION evil.coalesced(jsonb, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil as %', current_user; END $$;
CREATE OPERATOR evil.+ (LEFTARG = bigint, RIGHTARG = int, FUNCTION = evil.plus);
CREATE OPERATOR evil.? (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = evil.coalesced);
CREATE FUNCTION evil.format(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil as %', current_user; END $$;
SELECT tsad.create_monitor('sets', 'public.src', 'ts', 'v', '{h}', start_at => at(1500), train_window => '10 days', announce_within => '1000 years', on_event => 'evil.sets', batch_size => 1) > 0 AS created;
CALL tsad.run_monitor('sets', at(1710));
SHOW search_path; SHOW timezone; SHOW statement_timeout;
RESET ROLE;
CALL tsad.run_monitor('sets', at(2399));
SHOW search_path; SHOW timezone; SHOW statement_timeout;
SELECT monitor, state, ok, events, calls_due FROM tsad.monitor_status();
SELECT tsad.drop_monitor('sets');
-- Nor does a schema that everybody can write, and that is searched, change what the functions here do: names of the source are looked
-- for there, and nothing else.
CREATE FUNCTION quote_ident(name) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil as %', current_user; END $$;
CREATE FUNCTION format(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil as %', current_user; END $$;
CREATE FUNCTION format(text, text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil as %', current_user; END $$;
CREATE FUNCTION format(text, text, text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil as %', current_user; END $$;
CREATE FUNCTION date_trunc(text, interval) RETURNS interval LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil as %', current_user; END $$;
SELECT tsad.create_monitor('table', 'src', 'ts', 'v', '{h}', start_at => at(1500), train_window => '10 days', on_event => 'hear') > 0 AS of_a_table,
       tsad.create_monitor('query', 'SELECT * FROM src', 'ts', 'v', '{h}', start_at => at(1500), train_window => '10 days', on_event => 'hear') > 0 AS of_a_query;
CALL tsad.run_monitor('table', at(100)); CALL tsad.run_monitor('table', at(2399)); CALL tsad.run_monitor('query', at(100)); CALL tsad.run_monitor('query', at(2399));
SELECT tsad.alter_monitor('query', '{"source": "SELECT * FROM src LIMIT 1000000"}');
SELECT tsad.feedback('query', '{"h": "a"}', at(1700), at(1719), false) ? 'threshold' AS said, tsad.exclude('query', at(2000), at(2010), '{"h": "a"}') > 0 AS excluded, (SELECT count(*) > 0 FROM tsad.monitor_plan('query')) AS planned;
ALTER TABLE src RENAME TO src_2;
CALL tsad.run_monitor('query', at(2399));
ALTER TABLE src_2 RENAME TO src;
CALL tsad.run_monitor('query', at(2399));
SELECT monitor, state, ok, events FROM tsad.monitor_status();
SELECT count(tsad.drop_monitor(name)) AS dropped FROM tsad.monitor;
SET client_min_messages = warning;
DROP FUNCTION public.quote_ident(name), public.format(text, text), public.format(text, text, text), public.format(text, text, text, text), public.date_trunc(text, interval);
DROP SCHEMA evil CASCADE;
DROP OWNED BY tsad_ann; DROP ROLE tsad_ann;
DROP PROCEDURE a_procedure(jsonb);
DROP AGGREGATE an_aggregate(jsonb);
DROP FUNCTION of_two(jsonb, int), raises(jsonb), asserts(jsonb), commits(jsonb), runs(jsonb), deep(jsonb), shouts(jsonb), hangs(jsonb), takes_back(jsonb), drops(jsonb), hear(jsonb), watch(text, text);
DROP VIEW due;
DROP TABLE src, heard;
