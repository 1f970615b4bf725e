//! The variables of a running function, as the SQL in it sees them.
//!
//! Owns: [`Variables`], by which a host finds out which names of a text are variables, of which types, and with which
//! values; [`Reference`]. Must not know: statements.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::plpgsql::function::{Function, Variable, VariableConflict};
use crate::plpgsql::query::Query;
use crate::plpgsql::value::{Column, DataType, Record, Typed};
use crate::sql::syntax::lexer::{TokenKind, tokens};
use crate::sql::syntax::token_value::TokenValue;
use crate::types::value::Value;

/// A variable or a field of a record, as a parameter of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    Variable(u32),
    Field(u32, Arc<str>),
}

/// What a variable holds.
#[derive(Clone, Debug)]
pub(super) enum Slot {
    Scalar(Value),
    /// The value that a CASE compares: its type is the expression's.
    Typed(Typed),
    /// `None` as long as it is NULL as a whole, with the columns if its declared type has some.
    Record(Option<Record>, Option<Arc<[Column]>>),
}

impl Slot {
    pub fn is_null(&self) -> bool {
        match self {
            Slot::Scalar(value) => value.is_null(),
            Slot::Typed(typed) => typed.value.is_null(),
            Slot::Record(record, _) => record.is_none(),
        }
    }
}

/// What a host binds.
#[derive(Clone, Copy, Debug)]
pub enum Argument<'a> {
    Scalar(&'a Value),
    /// A whole row; `None` is NULL.
    Record(Option<&'a Record>),
}

/// The variables of one call.
#[derive(Clone, Copy, Debug)]
pub struct Variables<'a> {
    pub(super) function: &'a Function,
    pub(super) slots: &'a [Slot],
}

