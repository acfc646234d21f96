-- Training the models of monitored series: when, on which rows, and what users said of them.

CREATE FUNCTION tsad._model_context(model bytea) RETURNS interval
    AS 'MODULE_PATHNAME', '_model_context_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION tsad._model_context(bytea) IS 'how far before what is settled rows must be read';

CREATE FUNCTION tsad._model_interval(model bytea) RETURNS interval
    AS 'MODULE_PATHNAME', '_model_interval_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION tsad._model_interval(bytea) IS 'the sampling interval of a model';

-- A window of time that suits samples of a minute holds too few of a day: where it is not given, it reaches back to the rows of four
-- longest windows at least; and to min_samples rows, where these are given, or as many as a model needs.
CREATE FUNCTION tsad._train_after(m tsad.monitor, key jsonb, upto timestamptz) RETURNS timestamptz
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    first_at timestamptz;
BEGIN
    EXECUTE tsad._enter(m, format('SELECT pg_catalog.min(at) FROM (SELECT t.%I::pg_catalog.timestamptz AS at FROM %s WHERE %s AND %s ORDER BY t.%I DESC LIMIT %s) latest',
                   m.time_column, tsad._from(m), tsad._is_series(m, key), tsad._is_between(m, '-infinity', upto), m.time_column,
                   greatest(m.min_samples, CASE WHEN m.train_window IS NULL THEN 4 * tsad._longest_window(m.options) ELSE 14 END)))
       INTO first_at;
    PERFORM tsad._leave();
    RETURN least(upto - tsad._train_window(m), first_at - interval '1 microsecond');
END $$;
COMMENT ON FUNCTION tsad._train_after(tsad.monitor, jsonb, timestamptz) IS 'the time after which rows of a series train';

CREATE FUNCTION tsad._effective_feedback(s bigint) RETURNS SETOF tsad.monitor_feedback
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT f.* FROM tsad.monitor_feedback f
     WHERE f.series = s AND NOT EXISTS (SELECT FROM tsad.monitor_feedback g WHERE g.series = s AND (g.given_at, g.id) > (f.given_at, f.id)
                                           AND g.from_at <= f.from_at AND g.until_at >= f.until_at) $$;
COMMENT ON FUNCTION tsad._effective_feedback(bigint) IS 'what users said of a series, but for what was said again later';

-- Returns how many stretches called an anomaly the model misses; NULL where none was trained.
CREATE FUNCTION tsad._train_version(m tsad.monitor, s bigint, upto timestamptz, why text, with_normal boolean) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    key jsonb := (SELECT r.series FROM tsad.monitor_series r WHERE r.id = s);
    after timestamptz := upto - tsad._train_window(m);
    pause interval;
    step interval;
    trained record;
    info jsonb;
    excluded_ranges tstzmultirange;
    normal tstzmultirange;
    next timestamptz := upto + least(m.retrain_every, tsad._train_window(m));
    number integer;
    missed integer;
    said text;
