-- Goes on to the end of the data and prints what came of it: it must be the same with and without an upgrade.
\set ON_ERROR_STOP on
\pset tuples_only on
\pset format unaligned
SET timezone = 'UTC';
CALL tsad.run_monitor('disturbed', at(5199));
SELECT outcome FROM outcome ORDER BY outcome::text COLLATE "C";
SELECT 'told', action, event, count(*) FROM told GROUP BY action, event ORDER BY action COLLATE "C", event;
SELECT 'state', state, ok, events FROM tsad.monitor_status();
SELECT 'scored by the own model', m.host, count(*), sum(score), sum(is_anomaly::int)
  FROM model m, (SELECT host, array_agg(ts ORDER BY ts) AS times, array_agg(cpu ORDER BY ts) AS cpus FROM fleet WHERE ts >= at(2000) GROUP BY host) f,
       LATERAL tsad.score_series(m.model, f.times, f.cpus)
 WHERE m.host = f.host GROUP BY m.host ORDER BY m.host COLLATE "C";
