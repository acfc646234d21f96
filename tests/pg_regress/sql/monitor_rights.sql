-- Whose monitors are whose, what a run may do, and what happens when the source changes.
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
CREATE ROLE tsad_ann; CREATE ROLE tsad_bob; CREATE ROLE tsad_eve; CREATE ROLE tsad_team;
GRANT tsad_team TO tsad_bob;
CREATE TABLE load (host text, ts timestamptz, v float8, tenant text DEFAULT 'a');
INSERT INTO load SELECT h, at(i), wave(i) + CASE WHEN i BETWEEN 1700 AND 1719 THEN 2 ELSE 0 END, t
  FROM generate_series(0, 2399) i, (VALUES ('web1', 'a'), ('web2', 'b')) x (h, t);
CREATE INDEX ON load (host, ts);
ALTER TABLE load ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON load USING (tenant = 'a' OR current_user = 'tsad_team');
GRANT SELECT ON load TO tsad_ann, tsad_team;

-- A role without any right on the source makes no monitor of it; one with a right needs no other.
SET ROLE tsad_eve;
SELECT * FROM error_of($$SELECT tsad.create_monitor('m', 'load', 'ts', 'v')$$);
SET ROLE tsad_ann;
SELECT tsad.create_monitor('m', 'load', 'ts', 'v', series_columns => '{host}', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('m', at(2399));
-- Row security of the source: she sees her tenant's series only, and so does her monitor.
SELECT monitor, owner, series FROM tsad.anomalies;
RESET ROLE;

-- Run by a superuser it still has her rights only.
CALL tsad.run_monitor('m', at(2399));
SELECT monitor, owner, series FROM tsad.anomalies;

-- Others see nothing of it, and change nothing.
SET ROLE tsad_eve;
SELECT (SELECT count(*) FROM tsad.monitor) AS monitors, (SELECT count(*) FROM tsad.monitor_series) AS series, (SELECT count(*) FROM tsad.monitor_model) AS models,
       (SELECT count(*) FROM tsad.anomalies) AS anomalies, (SELECT count(*) FROM tsad.monitor_status()) AS status;
SELECT * FROM error_of($$CALL tsad.run_monitor('m')$$);
SELECT * FROM error_of($$SELECT tsad.drop_monitor('m')$$);
SELECT * FROM error_of($$SELECT tsad.feedback(1, true)$$);
SELECT * FROM error_of(format('INSERT INTO tsad.monitor_event (monitor, series, kind, started_at, last_at, peak_at, peak_score, min_p_value, n_points, version, is_final) SELECT %s, %s, ''value'', now(), now(), now(), 1, 1, 1, 1, true', 1, 1));
SELECT * FROM error_of($$INSERT INTO tsad.monitor (owner, name, source, is_query, time_column, value_columns, value_is_array, series_columns, series_types, search_path, timezone, start_at, train_window, min_samples, options, late_window, min_points, min_duration, focus, keep_models, announce_within, batch_size) VALUES ('tsad_ann', 'x', 'y', true, 't', '{}', false, '{}', '{}', '', 'UTC', now(), '1 day', 1, '{}', '0', 1, '0', 0, 1, '0', 1)$$);
SELECT * FROM error_of($$SELECT tsad._as_role('tsad_ann'::regrole, 'SELECT to_jsonb(1)')$$);
-- The same name is free for everybody.
SELECT * FROM error_of($$SELECT tsad.create_monitor('m', 'SELECT now() AS ts, 1.0 AS v', 'ts', 'v')$$);
SELECT tsad.drop_monitor('m');
RESET ROLE;

-- Readers look, and no more.
SET ROLE tsad_ann;
SELECT tsad.alter_monitor('m', '{"readers": ["tsad_team"]}');
SET ROLE tsad_bob;
SELECT monitor, owner, series FROM tsad.anomalies;
SELECT monitor, state, series, events FROM tsad.monitor_status();
SELECT * FROM error_of($$CALL tsad.run_monitor('m')$$);
DELETE FROM tsad.monitor_event;
UPDATE tsad.monitor SET source = 'pg_authid';
SELECT * FROM error_of($$SELECT tsad.feedback((SELECT id FROM tsad.anomalies), true)$$);
RESET ROLE;

-- Members of the owner's role do everything; the run has the rights of the owner.
SET ROLE tsad_team;
SELECT tsad.create_monitor('team', 'load', 'ts', 'v', series_columns => '{host}', start_at => at(1500), train_window => '10 days') > 0 AS created;
SET ROLE tsad_bob;
CALL tsad.run_monitor('team', at(2399));
SELECT monitor, owner, series FROM tsad.anomalies WHERE monitor = 'team' ORDER BY series;
RESET ROLE;
-- Two roles with a monitor of one name: who is a member of both is asked which one.
SET ROLE tsad_team;
SELECT tsad.alter_monitor('team', '{"name": "m"}');
RESET ROLE;
SELECT * FROM error_of($$CALL tsad.run_monitor('m')$$);

-- A function of the owner's is called with the owner's rights, and cannot become who runs the monitor.
CREATE TABLE heard (action text, by_whom text);
GRANT INSERT ON heard TO tsad_ann;
GRANT CREATE ON SCHEMA public TO tsad_ann;
SET ROLE tsad_ann;
CREATE FUNCTION on_event_of_ann(event jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO heard VALUES (event->>'action', current_user);
    IF event->>'action' = 'started' THEN
        RESET ROLE;
        INSERT INTO heard VALUES ('escaped', current_user);
    END IF;
END $$;
SELECT tsad.create_monitor('hook', 'load', 'ts', 'v', series_columns => '{host}', start_at => at(1500), train_window => '10 days', on_event => 'on_event_of_ann', announce_within => '10 days') > 0 AS created;
RESET ROLE;
CALL tsad.run_monitor('hook', at(2399));
SELECT * FROM heard;
SELECT payload->>'action' AS action, attempts, error FROM tsad.monitor_call ORDER BY id;
SELECT state, calls_due FROM tsad.monitor_status('hook');
-- Called by its owner it would do what she may do anyway; it is tried again, and then all is told.
SET ROLE tsad_ann;
CREATE OR REPLACE FUNCTION on_event_of_ann(event jsonb) RETURNS void LANGUAGE sql AS $$ INSERT INTO public.heard VALUES (event->>'action' || ' again', current_user) $$;
CALL tsad.run_monitor('hook', at(2399));
RESET ROLE;
SELECT * FROM heard;
SELECT count(*) AS calls_due FROM tsad.monitor_call;

-- The source changes: the monitor says so and goes on when it is told where.
SET ROLE tsad_ann;
SELECT tsad.drop_monitor('m');
RESET ROLE;
ALTER TABLE load RENAME TO load_now;
SET ROLE tsad_ann;
CALL tsad.run_monitor('hook', at(2399));
SELECT monitor, state, message FROM tsad.monitor_status('hook');
CALL tsad.run_monitor('hook', at(2399));
SELECT tsad.alter_monitor('hook', '{"source": "load_now"}');
CALL tsad.run_monitor('hook', at(2399));
SELECT monitor, state, message FROM tsad.monitor_status('hook');
RESET ROLE;
ALTER TABLE load_now RENAME v TO val;
CALL tsad.run_monitor('hook', at(2399));
ALTER TABLE load_now RENAME val TO v;
ALTER TABLE load_now ALTER v TYPE text;
CALL tsad.run_monitor('hook', at(2399));
ALTER TABLE load_now ALTER v TYPE float8 USING v::float8;
REVOKE SELECT ON load_now FROM tsad_ann;
CALL tsad.run_monitor('hook', at(2399));
SELECT monitor, state, message FROM tsad.monitor_status('hook');
GRANT SELECT ON load_now TO tsad_ann;
CALL tsad.run_monitor('hook', at(2399));
SELECT monitor, state, message FROM tsad.monitor_status('hook');
ALTER TABLE load_now DROP COLUMN host;
CALL tsad.run_monitor('hook', at(2399));
DROP TABLE load_now;
CALL tsad.run_monitor('hook', at(2399));
SELECT count(*) AS events_kept FROM tsad.anomalies WHERE monitor = 'hook';

-- One series that cannot be read stops no other.
CREATE TABLE mixed AS SELECT h, at(i) AS ts, CASE WHEN h = 'bad' AND i > 1800 THEN 'NaN?' ELSE wave(i)::text END AS v FROM generate_series(0, 2199) i, unnest('{good,bad,fine}'::text[]) h;
SELECT tsad.create_monitor('mixed', 'SELECT h, ts, v::float8 AS v FROM mixed', 'ts', 'v', series_columns => '{h}', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('mixed', at(2199));
SELECT series, state, message, newest_at FROM tsad.series_status('mixed');
SELECT monitor, state, message, ok, failed FROM tsad.monitor_status('mixed');

SELECT tsad.drop_monitor('mixed'), tsad.drop_monitor('hook'), tsad.drop_monitor('m');
-- The number of a role that was dropped may be that of another one where a dump is restored: what is dumped is no number, and none is read.
CREATE ROLE tsad_leaver; CREATE ROLE tsad_reader;
GRANT USAGE ON SCHEMA tsad TO tsad_leaver; GRANT SELECT ON mixed TO tsad_leaver;
SET ROLE tsad_leaver;
SELECT tsad.create_monitor('left', 'SELECT h, ts, 1.0 AS v FROM mixed', 'ts', 'v', '{h}', readers => '{tsad_reader,tsad_leaver}') > 0 AS created;
RESET ROLE;
SELECT tsad.create_monitor('kept', 'SELECT h, ts, 1.0 AS v FROM mixed', 'ts', 'v', '{h}', readers => '{tsad_reader,tsad_bob}') > 0 AS created;
REVOKE ALL ON SCHEMA tsad FROM tsad_leaver; REVOKE ALL ON mixed FROM tsad_leaver;
DROP ROLE tsad_leaver, tsad_reader;
COPY (SELECT name, owner, readers, job_role FROM tsad.monitor WHERE name = 'left') TO STDOUT;
SELECT name, readers FROM tsad.monitor WHERE name = 'kept';
SELECT r.role, e.* FROM unnest('{10,nobody,"\"postgres\"",postgres,-}'::text[]) r (role), error_of(format('SELECT %L::tsad._role', r.role)) e;
SELECT monitor, state, message ~ '^role [0-9]+, its owner, does not exist any more$' AS told FROM tsad.monitor_status('left');
-- A run forgets them.
CALL tsad.run_monitor('kept', at(2199));
SELECT cardinality(readers) AS readers, readers::text FROM tsad.monitor WHERE name = 'kept';
DELETE FROM tsad.monitor;
SELECT count(*) AS monitors FROM tsad.monitor;
DROP FUNCTION on_event_of_ann(jsonb);
DROP TABLE mixed, heard;
REVOKE CREATE ON SCHEMA public FROM tsad_ann;
DROP ROLE tsad_ann, tsad_bob, tsad_eve, tsad_team;
