-- Regimes, directions, expected values, cleaning.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE metric AS SELECT at(i) AS ts, i, wave(i) + CASE WHEN i BETWEEN 2600 AND 2619 THEN 4 WHEN i BETWEEN 3200 AND 3219 THEN -4 ELSE 0 END AS v, wave(3 * i) AS w FROM generate_series(0, 3999) i;
CREATE TABLE m AS SELECT tsad.train(ts, v) AS model FROM metric WHERE i < 2000;
CREATE TABLE scored AS SELECT * FROM tsad.detect_details('metric', 'ts', 'v', model => (TABLE m));

-- The classes of normal windows: numbered, with sizes that add up, a centre per view and the distribution of directions.
SELECT count(*) > 1 AS several, sum(share) BETWEEN 0.999 AND 1.001 AS shares_add_up, bool_and(regime = row_number - 1) AS numbered, min("window") AS "window",
       bool_and(centres ?& ARRAY['amplitude', 'spectrum']) AS centres_per_view,
       bool_and(jsonb_array_length(example) = "window") AS examples
  FROM (SELECT *, row_number() OVER (ORDER BY regime) FROM m, tsad.model_regimes(model)) r;
SELECT count(*) > 0 AS directions, bool_and((d->>'kappa')::float8 > 0) AS concentrated, bool_and((d->>'threshold')::float8 > 0) AS threshold
  FROM m, tsad.model_regimes(model), jsonb_array_elements(directions) d;
-- An example is a stretch of the training rows; of several columns it has a list a time.
SELECT count(*) = 0 AS all_from_training FROM m, tsad.model_regimes(model) r
 WHERE NOT EXISTS (SELECT FROM metric a WHERE a.i < 2000 AND abs(a.v - (r.example->>0)::float8) < 1e-5 AND abs((SELECT v FROM metric b WHERE b.i = a.i + "window" - 1) - (r.example->>-1)::float8) < 1e-5);
SELECT bool_and(jsonb_array_length(example->0) = 2) AS of_two FROM (SELECT tsad.train(ts, ARRAY[v, w]) AS model FROM metric WHERE i < 2000) x, tsad.model_regimes(model);
-- Kinds of behaviour are told apart, whatever the phase: two days of a wave, two of a square wave, and again.
CREATE TABLE machine AS SELECT at(i) AS ts, i / 576 % 2 AS mode, CASE i / 576 % 2 WHEN 0 THEN sin(i / 6.0) ELSE sign(sin(i / 6.0)) END + 0.05 * wave(7 * i) AS v FROM generate_series(0, 5759) i;
CREATE TABLE machine_scored AS SELECT mode, regime, count(*) FROM machine JOIN tsad.detect_details('machine', 'ts', 'v', train_until => 'infinity') USING (ts) GROUP BY 1, 2;
SELECT round(sum(most)::numeric / sum(of_regime), 1) AS purity FROM (SELECT max(count) AS most, sum(count) AS of_regime FROM machine_scored GROUP BY regime) r;
DROP TABLE machine, machine_scored;
SELECT bool_and(regime < (SELECT count(*) FROM m, tsad.model_regimes(model))) AS known_regimes, count(DISTINCT regime) > 1 AS several, bool_and(direction_p_value BETWEEN 0 AND 1) AS p_values
  FROM scored WHERE score IS NOT NULL;

-- Above or below what was expected.
SELECT (SELECT mode() WITHIN GROUP (ORDER BY direction) FROM scored WHERE ts BETWEEN at(2600) AND at(2619)) AS above,
       (SELECT mode() WITHIN GROUP (ORDER BY direction) FROM scored WHERE ts BETWEEN at(3200) AND at(3219)) AS below,
       (SELECT avg((direction = 0)::int) > 0.9 FROM scored WHERE status = 'ok' AND NOT is_anomaly) AS mostly_within;
SELECT bool_and(lower <= expected AND expected <= upper) AS ordered, avg((value BETWEEN lower AND upper)::int) > 0.95 AS band_holds FROM scored WHERE ts < at(2500);
-- Of several columns each has its own band, so there is none in the row.
SELECT count(expected) AS bands, count(regime) > 0 AS regimes FROM tsad.detect_details('metric', 'ts', '{v,w}', train_until => at(2000));

-- The series with what is missing or anomalous replaced by the expected value.
SELECT count(*) AS rows, bool_and(replaced) FILTER (WHERE ts BETWEEN at(2605) AND at(2614)) AS incident_replaced, bool_or(replaced) FILTER (WHERE ts < at(2000)) AS others_replaced,
       max(abs(cleaned)) < 2 AS clean, bool_and(cleaned = value) FILTER (WHERE NOT replaced) AS rest_untouched
  FROM tsad.clean('metric', 'ts', 'v', model => (TABLE m));
SELECT value, cleaned IS NOT NULL AS filled, replaced, status FROM tsad.clean('SELECT ts, CASE i WHEN 2300 THEN NULL WHEN 2301 THEN ''infinity'' ELSE v END AS v FROM metric', 'ts', 'v', model => (TABLE m)) WHERE ts BETWEEN at(2300) AND at(2301);

-- 5. Large in sigma, tiny in reality (elementary 1933, 1912; netdata 13050): a least deviation that counts.
CREATE TABLE tiny AS SELECT at(i) AS ts, i, 100 + 0.001 * wave(i) + CASE WHEN i BETWEEN 2600 AND 2619 THEN 0.01 WHEN i BETWEEN 3200 AND 3219 THEN 10 ELSE 0 END AS v FROM generate_series(0, 3999) i;
SELECT options, (SELECT bool_or(is_anomaly) FROM tsad.detect('tiny', 'ts', 'v', train_until => at(2000), options => options) WHERE ts BETWEEN at(2600) AND at(2619)) AS tiny_one,
       (SELECT bool_or(is_anomaly) FROM tsad.detect('tiny', 'ts', 'v', train_until => at(2000), options => options) WHERE ts BETWEEN at(3200) AND at(3219)) AS real_one
  FROM unnest(ARRAY['{}', '{"min_deviation": 1}', '{"min_deviation_relative": 0.05}']::jsonb[]) options;

\x on
SELECT * FROM error_of($$SELECT * FROM tsad.clean('metric', 'ts', '{v,w}', train_until => at(2000))$$);
SELECT * FROM error_of($$SELECT * FROM tsad.model_regimes('\x00')$$);
\x off
DROP TABLE metric, m, scored, tiny;
