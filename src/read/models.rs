//! The models of a request, found per series.

use super::cursor::Cursor;
use super::request::{Models, Request, invalid};
use super::source::{Relation, key};
use crate::aggregate::unpacked;
use crate::error::{Result, fail, report, shown};
use crate::interrupt::check;
use crate::jsonb::RawJsonb;
use crate::memory::guarded;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::prelude::*;
use pgrx::spi::quote_literal;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::rc::Rc;
use tsad_core::{Model, ValidParams};

/// Finds the model of a series.
pub(crate) enum Finder {
    One(Rc<Model>),
    Table(Table),
    /// Trained on the rows before a time.
    Train(i64, ValidParams),
}

/// A table of models.
pub(crate) struct Table {
    /// The qualified, quoted name.
    name: String,
    /// The series columns.
    columns: Vec<SeriesColumn>,
}

/// A series column of a table of models.
struct SeriesColumn {
    name: String,
    quoted: String,
    type_name: String,
    /// Whether its values are `jsonb`, which are compared as they are: `->>` takes the quotes off a string.
    is_jsonb: bool,
    /// The equality of its type, with its schema; none where the type has none.
    equality: Option<String>,
}

/// What to score a series with.
pub(crate) enum Lookup<'a> {
    Found(Found),
    /// A model of its rows before a time.
    Train(i64, &'a ValidParams),
}

/// What was found for a series.
#[derive(Clone)]
pub(crate) enum Found {
    Model(Rc<Model>),
    /// There is none.
    None,
    /// It cannot be read.
    Broken(String),
}

impl Found {
    /// How far around a row other rows can touch its score, in the unit of the times.
    pub(crate) fn reach(&self) -> i64 {
        match self {
            Self::Model(model) => model.reach().unwrap_or(0),
            Self::None | Self::Broken(_) => 0,
        }
    }

    /// The number of values that it scores.
    pub(crate) fn channels(&self) -> Option<usize> {
        match self {
            Self::Model(model) => Some(model.channels()),
            Self::None | Self::Broken(_) => None,
        }
    }
}

/// The equality of a type as SQL, from its default operator class: a bare `=` could be anybody's that matches better,
/// and would run with the caller's rights.
fn equality(type_name: &str) -> Result<Option<String>> {
    let oid = crate::spi::read_one::<pg_sys::Oid>(
        "SELECT pg_catalog.to_regtype($1)::pg_catalog.oid",
        &[type_name.into()],
    )?;
    let Some(oid) = oid else {
        return Ok(None);
    };
    // SAFETY: a look-up in the catalogue; the entry lives as long as the backend.
    let operator = unsafe { (*pg_sys::lookup_type_cache(oid, pg_sys::TYPECACHE_EQ_OPR as i32)).eq_opr };
    crate::spi::read_one::<String>(
        "SELECT pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname) FROM pg_catalog.pg_operator o \
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) o.oprnamespace \
         WHERE o.oid OPERATOR(pg_catalog.=) $1",
        &[operator.into()],
    )
}

/// `tsad._equality(type)`: the equality of a type with its schema.
#[pg_extern(sql = false)]
fn _equality(type_name: &str) -> Result<Option<String>> {
    equality(type_name)
}

/// A model for rows with a number of values, where that is known.
pub(crate) fn one(bytes: &[u8], channels: Option<usize>) -> Result<Model> {
    let model = guarded(|| Model::from_bytes(bytes))?.map_err(report)?;
    match channels.filter(|c| *c != model.channels()) {
        None => Ok(model),
        Some(channels) => Err(fail(
            PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
            format!(
                "the model was trained on {} value column{}, got {channels}",
                model.channels(),
                if model.channels() == 1 { "" } else { "s" }
            ),
            "Score the same columns, in the same order, that the model was trained on.",
        )),
    }
}

impl Finder {
    /// Prepares to find models. A single model is read at once; a table is checked for its columns and for
    /// series with several models.
    ///
    /// # Safety
    /// There must be an SPI connection.
    pub(crate) unsafe fn new(request: &Request, channels: Option<usize>) -> Result<Self> {
        let oid = match &request.models {
            Models::None => {
                return Err(invalid(
                    "no model was given",
                    "This is a fault of pg_tsad; please report it.",
                ));
            }
            Models::Table(oid) => *oid,
            Models::Train(until, params) => return Ok(Self::Train(*until, (**params).clone())),
            Models::One(bytes) => {
                let model = one(bytes, channels).map_err(|e| match std::str::from_utf8(bytes) {
                    Ok(name)
                        if !name.is_empty()
                            && name.chars().all(|c| c.is_alphanumeric() || "_.\"".contains(c)) =>
                    {
                        e.set_hint(format!("A table of models is passed as models => '{name}'."))
                    }
                    _ => e,
                })?;
                return Ok(Self::One(Rc::new(model)));
            }
        };
        let relation = Relation::of_oid(oid)?;
        let model = relation.column("model").map_err(|e| {
            let hint = "Pass a table with the series columns and a column \"model\" of type bytea, as CREATE TABLE … AS \
                        SELECT …, tsad.train(…) AS model makes it.";
            if relation.has("model") { e } else { e.set_hint(hint) }
        })?;
        if model.type_name() != "bytea" {
            return Err(fail(
                PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
                format!(
                    "column \"model\" of {} has type {}, not bytea",
                    relation.name,
                    model.type_name()
                ),
                "Keep what tsad.train returns in a column of type bytea.",
            ));
        }
        let series = request
            .series
            .iter()
            .map(|s| relation.column(s))
            .collect::<Result<Vec<_>>>()?;
        let key = key("m", &series);
        let others = relation.names_but("model").join(",");
        let double = format!(
            "SELECT {key} FROM {} m GROUP BY 1 HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1 LIMIT 1",
            relation.name
        );
        // SAFETY: the caller vouches for the connection.
        let mut cursor = unsafe { Cursor::open(&double, &[], false) };
        cursor.batch(|row| {
            // SAFETY: the column is a jsonb.
            let series = row
                .datum(1)
                .map_or_else(String::new, |d| unsafe { RawJsonb::copy(d) }.text());
            Err(fail(
                PgSqlErrorCode::ERRCODE_CARDINALITY_VIOLATION,
                format!("{} has several models for series {}", relation.name, shown(&series)),
                match others.is_empty() || !request.series.is_empty() {
                    true => "Keep one model per series, or pass a view that picks one.".to_owned(),
                    false => format!(
                        "Name the columns that tell them apart, as in series_columns => '{{{others}}}', or pass a view that picks one."
                    ),
                },
            ))
        })?;
        cursor.close();
        let column = |(name, c): (&String, &&super::source::Column)| {
            Ok(SeriesColumn {
                name: name.clone(),
                quoted: c.quoted(),
                type_name: c.type_name().to_owned(),
                is_jsonb: c.is_jsonb(),
                equality: equality(c.type_name())?,
            })
        };
        let columns = request.series.iter().zip(&series).map(column);
        let columns = columns.collect::<Result<_>>()?;
        Ok(Self::Table(Table {
            name: relation.name,
            columns,
        }))
    }

