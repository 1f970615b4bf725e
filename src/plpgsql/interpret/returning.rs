//! RETURN and its like, and what of it leaves the function.
//!
//! Owns: [`Value`]. Must not know: other statements.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::limits::session;
use crate::plpgsql::call::{Returned, Row};
use crate::plpgsql::function::RoutineKind;
use crate::plpgsql::host::Answer;
use crate::plpgsql::interpret::frame::Frame;
use crate::plpgsql::query::{self, Query, QueryKind};
use crate::plpgsql::tree::{QuerySource, ReturnValue, Root};
use crate::plpgsql::value::{Column, DataType, Record, Typed};
use crate::plpgsql::variables::Slot;
use crate::types::pg_type::Oid;
use crate::types::value;

/// What RETURN was given.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    Scalar(Typed),
    Record(Record),
}

const NOT_COMPOSITE: &str = "cannot return non-composite value from function returning composite type";
const WRONG_RECORD: &str = "returned record type does not match expected record type";
const WRONG_NEXT_RECORD: &str = "wrong record type supplied in RETURN NEXT";

impl Frame<'_> {
    /// Whether it returns rows: fn_retistuple.
    fn returns_row(&self) -> bool {
        let signature = &self.function.signature;
        signature.kind == RoutineKind::Trigger || signature.returns.is_row()
    }

    pub fn stmt_return(&mut self, value: &ReturnValue) -> Result<()> {
        if self.function.signature.returns_set {
            return Ok(());
        }
        self.returned = Value::Null;
        let value = match value {
            ReturnValue::None => return Ok(()),
            ReturnValue::Row(numbers) => {
                self.returned = Value::Record(self.output_row(numbers)?);
                return Ok(());
            }
            ReturnValue::Variable(number) => match self.slots.get(*number as usize) {
                Some(Slot::Record(record, _)) => {
                    self.returned = record.clone().map_or(Value::Null, Value::Record);
                    return Ok(());
                }
                _ => self.direct(&Root::Variable(*number))?,
            },
            ReturnValue::Expression(expression) => self.evaluate(expression)?,
        };
        if self.returns_row() && !value.value.is_null() && !value.data_type.is_row() {
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, NOT_COMPOSITE));
        }
        self.returned = match value.value.is_null() && !self.function.signature.returns.is_domain() {
            true => Value::Null,
            false => Value::Scalar(value),
        };
        Ok(())
    }

    /// The output parameters as a row.
    fn output_row(&mut self, numbers: &[u32]) -> Result<Record> {
        let (mut columns, mut values) = (Vec::with_capacity(numbers.len()), Vec::with_capacity(numbers.len()));
        for number in numbers {
            let value = self.direct(&Root::Variable(*number))?;
            columns.push(Column {
                name: self.variable(*number)?.name.clone(),
                data_type: value.data_type,
                fields: value.fields,
            });
            values.push(value.value);
        }
        Ok(Record { data_type: DataType::RECORD, columns: Arc::from(columns), values })
    }

    // ----- sets

    /// The columns of the rows that the caller expects.
    fn set_columns(&self) -> Result<Arc<[Column]>> {
        self.call.result.clone().ok_or_else(|| {
            let message = "set-valued function called in context that cannot accept a set";
            Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        })
    }

    pub fn return_next(&mut self, value: &ReturnValue) -> Result<()> {
        let columns = self.set_columns()?;
        let record = match value {
            ReturnValue::None => {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "RETURN NEXT must have a parameter"));
            }
            ReturnValue::Row(numbers) => Some(self.output_row(numbers)?),
            ReturnValue::Variable(number) if self.variable(*number)?.data_type.is_row() => {
                Some(self.whole_record(*number)?)
            }
            _ => None,
        };
        if let Some(record) = record {
            let row = self.fit(record, &columns, WRONG_NEXT_RECORD)?;
            return self.emit(row);
        }
        let value = match value {
            ReturnValue::Variable(number) => self.direct(&Root::Variable(*number))?,
            ReturnValue::Expression(expression) => self.evaluate(expression)?,
            _ => return Ok(()),
        };
        if self.returns_row() && !matches!(self.function.output, crate::plpgsql::function::Output::One(_)) {
            let row = match value {
                value if value.value.is_null() => vec![value::Value::Null; columns.len()],
                value if !value.data_type.is_row() => {
                    return Err(Error::new(SqlState::DATATYPE_MISMATCH, NOT_COMPOSITE));
                }
                value => {
                    let record = self.record_of(value)?;
                    self.fit(record, &columns, WRONG_RECORD)?
                }
            };
            return self.emit(row);
        }
        let [column] = &*columns else {
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, "wrong result type supplied in RETURN NEXT"));
        };
        let value = self.cast(value, &column.data_type)?;
        self.emit(vec![value])
    }

    /// A record variable's row: NULLs if it is NULL.
    fn whole_record(&self, number: u32) -> Result<Record> {
        let variable = self.variable(number)?;
        match self.slots.get(number as usize) {
            Some(Slot::Record(Some(record), _)) => Ok(record.clone()),
            Some(Slot::Record(None, Some(columns))) => Ok(Record::of_nulls(variable.data_type, Arc::clone(columns))),
            _ => Err(crate::plpgsql::variables::not_assigned(&variable.name)),
        }
    }

    fn emit(&mut self, row: Vec<value::Value>) -> Result<()> {
        session::work(row.len())?;
        self.host.emit(row)
    }

    pub fn return_query(&mut self, source: &QuerySource) -> Result<()> {
        let columns = self.set_columns()?;
        let count = match source {
            QuerySource::Query(query) => {
                let answer = self.run(query, None)?;
                self.emit_all(answer, &columns).map_err(|error| in_query(error, query))?
            }
            QuerySource::Execute { text, using } => {
                let (text, using) = self.dynamic(text, using)?;
                let answer = self.run_text(&text, &using)?;
                let emitted = self.emit_all(answer, &columns);
                emitted.map_err(|error| query::failed(&text, error))?
            }
        };
        self.processed = count;
        self.set_found(count != 0);
        Ok(())
    }

    /// All rows of an answer; how many there were.
    fn emit_all(&mut self, answer: Answer, columns: &Arc<[Column]>) -> Result<u64> {
        let Some(given) = answer.columns else {
            let message = format!("{} query does not return tuples", answer.tag);
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        };
        self.check_columns(&given, columns, "structure of query does not match function result type")?;
        let count = answer.rows.len() as u64;
        for row in answer.rows {
            self.emit(row)?;
        }
        Ok(count)
    }

    // ----- what leaves the function

    /// A row with the columns that are expected (convert_tuples_by_position).
    fn fit(&mut self, record: Record, columns: &[Column], message: &'static str) -> Result<Vec<value::Value>> {
        self.check_columns(&record.columns, columns, message)?;
        Ok(record.values)
    }

    fn check_columns(&mut self, given: &[Column], expected: &[Column], message: &'static str) -> Result<()> {
        let mismatch = |detail: String| Err(Error::new(SqlState::DATATYPE_MISMATCH, message).with_detail(detail));
        for (index, (given, expected)) in given.iter().zip(expected).enumerate() {
            if !given.data_type.is_same(&expected.data_type) {
                let types = (self.host.display(&given.data_type), self.host.display(&expected.data_type));
                return mismatch(format!(
                    "Returned type {} does not match expected type {} in column {}.",
                    types.0,
                    types.1,
                    index + 1
                ));
            }
        }
        if given.len() != expected.len() {
            return mismatch(format!(
                "Number of returned columns ({}) does not match expected column count ({}).",
                given.len(),
                expected.len()
            ));
        }
        Ok(())
    }

    /// What the caller gets.
    pub fn finish(&mut self) -> Result<Returned> {
        let signature = &self.function.signature;
        self.phase(match signature.kind {
            RoutineKind::Trigger => "during function exit",
            _ => "while casting return value to function's return type",
        });
        let returned = std::mem::replace(&mut self.returned, Value::Null);
        if signature.kind == RoutineKind::Trigger {
            return self.finish_trigger(returned);
        }
        if signature.returns_set {
            return Ok(Returned::Set);
        }
        let is_procedure = signature.kind == RoutineKind::Procedure;
        if is_procedure && let Value::Record(record) = returned {
            return Ok(Returned::Row(Some(Row { columns: record.columns, values: record.values })));
        }
        if signature.returns.oid == Oid::VOID || signature.kind == RoutineKind::EventTrigger {
            return Ok(Returned::Nothing);
        }
        if signature.returns.is_row() {
            return self.finish_row(returned);
        }
        let value = match returned {
            Value::Null if signature.returns.is_domain() => Typed::new(DataType::UNKNOWN, value::Value::Null),
            Value::Null => return Ok(Returned::Scalar(value::Value::Null)),
            Value::Scalar(value) => value,
            Value::Record(record) => {
                let value = self.host.compose(&record.columns, &record.values)?;
                Typed { data_type: record.data_type, value, fields: Some(record.columns) }
            }
        };
        Ok(Returned::Scalar(self.cast(value, &signature.returns)?))
    }

    fn returned_record(&mut self, returned: Value) -> Result<Option<Record>> {
        match returned {
            Value::Null => Ok(None),
            Value::Record(record) => Ok(Some(record)),
            Value::Scalar(value) if value.value.is_null() => Ok(None),
            Value::Scalar(value) => self.record_of(value).map(Some),
        }
    }

    fn finish_row(&mut self, returned: Value) -> Result<Returned> {
        let Some(record) = self.returned_record(returned)? else { return Ok(Returned::Row(None)) };
        let columns = match &self.call.result {
            Some(columns) => Arc::clone(columns),
            None => Arc::clone(&record.columns),
        };
        let values =
            match record.data_type.oid == self.function.signature.returns.oid && record.data_type.oid != Oid::RECORD {
                true => record.values,
                false => self.fit(record, &columns, WRONG_RECORD)?,
            };
        Ok(Returned::Row(Some(Row { columns, values })))
    }

    fn finish_trigger(&mut self, returned: Value) -> Result<Returned> {
        let Some(trigger) = &self.call.trigger else { return Ok(Returned::Trigger(None)) };
        if !trigger.for_each_row {
            return Ok(Returned::Trigger(None));
        }
        let Some(record) = self.returned_record(returned)? else { return Ok(Returned::Trigger(None)) };
        if Arc::ptr_eq(&record.columns, &trigger.columns) {
            return Ok(Returned::Trigger(Some(record.values)));
        }
        let message = "returned row structure does not match the structure of the triggering table";
        Ok(Returned::Trigger(Some(self.fit(record, &trigger.columns, message)?)))
    }
}

/// An error while a query's rows are taken.
fn in_query(error: Error, query: &Query) -> Error {
    error.within(QueryKind::Statement.context(&query.written))
}
