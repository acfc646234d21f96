-- A fleet of series in fast motion, for scripts/fleet: psql variables "series" and "days". A sample every half hour; 30 days on
-- which the first models are trained, 12 that the first run catches up, so that the watermarks are as far behind the rows as they
-- ever will be, then "days" days in cycles of six hours. Rows, incidents and faults depend on hashes, so that all runs are alike.
\set trained 1440
\set history 2016
SET timezone = 'UTC';
CREATE EXTENSION pg_tsad;
-- Uniform in 0 to 1.
CREATE FUNCTION chance(VARIADIC what int[]) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT (hashtextextended(what::text, 0) & 2147483647) / 2147483648.0 $$;
CREATE FUNCTION normal(n int, i int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT sqrt(-2 * ln(greatest(chance(n, i, 1), 1e-9))) * cos(2 * pi() * chance(n, i, 2)) $$;
CREATE FUNCTION at(i int) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT '2026-01-01 00:00+00'::timestamptz + i * interval '30 min' $$;

-- A third of the series has an incident, a twentieth a change of level; some are born, some die.
CREATE TABLE kind AS
    SELECT n, CASE WHEN chance(n, 1) < 0.33 THEN :history + (chance(n, 2) * 48 * (:days - 2))::int END AS incident_at, 6 + (chance(n, 3) * 18)::int AS incident_length,
           CASE WHEN chance(n, 4) < 0.05 THEN :history + (chance(n, 5) * 48 * :days / 2)::int END AS level_at,
           CASE WHEN chance(n, 6) < 0.05 THEN (chance(n, 7) * :trained)::int ELSE 0 END AS born_at,
           CASE WHEN chance(n, 8) < 0.05 THEN :history + (chance(n, 9) * 48 * :days)::int ELSE 1000000 END AS dies_at
      FROM generate_series(1, :series) n;
CREATE TABLE future AS
    SELECT n, i, at(i) AS ts,
           50 + 10 * chance(n, 10) * sin(2 * pi() * (i / 48.0 + chance(n, 11))) + normal(n, i)
             + CASE WHEN i BETWEEN incident_at AND incident_at + incident_length - 1 THEN 8 + 8 * chance(n, 12) ELSE 0 END
             + CASE WHEN i >= level_at THEN 12 ELSE 0 END AS v,
           -- A row in ten comes up to two hours late.
           at(i) + CASE WHEN chance(n, i, 3) < 0.1 THEN interval '2 hours' * chance(n, i, 4) ELSE interval '0' END AS arrives_at
      FROM kind, generate_series(0, :history + 48 * :days - 1) i
     -- Single rows are missing, and now and then a few hours.
     WHERE i BETWEEN born_at AND dies_at AND chance(n, i, 5) > 0.005 AND chance(n, i / 10, 6) > 0.005;
CREATE INDEX ON future (arrives_at);
CREATE TABLE fleet (n int, ts timestamptz, v float8);
INSERT INTO fleet SELECT n, ts, v FROM future WHERE arrives_at < at(:history) ORDER BY arrives_at;
CREATE INDEX ON fleet (n, ts);
CREATE INDEX ON fleet USING brin (ts);
ANALYZE fleet;

SELECT tsad.create_monitor('fleet', 'fleet', 'ts', 'v', series_columns => '{n}', start_at => at(:trained), train_window => '30 days', late_window => '2 hours', channel => NULL) IS NOT NULL AS created;

-- What a run costs, in units that do not depend on the load of the machine: buffers touched (of all tables, and of the monitor's own), user CPU of this backend (seconds;
-- NULL where there is no /proc), WAL, rows read; and dead rows that it left in the monitor's tables.
CREATE TABLE meter (k int, place int, at timestamptz, cpu float8, buffers bigint, own_buffers bigint, wal numeric, rows bigint, dead bigint, PRIMARY KEY (k, place));
CREATE FUNCTION read_meter(k int, place int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO meter SELECT k, place, clock_timestamp(),
           (string_to_array(substring(pg_read_file('/proc/self/stat', 0, 4096, true) FROM '\) (.*)'), ' '))[12]::float8 / 100,
           pg_stat_get_db_blocks_fetched(d.oid),
           (SELECT sum(pg_stat_get_blocks_fetched(c.oid)) FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class t ON c.oid IN (t.reltoastrelid, i.indrelid)
             WHERE c.relnamespace = 'tsad'::regnamespace OR t.relnamespace = 'tsad'::regnamespace),
           pg_current_wal_insert_lsn() - '0/0', (SELECT coalesce(sum(s.rows), 0) FROM tsad.monitor_series s),
           (SELECT sum(n_dead_tup) FROM pg_stat_user_tables WHERE schemaname = 'tsad')
      FROM pg_database d WHERE d.datname = current_database() $$;
-- A cycle of six hours takes seconds here, in which the real autovacuum would do next to nothing. So it is switched off, and this
-- names what it would have done meanwhile. (BRIN: what autosummarize would have.)
CREATE VIEW autovacuum AS
    WITH watched AS (
        SELECT c.oid, c.oid::regclass AS name, c.relkind, greatest(c.reltuples, 0) AS rows, coalesce(o.dead, 0.2) AS dead, coalesce(o.changed, 0.1) AS changed
          FROM pg_class c LEFT JOIN pg_class main ON main.reltoastrelid = c.oid
          CROSS JOIN LATERAL (SELECT max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor') AS dead,
                                     max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_analyze_scale_factor') AS changed
                                FROM pg_options_to_table(c.reloptions)) o
         WHERE c.relkind IN ('r', 't') AND coalesce(main.relnamespace, c.relnamespace) IN ('tsad'::regnamespace, 'public'::regnamespace) AND c.relname <> 'future')
    SELECT format('VACUUM %s', name) AS statement FROM watched
     WHERE pg_stat_get_dead_tuples(oid) > 50 + dead * rows OR pg_stat_get_ins_since_vacuum(oid) > 1000 + 0.2 * rows
    UNION ALL SELECT format('ANALYZE %s', name) FROM watched WHERE relkind = 'r' AND pg_stat_get_mod_since_analyze(oid) > 50 + changed * rows;
CALL tsad.run_monitor('fleet', at(:history));
\pset tuples_only on
\pset format unaligned
\pset fieldsep '\n'
\o cycles.sql
SELECT format('INSERT INTO fleet SELECT n, ts, v FROM future WHERE arrives_at >= at(%1$s) AND arrives_at < at(%2$s) ORDER BY arrives_at;', :history + 12 * k, :history + 12 + 12 * k),
       $$SELECT brin_summarize_new_values('fleet_ts_idx');$$,
       $$SELECT statement FROM autovacuum \gexec$$,
       'SELECT pg_stat_force_next_flush();',
       format('SELECT read_meter(%s, 0);', k),
       format('CALL tsad.run_monitor(''fleet'', at(%s));', :history + 12 + 12 * k),
       'SELECT pg_stat_force_next_flush();',
       format('SELECT read_meter(%s, 1);', k)
  FROM generate_series(0, 4 * :days - 1) k;
\o /dev/null
\i cycles.sql
\o
\pset tuples_only off
\pset format aligned
CREATE TABLE cycle AS
    SELECT k, 1 + 4 * k / (4 * :days) AS quarter, extract(epoch FROM e.at - b.at) AS seconds, e.cpu - b.cpu AS cpu, e.buffers - b.buffers AS buffers, e.own_buffers - b.own_buffers AS own_buffers,
           e.wal - b.wal AS wal, e.rows - b.rows AS rows, e.dead AS dead
      FROM meter b JOIN meter e USING (k) WHERE b.place = 0 AND e.place = 1;

-- What was planted, and what of it was found. An incident counts where the series was watched by then.
CREATE TABLE planted AS
    SELECT n, 'incident' AS what, at(incident_at) AS from_at, at(incident_at + incident_length) AS until_at FROM kind WHERE incident_at < dies_at - 12 AND incident_at < :history + 48 * :days - 24 AND born_at + 1100 < incident_at
    UNION ALL SELECT n, 'level', at(level_at), at(level_at + 48) FROM kind WHERE level_at < dies_at - 48 AND born_at + 1100 < level_at;
CREATE TABLE found AS SELECT (series->>'n')::int AS n, started_at, last_at, peak_at, is_final, found_at FROM tsad.anomalies WHERE kind <> 'silence';
\echo
\echo 'Planted and found:'
SELECT what, count(*) AS planted, count(*) FILTER (WHERE EXISTS (SELECT FROM found f WHERE f.n = p.n AND f.started_at <= p.until_at AND f.last_at >= p.from_at)) AS found
  FROM planted p GROUP BY what ORDER BY what;
\echo 'False alarms: final episodes that touch nothing planted, per series and day; asked for are 0.143 flagged rows:'
SELECT count(*) AS false_alarms, round(count(*) / (SELECT sum(extract(epoch FROM s.watermark - m.start_at) / 86400) FROM tsad.monitor_series s, tsad.monitor m)::numeric, 4) AS per_series_and_day
  FROM found f WHERE is_final AND NOT EXISTS (SELECT FROM planted p WHERE f.n = p.n AND f.started_at <= p.until_at + interval '2 days' AND f.last_at >= p.from_at - interval '2 days');
\echo 'Series:'
SELECT state, count(*) AS series, min(model_version) AS least_version, max(model_version) AS largest_version FROM tsad.series_status('fleet') GROUP BY state ORDER BY state;
\echo 'A run, by quarters of the days: medians, but for the longest; all but the seconds per series:'
SELECT quarter, count(*) AS runs, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)::numeric, 2) AS seconds, round(max(seconds)::numeric, 2) AS longest_seconds,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY rows)::numeric / :series) AS rows_read,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY buffers)::numeric / :series) AS buffers,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY own_buffers)::numeric / :series, 1) AS own_buffers,
       round(1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY cpu)::numeric / :series, 2) AS cpu_ms,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY wal)::numeric / :series) AS wal_bytes,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY dead)::numeric / :series, 2) AS dead_rows
  FROM cycle GROUP BY quarter ORDER BY quarter;
