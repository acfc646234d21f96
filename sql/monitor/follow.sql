-- Following the series of a batch: their rows are read and scored, and their episodes recorded.

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
