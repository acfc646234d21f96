-- Telling of episodes: listeners at once, in the transaction of their batch, and the function on_event afterwards.

CREATE FUNCTION tsad._payload(m tsad.monitor, e tsad.monitor_event, action text) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object('monitor', m.name, 'owner', m.owner::regrole::text, 'action', action, 'event', e.id, 'kind', e.kind,
               'series', (SELECT s.series FROM tsad.monitor_series s WHERE s.id = e.series), 'started_at', e.started_at, 'last_at', e.last_at,
               'ended_at', e.ended_at, 'peak_at', e.peak_at, 'peak_score', e.peak_score, 'min_p_value', e.min_p_value,
               'n_points', e.n_points, 'direction', e.direction, 'contributions', e.contributions, 'views', e.views) $$;
COMMENT ON FUNCTION tsad._payload(tsad.monitor, tsad.monitor_event, text) IS 'what listeners and the function on_event are told';

CREATE FUNCTION tsad._announce(m tsad.monitor, e tsad.monitor_event, action text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    payload jsonb := tsad._payload(m, e, action);
    brief text := payload::text;
BEGIN
    IF m.channel IS NOT NULL THEN
        -- A payload may have 7999 bytes.
        IF octet_length(brief) >= 8000 THEN
            brief := (payload - '{contributions,views}'::text[] || '{"shortened": true}')::text;
        END IF;
        IF octet_length(brief) >= 8000 THEN
            brief := (payload - '{contributions,views,series,monitor,owner}'::text[] || '{"shortened": true}')::text;
        END IF;
        PERFORM pg_notify(m.channel, brief);
    END IF;
    IF m.on_event IS NOT NULL THEN
        INSERT INTO tsad.monitor_call (monitor, series, event, payload) VALUES (m.id, e.series, e.id, payload);
    END IF;
END $$;
COMMENT ON FUNCTION tsad._announce(tsad.monitor, tsad.monitor_event, text) IS 'tells listeners of an episode, and notes that the function on_event is to be called';

CREATE FUNCTION tsad._announce_batch(m tsad.monitor, batch bigint[], until timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e tsad.monitor_event;
    fresh boolean;
    shown boolean;
BEGIN
    FOR e IN SELECT * FROM tsad.monitor_event o WHERE o.series = ANY (batch) AND NOT o.end_notified AND (NOT o.start_notified OR o.ended_at IS NOT NULL)
              ORDER BY o.started_at, o.id LOOP
        -- What is forgotten after retention is not told again where it is found again.
        fresh := e.last_at >= until - least(coalesce(m.announce_within, (SELECT greatest('1 day', 3 * s.sampling_interval) FROM tsad.monitor_series s WHERE s.id = e.series)), m.retention);
        -- Who was told that one began is told that it ended, although its time was excluded meanwhile.
        shown := EXISTS (SELECT FROM tsad.anomalies a WHERE a.id = e.id);
        IF NOT e.start_notified AND fresh AND shown THEN
            PERFORM tsad._announce(m, e, 'started');
        END IF;
        IF NOT e.end_notified AND e.ended_at IS NOT NULL AND fresh AND (shown OR e.start_notified) THEN
            PERFORM tsad._announce(m, e, 'ended');
        END IF;
        UPDATE tsad.monitor_event o SET start_notified = true, end_notified = o.ended_at IS NOT NULL WHERE o.id = e.id;
    END LOOP;
END $$;
COMMENT ON FUNCTION tsad._announce_batch(tsad.monitor, bigint[], timestamptz) IS 'announces what is new of a batch of series, but for what is long past';

-- Each call is a transaction of its own, after that of its batch: whatever the function does, fail, hang until somebody cancels it, or
-- crash the server, the episodes are kept. That a call is tried is noted before, in another transaction, so that none is tried for
-- ever, and what was tried in vain waits until all is scored: a run comes further than the one before.
CREATE FUNCTION tsad._next_call(monitor bigint, started timestamptz, again boolean) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    next bigint;
BEGIN
    -- In order, an event's end not before its beginning.
    SELECT c.id INTO next FROM tsad.monitor_call c
      JOIN tsad.monitor m ON m.id = c.monitor AND m.on_event IS NOT NULL AND NOT m.paused
     WHERE c.monitor = monitor AND (c.attempts = 0 OR again AND c.attempts < 5 AND c.tried_at < started)
       AND NOT EXISTS (SELECT FROM tsad.monitor_call o WHERE o.monitor = c.monitor AND o.event = c.event AND o.id < c.id AND o.attempts < 5)
     ORDER BY c.id LIMIT 1 FOR UPDATE OF c SKIP LOCKED;
    UPDATE tsad.monitor_call c SET attempts = c.attempts + 1, tried_at = clock_timestamp(), error = 'the call did not come to its end' WHERE c.id = next;
    RETURN to_jsonb(next);
END $$;
COMMENT ON FUNCTION tsad._next_call(bigint, timestamptz, boolean) IS 'notes that the next call of the function on_event is tried; returns its number';

CREATE FUNCTION tsad._call(call bigint) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    c tsad.monitor_call;
    m tsad.monitor;
BEGIN
    -- The row of the monitor first, as everywhere: the function may change it.
    SELECT * INTO m FROM tsad.monitor o WHERE o.id = (SELECT p.monitor FROM tsad.monitor_call p WHERE p.id = call) FOR KEY SHARE;
    -- Another run may have it in hand, or be through with it.
    SELECT * INTO c FROM tsad.monitor_call o WHERE o.id = call FOR UPDATE SKIP LOCKED;
    IF m.on_event IS NULL OR c.id IS NULL THEN
        RETURN '{}';
    END IF;
    BEGIN
        PERFORM tsad._call_function(m.owner, m.search_path, m.on_event, c.payload);
    EXCEPTION WHEN OTHERS OR assert_failure THEN
        UPDATE tsad.monitor_call o SET error = left(format('%s (SQLSTATE %s)', SQLERRM, SQLSTATE), 1000) WHERE o.id = call;
        RETURN '{}';
    END;
    DELETE FROM tsad.monitor_call o WHERE o.id = call;
    RETURN '{}';
END $$;
COMMENT ON FUNCTION tsad._call(bigint) IS 'calls the function on_event; if it fails it is undone alone, and the error kept';

CREATE FUNCTION tsad._call_as_role(role oid, statement text) RETURNS jsonb
    AS 'MODULE_PATHNAME', '_call_as_role_wrapper' LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT;
COMMENT ON FUNCTION tsad._call_as_role(oid, text) IS 'as tsad._as_role, and notes meanwhile that a function on_event is being called';

CREATE FUNCTION tsad._call_function(owner oid, path text, name text, payload jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    statement text := format('SELECT pg_catalog.to_jsonb(%s(%L::pg_catalog.jsonb) IS NULL)', name, payload);
BEGIN
    PERFORM set_config('search_path', path, true);
    -- Settings that the function changes are none of the run's.
    PERFORM tsad._call_as_role(owner, statement);
END $$;
COMMENT ON FUNCTION tsad._call_function(oid, text, text, jsonb) IS 'calls a function of the owner of a monitor';
