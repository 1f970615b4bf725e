//! The first look at a query string: where its statements begin and end, and which constants can be lifted out, so
//! that the same statement with other constants finds the same plan.
//!
//! Owns: [`scan`], [`Source`], [`Lifted`]. Must not know: grammar beyond where a statement ends, types, the tree.
//! Specification: sql-syntax-lexical.html.

use crate::sql::syntax::keywords::Keyword;
use crate::sql::syntax::lexer::{Token, TokenKind, tokens};

/// One statement of a query string, not analysed yet.
#[derive(Clone, Debug)]
pub struct Source<'t> {
    /// The statement's text, from its first to its last token.
    pub text: &'t str,
    /// Characters of the query string before it; error positions count from the string's start.
    pub offset: u32,
    /// The text with every lifted constant replaced by a mark of its kind: what the plan is cached under.
    pub key: String,
    pub literals: Vec<Lifted<'t>>,
    /// The statement's tokens, placed in [`Source::text`]; the last one ends it: its semicolon, `End` or `Bad`.
    pub tokens: Vec<Token>,
}

/// A constant lifted out of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifted<'t> {
    pub kind: LiteralKind,
    /// As written; a string with its quotes.
    pub text: &'t str,
    /// Byte position in [`Source::text`].
    pub start: usize,
}

/// What type a constant has before its context decides (sql-syntax-lexical.html#SQL-SYNTAX-CONSTANTS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralKind {
    Int4,
    Int8,
    Numeric,
    /// A quoted string: of type unknown.
    String,
}

impl Lifted<'_> {
    /// The constant's value as text, quotes removed.
    pub fn value(&self) -> std::borrow::Cow<'_, str> {
        match self.kind {
            LiteralKind::String => {
                let inner = self.text.get(1..self.text.len() - 1).unwrap_or("");
                if inner.contains('\'') { inner.replace("''", "'").into() } else { inner.into() }
            }
            _ => self.text.into(),
        }
    }
}

/// The mark that stands for a lifted constant in [`Source::key`].
fn mark(kind: LiteralKind) -> &'static str {
    match kind {
        LiteralKind::Int4 => "\u{1}i",
        LiteralKind::Int8 => "\u{1}l",
        LiteralKind::Numeric => "\u{1}n",
        LiteralKind::String => "\u{1}s",
    }
}

/// Splits a query string at its top-level semicolons. Statements without a token are left out.
pub fn scan(text: &str) -> Vec<Source<'_>> {
    scan_as(text, true)
}

/// The same, with standard_conforming_strings on or off.
pub fn scan_as(text: &str, standard_strings: bool) -> Vec<Source<'_>> {
    let tokens = tokens(text, standard_strings);
    let mut sources = Vec::new();
    let mut rest = tokens.as_slice();
    while let Some(length) = statement_length(rest) {
        let (statement, behind) = rest.split_at(length);
        rest = behind;
        if !matches!(statement, [Token { kind: TokenKind::End | TokenKind::Symbol(b';'), .. }]) {
            sources.push(source(text, statement));
        }
    }
    // The same text means something else.
    if !standard_strings {
        sources.iter_mut().for_each(|source| source.key.insert(0, '\u{2}'));
    }
    sources
}

/// How many of the tokens are the first statement, with what ends it. A semicolon in parentheses (CREATE RULE) or in
/// BEGIN ATOMIC … END is part of it.
fn statement_length(tokens: &[Token]) -> Option<usize> {
    let is_routine = creates_routine(tokens);
    let (mut parens, mut blocks) = (0_usize, 0_usize);
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Symbol(b'(') => parens += 1,
            TokenKind::Symbol(b')') => parens = parens.saturating_sub(1),
            TokenKind::Keyword(Keyword::Atomic) if is_routine && blocks == 0 => blocks = 1,
            TokenKind::Keyword(Keyword::Case) if blocks > 0 => blocks += 1,
            TokenKind::Keyword(Keyword::End) => blocks = blocks.saturating_sub(1),
            TokenKind::Symbol(b';') if parens == 0 && blocks == 0 => return Some(index + 1),
            TokenKind::End | TokenKind::Bad(_) => return Some(index + 1),
            _ => {}
        }
    }
    None
}

/// CREATE [OR REPLACE] { FUNCTION | PROCEDURE }
fn creates_routine(tokens: &[Token]) -> bool {
    let mut keywords = tokens.iter().map(|token| token.kind);
    if keywords.next() != Some(TokenKind::Keyword(Keyword::Create)) {
        return false;
    }
    let mut rest = keywords.skip_while(|kind| matches!(kind, TokenKind::Keyword(Keyword::Or | Keyword::Replace)));
    matches!(rest.next(), Some(TokenKind::Keyword(Keyword::Function | Keyword::Procedure)))
}

