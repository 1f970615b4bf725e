//! What must hold of every text: what is printed of a statement is parsed as the same statement.
//!
//! Owns: [`check_statement`], [`check_bytes`], for tests and fuzz targets.

use crate::error::SqlState;
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::grammar::statement::statement;
use crate::sql::syntax::lexer::tokens;
use crate::sql::syntax::print;

/// Whether the statement is printed; what is wrong with the text, if anything is. Text that is nested more deeply than
/// what was written, by the parentheses around operators, may be too deep.
pub fn check_statement(stmt: &Stmt) -> Result<bool, String> {
    let Some(text) = print::statement(stmt) else { return Ok(false) };
    match statement(&text, &tokens(&text, true)) {
        Ok(Some(again)) if again == *stmt => Ok(true),
        Ok(again) => Err(format!("{text}\n  {stmt:?}\n  {again:?}")),
        Err(error) if error.code() == SqlState::STATEMENT_TOO_COMPLEX => Ok(true),
        Err(error) => Err(format!("{text}\n  {}\n  {stmt:?}", error.message())),
    }
}

/// Bytes that may be a statement.
pub fn check_bytes(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(Some(stmt)) = statement(text, &tokens(text, true))
        && let Err(difference) = check_statement(&stmt)
    {
        panic!("{difference}");
    }
}
