//! A running function: its variables, where it stands, and what it asks its host.
//!
//! Owns: [`Frame`]: evaluating expressions, casting and assigning. Must not know: what statements do.

use std::rc::Rc;
use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::plpgsql::call::Call;
use crate::plpgsql::context::{At, FunctionPlace};
use crate::plpgsql::function::{Function, Variable};
use crate::plpgsql::host::{Answer, Command, Host, Source};
use crate::plpgsql::interpret::returning::Value as ReturnedValue;
use crate::plpgsql::query::{self, Query, QueryKind};
use crate::plpgsql::simple::Simple;
use crate::plpgsql::tree::{Expression, Label, Root, Target};
use crate::plpgsql::value::{Column, DataType, Record, Typed};
use crate::plpgsql::variables::{Slot, Variables, unknown};
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// A call of a function, while it runs.
pub(super) struct Frame<'a> {
    pub function: &'a Function,
    pub call: &'a Call,
    pub host: &'a mut dyn Host,
    pub slots: Vec<Slot>,
    pub place: Rc<FunctionPlace>,
    /// ROW_COUNT
    pub processed: u64,
    /// The error that the innermost handler handles, with its context down to this function.
    pub error: Option<Rc<Error>>,
    /// The error that passes has this function's line of context already.
    pub is_placed: bool,
    /// Where EXIT or CONTINUE goes.
    pub exit: Label,
    pub returned: ReturnedValue,
}

