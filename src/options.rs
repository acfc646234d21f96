//! Options as users write them, `jsonb`, to checked parameters.

use crate::error::{Result, fail, nearest, report};
use crate::memory::probe;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::{FromDatum, JsonB, pg_sys};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tsad_core::{Params, ValidParams, picture};

/// Parameters from the `options` argument of a function; NULL stands for none.
///
/// # Errors
/// 22023 if it is not an object, has an unknown key, or a value of the wrong type or outside its range.
pub(crate) fn params(options: Option<Value>) -> Result<ValidParams> {
    let params: Params = read(options, &Params::NAMES, r#""seed": 1"#)?;
    params.validate().map_err(report)
}

/// The same for pictures.
pub(crate) fn picture(options: Option<Value>) -> Result<picture::Options> {
    let options: picture::Options = read(options, &picture::Options::NAMES, r#""width": 800"#)?;
    options.validate().map_err(report)
}

/// The options of an argument of type `jsonb`.
///
/// # Errors
/// 53200 if there is no memory to read them.
///
/// # Safety
/// The datum must be a valid value of type `jsonb`.
pub(crate) unsafe fn given(datum: Option<pg_sys::Datum>) -> Result<Option<Value>> {
    let Some(datum) = datum else {
        return Ok(None);
    };
    // SAFETY: the caller vouches for the datum.
    let size = unsafe { pg_sys::toast_raw_datum_size(datum) };
    // As values they take up to 64 bytes a byte.
    probe(size.saturating_mul(64))?;
    // SAFETY: the caller vouches for the datum.
    Ok(unsafe { JsonB::from_datum(datum, false) }.map(|j| j.0))
}

/// Options of any kind that has all of `names` and defaults for what is missing.
fn read<T: DeserializeOwned>(options: Option<Value>, names: &[&str], example: &str) -> Result<T> {
    let given = match options {
        None => Map::new(),
        Some(Value::Object(map)) => map,
        Some(other) => {
            return Err(invalid(
                format!("options must be a JSON object, got {}", kind_of(&other)),
                format!("Write options as in '{{{example}}}'."),
            ));
        }
    };
    for (name, value) in &given {
        if !names.contains(&name.as_str()) {
            return Err(invalid(
                format!("unknown option \"{name}\""),
                format!(
                    "{}The options are {}.",
                    nearest(name, names.iter().copied()),
                    names.join(", ")
                ),
            ));
        }
        // One at a time, so that the message names the option.
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        serde_json::from_value::<T>(Value::Object(alone)).map_err(|e| wrong_type(name, value, &e))?;
    }
    serde_json::from_value(Value::Object(given)).map_err(|e| wrong_type("options", &Value::Null, &e))
}

fn wrong_type(name: &str, value: &Value, error: &serde_json::Error) -> pg_sys::panic::ErrorReport {
    let error = error.to_string();
    let words = words_of(name);
    let given = value.as_str().filter(|_| !words.is_empty());
    let fault = match given {
        Some(_) => "cannot be",
        None => "has the wrong type:",
    };
    let expected = error.rsplit_once("expected ").map_or(error.as_str(), |(_, e)| e);
    let article = if expected.starts_with('a') { "" } else { "a " };
    let expected = match (words, expected) {
        ([first @ .., last], _) => format!("\"{}\" or \"{last}\"", first.join("\", \"")),
        _ if name == "scales" => "an array of whole numbers, not negative".to_owned(),
        (_, "u64" | "u32" | "usize") => "a whole number, not negative".to_owned(),
        (_, "f64") => "a number".to_owned(),
        (_, other) => format!("{article}{other}"),
    };
    let near = given.map_or_else(String::new, |given| nearest(given, words.iter().copied()));
    invalid(
        format!("option \"{name}\" {fault} {value}"),
        format!("{near}It must be {expected}."),
    )
}

/// The values of an option that is one of some words.
fn words_of(name: &str) -> &'static [&'static str] {
    match name {
        "decision" => &["metric", "direction", "either"],
        "theme" => &["auto", "light", "dark"],
        _ => &[],
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn invalid(message: impl Into<String>, hint: impl Into<String>) -> pg_sys::panic::ErrorReport {
    fail(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message, hint)
}
