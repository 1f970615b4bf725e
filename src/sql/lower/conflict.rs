//! ON CONFLICT DO UPDATE, which changes no row twice in one command.
//!
//! Owns: [`Lower::affect_rows_once`], [`Lower::may_come_twice`], and that RETURNING knows the rows that have been changed (xmax). Specification:
//! sql-insert.html#SQL-ON-CONFLICT; SQLite's lang_upsert.html.

use super::Lower;
use super::modify::EXCLUDED;
use super::tree::{Body as Lowered, ColumnRef, Conflict, Cte, Expr, ExprKind, FromItem, Insert, Query};
use crate::sql::functions::Call;
use crate::sql::lower::search::{Search, Volatile};
use crate::sql::tree::{Body, Expr as Typed, ExprKind as Kind, Modify};
use crate::sql::types::repr_of;
use crate::types::pg_type::Scalar;

impl Lower<'_> {
    /// Whether it is known only row by row which row DO UPDATE comes to a second time: it may have passed over it by its
    /// WHERE, or the keys do not tell by their stored form whether they are equal, or cannot be noted.
    pub(super) fn may_come_twice(&self, modify: &Modify) -> bool {
        let Modify::Insert(insert) = modify else { return false };
        let Some(conflict) = &insert.conflict else { return false };
        let Some(update) = &conflict.update else { return false };
        if matches!(&insert.source, Body::Values { rows, .. } if rows.len() < 2) {
            return false;
        }
        let mut values = update.assignments.iter().map(|(_, value)| value).chain(&update.selection);
        if values.any(|value| value.any(&|part| part.subquery().is_some())) {
            // Sub-queries see the state before the statement.
            return false;
        }
        let is_exact = |key: &Typed| {
            let repr = repr_of(self.catalog(), key.type_oid);
            let is_float = matches!(repr.scalar, Scalar::Float4 | Scalar::Float8);
            matches!(key.kind, Kind::Var(_)) && repr.collation().is_none() && !is_float
        };
        let places = conflict.target.iter().map(|key| match &key.kind {
            Kind::Var(var) => insert.columns.iter().position(|column| *column == var.attribute),
            _ => None,
        });
        let places: Option<Vec<usize>> = places.collect();
        let are_noted = |places: Vec<usize>| match &insert.source {
            Body::SetOperation { .. } => false,
            Body::Values { .. } => true,
            Body::Select(select) => {
                let targets = places.iter().skip(1).filter_map(|place| select.targets.get(*place));
                targets.into_iter().all(|target| is_plain(&target.expr))
            }
        };
        update.selection.is_some() || !conflict.target.iter().all(is_exact) || !places.is_some_and(are_noted)
    }

    /// DO UPDATE changes no row twice in one command: 21000, where SQLite would let the last one win. The rows' keys are
    /// noted as they are proposed, and as DO UPDATE changes their rows.
    pub(super) fn affect_rows_once(&mut self, insert: &mut Insert) {
        let Some(Conflict { target, update: Some(_), .. }) = &insert.conflict else { return };
        let excluded: Option<Vec<Expr>> = target
            .iter()
            .map(|expr| {
                let ExprKind::Column(column) = &expr.kind else { return None };
                let excluded = ColumnRef { alias: Some(EXCLUDED.into()), ..column.clone() };
                Some(Expr { kind: ExprKind::Column(excluded), ..expr.clone() })
            })
            .collect();
        let Some(excluded) = excluded else { return };
        let noted = self.note_keys(insert, &excluded);
        let Some(Conflict { update: Some(update), .. }) = &mut insert.conflict else { return };
        if !noted && !insert.returning.iter().any(|target| Affected.in_expr(&target.expr)) {
            return;
        }
        if let Some((_, value)) = update.assignments.first_mut() {
            let mut args = vec![value.clone()];
            args.extend(excluded);
            *value = Expr { typmod: value.typmod, ..Expr::function("pg_affect", args, value.type_oid) };
        }
    }

    /// Lets the rows note their keys as they are proposed; false if they need not (there is one only) or cannot.
    fn note_keys(&mut self, insert: &mut Insert, excluded: &[Expr]) -> bool {
        let places = excluded.iter().map(|expr| match &expr.kind {
            ExprKind::Column(column) => insert.columns.iter().position(|name| *name == column.column),
            _ => None,
        });
        let Some(key) = places.collect::<Option<Vec<usize>>>() else { return false };
        if let Lowered::Values { rows, .. } = &insert.source
            && rows.len() > 1
            && Volatile::yielded_by(&insert.source)
            && rows.iter().any(|row| !key_is_repeatable(row, &key))
        {
            let query = Query::of(insert.source.clone());
            insert.source = Lowered::Select(Box::new(self.select_all(query)));
        }
        let noted = match &mut insert.source {
            Lowered::Values { rows, .. } => rows.len() > 1 && rows.iter_mut().all(|row| note_key(row, &key)),
            Lowered::Select(select) => {
                let mut row: Vec<Expr> = select.targets.iter().map(|t| t.expr.clone()).collect();
                let noted = note_key(&mut row, &key);
                select.targets.iter_mut().zip(row).for_each(|(target, expr)| target.expr = expr);
                noted
            }
            Lowered::SetOperation { .. } => false,
        };
        if !noted {
            return false;
        }
        if let Lowered::Select(select) = &mut insert.source
            && let [FromItem::Derived { query, alias }] = select.from.as_mut_slice()
            && query.limit.is_some()
        {
            // SQLite may read the outer select list for rows that LIMIT then leaves out.
            let name = self.fresh_cte_name();
            insert.ctes.push(Cte { name: name.clone(), query: (**query).clone(), materialized: Some(true) });
            select.from = vec![FromItem::Cte { name, alias: alias.clone() }];
        }
        true
    }
}