impl<'a> Frame<'a> {
    pub fn variable(&self, number: u32) -> Result<&'a Variable> {
        self.function.variables.get(number as usize).ok_or_else(unknown)
    }

    pub fn variables(&self) -> Variables<'_> {
        Variables { function: self.function, slots: &self.slots }
    }

    #[inline]
    pub fn set(&mut self, number: u32, value: Value) {
        if let Some(slot) = self.slots.get_mut(number as usize) {
            *slot = Slot::Scalar(value);
        }
    }

    #[inline]
    pub fn set_found(&mut self, found: bool) {
        self.set(self.function.found, Value::Integer(i64::from(found)));
    }

    /// The function does something else than a statement.
    pub fn phase(&self, phase: &'static str) {
        self.place.set(0, At::Phase(phase));
    }

    // ----- queries

    /// Runs one of the function's queries.
    pub fn run(&mut self, query: &Query, limit: Option<u64>) -> Result<Answer> {
        self.place.set_query(Some(Arc::clone(&query.context)));
        let variables = Variables { function: self.function, slots: &self.slots };
        let answer = self.host.run(Source::Query(query, variables), limit);
        self.place.set_query(None);
        answer.map_err(|error| query.failed(error))
    }

    /// Runs a computed text.
    pub fn run_text(&mut self, text: &str, using: &[Typed]) -> Result<Answer> {
        self.place.set_query(Some(Arc::from(QueryKind::Statement.context(text))));
        let answer = self.host.run(Source::Text(text, using), None);
        self.place.set_query(None);
        answer.map_err(|error| query::failed(text, error))
    }

    /// The text and the values of EXECUTE (exec_eval_using_params).
    pub fn dynamic(&mut self, text: &Expression, using: &[Expression]) -> Result<(String, Vec<Typed>)> {
        let value = self.evaluate(text)?;
        if value.value.is_null() {
            let message = "query string argument of EXECUTE is null";
            return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
        }
        let text = self.text(&value)?;
        let mut values = Vec::with_capacity(using.len());
        for expression in using {
            values.push(self.evaluate(expression)?);
        }
        Ok((text, values))
    }

    // ----- expressions

    /// The value of an expression (exec_eval_expr).
    pub fn evaluate(&mut self, expression: &Expression) -> Result<Typed> {
        if let Some(simple) = &expression.simple {
            let value = simple.evaluate(&self.slots).map_err(|error| expression.failed(error))?;
            return Ok(Typed::new(simple.data_type(), value));
        }
        if let Some(root) = &expression.direct {
            return self.direct(root).map_err(|error| expression.query.failed(error));
        }
        if let Some(fields) = &expression.row {
            let record = self.row(fields)?;
            let value = self.host.compose(&record.columns, &record.values)?;
            return Ok(Typed { data_type: DataType::RECORD, value, fields: Some(record.columns) });
        }
        if !expression.is_plain {
            self.place.set_query(Some(Arc::clone(&expression.query.context)));
        }
        let variables = Variables { function: self.function, slots: &self.slots };
        let answer = self.host.run(Source::Query(&expression.query, variables), Some(2));
        self.place.set_query(None);
        single_value(answer.map_err(|error| expression.failed(error))?, &expression.query)
    }

    /// The value of ROW(…).
    pub fn row(&mut self, fields: &[Expression]) -> Result<Record> {
        let (mut columns, mut values) = (Vec::with_capacity(fields.len()), Vec::with_capacity(fields.len()));
        for (index, field) in fields.iter().enumerate() {
            let value = self.evaluate(field)?;
            columns.push(Column { name: format!("f{}", index + 1), data_type: value.data_type, fields: value.fields });
            values.push(value.value);
        }
        Ok(Record { data_type: DataType::RECORD, columns: Arc::from(columns), values })
    }

    /// The value of a variable or a field.
    pub fn direct(&mut self, root: &Root) -> Result<Typed> {
        let number = match root {
            Root::Field(record, field) => {
                let (column, value) = self.variables().field(*record, field)?;
                return Ok(Typed { data_type: column.data_type, value: value.clone(), fields: column.fields.clone() });
            }
            Root::Variable(number) => *number,
        };
        let declared = self.variable(number)?.data_type;
        let record = match self.slots.get(number as usize).ok_or_else(unknown)? {
            Slot::Scalar(value) => return Ok(Typed::new(declared, value.clone())),
            Slot::Typed(typed) => return Ok(typed.clone()),
            Slot::Record(None, columns) => {
                return Ok(Typed { data_type: declared, value: Value::Null, fields: columns.clone() });
            }
            Slot::Record(Some(record), _) => record,
        };
        let value = self.host.compose(&record.columns, &record.values)?;
        let data_type = if declared == DataType::RECORD { record.data_type } else { declared };
        Ok(Typed { data_type, value, fields: Some(Arc::clone(&record.columns)) })
    }

    /// A condition; NULL is not true.
    #[inline]
    pub fn is_true(&mut self, expression: &Expression) -> Result<bool> {
        if let Some(Simple::Boolean(boolean)) = &expression.simple {
            let value = boolean.evaluate(&self.slots).map_err(|error| expression.failed(error))?;
            return Ok(value == Some(true));
        }
        let value = self.evaluate(expression)?;
        Ok(matches!(self.cast(value, &DataType::BOOL)?, Value::Integer(value) if value != 0))
    }

    /// An integer; `None` is NULL (exec_eval_integer).
    pub fn integer(&mut self, expression: &Expression) -> Result<Option<i64>> {
        let value = self.evaluate(expression)?;
        Ok(match self.cast(value, &DataType::INT4)? {
            Value::Integer(integer) => Some(integer),
            _ => None,
        })
    }

    /// A value's text; it is not NULL (convert_value_to_string).
    pub fn text(&mut self, value: &Typed) -> Result<String> {
        match (value.data_type.oid, &value.value) {
            (Oid::TEXT, Value::Text(text)) => Ok(text.clone()),
            (Oid::INT2 | Oid::INT4 | Oid::INT8, Value::Integer(integer)) => Ok(integer.to_string()),
            _ => self.host.text(value),
        }
    }

    /// exec_cast_value
    pub fn cast(&mut self, value: Typed, to: &DataType) -> Result<Value> {
        if value.data_type.is_same(to) || value.value.is_null() && !to.is_domain() {
            return Ok(value.value);
        }
        match (value.data_type.oid, to.oid, &value.value) {
            (Oid::INT2, Oid::INT4 | Oid::INT8, _) | (Oid::INT4, Oid::INT8, _) => Ok(value.value),
            _ => self.host.cast(value, to),
        }
    }

    // ----- assigning

    /// Puts a value into a variable or a field (exec_assign_value).
    pub fn assign(&mut self, root: &Root, value: Typed) -> Result<()> {
        match root {
            Root::Variable(number) if self.variable(*number)?.data_type.is_row() => self.assign_record(*number, value),
            Root::Variable(number) => {
                let variable = self.variable(*number)?;
                let value = self.cast(value, &variable.data_type)?;
                if variable.not_null && value.is_null() {
                    return Err(null_in(variable));
                }
                self.set(*number, value);
                Ok(())
            }
            Root::Field(number, field) => {
                let position = self.field_position(*number, field)?;
                let record = self.record_mut(*number)?;
                let wanted = record.columns.get(position).map_or(DataType::UNKNOWN, |column| column.data_type);
                let value = self.cast(value, &wanted)?;
                if let Some(slot) = self.record_mut(*number)?.values.get_mut(position) {
                    *slot = value;
                }
                Ok(())
            }
        }
    }

    /// The place of a field in a record, which becomes a row of NULLs if it was NULL.
    pub fn field_position(&mut self, number: u32, field: &str) -> Result<usize> {
        self.variables().field(number, field)?;
        let data_type = self.variable(number)?.data_type;
        if let Some(Slot::Record(record @ None, Some(columns))) = self.slots.get_mut(number as usize) {
            *record = Some(Record::of_nulls(data_type, Arc::clone(columns)));
        }
        self.record_mut(number)?.position(field).ok_or_else(unknown)
    }

    pub fn record_mut(&mut self, number: u32) -> Result<&mut Record> {
        match self.slots.get_mut(number as usize) {
            Some(Slot::Record(Some(record), _)) => Ok(record),
            _ => Err(unknown()),
        }
    }

    /// Puts a composite value into a record variable.
    fn assign_record(&mut self, number: u32, value: Typed) -> Result<()> {
        let variable = self.variable(number)?;
        if value.value.is_null() {
            if variable.not_null {
                return Err(null_in(variable));
            }
            return self.move_null(number);
        }
        if !value.data_type.is_row() {
            let message = "cannot assign non-composite value to a record variable";
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        let record = self.record_of(value)?;
        self.move_record(number, record)
    }

    /// A composite value's fields.
    pub fn record_of(&mut self, value: Typed) -> Result<Record> {
        let columns = match value.fields {
            Some(columns) => columns,
            None if value.data_type.oid == Oid::RECORD => {
                return Err(Error::unsupported("taking the fields of a record whose columns are not known beforehand"));
            }
            None => self.host.columns(value.data_type.oid)?,
        };
        let values = self.host.decompose(&columns, &value.value)?;
        Ok(Record { data_type: value.data_type, columns, values })
    }

    /// Makes a record variable NULL.
    pub fn move_null(&mut self, number: u32) -> Result<()> {
        let variable = self.variable(number)?;
        if variable.data_type.is_domain() {
            self.host.cast(Typed::new(DataType::UNKNOWN, Value::Null), &variable.data_type)?;
        }
        if let Some(Slot::Record(record, _)) = self.slots.get_mut(number as usize) {
            *record = None;
        }
        Ok(())
    }

    /// Puts a row into a record variable: by place, if its type has columns of its own (exec_move_row).
    pub fn move_record(&mut self, number: u32, from: Record) -> Result<()> {
        let variable = self.variable(number)?;
        let record = match &variable.columns {
            None => from,
            Some(columns) if from.data_type == variable.data_type && Arc::ptr_eq(columns, &from.columns) => from,
            Some(columns) => {
                let columns = Arc::clone(columns);
                self.check_count(from.columns.len(), columns.len())?;
                let variable = self.variable(number)?;
                let mut given = from.columns.iter().zip(from.values);
                let mut values = Vec::with_capacity(columns.len());
                for column in columns.iter() {
                    let value = match given.next() {
                        Some((source, value)) => of_column(source, value),
                        None => Typed::new(DataType::UNKNOWN, Value::Null),
                    };
                    values.push(self.cast(value, &column.data_type)?);
                }
                if variable.data_type.is_domain() {
                    let value = self.host.compose(&columns, &values)?;
                    self.host.cast(Typed::new(DataType::RECORD, value), &variable.data_type)?;
                }
                Record { data_type: variable.data_type, columns, values }
            }
        };
        if let Some(Slot::Record(slot, _)) = self.slots.get_mut(number as usize) {
            *slot = Some(record);
        }
        Ok(())
    }

    /// Puts a row into what takes one; without a row NULLs.
    pub fn move_row(&mut self, target: &Target, columns: &Arc<[Column]>, row: Option<Vec<Value>>) -> Result<()> {
        match target {
            Target::Record(number) => {
                let values = row.unwrap_or_else(|| vec![Value::Null; columns.len()]);
                self.move_record(*number, Record { data_type: DataType::RECORD, columns: Arc::clone(columns), values })
            }
            Target::List(list) => {
                self.check_count(columns.len(), list.len())?;
                let mut given = columns.iter().zip(row.unwrap_or_else(|| vec![Value::Null; columns.len()]));
                for root in list {
                    let value = match given.next() {
                        Some((column, value)) => of_column(column, value),
                        None => Typed::new(DataType::UNKNOWN, Value::Null),
                    };
                    self.assign(root, value)?;
                }
                Ok(())
            }
        }
    }
}

