-- Functions that make a model from a model, and one that judges it.

CREATE FUNCTION tsad.recalibrate(model bytea, alpha float8 DEFAULT NULL, alarms_per_day float8 DEFAULT NULL) RETURNS bytea
    AS 'MODULE_PATHNAME', 'recalibrate_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION tsad.recalibrate(bytea, float8, float8)
    IS 'the same model with the threshold at another error probability, without training';

CREATE FUNCTION tsad._model_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', '_model_combine_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION tsad._model_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', '_model_serialize_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION tsad._model_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', '_model_deserialize_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION tsad._recalibrate_final(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', '_recalibrate_final_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100000;
CREATE FUNCTION tsad._update_model_final(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', '_update_model_final_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100000;
CREATE FUNCTION tsad._drift_final(internal) RETURNS jsonb
    AS 'MODULE_PATHNAME', '_drift_final_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100000;

COMMENT ON FUNCTION tsad._model_combine(internal, internal) IS 'combine function of aggregates over a model and rows';
COMMENT ON FUNCTION tsad._model_serialize(internal) IS 'serialisation function of aggregates over a model and rows';
COMMENT ON FUNCTION tsad._model_deserialize(bytea, internal) IS 'deserialisation function of aggregates over a model and rows';
COMMENT ON FUNCTION tsad._recalibrate_final(internal) IS 'final function of tsad.recalibrate';
COMMENT ON FUNCTION tsad._update_model_final(internal) IS 'final function of tsad.update_model';
COMMENT ON FUNCTION tsad._drift_final(internal) IS 'final function of tsad.drift';

-- One aggregate for each type of time, with one value or an array of values, all over the same state.
DO $do$
DECLARE
    time_type text;
    several boolean;
    form record;
    arguments text;
    named text;
    value_type text;
    transition text;
BEGIN
    FOREACH time_type IN ARRAY ARRAY['timestamptz', 'timestamp', 'date', 'bigint'] LOOP
        FOREACH several IN ARRAY ARRAY[false, true] LOOP
            value_type := CASE WHEN several THEN 'float8[]' ELSE 'float8' END;
            transition := CASE WHEN several THEN '_model_values' ELSE '_model_value' END;
            FOR form IN VALUES ('', ''), (', boolean', ', label boolean') LOOP
                arguments := 'bytea, ' || time_type || ', ' || value_type || form.column1;
                EXECUTE pg_catalog.format('CREATE FUNCTION tsad.%s(internal, %s) RETURNS internal AS ''MODULE_PATHNAME'', %L '
                               'LANGUAGE c IMMUTABLE PARALLEL SAFE', transition, arguments, transition || '_wrapper');
                EXECUTE pg_catalog.format('COMMENT ON FUNCTION tsad.%s(internal, %s) IS %L', transition, arguments,
                               'transition function of aggregates over a model and rows');
            END LOOP;
            FOR form IN VALUES
                ('recalibrate', ', boolean', ', label boolean',
                 'the same model with the threshold that agrees best with labelled rows, without training'),
                ('update_model', '', '', 'the same model with newer normal rows folded in, without training from nothing'),
                ('drift', '', '', 'whether a model still fits newer rows: age, share of unknown windows, p-values, advice')
            LOOP
                arguments := 'bytea, ' || time_type || ', ' || value_type || form.column2;
                named := 'model bytea, ts ' || time_type || ', ' || CASE WHEN several THEN '"values" ' ELSE 'value ' END
                      || value_type || form.column3;
                EXECUTE pg_catalog.format('CREATE AGGREGATE tsad.%s(%s) (SFUNC = tsad.%s, STYPE = internal, SSPACE = 65536, '
                               'FINALFUNC = tsad._%s_final, COMBINEFUNC = tsad._model_combine, '
                               'SERIALFUNC = tsad._model_serialize, DESERIALFUNC = tsad._model_deserialize, '
                               'PARALLEL = SAFE)', form.column1, named, transition, form.column1);
                EXECUTE pg_catalog.format('COMMENT ON AGGREGATE tsad.%s(%s) IS %L', form.column1, arguments, form.column4);
            END LOOP;
        END LOOP;
    END LOOP;
END $do$;
