-- Runs before every other test.
CREATE EXTENSION pg_tsad;

-- What a failing statement tells: SQLSTATE, message and hint.
CREATE FUNCTION error_of(statement text, OUT state text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    state := '00000';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END $$;

-- A wave of 40 samples with a little deterministic noise, a sample every 5 minutes.
CREATE FUNCTION wave(i int) RETURNS float8 LANGUAGE sql IMMUTABLE AS
    $$ SELECT sin(i * 2 * pi() / 40) + 0.1 * ((i * 7919 % 1009) / 1009.0 - 0.5) $$;
CREATE FUNCTION at(i int) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
    $$ SELECT '2026-01-01 00:00+00'::timestamptz + i * interval '5 min' $$;

-- A plan, without what the majors of PostgreSQL tell differently.
CREATE FUNCTION plan_of(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
        IF line !~ '^ *(Window|Params Evaluated): ' THEN
            RETURN NEXT regexp_replace(line, ' \(returns \$\d+\)', '');
        END IF;
    END LOOP;
END $$;
