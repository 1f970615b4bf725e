//! FOR UPDATE and its like: a filter of the rows that have been found and sorted.
//!
//! Owns: [`Lower::locked`]. Must not know: who holds which lock (`engine::row_locks`). As PostgreSQL's LockRows, the filter
//! stands above the sort and below LIMIT: the rows that SKIP LOCKED passes over do not count, and no more are locked than
//! are asked for. Specification: sql-select.html#SQL-FOR-UPDATE-SHARE.

use std::rc::Rc;

use super::Lower;
use super::program::rowid;
use super::tree::{Body, Expr, FromItem, Query, Target};
use crate::error::{Error, Result};
use crate::sql::tree::{LockWaitPolicy, Query as Typed, RowMark};
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
            let alias = self.entries.get(&mark.entry).and_then(|entry| entry.alias.clone());
            let Some(alias) = alias.filter(|alias| select.from.iter().any(|item| is_table(item, alias))) else {
                // The write ticket keeps its rows; to tell them apart there is nothing.
                if mark.wait == LockWaitPolicy::Block {
                    continue;
                }
                return Err(Error::unsupported("SKIP LOCKED and NOWAIT of what is not a plain table"));
            };
            let row = rowid(self.relation(mark.relation)?, Some(alias));
            select.targets.push(Target { name: String::new(), expr: row });
            marks.push(mark);
        }
        if marks.is_empty() {
            return self.limited(typed, rows);
        }
        // So SQLite does not move the filter down.
        rows.limit = Some(Expr::integer(-1, Oid::INT8));
        let mut select = self.select_all(rows);
        let ids = select.targets.split_off(width);
        let locks = marks.into_iter().zip(ids).map(|(mark, id)| self.lock(mark, id.expr)).collect::<Result<_>>()?;
        select.selection = Expr::connected("({0} AND {1})", locks);
        self.limited(typed, Query::of_select(select))
    }

    fn lock(&self, mark: &RowMark, row: Expr) -> Result<Expr> {
        let relation = self.relation(mark.relation)?;
        let number = |number: i64| Expr::integer(number, Oid::INT4);
        let args = vec![
            Expr::text(relation.sqlite_name.to_string()),
            row,
            number(mark.strength as i64),
            number(mark.wait as i64),
            Expr::text(relation.name.to_string()),
        ];
        Ok(Expr::function("pg_lock_row", args, Oid::BOOL))
    }
}

fn is_table(item: &FromItem, wanted: &Rc<str>) -> bool {
    match item {
        FromItem::Table { alias, .. } => alias == wanted,
        FromItem::Join { left, right, .. } => is_table(left, wanted) || is_table(right, wanted),
        _ => false,
    }
}
