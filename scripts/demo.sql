-- What scripts/demo shows. Run by psql with the variable "data": the folder of nab.csv and series.csv.
\set QUIET on
\set ON_ERROR_STOP on
\pset footer off
\pset pager off
\pset null '-'
SET client_min_messages = warning;

\echo '==> loading six labelled series'
CREATE EXTENSION pg_tsad;
CREATE TABLE metric (series text, ts timestamptz, value float8, label int);
CREATE TABLE metric_series (series text PRIMARY KEY, source text, rows int, train_rows int, train_until timestamptz,
                            incidents int);
\set file :data '/nab.csv'
COPY metric FROM :'file' (FORMAT csv, HEADER);
\set file :data '/series.csv'
COPY metric_series FROM :'file' (FORMAT csv, HEADER);
CREATE INDEX ON metric (series, ts);
ANALYZE metric;

\echo '==> training: one model a series, from the rows before its first incident'
\echo
\echo '    CREATE TABLE model AS'
\echo '      SELECT series, tsad.train(ts, value) AS model'
\echo '        FROM metric JOIN metric_series USING (series)'
\echo '       WHERE ts < train_until GROUP BY series;'
\echo
SELECT clock_timestamp() AS began \gset
CREATE TABLE model AS
  SELECT series, tsad.train(ts, value) AS model
    FROM metric JOIN metric_series USING (series)
   WHERE ts < train_until GROUP BY series;
SELECT format('    trained %s models from %s rows in %s ms; together they take %s',
              (SELECT count(*) FROM model), (SELECT sum(train_rows) FROM metric_series),
              round(extract(epoch FROM clock_timestamp() - :'began'::timestamptz) * 1000),
              (SELECT pg_size_pretty(sum(octet_length(model))) FROM model)) AS line \gset
\echo :line

\echo '==> scoring: one row an episode'
\echo
\echo '    CREATE TABLE event AS'
\echo '      SELECT * FROM tsad.events(''metric'', ''ts'', ''value'','
\echo '                                series_columns => ''{series}'', models => ''model'');'
\echo
SELECT clock_timestamp() AS began \gset
CREATE TABLE event AS
  SELECT series->>'series' AS series, event_id, started_at, ended_at, peak_at, peak_score, min_p_value, n_points
    FROM tsad.events('metric', 'ts', 'value', series_columns => '{series}', models => 'model');
SELECT format('    scored %s rows in %s ms', (SELECT count(*) FROM metric),
              round(extract(epoch FROM clock_timestamp() - :'began'::timestamptz) * 1000)) AS line \gset
\echo :line
-- A model is not asked about the rows it was trained on.
DELETE FROM event USING metric_series s WHERE event.series = s.series AND ended_at < train_until;

-- The labelled incidents: runs of label = 1.
CREATE TABLE incident AS
  SELECT series, min(ts) AS started_at, max(ts) AS ended_at
    FROM (SELECT series, ts, label,
                 row_number() OVER (PARTITION BY series ORDER BY ts)
                 - row_number() OVER (PARTITION BY series, label ORDER BY ts) AS run
            FROM metric) AS numbered
   WHERE label = 1 GROUP BY series, run;

-- An episode that overlaps an incident found it; one that overlaps none is extra.
CREATE TABLE hit AS
  SELECT i.series, i.started_at AS incident_from, i.ended_at AS incident_to, e.event_id, e.started_at, e.ended_at,
         e.peak_score, e.min_p_value
    FROM incident i
    LEFT JOIN event e ON e.series = i.series AND e.started_at <= i.ended_at
                     AND coalesce(e.ended_at, 'infinity') >= i.started_at;
CREATE TABLE extra AS
  SELECT *, row_number() OVER (PARTITION BY series ORDER BY min_p_value, peak_score DESC) AS place
    FROM event e WHERE NOT EXISTS (SELECT FROM hit h WHERE h.series = e.series AND h.event_id = e.event_id);

\echo
\echo '==> the labelled incidents, and what was found in them (day.month, UTC)'
SELECT series, to_char(incident_from, 'DD.MM HH24:MI') AS labelled_from, to_char(incident_to, 'DD.MM HH24:MI') AS labelled_to,
       CASE WHEN count(event_id) > 0 THEN 'hit' ELSE 'missed' END AS finding, count(event_id) AS episodes,
       to_char(min(started_at), 'DD.MM HH24:MI') AS found_from, CASE WHEN bool_or(event_id IS NOT NULL AND ended_at IS NULL) THEN 'still open'
            ELSE to_char(max(ended_at), 'DD.MM HH24:MI') END AS found_to,
       round(max(peak_score)::numeric, 2) AS peak_score,
       to_char(min(min_p_value), '0.0EEEE') AS min_p
  FROM hit GROUP BY series, incident_from, incident_to ORDER BY series, incident_from;

\echo '==> episodes outside every label: the three strongest of each series'
SELECT series, to_char(started_at, 'DD.MM HH24:MI') AS started, to_char(ended_at, 'DD.MM HH24:MI') AS ended,
       round(peak_score::numeric, 2) AS peak_score, to_char(min_p_value, '0.0EEEE') AS min_p
  FROM extra WHERE place <= 3 ORDER BY series, place;

\echo '==> in short'
SELECT series, incidents AS labelled,
       (SELECT count(DISTINCT incident_from) FROM hit h WHERE h.series = s.series AND event_id IS NOT NULL) AS hit,
       (SELECT count(*) FROM hit h WHERE h.series = s.series AND event_id IS NULL) AS missed,
       (SELECT count(*) FROM extra x WHERE x.series = s.series) AS extra,
       (SELECT round(extract(epoch FROM max(ts) - train_until) / 86400, 1) FROM metric m WHERE m.series = s.series) AS days_watched
  FROM metric_series s ORDER BY series;
