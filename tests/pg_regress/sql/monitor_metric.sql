-- A monitor whose models look at the windows beside one: scores are final later, and what is found does not depend on when one looked.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE src AS SELECT at(i) AS ts, sin(i * 3.14159265 / 20) + CASE WHEN i / 40 % 2 = 0 THEN 0 ELSE 0.8 * sin(i * 3.14159265 / 10) END
    + (i * 7919 % 101) / 1000.0 + CASE WHEN i BETWEEN 2300 AND 2319 THEN 1.5 ELSE 0 END AS v FROM generate_series(0, 3199) i;
SELECT tsad.create_monitor(m, 'src', 'ts', 'v', start_at => at(2000), train_window => '20 days', retrain_every => NULL,
    options => '{"scales": [16, 32], "metric": true}') > 0 AS created FROM unnest('{once,often}'::text[]) m;
DO $$
BEGIN
    FOR i IN 2010..3199 BY 37 LOOP
        CALL tsad.run_monitor('often', at(i));
    END LOOP;
END $$;
CALL tsad.run_monitor('often');
CALL tsad.run_monitor('once');
SELECT w.name, tsad.model_info(model)->'context_scales' AS context_scales FROM tsad.monitor_model m JOIN tsad.monitor w ON w.id = m.monitor ORDER BY 1;
SELECT o.started_at = n.started_at AND o.ended_at = n.ended_at AND o.n_points = n.n_points AND o.peak_score = n.peak_score AS same, o.is_final,
       at(2300) BETWEEN o.started_at AND o.ended_at AS hit
  FROM (SELECT * FROM tsad.anomalies WHERE monitor = 'often') o FULL JOIN (SELECT * FROM tsad.anomalies WHERE monitor = 'once') n USING (started_at) ORDER BY started_at;
SELECT tsad.drop_monitor(m) FROM unnest('{once,often}'::text[]) m;
DROP TABLE src;
