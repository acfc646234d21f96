-- Making, changing and dropping monitors. All functions run with the rights of the caller.

CREATE FUNCTION tsad._monitor_of(name text) RETURNS tsad.monitor
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found tsad.monitor[];
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'monitor is NULL', HINT = 'Pass the name of a monitor.';
    END IF;
    found := ARRAY(SELECT m FROM tsad.monitor m WHERE m.name = _monitor_of.name AND pg_has_role(m.owner, 'USAGE')
                    ORDER BY m.owner = quote_ident(current_user)::regrole DESC, m.owner::regrole::text);
    IF cardinality(found) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('monitor "%s" does not exist', name),
            HINT = coalesce((SELECT 'Your monitors are ' || string_agg(quote_ident(m.name), ', ' ORDER BY m.name) || '.'
                               FROM tsad.monitor m WHERE pg_has_role(m.owner, 'USAGE')),
                            'Make one with tsad.create_monitor.');
    ELSIF cardinality(found) > 1 AND (found[1]).owner <> quote_ident(current_user)::regrole THEN
        RAISE EXCEPTION USING ERRCODE = 'ambiguous_alias',
            MESSAGE = format('several roles have a monitor "%s": %s', name,
                             (SELECT string_agg(f.owner::regrole::text, ', ') FROM unnest(found) f)),
            HINT = 'Take the role of its owner first: SET ROLE.';
    END IF;
    RETURN found[1];
END $$;
COMMENT ON FUNCTION tsad._monitor_of(text) IS 'the monitor of a name that the caller may change';

-- Names are looked for where their giver looks for them, and nothing else is. So all is qualified between the two settings of search_path.
CREATE FUNCTION tsad._look_up(path text, kind text, name text) RETURNS oid
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_relation CONSTANT boolean := kind = 'relation';
BEGIN
    PERFORM set_config('search_path', path, true);
    IF is_relation THEN
        RETURN pg_catalog.to_regclass(name)::pg_catalog.oid;
    END IF;
    RETURN pg_catalog.to_regprocedure(name)::pg_catalog.oid;
EXCEPTION WHEN invalid_name OR syntax_error THEN
    RETURN NULL;
END $$;
COMMENT ON FUNCTION tsad._look_up(text, text, text) IS 'the relation or function of a name, NULL where there is none';

CREATE FUNCTION tsad._check_source(INOUT m tsad.monitor)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    name text;
    time_type text;
    value_type text;
    types text[] := '{}';
    from_clause text;
    rows text;
    plan jsonb;
    found record;
    hook record;
BEGIN
    m.is_query := m.source ~* '^\s*(\(|(select|with|table|values)\M)' AND tsad._look_up(m.search_path, 'relation', quote_ident(m.source)) IS NULL;
    IF m.is_query THEN
        m.source := rtrim(m.source, E' \t\r\n;');
    ELSE
        SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, c.relpersistence = 't' AS is_temporary INTO found
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = tsad._look_up(m.search_path, 'relation', m.source);
        IF found IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'undefined_table', MESSAGE = format('relation "%s" does not exist', m.source),
                HINT = 'Pass the name of a table or view, as in ''metrics'' or ''schema.metrics'', or a query.';
        ELSIF found.is_temporary THEN
            RAISE EXCEPTION USING ERRCODE = 'feature_not_supported', MESSAGE = format('relation "%s" is temporary: other sessions cannot read it', m.source),
                HINT = 'Watch a table that stays, an unlogged one for example.';
        END IF;
        m.source := found.name;
    END IF;
    -- Columns, types, rights and options, without reading a row.
    from_clause := tsad._from(m);
    rows := tsad._enter(m, format('SELECT * FROM %s LIMIT 0', from_clause));
    PERFORM FROM tsad.suggest(rows, m.time_column, m.value_columns, m.series_columns, options => m.options);
    EXECUTE pg_catalog.format('EXPLAIN (FORMAT JSON) SELECT * FROM %s', from_clause) INTO plan;
    time_type := tsad._type_of(m.time_column, from_clause);
    value_type := tsad._type_of(m.value_columns[1], from_clause);
    FOREACH name IN ARRAY m.series_columns LOOP
        types := pg_catalog.array_append(types, tsad._type_of(name, from_clause));
    END LOOP;
    PERFORM tsad._leave();
    m.aggregates := tsad._is_aggregating(plan);
    IF time_type IN ('bigint', 'integer', 'smallint') THEN
        RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
            MESSAGE = format('time column "%s" has type %s: a monitor needs to know how long ago a row is', m.time_column, time_type),
            HINT = 'Make a timestamptz of it in a view or query, for example with to_timestamp.';
    END IF;
    m.value_is_array := cardinality(m.value_columns) = 1 AND value_type LIKE '%[]';
    m.series_types := types;
    IF m.on_event IS NOT NULL THEN
        SELECT quote_ident(n.nspname) || '.' || quote_ident(p.proname) AS name, p.prokind INTO hook
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE p.oid = tsad._look_up(m.search_path, 'function', m.on_event || '(pg_catalog.jsonb)');
        IF hook IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'undefined_function', MESSAGE = format('function %s(jsonb) does not exist', m.on_event),
                HINT = 'on_event names a function that takes one argument of type jsonb.';
        ELSIF hook.prokind <> 'f' THEN
            RAISE EXCEPTION USING ERRCODE = 'wrong_object_type', MESSAGE = format('%s(jsonb) is no plain function', hook.name),
                HINT = 'on_event names a function that takes one argument of type jsonb.';
        END IF;
        m.on_event := hook.name;
    END IF;
