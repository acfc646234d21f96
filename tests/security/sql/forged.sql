-- Models with a right checksum that no training has written: they are refused, at once, by every function; tsad.score says
-- so in the status of its rows (22012 here: no row has another one).
\set VERBOSITY terse
CREATE DATABASE tsad_forged TEMPLATE template0;
\c tsad_forged
CREATE EXTENSION pg_tsad;
SET statement_timeout = '20s';
CREATE FUNCTION crc32c(bytes bytea) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    known bigint[];
    c bigint;
BEGIN
    FOR i IN 0..255 LOOP
        c := i;
        FOR k IN 1..8 LOOP
            c := CASE WHEN c & 1 = 1 THEN (c >> 1) # 2197175160 ELSE c >> 1 END;
        END LOOP;
        known[i] := c;
    END LOOP;
    c := 4294967295;
    FOR i IN 0..length(bytes) - 1 LOOP
        c := (c >> 8) # known[((c # get_byte(bytes, i)) & 255)::int];
    END LOOP;
    RETURN c # 4294967295;
END $$;
-- The header of 20 bytes has the checksum of the rest at its end, the lowest byte first.
CREATE FUNCTION sealed(model bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    crc bigint := crc32c(substr(model, 1, 16) || substr(model, 21));
BEGIN
    FOR i IN 0..3 LOOP
        model := set_byte(model, 16 + i, ((crc >> (8 * i)) & 255)::int);
    END LOOP;
    RETURN model;
END $$;
-- What follows a name behind a place, its first bytes replaced.
CREATE FUNCTION forged(model bytea, behind text, name text, kind bytea, new bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    marker bytea := set_byte('\x00', 0, 96 + length(name)) || convert_to(name, 'UTF8') || kind;
    start int := 1;
    at int;
    word text;
BEGIN
    -- Behind the first of the words, then the next behind that.
    FOREACH word IN ARRAY string_to_array(behind, ' ') LOOP
        at := position(convert_to(word, 'UTF8') IN substr(model, start));
        start := CASE WHEN at > 0 THEN start + at - 1 ELSE length(model) + 1 END;
    END LOOP;
    at := position(marker IN substr(model, start));
    IF at = 0 THEN
        RAISE EXCEPTION 'no % behind %', name, behind;
    END IF;
    RETURN sealed(overlay(model PLACING new FROM start + at - 1 + length(marker) FOR length(new)));
END $$;
CREATE FUNCTION error_of(statement text, model bytea, OUT state text, OUT message text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement USING model;
    state := '00000';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
END $$;

CREATE TABLE metric AS SELECT '2026-01-01 00:00+00'::timestamptz + i * interval '5 min' AS ts,
    sin(i * 2 * pi() / 40) + 0.1 * ((i * 7919 % 1009) / 1009.0 - 0.5) AS cpu FROM generate_series(0, 599) i;
-- Of two window lengths, so that the vectors are short.
CREATE TABLE good AS SELECT tsad.train(ts, cpu, '{"scales": [8, 16], "centres": 4}') AS model FROM metric WHERE ts < '2026-01-02 18:00+00';
SELECT sealed(model) = model AS the_checksum_is_that_of_the_library FROM good;

CREATE TABLE forgery AS
SELECT 'deviation.scale = 5e-324' AS what, forged(model, 'resultant', 'scale', '\xfb', float8send('5e-324')) AS model FROM good
UNION ALL SELECT 'degrees = 1e15', forged(model, 'resultant', 'degrees', '\xfb', float8send(1e15)) FROM good
UNION ALL SELECT 'all factors of a view are 0', forged(model, 'amplitude', 'factor', '\x58', '\x30' || decode(repeat('00', 48), 'hex')) FROM good
UNION ALL SELECT 'centres of a profile are far', forged(model, 'amplitude profile', 'centres', '\x58', '\x80' || decode(repeat('ecad785e', 32), 'hex')) FROM good
UNION ALL SELECT 'a zero character in a text', forged(model, 'TSAD', 'library', '\x65', '\x00') FROM good
UNION ALL SELECT 'a threshold of -1e308', forged(model, 'calibration', 'threshold', '\xfb', float8send(-1e308)) FROM good;

SELECT f.what, s.name, e.state, e.message
  FROM forgery f, (VALUES ('model_info', 'SELECT tsad.model_info($1)'), ('model_regimes', 'SELECT * FROM tsad.model_regimes($1)'),
                          ('recalibrate', 'SELECT tsad.recalibrate($1, alpha => 0.01)'),
                          ('update_model', 'SELECT tsad.update_model($1, ts, cpu) FROM metric'),
                          ('drift', 'SELECT tsad.drift($1, ts, cpu) FROM metric'),
                          ('score', 'SELECT 1 / count(*) FILTER (WHERE (s).status <> ''error'') FROM (SELECT tsad.score($1, ts, cpu) OVER (ORDER BY ts) AS s FROM metric) q'),
                          ('detect', $$SELECT * FROM tsad.detect('metric', 'ts', 'cpu', model => $1)$$),
                          ('explain', $$SELECT * FROM tsad.explain('metric', 'ts', 'cpu', model => $1, each => 'row')$$)) s (name, statement),
       LATERAL error_of(s.statement, f.model) e
 ORDER BY f.what, s.name;
\c postgres
DROP DATABASE tsad_forged;