impl<'a> Variables<'a> {
    /// The function that runs.
    pub fn function(&self) -> &'a Function {
        self.function
    }

    /// Whether a name that could be both is a variable, a column or an error.
    pub fn conflict(&self) -> VariableConflict {
        self.function.variable_conflict
    }

    /// What a variable is called.
    pub fn name(&self, number: u32) -> &'a str {
        self.function.variables.get(number as usize).map_or("", |variable| variable.name.as_str())
    }

    /// What a column reference in the query means if it is a variable: one to three names; `*` as the last one for
    /// a whole row (resolve_column_ref). `None` if the names are none of the function's.
    pub fn lookup(&self, query: &Query, names: &[&str]) -> Option<Reference> {
        if names.len() > 3 {
            return None;
        }
        let named = self.function.names.lookup(query.scope, names)?;
        match names.get(named.taken..)? {
            [] => Some(Reference::Variable(named.number)),
            ["*"] if named.is_record => Some(Reference::Variable(named.number)),
            [field] if named.is_record => Some(Reference::Field(named.number, Arc::from(*field))),
            _ => None,
        }
    }

    /// What $n in the query means. `None` if there is no such parameter.
    pub fn parameter(&self, query: &Query, number: u32) -> Option<Reference> {
        let named = self.function.names.lookup(query.scope, &[&format!("${number}")])?;
        Some(Reference::Variable(named.number))
    }

    /// The first subscript of an array that is no element of another: 0 of TG_ARGV, though it is stored like any array.
    pub fn lower_bound(&self, reference: &Reference) -> i64 {
        let is_argv = |number| self.function.trigger.as_ref().is_some_and(|trigger| trigger.arguments == Some(number));
        match reference {
            Reference::Variable(number) if is_argv(*number) => 0,
            _ => 1,
        }
    }

    /// The variables that names in a query may mean, in the order of their declaration.
    pub(super) fn mentioned(&self, query: &Query) -> Vec<Reference> {
        let text = &query.sql;
        let tokens = tokens(text, true);
        let mut found = BTreeSet::new();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let mut names = Vec::new();
            while let Some(token) = tokens.get(at).filter(|token| is_name(token.kind)) {
                names.extend(TokenValue { text }.name(token));
                let is_dot = tokens.get(at + 1).is_some_and(|dot| dot.kind == TokenKind::Symbol(b'.'));
                at += if is_dot { 2 } else { 1 };
                if !is_dot || names.len() == 3 {
                    break;
                }
            }
            let parts: Vec<&str> = names.iter().map(String::as_str).collect();
            match token.kind {
                TokenKind::Param => found.extend(self.lookup(query, &[token.text(text)])),
                _ if !parts.is_empty() => found.extend(self.lookup(query, &parts)),
                _ => {}
            }
            at += usize::from(parts.is_empty());
        }
        found.into_iter().collect()
    }

    /// Its type now: that of a record's field may be another each time. 55000 for a field of a record that was not assigned
    /// yet, 42703 for one it has not.
    pub fn data_type(&self, reference: &Reference) -> Result<DataType> {
        match reference {
            Reference::Field(number, name) => self.field(*number, name).map(|(column, _)| column.data_type),
            Reference::Variable(number) => {
                let declared = self.declared(*number)?.data_type;
                Ok(match self.slot(*number)? {
                    Slot::Typed(typed) => typed.data_type,
                    Slot::Record(Some(record), _) if declared == DataType::RECORD => record.data_type,
                    // The one of NEW and OLD that the event does not have is of the other's type.
                    Slot::Record(None, Some(columns)) if declared == DataType::RECORD => {
                        let of = |slot: &Slot| match slot {
                            Slot::Record(Some(record), _) if Arc::ptr_eq(&record.columns, columns) => {
                                Some(record.data_type)
                            }
                            _ => None,
                        };
                        self.slots.iter().find_map(of).unwrap_or(declared)
                    }
                    _ => declared,
                })
            }
        }
    }

    /// The columns of a whole record, as far as they are known; those of a field that is a `record` itself.
    pub fn columns(&self, reference: &Reference) -> Result<Option<Arc<[Column]>>> {
        match reference {
            Reference::Field(number, name) => Ok(self.field(*number, name)?.0.fields.clone()),
            Reference::Variable(number) => Ok(match self.slot(*number)? {
                Slot::Record(Some(record), _) => Some(Arc::clone(&record.columns)),
                Slot::Record(None, columns) => columns.clone(),
                Slot::Typed(typed) => typed.fields.clone(),
                Slot::Scalar(_) => None,
            }),
        }
    }

    /// Its value.
    pub fn value(&self, reference: &Reference) -> Result<Argument<'a>> {
        match reference {
            Reference::Field(number, name) => self.field(*number, name).map(|(_, value)| Argument::Scalar(value)),
            Reference::Variable(number) => Ok(match self.slot(*number)? {
                Slot::Scalar(value) => Argument::Scalar(value),
                Slot::Typed(typed) => Argument::Scalar(&typed.value),
                Slot::Record(record, _) => Argument::Record(record.as_ref()),
            }),
        }
    }

    /// A field of a record; NULL if the record is.
    pub(super) fn field(&self, number: u32, name: &str) -> Result<(&'a Column, &'a Value)> {
        let declared = self.declared(number)?;
        let found = match self.slot(number)? {
            Slot::Record(Some(record), _) => record.field(name),
            Slot::Record(None, Some(columns)) => {
                columns.iter().find(|column| column.name == name).map(|column| (column, &Value::Null))
            }
            _ => return Err(not_assigned(&declared.name)),
        };
        found.ok_or_else(|| no_field(&declared.name, name))
    }

    fn declared(&self, number: u32) -> Result<&'a Variable> {
        self.function.variables.get(number as usize).ok_or_else(unknown)
    }

    fn slot(&self, number: u32) -> Result<&'a Slot> {
        self.slots.get(number as usize).ok_or_else(unknown)
    }
}

fn is_name(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Ident | TokenKind::QuotedIdent | TokenKind::Keyword(_))
}

pub(super) fn unknown() -> Error {
    Error::internal("a variable of another function")
}

/// 55000.
pub(super) fn not_assigned(record: &str) -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, format!("record \"{record}\" is not assigned yet"))
        .with_detail("The tuple structure of a not-yet-assigned record is indeterminate.")
}

/// 42703.
pub(super) fn no_field(record: &str, field: &str) -> Error {
    Error::new(SqlState::UNDEFINED_COLUMN, format!("record \"{record}\" has no field \"{field}\""))
}
