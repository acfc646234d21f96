-- All that the extension owns, with its definition: an upgraded installation must print what a fresh one prints. The
-- order of a table's columns is the only thing that may differ, so they are listed by name.
\set ON_ERROR_STOP on
\pset tuples_only on
\pset format unaligned
SET search_path = pg_catalog, pg_temp;
CREATE TEMPORARY VIEW owned AS
  SELECT classid, objid, pg_describe_object(classid, objid, 0) AS object FROM pg_depend
   WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_tsad');
CREATE TEMPORARY VIEW part AS
  SELECT classid, objid, object, 'comment' AS kind, coalesce(obj_description(objid, (SELECT relname FROM pg_class WHERE oid = classid)), '') AS what FROM owned
  UNION ALL
  SELECT classid, objid, object, 'function', concat_ws(' ', CASE WHEN prokind <> 'a' THEN pg_get_functiondef(p.oid) END, provolatile, proparallel, procost, prorows, proacl)
    FROM owned JOIN pg_proc p ON classid = 'pg_proc'::regclass AND objid = p.oid
  UNION ALL
  SELECT classid, objid, object, 'aggregate', (to_jsonb(a) - 'aggfnoid')::text
    FROM owned JOIN pg_aggregate a ON classid = 'pg_proc'::regclass AND objid = a.aggfnoid
  UNION ALL
  SELECT classid, objid, object, 'relation', concat_ws(' ', relkind, relrowsecurity, relforcerowsecurity, reloptions, relacl, CASE WHEN relkind = 'v' THEN pg_get_viewdef(c.oid) END)
    FROM owned JOIN pg_class c ON classid = 'pg_class'::regclass AND objid = c.oid
  UNION ALL
  SELECT classid, objid, object, 'column', concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attacl,
                                                     pg_get_expr(adbin, adrelid), col_description(attrelid, attnum))
    FROM owned JOIN pg_class c ON classid = 'pg_class'::regclass AND objid = c.oid OR classid = 'pg_type'::regclass AND objid = c.reltype
    JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  UNION ALL
  SELECT classid, objid, object, 'constraint', concat_ws(' ', conname, pg_get_constraintdef(s.oid))
    FROM owned JOIN pg_constraint s ON classid = 'pg_class'::regclass AND objid = s.conrelid
  UNION ALL
  SELECT classid, objid, object, 'index', pg_get_indexdef(indexrelid)
    FROM owned JOIN pg_index ON classid = 'pg_class'::regclass AND objid = indrelid
  UNION ALL
  SELECT classid, objid, object, 'policy', concat_ws(' ', polname, polcmd, polpermissive, polroles::regrole[], pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid),
                                                     obj_description(p.oid, 'pg_policy'))
    FROM owned JOIN pg_policy p ON classid = 'pg_class'::regclass AND objid = polrelid
  UNION ALL
  SELECT classid, objid, object, 'dumped', condition
    FROM owned JOIN pg_extension e ON extname = 'pg_tsad', LATERAL unnest(extconfig, extcondition) AS dumped(relation, condition)
   WHERE classid = 'pg_class'::regclass AND objid = relation;
SELECT object, kind, what FROM part ORDER BY object COLLATE "C", kind COLLATE "C", what COLLATE "C";
