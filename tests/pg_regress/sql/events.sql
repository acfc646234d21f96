-- Episodes.
SET timezone = 'UTC';
CREATE TABLE metric AS SELECT 'a' AS host, at(i) AS ts,
       wave(i) + CASE WHEN i BETWEEN 1700 AND 1704 OR i BETWEEN 2200 AND 2220 OR i >= 2997 THEN 5 ELSE 0 END AS cpu FROM generate_series(0, 2999) i
 UNION ALL SELECT 'b', at(i), wave(i) FROM generate_series(0, 2999) i;
CREATE TABLE model AS SELECT host, tsad.train(ts, cpu) AS model FROM metric WHERE ts < at(1500) GROUP BY host;

-- One row an episode, the last one open because the series ends in it.
SELECT series, event_id, started_at <= at(CASE event_id WHEN 1 THEN 1700 WHEN 2 THEN 2200 ELSE 2997 END) AS starts_in_time,
       ended_at IS NULL AS open, peak_at BETWEEN started_at AND coalesce(ended_at, 'infinity') AS peak_inside,
       peak_score > 1 AS scored, min_p_value < 0.001 AS unlikely, n_points > 0 AS points, direction, contributions,
       (SELECT sum(v::numeric) FROM jsonb_each_text(views) e(k, v)) AS views
  FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model');

-- Without focus, episodes are made of the anomalous rows of tsad.detect, no more, no less; with it, of those that are
-- not in the shadow of a much higher score.
SELECT (SELECT sum(n_points) FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', focus => 0))
     = (SELECT count(*) FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model') WHERE is_anomaly) AS same;

SELECT focus, e.event_id, e.n_points < 256 AS narrow, e.started_at > at(1700 - 128) AND e.ended_at < at(1704 + 128) AS near
  FROM unnest(ARRAY[0, 0.5, 0.9]::float8[]) focus, tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', focus => focus) e
 WHERE at(1702) BETWEEN e.started_at AND e.ended_at;

-- Longer breaks merged; short episodes left out; a range of time.
SELECT count(*) AS merged FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', merge_gap => '3 days');
SELECT count(*) AS none_merged FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', merge_gap => '0');
SELECT count(*) AS long FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', min_points => 200, focus => 0);
SELECT count(*) AS lasting FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', min_duration => '12 hours', focus => 0);
SELECT count(*) AS in_range FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', since => at(2000), until => at(2500));

-- The duration is that of the anomalous rows.
SELECT bool_and(duration = ended_at - started_at) FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model') WHERE ended_at IS NOT NULL;

-- Several columns.
SELECT bool_or(n_points > 0) AS found FROM tsad.events('metric', 'ts', '{cpu}'::text[], series_columns => '{host}', models => 'model');

-- A series that cannot be scored is named in a warning and stops nothing.
DELETE FROM model WHERE host = 'b';
SELECT DISTINCT series FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model');
-- Times without a unit have no intervals.
SELECT * FROM error_of($$SELECT * FROM tsad.events('SELECT i::bigint AS n, wave(i) AS v FROM generate_series(0, 999) i', 'n', 'v', merge_gap => '1 hour',
                         model => (SELECT tsad.train(i::bigint, wave(i)) FROM generate_series(0, 499) i))$$);
SELECT * FROM error_of($$SELECT * FROM tsad.events('SELECT i::bigint AS n, wave(i) AS v FROM generate_series(0, 999) i', 'n', 'v', min_duration => '1 hour',
                         model => (SELECT tsad.train(i::bigint, wave(i)) FROM generate_series(0, 499) i))$$);
DROP TABLE metric, model;
