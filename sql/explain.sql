-- tsad.explain: why rows and episodes got their score. The order of arguments and columns is that of
-- src/read/request.rs and src/function/explain.rs.

DO $do$
DECLARE
    relation text;
    value text;
    time_type text;
    result constant text := 'ts timestamptz, seq bigint, event_id bigint, started_at timestamptz, ended_at timestamptz, '
        'column_name text, value float8, expected float8, lower float8, upper float8, direction smallint, score float8, '
        'threshold float8, p_value float8, is_anomaly boolean, reason text, views jsonb, contributions jsonb, '
        'scales jsonb, regime integer, direction_p_value float8, direction_contributions jsonb, '
        'window_from timestamptz, window_to timestamptz, window_values float8[], normal_from timestamptz, '
        'normal_to timestamptz, normal_values float8[], is_final boolean, status text, started_seq bigint, '
        'ended_seq bigint, window_from_seq bigint, normal_from_seq bigint';
BEGIN
    FOREACH relation IN ARRAY ARRAY['regclass', 'text'] LOOP
        FOREACH value IN ARRAY ARRAY['value_column text', 'value_columns text[]'] LOOP
            EXECUTE pg_catalog.format(
                'CREATE FUNCTION tsad.explain(relation %s, time_column text, %s, series_columns text[] DEFAULT ''{}'', '
                'models regclass DEFAULT NULL, model bytea DEFAULT NULL, since timestamptz DEFAULT NULL, '
                'until timestamptz DEFAULT NULL, train_until timestamptz DEFAULT NULL, options jsonb DEFAULT NULL, '
                'each text DEFAULT ''episode'', since_seq bigint DEFAULT NULL, until_seq bigint DEFAULT NULL, '
                'train_until_seq bigint DEFAULT NULL) RETURNS TABLE (series jsonb, %s) '
                'AS ''MODULE_PATHNAME'', ''_explain_wrapper'' '
                'LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 100', relation, value, result);
            EXECUTE pg_catalog.format(
                'COMMENT ON FUNCTION tsad.explain(%s, text, %s, text[], regclass, bytea, timestamptz, timestamptz, '
                'timestamptz, jsonb, text, bigint, bigint, bigint) IS ''why the episodes, or all rows, of a table or query got their score''',
                relation, pg_catalog.split_part(value, ' ', 2));
        END LOOP;
    END LOOP;
    FOREACH time_type IN ARRAY ARRAY['timestamptz', 'bigint'] LOOP
        EXECUTE pg_catalog.format(
            'CREATE FUNCTION tsad.explain(model bytea, ts %s[], "values" float8[], at %s[] DEFAULT NULL) '
            'RETURNS TABLE (%s) AS ''MODULE_PATHNAME'', ''_explain_series_wrapper'' '
            'LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10000 ROWS 10', time_type, time_type, result);
        EXECUTE pg_catalog.format(
            'COMMENT ON FUNCTION tsad.explain(bytea, %s[], float8[], %s[]) IS '
            '''why the episodes, or the samples at given times, of a series given as arrays got their score''',
            time_type, time_type);
    END LOOP;
END $do$;
