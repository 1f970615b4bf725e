//! The SQL in a function: expressions and statements as texts that the host plans.
//!
//! Owns: [`Query`]. Must not know: what the names in it mean (`scope`), how it is run.

use crate::plpgsql::scope::ScopeId;

/// A piece of SQL.
#[derive(Clone, Debug)]
pub struct Query {
    /// Which one of the function's it is, from 0 to [`crate::plpgsql::function::Function::query_count`].
    pub number: usize,
    /// A whole statement; of an expression `SELECT` and the expression.
    pub sql: String,
    /// As CONTEXT shows it.
    pub(super) written: String,
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

impl Query {
    /// The line of CONTEXT for errors in it.
    pub fn context(&self) -> String {
        let kind = match self.kind {
            QueryKind::Expression => "SQL expression",
            QueryKind::Assignment => "PL/pgSQL assignment",
            QueryKind::Statement => "SQL statement",
        };
        format!("{kind} \"{}\"", self.written)
    }
}
