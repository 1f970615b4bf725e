//! The SQL in a function: expressions and statements as texts that the host plans.
//!
//! Owns: [`Query`]. Must not know: what the names in it mean (`scope`), how it is run.

use std::sync::Arc;

use crate::error::Error;
use crate::plpgsql::scope::ScopeId;

/// A piece of SQL.
#[derive(Clone, Debug)]
pub struct Query {
    /// Which one of the function's it is, from 0 to [`crate::plpgsql::function::Function::query_count`].
    pub number: usize,
    /// A whole statement; of an expression `SELECT` and the expression.
    pub sql: String,
    /// As it was written.
    pub(super) written: Arc<str>,
    /// The line of CONTEXT for errors in it.
    pub(super) context: Arc<str>,
    pub(super) kind: QueryKind,
    /// How many characters later the same thing stands in `written` than in `sql`.
    pub(super) shift: i32,
    pub(super) scope: ScopeId,
}

/// How CONTEXT names it (_SPI_error_callback).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryKind {
    Expression,
    Assignment,
    Statement,
}

impl QueryKind {
    /// The line of CONTEXT for errors in a text.
    pub(super) fn context(self, written: &str) -> String {
        let kind = match self {
            QueryKind::Expression => "SQL expression",
            QueryKind::Assignment => "PL/pgSQL assignment",
            QueryKind::Statement => "SQL statement",
        };
        format!("{kind} \"{written}\"")
    }
}

impl Query {
    /// An error in it: placed in the text as it was written, or with a line of CONTEXT.
    pub(super) fn failed(&self, error: Error) -> Error {
        match error.fields().position {
            Some(position) => {
                let position = (position as i32 + self.shift).max(1) as u32;
                error.with_internal_position(position, &*self.written)
            }
            None => error.within(&self.context),
        }
    }
}

/// The same of a computed text.
pub(crate) fn failed(text: &str, error: Error) -> Error {
    match error.fields().position {
        Some(position) => error.with_internal_position(position, text),
        None => error.within(QueryKind::Statement.context(text)),
    }
}
