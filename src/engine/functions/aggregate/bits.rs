//! bit_and, bit_or and bit_xor: how often each bit is set says all three, and rows can leave again.

use rusqlite::Connection;

use super::{Accumulator, register_one};
use crate::engine::functions::{Args, ContextSlot, Output};
use crate::error::Result;

pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    register_one::<Bits<'&'>>(connection, slot, "pg_bit_and", 1)?;
    register_one::<Bits<'|'>>(connection, slot, "pg_bit_or", 1)?;
    register_one::<Bits<'#'>>(connection, slot, "pg_bit_xor", 1)
}

/// The operator's sign says which of the three it is.
struct Bits<const OPERATOR: char> {
    count: u64,
    set: [u64; 64],
}

impl<const OPERATOR: char> Default for Bits<OPERATOR> {
    fn default() -> Self {
        Bits { count: 0, set: [0; 64] }
    }
}

impl<const OPERATOR: char> Accumulator for Bits<OPERATOR> {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        let value = args.int(0)?;
        self.count += 1;
        for (bit, set) in self.set.iter_mut().enumerate() {
            *set += (value as u64) >> bit & 1;
        }
        Ok(())
    }

    fn remove(&mut self, args: &Args<'_>) -> Result<()> {
        let value = args.int(0)?;
        self.count -= 1;
        for (bit, set) in self.set.iter_mut().enumerate() {
            *set -= (value as u64) >> bit & 1;
        }
        Ok(())
    }

    fn value(&self) -> Result<Output> {
        if self.count == 0 {
            return Ok(Output::NULL);
        }
        let is_set = |set: u64| match OPERATOR {
            '&' => set == self.count,
            '|' => set > 0,
            _ => set % 2 == 1,
        };
        let bits = self.set.iter().enumerate().filter(|(_, set)| is_set(**set));
        Ok((bits.fold(0u64, |value, (bit, _)| value | 1 << bit) as i64).into())
    }
}
