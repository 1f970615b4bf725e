//! A SQLite statement that is being stepped, owning what it needs to go on later and on another thread.
//!
//! Owns: [`Cursor`]. One of the two places with `unsafe` (the SQLite boundary).

use crate::error::Result;
use crate::types::value::ValueRef;

/// An open statement on a borrowed connection. Dropping it resets the statement and gives the connection back.
pub struct Cursor {}

impl Cursor {
    /// Advances to the next row; false at the end. Runs in place; a long statement hands its worker's core off from
    /// inside the progress handler.
    pub fn step(&mut self) -> Result<bool> {
        todo!()
    }

    /// A column of the current row, from 0. Valid until the next step.
    pub fn column(&self, index: usize) -> ValueRef<'_> {
        let _ = index;
        todo!()
    }

    /// Rows changed, once `step` has returned false.
    pub fn changes(&self) -> u64 {
        todo!()
    }
}
