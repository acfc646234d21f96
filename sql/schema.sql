-- The control file creates the schema; what everybody may do in it is said here. Nobody but its owner may create in it.
GRANT USAGE ON SCHEMA tsad TO PUBLIC;
COMMENT ON SCHEMA tsad IS 'anomaly detection in time series (extension pg_tsad)';
