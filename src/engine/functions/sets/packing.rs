//! Many values in one: the arguments of `__pg_plan` where there are more than SQLite passes faithfully.
//!
//! Owns: `pg_plan_arguments`, and its inverse. A value is a byte that says what it is, and its bytes; texts and blobs have
//! their length in front.

use rusqlite::types::{Value, ValueRef};

use crate::engine::functions::{Args, Definition, Output};
use crate::error::Result;
use crate::limits::memory;

pub(in crate::engine::functions) static FUNCTIONS: &[Definition] =
    &[Definition::stable("pg_plan_arguments", -1, packed).called_on_null()];

fn packed(args: &Args<'_>) -> Result<Output> {
    let mut out = Vec::new();
    for index in 0..args.len() {
        match args.raw(index) {
            ValueRef::Null => out.push(0),
            ValueRef::Integer(value) => {
                out.push(1);
                out.extend(value.to_le_bytes());
            }
            ValueRef::Real(value) => {
                out.push(2);
                out.extend(value.to_le_bytes());
            }
            ValueRef::Text(bytes) => push_bytes(3, bytes, &mut out)?,
            ValueRef::Blob(bytes) => push_bytes(4, bytes, &mut out)?,
        }
    }
    Ok(out.into())
}

fn push_bytes(kind: u8, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    memory::reserve(bytes.len())?;
    out.push(kind);
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend(bytes);
    Ok(())
}

/// The values of what `pg_plan_arguments` has made; up to where it is not that.
pub(super) fn unpacked(mut packed: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    while let Some((kind, rest)) = packed.split_first() {
        let Some((value, rest)) = value(*kind, rest) else { break };
        values.push(value);
        packed = rest;
    }
    values
}

fn value(kind: u8, bytes: &[u8]) -> Option<(Value, &[u8])> {
    if kind == 0 {
        return Some((Value::Null, bytes));
    }
    let (word, rest) = bytes.split_first_chunk::<8>()?;
    if kind == 1 {
        return Some((Value::Integer(i64::from_le_bytes(*word)), rest));
    }
    if kind == 2 {
        return Some((Value::Real(f64::from_le_bytes(*word)), rest));
    }
    let (bytes, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*word)).ok()?)?;
    Some(match kind {
        3 => (Value::Text(String::from_utf8_lossy(bytes).into_owned()), rest),
        _ => (Value::Blob(bytes.to_vec()), rest),
    })
}
