//! min and max of types whose equal values may differ: 1.0 and 1.00, -0 and 0, a day and 24 hours. PostgreSQL keeps the
//! last of equal ones, SQLite's own functions the first.
//!
//! The arguments: the type's name, the value. Specification: numeric_larger() and its like.

use std::cmp::Ordering;
use std::collections::VecDeque;

use rusqlite::Connection;

use super::{Accumulator, register_one};
use crate::engine::functions::args::owned;
use crate::engine::functions::collations::compare_values;
use crate::engine::functions::elements::find_type;
use crate::engine::functions::{Args, ContextSlot, Output};
use crate::error::Result;
use crate::types::pg_type::Repr;
use crate::types::value::Value;

pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    register_one::<Extreme<false>>(connection, slot, "pg_min", 2)?;
    register_one::<Extreme<true>>(connection, slot, "pg_max", 2)?;
    register_one::<Moving<false>>(connection, slot, "pg_moving_min", 2)?;
    register_one::<Moving<true>>(connection, slot, "pg_moving_max", 2)
}

/// Whether `new` takes the place of `kept`.
fn replaces<const LARGEST: bool>(repr: Repr, kept: &Value, new: &Value) -> bool {
    compare_values(repr, kept, new) != if LARGEST { Ordering::Greater } else { Ordering::Less }
}

fn output(value: Option<&Value>) -> Output {
    use rusqlite::types::Value as Own;
    Output::Value(match value.cloned() {
        None | Some(Value::Null) => Own::Null,
        Some(Value::Integer(value)) => Own::Integer(value),
        Some(Value::Real(value)) => Own::Real(value),
        Some(Value::Text(value)) => Own::Text(value),
        Some(Value::Blob(value)) => Own::Blob(value),
    })
}

/// The type of a call's values, found once.
fn repr_of(known: &mut Option<Repr>, args: &Args<'_>) -> Result<Repr> {
    match known {
        Some(repr) => Ok(*repr),
        None => Ok(*known.insert(find_type(&args.text(0)?)?.repr)),
    }
}

/// Of all rows, or of a frame that only grows.
#[derive(Default)]
struct Extreme<const LARGEST: bool> {
    repr: Option<Repr>,
    kept: Option<Value>,
}

impl<const LARGEST: bool> Accumulator for Extreme<LARGEST> {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        let repr = repr_of(&mut self.repr, args)?;
        let new = owned(args.raw(1));
        if self.kept.as_ref().is_none_or(|kept| replaces::<LARGEST>(repr, kept, &new)) {
            self.kept = Some(new);
        }
        Ok(())
    }

    fn remove(&mut self, _: &Args<'_>) -> Result<()> {
        Err(crate::error::Error::internal("a frame that moves"))
    }

    fn value(&self) -> Result<Output> {
        Ok(output(self.kept.as_ref()))
    }
}

/// Of a frame whose start moves: the rows that may still become the answer, each with its number, the answer first.
#[derive(Default)]
struct Moving<const LARGEST: bool> {
    repr: Option<Repr>,
    rows: VecDeque<(u64, Value)>,
    added: u64,
    removed: u64,
}

impl<const LARGEST: bool> Accumulator for Moving<LARGEST> {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        let repr = repr_of(&mut self.repr, args)?;
        let new = owned(args.raw(1));
        while self.rows.back().is_some_and(|(_, kept)| replaces::<LARGEST>(repr, kept, &new)) {
            self.rows.pop_back();
        }
        self.rows.push_back((self.added, new));
        self.added += 1;
        Ok(())
    }

    fn remove(&mut self, _: &Args<'_>) -> Result<()> {
        if self.rows.front().is_some_and(|(number, _)| *number == self.removed) {
            self.rows.pop_front();
        }
        self.removed += 1;
        Ok(())
    }

    fn value(&self) -> Result<Output> {
        Ok(output(self.rows.front().map(|(_, value)| value)))
    }
}
