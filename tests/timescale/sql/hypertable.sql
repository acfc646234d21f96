-- A hypertable of many chunks gives what a plain table gives.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE plain AS SELECT host, at(i) AS ts, wave(i) + CASE WHEN host = 'a' AND i BETWEEN 3200 AND 3220 THEN 4 ELSE 0 END AS cpu, wave(2 * i) AS mem
  FROM unnest(ARRAY['a', 'b']) host, generate_series(0, 3999) i;
CREATE TABLE metric (host text NOT NULL, ts timestamptz NOT NULL, cpu float8, mem float8);
SELECT count(*) FROM create_hypertable('metric', by_range('ts', interval '1 day'));
INSERT INTO metric TABLE plain;
CREATE INDEX ON metric (host, ts);
ANALYZE metric;
SELECT count(*) AS chunks FROM show_chunks('metric');

-- The same models, byte for byte, and the same scores.
CREATE TABLE model AS SELECT host, tsad.train(ts, cpu) AS model FROM metric WHERE ts < at(3000) GROUP BY host;
SELECT host, model = (SELECT tsad.train(ts, cpu) FROM plain WHERE ts < at(3000) AND plain.host = model.host) AS same FROM model ORDER BY host;
CREATE TABLE scored AS SELECT * FROM tsad.detect('plain', 'ts', 'cpu', series_columns => '{host}', models => 'model');
SELECT count(*) AS rows, count(*) FILTER (WHERE d.score IS NOT DISTINCT FROM s.score AND d.status = s.status AND d.is_anomaly IS NOT DISTINCT FROM s.is_anomaly) AS same
  FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model') d JOIN scored s USING (series, ts);
SELECT series->>'host' AS host, started_at <= at(3200) AND ended_at >= at(3220) AS found, n_points > 20 AS points
  FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', since => at(3000));
SELECT count(*) FILTER (WHERE is_anomaly) > 0 AS found
  FROM (SELECT ts, (s).is_anomaly FROM (SELECT ts, tsad.score(model, ts, cpu) OVER (PARTITION BY host ORDER BY ts) AS s FROM metric JOIN model USING (host)) w) p
 WHERE ts BETWEEN at(3200) AND at(3300);
SELECT series->>'host' AS host, count(*) FROM tsad.clean('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', since => at(3000)) GROUP BY 1 ORDER BY 1;

-- What would be trained, and what is wrong with it.
SELECT series, rows, sampling_interval, stretches, verdict, message FROM tsad.suggest('metric', 'ts', 'cpu', series_columns => '{host}') ORDER BY series;
SELECT "check", ok, message FROM tsad.validate('metric', 'ts', 'cpu', series_columns => '{host}');

-- Measures and pictures.
SELECT host, round((e).vus_pr::numeric, 2) > 0.3 AS ranks FROM (
  SELECT d.series->>'host' AS host, tsad.evaluate(d.score, d.ts BETWEEN at(3200) AND at(3220), d.ts) AS e
    FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', since => at(3000)) d
   WHERE d.series->>'host' = 'a' GROUP BY 1) m;
SELECT tsad.plot(ts, cpu) = (SELECT tsad.plot(ts, cpu) FROM plain WHERE host = 'a') AS same_picture, tsad.plot(ts, cpu) LIKE '<svg%</svg>%' AS svg FROM metric WHERE host = 'a';

-- Partial aggregation in parallel over the chunks; without workers the models are the same.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT log_plans();
CREATE VIEW parallel_plan AS
  SELECT bool_or(line ~ 'Finalize (Group|Hash)?Aggregate') AS finalize, bool_or(line ~ 'Gather') AS gather, bool_or(line ~ 'Partial (Group|Hash)?Aggregate') AS partial,
         count(DISTINCT substring(line FROM '_hyper_\d+_\d+_chunk')) AS chunks
    FROM plans_of('SELECT host, tsad.train(ts, cpu) FROM metric WHERE ts < at(3000) GROUP BY host') line;
TABLE parallel_plan;
SELECT host, model = (SELECT tsad.train(ts, cpu) FROM metric WHERE ts < at(3000) AND metric.host = model.host) AS same FROM model ORDER BY host;
SET max_parallel_workers_per_gather = 0;
SELECT host, model = (SELECT tsad.train(ts, cpu) FROM metric WHERE ts < at(3000) AND metric.host = model.host) AS same FROM model ORDER BY host;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- Chunk exclusion: since and until read the chunks they need, and what a window before them needs.
SELECT * FROM chunks_read($$SELECT count(*) FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model')$$, 'metric');
SELECT * FROM chunks_read($$SELECT count(*) FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', since => at(3900))$$, 'metric');
SELECT * FROM chunks_read($$SELECT count(*) FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', since => at(1000), until => at(1100))$$, 'metric');
SELECT * FROM chunks_read($$SELECT count(*) FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', since => at(3900))$$, 'metric');
SELECT * FROM chunks_read($$SELECT tsad.train(ts, cpu) FROM metric WHERE ts >= at(2000) AND ts < at(3000)$$, 'metric');

-- Chunks dropped by retention are missing history, nothing else.
SELECT count(*) AS dropped FROM drop_chunks('metric', older_than => at(1000));
SELECT count(*) AS rows, min(ts) >= at(860) AS from_what_is_left,
       bool_and(d.score IS NOT DISTINCT FROM s.score) FILTER (WHERE ts >= at(864 + 512)) AS same_beyond_the_windows_of_the_cut
  FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model') d JOIN scored s USING (series, ts);
DROP VIEW parallel_plan;
DROP TABLE metric;
DROP TABLE plain, scored, model;
