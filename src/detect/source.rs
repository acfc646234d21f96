//! The table that is scored: its columns checked, its query made.

use super::request::Request;
use crate::error::{Result, fail, internal, nearest};
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::prelude::*;
use pgrx::spi::{quote_identifier, quote_literal, quote_qualified_identifier};

/// A relation and its columns.
pub(super) struct Relation {
    /// The qualified, quoted name.
    pub name: String,
    columns: Vec<Column>,
}

/// A column of a relation.
pub(super) struct Column {
    name: String,
    /// The type, a domain resolved to what it is made of.
    base: pg_sys::Oid,
    /// The type as users write it.
    type_name: String,
    readable: bool,
}

impl Relation {
    /// Looks up a relation.
    pub(super) fn open(oid: pg_sys::Oid) -> Result<Self> {
        const NAME: &str = "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c \
            JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
            WHERE c.oid OPERATOR(pg_catalog.=) $1";
        const COLUMNS: &str = "SELECT a.attname::text, a.atttypid, \
            pg_catalog.format_type(a.atttypid, a.atttypmod), \
            pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') \
            FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) $1 \
            AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped ORDER BY a.attnum";
        Spi::connect(|client| {
            let names = client.select(NAME, None, &[oid.into()]).map_err(internal)?;
            let (schema, relation) = names
                .first()
                .get_two::<String, String>()
                .map_err(|_| missing(oid))?;
            let (Some(schema), Some(relation)) = (schema, relation) else {
                return Err(missing(oid));
            };
            let mut columns = Vec::new();
            for row in client.select(COLUMNS, None, &[oid.into()]).map_err(internal)? {
                let type_oid = row
                    .get::<pg_sys::Oid>(2)
                    .map_err(internal)?
                    .unwrap_or(pg_sys::InvalidOid);
                columns.push(Column {
                    name: row.get::<String>(1).map_err(internal)?.unwrap_or_default(),
                    // SAFETY: a look-up in the catalogue.
                    base: unsafe { pg_sys::getBaseType(type_oid) },
                    type_name: row.get::<String>(3).map_err(internal)?.unwrap_or_default(),
                    readable: row.get::<bool>(4).map_err(internal)?.unwrap_or(false),
                });
            }
            Ok(Self {
                name: quote_qualified_identifier(schema, relation),
                columns,
            })
        })
    }

    /// The column of a given name.
    ///
    /// # Errors
    /// 42703 if there is none, 42501 if the caller may not read it.
    pub(super) fn column(&self, name: &str) -> Result<&Column> {
        let Some(column) = self.columns.iter().find(|c| c.name == name) else {
            let names = || self.columns.iter().map(|c| c.name.as_str());
            return Err(fail(
                PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
                format!("column \"{name}\" does not exist in {}", self.name),
                format!(
                    "{}Its columns are {}.",
                    nearest(name, names()),
                    names().collect::<Vec<_>>().join(", ")
                ),
            ));
        };
        if !column.readable {
            return Err(fail(
                PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("permission denied for column \"{name}\" of {}", self.name),
                format!(
                    "Ask its owner: GRANT SELECT ON {} TO {};",
                    self.name,
                    quote_identifier(current_user())
                ),
            ));
        }
        Ok(column)
    }
}

impl Column {
    /// The quoted name.
    pub(super) fn quoted(&self) -> String {
        quote_identifier(&self.name)
    }

    /// The name as an SQL literal.
    pub(super) fn literal(&self) -> String {
        quote_literal(&self.name)
    }

    pub(super) fn type_name(&self) -> &str {
        &self.type_name
    }

    fn is_array(&self) -> bool {
        self.base == pg_sys::FLOAT8ARRAYOID
            || self.base == pg_sys::FLOAT4ARRAYOID
            || self.base == pg_sys::NUMERICARRAYOID
    }

    /// Checks that the column can be the time.
    fn require_time(&self) -> Result<()> {
        if self.base == pg_sys::TIMESTAMPTZOID {
            return Ok(());
        }
        Err(fail(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!(
                "time column \"{}\" has type {}, not timestamp with time zone",
                self.name, self.type_name
            ),
            "Name a column of type timestamptz, or make one in a view.",
        ))
    }