impl Expression {
    /// An error in the conversion of what is assigned. That of a constant is made while the statement is planned, and of a
    /// string while it is analysed.
    pub(super) fn refused_constant(&self, error: Error) -> Error {
        let fields = error.fields();
        let is_refused = fields.code.0.starts_with(b"22") && fields.code != SqlState::NULL_VALUE_NOT_ALLOWED;
        if !is_refused || fields.internal_position.is_some() || fields.context.is_some() {
            return error;
        }
        match self.simple.as_ref().and_then(Simple::constant) {
            None => error,
            Some(false) => error.within(&self.query.context),
            Some(true) => match self.query.written.chars().position(|c| c == '\'') {
                Some(at) => error.with_internal_position(at as u32 + 1, &*self.query.written),
                None => error,
            },
        }
    }

    /// An error in it.
    pub(super) fn failed(&self, error: Error) -> Error {
        match self.is_plain && error.fields().position.is_none() {
            true => error,
            false => self.query.failed(error),
        }
    }
}

/// A column's value.
pub(super) fn of_column(column: &Column, value: Value) -> Typed {
    Typed { data_type: column.data_type, value, fields: column.fields.clone() }
}

fn null_in(variable: &Variable) -> Error {
    let message = format!("null value cannot be assigned to variable \"{}\" declared NOT NULL", variable.name);
    Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message)
}

