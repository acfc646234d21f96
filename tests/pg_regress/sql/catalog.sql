-- Everything the extension owns; a change here is a change of what users rely on.
SELECT object FROM (SELECT pg_describe_object(classid, objid, objsubid) AS object FROM pg_depend
 WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
   AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_tsad')) owned ORDER BY object COLLATE "C";
-- Unaligned, so that one long line does not change all others.
\pset format unaligned
\x on
SELECT p.proname, p.prokind AS kind, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result,
       p.provolatile AS volatile, p.proparallel AS parallel, p.proisstrict AS strict, p.procost AS cost, p.prorows AS rows
  FROM pg_proc p WHERE p.pronamespace = 'tsad'::regnamespace ORDER BY p.proname COLLATE "C", pg_get_function_arguments(p.oid) COLLATE "C";
\x off
\pset format aligned
-- Nothing without a comment.
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS without_comment FROM pg_depend d
  LEFT JOIN pg_description c ON c.classoid = d.classid AND c.objoid = d.objid AND c.objsubid = 0
 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_tsad') AND c.description IS NULL;
-- No function runs with the rights of its owner, none is left in another schema.
SELECT count(*) AS security_definer FROM pg_proc WHERE pronamespace = 'tsad'::regnamespace AND prosecdef;
