-- What scripts/crash-check watches: twelve series, two incidents each, and two monitors of them that differ in nothing but
-- what happens to their runs.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tsad;
CREATE FUNCTION at(i int) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
    $$ SELECT '2026-01-01 00:00+00'::timestamptz + i * interval '5 min' $$;
CREATE TABLE fleet AS
  SELECT 'host' || h AS host, at(i) AS ts,
         sin((i + 3 * h) * 2 * pi() / 40) + 0.1 * (((i + h) * 7919 % 1009) / 1009.0 - 0.5)
         + CASE WHEN i BETWEEN 2200 + 120 * h AND 2215 + 120 * h OR i BETWEEN 4000 + 70 * h AND 4009 + 70 * h THEN 2 ELSE 0 END AS cpu
    FROM generate_series(0, 5199) i, generate_series(1, 12) h;
CREATE INDEX ON fleet (host, ts);
VACUUM ANALYZE fleet;
-- Told by the monitor's hook, in the transactions of its runs.
CREATE TABLE told (monitor text, event bigint, action text);
CREATE FUNCTION tell(payload jsonb) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO told VALUES (payload->>'monitor', (payload->>'event')::bigint, payload->>'action') $$;
SELECT tsad.create_monitor(name, 'fleet', 'ts', 'cpu', series_columns => '{host}', start_at => at(2000), train_window => '7 days',
                           retrain_every => '3 days', batch_size => 2, on_event => 'tell', announce_within => '100 years')
  FROM unnest('{undisturbed,disturbed}'::text[]) name;
CREATE VIEW outcome AS
  SELECT monitor, to_jsonb(a) - '{id,monitor,found_at}'::text[] AS outcome FROM tsad.anomalies a
  UNION ALL
  SELECT m.name, jsonb_build_object('series', s.series, 'version', v.version, 'model', md5(v.model), 'reason', v.reason, 'used', s.version,
                                    'until', v.trained_until, 'watermark', s.watermark, 'state', s.state)
    FROM tsad.monitor_model v JOIN tsad.monitor_series s ON s.id = v.series JOIN tsad.monitor m ON m.id = s.monitor;
