//! The collations under which SQLite compares and sorts stored values as PostgreSQL does (`Repr::collation`).
//!
//! A collation cannot fail: what is not a value of its type (a file that others wrote) sorts before all that are, by
//! bytes.

use std::cmp::Ordering;

use rusqlite::Connection;

use super::jsonb;
use crate::error::Result;
use crate::types::datetime::{Stored, TimeTz};
use crate::types::interval::Interval;
use crate::types::json;
use crate::types::numeric_wire;

/// Registers the collations.
pub(super) fn register(connection: &Connection) -> Result<()> {
    type Compare = fn(&str, &str) -> Ordering;
    let collations: [(&str, Compare); 5] = [
        ("pg_numeric", numeric_wire::compare_text),
        ("pg_interval", compare_stored::<Interval>),
        ("pg_timetz", compare_stored::<TimeTz>),
        ("pg_array", compare_arrays),
        ("pg_jsonb", compare_jsonb),
    ];
    for (name, compare) in collations {
        connection
            .create_collation(name, move |a: &str, b: &str| if a == b { Ordering::Equal } else { compare(a, b) })
            .map_err(|error| super::registration_failed(name, &error))?;
    }
    Ok(())
}

/// Compares what both texts are read as; what cannot be read is less.
fn read<T, E>(a: &str, b: &str, parse: fn(&str) -> Result<T, E>, compare: fn(&T, &T) -> Ordering) -> Ordering {
    match (parse(a), parse(b)) {
        (Ok(a), Ok(b)) => compare(&a, &b),
        (a_read, b_read) => a_read.is_ok().cmp(&b_read.is_ok()).then_with(|| a.cmp(b)),
    }
}

fn compare_stored<T: Stored + Ord>(a: &str, b: &str) -> Ordering {
    read(a, b, T::from_stored, T::cmp)
}

fn compare_jsonb(a: &str, b: &str) -> Ordering {
    read(a, b, json::parse, jsonb::compare_whole)
}

/// Element by element; then the array with fewer elements is less (array_cmp).
fn compare_arrays(a: &str, b: &str) -> Ordering {
    read(
        a,
        b,
        |text| serde_json::from_str(text),
        |a, b| {
            let (mut left, mut right) = (Vec::new(), Vec::new());
            flatten(a, &mut left);
            flatten(b, &mut right);
            let differs = left.iter().zip(&right).map(|(a, b)| compare_elements(a, b)).find(|order| order.is_ne());
            differs.unwrap_or_else(|| left.len().cmp(&right.len()))
        },
    )
}

fn flatten<'v>(value: &'v serde_json::Value, out: &mut Vec<&'v serde_json::Value>) {
    match value {
        serde_json::Value::Array(elements) => elements.iter().for_each(|element| flatten(element, out)),
        element => out.push(element),
    }
}

/// The elements' own order, as far as their stored form tells it: numbers by value and before strings (NaN is one),
/// strings by bytes, NULL last.
pub(super) fn compare_elements(a: &serde_json::Value, b: &serde_json::Value) -> Ordering {
    use serde_json::Value;
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Greater,
        (_, Value::Null) => Ordering::Less,
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => numeric_wire::compare_text(&a.to_string(), &b.to_string()),
        },
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Number(_), _) => Ordering::Less,
        (_, Value::Number(_)) => Ordering::Greater,
        _ => a.to_string().cmp(&b.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn collations_order_like_postgresql() {
        assert_values(&[
            ("'9.50' < '10' COLLATE pg_numeric", "1"),
            ("'1.0' = '1.00' COLLATE pg_numeric", "1"),
            ("'NaN' > '1e5' COLLATE pg_numeric", "1"),
            ("'1 mon' = '30 days' COLLATE pg_interval", "1"),
            ("'1 day' < '25:00:00' COLLATE pg_interval", "1"),
            ("'[2]' < '[10]' COLLATE pg_array", "1"),
            ("'[1,null]' > '[1,5,7]' COLLATE pg_array", "1"),
            ("'[1]' < '[1,1]' COLLATE pg_array", "1"),
            ("'1.0' = '1' COLLATE pg_jsonb", "1"),
            ("'\"b\"' > '\"a\"' COLLATE pg_jsonb", "1"),
            ("'00:00:00+01' > '00:00:00+02' COLLATE pg_timetz", "1"),
        ]);
    }
}
