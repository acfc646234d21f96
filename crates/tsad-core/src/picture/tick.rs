//! A tick of an axis.

/// A tick of the time axis.
#[derive(Debug, PartialEq)]
pub(super) struct Tick {
    pub time: i64,
    pub label: String,
    /// What the label leaves open, such as the year: set where it differs from the tick before.
    pub context: Option<String>,
}
