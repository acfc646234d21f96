-- tsad.detect and tsad.events: set-returning functions over tables. The order of arguments and result columns is
-- that of src/detect/request.rs, rows.rs and events.rs.

CREATE FUNCTION tsad.detect(
    relation regclass, time_column text, value_column text, series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL)
RETURNS TABLE (
    series jsonb, ts timestamptz, value float8, "values" float8[], score float8, threshold float8, p_value float8,
    is_anomaly boolean, severity float8, contributions jsonb, views jsonb, imputed boolean, is_final boolean,
    status text, message text)
    AS 'MODULE_PATHNAME', '_detect_one_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10000;

CREATE FUNCTION tsad.detect(
    relation regclass, time_column text, value_columns text[], series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL)
RETURNS TABLE (
    series jsonb, ts timestamptz, value float8, "values" float8[], score float8, threshold float8, p_value float8,
    is_anomaly boolean, severity float8, contributions jsonb, views jsonb, imputed boolean, is_final boolean,
    status text, message text)
    AS 'MODULE_PATHNAME', '_detect_several_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10000;

CREATE FUNCTION tsad.events(
    relation regclass, time_column text, value_column text, series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    merge_gap interval DEFAULT NULL, min_points integer DEFAULT 1, min_duration interval DEFAULT '0')
RETURNS TABLE (
    series jsonb, event_id bigint, started_at timestamptz, ended_at timestamptz, duration interval,
    peak_at timestamptz, peak_score float8, min_p_value float8, n_points bigint, contributions jsonb, views jsonb)
    AS 'MODULE_PATHNAME', '_events_one_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 100;

CREATE FUNCTION tsad.events(
    relation regclass, time_column text, value_columns text[], series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    merge_gap interval DEFAULT NULL, min_points integer DEFAULT 1, min_duration interval DEFAULT '0')
RETURNS TABLE (
    series jsonb, event_id bigint, started_at timestamptz, ended_at timestamptz, duration interval,
    peak_at timestamptz, peak_score float8, min_p_value float8, n_points bigint, contributions jsonb, views jsonb)
    AS 'MODULE_PATHNAME', '_events_several_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 100;

COMMENT ON FUNCTION tsad.detect(regclass, text, text, text[], regclass, bytea, timestamptz, timestamptz)
    IS 'scores the rows of a table: one row out per row in';
COMMENT ON FUNCTION tsad.detect(regclass, text, text[], text[], regclass, bytea, timestamptz, timestamptz)
    IS 'scores the rows of a table with several value columns: one row out per row in';
COMMENT ON FUNCTION tsad.events(regclass, text, text, text[], regclass, bytea, timestamptz, timestamptz, interval, integer, interval)
    IS 'finds the anomalous episodes of a table: one row an episode';
COMMENT ON FUNCTION tsad.events(regclass, text, text[], text[], regclass, bytea, timestamptz, timestamptz, interval, integer, interval)
    IS 'finds the anomalous episodes of a table with several value columns: one row an episode';
