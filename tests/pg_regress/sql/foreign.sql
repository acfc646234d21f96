-- Foreign tables as sources: of another server (here the same one) and of a file.
-- needs: file_fdw postgres_fdw
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET client_min_messages = warning;
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION file_fdw;
CREATE TABLE metric AS SELECT host, at(i) AS ts, wave(i) + CASE WHEN host = 'a' AND i BETWEEN 1700 AND 1720 THEN 4 ELSE 0 END AS cpu
  FROM unnest(ARRAY['a', 'b']) host, generate_series(0, 1999) i;
CREATE TABLE model AS SELECT host, tsad.train(ts, cpu) AS model FROM metric WHERE ts < at(1500) GROUP BY host;
CREATE TABLE scored AS SELECT * FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', models => 'model');

DO $$
BEGIN
    EXECUTE format('CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)',
                   split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database());
    EXECUTE format('COPY metric TO %L (FORMAT csv)', current_setting('data_directory') || '/metric.csv');
    CREATE USER MAPPING FOR CURRENT_USER SERVER loopback OPTIONS (user 'postgres');
    CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
    CREATE FOREIGN TABLE remote_metric (host text, ts timestamptz, cpu float8) SERVER loopback OPTIONS (table_name 'metric');
    CREATE FOREIGN TABLE remote_model (host text, model bytea) SERVER loopback OPTIONS (table_name 'model');
    EXECUTE format('CREATE FOREIGN TABLE file_metric (host text, ts timestamptz, cpu float8) SERVER files OPTIONS (filename %L, format %L)',
                   current_setting('data_directory') || '/metric.csv', 'csv');
END $$;

-- The same scores as from the table itself, and the same models.
SELECT source, count(*) AS rows, count(*) FILTER (WHERE d.score = s.score AND d.is_anomaly = s.is_anomaly) AS same
  FROM (SELECT 'postgres_fdw' AS source, * FROM tsad.detect('remote_metric', 'ts', 'cpu', series_columns => '{host}', models => 'remote_model')
        UNION ALL SELECT 'file_fdw', * FROM tsad.detect('file_metric', 'ts', 'cpu', series_columns => '{host}', models => 'model')) d
  JOIN scored s USING (series, ts) GROUP BY source ORDER BY source;
SELECT host, tsad.train(ts, cpu) = (SELECT model FROM model WHERE model.host = remote_metric.host) AS same_model
  FROM remote_metric WHERE ts < at(1500) GROUP BY host ORDER BY host;
SELECT series->>'host' AS host, started_at <= at(1700) AND ended_at >= at(1720) AS found
  FROM tsad.events('remote_metric', 'ts', 'cpu', series_columns => '{host}', models => 'model', since => at(1500));
SELECT series->>'host' AS host, rows, sampling_interval, verdict FROM tsad.suggest('remote_metric', 'ts', 'cpu', series_columns => '{host}') ORDER BY host;

-- A monitor whose source does not answer says so, for all series at once, and goes on when it does.
SELECT tsad.create_monitor('remote', 'remote_metric', 'ts', 'cpu', '{host}', start_at => at(1500), train_window => '10 days') > 0 AS created;
CALL tsad.run_monitor('remote', at(1690));
ALTER SERVER loopback OPTIONS (SET dbname 'nowhere');
SET client_min_messages = error;
CALL tsad.run_monitor('remote', at(1750));
SET client_min_messages = warning;
SELECT state, split_part(message, ')', 1) AS message, message LIKE '%database "nowhere" does not exist%' AS why, ok, failed FROM tsad.monitor_status('remote');
DO $$ BEGIN EXECUTE format('ALTER SERVER loopback OPTIONS (SET dbname %L)', current_database()); END $$;
CALL tsad.run_monitor('remote', at(1999));
SELECT state, message, ok, failed, events FROM tsad.monitor_status('remote');
SELECT series->>'host' AS host, started_at <= at(1700) AND ended_at >= at(1720) AS found FROM tsad.anomalies;
SELECT tsad.drop_monitor('remote');

-- An error of the other side names itself.
ALTER FOREIGN TABLE remote_metric OPTIONS (SET table_name 'nowhere');
SELECT state, message FROM error_of($$SELECT * FROM tsad.detect('remote_metric', 'ts', 'cpu', series_columns => '{host}', models => 'model')$$);
DROP FOREIGN TABLE remote_metric, remote_model, file_metric;
DROP EXTENSION postgres_fdw, file_fdw CASCADE;
DROP TABLE metric, model, scored;