    /// Checks that the column can be a value.
    fn require_number(&self) -> Result<()> {
        // SAFETY: look-ups in the catalogue.
        let casts = self.base == pg_sys::FLOAT8OID
            || unsafe {
                let mut function = pg_sys::InvalidOid;
                let way = pg_sys::find_coercion_pathway(
                    pg_sys::FLOAT8OID,
                    self.base,
                    pg_sys::CoercionContext::COERCION_EXPLICIT,
                    &mut function,
                );
                way == pg_sys::CoercionPathType::COERCION_PATH_FUNC
                    || way == pg_sys::CoercionPathType::COERCION_PATH_RELABELTYPE
            };
        if casts {
            return Ok(());
        }
        Err(fail(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!(
                "value column \"{}\" has type {}, which is not a number",
                self.name, self.type_name
            ),
            "Name a column of type float8, or of a type that casts to it.",
        ))
    }
}

/// The query of a request and what its rows hold.
pub(super) struct Source {
    /// Columns: key `jsonb`, time `timestamptz`, values `float8` or `float8[]`.
    pub query: String,
    /// Whether the values are an array.
    pub array: bool,
    /// The names of the values, where they are columns.
    pub names: Vec<String>,
}

impl Source {
    /// Checks the columns of a request and makes its query: one scan, ordered by series and time. Parameters 1
    /// and 2 bound the time where the request does.
    pub(super) fn new(request: &Request) -> Result<Self> {
        let relation = Relation::open(request.relation)?;
        let time = relation.column(&request.time)?;
        time.require_time()?;
        let values = request
            .values
            .iter()
            .map(|v| relation.column(v))
            .collect::<Result<Vec<_>>>()?;
        let array_column = values.len() == 1 && values[0].is_array();
        if !array_column {
            values.iter().try_for_each(|v| v.require_number())?;
        }
        let numbers: Vec<String> = values
            .iter()
            .map(|v| format!("t.{}::pg_catalog.float8", v.quoted()))
            .collect();
        let value = if array_column {
            format!("t.{}::pg_catalog.float8[]", values[0].quoted())
        } else if numbers.len() == 1 {
            numbers[0].clone()
        } else {
            format!("ARRAY[{}]", numbers.join(", "))
        };
        let series = request
            .series
            .iter()
            .map(|s| relation.column(s))
            .collect::<Result<Vec<_>>>()?;
        let time = format!("t.{}", time.quoted());
        let mut bounds = Vec::new();
        if request.since.is_some() {
            bounds.push(format!("{time} OPERATOR(pg_catalog.>=) $1"));
        }
        if request.until.is_some() {
            bounds.push(format!("{time} OPERATOR(pg_catalog.<=) $2"));
        }
        let filter = if bounds.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", bounds.join(" AND "))
        };
        let order: Vec<String> = series
            .iter()
            .map(|s| format!("t.{}", s.quoted()))
            .chain([time.clone()])
            .collect();
        Ok(Self {
            query: format!(
                "SELECT {}, {time}, {value} FROM {} t {filter} ORDER BY {}",
                key("t", &series),
                relation.name,
                order.join(", ")
            ),
            array: array_column || numbers.len() > 1,
            names: if array_column {
                Vec::new()
            } else {
                request.values.clone()
            },
        })
    }
}

/// The expression of the key of a series.
pub(super) fn key(alias: &str, series: &[&Column]) -> String {
    let pairs: Vec<String> = series
        .iter()
        .map(|s| format!("{}, {alias}.{}", s.literal(), s.quoted()))
        .collect();
    format!("pg_catalog.jsonb_build_object({})", pairs.join(", "))
}

fn missing(oid: pg_sys::Oid) -> pg_sys::panic::ErrorReport {
    fail(
        PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
        format!("relation with OID {} does not exist", oid.to_u32()),
        "Pass the name of a table or view, as in 'metrics' or 'schema.metrics'.",
    )
}

fn current_user() -> String {
    // SAFETY: returns a palloc'ed, valid C string of the current role.
    let name = unsafe { std::ffi::CStr::from_ptr(pg_sys::GetUserNameFromId(pg_sys::GetUserId(), false)) };
    name.to_string_lossy().into_owned()
}
