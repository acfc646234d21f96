-- Installing and removing, in a database of its own.
CREATE ROLE tsad_owner;
CREATE DATABASE tsad_install OWNER tsad_owner TEMPLATE template0;
\c tsad_install

-- The extension is trusted: the owner of a database installs it, into the extension's own schema.
SET ROLE tsad_owner;
CREATE EXTENSION pg_tsad;
SELECT e.extname, n.nspname AS schema, e.extrelocatable AS relocatable, r.rolname AS owner
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace JOIN pg_roles r ON r.oid = e.extowner
 WHERE e.extname = 'pg_tsad';

-- The library and the SQL objects are of the same version.
SELECT tsad.version() = extversion AS same_version FROM pg_extension WHERE extname = 'pg_tsad';
RESET ROLE;

-- Everybody may look; nobody but the owner may create in the schema.
SELECT has_schema_privilege('public', 'tsad', 'USAGE') AS may_use, has_schema_privilege('public', 'tsad', 'CREATE') AS may_create,
       obj_description('tsad'::regnamespace) AS comment;

-- It does not move to another schema, and it will not be installed into another one.
ALTER EXTENSION pg_tsad SET SCHEMA public;
DROP EXTENSION pg_tsad;
CREATE EXTENSION pg_tsad SCHEMA public;

-- Nothing of it is left but the empty schema.
SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'tsad';

\c tsad_regress
DROP DATABASE tsad_install;
DROP ROLE tsad_owner;
