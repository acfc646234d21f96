-- tsad.score as a window function: each row by the rows before it.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE metric (host text, ts timestamptz, seq bigint, cpu float8, mem float8);
INSERT INTO metric SELECT h, at(i), i, wave(i) + CASE WHEN h = 'a' AND i BETWEEN 1800 AND 1839 THEN 4 ELSE 0 END, wave(2 * i)
  FROM unnest('{a,b}'::text[]) h, generate_series(0, 1999) i;
CREATE TABLE model AS SELECT host, tsad.train(ts, cpu) AS model FROM metric WHERE seq < 1500 GROUP BY host;

-- Every row a result, in one pass over each partition.
SELECT * FROM plan_of($$SELECT ts, tsad.score(model, ts, cpu) OVER (PARTITION BY host ORDER BY ts) FROM metric JOIN model USING (host)$$) line;
CREATE TABLE scored AS
  SELECT host, seq, ts, s.* FROM (
    SELECT host, seq, ts, tsad.score(model, ts, cpu) OVER (PARTITION BY host ORDER BY ts) AS s FROM metric JOIN model USING (host)) w, LATERAL (SELECT (w.s).*) s;
SELECT host, status, count(*), count(score) AS scored, count(*) FILTER (WHERE is_anomaly) > 0 AS alarms, bool_and(is_final) AS final FROM scored GROUP BY 1, 2 ORDER BY 1, 2;
SELECT min(seq) - 1800 BETWEEN 0 AND 31 AS in_time, bool_and(direction = 1) FILTER (WHERE seq BETWEEN 1810 AND 1839) AS upwards
  FROM scored WHERE host = 'a' AND is_anomaly AND status = 'ok' AND seq >= 1700;

-- Flag, threshold and p-value agree everywhere; shares sum to one; severity is the ratio; the threshold is that of causal scores.
SELECT bool_and(is_anomaly = (score > threshold)) AS flag_is_threshold,
       bool_and(is_anomaly = (p_value < (tsad.model_info(model)->'causal_calibration'->>'alpha')::float8)) AS flag_is_p_value,
       bool_and(threshold = (tsad.model_info(model)->'causal_calibration'->>'threshold')::float8) AS threshold_is_causal,
       bool_and((SELECT sum(v::numeric) = 1 FROM jsonb_each_text(views) e(k, v))) AS views_sum_to_one,
       bool_and(contributions = '{"value": 1}') AS contributions_sum_to_one, bool_and(severity = score / threshold) AS severity_is_ratio
  FROM scored JOIN model USING (host) WHERE score IS NOT NULL AND seq % 50 = 0;
SELECT count(*) FROM scored WHERE score IS NULL AND (threshold IS NOT NULL OR p_value IS NOT NULL OR is_anomaly IS NOT NULL OR views IS NOT NULL);

-- Later rows change nothing, nor do rows before the longest window; as an aggregate it is the result of the last row.
SELECT count(*) AS different FROM (
  SELECT host, seq, (tsad.score(model, ts, cpu) OVER (PARTITION BY host ORDER BY ts)).score FROM metric JOIN model USING (host) WHERE seq < 1820
  EXCEPT SELECT host, seq, score FROM scored) d;
SELECT count(*) AS different FROM (
  SELECT host, seq, score FROM (
    SELECT host, seq, (tsad.score(model, ts, cpu) OVER (PARTITION BY host ORDER BY ts)).score FROM metric JOIN model USING (host) WHERE seq >= 1000) w WHERE seq >= 1000 + 256 + 2 * 32
  EXCEPT SELECT host, seq, score FROM scored) d;
SELECT host, (tsad.score(model, ts, cpu ORDER BY ts)).score = (SELECT score FROM scored s WHERE s.host = j.host AND seq = 1999) AS last_row
  FROM (SELECT * FROM metric JOIN model USING (host)) j GROUP BY host ORDER BY host;

-- Frames: rows of equal time are peers by default; a frame of some rows begins anew with it.
SELECT count(DISTINCT (s).score) AS scores, count(*) AS rows FROM (
  SELECT ts, tsad.score(model, ts, cpu + k) OVER (ORDER BY ts) AS s FROM metric JOIN model USING (host), generate_series(0, 1) k WHERE host = 'b' AND seq < 300) w WHERE ts = at(299);
