//! Options as users write them, `jsonb`, to checked parameters.

use crate::error::{Result, fail, nearest, report};
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use serde_json::{Map, Value};
use tsad_core::{Params, ValidParams};

/// Parameters from the `options` argument of a function; NULL stands for none.
///
/// # Errors
/// 22023 if it is not an object, has an unknown key, or a value of the wrong type or outside its range.
pub(crate) fn params(options: Option<Value>) -> Result<ValidParams> {
    let given = match options {
        None => Map::new(),
        Some(Value::Object(map)) => map,
        Some(other) => {
            return Err(invalid(
                format!("options must be a JSON object, got {}", kind_of(&other)),
                "Write options as in '{\"seed\": 1}'.",
            ));
        }
    };
    for (name, value) in &given {
        if !Params::NAMES.contains(&name.as_str()) {
            return Err(invalid(
                format!("unknown option \"{name}\""),
                format!(
                    "{}The options are {}.",
                    nearest(name, Params::NAMES.into_iter()),
                    Params::NAMES.join(", ")
                ),
            ));
        }
        // One at a time, so that the message names the option.
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        serde_json::from_value::<Params>(Value::Object(alone)).map_err(|e| wrong_type(name, value, &e))?;
    }
    let params: Params =
        serde_json::from_value(Value::Object(given)).map_err(|e| wrong_type("options", &Value::Null, &e))?;
    params.validate().map_err(report)
}

fn wrong_type(name: &str, value: &Value, error: &serde_json::Error) -> pgrx::pg_sys::panic::ErrorReport {
    let expected = error.to_string();
    let expected = expected
        .rsplit_once("expected ")
        .map_or(expected.as_str(), |(_, e)| e);
    let article = if expected.starts_with('a') { "" } else { "a " };
    let expected = match expected {
        "u64" | "usize" => "a whole number, not negative".to_owned(),
        "f64" => "a number".to_owned(),
        "a sequence" => "an array of whole numbers".to_owned(),
        other => format!("{article}{other}"),
    };
    invalid(
        format!("option \"{name}\" has the wrong type: {value}"),
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
