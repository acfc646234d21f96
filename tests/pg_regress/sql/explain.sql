-- Why rows and episodes got their score.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE metric AS SELECT host, at(i) AS ts, i, 50 + 10 * wave(i) + CASE WHEN host = 'a' AND i BETWEEN 2600 AND 2619 THEN 40 ELSE 0 END AS cpu,
    20 + wave(i + 7) AS mem FROM unnest(ARRAY['a', 'b']) host, generate_series(0, 2999) i;
CREATE TABLE model AS SELECT host, tsad.train(ts, cpu) AS model FROM metric WHERE i < 2000 GROUP BY host;
CREATE TABLE joint AS SELECT host, tsad.train(ts, ARRAY[cpu, mem]) AS model FROM metric WHERE i < 2000 GROUP BY host;

-- One row an episode, at its peak, with the same times as tsad.events.
CREATE TABLE episode AS SELECT * FROM tsad.explain('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model');
\x on
SELECT series, event_id, started_at <= at(2600) AND ended_at >= at(2619) AS found, ts BETWEEN at(2600) AND at(2619) AS peak_is_inside, column_name,
       direction, value > upper AS above, expected BETWEEN lower AND upper AS expected, is_anomaly, score > threshold AS agrees, reason LIKE 'cpu is %, expected %; mostly seen in %' AS reason,
       (SELECT sum(v::numeric) FROM jsonb_each_text(views) e(k, v)) AS views, contributions, (SELECT sum(v::numeric) FROM jsonb_each_text(scales) e(k, v)) AS scales,
       (SELECT array_agg(k ORDER BY k::int) FROM jsonb_object_keys(scales) k) AS scale_names, regime >= 0 AS regime,
       ts BETWEEN window_from AND window_to AS window, window_values @> ARRAY[value] AS window_holds_value,
       normal_to < at(2000) AND normal_to - normal_from = window_to - window_from AS normal_is_of_the_training,
       cardinality(normal_values) = cardinality(window_values) AS as_long, (SELECT max(v) < 65 FROM unnest(normal_values) v) AS without_the_jump, is_final, status, seq, started_seq, ended_seq, window_from_seq, normal_from_seq
  FROM episode;
\x off
SELECT (SELECT count(*) FROM episode) = (SELECT count(*) FROM tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model')) AS as_many_as_events,
       count(*) AS same FROM episode JOIN tsad.events('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model') e USING (series, event_id, started_at, ended_at)
 WHERE e.peak_at = episode.ts AND e.peak_score = episode.score;

-- One row for every row of a range, normal ones too, with the scores of tsad.detect.
SELECT count(*) AS rows, count(*) FILTER (WHERE (e.score, e.p_value, e.is_anomaly, e.status) = (d.score, d.p_value, d.is_anomaly, d.status)) AS same,
       bool_and(started_at IS NULL AND event_id IS NULL) AS no_episode, bool_and(reason LIKE 'not an anomaly, p-value %') FILTER (WHERE NOT e.is_anomaly) AS says_normal
  FROM tsad.explain('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', since => at(2590), until => at(2630), each => 'row') e
  JOIN tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model') d USING (series, ts);

-- Which of several columns is to blame; what was normal is told of that one.
SELECT column_name, contributions->>'cpu' > '0.5' AS blames_cpu, value > 70 AS value, (SELECT max(v) BETWEEN 50 AND 70 FROM unnest(normal_values) v) AS normal
  FROM tsad.explain('metric', 'ts', '{cpu,mem}', series_columns => '{host}', models => 'joint') WHERE ts BETWEEN at(2600) AND at(2619);

-- Arrays: episodes, or given times; integers as times.
SELECT e.event_id, e.ts = p.ts AS same_peak, e.reason = replace(p.reason, 'cpu is', 'value is') AS same_reason
  FROM episode p, model, (SELECT array_agg(ts) AS ts, array_agg(cpu) AS cpu FROM metric WHERE host = 'a') m, tsad.explain(model, m.ts, cpu) e WHERE model.host = 'a';
SELECT e.ts, e.is_anomaly, e.status, e.scales IS NOT NULL AS explained
  FROM model, (SELECT array_agg(ts) AS ts, array_agg(cpu) AS cpu FROM metric WHERE host = 'b') m, tsad.explain(model, m.ts, cpu, ARRAY[at(2200), at(1), NULL, at(9999)]) e WHERE model.host = 'b';
SELECT e.ts, e.seq BETWEEN 2600 AND 2619 AS peak, started_seq <= 2600 AND ended_seq >= 2619 AS range, window_from_seq <= e.seq AS window, normal_from_seq < 2000 AS normal, window_from
  FROM (SELECT tsad.train(i::bigint, cpu) AS model FROM metric WHERE host = 'a' AND i < 2000) t,
       (SELECT array_agg(i::bigint) AS seq, array_agg(cpu) AS cpu FROM metric WHERE host = 'a') m, tsad.explain(model, m.seq, cpu) e;

-- What has no score says why.
SELECT ts, status, reason, scales FROM tsad.explain('SELECT ts, nullif(cpu, 0) AS cpu FROM metric WHERE host = ''a'' AND i < 20 UNION ALL SELECT NULL, 1', 'ts', 'cpu', model => (SELECT model FROM model WHERE host = 'a'), each => 'row')
 WHERE ts IS NULL OR ts < at(2);
SELECT DISTINCT series, status, reason FROM tsad.explain('SELECT ''c'' AS host, ts, cpu FROM metric WHERE i < 40', 'ts', 'cpu', series_columns => '{host}', models => 'model', each => 'row');
SELECT count(*) FROM tsad.explain('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', since => 'infinity');
SELECT count(*) FROM tsad.explain(NULL, ARRAY[at(1)], '{1}');
SELECT count(*) FROM model, tsad.explain(model, '{}'::timestamptz[], '{}');
-- A column of dates: the times of windows are shown as those of rows are.
SELECT ts BETWEEN window_from AND window_to AS window, normal_from < ts AS normal FROM tsad.explain('SELECT ''2000-01-01''::date + i AS day, cpu FROM metric WHERE host = ''a''', 'day', 'cpu', train_until => '2005-01-01');
\x on
SELECT * FROM error_of($$SELECT * FROM tsad.explain('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', each => 'point')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.explain('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', each => NULL)$$);
SELECT * FROM error_of($$SELECT tsad.explain(model, ARRAY[at(1)], ARRAY[[1,2]]) FROM model$$);
SELECT * FROM error_of($$SELECT * FROM tsad.explain('metric', 'ts', 'cpu')$$);
\x off
DROP TABLE metric, model, joint, episode;
