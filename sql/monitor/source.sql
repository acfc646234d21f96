-- The source of a monitor: the pieces of the queries that read it, and the search_path under which they run.

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
