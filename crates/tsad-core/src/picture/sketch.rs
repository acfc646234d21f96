//! Rows become a sketch: what a picture needs of them, in bounded memory and independent of their order.
//!
//! Per series the rows are gathered in buckets of time, each of which keeps the first, last, lowest and highest value.
//! Where a bucket is a column of pixels, these four draw the very same line as all rows do: M4, U. Jugel, Z. Jerzak,
//! G. Hackenbroich and V. Markl, *PVLDB* 7(10), 2014,
//! [doi:10.14778/2732951.2732953](https://doi.org/10.14778/2732951.2732953).
//!
//! The range of the times, and so the columns, are not known before the last row. A bucket therefore is as wide as a
//! power of two of microseconds, and the power grows whenever there are more than [`BUCKETS`]. The power reached is the
//! smallest that suffices for all rows, in whatever order and parts they came: so equal rows give an equal sketch.
//! Above half of [`BUCKETS`] are then in use, more than the widest picture has columns.

use crate::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most buckets of one series.
pub(super) const BUCKETS: usize = 4096;

/// One row of a picture. What is missing or not finite is a gap.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row {
    /// Microseconds since 2000-01-01 00:00 UTC.
    pub time: i64,
    /// The value of the series.
    pub value: Option<f64>,
    /// The anomaly score.
    pub score: Option<f64>,
    /// The score above which a row is an anomaly.
    pub threshold: Option<f64>,
    /// Whether the row is an anomaly; if missing, whether the score exceeds the threshold.
    pub is_anomaly: Option<bool>,
    /// The lower end of the expected band.
    pub lower: Option<f64>,
    /// The upper end of the expected band.
    pub upper: Option<f64>,
}

/// The rows of a picture, by series.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sketch {
    tracks: BTreeMap<String, Track>,
}

impl Sketch {
    /// The most series of one picture.
    pub const MAX_SERIES: usize = 64;

    /// Adds a row of a series; "" stands for the series without a name.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] at the series after [`Sketch::MAX_SERIES`].
    pub fn add(&mut self, series: &str, row: &Row) -> Result<()> {
        self.track(series)?.add(row.time, Bucket::of(row));
        Ok(())
    }

    /// Adds all rows of another sketch.
    ///
    /// # Errors
    /// As [`Sketch::add`].
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        for (name, track) in &other.tracks {
            self.track(name)?.merge(track);
        }
        Ok(())
    }

    /// The sketch as bytes, for another process of the same version.
    ///
    /// # Errors
    /// None that can be provoked.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_cbor::to_vec(self).map_err(|e| Error::new(ErrorKind::Corrupt, format!("sketch: {e}")))
    }

    /// The inverse of [`Sketch::to_bytes`].
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if the bytes are no sketch.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        serde_cbor::from_slice(bytes).map_err(|e| Error::new(ErrorKind::Corrupt, format!("sketch: {e}")))
    }

    pub(super) fn tracks(&self) -> impl ExactSizeIterator<Item = (&str, &Track)> {
        self.tracks.iter().map(|(name, track)| (name.as_str(), track))
    }

    fn track(&mut self, series: &str) -> Result<&mut Track> {
        if !self.tracks.contains_key(series) && self.tracks.len() == Self::MAX_SERIES {
            return Err(Error::new(
                ErrorKind::Limit,
                format!(
                    "too many series in one picture, the limit is {}",
                    Self::MAX_SERIES
                ),
            )
            .with_hint("Choose fewer series, or make a picture each with GROUP BY."));
        }
        Ok(self.tracks.entry(series.to_owned()).or_default())
    }
}

/// One series: its buckets, each 2^level microseconds wide.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Track {
    level: u32,
    pub rows: u64,
    buckets: BTreeMap<i64, Bucket>,
}

impl Track {
    fn add(&mut self, time: i64, bucket: Bucket) {
        self.rows += 1;
        self.put(time >> self.level, &bucket);
        self.coarsen(0);
    }

    fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.coarsen(other.level);
        for (key, bucket) in &other.buckets {
            self.put(key >> (self.level - other.level), bucket);
        }
        self.coarsen(0);
    }

    fn put(&mut self, key: i64, bucket: &Bucket) {
        self.buckets
            .entry(key)
            .and_modify(|b| b.join(bucket))
            .or_insert_with(|| bucket.clone());
    }

    /// Doubles the width until it is at least `level` and the buckets are not too many.
    fn coarsen(&mut self, level: u32) {
        while self.level < level || self.buckets.len() > BUCKETS {
            self.level += 1;
            for (key, bucket) in std::mem::take(&mut self.buckets) {
                self.put(key >> 1, &bucket);
            }
        }
    }

    /// The first and the last time.
    pub fn range(&self) -> Option<(i64, i64)> {
        Some((
            self.buckets.values().next()?.begin,
            self.buckets.values().last()?.end,
        ))
    }

    /// How many points the lines of this series take in a column: four each for value, score and band.
    pub fn points_a_column(&self) -> usize {
        let has = |part: fn(&Bucket) -> bool| usize::from(self.buckets.values().any(part));
        4 + 4 * has(|b| b.score.is_some()) + 4 * has(|b| b.band.is_some())
    }

    /// What to draw, in the order of time: the buckets, joined where they share one of `columns` columns between the
    /// times `from` and `to`.
    pub fn columns(&self, from: i64, to: i64, columns: usize) -> Vec<Bucket> {
        let mut out: Vec<Bucket> = Vec::with_capacity(columns.min(self.buckets.len()));
        let width = to.abs_diff(from) / columns.max(1) as u64 + 1;
        let few = self.buckets.len() <= columns;
        for bucket in self.buckets.values() {
            match out.last_mut() {
                Some(last)
                    if !few && last.begin.abs_diff(from) / width == bucket.begin.abs_diff(from) / width =>
                {
                    last.join(bucket);
                }
                _ => out.push(bucket.clone()),
            }
        }
        out
    }
}

