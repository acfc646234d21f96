//! The one error type of the crate. May import nothing.

use std::collections::TryReserveError;
use std::fmt;

/// What went wrong, in the terms a caller can act on.
///
/// An adapter maps each kind to its own code (the PostgreSQL extension to an SQLSTATE); the message and
/// the hint are for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A parameter lies outside its range or contradicts another one.
    InvalidParameter,
    /// There are too few usable samples for what was asked.
    TooLittleData,
    /// A value is infinite where only finite values and gaps are allowed.
    NotFinite,
    /// A sample has no time.
    NullTime,
    /// The number of channels differs from what the model or the series has.
    Dimension,
    /// The bytes are not a model, or were damaged.
    Corrupt,
    /// The model was written by a newer version of the library.
    Newer,
    /// A documented limit was exceeded.
    Limit,
    /// Memory for more rows could not be had.
    OutOfMemory,
}

/// An error with its kind, a message and, where there is advice to give, a hint.
///
/// The message is one lower-case clause without a final stop; the hint is one or more sentences.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
}

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// The error of rows for which no memory could be had.
pub(crate) fn no_memory(_: TryReserveError) -> Error {
    Error::new(ErrorKind::OutOfMemory, "out of memory: there is no room for more rows").with_hint(
        "Pass fewer rows at a time, for example a shorter time range, or raise the limit on memory of the process.",
    )
}

impl Error {
    /// Makes an error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            hint: None,
        }))
    }

    /// Adds what the reader can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message, without the hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the reader can do about it, if anything.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_kind_message_and_hint() {
        let e = Error::new(ErrorKind::Limit, "too many channels: 5, limit 4")
            .with_hint("Train fewer columns together.");
        assert_eq!(e.kind(), ErrorKind::Limit);
        assert_eq!(e.to_string(), "too many channels: 5, limit 4");
        assert_eq!(e.message(), e.to_string());
        assert_eq!(e.hint(), Some("Train fewer columns together."));
    }

    #[test]
    fn an_error_is_one_word_wide() {
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }
}