SELECT (s).status, count(*) FROM (
  SELECT tsad.score(model, ts, cpu) OVER (ORDER BY ts ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS s FROM metric JOIN model USING (host) WHERE host = 'b' AND seq < 100) w GROUP BY 1;

-- Several values, and times of other types.
SELECT bool_and((s).contributions ?& '{1,2}') AS by_subscript, count((s).score) AS scored FROM (
  SELECT tsad.score(m, ts, ARRAY[cpu, mem]) OVER (ORDER BY ts) AS s
    FROM metric, (SELECT tsad.train(ts, ARRAY[cpu, mem]) AS m FROM metric WHERE host = 'b' AND seq < 1000) t WHERE host = 'b' AND seq >= 1500) w WHERE (s).score IS NOT NULL;
SELECT count(*) FILTER (WHERE (s).score = (t).score) AS same_timestamp, count(*) FILTER (WHERE (n).score IS NOT NULL) AS integers FROM (
  SELECT tsad.score(model, ts, cpu) OVER w AS s, tsad.score(model, ts AT TIME ZONE 'UTC', cpu) OVER w AS t,
         tsad.score((SELECT tsad.train(seq, cpu) FROM metric WHERE host = 'b' AND seq < 1000), seq, cpu) OVER w AS n
    FROM metric JOIN model USING (host) WHERE host = 'b' AND seq >= 1500 WINDOW w AS (ORDER BY seq)) x WHERE (s).score IS NOT NULL;

-- Models are told apart by what they are, not by where they are kept.
SELECT count((s).score) AS scored FROM (
  SELECT tsad.score(CASE WHEN seq % 2 = 0 THEN m.model ELSE c.model END, ts, cpu) OVER (ORDER BY ts) AS s
    FROM metric JOIN model m USING (host), LATERAL (SELECT m.model || '' AS model OFFSET 0) c WHERE host = 'b' AND seq < 100) w;

-- What cannot be scored has a status; the rows around it are scored all the same.
CREATE TABLE odd AS SELECT row_number() OVER () AS n, ts, cpu FROM (
  SELECT ts, cpu FROM metric WHERE host = 'b' AND seq BETWEEN 1500 AND 1600 UNION ALL
  VALUES (at(1601), NULL::float8), (at(1602), 'NaN'), (at(1603), 'Infinity'), (NULL, 1), ('infinity', 1), ('-infinity', 1), (at(1500), 0), (at(1604), 0.5), (at(1620), 0.5), (at(1621), 0.5)) o;
SELECT n, ts, cpu, (s).status, (s).message, (s).score IS NOT NULL AS scored FROM (
  SELECT n, ts, cpu, tsad.score(model, ts, cpu) OVER (ORDER BY n) AS s FROM odd, model WHERE host = 'b') w WHERE n > 100 ORDER BY n;
SELECT (s).status, (s).message, count(*) FROM (
  SELECT tsad.score(CASE seq % 5 WHEN 0 THEN model WHEN 1 THEN NULL WHEN 2 THEN '\x54' WHEN 3 THEN two ELSE short END, ts, cpu) OVER (PARTITION BY seq % 5 ORDER BY ts) AS s
    FROM metric JOIN model USING (host), (SELECT tsad.train(ts, ARRAY[cpu, mem]) AS two FROM metric WHERE host = 'b') t, (SELECT tsad.train(ts, cpu) AS short FROM metric WHERE seq < 9 AND host = 'b') u
   WHERE host = 'b' AND seq < 100) w GROUP BY 1, 2 ORDER BY 1, 2;
SELECT (s).status, (s).message FROM (SELECT tsad.score(model, seq, cpu) OVER (ORDER BY ts) AS s FROM metric JOIN model USING (host) WHERE host = 'b' AND seq = 1) w;
SELECT tsad.score(model, ts, cpu) IS NULL AS no_rows FROM metric JOIN model USING (host) WHERE false;

-- Windows of their own: a season that no hop divides is normal in every phase, what is odd is seen as it comes, and hindsight stays as it is.
CREATE TABLE season AS SELECT i AS seq, sin(i / 29.3 * 2 * pi()) + cos(i / 29.3 * 6 * pi()) / 2 + ((i::bigint * i * 7919 + 13 * i) % 1009) / 5045.0 + CASE WHEN i BETWEEN 11000 AND 11007 THEN 0.7 ELSE 0 END AS v
  FROM generate_series(0, 11999) i;
CREATE TABLE own AS SELECT tsad.train(seq, v, '{"alpha": 0.01, "causal": true}') AS model, tsad.train(seq, v, '{"alpha": 0.01}') AS plain FROM season WHERE seq < 6000;
SELECT tsad.model_info(model)->'causal_scales' AS own, tsad.model_info(plain)->'causal_scales' AS plain, length(model) > 3 * length(plain) AS larger FROM own;
CREATE TABLE seen AS SELECT seq, (s).*, (p).score AS plain_score, (p).is_anomaly AS plain_is_anomaly
  FROM (SELECT seq, tsad.score(model, seq, v) OVER (ORDER BY seq) AS s, tsad.score(plain, seq, v) OVER (ORDER BY seq) AS p FROM season, own) w;
SELECT count(*) FILTER (WHERE is_anomaly) BETWEEN 0 AND 100 AS as_often_as_asked_for, count(*) AS rows FROM seen WHERE seq BETWEEN 6000 AND 10999;
SELECT min(seq) FILTER (WHERE is_anomaly) - 11000 AS rows_after_it_began, min(seq) FILTER (WHERE plain_is_anomaly) - 11000 AS in_step FROM seen WHERE seq BETWEEN 11000 AND 11100;
SELECT count(*) FILTER (WHERE score = before) AS repeated, count(*) FILTER (WHERE plain_score = plain_before) > 2000 AS repeated_in_step
  FROM (SELECT *, lag(score) OVER w AS before, lag(plain_score) OVER w AS plain_before FROM seen WHERE seq >= 1000 WINDOW w AS (ORDER BY seq)) l;
SELECT count(*) AS different FROM (
  SELECT d.* FROM own, LATERAL tsad.score_series(own.model, (SELECT array_agg(seq ORDER BY seq) FROM season), (SELECT array_agg(v ORDER BY seq) FROM season)) s, LATERAL (SELECT s.seq, s.score, s.p_value, s.is_anomaly) d
  EXCEPT
  SELECT d.* FROM own, LATERAL tsad.score_series(own.plain, (SELECT array_agg(seq ORDER BY seq) FROM season), (SELECT array_agg(v ORDER BY seq) FROM season)) s, LATERAL (SELECT s.seq, s.score, s.p_value, s.is_anomaly) d) e;
DROP TABLE season, own, seen;

-- A state of bounded size: the memory of a session does not grow with the partition.
CREATE FUNCTION context_bytes(rows int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE most bigint := 0; r record;
BEGIN
    FOR r IN EXECUTE format('SELECT i, (tsad.score(m, at(i), wave(i)) OVER (ORDER BY i)).score AS s FROM generate_series(1, %s) i, (SELECT model AS m FROM model WHERE host = ''b'') t', rows) LOOP
        IF r.i % 500 = 0 THEN
            most := greatest(most, (SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name LIKE 'WindowAgg%'));
        END IF;
    END LOOP;
    RETURN most;
END $$;
SELECT context_bytes(20000) <= context_bytes(2000) AS bounded;

-- The model must be the same throughout a partition.
\x on
UPDATE model SET model = (SELECT tsad.train(ts, cpu) FROM metric WHERE host = 'a') WHERE host = 'a';
SELECT * FROM error_of($$SELECT tsad.score(model, ts, cpu) OVER (ORDER BY ts) FROM metric JOIN model USING (host)$$);
SELECT state IN ('42883', '0A000') AS refused FROM error_of($$SELECT tsad._score_final(NULL)$$);
DROP TABLE metric, model, scored, odd;
DROP FUNCTION context_bytes;
