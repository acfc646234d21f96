-- Functions that make a model from a model.

CREATE FUNCTION tsad.recalibrate(model bytea, alpha float8 DEFAULT NULL, alarms_per_day float8 DEFAULT NULL) RETURNS bytea
    AS 'MODULE_PATHNAME', 'recalibrate_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION tsad.recalibrate(bytea, float8, float8)
    IS 'the same model with the threshold at another error probability, without training';

CREATE FUNCTION tsad._recalibrate_final(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', '_recalibrate_final_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION tsad._recalibrate_final(internal) IS 'final function of tsad.recalibrate';

-- One aggregate for each type of time, with one value or an array of values.
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
            transition := CASE WHEN several THEN '_model_values' ELSE '_model_value' END;
            arguments := 'bytea, ' || time_type || ', ' || value_type || ', boolean';
            named := 'model bytea, ts ' || time_type || ', ' || CASE WHEN several THEN '"values" ' ELSE 'value ' END
                  || value_type || ', label boolean';
            EXECUTE format('CREATE FUNCTION tsad.%s(internal, %s) RETURNS internal AS ''MODULE_PATHNAME'', %L '
                           'LANGUAGE c IMMUTABLE PARALLEL SAFE', transition, arguments, transition || '_wrapper');
            EXECUTE format('COMMENT ON FUNCTION tsad.%s(internal, %s) IS %L', transition, arguments,
                           'transition function of aggregates over a model and rows');
            EXECUTE format('CREATE AGGREGATE tsad.recalibrate(%s) (SFUNC = tsad.%s, STYPE = internal, SSPACE = 65536, '
                           'FINALFUNC = tsad._recalibrate_final, PARALLEL = SAFE)', named, transition);
            EXECUTE format('COMMENT ON AGGREGATE tsad.recalibrate(%s) IS %L', arguments,
                           'the same model with the threshold that agrees best with labelled rows, without training');
        END LOOP;
    END LOOP;
END $do$;
