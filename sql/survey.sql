-- What would be trained on, and what would go wrong: dry runs over tables and queries.

CREATE FUNCTION tsad.suggest(
    relation regclass, time_column text, value_column text, series_columns text[] DEFAULT '{}', options jsonb DEFAULT NULL)
RETURNS TABLE (
    series jsonb, rows bigint, samples bigint, first_ts timestamptz, last_ts timestamptz, sampling_interval interval,
    irregular_share float8, imputed_share float8, stretches bigint, longest_step interval, verdict text, message text,
    suggested_options jsonb, first_seq bigint, last_seq bigint)
    AS 'MODULE_PATHNAME', '_suggest_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 100;
COMMENT ON FUNCTION tsad.suggest(regclass, text, text, text[], jsonb)
    IS 'tells per series what would be trained on: interval, gaps, length, verdict';

CREATE FUNCTION tsad.suggest(
    relation regclass, time_column text, value_columns text[], series_columns text[] DEFAULT '{}', options jsonb DEFAULT NULL)
RETURNS TABLE (
    series jsonb, rows bigint, samples bigint, first_ts timestamptz, last_ts timestamptz, sampling_interval interval,
    irregular_share float8, imputed_share float8, stretches bigint, longest_step interval, verdict text, message text,
    suggested_options jsonb, first_seq bigint, last_seq bigint)
    AS 'MODULE_PATHNAME', '_suggest_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 100;
COMMENT ON FUNCTION tsad.suggest(regclass, text, text[], text[], jsonb)
    IS 'tells per series what would be trained on: interval, gaps, length, verdict';

CREATE FUNCTION tsad.suggest(
    relation text, time_column text, value_column text, series_columns text[] DEFAULT '{}', options jsonb DEFAULT NULL)
RETURNS TABLE (
    series jsonb, rows bigint, samples bigint, first_ts timestamptz, last_ts timestamptz, sampling_interval interval,
    irregular_share float8, imputed_share float8, stretches bigint, longest_step interval, verdict text, message text,
    suggested_options jsonb, first_seq bigint, last_seq bigint)
    AS 'MODULE_PATHNAME', '_suggest_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 100;
COMMENT ON FUNCTION tsad.suggest(text, text, text, text[], jsonb)
    IS 'tells per series what would be trained on: interval, gaps, length, verdict';

CREATE FUNCTION tsad.suggest(
    relation text, time_column text, value_columns text[], series_columns text[] DEFAULT '{}', options jsonb DEFAULT NULL)
RETURNS TABLE (
    series jsonb, rows bigint, samples bigint, first_ts timestamptz, last_ts timestamptz, sampling_interval interval,
    irregular_share float8, imputed_share float8, stretches bigint, longest_step interval, verdict text, message text,
    suggested_options jsonb, first_seq bigint, last_seq bigint)
    AS 'MODULE_PATHNAME', '_suggest_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 100;
COMMENT ON FUNCTION tsad.suggest(text, text, text[], text[], jsonb)
    IS 'tells per series what would be trained on: interval, gaps, length, verdict';

CREATE FUNCTION tsad.validate(
    relation regclass, time_column text, value_column text, series_columns text[] DEFAULT '{}', options jsonb DEFAULT NULL)
RETURNS TABLE ("check" text, ok boolean, series jsonb, message text, hint text)
    AS 'MODULE_PATHNAME', '_validate_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION tsad.validate(regclass, text, text, text[], jsonb)
    IS 'tells what would go wrong, before anything is trained';

CREATE FUNCTION tsad.validate(
    relation regclass, time_column text, value_columns text[], series_columns text[] DEFAULT '{}', options jsonb DEFAULT NULL)
RETURNS TABLE ("check" text, ok boolean, series jsonb, message text, hint text)
    AS 'MODULE_PATHNAME', '_validate_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION tsad.validate(regclass, text, text[], text[], jsonb)
    IS 'tells what would go wrong, before anything is trained';

CREATE FUNCTION tsad.validate(
    relation text, time_column text, value_column text, series_columns text[] DEFAULT '{}', options jsonb DEFAULT NULL)
RETURNS TABLE ("check" text, ok boolean, series jsonb, message text, hint text)
    AS 'MODULE_PATHNAME', '_validate_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION tsad.validate(text, text, text, text[], jsonb)
    IS 'tells what would go wrong, before anything is trained';

CREATE FUNCTION tsad.validate(
    relation text, time_column text, value_columns text[], series_columns text[] DEFAULT '{}', options jsonb DEFAULT NULL)
RETURNS TABLE ("check" text, ok boolean, series jsonb, message text, hint text)
    AS 'MODULE_PATHNAME', '_validate_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION tsad.validate(text, text, text[], text[], jsonb)
    IS 'tells what would go wrong, before anything is trained';