\pset tuples_only on
\pset format unaligned
SELECT CASE WHEN ok THEN 'passed: ' ELSE 'failed: ' END || what FROM (
    SELECT 1, 'at least nine of ten incidents were found', count(*) > 0 AND count(*) FILTER (WHERE EXISTS (
               SELECT FROM found f WHERE f.n = p.n AND f.started_at <= p.until_at AND f.last_at >= p.from_at)) >= 0.9 * count(*)
      FROM planted p WHERE what = 'incident'
    UNION ALL
    SELECT 2, 'false alarms are at most as frequent as asked for', count(*) <= 0.143 * (SELECT sum(extract(epoch FROM s.watermark - m.start_at) / 86400) FROM tsad.monitor_series s, tsad.monitor m)
      FROM found f WHERE is_final AND NOT EXISTS (SELECT FROM planted p WHERE f.n = p.n AND f.started_at <= p.until_at + interval '2 days' AND f.last_at >= p.from_at - interval '2 days')
    UNION ALL
    SELECT 3, 'every series is watched or says what is missing', bool_and(state = 'ok' OR state = 'collecting' AND message IS NOT NULL) FROM tsad.series_status('fleet')
    UNION ALL
    SELECT 4, 'a run reads no more as history grows', percentile_cont(0.5) WITHIN GROUP (ORDER BY rows) FILTER (WHERE quarter = 4)
               <= 1.1 * percentile_cont(0.5) WITHIN GROUP (ORDER BY rows) FILTER (WHERE quarter = 1) AND min(rows) > 0 FROM cycle
    UNION ALL
    SELECT 5, 'a run touches no more buffers as history grows', percentile_cont(0.5) WITHIN GROUP (ORDER BY buffers) FILTER (WHERE quarter = 4)
               <= 1.1 * percentile_cont(0.5) WITHIN GROUP (ORDER BY buffers) FILTER (WHERE quarter = 1) AND min(buffers) > 0 FROM cycle
    UNION ALL
    SELECT 6, 'nor of its own tables', percentile_cont(0.5) WITHIN GROUP (ORDER BY own_buffers) FILTER (WHERE quarter = 4)
               -- Of all quarters before: from one to the next it goes up and down by a tenth, 33 to 40 pages a series, whatever the history.
               <= 1.1 * percentile_cont(0.5) WITHIN GROUP (ORDER BY own_buffers) FILTER (WHERE quarter < 4) AND min(own_buffers) > 0 FROM cycle) checks (place, what, ok) ORDER BY place;
