-- Set-returning functions over tables and queries. The order of arguments and result columns is that of
-- src/read/request.rs and src/function/. A table is given by name or as a regclass, a query as text; the
-- value columns as a name, an array of names, or such an array as text.
--
-- The columns of a function cannot depend on its arguments, so the wide rows have a function of their own.

DO $do$
DECLARE
    relation text;
    value text;
    form record;
    common constant text := 'series_columns text[] DEFAULT ''{}'', models regclass DEFAULT NULL, model bytea DEFAULT NULL, '
        'since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, train_until timestamptz DEFAULT NULL, '
        'options jsonb DEFAULT NULL';
    types constant text := 'text[], regclass, bytea, timestamptz, timestamptz, timestamptz, jsonb';
    -- The same times for columns that are integers.
    integers constant text := ', since_seq bigint DEFAULT NULL, until_seq bigint DEFAULT NULL, '
        'train_until_seq bigint DEFAULT NULL';
    integer_types constant text := ', bigint, bigint, bigint';
BEGIN
    FOR form IN VALUES
        ('detect', integers, integer_types, 10000,
         'series jsonb, ts timestamptz, seq bigint, value float8, "values" float8[], expected float8, lower float8, '
         'upper float8, score float8, severity float8, p_value float8, is_anomaly boolean, in_shadow boolean, '
         'is_final boolean, status text, message text',
         'scores the rows of a table or query: one row out per row in'),
        ('detect_details', integers, integer_types, 10000,
         'series jsonb, ts timestamptz, seq bigint, value float8, "values" float8[], score float8, threshold float8, '
         'p_value float8, is_anomaly boolean, severity float8, in_shadow boolean, evidence text, direction smallint, expected float8, lower float8, '
         'upper float8, regime integer, direction_p_value float8, contributions jsonb, views jsonb, imputed boolean, '
         'is_final boolean, status text, message text, model_version text',
         'scores the rows of a table or query, with what explains each score: one row out per row in'),
        ('events',
         ', merge_gap interval DEFAULT NULL, min_points integer DEFAULT 1, min_duration interval DEFAULT ''0'', '
         'focus float8 DEFAULT 0.5' || integers || ', merge_gap_seq bigint DEFAULT NULL, '
         'min_duration_seq bigint DEFAULT NULL',
         ', interval, integer, interval, float8' || integer_types || ', bigint, bigint', 100,
         'series jsonb, event_id bigint, started_at timestamptz, ended_at timestamptz, duration interval, '
         'peak_at timestamptz, peak_score float8, min_p_value float8, n_points bigint, direction smallint, kind text, '
         'contributions jsonb, views jsonb, started_seq bigint, ended_seq bigint, peak_seq bigint',
         'finds the anomalous episodes of a table or query: one row an episode'),
        ('clean', integers, integer_types, 10000,
         'series jsonb, ts timestamptz, seq bigint, value float8, cleaned float8, replaced boolean, status text',
         'the rows of a table or query with missing and anomalous values replaced by the expected ones')
    LOOP
        FOREACH relation IN ARRAY ARRAY['regclass', 'text'] LOOP
            FOREACH value IN ARRAY ARRAY['value_column text', 'value_columns text[]'] LOOP
                EXECUTE pg_catalog.format(
                    'CREATE FUNCTION tsad.%s(relation %s, time_column text, %s, %s%s) RETURNS TABLE (%s) '
                    'AS ''MODULE_PATHNAME'', %L LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS %s',
                    form.column1, relation, value, common, form.column2, form.column5,
                    '_' || form.column1 || '_wrapper', form.column4);
                EXECUTE pg_catalog.format('COMMENT ON FUNCTION tsad.%s(%s, text, %s, %s%s) IS %L', form.column1, relation,
                               pg_catalog.split_part(value, ' ', 2), types, form.column3, form.column6);
            END LOOP;
        END LOOP;
    END LOOP;
END $do$;
