//! INSERT, UPDATE and DELETE as SQLite's SQL.
//!
//! Owns: their printing. What must be read before the first change is in `snapshot`. Specification: SQLite's
//! lang_insert.html, lang_upsert.html, lang_update.html, lang_delete.html.

use crate::sql::lower::print::{Naming, Printer, snapshot};
use crate::sql::lower::tree::*;

impl Printer<'_> {
    fn returning(&mut self, returning: &[Target]) {
        if !returning.is_empty() {
            self.push(" RETURNING ");
            self.targets(returning, Naming::None, false);
        }
    }

    pub(super) fn insert(&mut self, insert: &Insert) {
        let isolated = snapshot::of_insert(insert);
        self.proposed = isolated.as_ref().map(|insert| insert.columns.clone());
        let insert = isolated.as_ref().unwrap_or(insert);
        self.ctes(&insert.ctes, insert.recursive);
        self.proposed = None;
        self.push("INSERT INTO ");
        self.ident(&insert.table);
        self.push(" AS ");
        self.push(&insert.alias);
        if insert.columns.is_empty() {
            // A table without columns has none but the row's number.
            self.push(" (rowid) ");
        } else {
            self.push(" (");
            self.list(&insert.columns, |p, c| p.ident(c));
            self.push(") ");
        }
        match &insert.source {
            Body::Values { rows, .. } => {
                self.push("VALUES ");
                self.list(rows, |p, row| {
                    p.push("(");
                    match row.is_empty() {
                        true => p.push("NULL"),
                        false => p.exprs(row),
                    }
                    p.push(")");
                });
            }
            Body::Select(select) => {
                self.select(select, Naming::None);
                if insert.conflict.is_some() && select.selection.is_none() {
                    // Without a WHERE, SQLite reads ON CONFLICT as a join's ON.
                    self.push(" WHERE true");
                }
            }
            Body::SetOperation { .. } => self.set_operation(&insert.source),
        }
        if let Some(conflict) = &insert.conflict {
            self.conflict(conflict);
        }
        self.returning(&insert.returning);
    }

    fn conflict(&mut self, conflict: &Conflict) {
        self.push(" ON CONFLICT");
        if !conflict.target.is_empty() {
            self.push(" (");
            self.exprs(&conflict.target);
            self.push(")");
            self.where_clause(conflict.target_predicate.as_ref());
        }
        match &conflict.update {
            None => self.push(" DO NOTHING"),
            Some(ConflictUpdate { assignments, selection, .. }) => {
                self.push(" DO UPDATE SET ");
                self.list(assignments, |p, (column, expr)| {
                    p.ident(column);
                    p.push(" = ");
                    p.expr(expr);
                });
                self.where_clause(selection.as_ref());
            }
        }
    }

    pub(super) fn update(&mut self, update: &Update) {
        self.ctes(&update.ctes, update.recursive);
        self.push("UPDATE ");
        self.ident(&update.table);
        self.push(" AS ");
        self.push(&update.alias);
        self.push(" SET ");
        self.list(&update.assignments, |p, (columns, expr)| {
            match columns.as_slice() {
                [column] => p.ident(column),
                columns => {
                    p.push("(");
                    p.list(columns, |p, c| p.ident(c));
                    p.push(")");
                }
            }
            p.push(" = ");
            p.expr(expr);
        });
        self.update_from(update);
        self.where_clause(update.selection.as_ref());
        self.returning(&update.returning);
    }

    pub(super) fn delete(&mut self, delete: &Delete) {
        self.ctes(&delete.ctes, delete.recursive);
        self.push("DELETE FROM ");
        self.ident(&delete.table);
        self.push(" AS ");
        self.push(&delete.alias);
        if delete.using.is_empty() {
            self.where_clause(delete.selection.as_ref());
            self.find_rows_first(delete);
        } else {
            self.push(" WHERE EXISTS (SELECT 1");
            self.from_clause(&delete.using, false);
            self.where_clause(delete.selection.as_ref());
            self.push(")");
        }
        self.returning(&delete.returning);
    }
}
