//! to_char, to_date, to_timestamp and to_number: text by templates.
//!
//! The templates are `types::{to_char, from_char, number_to_char, to_number}`. Specification: functions-formatting.html.

use super::{Args, Definition, Output};
use crate::error::Result;
use crate::types::datetime::{Stored, Timestamp, TimestampTz};
use crate::types::from_char::{to_date, to_timestamp};
use crate::types::interval::Interval;
use crate::types::number_to_char::{float4_to_char, float8_to_char, numeric_to_char};
use crate::types::to_char::{interval_to_char, timestamp_to_char, timestamptz_to_char};
use crate::types::to_number::to_number;

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::stable("pg_timestamp_to_char", 2, |a| Ok(timestamp_to_char(value::<Timestamp>(a)?, &a.text(1)?)?.into())),
    Definition::stable("pg_timestamptz_to_char", 2, timestamptz),
    Definition::stable("pg_interval_to_char", 2, |a| Ok(interval_to_char(value::<Interval>(a)?, &a.text(1)?)?.into())),
    Definition::stable("pg_numeric_to_char", 2, |a| Ok(numeric_to_char(&a.numeric(0)?, &a.text(1)?)?.into())),
    Definition::stable("pg_float4_to_char", 2, |a| Ok(float4_to_char(a.float(0)? as f32, &a.text(1)?)?.into())),
    Definition::stable("pg_float8_to_char", 2, |a| Ok(float8_to_char(a.float(0)?, &a.text(1)?)?.into())),
    Definition::stable("pg_to_date", 2, |a| super::datetime::put(to_date(&a.text(0)?, &a.text(1)?)?)),
    Definition::stable("pg_to_timestamp", 2, |a| {
        a.slot().with_format(|format| super::datetime::put(to_timestamp(&a.text(0)?, &a.text(1)?, format)?))
    }),
    Definition::stable("pg_to_number", 2, |a| Ok(to_number(&a.text(0)?, &a.text(1)?)?.map(|n| n.to_string()).into())),
];

fn value<T: Stored>(args: &Args<'_>) -> Result<T> {
    T::from_stored(&args.text(0)?)
}

fn timestamptz(args: &Args<'_>) -> Result<Output> {
    let value = value::<TimestampTz>(args)?;
    let text = args.slot().with_format(|format| timestamptz_to_char(value, &args.text(1)?, &format.time_zone))?;
    Ok(text.into())
}
