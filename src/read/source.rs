//! The table that is scored: its columns checked, its query made.

use super::cursor::Cursor;
use super::request::{Models, Request, RowSource, TimeUnit};
use crate::error::{Result, fail, internal, nearest};
use crate::spi::read_one;
use crate::time::TimeType;
use pgrx::PgTryBuilder;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::prelude::*;
use pgrx::spi::{quote_identifier, quote_literal, quote_qualified_identifier};

use std::panic::AssertUnwindSafe;

/// A message lists all names if they are no more than this.
const MAX_LISTED: usize = 20;

/// A relation and its columns.
pub(crate) struct Relation {
    /// The qualified, quoted name, or words for a query, in messages.
    pub name: String,
    /// What stands in a FROM clause.
    pub source: String,
    columns: Vec<Column>,
}

/// A column of a relation.
pub(crate) struct Column {
    name: String,
    /// The type, a domain resolved to what it is made of.
    base: pg_sys::Oid,
    /// The type as users write it.
    type_name: String,
    readable: bool,
}

impl Relation {
    /// The relation of a request: by OID, by name, or a query in its place.
    pub(crate) fn open(from: &RowSource) -> Result<Self> {
        match from {
            RowSource::Relation(oid) => Self::of_oid(*oid),
            RowSource::Text(text) if is_query(text) => Self::of_query(text),
            RowSource::Text(text) if is_no_name(text) => Err(no_query(text)),
            RowSource::Text(name) => {
                let oid = read_one::<pg_sys::Oid>(
                    "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid",
                    &[name.as_str().into()],
                );
                match oid? {
                    Some(oid) => Self::of_oid(oid),
                    None => Err(unknown_relation(name)?),
                }
            }
        }
    }

