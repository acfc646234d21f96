-- Runs before every other test of this folder.
SET client_min_messages = warning;
CREATE EXTENSION timescaledb;
CREATE EXTENSION pg_cron;
CREATE EXTENSION pg_tsad;
RESET client_min_messages;
SELECT extname, extversion ~ '^\d+\.\d+' AS version FROM pg_extension WHERE extname IN ('timescaledb', 'pg_cron') ORDER BY 1;

-- A wave of 40 samples with a little deterministic noise, a sample every 5 minutes.
CREATE FUNCTION wave(i int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT sin(i * 2 * pi() / 40) + 0.1 * ((i * 7919 % 1009) / 1009.0 - 0.5) $$;
CREATE FUNCTION at(i int) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT '2026-01-01 00:00+00'::timestamptz + i * interval '5 min' $$;

-- The plans of all statements that a statement runs inside, as auto_explain writes them into the server's log. It decides
-- at the start of the outermost statement what it records: log_plans() comes before, in the session.
CREATE FUNCTION log_plans() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    LOAD 'auto_explain';
    SET auto_explain.log_min_duration = 0;
    SET auto_explain.log_nested_statements = on;
    SET auto_explain.log_analyze = on;
    SET auto_explain.log_timing = off;
END $$;
CREATE FUNCTION plans_of(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    log CONSTANT text := current_setting('data_directory') || '/../server.log';
    before bigint;
BEGIN
    before := (pg_stat_file(log)).size;
    EXECUTE statement;
    RETURN QUERY SELECT line FROM regexp_split_to_table(pg_read_file(log, before, 10000000), E'\n') AS line;
END $$;

-- The chunks of a hypertable that a statement read, and all there are.
CREATE FUNCTION chunks_read(statement text, hypertable regclass, OUT read bigint, OUT chunks bigint) LANGUAGE plpgsql AS $$
BEGIN
    SELECT count(DISTINCT substring(line FROM '_hyper_\d+_\d+_chunk')) INTO read FROM plans_of(statement) line
     WHERE line ~ 'Scan.* on _hyper_\d+_\d+_chunk' AND line !~ 'never executed';
    SELECT count(*) INTO chunks FROM show_chunks(hypertable);
END $$;

-- Runs what the server's licence may forbid (the Apache edition has neither continuous aggregates nor compression).
-- Where it does, that is said in the server's log, where scripts/installcheck finds it, for the output is the same.
CREATE FUNCTION licensed(statement text) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN true;
EXCEPTION WHEN feature_not_supported THEN
    IF SQLERRM !~* 'license' THEN
        RAISE;
    END IF;
    RAISE LOG 'skipped: the licence of this TimescaleDB forbids %', left(statement, 60);
    RETURN false;
END $$;