/// A value and its time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Knot {
    pub time: i64,
    pub value: f64,
}

/// The four samples of a bucket that its line needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Lane {
    pub first: Knot,
    pub last: Knot,
    pub low: Knot,
    pub high: Knot,
}

impl Lane {
    fn of(time: i64, value: Option<f64>) -> Option<Self> {
        // Adding zero turns -0 into 0: one of two equal values is as good as the other in any order.
        let knot = Knot {
            time,
            value: value.filter(|v| v.is_finite())? + 0.0,
        };
        Some(Self {
            first: knot,
            last: knot,
            low: knot,
            high: knot,
        })
    }

    fn join(&mut self, other: &Self) {
        let by_time = |k: &Knot| (k.time, sortable(k.value));
        let by_value = |k: &Knot| (sortable(k.value), k.time);
        if by_time(&other.first) < by_time(&self.first) {
            self.first = other.first;
        }
        if by_time(&other.last) > by_time(&self.last) {
            self.last = other.last;
        }
        if by_value(&other.low) < by_value(&self.low) {
            self.low = other.low;
        }
        if (sortable(other.high.value), -i128::from(other.high.time))
            > (sortable(self.high.value), -i128::from(self.high.time))
        {
            self.high = other.high;
        }
    }

    /// The samples in the order in which the line passes them.
    pub fn knots(&self) -> impl Iterator<Item = Knot> {
        let mut inner = [self.low, self.high];
        inner.sort_by_key(|k| k.time);
        [self.first, inner[0], inner[1], self.last].into_iter()
    }
}

/// An integer that is ordered as the finite number is.
fn sortable(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    if bits < 0 { i64::MIN - bits } else { bits }
}

/// The expected band within a bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Band {
    pub begin: i64,
    pub end: i64,
    pub lower: f64,
    pub upper: f64,
}

/// Times of the first and the last of some rows.
pub(super) type Span = (i64, i64);

/// What a picture needs of the rows of a short time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Bucket {
    pub begin: i64,
    pub end: i64,
    pub value: Option<Lane>,
    pub score: Option<Lane>,
    pub threshold: Option<f64>,
    pub band: Option<Band>,
    /// The rows known to be an anomaly or none.
    pub judged: Option<Span>,
    /// The anomalies among them.
    pub anomalous: Option<Span>,
}

impl Bucket {
    fn of(row: &Row) -> Self {
        let finite = |v: Option<f64>| v.filter(|v| v.is_finite());
        let (score, threshold) = (finite(row.score), finite(row.threshold));
        let is_anomaly = row.is_anomaly.or_else(|| Some(score? > threshold?));
        let here = (row.time, row.time);
        Self {
            begin: row.time,
            end: row.time,
            value: Lane::of(row.time, row.value),
            score: Lane::of(row.time, score),
            threshold: threshold.map(|t| t + 0.0),
            band: finite(row.lower).zip(finite(row.upper)).map(|(a, b)| Band {
                begin: row.time,
                end: row.time,
                lower: a.min(b) + 0.0,
                upper: a.max(b) + 0.0,
            }),
            judged: is_anomaly.map(|_| here),
            anomalous: is_anomaly.filter(|a| *a).map(|_| here),
        }
    }

    fn join(&mut self, other: &Self) {
        self.begin = self.begin.min(other.begin);
        self.end = self.end.max(other.end);
        join(&mut self.value, &other.value, Lane::join);
        join(&mut self.score, &other.score, Lane::join);
        // The smallest, so that an anomaly stands out above it.
        join(&mut self.threshold, &other.threshold, |a, b| *a = a.min(*b));
        join(&mut self.band, &other.band, |a, b| {
            a.begin = a.begin.min(b.begin);
            a.end = a.end.max(b.end);
            a.lower = a.lower.min(b.lower);
            a.upper = a.upper.max(b.upper);
        });
        let wider = |a: &mut Span, b: &Span| *a = (a.0.min(b.0), a.1.max(b.1));
        join(&mut self.judged, &other.judged, wider);
        join(&mut self.anomalous, &other.anomalous, wider);
    }
}

fn join<T: Clone>(left: &mut Option<T>, right: &Option<T>, both: impl FnOnce(&mut T, &T)) {
    match (left.as_mut(), right) {
        (Some(l), Some(r)) => both(l, r),
        (None, Some(r)) => *left = Some(r.clone()),
        (_, None) => {}
    }
}
