//! Constants in what an index is over: `j->>'name'` in a statement is the key of an index over `(j->>'name')` only while the
//! constant is part of the statement, and not lifted out of it.
//!
//! Owns: [`Analyzer::settle_key_constants`], [`is_key`]. Must not know: which index is used. Specification: indexes-expressional.html.

use std::collections::HashMap;

use super::analyzer::Analyzer;
use crate::sql::planner::PlanContext;
use crate::sql::scan::Source;
use crate::sql::stored::index_key;
use crate::sql::tree::{Expr, ExprKind};
use crate::types::pg_type::Oid;
use crate::types::value::Value;

impl Analyzer<'_> {
    /// Puts the constants of index keys into a statement whose expressions `walk` visits; the plan is then for these constants.
    pub(in crate::sql) fn settle_key_constants(&mut self, walk: impl FnOnce(&mut dyn FnMut(&mut Expr))) {
        if self.source.literals.is_empty() {
            return;
        }
        let mut keys = Keys { context: self.context(), source: self.source(), of: HashMap::new(), pinned: Vec::new() };
        walk(&mut |expr| _ = keys.settle(expr));
        self.pinned.extend(keys.pinned);
    }
}

/// Whether an expression is an index's key, its constants included; the key is over the columns of the table alone.
pub(in crate::sql) fn is_key(expr: &Expr, key: &Expr) -> bool {
    let mut lifted = Vec::new();
    is_like(expr, key, &mut lifted) && lifted.is_empty()
}

struct Keys<'a> {
    context: PlanContext<'a>,
    source: &'a Source<'a>,
    /// The expressions that are keys of a table's indexes.
    of: HashMap<Oid, Vec<Expr>>,
    pinned: Vec<usize>,
}

impl Keys<'_> {
    /// Gives a table of which the expression has a column.
    fn settle(&mut self, expr: &mut Expr) -> Option<Oid> {
        if let ExprKind::Var(var) = &expr.kind {
            return Some(var.origin.0).filter(|table| *table != Oid::INVALID);
        }
        let mut table = None;
        expr.for_each_child_mut(&mut |child| table = self.settle(child).or(table));
        if let Some(query) = expr.subquery_mut() {
            query.for_each_expr_mut(&mut |part| _ = self.settle(part));
        }
        let source = self.source;
        let mut lifted = Vec::new();
        let mut is_like_this = |key: &Expr| {
            lifted.clear();
            is_like(expr, key, &mut lifted) && !lifted.is_empty()
        };
        if table.is_some_and(|table| self.of_table(table).iter().any(&mut is_like_this)) {
            let constants: HashMap<usize, Value> = lifted.into_iter().collect();
            if constants.iter().all(|(n, value)| is_constant(source, *n, value)) {
                put_constants(expr, &constants);
            }
            self.pinned.extend(constants.into_keys());
        }
        table
    }

    fn of_table(&mut self, table: Oid) -> &[Expr] {
        let context = self.context;
        self.of.entry(table).or_insert_with(|| {
            let Some(relation) = context.catalog.relations.get(&table) else { return Vec::new() };
            let texts =
                relation.indexes.iter().flat_map(|index| &index.keys).filter_map(|key| key.expression.as_deref());
            texts.filter_map(|text| index_key(text, relation, context).ok()).collect()
        })
    }
}

/// Whether an expression is a key but for constants that were lifted out, each of which stands for one of the key.
fn is_like(expr: &Expr, key: &Expr, lifted: &mut Vec<(usize, Value)>) -> bool {
    let same = match (&expr.kind, &key.kind) {
        (ExprKind::Literal(n), ExprKind::Const(value)) => {
            lifted.push((*n, value.clone()));
            return expr.type_oid == key.type_oid;
        }
        (ExprKind::Const(left), ExprKind::Const(right)) => return left == right,
        (ExprKind::Var(left), ExprKind::Var(right)) => return left.origin.1 == right.attribute,
        (ExprKind::Op(left, _), ExprKind::Op(right, _)) => left == right,
        (ExprKind::Func(left, _), ExprKind::Func(right, _)) => left == right,
        (ExprKind::Coalesce(_), ExprKind::Coalesce(_)) => true,
        (ExprKind::Coerce { how: left, .. }, ExprKind::Coerce { how: right, .. }) => {
            left == right && expr.type_oid == key.type_oid
        }
        _ => false,
    };
    let (mut parts, mut of_key) = (Vec::new(), Vec::new());
    if same {
        expr.for_each_child(&mut |part| parts.push(part));
        key.for_each_child(&mut |part| of_key.push(part));
    }
    same && parts.len() == of_key.len() && parts.into_iter().zip(of_key).all(|(part, key)| is_like(part, key, lifted))
}

fn is_constant(source: &Source<'_>, n: usize, value: &Value) -> bool {
    let Some(literal) = source.literals.get(n) else { return false };
    match value {
        Value::Text(text) => literal.value() == *text,
        Value::Integer(number) => literal.value().parse() == Ok(*number),
        _ => false,
    }
}

/// Puts constants where those are that were lifted out.
fn put_constants(expr: &mut Expr, constants: &HashMap<usize, Value>) {
    match &expr.kind {
        ExprKind::Literal(n) => {
            if let Some(value) = constants.get(n) {
                expr.kind = ExprKind::Const(value.clone());
            }
        }
        _ => expr.for_each_child_mut(&mut |child| put_constants(child, constants)),
    }
}
