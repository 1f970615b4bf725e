//! Grouping as a query of its own, below the one that makes of its groups what was asked for: grouping sets, functions
//! that return sets beside groups, and whatever else SQLite cannot do in one SELECT.
//!
//! Owns: [`Lower::grouped_apart`], [`Lower::read_before`]. The sets are a UNION ALL over rows that a WITH query has computed once; an expression
//! that a set leaves out is NULL there. Specification: queries-table-expressions.html#QUERIES-GROUPING-SETS.

use super::Lower;
use crate::error::{Error, Result};
use crate::sql::functions::{self, Volatility};
use crate::sql::tree::{
    Aggref, Body, Cte, CteId, CteQuery, EntryId, EntryKind, Expr, ExprKind, FromItem, FunctionRef, Query,
    RangeTblEntry, Select, SetOperator, SortKey, Target, Var,
};
use crate::types::pg_type::Oid;

/// How many SELECTs stand side by side in a UNION ALL: SQLite takes 500.
const TERMS: usize = 250;

/// What of a query its groups give.
struct Groups<'a> {
    keys: &'a [Expr],
    /// The entries of the query's FROM.
    entries: Vec<EntryId>,
    /// The entry that the groups are.
    id: EntryId,
    /// Columns beside the keys: aggregates, GROUPING, columns that the keys decide.
    computed: Vec<Expr>,
}

impl Lower<'_> {
    /// The query over its groups, if these are to be computed apart.
    pub(super) fn grouped_apart(
        &mut self,
        select: &Select,
        order_by: &[SortKey],
    ) -> Result<Option<(Select, Vec<SortKey>)>> {
        if !needs_groups_apart(select, order_by) {
            return Ok(None);
        }
        let entries = entries_of(&select.from);
        let id = EntryId(self.added_number());
        let mut groups = Groups { keys: &select.group_by, entries, id, computed: Vec::new() };
        let mut outer = Select {
            distinct: select.distinct,
            distinct_on: select.distinct_on.clone(),
            targets: select.targets.clone(),
            selection: select.having.clone(),
            ..Select::default()
        };
        let mut order_by = order_by.to_vec();
        let exprs = outer.targets.iter_mut().map(|target| &mut target.expr).chain(&mut outer.distinct_on);
        let exprs = exprs.chain(&mut outer.selection).chain(order_by.iter_mut().map(|key| &mut key.expr));
        exprs.for_each(|expr| groups.take(expr, false));
        let query = Box::new(self.groups_query(select, groups)?);
        outer.from = vec![FromItem::Entry(RangeTblEntry::new(id, EntryKind::Subquery { query, lateral: false }))];
        Ok(Some((outer, order_by)))
    }

    /// Whether a query's WITH list is read before it for the same reason.
    pub(super) fn reads_before(&self, query: &Query) -> bool {
        self.context.routines_write && self.levels.is_empty() && !query.ctes.is_empty()
    }

    /// The query over rows that a step before it has read to their end, if the routines in its list may change the tables
    /// it reads: PostgreSQL's queries do not see what happens after they have begun, SQLite's do.
    pub(super) fn read_before(
        &mut self,
        select: &Select,
        order_by: &[SortKey],
    ) -> Result<Option<(Select, Vec<SortKey>)>> {
        let writes = |part: &Expr| match &part.kind {
            ExprKind::Func(function, _) => function.volatility == Volatility::Writes || part.set_call().is_some(),
            _ => false,
        };
        let reads = |entry: &RangeTblEntry| !matches!(entry.kind, EntryKind::Function { .. } | EntryKind::Cte(_));
        let exprs = || select.targets.iter().map(|target| &target.expr).chain(order_by.iter().map(|key| &key.expr));
        if !self.context.routines_write
            || self.levels.len() > 1
            || !self.ctes.is_empty()
            || !select.from.iter().flat_map(FromItem::entries).any(reads)
            || !exprs().any(|expr| expr.any_deep(&writes))
        {
            return Ok(None);
        }
        let entries = entries_of(&select.from);
        let (cte, id) = (CteId(self.added_number()), EntryId(self.added_number()));
        let mut outer = Select { from: Vec::new(), selection: None, ..select.clone() };
        let (mut order_by, mut columns) = (order_by.to_vec(), Vec::new());
        let exprs = outer.targets.iter_mut().map(|target| &mut target.expr).chain(&mut outer.distinct_on);
        let exprs = exprs.chain(&mut outer.group_by).chain(&mut outer.having);
        let exprs = exprs.chain(order_by.iter_mut().map(|key| &mut key.expr));
        exprs.for_each(|expr| bind_columns(expr, &entries, id, &mut columns));
        if columns.is_empty() {
            columns.push(Expr::integer(0, Oid::INT4));
        }
        let targets = columns.into_iter().map(target).collect();
        let rows =
            Select { targets, from: select.from.clone(), selection: select.selection.clone(), ..Select::default() };
        let level = std::mem::take(&mut self.levels);
        let kept = self.query(&Query::of(Body::Select(Box::new(rows)))).and_then(|rows| self.keep(rows));
        self.levels = level;
        self.program.ctes.insert(cte, kept?);
        outer.from = vec![FromItem::Entry(RangeTblEntry::new(id, EntryKind::Cte(cte)))];
        Ok(Some((outer, order_by)))
    }

    /// The groups' columns: the keys, then what is computed.
    fn groups_query(&mut self, select: &Select, groups: Groups<'_>) -> Result<Query> {
        let volatile = select.group_by.iter().any(|key| is_volatile(key) || key.contains_set());
        let input = Select { from: select.from.clone(), selection: select.selection.clone(), ..Select::default() };
        if select.grouping_sets.len() < 2 && !volatile {
            let set = select.grouping_sets.first().cloned();
            let set = set.unwrap_or_else(|| (0..groups.keys.len()).collect());
            let select = groups.of_set(&set, groups.keys, &groups.computed, input);
            return Ok(Query::of(Body::Select(Box::new(select))));
        }
        let (cte, entry) = (CteId(self.added_number()), EntryId(self.added_number()));
        let mut columns = groups.keys.to_vec();
        let mut computed = groups.computed.clone();
        for expr in &mut computed {
            bind_columns(expr, &groups.entries, entry, &mut columns);
        }
        if columns.is_empty() {
            columns.push(Expr::integer(0, Oid::INT4));
        }
        let targets = columns.iter().cloned().map(target).collect();
        let rows = Query::of(Body::Select(Box::new(Select { targets, ..input })));
        let keys: Vec<Expr> = groups.keys.iter().enumerate().map(|(index, key)| var(entry, index, key)).collect();
        let every = vec![(0..keys.len()).collect()];
        let sets = if select.grouping_sets.is_empty() { &every } else { &select.grouping_sets };
        let from = vec![FromItem::Entry(RangeTblEntry::new(entry, EntryKind::Cte(cte)))];
        let selects = sets.iter().map(|set| {
            let input = Select { from: from.clone(), ..Select::default() };
            groups.of_set(set, &keys, &computed, input)
        });
        let queries = selects.map(|select| Query::of(Body::Select(Box::new(select)))).collect();
        let mut union = union_all(queries).ok_or_else(|| Error::internal("no grouping sets"))?;
        union.ctes = vec![Cte { id: cte, query: CteQuery::Select(rows), materialized: Some(true) }];
        Ok(union)
    }
}

