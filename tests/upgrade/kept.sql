-- Prints what an upgrade lost, changed or made up; nothing where all is well. A column that it added does not count.
\set ON_ERROR_STOP on
\pset tuples_only on
\pset format unaligned
SELECT format('lost or changed: %s %s', name, left(content::text, 300)) FROM kept k
 WHERE NOT EXISTS (SELECT FROM stored s WHERE s.name = k.name AND s.content @> k.content);
SELECT format('%s rows of %s instead of %s', (SELECT count(*) FROM stored s WHERE s.name = k.name), k.name, count(*)) FROM kept k
 GROUP BY k.name HAVING count(*) <> (SELECT count(*) FROM stored s WHERE s.name = k.name);
