//! Walks over trees.
//!
//! Owns: the direct parts of each node. Must not know: why somebody looks.

use super::*;

impl Expr {
    /// The sub-query that the expression itself is or compares with.
    pub fn subquery(&self) -> Option<&Query> {
        match &self.kind {
            ExprKind::SubLink(link) => Some(&link.query),
            _ => None,
        }
    }

    /// Calls `visit` for the direct children, sub-queries excluded.
    pub fn for_each_child<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        match &self.kind {
            ExprKind::Null
            | ExprKind::Param(_)
            | ExprKind::Literal(_)
            | ExprKind::Const(_)
            | ExprKind::Var(_)
            | ExprKind::Element
            | ExprKind::CaseTest
            | ExprKind::DomainValue => {}
            ExprKind::Func(_, args)
            | ExprKind::Op(_, args)
            | ExprKind::And(args)
            | ExprKind::Or(args)
            | ExprKind::Coalesce(args)
            | ExprKind::MinMax { args, .. }
            | ExprKind::Array(args)
            | ExprKind::Row { fields: args, .. }
            | ExprKind::LikeEscape { args, .. }
            | ExprKind::Similar(args) => args.iter().for_each(visit),
            ExprKind::RowCompare { left, right, .. } => left.iter().chain(right).for_each(visit),
            ExprKind::Not(arg)
            | ExprKind::NullTest { arg, .. }
            | ExprKind::BooleanTest { arg, .. }
            | ExprKind::Field { arg, .. }
            | ExprKind::CoerceTypmod { arg, .. }
            | ExprKind::CoerceToDomain { arg, .. }
            | ExprKind::EnumOrder(arg)
            | ExprKind::Coerce { arg, .. } => visit(arg),
            ExprKind::Distinct { left, right, .. } | ExprKind::NullIf { value: left, right, .. } => {
                visit(left);
                visit(right);
            }
            ExprKind::InList { expr, list, .. } => {
                visit(expr);
                list.iter().for_each(visit);
            }
            ExprKind::ScalarArray { comparison, array, .. } => {
                visit(comparison);
                visit(array);
            }
            ExprKind::SubLink(link) => match &link.kind {
                SubLinkKind::In(values) => values.iter().for_each(visit),
                SubLinkKind::Quantified { comparison, .. } => visit(comparison),
                SubLinkKind::Exists | SubLinkKind::Expr | SubLinkKind::Array => {}
            },
            ExprKind::Case { operand, whens, otherwise } => {
                operand.iter().for_each(|operand| visit(operand));
                for (condition, result) in whens {
                    visit(condition);
                    visit(result);
                }
                otherwise.iter().for_each(|otherwise| visit(otherwise));
            }
            ExprKind::Subscript { container, indexes } => {
                visit(container);
                indexes.iter().for_each(visit);
            }
            ExprKind::Slice { array, lower, upper } => {
                visit(array);
                lower.iter().chain(upper).for_each(|bound| visit(bound));
            }
            ExprKind::EnumRange { lower, upper, .. } => lower.iter().chain(upper).for_each(|bound| visit(bound)),
            ExprKind::Aggref(aggregate) => {
                aggregate.args.iter().for_each(&mut *visit);
                aggregate.order_by.iter().for_each(|key| visit(&key.expr));
                aggregate.filter.iter().for_each(&mut *visit);
                if let Some(window) = &aggregate.over {
                    window.partition_by.iter().for_each(&mut *visit);
                    window.order_by.iter().for_each(|key| visit(&key.expr));
                }
            }
        }
    }

    /// Whether it or one of its parts at this query level is what is looked for.
    pub fn any(&self, is_it: &dyn Fn(&Expr) -> bool) -> bool {
        if is_it(self) {
            return true;
        }
        let mut found = false;
        self.for_each_child(&mut |child| found = found || child.any(is_it));
        found
    }

    /// Whether an aggregate (not a window function) of this query level is in the expression.
    pub fn contains_aggregate(&self) -> bool {
        self.any(&|expr| matches!(&expr.kind, ExprKind::Aggref(aggregate) if aggregate.over.is_none()))
    }

    /// Whether a window function is in the expression.
    pub fn contains_window(&self) -> bool {
        self.any(&|expr| matches!(&expr.kind, ExprKind::Aggref(aggregate) if aggregate.over.is_some()))
    }

    /// Whether a function that returns a set is in the expression.
    pub fn contains_set(&self) -> bool {
        self.any(&|expr| expr.set_call().is_some())
    }
}

impl FromItem {
    /// The entries it is made of.
    pub fn entries(&self) -> Vec<&RangeTblEntry> {
        match self {
            FromItem::Entry(entry) => vec![entry],
            FromItem::Join { left, right, .. } => [left.entries(), right.entries()].concat(),
        }
    }

    fn for_each_expr<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        match self {
            FromItem::Entry(entry) => match &entry.kind {
                EntryKind::Relation(_) | EntryKind::Cte(_) => {}
                EntryKind::Subquery { query, .. } => query.for_each_expr(visit),
                EntryKind::Function { calls, .. } => calls.iter().for_each(visit),
            },
            FromItem::Join { left, right, on, .. } => {
                left.for_each_expr(visit);
                right.for_each_expr(visit);
                on.iter().for_each(visit);
            }
        }
    }
}

impl Query {
    /// Calls `visit` for every expression the query is made of, those of sub-queries in FROM and WITH included.
    pub fn for_each_expr<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        self.ctes.iter().for_each(|cte| cte.query.for_each_expr(visit));
        match &self.body {
            Body::Select(select) => {
                select.targets.iter().for_each(|t| visit(&t.expr));
                select.from.iter().for_each(|item| item.for_each_expr(visit));
                let clauses = [&select.distinct_on, &select.group_by];
                clauses.into_iter().flatten().chain(&select.selection).chain(&select.having).for_each(&mut *visit);
            }
            Body::Values { rows, .. } => rows.iter().flatten().for_each(&mut *visit),
            Body::SetOperation { left, right, .. } => {
                left.for_each_expr(visit);
                right.for_each_expr(visit);
            }
        }
        self.order_by.iter().for_each(|key| visit(&key.expr));
        self.limit.iter().chain(&self.offset).for_each(visit);
    }

    /// Whether an expression anywhere in it, sub-queries of expressions included, is what is looked for.
    pub fn any(&self, is_it: &dyn Fn(&Expr) -> bool) -> bool {
        fn search(expr: &Expr, is_it: &dyn Fn(&Expr) -> bool) -> bool {
            expr.any(&|part| is_it(part) || part.subquery().is_some_and(|query| query.any(is_it)))
        }
        let mut found = false;
        self.for_each_expr(&mut |expr| found = found || search(expr, is_it));
        found
    }
}
