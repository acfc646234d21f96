-- Following the series of a batch: their rows are read and scored, and their episodes recorded.

CREATE FUNCTION tsad._follow(
    relation text, time_column text, value_columns text[], series_columns text[], filter text, keys text[], models bytea[],
    settled timestamptz[], carry jsonb[], next_training timestamptz[], merge_gap interval, min_points integer, min_duration interval,
    focus float8, trained_until timestamptz[], late_window interval, adapt_after interval, start_at timestamptz, silent_from timestamptz[], newest_at timestamptz[])
RETURNS TABLE (n integer, rows bigint, newest_at timestamptz, watermark timestamptz, carry jsonb, due text, message text, rows_before bigint,
    rows_settled bigint, digest_before bigint, digest_settled bigint, episodes jsonb, next_at timestamptz, silent_from timestamptz,
    silent_at timestamptz, silent_missed float8)
    AS 'MODULE_PATHNAME', '_follow_wrapper' LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100;
COMMENT ON FUNCTION tsad._follow(text, text, text[], text[], text, text[], bytea[], timestamptz[], jsonb[], timestamptz[], interval,
    integer, interval, float8, timestamptz[], interval, interval, timestamptz, timestamptz[], timestamptz[]) IS 'goes on with the series of a batch from where each was left; counts the rows in the context of the old watermark and of the new one, and digests their values';

CREATE FUNCTION tsad._follow_query(relation text, time_column text, value_columns text[], series_columns text[], filter text) RETURNS text
    AS 'MODULE_PATHNAME', '_follow_query_wrapper' LANGUAGE c STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION tsad._follow_query(text, text, text[], text[], text) IS 'the query that tsad._follow reads rows with';

CREATE FUNCTION tsad._filter(m tsad.monitor, batch bigint[], until timestamptz) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT tsad._is_between(m, min(s.watermark - s.context), until) || ' AND ' || tsad._is_any_series(m, array_agg(s.series ORDER BY s.id))
           || tsad._is_kept(m, min(s.watermark - s.context), until)
      FROM tsad.monitor_series s WHERE s.id = ANY (batch) $$;
COMMENT ON FUNCTION tsad._filter(tsad.monitor, bigint[], timestamptz) IS 'the condition on the rows that a batch of series is followed with';

-- One pass over a batch; returns the series that need another one, because a model is to be trained first.
CREATE FUNCTION tsad._follow_batch(m tsad.monitor, batch bigint[], until timestamptz, whole boolean, present timestamptz) RETURNS bigint[]
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
                               array_agg(version ORDER BY id) AS versions, array_agg(silent_from ORDER BY id) AS silent,
                               array_agg(newest_at ORDER BY id) AS newest FROM one)
        SELECT listed.ids[f.n] AS id, listed.versions[f.n] AS version, f.*
          FROM listed, tsad._follow(m.source, m.time_column, m.value_columns, m.series_columns, tsad._enter(m, tsad._filter(m, batch, until)), listed.keys, listed.models,
                   listed.settled, listed.carries, listed.next, m.merge_gap, m.min_points, m.min_duration, m.focus, listed.trained,
                   m.late_window, m.adapt_after, m.start_at, listed.silent, listed.newest) f
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
               silent_from = coalesce(r.silent_from, s.silent_from), silent_at = coalesce(r.silent_at, s.silent_at), silent_missed = coalesce(r.silent_missed, s.silent_missed),
               -- How late rows are shows when they come. What was once late, a backlog say, is soon forgotten. At first nobody knows: a
               -- table may be loaded once a day, or tell of the past.
               lateness = CASE WHEN s.lateness IS NULL THEN greatest('1 day', present - coalesce(r.newest_at, s.newest_at))
                               WHEN r.next_at IS NOT NULL THEN greatest(present - r.next_at, s.lateness / 2) ELSE s.lateness END,
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
COMMENT ON FUNCTION tsad._follow_batch(tsad.monitor, bigint[], timestamptz, boolean, timestamptz) IS 'one pass over the rows of a batch of series';

CREATE FUNCTION tsad._is_excluded(monitor bigint, s bigint, from_at timestamptz, until_at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM tsad.monitor_exclusion x JOIN tsad.monitor_series r ON r.id = s AND (x.series IS NULL OR r.series @> x.series)
                    WHERE x.monitor = _is_excluded.monitor AND x.from_at <= _is_excluded.until_at AND x.until_at >= _is_excluded.from_at) $$;
COMMENT ON FUNCTION tsad._is_excluded(bigint, bigint, timestamptz, timestamptz) IS 'whether a range of time of a series touches an excluded one';

-- When the next row should have come is known since the last one came: nothing is read or scored here. Rows that are as late as rows
-- lately were, or may be, are not missed yet. What a silence is called while it lasts it is called when it is over.
CREATE FUNCTION tsad._tell_silences(m tsad.monitor, present timestamptz) RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    late CONSTANT interval := tsad._late_window(m);
    silent bigint[];
    e tsad.monitor_event;