impl Groups<'_> {
    /// Makes of an expression over the query's rows one over its groups; `inner` within a sub-query.
    fn take(&mut self, expr: &mut Expr, inner: bool) {
        if let Some(index) = self.keys.iter().position(|key| key == expr) {
            *expr = var(self.id, index, expr);
            return;
        }
        let whole = match &expr.kind {
            ExprKind::Var(var) => self.entries.contains(&var.entry),
            ExprKind::Aggref(call) if call.over.is_none() => match call.of {
                None => !inner,
                Some(of) => inner && self.entries.contains(&of),
            },
            ExprKind::Grouping(args) => !args.is_empty() && args.iter().all(|arg| self.keys.contains(arg)),
            _ => false,
        };
        if whole {
            let known = self.computed.iter().position(|computed| computed == expr);
            let index = known.unwrap_or(self.computed.len());
            if known.is_none() {
                self.computed.push(expr.clone());
            }
            *expr = var(self.id, self.keys.len() + index, expr);
            return;
        }
        if let Some(query) = expr.subquery_mut() {
            query.for_each_expr_mut(&mut |part| self.take(part, true));
        }
        expr.for_each_child_mut(&mut |child| self.take(child, inner));
    }

    /// The groups of one set.
    fn of_set(&self, set: &[usize], keys: &[Expr], computed: &[Expr], input: Select) -> Select {
        let key = |(index, key): (usize, &Expr)| match set.contains(&index) {
            true => key.clone(),
            false => Expr { typmod: key.typmod, ..Expr::null(key.type_oid) },
        };
        let mut targets: Vec<Target> = keys.iter().enumerate().map(key).map(target).collect();
        for expr in computed {
            targets.push(target(match &expr.kind {
                ExprKind::Grouping(args) => self.grouping(args, set),
                // It belongs here, wherever it stood.
                ExprKind::Aggref(call) => {
                    let mut call = Aggref { of: None, ..(**call).clone() };
                    call.direct.iter_mut().for_each(|direct| leave_out(direct, keys, set));
                    Expr { kind: ExprKind::Aggref(Box::new(call)), ..expr.clone() }
                }
                _ => expr.clone(),
            }));
        }
        // Only an aggregate makes SQLite give one row for all.
        if set.is_empty() && !computed.iter().any(|expr| matches!(expr.kind, ExprKind::Aggref(_))) {
            targets.extend(count_star().map(target));
        } else {
            targets.push(target(Expr::integer(0, Oid::INT8)));
        }
        let group_by = set.iter().filter_map(|index| keys.get(*index)).cloned().collect();
        Select { targets, group_by, ..input }
    }

    /// GROUPING: a bit for each argument that the set leaves out.
    fn grouping(&self, args: &[Expr], set: &[usize]) -> Expr {
        let bits = args.iter().fold(0, |bits, arg| {
            let place = self.keys.iter().position(|key| key == arg);
            bits << 1 | i64::from(place.is_none_or(|place| !set.contains(&place)))
        });
        Expr::integer(bits, Oid::INT4)
    }
}

