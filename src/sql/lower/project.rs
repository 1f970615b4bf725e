//! Functions that return sets above what runs before them: PostgreSQL computes window functions, and the sets among the
//! arguments of other sets, for the rows as they were.
//!
//! Owns: [`Lower::sets_apart`]. Specification: split_pathtarget_at_srfs in tlist.c.

use super::Lower;
use super::grouping::{target, var};
use crate::error::Result;
use crate::sql::tree::{
    Body, EntryId, EntryKind, Expr, ExprKind, FromItem, Query, RangeTblEntry, Select, SortKey, Target,
};

impl Lower<'_> {
    /// The query over a sub-query that has computed what comes before its sets, if anything does.
    pub(super) fn sets_apart(
        &mut self,
        select: &Select,
        order_by: &[SortKey],
    ) -> Result<Option<(Select, Vec<SortKey>)>> {
        let exprs = || select.targets.iter().map(|target| &target.expr).chain(order_by.iter().map(|key| &key.expr));
        let nested = exprs().any(|expr| expr.any(&has_inner_set));
        let sets = exprs().any(Expr::contains_set);
        let windows = sets && exprs().any(Expr::contains_window);
        if !nested && !windows {
            return Ok(None);
        }
        let id = EntryId(self.added_number());
        let mut below = Below { id, targets: Vec::new(), nested };
        let mut outer = Select {
            distinct: select.distinct,
            distinct_on: select.distinct_on.clone(),
            targets: select.targets.clone(),
            ..Select::default()
        };
        let mut order_by = order_by.to_vec();
        let exprs = outer.targets.iter_mut().map(|target| &mut target.expr).chain(&mut outer.distinct_on);
        exprs.chain(order_by.iter_mut().map(|key| &mut key.expr)).for_each(|expr| below.take(expr));
        let inner = Select { targets: below.targets, distinct: false, distinct_on: Vec::new(), ..select.clone() };
        let query = Box::new(Query::of(Body::Select(Box::new(inner))));
        outer.from = vec![FromItem::Entry(RangeTblEntry::new(id, EntryKind::Subquery { query, lateral: false }))];
        Ok(Some((outer, order_by)))
    }
}

/// What the sub-query gives.
struct Below {
    id: EntryId,
    targets: Vec<Target>,
    /// Sets among the arguments of sets are computed there.
    nested: bool,
}

impl Below {
    fn take(&mut self, expr: &mut Expr) {
        let sets = expr.contains_set();
        let innermost = self.nested && expr.set_call().is_some() && !has_inner_set(expr);
        if sets && !innermost {
            return expr.for_each_child_mut(&mut |child| self.take(child));
        }
        if matches!(expr.kind, ExprKind::Null | ExprKind::Const(_) | ExprKind::Literal(_) | ExprKind::Param(_)) {
            return;
        }
        let known = self.targets.iter().position(|target| target.expr == *expr);
        let index = known.unwrap_or(self.targets.len());
        let column = var(self.id, index, expr);
        let computed = std::mem::replace(expr, column);
        if known.is_none() {
            self.targets.push(target(computed));
        }
    }
}

/// Whether it is a set of whose arguments one has a set, or a window function over sets.
fn has_inner_set(expr: &Expr) -> bool {
    match (&expr.kind, expr.set_call()) {
        (_, Some((_, args))) => args.iter().any(Expr::contains_set),
        (ExprKind::Aggref(call), None) => call.over.is_some() && expr.contains_set(),
        _ => false,
    }
}
