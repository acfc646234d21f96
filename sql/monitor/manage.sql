-- What users say and ask of monitors.

CREATE FUNCTION tsad._series_of(m tsad.monitor, key jsonb) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found bigint := (SELECT s.id FROM tsad.monitor_series s WHERE s.monitor = m.id AND md5(s.series::text) = md5(key::text));
BEGIN
    IF found IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('monitor "%s" has no series %s', m.name, coalesce(tsad._shown(key), 'NULL')),
            HINT = coalesce((SELECT format('It has for example %s.', tsad._shown(s.series)) FROM tsad.monitor_series s WHERE s.monitor = m.id ORDER BY s.id LIMIT 1),
                            'It has none yet: CALL tsad.run_monitor first.');
    END IF;
    RETURN found;
END $$;
COMMENT ON FUNCTION tsad._series_of(tsad.monitor, jsonb) IS 'the series of a monitor with a key';

-- Whatever changes several series of a monitor locks its row first. Otherwise two would wait for each other, and one be lost.
CREATE FUNCTION tsad._lock_monitor(number bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM tsad.monitor o WHERE o.id = number FOR UPDATE;
END $$;
COMMENT ON FUNCTION tsad._lock_monitor(bigint) IS 'waits until no batch of a monitor is at work, and keeps others from beginning one';

-- Neither end so far out that a context before or after it would be no time.
CREATE FUNCTION tsad._check_range(from_at timestamptz, until_at timestamptz, hint text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' AS $$
BEGIN
    IF (from_at <= until_at AND (from_at >= '0001-01-01 00:00+00' OR from_at = '-infinity') AND (until_at < '290000-01-01 00:00+00' OR until_at = 'infinity')) IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('from %s until %s is no range of time',
            coalesce(from_at::text, 'NULL'), coalesce(until_at::text, 'NULL')), HINT = hint;
    END IF;
END $$;
COMMENT ON FUNCTION tsad._check_range(timestamptz, timestamptz, text) IS 'raises an error where two times are no range';

CREATE FUNCTION tsad.feedback(
    monitor text, series jsonb, from_at timestamptz, until_at timestamptz, is_anomaly boolean, note text DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' AS $$
#variable_conflict use_variable
DECLARE
    m tsad.monitor := tsad._monitor_of(monitor);
BEGIN
    PERFORM tsad._check_range(from_at, until_at, 'Pass the first and the last time, and whether what lies between was an anomaly.');
    IF is_anomaly IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'is_anomaly is NULL', HINT = 'Pass true or false.';
    END IF;
    RETURN tsad._as_role(m.owner, format('SELECT tsad._feedback(%s::pg_catalog.int8, %s::pg_catalog.int8, %L::pg_catalog.timestamptz, %L::pg_catalog.timestamptz, %L::pg_catalog.bool, %L::pg_catalog.text, %L::pg_catalog.text)', m.id, tsad._series_of(m, series), from_at,
                                         until_at, is_anomaly, note, current_user));
END $$;
COMMENT ON FUNCTION tsad.feedback(text, jsonb, timestamptz, timestamptz, boolean, text)
    IS 'says of a stretch of a series that it was an anomaly, or was normal; changes the threshold';

CREATE FUNCTION tsad.feedback(event bigint, is_anomaly boolean, note text DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' AS $$
#variable_conflict use_variable
DECLARE
    e record;
BEGIN
    SELECT m.id, m.owner, o.series, o.kind, o.started_at, o.last_at INTO e
      FROM tsad.monitor_event o JOIN tsad.monitor m ON m.id = o.monitor WHERE o.id = event;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('event %s does not exist', coalesce(event::text, 'NULL')),
            HINT = 'The view tsad.anomalies has the events, with their numbers in the column id.';
    ELSIF is_anomaly IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'is_anomaly is NULL', HINT = 'Pass true or false.';
    ELSIF e.kind = 'silence' THEN
        RETURN tsad._as_role(e.owner, format('SELECT tsad._label_silence(%s::pg_catalog.int8, %L::pg_catalog.bool)', event, is_anomaly));
    END IF;
    RETURN tsad._as_role(e.owner, format('SELECT tsad._feedback(%s::pg_catalog.int8, %s::pg_catalog.int8, %L::pg_catalog.timestamptz, %L::pg_catalog.timestamptz, %L::pg_catalog.bool, %L::pg_catalog.text, %L::pg_catalog.text)', e.id, e.series, e.started_at,
                                             e.last_at, is_anomaly, note, current_user));
END $$;
COMMENT ON FUNCTION tsad.feedback(bigint, boolean, text) IS 'says of an episode that it was an anomaly, or was normal; changes the threshold';

-- The rows around a silence are as good as any: they tell no threshold anything.
CREATE FUNCTION tsad._label_silence(event bigint, is_anomaly boolean) RETURNS jsonb
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    UPDATE tsad.monitor_event e SET user_label = is_anomaly WHERE e.id = event
    RETURNING jsonb_build_object('message', 'noted; no threshold decides about rows that do not come') $$;
COMMENT ON FUNCTION tsad._label_silence(bigint, boolean) IS 'keeps what was said of an episode without rows';

CREATE FUNCTION tsad._feedback(m bigint, s bigint, from_at timestamptz, until_at timestamptz, is_anomaly boolean, note text, by text)
    RETURNS jsonb LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    mon tsad.monitor;
    r tsad.monitor_series;
    before float8;
    after float8;
    threshold CONSTANT text := 'SELECT (tsad.model_info(o.model)->''calibration''->>''threshold'')::float8 FROM tsad.monitor_model o '
                               'JOIN tsad.monitor_series r ON r.id = o.series AND r.version = o.version WHERE o.series = $1';
BEGIN
    SELECT * INTO mon FROM tsad.monitor o WHERE o.id = m FOR KEY SHARE;
    PERFORM FROM tsad.monitor_series o WHERE o.id = s FOR UPDATE;
    INSERT INTO tsad.monitor_feedback (monitor, series, from_at, until_at, is_anomaly, note, given_by)
    VALUES (m, s, from_at, until_at, is_anomaly, note, by);
    UPDATE tsad.monitor_event e SET user_label = is_anomaly WHERE e.series = s AND e.kind <> 'silence' AND e.started_at <= until_at AND e.last_at >= from_at;
    EXECUTE threshold INTO before USING s;
    SELECT * INTO r FROM tsad.monitor_series o WHERE o.id = s;
    IF is_anomaly OR r.version IS NULL OR r.pinned OR NOT tsad._train_monitored(mon, s, r.watermark, 'request') THEN
        PERFORM tsad._apply_feedback(mon, s);
    END IF;
    PERFORM tsad._prune_models(mon, s);
    EXECUTE threshold INTO after USING s;
    RETURN (SELECT jsonb_strip_nulls(jsonb_build_object('model_version', o.version, 'threshold_before', before, 'threshold', after, 'message', o.message))
              FROM tsad.monitor_series o WHERE o.id = s);
END $$;
COMMENT ON FUNCTION tsad._feedback(bigint, bigint, timestamptz, timestamptz, boolean, text, text) IS 'tsad.feedback with the rights of the owner';

-- Where a monitor reads other rows than before, more of them do not mean that some came late.
CREATE FUNCTION tsad._forget_counts(number bigint) RETURNS void
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS
    $$ UPDATE tsad.monitor_series s SET rows_settled = NULL, digest_settled = NULL WHERE s.monitor = number $$;
COMMENT ON FUNCTION tsad._forget_counts(bigint) IS 'forgets how many rows were read around the watermarks of a monitor';

-- A key is compared as jsonb as well as by its columns: 5 and "5" of an integer are one.
CREATE FUNCTION tsad._typed_key(monitor bigint, series jsonb) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    m tsad.monitor;
    c record;
    value jsonb;
BEGIN
    SELECT * INTO STRICT m FROM tsad.monitor o WHERE o.id = monitor;
    FOR c IN SELECT u.name, u.type, format('SELECT pg_catalog.to_jsonb(%L::%s)', series->>u.name, u.type) AS statement FROM unnest(m.series_columns, m.series_types) u (name, type)
              WHERE series->>u.name IS NOT NULL AND tsad._is_readable(series->u.name, u.type) LOOP
        BEGIN
            EXECUTE tsad._enter(m, c.statement) INTO value;
            PERFORM tsad._leave();
        EXCEPTION WHEN data_exception OR check_violation THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('series column "%s" of type %s cannot have the value %s', c.name, c.type, tsad._shown(series->c.name)),
                HINT = 'Pass a value as tsad.series_status shows it.';
        END;
        series := series || jsonb_build_object(c.name, value);
    END LOOP;
    RETURN series;
END $$;
COMMENT ON FUNCTION tsad._typed_key(bigint, jsonb) IS 'a key, or a part of one, as the columns of the series write it';

CREATE FUNCTION tsad.exclude(
    monitor text, from_at timestamptz, until_at timestamptz, series jsonb DEFAULT NULL, reason text DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    m tsad.monitor := tsad._monitor_of(monitor);
    made bigint;
    unknown text;
BEGIN
    SELECT k INTO unknown FROM jsonb_object_keys(CASE WHEN jsonb_typeof(series) = 'object' THEN series ELSE '{}' END) k
     WHERE k <> ALL (m.series_columns) LIMIT 1;
    IF jsonb_typeof(series) <> 'object' OR unknown IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('series %s does not name series of monitor "%s"', tsad._shown(series), m.name),
            HINT = format('Pass an object with values of some of the series columns: %s. NULL is all series.', array_to_string(m.series_columns, ', '));
    END IF;
    PERFORM tsad._check_range(from_at, until_at, 'Pass the first and the last time that are left out.');
    IF series IS NOT NULL THEN
        series := tsad._as_role(m.owner, format('SELECT tsad._typed_key(%s::pg_catalog.int8, %L::pg_catalog.jsonb)', m.id, series));
    END IF;
    PERFORM tsad._lock_monitor(m.id);
    INSERT INTO tsad.monitor_exclusion (monitor, series, from_at, until_at, reason) VALUES (m.id, series, from_at, until_at, reason)
    RETURNING id INTO made;
    PERFORM tsad._forget_counts(m.id);
    RETURN made;
END $$;
COMMENT ON FUNCTION tsad.exclude(text, timestamptz, timestamptz, jsonb, text)
    IS 'leaves a range of time out: its rows are neither scored nor trained on, and its episodes are not shown';

CREATE FUNCTION tsad.include(exclusion bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    m bigint := (SELECT x.monitor FROM tsad.monitor_exclusion x WHERE x.id = exclusion);
BEGIN
    PERFORM tsad._lock_monitor(m);
    DELETE FROM tsad.monitor_exclusion x WHERE x.id = exclusion RETURNING x.monitor INTO m;
    PERFORM tsad._forget_counts(m);
    RETURN m IS NOT NULL;
END $$;
COMMENT ON FUNCTION tsad.include(bigint) IS 'takes an excluded range of time back; false where there was none of this number';

CREATE FUNCTION tsad.use_model_version(monitor text, series jsonb, version integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    m tsad.monitor := tsad._monitor_of(monitor);
    s bigint := tsad._series_of(m, series);
    o tsad.monitor_model;
BEGIN
    PERFORM FROM tsad.monitor p WHERE p.id = m.id FOR KEY SHARE;
    PERFORM FROM tsad.monitor_series r WHERE r.id = s FOR UPDATE;
    SELECT * INTO o FROM tsad.monitor_model v WHERE v.series = s AND (v.version = version OR version IS NULL) ORDER BY v.version DESC LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('series %s of monitor "%s" has no model version %s', tsad._shown(series), m.name, coalesce(version::text, '')),
            HINT = coalesce((SELECT 'It has the versions ' || string_agg(v.version::text, ', ' ORDER BY v.version) || '.'
                               FROM tsad.monitor_model v WHERE v.series = s), 'It has none yet: tsad.series_status tells why.');
    END IF;
    UPDATE tsad.monitor_series r SET version = o.version, pinned = version IS NOT NULL, context = tsad._model_context(o.model),
           trained_until = o.trained_until, rows_settled = NULL, digest_settled = NULL WHERE r.id = s;
    RETURN o.version;
END $$;
COMMENT ON FUNCTION tsad.use_model_version(text, jsonb, integer)
    IS 'uses a version of a model from now on, without training others; NULL goes back to the newest one and to training';

CREATE FUNCTION tsad.retrain(monitor text, series jsonb DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    m tsad.monitor := tsad._monitor_of(monitor);
    only_one bigint := CASE WHEN series IS NOT NULL THEN tsad._series_of(m, series) END;
    count bigint;
BEGIN
    PERFORM tsad._lock_monitor(m.id);
    -- One without a model tries again with as few rows as at first.
    UPDATE tsad.monitor_series s SET next_training = s.watermark, pinned = false, needed = NULL
     WHERE s.monitor = m.id AND (only_one IS NULL OR s.id = only_one);
    GET DIAGNOSTICS count = ROW_COUNT;
    RETURN count;
END $$;
COMMENT ON FUNCTION tsad.retrain(text, jsonb) IS 'has the next run train new models; returns of how many series';

CREATE FUNCTION tsad.monitor_status(monitor text DEFAULT NULL)
RETURNS TABLE (monitor text, owner regrole, state text, message text, series bigint, ok bigint, collecting bigint, failed bigint, waiting bigint,
    rows bigint, rows_too_late bigint, rewrites bigint, open_events bigint, events bigint, calls_due bigint, newest_at timestamptz, lag interval, run_started_at timestamptz, run_ended_at timestamptz,
    schedule text, scheduler text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT m.name, m.owner::regrole,
           CASE WHEN m.last_error IS NOT NULL OR r.oid IS NULL THEN 'error' WHEN m.paused THEN 'paused' WHEN m.run_started_at IS NULL THEN 'new'
                WHEN m.run_ended_at IS NULL THEN 'running' WHEN s.all = 0 THEN 'empty' ELSE 'ok' END,
           coalesce(CASE WHEN r.oid IS NULL THEN format('role %s, its owner, does not exist any more', m.owner::regrole) END, m.last_error, CASE WHEN s.all = 0 AND m.run_ended_at IS NOT NULL THEN format('no row between %s and %s; rows before are read only if '
               'start_at is earlier', (m.start_at - tsad._train_window(m))::timestamptz(0), m.run_until::timestamptz(0)) END), s.all, s.ok, s.collecting, s.failed, s.waiting, s.rows, s.rows_too_late, s.rewrites, e.open, e.all, c.due, s.newest_at, CASE WHEN isfinite(s.newest_at) THEN now() - s.newest_at END,
           m.run_started_at, m.run_ended_at, m.schedule, m.scheduler
      FROM tsad.monitor m LEFT JOIN pg_roles r ON r.oid = m.owner
      CROSS JOIN LATERAL (SELECT count(*) AS "all", count(*) FILTER (WHERE s.state = 'ok') AS ok, count(*) FILTER (WHERE s.state IN ('new', 'collecting')) AS collecting,
                           count(*) FILTER (WHERE s.state = 'error') AS failed, least(coalesce(sum(s.rows), 0), 9e18)::bigint AS rows, least(coalesce(sum(s.rows_too_late), 0), 9e18)::bigint AS rows_too_late, least(coalesce(sum(s.rewrites), 0), 9e18)::bigint AS rewrites, max(s.newest_at) AS newest_at,
                           count(*) FILTER (WHERE m.run_ended_at IS NULL AND (s.checked_at IS NULL OR s.checked_at < m.run_started_at)) AS waiting
                      FROM tsad.monitor_series s WHERE s.monitor = m.id) s
      CROSS JOIN LATERAL (SELECT count(*) AS "all", count(*) FILTER (WHERE e.ended_at IS NULL) AS open
                      FROM tsad.monitor_event e WHERE e.monitor = m.id) e
      CROSS JOIN LATERAL (SELECT count(*) AS due FROM tsad.monitor_call c WHERE c.monitor = m.id) c
     WHERE monitor_status.monitor IS NULL OR m.name = monitor_status.monitor ORDER BY m.name, m.owner::regrole::text $$;
COMMENT ON FUNCTION tsad.monitor_status(text) IS 'how the monitors are: state, progress of the run, counts, lag, last error';

CREATE FUNCTION tsad.series_status(monitor text)
RETURNS TABLE (series jsonb, state text, message text, newest_at timestamptz, behind interval, watermark timestamptz, rows bigint, rows_too_late bigint, rewrites bigint,
    model_version integer, pinned boolean, trained_until timestamptz, next_training timestamptz, open_events bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.series, s.state, nullif(concat_ws('; ', s.message, (SELECT format('no row since %s', e.started_at::timestamptz(0))
               FROM tsad.monitor_event e WHERE e.series = s.id AND NOT e.is_final AND e.kind = 'silence' AND e.ended_at IS NULL AND e.started_at = s.silent_from)), ''), s.newest_at, max(s.newest_at) OVER (PARTITION BY m.id) - s.newest_at, s.watermark, s.rows, s.rows_too_late, s.rewrites, s.version, s.pinned, s.trained_until,
           CASE WHEN NOT s.pinned THEN s.next_training END,
           (SELECT count(*) FROM tsad.monitor_event e WHERE e.series = s.id AND e.ended_at IS NULL)
      FROM tsad.monitor_series s JOIN tsad.monitor m ON m.id = s.monitor
     WHERE m.name = series_status.monitor ORDER BY s.series $$;
COMMENT ON FUNCTION tsad.series_status(text) IS 'how the series of a monitor are: state, what is missing, how far each is settled, model';

CREATE FUNCTION tsad.monitor_plan(monitor text, until timestamptz DEFAULT NULL) RETURNS SETOF text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' AS $$
#variable_conflict use_variable
DECLARE
    m tsad.monitor := tsad._monitor_of(monitor);
BEGIN
    RETURN QUERY SELECT line FROM jsonb_array_elements_text(
        tsad._as_role(m.owner, format('SELECT tsad._monitor_plan(%s::pg_catalog.int8, %L::pg_catalog.timestamptz)', m.id, coalesce(until, now())))) line;
END $$;
COMMENT ON FUNCTION tsad.monitor_plan(text, timestamptz) IS 'the plan by which the next run reads its first batch of series';

CREATE FUNCTION tsad._monitor_plan(monitor bigint, until timestamptz) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
#variable_conflict use_variable
DECLARE
    m tsad.monitor;
    batch bigint[];
    query text;
    line text;
    plan jsonb := '[]';
BEGIN
    SELECT * INTO STRICT m FROM tsad.monitor o WHERE o.id = monitor;
    batch := ARRAY(SELECT s.id FROM tsad.monitor_series s WHERE s.monitor = m.id AND s.version IS NOT NULL
                    ORDER BY s.watermark, s.id LIMIT m.batch_size);
    IF cardinality(batch) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format('monitor "%s" has no series with a model yet', m.name),
            HINT = 'CALL tsad.run_monitor; tsad.series_status tells what is missing.';
    END IF;
    query := tsad._enter(m, tsad._filter(m, batch, until));
    query := tsad._follow_query(m.source, m.time_column, m.value_columns, m.series_columns, query);
    FOR line IN EXECUTE pg_catalog.concat('EXPLAIN (COSTS OFF) ', query) LOOP
        plan := plan OPERATOR(pg_catalog.||) pg_catalog.to_jsonb(line);
    END LOOP;
    PERFORM tsad._leave();
    RETURN plan;
END $$;
COMMENT ON FUNCTION tsad._monitor_plan(bigint, timestamptz) IS 'tsad.monitor_plan with the rights of the owner';
