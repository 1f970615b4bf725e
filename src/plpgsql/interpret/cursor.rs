//! OPEN, FETCH, MOVE and CLOSE.
//!
//! Must not know: how the host keeps cursors.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::plpgsql::host::{Direction, Source};
use crate::plpgsql::interpret::frame::Frame;
use crate::plpgsql::query::{self, Query};
use crate::plpgsql::tree::{Fetch, FetchCount, FetchDirection, Open, OpenKind, QuerySource, Root, Target};
use crate::types::value::Value;

impl Frame<'_> {
    /// The name that a cursor variable has, which no open cursor may have.
    pub fn cursor_name(&mut self, cursor: u32) -> Result<Option<String>> {
        let Some(name) = self.cursor_value(cursor)? else { return Ok(None) };
        if self.host.is_open(&name) {
            return Err(Error::new(SqlState::DUPLICATE_CURSOR, format!("cursor \"{name}\" already in use")));
        }
        Ok(Some(name))
    }

    fn cursor_value(&mut self, cursor: u32) -> Result<Option<String>> {
        match self.direct(&Root::Variable(cursor))?.value {
            Value::Text(name) => Ok(Some(name)),
            _ => Ok(None),
        }
    }

    /// The name of an open cursor.
    fn open_cursor(&mut self, cursor: u32) -> Result<String> {
        let variable = self.variable(cursor)?;
        let Some(name) = self.cursor_value(cursor)? else {
            let message = format!("cursor variable \"{}\" is null", variable.name);
            return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
        };
        if !self.host.is_open(&name) {
            return Err(Error::new(SqlState::INVALID_CURSOR_NAME, format!("cursor \"{name}\" does not exist")));
        }
        Ok(name)
    }

    pub fn open(&mut self, open: &Open) -> Result<()> {
        let given = self.cursor_name(open.cursor)?;
        let name = match &open.kind {
            OpenKind::Bound(arguments) => self.open_bound(open.cursor, given.as_deref(), arguments.as_ref())?,
            OpenKind::Source(QuerySource::Query(query)) => self.open_query(query, given.as_deref(), open.scroll)?,
            OpenKind::Source(QuerySource::Execute { text, using }) => {
                let (text, using) = self.dynamic(text, using)?;
                let opened = self.host.open(given.as_deref(), Source::Text(&text, &using), open.scroll);
                opened.map_err(|error| query::failed(&text, error))?
            }
        };
        if given.is_none() {
            let variable = self.variable(open.cursor)?;
            if variable.constant {
                let message = format!("variable \"{}\" is declared CONSTANT", variable.name);
                return Err(Error::new(SqlState::ERROR_IN_ASSIGNMENT, message));
            }
            self.set(open.cursor, Value::Text(name));
        }
        Ok(())
    }

    /// Opens what a cursor variable is bound to, with its arguments.
    pub fn open_bound(&mut self, cursor: u32, name: Option<&str>, arguments: Option<&Query>) -> Result<String> {
        let bound = self.variable(cursor)?.cursor.as_ref().map(Arc::clone);
        let bound = bound.ok_or_else(|| Error::internal("a cursor that is not bound"))?;
        if let (Some(arguments), Some(parameters)) = (arguments, &bound.arguments) {
            let answer = self.run(arguments, Some(1))?;
            let columns = answer.columns.unwrap_or_else(|| Arc::from([]));
            let target = Target::List(parameters.iter().map(|number| Root::Variable(*number)).collect());
            self.move_row(&target, &columns, answer.rows.into_iter().next())?;
        }
        self.open_query(&bound.query, name, bound.scroll)
    }

    pub fn fetch(&mut self, fetch: &Fetch) -> Result<()> {
        let name = self.open_cursor(fetch.cursor)?;
        let count = match &fetch.count {
            FetchCount::Number(count) => *count,
            FetchCount::Expression(expression) => self.integer(expression)?.ok_or_else(|| {
                let message = "relative or absolute cursor position is null";
                Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message)
            })?,
        };
        let direction = match fetch.direction {
            FetchDirection::Forward => Direction::Forward(count),
            FetchDirection::Backward => Direction::Backward(count),
            FetchDirection::Absolute => Direction::Absolute(count),
            FetchDirection::Relative => Direction::Relative(count),
        };
        let answer = self.host.fetch(&name, direction, fetch.target.is_none())?;
        if let Some(target) = &fetch.target {
            let columns = answer.columns.unwrap_or_else(|| Arc::from([]));
            self.move_row(target, &columns, answer.rows.into_iter().next())?;
        }
        self.processed = answer.processed;
        self.set_found(answer.processed != 0);
        Ok(())
    }

    pub fn close(&mut self, cursor: u32) -> Result<()> {
        let name = self.open_cursor(cursor)?;
        self.host.close(&name)
    }
}