END $$;
COMMENT ON FUNCTION tsad._check_source(tsad.monitor) IS 'checks what a monitor reads, and fills in what follows from it';

-- An aggregate on the way of the rows, by groups; one in an expression makes no row.
CREATE FUNCTION tsad._is_aggregating(plan jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE node AS (
        SELECT plan->0->'Plan' AS n
        UNION ALL
        SELECT c.n FROM node, jsonb_array_elements(coalesce(node.n->'Plans', '[]')) c (n) WHERE c.n->>'Parent Relationship' NOT IN ('InitPlan', 'SubPlan'))
    SELECT coalesce(bool_or(n->>'Node Type' = 'Group' OR n->>'Node Type' = 'Aggregate' AND n->>'Strategy' <> 'Plain'), false) FROM node $$;
COMMENT ON FUNCTION tsad._is_aggregating(jsonb) IS 'whether the rows of a plan, as EXPLAIN gives it, are aggregates of groups';

CREATE FUNCTION tsad._say_what_waits(m tsad.monitor) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF m.aggregates AND m.settle_after IS NULL THEN
        RAISE NOTICE USING MESSAGE = format('the source of monitor "%s" aggregates: rows wait for one sampling interval, for they may still grow', m.name),
            HINT = 'The setting settle_after says how long; ''0'' where a row is complete when it appears.';
    END IF;
END $$;
COMMENT ON FUNCTION tsad._say_what_waits(tsad.monitor) IS 'a notice where the newest rows of a monitor are held back';

-- As a cast wants it: by its other name, "character" would be of one letter. No search_path of its own: whose the type is shows where it is not searched.
CREATE FUNCTION tsad._type_of(column_name text, from_clause text) RETURNS text
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    of text;
BEGIN
    EXECUTE pg_catalog.format('SELECT pg_catalog.format_type(pg_catalog.pg_typeof((SELECT t.%I FROM %s LIMIT 0)), -1)', column_name, from_clause) INTO of;
    RETURN of;
END $$;
COMMENT ON FUNCTION tsad._type_of(text, text) IS 'the type of a column of what a monitor reads';

CREATE FUNCTION tsad._longest_window(options jsonb) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
    $$ SELECT coalesce(max(least(l.value::numeric, 1e6)), 256)::integer
         FROM jsonb_array_elements(CASE WHEN jsonb_typeof(options->'scales') = 'array' THEN options->'scales' ELSE '[]' END) l WHERE jsonb_typeof(l.value) = 'number' $$;
COMMENT ON FUNCTION tsad._longest_window(jsonb) IS 'the longest window of training options, in samples; what cannot be one is not looked at';

-- Settings that follow from the data where they are not given: in rows and cycles, for a minute and a day alike.
CREATE FUNCTION tsad._train_window(m tsad.monitor) RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
    $$ SELECT coalesce(m.train_window, '30 days') $$;
COMMENT ON FUNCTION tsad._train_window(tsad.monitor) IS 'the time before a training whose rows train; more where they are few';

CREATE FUNCTION tsad._late_window(m tsad.monitor) RETURNS interval
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
    $$ SELECT coalesce(m.late_window, (SELECT greatest('1 hour', max(s.sampling_interval)) FROM tsad.monitor_series s WHERE s.monitor = m.id)) $$;
COMMENT ON FUNCTION tsad._late_window(tsad.monitor) IS 'how much later than others of their series rows may come';

CREATE FUNCTION tsad.create_monitor(
    monitor text, source text, time_column text, value_columns text[], series_columns text[] DEFAULT '{}',
    train_window interval DEFAULT NULL, retrain_every interval DEFAULT '7 days', start_at timestamptz DEFAULT NULL,
    alpha float8 DEFAULT NULL, alarms_per_day float8 DEFAULT NULL, options jsonb DEFAULT NULL,
    late_window interval DEFAULT NULL, settle_after interval DEFAULT NULL, merge_gap interval DEFAULT NULL, min_points integer DEFAULT 1,
    min_duration interval DEFAULT '0', focus float8 DEFAULT 0.5, adapt_after interval DEFAULT '1 day',
    min_samples integer DEFAULT NULL, retention interval DEFAULT '1 year', keep_models integer DEFAULT 5,
    on_event text DEFAULT NULL, channel text DEFAULT 'tsad', announce_within interval DEFAULT NULL,
    batch_size integer DEFAULT 100, readers regrole[] DEFAULT '{}')
RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_variable
DECLARE
    m tsad.monitor;
    id bigint;
BEGIN
    -- The one function without a search_path of its own: names in source and on_event are the caller's.
    m.search_path := pg_catalog.current_setting('search_path');
    SELECT tsad._create_monitor(m.search_path, monitor, source, time_column, value_columns, series_columns,
        pg_catalog.jsonb_build_object(
            'train_window', train_window, 'retrain_every', retrain_every, 'start_at', start_at, 'alpha', alpha,
            'alarms_per_day', alarms_per_day, 'options', options, 'late_window', late_window, 'settle_after', settle_after, 'merge_gap', merge_gap,
            'min_points', min_points, 'min_duration', min_duration, 'focus', focus, 'adapt_after', adapt_after,
            'min_samples', min_samples, 'retention', retention, 'keep_models', keep_models, 'on_event', on_event,
            'channel', channel, 'announce_within', announce_within, 'batch_size', batch_size,
            'readers', readers)) INTO id;
    RETURN id;
END $$;
COMMENT ON FUNCTION tsad.create_monitor(text, text, text, text[], text[], interval, interval, timestamptz, float8, float8, jsonb,
    interval, interval, interval, integer, interval, float8, interval, integer, interval, integer, text, text, interval, integer, regrole[])
    IS 'watches the series of a table or query: trains, scores what is new, records episodes';

CREATE FUNCTION tsad.create_monitor(
    monitor text, source text, time_column text, value_column text, series_columns text[] DEFAULT '{}',
    train_window interval DEFAULT NULL, retrain_every interval DEFAULT '7 days', start_at timestamptz DEFAULT NULL,
    alpha float8 DEFAULT NULL, alarms_per_day float8 DEFAULT NULL, options jsonb DEFAULT NULL,
    late_window interval DEFAULT NULL, settle_after interval DEFAULT NULL, merge_gap interval DEFAULT NULL, min_points integer DEFAULT 1,
    min_duration interval DEFAULT '0', focus float8 DEFAULT 0.5, adapt_after interval DEFAULT '1 day',
    min_samples integer DEFAULT NULL, retention interval DEFAULT '1 year', keep_models integer DEFAULT 5,
    on_event text DEFAULT NULL, channel text DEFAULT 'tsad', announce_within interval DEFAULT NULL,
    batch_size integer DEFAULT 100, readers regrole[] DEFAULT '{}')
RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT tsad.create_monitor(monitor, source, time_column,
        CASE WHEN pg_catalog.left(value_column, 1) OPERATOR(pg_catalog.=) '{' THEN value_column::pg_catalog.text[]
             ELSE ARRAY[value_column] END,
        series_columns, train_window, retrain_every, start_at, alpha, alarms_per_day, options, late_window, settle_after, merge_gap, min_points,
        min_duration, focus, adapt_after, min_samples, retention, keep_models, on_event, channel, announce_within, batch_size, readers)
$$;
COMMENT ON FUNCTION tsad.create_monitor(text, text, text, text, text[], interval, interval, timestamptz, float8, float8, jsonb,
    interval, interval, interval, integer, interval, float8, interval, integer, interval, integer, text, text, interval, integer, regrole[])
    IS 'watches the series of a table or query: trains, scores what is new, records episodes';

CREATE FUNCTION tsad._create_monitor(
    path text, name text, source text, time_column text, value_columns text[], series_columns text[], settings jsonb)
RETURNS bigint LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    m tsad.monitor;
BEGIN
    IF name IS NULL OR source IS NULL OR time_column IS NULL OR value_columns IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'monitor, source, time column and value columns must not be NULL';
    END IF;
    m.owner := quote_ident(current_user)::regrole;
    m.name := name;
    m.source := source;
    m.time_column := time_column;
    m.value_columns := value_columns;
    m.series_columns := coalesce(series_columns, '{}');
    m.search_path := path;
    m.timezone := current_setting('timezone');
    m.paused := false;
    m.created_at := now();
    m.start_at := coalesce((settings->>'start_at')::timestamptz, now());
    -- Before all data, and further back than any train_window may lead.
    IF m.start_at < '0001-01-01 00:00+00' THEN
        m.start_at := '-infinity';
    END IF;
    m.readers := '{}';
    m := tsad._with_settings(m, settings - 'start_at');
    m := tsad._check_source(m);
    PERFORM tsad._say_what_waits(m);
    IF EXISTS (SELECT FROM tsad.monitor o WHERE o.owner = m.owner AND o.name = m.name) THEN
        RAISE EXCEPTION USING ERRCODE = 'duplicate_object', MESSAGE = format('monitor "%s" already exists', name),
            HINT = 'Change it with tsad.alter_monitor, or drop it with tsad.drop_monitor.';
    END IF;
    INSERT INTO tsad.monitor (owner, name, source, is_query, time_column, value_columns, value_is_array, series_columns, series_types,
               search_path, timezone, start_at, train_window, retrain_every, adapt_after, min_samples, options, late_window, settle_after, aggregates, merge_gap,
               min_points, min_duration, focus, retention, keep_models, on_event, channel, announce_within, batch_size, readers)
    VALUES (m.owner, m.name, m.source, m.is_query, m.time_column, m.value_columns, m.value_is_array, m.series_columns, m.series_types,
            m.search_path, m.timezone, m.start_at, m.train_window, m.retrain_every, m.adapt_after, m.min_samples, m.options, m.late_window,
            m.settle_after, m.aggregates, m.merge_gap, m.min_points, m.min_duration, m.focus, m.retention, m.keep_models, m.on_event, m.channel, m.announce_within,
            m.batch_size, m.readers) RETURNING tsad.monitor.id INTO m.id;
    RETURN m.id;
END $$;
COMMENT ON FUNCTION tsad._create_monitor(text, text, text, text, text[], text[], jsonb) IS 'tsad.create_monitor with a pinned search_path';

CREATE FUNCTION tsad._with_settings(INOUT m tsad.monitor, settings jsonb)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known CONSTANT text[] := '{adapt_after,alarms_per_day,alpha,announce_within,batch_size,channel,focus,keep_models,late_window,merge_gap,min_duration,min_points,min_samples,name,on_event,options,owner,paused,readers,retention,retrain_every,settle_after,source,time_column,train_window,value_columns}';
    given text;
    bad text;
BEGIN
    FOREACH given IN ARRAY ARRAY(SELECT jsonb_object_keys(settings)) LOOP
        IF given <> ALL (known) THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('unknown setting "%s" of a monitor', given),
                HINT = format('The settings are %s.', array_to_string(known, ', '));
        END IF;
    END LOOP;
    IF settings ? 'options' OR settings ? 'alpha' OR settings ? 'alarms_per_day' THEN
        m.options := CASE WHEN settings ? 'options' THEN coalesce(nullif(settings->'options', 'null'), '{}') ELSE m.options END;
        IF settings->>'alpha' IS NOT NULL THEN
            m.options := (m.options - 'alarms_per_day') || jsonb_build_object('alpha', settings->'alpha');
        END IF;
        IF settings->>'alarms_per_day' IS NOT NULL THEN
            m.options := CASE WHEN settings->>'alpha' IS NOT NULL THEN m.options ELSE m.options - 'alpha' END
                         || jsonb_build_object('alarms_per_day', settings->'alarms_per_day');
        END IF;
    END IF;
    -- One value column, as in tsad.create_monitor.
    IF jsonb_typeof(settings->'value_columns') = 'string' THEN
        settings := jsonb_set(settings, '{value_columns}', jsonb_build_array(settings->'value_columns'));
    END IF;
    -- Text of a setting as the record takes it; what is not given stays.
    m := jsonb_populate_record(m, settings - '{alpha,alarms_per_day,options,readers}'::text[]);
    IF settings ? 'readers' THEN
        IF jsonb_typeof(settings->'readers') <> 'array' OR settings->'readers' @> '[null]' THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('readers is no list of roles: %s', tsad._shown(settings->'readers')),
                HINT = 'Pass an array of names of roles; an empty one for none.';
        END IF;
        m.readers := ARRAY(SELECT r.value::regrole FROM jsonb_array_elements_text(settings->'readers') r);
    END IF;
    FOREACH given IN ARRAY '{train_window,retrain_every,adapt_after,retention}'::text[] LOOP
        IF (to_jsonb(m)->>given)::interval <= '0' THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s is out of range: %s', given, to_jsonb(m)->>given),
                HINT = 'Give an interval above 0.';
        END IF;
    END LOOP;
    FOREACH given IN ARRAY '{late_window,settle_after,merge_gap,min_duration,announce_within}'::text[] LOOP
        IF (to_jsonb(m)->>given)::interval < '0' THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s is out of range: %s', given, to_jsonb(m)->>given),
                HINT = 'Give an interval that is not negative.';
        END IF;
    END LOOP;
    FOREACH given IN ARRAY '{min_points,min_samples,keep_models,batch_size}'::text[] LOOP
        IF (to_jsonb(m)->>given)::integer < 1 THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s is out of range: %s', given, to_jsonb(m)->>given),
                HINT = 'Give a number of at least 1.';
        END IF;
    END LOOP;
    FOREACH given IN ARRAY '{train_window,retrain_every,adapt_after,retention,late_window,settle_after,merge_gap,min_duration,announce_within}'::text[] LOOP
        IF (to_jsonb(m)->>given)::interval > '1000 years' THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s is out of range: %s', given, to_jsonb(m)->>given),
                HINT = 'Give an interval of at most 1000 years.';
        END IF;
    END LOOP;
    IF m.name = '' OR m.channel = '' OR octet_length(m.channel) > 63 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = CASE WHEN m.name = '' THEN 'the name of a monitor is empty' ELSE format('channel has %s bytes', octet_length(m.channel)) END,
            HINT = CASE WHEN m.name = '' THEN 'Give it a name.' ELSE 'Channels have 1 to 63 bytes; NULL sends no notifications.' END;
    ELSIF m.start_at = 'infinity' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'start_at is out of range: infinity',
            HINT = 'Give the time from which rows are scored.';
    END IF;
    IF NOT m.focus BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('focus is out of range: %s', m.focus),
            HINT = 'Give a share from 0 to 1.';
    END IF;
    SELECT string_agg(k, ', ' ORDER BY k) INTO bad FROM jsonb_each(to_jsonb(m)) s (k, v)
     WHERE v = 'null' AND settings ? k AND k <> ALL ('{adapt_after,announce_within,channel,late_window,merge_gap,min_samples,on_event,retention,retrain_every,settle_after,train_window}'::text[]);
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = format('%s must not be NULL', bad);
    END IF;
END $$;
COMMENT ON FUNCTION tsad._with_settings(tsad.monitor, jsonb) IS 'a monitor with other settings';

CREATE FUNCTION tsad._give_monitor(INOUT m tsad.monitor, role text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    owner regrole := role::regrole;
BEGIN
    IF owner IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'owner must not be NULL';
    ELSIF NOT pg_has_role(owner, 'USAGE') THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format('permission denied to give a monitor to role %s', owner),
            HINT = 'Only members of a role can give it something.';
    ELSIF owner <> m.owner AND EXISTS (SELECT FROM tsad.monitor o WHERE o.owner = owner AND o.name = m.name) THEN
        RAISE EXCEPTION USING ERRCODE = 'duplicate_object', MESSAGE = format('role %s has a monitor "%s" already', owner, m.name);
    ELSIF owner <> m.owner AND m.scheduler IS NOT NULL THEN
        -- The job is that of a role that need not be allowed to run it any more.
        PERFORM tsad.unschedule(m.name);
        RAISE NOTICE USING MESSAGE = format('monitor "%s" is off its schedule', m.name),
            HINT = format('As a member of %s: SELECT tsad.schedule(%L, %L);', owner, m.name, m.schedule);
    END IF;
    UPDATE tsad.monitor o SET owner = owner WHERE o.id = m.id RETURNING o.* INTO m;
END $$;
COMMENT ON FUNCTION tsad._give_monitor(tsad.monitor, text) IS 'changes whose monitor it is';

CREATE FUNCTION tsad.alter_monitor(monitor text, settings jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    m tsad.monitor;
BEGIN
    m := tsad._monitor_of(monitor);
    IF settings OPERATOR(pg_catalog.?) 'owner' THEN
        m := tsad._give_monitor(m, settings OPERATOR(pg_catalog.->>) 'owner');
        -- Whether the new owner may read the source, and what is named in it, is found out below.
        PERFORM tsad._as_role(m.owner, pg_catalog.format('SELECT tsad._alter_monitor(%s::pg_catalog.int8, %L::pg_catalog.text, %L::pg_catalog.jsonb)', m.id, m.search_path,
                                                         pg_catalog.jsonb_build_object('source', m.source)));
        settings := settings OPERATOR(pg_catalog.-) 'owner';
    END IF;
    -- As tsad.create_monitor: names in source and on_event are the caller's. What stands there runs with the owner's rights.
    PERFORM tsad._as_role(m.owner, pg_catalog.format('SELECT tsad._alter_monitor(%s::pg_catalog.int8, %L::pg_catalog.text, %L::pg_catalog.jsonb)', m.id,
                                                     pg_catalog.current_setting('search_path'), settings));
END $$;
COMMENT ON FUNCTION tsad.alter_monitor(text, jsonb) IS 'changes settings of a monitor';

CREATE FUNCTION tsad._is_possible(m tsad.monitor, series jsonb) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM tsad._typed_key(m.id, series);
    RETURN true;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END $$;
COMMENT ON FUNCTION tsad._is_possible(tsad.monitor, jsonb) IS 'whether the source of a monitor can have rows of a series: a column may be of another type now';

CREATE FUNCTION tsad._alter_monitor(number bigint, path text, settings jsonb) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old tsad.monitor;
    m tsad.monitor;
BEGIN
    IF jsonb_typeof(settings) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'settings must be a JSON object',
            HINT = 'For example ''{"late_window": "2 hours"}''.';
    END IF;
    -- A pause must not wait for a batch at work; all else may change what that one relies on.
    IF settings - 'paused' <> '{}' THEN
        PERFORM tsad._lock_monitor(number);
    END IF;
    SELECT * INTO STRICT old FROM tsad.monitor o WHERE o.id = number;
    m := tsad._with_settings(old, settings);
    IF EXISTS (SELECT FROM tsad.monitor o WHERE o.owner = m.owner AND o.name = m.name AND o.id <> m.id) THEN
        RAISE EXCEPTION USING ERRCODE = 'duplicate_object', MESSAGE = format('monitor "%s" already exists', m.name), HINT = 'Choose another name, or drop that one with tsad.drop_monitor.';
    END IF;
    IF settings ?| '{source,time_column,value_columns,on_event,options,alpha,alarms_per_day}' THEN
        IF settings ?| '{source,on_event}' THEN
            m.search_path := path;
        END IF;
        m := tsad._check_source(m);
        IF settings ?| '{source,time_column}' THEN
            m.bucket := NULL;
        END IF;
        PERFORM tsad._say_what_waits(m);
    END IF;
    UPDATE tsad.monitor u SET name = m.name, source = m.source, is_query = m.is_query, time_column = m.time_column,
           value_columns = m.value_columns, value_is_array = m.value_is_array, series_types = m.series_types, search_path = m.search_path,
           train_window = m.train_window, retrain_every = m.retrain_every, adapt_after = m.adapt_after, min_samples = m.min_samples,
           options = m.options, late_window = m.late_window, settle_after = m.settle_after, aggregates = m.aggregates, bucket = m.bucket, merge_gap = m.merge_gap, min_points = m.min_points,
           min_duration = m.min_duration, focus = m.focus, retention = m.retention, keep_models = m.keep_models,
           on_event = m.on_event, channel = m.channel, announce_within = m.announce_within, batch_size = m.batch_size,
           paused = m.paused, readers = m.readers, last_error = NULL, last_error_at = NULL
     WHERE u.id = m.id;
    -- The job calls the monitor by its name.
    IF m.name <> old.name AND m.scheduler IS NOT NULL THEN
        PERFORM tsad.schedule(m.name, m.schedule);
    END IF;
    -- What a model was trained with has changed.
    IF (m.value_columns, m.time_column, m.options) IS DISTINCT FROM (old.value_columns, old.time_column, old.options) THEN
        UPDATE tsad.monitor_series s SET next_training = s.watermark, pinned = false WHERE s.monitor = m.id AND s.version IS NOT NULL;
    END IF;
    IF settings ?| '{source,time_column,value_columns}' THEN
        PERFORM tsad._forget_counts(m.id);
    END IF;
    -- What had too few rows, or rows of another kind, may have enough now.
    IF settings ?| '{source,time_column,value_columns,options,alpha,alarms_per_day,min_samples,train_window}' THEN
        UPDATE tsad.monitor_series s SET needed = NULL, checked_until = CASE WHEN NOT tsad._is_possible(m, s.series) THEN s.checked_until END WHERE s.monitor = m.id;
    END IF;
    IF m.on_event IS NULL THEN
        DELETE FROM tsad.monitor_call c WHERE c.monitor = m.id;
    ELSIF settings ? 'on_event' THEN
        UPDATE tsad.monitor_call c SET attempts = 0 WHERE c.monitor = m.id;
    END IF;
    IF settings - 'paused' <> '{}' THEN
        UPDATE tsad.monitor_series s SET state = 'new', message = NULL WHERE s.monitor = m.id AND s.state = 'error';
    END IF;
    RETURN '{}';
END $$;
COMMENT ON FUNCTION tsad._alter_monitor(bigint, text, jsonb) IS 'tsad.alter_monitor with a pinned search_path';

CREATE FUNCTION tsad.drop_monitor(monitor text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    m tsad.monitor := tsad._monitor_of(monitor);
BEGIN
    IF m.scheduler IS NOT NULL THEN
        PERFORM tsad.unschedule(monitor);
    END IF;
    PERFORM tsad._lock_monitor(m.id);
    DELETE FROM tsad.monitor d WHERE d.id = m.id;
END $$;
COMMENT ON FUNCTION tsad.drop_monitor(text) IS 'forgets a monitor, its models and its events';
