//! What the translator itself calls: checks and constructs that are syntax in PostgreSQL and a function in SQLite.
//!
//! Owns: enum labels, LIMIT and OFFSET, raised errors.

use crate::engine::constraint_timing::PendingKey;
use crate::error::{Error, Result, SqlState};
use crate::sql::types::unsafe_label;
use crate::types::array::{Element, Part, Reader};
use crate::types::pg_type::Oid;
use crate::types::system_ids::FROZEN_TRANSACTION;

use std::hash::{Hash, Hasher};

use rusqlite::types::ValueRef;

use super::Definition;
use super::args::{Args, Output, owned};
use super::capture::MISSING_KEY;

pub(super) static FUNCTIONS: &[Definition] = &[
    // What it is given, of which SQLite does not know that it is constant.
    Definition::stable("pg_given", 1, |_| Ok(Output::Argument(0))),
    Definition::stable("pg_raise", -1, raise),
    Definition::stable("pg_raise_domain", 5, raise_domain),
    Definition::pure("pg_enum_in", -1, enum_in),
    Definition::pure("pg_enum_order", 2, enum_order),
    Definition::pure("pg_enum_array_order", 2, enum_array_order),
    Definition::pure("pg_enum_label", 2, enum_label),
    Definition::pure("pg_enum_range", -1, enum_range).called_on_null(),
    Definition::pure("pg_limit", 1, limit).called_on_null(),
    Definition::pure("pg_offset", 1, offset).called_on_null(),
    Definition::pure("pg_raise_not_null", 3, not_null).called_on_null(),
    Definition::stable("pg_capture", -1, capture).called_on_null(),
    Definition::stable("pg_capture_end", 0, capture_end),
    Definition::stable("pg_recheck_unique", -1, recheck_unique),
    Definition::stable("pg_exclude", 9, exclude),
    Definition::stable("pg_propose", -1, propose).called_on_null(),
    Definition::stable("pg_affect", -1, affect).called_on_null(),
    Definition::stable("pg_affected", -1, affected).called_on_null(),
    Definition::pure("pg_row_version", -1, row_version).called_on_null(),
];

/// The error with this SQLSTATE and message: the ELSE of a domain's check.
/// Fails: pg_raise(SQLSTATE, message[, hint]).
fn raise(args: &Args<'_>) -> Result<Output> {
    let state = args.text(0)?;
    let code = state.as_bytes().try_into().map_or(SqlState::INTERNAL_ERROR, SqlState);
    let error = Error::new(code, args.text(1)?.into_owned());
    Err(if args.len() > 2 { error.with_hint(args.text(2)?.into_owned()) } else { error })
}

/// What a domain's check raises: pg_raise_domain(SQLSTATE, message, schema, domain, constraint or nothing).
fn raise_domain(args: &Args<'_>) -> Result<Output> {
    let state = args.text(0)?;
    let code = state.as_bytes().try_into().map_or(SqlState::INTERNAL_ERROR, SqlState);
    let error = Error::new(code, args.text(1)?.into_owned()).with_schema(args.text(2)?).with_data_type(args.text(3)?);
    let constraint = args.text(4)?;
    Err(if constraint.is_empty() { error } else { error.with_constraint(constraint) })
}

fn labels(args: &Args<'_>, index: usize) -> Result<std::sync::Arc<Vec<String>>> {
    args.cached(index, || {
        let text = args.text(index)?;
        serde_json::from_str::<Vec<String>>(&text).map_err(|e| Error::internal(format!("enum labels: {e}")))
    })
}

/// The label, if the enum has it: pg_enum_in(text, enum's name, labels[, those that cannot be used yet]).
fn enum_in(args: &Args<'_>) -> Result<Output> {
    let label = args.text(0)?;
    if args.len() > 3 && labels(args, 3)?.iter().any(|added| *added == *label) {
        return Err(unsafe_label(&label, &args.text(1)?));
    }
    if labels(args, 2)?.iter().any(|known| *known == *label) {
        return Ok(Output::Argument(0));
    }
    let message = format!("invalid input value for enum {}: \"{label}\"", args.text(1)?);
    Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message))
}

/// The places of an array's labels: pg_enum_array_order(array, labels).
fn enum_array_order(args: &Args<'_>) -> Result<Output> {
    let (labels, array) = (labels(args, 1)?, args.text(0)?);
    let mut reader = Reader::new(&array);
    let mut places = String::new();
    while let Some(part) = reader.next_part()? {
        if !places.is_empty() && !places.ends_with('[') && part != Part::Close {
            places.push(',');
        }
        match part {
            Part::Open => places.push('['),
            Part::Close => places.push(']'),
            Part::Element(Element::Text(label)) => {
                let place = labels.iter().position(|known| *known == label).unwrap_or(labels.len());
                places.push_str(&place.to_string());
            }
            Part::Element(_) => places.push_str("null"),
        }
    }
    Ok(places.into())
}

