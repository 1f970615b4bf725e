//! Where an error in a function's body is in the statement that makes the function.
//!
//! Owns: [`in_statement`], [`notices_in_statement`]. Specification: function_parse_error_transpose in pg_proc.c.

use crate::error::{Error, Notice};
use crate::sql::syntax::lexer::{TokenKind, tokens};

/// The error with its place in the statement, if the body stands in it as it is; `offset` counts the characters before the
/// statement.
pub(super) fn in_statement(error: Error, text: &str, offset: u32) -> Error {
    let fields = error.fields();
    let (Some(position), Some(body)) = (fields.internal_position, &fields.internal_query) else { return error };
    let kinds = [TokenKind::String, TokenKind::EscapeString, TokenKind::DollarString];
    let mut found = None;
    for token in tokens(text, true).iter().filter(|token| kinds.contains(&token.kind)) {
        let written = token.text(text);
        let Some(at) = written.find(body.as_str()).filter(|_| !body.is_empty()) else { continue };
        // Nothing but its quotes is around it.
        let quotes = written.len() - body.len();
        if quotes % 2 == 0 && at == quotes / 2 {
            if found.is_some() {
                return error;
            }
            found = text.get(..token.start as usize + at).map(|before| before.chars().count() as u32);
        }
    }
    match found {
        Some(before) => error.without_internal_position().with_position(offset + before + position),
        None => error,
    }
}

/// The same for what is said of a body that is no error.
pub(super) fn notices_in_statement(notices: &mut [Notice], text: &str, offset: u32) {
    for notice in notices.iter_mut().filter(|notice| notice.internal_position.is_some()) {
        *notice = in_statement(Error::of_fields(notice.clone()), text, offset).fields().clone();
    }
}
