//! Walks over trees.
//!
//! Owns: the direct parts of each node. Must not know: why somebody looks.

use super::*;

/// The walks over what is borrowed, and over what is borrowed to be changed.
macro_rules! walks {
    ($children:ident, $exprs:ident, $subquery:ident $(, $mutably:tt)?) => {
        impl Expr {
            /// The sub-query that the expression itself is or compares with.
            pub fn $subquery(&$($mutably)? self) -> Option<&$($mutably)? Query> {
                match &$($mutably)? self.kind {
                    ExprKind::SubLink(link) => Some(&$($mutably)? link.query),
                    _ => None,
                }
            }

            /// Calls `visit` for the direct children, sub-queries excluded.
            pub fn $children<'a>(&'a $($mutably)? self, visit: &mut dyn FnMut(&'a $($mutably)? Expr)) {
                match &$($mutably)? self.kind {
                    ExprKind::Null
                    | ExprKind::Param(_)
                    | ExprKind::Literal(_)
                    | ExprKind::Const(_)
                    | ExprKind::Var(_)
                    | ExprKind::Element
                    | ExprKind::CaseTest
                    | ExprKind::DomainValue => {}
                    ExprKind::Func(_, args)
                    | ExprKind::Variadic(_, args)
                    | ExprKind::Op(_, args)
                    | ExprKind::And(args)
                    | ExprKind::Or(args)
                    | ExprKind::Coalesce(args)
                    | ExprKind::MinMax { args, .. }
                    | ExprKind::Array(args)
                    | ExprKind::Row { fields: args, .. }
                    | ExprKind::LikeEscape { args, .. }
                    | ExprKind::Grouping(args)
                    | ExprKind::Written(_, args)
                    | ExprKind::Similar(args) => args.into_iter().for_each(visit),
                    ExprKind::RowCompare { left, right, .. } => left.into_iter().chain(right).for_each(visit),
                    ExprKind::Not(arg)
                    | ExprKind::NullTest { arg, .. }
                    | ExprKind::BooleanTest { arg, .. }
                    | ExprKind::Field { arg, .. }
                    | ExprKind::CoerceTypmod { arg, .. }
                    | ExprKind::CoerceToDomain { arg, .. }
                    | ExprKind::EnumOrder(arg)
                    | ExprKind::CurrentOf { cursor: arg, .. }
                    | ExprKind::Coerce { arg, .. } => visit(arg),
                    ExprKind::Distinct { left, right, .. } | ExprKind::NullIf { value: left, right, .. } => {
                        visit(left);
                        visit(right);
                    }
                    ExprKind::InList { expr, list, .. } => {
                        visit(expr);
                        list.into_iter().for_each(visit);
                    }
                    ExprKind::ScalarArray { comparison, array, .. } => {
                        visit(comparison);
                        visit(array);
                    }
                    ExprKind::SubLink(link) => match &$($mutably)? link.kind {
                        SubLinkKind::In(values) => values.into_iter().for_each(visit),
                        SubLinkKind::Quantified { comparison, .. } => visit(comparison),
                        SubLinkKind::Exists | SubLinkKind::Expr | SubLinkKind::Array => {}
                    },
                    ExprKind::Case { operand, whens, otherwise } => {
                        operand.into_iter().for_each(|operand| visit(operand));
                        for (condition, result) in whens {
                            visit(condition);
                            visit(result);
                        }
                        otherwise.into_iter().for_each(|otherwise| visit(otherwise));
                    }
                    ExprKind::Subscript { container, indexes } => {
                        visit(container);
                        indexes.into_iter().for_each(visit);
                    }
                    ExprKind::Slice { array, bounds } => {
                        visit(array);
                        for (lower, upper) in bounds {
                            lower.into_iter().chain(upper).for_each(|bound| visit(bound));
                        }
                    }
                    ExprKind::Store { container, bounds, value, .. } => {
                        visit(container);
                        for (lower, upper) in bounds {
                            lower.into_iter().chain(upper).for_each(|bound| visit(bound));
                        }
                        visit(value);
                    }
                    ExprKind::EnumRange { lower, upper, .. } => {
                        lower.into_iter().chain(upper).for_each(|bound| visit(bound));
                    }
                    ExprKind::Aggref(aggregate) => aggregate.$children(visit),
                }
            }
        }

        impl Aggref {
            fn $children<'a>(&'a $($mutably)? self, visit: &mut dyn FnMut(&'a $($mutably)? Expr)) {
                for arg in &$($mutably)? self.direct {
                    visit(arg);
                }
                for arg in &$($mutably)? self.args {
                    visit(arg);
                }
                for key in &$($mutably)? self.order_by {
                    visit(&$($mutably)? key.expr);
                }
                if let Some(filter) = &$($mutably)? self.filter {
                    visit(filter);
                }
                if let Some(window) = &$($mutably)? self.over {
                    for part in &$($mutably)? window.partition_by {
                        visit(part);
                    }
                    for key in &$($mutably)? window.order_by {
                        visit(&$($mutably)? key.expr);
                    }
                }
            }
        }

        impl FromItem {
            fn $exprs<'a>(&'a $($mutably)? self, visit: &mut dyn FnMut(&'a $($mutably)? Expr)) {
                match self {
                    FromItem::Entry(entry) => match &$($mutably)? entry.kind {
                        EntryKind::Relation(_)
                        | EntryKind::Members(_)
                        | EntryKind::Cte(_)
                        | EntryKind::Kept { .. } => {}
                        EntryKind::Subquery { query, .. } => query.$exprs(visit),
                        EntryKind::Function { calls, .. } => calls.into_iter().for_each(visit),
                    },
                    FromItem::Join { left, right, on, .. } => {
                        left.$exprs(visit);
                        right.$exprs(visit);
                        on.into_iter().for_each(visit);
                    }
                }
            }
        }

        impl Select {
            fn $exprs<'a>(&'a $($mutably)? self, visit: &mut dyn FnMut(&'a $($mutably)? Expr)) {
                for target in &$($mutably)? self.targets {
                    visit(&$($mutably)? target.expr);
                }
                for item in &$($mutably)? self.from {
                    item.$exprs(visit);
                }
                for clause in [&$($mutably)? self.distinct_on, &$($mutably)? self.group_by] {
                    clause.into_iter().for_each(&mut *visit);
                }
                for clause in [&$($mutably)? self.selection, &$($mutably)? self.having] {
                    clause.into_iter().for_each(&mut *visit);
                }
            }
        }

        impl Body {
            fn $exprs<'a>(&'a $($mutably)? self, visit: &mut dyn FnMut(&'a $($mutably)? Expr)) {
                match self {
                    Body::Select(select) => select.$exprs(visit),
                    Body::Values { rows, .. } => rows.into_iter().flatten().for_each(&mut *visit),
                    Body::SetOperation { left, right, .. } => {
                        left.$exprs(visit);
                        right.$exprs(visit);
                    }
                }
            }
        }

        impl CteQuery {
            /// Calls `visit` for every expression it is made of.
            pub fn $exprs<'a>(&'a $($mutably)? self, visit: &mut dyn FnMut(&'a $($mutably)? Expr)) {
                match self {
                    CteQuery::Select(query) => query.$exprs(visit),
                    CteQuery::Modify(modify) => modify.$exprs(visit),
                }
            }
        }

        impl Modify {
            /// Calls `visit` for every expression it is made of, its own WITH list left out.
            pub fn $exprs<'a>(&'a $($mutably)? self, visit: &mut dyn FnMut(&'a $($mutably)? Expr)) {
                let returning = match self {
                    Modify::Insert(insert) => {
                        insert.source.$exprs(visit);
                        if let Some(conflict) = &$($mutably)? insert.conflict
                            && let Some(update) = &$($mutably)? conflict.update
                        {
                            (&$($mutably)? update.assignments).into_iter().for_each(|(_, value)| visit(value));
                            (&$($mutably)? update.selection).into_iter().for_each(&mut *visit);
                        }
                        (&$($mutably)? insert.checks).into_iter().for_each(|check| visit(&$($mutably)? check.condition));
                        &$($mutably)? insert.returning
                    }
                    Modify::Update(update) => {
                        (&$($mutably)? update.assignments).into_iter().for_each(|(_, value)| visit(value));
                        (&$($mutably)? update.from).into_iter().for_each(|item| item.$exprs(visit));
                        (&$($mutably)? update.selection).into_iter().for_each(&mut *visit);
                        (&$($mutably)? update.checks).into_iter().for_each(|check| visit(&$($mutably)? check.condition));
                        &$($mutably)? update.returning
                    }
                    Modify::Delete(delete) => {
                        (&$($mutably)? delete.using).into_iter().for_each(|item| item.$exprs(visit));
                        (&$($mutably)? delete.selection).into_iter().for_each(&mut *visit);
                        &$($mutably)? delete.returning
                    }
                    Modify::Merge(merge) => {
                        for action in &$($mutably)? merge.actions {
                            (&$($mutably)? action.condition).into_iter().for_each(&mut *visit);
                            if let MergeKind::Update(values) | MergeKind::Insert(values) = &$($mutably)? action.kind {
                                values.into_iter().for_each(|(_, value)| visit(value));
                            }
                        }
                        merge.source.$exprs(visit);
                        visit(&$($mutably)? merge.condition);
                        (&$($mutably)? merge.checks).into_iter().for_each(|check| visit(&$($mutably)? check.condition));
                        return;
                    }
                };
                returning.into_iter().for_each(|target| visit(&$($mutably)? target.expr));
            }
        }

        impl Query {
            /// Calls `visit` for every expression the query is made of, those of sub-queries in FROM and WITH included.
            pub fn $exprs<'a>(&'a $($mutably)? self, visit: &mut dyn FnMut(&'a $($mutably)? Expr)) {
                for cte in &$($mutably)? self.ctes {
                    cte.query.$exprs(visit);
                }
                self.body.$exprs(visit);
                for key in &$($mutably)? self.order_by {
                    visit(&$($mutably)? key.expr);
                }
                for count in [&$($mutably)? self.limit, &$($mutably)? self.offset] {
                    count.into_iter().for_each(&mut *visit);
                }
            }
        }
    };
}

