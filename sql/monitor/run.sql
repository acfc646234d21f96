-- Running monitors. A run finds the series that have new rows and takes them in batches; each batch is a transaction of
-- its own, in which models are trained, rows scored, episodes recorded and announced. The state of a series changes with
-- its episodes or not at all, so that a run may be cut off at any moment.

CREATE FUNCTION tsad._may_commit() RETURNS boolean
    AS 'MODULE_PATHNAME', '_may_commit_wrapper' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tsad._may_commit() IS 'whether the calling procedure may end its transaction';

CREATE FUNCTION tsad._as_role(role oid, statement text) RETURNS jsonb
    AS 'MODULE_PATHNAME', '_as_role_wrapper' LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT;
COMMENT ON FUNCTION tsad._as_role(oid, text) IS 'runs a statement with the rights of a role that the caller is a member of';

CREATE FUNCTION tsad._follow(
    relation text, time_column text, value_columns text[], series_columns text[], filter text, keys text[], models bytea[],
    settled timestamptz[], carry jsonb[], next_training timestamptz[], merge_gap interval, min_points integer, min_duration interval,
    focus float8, trained_until timestamptz[], late_window interval, adapt_after interval, start_at timestamptz)
RETURNS TABLE (n integer, rows bigint, newest_at timestamptz, watermark timestamptz, carry jsonb, due text, message text, rows_before bigint,
    rows_settled bigint, digest_before bigint, digest_settled bigint, episodes jsonb)
    AS 'MODULE_PATHNAME', '_follow_wrapper' LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100;
COMMENT ON FUNCTION tsad._follow(text, text, text[], text[], text, text[], bytea[], timestamptz[], jsonb[], timestamptz[], interval,
    integer, interval, float8, timestamptz[], interval, interval, timestamptz) IS 'goes on with the series of a batch from where each was left; counts the rows in the context of the old watermark and of the new one, and digests their values';

CREATE FUNCTION tsad._follow_query(relation text, time_column text, value_columns text[], series_columns text[], filter text) RETURNS text
    AS 'MODULE_PATHNAME', '_follow_query_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION tsad._follow_query(text, text, text[], text[], text) IS 'the query that tsad._follow reads rows with';

CREATE FUNCTION tsad._model_context(model bytea) RETURNS interval
    AS 'MODULE_PATHNAME', '_model_context_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION tsad._model_context(bytea) IS 'how far before what is settled rows must be read';

CREATE FUNCTION tsad._is_calling() RETURNS boolean
    AS 'MODULE_PATHNAME', '_is_calling_wrapper' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tsad._is_calling() IS 'whether a function on_event is being called in this session';

-- ---- pieces of SQL ----

CREATE FUNCTION tsad._from(m tsad.monitor) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
    $$ SELECT CASE WHEN m.is_query THEN '(' || m.source || E'\n)' ELSE m.source END || ' t' $$;
COMMENT ON FUNCTION tsad._from(tsad.monitor) IS 'what stands in the FROM clause of a query on the source of a monitor';

CREATE FUNCTION tsad._key(m tsad.monitor) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
    $$ SELECT 'pg_catalog.jsonb_build_object(' || coalesce(string_agg(format('%L, t.%I', c, c), ', '), '') || ')' FROM unnest(m.series_columns) c $$;
COMMENT ON FUNCTION tsad._key(tsad.monitor) IS 'the expression of the key of a series';

-- Finite values only: an infinite one is a gap, as in scoring.
CREATE FUNCTION tsad._value(m tsad.monitor) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN m.value_is_array THEN format('t.%I::pg_catalog.float8[]', m.value_columns[1])
                WHEN cardinality(m.value_columns) = 1 THEN min(v) ELSE 'ARRAY[' || string_agg(v, ', ' ORDER BY n) || ']' END
      FROM (SELECT n, format('NULLIF(NULLIF(t.%I::pg_catalog.float8, ''infinity''), ''-infinity'')', c) AS v
              FROM unnest(m.value_columns) WITH ORDINALITY u (c, n)) each_column $$;
COMMENT ON FUNCTION tsad._value(tsad.monitor) IS 'the expression of the value or values of a row';

