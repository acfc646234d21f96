-- tsad.evaluate: how well scores and decisions agree with labels. The order of the fields is that of
-- src/aggregate/evaluate.rs.

CREATE TYPE tsad.evaluation AS (
    n bigint, n_unscored bigint, n_anomalous bigint, n_events bigint,
    vus_pr float8, vus_roc float8, vus_window integer, auc_pr float8, auc_roc float8,
    best_point_f1 float8, best_event_f1 float8, best_range_f1 float8, best_affiliation_f1 float8,
    point_precision float8, point_recall float8, point_f1 float8, event_recall float8, event_f1 float8,
    range_f1 float8, affiliation_f1 float8, delay interval, false_alarms_per_day float8);
COMMENT ON TYPE tsad.evaluation IS 'what tsad.evaluate returns: counts, measures of the scores, measures of the decisions';

CREATE FUNCTION tsad._evaluate_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', '_evaluate_combine_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION tsad._evaluate_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', '_evaluate_serialize_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION tsad._evaluate_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', '_evaluate_deserialize_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION tsad._evaluate_final(internal) RETURNS tsad.evaluation
    AS 'MODULE_PATHNAME', '_evaluate_final_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100000;
CREATE FUNCTION tsad._evaluate_ordered_final(internal) RETURNS tsad.evaluation
    AS 'MODULE_PATHNAME', '_evaluate_ordered_final_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100000;

COMMENT ON FUNCTION tsad._evaluate_combine(internal, internal) IS 'combine function of tsad.evaluate';
COMMENT ON FUNCTION tsad._evaluate_serialize(internal) IS 'serialisation function of tsad.evaluate';
COMMENT ON FUNCTION tsad._evaluate_deserialize(bytea, internal) IS 'deserialisation function of tsad.evaluate';
COMMENT ON FUNCTION tsad._evaluate_final(internal) IS 'final function of tsad.evaluate with times';
COMMENT ON FUNCTION tsad._evaluate_ordered_final(internal) IS 'final function of tsad.evaluate without times';

-- Labels are boolean, or 0 and 1. With times rows may come in any order and in parts; without, ORDER BY must say it.
DO $do$
DECLARE
    label text;
    form record;
    named text;
    arguments text;
BEGIN
    FOREACH label IN ARRAY ARRAY['boolean', 'integer'] LOOP
        FOR form IN VALUES
            ('', 'scores agree with labels, in the order of ORDER BY'),
            ('ts timestamptz', 'scores agree with labels'),
            ('ts timestamptz, is_anomaly boolean', 'scores and decisions agree with labels'),
            ('ts timestamptz, is_anomaly boolean, vus_window integer',
             'scores and decisions agree with labels; buffers of VUS of up to vus_window rows'),
            ('ts bigint', 'scores agree with labels'),
            ('ts bigint, is_anomaly boolean', 'scores and decisions agree with labels'),
            ('ts bigint, is_anomaly boolean, vus_window integer',
             'scores and decisions agree with labels; buffers of VUS of up to vus_window rows')
        LOOP
            named := pg_catalog.concat_ws(', ', 'score float8', 'label ' || label, nullif(form.column1, ''));
            arguments := pg_catalog.regexp_replace(named, '(^|, )[a-z_]+ ', '\1', 'g');
            EXECUTE pg_catalog.format('CREATE FUNCTION tsad._evaluate_row(internal, %s) RETURNS internal AS ''MODULE_PATHNAME'', %L '
                           'LANGUAGE c IMMUTABLE PARALLEL SAFE', arguments, '_evaluate_' || label || '_wrapper');
            EXECUTE pg_catalog.format('COMMENT ON FUNCTION tsad._evaluate_row(internal, %s) IS %L',
                           arguments, 'transition function of tsad.evaluate');
            EXECUTE pg_catalog.format('CREATE AGGREGATE tsad.evaluate(%s) (SFUNC = tsad._evaluate_row, STYPE = internal, '
                           'SSPACE = 65536, %s, PARALLEL = SAFE)', named,
                           CASE form.column1 WHEN '' THEN 'FINALFUNC = tsad._evaluate_ordered_final' ELSE
                               'FINALFUNC = tsad._evaluate_final, COMBINEFUNC = tsad._evaluate_combine, '
                               'SERIALFUNC = tsad._evaluate_serialize, DESERIALFUNC = tsad._evaluate_deserialize' END);
            EXECUTE pg_catalog.format('COMMENT ON AGGREGATE tsad.evaluate(%s) IS %L', arguments,
                           'measures how well ' || form.column2);
        END LOOP;
    END LOOP;
END $do$;
