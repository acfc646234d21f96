//! Options as users write them, `jsonb`, to checked parameters.

use crate::error::{Result, fail, nearest, report, shown};
use crate::jsonb::RawJsonb;
use crate::memory::probe;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tsad_core::{Params, ValidParams, picture};

/// Parameters from the `options` argument of a function; NULL stands for none.
///
/// # Errors
/// 22023 if it is not an object, has an unknown key, or a value of the wrong type or outside its range.
pub(crate) fn params(options: Option<&RawJsonb>) -> Result<ValidParams> {
    params_of_text(options.map(RawJsonb::text).as_deref())
}

/// The same of the text of the argument.
pub(crate) fn params_of_text(options: Option<&str>) -> Result<ValidParams> {
    let params: Params = read(options, &Params::NAMES, r#""seed": 1"#)?;
    params.validate().map_err(report)
}

/// The same for pictures.
pub(crate) fn picture(options: Option<&str>) -> Result<picture::Options> {
    let options: picture::Options = read(options, &picture::Options::NAMES, r#""width": 800"#)?;
    options.validate().map_err(report)
}

/// Options of any kind that has all of `names` and defaults for what is missing.
fn read<T: DeserializeOwned>(options: Option<&str>, names: &[&str], example: &str) -> Result<T> {
    let given = match options.map(parsed).transpose()? {
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
                format!("unknown option \"{}\"", shown(name)),
                format!(
                    "{}The options are {}.",
                    nearest(&shown(name), names.iter().copied()),
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

/// The value of a text that the server has written. It takes numbers of any size and lists in lists of any depth, which
/// have no counterpart here.
fn parsed(text: &str) -> Result<Value> {
    // As values they take up to 64 bytes a byte.
    probe(text.len().saturating_mul(64))?;
    serde_json::from_str(text).map_err(|e| {
        let at = e.column().saturating_sub(1).min(text.len());
        let before = text.as_bytes().get(..at).unwrap_or_default();
        let begin = before
            .iter()
            .rposition(|b| b" [,:{".contains(b))
            .map_or(0, |i| i + 1);
        let place = shown(text.get(begin..).unwrap_or_default());
        if e.to_string().starts_with("recursion limit") {
            return invalid(
                "options are nested too deeply",
                "No option has lists within lists.",
            );
        }
        invalid(
            "options have a number that is out of range",
            format!("It begins so: {place}. Numbers have at most 308 digits before the point."),
        )
    })
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
    let near = given.map_or_else(String::new, |given| nearest(&shown(given), words.iter().copied()));
    invalid(
        format!("option \"{name}\" {fault} {}", shown(&value.to_string())),
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
