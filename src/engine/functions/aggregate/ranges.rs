//! range_agg and range_intersect_agg.

use std::collections::VecDeque;

use rusqlite::Connection;

use super::{Accumulator, register_one};
use crate::engine::functions::elements::find_type;
use crate::engine::functions::{Args, ContextSlot, Output, ranges};
use crate::error::Result;
use crate::limits::memory;
use crate::types::pg_type::{Scalar, TypeInfo};
use crate::types::range::{Range, intersection, normalized};
use crate::types::range_text::{ranges_of_stored, stored_multirange, stored_range};

pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    register_one::<Ranges<true>>(connection, slot, "pg_range_agg", 2)?;
    register_one::<Ranges<false>>(connection, slot, "pg_range_intersect_agg", 2)
}

/// The rows' ranges; what they make together, or what they all have in common.
#[derive(Default)]
struct Ranges<const UNION: bool> {
    info: Option<&'static TypeInfo>,
    rows: VecDeque<Vec<Range>>,
}

impl<const UNION: bool> Accumulator for Ranges<UNION> {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        if self.info.is_none() {
            self.info = Some(find_type(&args.text(0)?)?);
        }
        let text = args.text(1)?;
        memory::reserve(text.len())?;
        self.rows.push_back(ranges_of_stored(&text)?);
        Ok(())
    }

    fn remove(&mut self, _: &Args<'_>) -> Result<()> {
        self.rows.pop_front();
        Ok(())
    }

    fn value(&self) -> Result<Output> {
        let (Some(info), Some(first)) = (self.info, self.rows.front()) else { return Ok(Output::NULL) };
        let of = ranges::range_of(info)?;
        if UNION {
            let all = self.rows.iter().flatten().cloned().collect();
            return Ok(stored_multirange(&normalized(all, of)?).into());
        }
        let mut shared = first.clone();
        for row in self.rows.iter().skip(1) {
            shared = intersection(&shared, row, of)?;
        }
        Ok(match info.repr.scalar {
            Scalar::Range(_) => stored_range(shared.first()),
            _ => stored_multirange(&shared),
        }
        .into())
    }
}
