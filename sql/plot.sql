-- tsad.plot: aggregates over hand-declared support functions, as in train.sql. One transition function serves every
-- form: it tells them apart by the number of their arguments. Times are timestamptz, to which timestamp and date cast
-- by themselves, or bigint.
--
-- The final function is STABLE: without the option "timezone" the time axis follows the setting TimeZone.

CREATE FUNCTION tsad._plot_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', '_plot_combine_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION tsad._plot_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', '_plot_serialize_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION tsad._plot_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', '_plot_deserialize_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION tsad._plot_final(internal) RETURNS text
    AS 'MODULE_PATHNAME', '_plot_final_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 100000;

COMMENT ON FUNCTION tsad._plot_combine(internal, internal) IS 'combine function of tsad.plot';
COMMENT ON FUNCTION tsad._plot_serialize(internal) IS 'serialisation function of tsad.plot';
COMMENT ON FUNCTION tsad._plot_deserialize(bytea, internal) IS 'deserialisation function of tsad.plot';
COMMENT ON FUNCTION tsad._plot_final(internal) IS 'final function of tsad.plot';

DO $do$
DECLARE
    time_type text;
    form record;
    named text;
    arguments text;
BEGIN
    FOREACH time_type IN ARRAY ARRAY['timestamptz', 'bigint'] LOOP
        FOR form IN VALUES
            ('value float8', 'draws a series as an SVG picture'),
            ('value float8, options jsonb', 'draws a series as an SVG picture, with options'),
            ('value float8, score float8, is_anomaly boolean', 'draws a series, its score and its anomalies as an SVG picture'),
            ('value float8, score float8, threshold float8, is_anomaly boolean, series text, options jsonb',
             'draws series, their scores and anomalies as an SVG picture, with options'),
            ('value float8, score float8, threshold float8, is_anomaly boolean, lower float8, upper float8, series text, options jsonb',
             'draws series, their expected bands, scores and anomalies as an SVG picture, with options')
        LOOP
            named := 'ts ' || time_type || ', ' || form.column1;
            arguments := pg_catalog.regexp_replace(named, '\w+ (\w+)', '\1', 'g');
            EXECUTE pg_catalog.format('CREATE FUNCTION tsad._plot_row(internal, %s) RETURNS internal AS ''MODULE_PATHNAME'', ''_plot_row_wrapper'' '
                           'LANGUAGE c IMMUTABLE PARALLEL SAFE', arguments);
            EXECUTE pg_catalog.format('COMMENT ON FUNCTION tsad._plot_row(internal, %s) IS %L', arguments, 'transition function of tsad.plot');
            EXECUTE pg_catalog.format('CREATE AGGREGATE tsad.plot(%s) (SFUNC = tsad._plot_row, STYPE = internal, SSPACE = 262144, '
                           'FINALFUNC = tsad._plot_final, COMBINEFUNC = tsad._plot_combine, '
                           'SERIALFUNC = tsad._plot_serialize, DESERIALFUNC = tsad._plot_deserialize, '
                           'PARALLEL = SAFE)', named);
            EXECUTE pg_catalog.format('COMMENT ON AGGREGATE tsad.plot(%s) IS %L', arguments, form.column2);
        END LOOP;
    END LOOP;
END $do$;
