//! Ordered-set aggregates: percentile_cont, percentile_disc, mode. SQLite hands them their rows sorted.
//!
//! The arguments: the types' names, the direct argument if there is one, the value. Specification:
//! functions-aggregate.html#FUNCTIONS-ORDEREDSET-TABLE, orderedsetaggs.c.

use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};

use super::{Accumulator, register_one};
use crate::engine::functions::elements::{find_type, parse_array, push_element};
use crate::engine::functions::{Args, ContextSlot, Output};
use crate::error::{Error, Result, SqlState};
use crate::types::datetime::Stored;
use crate::types::interval::Interval;
use crate::types::pg_type::TypeInfo;

pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    register_one::<Percentile<true>>(connection, slot, "pg_percentile_cont", 3)?;
    register_one::<Percentile<false>>(connection, slot, "pg_percentile_disc", 3)?;
    register_one::<Mode>(connection, slot, "pg_mode", 2)
}

fn no_window() -> Error {
    Error::internal("an ordered-set aggregate in a window")
}

/// percentile_cont, or percentile_disc.
#[derive(Default)]
struct Percentile<const CONTINUOUS: bool> {
    types: String,
    fraction: Option<Value>,
    values: Vec<Value>,
}

impl<const CONTINUOUS: bool> Accumulator for Percentile<CONTINUOUS> {
    const STRICT: bool = false;

    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        if self.fraction.is_none() {
            self.types = args.text(0)?.into_owned();
            self.fraction = Some(owned(args, 1));
        }
        if !args.is_null(2) {
            self.values.push(owned(args, 2));
        }
        Ok(())
    }

    fn remove(&mut self, _: &Args<'_>) -> Result<()> {
        Err(no_window())
    }

    fn value(&self) -> Result<Output> {
        let Some(fraction) = self.fraction.as_ref().filter(|f| **f != Value::Null && !self.values.is_empty()) else {
            return Ok(Output::NULL);
        };
        let (of_fraction, of_value) = self.types.split_once(',').unwrap_or_default();
        if !find_type(of_fraction)?.is_array() {
            let fraction = match fraction {
                Value::Real(value) => *value,
                Value::Integer(value) => *value as f64,
                _ => f64::NAN,
            };
            return Ok(Output::Value(self.at(fraction, of_value)?));
        }
        let Value::Text(fractions) = fraction else { return Ok(Output::NULL) };
        self.all(parse_array(fractions)?, of_value)
    }
}

impl<const CONTINUOUS: bool> Percentile<CONTINUOUS> {
    /// One of each of the fractions.
    fn all(&self, fractions: Vec<serde_json::Value>, type_name: &str) -> Result<Output> {
        let info = find_type(type_name)?;
        let mut out = String::from("[");
        for (index, fraction) in fractions.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            self.push(fraction, info, &mut out)?;
        }
        out.push(']');
        Ok(out.into())
    }

    fn push(&self, fraction: &serde_json::Value, info: &TypeInfo, out: &mut String) -> Result<()> {
        match fraction {
            serde_json::Value::Null => out.push_str("null"),
            serde_json::Value::Array(inner) => {
                out.push('[');
                for (index, fraction) in inner.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    self.push(fraction, info, out)?;
                }
                out.push(']');
            }
            fraction => {
                let value = self.at(fraction.as_f64().unwrap_or(f64::NAN), info.name)?;
                push_element(info, (&value).into(), out)?;
            }
        }
        Ok(())
    }

    /// The value at a fraction of all of them; between two, in proportion.
    fn at(&self, fraction: f64, type_name: &str) -> Result<Value> {
        if !(0.0..=1.0).contains(&fraction) {
            let message = format!("percentile value {fraction} is not between 0 and 1");
            return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message));
        }
        let nth = |index: f64| self.values.get(index as usize).cloned().unwrap_or(Value::Null);
        let count = self.values.len() as f64;
        if !CONTINUOUS {
            return Ok(nth(((fraction * count).ceil() - 1.0).max(0.0)));
        }
        let place = fraction * (count - 1.0);
        let (first, second) = (nth(place.floor()), nth(place.ceil()));
        if place.floor() == place.ceil() {
            return Ok(first);
        }
        let proportion = place - place.floor();
        match (first, second) {
            (Value::Text(low), Value::Text(high)) if type_name == "interval" => {
                let (low, high) = (Interval::from_stored(&low)?, Interval::from_stored(&high)?);
                Ok(Value::Text(low.add(high.sub(low)?.mul(proportion)?)?.to_stored()?))
            }
            (low, high) => {
                let (low, high) = (float(&low), float(&high));
                let between = low + (high - low) * proportion;
                Ok(if between.is_nan() { Value::Text("NaN".to_owned()) } else { Value::Real(between) })
            }
        }
    }
}

fn float(value: &Value) -> f64 {
    match value {
        Value::Real(value) => *value,
        Value::Integer(value) => *value as f64,
        _ => f64::NAN,
    }
}

fn owned(args: &Args<'_>, index: usize) -> Value {
    match args.raw(index) {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

/// The most frequent value, of several the first.
#[derive(Default)]
struct Mode {
    best: Option<(Value, u64)>,
    current: Option<(Value, u64)>,
}

impl Accumulator for Mode {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        let value = owned(args, 1);
        match &mut self.current {
            Some((current, count)) if *current == value => *count += 1,
            current => *current = Some((value, 1)),
        }
        let ahead = |current: &(Value, u64)| self.best.as_ref().is_none_or(|best| current.1 > best.1);
        if let Some(current) = self.current.as_ref().filter(|current| ahead(current)) {
            self.best = Some(current.clone());
        }
        Ok(())
    }

    fn remove(&mut self, _: &Args<'_>) -> Result<()> {
        Err(no_window())
    }

    fn value(&self) -> Result<Output> {
        Ok(self.best.as_ref().map_or(Output::NULL, |(value, _)| Output::Value(value.clone())))
    }
}