BEGIN
    SELECT coalesce(range_agg(tstzrange(o.first_at, o.last_at, '[]')), '{}') INTO excluded_ranges FROM (
        SELECT e.started_at AS first_at, e.last_at FROM tsad.monitor_event e JOIN tsad.monitor_series r ON r.id = e.series
         WHERE e.series = s AND e.kind <> 'silence' AND e.started_at <= upto AND e.user_label IS DISTINCT FROM false
           AND coalesce(least(e.last_at, upto) - e.started_at < greatest(m.adapt_after, r.context), true)
         UNION ALL SELECT f.from_at, f.until_at FROM tsad._effective_feedback(s) f
         WHERE (f.is_anomaly OR NOT with_normal) AND f.from_at <= upto) o;
    SELECT range_agg(tstzrange(f.from_at - coalesce(r.context, '0'), f.until_at + coalesce(r.context, '0'), '[]')) INTO normal
      FROM tsad._effective_feedback(s) f, tsad.monitor_series r WHERE r.id = s AND NOT f.is_anomaly AND with_normal;
    BEGIN
        after := tsad._train_after(m, key, upto);
        -- Episodes do not count as normal, or one would hide the next; but for those called normal, and those that lasted so long
        -- that they may be the new normal.
        EXECUTE tsad._enter(m, format('SELECT tsad.train(t.%I, %s, $1) AS model, pg_catalog.count(*) AS rows, pg_catalog.count(t.%I) OPERATOR(pg_catalog.-) pg_catalog.count(DISTINCT t.%I) AS shared, '
                       'pg_catalog.min(t.%I)::pg_catalog.timestamptz AS first_at FROM %s WHERE %s AND (%s%s)%s '
                       'AND NOT t.%I::pg_catalog.timestamptz OPERATOR(pg_catalog.<@) $2',
                       m.time_column, tsad._value(m), m.time_column, m.time_column, m.time_column, tsad._from(m), tsad._is_series(m, key), tsad._is_between(m, after, upto),
                       (SELECT string_agg(format(' OR %s', tsad._is_between(m, lower(n), upper(n))), '') FROM unnest(normal) n),
                       tsad._is_kept(m, least(after, lower(normal)), upto), m.time_column))
           INTO trained USING m.options, excluded_ranges;
        PERFORM tsad._leave();
        info := tsad.model_info(trained.model);
        -- The names of what training left out.
        said := (SELECT format('left out, for fewer than half of the training rows have a value: %s', string_agg(CASE WHEN m.value_is_array THEN n ELSE quote_ident(m.value_columns[n::integer]) END, ', '))
                   FROM jsonb_array_elements_text(info->'channels_left_out') n HAVING count(*) > 0);
        IF trained.shared * 10 > trained.rows THEN
            said := concat_ws('; ', said, format('%s of %s training rows have the time of another row, and were averaged: are there series_columns?', trained.shared, trained.rows));
        END IF;
    EXCEPTION WHEN OTHERS OR assert_failure THEN
        UPDATE tsad.monitor_series r SET state = CASE WHEN r.version IS NULL THEN 'error' ELSE r.state END, trained_until = upto,
               next_training = next, message = format('training failed: %s', SQLERRM) WHERE r.id = s;
        RETURN NULL;
    END;
    IF NOT coalesce((info->>'trained')::boolean, false) THEN
        UPDATE tsad.monitor_series r SET state = CASE WHEN r.version IS NULL THEN 'collecting' ELSE r.state END,
               trained_until = upto, next_training = next, needed = 2 * coalesce(r.needed, m.min_samples, greatest(14, trained.rows)),
               message = format('not trained on %s rows: %s', coalesce(trained.rows, 0), coalesce(info->>'reason', 'there are none')) WHERE r.id = s;
        RETURN NULL;
    END IF;
    -- A young model is replaced when its data has doubled. Less than half a longest window teaches nothing new: but where windows are
    -- as long as months, a week of rows does, be it of days, and seven of them where they are rarer.
    pause := m.retrain_every;
    step := tsad._model_interval(trained.model);
    IF upto - trained.first_at < 0.9 * (upto - after) THEN
        pause := least(pause, upto - trained.first_at);
    END IF;
    next := upto + CASE WHEN pause IS NOT NULL THEN greatest(pause, least(tsad._model_context(trained.model) / 4, greatest('7 days', 7 * step))) END;
    INSERT INTO tsad.monitor_model (monitor, series, version, model, reason, trained_from, trained_until, rows)
    SELECT m.id, s, coalesce(max(o.version), 0) + 1, trained.model, why, trained.first_at, upto, trained.rows
      FROM tsad.monitor_model o WHERE o.series = s RETURNING version INTO number;
    UPDATE tsad.monitor_series r SET state = 'ok', message = said, version = number, context = tsad._model_context(trained.model), sampling_interval = step,
           trained_until = upto, next_training = next, watermark = coalesce(r.watermark, upto), rows_settled = NULL, digest_settled = NULL, needed = NULL WHERE r.id = s;
    missed := tsad._apply_feedback(m, s);
    IF NOT with_normal THEN
        UPDATE tsad.monitor_series r SET message = concat_ws('; ', coalesce(r.message, 'feedback'), 'what was called normal does not train: the model would miss what was called an anomaly') WHERE r.id = s;
    END IF;
    PERFORM tsad._prune_models(m, s);
    RETURN missed;
