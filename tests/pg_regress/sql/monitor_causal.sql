-- A monitor whose models have windows of their own for causal scores: rows that are not final are judged by them, without a false alarm, and no later than by others.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE src AS SELECT at(i) AS ts, wave(i) * CASE WHEN i BETWEEN 2002 AND 2041 THEN 0.5 ELSE 1 END AS v FROM generate_series(0, 3499) i;
SELECT tsad.create_monitor(m, 'src', 'ts', 'v', start_at => at(1500), train_window => '10 days', retrain_every => NULL, options => o) > 0 AS created
  FROM (VALUES ('plain', '{"alarms_per_day": 0.5}'::jsonb), ('causal', '{"alarms_per_day": 0.5, "causal": true}')) s(m, o);
CALL tsad.run_monitor('plain', at(1980));
CALL tsad.run_monitor('causal', at(1980));
SELECT w.name, version, jsonb_array_length(tsad.model_info(model)->'causal_scales') AS lengths FROM tsad.monitor_model m JOIN tsad.monitor w ON w.id = m.monitor ORDER BY 1 DESC;
CREATE TABLE looks (m text, row_number int, told bigint);
DO $$
BEGIN
    FOR i IN 1981..2080 LOOP
        CALL tsad.run_monitor('plain', at(i));
        CALL tsad.run_monitor('causal', at(i));
        INSERT INTO looks SELECT m, i, (SELECT count(*) FROM tsad.anomalies a WHERE a.monitor = m) FROM unnest('{plain,causal}'::text[]) m;
    END LOOP;
END $$;
SELECT m, min(row_number) FILTER (WHERE told > 0) - 2002 AS rows_after_it_began, count(*) FILTER (WHERE told > 0 AND row_number < 2002) AS too_early FROM looks GROUP BY 1 ORDER BY 1 DESC;
-- What is final does not depend on them.
CALL tsad.run_monitor('plain');
CALL tsad.run_monitor('causal');
SELECT monitor, started_at, ended_at, peak_at, n_points, is_final FROM tsad.anomalies ORDER BY started_at, monitor DESC;
SELECT tsad.drop_monitor(m) FROM unnest('{plain,causal}'::text[]) m;
DROP TABLE src, looks;
