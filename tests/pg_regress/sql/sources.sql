-- Where rows come from: names, queries, arrays of columns; and models that are trained on the fly.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE metric AS SELECT host, at(i) AS ts, wave(i) + CASE WHEN host = 'a' AND i BETWEEN 1700 AND 1720 THEN 4 ELSE 0 END AS cpu, wave(2 * i) AS mem
  FROM unnest(ARRAY['a', 'b']) host, generate_series(0, 1999) i;
CREATE TABLE model AS SELECT host, tsad.train(ts, cpu) AS model FROM metric WHERE ts < at(1500) GROUP BY host;
CREATE TABLE scored AS SELECT * FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model');

-- One statement, nothing stored: what is odd in this table?
SELECT count(*) AS rows, count(*) FILTER (WHERE d.score = s.score AND d.is_anomaly = s.is_anomaly AND d.status = s.status) AS same
  FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', train_until => at(1500)) d JOIN scored s USING (series, ts);
SELECT series->>'host' AS host, min(ts) <= at(1700) AND max(ts) >= at(1720) AS found
  FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', train_until => at(1500), since => at(1500)) WHERE is_anomaly GROUP BY 1;
SELECT series->>'host' AS host, n_points > 20 AS points FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', train_until => at(1500));
SELECT status, count(*) FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', train_until => at(1500), since => at(1400), until => at(1600)) GROUP BY 1 ORDER BY 1;
SELECT count(*) FILTER (WHERE is_anomaly OR in_shadow) > (SELECT count(*) FILTER (WHERE is_anomaly OR in_shadow) FROM scored) AS more_stand_out
  FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', train_until => at(1500), options => '{"alpha": 0.2}') WHERE score IS NOT NULL;

-- A series too short to be trained is told of, and stops nothing.
INSERT INTO metric SELECT 'c', at(1490 + i), wave(i), 0 FROM generate_series(0, 99) i;
SELECT series->>'host' AS host, status, message, count(*) FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', train_until => at(1500)) GROUP BY 1, 2, 3 ORDER BY 1, 2;
DELETE FROM metric WHERE host = 'c';

-- Queries: joins, rollups, values made up on the way.
SELECT count(*) AS rows, count(*) FILTER (WHERE d.score = s.score) AS same
  FROM tsad.detect('SELECT ts AS t, host AS h, cpu AS "Value" FROM metric', 't', 'Value', series_columns => '{h}', model => (SELECT model FROM model WHERE host = 'a')) d
  JOIN scored s ON s.series->>'host' = d.series->>'h' AND s.ts = d.ts WHERE d.series->>'h' = 'a';
SELECT count(*) FROM tsad.detect('WITH hourly AS (SELECT date_trunc(''hour'', ts) AS ts, avg(cpu) AS cpu FROM metric GROUP BY 1) SELECT * FROM hourly;', 'ts', 'cpu', train_until => at(1500));
SELECT count(*) FROM tsad.detect('  (SELECT * FROM metric LIMIT 70)', 'ts', 'cpu', train_until => at(1500));
SELECT count(*) FROM tsad.detect('TABLE metric', 'ts', '{cpu,mem}', series_columns => '{host}', train_until => at(1500));
SELECT count(*) FROM tsad.detect('metric'::regclass, 'ts', ARRAY['cpu', 'mem'], series_columns => '{host}', train_until => at(1500));

-- Nothing stays open: later in the same transaction the source can be changed.
BEGIN;
CREATE TABLE closed AS SELECT ts, cpu FROM metric WHERE host = 'a';
SELECT count(*) FROM tsad.detect('closed', 'ts', 'cpu', train_until => at(1500));
SELECT verdict FROM tsad.suggest('closed', 'ts', 'cpu');
SELECT count(*) AS open FROM pg_cursors WHERE statement LIKE '%closed%' AND statement NOT LIKE '%pg_cursors%';
DROP TABLE closed;
COMMIT;

-- A table may be called like a keyword.
CREATE TABLE "values" AS SELECT ts, cpu FROM metric WHERE host = 'a';
CREATE TABLE selected AS TABLE "values";
SELECT (SELECT count(*) FROM tsad.detect('"values"', 'ts', 'cpu', train_until => at(1500))) AS keyword,
       (SELECT count(*) FROM tsad.detect('selected', 'ts', 'cpu', train_until => at(1500))) AS prefix;

\x on
-- A query cannot write, is one statement, and has its own errors.
SELECT * FROM error_of($$SELECT * FROM tsad.detect('WITH x AS (DELETE FROM metric RETURNING *) SELECT * FROM x', 'ts', 'cpu', train_until => at(1500))$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('SELECT ts, cpu FROM metric) q; DROP TABLE metric; SELECT * FROM (SELECT 1', 'ts', 'cpu', train_until => at(1500))$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('SELECT ts, cpu FROM nowhere', 'ts', 'cpu', train_until => at(1500))$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('SELECT ts, cpu FROM metric', 'ts', 'cpus', train_until => at(1500))$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('SELECT cpu, ts FROM metric', 'cpu', 'ts', train_until => at(1500))$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('nowhere', 'ts', 'cpu', train_until => at(1500))$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', models => 'model', train_until => at(1500))$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', models => 'model', options => '{}')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', train_until => at(1500), options => '{"sed": 3}')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', '{cpu,NULL}', train_until => at(1500))$$);
SELECT * FROM error_of($$SELECT * FROM tsad.detect('metric', 'ts', '{}', train_until => at(1500))$$);
\x off
DROP TABLE metric, model, scored, "values", selected;
