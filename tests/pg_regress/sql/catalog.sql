-- Everything the extension owns; a change here is a change of what users rely on. From PostgreSQL 17 on the types that come
-- with other objects (arrays, rows of tables) are members too: they are left out, so that all majors list the same.
CREATE VIEW owned AS
  SELECT d.classid, d.objid, d.objsubid, pg_describe_object(d.classid, d.objid, d.objsubid) AS object
    FROM pg_depend d
    LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
    LEFT JOIN pg_class r ON r.oid = t.typrelid
   WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
     AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_tsad')
     AND t.typcategory IS DISTINCT FROM 'A' AND coalesce(r.relkind, 'c') = 'c';
SELECT object FROM owned ORDER BY object COLLATE "C";
-- Unaligned, so that one long line does not change all others.
\pset format unaligned
\x on
SELECT p.proname, p.prokind AS kind, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result,
       p.provolatile AS volatile, p.proparallel AS parallel, p.proisstrict AS strict, p.procost AS cost, p.prorows AS rows
  FROM pg_proc p WHERE p.pronamespace = 'tsad'::regnamespace ORDER BY p.proname COLLATE "C", pg_get_function_arguments(p.oid) COLLATE "C";
\x off
\pset format aligned
-- Nothing without a comment.
SELECT object AS without_comment FROM owned
  LEFT JOIN pg_description c ON c.classoid = classid AND c.objoid = objid AND c.objsubid = 0 WHERE c.description IS NULL;
DROP VIEW owned;
-- No function runs with the rights of its owner, none is left in another schema.
SELECT count(*) AS security_definer FROM pg_proc WHERE pronamespace = 'tsad'::regnamespace AND prosecdef;
