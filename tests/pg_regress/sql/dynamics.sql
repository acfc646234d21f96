-- A series that follows a law: what breaks it is found where no value and no form betrays it.
SET timezone = 'UTC';
SET datestyle = 'ISO';
-- The equation of Mackey and Glass (1977), ten steps a row.
CREATE FUNCTION mackey_glass(n int) RETURNS TABLE (i int, v float8) LANGUAGE plpgsql AS $$
DECLARE
    x float8[] := ARRAY(SELECT 0.5 + s / 400.0 FROM generate_series(0, 180) s);
BEGIN
    FOR s IN 182..10 * (n + 200) LOOP
        x[s] := x[s - 1] + (0.2 * x[s - 181] / (1 + x[s - 181] ^ 10) - 0.1 * x[s - 1]) / 10;
    END LOOP;
    RETURN QUERY SELECT r, x[10 * (r + 200)] + (r * 7919 % 101) / 5000.0 FROM generate_series(0, n - 1) r;
END $$;
CREATE TABLE law AS SELECT * FROM mackey_glass(6000);
-- Some hundred rows are cut out after row 4000: up to the place where the eight rows before are most like those that come now.
CREATE TABLE cut AS SELECT b.i AS until FROM law b WHERE b.i BETWEEN 4100 AND 5000
 ORDER BY (SELECT sum((p.v - q.v) ^ 2) FROM law p JOIN law q ON q.i - b.i = p.i - 4000 WHERE p.i BETWEEN 3993 AND 4000) LIMIT 1;
CREATE TABLE src AS SELECT at(row_number() OVER (ORDER BY i)::int - 1) AS ts, v FROM law, cut WHERE i <= 4000 OR i > until;
SELECT max(abs(v - before)) FILTER (WHERE ts = at(4001)) < max(abs(v - before)) AS no_jump FROM (SELECT ts, v, lag(v) OVER (ORDER BY ts) AS before FROM src) s;

CREATE TABLE model AS SELECT tsad.train(ts, v) AS model FROM src WHERE ts < at(2500);
SELECT tsad.model_info(model)->'dynamics' AS dynamics, tsad.model_info(model)->'views' AS views FROM model;
SELECT count(*) AS episodes, bool_and(at(4000) BETWEEN started_at - interval '30 minutes' AND ended_at + interval '30 minutes') AS hit
  FROM model, tsad.events('src', 'ts', 'v', model => model, since => at(2500));
SELECT (views->>'prediction')::float8 > 0.5 AS by_prediction FROM model, tsad.detect_details('src', 'ts', 'v', model => model, since => at(2500)) ORDER BY score DESC LIMIT 1;
-- Nothing of it is learned of noise, nor of several columns.
SELECT tsad.model_info(tsad.train(at(i), wave(i)))->'dynamics' AS noise FROM generate_series(0, 2499) i;
SELECT tsad.model_info(tsad.train(ts, ARRAY[v, -v]))->'dynamics' AS several FROM src WHERE ts < at(2500);

-- Row by row, without later rows.
SELECT ts BETWEEN at(4000) AND at(4064) AS hit, (s).is_anomaly FROM (SELECT ts, tsad.score(model, ts, v) OVER (ORDER BY ts) AS s FROM src, model) w
 WHERE ts >= at(2500) ORDER BY (s).score DESC LIMIT 1;

-- A monitor finds the same however often it runs.
SELECT tsad.create_monitor(m, 'src', 'ts', 'v', start_at => at(2500), train_window => '20 days', retrain_every => NULL) > 0 AS created FROM unnest('{once,often}'::text[]) m;
DO $$
BEGIN
    FOR i IN 2510..4800 BY 53 LOOP
        CALL tsad.run_monitor('often', at(i));
    END LOOP;
END $$;
CALL tsad.run_monitor('often');
CALL tsad.run_monitor('once');
SELECT o.started_at = n.started_at AND o.ended_at = n.ended_at AND o.n_points = n.n_points AND o.peak_score = n.peak_score AS same, o.is_final,
       at(4000) BETWEEN o.started_at - interval '30 minutes' AND o.ended_at + interval '30 minutes' AS hit
  FROM (SELECT * FROM tsad.anomalies WHERE monitor = 'often') o FULL JOIN (SELECT * FROM tsad.anomalies WHERE monitor = 'once') n USING (started_at) ORDER BY started_at;
SELECT tsad.drop_monitor(m) FROM unnest('{once,often}'::text[]) m;

-- Newer rows keep it.
SELECT tsad.model_info(tsad.update_model(model, ts, v))->'dynamics' AS dynamics FROM src, model WHERE ts BETWEEN at(2500) AND at(3900) GROUP BY model;
DROP TABLE law, cut, src, model;
DROP FUNCTION mackey_glass;
