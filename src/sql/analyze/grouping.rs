//! GROUP BY, and its rule: outside of aggregates only grouped columns, or columns that a grouped primary key decides.
//!
//! Owns: [`Analyzer::group_by`], [`Analyzer::check_grouped`]. Specification: sql-select.html#SQL-GROUPBY,
//! queries-table-expressions.html#QUERIES-GROUPING-SETS, parse_agg.c.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::syntax::ast::expression::{CoercionForm, Expr as Ast, GroupingFunc, RowExpr};
use crate::sql::syntax::ast::query::GroupItem;
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::{Expr, ExprKind, Target, Var};
use crate::types::pg_type::Oid;

/// The most expressions of CUBE.
const MAX_CUBE: usize = 12;

/// The most grouping sets of a query.
const MAX_SETS: usize = 4096;

/// The most arguments of GROUPING.
const MAX_GROUPING: usize = 31;

/// What a query is grouped by.
#[derive(Default)]
pub(super) struct Groups {
    pub keys: Vec<Expr>,
    /// The grouping sets, if there are any (see `Select`).
    pub sets: Vec<Vec<usize>>,
}

impl Groups {
    /// The keys that every set has: only they decide other columns.
    fn common(&self) -> Vec<&Expr> {
        let in_all = |index: &usize| self.sets.iter().all(|set| set.contains(index));
        (0..self.keys.len()).filter(in_all).filter_map(|index| self.keys.get(index)).collect()
    }
}

