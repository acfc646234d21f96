//! Options as users write them, `jsonb`, to checked parameters.

use crate::error::{Result, fail, nearest, report};
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
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

fn wrong_type(name: &str, value: &Value, error: &serde_json::Error) -> pgrx::pg_sys::panic::ErrorReport {
    let error = error.to_string();
    let fault = match error.starts_with("unknown variant") {
        true => "cannot be",
        false => "has the wrong type:",
    };
    let expected = error.rsplit_once("expected ").map_or(error.as_str(), |(_, e)| e);
    let article = if expected.starts_with('a') { "" } else { "a " };
    let expected = match expected {
        "u64" | "u32" | "usize" => "a whole number, not negative".to_owned(),
        "f64" => "a number".to_owned(),
        "one of `auto`, `light`, `dark`" | "string or map" => r#""auto", "light" or "dark""#.to_owned(),
        "a sequence" => "an array of whole numbers".to_owned(),
        other => format!("{article}{other}"),
    };
    invalid(
        format!("option \"{name}\" {fault} {value}"),
        format!("It must be {expected}."),
    )
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

fn invalid(message: impl Into<String>, hint: impl Into<String>) -> pgrx::pg_sys::panic::ErrorReport {
    fail(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message, hint)
}
