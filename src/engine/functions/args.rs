//! A function's arguments and result, in stored form.
//!
//! Owns: [`Args`], [`Output`]. A value whose storage class is not what its PostgreSQL type says (a file that others
//! wrote) is read as its closest equivalent, or fails with the type's own input error.

use std::borrow::Cow;

use rusqlite::ToSql;
use rusqlite::functions::Context;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

use super::ContextSlot;
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::types::value::Value as StoredValue;

/// The arguments of one call.
pub struct Args<'c> {
    source: Source<'c>,
    slot: &'c ContextSlot,
}

/// Where they are.
enum Source<'c> {
    Call(&'c Context<'c>),
    /// Made of an array (`spread`).
    Values(&'c [Value]),
}

impl<'c> Args<'c> {
    pub(super) fn new(context: &'c Context<'c>, slot: &'c ContextSlot) -> Self {
        Args { source: Source::Call(context), slot }
    }

    /// Arguments that no call of SQLite's has.
    pub(super) fn of_values(values: &'c [Value], slot: &'c ContextSlot) -> Self {
        Args { source: Source::Values(values), slot }
    }

    /// The connection's slot: session, sequences, interrupt.
    pub fn slot(&self) -> &'c ContextSlot {
        self.slot
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        match self.source {
            Source::Call(context) => context.len(),
            Source::Values(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of all arguments.
    pub(super) fn size(&self) -> usize {
        let size = |value| match value {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
            _ => 0,
        };
        (0..self.len()).map(|index| size(self.raw(index))).sum()
    }

    pub(super) fn any_null(&self) -> bool {
        (0..self.len()).any(|i| self.is_null(i))
    }

    /// The stored value; NULL for an argument that was not given.
    pub fn raw(&self, index: usize) -> ValueRef<'c> {
        match self.source {
            Source::Call(context) if index < context.len() => context.get_raw(index),
            Source::Values(values) => values.get(index).map_or(ValueRef::Null, ValueRef::from),
            Source::Call(_) => ValueRef::Null,
        }
    }

    /// Whether the argument is NULL or was not given.
    pub fn is_null(&self, index: usize) -> bool {
        matches!(self.raw(index), ValueRef::Null)
    }

    /// An integer, oid or bool.
    pub fn int(&self, index: usize) -> Result<i64> {
        match self.raw(index) {
            ValueRef::Integer(i) => Ok(i),
            other => int_of(other),
        }
    }

    /// An argument that is a bool.
    pub fn bool(&self, index: usize) -> Result<bool> {
        Ok(self.int(index)? != 0)
    }

    /// An int4; what does not fit is 22003.
    pub fn int4(&self, index: usize) -> Result<i32> {
        i32::try_from(self.int(index)?)
            .map_err(|_| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"))
    }

    /// A float; 'NaN' is stored as text.
    pub fn float(&self, index: usize) -> Result<f64> {
        match self.raw(index) {
            ValueRef::Real(r) => Ok(r),
            ValueRef::Integer(i) => Ok(i as f64),
            other => float_of(other),
        }
    }

    /// Text. Numbers of a column without a declared type are given as SQLite prints them.
    pub fn text(&self, index: usize) -> Result<Cow<'c, str>> {
        text_of(self.raw(index))
    }

    /// Bytes.
    pub fn bytes(&self, index: usize) -> Result<Cow<'c, [u8]>> {
        Ok(match self.raw(index) {
            ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Cow::Borrowed(bytes),
            other => Cow::Owned(text_of(other)?.into_owned().into_bytes()),
        })
    }

    /// Data kept beside a constant argument for as long as the statement runs, such as a compiled pattern: made from
    /// the argument by `make` when it is first needed.
    pub fn cached<T: Send + Sync + 'static>(
        &self,
        index: usize,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<std::sync::Arc<T>> {
        let key = index as i32;
        let Source::Call(context) = self.source else { return make().map(std::sync::Arc::new) };
        if let Ok(Some(kept)) = context.get_aux::<T>(key) {
            return Ok(kept);
        }
        let made = make()?;
        context.set_aux(key, made).map_err(|error| Error::internal(format_args!("auxiliary data: {error}")))
    }
}

/// A copy of a stored value. Text that is not UTF-8 (a file that others wrote) is made so.
pub(crate) fn owned(value: ValueRef<'_>) -> StoredValue {
    match value {
        ValueRef::Null => StoredValue::Null,
        ValueRef::Integer(i) => StoredValue::Integer(i),
        ValueRef::Real(r) => StoredValue::Real(r),
        ValueRef::Text(t) => StoredValue::Text(String::from_utf8_lossy(t).into_owned()),
        ValueRef::Blob(b) => StoredValue::Blob(b.to_vec()),
    }
}

