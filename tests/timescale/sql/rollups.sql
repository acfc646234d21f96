-- time_bucket rollups as the source of a query.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE metric (host text NOT NULL, ts timestamptz NOT NULL, cpu float8);
SELECT count(*) FROM create_hypertable('metric', by_range('ts', interval '1 day'));
INSERT INTO metric SELECT host, at(i) + k * interval '1 min', wave(i) + k * 0.01 + CASE WHEN host = 'a' AND i BETWEEN 2700 AND 2720 THEN 4 ELSE 0 END
  FROM unnest(ARRAY['a', 'b']) host, generate_series(0, 2999) i, generate_series(0, 4) k;
CREATE TABLE rolled AS SELECT host, time_bucket('5 min', ts) AS bucket, avg(cpu) AS cpu FROM metric GROUP BY 1, 2;
SELECT count(*) AS rows, count(*) FILTER (WHERE d.score IS NOT DISTINCT FROM r.score) AS same
  FROM tsad.detect('SELECT host, time_bucket(''5 min'', ts) AS bucket, avg(cpu) AS cpu FROM metric GROUP BY 1, 2', 'bucket', 'cpu', series_columns => '{host}', train_until => at(2500)) d
  JOIN tsad.detect('rolled', 'bucket', 'cpu', series_columns => '{host}', train_until => at(2500)) r USING (series, ts);
SELECT series->>'host' AS host, started_at <= at(2700) AND ended_at >= at(2720) AS found
  FROM tsad.events('SELECT host, time_bucket(''5 min'', ts) AS bucket, avg(cpu) AS cpu FROM metric GROUP BY 1, 2', 'bucket', 'cpu', series_columns => '{host}', train_until => at(2500));

-- A view over them is a relation like any other, and the limits reach the chunks below it.
CREATE VIEW rollup AS SELECT host, time_bucket('5 min', ts) AS bucket, avg(cpu) AS cpu, max(cpu) AS peak FROM metric GROUP BY 1, 2;
SELECT count(*) AS rows, count(*) FILTER (WHERE d.score IS NOT DISTINCT FROM r.score) AS same
  FROM tsad.detect('rollup', 'bucket', 'cpu', series_columns => '{host}', train_until => at(2500)) d
  JOIN tsad.detect('rolled', 'bucket', 'cpu', series_columns => '{host}', train_until => at(2500)) r USING (series, ts);
SELECT host, tsad.train(bucket, ARRAY[cpu, peak]) = (SELECT tsad.train(b, v) FROM (SELECT time_bucket('5 min', ts) AS b, ARRAY[avg(cpu), max(cpu)] AS v FROM metric m WHERE m.host = r.host AND ts < at(2500) GROUP BY 1) q) AS same_model
  FROM rollup r WHERE bucket < at(2500) GROUP BY host ORDER BY host;
DROP VIEW rollup;
DROP TABLE metric;
DROP TABLE rolled;