/// The label's place in its enum's order: pg_enum_order(label, labels).
fn enum_order(args: &Args<'_>) -> Result<Output> {
    let label = args.text(0)?;
    let place = labels(args, 1)?.iter().position(|known| *known == *label);
    Ok(place.map(|p| p as i64).into())
}

/// The label at a place: pg_enum_label(place, labels).
fn enum_label(args: &Args<'_>) -> Result<Output> {
    let place = usize::try_from(args.int(0)?).ok();
    Ok(place.and_then(|place| labels(args, 1).ok()?.get(place).cloned()).into())
}

/// The labels from one place to another; a bound that is NULL is none: pg_enum_range(from, to, labels[, those that
/// cannot be used yet, enum's name]).
fn enum_range(args: &Args<'_>) -> Result<Output> {
    let all = labels(args, 2)?;
    let place = |index: usize| args.int(index).map(|place| usize::try_from(place).unwrap_or(usize::MAX));
    let from = if args.is_null(0) { 0 } else { place(0)? };
    let to = if args.is_null(1) { usize::MAX } else { place(1)? };
    let within: Vec<&String> = all.iter().skip(from).take(to.saturating_add(1).saturating_sub(from)).collect();
    if args.len() > 4 {
        let added = labels(args, 3)?;
        if let Some(label) = within.iter().find(|label| added.contains(label)) {
            return Err(unsafe_label(label, &args.text(4)?));
        }
    }
    serde_json::to_string(&within).map(Output::from).map_err(|e| Error::internal(format!("enum labels: {e}")))
}

/// LIMIT: NULL is none, which SQLite writes as -1; a negative number is an error here and not there.
fn limit(args: &Args<'_>) -> Result<Output> {
    if args.is_null(0) {
        return Ok((-1i64).into());
    }
    match args.int(0)? {
        n if n < 0 => Err(Error::new(SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, "LIMIT must not be negative")),
        n => Ok(n.into()),
    }
}

/// OFFSET: NULL is 0.
fn offset(args: &Args<'_>) -> Result<Output> {
    if args.is_null(0) {
        return Ok(0i64.into());
    }
    match args.int(0)? {
        n if n < 0 => {
            Err(Error::new(SqlState::INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE, "OFFSET must not be negative"))
        }
        n => Ok(n.into()),
    }
}

/// Keeps a part of a row that is about to be written, see `engine::row_capture`: pg_capture(which part, values …).
fn capture(args: &Args<'_>) -> Result<Output> {
    let values = (1..args.len()).map(|index| owned(args.raw(index)));
    args.slot().capture(args.int(0)? == 0, values);
    Ok(Output::NULL)
}

/// A row with a key that is there already: pg_recheck_unique(constraint's OID, values …).
fn recheck_unique(args: &Args<'_>) -> Result<Output> {
    let constraint = Oid(args.int(0)? as u32);
    let values = (1..args.len()).map(|index| owned(args.raw(index))).collect();
    args.slot().put_pending_keys(vec![PendingKey { constraint, values }]);
    Ok(Output::NULL)
}

/// A row beside one that it must not be beside, of an exclusion constraint: pg_exclude(its OID, whether it is
/// deferrable, the row's rowid, its name, schema, table, the keys' names, the row's keys, the other row's). A deferrable
/// one is looked at again when it is due, by changing the row to what it is.
fn exclude(args: &Args<'_>) -> Result<Output> {
    if args.int(1)? != 0 && !args.slot().is_rechecking() {
        let constraint = Oid(args.int(0)? as u32);
        args.slot().put_pending_keys(vec![PendingKey { constraint, values: vec![owned(args.raw(2))] }]);
        return Ok(Output::NULL);
    }
    let (name, keys) = (args.text(3)?, args.text(6)?);
    let message = format!("conflicting key value violates exclusion constraint \"{name}\"");
    let (written, existing) = (args.text(7)?, args.text(8)?);
    let detail = format!("Key ({keys})=({written}) conflicts with existing key ({keys})=({existing}).");
    Err(Error::new(SqlState::EXCLUSION_VIOLATION, message)
        .with_detail(detail)
        .with_schema(args.text(4)?)
        .with_table(args.text(5)?)
        .with_constraint(name))
}

