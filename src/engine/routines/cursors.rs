//! Cursors that functions open: named portals of the session, which outlive the function.
//!
//! Owns: [`FunctionCursor`], [`SessionLink::cursors`]. Their rows are read when they are opened, so that they do not see what
//! is changed later, as PostgreSQL's do not. Specification: plpgsql-cursors.html, sql-fetch.html.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use crate::catalog::tables::source::CursorPosition;
use crate::engine::session_schema::SessionLink;
use crate::error::{Error, Result, SqlState};
use crate::plpgsql::host::{ALL, Direction};
use crate::plpgsql::value::Column;
use crate::sql::plan::{FetchCount, FetchDirection, Plan, PositionedOn};
use crate::types::value::Value;

/// An open cursor.
pub(crate) struct FunctionCursor {
    pub(super) columns: Arc<[Column]>,
    /// Of its query.
    pub(crate) plan: Arc<Plan>,
    rows: Vec<Vec<Value>>,
    /// The row it stands on, from 1; 0 before the first.
    at: usize,
    scrolls: bool,
    /// How many blocks with EXCEPTION were open then.
    blocks: usize,
    /// A loop goes through it.
    pub(super) is_pinned: bool,
    positioned: PositionedOn,
}

/// The cursors that functions of a session have open.
#[derive(Default)]
pub(crate) struct FunctionCursors {
    by_name: BTreeMap<String, FunctionCursor>,
    /// How many have had no name.
    unnamed: u64,
}

impl SessionLink {
    pub(crate) fn cursors(&self) -> MutexGuard<'_, FunctionCursors> {
        self.cursors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FunctionCursors {
    /// Whether none is open.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&FunctionCursor> {
        self.by_name.get(name)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut FunctionCursor> {
        self.by_name.get_mut(name)
    }

    /// A name that no cursor has.
    pub(super) fn free_name(&mut self) -> String {
        loop {
            self.unnamed += 1;
            let name = format!("<unnamed portal {}>", self.unnamed);
            if !self.contains(&name) {
                return name;
            }
        }
    }

    pub(super) fn open(
        &mut self,
        name: String,
        (plan, columns): (Arc<Plan>, Arc<[Column]>),
        (rows, positioned): (Vec<Vec<Value>>, PositionedOn),
        (scrolls, blocks): (bool, usize),
    ) {
        let cursor = FunctionCursor { plan, columns, rows, at: 0, scrolls, blocks, is_pinned: false, positioned };
        self.by_name.insert(name, cursor);
    }

    pub(crate) fn close(&mut self, name: &str) -> bool {
        self.by_name.remove(name).is_some()
    }

    /// The innermost of so many blocks ended well: what was opened inside of it belongs to the one around.
    pub(super) fn leave(&mut self, blocks: usize) {
        self.by_name.values_mut().for_each(|cursor| cursor.blocks = cursor.blocks.min(blocks.saturating_sub(1)));
    }

    /// Closes those that were opened inside the innermost of so many blocks.
    pub(super) fn close_inside(&mut self, blocks: usize) {
        self.by_name.retain(|_, cursor| cursor.blocks < blocks);
    }

    /// CLOSE ALL
    pub(crate) fn close_all(&mut self) {
        self.by_name.clear();
    }

    /// The transaction ends: one that a loop goes through, whose body has ended it, stays until the loop does
    /// (HoldPinnedPortals).
    pub(crate) fn end_transaction(&mut self) {
        self.by_name.retain(|_, cursor| cursor.is_pinned);
    }
}

/// FETCH's direction.
fn direction(written: FetchDirection) -> Direction {
    let count = |count| match count {
        FetchCount::All => ALL,
        FetchCount::Rows(rows) => i64::try_from(rows).unwrap_or(ALL),
    };
    match written {
        FetchDirection::Forward(rows) => Direction::Forward(count(rows)),
        FetchDirection::Backward(rows) => Direction::Backward(count(rows)),
        FetchDirection::Absolute(place) => Direction::Absolute(place),
        FetchDirection::Relative(by) => Direction::Relative(by),
    }
}

impl FunctionCursor {
    /// FETCH of the session.
    pub(crate) fn go(&mut self, written: FetchDirection) -> Result<Vec<Vec<Value>>> {
        self.fetch(direction(written))
    }

    /// The tables whose rows it may be on, and whether it locks them.
    pub(crate) fn positions(&self) -> (Vec<CursorPosition>, bool) {
        let row = self.at.checked_sub(1).and_then(|index| self.rows.get(index));
        (self.positioned.at(self.columns.len(), row.map(Vec::as_slice)), self.positioned.locks)
    }

    /// Moves, and gives the rows it passes, without what says where it is.
    pub(crate) fn fetch(&mut self, direction: Direction) -> Result<Vec<Vec<Value>>> {
        let mut rows = self.passed(direction)?;
        rows.iter_mut().for_each(|row| row.truncate(self.columns.len()));
        Ok(rows)
    }

    /// DoPortalRunFetch
    fn passed(&mut self, direction: Direction) -> Result<Vec<Vec<Value>>> {
        let length = self.rows.len();
        match direction {
            Direction::Forward(ALL) => Ok(self.forward(length + 1)),
            Direction::Forward(0) | Direction::Backward(0) | Direction::Relative(0) => Ok(self.current()),
            Direction::Forward(count) if count > 0 => Ok(self.forward(usize::try_from(count).unwrap_or(usize::MAX))),
            Direction::Forward(count) => self.backward(count.unsigned_abs()),
            Direction::Backward(ALL) => self.backward(u64::MAX),
            Direction::Backward(count) if count > 0 => self.backward(count.unsigned_abs()),
            Direction::Backward(count) => Ok(self.forward(usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX))),
            Direction::Absolute(place) => {
                let wanted = match place {
                    0.. => usize::try_from(place).unwrap_or(usize::MAX),
                    _ => (length + 1).saturating_sub(usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX)),
                };
                self.go_to(wanted)
            }
            Direction::Relative(by) => {
                let by_rows = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
                let wanted = if by > 0 { self.at.saturating_add(by_rows) } else { self.at.saturating_sub(by_rows) };
                self.go_to(wanted)
            }
        }
    }

    fn go_to(&mut self, wanted: usize) -> Result<Vec<Vec<Value>>> {
        if wanted < self.at {
            self.may_go_back()?;
        }
        self.at = wanted.min(self.rows.len() + 1);
        Ok(self.current())
    }

    fn current(&self) -> Vec<Vec<Value>> {
        self.at.checked_sub(1).and_then(|index| self.rows.get(index)).cloned().into_iter().collect()
    }

    fn forward(&mut self, count: usize) -> Vec<Vec<Value>> {
        let length = self.rows.len();
        let start = self.at.min(length);
        let end = start.saturating_add(count).min(length);
        let rows = self.rows.get(start..end).map_or_else(Vec::new, <[_]>::to_vec);
        self.at = if end - start < count { length + 1 } else { end };
        rows
    }

    fn backward(&mut self, count: u64) -> Result<Vec<Vec<Value>>> {
        self.may_go_back()?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut rows = Vec::new();
        while rows.len() < count {
            self.at = self.at.saturating_sub(1);
            match self.at.checked_sub(1).and_then(|index| self.rows.get(index)) {
                Some(row) => rows.push(row.clone()),
                None => break,
            }
        }
        Ok(rows)
    }

    fn may_go_back(&self) -> Result<()> {
        if self.scrolls {
            return Ok(());
        }
        let message = "cursor can only scan forward";
        Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
            .with_hint("Declare it with SCROLL option to enable backward scan."))
    }
}
