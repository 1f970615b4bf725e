//! Cursors of SQL: DECLARE, FETCH, MOVE.
//!
//! Specification: sql-declare.html, sql-fetch.html.

use crate::error::{Error, Result, SqlState};
use crate::sql::plan::{CursorCommand, CursorOptions, FetchCount, FetchDirection, Tag};
use crate::sql::syntax::ast::statement::{self as ast, DeclareCursorStmt, FetchStmt};
use crate::sql::utility::Utility;

pub(super) fn declare(stmt: &DeclareCursorStmt) -> Result<Utility<'_>> {
    let given = &stmt.options;
    let both = |one: &str, other: &str| {
        let message = format!("cannot specify both {one} and {other}");
        Err(Error::new(SqlState::INVALID_CURSOR_DEFINITION, message))
    };
    if given.scroll && given.no_scroll {
        return both("SCROLL", "NO SCROLL");
    }
    if given.insensitive && given.asensitive {
        return both("INSENSITIVE", "ASENSITIVE");
    }
    let scroll = (given.scroll || given.no_scroll).then_some(given.scroll);
    let options = CursorOptions { binary: given.binary, scroll, hold: given.hold };
    Ok(Utility::Declare { name: stmt.portal.clone(), options, query: &stmt.query })
}

pub(super) fn fetch<'s>(stmt: &FetchStmt) -> Utility<'s> {
    let count = match stmt.how_many {
        i64::MAX => FetchCount::All,
        count => FetchCount::Rows(count.unsigned_abs()),
    };
    let direction = match (stmt.direction, stmt.how_many < 0) {
        (ast::FetchDirection::Forward, false) | (ast::FetchDirection::Backward, true) => FetchDirection::Forward(count),
        (ast::FetchDirection::Forward, true) | (ast::FetchDirection::Backward, false) => {
            FetchDirection::Backward(count)
        }
        (ast::FetchDirection::Absolute, _) => FetchDirection::Absolute(stmt.how_many),
        (ast::FetchDirection::Relative, _) => FetchDirection::Relative(stmt.how_many),
    };
    let (name, moves) = (stmt.portal.clone(), stmt.is_move);
    let tag = if moves { Tag::Move } else { Tag::Fetch };
    Utility::Cursor(CursorCommand::Fetch { name, direction, moves }, tag)
}
