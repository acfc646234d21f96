-- What only the community edition has: compression and continuous aggregates. Skipped where the licence forbids them; the
-- output is the same.
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET client_min_messages = warning;
CREATE TABLE metric (host text NOT NULL, ts timestamptz NOT NULL, cpu float8);
SELECT count(*) FROM create_hypertable('metric', by_range('ts', interval '1 day'));
INSERT INTO metric SELECT host, at(i), wave(i) + CASE WHEN host = 'a' AND i BETWEEN 2700 AND 2720 THEN 4 ELSE 0 END
  FROM unnest(ARRAY['a', 'b']) host, generate_series(0, 2999) i;
CREATE TABLE scored AS SELECT * FROM tsad.detect('metric', 'ts', 'cpu', series_columns => '{host}', train_until => at(2500));
CREATE PROCEDURE must_score_alike(source regclass, time_column text) LANGUAGE plpgsql AS $$
DECLARE
    same bigint;
BEGIN
    SELECT count(*) INTO same
      FROM tsad.detect(source, time_column, 'cpu', series_columns => '{host}', train_until => at(2500)) d
      JOIN scored s ON s.series = d.series AND s.ts = d.ts AND s.score IS NOT DISTINCT FROM d.score;
    ASSERT same = (SELECT count(*) FROM scored), format('%s rows of %s score alike', same, source);
END $$;

-- Compressed chunks.
SELECT licensed($$ALTER TABLE metric SET (timescaledb.compress, timescaledb.compress_segmentby = 'host', timescaledb.compress_orderby = 'ts')$$) AS licensed \gset
DO $$
BEGIN
    IF EXISTS (SELECT FROM timescaledb_information.hypertables WHERE hypertable_name = 'metric' AND compression_enabled) THEN
        PERFORM compress_chunk(chunk) FROM show_chunks('metric') chunk;
        CALL must_score_alike('metric', 'ts');
    END IF;
END $$;

-- A continuous aggregate.
SELECT licensed($$CREATE MATERIALIZED VIEW rolled WITH (timescaledb.continuous) AS
  SELECT host, time_bucket('5 min', ts) AS bucket, avg(cpu) AS cpu FROM metric GROUP BY 1, 2 WITH NO DATA$$) AS licensed \gset
\if :licensed
CALL refresh_continuous_aggregate('rolled', NULL, NULL);
CALL must_score_alike('rolled', 'bucket');
DROP MATERIALIZED VIEW rolled;
\endif
DROP PROCEDURE must_score_alike;
DROP TABLE metric;
DROP TABLE scored;
