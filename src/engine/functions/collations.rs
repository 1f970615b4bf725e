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

fn compare_stored<T: Stored + Ord>(a: &str, b: &str) -> Ordering {
    match (T::from_stored(a), T::from_stored(b)) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        (a_read, b_read) => a_read.is_ok().cmp(&b_read.is_ok()).then_with(|| a.cmp(b)),
    }
}

fn parsed(a: &str, b: &str, compare: fn(&serde_json::Value, &serde_json::Value) -> Ordering) -> Ordering {
    match (serde_json::from_str(a), serde_json::from_str(b)) {
        (Ok(a), Ok(b)) => compare(&a, &b),
        (a_read, b_read) => a_read.is_ok().cmp(&b_read.is_ok()).then_with(|| a.cmp(b)),
    }
}

fn compare_jsonb(a: &str, b: &str) -> Ordering {
    parsed(a, b, jsonb::compare)
}

/// Element by element; then the array with fewer elements is less (array_cmp).
fn compare_arrays(a: &str, b: &str) -> Ordering {
    parsed(a, b, |a, b| {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        flatten(a, &mut left);
        flatten(b, &mut right);
        let differs = left.iter().zip(&right).map(|(a, b)| compare_elements(a, b)).find(|order| order.is_ne());
        differs.unwrap_or_else(|| left.len().cmp(&right.len()))
    })
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
        (Value::Number(_), Value::String(_)) => Ordering::Less,
        (Value::String(_), Value::Number(_)) => Ordering::Greater,
        _ => jsonb::compare(a, b),
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