impl Analyzer<'_> {
    /// The GROUP BY clause: its expressions, each once, and the sets that are made of them.
    pub(super) fn group_by(&mut self, items: &[GroupItem], distinct: bool, targets: &[Target]) -> Result<Groups> {
        let mut groups = Groups::default();
        let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
        for item in items {
            let own = self.sets_of(item, targets, &mut groups.keys)?;
            if sets.len().saturating_mul(own.len()) > MAX_SETS {
                let message = format!("too many grouping sets present (maximum {MAX_SETS})");
                return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, message));
            }
            sets = sets.iter().flat_map(|set| own.iter().map(|own| joined(set, own))).collect();
        }
        if items.iter().any(|item| !matches!(item, GroupItem::Expr(_))) {
            groups.sets = sets;
            if distinct {
                distinct_sets(&mut groups.sets);
            }
        }
        Ok(groups)
    }

    /// The sets that an element of GROUP BY stands for (expand_groupingset_node).
    fn sets_of(&mut self, item: &GroupItem, targets: &[Target], keys: &mut Vec<Expr>) -> Result<Vec<Vec<usize>>> {
        match item {
            GroupItem::Expr(ast) => Ok(vec![self.set_element(ast, targets, keys)?]),
            GroupItem::Empty(_) => Ok(vec![Vec::new()]),
            GroupItem::Rollup(elements, _) => {
                let elements = self.set_elements(elements, targets, keys)?;
                Ok((0..=elements.len())
                    .rev()
                    .map(|count| elements.iter().take(count).flatten().copied().collect())
                    .collect())
            }
            GroupItem::Cube(elements, at) => {
                if elements.len() > MAX_CUBE {
                    let message = format!("CUBE is limited to {MAX_CUBE} elements");
                    return Err(self.at(Error::new(SqlState::TOO_MANY_COLUMNS, message), *at));
                }
                let elements = self.set_elements(elements, targets, keys)?;
                let subset = |mask: usize| {
                    let chosen = elements.iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0);
                    chosen.flat_map(|(_, element)| element).copied().collect()
                };
                Ok((0..1 << elements.len()).map(subset).collect())
            }
            GroupItem::Sets(items, _) => {
                let mut sets = Vec::new();
                for item in items {
                    sets.extend(self.deeper(|a| a.sets_of(item, targets, keys))?);
                }
                Ok(sets)
            }
        }
    }

    fn set_elements(&mut self, elements: &[Ast], targets: &[Target], keys: &mut Vec<Expr>) -> Result<Vec<Vec<usize>>> {
        elements.iter().map(|element| self.set_element(element, targets, keys)).collect()
    }

    /// The places of what an expression adds to a set; (a, b) is several.
    fn set_element(&mut self, ast: &Ast, targets: &[Target], keys: &mut Vec<Expr>) -> Result<Vec<usize>> {
        if let Ast::Row(RowExpr { args, format: CoercionForm::ImplicitRow, .. }) = ast {
            let mut places = Vec::new();
            for arg in args {
                places.extend(self.deeper(|a| a.set_element(arg, targets, keys))?);
            }
            return Ok(places);
        }
        let key = self.group_key(ast, targets)?;
        if let ExprKind::Row { fields, .. } = key.kind {
            return fields.into_iter().map(|field| Ok(self.place_of(field, keys))).collect();
        }
        self.forbid_aggregates(&key, "GROUP BY").map_err(|e| self.at(e, expr_location(ast)))?;
        let key = self.resolve_unknown(key)?;
        Ok(vec![self.place_of(key, keys)])
    }

    fn place_of(&mut self, key: Expr, keys: &mut Vec<Expr>) -> usize {
        let mut known = 0;
        while let Some(other) = keys.get(known) {
            if self.same_expr(other, &key) {
                return known;
            }
            known += 1;
        }
        keys.push(key);
        known
    }

    /// An output column by its position, an input column, an output column by its name.
    pub(super) fn group_key(&mut self, ast: &Ast, targets: &[Target]) -> Result<Expr> {
        if let Some(target) = self.position(ast, targets.len(), "GROUP BY")?.and_then(|index| targets.get(index)) {
            return Ok(target.expr.clone());
        }
        match self.with_sets(|a| a.in_clause("GROUP BY", |a| a.expr(ast))) {
            Err(error) if error.code() == SqlState::UNDEFINED_COLUMN => {
                let named = self.named_output(ast, targets, "GROUP BY")?.and_then(|index| targets.get(index));
                named.map(|target| target.expr.clone()).ok_or(error)
            }
            result => result,
        }
    }

    /// GROUPING(…), whose arguments are checked with the query's other expressions.
    pub(super) fn grouping(&mut self, node: &GroupingFunc) -> Result<Expr> {
        if node.args.len() > MAX_GROUPING {
            let message = "GROUPING must have fewer than 32 arguments";
            return Err(self.at(Error::new(SqlState::TOO_MANY_ARGUMENTS, message), node.location));
        }
        let args = node.args.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>>>()?;
        Ok(Expr::new(ExprKind::Grouping(args), Oid::INT4))
    }

    /// 42803 for an aggregate of this query level, 42P20 for a window function.
    pub(super) fn forbid_aggregates(&self, expr: &Expr, clause: &str) -> Result<()> {
        if expr.any(&|part| matches!(part.kind, ExprKind::Grouping(_))) {
            let message = format!("grouping operations are not allowed in {clause}");
            return Err(Error::new(SqlState::GROUPING_ERROR, message));
        }
        if self.has_aggregate(expr) {
            let message = format!("aggregate functions are not allowed in {clause}");
            return Err(Error::new(SqlState::GROUPING_ERROR, message));
        }
        if expr.contains_window() {
            let message = format!("window functions are not allowed in {clause}");
            return Err(Error::new(SqlState::WINDOWING_ERROR, message));
        }
        Ok(())
    }

    /// Whether an aggregate of this query level is in the expression; it may stand in a sub-query.
    pub(super) fn has_aggregate(&self, expr: &Expr) -> bool {
        expr.contains_aggregate()
            || expr.any(&|part| {
                matches!(part.kind, ExprKind::Grouping(_))
                    || part.subquery().is_some_and(|query| query.any(&|inner| self.is_own_aggregate(inner)))
            })
    }

    /// Whether what stands in a sub-query is an aggregate of this query level.
    fn is_own_aggregate(&self, expr: &Expr) -> bool {
        let ExprKind::Aggref(aggregate) = &expr.kind else { return false };
        let scope = self.scopes.last();
        aggregate.of.is_some_and(|of| scope.is_some_and(|scope| scope.entries.iter().any(|e| e.entry == of)))
    }

    /// 42803 unless every column of this query level in the expression is grouped or inside an aggregate. What is grouped
    /// becomes the grouping expression itself, constants included.
    pub(super) fn check_grouped(&mut self, expr: &mut Expr, groups: &Groups) -> Result<()> {
        self.check_part(expr, groups, false)
    }

    fn check_part(&mut self, expr: &mut Expr, groups: &Groups, inner: bool) -> Result<()> {
        for key in &groups.keys {
            if self.same_expr(expr, key) {
                *expr = key.clone();
                return Ok(());
            }
        }
        if inner && self.is_own_aggregate(expr) {
            return Ok(());
        }
        match &mut expr.kind {
            ExprKind::Aggref(aggregate) if aggregate.over.is_none() && !inner => {
                let detail = "Direct arguments of an ordered-set aggregate must use only grouped columns.";
                let mut direct = aggregate.direct.iter_mut();
                return direct
                    .try_for_each(|arg| self.check_part(arg, groups, false).map_err(|e| e.with_detail(detail)));
            }
            ExprKind::Grouping(args) => return self.check_grouping(args, groups, inner),
            ExprKind::Var(column) => {
                if self.is_local(column) && !self.decided_by_key(column, &groups.common()) {
                    return Err(self.ungrouped(column, inner));
                }
                return Ok(());
            }
            _ => {}
        }
        let mut of_query = Vec::new();
        if let Some(query) = expr.subquery_mut() {
            query.for_each_expr_mut(&mut |part| of_query.push(part));
        }
        of_query.into_iter().try_for_each(|part| self.deeper(|a| a.check_part(part, groups, true)))?;
        let mut children = Vec::new();
        expr.for_each_child_mut(&mut |child| children.push(child));
        children.into_iter().try_for_each(|child| self.deeper(|a| a.check_part(child, groups, inner)))
    }

    /// GROUPING's arguments are grouping expressions, of this query level if one has a column of it.
    fn check_grouping(&mut self, args: &mut [Expr], groups: &Groups, inner: bool) -> Result<()> {
        let local = |a: &Self, arg: &Expr| arg.any(&|part| matches!(&part.kind, ExprKind::Var(var) if a.is_local(var)));
        let foreign = |a: &Self, arg: &Expr| arg.any(&|part| matches!(&part.kind, ExprKind::Var(v) if !a.is_local(v)));
        let of_another = args.iter().any(|arg| foreign(self, arg)) && !args.iter().any(|arg| local(self, arg));
        if of_another || inner && !args.iter().any(|arg| local(self, arg)) {
            return Ok(());
        }
        for arg in args {
            let mut key = None;
            for candidate in &groups.keys {
                if self.same_expr(arg, candidate) {
                    key = Some(candidate.clone());
                }
            }
            *arg = key.ok_or_else(|| {
                let message = "arguments to GROUPING must be grouping expressions of the associated query level";
                Error::new(SqlState::GROUPING_ERROR, message)
            })?;
        }
        Ok(())
    }

    /// Whether the column belongs to the innermost query level.
    fn is_local(&self, column: &Var) -> bool {
        self.scopes.last().is_some_and(|scope| scope.entries.iter().any(|e| e.entry == column.entry))
    }

    /// Whether the whole primary key of the column's table is grouped.
    fn decided_by_key(&self, column: &Var, grouped: &[&Expr]) -> bool {
        let entry = self.scopes.last().and_then(|scope| scope.entries.iter().find(|e| e.entry == column.entry));
        let relation = entry.and_then(|entry| entry.relation).and_then(|oid| self.catalog().relations.get(&oid));
        let Some(relation) = relation else { return false };
        let Some(key) = relation.primary_key() else { return false };
        key.columns.iter().all(|number| {
            grouped
                .iter()
                .any(|expr| matches!(&expr.kind, ExprKind::Var(v) if v.entry == column.entry && v.attribute == *number))
        })
    }

    fn ungrouped(&self, column: &Var, inner: bool) -> Error {
        let name = self.shown_name(column);
        let message = match inner {
            true => format!("subquery uses ungrouped column \"{name}\" from outer query"),
            false => {
                format!("column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate function")
            }
        };
        Error::new(SqlState::GROUPING_ERROR, message)
    }

    /// table.column as the query names them.
    fn shown_name(&self, column: &Var) -> String {
        let scope = self.scopes.last();
        let entry = scope.and_then(|s| s.entries.iter().find(|e| e.entry == column.entry));
        entry.map_or(String::new(), |e| {
            let is_it = |c: &&crate::sql::analyze::scope::RangeColumn| {
                matches!(&c.expr.kind, ExprKind::Var(var) if var.attribute == column.attribute)
            };
            format!("{}.{}", e.name, e.columns.iter().find(is_it).map_or("?column?", |c| c.name.as_str()))
        })
    }
}

/// Both sets in one.
fn joined(left: &[usize], right: &[usize]) -> Vec<usize> {
    let mut set = left.to_vec();
    for place in right {
        if !set.contains(place) {
            set.push(*place);
        }
    }
    set
}

/// GROUP BY DISTINCT: of sets of the same expressions, the first.
fn distinct_sets(sets: &mut Vec<Vec<usize>>) {
    let mut seen = std::collections::HashSet::new();
    sets.retain(|set| {
        let mut sorted = set.clone();
        sorted.sort_unstable();
        seen.insert(sorted)
    });
}
