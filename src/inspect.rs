//! Functions that look and change nothing.

use pgrx::prelude::*;

/// The version of the loaded library.
///
/// It can differ from the version of the installed SQL objects (`pg_extension.extversion`) between an upgrade of the
/// package and `ALTER EXTENSION pg_tsad UPDATE`.
#[pg_extern(immutable, parallel_safe)]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

extension_sql!(
    "COMMENT ON FUNCTION tsad.version() IS 'version of the loaded pg_tsad library';",
    name = "inspect_comments",
    requires = [version]
);

#[cfg(any(test, feature = "pg_test"))]
#[pg_schema]
mod tests {
    use pgrx::prelude::*;

    #[pg_test]
    fn version_is_the_one_of_the_package() {
        let version = Spi::get_one::<&str>("SELECT tsad.version()");
        assert_eq!(version, Ok(Some(env!("CARGO_PKG_VERSION"))));
    }
}
