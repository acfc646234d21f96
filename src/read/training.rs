//! Training on the rows that are to be scored afterwards.

use super::reader::Reader;
use super::rows::{Rows, samples};
use super::source::Columns;
use crate::error::{Result, report};
use crate::interrupt::check;
use crate::memory::{guarded, room};
use tsad_core::{Model, Samples, ValidParams};

/// Rows read at a time.
const PORTION: usize = 100_000;

/// The rows of a series before a time, as many as are trained on.
pub(crate) struct Training<'a> {
    until: i64,
    params: &'a ValidParams,
    columns: &'a Columns,
    /// The number of values, once it is known.
    width: Option<usize>,
    rows: Option<Samples>,
    /// The times of the rows before the number of values was known.
    waiting: Vec<i64>,
    /// Whether all rows before the time were seen.
    over: bool,
}

impl<'a> Training<'a> {
    pub(crate) fn new(until: i64, params: &'a ValidParams, columns: &'a Columns) -> Self {
        Self {
            until,
            params,
            columns,
            width: columns.channels(),
            rows: None,
            waiting: Vec::new(),
            over: false,
        }
    }

    /// Trains on `rows`, the first ones of a series, and, if there are more, on those that follow; the reader is then
    /// where it was. Returns the number of values of a row as well, where it is known.
    pub(crate) fn train(
        mut self,
        rows: &Rows,
        mut more: bool,
        reader: &mut Reader,
    ) -> Result<(Model, Option<usize>)> {
        self.take(rows)?;
        let position = reader.position();
        while more && !(self.over && self.width.is_some()) {
            let mut next = Rows::of(rows.key.clone());
            more = reader.read(&mut next, PORTION)?;
            self.take(&next)?;
        }
        if reader.position() != position {
            reader.go_to(position);
        }
        let rows = match self.rows {
            Some(rows) => rows,
            None => self.empty(self.width.unwrap_or(1))?,
        };
        let train = || tsad_core::train(rows.clone(), self.params, &check);
        let model = guarded(train)?.map_err(report)?;
        Ok((model, self.width))
    }

    /// Takes what is to be trained on of the next rows.
    fn take(&mut self, rows: &Rows) -> Result<()> {
        self.width = self.width.or_else(|| rows.width());
        if self.over {
            return Ok(());
        }
        // Rows without a time come last.
        let asked = |i: usize| rows.in_request_unit(i).filter(|_| !rows.infinite[i]);
        let later = |i: &usize| !rows.infinite[*i] && asked(*i).is_none_or(|t| t >= self.until);
        let before = (0..rows.times.len()).find(later);
        self.over = before.is_some();
        let before = before.unwrap_or(rows.times.len());
        let timed = (0..before).filter(|i| !rows.infinite[*i]);
        let Some(width) = self.width else {
            room(&mut self.waiting, before)?;
            self.waiting.extend(timed.filter_map(|i| rows.times[i]));
            return Ok(());
        };
        let count = timed.count();
        let (portion, _) = samples(self.columns, rows, Some(width))?;
        let mut all = match self.rows.take() {
            Some(all) => all,
            None => self.empty(width)?,
        };
        let portion = guarded(|| portion.head(count))?;
        all.append(&portion).map_err(report)?;
        let most = self.params.most_training_rows(width);
        all.thin(most, &check).map_err(report)?;
        self.rows = Some(all);
        Ok(())
    }

    /// Nothing but the rows that were waiting.
    fn empty(&self, width: usize) -> Result<Samples> {
        let rows = Samples::new(width).map_err(report)?;
        let mut rows = rows.with_times(self.columns.time.kind());
        let missing = vec![f64::NAN; width];
        for time in &self.waiting {
            rows.push(*time, &missing).map_err(report)?;
        }
        Ok(rows)
    }
}
