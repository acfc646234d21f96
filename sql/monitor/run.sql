-- Running monitors. A run finds the series that have new rows and takes them in batches; each batch is a transaction of
-- its own, in which models are trained, rows scored, episodes recorded and announced. The state of a series changes with
-- its episodes or not at all, so that a run may be cut off at any moment.

CREATE FUNCTION tsad._may_commit() RETURNS boolean
    AS 'MODULE_PATHNAME', '_may_commit_wrapper' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tsad._may_commit() IS 'whether the calling procedure may end its transaction';

CREATE FUNCTION tsad._as_role(role oid, statement text) RETURNS jsonb
    AS 'MODULE_PATHNAME', '_as_role_wrapper' LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT;
COMMENT ON FUNCTION tsad._as_role(oid, text) IS 'runs a statement with the rights of a role that the caller is a member of';

CREATE FUNCTION tsad._is_calling() RETURNS boolean
    AS 'MODULE_PATHNAME', '_is_calling_wrapper' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tsad._is_calling() IS 'whether a function on_event is being called in this session';

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
        after := m.start_at - tsad._train_window(m);
    ELSE
        SELECT least(m.seen_until, max(s.newest_at)) - tsad._late_window(m) INTO after FROM tsad.monitor_series s WHERE s.monitor = m.id;
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
        SELECT max(CASE WHEN s.pinned THEN 'infinity' ELSE coalesce(s.next_training, 'infinity') END + 2 * s.context) + tsad._late_window(m)
          INTO ahead FROM tsad.monitor_series s WHERE s.id = ANY (batch);
        IF ahead < until THEN
            before := ARRAY(SELECT s.watermark FROM tsad.monitor_series s WHERE s.id = ANY (batch) ORDER BY s.id);
            batch := tsad._follow_batch(m, batch, ahead, false, until);
            -- A gap in the data hides the next training: read on.
            CONTINUE WHEN before IS DISTINCT FROM ARRAY(SELECT s.watermark FROM tsad.monitor_series s WHERE s.id = ANY (batch) ORDER BY s.id);
        END IF;
        batch := tsad._follow_batch(m, batch, until, true, until);
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
    silent := ARRAY(SELECT s.id FROM tsad.monitor_series s WHERE s.monitor = m.id AND s.newest_at < until - greatest(tsad._late_window(m), coalesce(m.merge_gap, greatest(s.context / 16, 4 * s.sampling_interval)))
                       AND EXISTS (SELECT FROM tsad.monitor_event o WHERE o.series = s.id AND o.kind <> 'silence' AND NOT o.is_final AND o.ended_at IS NULL) ORDER BY s.id FOR UPDATE SKIP LOCKED);
    UPDATE tsad.monitor_event o SET ended_at = o.last_at WHERE o.series = ANY (silent) AND o.kind <> 'silence' AND NOT o.is_final AND o.ended_at IS NULL;
    silent := silent || tsad._tell_silences(m, present);
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
    DELETE FROM tsad.monitor_exclusion o WHERE o.monitor = m.id AND o.until_at < newest - greatest(m.retention, tsad._train_window(m));
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
