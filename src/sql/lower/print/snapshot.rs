//! Statements that read what they change: PostgreSQL computes every row from the state before the statement, SQLite
//! from what the statement has already made of the tables.
//!
//! Owns: what is read before the first change. UPDATE … FROM computes all new values first, and a DELETE whose
//! condition has a correlated sub-query finds all its rows first; for ON CONFLICT DO UPDATE the new values of the rows
//! that are there already are computed from a copy of the proposed rows. Statements that read only other tables are as
//! they were. Specification: transaction-iso.html, SQLite's update.c and delete.c.

use std::rc::Rc;

use crate::error::{Error, Result};
use crate::sql::functions::Call;
use crate::sql::lower::modify::EXCLUDED;
use crate::sql::lower::print::Printer;
use crate::sql::lower::search::{Reads, Search};
use crate::sql::lower::tree::*;
use crate::types::pg_type::Oid;

impl Printer<'_> {
    /// FROM of an UPDATE; one without FROM gets one if its new values depend on what it changes.
    pub(super) fn update_from(&mut self, update: &Update) {
        let reads = Reads::of(&update.changed.tables, &update.ctes);
        if update.from.is_empty() && reads.in_exprs(update.assignments.iter().map(|(_, value)| value)) {
            self.push(" FROM (SELECT 1)");
        }
        self.from_clause(&update.from, false);
    }

    /// A correlated condition that is always true, for a DELETE that reads what it changes.
    pub(super) fn find_rows_first(&mut self, delete: &Delete) {
        let (Some(selection), Some(column)) = (&delete.selection, &delete.changed.column) else { return };
        if Reads::of(&delete.changed.tables, &delete.ctes).in_expr(selection) {
            self.push(" AND (SELECT ");
            self.push(&delete.alias);
            self.push(".");
            self.ident(column);
            self.push(" IS NULL OR 1)");
        }
    }
}

/// The INSERT with the values of DO UPDATE computed before the first row is inserted, if they depend on what it
/// changes. A single row needs no such thing: when it conflicts, nothing has been changed.
pub(super) fn of_insert(insert: &Insert) -> Option<Insert> {
    let conflict = insert.conflict.as_ref()?;
    let update = conflict.update.as_ref()?;
    let reads = Reads::of(&insert.changed.tables, &insert.ctes);
    let read = reads.in_exprs(update.assignments.iter().map(|(_, value)| value).chain(&update.selection));
    if !read || matches!(&insert.source, Body::Values { rows, .. } if rows.len() < 2) {
        return None;
    }
    let mut kept = Kept { update, targets: Vec::new(), keys: conflict.target.len() };
    let existing: Rc<str> = insert.alias.clone();
    let (keys, matches): (Vec<Target>, Vec<Expr>) = (conflict.target.iter())
        .filter_map(|key| {
            let (proposed, existing) = (under(key, EXCLUDED.into())?, under(key, existing.clone())?);
            let equal = ExprKind::Compare("=", Box::new(existing), Box::new(proposed.clone()));
            Some((Target { name: String::new(), expr: proposed }, Expr::new(equal, Oid::BOOL)))
        })
        .unzip();
    kept.targets = keys;
    let mut changed = update.clone();
    for value in changed.assignments.iter_mut().map(|(_, value)| value).chain(&mut changed.selection) {
        if !reads.in_expr(value) {
            continue;
        }
        // That no row is changed twice is checked when it happens.
        if let ExprKind::Call(Call::Function("pg_affect"), args) = &mut value.kind {
            args.iter_mut().take(1).for_each(|arg| *arg = kept.keep(arg));
        } else {
            *value = kept.keep(value);
        }
    }
    let Kept { targets, .. } = kept;
    let proposed =
        Cte { name: update.proposed.clone(), query: Query::of(insert.source.clone()), materialized: Some(true) };
    let selection = all(matches);
    let from = vec![
        FromItem::Cte { name: update.proposed.clone(), alias: EXCLUDED.into() },
        FromItem::Table { name: insert.table.clone(), alias: existing },
    ];
    let query = select(targets, from, selection, false);
    let kept = Cte { name: update.kept.clone(), query, materialized: Some(true) };
    let mut insert = insert.clone();
    insert.source = proposed_rows(&proposed, update);
    insert.ctes.extend([proposed, kept]);
    insert.conflict = Some(Conflict { update: Some(changed), ..conflict.clone() });
    Some(insert)
}

/// The values that are computed first: the proposed keys, then what DO UPDATE would make of the rows with these keys.
struct Kept<'a> {
    update: &'a ConflictUpdate,
    targets: Vec<Target>,
    keys: usize,
}

