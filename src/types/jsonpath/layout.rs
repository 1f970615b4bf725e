//! Where in PostgreSQL's binary jsonb an object would stand: the ids that `.keyvalue()` shows.
//!
//! Owns: [`Offsets`]. Specification: jsonb.h and convertJsonbValue in PostgreSQL 15's jsonb_util.c.

use std::collections::HashMap;

use bytes::BytesMut;

use crate::error::Result;
use crate::limits::session as limits;
use crate::limits::stack;
use crate::types::json::JsonValue;
use crate::types::numeric_wire;

/// The objects of values that were asked about, by where they are in memory.
#[derive(Default)]
pub(super) struct Offsets {
    base: usize,
    objects: HashMap<usize, i64>,
}

fn address(value: &JsonValue) -> usize {
    std::ptr::from_ref(value).addr()
}

impl Offsets {
    /// The offset of an object in the value it is part of; 0 if it is not.
    pub(super) fn of(&mut self, base: &JsonValue, object: &JsonValue) -> Result<i64> {
        if self.base != address(base) {
            self.objects.clear();
            self.base = address(base);
            self.container(base, 0)?;
        }
        Ok(self.objects.get(&address(object)).copied().unwrap_or(0))
    }

    /// Lays a value out from an offset; the offset after it.
    fn value(&mut self, value: &JsonValue, at: i64) -> Result<i64> {
        Ok(match value {
            JsonValue::Null | JsonValue::Bool(_) => at,
            JsonValue::Text(text) => at + text.len() as i64,
            JsonValue::Number(number) => aligned(at) + numeric_size(number)?,
            JsonValue::Array(_) | JsonValue::Object(_) => self.container(value, aligned(at))?,
        })
    }

    fn container(&mut self, value: &JsonValue, start: i64) -> Result<i64> {
        stack::check()?;
        limits::work(64)?;
        match value {
            JsonValue::Array(elements) => {
                let mut at = start + 4 + 4 * elements.len() as i64;
                for element in elements {
                    at = self.value(element, at)?;
                }
                Ok(at)
            }
            JsonValue::Object(members) => {
                self.objects.insert(address(value), start);
                let keys: usize = members.iter().map(|(key, _)| key.len()).sum();
                let mut at = start + 4 + 8 * members.len() as i64 + keys as i64;
                for (_, member) in members {
                    at = self.value(member, at)?;
                }
                Ok(at)
            }
            _ => Ok(start),
        }
    }
}

fn aligned(at: i64) -> i64 {
    (at + 3) / 4 * 4
}

/// The size of a numeric on disk: a length, a short or long header, and digits of base 10,000.
fn numeric_size(number: &str) -> Result<i64> {
    let mut wire = BytesMut::new();
    numeric_wire::write_binary(number, &mut wire)?;
    let field = |at: usize| match wire.get(at..at + 2) {
        Some(&[high, low]) => i16::from_be_bytes([high, low]),
        _ => 0,
    };
    let (digits, weight, scale) = (i64::from(field(0)), field(2), field(6));
    let short = scale <= 63 && (-64..=63).contains(&weight);
    Ok(4 + if short { 2 } else { 4 } + 2 * digits)
}
