//! PostgreSQL's operators: operand types, result type, and what each becomes in SQLite.
//!
//! Owns: the table [`OPERATORS`]. Specification: functions.html and pg_operator.

use crate::sql::functions::Call;
use crate::types::pg_type::Oid;

/// One operator (pg_operator). A prefix operator has `left` = `Oid::INVALID`.
#[derive(Clone, Copy, Debug)]
pub struct Operator {
    pub name: &'static str,
    pub left: Oid,
    pub right: Oid,
    pub result: Oid,
    pub call: Call,
}

/// Every operator. Comparison operators are templates over SQLite's own; the translator adds the type's collation.
pub static OPERATORS: &[Operator] = &[];
