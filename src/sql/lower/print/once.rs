//! Volatile values of a sub-query: PostgreSQL computes them once per row, after sorting. SQLite would put the
//! expressions where they are used, if it can do without the sub-query, and compute them for rows before it sorts them.
//!
//! Owns: the barriers against that. A sub-query with an OFFSET is neither merged into its outer query nor handed the
//! outer query's conditions, and all columns of a CTE are computed. Specification: SQLite's select.c (flattenSubquery,
//! pushDownWhereTerms, disableUnusedSubqueryResultColumns), make_sort_input_target in PostgreSQL's planner.c.

use std::cell::RefCell;
use std::fmt::Write;

use crate::sql::lower::print::{Naming, Printer};
use crate::sql::lower::search::{Reads, Search, Volatile};
use crate::sql::lower::tree::*;

/// Keeps SQLite from merging a sub-query.
pub(super) const BARRIER: &str = " LIMIT -1 OFFSET 0";

impl Printer<'_> {
    /// A sub-query in FROM, alone in it or with others.
    pub(super) fn derived(&mut self, query: &Query, alone: bool) {
        if Volatile::yielded_by(&query.body) {
            self.kept_apart(query, alone);
        } else {
            self.query(query, Naming::Positional);
        }
    }

    /// A CTE in FROM: one that is not alone may be in an inner loop, which must find it computed.
    pub(super) fn cte_item(&mut self, name: &str, alone: bool) {
        let width = self.volatile_ctes.iter().find(|(cte, _)| **cte == *name).map(|(_, width)| *width);
        match width.filter(|_| !alone) {
            None => self.push(name),
            Some(width) => {
                let all = self.fresh_name();
                _ = write!(self.sql, "(WITH {all}(");
                self.positions(width);
                _ = write!(self.sql, ") AS MATERIALIZED (SELECT * FROM {name}) SELECT ");
                self.positions(width);
                _ = write!(self.sql, " FROM {all})");
            }
        }
    }

    /// A query as a CTE of its own: rows are computed when they are asked for if nothing else is in FROM, else at once.
    fn kept_apart(&mut self, query: &Query, alone: bool) {
        let width = query.outputs().len();
        let mut tables = vec![self.fresh_name()];
        while Reads::of(&tables, &[]).in_query(query) {
            tables = vec![self.fresh_name()];
        }
        let name = tables.concat();
        _ = write!(self.sql, "WITH {name}(");
        self.positions(width);
        self.push(if alone { ") AS (" } else { ") AS MATERIALIZED (" });
        self.unmerged(query);
        self.push(") SELECT ");
        self.positions(width);
        _ = write!(self.sql, " FROM {name}");
    }

    /// A name that the translation of this statement has not used.
    fn fresh_name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    /// The query of a CTE.
    pub(super) fn cte_query(&mut self, cte: &Cte) {
        if Volatile::yielded_by(&cte.query.body) {
            self.volatile_ctes.push((cte.name.clone(), cte.query.outputs().len()));
            self.unmerged(&cte.query);
        } else {
            self.query(&cte.query, Naming::Positional);
        }
    }

    /// A query that SQLite keeps apart from the query around it.
    fn unmerged(&mut self, query: &Query) {
        self.query(query, Naming::Positional);
        if query.offset.is_none() {
            self.push(if query.limit.is_none() { BARRIER } else { " OFFSET 0" });
        }
    }

    fn positions(&mut self, width: usize) {
        self.list(&(1..=width).collect::<Vec<_>>(), |p, n| _ = write!(p.sql, "c{n}"));
    }

    /// A SELECT with ORDER BY, LIMIT or OFFSET whose volatile targets are computed last: for rows in their order, those
    /// that OFFSET leaves out included. `false` if the query is none.
    pub(super) fn volatile_last(&mut self, select: &Select, query: &Query, naming: Naming) -> bool {
        let plain = !select.distinct && (!query.order_by.is_empty() || query.offset.is_some());
        let late: Vec<bool> = (select.targets.iter().enumerate())
            .map(|(index, target)| {
                let sorts = query.order_by.iter().any(|key| key.output == Some(index));
                plain && !sorts && Volatile.in_expr(&target.expr)
            })
            .collect();
        if !late.contains(&true) {
            return false;
        }
        if query.offset.is_some() {
            self.push("SELECT * FROM (");
        }
        if query.order_by.is_empty() {
            self.select(select, naming);
        } else {
            self.over_sorted(select, &late, query, naming);
        }
        if query.offset.is_some() {
            self.push(BARRIER);
            self.push(")");
        }
        true
    }

    /// SELECT with the late targets computed over the sorted rows of all that goes into them.
    fn over_sorted(&mut self, select: &Select, late: &[bool], query: &Query, naming: Naming) {
        let sorted = self.fresh_name();
        let aliases = select.from.iter().flat_map(FromItem::aliases).collect();
        let inputs = Inputs { aliases, found: RefCell::default() };
        let mut early: Vec<Expr> = Vec::new();
        let mut places = Vec::with_capacity(late.len());
        for (target, late) in select.targets.iter().zip(late) {
            places.push(if *late { None } else { Some(early.len()) });
            if *late { inputs.collect(&target.expr) } else { early.push(target.expr.clone()) }
        }
        let first_input = early.len();
        early.extend(inputs.found.into_inner());
        let names = early.iter().enumerate().skip(first_input);
        let names = names.map(|(i, expr)| (expr.clone(), format!("{sorted}.c{}", i + 1))).collect();
        let outer = std::mem::replace(&mut self.computed, names);
        self.push("SELECT ");
        for (i, (target, place)) in select.targets.iter().zip(&places).enumerate() {
            self.push(if i > 0 { ", " } else { "" });
            match place {
                Some(place) => _ = write!(self.sql, "{sorted}.c{}", place + 1),
                None => self.value(|p| p.expr(&target.expr)),
            }
            if naming == Naming::Positional {
                _ = write!(self.sql, " AS c{}", i + 1);
            }
        }
        self.computed = outer;
        self.push(" FROM (SELECT ");
        self.list(&early.iter().enumerate().collect::<Vec<_>>(), |p, (i, expr)| {
            p.value(|p| p.expr(expr));
            _ = write!(p.sql, " AS c{}", i + 1);
        });
        if early.is_empty() {
            self.push("NULL");
        }
        self.select_tail(select);
        let place = |output: Option<usize>| output.and_then(|output| places.get(output).copied().flatten());
        let keys: Vec<SortKey> =
            query.order_by.iter().map(|key| SortKey { output: place(key.output), ..key.clone() }).collect();
        self.order_by(&keys, true);
        _ = write!(self.sql, "{BARRIER}) AS {sorted}");
    }
}

/// What an expression takes from the rows of these aliases: their columns, and aggregates over them.
struct Inputs<'a> {
    aliases: Vec<&'a str>,
    found: RefCell<Vec<Expr>>,
}

impl Inputs<'_> {
    fn collect(&self, expr: &Expr) {
        if matches!(expr.kind, ExprKind::Aggregate(_)) {
            self.found.borrow_mut().push(expr.clone());
            return;
        }
        self.is_expr(expr);
        if let Some(query) = expr.subquery() {
            self.in_query(query);
        }
        expr.for_each_child(&mut |child| self.collect(child));
    }
}

impl Search for Inputs<'_> {
    fn is_expr(&self, expr: &Expr) -> bool {
        if matches!(&expr.kind, ExprKind::Column(c) if c.alias.as_deref().is_some_and(|a| self.aliases.contains(&a))) {
            self.found.borrow_mut().push(expr.clone());
        }
        false
    }
}