    /// The model of a series, unless it must be trained first.
    ///
    /// # Safety
    /// There must be an SPI connection.
    pub(crate) unsafe fn find(&self, series: &RawJsonb) -> Result<Lookup<'_>> {
        Ok(match self {
            Self::One(model) => Lookup::Found(Found::Model(model.clone())),
            // SAFETY: the caller vouches for the connection.
            Self::Table(table) => Lookup::Found(unsafe { table.find(series)? }),
            Self::Train(until, params) => Lookup::Train(*until, params),
        })
    }

    /// How far around a row other rows can touch its score: the largest reach of all models, in microseconds.
    ///
    /// # Safety
    /// There must be an SPI connection.
    pub(crate) unsafe fn reach(&self) -> Result<i64> {
        match self {
            Self::One(model) => Ok(model.reach().unwrap_or(0)),
            // All rows are read.
            Self::Train(..) => Ok(0),
            Self::Table(table) => {
                let mut reach = 0;
                // SAFETY: the caller vouches for the connection.
                let mut cursor =
                    unsafe { Cursor::open(&format!("SELECT m.model FROM {} m", table.name), &[], false) };
                while cursor.batch(|row| {
                    check();
                    // SAFETY: the column is a bytea.
                    let Some(bytes) = row.datum(1).map(|d| unsafe { unpacked(d) }) else {
                        return Ok(());
                    };
                    let model = guarded(|| Model::from_bytes(bytes).ok()?.reach())?;
                    reach = reach.max(model.unwrap_or(0));
                    Ok(())
                })? {}
                cursor.close();
                Ok(reach)
            }
        }
    }
}

impl Table {
    /// Looks a series up by the table's own columns, so that an index on them serves.
    unsafe fn find(&self, series: &RawJsonb) -> Result<Found> {
        let text = series.text();
        // Only whether a value is null is asked: it may be a number beyond all bounds, or nested to any depth.
        let values: BTreeMap<String, Option<IgnoredAny>> = match serde_json::from_str(&text) {
            Ok(values) => values,
            Err(e) => {
                let series = shown(&text);
                return Ok(Found::Broken(format!("series {series} cannot be read: {e}")));
            }
        };
        let condition = |column: &SeriesColumn| {
            let (quoted, name) = (&column.quoted, quote_literal(&column.name));
            match (values.get(&column.name), &column.equality) {
                (None | Some(None), _) => format!("m.{quoted} IS NULL"),
                (Some(_), _) if column.is_jsonb => {
                    format!("m.{quoted} OPERATOR(pg_catalog.=) ($1 OPERATOR(pg_catalog.->) {name})")
                }
                (Some(_), Some(equality)) => format!(
                    "m.{quoted} {equality} ($1 OPERATOR(pg_catalog.->>) {name})::{}",
                    column.type_name
                ),
                (Some(_), None) => format!(
                    "pg_catalog.to_jsonb(m.{quoted}) OPERATOR(pg_catalog.=) ($1 OPERATOR(pg_catalog.->) {name})"
                ),
            }
        };
        let conditions: Vec<String> = self.columns.iter().map(condition).collect();
        let filter = if conditions.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", conditions.join(" AND "))
        };
        let query = format!("SELECT m.model FROM {} m {filter}", self.name);
        // SAFETY: the caller vouches for the connection; the parameter is a jsonb.
        let mut cursor = unsafe { Cursor::open(&query, &[(pg_sys::JSONBOID, Some(series.datum()))], false) };
        let mut found = Found::None;
        cursor.batch(|row| -> Result<()> {
            // SAFETY: the column is a bytea.
            let bytes = |d| unsafe { unpacked(d) };
            if let Some(bytes) = row.datum(1).map(bytes) {
                found = match guarded(|| Model::from_bytes(bytes))? {
                    Ok(model) => Found::Model(Rc::new(model)),
                    Err(e) => Found::Broken(e.message().to_owned()),
                };
            }
            Ok(())
        })?;
        cursor.close();
        Ok(found)
    }
}
