-- A statement can be cancelled while it trains and while it scores: with 256 centres at 16 scales both take long.
SET timezone = 'UTC';
CREATE TABLE metric AS SELECT at(i) AS ts, wave(i) + random() AS v FROM generate_series(0, 59999) i;
CREATE TABLE slow_model AS SELECT tsad.train(ts, v, '{"centres": 256, "scales": [8, 9, 10, 11, 12, 13, 14, 15]}') AS model FROM metric WHERE ts < at(3000);
CREATE TABLE many AS SELECT ts + n * interval '10 years' AS ts, v FROM metric, generate_series(0, 19) n;
SET statement_timeout = '400ms';
\set VERBOSITY sqlstate
SELECT octet_length(tsad.train(ts, v, '{"centres": 256, "scales": [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]}')) FROM metric;
SELECT count(*) FROM tsad.detect('many', 'ts', 'v', model => (TABLE slow_model));
SELECT count(*) FROM tsad.explain('many', 'ts', 'v', model => (TABLE slow_model));
SELECT count(*) FROM tsad.suggest('many', 'ts', 'v');
SELECT octet_length(tsad.update_model(model, ts, v)) FROM many, slow_model;
SELECT tsad.drift(model, ts, v) FROM many, slow_model;
SET statement_timeout = '60s';
-- Time grows with the rows, not with their square.
SELECT octet_length(tsad.recalibrate(model, ts, v, v > 1.5)) > 0 AS recalibrated
  FROM many, (SELECT tsad.train(ts, v, '{"scales": [32]}') AS model FROM metric WHERE ts < at(3000)) m;
SET statement_timeout = 0;
-- The session goes on.
SELECT tsad.model_info(tsad.train(ts, v))->'trained' AS trained FROM metric WHERE ts < at(500);
DROP TABLE metric, slow_model, many;
