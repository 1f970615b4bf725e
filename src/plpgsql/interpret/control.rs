//! Assignment, IF, CASE and the loops.
//!
//! Must not know: statements of SQL.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::limits::session;
use crate::plpgsql::host::{Direction, Source};
use crate::plpgsql::interpret::block::Flow;
use crate::plpgsql::interpret::frame::Frame;
use crate::plpgsql::query::{self, Query};
use crate::plpgsql::simple::Simple;
use crate::plpgsql::tree::{Body, Case, Expression, ForInteger, Label, Place, QuerySource, Root, Target};
use crate::plpgsql::value::{Column, DataType, Typed};
use crate::plpgsql::variables::{Slot, Variables};
use crate::types::value::Value;
use crate::types::{array, array_assign};

/// How many rows a loop over a query asks for at a time.
const ROWS: i64 = 50;

impl<'a> Frame<'a> {
    pub fn assignment(&mut self, target: &'a Place, value: &'a Expression) -> Result<()> {
        match (&target.root, target.steps.is_empty()) {
            (Root::Variable(number), true) if self.variable(*number)?.data_type.is_row() => {
                self.assign_row(*number, value)
            }
            (root, true) => self.assign_expression(root, value).map_err(|error| value.refused_constant(error)),
            (_, false) => self.assign_into(target, value).map_err(|error| match error.fields().position {
                Some(position) => error.with_internal_position(position, &*value.query.written),
                None => error,
            }),
        }
    }

    /// exec_assign_expr
    pub fn assign_expression(&mut self, root: &Root, value: &Expression) -> Result<()> {
        let number = match root {
            Root::Variable(number) => number,
            Root::Field(record, field) => {
                // It is part of the statement that is planned.
                self.variables().field(*record, field).map_err(|error| value.query.failed(error))?;
                let value = self.evaluate(value)?;
                return self.assign(root, value);
            }
        };
        let variable = self.variable(*number)?;
        if let Some(simple) = &value.simple
            && variable.data_type == simple.data_type()
            && !variable.not_null
        {
            let result = simple.evaluate(&self.slots).map_err(|error| value.failed(error))?;
            self.set(*number, result);
            return Ok(());
        }
        let value = self.evaluate(value)?;
        self.assign(root, value)
    }

