-- What only reads changes nothing: it works on a standby and in a transaction that is read-only, and needs no transaction number.
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
CREATE TABLE src AS SELECT h, at(i) AS ts, wave(i) + CASE WHEN i BETWEEN 1700 AND 1719 THEN 2 ELSE 0 END AS v FROM generate_series(0, 2399) i, unnest('{a,b}'::text[]) h;
CREATE TABLE model AS SELECT h, tsad.train(ts, v) AS model FROM src WHERE ts < at(1500) GROUP BY h;
SELECT tsad.create_monitor('m', 'src', 'ts', 'v', '{h}', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('m', at(2399));
CREATE FUNCTION reads(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    rows bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM (%s) r', statement) INTO rows;
    RETURN CASE WHEN rows = 0 THEN 'reads nothing' WHEN pg_current_xact_id_if_assigned() IS NOT NULL THEN 'needs a number' ELSE 'reads' END;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END $$;
BEGIN READ ONLY;
SELECT s, reads(s) FROM unnest(ARRAY[
    $$SELECT * FROM tsad.detect('src', 'ts', 'v', series_columns => '{h}', models => 'model')$$,
    $$SELECT * FROM tsad.detect('SELECT * FROM src', 'ts', '{v}', series_columns => '{h}', train_until => at(1500))$$,
    $$SELECT * FROM tsad.detect_details('src', 'ts', 'v', series_columns => '{h}', models => 'model')$$,
    $$SELECT * FROM tsad.events('src', 'ts', 'v', series_columns => '{h}', models => 'model')$$,
    $$SELECT * FROM tsad.explain('src', 'ts', 'v', series_columns => '{h}', models => 'model')$$,
    $$SELECT * FROM tsad.clean('src', 'ts', 'v', series_columns => '{h}', models => 'model')$$,
    $$SELECT * FROM tsad.suggest('src', 'ts', 'v', '{h}')$$,
    $$SELECT * FROM tsad.validate('src', 'ts', 'v', '{h}')$$,
    $$SELECT tsad.score(model, ts, v) OVER (PARTITION BY h ORDER BY ts) FROM src JOIN model USING (h)$$,
    $$SELECT tsad.model_info(tsad.train(ts, v)) FROM src WHERE h = 'a'$$,
    $$SELECT tsad.plot(ts, v) FROM src WHERE h = 'a'$$,
    $$SELECT * FROM tsad.anomalies$$,
    $$SELECT * FROM tsad.monitor_status()$$,
    $$SELECT * FROM tsad.series_status('m')$$,
    $$SELECT * FROM tsad.monitor_plan('m')$$]) s;
COMMIT;
-- What writes says so.
SET default_transaction_read_only = on;
CALL tsad.run_monitor('m', at(2399));
SELECT tsad.feedback(min(id), true) FROM tsad.anomalies;
RESET default_transaction_read_only;
SELECT tsad.drop_monitor('m');
DROP FUNCTION reads(text);
DROP TABLE src, model;
