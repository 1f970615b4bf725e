//! What functions take for arguments that a call with names leaves out before others.
//!
//! Owns: [`default_of`]. Those at the end have no need of it: the shorter signature is a row of its own. Specification:
//! pg_proc.proargdefaults, system_functions.sql.

use crate::sql::type_names::*;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// A default: an integer or a text.
enum Default {
    Integer(i64),
    Text(&'static str),
}

/// Functions by the beginning of their names, an argument, its default and type.
static DEFAULTS: &[(&str, &str, Default, Oid)] = &[
    ("make_interval", "", Default::Integer(0), INT4),
    ("jsonb_path_", "vars", Default::Text("{}"), JSONB),
    ("jsonb_set_lax", "create_if_missing", Default::Integer(1), BOOL),
];

/// The default of a function's argument.
pub fn default_of(function: &str, argument: &str) -> Option<(Value, Oid)> {
    let is =
        |(name, of, ..): &&(&str, &str, Default, Oid)| function.starts_with(name) && (of.is_empty() || *of == argument);
    let (_, _, default, oid) = DEFAULTS.iter().find(is)?;
    let value = match default {
        Default::Integer(integer) => Value::Integer(*integer),
        Default::Text(text) => Value::Text((*text).to_owned()),
    };
    Some((value, *oid))
}
