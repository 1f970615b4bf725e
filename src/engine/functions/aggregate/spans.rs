//! Sums and averages of intervals.

use rusqlite::Connection;

use super::{Accumulator, register_one};
use crate::engine::functions::datetime::{interval, put};
use crate::engine::functions::{Args, ContextSlot, Output};
use crate::error::Result;
use crate::types::interval::Interval;

pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    register_one::<Spans<false>>(connection, slot, "pg_sum_interval", 1)?;
    register_one::<Spans<true>>(connection, slot, "pg_avg_interval", 1)
}

/// sum(interval), or avg(interval).
#[derive(Default)]
struct Spans<const AVERAGE: bool> {
    count: u32,
    sum: Interval,
}

impl<const AVERAGE: bool> Accumulator for Spans<AVERAGE> {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        self.sum = self.sum.add(interval(args, 0)?)?;
        self.count += 1;
        Ok(())
    }

    fn remove(&mut self, args: &Args<'_>) -> Result<()> {
        self.sum = self.sum.sub(interval(args, 0)?)?;
        self.count -= 1;
        Ok(())
    }

    fn value(&self) -> Result<Output> {
        match self.count {
            0 => Ok(Output::NULL),
            count if AVERAGE => put(self.sum.div(f64::from(count))?),
            _ => put(self.sum),
        }
    }
}
