//! Times of the types that users have: as the core's integers and back.

use pgrx::pg_sys;
use tsad_core::TimeKind;

/// The type of a time column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeType {
    TimestampTz,
    /// Read as it stands, without a time zone.
    Timestamp,
    /// Its beginning.
    Date,
    Bigint,
}

/// What a time is that is not an ordinary one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Infinite;

impl TimeType {
    /// Whether its values are integers without a unit.
    pub(crate) fn is_integer(self) -> bool {
        self == Self::Bigint
    }

    /// The names of all types, for messages.
    pub(crate) const NAMES: &'static str = "timestamptz, timestamp, date or bigint";

    /// The type of a given OID, if it can be a time.
    pub(crate) fn of(oid: pg_sys::Oid) -> Option<Self> {
        match oid {
            pg_sys::TIMESTAMPTZOID => Some(Self::TimestampTz),
            pg_sys::TIMESTAMPOID => Some(Self::Timestamp),
            pg_sys::DATEOID => Some(Self::Date),
            pg_sys::INT8OID | pg_sys::INT4OID | pg_sys::INT2OID => Some(Self::Bigint),
            _ => None,
        }
    }

    /// Its OID.
    pub(crate) fn oid(self) -> pg_sys::Oid {
        match self {
            Self::TimestampTz => pg_sys::TIMESTAMPTZOID,
            Self::Timestamp => pg_sys::TIMESTAMPOID,
            Self::Date => pg_sys::DATEOID,
            Self::Bigint => pg_sys::INT8OID,
        }
    }

    /// What its values mean to the core.
    pub(crate) fn kind(self) -> TimeKind {
        match self {
            Self::Bigint => TimeKind::Integer,
            _ => TimeKind::Timestamp,
        }
    }

    /// The name of the type that a query casts to.
    pub(crate) fn cast(self) -> &'static str {
        match self {
            Self::TimestampTz => "pg_catalog.timestamptz",
            Self::Timestamp => "pg_catalog.timestamp",
            Self::Date => "pg_catalog.date",
            Self::Bigint => "pg_catalog.int8",
        }
    }

    /// A time of the core as a `timestamptz`; none where times are integers.
    pub(crate) fn display_time(self, core: i64) -> Option<pg_sys::Datum> {
        match self {
            Self::TimestampTz => Some(pg_sys::Datum::from(core)),
            // SAFETY: a timestamp is such an integer; what is out of range as a timestamptz raises an error.
            Self::Timestamp | Self::Date => unsafe {
                let time = Some(pg_sys::Datum::from(core));
                pgrx::direct_function_call_as_datum(pg_sys::timestamp_timestamptz, &[time])
            },
            Self::Bigint => None,
        }
    }

    /// A datum of this type as an integer: microseconds since 2000-01-01, or the integer itself.
    pub(crate) fn value(self, datum: pg_sys::Datum) -> Result<i64, Infinite> {
        const DAY: i64 = 86_400_000_000;
        match self {
            Self::TimestampTz | Self::Timestamp => match datum.value() as i64 {
                i64::MIN | i64::MAX => Err(Infinite),
                micros => Ok(micros),
            },
            Self::Date => match datum.value() as i32 {
                i32::MIN | i32::MAX => Err(Infinite),
                days => Ok(i64::from(days) * DAY),
            },
            Self::Bigint => Ok(datum.value() as i64),
        }
    }
}
