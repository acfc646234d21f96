-- Scoring arrays: the rows of tsad.detect without a table.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE metric AS
  SELECT at(i) AS ts, i AS seq, wave(i) + CASE WHEN i BETWEEN 900 AND 909 THEN 4 WHEN i = 700 THEN NULL END AS cpu, wave(2 * i) AS mem
    FROM generate_series(0, 999) i;
UPDATE metric SET cpu = wave(seq) WHERE cpu IS NULL AND seq <> 700;
CREATE TABLE model AS
  SELECT tsad.train(ts, cpu) AS one, tsad.train(ts, ARRAY[cpu, mem]) AS two, tsad.train(seq::bigint, cpu) AS numbered FROM metric WHERE seq < 600;

-- Every column is that of tsad.detect_details.
CREATE TABLE detected AS SELECT * FROM tsad.detect_details('metric', 'ts', 'cpu', model => (SELECT one FROM model));
CREATE TABLE scored AS
  SELECT s.* FROM model, (SELECT array_agg(ts ORDER BY ts) AS ts, array_agg(cpu ORDER BY ts) AS cpu FROM metric) m, tsad.score_series(one, m.ts, cpu) s;
SELECT count(*), count(s.score) AS scored, count(*) FILTER (WHERE s.is_anomaly) > 0 AS found,
       count(*) FILTER (WHERE (d.ts, d.seq, d.value, d.score, d.threshold, d.p_value, d.is_anomaly, d.severity, d.views, d.imputed, d.is_final, d.status, d.message)
         IS DISTINCT FROM (s.ts, s.seq, s.value, s.score, s.threshold, s.p_value, s.is_anomaly, s.severity, s.views, s.imputed, s.is_final, s.status, s.message)) AS different
  FROM detected d JOIN scored s USING (ts);
SELECT DISTINCT contributions, "values" FROM scored WHERE score IS NOT NULL;

-- In any order, the rows come out in the order of time; from the target list, too.
SELECT bool_and(ts = lead) FROM (
  SELECT s.ts, lag(s.ts) OVER () + interval '5 min' AS lead
    FROM model, (SELECT array_agg(ts ORDER BY md5(seq::text)) AS ts, array_agg(cpu ORDER BY md5(seq::text)) AS cpu FROM metric) m, tsad.score_series(one, m.ts, cpu) s) o;
SELECT count(*), count(DISTINCT ts) FROM (SELECT (tsad.score_series(one, ARRAY[at(1), at(2)], '{1,2}')).* FROM model) s;

-- Several values a time: a two-dimensional array.
SELECT count(*), bool_and(j.score = d.score AND s.views = d.views) AS same_scores, min(s.contributions::text) LIKE '{"1": %, "2": %}' AS by_subscript, bool_and(s.value IS NULL AND cardinality(s."values") = 2) AS arrays
  FROM model, (SELECT array_agg(ts ORDER BY ts) AS ts, array_agg(ARRAY[cpu, mem] ORDER BY ts) AS both FROM metric) m, tsad.score_series(two, m.ts, "both") s
  JOIN tsad.detect_details('metric', 'ts', '{cpu,mem}'::text[], model => (SELECT two FROM model)) d USING (ts), LATERAL (SELECT s.score) j WHERE s.score IS NOT NULL;

-- Times that are integers.
SELECT count(*), count(n.ts) AS ts, min(n.seq), max(n.seq), count(*) FILTER (WHERE n.score = s.score) AS same
  FROM model, (SELECT array_agg(seq::bigint ORDER BY seq) AS seq, array_agg(cpu ORDER BY seq) AS cpu FROM metric) m, tsad.score_series(numbered, m.seq, cpu) n (ts, seq, value, "values", score)
  JOIN (SELECT row_number() OVER (ORDER BY ts) - 1 AS seq, score FROM scored) s ON s.seq = n.seq;

-- What cannot be scored is NULL with a status: gaps, infinite values and times, times that are NULL, too few values.
SELECT s.ts, value, score, status, message FROM model, tsad.score_series(one,
    ARRAY[at(3), NULL, at(1), 'infinity', at(2), at(2), '-infinity'], '{1,2,NULL,4,NaN,Infinity,7}') s;
SELECT count(*) FROM model, tsad.score_series(one, '{}'::timestamptz[], '{}') s;
SELECT count(*) FROM model, tsad.score_series(NULL, ARRAY[at(1)], '{1}') s;

-- One call a series.
CREATE TABLE series AS SELECT n, array_agg(ts ORDER BY ts) AS ts, array_agg(cpu + n ORDER BY ts) AS cpu FROM metric, generate_series(1, 3) n WHERE cpu IS NOT NULL GROUP BY n;
SELECT n, count(score), count(*) FILTER (WHERE is_anomaly) > 300 AS level_shift FROM series, model, tsad.score_series(one, series.ts, cpu) s GROUP BY n ORDER BY n;

-- Errors.
\x on
SELECT * FROM error_of($$SELECT * FROM model, tsad.score_series(one, ARRAY[at(1), at(2)], '{1}')$$);
SELECT * FROM error_of($$SELECT * FROM model, tsad.score_series(one, ARRAY[at(1), at(2)], '{{1,2},{3,4}}')$$);
SELECT * FROM error_of($$SELECT * FROM model, tsad.score_series(two, ARRAY[at(1), at(2)], '{1,2}')$$);
SELECT * FROM error_of($$SELECT * FROM model, tsad.score_series(two, ARRAY[at(1)], '{{{1,2}}}')$$);
SELECT * FROM error_of($$SELECT * FROM model, tsad.score_series(two, ARRAY[ARRAY[at(1)]], '{{1,2}}')$$);
SELECT * FROM error_of($$SELECT * FROM tsad.score_series('\x00', ARRAY[at(1)], '{1}')$$);
\x off
SELECT status, message FROM model, tsad.score_series(numbered, ARRAY[at(1)], '{1}');
DROP TABLE metric, model, detected, scored, series;
