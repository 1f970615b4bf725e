//! A call of a function: what goes in and what comes out.
//!
//! Owns: [`Call`], [`Trigger`], [`Returned`]. Must not know: how it runs.

use std::sync::Arc;

use crate::plpgsql::value::{Column, DataType};
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// What a function is called with.
#[derive(Debug, Default)]
pub struct Call {
    /// Of the IN and INOUT parameters, in their order and types.
    pub arguments: Vec<Value>,
    /// The columns that the caller expects of a function that returns rows: those of its OUT parameters, of its composite
    /// type, or of the column definition list; of a set of scalars its one column. `None` if a `record` may have any.
    pub result: Option<Arc<[Column]>>,
    /// Of a trigger function.
    pub trigger: Option<Trigger>,
    /// Of an event trigger function: TG_EVENT and TG_TAG.
    pub event: Option<(String, String)>,
}

/// Why a trigger function is called (trigger.html, plpgsql-trigger.html).
#[derive(Debug)]
pub struct Trigger {
    /// TG_NAME
    pub name: String,
    /// TG_WHEN
    pub when: TriggerWhen,
    /// TG_OP
    pub operation: TriggerOperation,
    /// TG_RELID, TG_TABLE_NAME, TG_TABLE_SCHEMA
    pub table: Oid,
    pub table_name: String,
    pub schema_name: String,
    /// TG_ARGV
    pub arguments: Vec<String>,
    /// The type and the columns of the table's rows.
    pub row_type: DataType,
    pub columns: Arc<[Column]>,
    /// Whether it is FOR EACH ROW (TG_LEVEL).
    pub for_each_row: bool,
    /// NEW of INSERT and UPDATE, OLD of UPDATE and DELETE.
    pub new: Option<Vec<Value>>,
    pub old: Option<Vec<Value>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerWhen {
    Before,
    After,
    InsteadOf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerOperation {
    Insert,
    Update,
    Delete,
    Truncate,
}

/// What a function gives.
#[derive(Debug, PartialEq)]
pub enum Returned {
    /// void, DO, an event trigger.
    Nothing,
    /// Of the type it returns; of its only OUT parameter.
    Scalar(Value),
    /// A row, of the columns that were expected, else of its own. `None` is NULL. A procedure's output parameters are one.
    Row(Option<Row>),
    /// The rows went to [`crate::plpgsql::host::Host::emit`].
    Set,
    /// A trigger's row, of the table's columns; `None` is NULL.
    Trigger(Option<Vec<Value>>),
}

/// A returned row.
#[derive(Debug, PartialEq)]
pub struct Row {
    pub columns: Arc<[Column]>,
    pub values: Vec<Value>,
}
