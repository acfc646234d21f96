-- A fleet of series in fast motion, for scripts/fleet: psql variables "series" and "days". A sample every half hour; 30 days of
-- history, then "days" days in cycles of six hours. Rows, incidents and faults depend on hashes, so that all runs are alike.
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
    SELECT n, CASE WHEN chance(n, 1) < 0.33 THEN 1440 + (chance(n, 2) * 48 * (:days - 2))::int END AS incident_at, 6 + (chance(n, 3) * 18)::int AS incident_length,
           CASE WHEN chance(n, 4) < 0.05 THEN 1440 + (chance(n, 5) * 48 * :days / 2)::int END AS level_at,
           CASE WHEN chance(n, 6) < 0.05 THEN (chance(n, 7) * 1440)::int ELSE 0 END AS born_at,
           CASE WHEN chance(n, 8) < 0.05 THEN 1440 + (chance(n, 9) * 48 * :days)::int ELSE 1000000 END AS dies_at
      FROM generate_series(1, :series) n;
CREATE TABLE future AS
    SELECT n, i, at(i) AS ts,
           50 + 10 * chance(n, 10) * sin(2 * pi() * (i / 48.0 + chance(n, 11))) + normal(n, i)
             + CASE WHEN i BETWEEN incident_at AND incident_at + incident_length - 1 THEN 8 + 8 * chance(n, 12) ELSE 0 END
             + CASE WHEN i >= level_at THEN 12 ELSE 0 END AS v,
           -- A row in ten comes up to two hours late.
           at(i) + CASE WHEN chance(n, i, 3) < 0.1 THEN interval '2 hours' * chance(n, i, 4) ELSE interval '0' END AS arrives_at
      FROM kind, generate_series(0, 1440 + 48 * :days - 1) i
     -- Single rows are missing, and now and then a few hours.
     WHERE i BETWEEN born_at AND dies_at AND chance(n, i, 5) > 0.005 AND chance(n, i / 10, 6) > 0.005;
CREATE INDEX ON future (arrives_at);
CREATE TABLE fleet (n int, ts timestamptz, v float8);
INSERT INTO fleet SELECT n, ts, v FROM future WHERE arrives_at < at(1440) ORDER BY arrives_at;
CREATE INDEX ON fleet (n, ts);
CREATE INDEX ON fleet USING brin (ts);
ANALYZE fleet;

SELECT tsad.create_monitor('fleet', 'fleet', 'ts', 'v', series_columns => '{n}', start_at => at(1440) - interval '1 hour', train_window => '30 days', late_window => '2 hours', channel => NULL) IS NOT NULL AS created;
CREATE TABLE cycle (k int, seconds float8, rows bigint);
DO $$
DECLARE
    began timestamptz;
BEGIN
    FOR k IN 0..(SELECT (max(i) - 1440) / 12 FROM future) LOOP
        INSERT INTO fleet SELECT n, ts, v FROM future WHERE arrives_at >= at(1440 + 12 * k) AND arrives_at < at(1452 + 12 * k) ORDER BY arrives_at;
        COMMIT;
        began := clock_timestamp();
        CALL tsad.run_monitor('fleet', at(1452 + 12 * k));
        INSERT INTO cycle SELECT k, extract(epoch FROM clock_timestamp() - began), sum(rows) FROM tsad.monitor_series;
        COMMIT;
    END LOOP;
END $$;

-- What was planted, and what of it was found. An incident counts where the series was watched by then.
CREATE TABLE planted AS
    SELECT n, 'incident' AS what, at(incident_at) AS from_at, at(incident_at + incident_length) AS until_at FROM kind WHERE incident_at < dies_at - 12 AND incident_at < 1440 + 48 * :days - 24 AND born_at + 1100 < incident_at
    UNION ALL SELECT n, 'level', at(level_at), at(level_at + 48) FROM kind WHERE level_at < dies_at - 48 AND born_at + 1100 < level_at;
CREATE TABLE found AS SELECT (series->>'n')::int AS n, started_at, last_at, peak_at, is_final, found_at FROM tsad.anomalies;
\echo
\echo 'Planted and found:'
SELECT what, count(*) AS planted, count(*) FILTER (WHERE EXISTS (SELECT FROM found f WHERE f.n = p.n AND f.started_at <= p.until_at AND f.last_at >= p.from_at)) AS found
  FROM planted p GROUP BY what ORDER BY what;
\echo 'False alarms: final episodes that touch nothing planted, per series and day; asked for are 0.143 flagged rows:'
SELECT count(*) AS false_alarms, round(count(*) / (SELECT sum(extract(epoch FROM s.watermark - m.start_at) / 86400) FROM tsad.monitor_series s, tsad.monitor m)::numeric, 4) AS per_series_and_day
  FROM found f WHERE is_final AND NOT EXISTS (SELECT FROM planted p WHERE f.n = p.n AND f.started_at <= p.until_at + interval '2 days' AND f.last_at >= p.from_at - interval '2 days');
\echo 'Series:'
SELECT state, count(*) AS series, min(model_version) AS least_version, max(model_version) AS largest_version FROM tsad.series_status('fleet') GROUP BY state ORDER BY state;
\echo 'A run, by quarters of the days. The watermark follows about eleven days behind, so that a run reads all it ever will from the second on:'
SELECT quarter, count(*) AS runs, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)::numeric, 2) AS median_seconds, round(max(seconds)::numeric, 2) AS longest_seconds,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY rows_read)::numeric / :series) AS rows_per_series
  FROM (SELECT 1 + 4 * k / (1 + max(k) OVER ()) AS quarter, seconds, rows - lag(rows, 1, 0::bigint) OVER (ORDER BY k) AS rows_read FROM cycle) c GROUP BY quarter ORDER BY quarter;
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
    SELECT 4, 'a run does not read more as history grows', percentile_cont(0.5) WITHIN GROUP (ORDER BY read) FILTER (WHERE quarter = 4)
               <= 1.1 * percentile_cont(0.5) WITHIN GROUP (ORDER BY read) FILTER (WHERE quarter = 3) AND max(read) > 0
      FROM (SELECT 1 + 4 * k / (1 + max(k) OVER ()) AS quarter, rows - lag(rows, 1, 0::bigint) OVER (ORDER BY k) AS read FROM cycle) c) checks (place, what, ok) ORDER BY place;
