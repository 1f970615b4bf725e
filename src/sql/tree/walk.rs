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

impl Cte {
    fn for_each_expr<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        match &self.query {
            CteQuery::Select(query) => query.for_each_expr(visit),
            CteQuery::Modify(modify) => modify.for_each_expr(visit),
        }
    }
}

impl Body {
    fn for_each_expr<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        match self {
            Body::Select(select) => {
                select.targets.iter().for_each(|t| visit(&t.expr));
                select.from.iter().for_each(|item| item.for_each_expr(visit));
                let clauses = [&select.distinct_on, &select.group_by];
                clauses.into_iter().flatten().chain(&select.selection).chain(&select.having).for_each(&mut *visit);
            }
            Body::Values { rows, .. } => rows.iter().flatten().for_each(visit),
            Body::SetOperation { left, right, .. } => {
                left.for_each_expr(visit);
                right.for_each_expr(visit);
            }
        }
    }

    /// Calls `visit` for every entry of FROM in it, those of sub-queries in FROM included, those of sub-queries in
    /// expressions not.
    fn for_each_entry<'a>(&'a self, visit: &mut dyn FnMut(&'a RangeTblEntry)) {
        match self {
            Body::Select(select) => select.from.iter().for_each(|item| item.for_each_entry(visit)),
            Body::Values { .. } => {}
            Body::SetOperation { left, right, .. } => {
                left.for_each_entry(visit);
                right.for_each_entry(visit);
            }
        }
    }
}

impl FromItem {
    fn for_each_entry<'a>(&'a self, visit: &mut dyn FnMut(&'a RangeTblEntry)) {
        for entry in self.entries() {
            visit(entry);
            if let EntryKind::Subquery { query, .. } = &entry.kind {
                query.for_each_entry(visit);
            }
        }
    }
}

impl Modify {
    /// Calls `visit` for every expression it is made of, its own WITH list left out.
    pub fn for_each_expr<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        let (from, selection) = match self {
            Modify::Insert(insert) => {
                insert.source.for_each_expr(visit);
                if let Some(update) = insert.conflict.as_ref().and_then(|conflict| conflict.update.as_ref()) {
                    update.assignments.iter().for_each(|(_, value)| visit(value));
                    update.selection.iter().for_each(&mut *visit);
                }
                (&[][..], None)
            }
            Modify::Update(update) => {
                update.assignments.iter().for_each(|(_, value)| visit(value));
                (update.from.as_slice(), update.selection.as_ref())
            }
            Modify::Delete(delete) => (delete.using.as_slice(), delete.selection.as_ref()),
            Modify::Merge(merge) => {
                merge.action_exprs().for_each(&mut *visit);
                (std::slice::from_ref(&merge.source), Some(&merge.condition))
            }
        };
        from.iter().for_each(|item| item.for_each_expr(visit));
        selection.into_iter().for_each(&mut *visit);
        self.returning().iter().for_each(|target| visit(&target.expr));
    }

    /// Calls `visit` for every entry that it reads, wherever that is.
    pub fn for_each_entry_read<'a>(&'a self, visit: &mut dyn FnMut(&'a RangeTblEntry)) {
        match self {
            Modify::Insert(insert) => insert.source.for_each_entry(visit),
            Modify::Update(update) => update.from.iter().for_each(|item| item.for_each_entry(visit)),
            Modify::Delete(delete) => delete.using.iter().for_each(|item| item.for_each_entry(visit)),
            Modify::Merge(merge) => merge.source.for_each_entry(visit),
        }
        self.for_each_expr(&mut |expr| expr.for_each_entry_read(visit));
    }
}

impl Expr {
    /// Calls `visit` for every entry that its sub-queries read.
    fn for_each_entry_read<'a>(&'a self, visit: &mut dyn FnMut(&'a RangeTblEntry)) {
        if let Some(query) = self.subquery() {
            query.for_each_entry_read(visit);
        }
        self.for_each_child(&mut |child| child.for_each_entry_read(visit));
    }
}

impl Query {
    fn for_each_entry<'a>(&'a self, visit: &mut dyn FnMut(&'a RangeTblEntry)) {
        for cte in &self.ctes {
            match &cte.query {
                CteQuery::Select(query) => query.for_each_entry(visit),
                CteQuery::Modify(modify) => modify.for_each_entry_read(visit),
            }
        }
        self.body.for_each_entry(visit);
    }

    /// Calls `visit` for every entry that it reads, wherever that is.
    pub fn for_each_entry_read<'a>(&'a self, visit: &mut dyn FnMut(&'a RangeTblEntry)) {
        self.for_each_entry(visit);
        self.for_each_expr(&mut |expr| expr.for_each_entry_read(visit));
    }

    /// Calls `visit` for every expression the query is made of, those of sub-queries in FROM and WITH included.
    pub fn for_each_expr<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        self.ctes.iter().for_each(|cte| cte.for_each_expr(visit));
        self.body.for_each_expr(visit);
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
