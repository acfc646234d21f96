-- Runs before every other test of this folder.
SET client_min_messages = warning;
CREATE EXTENSION pg_cron;
CREATE EXTENSION pg_tsad;
CREATE ROLE tsad_watcher LOGIN;
CREATE ROLE tsad_member LOGIN IN ROLE tsad_watcher;
GRANT USAGE ON SCHEMA cron TO tsad_watcher;
GRANT CREATE ON SCHEMA public TO tsad_watcher;