    /// An assignment to a record variable. What is no row is read from its text, as where there is no cast.
    fn assign_row(&mut self, number: u32, value: &Expression) -> Result<()> {
        if let Some(Root::Variable(source)) = &value.direct
            && let Some(Slot::Record(Some(record), _)) = self.slots.get(*source as usize)
        {
            let record = record.clone();
            return self.move_record(number, record);
        }
        if let Some(fields) = &value.row {
            let record = self.row(fields)?;
            return self.move_record(number, record);
        }
        let declared = self.variable(number)?.data_type;
        let mut value = self.evaluate(value)?;
        if !value.value.is_null() && !value.data_type.is_row() {
            if declared == DataType::RECORD {
                let message = "input of anonymous composite types is not implemented";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            value = Typed::new(declared, self.host.cast(value, &declared)?);
        }
        self.assign(&Root::Variable(number), value)
    }

    pub fn stmt_if(&mut self, branches: &'a [(Expression, Body)], otherwise: &'a Body) -> Result<Flow> {
        for (condition, body) in branches {
            if self.is_true(condition)? {
                return self.body(body);
            }
        }
        self.body(otherwise)
    }

    pub fn case(&mut self, case: &'a Case) -> Result<Flow> {
        if let Some((subject, number)) = &case.subject {
            let value = self.evaluate(subject)?;
            if let Some(slot) = self.slots.get_mut(*number as usize) {
                *slot = match subject.simple {
                    Some(_) => Slot::Scalar(value.value),
                    None => Slot::Typed(value),
                };
            }
        }
        let mut chosen = None;
        for (condition, body) in &case.branches {
            if self.is_true(condition)? {
                chosen = Some(body);
                break;
            }
        }
        if let Some((_, number)) = &case.subject {
            self.set(*number, Value::Null);
        }
        match chosen.or(case.otherwise.as_ref()) {
            Some(body) => self.body(body),
            None => Err(Error::new(SqlState::CASE_NOT_FOUND, "case not found")
                .with_hint("CASE statement is missing ELSE part.")),
        }
    }

    pub fn stmt_loop(&mut self, label: &'a Label, body: &'a Body) -> Result<Flow> {
        loop {
            session::work(1)?;
            let flow = self.body(body)?;
            if let Some(flow) = self.after_body(flow, label) {
                return Ok(flow);
            }
        }
    }

    pub fn stmt_while(&mut self, label: &'a Label, condition: &'a Expression, body: &'a Body) -> Result<Flow> {
        while self.is_true(condition)? {
            session::work(1)?;
            let flow = self.body(body)?;
            if let Some(flow) = self.after_body(flow, label) {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    pub fn for_integer(&mut self, stmt: &'a ForInteger) -> Result<Flow> {
        let mut at = self.bound(&stmt.lower, "lower bound")?;
        let end = self.bound(&stmt.upper, "upper bound")?;
        let step = match &stmt.step {
            Some(step) => self.bound(step, "BY value")?,
            None => 1,
        };
        if step <= 0 {
            let message = "BY value of FOR loop must be greater than zero";
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let (mut found, mut result) = (false, Flow::Next);
        while if stmt.reverse { at >= end } else { at <= end } {
            found = true;
            session::work(1)?;
            self.set(stmt.variable, Value::Integer(i64::from(at)));
            let flow = self.body(&stmt.body)?;
            if let Some(flow) = self.after_body(flow, &stmt.label) {
                result = flow;
                break;
            }
            let next = if stmt.reverse { at.checked_sub(step) } else { at.checked_add(step) };
            let Some(next) = next else { break };
            at = next;
        }
        self.set_found(found);
        Ok(result)
    }

    fn bound(&mut self, expression: &Expression, what: &str) -> Result<i32> {
        let value = match &expression.simple {
            Some(Simple::Integer(integer, _)) => {
                let value = integer.evaluate(&self.slots).map_err(|error| expression.failed(error))?;
                match value.map(i32::try_from) {
                    Some(Ok(value)) => Some(i64::from(value)),
                    Some(Err(_)) => {
                        return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"));
                    }
                    None => None,
                }
            }
            _ => self.integer(expression)?,
        };
        value
            .and_then(|value| i32::try_from(value).ok())
            .ok_or_else(|| Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, format!("{what} of FOR loop cannot be null")))
    }

    // ----- loops over rows

    pub fn for_query(
        &mut self,
        label: &'a Label,
        target: &'a Target,
        source: &'a QuerySource,
        body: &'a Body,
    ) -> Result<Flow> {
        let cursor = match source {
            QuerySource::Query(query) => self.open_query(query, None, Some(false))?,
            QuerySource::Execute { text, using } => {
                let (text, using) = self.dynamic(text, using)?;
                let opened = self.host.open(None, Source::Text(&text, &using), Some(false));
                opened.map_err(|error| query::failed(&text, error))?
            }
        };
        let flow = self.rows(label, target, &cursor, ROWS, body);
        self.close_loop(&cursor, flow)
    }

    /// A loop's cursor is closed however the loop ends; an error in the loop is the one that is told.
    fn close_loop(&mut self, cursor: &str, flow: Result<Flow>) -> Result<Flow> {
        self.host.pin(cursor, false);
        let closed = self.host.close(cursor);
        let flow = flow?;
        closed.map(|()| flow)
    }

    /// Opens a cursor for one of the function's queries.
    pub fn open_query(&mut self, query: &Query, name: Option<&str>, scroll: Option<bool>) -> Result<String> {
        self.place.set_query(Some(Arc::clone(&query.context)));
        let variables = Variables { function: self.function, slots: &self.slots };
        let opened = self.host.open(name, Source::Query(query, variables), scroll);
        self.place.set_query(None);
        opened.map_err(|error| match error.code() {
            // The query is planned by then.
            SqlState::INVALID_CURSOR_DEFINITION => error,
            _ => query.failed(error),
        })
    }

    pub fn for_cursor(
        &mut self,
        label: &'a Label,
        cursor: u32,
        arguments: Option<&'a Query>,
        record: u32,
        body: &'a Body,
    ) -> Result<Flow> {
        let given = self.cursor_name(cursor)?;
        let name = self.open_bound(cursor, given.as_deref(), arguments)?;
        if given.is_none() {
            self.set(cursor, Value::Text(name.clone()));
        }
        // Others can see where the cursor stands.
        let flow = self.rows(label, &Target::Record(record), &name, 1, body);
        let flow = self.close_loop(&name, flow)?;
        if given.is_none() {
            self.set(cursor, Value::Null);
        }
        Ok(flow)
    }

    /// exec_for_query
    fn rows(&mut self, label: &'a Label, target: &Target, cursor: &str, count: i64, body: &'a Body) -> Result<Flow> {
        let (mut found, mut result) = (false, Flow::Next);
        self.host.pin(cursor, true);
        'rows: loop {
            let answer = self.host.fetch(cursor, Direction::Forward(count), false)?;
            let columns = answer.columns.unwrap_or_else(|| Arc::from([]));
            if answer.rows.is_empty() {
                if !found {
                    self.move_row(target, &columns, None)?;
                }
                break;
            }
            found = true;
            for row in answer.rows {
                self.move_row(target, &columns, Some(row))?;
                let flow = self.body(body)?;
                if let Some(flow) = self.after_body(flow, label) {
                    result = flow;
                    break 'rows;
                }
            }
        }
        self.set_found(found);
        Ok(result)
    }

    // ----- FOREACH

    pub fn for_each(
        &mut self,
        label: &'a Label,
        target: &'a Target,
        slice: i32,
        array: &'a Expression,
        body: &'a Body,
    ) -> Result<Flow> {
        let value = self.evaluate(array)?;
        let stored = match &value.value {
            Value::Null => {
                let message = "FOREACH expression must not be null";
                return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
            }
            Value::Text(stored) if value.data_type.repr.array_of.is_some() => stored.clone(),
            _ => {
                let display = self.host.display(&value.data_type);
                let message = format!("FOREACH expression must yield an array, not type {display}");
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            }
        };
        let dimensions = array::dimensions(&stored)?.len();
        if slice < 0 || slice as usize > dimensions {
            let message = format!("slice dimension ({slice}) is out of the valid range 0..{dimensions}");
            return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message));
        }
        self.check_foreach_variable(target, slice)?;
        let column = self.slice_column(&value.data_type, slice)?;
        let (mut found, mut result) = (false, Flow::Next);
        for item in array_assign::slices(&stored, value.data_type.repr.scalar, slice as usize)? {
            found = true;
            self.assign_slice(target, &column, item)?;
            let flow = self.body(body)?;
            if let Some(flow) = self.after_body(flow, label) {
                result = flow;
                break;
            }
        }
        self.set_found(found);
        Ok(result)
    }

    /// The type of what FOREACH goes over: elements, or arrays of fewer dimensions.
    fn slice_column(&mut self, array: &DataType, slice: i32) -> Result<Column> {
        let data_type = match array.repr.array_of {
            Some(element) if slice == 0 => self.host.by_oid(element, array.typmod)?,
            _ => *array,
        };
        Ok(Column::new("", data_type))
    }

    fn check_foreach_variable(&mut self, target: &Target, slice: i32) -> Result<()> {
        let is_array = match target {
            Target::List(list) => match list.as_slice() {
                [root] => self.place_type(root)?.repr.array_of.is_some(),
                _ => false,
            },
            Target::Record(_) => false,
        };
        let message = match (slice > 0, is_array) {
            (true, false) => "FOREACH ... SLICE loop variable must be of an array type",
            (false, true) => "FOREACH loop variable must not be of an array type",
            _ => return Ok(()),
        };
        Err(Error::new(SqlState::DATATYPE_MISMATCH, message))
    }

    /// The type of what a variable or field holds.
    pub fn place_type(&self, root: &Root) -> Result<DataType> {
        match root {
            Root::Variable(number) => Ok(self.variable(*number)?.data_type),
            Root::Field(number, field) => Ok(self.variables().field(*number, field)?.0.data_type),
        }
    }

    fn assign_slice(&mut self, target: &Target, column: &Column, item: Value) -> Result<()> {
        let value = Typed::new(column.data_type, item);
        match target {
            Target::Record(number) => self.assign(&Root::Variable(*number), value),
            Target::List(list) => match list.as_slice() {
                [root] => self.assign(root, value),
                _ if value.value.is_null() => self.move_row(target, &Arc::from([]), None),
                _ if !value.data_type.is_row() => {
                    let message = "cannot assign non-composite value to a row variable";
                    Err(Error::new(SqlState::DATATYPE_MISMATCH, message))
                }
                _ => {
                    let record = self.record_of(value)?;
                    self.move_row(target, &record.columns, Some(record.values))
                }
            },
        }
    }
}
