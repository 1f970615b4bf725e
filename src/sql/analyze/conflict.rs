//! ON CONFLICT (expressions) WHERE predicate: which unique index it infers.
//!
//! Owns: [`Analyzer::inferred`]. Must not know: what happens on a conflict (`analyze::modify`).
//! Specification: sql-insert.html#SQL-ON-CONFLICT, infer_arbiter_indexes in plancat.c. An index's predicate is implied
//! here if its conditions are among those given, an expression is the index's if both are the same to SQLite.

use crate::catalog::schema::{Constraint, Index, Relation};
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::{Analyzer, repr_of};
use crate::sql::analyze::modify::bare_column;
use crate::sql::analyze::scope::{RangeVar, Scope};
use crate::sql::syntax::ast::definition::{IndexElem, IndexKey};
use crate::sql::syntax::ast::expression::{BoolExprType, ColumnRef, Expr as Ast, Field};
use crate::sql::syntax::parse;
use crate::sql::translate;
use crate::sql::tree::Expr;

impl<'a> Analyzer<'a> {
    /// The keys and the predicate of the unique index that is inferred; 42P10 if there is none.
    pub(super) fn inferred(
        &mut self,
        relation: &'a Relation,
        elements: &[IndexElem],
        predicate: Option<&Ast>,
    ) -> Result<(Vec<Expr>, Option<Expr>)> {
        let mut wanted = Vec::new();
        for element in elements {
            let typed = match &element.key {
                IndexKey::Column(name) => {
                    let fields = vec![Field::Name(name.clone())];
                    let column = Ast::ColumnRef(ColumnRef { fields, location: element.location });
                    self.over_relation(relation, &column).map_err(|e| self.at(e, element.location))?
                }
                IndexKey::Expr(expr) => self.over_relation(relation, expr)?,
            };
            wanted.push(self.as_sql(&typed));
        }
        // Which index is meant depends on the constants in what was written.
        self.pinned.extend(0..self.source.literals.len());
        let conditions = match predicate {
            Some(predicate) => self.conditions(relation, predicate)?,
            None => Vec::new(),
        };
        // An index over all rows is preferred.
        let (total, partial): (Vec<&Index>, Vec<&Index>) =
            relation.indexes.iter().filter(|index| index.unique).partition(|index| index.predicate.is_none());
        for index in total.into_iter().chain(partial) {
            let keys = self.index_keys(relation, index)?;
            let shown: Vec<String> = keys.iter().map(|key| self.as_sql(key)).collect();
            let same = shown.iter().all(|key| wanted.contains(key)) && wanted.iter().all(|key| shown.contains(key));
            if !same || !self.is_implied(relation, index, &conditions)? {
                continue;
            }
            if let Some(constraint) = relation.deferrable_key(index) {
                return Err(deferrable_arbiter(relation, constraint));
            }
            let predicate =
                index.predicate.as_deref().map(|text| self.stored_over_relation(relation, text)).transpose()?;
            return Ok((keys, predicate));
        }
        let message = "there is no unique or exclusion constraint matching the ON CONFLICT specification";
        Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message))
    }

    fn index_keys(&mut self, relation: &'a Relation, index: &Index) -> Result<Vec<Expr>> {
        let mut keys = Vec::with_capacity(index.keys.len());
        for key in &index.keys {
            keys.push(match (relation.column_by_number(key.column), &key.expression) {
                (Some(column), _) => bare_column(relation, column),
                (None, Some(text)) => self.stored_over_relation(relation, text)?,
                (None, None) => return Err(Error::internal("index key")),
            });
        }
        Ok(keys)
    }

    fn is_implied(&mut self, relation: &'a Relation, index: &Index, given: &[String]) -> Result<bool> {
        let Some(text) = &index.predicate else { return Ok(true) };
        let predicate = parse::expression(text)?;
        let needed = self.stored(|a| a.conditions(relation, &predicate))?;
        Ok(needed.iter().all(|condition| given.contains(condition)))
    }

    /// An expression over the relation's columns, its constants part of it.
    fn over_relation(&mut self, relation: &'a Relation, expr: &Ast) -> Result<Expr> {
        let entry = RangeVar::table(self, relation, relation.name.clone(), None);
        self.scopes.push(Scope { entries: vec![entry], ..Scope::default() });
        self.in_stored_text += 1;
        let result = self.expr(expr).and_then(|typed| self.resolve_unknown(typed));
        self.in_stored_text -= 1;
        self.scopes.pop();
        result
    }

    fn stored_over_relation(&mut self, relation: &'a Relation, text: &str) -> Result<Expr> {
        let ast = parse::expression(text)?;
        self.stored(|a| a.over_relation(relation, &ast))
    }

    /// What stands between the ANDs of a predicate.
    fn conditions(&mut self, relation: &'a Relation, predicate: &Ast) -> Result<Vec<String>> {
        match predicate {
            Ast::Bool(node) if node.op == BoolExprType::And => {
                let mut all = Vec::new();
                for arg in &node.args {
                    all.extend(self.conditions(relation, arg)?);
                }
                Ok(all)
            }
            other => {
                let typed = self.over_relation(relation, other)?;
                Ok(vec![self.as_sql(&typed)])
            }
        }
    }

    fn as_sql(&self, expr: &Expr) -> String {
        let catalog = self.catalog();
        translate::expression(expr, &|oid| repr_of(catalog, oid)).sql
    }
}

/// ON CONFLICT must know at once whether there is a conflict.
pub(super) fn deferrable_arbiter(relation: &Relation, constraint: &Constraint) -> Error {
    let message = "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters";
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
        .with_schema(&relation.schema)
        .with_table(&relation.name)
        .with_constraint(&constraint.name)
}
