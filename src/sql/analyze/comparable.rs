//! What may be grouped, made distinct or sorted: types that can be compared.
//!
//! Must not know: how they are compared (`types::order`, collations). Specification: get_sort_group_operators.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::tree::{Expr, SortKey};
use crate::types::order::{has_equality, has_order};
use crate::types::pg_type::Oid;

impl Analyzer<'_> {
    fn unidentified(&self, what: &str, oid: Oid) -> Error {
        let message = format!("could not identify an {what} operator for type {}", self.type_name(oid));
        Error::new(SqlState::UNDEFINED_FUNCTION, message)
    }

    /// Refuses to sort by what has no order, and to group by what has no equality.
    pub(super) fn require_comparable<'e>(
        &self,
        sorted: &[SortKey],
        mut grouped: impl Iterator<Item = &'e Expr>,
    ) -> Result<()> {
        if let Some(key) = sorted.iter().find(|key| !has_order(key.expr.type_oid)) {
            let hint = "Use an explicit ordering operator or modify the query.";
            return Err(self.unidentified("ordering", key.expr.type_oid).with_hint(hint));
        }
        match grouped.find(|expr| !has_equality(expr.type_oid)) {
            Some(expr) => Err(self.unidentified("equality", expr.type_oid)),
            None => Ok(()),
        }
    }
}
