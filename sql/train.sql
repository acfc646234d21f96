-- tsad.train: aggregates over hand-declared support functions, so that their internal state is combined in parallel.

CREATE FUNCTION tsad._train_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', '_train_combine_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION tsad._train_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', '_train_serialize_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION tsad._train_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', '_train_deserialize_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION tsad._train_final(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', '_train_final_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100000;

COMMENT ON FUNCTION tsad._train_combine(internal, internal) IS 'combine function of tsad.train';
COMMENT ON FUNCTION tsad._train_serialize(internal) IS 'serialisation function of tsad.train';
COMMENT ON FUNCTION tsad._train_deserialize(bytea, internal) IS 'deserialisation function of tsad.train';
COMMENT ON FUNCTION tsad._train_final(internal) IS 'final function of tsad.train';

-- One aggregate for each type of time, with one value or an array of values, without and with options.
DO $do$
DECLARE
    time_type text;
    several boolean;
    optional text;
    arguments text;
    named text;
    value_type text;
    transition text;
BEGIN
    FOREACH time_type IN ARRAY ARRAY['timestamptz', 'timestamp', 'date', 'bigint'] LOOP
        FOREACH several IN ARRAY ARRAY[false, true] LOOP
            FOREACH optional IN ARRAY ARRAY['', ', jsonb'] LOOP
                value_type := CASE WHEN several THEN 'float8[]' ELSE 'float8' END;
                transition := CASE WHEN several THEN '_train_values' ELSE '_train_value' END;
                arguments := time_type || ', ' || value_type || optional;
                named := 'ts ' || time_type || ', ' || CASE WHEN several THEN '"values" ' ELSE 'value ' END || value_type
                      || CASE optional WHEN '' THEN '' ELSE ', options jsonb' END;
                EXECUTE pg_catalog.format('CREATE FUNCTION tsad.%s(internal, %s) RETURNS internal AS ''MODULE_PATHNAME'', %L '
                               'LANGUAGE c IMMUTABLE PARALLEL SAFE', transition, arguments, transition || '_wrapper');
                EXECUTE pg_catalog.format('COMMENT ON FUNCTION tsad.%s(internal, %s) IS %L',
                               transition, arguments, 'transition function of tsad.train');
                EXECUTE pg_catalog.format('CREATE AGGREGATE tsad.train(%s) (SFUNC = tsad.%s, STYPE = internal, SSPACE = 65536, '
                               'FINALFUNC = tsad._train_final, COMBINEFUNC = tsad._train_combine, '
                               'SERIALFUNC = tsad._train_serialize, DESERIALFUNC = tsad._train_deserialize, '
                               'PARALLEL = SAFE)', named, transition);
                EXECUTE pg_catalog.format('COMMENT ON AGGREGATE tsad.train(%s) IS %L', arguments,
                               'trains a model of the normal behaviour of a series'
                               || CASE WHEN several THEN ' of several values' ELSE '' END
                               || CASE optional WHEN '' THEN '' ELSE ', with options' END);
            END LOOP;
        END LOOP;
    END LOOP;
END $do$;
