//! `pg_tsad`: anomaly detection in time-series tables, inside PostgreSQL.
//!
//! This crate is an adapter: it turns SQL rows into the types of [`tsad_core`], calls it, and turns the answers and
//! errors back into rows and SQLSTATEs. It holds no mathematics. The schema `tsad` is created by the control file.

mod aggregate;
mod composite;
mod error;
mod function;
mod inspect;
mod interrupt;
mod jsonb;
mod memory;
mod monitor;
mod notes;
mod options;
mod output;
mod read;
mod spi;
mod time;

pgrx::pg_module_magic!(name, version);
pgrx::extension_sql_file!("../sql/schema.sql", name = "schema", bootstrap);
pgrx::extension_sql_file!("../sql/train.sql", name = "train", requires = ["schema"]);
pgrx::extension_sql_file!("../sql/evaluate.sql", name = "evaluate", requires = ["schema"]);
pgrx::extension_sql_file!("../sql/detect.sql", name = "detect", requires = ["train"]);
pgrx::extension_sql_file!("../sql/survey.sql", name = "survey", requires = ["detect"]);
pgrx::extension_sql_file!(
    "../sql/score_series.sql",
    name = "score_series",
    requires = ["survey"]
);
pgrx::extension_sql_file!("../sql/explain.sql", name = "explain", requires = ["survey"]);
pgrx::extension_sql_file!("../sql/score.sql", name = "score", requires = ["train"]);
pgrx::extension_sql_file!("../sql/model.sql", name = "model", requires = ["train"]);
pgrx::extension_sql_file!("../sql/inspect.sql", name = "inspect", requires = ["detect"]);
pgrx::extension_sql_file!("../sql/plot.sql", name = "plot", requires = ["inspect"]);
pgrx::extension_sql_file!(
    "../sql/monitor/tables.sql",
    name = "monitor_tables",
    requires = ["plot"]
);
pgrx::extension_sql_file!(
    "../sql/monitor/create.sql",
    name = "monitor_create",
    requires = ["monitor_tables"]
);
pgrx::extension_sql_file!(
    "../sql/monitor/source.sql",
    name = "monitor_source",
    requires = ["monitor_create"]
);
pgrx::extension_sql_file!(
    "../sql/monitor/train.sql",
    name = "monitor_train",
    requires = ["monitor_source"]
);
pgrx::extension_sql_file!(
    "../sql/monitor/follow.sql",
    name = "monitor_follow",
    requires = ["monitor_train"]
);
pgrx::extension_sql_file!(
    "../sql/monitor/run.sql",
    name = "monitor_run",
    requires = ["monitor_follow"]
);
pgrx::extension_sql_file!(
    "../sql/monitor/announce.sql",
    name = "monitor_announce",
    requires = ["monitor_run"]
);
pgrx::extension_sql_file!(
    "../sql/monitor/manage.sql",
    name = "monitor_manage",
    requires = ["monitor_announce"]
);
pgrx::extension_sql_file!(
    "../sql/monitor/schedule.sql",
    name = "monitor_schedule",
    requires = ["monitor_manage"]
);

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