/// The one column of the only row. NULL without a row.
fn single_value(answer: Answer, query: &Query) -> Result<Typed> {
    let wrong =
        |code, message: String| Err(Error::new(code, message).with_context(format!("query: {}", query.written)));
    let columns = match (answer.command, answer.columns) {
        (Command::Select, Some(columns)) => columns,
        (Command::SelectInto, _) => {
            let message = "query is SELECT INTO, but it should be plain SELECT";
            return wrong(SqlState::SYNTAX_ERROR, message.to_owned());
        }
        _ => return wrong(SqlState::SYNTAX_ERROR, "query is not a SELECT".to_owned()),
    };
    let [column] = &*columns else {
        let (count, plural) = (columns.len(), if columns.len() == 1 { "" } else { "s" });
        if query.kind == QueryKind::Assignment {
            let message = format!("assignment source returned {count} column{plural}");
            return Err(Error::new(SqlState::SYNTAX_ERROR, message).with_context(&*query.context));
        }
        return wrong(SqlState::SYNTAX_ERROR, format!("query returned {count} column{plural}"));
    };
    let mut rows = answer.rows.into_iter();
    let first = rows.next();
    if rows.next().is_some() {
        return wrong(SqlState::CARDINALITY_VIOLATION, "query returned more than one row".to_owned());
    }
    let value = first.and_then(|row| row.into_iter().next()).unwrap_or(Value::Null);
    Ok(of_column(column, value))
}