/// The first value, after noting the key of a row proposed for insertion: pg_propose(key's values …).
fn propose(args: &Args<'_>) -> Result<Output> {
    if let Some(key) = key_hash(args, 0) {
        args.slot().propose_key(key);
    }
    Ok(Output::Argument(0))
}

/// The value, if ON CONFLICT DO UPDATE may change the row of this key: pg_affect(value, key's values …).
fn affect(args: &Args<'_>) -> Result<Output> {
    if key_hash(args, 1).is_some_and(|key| args.slot().is_proposed_twice(key)) {
        let message = "ON CONFLICT DO UPDATE command cannot affect row a second time";
        return Err(Error::new(SqlState::CARDINALITY_VIOLATION, message).with_hint(
            "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
        ));
    }
    if let Some(key) = key_hash(args, 1) {
        args.slot().note_affected(key);
    }
    Ok(Output::Argument(0))
}

/// The xmax of a row of an INSERT's RETURNING: not 0 if DO UPDATE has changed it, pg_affected(key's values …).
fn affected(args: &Args<'_>) -> Result<Output> {
    let affected = key_hash(args, 0).is_some_and(|key| args.slot().is_affected(key));
    Ok(if affected { FROZEN_TRANSACTION } else { 0i64 }.into())
}

/// A row's xmin, a digest of its values: pg_row_version(number, values …).
fn row_version(args: &Args<'_>) -> Result<Output> {
    if args.is_null(0) {
        return Ok(Output::NULL);
    }
    let mut digest = xxhash_rust::xxh3::Xxh3::new();
    for index in 0..args.len() {
        match args.raw(index) {
            ValueRef::Null => digest.update(&[0]),
            ValueRef::Integer(i) => digest.update(&i.to_le_bytes()),
            ValueRef::Real(r) => digest.update(&r.to_le_bytes()),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => digest.update(bytes),
        }
        digest.update(&[0xff]);
    }
    // Below 3 are PostgreSQL's own.
    let version = (digest.digest() & 0xffff_ffff).max(3);
    Ok((version as i64).into())
}

/// `None` if a part of the key is NULL: such keys do not conflict.
fn key_hash(args: &Args<'_>, first: usize) -> Option<u64> {
    let mut hasher = std::hash::DefaultHasher::new();
    for index in first..args.len() {
        match args.raw(index) {
            ValueRef::Null => return None,
            ValueRef::Integer(i) => (0, i).hash(&mut hasher),
            ValueRef::Real(r) => (1, r.to_bits()).hash(&mut hasher),
            ValueRef::Text(t) => (2, t).hash(&mut hasher),
            ValueRef::Blob(b) => (3, b).hash(&mut hasher),
        }
    }
    Some(hasher.finish())
}

/// The row is whole. The one without a key is the one looked for.
fn capture_end(args: &Args<'_>) -> Result<Output> {
    if args.slot().ends_with_missing_key() {
        return Err(Error::internal("the row has no key"));
    }
    Ok(Output::NULL)
}

/// The value, or 23502 for the column named by the other two arguments: table and column.
fn not_null(args: &Args<'_>) -> Result<Output> {
    if !args.is_null(0) {
        return Ok(Output::Argument(0));
    }
    if args.slot().note_missing_key() {
        return Ok(MISSING_KEY.into());
    }
    let (table, column) = (args.text(1)?, args.text(2)?);
    let message = format!("null value in column \"{column}\" of relation \"{table}\" violates not-null constraint");
    Err(Error::new(SqlState::NOT_NULL_VIOLATION, message).with_table(table).with_column(column))
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn constructs() {
        assert_values(&[
            ("pg_raise('23514', 'no')", "23514 no"),
            ("pg_enum_in('b', 'mood', '[\"a\",\"b\"]')", "b"),
            ("pg_enum_in('c', 'mood', '[\"a\",\"b\"]')", "22P02 invalid input value for enum mood: \"c\""),
            ("pg_enum_order('b', '[\"a\",\"b\"]')", "1"),
            ("pg_enum_label(1, '[\"a\",\"b\"]')", "b"),
            ("pg_enum_range(1, NULL, '[\"a\",\"b\",\"c\"]')", "[\"b\",\"c\"]"),
            ("pg_enum_range(2, 1, '[\"a\",\"b\",\"c\"]')", "[]"),
            ("pg_limit(NULL)", "-1"),
            ("pg_limit(-2)", "2201W LIMIT must not be negative"),
            ("pg_raise_not_null(1, 't', 'c')", "1"),
            (
                "pg_raise_not_null(NULL, 't', 'c')",
                "23502 null value in column \"c\" of relation \"t\" violates not-null constraint",
            ),
            ("pg_offset(-2)", "2201X OFFSET must not be negative"),
        ]);
    }
}
