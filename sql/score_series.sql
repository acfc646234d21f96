-- tsad.score_series: a series given as arrays. The result columns are those of tsad.detect without the series.

CREATE FUNCTION tsad.score_series(model bytea, ts timestamptz[], "values" float8[])
RETURNS TABLE (
    ts timestamptz, seq bigint, value float8, "values" float8[], score float8, threshold float8,
    p_value float8, is_anomaly boolean, severity float8, in_shadow boolean, evidence text, direction smallint,
    expected float8, lower float8, upper float8, regime integer, direction_p_value float8, contributions jsonb, views jsonb, imputed boolean,
    is_final boolean, status text, message text, model_version text)
    AS 'MODULE_PATHNAME', '_score_series_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000 ROWS 1000;
COMMENT ON FUNCTION tsad.score_series(bytea, timestamptz[], float8[])
    IS 'scores a series given as arrays, one row a time; several values a time as a two-dimensional array';

CREATE FUNCTION tsad.score_series(model bytea, ts bigint[], "values" float8[])
RETURNS TABLE (
    ts timestamptz, seq bigint, value float8, "values" float8[], score float8, threshold float8,
    p_value float8, is_anomaly boolean, severity float8, in_shadow boolean, evidence text, direction smallint,
    expected float8, lower float8, upper float8, regime integer, direction_p_value float8, contributions jsonb, views jsonb, imputed boolean,
    is_final boolean, status text, message text, model_version text)
    AS 'MODULE_PATHNAME', '_score_series_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000 ROWS 1000;
COMMENT ON FUNCTION tsad.score_series(bytea, bigint[], float8[])
    IS 'scores a series given as arrays, one row a time; several values a time as a two-dimensional array';
