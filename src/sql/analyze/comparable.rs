//! What may be grouped, made distinct or sorted: types that can be compared.
//!
//! Must not know: how they are compared (`types::order`, collations). Specification: get_sort_group_operators.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{Distinct, GroupItem, SimpleSelect, SortBy};
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::{Expr, SortKey, Target};
use crate::types::order::{has_equality, has_order};
use crate::types::pg_type::Oid;

/// Where a key of GROUP BY stands.
fn group_location(item: &GroupItem) -> Option<Location> {
    match item {
        GroupItem::Expr(ast) => Some(expr_location(ast)),
        _ => None,
    }
}

impl Analyzer<'_> {
    fn unidentified(&self, what: &str, oid: Oid) -> Error {
        let message = format!("could not identify an {what} operator for type {}", self.type_name(oid));
        Error::new(SqlState::UNDEFINED_FUNCTION, message)
    }

    /// Refuses to sort, group or make distinct what cannot be.
    pub(super) fn require_comparable(
        &self,
        ast: &SimpleSelect,
        order_by: &[SortBy],
        (keys, group_by, distinct_on, targets): (&[SortKey], &[Expr], &[Expr], &[Target]),
    ) -> Result<()> {
        self.require_order(keys, order_by)?;
        self.require_equality(group_by, ast.group.iter().filter_map(group_location))?;
        match &ast.distinct {
            Some(Distinct::On(on)) => self.require_equality(distinct_on, on.iter().map(expr_location)),
            Some(Distinct::All) => {
                self.require_equality(targets.iter().map(|t| &t.expr), ast.targets.iter().map(|t| t.location))
            }
            None => Ok(()),
        }
    }

    /// Refuses to sort by what has no order.
    fn require_order(&self, keys: &[SortKey], written: &[SortBy]) -> Result<()> {
        match keys.iter().zip(written).find(|(key, _)| !has_order(key.expr.type_oid)) {
            Some((key, sort)) => {
                let hint = "Use an explicit ordering operator or modify the query.";
                let error = self.unidentified("ordering", key.expr.type_oid).with_hint(hint);
                Err(self.at(error, expr_location(&sort.node)))
            }
            None => Ok(()),
        }
    }

    /// Refuses to group by what has no equality.
    fn require_equality<'e>(
        &self,
        keys: impl IntoIterator<Item = &'e Expr>,
        written: impl Iterator<Item = Location>,
    ) -> Result<()> {
        let locations = written.chain(std::iter::repeat(Location::UNKNOWN));
        match keys.into_iter().zip(locations).find(|(key, _)| !has_equality(key.type_oid)) {
            Some((key, at)) => Err(self.at(self.unidentified("equality", key.type_oid), at)),
            None => Ok(()),
        }
    }
}