BEGIN
    silent := ARRAY(SELECT s.id FROM tsad.monitor_series s
                     WHERE s.monitor = m.id AND s.state = 'ok' AND s.silent_at < present - greatest(late, s.lateness)
                     ORDER BY s.id FOR UPDATE SKIP LOCKED);
    FOR e IN DELETE FROM tsad.monitor_event o WHERE o.series = ANY (silent) AND o.kind = 'silence' AND NOT o.is_final AND o.ended_at IS NULL
                AND tsad._is_excluded(m.id, o.series, o.started_at, present) RETURNING * LOOP
        IF e.start_notified THEN
            PERFORM tsad._announce(m, e, 'withdrawn');
        END IF;
    END LOOP;
    INSERT INTO tsad.monitor_event AS o (monitor, series, kind, started_at, last_at, peak_at, peak_score, min_p_value, n_points, direction, version, is_final)
    SELECT m.id, s.id, 'silence', s.silent_from, present, s.silent_from, s.silent_missed, 0, 0, -1, s.version, false
      FROM tsad.monitor_series s WHERE s.id = ANY (silent) AND NOT tsad._is_excluded(m.id, s.id, s.silent_from, present)
        ON CONFLICT (series, started_at, (kind = 'silence')) DO UPDATE SET last_at = greatest(o.last_at, excluded.last_at) WHERE o.ended_at IS NULL;
    RETURN silent;
END $$;
COMMENT ON FUNCTION tsad._tell_silences(tsad.monitor, timestamptz) IS 'records which series have had no row for longer than expected; returns them';

-- What is decided stays; the rest is replaced. An episode that overlaps one told before is the same one.
CREATE FUNCTION tsad._record_events(m tsad.monitor, s bigint, number integer, episodes jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e tsad.monitor_event;
    old tsad.monitor_event;
    used bigint[] := '{}';
BEGIN
    -- Where no rows are wanted none are missed. A silence that lasts is told by tsad._tell_silences, and over when a row comes; one that
    -- nobody was told of is not told while its rows may come late.
    FOR e IN SELECT * FROM jsonb_populate_recordset(NULL::tsad.monitor_event, episodes) n
              WHERE n.kind <> 'silence' OR NOT tsad._is_excluded(m.id, s, n.started_at, n.last_at)
                AND (n.is_final OR n.last_at <= (SELECT r.newest_at FROM tsad.monitor_series r WHERE r.id = s) - tsad._late_window(m)
                     OR EXISTS (SELECT FROM tsad.monitor_event o WHERE o.series = s AND o.kind = 'silence' AND NOT o.is_final AND o.started_at <= n.last_at AND o.last_at >= n.started_at))
              ORDER BY n.kind = 'silence' DESC, n.started_at LOOP
        SELECT * INTO old FROM tsad.monitor_event o
         WHERE o.series = s AND NOT o.is_final AND (o.kind = 'silence') = (e.kind = 'silence') AND o.started_at <= e.last_at AND o.last_at >= e.started_at AND o.id <> ALL (used)
         ORDER BY o.started_at LIMIT 1;
        IF NOT FOUND AND e.kind <> 'silence' THEN
            -- The rows of a silence came late after all, and something is wrong with them: it is told anew what that was.
            UPDATE tsad.monitor_event u SET start_notified = false, end_notified = false WHERE u.id = (
                SELECT o.id FROM tsad.monitor_event o
                 WHERE o.series = s AND NOT o.is_final AND o.kind = 'silence' AND o.started_at <= e.last_at AND o.last_at >= e.started_at AND o.id <> ALL (used)
                   AND (o.ended_at IS NOT NULL OR o.started_at IS DISTINCT FROM (SELECT r.silent_from FROM tsad.monitor_series r WHERE r.id = s))
                 ORDER BY o.started_at LIMIT 1) RETURNING u.* INTO old;
        END IF;
        IF old.id IS NOT NULL THEN
            UPDATE tsad.monitor_event o SET kind = e.kind, started_at = e.started_at, last_at = e.last_at, ended_at = e.ended_at, peak_at = e.peak_at,
                   peak_score = e.peak_score, min_p_value = e.min_p_value, n_points = e.n_points, direction = e.direction, contributions = e.contributions,
                   views = e.views, version = number, is_final = e.is_final, end_notified = o.end_notified AND e.ended_at IS NOT NULL
             WHERE o.id = old.id
                   -- A row that stays as it is leaves no dead one.
                   AND (o.kind, o.started_at, o.last_at, o.ended_at, o.peak_at, o.peak_score, o.min_p_value, o.n_points, o.direction, o.contributions, o.views, o.version, o.is_final)
                       IS DISTINCT FROM (e.kind, e.started_at, e.last_at, e.ended_at, e.peak_at, e.peak_score, e.min_p_value, e.n_points, e.direction, e.contributions, e.views, number, e.is_final);
        ELSE
            INSERT INTO tsad.monitor_event (monitor, series, kind, started_at, last_at, ended_at, peak_at, peak_score, min_p_value, n_points,
                                            direction, contributions, views, version, is_final)
            VALUES (m.id, s, e.kind, e.started_at, e.last_at, e.ended_at, e.peak_at, e.peak_score, e.min_p_value, e.n_points, e.direction,
                    e.contributions, e.views, number, e.is_final)
            ON CONFLICT (series, started_at, (kind = 'silence')) DO NOTHING RETURNING * INTO old;
        END IF;
        used := used || old.id;
    END LOOP;
    FOR old IN DELETE FROM tsad.monitor_event o WHERE o.series = s AND NOT o.is_final AND o.id <> ALL (used)
                  AND NOT (o.kind = 'silence' AND o.ended_at IS NULL AND o.started_at = (SELECT r.silent_from FROM tsad.monitor_series r WHERE r.id = s)) RETURNING * LOOP
        IF old.start_notified THEN
            PERFORM tsad._announce(m, old, 'withdrawn');
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION tsad._record_events(tsad.monitor, bigint, integer, jsonb) IS 'records the episodes of a series';
