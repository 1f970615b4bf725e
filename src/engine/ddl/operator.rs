//! Operators that statements name.
//!
//! Specification: parse_oper.c.

use super::Change;
use crate::catalog::tables::operators;
use crate::error::{Error, Result, SqlState};
use crate::types::pg_type::Oid;

impl Change<'_> {
    /// LookupOperName: the operator for exactly these types, `Oid::INVALID` on the left for a prefix operator.
    pub(super) fn named_operator(&self, name: &[String], [left, right]: [Oid; 2]) -> Result<Oid> {
        let own = name.last().and_then(|name| operators::operator(name, left, right));
        let in_catalog = name.len() == 1 || name.first().is_some_and(|schema| schema == "pg_catalog");
        match own.filter(|_| in_catalog) {
            Some(own) => Ok(own.oid),
            None => {
                let left = if left == Oid::INVALID { String::new() } else { format!("{} ", self.shown_type(left)) };
                let message = format!("operator does not exist: {left}{} {}", name.join("."), self.shown_type(right));
                Err(Error::new(SqlState::UNDEFINED_FUNCTION, message))
            }
        }
    }
}
