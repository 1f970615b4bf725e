//! The prepared statements that a change of rows runs again and again for one row after the other.
//!
//! Owns: [`RowStatements`], [`Values`]. Must not know: what they do. Constraints that one violates are described as those
//! of any statement.

use std::sync::Arc;

use crate::catalog::schema::Relation;
use crate::engine::connection::Entered;
use crate::engine::constraint_errors;
use crate::engine::cursor::value_of;
use crate::engine::statement::{RawStatement, Step};
use crate::engine::triggers::Firing;
use crate::error::Result;
use crate::sql::plan::Bind;
use crate::sql::row_change::{ROW_VALUES, RowSql};
use crate::types::value::Value;

/// A row that is kept for later.
pub(crate) type Row = Arc<Vec<Value>>;

/// What the parameters of a statement about a row stand for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Values<'v> {
    pub(crate) old: &'v [Value],
    pub(crate) new: &'v [Value],
    pub(crate) rowid: Option<&'v Value>,
    /// The relation, if it is changed.
    pub(crate) relation: Option<&'v Relation>,
    /// How many columns the relation has.
    pub(crate) width: usize,
    /// Those of the whole statement, and its constants.
    pub(crate) params: &'v [Value],
    pub(crate) literals: &'v [Value],
}

impl<'v> Values<'v> {
    fn get(&self, bind: &Bind) -> &'v Value {
        let found = match bind {
            Bind::Param(index) if *index >= ROW_VALUES => {
                let place = index - ROW_VALUES;
                match place.checked_sub(self.width) {
                    None => self.old.get(place),
                    Some(place) if place < self.width => self.new.get(place),
                    Some(_) => self.rowid,
                }
            }
            bind => value_of(bind, self.params, self.literals),
        };
        found.unwrap_or(&Value::Null)
    }
}

/// Statements in use. They go back to the connection's cache with [`RowStatements::put_back`], after an error too.
#[derive(Default)]
pub(crate) struct RowStatements(Vec<(Arc<str>, RawStatement)>);

impl RowStatements {
    /// Runs a statement for a row: the first row that it gives, if it gives any, and how many rows it has changed.
    pub(crate) fn run(
        &mut self,
        firing: &Firing<'_>,
        statement: &RowSql,
        values: &Values<'_>,
    ) -> Result<(Option<Vec<Value>>, u64)> {
        let entered = firing.entered;
        let place = match self.0.iter().position(|(sql, _)| Arc::ptr_eq(sql, &statement.sql)) {
            Some(place) => place,
            None => {
                let raw = entered.prepare(&statement.sql).map_err(|code| entered.error(code))?;
                self.0.push((Arc::clone(&statement.sql), raw));
                self.0.len() - 1
            }
        };
        let Some((_, raw)) = self.0.get_mut(place) else { return Ok((None, 0)) };
        let bound = statement.binds.iter().map(|bind| values.get(bind));
        raw.borrowing(bound, |raw, bound| {
            let first = bound.and_then(|()| first_row(raw));
            match first {
                Ok(first) => Ok((first, entered.changes())),
                Err(code) => {
                    let origin = values.relation.map(|relation| firing.origin.with_row(relation, values.new));
                    Err(constraint_errors::describe(entered, raw, code, origin.as_ref()))
                }
            }
        })
    }

    /// The first row of a query.
    pub(crate) fn first(
        &mut self,
        firing: &Firing<'_>,
        query: &RowSql,
        values: &Values<'_>,
    ) -> Result<Option<Vec<Value>>> {
        self.run(firing, query, values).map(|(first, _)| first)
    }

    /// The end.
    pub(crate) fn put_back(&mut self, entered: &Entered<'_>) {
        self.0.drain(..).for_each(|(sql, raw)| entered.put_back(sql, raw));
    }
}

fn first_row(raw: &mut RawStatement) -> std::result::Result<Option<Vec<Value>>, crate::engine::statement::Code> {
    let mut first = None;
    while raw.step()? == Step::Row {
        if first.is_none() {
            first = Some((0..raw.column_count()).map(|index| raw.column(index).to_owned()).collect());
        }
    }
    Ok(first)
}
