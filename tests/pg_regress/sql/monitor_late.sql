-- Rows that come later than late_window behind the clock are new: a table loaded once a day, one host after another.
SET timezone='UTC';
CREATE TABLE late (host text, ts timestamptz, v float8, PRIMARY KEY (host, ts));
CREATE FUNCTION fill(h text, a int, b int) RETURNS void LANGUAGE sql AS $$ INSERT INTO late SELECT h, '2026-01-01 00:00+00'::timestamptz + i * interval '5 min', sin(i/20.0) + (i*7919%1009)/2000.0 + CASE WHEN i BETWEEN 2450 AND 2460 THEN 9 ELSE 0 END FROM generate_series(a,b) i $$;
SELECT fill('a',1,2304), fill('b',1,2304);
SELECT tsad.create_monitor('late','late','ts','v','{host}', start_at=>'2026-01-08 00:00+00', min_samples=>600, channel=>NULL) > 0;
CALL tsad.run_monitor('late','2026-01-09 08:00+00');
CALL tsad.run_monitor('late','2026-01-09 23:00+00');
SELECT fill('a',2305,2592);
CALL tsad.run_monitor('late','2026-01-10 08:00+00');
SELECT fill('b',2305,2592);
CALL tsad.run_monitor('late','2026-01-10 20:00+00');
SELECT series, state, newest_at, rows, open_events FROM tsad.series_status('late');
SELECT series, started_at, n_points > 0 AS points FROM tsad.anomalies WHERE monitor='late' ORDER BY 1,2;
SELECT tsad.drop_monitor('late');

-- A first run that was cut off after one series: the other, whose rows end a day before, is looked for all the same.
DELETE FROM late WHERE host = 'b' AND ts > '2026-01-09';
SELECT tsad.create_monitor('cut', 'late', 'ts', 'v', '{host}', start_at => '2026-01-08 00:00+00', min_samples => 600, channel => NULL) AS cut \gset
SELECT jsonb_array_length(tsad._discover(:cut, '2026-01-10 08:00+00')->'ids') AS found;
SELECT tsad._run_batch(:cut, ARRAY(SELECT id FROM tsad.monitor_series WHERE monitor = :cut AND series->>'host' = 'a'), '2026-01-10 08:00+00', '2026-01-10 08:00+00');
CALL tsad.run_monitor('cut', '2026-01-10 20:00+00');
SELECT series, state, newest_at FROM tsad.series_status('cut');
SELECT tsad.drop_monitor('cut'); DROP TABLE late; DROP FUNCTION fill;
