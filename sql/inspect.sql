-- Functions that look and change nothing.

CREATE FUNCTION tsad.version() RETURNS text
    AS 'MODULE_PATHNAME', 'version_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION tsad.model_info(model bytea) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'model_info_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000;

COMMENT ON FUNCTION tsad.version() IS 'version of the loaded pg_tsad library';
COMMENT ON FUNCTION tsad.model_info(bytea) IS 'what a model tells of itself: training, options, calibration, size';

CREATE FUNCTION tsad.model_regimes(model bytea)
RETURNS TABLE (regime integer, size bigint, share float8, "window" integer, example jsonb, centres jsonb, directions jsonb)
    AS 'MODULE_PATHNAME', 'model_regimes_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 12;
COMMENT ON FUNCTION tsad.model_regimes(bytea) IS 'the classes of normal windows of a model: size, example, centre per view, directions';
