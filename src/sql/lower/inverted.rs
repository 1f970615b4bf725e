//! Conditions that an inverted index answers: beside `column @@ query` and its kin the rows are named that the index's
//! postings say it may be true of.
//!
//! Owns: [`Lower::with_postings`]. Must not know: what keys are (`types::gin`), how rows are found (`engine::postings`). The
//! condition itself stays: it decides. Specification: gin.html, textsearch-indexes.html.

use std::rc::Rc;

use super::program::rowid;
use super::search::{Search, Volatile};
use super::sets::function_column;
use super::tree::{ColumnRef, Expr, ExprKind, FromItem, Query, Select, Target};
use super::{Columns, Entry, Lower};
use crate::catalog::schema::{Index, IndexKey, Relation};
use crate::error::{Error, Result};
use crate::sql::stored::index_key;
use crate::sql::tree::{Coercion, Expr as Typed, ExprKind as Kind, OperatorRef, Var};
use crate::types::gin::KeyClass;
use crate::types::pg_type::Oid;

/// How many constants of an operand may be others than the index's key has, which is found out when they are known.
const MOST_CONSTANTS: usize = 2;

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
    /// What must be equal for the key to be the operand.
    constants: Vec<(Expr, Expr)>,
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
                    let Some(constants) = self.key_constants(value, relation, &alias, key)? else { continue };
                    return Ok(Some(Lookup { relation, alias, class, operator, index, place, query, constants }));
                }
            }
        }
        Ok(None)
    }

    /// The table with postings of which an operand has columns, if it is one that is read as it is.
    fn indexed_table(&self, value: &Typed) -> Option<(&'a Relation, Rc<str>)> {
        let found = std::cell::Cell::new(None);
        value.any(&|part| {
            if let Kind::Var(var) = &part.kind {
                found.set(Some(var.entry));
            }
            found.get().is_some()
        });
        let entry = self.entries.get(&found.get()?)?;
        let (Columns::Member(_, oid), Some(alias)) = (&entry.columns, &entry.alias) else { return None };
        let relation = self.catalog().relations.get(oid)?;
        let has_postings = relation.indexes.iter().any(|index| !index.options.postings.is_empty());
        has_postings.then(|| (&**relation, alias.clone()))
    }

    /// Whether an operand is an index's key, which it is if constants in it are the same: each as it is here and in the key.
    fn key_constants(
        &mut self,
        value: &Typed,
        relation: &Relation,
        alias: &str,
        key: &IndexKey,
    ) -> Result<Option<Vec<(Expr, Expr)>>> {
        let Some(text) = &key.expression else {
            return Ok(column(value).filter(|var| var.attribute == key.column).map(|_| Vec::new()));
        };
        let (None, Some(planning)) = (column(value), self.context.planning) else { return Ok(None) };
        let (entry, typed) = index_key(text, relation, planning)?;
        let mut lower = Lower::new(self.context);
        lower.entries.insert(entry, Entry::of_relation(None, relation));
        let (mut here, mut there) = (Vec::new(), Vec::new());
        let shape = shape(&self.expr(value)?, alias, &mut here);
        if shape.is_none()
            || shape != self::shape(&lower.expr(&typed)?, alias, &mut there)
            || here.len() > MOST_CONSTANTS
        {
            return Ok(None);
        }
        Ok(Some(here.into_iter().zip(there).filter(|(here, there)| here.kind != there.kind).collect()))
    }

    /// rowid IN (SELECT … the rows that have the keys)
    fn by_postings(&mut self, lookup: Lookup<'_>) -> Result<Option<Expr>> {
        let Lookup { relation, alias, class, operator, index, place, query, constants } = lookup;
        let query = self.expr(&query)?;
        if Volatile.in_expr(&query) {
            return Ok(None);
        }
        let database = if relation.temporary { "temp" } else { "main" };
        let quoted = |name: &str| format!("{database}.\"{}\"", name.replace('"', "\"\""));
        let row = rowid(relation, Some(alias));
        let mut args = vec![
            Expr::text(class.name().to_owned()),
            Expr::text(operator.to_owned()),
            query,
            Expr::text(quoted(&index.postings_name())),
            Expr::integer(i64::try_from(place).unwrap_or_default(), Oid::INT8),
            Expr::text(quoted(&relation.sqlite_name)),
            Expr::text(super::program::rowid_name(relation).to_owned()),
        ];
        args.extend(constants.into_iter().flat_map(|(here, there)| [here, there]));
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

/// An expression of calls without its constants, which are put into the list, and without the table's alias.
fn shape(expr: &Expr, alias: &str, constants: &mut Vec<Expr>) -> Option<Expr> {
    let kind = match &expr.kind {
        ExprKind::Param(_) | ExprKind::Literal(_) | ExprKind::Const(_) => {
            constants.push(expr.clone());
            return Some(Expr::new(ExprKind::Null, Oid::INVALID));
        }
        ExprKind::Column(column) if column.alias.as_deref().is_none_or(|of| of == alias) => {
            ExprKind::Column(ColumnRef { alias: None, column: column.column.clone(), not_null: false })
        }
        ExprKind::Call(call, args) => {
            let args = args.iter().map(|arg| shape(arg, alias, constants)).collect::<Option<_>>()?;
            ExprKind::Call(*call, args)
        }
        _ => return None,
    };
    Some(Expr::new(kind, expr.type_oid))
}