/// The xmax of a row of an INSERT's RETURNING.
struct Affected;

impl Search for Affected {
    fn is_expr(&self, expr: &Expr) -> bool {
        matches!(expr.kind, ExprKind::Call(Call::Function("pg_affected"), _))
    }
}

/// The row's first key column also notes the whole key. False if the others cannot be evaluated twice.
fn note_key(row: &mut [Expr], key: &[usize]) -> bool {
    let values: Vec<Expr> = key.iter().filter_map(|place| row.get(*place).cloned()).collect();
    if values.len() != key.len() || !key_is_repeatable(row, key) {
        return false;
    }
    let Some(value) = key.first().and_then(|place| row.get_mut(*place)) else { return false };
    *value = Expr { typmod: value.typmod, ..Expr::function("pg_propose", values, value.type_oid) };
    true
}

/// Whether the parts of the key after the first can be evaluated twice.
fn key_is_repeatable(row: &[Expr], key: &[usize]) -> bool {
    key.iter().skip(1).filter_map(|place| row.get(*place)).all(|expr| is_repeatable(expr) && !Volatile.in_expr(expr))
}

/// Whether it is a column or a constant, or a conversion of one.
fn is_plain(expr: &Typed) -> bool {
    match &expr.kind {
        Kind::Null | Kind::Param(_) | Kind::Literal(_) | Kind::Const(_) | Kind::Var(_) => true,
        Kind::Coerce { arg, .. } | Kind::CoerceTypmod { arg, .. } => is_plain(arg),
        _ => false,
    }
}

/// Whether an expression is made of columns, constants and casts of them.
fn is_repeatable(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Null | ExprKind::Param(_) | ExprKind::Literal(_) | ExprKind::Const(_) | ExprKind::Column(_) => true,
        ExprKind::Call(_, args) => args.first().is_some_and(is_repeatable) && args.iter().skip(1).all(is_constant),
        _ => false,
    }
}

fn is_constant(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Null | ExprKind::Const(_))
}
