//! A result that is gone through forwards and backwards: the rows behind an SQL-level cursor.
//!
//! Owns: [`Rows`]: which rows are kept, where the cursor stands. Must not know: portals, messages.
//! Specification: sql-declare.html, sql-fetch.html; movement as in pquery.c (DoPortalRunFetch).

use std::collections::VecDeque;

use crate::engine::cursor::Cursor;
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::limits::session as limits;
use crate::sql::plan::{FetchCount, FetchDirection};
use crate::types::value::Value;

/// How much of what was passed is kept of a cursor that was not declared with SCROLL. PostgreSQL lets such a cursor go
/// back where the plan happens to allow it; here, as far as this reaches.
const WINDOW: usize = 1 << 20;

/// A row from which on memory is asked for before it is copied.
const LARGE: usize = 64 << 10;

/// The rows of a statement, read as they are needed.
pub struct Rows {
    /// The statement, with the outcome of its first step if it has been made; `None` once all rows are kept.
    rest: Option<(Cursor, Option<Result<bool>>)>,
    width: usize,
    /// Rows read, from number `first` on.
    kept: VecDeque<Vec<Value>>,
    first: usize,
    /// Bytes in `kept`, about.
    size: usize,
    keep: Keep,
    /// 0 is before the first row, one more than there are is behind the last.
    position: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    /// NO SCROLL: the row it stands on.
    One,
    Window,
    All,
}

/// Which rows a FETCH gives, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Next,
    Prior,
    /// The row it stands on.
    Same,
}

impl Rows {
    /// Of a statement that has been opened, with the outcome of its first step if that has been made. `scroll` is what
    /// DECLARE says.
    pub fn new(cursor: Cursor, first: Option<Result<bool>>, scroll: Option<bool>) -> Self {
        let keep = match scroll {
            Some(true) => Keep::All,
            Some(false) => Keep::One,
            None => Keep::Window,
        };
        let (width, rest) = (cursor.column_count(), Some((cursor, first)));
        Rows { rest, width, kept: VecDeque::new(), first: 1, size: 0, keep, position: 0 }
    }

    /// The statement, if not all rows are kept yet.
    pub fn statement(&self) -> Option<&Cursor> {
        self.rest.as_ref().map(|(cursor, _)| cursor)
    }

    /// Reads everything, and lets go of the statement.
    pub fn read_all(&mut self) -> Result<()> {
        while self.read()? {}
        Ok(())
    }

    /// Reads everything if that is not more than so many bytes; what goes wrong is for who comes to that row.
    pub fn read_ahead(&mut self, limit: usize) {
        let end = self.size.saturating_add(limit);
        while self.size < end {
            match self.read() {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    if let Some((_, first)) = &mut self.rest {
                        *first = Some(Err(error));
                    }
                    return;
                }
            }
        }
    }

    /// The row it stands on; none before the first and behind the last.
    pub fn current(&self) -> Option<&[Value]> {
        let at = self.position.checked_sub(self.first)?;
        self.kept.get(at).map(Vec::as_slice)
    }

    /// Goes to where a FETCH begins, and gives how many steps of which kind it makes from there.
    pub fn begin(&mut self, direction: FetchDirection) -> Result<(Step, u64)> {
        let all = |count| match count {
            FetchCount::All => u64::MAX,
            FetchCount::Rows(count) => count,
        };
        match direction {
            FetchDirection::Forward(FetchCount::Rows(0)) | FetchDirection::Backward(FetchCount::Rows(0)) => self.same(),
            FetchDirection::Forward(count) => Ok((Step::Next, all(count))),
            FetchDirection::Backward(count) => Ok((Step::Prior, all(count))),
            FetchDirection::Relative(0) => self.same(),
            FetchDirection::Relative(distance) => {
                let forward = distance > 0;
                let before = distance.unsigned_abs() - 1;
                self.go(if forward { Step::Next } else { Step::Prior }, before)?;
                Ok((if forward { Step::Next } else { Step::Prior }, 1))
            }
            FetchDirection::Absolute(number) if number >= 0 => {
                let target = usize::try_from(number).unwrap_or(usize::MAX);
                if target == 0 {
                    self.go(Step::Prior, u64::MAX)?;
                    return Ok((Step::Prior, 1));
                }
                while self.position >= target {
                    if !self.step(Step::Prior)? && self.position == 0 {
                        break;
                    }
                }
                let before = target - 1 - self.position;
                self.go(Step::Next, before as u64)?;
                Ok((Step::Next, 1))
            }
            FetchDirection::Absolute(number) => {
                self.go(Step::Next, u64::MAX)?;
                self.go(Step::Prior, number.unsigned_abs() - 1)?;
                Ok((Step::Prior, 1))
            }
        }
    }

    fn same(&mut self) -> Result<(Step, u64)> {
        if self.keep == Keep::One && self.current().is_some() {
            return Err(forward_only());
        }
        Ok((Step::Same, u64::from(self.current().is_some())))
    }

    fn go(&mut self, step: Step, count: u64) -> Result<()> {
        for _ in 0..count {
            if !self.step(step)? {
                break;
            }
        }
        Ok(())
    }

    /// One step; true if it stands on a row then.
    pub fn step(&mut self, step: Step) -> Result<bool> {
        match step {
            Step::Same => return Ok(self.current().is_some()),
            Step::Next => {
                let end = self.first + self.kept.len();
                if self.position < end {
                    self.position += 1;
                }
                if self.position == end && self.read()? {
                    self.trim();
                }
            }
            Step::Prior if self.position == 0 => {}
            Step::Prior if self.keep == Keep::One => return Err(forward_only()),
            Step::Prior => {
                if self.position == self.first && self.first > 1 {
                    return Err(forward_only());
                }
                self.position -= 1;
            }
        }
        Ok(self.current().is_some())
    }

    /// Reads one more row; false if there is none.
    fn read(&mut self) -> Result<bool> {
        let Some((cursor, first)) = &mut self.rest else { return Ok(false) };
        let on_row = first.take().unwrap_or_else(|| cursor.step())?;
        if !on_row {
            self.rest = None;
            return Ok(false);
        }
        let bytes = (0..self.width).map(|at| cursor.column(at).text_size() + size_of::<Value>()).sum();
        if bytes > LARGE {
            memory::reserve(bytes)?;
        }
        limits::work(bytes)?;
        let row: Vec<Value> = (0..self.width).map(|at| cursor.column(at).to_owned()).collect();
        self.size += size(&row);
        self.kept.push_back(row);
        Ok(true)
    }

    /// Forgets rows that cannot be gone back to any more.
    fn trim(&mut self) {
        let limit = match self.keep {
            Keep::All => return,
            Keep::Window => WINDOW,
            Keep::One => 0,
        };
        while self.size > limit && self.first < self.position {
            let Some(row) = self.kept.pop_front() else { return };
            self.size -= size(&row);
            self.first += 1;
        }
    }
}

fn size(row: &[Value]) -> usize {
    let held = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
        _ => 0,
    };
    row.iter().map(|value| held(value) + std::mem::size_of::<Value>()).sum()
}

fn forward_only() -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward")
        .with_hint("Declare it with SCROLL option to enable backward scan.")
}