-- The key of an array or a row is no text that its type could read.
CREATE FUNCTION tsad._is_readable(value jsonb, type text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
    $$ SELECT CASE type WHEN 'jsonb' THEN jsonb_typeof(value) <> 'string' ELSE jsonb_typeof(value) NOT IN ('array', 'object') END $$;
COMMENT ON FUNCTION tsad._is_readable(jsonb, text) IS 'whether the text of a value of a key can be cast to the type of its column';

-- Never an operator by its bare name: anybody's may match better, and would run with the rights of the monitor's owner.
CREATE FUNCTION tsad._equality(type text) RETURNS text
    AS 'MODULE_PATHNAME', '_equality_wrapper' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION tsad._equality(text) IS 'the equality of a type as SQL with its schema, from the type''s default operator class; NULL where there is none';

CREATE FUNCTION tsad._is_series(m tsad.monitor, series jsonb) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(string_agg(CASE WHEN series->>c IS NULL THEN format('t.%I IS NULL', c)
                                    WHEN tsad._is_readable(series->c, type) AND equality IS NOT NULL THEN format('t.%I %s %L::%s', c, equality, series->>c, type)
                                    ELSE format('pg_catalog.to_jsonb(t.%I) OPERATOR(pg_catalog.=) %L::pg_catalog.jsonb', c, series->c) END, ' AND ' ORDER BY n), 'true')
      FROM unnest(m.series_columns, m.series_types) WITH ORDINALITY u (c, type, n), LATERAL tsad._equality(u.type) equality WHERE series ? c $$;
COMMENT ON FUNCTION tsad._is_series(tsad.monitor, jsonb) IS 'the condition that a row belongs to a series, or to the series that have some values';

-- Each column is compared on its own: rows of some other series may pass, and are left out as they are read.
CREATE FUNCTION tsad._is_any_series(m tsad.monitor, list jsonb[]) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(string_agg('(' || condition || ')', ' AND ' ORDER BY n), 'true') FROM (
        SELECT v.n, concat_ws(' OR ',
                   CASE WHEN v.readable IS NOT NULL THEN format('t.%I %s ANY (%L::%s[])', v.c, v.equality, v.readable, v.type) END,
                   CASE WHEN v.other IS NOT NULL THEN format('pg_catalog.to_jsonb(t.%I) OPERATOR(pg_catalog.=) ANY (%L::pg_catalog.jsonb[])', v.c, v.other) END,
                   CASE WHEN v.with_null THEN format('t.%I IS NULL', v.c) END) AS condition
          FROM (SELECT u.n, u.c, u.type, equality, bool_or(l.s->>c IS NULL) AS with_null,
                       array_agg(DISTINCT l.s->>c) FILTER (WHERE l.s->>c IS NOT NULL AND tsad._is_readable(l.s->c, type) AND equality IS NOT NULL) AS readable,
                       array_agg(DISTINCT l.s->c) FILTER (WHERE l.s->>c IS NOT NULL AND NOT (tsad._is_readable(l.s->c, type) AND equality IS NOT NULL)) AS other
                  FROM unnest(m.series_columns, m.series_types) WITH ORDINALITY u (c, type, n), unnest(list) l (s),
                       LATERAL tsad._equality(u.type) equality
                 GROUP BY u.n, u.c, u.type, equality) v) each_column $$;
COMMENT ON FUNCTION tsad._is_any_series(tsad.monitor, jsonb[]) IS 'a condition that the rows of some series meet';

CREATE FUNCTION tsad._is_between(m tsad.monitor, after timestamptz, until timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
    $$ SELECT format('t.%1$I OPERATOR(pg_catalog.>) %2$L::pg_catalog.timestamptz AND t.%1$I OPERATOR(pg_catalog.<=) %3$L::pg_catalog.timestamptz', m.time_column, after, until) $$;
COMMENT ON FUNCTION tsad._is_between(tsad.monitor, timestamptz, timestamptz) IS 'the condition that a row lies in a range of time';

CREATE FUNCTION tsad._is_kept(m tsad.monitor, after timestamptz, until timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(string_agg(format(' AND NOT (t.%1$I OPERATOR(pg_catalog.>=) %2$L::pg_catalog.timestamptz AND t.%1$I OPERATOR(pg_catalog.<=) %3$L::pg_catalog.timestamptz AND %4$s)',
               m.time_column, x.from_at, x.until_at, coalesce(tsad._is_series(m, x.series), 'true')), '' ORDER BY x.id), '')
      FROM tsad.monitor_exclusion x WHERE x.monitor = m.id AND x.until_at > after AND x.from_at <= until $$;
COMMENT ON FUNCTION tsad._is_kept(tsad.monitor, timestamptz, timestamptz) IS 'the condition that a row lies in no excluded range';

-- Around what reads the source: names in a query are found where its author found them. Nothing of ours is looked up meanwhile,
-- for who can create functions there could have it find his. The functions that call these have SET for both settings.
CREATE FUNCTION tsad._enter(m tsad.monitor, statement text) RETURNS text
    LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_catalog.set_config('timezone', m.timezone, true);
    IF m.is_query THEN
        PERFORM pg_catalog.set_config('search_path', m.search_path, true);
    END IF;
    RETURN statement;
END $$;
COMMENT ON FUNCTION tsad._enter(tsad.monitor, text) IS 'sets what a source is read with; returns the statement that reads it';

CREATE FUNCTION tsad._leave() RETURNS void
    LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    PERFORM pg_catalog.set_config('timezone', 'UTC', true);
END $$;
COMMENT ON FUNCTION tsad._leave() IS 'ends what tsad._enter began';

-- ---- training ----

-- A window of time that suits samples of a minute holds too few of a day: it reaches back to min_samples rows at least.
CREATE FUNCTION tsad._train_after(m tsad.monitor, key jsonb, upto timestamptz) RETURNS timestamptz
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    first_at timestamptz;
BEGIN
    EXECUTE tsad._enter(m, format('SELECT pg_catalog.min(at) FROM (SELECT t.%I::pg_catalog.timestamptz AS at FROM %s WHERE %s AND %s ORDER BY t.%I DESC LIMIT %s) latest',
                   m.time_column, tsad._from(m), tsad._is_series(m, key), tsad._is_between(m, '-infinity', upto), m.time_column, m.min_samples))
       INTO first_at;
    PERFORM tsad._leave();
    RETURN least(upto - m.train_window, first_at - interval '1 microsecond');
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
    after timestamptz := upto - m.train_window;
    pause interval;
    trained record;
    info jsonb;
    excluded_ranges tstzmultirange;
    normal tstzmultirange;
    next timestamptz := upto + least(m.retrain_every, m.train_window);
    number integer;
    missed integer;
    said text;
BEGIN
    SELECT coalesce(range_agg(tstzrange(o.first_at, o.last_at, '[]')), '{}') INTO excluded_ranges FROM (
        SELECT e.started_at AS first_at, e.last_at FROM tsad.monitor_event e JOIN tsad.monitor_series r ON r.id = e.series
         WHERE e.series = s AND e.started_at <= upto AND e.user_label IS DISTINCT FROM false
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
               trained_until = upto, next_training = next, needed = 2 * coalesce(r.needed, m.min_samples),
               message = format('not trained on %s rows: %s', coalesce(trained.rows, 0), coalesce(info->>'reason', 'there are none')) WHERE r.id = s;
        RETURN NULL;
    END IF;
    -- A young model is replaced when its data has doubled. Less than half a longest window teaches nothing new.
    pause := m.retrain_every;
    IF upto - trained.first_at < 0.9 * m.train_window THEN
        pause := least(pause, upto - trained.first_at);
    END IF;
    next := upto + CASE WHEN pause IS NOT NULL THEN greatest(pause, tsad._model_context(trained.model) / 4) END;
    INSERT INTO tsad.monitor_model (monitor, series, version, model, reason, trained_from, trained_until, rows)
    SELECT m.id, s, coalesce(max(o.version), 0) + 1, trained.model, why, trained.first_at, upto, trained.rows
      FROM tsad.monitor_model o WHERE o.series = s RETURNING version INTO number;
    UPDATE tsad.monitor_series r SET state = 'ok', message = said, version = number, context = tsad._model_context(trained.model),
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
    IF better IS NULL OR tsad.model_info(better)->'calibration'->'threshold' = tsad.model_info(base.model)->'calibration'->'threshold' THEN
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
    wanted integer;
    found record;
BEGIN
    SELECT * INTO r FROM tsad.monitor_series o WHERE o.id = s;
    wanted := coalesce(r.needed, m.min_samples);
    after := tsad._train_after(m, r.series, m.start_at);
    EXECUTE tsad._enter(m, format('SELECT pg_catalog.count(*) AS rows, pg_catalog.min(at) AS first_at, pg_catalog.max(at) AS last_at FROM ('
                   'SELECT t.%I::pg_catalog.timestamptz AS at FROM %s WHERE %s AND %s%s ORDER BY t.%I LIMIT %s) first_rows',
                   m.time_column, tsad._from(m), tsad._is_series(m, r.series), tsad._is_between(m, after, until),
                   tsad._is_kept(m, after, until), m.time_column, wanted)) INTO found;
    PERFORM tsad._leave();
    UPDATE tsad.monitor_series o SET newest_at = greatest(o.newest_at, found.last_at) WHERE o.id = s;
    IF found.rows < wanted THEN
        UPDATE tsad.monitor_series o SET state = 'collecting', message = format('%s of %s rows that the first model needs%s', found.rows, wanted,
                   CASE WHEN found.rows > 1 THEN format('; at this rate the rest takes %s', date_trunc('second',
                       (found.last_at - found.first_at) / (found.rows - 1) * (wanted - found.rows))) ELSE '' END) WHERE o.id = s;
    ELSIF until < m.start_at THEN
        UPDATE tsad.monitor_series o SET state = 'collecting', message = format('the first model is trained at %s, as start_at says',
                   m.start_at AT TIME ZONE m.timezone) WHERE o.id = s;
    ELSE
        PERFORM tsad._train_monitored(m, s, greatest(m.start_at, found.last_at), 'first');
    END IF;
END $$;
COMMENT ON FUNCTION tsad._train_first(tsad.monitor, bigint, timestamptz) IS 'trains the first model of a series, or says what is missing';

-- ---- following ----

CREATE FUNCTION tsad._filter(m tsad.monitor, batch bigint[], until timestamptz) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT tsad._is_between(m, min(s.watermark - s.context), until) || ' AND ' || tsad._is_any_series(m, array_agg(s.series ORDER BY s.id))
           || tsad._is_kept(m, min(s.watermark - s.context), until)
      FROM tsad.monitor_series s WHERE s.id = ANY (batch) $$;
COMMENT ON FUNCTION tsad._filter(tsad.monitor, bigint[], timestamptz) IS 'the condition on the rows that a batch of series is followed with';

-- One pass over a batch; returns the series that need another one, because a model is to be trained first.
CREATE FUNCTION tsad._follow_batch(m tsad.monitor, batch bigint[], until timestamptz, whole boolean) RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    r record;
    again bigint[] := '{}';
BEGIN
    -- All rows are read before the first one is returned.
    FOR r IN
        WITH one AS (SELECT s.*, o.model FROM tsad.monitor_series s
                       LEFT JOIN tsad.monitor_model o ON o.series = s.id AND o.version = s.version WHERE s.id = ANY (batch)),
             listed AS (SELECT array_agg(id ORDER BY id) AS ids, array_agg(series::text ORDER BY id) AS keys, array_agg(model ORDER BY id) AS models,
                               array_agg(watermark ORDER BY id) AS settled, array_agg(carry ORDER BY id) AS carries,
                               array_agg(CASE WHEN NOT pinned THEN next_training END ORDER BY id) AS next,
                               array_agg(CASE WHEN pinned THEN 'infinity' ELSE trained_until END ORDER BY id) AS trained,
                               array_agg(version ORDER BY id) AS versions FROM one)
        SELECT listed.ids[f.n] AS id, listed.versions[f.n] AS version, f.*
          FROM listed, tsad._follow(m.source, m.time_column, m.value_columns, m.series_columns, tsad._enter(m, tsad._filter(m, batch, until)), listed.keys, listed.models,
                   listed.settled, listed.carries, listed.next, m.merge_gap, m.min_points, m.min_duration, m.focus, listed.trained,
                   m.late_window, m.adapt_after, m.start_at) f
    LOOP
        PERFORM tsad._leave();
        IF r.message IS NOT NULL THEN
            UPDATE tsad.monitor_series s SET state = 'error', message = r.message WHERE s.id = r.id;
            CONTINUE;
        END IF;
        IF r.due IS NULL AND NOT whole THEN
            again := again || r.id;
            CONTINUE;
        END IF;
        UPDATE tsad.monitor_series s SET state = 'ok', message = CASE WHEN s.state = 'ok' THEN s.message END, watermark = r.watermark, carry = r.carry,
               newest_at = greatest(s.newest_at, r.newest_at), rows = s.rows + r.rows,
               -- Rows are never fewer but by a deletion: more are such that came when all was decided.
               rows_too_late = s.rows_too_late + greatest(r.rows_before - s.rows_settled, 0), rows_settled = r.rows_settled,
               -- As many, and not the same: somebody changed values of which all was decided.
               rewrites = s.rewrites + coalesce((r.rows_before = s.rows_settled AND r.digest_before <> s.digest_settled)::integer, 0), digest_settled = r.digest_settled WHERE s.id = r.id;
        PERFORM tsad._record_events(m, r.id, r.version, coalesce(r.episodes, '[]'));
        IF r.due IS NOT NULL THEN
            PERFORM tsad._train_monitored(m, r.id, r.watermark, r.due);
            again := again || r.id;
        END IF;
    END LOOP;
    RETURN again;
END $$;
COMMENT ON FUNCTION tsad._follow_batch(tsad.monitor, bigint[], timestamptz, boolean) IS 'one pass over the rows of a batch of series';

-- What is decided stays; the rest is replaced. An episode that overlaps one told before is the same one.
CREATE FUNCTION tsad._record_events(m tsad.monitor, s bigint, number integer, episodes jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e tsad.monitor_event;
    old tsad.monitor_event;
    used bigint[] := '{}';
BEGIN
    FOR e IN SELECT * FROM jsonb_populate_recordset(NULL::tsad.monitor_event, episodes) n ORDER BY n.started_at LOOP
        SELECT * INTO old FROM tsad.monitor_event o
         WHERE o.series = s AND NOT o.is_final AND o.started_at <= e.last_at AND o.last_at >= e.started_at AND o.id <> ALL (used)
         ORDER BY o.started_at LIMIT 1;
        IF FOUND THEN
            UPDATE tsad.monitor_event o SET started_at = e.started_at, last_at = e.last_at, ended_at = e.ended_at, peak_at = e.peak_at,
                   peak_score = e.peak_score, min_p_value = e.min_p_value, n_points = e.n_points, direction = e.direction, contributions = e.contributions,
                   views = e.views, version = number, is_final = e.is_final, end_notified = o.end_notified AND e.ended_at IS NOT NULL
             WHERE o.id = old.id
                   -- A row that stays as it is leaves no dead one.
                   AND (o.started_at, o.last_at, o.ended_at, o.peak_at, o.peak_score, o.min_p_value, o.n_points, o.direction, o.contributions, o.views, o.version, o.is_final)
                       IS DISTINCT FROM (e.started_at, e.last_at, e.ended_at, e.peak_at, e.peak_score, e.min_p_value, e.n_points, e.direction, e.contributions, e.views, number, e.is_final);
        ELSE
            INSERT INTO tsad.monitor_event (monitor, series, started_at, last_at, ended_at, peak_at, peak_score, min_p_value, n_points,
                                            direction, contributions, views, version, is_final)
            VALUES (m.id, s, e.started_at, e.last_at, e.ended_at, e.peak_at, e.peak_score, e.min_p_value, e.n_points, e.direction,
                    e.contributions, e.views, number, e.is_final)
            ON CONFLICT (series, started_at) DO NOTHING RETURNING * INTO old;
        END IF;
        used := used || old.id;
    END LOOP;
    FOR old IN DELETE FROM tsad.monitor_event o WHERE o.series = s AND NOT o.is_final AND o.id <> ALL (used) RETURNING * LOOP
        IF old.start_notified THEN
            PERFORM tsad._announce(m, old, 'withdrawn');
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION tsad._record_events(tsad.monitor, bigint, integer, jsonb) IS 'records the episodes of a series';

-- ---- a run ----

-- What aggregates grows as long as its interval lasts: an episode there would be opened and withdrawn with each row.
CREATE FUNCTION tsad._bucket(m tsad.monitor, after timestamptz, until timestamptz) RETURNS interval
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    times timestamptz[];
BEGIN
    IF NOT m.aggregates OR m.settle_after IS NOT NULL OR m.bucket IS NOT NULL THEN
        RETURN m.bucket;
    END IF;
    EXECUTE tsad._enter(m, format('SELECT ARRAY(SELECT DISTINCT t.%1$I::pg_catalog.timestamptz AS at FROM %2$s WHERE %3$s ORDER BY at DESC LIMIT 1000)',
                   m.time_column, tsad._from(m), tsad._is_between(m, after, until))) INTO times;
    PERFORM tsad._leave();
    RETURN (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY step)
              FROM (SELECT at - lag(at) OVER (ORDER BY at) AS step FROM unnest(times) at) steps WHERE step > '0');
END $$;
COMMENT ON FUNCTION tsad._bucket(tsad.monitor, timestamptz, timestamptz) IS 'the sampling interval of a source that aggregates, NULL where it does not, or nobody needs to know, or there is too little';

-- The series that have rows since the last run that came to its end, late ones included.
CREATE FUNCTION tsad._discover(monitor bigint, until timestamptz) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    m tsad.monitor;
    after timestamptz;
    keys jsonb[];
    lagging jsonb[];
    lagging_at timestamptz[];
    lagging_after timestamptz;
    detail text;
BEGIN
    SELECT * INTO STRICT m FROM tsad.monitor o WHERE o.id = monitor;
    IF m.paused THEN
        RETURN '{"paused": true}';
    END IF;
    -- From the newest row that was seen, not from the clock: rows that are a day late are new all the same.
    -- As long as no run came to its end, all are: one that was cut off knows only the series that it came to.
    IF m.seen_until IS NULL THEN
        after := m.start_at - m.train_window;
    ELSE
        SELECT least(m.seen_until, max(s.newest_at)) - m.late_window INTO after FROM tsad.monitor_series s WHERE s.monitor = m.id;
    END IF;
    -- Series that lag behind the others are looked for beyond their own newest row.
    SELECT array_agg(s.series ORDER BY s.id), array_agg(s.newest_at ORDER BY s.id), min(s.newest_at)
      INTO lagging, lagging_at, lagging_after FROM tsad.monitor_series s WHERE s.monitor = m.id AND s.newest_at < after;
    BEGIN
        m.bucket := tsad._bucket(m, after, until);
        -- What was looked at once is not looked at without its later rows.
        until := greatest(until - coalesce(m.settle_after, m.bucket, '0'), m.seen_until);
        EXECUTE tsad._enter(m, format('SELECT ARRAY(SELECT %s FROM %s WHERE %s GROUP BY 1)', tsad._key(m), tsad._from(m),
                       tsad._is_between(m, after, until))) INTO keys;
        PERFORM tsad._leave();
        IF lagging IS NOT NULL THEN
            EXECUTE tsad._enter(m, format('SELECT ARRAY(SELECT n.key FROM (SELECT %s AS key, pg_catalog.max(t.%I)::pg_catalog.timestamptz AS newest_at FROM %s WHERE %s AND %s GROUP BY 1) n '
                           'JOIN ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) l (key, newest_at) ON l.key OPERATOR(pg_catalog.=) n.key WHERE n.newest_at OPERATOR(pg_catalog.>) l.newest_at)',
                           tsad._key(m), m.time_column, tsad._from(m), tsad._is_any_series(m, lagging), tsad._is_between(m, lagging_after, after)))
               INTO lagging USING lagging, lagging_at;
            PERFORM tsad._leave();
            keys := ARRAY(SELECT DISTINCT k FROM unnest(keys || lagging) k);
        END IF;
    EXCEPTION WHEN OTHERS OR assert_failure THEN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
        RETURN tsad._failed(m, SQLSTATE, SQLERRM, detail);
    END;
    UPDATE tsad.monitor o SET run_started_at = clock_timestamp(), run_ended_at = NULL, run_until = until, bucket = m.bucket WHERE o.id = m.id;
    INSERT INTO tsad.monitor_series (monitor, series) SELECT m.id, k FROM unnest(keys) k ORDER BY k ON CONFLICT DO NOTHING;
    -- Due are those that have new rows, and whatever waits for a training, was changed, or failed: that last, for it may spoil the
    -- batches of others.
    RETURN jsonb_build_object('until', until,
        'ids', (SELECT coalesce(jsonb_agg(s.id ORDER BY s.state = 'error', s.watermark, s.id), '[]') FROM tsad.monitor_series s
                 WHERE s.monitor = m.id AND (s.series IN (SELECT k FROM unnest(keys) k) OR s.state <> 'ok' OR s.checked_until IS NULL
                                             OR NOT s.pinned AND s.next_training <= s.watermark)));
END $$;
COMMENT ON FUNCTION tsad._discover(bigint, timestamptz) IS 'begins a run: finds the series that have new rows or are due for another reason, and up to when rows are settled';

CREATE FUNCTION tsad._failed(m tsad.monitor, state text, message text, detail text) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    from_clause CONSTANT text := tsad._from(m);
    c record;
    now_is text;
BEGIN
    message := format('%s (SQLSTATE %s)%s', message, state, nullif(': ' || left(detail, 1000), ': '));
    BEGIN
        FOR c IN SELECT * FROM unnest(m.series_columns, m.series_types) u (name, type) LOOP
            PERFORM tsad._enter(m, '');
            now_is := tsad._type_of(c.name, from_clause);
            PERFORM tsad._leave();
            IF now_is <> c.type THEN
                message := message || format('; series column "%s" has type %s and had type %s: tsad.alter_monitor with "source" takes it as it is', c.name, now_is, c.type);
            END IF;
        END LOOP;
    EXCEPTION WHEN OTHERS OR assert_failure THEN
        NULL; -- the source is gone; the message says so
    END;
    UPDATE tsad.monitor o SET last_error = message, last_error_at = clock_timestamp() WHERE o.id = m.id;
    RETURN jsonb_build_object('error', message);
END $$;
COMMENT ON FUNCTION tsad._failed(tsad.monitor, text, text, text) IS 'records that a monitor could not read its source';

CREATE FUNCTION tsad._run_batch(monitor bigint, ids bigint[], started timestamptz, until timestamptz) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    m tsad.monitor;
    batch bigint[];
    s tsad.monitor_series;
    detail text;
    looked_at timestamptz;
BEGIN
    -- The row of the monitor first, and then its series: so does everything, and nobody waits for one who waits for him. What changes a
    -- monitor waits until the batch is done.
    SELECT * INTO m FROM tsad.monitor o WHERE o.id = monitor FOR KEY SHARE;
    IF m IS NULL OR m.id IS NULL THEN
        RETURN '{"error": "the monitor was dropped"}';
    END IF;
    -- Another run that is at a series now, or was since this one began and looked as far, has seen its rows. (Clocks of servers are put back.)
    batch := ARRAY(SELECT o.id FROM tsad.monitor_series o WHERE o.id = ANY (ids)
                      AND (o.checked_at >= started AND o.checked_at <= clock_timestamp() AND o.checked_until >= least(until, started)) IS NOT TRUE
                    ORDER BY o.id FOR UPDATE SKIP LOCKED);
    -- What was looked at once is not looked at without its later rows.
    until := greatest(until, (SELECT max(o.checked_until) FROM tsad.monitor_series o WHERE o.id = ANY (batch)));
    looked_at := least(until, clock_timestamp());
    BEGIN
        FOR s IN SELECT * FROM tsad.monitor_series o WHERE o.id = ANY (batch) ORDER BY o.id LOOP
            IF s.version IS NULL THEN
                PERFORM tsad._train_first(m, s.id, until);
            ELSIF s.next_training <= s.watermark AND NOT s.pinned THEN
                PERFORM tsad._train_monitored(m, s.id, s.watermark, 'request');
            END IF;
        END LOOP;
        PERFORM tsad._follow_all(m, ARRAY(SELECT o.id FROM tsad.monitor_series o WHERE o.id = ANY (batch) AND o.version IS NOT NULL), until);
    EXCEPTION
        -- The source or what is read of it is gone or forbidden, somebody holds it, or where it lies does not answer: the same for all
        -- series. Mostly whole classes of errors.
        WHEN connection_exception OR transaction_rollback OR syntax_error_or_access_rule_violation OR insufficient_resources
             OR object_not_in_prerequisite_state OR fdw_error OR invalid_schema_name OR invalid_transaction_state THEN
            GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
            RETURN tsad._failed(m, SQLSTATE, SQLERRM, detail);
        WHEN OTHERS OR assert_failure THEN
            IF cardinality(batch) > 1 THEN
                RETURN jsonb_build_object('one_by_one', true);
            END IF;
            UPDATE tsad.monitor_series o SET state = 'error', message = format('%s (SQLSTATE %s)', SQLERRM, SQLSTATE) WHERE o.id = ANY (batch);
    END;
    PERFORM tsad._announce_batch(m, batch, until);
    UPDATE tsad.monitor_series o SET checked_at = clock_timestamp(), checked_until = looked_at WHERE o.id = ANY (batch);
    RETURN '{}';
END $$;
COMMENT ON FUNCTION tsad._run_batch(bigint, bigint[], timestamptz, timestamptz) IS 'one batch of a run';

-- Passes over a batch until no training is due. A pass does not read much further than the next training.
CREATE FUNCTION tsad._follow_all(m tsad.monitor, batch bigint[], until timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ahead timestamptz;
    before timestamptz[];
BEGIN
    WHILE cardinality(batch) > 0 LOOP
        SELECT max(CASE WHEN s.pinned THEN 'infinity' ELSE coalesce(s.next_training, 'infinity') END + 2 * s.context) + m.late_window
          INTO ahead FROM tsad.monitor_series s WHERE s.id = ANY (batch);
        IF ahead < until THEN
            before := ARRAY(SELECT s.watermark FROM tsad.monitor_series s WHERE s.id = ANY (batch) ORDER BY s.id);
            batch := tsad._follow_batch(m, batch, ahead, false);
            -- A gap in the data hides the next training: read on.
            CONTINUE WHEN before IS DISTINCT FROM ARRAY(SELECT s.watermark FROM tsad.monitor_series s WHERE s.id = ANY (batch) ORDER BY s.id);
        END IF;
        batch := tsad._follow_batch(m, batch, until, true);
    END LOOP;
END $$;
COMMENT ON FUNCTION tsad._follow_all(tsad.monitor, bigint[], timestamptz) IS 'follows a batch of series up to a time, training as it becomes due';

CREATE FUNCTION tsad._finish(monitor bigint, ids bigint[], started timestamptz, until timestamptz) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    m tsad.monitor;
    silent bigint[];
    -- A run may be told to look beyond the present. Nothing is old, or has been looked for, because of that.
    present CONSTANT timestamptz := least(until, clock_timestamp());
    newest timestamptz;
    forgotten bigint;
BEGIN
    SELECT * INTO m FROM tsad.monitor o WHERE o.id = monitor FOR NO KEY UPDATE;
    -- A series that fell silent has no row that could end its episode: it ends as a gap would end it. Rows that come after all
    -- continue it, or do not.
    silent := ARRAY(SELECT s.id FROM tsad.monitor_series s WHERE s.monitor = m.id AND s.newest_at < until - greatest(m.late_window, coalesce(m.merge_gap, s.context / 16))
                       AND EXISTS (SELECT FROM tsad.monitor_event o WHERE o.series = s.id AND NOT o.is_final AND o.ended_at IS NULL) ORDER BY s.id FOR UPDATE SKIP LOCKED);
    UPDATE tsad.monitor_event o SET ended_at = o.last_at WHERE o.series = ANY (silent) AND NOT o.is_final AND o.ended_at IS NULL;
    PERFORM tsad._announce_batch(m, silent, until);
    -- What is old is so beside the newest rows, not by the clock: a monitor may go over the history of years.
    newest := least(present, (SELECT max(s.newest_at) FROM tsad.monitor_series s WHERE s.monitor = m.id));
    WITH gone AS (
        DELETE FROM tsad.monitor_event o USING tsad.monitor_series s WHERE s.id = o.series AND o.monitor = m.id AND o.is_final
           AND o.last_at < least(present, s.newest_at) - m.retention AND o.started_at < newest - m.retention -- follows, and is what the index has
        RETURNING o.found_at)
    SELECT count(*) FILTER (WHERE found_at >= started) INTO forgotten FROM gone;
    DELETE FROM tsad.monitor_series o WHERE o.id = ANY (ARRAY(
        SELECT s.id FROM tsad.monitor_series s WHERE s.monitor = m.id AND s.newest_at < newest - m.retention AND NOT s.id = ANY (ids) ORDER BY s.id FOR UPDATE SKIP LOCKED));
    DELETE FROM tsad.monitor_exclusion o WHERE o.monitor = m.id AND o.until_at < newest - greatest(m.retention, m.train_window);
    DELETE FROM tsad.monitor_call o WHERE o.id = ANY (ARRAY(
        SELECT c.id FROM tsad.monitor_call c WHERE c.monitor = m.id AND c.attempts >= 5 AND c.tried_at < clock_timestamp() - m.retention ORDER BY c.id FOR UPDATE SKIP LOCKED));
    -- What another run had in hand, and may have lost or looked at less far, is looked for again.
    UPDATE tsad.monitor o SET run_ended_at = clock_timestamp(), last_error = NULL, last_error_at = NULL,
           seen_until = CASE WHEN NOT EXISTS (SELECT FROM tsad.monitor_series s WHERE s.id = ANY (ids)
                                               AND (s.checked_at >= started AND s.checked_until >= least(until, started)) IS NOT TRUE)
                             THEN greatest(o.seen_until, present) ELSE o.seen_until END,
           readers = ARRAY(SELECT u.r FROM unnest(o.readers) WITH ORDINALITY u (r, n) JOIN pg_roles p ON p.oid = u.r ORDER BY u.n)
     WHERE o.id = m.id;
    RETURN jsonb_build_object('forgotten', forgotten, 'retention', m.retention);
END $$;
COMMENT ON FUNCTION tsad._finish(bigint, bigint[], timestamptz, timestamptz) IS 'ends a run';

-- Times are passed on as text: in the style ISO, for IST is one zone to who writes it and may be another to who reads it.
CREATE FUNCTION tsad._run_begin(monitor text, until timestamptz) RETURNS tsad._run
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' AS $$
DECLARE
    m tsad.monitor := tsad._monitor_of(monitor);
    run tsad._run;
    answer jsonb;
BEGIN
    IF tsad._is_calling() THEN
        RAISE EXCEPTION USING ERRCODE = 'object_in_use', MESSAGE = 'a function on_event cannot run a monitor: it is called by a run',
            HINT = 'Leave that to the scheduler, or to a job that the function asks for.';
    ELSIF NOT isfinite(until) THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('until is out of range: %s', until),
            HINT = 'Leave it out to look at all rows up to now.';
    END IF;
    run.monitor := m.id;
    run.name := m.name;
    run.owner := m.owner;
    run.place := 1;
    run.batch_size := m.batch_size;
    run.started := clock_timestamp();
    run.until := coalesce(until, run.started);
    run.stopped := false;
    answer := tsad._as_role(run.owner, format('SELECT tsad._discover(%s::pg_catalog.int8, %L::pg_catalog.timestamptz)', run.monitor, run.until));
    run := tsad._run_answer(run, answer);
    IF NOT run.stopped AND (run.ids IS NULL OR run.until IS NULL) THEN
        RAISE EXCEPTION USING ERRCODE = 'internal_error', MESSAGE = format('monitor "%s" could not be run: no answer', run.name),
            HINT = 'Something else stands in the schema tsad than the extension has put there.';
    END IF;
    RETURN run;
END $$;
COMMENT ON FUNCTION tsad._run_begin(text, timestamptz) IS 'begins a run of a monitor';

CREATE FUNCTION tsad._run_answer(run tsad._run, answer jsonb) RETURNS tsad._run
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF answer ? 'ids' THEN
        run.ids := ARRAY(SELECT i::bigint FROM jsonb_array_elements_text(answer->'ids') i);
        run.until := answer->>'until';
    END IF;
    IF answer->'forgotten' > '0' THEN
        RAISE NOTICE USING MESSAGE = format('monitor "%s": %s episodes are older than retention (%s) and were not kept', run.name, answer->>'forgotten', answer->>'retention'),
            HINT = format('They are counted back from the newest row of their series. SELECT tsad.alter_monitor(%L, ''{"retention": null}''); keeps all that are found from then on.', run.name);
    END IF;
    IF answer ? 'paused' THEN
        RAISE NOTICE USING MESSAGE = format('monitor "%s" is paused', run.name),
            HINT = format('SELECT tsad.alter_monitor(%L, ''{"paused": false}'');', run.name);
        run.stopped := true;
    END IF;
    IF answer ? 'error' THEN
        RAISE WARNING USING MESSAGE = format('monitor "%s" could not run: %s', run.name, answer->>'error'),
            HINT = 'tsad.monitor_status keeps this message. tsad.alter_monitor changes source and columns.';
        run.stopped := true;
    END IF;
    RETURN run;
END $$;
COMMENT ON FUNCTION tsad._run_answer(tsad._run, jsonb) IS 'takes in what a step of a run returned';

CREATE FUNCTION tsad._run_next(run tsad._run) RETURNS tsad._run
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' AS $$
DECLARE
    batch bigint[] := run.ids[run.place:least(run.place + run.batch_size - 1, cardinality(run.ids))];
    answer jsonb;
BEGIN
    IF cardinality(batch) = 0 THEN
        answer := tsad._as_role(run.owner, format('SELECT tsad._finish(%s::pg_catalog.int8, %L::pg_catalog.int8[], %L::pg_catalog.timestamptz, %L::pg_catalog.timestamptz)', run.monitor, run.ids, run.started, run.until));
        run := tsad._run_answer(run, answer);
        run.stopped := true;
        RETURN run;
    END IF;
    answer := tsad._as_role(run.owner, format('SELECT tsad._run_batch(%s::pg_catalog.int8, %L::pg_catalog.int8[], %L::pg_catalog.timestamptz, %L::pg_catalog.timestamptz)', run.monitor, batch, run.started, run.until));
    IF answer ? 'one_by_one' THEN
        -- One series spoils the batch: from here on each is on its own.
        run.batch_size := 1;
        RETURN run;
    END IF;
    run.place := run.place + cardinality(batch);
    RETURN tsad._run_answer(run, answer);
END $$;
COMMENT ON FUNCTION tsad._run_next(tsad._run) IS 'the next batch of a run, or its end';

CREATE FUNCTION tsad._run_claim(run tsad._run) RETURNS tsad._run
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' AS $$
BEGIN
    run.claimed := tsad._as_role(run.owner, format('SELECT tsad._next_call(%s::pg_catalog.int8, %L::pg_catalog.timestamptz, %L::pg_catalog.bool)', run.monitor, run.started, run.stopped))::bigint;
    RETURN run;
END $$;
COMMENT ON FUNCTION tsad._run_claim(tsad._run) IS 'takes the next call of the function on_event in hand';

CREATE FUNCTION tsad._run_call(run tsad._run) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM tsad._as_role(run.owner, format('SELECT tsad._call(%s::pg_catalog.int8)', run.claimed));
END $$;
COMMENT ON FUNCTION tsad._run_call(tsad._run) IS 'makes the call that was taken in hand';

-- No search_path of its own: a procedure with one may not end its transaction. All that it calls is qualified.
CREATE PROCEDURE tsad.run_monitor(monitor text, until timestamptz DEFAULT NULL)
    LANGUAGE plpgsql AS $$
DECLARE
    run tsad._run;
    commits boolean;
BEGIN
    commits := tsad._may_commit();
    run := tsad._run_begin(monitor, until);
    LOOP
        IF commits THEN
            COMMIT;
        END IF;
        EXIT WHEN run.stopped;
        run := tsad._run_next(run);
        LOOP
            IF commits THEN
                COMMIT;
            END IF;
            run := tsad._run_claim(run);
            EXIT WHEN run.claimed IS NULL;
            IF commits THEN
                COMMIT;
            END IF;
            PERFORM tsad._run_call(run);
        END LOOP;
    END LOOP;
END $$;
COMMENT ON PROCEDURE tsad.run_monitor(text, timestamptz)
    IS 'trains what is missing or due, scores what is new, records and announces episodes; commits after each batch of series and each call of on_event';
