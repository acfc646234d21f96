-- tsad.train: aggregates over hand-declared support functions, so that their internal state is combined in parallel.

CREATE FUNCTION tsad._train_value(internal, timestamptz, float8) RETURNS internal
    AS 'MODULE_PATHNAME', '_train_value_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION tsad._train_value(internal, timestamptz, float8, jsonb) RETURNS internal
    AS 'MODULE_PATHNAME', '_train_value_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION tsad._train_values(internal, timestamptz, float8[]) RETURNS internal
    AS 'MODULE_PATHNAME', '_train_values_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION tsad._train_values(internal, timestamptz, float8[], jsonb) RETURNS internal
    AS 'MODULE_PATHNAME', '_train_values_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION tsad._train_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', '_train_combine_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION tsad._train_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', '_train_serialize_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION tsad._train_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', '_train_deserialize_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION tsad._train_final(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', '_train_final_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100000;

CREATE AGGREGATE tsad.train(ts timestamptz, value float8) (
    SFUNC = tsad._train_value, STYPE = internal, SSPACE = 65536, FINALFUNC = tsad._train_final,
    COMBINEFUNC = tsad._train_combine, SERIALFUNC = tsad._train_serialize, DESERIALFUNC = tsad._train_deserialize,
    PARALLEL = SAFE);
CREATE AGGREGATE tsad.train(ts timestamptz, value float8, options jsonb) (
    SFUNC = tsad._train_value, STYPE = internal, SSPACE = 65536, FINALFUNC = tsad._train_final,
    COMBINEFUNC = tsad._train_combine, SERIALFUNC = tsad._train_serialize, DESERIALFUNC = tsad._train_deserialize,
    PARALLEL = SAFE);
CREATE AGGREGATE tsad.train(ts timestamptz, "values" float8[]) (
    SFUNC = tsad._train_values, STYPE = internal, SSPACE = 65536, FINALFUNC = tsad._train_final,
    COMBINEFUNC = tsad._train_combine, SERIALFUNC = tsad._train_serialize, DESERIALFUNC = tsad._train_deserialize,
    PARALLEL = SAFE);
CREATE AGGREGATE tsad.train(ts timestamptz, "values" float8[], options jsonb) (
    SFUNC = tsad._train_values, STYPE = internal, SSPACE = 65536, FINALFUNC = tsad._train_final,
    COMBINEFUNC = tsad._train_combine, SERIALFUNC = tsad._train_serialize, DESERIALFUNC = tsad._train_deserialize,
    PARALLEL = SAFE);

COMMENT ON FUNCTION tsad._train_value(internal, timestamptz, float8) IS 'transition function of tsad.train';
COMMENT ON FUNCTION tsad._train_value(internal, timestamptz, float8, jsonb) IS 'transition function of tsad.train';
COMMENT ON FUNCTION tsad._train_values(internal, timestamptz, float8[]) IS 'transition function of tsad.train';
COMMENT ON FUNCTION tsad._train_values(internal, timestamptz, float8[], jsonb) IS 'transition function of tsad.train';
COMMENT ON FUNCTION tsad._train_combine(internal, internal) IS 'combine function of tsad.train';
COMMENT ON FUNCTION tsad._train_serialize(internal) IS 'serialisation function of tsad.train';
COMMENT ON FUNCTION tsad._train_deserialize(bytea, internal) IS 'deserialisation function of tsad.train';
COMMENT ON FUNCTION tsad._train_final(internal) IS 'final function of tsad.train';
COMMENT ON AGGREGATE tsad.train(timestamptz, float8) IS 'trains a model of the normal behaviour of a series';
COMMENT ON AGGREGATE tsad.train(timestamptz, float8, jsonb) IS 'trains a model of the normal behaviour of a series, with options';
COMMENT ON AGGREGATE tsad.train(timestamptz, float8[]) IS 'trains a model of the normal behaviour of a series of several values';
COMMENT ON AGGREGATE tsad.train(timestamptz, float8[], jsonb) IS 'trains a model of the normal behaviour of a series of several values, with options';
