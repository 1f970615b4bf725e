//! What scan.l says of a text that it takes nevertheless: names that are cut, backslashes where they mean escapes only
//! because standard_conforming_strings is off.
//!
//! Owns: [`lexical_notices`]. Specification: truncate_identifier, check_string_escape_warning.

use crate::error::{ErrorFields, Notice, Severity, SqlState};
use crate::sql::scan::Source;
use crate::sql::syntax::lexer::{NAME_LENGTH, Token, TokenKind};
use crate::sql::syntax::token_value::TokenValue;

/// Adds the notices about a statement; `warns` of backslashes in strings that do not say that they have escapes.
pub fn lexical_notices(source: &Source<'_>, warns: bool, notices: &mut Vec<Notice>) {
    for token in &source.tokens {
        let length = token.end.saturating_sub(token.start) as usize;
        match token.kind {
            TokenKind::Ident | TokenKind::QuotedIdent | TokenKind::UnicodeIdent if length > NAME_LENGTH => {
                notices.extend(cut_name(source.text, token));
            }
            TokenKind::EscapeString if warns => notices.extend(escape(source, token)),
            _ => {}
        }
    }
}

fn cut_name(text: &str, token: &Token) -> Option<Notice> {
    let value = TokenValue { text };
    let (whole, kept) = (value.whole_name(token).ok()?, value.name(token).ok()?);
    (whole != kept).then(|| {
        let message = format!("identifier \"{whole}\" will be truncated to \"{kept}\"");
        ErrorFields::new(Severity::Notice, SqlState::NAME_TOO_LONG, message)
    })
}

/// Of the first backslash of an ordinary string.
fn escape(source: &Source<'_>, token: &Token) -> Option<Notice> {
    let written = token.text(source.text);
    let (_, behind) = written.strip_prefix('\'')?.split_once('\\')?;
    let (message, hint) = match behind.chars().next() {
        Some('\'') => (
            "nonstandard use of \\' in a string literal",
            "Use '' to write quotes in strings, or use the escape string syntax (E'...').",
        ),
        Some('\\') => (
            "nonstandard use of \\\\ in a string literal",
            "Use the escape string syntax for backslashes, e.g., E'\\\\'.",
        ),
        _ => (
            "nonstandard use of escape in a string literal",
            "Use the escape string syntax for escapes, e.g., E'\\r\\n'.",
        ),
    };
    let before = source.text.get(..token.start as usize).map_or(0, |before| before.chars().count());
    let mut notice = ErrorFields::new(Severity::Warning, SqlState::NONSTANDARD_USE_OF_ESCAPE_CHARACTER, message);
    notice.hint = Some(hint.into());
    notice.position = Some(source.offset + before as u32 + 1);
    Some(notice)
}
