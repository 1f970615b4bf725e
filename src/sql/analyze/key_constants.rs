//! Constants in what an index is over: `j->>'name'` in a statement is the key of an index over `(j->>'name')` only while the
//! constant is part of the statement, and not lifted out of it.
//!
//! Owns: [`Analyzer::settle_key_constants`]. Must not know: which index is used. Specification: indexes-expressional.html.

use std::collections::{BTreeSet, HashMap};

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
        let mut keys =
            Keys { context: self.context(), source: self.source(), of: HashMap::new(), pinned: BTreeSet::new() };
        walk(&mut |expr| keys.settle(expr));
        let Keys { pinned, .. } = keys;
        self.pinned.extend(pinned);
    }
}

struct Keys<'a> {
    context: PlanContext<'a>,
    source: &'a Source<'a>,
    /// The expressions that are keys of a table's indexes.
    of: HashMap<Oid, Vec<Expr>>,
    pinned: BTreeSet<usize>,
}

impl Keys<'_> {
    fn settle(&mut self, expr: &mut Expr) {
        if matches!(expr.kind, ExprKind::Op(..) | ExprKind::Func(..))
            && let Some(table) = table_of(expr)
        {
            let source = self.source;
            for key in self.of_table(table) {
                let mut pairs = Vec::new();
                if !is_like(expr, key, &mut pairs) || pairs.is_empty() {
                    continue;
                }
                let same = pairs.iter().all(|(n, value)| is_constant(source, *n, value));
                let settled = key.clone();
                self.pinned.extend(pairs.iter().map(|(n, _)| *n));
                if same {
                    put_constants(expr, &settled);
                }
                return;
            }
        }
        expr.for_each_child_mut(&mut |child| self.settle(child));
        if let Some(query) = expr.subquery_mut() {
            query.for_each_expr_mut(&mut |part| self.settle(part));
        }
    }

    fn of_table(&mut self, table: Oid) -> &[Expr] {
        let context = self.context;
        self.of.entry(table).or_insert_with(|| {
            let Some(relation) = context.catalog.relations.get(&table) else { return Vec::new() };
            let texts =
                relation.indexes.iter().flat_map(|index| &index.keys).filter_map(|key| key.expression.as_deref());
            texts.filter_map(|text| index_key(text, relation, context).ok()).map(|(_, key)| key).collect()
        })
    }
}

/// The table of which an expression has a column.
fn table_of(expr: &Expr) -> Option<Oid> {
    let table = std::cell::Cell::new(None);
    expr.any(&|part| {
        if let ExprKind::Var(var) = &part.kind
            && var.origin.0 != Oid::INVALID
        {
            table.set(Some(var.origin.0));
        }
        table.get().is_some()
    });
    table.get()
}

/// Whether an expression is a key but for constants that were lifted out, each of which stands for one of the key.
fn is_like(expr: &Expr, key: &Expr, pairs: &mut Vec<(usize, Value)>) -> bool {
    let mut all = |left: &[Expr], right: &[Expr]| {
        left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_like(left, right, pairs))
    };
    match (&expr.kind, &key.kind) {
        (ExprKind::Literal(n), ExprKind::Const(value)) => {
            pairs.push((*n, value.clone()));
            expr.type_oid == key.type_oid
        }
        (ExprKind::Const(left), ExprKind::Const(right)) => left == right,
        (ExprKind::Var(left), ExprKind::Var(right)) => left.origin.1 == right.attribute,
        (ExprKind::Op(left, operands), ExprKind::Op(right, of_key)) => left == right && all(operands, of_key),
        (ExprKind::Func(left, args), ExprKind::Func(right, of_key)) => left == right && all(args, of_key),
        (ExprKind::Coerce { how, arg }, ExprKind::Coerce { how: of_key, arg: key_arg }) => {
            how == of_key && expr.type_oid == key.type_oid && is_like(arg, key_arg, pairs)
        }
        _ => false,
    }
}

fn is_constant(source: &Source<'_>, n: usize, value: &Value) -> bool {
    let Some(literal) = source.literals.get(n) else { return false };
    match value {
        Value::Text(text) => literal.value() == *text,
        Value::Integer(number) => literal.value().parse() == Ok(*number),
        _ => false,
    }
}

/// Puts a key's constants where an expression that is like it has those that were lifted out.
fn put_constants(expr: &mut Expr, key: &Expr) {
    match (&mut expr.kind, &key.kind) {
        (kind @ ExprKind::Literal(_), ExprKind::Const(_)) => *kind = key.kind.clone(),
        (ExprKind::Op(_, args), ExprKind::Op(_, of_key)) | (ExprKind::Func(_, args), ExprKind::Func(_, of_key)) => {
            args.iter_mut().zip(of_key).for_each(|(arg, key)| put_constants(arg, key));
        }
        (ExprKind::Coerce { arg, .. }, ExprKind::Coerce { arg: key, .. }) => put_constants(arg, key),
        _ => {}
    }
}