END $$;
COMMENT ON FUNCTION tsad._train_version(tsad.monitor, bigint, timestamptz, text, boolean) IS 'trains a new version of the model of a series, with or without what users called normal';

-- "This was normal" of a large incident may make a model blunt. It does not train where a confirmed incident would be missed by that.
CREATE FUNCTION tsad._train_monitored(m tsad.monitor, s bigint, upto timestamptz, why text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    missed integer;
    missed_without integer;
BEGIN
    BEGIN
        missed := tsad._train_version(m, s, upto, why, true);
        IF missed > 0 AND EXISTS (SELECT FROM tsad._effective_feedback(s) f WHERE NOT f.is_anomaly) THEN
            RAISE EXCEPTION SQLSTATE 'TSAD1'; -- undoes it
        END IF;
        RETURN missed IS NOT NULL;
    EXCEPTION WHEN SQLSTATE 'TSAD1' THEN
        NULL;
    END;
    BEGIN
        missed_without := tsad._train_version(m, s, upto, why, false);
        IF missed_without < missed THEN
            RETURN true;
        END IF;
        RAISE EXCEPTION SQLSTATE 'TSAD1';
    EXCEPTION WHEN SQLSTATE 'TSAD1' THEN
        NULL;
    END;
    RETURN tsad._train_version(m, s, upto, why, true) IS NOT NULL;
END $$;
COMMENT ON FUNCTION tsad._train_monitored(tsad.monitor, bigint, timestamptz, text) IS 'trains a new version of the model of a series';


CREATE FUNCTION tsad._prune_models(m tsad.monitor, s bigint) RETURNS void
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM tsad.monitor_model o USING tsad.monitor_series r, tsad.monitor_model used
     WHERE r.id = s AND o.series = s AND used.series = s AND used.version = r.version
       AND o.version <> used.version AND o.version IS DISTINCT FROM used.base
       AND o.version <= (SELECT max(n.version) FROM tsad.monitor_model n WHERE n.series = s) - m.keep_models $$;
COMMENT ON FUNCTION tsad._prune_models(tsad.monitor, bigint) IS 'forgets old versions of the model of a series';

-- The threshold of the model in use, changed so that it agrees best with what users said of the series: but never so far that it
-- flags more than ten times the normal rows that were asked for, for the sake of what hardly differs from them.
CREATE FUNCTION tsad._apply_feedback(m tsad.monitor, s bigint) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    r tsad.monitor_series;
    base tsad.monitor_model;
    better bytea;
    asked float8;
    near text;
    after timestamptz;
    until timestamptz;
    rows text;
    disagrees record;
    said text;
    number integer;
    labels text;
    label CONSTANT text := 'SELECT f.* FROM tsad.monitor_feedback f WHERE f.series OPERATOR(pg_catalog.=) %1$s::pg_catalog.int8 AND %2$s OPERATOR(pg_catalog.>=) f.from_at AND %2$s OPERATOR(pg_catalog.<=) f.until_at '
                           'ORDER BY f.given_at DESC, f.id DESC LIMIT 1';
BEGIN
    SELECT * INTO r FROM tsad.monitor_series o WHERE o.id = s;
    SELECT b.* INTO base FROM tsad.monitor_model o JOIN tsad.monitor_model b ON b.series = s AND b.version = coalesce(o.base, o.version)
     WHERE o.series = s AND o.version = r.version;
    SELECT string_agg(format('t.%1$I OPERATOR(pg_catalog.>=) %2$L::pg_catalog.timestamptz AND t.%1$I OPERATOR(pg_catalog.<=) %3$L::pg_catalog.timestamptz', m.time_column,
                             f.from_at - r.context, f.until_at + r.context), ' OR '),
           min(f.from_at - r.context) - interval '1 second', max(f.until_at + r.context)
      INTO near, after, until FROM tsad.monitor_feedback f WHERE f.series = s;
    IF near IS NULL OR base IS NULL THEN
        RETURN 0;
    END IF;
    -- Values, and no table of ours beside the source: that may be a distributed or a foreign table.
    SELECT string_agg(format('WHEN t.at OPERATOR(pg_catalog.>=) %L::pg_catalog.timestamptz AND t.at OPERATOR(pg_catalog.<=) %L::pg_catalog.timestamptz THEN %L::pg_catalog.bool',
                             f.from_at, f.until_at, f.is_anomaly), ' ' ORDER BY f.given_at DESC, f.id DESC) INTO labels FROM tsad.monitor_feedback f WHERE f.series = s;
    rows := format('SELECT t.%I AS at, %s AS value FROM %s WHERE %s AND %s AND (%s)%s', m.time_column, tsad._value(m), tsad._from(m),
                   tsad._is_series(m, r.series), tsad._is_between(m, after, until), near, tsad._is_kept(m, after, until));
    BEGIN
        EXECUTE tsad._enter(m, format('SELECT tsad.recalibrate($1, t.at, t.value, CASE %s END) FROM (%s) t', labels, rows))
           INTO better USING base.model;
        PERFORM tsad._leave();
        asked := (tsad.model_info(base.model)->'calibration'->>'alpha')::float8;
        IF (tsad.model_info(better)->'calibration'->>'alpha')::float8 > 10 * asked THEN
            better := tsad.recalibrate(base.model, alpha => least(10 * asked, 0.5));
        END IF;
        EXECUTE tsad._enter(m, format('SELECT pg_catalog.count(*) FILTER (WHERE NOT is_anomaly AND flagged) AS flagged, pg_catalog.count(*) FILTER (WHERE is_anomaly AND NOT flagged) AS missed '
                       'FROM (SELECT l.id, l.is_anomaly, pg_catalog.bool_or(d.is_anomaly) AS flagged FROM tsad.detect(%L, ''at'', ''value'', model => $1) d '
                       'CROSS JOIN LATERAL (%s) l WHERE d.score IS NOT NULL GROUP BY l.id, l.is_anomaly) stretch', rows, format(label, s, 'd.ts')))
           INTO disagrees USING coalesce(better, base.model);
        PERFORM tsad._leave();
    EXCEPTION WHEN OTHERS OR assert_failure THEN
        UPDATE tsad.monitor_series o SET message = format('feedback could not be applied: %s', SQLERRM) WHERE o.id = s;
        RETURN 0;
    END;
    said := 'feedback: ' || nullif(concat_ws('; ',
        CASE WHEN disagrees.flagged > 0 THEN format('%s called normal stay flagged: a higher threshold would miss what was called an anomaly', disagrees.flagged) END,
        CASE WHEN disagrees.missed > 0 THEN format('%s called an anomaly score too low to be flagged without too many false alarms', disagrees.missed) END), '');
    UPDATE tsad.monitor_series o SET message = coalesce(said, CASE WHEN o.message !~ '^feedback' THEN o.message END) WHERE o.id = s;
    IF better IS NULL OR (tsad.model_info(better)->'calibration'->'threshold', tsad.model_info(better)->'rows_told_below') IS NOT DISTINCT FROM (tsad.model_info(base.model)->'calibration'->'threshold', tsad.model_info(base.model)->'rows_told_below') THEN
        UPDATE tsad.monitor_series o SET version = base.version WHERE o.id = s;
        RETURN disagrees.missed;
    END IF;
    INSERT INTO tsad.monitor_model (monitor, series, version, model, reason, base, trained_from, trained_until, rows)
    SELECT m.id, s, max(o.version) + 1, better, 'feedback', base.version, base.trained_from, base.trained_until, base.rows
      FROM tsad.monitor_model o WHERE o.series = s RETURNING version INTO number;
    UPDATE tsad.monitor_series o SET version = number WHERE o.id = s;
    RETURN disagrees.missed;
END $$;
COMMENT ON FUNCTION tsad._apply_feedback(tsad.monitor, bigint) IS 'changes the threshold of a monitored series by what users said; returns how many stretches called an anomaly it misses all the same';

-- The first model of a series is trained at start_at or, if there is not enough then, at the row that makes it enough: at a
-- time that depends on the data and not on when the monitor ran.
CREATE FUNCTION tsad._train_first(m tsad.monitor, s bigint, until timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET intervalstyle = 'postgres' AS $$
DECLARE
    r tsad.monitor_series;
    after timestamptz;
    ready_at timestamptz;
    -- Where nobody says how many rows are wanted: two cycles of the day, for rows of a day two weeks.
    by_cycles CONSTANT boolean := m.min_samples IS NULL;
    wanted integer;
    most integer;
    found record;
BEGIN
    SELECT * INTO r FROM tsad.monitor_series o WHERE o.id = s;
    wanted := coalesce(r.needed, m.min_samples, 14);
    most := CASE WHEN by_cycles THEN greatest(wanted, 4 * tsad._longest_window(m.options)) ELSE wanted END;
    after := tsad._train_after(m, r.series, least(m.start_at, until));
    -- The sampling interval is that of the first rows: more of them must not change what is decided.
    EXECUTE tsad._enter(m, format('SELECT pg_catalog.count(*) AS rows, pg_catalog.min(at) AS first_at, pg_catalog.max(at) AS last_at, pg_catalog.min(at) FILTER (WHERE n OPERATOR(pg_catalog.=) 14::pg_catalog.int8) AS early_at, '
                   'pg_catalog.array_agg(at ORDER BY n) FILTER (WHERE n OPERATOR(pg_catalog.>=) %s::pg_catalog.int8) AS times FROM ('
                   'SELECT at, pg_catalog.row_number() OVER (ORDER BY at) AS n FROM (SELECT t.%I::pg_catalog.timestamptz AS at FROM %s WHERE %s AND %s%s ORDER BY t.%I LIMIT %s) first_rows) counted',
                   wanted, m.time_column, tsad._from(m), tsad._is_series(m, r.series), tsad._is_between(m, after, until),
                   tsad._is_kept(m, after, until), m.time_column, most)) INTO found;
    PERFORM tsad._leave();
    UPDATE tsad.monitor_series o SET newest_at = greatest(o.newest_at, found.last_at) WHERE o.id = s;
    ready_at := CASE WHEN by_cycles THEN (SELECT min(t) FROM unnest(found.times) WITH ORDINALITY u (t, n)
                                           WHERE t - found.first_at + (found.early_at - found.first_at) / 13 >= least('2 days', tsad._train_window(m)) OR n > most - wanted)
                     ELSE found.times[1] END;
    IF ready_at IS NULL THEN
        UPDATE tsad.monitor_series o SET state = 'collecting', message = CASE
                   WHEN found.rows < wanted THEN format('%s of %s rows that the first model needs%s', found.rows, wanted,
                       CASE WHEN found.rows > 1 THEN format('; at this rate the rest takes %s', date_trunc('second',
                           (found.last_at - found.first_at) / (found.rows - 1) * (wanted - found.rows))) ELSE '' END)
                   ELSE format('%s rows of %s: the first model needs rows of two days, or %s; at this rate the rest takes %s', found.rows,
                       date_trunc('second', found.last_at - found.first_at), most, date_trunc('second', make_interval(secs => extract(epoch FROM
                       least((found.last_at - found.first_at) / (found.rows - 1) * (most - found.rows), '2 days' - (found.last_at - found.first_at)))::float8))) END WHERE o.id = s;
    ELSIF until < m.start_at THEN
        UPDATE tsad.monitor_series o SET state = 'collecting', message = format('the first model is trained at %s, as start_at says',
                   m.start_at AT TIME ZONE m.timezone) WHERE o.id = s;
    ELSE
        PERFORM tsad._train_monitored(m, s, greatest(m.start_at, ready_at), 'first');
    END IF;
END $$;
COMMENT ON FUNCTION tsad._train_first(tsad.monitor, bigint, timestamptz) IS 'trains the first model of a series, or says what is missing';
