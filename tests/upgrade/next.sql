-- The upgrade script of a version that does not exist, for scripts/upgrade-check: a new function, a new body for an old one,
-- and a new column in a table that holds users' rows.
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE FUNCTION tsad.of_the_next_version() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$ SELECT 1 $$;
COMMENT ON FUNCTION tsad.of_the_next_version() IS 'a new function';
CREATE OR REPLACE FUNCTION tsad.include(exclusion bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM tsad.monitor_exclusion x WHERE x.id = exclusion;
    RETURN FOUND;
END $$;
ALTER TABLE tsad.monitor_event ADD COLUMN of_the_next_version text NOT NULL DEFAULT 'nothing';
COMMENT ON COLUMN tsad.monitor_event.of_the_next_version IS 'a new column';
