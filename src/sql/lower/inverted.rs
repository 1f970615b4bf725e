//! Conditions that an inverted index answers: beside `column @@ query` and its kin the rows are named that the index's
//! postings say it may be true of.
//!
//! Owns: [`Lower::with_postings`]. Must not know: what keys are (`types::gin`), how rows are found (`engine::postings`). The
//! condition itself stays: it decides. Specification: gin.html, textsearch-indexes.html.

use std::rc::Rc;

use super::program::rowid;
use super::search::{Search, Volatile};
use super::sets::function_column;
use super::tree::{Expr, ExprKind, FromItem, Query, Select, Target};
use super::{Columns, Lower};
use crate::catalog::schema::{Index, IndexKey, Relation};
use crate::error::{Error, Result};
use crate::sql::analyze::key_constants::is_key;
use crate::sql::stored::index_key;
use crate::sql::tree::{Coercion, Expr as Typed, ExprKind as Kind, OperatorRef, Var};
use crate::types::gin::KeyClass;
use crate::types::pg_type::Oid;

/// What finds the rows of a condition.
struct Lookup<'a> {
    relation: &'a Relation,
    alias: Rc<str>,
    class: KeyClass,
    operator: &'static str,
    index: &'a Index,
    /// The place of its key.
    place: usize,
    query: Typed,
}

impl<'a> Lower<'a> {
    /// A condition of ON, or of an UPDATE or DELETE.
    pub(super) fn condition_by_postings(&mut self, typed: &Typed) -> Result<Expr> {
        let condition = self.condition(typed)?;
        self.with_postings(typed, condition)
    }

    /// A condition, and the rows that it may be true of: for WHERE and ON, where only what is true counts.
    pub(super) fn with_postings(&mut self, typed: &Typed, condition: Expr) -> Result<Expr> {
        if self.context.without_queries {
            return Ok(condition);
        }
        let conjuncts = match &typed.kind {
            Kind::And(parts) => parts.as_slice(),
            _ => std::slice::from_ref(typed),
        };
        let mut all = vec![condition];
        for conjunct in conjuncts {
            if let Some(lookup) = self.lookup(conjunct)? {
                all.extend(self.by_postings(lookup)?);
            }
        }
        Expr::connected("({0} AND {1})", all).ok_or_else(|| Error::internal("a connective without operands"))
    }

    fn lookup(&mut self, conjunct: &Typed) -> Result<Option<Lookup<'a>>> {
        let Kind::Op(OperatorRef::Listed(operator), operands) = &conjunct.kind else { return Ok(None) };
        let [left, right] = operands.as_slice() else { return Ok(None) };
        for (value, query, commuted) in [(left, right, false), (right, left, true)] {
            let Some((relation, alias)) = self.indexed_table(value) else { continue };
            // A function in FROM that gives one value stands for that.
            let query = match &query.kind {
                Kind::Var(var) => self.values.get(&var.entry).unwrap_or(query).clone(),
                _ => query.clone(),
            };
            if self.depends_on_row(&query) || query.any(&|part| part.subquery().is_some()) {
                continue;
            }
            for index in relation.indexes.iter().filter(|index| !index.options.postings.is_empty()) {
                for (place, (key, class)) in index.keys.iter().zip(&index.options.postings).enumerate() {
                    let Some(class) = *class else { continue };
                    let Some(operator) = class.operator(operator.name, commuted) else { continue };
                    if self.is_index_key(value, relation, key)? {
                        return Ok(Some(Lookup { relation, alias, class, operator, index, place, query }));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The table with postings of which an operand has columns, if it is the only one, and one that is read as it is.
    fn indexed_table(&self, value: &Typed) -> Option<(&'a Relation, Rc<str>)> {
        let found = std::cell::Cell::new(None);
        let is_second = |part: &Typed| match &part.kind {
            Kind::Var(var) => found.replace(Some(var.entry)).is_some_and(|known| known != var.entry),
            _ => false,
        };
        if value.any(&is_second) {
            return None;
        }
        let entry = self.entries.get(&found.get()?)?;
        let (Columns::Member(_, oid), Some(alias)) = (&entry.columns, &entry.alias) else { return None };
        let relation = self.catalog().relations.get(oid)?;
        let has_postings = relation.indexes.iter().any(|index| !index.options.postings.is_empty());
        has_postings.then(|| (&**relation, alias.clone()))
    }

    /// Whether an operand is an index's key.
    fn is_index_key(&self, value: &Typed, relation: &Relation, key: &IndexKey) -> Result<bool> {
        Ok(match (column(value), &key.expression, self.context.planning) {
            (Some(var), ..) => var.attribute == key.column,
            (None, Some(text), Some(planning)) => is_key(value, &index_key(text, relation, planning)?),
            _ => false,
        })
    }

    /// rowid IN (SELECT … the rows that have the keys)
    fn by_postings(&mut self, lookup: Lookup<'_>) -> Result<Option<Expr>> {
        let Lookup { relation, alias, class, operator, index, place, query } = lookup;
        let query = self.expr(&query)?;
        if Volatile.in_expr(&query) {
            return Ok(None);
        }
        let database = if relation.temporary { "temp" } else { "main" };
        let quoted = |name: &str| format!("{database}.\"{}\"", name.replace('"', "\"\""));
        let row = rowid(relation, Some(alias));
        let args = vec![
            Expr::text(class.name().to_owned()),
            Expr::text(operator.to_owned()),
            query,
            Expr::text(quoted(&index.postings_name())),
            Expr::integer(i64::try_from(place).unwrap_or_default(), Oid::INT8),
            Expr::text(quoted(&relation.sqlite_name)),
            Expr::text(super::program::rowid_name(relation).to_owned()),
        ];
        let alias: Rc<str> = index.postings_name().into();
        let targets = vec![Target { name: String::new(), expr: function_column(&alias, "value", Oid::INT8) }];
        let from = vec![FromItem::Function { name: "pg_gin_rows", args, alias }];
        let query = Box::new(Query::of_select(Select { targets, from, ..Select::default() }));
        Ok(Some(Expr::new(ExprKind::InQuery { expr: Box::new(row), query, negated: false }, Oid::BOOL)))
    }
}

/// The column that an operand is, as it is or under another name of its type.
fn column(operand: &Typed) -> Option<&Var> {
    match &operand.kind {
        Kind::Var(var) if var.attribute > 0 => Some(var),
        Kind::Coerce { how: Coercion::Relabel, arg } => column(arg),
        _ => None,
    }
}
