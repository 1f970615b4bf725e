//! bit_and, bit_or and bit_xor: how often each bit is set says all three, and rows can leave again.

use rusqlite::Connection;

use super::{Accumulator, register_one};
use crate::engine::functions::{Args, ContextSlot, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;

pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    register_one::<Bits<'&'>>(connection, slot, "pg_bit_and", 1)?;
    register_one::<Bits<'|'>>(connection, slot, "pg_bit_or", 1)?;
    register_one::<Bits<'#'>>(connection, slot, "pg_bit_xor", 1)?;
    register_one::<Strings<'&'>>(connection, slot, "pg_bit_and_bits", 1)?;
    register_one::<Strings<'|'>>(connection, slot, "pg_bit_or_bits", 1)?;
    register_one::<Strings<'#'>>(connection, slot, "pg_bit_xor_bits", 1)
}

/// What a bit is that `set` of `count` values have.
fn is_set<const OPERATOR: char>(set: u64, count: u64) -> bool {
    match OPERATOR {
        '&' => set == count,
        '|' => set > 0,
        _ => set % 2 == 1,
    }
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
        let bits = self.set.iter().enumerate().filter(|(_, set)| is_set::<OPERATOR>(**set, self.count));
        Ok((bits.fold(0u64, |value, (bit, _)| value | 1 << bit) as i64).into())
    }
}

/// The same over strings of bits, which are all as long as the first.
#[derive(Default)]
struct Strings<const OPERATOR: char> {
    count: u64,
    set: Vec<u64>,
}

impl<const OPERATOR: char> Strings<OPERATOR> {
    const NAME: &str = match OPERATOR {
        '&' => "AND",
        '|' => "OR",
        _ => "XOR",
    };

    fn each(&mut self, args: &Args<'_>, change: fn(&mut u64)) -> Result<()> {
        let bits = args.text(0)?;
        if self.set.len() != bits.len() {
            let message = format!("cannot {} bit strings of different sizes", Self::NAME);
            return Err(Error::new(SqlState::STRING_DATA_LENGTH_MISMATCH, message));
        }
        let set = self.set.iter_mut().zip(bits.bytes()).filter(|(_, digit)| *digit == b'1');
        set.for_each(|(count, _)| change(count));
        Ok(())
    }
}

impl<const OPERATOR: char> Accumulator for Strings<OPERATOR> {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        if self.count == 0 {
            let length = args.text(0)?.len();
            memory::reserve(length.saturating_mul(size_of::<u64>()))?;
            self.set = vec![0; length];
        }
        self.each(args, |count| *count += 1)?;
        self.count += 1;
        Ok(())
    }

    fn remove(&mut self, args: &Args<'_>) -> Result<()> {
        self.each(args, |count| *count -= 1)?;
        self.count -= 1;
        Ok(())
    }

    fn value(&self) -> Result<Output> {
        if self.count == 0 {
            return Ok(Output::NULL);
        }
        let bits = self.set.iter().map(|set| if is_set::<OPERATOR>(*set, self.count) { '1' } else { '0' });
        Ok(bits.collect::<String>().into())
    }
}
