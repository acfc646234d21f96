//! Parameters from the command line.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};
use tsad_core::{Params, ValidParams};

/// The defaults with each `name=value` of `options` put in place, checked.
///
/// A value is read as JSON (`32`, `0.02`, `[16,64]`, `null`) and, where it is none, as a string.
///
/// # Errors
/// Where an option has no `=`, is given twice, is unknown, or has a value of the wrong type or range.
pub fn params(options: &[String]) -> Result<ValidParams> {
    let mut given = Map::new();
    for option in options {
        let Some((name, value)) = option.split_once('=') else {
            bail!("option {option:?} is not of the form name=value");
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        if given.insert(name.to_owned(), value).is_some() {
            bail!("option {name:?} is given twice");
        }
    }
    let params: Params = serde_json::from_value(Value::Object(given)).context("options")?;
    params.validate().map_err(|e| match e.hint() {
        Some(hint) => anyhow::anyhow!("{e}. {hint}"),
        None => anyhow::anyhow!("{e}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(options: &[&str]) -> Result<ValidParams> {
        params(&options.iter().map(|o| (*o).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_replace_defaults() {
        assert_eq!(*given(&[]).unwrap(), Params::default());
        let p = given(&["seed=7", "scales=[16,64]"]).unwrap();
        assert_eq!((p.seed, p.scales.as_slice()), (7, &[16, 64][..]));
    }

    #[test]
    fn mistakes_are_told() {
        for (option, part) in [
            ("seed", "name=value"),
            ("sead=1", "sead"),
            ("seed=often", "often"),
            ("scales=[]", "scales"),
        ] {
            let e = format!("{:#}", given(&[option]).unwrap_err());
            assert!(e.contains(part), "{e}");
        }
        assert!(
            given(&["seed=1", "seed=2"])
                .unwrap_err()
                .to_string()
                .contains("twice")
        );
    }
}
