//! The sort keys of RANGE frames with offsets as numbers, to which SQLite can add.
//!
//! Owns: `pg_range_key(type, value)`. The numbers are `types::range_offset`'s.

use super::datetime::interval;
use super::{Args, Definition, Output};
use crate::error::{Error, Result};
use crate::types::datetime::{Date, Stored, Time, TimeTz, Timestamp, TimestampTz};
use crate::types::range_offset::{instant_key, interval_key, timetz_key};

/// The functions of this area.
pub(super) static FUNCTIONS: &[Definition] = &[Definition::pure("pg_range_key", 2, range_key)];

/// The number of a sort key.
fn range_key(args: &Args<'_>) -> Result<Output> {
    let key = match &*args.text(0)? {
        // SQLite's infinities would cancel each other out.
        "float4" | "float8" => {
            let value = args.float(1)?;
            return Ok(if value.is_nan() { value } else { value.clamp(f64::MIN, f64::MAX) }.into());
        }
        "date" => instant_key(read::<Date>(args)?.to_timestamp()?.0)?,
        "timestamp" => instant_key(read::<Timestamp>(args)?.0)?,
        "timestamptz" => instant_key(read::<TimestampTz>(args)?.0)?,
        "time" => read::<Time>(args)?.0,
        "timetz" => timetz_key(&read::<TimeTz>(args)?)?,
        "interval" => interval_key(interval(args, 1)?)?,
        other => return Err(Error::internal(format!("a RANGE frame over {other}"))),
    };
    Ok(key.into())
}

fn read<T: Stored>(args: &Args<'_>) -> Result<T> {
    T::from_stored(&args.text(1)?)
}
