-- What others have planted does not run with the rights of who calls the extension: functions beside its own, operators.
\set VERBOSITY terse
CREATE ROLE tsad_planter;
CREATE DATABASE tsad_overloads TEMPLATE template0;
\c tsad_overloads
CREATE EXTENSION pg_tsad;
-- More than the planter ever gets.
GRANT CREATE ON SCHEMA tsad, public TO tsad_planter;
CREATE TABLE metrics (host varchar, ts timestamp, value float8, PRIMARY KEY (host, ts));
INSERT INTO metrics SELECT h, '2026-01-01'::timestamp + i * interval '1 minute', sin(i / 9.0) + (i * 7919 % 1009) / 2000.0
  FROM unnest('{a,b}'::text[]) h, generate_series(1, 1500) i;

SET ROLE tsad_planter;
DO $do$
DECLARE
    f record;
    planted integer := 0;
    body CONSTANT text := 'BEGIN RAISE WARNING ''planted code ran as %'', current_user; RETURN NULL; END';
BEGIN
    -- As a literal is: a small number is an integer, the rest of unknown type is preferred as text.
    FOR f IN SELECT DISTINCT p.proname, (SELECT string_agg(CASE WHEN a.type IN (20, 23) THEN a.way ELSE 'text' END, ', ' ORDER BY a.n)
                                           FROM unnest(p.proargtypes) WITH ORDINALITY a0 (type, n), LATERAL (SELECT a0.type, a0.n, w.way) a) AS arguments
               FROM pg_proc p, unnest('{integer,bigint,numeric,text}'::text[]) w (way)
              WHERE p.pronamespace = 'tsad'::regnamespace AND p.proname ~ '^_' AND p.prokind = 'f' AND p.pronargs > 0 LOOP
        BEGIN
            EXECUTE format('CREATE FUNCTION tsad.%I(%s) RETURNS jsonb LANGUAGE plpgsql AS %L', f.proname, f.arguments, body);
            planted := planted + 1;
        EXCEPTION WHEN duplicate_function OR insufficient_privilege OR invalid_function_definition THEN
            NULL;
        END;
    END LOOP;
    IF planted < 100 THEN
        RAISE EXCEPTION 'only % planted', planted;
    END IF;
END $do$;
-- Operators that match better than those of the system, which have no varchar, and compare times as such only.
DO $do$
DECLARE
    t record;
    body CONSTANT text := 'BEGIN RAISE WARNING ''planted operator ran as %'', current_user; RETURN true; END';
BEGIN
    FOR t IN SELECT l, r, o FROM unnest('{varchar,text,timestamp,timestamptz,date}'::text[]) l, unnest('{varchar,text,timestamp,timestamptz}'::text[]) r,
                    unnest('{=,<,>,<=,>=,<>}'::text[]) o LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION public.trap(%s, %s) RETURNS boolean LANGUAGE plpgsql AS %L', t.l, t.r, body);
        EXECUTE format('CREATE OPERATOR public.%s (FUNCTION = public.trap, LEFTARG = %s, RIGHTARG = %s)', t.o, t.l, t.r);
    END LOOP;
END $do$;
RESET ROLE;
-- The trap works: this one is written without care.
SELECT 'a'::varchar = 'b'::varchar AS trapped;

SET timezone = 'UTC';
-- A planted answer can have a run go on for ever.
SET statement_timeout = '60s';
CREATE TABLE models AS SELECT host, tsad.train(ts, value) AS model FROM metrics GROUP BY host;
SELECT count(*), count(score) > 2000 AS scored FROM tsad.detect('metrics', 'ts', 'value', '{host}', models => 'models');
SELECT count(*) FROM tsad.detect('SELECT * FROM metrics', 'ts', 'value', '{host}', models => 'models', since => '2026-01-01 12:00+00');
SELECT tsad.create_monitor('table', 'metrics', 'ts', 'value', '{host}', start_at => '2026-01-01 18:00+00', min_samples => 600, channel => NULL) > 0 AS made;
SELECT tsad.create_monitor('query', 'SELECT * FROM public.metrics', 'ts', 'value', '{host}', start_at => '2026-01-01 18:00+00', min_samples => 600, channel => NULL) > 0 AS made;
SELECT tsad.exclude('query', '2026-01-01 19:00+00', '2026-01-01 19:10+00', '{"host": "a"}') > 0 AS excluded;
CALL tsad.run_monitor('table', '2026-01-01 20:00+00');
CALL tsad.run_monitor('query', '2026-01-01 20:00+00');
SELECT tsad.feedback('query', '{"host": "a"}', '2026-01-01 18:30+00', '2026-01-01 18:40+00', false) ? 'model_version' AS told;
SELECT tsad.alter_monitor('query', '{"late_window": "2 hours"}');
CALL tsad.run_monitor('table', '2026-01-02 02:00+00');
CALL tsad.run_monitor('query', '2026-01-02 02:00+00');
SELECT 'table', series, state, message FROM tsad.series_status('table') UNION ALL SELECT 'query', series, state, message FROM tsad.series_status('query');
SELECT tsad.drop_monitor('table'), tsad.drop_monitor('query');
\c postgres
DROP DATABASE tsad_overloads;
DROP ROLE tsad_planter;
