-- Prints what differs between the two monitors of fleet.sql; nothing where all is well.
\set ON_ERROR_STOP on
\pset tuples_only on
\pset format unaligned
SELECT 'lost: ' || u.outcome::text FROM (SELECT outcome FROM outcome WHERE monitor = 'undisturbed' EXCEPT ALL SELECT outcome FROM outcome WHERE monitor = 'disturbed') u;
SELECT 'too many: ' || u.outcome::text FROM (SELECT outcome FROM outcome WHERE monitor = 'disturbed' EXCEPT ALL SELECT outcome FROM outcome WHERE monitor = 'undisturbed') u;
-- An episode that goes on after a break is told to have ended once more; it begins once.
SELECT format('told %s times that event %s of %s began', count(*), event, monitor) FROM told WHERE action = 'started' GROUP BY monitor, event HAVING count(*) > 1;
SELECT format('never told that an event %s: %s', action, to_jsonb(a)) FROM tsad.anomalies a, unnest('{started,ended}'::text[]) action
 WHERE (action = 'started' OR ended_at IS NOT NULL) AND NOT EXISTS (SELECT FROM told WHERE event = a.id AND told.action = action.action);
SELECT format('state %s: %s', state, message) FROM tsad.monitor_status() WHERE state <> 'ok';
SELECT 'nothing was found' WHERE (SELECT count(*) FROM tsad.anomalies WHERE monitor = 'undisturbed') < 12;
