//! Time zones, as the server knows them.

use crate::error::{Result, fail, internal, nearest};
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::prelude::*;
use std::ffi::{CStr, CString};
use tsad_core::picture::Clock;

/// Seconds from 1970-01-01 to 2000-01-01.
const EPOCH: i64 = 946_684_800;

/// A time zone of the server, or a fixed offset.
pub(super) enum Zone {
    /// From the server's database; it keeps what it has loaded as long as the process lives.
    Named(*mut pg_sys::pg_tz, String),
    /// Seconds east of Greenwich.
    Fixed(i64, String),
}

impl Zone {
    /// The zone of a name (`Europe/Berlin`) or an offset east of Greenwich (`+02:00`); without one, that of the
    /// session.
    pub(super) fn of(name: Option<&str>) -> Result<Self> {
        let Some(name) = name else {
            // SAFETY: the server sets it at its start, to a zone that it never frees.
            let zone = unsafe { pg_sys::session_timezone };
            return Ok(Self::named(zone));
        };
        if let Some(seconds) = offset(name) {
            return Ok(Self::Fixed(seconds, name.replace('-', "\u{2212}")));
        }
        // Anything else than the characters of names would be read as a POSIX rule, of which most are surprises.
        let plain = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_/+-".contains(c));
        if let Ok(text) = CString::new(name)
            && plain
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
        {
            // SAFETY: the text ends with a zero byte; the server copies it.
            let zone = unsafe { pg_sys::pg_tzset(text.as_ptr()) };
            // SAFETY: not NULL, so a zone.
            if !zone.is_null() && unsafe { pg_sys::pg_tz_acceptable(zone) } {
                return Ok(Self::named(zone));
            }
        }
        Err(fail(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("option \"timezone\" is no time zone: \"{name}\""),
            near(name)?
                + "Give a name of the view pg_timezone_names, such as \"Europe/Berlin\", or an offset east of Greenwich, such as \"+02:00\".",
        ))
    }

    fn named(zone: *mut pg_sys::pg_tz) -> Self {
        // SAFETY: a zone has a name that ends with a zero byte.
        let name = unsafe { CStr::from_ptr(pg_sys::pg_get_timezone_name(zone)) };
        Self::Named(zone, name.to_string_lossy().into_owned())
    }

    /// Seconds east of Greenwich at a time, microseconds since 2000-01-01 00:00 UTC.
    pub(super) fn offset(&self, time: i64) -> i64 {
        match self {
            Self::Fixed(seconds, _) => *seconds,
            Self::Named(zone, _) => {
                let time: pg_sys::pg_time_t = time.div_euclid(1_000_000) + EPOCH;
                // SAFETY: both pointers are good; what comes back is NULL or stays until the next call.
                unsafe { pg_sys::pg_localtime(&raw const time, *zone).as_ref() }.map_or(0, |tm| tm.tm_gmtoff)
            }
        }
    }

    pub(super) fn clock<'a>(&self, offset: &'a dyn Fn(i64) -> i64) -> Clock<'a> {
        let (Self::Named(_, name) | Self::Fixed(_, name)) = self;
        Clock {
            name: name.clone(),
            offset,
        }
    }
}

/// The names of the server that are nearest to a misspelt one, as the beginning of a hint.
fn near(name: &str) -> Result<String> {
    let names = Spi::connect(|client| {
        let names = client.select(
            "SELECT name FROM pg_catalog.pg_timezone_names ORDER BY name",
            None,
            &[],
        )?;
        names
            .map(|row| row.get::<String>(1))
            .collect::<spi::Result<Vec<_>>>()
    });
    let names = names.map_err(internal)?;
    Ok(nearest(name, names.iter().flatten().map(String::as_str)))
}

/// Seconds of `+02`, `+0200` or `+02:00`.
fn offset(text: &str) -> Option<i64> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let digits = rest.replacen(':', "", 1);
    if !(digits.len() == 2 || digits.len() == 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = digits.split_at(2);
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().unwrap_or(0));
    (hours <= 15 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}
