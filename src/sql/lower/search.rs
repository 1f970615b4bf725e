//! Whether something is anywhere in a tree: a table that is read, a volatile call.
//!
//! Owns: [`Search`], [`Reads`], [`Varying`], [`Volatile`], [`Larger`]. Every part of a tree is looked at once, however deep queries nest. Must not know: what is looked for.

use std::cell::Cell;

use crate::sql::functions;
use crate::sql::lower::tree::{Body, Cte, Expr, ExprKind, FromItem, Query};

/// What is looked for. A part that is not itself found is searched.
pub trait Search {
    /// Whether this is it.
    fn is_item(&self, _item: &FromItem) -> bool {
        false
    }

    /// Whether this is it.
    fn is_expr(&self, _expr: &Expr) -> bool {
        false
    }

    /// Whether it is in the expression or a sub-query of it.
    fn in_expr(&self, expr: &Expr) -> bool {
        if self.is_expr(expr) || expr.subquery().is_some_and(|query| self.in_query(query)) {
            return true;
        }
        let mut found = false;
        expr.for_each_child(&mut |child| found = found || self.in_expr(child));
        found
    }

    /// Whether it is in one of the expressions.
    fn in_exprs<'e>(&self, exprs: impl IntoIterator<Item = &'e Expr>) -> bool
    where
        Self: Sized,
    {
        exprs.into_iter().any(|expr| self.in_expr(expr))
    }

    /// Whether it is in the query, its WITH list included.
    fn in_query(&self, query: &Query) -> bool {
        query.ctes.iter().any(|cte| self.in_query(&cte.query))
            || self.in_body(&query.body)
            || query.order_by.iter().any(|key| self.in_expr(&key.expr))
            || query.limit.iter().chain(&query.offset).any(|expr| self.in_expr(expr))
    }

    /// Whether it is in a query's body.
    fn in_body(&self, body: &Body) -> bool {
        match body {
            Body::Select(select) => {
                let clauses = [&select.distinct_on, &select.group_by];
                let exprs = clauses.into_iter().flatten().chain(&select.selection).chain(&select.having);
                select.from.iter().any(|item| self.in_item(item))
                    || select.targets.iter().map(|target| &target.expr).chain(exprs).any(|expr| self.in_expr(expr))
            }
            Body::Values { rows, .. } => rows.iter().flatten().any(|expr| self.in_expr(expr)),
            Body::SetOperation { left, right, .. } => self.in_query(left) || self.in_query(right),
        }
    }

    /// Whether it is in a FROM item, or is one.
    fn in_item(&self, item: &FromItem) -> bool {
        self.is_item(item)
            || match item {
                FromItem::Table { .. } | FromItem::Cte { .. } => false,
                FromItem::Derived { query, .. } | FromItem::Plan { query, .. } => self.in_query(query),
                FromItem::Function { args, .. } => args.iter().any(|arg| self.in_expr(arg)),
                FromItem::Join { left, right, on, .. } => {
                    self.in_item(left) || self.in_item(right) || on.iter().any(|on| self.in_expr(on))
                }
            }
    }
}

/// What SQLite does not compute as a constant.
pub struct Varying;

impl Search for Varying {
    fn is_expr(&self, expr: &Expr) -> bool {
        let may_be_constant = matches!(
            expr.kind,
            ExprKind::Null
                | ExprKind::Param(_)
                | ExprKind::Literal(_)
                | ExprKind::Const(_)
                | ExprKind::Call(..)
                | ExprKind::Compare(..)
                | ExprKind::Case { .. }
                | ExprKind::InList { .. }
        );
        !may_be_constant || Volatile.is_expr(expr)
    }
}

/// Reads of the tables of these SQLite names, or of the CTEs that read them.
pub struct Reads<'a> {
    tables: &'a [String],
    ctes: Vec<&'a str>,
}

impl<'a> Reads<'a> {
    /// Reads of the tables in a statement with these CTEs.
    pub fn of(tables: &'a [String], ctes: &'a [Cte]) -> Self {
        let mut reads = Reads { tables, ctes: Vec::new() };
        for cte in ctes {
            if reads.in_query(&cte.query) {
                reads.ctes.push(&cte.name);
            }
        }
        reads
    }
}

impl Search for Reads<'_> {
    fn is_item(&self, item: &FromItem) -> bool {
        match item {
            FromItem::Table { name, .. } => self.tables.contains(name),
            FromItem::Cte { name, .. } => self.ctes.contains(&&**name),
            _ => false,
        }
    }
}

/// Whether a tree has more parts than so many.
pub struct Larger(Cell<usize>);

impl Larger {
    pub fn than(parts: usize) -> Self {
        Larger(Cell::new(parts))
    }
}

impl Search for Larger {
    fn is_expr(&self, _expr: &Expr) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left == 0
    }
}

/// Calls of volatile functions.
pub struct Volatile;

impl Search for Volatile {
    fn is_expr(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, ExprKind::Call(call, _) if functions::is_volatile(*call))
    }
}

impl Volatile {
    /// Whether the values that a query yields come from a volatile function.
    pub fn yielded_by(body: &Body) -> bool {
        match body {
            Body::Select(select) => Volatile.in_exprs(select.targets.iter().map(|target| &target.expr)),
            Body::Values { rows, .. } => Volatile.in_exprs(rows.iter().flatten()),
            Body::SetOperation { left, right, .. } => Self::yielded_by(&left.body) || Self::yielded_by(&right.body),
        }
    }
}
