//! What EXPLAIN asks of the engine: SQLite's plan of a statement and of its steps, and what running it has shown.
//!
//! Owns: [`plans_of`], [`read_plan`], [`Counted`]. Must not know: what an answer looks like (`sql::explain`).

use std::time::{Duration, Instant};

use crate::engine::cursor::Cursor;
use crate::error::Result;
use crate::sql::explain::{Measured, Step};
use crate::sql::plan::SqliteStatement;
use crate::types::value::ValueRef;

/// The statements that ask for the plans of a statement's steps, in their order, and of itself.
pub fn plans_of(statement: &SqliteStatement) -> Vec<SqliteStatement> {
    let own = SqliteStatement {
        write: false,
        locks_rows: false,
        waits: false,
        // What they keep is not there; SQLite plans without it.
        before: Vec::new(),
        folded: None,
        fires: false,
        key_sources: Vec::new(),
        target: None,
        ..statement.clone()
    };
    let steps = statement.before.iter().filter(|step| !step.sql.is_empty()).map(|step| SqliteStatement {
        sql: step.sql.clone(),
        binds: step.binds.clone(),
        ..own.clone()
    });
    let all = steps.chain(std::iter::once(own.clone()));
    all.map(|one| SqliteStatement { sql: format!("EXPLAIN QUERY PLAN {}", one.sql).into(), ..one }).collect()
}

/// The lines of a plan.
pub fn read_plan(cursor: &mut Cursor) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    while cursor.step()? {
        let (ValueRef::Integer(id), ValueRef::Integer(parent), ValueRef::Text(detail)) =
            (cursor.column(0), cursor.column(1), cursor.column(3))
        else {
            continue;
        };
        let cost = match cursor.column(2) {
            ValueRef::Integer(cost) => cost,
            _ => 0,
        };
        steps.push(Step { id, parent, cost, detail: detail.to_owned() });
    }
    Ok(steps)
}

/// What running a statement to its end has shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    rows: u64,
    changes: u64,
    first: Duration,
    all: Duration,
}

impl Counted {
    /// Runs it to its end.
    pub fn of(cursor: &mut Cursor, gives_rows: bool, started: Instant) -> Result<Self> {
        let mut counted = Counted::default();
        let mut told = None;
        while cursor.step()? {
            if counted.rows == 0 {
                counted.first = started.elapsed();
            }
            counted.rows += 1;
            told = match cursor.column(0) {
                ValueRef::Integer(rows) => u64::try_from(rows).ok(),
                _ => None,
            };
        }
        counted.all = started.elapsed();
        if counted.rows == 0 {
            counted.first = counted.all;
        }
        counted.changes = match gives_rows {
            true => counted.rows,
            false => told.unwrap_or_else(|| cursor.changes()),
        };
        Ok(counted)
    }

    /// Says so.
    pub fn tell(&self, measured: &mut Measured) {
        measured.rows = Some(self.rows);
        measured.changes = self.changes;
        measured.startup = self.first.as_secs_f64() * 1000.0;
        measured.total = self.all.as_secs_f64() * 1000.0;
    }
}
