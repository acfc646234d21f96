-- Runs before every other test.
CREATE EXTENSION pg_tsad;
