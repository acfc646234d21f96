-- tsad.detect and tsad.events: set-returning functions over tables and queries. The order of arguments and result
-- columns is that of src/detect/request.rs, rows.rs and events.rs. A table is given by name or as a regclass, a query as
-- text; the value columns as a name, an array of names, or such an array as text.

CREATE FUNCTION tsad.detect(
    relation regclass, time_column text, value_column text, series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    train_until timestamptz DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS TABLE (
    series jsonb, ts timestamptz, seq bigint, value float8, "values" float8[], score float8, threshold float8,
    p_value float8, is_anomaly boolean, severity float8, direction smallint,
    expected float8, lower float8, upper float8, regime integer, direction_p_value float8, contributions jsonb, views jsonb, imputed boolean,
    is_final boolean, status text, message text)
    AS 'MODULE_PATHNAME', '_detect_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10000;
COMMENT ON FUNCTION tsad.detect(regclass, text, text, text[], regclass, bytea, timestamptz, timestamptz, timestamptz, jsonb)
    IS 'scores the rows of a table or query: one row out per row in';

CREATE FUNCTION tsad.detect(
    relation regclass, time_column text, value_columns text[], series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    train_until timestamptz DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS TABLE (
    series jsonb, ts timestamptz, seq bigint, value float8, "values" float8[], score float8, threshold float8,
    p_value float8, is_anomaly boolean, severity float8, direction smallint,
    expected float8, lower float8, upper float8, regime integer, direction_p_value float8, contributions jsonb, views jsonb, imputed boolean,
    is_final boolean, status text, message text)
    AS 'MODULE_PATHNAME', '_detect_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10000;
COMMENT ON FUNCTION tsad.detect(regclass, text, text[], text[], regclass, bytea, timestamptz, timestamptz, timestamptz, jsonb)
    IS 'scores the rows of a table or query: one row out per row in';

CREATE FUNCTION tsad.detect(
    relation text, time_column text, value_column text, series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    train_until timestamptz DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS TABLE (
    series jsonb, ts timestamptz, seq bigint, value float8, "values" float8[], score float8, threshold float8,
    p_value float8, is_anomaly boolean, severity float8, direction smallint,
    expected float8, lower float8, upper float8, regime integer, direction_p_value float8, contributions jsonb, views jsonb, imputed boolean,
    is_final boolean, status text, message text)
    AS 'MODULE_PATHNAME', '_detect_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10000;
COMMENT ON FUNCTION tsad.detect(text, text, text, text[], regclass, bytea, timestamptz, timestamptz, timestamptz, jsonb)
    IS 'scores the rows of a table or query: one row out per row in';

CREATE FUNCTION tsad.detect(
    relation text, time_column text, value_columns text[], series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    train_until timestamptz DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS TABLE (
    series jsonb, ts timestamptz, seq bigint, value float8, "values" float8[], score float8, threshold float8,
    p_value float8, is_anomaly boolean, severity float8, direction smallint,
    expected float8, lower float8, upper float8, regime integer, direction_p_value float8, contributions jsonb, views jsonb, imputed boolean,
    is_final boolean, status text, message text)
    AS 'MODULE_PATHNAME', '_detect_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10000;
COMMENT ON FUNCTION tsad.detect(text, text, text[], text[], regclass, bytea, timestamptz, timestamptz, timestamptz, jsonb)
    IS 'scores the rows of a table or query: one row out per row in';

CREATE FUNCTION tsad.events(
    relation regclass, time_column text, value_column text, series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    train_until timestamptz DEFAULT NULL, options jsonb DEFAULT NULL,
    merge_gap interval DEFAULT NULL, min_points integer DEFAULT 1, min_duration interval DEFAULT '0',
    focus float8 DEFAULT 0.5)
RETURNS TABLE (
    series jsonb, event_id bigint, started_at timestamptz, ended_at timestamptz, duration interval,
    peak_at timestamptz, peak_score float8, min_p_value float8, n_points bigint, contributions jsonb, views jsonb,
    started_seq bigint, ended_seq bigint, peak_seq bigint)
    AS 'MODULE_PATHNAME', '_events_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 100;
COMMENT ON FUNCTION tsad.events(regclass, text, text, text[], regclass, bytea, timestamptz, timestamptz, timestamptz, jsonb, interval, integer, interval, float8)
    IS 'finds the anomalous episodes of a table or query: one row an episode';

CREATE FUNCTION tsad.events(
    relation regclass, time_column text, value_columns text[], series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    train_until timestamptz DEFAULT NULL, options jsonb DEFAULT NULL,
    merge_gap interval DEFAULT NULL, min_points integer DEFAULT 1, min_duration interval DEFAULT '0',
    focus float8 DEFAULT 0.5)
RETURNS TABLE (
    series jsonb, event_id bigint, started_at timestamptz, ended_at timestamptz, duration interval,
    peak_at timestamptz, peak_score float8, min_p_value float8, n_points bigint, contributions jsonb, views jsonb,
    started_seq bigint, ended_seq bigint, peak_seq bigint)
    AS 'MODULE_PATHNAME', '_events_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 100;
COMMENT ON FUNCTION tsad.events(regclass, text, text[], text[], regclass, bytea, timestamptz, timestamptz, timestamptz, jsonb, interval, integer, interval, float8)
    IS 'finds the anomalous episodes of a table or query: one row an episode';

CREATE FUNCTION tsad.events(
    relation text, time_column text, value_column text, series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    train_until timestamptz DEFAULT NULL, options jsonb DEFAULT NULL,
    merge_gap interval DEFAULT NULL, min_points integer DEFAULT 1, min_duration interval DEFAULT '0',
    focus float8 DEFAULT 0.5)
RETURNS TABLE (
    series jsonb, event_id bigint, started_at timestamptz, ended_at timestamptz, duration interval,
    peak_at timestamptz, peak_score float8, min_p_value float8, n_points bigint, contributions jsonb, views jsonb,
    started_seq bigint, ended_seq bigint, peak_seq bigint)
    AS 'MODULE_PATHNAME', '_events_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 100;
COMMENT ON FUNCTION tsad.events(text, text, text, text[], regclass, bytea, timestamptz, timestamptz, timestamptz, jsonb, interval, integer, interval, float8)
    IS 'finds the anomalous episodes of a table or query: one row an episode';

CREATE FUNCTION tsad.events(
    relation text, time_column text, value_columns text[], series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    train_until timestamptz DEFAULT NULL, options jsonb DEFAULT NULL,
    merge_gap interval DEFAULT NULL, min_points integer DEFAULT 1, min_duration interval DEFAULT '0',
    focus float8 DEFAULT 0.5)
RETURNS TABLE (
    series jsonb, event_id bigint, started_at timestamptz, ended_at timestamptz, duration interval,
    peak_at timestamptz, peak_score float8, min_p_value float8, n_points bigint, contributions jsonb, views jsonb,
    started_seq bigint, ended_seq bigint, peak_seq bigint)
    AS 'MODULE_PATHNAME', '_events_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 100;
COMMENT ON FUNCTION tsad.events(text, text, text[], text[], regclass, bytea, timestamptz, timestamptz, timestamptz, jsonb, interval, integer, interval, float8)
    IS 'finds the anomalous episodes of a table or query: one row an episode';

CREATE FUNCTION tsad.clean(
    relation regclass, time_column text, value_column text, series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    train_until timestamptz DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS TABLE (
    series jsonb, ts timestamptz, seq bigint, value float8, cleaned float8, replaced boolean, status text)
    AS 'MODULE_PATHNAME', '_clean_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10000;
COMMENT ON FUNCTION tsad.clean(regclass, text, text, text[], regclass, bytea, timestamptz, timestamptz, timestamptz, jsonb)
    IS 'the rows of a table or query with missing and anomalous values replaced by the expected ones';

CREATE FUNCTION tsad.clean(
    relation regclass, time_column text, value_columns text[], series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    train_until timestamptz DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS TABLE (
    series jsonb, ts timestamptz, seq bigint, value float8, cleaned float8, replaced boolean, status text)
    AS 'MODULE_PATHNAME', '_clean_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10000;
COMMENT ON FUNCTION tsad.clean(regclass, text, text[], text[], regclass, bytea, timestamptz, timestamptz, timestamptz, jsonb)
    IS 'the rows of a table or query with missing and anomalous values replaced by the expected ones';

CREATE FUNCTION tsad.clean(
    relation text, time_column text, value_column text, series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    train_until timestamptz DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS TABLE (
    series jsonb, ts timestamptz, seq bigint, value float8, cleaned float8, replaced boolean, status text)
    AS 'MODULE_PATHNAME', '_clean_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10000;
COMMENT ON FUNCTION tsad.clean(text, text, text, text[], regclass, bytea, timestamptz, timestamptz, timestamptz, jsonb)
    IS 'the rows of a table or query with missing and anomalous values replaced by the expected ones';

CREATE FUNCTION tsad.clean(
    relation text, time_column text, value_columns text[], series_columns text[] DEFAULT '{}',
    models regclass DEFAULT NULL, model bytea DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    train_until timestamptz DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS TABLE (
    series jsonb, ts timestamptz, seq bigint, value float8, cleaned float8, replaced boolean, status text)
    AS 'MODULE_PATHNAME', '_clean_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10000;
COMMENT ON FUNCTION tsad.clean(text, text, text[], text[], regclass, bytea, timestamptz, timestamptz, timestamptz, jsonb)
    IS 'the rows of a table or query with missing and anomalous values replaced by the expected ones';
