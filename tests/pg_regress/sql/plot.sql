-- Pictures.
SET timezone = 'UTC';
CREATE TABLE metric (host text, ts timestamptz, cpu float8, score float8, threshold float8, is_anomaly boolean, lower float8, upper float8);
INSERT INTO metric SELECT 'web' || h, at(i), 50 + 20 * wave(i + h) + CASE WHEN i BETWEEN 700 AND 709 THEN 40 ELSE 0 END,
       CASE WHEN i BETWEEN 700 AND 709 THEN 5 ELSE 1 END + abs(wave(i)), 3, i BETWEEN 700 AND 709, 20 + 20 * wave(i + h), 80 + 20 * wave(i + h)
  FROM generate_series(1, 3) h, generate_series(0, 1999) i;
ANALYZE metric;

-- What a picture holds. (The core's tests parse it as XML.)
CREATE FUNCTION parts(svg text, OUT title text, OUT lines bigint, OUT bands bigint, OUT shades bigint, OUT scores bigint, OUT thresholds bigint,
                      OUT words text[]) LANGUAGE sql AS $$
    SELECT substring(svg FROM '<title>([^<]*)'), count(*) FILTER (WHERE m[1] = 'ln'), count(*) FILTER (WHERE m[1] = 'bd'),
           count(*) FILTER (WHERE m[1] = 'an'), count(*) FILTER (WHERE m[1] = 'sc'), count(*) FILTER (WHERE m[1] = 'th'),
           array_agg(m[3]) FILTER (WHERE m[2] ~ '^(t .|u)$')
      FROM regexp_matches(regexp_replace(svg, '<g .*?</g>', '', 'g'), '<path class="(\w+)"|<text class="([^"]+)"[^>]*>([^<]*)', 'g') m $$;

-- Every form.
\x on
SELECT (parts(tsad.plot(ts, cpu))).* FROM metric WHERE host = 'web1';
SELECT (parts(tsad.plot(ts, cpu, '{"title": "CPU of web1"}'))).* FROM metric WHERE host = 'web1';
SELECT (parts(tsad.plot(ts, cpu, score, is_anomaly))).* FROM metric WHERE host = 'web1';
SELECT (parts(tsad.plot(ts, cpu, score, threshold, is_anomaly, host, NULL))).* FROM metric;
SELECT (parts(tsad.plot(ts, cpu, score, threshold, is_anomaly, lower, upper, host, '{"title": "CPU"}'))).* FROM metric;
-- One series has its name as the title.
SELECT (parts(tsad.plot(ts, cpu, score, threshold, is_anomaly, host, NULL))).* FROM metric WHERE host = 'web2';
-- Integers as times.
SELECT (parts(tsad.plot(extract(epoch FROM ts)::bigint, cpu))).* FROM metric WHERE host = 'web1';
-- What one who does not see it is told.
SELECT substring(tsad.plot(ts, cpu, score, threshold, is_anomaly, host, NULL) FROM '<desc>([^<]*)') AS description
  FROM metric WHERE host < 'web3';
\x off

-- No rows, or none with a time: no picture.
SELECT tsad.plot(ts, cpu) IS NULL AS none FROM metric WHERE false;
SELECT tsad.plot(ts, 1) IS NULL AS none FROM (VALUES (NULL::timestamptz), ('infinity'), ('-infinity')) v(ts);
-- Whatever else is missing, is left out.
SELECT (parts(tsad.plot(ts, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL))).lines FROM metric;
SELECT (parts(tsad.plot(ts, v, v, NULL, NULL, v, v, NULL, NULL))).*
  FROM (VALUES (at(0), 1::float8), (at(1), 'NaN'), (at(2), 'infinity'), (at(3), '-infinity'), (at(4), NULL), (NULL, 7), (at(5), 2)) r(ts, v);

-- The same, byte for byte, at any number of workers, in any order of the rows, in parts.
CREATE FUNCTION picture_md5(relation text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
    EXECUTE 'SELECT md5(tsad.plot(ts, cpu, score, threshold, is_anomaly, lower, upper, host, ''{"title": "x"}'')) FROM ' || relation INTO found;
    RETURN found;
END $$;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
EXPLAIN (COSTS OFF) SELECT tsad.plot(ts, cpu, score, threshold, is_anomaly, lower, upper, host, '{"title": "x"}') FROM metric;
SELECT picture_md5('metric') AS four_workers \gset
SET max_parallel_workers_per_gather = 0;
SELECT picture_md5('metric') = :'four_workers' AS serial, picture_md5('(SELECT * FROM metric ORDER BY md5(ts::text || host)) m') = :'four_workers' AS shuffled;
-- With more rows than a picture keeps as they are.
CREATE TABLE long AS SELECT ''::text AS host, '2026-01-01 00:00+00'::timestamptz + i * interval '1 second' AS ts, wave(i) + CASE i WHEN 77777 THEN 50 ELSE 0 END AS cpu,
    wave(i + 9) AS score, 1::float8 AS threshold, i % 10000 < 20 AS is_anomaly, NULL::float8 AS lower, NULL::float8 AS upper FROM generate_series(0, 99999) i;
ANALYZE long;
SET max_parallel_workers_per_gather = 4;
SELECT picture_md5('long') AS four_workers \gset
SET max_parallel_workers_per_gather = 0;
SELECT picture_md5('long') = :'four_workers' AS serial, picture_md5('(SELECT * FROM long ORDER BY md5(ts::text)) m') = :'four_workers' AS shuffled;
RESET ALL;
SET timezone = 'UTC';
SELECT length(tsad.plot(ts, cpu, score, is_anomaly)) < 100000 AS small, length(tsad.plot(ts, cpu, '{"width": 2000}')) < 200000 AS wide_small FROM long;
-- As a window function the aggregate sees its frame.
SELECT count(DISTINCT picture) FROM (SELECT tsad.plot(ts, cpu) OVER (ORDER BY ts ROWS 10 PRECEDING) AS picture FROM metric WHERE host = 'web1' AND ts < at(20)) p;

-- The time axis follows TimeZone, or the option.
CREATE FUNCTION clock_of(svg text) RETURNS text LANGUAGE sql AS $$ SELECT substring(svg FROM '<desc>([^.]*)\.') $$;
SELECT clock_of(tsad.plot(ts, cpu)) FROM metric;
SELECT clock_of(tsad.plot(ts, cpu, '{"timezone": "Europe/Berlin"}')) FROM metric;
SELECT clock_of(tsad.plot(ts, cpu, '{"timezone": "+05:30"}')) FROM metric;
SELECT clock_of(tsad.plot(ts, cpu, '{"timezone": "-0800"}')) FROM metric;
SET timezone = 'America/New_York';
SELECT clock_of(tsad.plot(ts, cpu)) FROM metric;
-- timestamp and date are what the clock of the session shows.
SELECT clock_of(tsad.plot('2026-03-08 12:00'::timestamp, 1)), clock_of(tsad.plot('2026-03-08'::date, 1));
SET timezone = 'UTC';

-- Light, dark, or as the reader's device says.
SELECT o, tsad.plot(ts, cpu, o) LIKE '%prefers-color-scheme%' AS asks, tsad.plot(ts, cpu, o) LIKE '%#0d1117%' AS dark, tsad.plot(ts, cpu, o) LIKE '%#ffffff%' AS light
  FROM metric, (VALUES ('{}'::jsonb), ('{"theme": "auto"}'), ('{"theme": "light"}'), ('{"theme": "dark"}')) v(o) GROUP BY o ORDER BY o;
SELECT substring(tsad.plot(ts, cpu, '{"width": 500, "height": 400}') FROM 'viewBox="[^"]*"') FROM metric;

-- Nothing is loaded, nothing runs, and no name gets out of its place.
CREATE TABLE hostile AS SELECT n AS host, ts, cpu FROM metric, unnest(ARRAY['</text><script>alert(1)</script>', '"><image href="http://example.com/x">',
       ']]>', '&amp;&#x0;', E'\x01\x02\n\t', E'\u202Eabc', repeat('x', 100000), '']) n WHERE metric.host = 'web1' AND ts < at(50);
SELECT (parts(svg)).lines, length(svg) < 60000 AS small, svg ~* '<(script|image|use|foreignobject|a|animate|set|iframe)[ />]' AS dangerous,
       svg ~* '(href|src|url\(|@import|javascript:| on[a-z]+=)[^&]*<' AS refers
  FROM (SELECT tsad.plot(ts, cpu, NULL, NULL, NULL, host, '{"title": "<b>&</b>"}') AS svg FROM hostile) p;

-- 22023: options
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, '{"titel": "x"}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, '{"xyzzy": 1}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, '[]') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, '{"title": 7}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, '{"width": "wide"}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, '{"width": -5}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, '{"width": 100}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, '{"width": 2001}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, '{"height": 5000000000}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, '{"height": 9000}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, '{"theme": "drak"}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, '{"theme": true}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, '{"timezone": "Europe/Atlantis"}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, '{"timezone": "../../etc/passwd"}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, '{"timezone": "+25:00"}') FROM metric$$);
SELECT * FROM error_of($$SELECT tsad.plot(ts, cpu, jsonb_build_object('title', host)) FROM metric$$);
-- 54000: series
SELECT * FROM error_of($$SELECT tsad.plot(at(0), 1, NULL, NULL, NULL, i::text, NULL) FROM generate_series(1, 65) i$$);
-- Support functions are not for calling.
SELECT state IN ('42883', '0A000') AS refused FROM error_of($$SELECT tsad._plot_final(NULL)$$);
DROP TABLE metric, long, hostile;
DROP FUNCTION parts, picture_md5, clock_of;
