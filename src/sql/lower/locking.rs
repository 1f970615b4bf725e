//! FOR UPDATE and its like: a filter of the rows that have been found and sorted.
//!
//! Owns: [`Lower::locked`]. Must not know: who holds which lock (`engine::row_locks`). As PostgreSQL's LockRows, the filter
//! stands above the sort and below LIMIT: the rows that SKIP LOCKED passes over do not count, and no more are locked than
//! are asked for. Specification: sql-select.html#SQL-FOR-UPDATE-SHARE.

use std::rc::Rc;

use super::program::rowid;
use super::tree::{Body, ColumnRef, Expr, ExprKind, FromItem, Query, Target};
use super::{Columns, Lower};
use crate::catalog::schema::Relation;
use crate::error::{Error, Result};
use crate::sql::tree::{LockWaitPolicy, Query as Typed, RowMark, TABLE_OID, Var};
use crate::types::pg_type::Oid;

impl Lower<'_> {
    /// A query that locks the rows it gives.
    pub(super) fn locked(&mut self, typed: &Typed) -> Result<Query> {
        let bare = Typed { row_marks: Vec::new(), limit: None, offset: None, ..typed.clone() };
        let mut rows = self.query(&bare)?;
        let Body::Select(select) = &mut rows.body else { return self.limited(typed, rows) };
        let width = select.targets.len();
        let mut marks = Vec::new();
        for mark in &typed.row_marks {
            let Some(row) = self.row_of(mark, &select.from)? else {
                // The write ticket keeps its rows; to tell them apart there is nothing.
                if mark.wait == LockWaitPolicy::Block {
                    continue;
                }
                return Err(Error::unsupported("SKIP LOCKED and NOWAIT of what is not a table"));
            };
            let places = row.iter().map(|expr| Target { name: String::new(), expr: expr.clone() });
            select.targets.extend(places);
            marks.push((mark, row.len()));
        }
        if marks.is_empty() {
            return self.limited(typed, rows);
        }
        // So SQLite does not move the filter down.
        rows.limit = Some(Expr::integer(-1, Oid::INT8));
        let mut select = self.select_all(rows);
        let mut ids = select.targets.split_off(width).into_iter().map(|target| target.expr);
        let mut locks = Vec::with_capacity(marks.len());
        for (mark, count) in marks {
            locks.push(self.lock(mark, ids.by_ref().take(count).collect())?);
        }
        select.selection = Expr::connected("({0} AND {1})", locks);
        self.limited(typed, Query::of_select(select))
    }

    /// What tells the rows of an entry apart: SQLite's number of a table's row, and where there are several tables its
    /// table's OID before it.
    fn row_of(&self, mark: &RowMark, from: &[FromItem]) -> Result<Option<Vec<Expr>>> {
        let Some(entry) = self.entries.get(&mark.entry) else { return Ok(None) };
        let Some(alias) = entry.alias.as_ref() else { return Ok(None) };
        let table = match from.iter().find_map(|item| find(item, alias)) {
            Some(FromItem::Table { .. }) => {
                return Ok(Some(vec![rowid(self.relation(mark.relation)?, Some(alias.clone()))]));
            }
            Some(_) => &entry.columns,
            None => return Ok(None),
        };
        let Columns::Named(names) = table else { return Ok(None) };
        let column = |number: i16, type_oid: Oid| {
            let (_, name) = names.iter().find(|(of, _)| *of == number)?;
            let reference = ColumnRef { alias: Some(alias.clone()), column: name.clone(), not_null: false };
            Some(Expr::new(ExprKind::Column(reference), type_oid))
        };
        Ok(column(TABLE_OID, Oid::OID).zip(column(Var::CTID, Oid::INT8)).map(|(table, row)| vec![table, row]))
    }

    fn lock(&self, mark: &RowMark, row: Vec<Expr>) -> Result<Expr> {
        let relation = self.relation(mark.relation)?;
        let number = |number: i64| Expr::integer(number, Oid::INT4);
        let (row, [stored, shown]) = match <[Expr; 2]>::try_from(row) {
            Ok([table, row]) => {
                let members = self.members(relation);
                let named = |name: fn(&Relation) -> &str| {
                    let of = |member: &&Relation| {
                        let oid = Expr::integer(i64::from(member.oid.0), Oid::OID);
                        (Expr::compare("=", table.clone(), oid), Expr::text(name(member)))
                    };
                    let kind = ExprKind::Case { whens: members.iter().map(of).collect(), otherwise: None };
                    Expr::new(kind, Oid::TEXT)
                };
                (row, [named(|member| &member.sqlite_name), named(|member| &member.name)])
            }
            Err(row) => {
                let row = row.into_iter().next().ok_or_else(|| Error::internal("a lock without a row"))?;
                (row, [Expr::text(relation.sqlite_name.to_string()), Expr::text(relation.name.to_string())])
            }
        };
        let args = vec![stored, row, number(mark.strength as i64), number(mark.wait as i64), shown];
        Ok(Expr::function("pg_lock_row", args, Oid::BOOL))
    }
}

/// The item of that alias among what is joined.
fn find<'i>(item: &'i FromItem, wanted: &Rc<str>) -> Option<&'i FromItem> {
    match item {
        FromItem::Table { alias, .. } | FromItem::Derived { alias, .. } => (alias == wanted).then_some(item),
        FromItem::Join { left, right, .. } => find(left, wanted).or_else(|| find(right, wanted)),
        _ => None,
    }
}
