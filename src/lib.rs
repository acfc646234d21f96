//! `pg_tsad`: anomaly detection in time-series tables, inside PostgreSQL.
//!
//! This crate is an adapter: it turns SQL rows into the types of [`tsad_core`], calls it, and turns the answers and
//! errors back into rows and SQLSTATEs. It holds no mathematics. The schema `tsad` is created by the control file.

mod inspect;

pgrx::pg_module_magic!(name, version);
pgrx::extension_sql_file!("../sql/schema.sql", name = "schema", bootstrap);

/// Hooks that pgrx-tests looks for at the root of the crate.
#[cfg(test)]
pub mod pg_test {
    /// One-off initialisation before the first in-server test: none is needed.
    pub fn setup(_options: Vec<&str>) {}

    /// Extra settings of the test server: none.
    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        Vec::new()
    }
}
