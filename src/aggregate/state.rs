//! The transition state of the training aggregate.

use super::constant_argument::Constant;
use super::memory;
use crate::error::{Result, report};
use crate::interrupt::check;
use crate::options;
use crate::time::TimeType;
use pgrx::pg_sys;
use tsad_core::{Samples, ValidParams};

/// The rows of a group so far and the options of its call.
#[derive(Clone)]
pub(super) struct TrainState {
    pub rows: Samples,
    pub time_type: TimeType,
    pub options: Constant,
    pub params: ValidParams,
}

impl TrainState {
    pub(super) fn new(channels: usize, time_type: TimeType, options: Constant) -> Result<Self> {
        Ok(Self {
            rows: Samples::new(channels)
                .map_err(report)?
                .with_times(time_type.kind()),
            time_type,
            params: options::params_of_text(options.given())?,
            options,
        })
    }

    pub(super) fn push(&mut self, time: i64, values: &[f64]) -> Result<()> {
        self.rows.push(time, values).map_err(report)?;
        self.thin()
    }

    pub(super) fn append(&mut self, other: &Self) -> Result<()> {
        self.options.same(&other.options)?;
        self.rows.append(&other.rows).map_err(report)?;
        self.thin()
    }

    /// Drops early rows that will not be trained on.
    fn thin(&mut self) -> Result<()> {
        let most = self.params.most_training_rows(self.rows.channels());
        self.rows.thin(most, &check).map_err(report)
    }

    /// The state as bytes for another process of the same server.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let options = self.options.text();
        let mut out =
            Vec::with_capacity(32 + options.len() + 8 * (self.rows.len() + self.rows.values().len()));
        out.extend_from_slice(&(self.rows.channels() as u64).to_ne_bytes());
        out.extend_from_slice(&u64::from(self.time_type.oid().to_u32()).to_ne_bytes());
        out.extend_from_slice(&self.rows.left_out().to_ne_bytes());
        out.extend_from_slice(&(options.len() as u64).to_ne_bytes());
        out.extend_from_slice(options.as_bytes());
        out.extend(self.rows.times().iter().flat_map(|t| t.to_ne_bytes()));
        out.extend(self.rows.values().iter().flat_map(|v| v.to_ne_bytes()));
        out
    }

    /// The inverse of [`TrainState::to_bytes`].
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let broken = || memory::broken("tsad.train");
        let (channels, rest) = bytes.split_first_chunk::<8>().ok_or_else(broken)?;
        let (oid, rest) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
        let oid = u32::try_from(u64::from_ne_bytes(*oid)).map_err(|_| broken())?;
        let time_type = TimeType::of(pg_sys::Oid::from(oid)).ok_or_else(broken)?;
        let (left_out, rest) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
        let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
        let length = usize::try_from(u64::from_ne_bytes(*length)).map_err(|_| broken())?;
        let (text, rest) = rest.split_at_checked(length).ok_or_else(broken)?;
        let channels = usize::try_from(u64::from_ne_bytes(*channels)).map_err(|_| broken())?;
        let text = std::str::from_utf8(text).map_err(|_| broken())?;
        let mut state = Self::new(channels, time_type, Constant::of_text(text.to_owned()))?;
        state.rows = state.rows.with_left_out(u64::from_ne_bytes(*left_out));
        let (words, tail) = rest.as_chunks::<8>();
        let rows = words.len() / (channels + 1);
        if !tail.is_empty() || rows * (channels + 1) != words.len() {
            return Err(broken());
        }
        let (times, values) = words.split_at(rows);
        for (time, row) in times.iter().zip(values.chunks_exact(channels)) {
            let row: Vec<f64> = row.iter().map(|v| f64::from_ne_bytes(*v)).collect();
            state.rows.push(i64::from_ne_bytes(*time), &row).map_err(report)?;
        }
        Ok(state)
    }
}

/// As [`memory::state_of`].
///
/// # Safety
/// Argument `n` must be NULL or a pointer that [`place`] returned.
pub(super) unsafe fn state_of<'a>(fcinfo: pg_sys::FunctionCallInfo, n: usize) -> Option<&'a mut TrainState> {
    // SAFETY: the caller vouches for the argument.
    unsafe { memory::state_of(fcinfo, n) }
}

/// As [`memory::place`].
pub(super) fn place(fcinfo: pg_sys::FunctionCallInfo, state: TrainState) -> Result<pg_sys::Datum> {
    memory::place(fcinfo, "tsad.train", state)
}
