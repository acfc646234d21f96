-- What a monitor can watch: kinds of times, values, series columns and sources, and rows of every bad sort.
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
CREATE TABLE plain AS SELECT at(i) AS ts, i, wave(i) + CASE WHEN i BETWEEN 1800 AND 1819 THEN 2 ELSE 0 END AS v FROM generate_series(0, 2399) i;
CREATE FUNCTION found(name text, OUT series jsonb, OUT state text, OUT message text, OUT incidents bigint, OUT others bigint) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT s.series, s.state, s.message, count(*) FILTER (WHERE a.peak_at BETWEEN at(1795) AND at(1824)), count(*) FILTER (WHERE a.peak_at NOT BETWEEN at(1795) AND at(1824))
      FROM tsad.series_status(found.name) s LEFT JOIN tsad.anomalies a ON a.monitor = found.name AND a.series = s.series GROUP BY 1, 2, 3 ORDER BY 1 $$;
-- One series without any series column.
SELECT tsad.create_monitor('one', 'plain', 'ts', 'v', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('one', at(2399));
SELECT * FROM found('one');

-- Several series columns, NULL among their values, names and values that want to be quoted.
CREATE TABLE "odd ""names" AS SELECT ts AS "Time;", v AS "v'1", -v AS "v\2", r AS "re gion", h AS """Host" FROM plain, (VALUES ('eu', 1), ('eu', NULL), (NULL, 1), ('it''s', 2), ('{a,"b"}', 3)) x (r, h);
SELECT tsad.create_monitor('it''s "odd"', '"odd ""names"', 'Time;', ARRAY['v''1', 'v\2'], series_columns => ARRAY['re gion', '"Host'], start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('it''s "odd"', at(2000));
CALL tsad.run_monitor('it''s "odd"', at(2399));
SELECT * FROM found('it''s "odd"');
SELECT contributions FROM tsad.anomalies WHERE monitor = 'it''s "odd"' AND series->>'re gion' = 'it''s';

-- Series columns of other types: the key reads back as what it was.
CREATE TABLE typed AS SELECT ts, v, '7d793789-8f56-4c57-9a1c-9d4a4b1f2a3c'::uuid AS u, true AS b, 12.50::numeric(8, 2) AS n, '2026-02-03'::date AS d, '10.0.0.1'::inet AS a FROM plain;
SELECT tsad.create_monitor('typed', 'typed', 'ts', 'v', series_columns => '{u,b,n,d,a}', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('typed', at(2399));
SELECT * FROM found('typed');

-- An array of values, as multivariate as columns.
CREATE TABLE arrays AS SELECT ts, ARRAY[v, 2 * v] AS vs FROM plain;
SELECT tsad.create_monitor('arrays', 'arrays', 'ts', '{vs}', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('arrays', at(2399));
SELECT * FROM found('arrays');

-- Times without a time zone are of the zone that was set when the monitor was made, wherever it runs.
SET timezone = 'Asia/Kolkata';
CREATE TABLE local AS SELECT ts::timestamp AS ts, v FROM plain;
SELECT tsad.create_monitor('local', 'local', 'ts', 'v', start_at => at(1500), train_window => '10 days') > 0 AS created;
SET timezone = 'America/Bogota';
CALL tsad.run_monitor('local', at(1900));
SET timezone = 'UTC';
CALL tsad.run_monitor('local', at(2399));
SELECT * FROM found('local');
-- Days: the window of 30 days would hold 30 rows, and reaches back to as many as a model needs. Episodes of years ago are kept.
CREATE TABLE days AS SELECT '2020-01-01'::date + i AS day, v FROM plain;
SELECT tsad.create_monitor('days', 'days', 'day', 'v', start_at => '2020-01-01'::date + 1500, retention => '10 years') > 0 AS created;
CALL tsad.run_monitor('days', '2030-01-01');
SELECT series, started_at < '2020-01-01'::date + 1819 AND last_at > '2020-01-01'::date + 1800 AS at_the_incident FROM tsad.anomalies WHERE monitor = 'days';
SELECT v.version, v.reason, v.rows FROM tsad.monitor_model v JOIN tsad.monitor m ON m.id = v.monitor WHERE m.name = 'days' ORDER BY v.version;

-- A view, a query whose names are found by the search_path of when it was made, partitions.
CREATE VIEW seen AS SELECT * FROM plain;
CREATE SCHEMA apart; CREATE TABLE apart.inside AS TABLE plain;
CREATE TABLE parts (LIKE plain) PARTITION BY RANGE (ts);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (MINVALUE) TO ('2026-01-05'); CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2026-01-05') TO (MAXVALUE);
INSERT INTO parts TABLE plain;
SELECT tsad.create_monitor('view', 'seen', 'ts', 'v', start_at => at(1500), train_window => '10 days') > 0 AS view, tsad.create_monitor('parts', 'parts', 'ts', 'v', start_at => at(1500), train_window => '10 days') > 0 AS parts;
SET search_path = apart, public;
SELECT tsad.create_monitor('query', E'  WITH x AS (SELECT * FROM inside) SELECT ts, avg(v) AS v FROM x GROUP BY ts ;\n', 'ts', 'v', start_at => at(1500), train_window => '10 days') > 0 AS query;
RESET search_path;
CALL tsad.run_monitor('view', at(2399)); CALL tsad.run_monitor('parts', at(2399)); CALL tsad.run_monitor('query', at(2399));
SELECT n AS monitor, f.* FROM unnest('{view,parts,query}'::text[]) n, found(n) f;
SELECT count(*) AS partitions_read FROM tsad.monitor_plan('parts', at(2399)) line WHERE line ~ 'parts_';
-- A query cannot write.
SELECT * FROM error_of($$SELECT tsad.create_monitor('x', 'WITH x AS (DELETE FROM plain RETURNING *) SELECT * FROM x', 'ts', 'v')$$);
SELECT count(*) AS rows FROM plain;

-- Rows of every bad sort: NULL, NaN, infinite, duplicate; gaps; rows of the future wait until their time has come.
CREATE TABLE bad AS SELECT ts, CASE WHEN i % 97 = 0 THEN NULL WHEN i % 89 = 0 THEN 'NaN' WHEN i % 83 = 0 THEN 'Infinity' ELSE v END AS v FROM plain WHERE i NOT BETWEEN 1600 AND 1640 AND i % 61 <> 0;
INSERT INTO bad SELECT * FROM bad WHERE ts < at(100);
INSERT INTO bad VALUES (NULL, 1), ('infinity', 1), ('-infinity', 1), ('2126-01-01', 1000);
SELECT tsad.create_monitor('bad', 'bad', 'ts', 'v', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('bad', at(2399));
SELECT * FROM found('bad');
SELECT newest_at = (SELECT max(ts) FROM bad WHERE ts <= at(2399)) AS nothing_of_the_future FROM tsad.series_status('bad');

-- A series column of a type whose text is not that of its key; one that no index could order is refused.
CREATE TYPE tag AS (k text, n int);
CREATE TABLE tagged AS SELECT ts, v, tags, ROW(tags[1], 1)::tag AS tag FROM plain, (VALUES ('{a,NULL}'::text[]), ('{"b,c"}'), (NULL)) x (tags);
SELECT tsad.create_monitor('tagged', 'tagged', 'ts', 'v', series_columns => '{tags,tag}', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('tagged', at(2399));
SELECT * FROM found('tagged');
SELECT tsad.exclude('tagged', at(1000), at(1010), '{"tags": ["a", null]}') > 0 AS excluded;
SELECT * FROM error_of($$SELECT tsad.create_monitor('x', 'SELECT ts, v, point(1, 2) AS p FROM plain', 'ts', 'v', '{p}')$$);

-- Hours that the clock leaves out and repeats: none for points in time, a gap and doubled rows for a timestamp as it stands.
SET timezone = 'Europe/Berlin';
CREATE TABLE clocks AS SELECT s AS season, t.ts, t.ts::timestamp AS local, v FROM (VALUES ('spring', '2026-03-24'::timestamptz), ('autumn', '2026-10-20')) x (s, first), LATERAL (SELECT first + i * interval '5 min' AS ts, v FROM plain) t;
SELECT tsad.create_monitor(s || ' ' || c, format('SELECT %I AS ts, v FROM clocks WHERE season = %L', c, s), 'ts', 'v', start_at => (SELECT min(ts) FROM clocks WHERE season = s) + interval '4 days', train_window => '10 days') > 0 AS created FROM unnest('{spring,autumn}'::text[]) s, unnest('{ts,local}'::text[]) c;
SET timezone = 'UTC';
DO $$
DECLARE
    i int;
    n text;
BEGIN
    FOR i IN 10..33 LOOP
        FOR n IN SELECT name FROM tsad.monitor WHERE name ~ 'spring|autumn' LOOP
            CALL tsad.run_monitor(n, CASE WHEN n ~ 'spring' THEN '2026-03-24'::timestamptz ELSE '2026-10-20' END + i * interval '6 hours');
        END LOOP;
    END LOOP;
END $$;
SELECT m.name, s.state, s.message, s.newest_at, s.rows_too_late, (SELECT count(*) FROM tsad.anomalies a WHERE a.monitor = m.name) AS events,
       (SELECT bool_or(a.started_at <= x.at AND a.last_at >= x.at) FROM tsad.anomalies a, (SELECT CASE WHEN m.name ~ 'spring' THEN '2026-03-23 23:00+00'::timestamptz ELSE '2026-10-19 22:00+00' END + 1810 * interval '5 min') x (at) WHERE a.monitor = m.name) AS incident_found
  FROM tsad.monitor m, tsad.series_status(m.name) s WHERE m.name ~ 'spring|autumn' ORDER BY 1;

-- A view made anew, wrongly first; a materialized one that is empty, unpopulated, and good.
CREATE VIEW changing AS SELECT ts, v FROM plain;
SELECT tsad.create_monitor('changing', 'changing', 'ts', 'v', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('changing', at(1790));
CREATE OR REPLACE VIEW changing AS SELECT ts, v / 0 AS v FROM plain;
CALL tsad.run_monitor('changing', at(1830));
SELECT state, message FROM tsad.series_status('changing');
DROP VIEW changing; CREATE MATERIALIZED VIEW changing AS SELECT extract(epoch FROM ts)::bigint AS ts, v FROM plain;
CALL tsad.run_monitor('changing', at(1900));
DROP MATERIALIZED VIEW changing; CREATE MATERIALIZED VIEW changing AS SELECT ts, v FROM plain WITH NO DATA;
CALL tsad.run_monitor('changing', at(1900));
SELECT state, message FROM tsad.monitor_status('changing');
REFRESH MATERIALIZED VIEW changing;
CALL tsad.run_monitor('changing', at(2399));
SELECT state, message FROM tsad.monitor_status('changing');
SELECT * FROM found('changing');

-- Many series at once that have next to nothing.
CREATE TABLE born AS SELECT n, at(2390 + j) AS ts, n::float8 AS v FROM generate_series(1, 1000) n, generate_series(1, 3) j;
SELECT tsad.create_monitor('born', 'born', 'ts', 'v', '{n}', start_at => at(1500)) > 0 AS created;
CALL tsad.run_monitor('born', at(2399)); CALL tsad.run_monitor('born', at(2399));
SELECT state, message, count(*) FROM tsad.series_status('born') GROUP BY 1, 2;

-- A key longer than an entry of an index.
CREATE TABLE long_names AS SELECT (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 150) n) AS a, ts, v FROM plain;
SELECT tsad.create_monitor('long', 'long_names', 'ts', 'v', series_columns => '{a}', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('long', at(2399));
SELECT state, message, incidents, others FROM found('long');

SELECT count(tsad.drop_monitor(name)) AS dropped FROM tsad.monitor;
DROP FUNCTION found(text);
DROP VIEW seen;
DROP SCHEMA apart CASCADE;
DROP MATERIALIZED VIEW changing;
DROP TABLE plain, "odd ""names", typed, arrays, local, days, parts, bad, long_names, tagged, clocks, born;
DROP TYPE tag;