walks!(for_each_child, for_each_expr, subquery);
walks!(for_each_child_mut, for_each_expr_mut, subquery_mut, mut);

impl Expr {
    /// Whether it or one of its parts at this query level is what is looked for.
    pub fn any(&self, is_it: &dyn Fn(&Expr) -> bool) -> bool {
        if is_it(self) {
            return true;
        }
        let mut found = false;
        self.for_each_child(&mut |child| found = found || child.any(is_it));
        found
    }

    /// As [`Expr::any`], sub-queries included.
    pub fn any_deep(&self, is_it: &dyn Fn(&Expr) -> bool) -> bool {
        self.any(&|part| is_it(part) || part.subquery().is_some_and(|query| query.any(is_it)))
    }

    /// Whether an aggregate (not a window function) of the query it stands in is in the expression.
    pub fn contains_aggregate(&self) -> bool {
        self.any(&|expr| matches!(&expr.kind, ExprKind::Aggref(call) if call.over.is_none() && call.of.is_none()))
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
}

impl Body {
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
    /// Calls `visit` for every entry of FROM in it, those of sub-queries in FROM and WITH included, those of sub-queries
    /// in expressions not.
    pub fn for_each_entry<'a>(&'a self, visit: &mut dyn FnMut(&'a RangeTblEntry)) {
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

    /// Whether the query, or a sub-query in its FROM or WITH, reads a WITH query.
    pub fn reads_cte(&self, id: CteId) -> bool {
        let mut reads = false;
        self.for_each_entry(&mut |entry| reads |= matches!(entry.kind, EntryKind::Cte(cte) if cte == id));
        reads
    }

    /// Whether an expression anywhere in it, sub-queries of expressions included, is what is looked for.
    pub fn any(&self, is_it: &dyn Fn(&Expr) -> bool) -> bool {
        let mut found = false;
        self.for_each_expr(&mut |expr| found = found || expr.any_deep(is_it));
        found
    }
}
