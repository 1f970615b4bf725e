//! generate_series and generate_subscripts.
//!
//! Specification: functions-srf.html; errors as in int.c, numeric.c and timestamp.c.

use std::cmp::Ordering;

use jiff::tz::TimeZone;
use rusqlite::types::Value;

use super::{Arguments, Row, Rows, SetFunction, rows, single};
use crate::engine::functions::elements::parse_array;
use crate::error::{Error, Result, SqlState};
use crate::types::array::lower_bounds;
use crate::types::datetime::{Stored, Timestamp, TimestampTz};
use crate::types::interval::Interval;
use crate::types::numeric::Numeric;

pub(super) static FUNCTIONS: &[SetFunction] = &[
    SetFunction::new("pg_generate_series_int", 3, integers),
    SetFunction::new("pg_generate_series_numeric", 3, numerics),
    SetFunction::new("pg_generate_series_timestamp", 3, timestamps),
    SetFunction::new("pg_generate_series_timestamptz", 3, timestamps_with_zone),
    SetFunction::new("pg_generate_subscripts", 4, subscripts),
];

/// The most dimensions of an array (MAXDIM).
const MAX_DIMENSIONS: i64 = 6;

fn invalid(message: &'static str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// Integers from `next` to `stop`; one that would overflow ends the series.
struct Integers {
    next: Option<i64>,
    stop: i64,
    step: i64,
}

impl Iterator for Integers {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let value = self.next.filter(|next| if self.step > 0 { *next <= self.stop } else { *next >= self.stop })?;
        self.next = value.checked_add(self.step);
        Some(single(value))
    }
}

fn integers(args: &Arguments<'_>) -> Result<Rows> {
    let step = if args.len() > 2 { args.int(2)? } else { 1 };
    if step == 0 {
        return Err(invalid("step size cannot equal zero"));
    }
    rows(Integers { next: Some(args.int(0)?), stop: args.int(1)?, step })
}

/// The values from `start` as long as they do not pass `stop`, each made from the one before.
fn stepped<T, E>(
    start: T,
    stop: T,
    upwards: bool,
    next: impl Fn(&T) -> Result<T> + Send + 'static,
    show: fn(&T) -> Result<E>,
) -> Result<Rows>
where
    T: Ord + Send + 'static,
    E: Into<Value> + 'static,
{
    let mut current = Some(start);
    let mut step = move || -> Result<Option<Row>> {
        let Some(value) = current.take() else { return Ok(None) };
        let passed = if upwards { Ordering::Greater } else { Ordering::Less };
        if value.cmp(&stop) == passed {
            return Ok(None);
        }
        let row = single(show(&value)?);
        current = Some(next(&value)?);
        Ok(Some(row))
    };
    Ok(Box::new(std::iter::from_fn(move || step().transpose())))
}

fn numeric_argument(args: &Arguments<'_>, index: usize, name: &str) -> Result<Numeric> {
    let value = Numeric::parse(&args.text(index)?)?;
    let problem = match (value.is_nan(), value.scale()) {
        (true, _) => "NaN",
        (_, None) => "infinity",
        _ => return Ok(value),
    };
    Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("{name} cannot be {problem}")))
}

fn numerics(args: &Arguments<'_>) -> Result<Rows> {
    let start = numeric_argument(args, 0, "start value")?;
    let stop = numeric_argument(args, 1, "stop value")?;
    let step = if args.len() > 2 { numeric_argument(args, 2, "step size")? } else { Numeric::from(1) };
    if step.signum() == 0 {
        return Err(invalid("step size cannot equal zero"));
    }
    stepped(start, stop, step.signum() > 0, move |value| value.add(&step), |value| Ok(value.to_string()))
}

/// The step; whether it goes upwards.
fn step_of(args: &Arguments<'_>) -> Result<(Interval, bool)> {
    let step = Interval::from_stored(&args.text(2)?)?;
    match step.comparison_usecs() {
        0 => Err(invalid("step size cannot equal zero")),
        length => Ok((step, length > 0)),
    }
}

fn timestamps(args: &Arguments<'_>) -> Result<Rows> {
    let start = Timestamp::from_stored(&args.text(0)?)?;
    let stop = Timestamp::from_stored(&args.text(1)?)?;
    let (step, upwards) = step_of(args)?;
    stepped(start, stop, upwards, move |value| value.add(step), Stored::to_stored)
}

fn timestamps_with_zone(args: &Arguments<'_>) -> Result<Rows> {
    let zone: TimeZone = args.slot.with_format(|format| Ok(format.time_zone.clone()))?;
    let start = TimestampTz::from_stored(&args.text(0)?)?;
    let stop = TimestampTz::from_stored(&args.text(1)?)?;
    let (step, upwards) = step_of(args)?;
    stepped(start, stop, upwards, move |value| value.add(step, &zone), Stored::to_stored)
}

/// generate_subscripts(array, dimension [, reverse]), the types in front: int2vector and oidvector count from 0.
fn subscripts(args: &Arguments<'_>) -> Result<Rows> {
    let types = args.text(0)?;
    let vector = types.split(',').next().is_some_and(|array| array.ends_with("vector"));
    let text = args.text(1)?;
    let dimension = usize::try_from(args.int(2)?).ok().and_then(|number| number.checked_sub(1));
    let bounds = lower_bounds(&text, MAX_DIMENSIONS as usize);
    let first = match dimension.and_then(|index| bounds.get(index)) {
        _ if vector => 0,
        Some(bound) => *bound,
        None => 1,
    };
    let array: serde_json::Value = parse_array(&text)?;
    let mut level = Some(&array);
    for _ in 1..args.int(2)?.min(MAX_DIMENSIONS + 1) {
        level = level.and_then(|level| level.get(0));
    }
    let wanted = args.int(2)? > 0;
    let length = level.and_then(serde_json::Value::as_array).filter(|_| wanted).map_or(0, Vec::len) as i64;
    let last = first + length - 1;
    let reverse = args.len() > 3 && args.int(3)? != 0;
    if reverse {
        return rows(Integers { next: Some(last), stop: first, step: -1 });
    }
    rows(Integers { next: Some(first), stop: last, step: 1 })
}