    /// Looks up a relation.
    pub(crate) fn of_oid(oid: pg_sys::Oid) -> Result<Self> {
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
            let name = quote_qualified_identifier(schema, relation);
            Ok(Self {
                source: name.clone(),
                name,
                columns,
            })
        })
    }

    /// Whether there is a column of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|c| c.name == name)
    }

    /// The names of the other columns.
    pub(crate) fn names_but(&self, name: &str) -> Vec<&str> {
        let names = self.columns.iter().map(|c| c.name.as_str());
        names.filter(|n| *n != name).collect()
    }

    /// Whether it is of a kind that indexes can be made on.
    pub(crate) fn can_have_index(&self) -> Result<bool> {
        const KIND: &str = "SELECT c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,m}'::pg_catalog.\"char\"[]) \
            FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass";
        Ok(read_one::<bool>(KIND, &[self.name.as_str().into()])?.unwrap_or(false))
    }

    /// Whether an index begins with the series columns, in any order, and then the time.
    pub(crate) fn has_index(&self, series: &[String], time: &str) -> Result<bool> {
        const INDEXES: &str = "SELECT ARRAY(SELECT a.attname::text FROM \
            pg_catalog.unnest(i.indkey) WITH ORDINALITY k (attnum, n) JOIN pg_catalog.pg_attribute a \
            ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid AND a.attnum OPERATOR(pg_catalog.=) k.attnum \
            ORDER BY k.n) FROM pg_catalog.pg_index i \
            WHERE i.indrelid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass AND i.indisvalid \
            AND i.indpred IS NULL";
        Spi::connect(|client| {
            for row in client
                .select(INDEXES, None, &[self.name.as_str().into()])
                .map_err(internal)?
            {
                let columns = row.get::<Vec<String>>(1).map_err(internal)?.unwrap_or_default();
                let leading = columns.get(..series.len()).unwrap_or_default();
                if series.iter().all(|s| leading.contains(s))
                    && columns.get(series.len()).is_some_and(|c| c == time)
                {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// Takes the columns of a query. The query runs with the rights of the caller and cannot write.
    fn of_query(query: &str) -> Result<Self> {
        // It may end with a comment.
        let source = format!("({}\n)", query.trim().trim_end_matches(';'));
        Spi::connect(|_| {
            let open = || {
                // SAFETY: within an SPI connection.
                unsafe { Cursor::open(&format!("SELECT * FROM {source} q LIMIT 0"), &[], false) }
            };
            let cursor = PgTryBuilder::new(AssertUnwindSafe(open))
                .catch_when(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, refused)
                .catch_when(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, refused)
                .execute();
            let columns = cursor
                .columns()
                .into_iter()
                .map(|(name, type_oid, modifier)| Column {
                    name,
                    // SAFETY: a look-up in the catalogue.
                    base: unsafe { pg_sys::getBaseType(type_oid) },
                    type_name: type_name(type_oid, modifier),
                    readable: true,
                });
            let columns = columns.collect();
            cursor.close();
            Ok(Self {
                source,
                name: "the query".to_owned(),
                columns,
            })
        })
    }

    /// The column of a given name.
    ///
    /// # Errors
    /// 42703 if there is none, 42501 if the caller may not read it.
    pub(crate) fn column(&self, name: &str) -> Result<&Column> {
        let Some(column) = self.columns.iter().find(|c| c.name == name) else {
            let names: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
            let all = match names.len() {
                0..=MAX_LISTED => format!("Its columns are {}.", names.join(", ")),
                n => format!("It has {n} columns."),
            };
            let near = match several(name, &names) {
                Some(list) => format!("Write several columns as '{{{list}}}'. "),
                None => nearest(name, names.iter().copied()),
            };
            return Err(fail(
                PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
                format!("column \"{name}\" does not exist in {}", self.name),
                format!("{near}{all}"),
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
    pub(crate) fn quoted(&self) -> String {
        quote_identifier(&self.name)
    }

    /// Whether its values are of type `jsonb`, or a domain over it.
    pub(crate) fn is_jsonb(&self) -> bool {
        self.base == pg_sys::JSONBOID
    }

    /// The name as an SQL literal.
    pub(crate) fn literal(&self) -> String {
        quote_literal(&self.name)
    }

    pub(crate) fn type_name(&self) -> &str {
        &self.type_name
    }

    fn is_array(&self) -> bool {
        self.base == pg_sys::FLOAT8ARRAYOID
            || self.base == pg_sys::FLOAT4ARRAYOID
            || self.base == pg_sys::NUMERICARRAYOID
    }

    /// The type of the column as a time, if it can be one.
    fn time_type(&self) -> Option<TimeType> {
        TimeType::of(self.base)
    }

    /// Checks that the column can be the time.
    fn require_time(&self, values: &[&Self]) -> Result<TimeType> {
        if let Some(time_type) = self.time_type() {
            return Ok(time_type);
        }
        let swapped = values
            .iter()
            .find(|v| v.time_type().is_some_and(|t| t != TimeType::Bigint));
        let hint = match swapped {
            Some(v) => format!(
                "Time and value seem to be swapped: \"{}\" has type {}.",
                v.name, v.type_name
            ),
            None => format!(
                "Name a column of type {}, or make one in a view.",
                TimeType::NAMES
            ),
        };
        Err(fail(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!(
                "time column \"{}\" has type {}, which is not a time",
                self.name, self.type_name
            ),
            hint,
        ))
    }

    /// Checks that times were given as those of the column are.
    fn require_unit(&self, time_type: TimeType, given: Option<TimeUnit>) -> Result<()> {
        let (what, hint) = match given {
            Some(TimeUnit::Timestamps) if time_type.is_integer() => (
                "since, until and train_until are times",
                "Pass since_seq, until_seq and train_until_seq, which are integers.",
            ),
            Some(TimeUnit::Integers) if !time_type.is_integer() => (
                "since_seq, until_seq and train_until_seq are integers",
                "Pass since, until and train_until, which are times.",
            ),
            _ => return Ok(()),
        };
        Err(fail(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!("{what}, but \"{}\" has type {}", self.name, self.type_name),
            hint,
        ))
    }

    /// Checks that the column can be a value beside the given time.
    fn require_number(&self, time: &Self) -> Result<()> {
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
            match self.time_type() {
                // A number can be a time, so that the time column gave no cause for complaint.
                Some(_) => format!(
                    "Time and value seem to be swapped: \"{}\" has type {}.",
                    time.name, time.type_name
                ),
                None => "Name a column of type float8, or of a type that casts to it.".to_owned(),
            },
        ))
    }
}

/// The query of a request and what its rows hold.
pub(crate) struct Source {
    /// Columns: key `jsonb`, time of type `time`, values `float8` or `float8[]`, time as `timestamptz` (NULL where it
    /// is an integer).
    pub query: String,
    pub columns: Columns,
}

/// What the rows of a series hold.
pub(crate) struct Columns {
    /// The type of the times.
    pub time: TimeType,
    /// Whether the values are an array.
    pub array: bool,
    /// The names of the values, where they are columns.
    pub names: Vec<String>,
}

impl Source {
    /// Checks the columns of a request and makes its query: one scan, ordered by series and time. Parameters 1
    /// and 2 bound the time where the request does.
    pub(crate) fn new(request: &Request) -> Result<Self> {
        let relation = Relation::open(&request.from)?;
        let time = relation.column(&request.time)?;
        let values = request
            .values
            .iter()
            .map(|v| relation.column(v))
            .collect::<Result<Vec<_>>>()?;
        let time_type = time.require_time(&values)?;
        time.require_unit(time_type, request.range.given)?;
        let array_column = values.len() == 1 && values[0].is_array();
        if !array_column {
            values.iter().try_for_each(|v| v.require_number(time))?;
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
        let column = format!("t.{}", time.quoted());
        let shown = match time_type {
            TimeType::Bigint => "NULL::pg_catalog.timestamptz".to_owned(),
            _ => format!("{column}::pg_catalog.timestamptz"),
        };
        let mut bounds = Vec::new();
        // Training reads from the beginning.
        let bounded = !matches!(request.models, Models::Train(..));
        if request.range.since.is_some() && bounded {
            bounds.push(format!("{column} OPERATOR(pg_catalog.>=) $1"));
        }
        if request.range.until.is_some() && bounded {
            bounds.push(format!("{column} OPERATOR(pg_catalog.<=) $2"));
        }
        bounds.extend(request.filter.iter().map(|f| format!("({f})")));
        let filter = if bounds.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", bounds.join(" AND "))
        };
        let order: Vec<String> = series
            .iter()
            .map(|s| format!("t.{}", s.quoted()))
            .chain([column.clone()])
            .collect();
        Ok(Self {
            query: format!(
                "SELECT {}, {column}::{}, {value}, {shown} FROM {} t {filter} ORDER BY {}",
                key("t", &series),
                time_type.cast(),
                relation.source,
                order.join(", ")
            ),
            columns: Columns {
                time: time_type,
                array: array_column || numbers.len() > 1,
                names: if array_column {
                    Vec::new()
                } else {
                    request.values.clone()
                },
            },
        })
    }
}

impl Columns {
    /// The number of values of a row, where the columns tell; an array column does not.
    pub(crate) fn channels(&self) -> Option<usize> {
        (!self.array || !self.names.is_empty()).then_some(self.names.len())
    }
}

/// Whether a text is a query rather than the name of a relation.
pub(crate) fn is_query(text: &str) -> bool {
    let mut words = text
        .trim_start()
        .splitn(2, |c: char| c.is_whitespace() || c == '(');
    let first = words.next().unwrap_or_default().to_ascii_lowercase();
    let more = words.next().is_some();
    text.trim_start().starts_with('(')
        || (more && matches!(first.as_str(), "select" | "with" | "table" | "values"))
}

/// Whether a text can be no name of a relation: several words without quotes, or nothing.
fn is_no_name(text: &str) -> bool {
    // Around the dot of a qualified name there may be blanks.
    let words = text.split('.').map(|part| part.split_whitespace().count()).max();
    words == Some(0) || (words > Some(1) && !text.contains('"'))
}

/// What to say of a text that is neither a name nor a query.
fn no_query(text: &str) -> pg_sys::panic::ErrorReport {
    const READ: [&str; 4] = ["SELECT", "WITH", "TABLE", "VALUES"];
    let first = text.split_whitespace().next().unwrap_or_default();
    let message = match first {
        "" => "relation is empty".to_owned(),
        _ => format!("relation is neither a name nor a query: it begins with \"{first}\""),
    };
    let near = nearest(first, READ.into_iter());
    fail(
        PgSqlErrorCode::ERRCODE_SYNTAX_ERROR,
        message,
        format!(
            "{near}Pass the name of a table or view, or one query that begins with SELECT, WITH, TABLE or VALUES."
        ),
    )
}

/// Raises what the server said of a query again, with a hint.
fn refused(error: pg_sys::panic::CaughtError) -> Cursor {
    if let pg_sys::panic::CaughtError::PostgresError(report) = &error
        && report.hint().is_none()
    {
        let hint = "The query stands in parentheses in a FROM clause: pass one statement that reads and does not write.";
        fail(report.sql_error_code(), report.message(), hint).report(PgLogLevel::ERROR);
    }
    error.rethrow()
}

/// The columns in a list of names that lacks its braces, or has one of them only.
fn several(text: &str, known: &[&str]) -> Option<String> {
    let inner = text.trim_matches(['{', '}']);
    let names: Vec<&str> = inner.split(',').map(str::trim).collect();
    let all = names.iter().all(|n| known.contains(n));
    (all && (names.len() > 1 || inner != text)).then(|| names.join(","))
}

/// The name of a type as users write it.
fn type_name(oid: pg_sys::Oid, modifier: i32) -> String {
    // SAFETY: returns a palloc'ed, valid C string.
    let name = unsafe { std::ffi::CStr::from_ptr(pg_sys::format_type_with_typemod(oid, modifier)) };
    name.to_string_lossy().into_owned()
}

/// The expression of the key of a series.
pub(crate) fn key(alias: &str, series: &[&Column]) -> String {
    let pairs: Vec<String> = series
        .iter()
        .map(|s| format!("{}, {alias}.{}", s.literal(), s.quoted()))
        .collect();
    format!("pg_catalog.jsonb_build_object({})", pairs.join(", "))
}

/// What to say of a name that is no relation: the nearest ones among those that the caller may read.
fn unknown_relation(name: &str) -> Result<pg_sys::panic::ErrorReport> {
    const READABLE: &str = "SELECT c.relname::text, CASE WHEN pg_catalog.pg_table_is_visible(c.oid) \
        THEN pg_catalog.quote_ident(c.relname) \
        ELSE pg_catalog.quote_ident(n.nspname) OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) pg_catalog.quote_ident(c.relname) END \
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
        WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,v,m,f,p}'::pg_catalog.\"char\"[]) \
        AND n.nspname OPERATOR(pg_catalog.!~) '^(pg_|information_schema$)' \
        AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')";
    let mut names: Vec<(String, String)> = Vec::new();
    Spi::connect(|client| {
        for row in client.select(READABLE, None, &[]).map_err(internal)? {
            let column = |n: usize| row.get::<String>(n).map_err(internal);
            names.extend(column(1)?.zip(column(2)?));
        }
        Ok::<(), pg_sys::panic::ErrorReport>(())
    })?;
    names.sort();
    // The same name in a schema that is not searched is nearer than any other.
    let elsewhere = names.iter().find(|(alone, _)| alone == name);
    let near = match elsewhere {
        Some((_, written)) => format!("Did you mean \"{written}\"? "),
        None => nearest(name, names.iter().map(|(_, written)| written.as_str())),
    };
    Ok(fail(
        PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
        format!("relation \"{name}\" does not exist"),
        format!("{near}Pass the name of a table or view, as in 'metrics' or 'schema.metrics', or a query."),
    ))
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
