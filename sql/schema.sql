-- First of all: what stands below runs with the rights of a superuser, for the extension is trusted. Without this the
-- schema of the extension would be searched too, and an object that a plain role has put there could match better.
SET LOCAL search_path = pg_catalog, pg_temp;

-- The control file has the schema made, by whoever installs; it may also have been there. Nothing of anybody's may be in
-- it, and it goes to who owns everything else of the extension: so nobody can add functions that its own code would call.
DO $do$
DECLARE
    s record;
    e record;
BEGIN
    SELECT n.oid, n.nspowner, n.nspacl INTO STRICT s FROM pg_catalog.pg_namespace n WHERE n.nspname = 'tsad';
    SELECT x.oid, x.extowner INTO STRICT e FROM pg_catalog.pg_extension x WHERE x.extname = 'pg_tsad';
    IF s.nspowner <> e.extowner
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = s.nspowner AND r.rolsuper) THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = pg_catalog.format('schema "tsad" belongs to role %s', s.nspowner::pg_catalog.regrole),
            HINT = 'Have it dropped or renamed: CREATE EXTENSION makes a schema of its own.';
    ELSIF EXISTS (SELECT FROM pg_catalog.pg_depend d
                   WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = s.oid
                     AND (d.classid, d.objid) IS DISTINCT FROM ('pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid, e.oid)) THEN
        RAISE EXCEPTION USING ERRCODE = 'duplicate_schema', MESSAGE = 'schema "tsad" is there already and is not empty',
            HINT = 'Drop or rename it: CREATE EXTENSION makes a schema of its own.';
    ELSIF EXISTS (SELECT FROM pg_catalog.aclexplode(s.nspacl) a
                   WHERE a.privilege_type = 'CREATE' AND a.grantee <> s.nspowner) THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'other roles than its owner may create in schema "tsad"',
            HINT = 'Drop or rename it, or REVOKE CREATE ON SCHEMA tsad.';
    END IF;
END $do$;
ALTER SCHEMA tsad OWNER TO CURRENT_USER;
-- What everybody may do in it. Nobody but its owner may create in it.
GRANT USAGE ON SCHEMA tsad TO PUBLIC;
COMMENT ON SCHEMA tsad IS 'anomaly detection in time series (extension pg_tsad)';

-- The same as in messages of the library (src/error.rs).
CREATE FUNCTION tsad._shown(value jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
    $$ SELECT CASE WHEN length(value::text) > 100 THEN left(value::text, 100) || '...' ELSE value::text END $$;
COMMENT ON FUNCTION tsad._shown(jsonb) IS 'the beginning of a value of a user''s, such as the key of a series, for a message';
