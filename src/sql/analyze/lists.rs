//! Lists of expressions: in VALUES, ROW(…) and an assigned row `t.*` and `(row).*` stand for their columns.
//!
//! Owns: [`Analyzer::expression_list`], and that those of VALUES are of one length. Specification: transformExpressionList in parse_target.c.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::query::starred;
use crate::sql::syntax::ast::expression::{Expr as Ast, Indirection};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::Expr;

/// An expression, none for DEFAULT, and where it is written.
pub(super) type Given = (Option<Expr>, Location);

impl Analyzer<'_> {
    /// Where DEFAULT may stand, it is none.
    pub(super) fn expression_list(&mut self, items: &[Ast], defaults: bool) -> Result<Vec<Given>> {
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            let location = expr_location(item);
            let columns = match item {
                Ast::Indirection(node) if matches!(node.indirection.last(), Some(Indirection::Star)) => {
                    self.all_fields(node)?
                }
                item => match starred(item) {
                    Some(qualifier) => self.starred_columns(&qualifier, location)?,
                    None => {
                        let default = defaults && matches!(item, Ast::SetToDefault(_));
                        list.push((if default { None } else { Some(self.expr(item)?) }, location));
                        continue;
                    }
                },
            };
            list.extend(columns.into_iter().map(|(_, value)| (Some(value), location)));
        }
        Ok(list)
    }
    /// 42601 unless a list of VALUES is as long as the first one.
    pub(super) fn check_length(&self, first: Option<usize>, length: usize, row: &[Ast]) -> Result<()> {
        if first.is_none_or(|first| first == length) {
            return Ok(());
        }
        let error = Error::new(SqlState::SYNTAX_ERROR, "VALUES lists must all be the same length");
        Err(row.first().map_or(error.clone(), |first| self.at(error, expr_location(first))))
    }
}