/// Makes NULL of the grouping expressions that a set leaves out.
fn leave_out(expr: &mut Expr, keys: &[Expr], set: &[usize]) {
    match keys.iter().position(|key| key == expr) {
        Some(place) if !set.contains(&place) => expr.kind = ExprKind::Null,
        Some(_) => {}
        None => expr.for_each_child_mut(&mut |child| leave_out(child, keys, set)),
    }
}

/// Whether SQLite cannot group and project in one SELECT.
fn needs_groups_apart(select: &Select, order_by: &[SortKey]) -> bool {
    let exprs = || select.targets.iter().map(|t| &t.expr).chain(order_by.iter().map(|k| &k.expr)).chain(&select.having);
    let has = |is_it: &dyn Fn(&Expr) -> bool| exprs().any(|expr| expr.any_deep(is_it));
    if !select.grouping_sets.is_empty() || has(&|part| matches!(part.kind, ExprKind::Grouping(_))) {
        return true;
    }
    let entries = entries_of(&select.from);
    let outer =
        |part: &Expr| matches!(&part.kind, ExprKind::Aggref(call) if call.of.is_some_and(|of| entries.contains(&of)));
    if has(&outer) {
        return true;
    }
    let grouped = !select.group_by.is_empty() || exprs().any(Expr::contains_aggregate) || select.having.is_some();
    // SQLite takes HAVING for one of a query that aggregates in its list.
    let aggregates = select.targets.iter().any(|target| target.expr.contains_aggregate());
    let sets = exprs().chain(&select.group_by).any(Expr::contains_set);
    grouped && sets
        || select.having.is_some() && select.group_by.is_empty() && !aggregates
        || select.group_by.iter().any(is_volatile)
}

/// Replaces the columns of these entries, in sub-queries too, by those of an entry that gives `columns`.
fn bind_columns(expr: &mut Expr, entries: &[EntryId], id: EntryId, columns: &mut Vec<Expr>) {
    if matches!(&expr.kind, ExprKind::Var(var) if entries.contains(&var.entry)) {
        let known = columns.iter().position(|column| column == expr);
        let index = known.unwrap_or(columns.len());
        if known.is_none() {
            columns.push(expr.clone());
        }
        *expr = var(id, index, expr);
        return;
    }
    // GROUPING is over keys, which it names as they were written.
    if matches!(expr.kind, ExprKind::Grouping(_)) {
        return;
    }
    if let Some(query) = expr.subquery_mut() {
        query.for_each_expr_mut(&mut |part| bind_columns(part, entries, id, columns));
    }
    expr.for_each_child_mut(&mut |child| bind_columns(child, entries, id, columns));
}

/// A column of an entry, from 0.
pub(super) fn var(entry: EntryId, index: usize, like: &Expr) -> Expr {
    let attribute = i16::try_from(index + 1).unwrap_or(i16::MAX);
    let var = Var { entry, attribute, origin: (Oid::INVALID, 0), not_null: false };
    Expr { kind: ExprKind::Var(var), type_oid: like.type_oid, typmod: like.typmod }
}

pub(super) fn target(expr: Expr) -> Target {
    Target { expr, name: String::new() }
}

pub(super) fn entries_of(from: &[FromItem]) -> Vec<EntryId> {
    from.iter().flat_map(FromItem::entries).map(|entry| entry.id).collect()
}

fn is_volatile(expr: &Expr) -> bool {
    let volatile = |part: &Expr| match &part.kind {
        ExprKind::Func(function, _) => function.volatility.is_volatile(),
        _ => false,
    };
    expr.any_deep(&volatile)
}

fn count_star() -> Option<Expr> {
    let function = functions::named("count").iter().find(|function| function.args.is_empty())?;
    let call = Aggref {
        function: FunctionRef(function),
        direct: Vec::new(),
        args: Vec::new(),
        star: true,
        distinct: false,
        order_by: Vec::new(),
        filter: None,
        over: None,
        of: None,
    };
    Some(Expr::new(ExprKind::Aggref(Box::new(call)), Oid::INT8))
}

/// UNION ALL of queries, in an order of nesting that SQLite can take.
fn union_all(queries: Vec<Query>) -> Option<Query> {
    let mut parts = queries;
    while parts.len() > 1 {
        let mut unions = Vec::new();
        let mut rest = parts.into_iter().peekable();
        while rest.peek().is_some() {
            unions.extend(rest.by_ref().take(TERMS).reduce(|left, right| {
                let (left, right) = (Box::new(left), Box::new(right));
                Query::of(Body::SetOperation { operator: SetOperator::Union, all: true, left, right })
            }));
        }
        parts = unions;
    }
    parts.pop()
}
