-- What scripts/upgrade-check upgrades: the fleet of tests/crash, watched until the middle of an episode, with feedback, an
-- excluded range, models of the user's own and privileges granted. The psql variable "version" is that of the extension.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION pg_tsad VERSION :'version';
\ir fleet.sql
SELECT tsad.drop_monitor('undisturbed');
CREATE TABLE model AS SELECT host, tsad.train(ts, cpu) AS model FROM fleet WHERE ts < at(2000) GROUP BY host;
CALL tsad.run_monitor('disturbed', at(3000));
SELECT tsad.feedback(min(id), false) FROM tsad.anomalies;
SELECT tsad.exclude('disturbed', at(4500), at(4520));
CALL tsad.run_monitor('disturbed', at(3287));
-- A call that failed too often.
INSERT INTO tsad.monitor_call (monitor, series, event, payload, attempts, error) SELECT monitor, series, id, '{}', 5, 'failed' FROM tsad.monitor_event ORDER BY id LIMIT 1;

-- All that is stored; generous to columns that a newer version adds.
CREATE VIEW stored AS
  SELECT 'monitor' AS name, to_jsonb(t) AS content FROM tsad.monitor t
  UNION ALL SELECT 'series', to_jsonb(t) FROM tsad.monitor_series t
  UNION ALL SELECT 'model', to_jsonb(t) FROM tsad.monitor_model t
  UNION ALL SELECT 'event', to_jsonb(t) FROM tsad.monitor_event t
  UNION ALL SELECT 'call', to_jsonb(t) FROM tsad.monitor_call t
  UNION ALL SELECT 'feedback', to_jsonb(t) FROM tsad.monitor_feedback t
  UNION ALL SELECT 'exclusion', to_jsonb(t) FROM tsad.monitor_exclusion t
  UNION ALL SELECT 'sequence', to_jsonb(t) - 'cache_size' FROM pg_sequences t WHERE schemaname = 'tsad'
  UNION ALL SELECT 'own model', to_jsonb(t) FROM model t;
CREATE TABLE kept AS TABLE stored;
DO $$ BEGIN
    ASSERT (SELECT count(DISTINCT name) = 9 FROM kept), 'something of what is to be kept is missing';
    ASSERT (SELECT count(*) > 0 FROM tsad.anomalies WHERE ended_at IS NULL), 'no episode is open at the moment of the upgrade';
END $$;
