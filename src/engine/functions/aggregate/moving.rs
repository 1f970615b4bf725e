//! Aggregates of floats over frames whose start moves. PostgreSQL cannot take a row out of their states: it computes
//! each frame anew, and so do these.

use std::collections::VecDeque;

use super::Accumulator;
use crate::engine::functions::{Args, Output};
use crate::error::Result;
use crate::limits::session as limits;

/// A state that takes one number or two.
pub(in crate::engine::functions) trait FloatState:
    Default + Send + std::panic::UnwindSafe + std::panic::RefUnwindSafe + 'static
{
    /// How many numbers a row has.
    const ARGUMENTS: usize;

    /// Takes a row's numbers in.
    fn take(&mut self, values: [f64; 2]) -> Result<()>;

    /// The result over the rows that are in.
    fn result(&self) -> Result<Output>;
}

/// The numbers of a row.
pub(super) fn numbers<S: FloatState>(args: &Args<'_>) -> Result<[f64; 2]> {
    Ok([args.float(0)?, if S::ARGUMENTS > 1 { args.float(1)? } else { 0.0 }])
}

/// The rows of the frame.
#[derive(Default)]
pub(super) struct Moving<S> {
    rows: VecDeque<[f64; 2]>,
    state: std::marker::PhantomData<S>,
}

impl<S: FloatState> Accumulator for Moving<S> {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        self.rows.push_back(numbers::<S>(args)?);
        Ok(())
    }

    fn remove(&mut self, _: &Args<'_>) -> Result<()> {
        self.rows.pop_front();
        Ok(())
    }

    fn value(&self) -> Result<Output> {
        limits::work(self.rows.len())?;
        let mut state = S::default();
        self.rows.iter().try_for_each(|row| state.take(*row))?;
        state.result()
    }
}
