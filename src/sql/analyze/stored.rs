//! Expressions that schema objects are made of, inside other statements: checks of domains, defaults.
//!
//! Owns: what is in scope in them, and what they may not have.

use crate::catalog::schema::Relation;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::scope::{RangeColumn, RangeVar, Scope};
use crate::sql::syntax::ast::expression::Expr as Ast;
use crate::sql::syntax::parse;
use crate::sql::tree::{EntryId, Expr};

/// The schemas that unqualified names in stored text belong to.
pub fn search_path() -> std::sync::Arc<[String]> {
    ["pg_catalog", "public"].map(str::to_owned).into()
}

impl Analyzer<'_> {
    /// What an expression may not have that is over one row alone; with what messages call such expressions, and one of
    /// them.
    pub(in crate::sql) fn refuse_beyond_row(&self, expr: &Expr, all: &str, one: &str) -> Result<()> {
        let (code, message) = if expr.contains_aggregate() {
            (SqlState::GROUPING_ERROR, format!("aggregate functions are not allowed in {all}"))
        } else if expr.contains_window() {
            (SqlState::WINDOWING_ERROR, format!("window functions are not allowed in {all}"))
        } else if expr.any(&|part| part.subquery().is_some()) {
            (SqlState::FEATURE_NOT_SUPPORTED, format!("cannot use subquery in {one}"))
        } else if expr.any(&|part| part.set_call().is_some()) {
            (SqlState::FEATURE_NOT_SUPPORTED, format!("set-returning functions are not allowed in {all}"))
        } else {
            return Ok(());
        };
        Err(Error::new(code, message))
    }
}

impl Analyzer<'_> {
    /// An expression that stands alone, over the columns of a relation or over nothing.
    pub(in crate::sql) fn expr_over(&mut self, expr: &Ast, row: Option<(EntryId, &Relation)>) -> Result<Expr> {
        if let Some((entry, relation)) = row {
            let entry = RangeVar::table(self, relation, relation.name.clone(), entry);
            self.scopes.push(Scope { entries: vec![entry], ..Scope::default() });
        }
        self.in_stored_text += 1;
        self.own_text = self.in_stored_text;
        let result = self.expr(expr);
        self.in_stored_text -= 1;
        result
    }

    /// An expression over the row `old` and the row `new` of a relation: a trigger's condition.
    pub(in crate::sql) fn over_old_and_new(
        &mut self,
        expr: &Ast,
        relation: &Relation,
        (old, new): (EntryId, EntryId),
        is_stored: bool,
    ) -> Result<Expr> {
        let row = |name: &str, entry| {
            let mut row = RangeVar::table(self, relation, name.to_owned(), entry);
            row.schema = None;
            // A row of the other side of an event is there as nothing but NULL.
            row.may_have_nulls();
            row
        };
        let entries = vec![row("old", old), row("new", new)];
        self.scopes.push(Scope { entries, ..Scope::default() });
        self.in_stored_text += usize::from(is_stored);
        let result = self.expr(expr);
        self.in_stored_text -= usize::from(is_stored);
        self.scopes.pop();
        result
    }

    /// A domain's CHECK over `value`.
    pub(super) fn domain_check(&mut self, check: &str, value: Expr) -> Result<Expr> {
        let ast = parse::expression(check)?;
        let column = RangeColumn { name: "value".to_owned(), expr: value };
        let entry = RangeVar::over(String::new(), EntryId::OUTPUT, vec![column]);
        self.stored(|a| {
            a.scopes.push(Scope { entries: vec![entry], ..Scope::default() });
            let result = a.condition(&ast, "CHECK");
            a.scopes.pop();
            result
        })
    }
}
