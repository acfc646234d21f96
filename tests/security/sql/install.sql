-- CREATE EXTENSION runs as a superuser for whoever may create in a database: nothing that was there before may run.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE tsad_plain;
CREATE DATABASE tsad_attack OWNER tsad_plain TEMPLATE template0;
\c tsad_attack
SET client_min_messages = warning;
SET ROLE tsad_plain;

-- Every function of the system that an install script could call, planted in all signatures that match better or as well.
CREATE SCHEMA tsad;
CREATE FUNCTION tsad.quote_ident(name) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN ALTER ROLE tsad_plain SUPERUSER; RETURN pg_catalog.quote_ident($1::text); END $$;
CREATE FUNCTION tsad.format(text, text) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN ALTER ROLE tsad_plain SUPERUSER; RETURN pg_catalog.format($1, $2); END $$;
CREATE FUNCTION public.plant(place text) RETURNS boolean LANGUAGE plpgsql AS $do$
DECLARE
    p record;
    planted integer := 0;
BEGIN
    FOR p IN SELECT pg_catalog.quote_ident(f.proname) AS name, pg_catalog.pg_get_function_identity_arguments(f.oid) AS arguments
               FROM pg_catalog.pg_proc f WHERE f.prokind = 'f' AND f.pronamespace = 'pg_catalog'::regnamespace LOOP
        BEGIN
            EXECUTE pg_catalog.format('CREATE FUNCTION %s.%s(%s) RETURNS text LANGUAGE plpgsql AS %L', place, p.name, p.arguments,
                                      'BEGIN ALTER ROLE tsad_plain SUPERUSER; RETURN NULL; END');
            planted := planted + 1;
        EXCEPTION WHEN OTHERS THEN
            NULL; -- polymorphic or internal
        END;
    END LOOP;
    RETURN planted > 1000;
END $do$;
SELECT public.plant('tsad') AS planted;
CREATE EXTENSION pg_tsad;

-- Not any kind of object may be there: a type, an operator, default privileges.
DROP SCHEMA tsad CASCADE;
CREATE SCHEMA tsad;
CREATE TYPE tsad.text AS (a integer);
CREATE EXTENSION pg_tsad;
DROP SCHEMA tsad CASCADE;
CREATE SCHEMA tsad;
CREATE OPERATOR tsad.= (FUNCTION = pg_catalog.texteq, LEFTARG = text, RIGHTARG = text);
CREATE EXTENSION pg_tsad;
DROP SCHEMA tsad CASCADE;
CREATE SCHEMA tsad;
ALTER DEFAULT PRIVILEGES IN SCHEMA tsad GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA tsad GRANT INSERT ON TABLES TO tsad_plain;
CREATE EXTENSION pg_tsad;
DROP SCHEMA tsad CASCADE;

-- Nor may others create in it, nor may it be a third role's.
CREATE SCHEMA tsad;
GRANT CREATE ON SCHEMA tsad TO PUBLIC;
CREATE EXTENSION pg_tsad;
RESET ROLE;
DROP SCHEMA tsad;
CREATE ROLE tsad_third;
CREATE SCHEMA tsad AUTHORIZATION tsad_third;
CREATE EXTENSION pg_tsad;
SET ROLE tsad_plain;
CREATE EXTENSION pg_tsad;
RESET ROLE;
DROP SCHEMA tsad;

-- An empty schema of one's own will do. It belongs to the superuser then, as all that is in it.
-- Where the session looks first does not matter.
SET ROLE tsad_plain;
CREATE SCHEMA tsad;
CREATE SCHEMA bait;
SELECT public.plant('bait') AS planted;
CREATE FUNCTION bait.quote_ident(name) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN ALTER ROLE tsad_plain SUPERUSER; RETURN pg_catalog.quote_ident($1::text); END $$;
CREATE FUNCTION bait.format(text, text) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN ALTER ROLE tsad_plain SUPERUSER; RETURN pg_catalog.format($1, $2); END $$;
SET search_path = bait, public, pg_catalog;
CREATE EXTENSION pg_tsad;
SHOW search_path;
RESET search_path;
SELECT count(*) > 100 AS many, bool_and(r.rolsuper) AS of_superusers
  FROM (SELECT nspowner FROM pg_namespace WHERE nspname = 'tsad'
        UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace = 'tsad'::regnamespace
        UNION ALL SELECT relowner FROM pg_class WHERE relnamespace = 'tsad'::regnamespace
        UNION ALL SELECT typowner FROM pg_type WHERE typnamespace = 'tsad'::regnamespace) o (role) JOIN pg_roles r ON r.oid = o.role;
CREATE FUNCTION tsad._discover(integer, text) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;
ALTER FUNCTION tsad.version() OWNER TO tsad_plain;
ALTER SCHEMA tsad OWNER TO tsad_plain;
RESET ROLE;

-- Nobody became more than he was.
SELECT rolname, rolsuper FROM pg_roles WHERE rolname IN ('tsad_plain', 'tsad_third') ORDER BY 1;
\c postgres
DROP DATABASE tsad_attack;
DROP ROLE tsad_plain, tsad_third;