impl Kept<'_> {
    /// Keeps a value; what to write instead of it.
    fn keep(&mut self, value: &Expr) -> Expr {
        self.targets.push(Target { name: String::new(), expr: value.clone() });
        let alias = self.update.kept.clone();
        let kept = |index: usize, like: &Expr| Expr { kind: column(alias.clone(), index), ..like.clone() };
        let keys = self.targets.iter().take(self.keys).enumerate().map(|(index, key)| {
            let equal = ExprKind::Compare("=", Box::new(kept(index, &key.expr)), Box::new(key.expr.clone()));
            Expr::new(equal, Oid::BOOL)
        });
        let selection = all(keys.collect());
        let targets = vec![Target { name: String::new(), expr: kept(self.targets.len() - 1, value) }];
        let from = vec![FromItem::Cte { name: self.update.kept.clone(), alias: alias.clone() }];
        Expr { kind: ExprKind::ScalarQuery(Box::new(select(targets, from, selection, true))), ..value.clone() }
    }
}

/// SELECT of all proposed rows, once the values kept are computed.
fn proposed_rows(proposed: &Cte, update: &ConflictUpdate) -> Body {
    let alias = &update.proposed;
    let outputs = proposed.query.outputs().into_iter().enumerate();
    let targets = outputs.map(|(index, (name, type_oid, typmod))| {
        let expr = Expr { kind: column(alias.clone(), index), type_oid, typmod };
        Target { name, expr }
    });
    let kept = FromItem::Cte { name: update.kept.clone(), alias: update.kept.clone() };
    let count = select(vec![Target { name: String::new(), expr: Expr::count_star() }], vec![kept], None, true);
    let computed = Expr::new(ExprKind::ScalarQuery(Box::new(count)), Oid::INT8);
    let computed = Expr::template("({0} >= 0)", vec![computed], Oid::BOOL);
    let from = vec![FromItem::Cte { name: update.proposed.clone(), alias: alias.clone() }];
    select(targets.collect(), from, Some(computed), false).body
}

/// 0A000 where a statement cannot see the state before it.
pub fn check(modify: &Modify) -> Result<()> {
    let (changed, ctes, returning) = match modify {
        Modify::Insert(insert) => (&insert.changed, &insert.ctes, &insert.returning),
        Modify::Update(update) => (&update.changed, &update.ctes, &update.returning),
        Modify::Delete(delete) => (&delete.changed, &delete.ctes, &delete.returning),
    };
    if Reads::of(&changed.tables, ctes).in_exprs(returning.iter().map(|target| &target.expr)) {
        return Err(Error::unsupported("a sub-query in RETURNING over a table that the statement changes"));
    }
    let Modify::Insert(insert) = modify else { return Ok(()) };
    let (Some(conflict), true) = (&insert.conflict, of_insert(insert).is_some()) else { return Ok(()) };
    let generated = Generated { stored: &insert.columns };
    let values = conflict.update.iter().flat_map(|u| u.assignments.iter().map(|(_, value)| value).chain(&u.selection));
    let by_columns = conflict.target.iter().all(|key| matches!(key.kind, ExprKind::Column(_)));
    if !by_columns || conflict.target_predicate.is_some() || generated.in_exprs(values.chain(&conflict.target)) {
        let what = "ON CONFLICT DO UPDATE of several rows, with a sub-query over the table, on an expression, a \
                    predicate or a generated column";
        return Err(Error::unsupported(what));
    }
    Ok(())
}

/// Columns of the proposed row that are not among those written.
struct Generated<'a> {
    stored: &'a [Rc<str>],
}

impl Search for Generated<'_> {
    fn is_expr(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, ExprKind::Column(column)
            if column.alias.as_deref().is_none_or(|alias| alias == EXCLUDED) && !self.stored.contains(&column.column))
    }
}

fn select(targets: Vec<Target>, from: Vec<FromItem>, selection: Option<Expr>, unique: bool) -> Query {
    Query::of_select(Select { targets, from, selection, unique, ..Select::default() })
}

/// The conjunction of conditions.
fn all(conditions: Vec<Expr>) -> Option<Expr> {
    conditions.into_iter().reduce(|all, next| Expr::template("({0} AND {1})", vec![all, next], Oid::BOOL))
}

/// The column of an index key, under an alias.
fn under(key: &Expr, alias: Rc<str>) -> Option<Expr> {
    let ExprKind::Column(column) = &key.kind else { return None };
    let column = ColumnRef { alias: Some(alias), ..column.clone() };
    Some(Expr { kind: ExprKind::Column(column), ..key.clone() })
}

/// A column of a CTE.
fn column(alias: Rc<str>, index: usize) -> ExprKind {
    let column = format!("c{}", index + 1).into();
    ExprKind::Column(ColumnRef { alias: Some(alias), column, not_null: false })
}
