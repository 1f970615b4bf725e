//! The row that COPY FROM writes, if WHERE holds of it.
//!
//! Specification: DoCopy() in copy.c.

use crate::catalog::acl::Privileges;
use crate::catalog::schema::{Column, Relation};
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::expr::COPY_WHERE;
use crate::sql::analyze::modify::stored_columns;
use crate::sql::analyze::scope::{RangeVar, Scope};
use crate::sql::syntax::ast::expression::Expr as Ast;
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::{Body, EntryKind, Expr, ExprKind, FromItem, Insert, Query, RangeTblEntry, Select, Target, Var};
use crate::types::pg_type::Oid;

impl<'a> Analyzer<'a> {
    /// The INSERT of one row whose values are parameters $1 … in the order of `columns` (COPY FROM).
    pub fn copy_row(
        &mut self,
        relation: &'a Relation,
        columns: &[&'a Column],
        condition: Option<&Ast>,
    ) -> Result<Insert> {
        let numbers: Vec<i16> = columns.iter().map(|column| column.number).collect();
        self.permissions.borrow_mut().change(relation.oid, Privileges::INSERT, &numbers);
        let mut values = Vec::new();
        for column in stored_columns(relation) {
            values.push(match columns.iter().position(|c| c.number == column.number) {
                Some(place) => {
                    let param = Expr::new(ExprKind::Param(place), self.base_type(column.type_oid, -1).0);
                    let param =
                        if self.is_enum(column.type_oid) { Expr { type_oid: Oid::UNKNOWN, ..param } } else { param };
                    let param = self.checked_parts(param)?;
                    self.assign(param, column, &column.name)?
                }
                None => self.default_value(column)?,
            });
        }
        let entry = self.fresh_entry();
        let source = match condition {
            None => {
                Body::Values { rows: vec![values], names: stored_columns(relation).map(|c| c.name.clone()).collect() }
            }
            Some(condition) => self.copied_if(relation, values, condition)?,
        };
        Ok(Insert {
            ctes: Vec::new(),
            recursive: false,
            relation: relation.oid,
            entry,
            columns: stored_columns(relation).map(|c| c.number).collect(),
            source,
            conflict: None,
            checks: Vec::new(),
            returning: Vec::new(),
            routing: self.routing(relation, entry)?,
        })
    }

    /// A query of the row with these values of the stored columns.
    pub(super) fn copied_if(&mut self, relation: &Relation, values: Vec<Expr>, condition: &Ast) -> Result<Body> {
        let entry = self.fresh_entry();
        let row = RangeVar::table(self, relation, relation.name.clone(), entry);
        self.scopes.push(Scope { entries: vec![row], ..Scope::default() });
        let selection = self.condition(condition, COPY_WHERE);
        self.scopes.pop();
        let selection = selection?;
        if selection.any(&|part| part.subquery().is_some()) {
            let message = "cannot use subquery in COPY FROM WHERE condition";
            let place = match condition {
                Ast::SubLink(link) => link.location,
                other => expr_location(other),
            };
            return Err(self.at(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message), place));
        }
        for column in relation.columns.iter().filter(|column| column.generated) {
            let names = |part: &Expr| matches!(&part.kind, ExprKind::Var(var) if var.attribute == column.number);
            if selection.any(&names) {
                let message = "generated columns are not supported in COPY FROM WHERE conditions";
                let detail = format!("Column \"{}\" is a generated column.", column.name);
                return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).with_detail(detail));
            }
        }
        let last = relation.columns.iter().map(|column| column.number).max().unwrap_or(0);
        let mut given: Vec<(i16, Expr)> = stored_columns(relation).map(|column| column.number).zip(values).collect();
        let (mut inner, mut targets) = (Vec::new(), Vec::new());
        for number in 1..=last {
            let place = given.iter().position(|(known, _)| *known == number);
            let expr = place.map_or_else(|| Expr::null(Oid::TEXT), |place| given.swap_remove(place).1);
            if place.is_some() {
                let kind = ExprKind::Var(Var { entry, attribute: number, origin: (Oid::INVALID, 0), not_null: false });
                targets.push(Target { expr: Expr { kind, ..expr.clone() }, name: String::new() });
            }
            inner.push(Target { expr, name: format!("c{number}") });
        }
        let query = Query::of(Body::Select(Box::new(Select { targets: inner, ..Select::default() })));
        let kind = EntryKind::Subquery { query: Box::new(query), lateral: false };
        let from = vec![FromItem::Entry(RangeTblEntry::new(entry, kind))];
        Ok(Body::Select(Box::new(Select { targets, from, selection: Some(selection), ..Select::default() })))
    }
}