/// One statement: its text without what ends it, its key, its constants.
fn source<'t>(text: &'t str, tokens: &[Token]) -> Source<'t> {
    let start = tokens.first().map_or(0, |token| token.start);
    let is_end = |token: &Token| matches!(token.kind, TokenKind::End | TokenKind::Symbol(b';'));
    let ended = tokens.split_last().filter(|(last, _)| is_end(last)).map_or(tokens, |(_, before)| before);
    let end = ended.last().map_or(start, |token| token.end);
    let statement = text.get(start as usize..end as usize).unwrap_or("");
    let placed = |token: &Token| Token { kind: token.kind, start: token.start - start, end: token.end - start };
    let tokens: Vec<Token> = tokens.iter().map(placed).collect();
    let mut key = String::with_capacity(statement.len());
    let mut literals = Vec::new();
    let mut copied = 0;
    if is_query(&tokens) {
        for token in &tokens {
            let Some(kind) = liftable(token, statement) else { continue };
            key.push_str(statement.get(copied..token.start as usize).unwrap_or(""));
            key.push_str(mark(kind));
            copied = token.end as usize;
            literals.push(Lifted { kind, text: token.text(statement), start: token.start as usize });
        }
    }
    key.push_str(statement.get(copied..).unwrap_or(""));
    let offset = text.get(..start as usize).map_or(0, |before| before.chars().count()) as u32;
    Source { text: statement, offset, key, literals, tokens }
}

/// The kind of a constant that can be lifted.
fn liftable(token: &Token, text: &str) -> Option<LiteralKind> {
    let written = token.text(text);
    match token.kind {
        TokenKind::Integer => Some(match written.parse::<i64>() {
            Ok(n) if i32::try_from(n).is_ok() => LiteralKind::Int4,
            Ok(_) => LiteralKind::Int8,
            Err(_) => LiteralKind::Numeric,
        }),
        TokenKind::Float => Some(LiteralKind::Numeric),
        TokenKind::String => is_one_string(written).then_some(LiteralKind::String),
        _ => None,
    }
}

/// Whether a string is not continued on another line: its quotes inside are all doubled.
fn is_one_string(written: &str) -> bool {
    let inner = written.get(1..written.len().saturating_sub(1)).unwrap_or("");
    inner.matches("''").count() * 2 == inner.matches('\'').count()
}

/// Only queries have constants worth lifting; in utility statements and DDL they are part of the meaning.
fn is_query(tokens: &[Token]) -> bool {
    use Keyword as K;
    let first = tokens.iter().map(|token| token.kind).find(|kind| *kind != TokenKind::Symbol(b'('));
    matches!(first, Some(TokenKind::Keyword(K::Select | K::Insert | K::Update | K::Delete | K::With | K::Values)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, SqlState};
    use crate::sql::syntax::parse;

    /// The error of the last statement, placed in the whole text.
    fn error_of(text: &str) -> Error {
        let source = scan(text).pop().unwrap();
        let error = parse::statement(source.text, &source.tokens).unwrap_err();
        let position = error.fields().position.unwrap_or(0);
        error.with_position(source.offset + position)
    }

    fn keys(text: &str) -> Vec<String> {
        scan(text).into_iter().map(|s| s.key.replace('\u{1}', "%")).collect()
    }

    #[test]
    fn splits_statements_and_lifts_constants() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            (" ; ;; -- x\n /* a /* nested */ */ ;", &[]),
            ("select 1", &["select %i"]),
            ("SELECT 'it''s', 1.5, 3000000000, .5e-3, $1, a1 FROM t", &["SELECT %s, %n, %l, %n, $1, a1 FROM t"]),
            (
                "select e'a\\'b', $$;$$, $x$ $$ $x$, \"a;\"\"b\"; select 2",
                &["select e'a\\'b', $$;$$, $x$ $$ $x$, \"a;\"\"b\"", "select %i"],
            ),
            ("create table t (a varchar(10))", &["create table t (a varchar(10))"]),
            ("select 'a'\n 'b', 'c' 'd'", &["select 'a'\n 'b', %s %s"]),
            ("selection 1", &["selection 1"]),
            ("(select 1)", &["(select %i)"]),
        ];
        for (text, want) in cases {
            assert_eq!(keys(text), *want, "{text}");
        }
    }

    #[test]
    fn an_unterminated_string_is_a_syntax_error_with_a_position() {
        let error = error_of("select 1; select 'abc");
        assert_eq!(error.code(), SqlState::SYNTAX_ERROR);
        assert_eq!(error.message(), "unterminated quoted string at or near \"'abc\"");
        assert_eq!(error.fields().position, Some(18));
    }

    /// Recorded from PostgreSQL 15.
    #[test]
    fn letters_that_touch_a_number_are_an_error() {
        let cases = [
            ("select 0x1F", "numeric literal at or near \"0x1F\"", 8),
            ("select 1.x", "numeric literal at or near \"1.x\"", 8),
            ("select .5x", "numeric literal at or near \".5x\"", 8),
            ("select 1e", "numeric literal at or near \"1e\"", 8),
            ("select 1e+", "numeric literal at or near \"1e+\"", 8),
            ("select 1e5x", "numeric literal at or near \"1e5x\"", 8),
            ("select 1_000", "numeric literal at or near \"1_000\"", 8),
            ("select 1ä;", "numeric literal at or near \"1ä\"", 8),
            ("create table t (a varchar(10x))", "numeric literal at or near \"10x\"", 27),
            ("select $1a", "parameter at or near \"$1a\"", 8),
        ];
        for (text, message, position) in cases {
            let error = error_of(text);
            assert_eq!(error.message(), format!("trailing junk after {message}"), "{text}");
            assert_eq!((error.code(), error.fields().position), (SqlState::SYNTAX_ERROR, Some(position)), "{text}");
        }
    }

    #[test]
    fn positions_count_characters_of_the_whole_string() {
        let text = "select 'ä';  select 2";
        let sources = scan(text);
        assert_eq!(sources[1].offset, 13);
        assert_eq!(sources[0].literals[0].value(), "ä");
    }
}
