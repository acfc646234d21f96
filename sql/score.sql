-- tsad.score: causal scores as a window function. The order of the fields is that of src/aggregate/score.rs.

CREATE TYPE tsad.scored AS (
    score float8, threshold float8, p_value float8, is_anomaly boolean, severity float8, direction smallint,
    contributions jsonb, views jsonb, imputed boolean, is_final boolean, status text, message text);
COMMENT ON TYPE tsad.scored IS 'what tsad.score returns of a row';

CREATE FUNCTION tsad._score_final(internal) RETURNS tsad.scored
    AS 'MODULE_PATHNAME', '_score_final_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION tsad._score_final(internal) IS 'final function of tsad.score';

-- One aggregate for each type of time, with one value or an array of values. The state has a bounded size, and the
-- final function reads it only: called after every row of a window it costs nothing but making the result.
DO $do$
DECLARE
    time_type text;
    several boolean;
    arguments text;
    named text;
    value_type text;
    transition text;
BEGIN
    FOREACH time_type IN ARRAY ARRAY['timestamptz', 'timestamp', 'date', 'bigint'] LOOP
        FOREACH several IN ARRAY ARRAY[false, true] LOOP
            value_type := CASE WHEN several THEN 'float8[]' ELSE 'float8' END;
            transition := CASE WHEN several THEN '_score_values' ELSE '_score_value' END;
            arguments := 'bytea, ' || time_type || ', ' || value_type;
            named := 'model bytea, ts ' || time_type || ', ' || CASE WHEN several THEN '"values" ' ELSE 'value ' END || value_type;
            EXECUTE pg_catalog.format('CREATE FUNCTION tsad.%s(internal, %s) RETURNS internal AS ''MODULE_PATHNAME'', %L '
                           'LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100', transition, arguments, transition || '_wrapper');
            EXECUTE pg_catalog.format('COMMENT ON FUNCTION tsad.%s(internal, %s) IS %L', transition, arguments,
                           'transition function of tsad.score');
            EXECUTE pg_catalog.format('CREATE AGGREGATE tsad.score(%s) (SFUNC = tsad.%s, STYPE = internal, SSPACE = 1048576, '
                           'FINALFUNC = tsad._score_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE)', named, transition);
            EXECUTE pg_catalog.format('COMMENT ON AGGREGATE tsad.score(%s) IS %L', arguments,
                           'scores each row by the rows before it, as a window function in the order of time');
        END LOOP;
    END LOOP;
END $do$;