#[cold]
fn int_of(value: ValueRef<'_>) -> Result<i64> {
    let text = text_of(value)?;
    let trimmed = text.trim();
    trimmed.parse().map_err(|_| invalid_input("bigint", &text))
}

#[cold]
fn float_of(value: ValueRef<'_>) -> Result<f64> {
    let text = text_of(value)?;
    text.trim().parse().map_err(|_| invalid_input("double precision", &text))
}

fn invalid_input(type_name: &str, text: &str) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid input syntax for type {type_name}: \"{text}\""))
}

/// A stored value as text.
pub(super) fn text_of(value: ValueRef<'_>) -> Result<Cow<'_, str>> {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| invalid_utf8())
        }
        ValueRef::Integer(i) => Ok(Cow::Owned(i.to_string())),
        ValueRef::Real(r) => Ok(Cow::Owned(r.to_string())),
        ValueRef::Null => Ok(Cow::Borrowed("")),
    }
}

/// A stored value as the encoders take it; 22021 for text that is not UTF-8.
pub(super) fn stored(value: ValueRef<'_>) -> Result<crate::types::value::ValueRef<'_>> {
    use crate::types::value::ValueRef as Stored;
    Ok(match value {
        ValueRef::Null => Stored::Null,
        ValueRef::Integer(i) => Stored::Integer(i),
        ValueRef::Real(r) => Stored::Real(r),
        ValueRef::Blob(bytes) => Stored::Blob(bytes),
        ValueRef::Text(bytes) => Stored::Text(std::str::from_utf8(bytes).map_err(|_| invalid_utf8())?),
    })
}

fn invalid_utf8() -> Error {
    Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\"")
}

/// What a function gives back, in stored form.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// A value made by the function.
    Value(Value),
    /// The argument of that index, unchanged.
    Argument(usize),
    /// A constant text.
    Static(&'static str),
}

impl Output {
    /// The value, unless it is longer than a value can be (54000).
    pub(super) fn checked(self) -> Result<Self> {
        let length = match &self {
            Output::Value(Value::Text(text)) => text.len(),
            Output::Value(Value::Blob(bytes)) => bytes.len(),
            _ => 0,
        };
        if length > memory::MAX_VALUE { Err(memory::string_too_long(0, length)) } else { Ok(self) }
    }

    /// A copy of a value that the function has made.
    pub(super) fn kept(&self) -> Value {
        match self {
            Output::Value(value) => value.clone(),
            Output::Static(text) => Value::Text((*text).to_owned()),
            Output::Argument(_) => Value::Null,
        }
    }

    /// NULL.
    pub const NULL: Output = Output::Value(Value::Null);
}

impl ToSql for Output {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Output::Value(value) => ToSqlOutput::Borrowed(value.into()),
            Output::Argument(index) => ToSqlOutput::Arg(*index),
            Output::Static(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

impl From<i64> for Output {
    fn from(value: i64) -> Self {
        Output::Value(Value::Integer(value))
    }
}

impl From<i32> for Output {
    fn from(value: i32) -> Self {
        Output::Value(Value::Integer(value.into()))
    }
}

impl From<bool> for Output {
    fn from(value: bool) -> Self {
        Output::Value(Value::Integer(value.into()))
    }
}

impl From<f64> for Output {
    /// SQLite would turn a NaN into NULL, so it is stored as text.
    fn from(value: f64) -> Self {
        if value.is_nan() { Output::Static("NaN") } else { Output::Value(Value::Real(value)) }
    }
}

impl From<String> for Output {
    fn from(value: String) -> Self {
        Output::Value(Value::Text(value))
    }
}

impl From<&str> for Output {
    fn from(value: &str) -> Self {
        Output::Value(Value::Text(value.to_owned()))
    }
}

impl From<Vec<u8>> for Output {
    fn from(value: Vec<u8>) -> Self {
        Output::Value(Value::Blob(value))
    }
}

impl From<crate::types::value::Value> for Output {
    fn from(value: crate::types::value::Value) -> Self {
        use crate::types::value::Value as Stored;
        match value {
            Stored::Null => Output::NULL,
            Stored::Integer(i) => i.into(),
            Stored::Real(r) => r.into(),
            Stored::Text(text) => text.into(),
            Stored::Blob(bytes) => bytes.into(),
        }
    }
}

impl<T: Into<Output>> From<Option<T>> for Output {
    fn from(value: Option<T>) -> Self {
        value.map_or(Output::NULL, Into::into)
    }
}
