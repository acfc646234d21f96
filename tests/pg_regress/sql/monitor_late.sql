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

-- Pipelines that are always late: every incident is found and told, once, whatever the clock says when its rows come.
CREATE TABLE base AS SELECT at(i) AS ts, sin(i / 20.0) + (i * 7919 % 1009) / 2000.0 + CASE WHEN i > 2000 AND i % 600 < 12 THEN 9 ELSE 0 END AS v FROM generate_series(0, 4400) i;
CREATE INDEX ON base (ts);
CREATE TABLE told (monitor text, action text, at timestamptz);
CREATE FUNCTION tell(e jsonb) RETURNS void LANGUAGE sql AS $$ INSERT INTO public.told VALUES (e->>'monitor', e->>'action', (e->>'peak_at')::timestamptz) $$;
CREATE FUNCTION clock() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT current_setting('app.clock')::timestamptz $$;
SET app.clock = '2026-01-07 22:00+00';
-- Loaded once a day for the day before; minutes that come an hour and a half late; a rollup that begins at half past, of an hour that is over.
CREATE VIEW daily AS SELECT * FROM base WHERE ts < date_trunc('day', clock());
CREATE VIEW behind AS SELECT * FROM base WHERE ts <= clock() - interval '90 min';
CREATE VIEW rollup AS SELECT date_bin('1 h', ts, '2026-01-01 00:30+00') AS ts, max(v) AS v FROM base WHERE ts < clock() - interval '1 h' GROUP BY 1;
CREATE PROCEDURE hourly(monitor text) LANGUAGE plpgsql AS $$ BEGIN
    FOR i IN 0..168 LOOP
        PERFORM set_config('app.clock', ('2026-01-07 22:00+00'::timestamptz + i * interval '1 h')::text, false);
        CALL tsad.run_monitor(monitor, clock());
        COMMIT;
    END LOOP;
END $$;
SELECT tsad.create_monitor(name, name, 'ts', 'v', start_at => '2026-01-07 22:00+00', train_window => '10 days', min_samples => 100, options => '{"scales": [8, 16]}', on_event => 'tell', announce_within => '1000 years', channel => NULL) > 0 AS created
  FROM unnest('{daily,behind,rollup}'::text[]) name;
CALL hourly('daily'); CALL hourly('behind'); CALL hourly('rollup');
-- Incidents from the sample 2400 on, every 600: by monitor, how many are in its time, found, told once, told twice.
SELECT m.name, count(*) AS incidents, count(*) FILTER (WHERE EXISTS (SELECT FROM tsad.anomalies a WHERE a.monitor = m.name AND a.started_at < at(i + 36) AND a.last_at > at(i - 24))) AS found,
       count(*) FILTER (WHERE 1 = (SELECT count(*) FROM told t WHERE t.monitor = m.name AND t.action = 'started' AND t.at BETWEEN at(i - 24) AND at(i + 36))) AS told_once,
       (SELECT count(*) FROM told t WHERE t.monitor = m.name AND t.action = 'withdrawn') AS withdrawn
  FROM tsad.monitor m CROSS JOIN generate_series(2400, 4200, 600) i WHERE at(i + 36) < (SELECT max(newest_at) FROM tsad.series_status(m.name)) GROUP BY m.name ORDER BY m.name;
SELECT monitor, state, rows_too_late FROM tsad.monitor_status();
SELECT count(tsad.drop_monitor(name)) AS dropped FROM tsad.monitor;
DROP VIEW daily, behind, rollup; DROP PROCEDURE hourly(text); DROP FUNCTION tell(jsonb), clock(); DROP TABLE base, told;
