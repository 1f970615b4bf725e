//! What statements check while they run: LIMIT and OFFSET, NOT NULL, domains and enum labels.

use super::json::text_array;
use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_limit", 1, |a| row_count(a, -1, SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, "LIMIT must not be negative")).called_on_null(),
    Definition::pure("pg_offset", 1, |a| row_count(a, 0, SqlState::INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE, "OFFSET must not be negative")).called_on_null(),
    Definition::pure("pg_raise_not_null", 3, not_null).called_on_null(),
    Definition::pure("pg_raise", 2, raise),
    Definition::pure("pg_enum_in", 3, enum_label),
    Definition::pure("pg_enum_order", 2, enum_order),
];

/// A row count as SQLite takes it; NULL means that there is no such clause.
fn row_count(args: &Args<'_>, none: i64, code: SqlState, message: &'static str) -> Result<Output> {
    if args.is_null(0) {
        return Ok(none.into());
    }
    let count = args.int(0)?;
    if count < 0 { Err(Error::new(code, message)) } else { Ok(count.into()) }
}

/// The value, or 23502 for the column named by the other two arguments: table and column.
fn not_null(args: &Args<'_>) -> Result<Output> {
    if !args.is_null(0) {
        return Ok(Output::Argument(0));
    }
    let (table, column) = (args.text(1)?, args.text(2)?);
    let message = format!("null value in column \"{column}\" of relation \"{table}\" violates not-null constraint");
    Err(Error::new(SqlState::NOT_NULL_VIOLATION, message).with_table(table).with_column(column))
}

/// Fails with the SQLSTATE and the message given.
fn raise(args: &Args<'_>) -> Result<Output> {
    let code = args.text(0)?.as_bytes().try_into().map_or(SqlState::INTERNAL_ERROR, SqlState);
    Err(Error::new(code, args.text(1)?.into_owned()))
}

/// pg_enum_in(text, name of the enum, labels)
fn enum_label(args: &Args<'_>) -> Result<Output> {
    let (text, labels) = (args.text(0)?, args.text(2)?);
    if text_array(&labels).iter().flatten().any(|label| *label == text) {
        return Ok(Output::Argument(0));
    }
    let message = format!("invalid input value for enum {}: \"{text}\"", args.text(1)?);
    Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message))
}

/// The place of a label among an enum's labels.
fn enum_order(args: &Args<'_>) -> Result<Output> {
    let (text, labels) = (args.text(0)?, args.text(1)?);
    let place = text_array(&labels).iter().flatten().position(|label| *label == text);
    Ok(place.map(|place| place as i64).into())
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn statements_are_checked() {
        assert_values(&[
            ("pg_limit(NULL)", "-1"),
            ("pg_limit(-1)", "2201W LIMIT must not be negative"),
            ("pg_offset(-1)", "2201X OFFSET must not be negative"),
            ("pg_raise_not_null(1, 't', 'c')", "1"),
            (
                "pg_raise_not_null(NULL, 't', 'c')",
                "23502 null value in column \"c\" of relation \"t\" violates not-null constraint",
            ),
            ("pg_raise('23514', 'no')", "23514 no"),
            ("pg_enum_in('sad', 'mood', '[\"sad\",\"ok\"]')", "sad"),
            ("pg_enum_in('x', 'mood', '[\"sad\",\"ok\"]')", "22P02 invalid input value for enum mood: \"x\""),
            ("pg_enum_order('ok', '[\"sad\",\"ok\"]')", "1"),
        ]);
    }
}
