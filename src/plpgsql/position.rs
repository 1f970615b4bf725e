//! Where an error in a body stands in the statement that the body came with.
//!
//! Owns: [`in_statement`]. Must not know: what the statement is. Specification: function_parse_error_transpose() in
//! pg_proc.c.

use crate::error::Error;
use crate::sql::syntax::lexer::{Token, TokenKind, tokens};
use crate::sql::syntax::token_value::TokenValue;

/// The error with its place in CREATE FUNCTION or DO, if it has one in the body and the body is one of the statement's
/// strings, and only one. Else it stays as it is.
pub fn in_statement(error: Error, body: &str, statement: &str) -> Error {
    let fields = error.fields();
    let (Some(position), Some(query)) = (fields.internal_position, &fields.internal_query) else { return error };
    if query != body {
        return error;
    }
    let tokens = tokens(statement, true);
    let value = TokenValue { text: statement };
    let is_string = |token: &&Token| {
        matches!(token.kind, TokenKind::String | TokenKind::EscapeString | TokenKind::DollarString)
            && value.string(token).is_ok_and(|string| string == body)
    };
    let mut found = tokens.iter().filter(is_string);
    let (Some(token), None) = (found.next(), found.next()) else { return error };
    match place(token, statement, position) {
        Some(place) => error.with_statement_position(value.position(token.start as usize) + place),
        None => error,
    }
}

/// How many characters behind a string's begin the character of its value stands that has this place, from 1.
fn place(token: &Token, statement: &str, position: u32) -> Option<u32> {
    let written = token.text(statement);
    if token.kind == TokenKind::DollarString {
        let tag = written.chars().skip(1).position(|c| c == '$')? as u32 + 2;
        return Some(tag + position - 1);
    }
    // Characters that take two: doubled quotes. Where there are other escapes, or the string goes on in another, nothing is said.
    let lead = written.find('\'')?;
    let inner = written.get(lead + 1..written.len().checked_sub(1)?)?;
    let doubled = inner.matches("''").count() * 2;
    if inner.contains('\\') || inner.matches('\'').count() != doubled {
        return None;
    }
    let mut place = lead as u32 + 1;
    let mut characters = inner.chars();
    for _ in 1..position {
        let is_quote = characters.next() == Some('\'');
        place += if is_quote { 2 } else { 1 };
        if is_quote {
            characters.next();
        }
    }
    Some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::SqlState;

    fn moved(body: &str, position: u32, statement: &str) -> (Option<u32>, Option<u32>) {
        let error = Error::new(SqlState::SYNTAX_ERROR, "m").with_internal_position(position, body);
        let error = in_statement(error, body, statement);
        (error.fields().position, error.fields().internal_position)
    }

    #[test]
    fn the_place_is_the_statements() {
        assert_eq!(moved("bégin x", 7, "do $é$bégin x$é$"), (Some(13), None));
        assert_eq!(moved("a 'b' x", 7, "do 'a ''b'' x'"), (Some(13), None));
        assert_eq!(moved("begin x", 7, "do language plpgsql 'begin ' -- c\n'x'"), (None, Some(7)), "in two pieces");
        assert_eq!(moved("begin x", 7, "do E'begin \\x78'"), (None, Some(7)));
        assert_eq!(moved("a", 1, "create function a() returns a language 'a' as 'a'"), (None, Some(1)), "twice");
        assert_eq!(moved("begin x", 7, "do 'other'"), (None, Some(7)));
    }
}
