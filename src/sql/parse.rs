//! One statement's text to the parser's tree, with PostgreSQL's error for what does not parse.
//!
//! Owns: [`statement`], [`expression`], [`tokens`], the syntax error. The only caller of the parser crate's entry
//! points. Must not know: names, types.

use sqlparser::ast::{Expr, Statement};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Whitespace};

use crate::error::{Error, Result, SqlState};
use crate::limits::stack;

/// How deep expressions may nest.
const RECURSION_LIMIT: usize = 250;

static DIALECT: PostgreSqlDialect = PostgreSqlDialect {};

/// The tokens of a text without white space and comments.
pub fn tokens(text: &str) -> Result<Vec<TokenWithSpan>> {
    let tokens = tokenize(text)?;
    Ok(tokens.into_iter().filter(|t| !matches!(t.token, Token::Whitespace(_) | Token::EOF)).collect())
}

fn is_blank(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::Whitespace(_))
}

/// Whether it is this word, and not a quoted name.
pub(super) fn is_word(token: Option<&TokenWithSpan>, word: &str) -> bool {
    matches!(token.map(|t| &t.token), Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

/// The places of the tokens that are not blank.
fn solid(tokens: &[TokenWithSpan]) -> Vec<usize> {
    tokens.iter().enumerate().filter(|(_, token)| !is_blank(token)).map(|(at, _)| at).collect()
}

/// INSERT … OVERRIDING … VALUE, which the parser does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overriding {
    System,
    User,
}

/// Takes OVERRIDING { SYSTEM | USER } VALUE out of an INSERT's tokens.
fn take_overriding(tokens: &mut Vec<TokenWithSpan>) -> Option<Overriding> {
    let words = solid(tokens);
    let at = |place: usize| words.get(place).and_then(|i| tokens.get(*i));
    let start = (0..words.len()).find(|n| {
        is_word(at(*n), "overriding")
            && (is_word(at(n + 1), "system") || is_word(at(n + 1), "user"))
            && is_word(at(n + 2), "value")
    })?;
    let overriding = if is_word(at(start + 1), "system") { Overriding::System } else { Overriding::User };
    let (first, last) = (*words.get(start)?, *words.get(start + 2)?);
    tokens.drain(first..=last);
    Some(overriding)
}

/// TRIM(TRAILING FROM x) is TRIM(TRAILING x), which is the only form the parser knows.
fn drop_trim_from(tokens: &mut [TokenWithSpan]) {
    let mut at = 0;
    while at < tokens.len() {
        if ["leading", "trailing", "both"].iter().any(|side| is_word(tokens.get(at), side)) {
            let next = at + 1 + usize::from(tokens.get(at + 1).is_some_and(is_blank));
            if is_word(tokens.get(next), "from")
                && let Some(from) = tokens.get_mut(next)
            {
                from.token = Token::Whitespace(Whitespace::Space);
            }
        }
        at += 1;
    }
}

/// FOR NO KEY UPDATE and FOR KEY SHARE, which the parser does not know, lock no less as FOR UPDATE and FOR SHARE.
fn drop_key_locks(tokens: &mut [TokenWithSpan]) {
    let words = solid(tokens);
    let mut extra = Vec::new();
    for n in 0..words.len() {
        let is = |ahead: usize, word: &str| is_word(words.get(n + ahead).and_then(|at| tokens.get(*at)), word);
        let length = match () {
            () if !is(0, "for") => 0,
            () if is(1, "no") && is(2, "key") && is(3, "update") => 2,
            () if is(1, "key") && is(2, "share") => 1,
            () => 0,
        };
        extra.extend(words.iter().skip(n + 1).take(length).copied());
    }
    for at in extra {
        if let Some(word) = tokens.get_mut(at) {
            word.token = Token::Whitespace(Whitespace::Space);
        }
    }
}

/// TABLE t is SELECT * FROM t; the parser takes what follows it for a part of the name.
fn spell_out_table(tokens: &mut Vec<TokenWithSpan>) {
    const BEFORE_A_QUERY: [Keyword; 5] =
        [Keyword::UNION, Keyword::INTERSECT, Keyword::EXCEPT, Keyword::ALL, Keyword::DISTINCT];
    let keyword = |token: &Token| match token {
        Token::Word(word) => word.keyword,
        _ => Keyword::NoKeyword,
    };
    if tokens.iter().all(|t| keyword(&t.token) != Keyword::TABLE) {
        return;
    }
    let words = solid(tokens);
    let token = |place: Option<usize>| Some(&tokens.get(*words.get(place?)?)?.token);
    let mut found = Vec::new();
    for (n, at) in words.iter().enumerate() {
        let begins = match token(n.checked_sub(1)) {
            None | Some(Token::LParen | Token::RParen) => true,
            Some(before) => BEFORE_A_QUERY.contains(&keyword(before)),
        };
        let names_one = matches!(token(Some(n + 1)), Some(Token::Word(_)));
        if begins && names_one && token(Some(n)).is_some_and(|t| keyword(t) == Keyword::TABLE) {
            found.push(*at);
        }
    }
    for at in found.into_iter().rev() {
        let Some(span) = tokens.get(at).map(|t| t.span) else { continue };
        let spelled = [Token::make_keyword("SELECT"), Token::Mul, Token::make_keyword("FROM")];
        tokens.splice(at..=at, spelled.map(|token| TokenWithSpan { token, span }));
    }
}

/// What an INSERT says that the parser does not know.
#[derive(Clone, Debug, Default)]
pub struct InsertExtras {
    pub overriding: Option<Overriding>,
    /// ON CONFLICT (…) [WHERE …], where there is more to it than names.
    pub conflict: Option<ConflictInference>,
}

/// ON CONFLICT's expressions and predicate.
#[derive(Clone, Debug)]
pub struct ConflictInference {
    pub keys: Vec<Expr>,
    pub predicate: Option<Expr>,
    /// Where its tokens are, for the constants among them.
    pub places: Vec<Location>,
}

/// Takes (keys) [WHERE predicate] out of ON CONFLICT … DO.
fn take_inference(text: &str, tokens: &mut Vec<TokenWithSpan>) -> Result<Option<ConflictInference>> {
    let words = solid(tokens);
    let at = |place: usize| words.get(place).and_then(|i| tokens.get(*i));
    let start = (0..words.len()).find(|n| {
        is_word(at(*n), "on") && is_word(at(n + 1), "conflict") && at(n + 2).is_some_and(|t| t.token == Token::LParen)
    });
    let Some(open) = start.map(|n| n + 2) else { return Ok(None) };
    let (mut depth, mut close, mut end) = (0_usize, None, None);
    for n in open..words.len() {
        match at(n).map(|t| &t.token) {
            Some(Token::LParen) => depth += 1,
            Some(Token::RParen) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && close.is_none() {
            close = Some(n);
        }
        if depth == 0 && is_word(at(n), "do") {
            end = Some(n);
            break;
        }
    }
    let (Some(close), Some(end)) = (close, end) else { return Ok(None) };
    let slice = |from: usize, to: usize| -> Vec<TokenWithSpan> {
        words.get(from..to).unwrap_or_default().iter().filter_map(|i| tokens.get(*i).cloned()).collect()
    };
    let keys = slice(open + 1, close);
    if end == close + 1 && keys.iter().all(|t| matches!(t.token, Token::Word(_) | Token::Comma)) {
        return Ok(None);
    }
    check_keys(text, &keys)?;
    let places = slice(open, end).iter().map(|t| t.span.start).collect();
    let keys = parse_tokens(text, keys, |parser| {
        let keys = parser.parse_comma_separated(Parser::parse_expr)?;
        expect_end(parser)?;
        Ok(keys)
    })?;
    let predicate = match at(close + 1) {
        token if is_word(token, "where") => Some(parse_tokens(text, slice(close + 2, end), |parser| {
            let predicate = parser.parse_expr()?;
            expect_end(parser)?;
            Ok(predicate)
        })?),
        Some(token) if !is_word(Some(token), "do") => return Err(unexpected(text, Some(token))),
        _ => None,
    };
    if let (Some(first), Some(last)) = (words.get(open).copied(), words.get(end).copied()) {
        tokens.drain(first..last);
    }
    Ok(Some(ConflictInference { keys, predicate, places }))
}

/// A key is a name, a call, or an expression in parentheses (gram.y's index_elem).
fn check_keys(text: &str, keys: &[TokenWithSpan]) -> Result<()> {
    let (mut depth, mut begins) = (0_usize, true);
    for (n, token) in keys.iter().enumerate() {
        let next = keys.get(n + 1);
        match (&token.token, next.map(|t| &t.token)) {
            (Token::LParen, _) => depth += 1,
            (Token::RParen, _) => depth = depth.saturating_sub(1),
            (Token::Word(_), Some(Token::Word(_))) if depth == 0 => {
                return Err(Error::unsupported("COLLATE or an operator class in ON CONFLICT"));
            }
            (Token::Word(_), Some(Token::Comma | Token::LParen | Token::Period) | None) => {}
            (Token::Word(_), Some(_)) if depth == 0 && begins => return Err(unexpected(text, next)),
            _ => {}
        }
        begins = depth == 0 && token.token == Token::Comma;
    }
    Ok(())
}

/// Parses one statement; tells what an INSERT says beyond the parser's tree.
pub fn statement(text: &str) -> Result<(Statement, InsertExtras)> {
    let mut tokens = tokenize(text)?;
    let overriding = take_overriding(&mut tokens);
    let conflict = take_inference(text, &mut tokens)?;
    drop_trim_from(&mut tokens);
    drop_key_locks(&mut tokens);
    spell_out_table(&mut tokens);
    let of_cursor = names_a_cursor(&tokens);
    let statement = parse_tokens(text, tokens, |parser| {
        let statement = query_or_change(parser)?;
        expect_end(parser)?;
        Ok(statement)
    });
    match statement {
        Err(_) if of_cursor => Err(Error::unsupported("WHERE CURRENT OF")),
        statement => Ok((statement?, InsertExtras { overriding, conflict })),
    }
}

/// The statements that no parser of ours reads. The crate's `parse_statement` knows them too, and with them 0.6 MB of
/// code for the statements of a dozen other systems.
fn query_or_change(parser: &mut Parser<'_>) -> Result<Statement, ParserError> {
    let first = parser.next_token();
    let keyword = match &first.token {
        Token::Word(word) => word.keyword,
        Token::LParen => Keyword::SELECT,
        _ => Keyword::NoKeyword,
    };
    match keyword {
        Keyword::SELECT | Keyword::VALUES | Keyword::WITH => {
            parser.prev_token();
            parser.parse_query().map(Statement::Query)
        }
        Keyword::INSERT => parser.parse_insert(first),
        Keyword::UPDATE => parser.parse_update(first),
        Keyword::DELETE => parser.parse_delete(first),
        _ => parser.expected("a statement", first),
    }
}

/// Whether WHERE CURRENT OF stands in it, which the parser does not know.
fn names_a_cursor(tokens: &[TokenWithSpan]) -> bool {
    let words = ["WHERE", "CURRENT", "OF"];
    let solid: Vec<_> = tokens.iter().filter(|token| !is_blank(token)).collect();
    solid.windows(3).any(|window| window.iter().zip(words).all(|(token, word)| is_word(Some(token), word)))
}

/// Parses one expression, such as a stored default.
pub fn expression(text: &str) -> Result<Expr> {
    parse(text, |parser| {
        let expr = parser.parse_expr()?;
        expect_end(parser)?;
        Ok(expr)
    })
}

/// Parses one query, such as a stored view.
pub fn query(text: &str) -> Result<Box<sqlparser::ast::Query>> {
    parse(text, |parser| {
        let query = parser.parse_query()?;
        expect_end(parser)?;
        Ok(query)
    })
}

/// A possibly qualified name, folded.
pub struct NameParts {
    pub schema: Option<String>,
    pub name: String,
}

/// Parses a name as regclass reads it: schema.name or name, parts quoted or folded.
pub fn object_name(text: &str) -> Result<NameParts> {
    use crate::sql::analyze::analyzer::fold;
    let name = parse(text, |parser| {
        let name = parser.parse_object_name(false)?;
        expect_end(parser)?;
        Ok(name)
    })?;
    let parts: Vec<String> = name.0.iter().filter_map(|p| p.as_ident()).map(fold).collect();
    match parts.as_slice() {
        [name] => Ok(NameParts { schema: None, name: name.clone() }),
        [schema, name] => Ok(NameParts { schema: Some(schema.clone()), name: name.clone() }),
        _ => Err(Error::new(SqlState::INVALID_NAME, "invalid name syntax")),
    }
}

/// Parses a type's name.
pub fn data_type(text: &str) -> Result<sqlparser::ast::DataType> {
    parse(text, |parser| {
        let data_type = parser.parse_data_type()?;
        expect_end(parser)?;
        Ok(data_type)
    })
}

fn expect_end(parser: &mut Parser<'_>) -> Result<(), ParserError> {
    if parser.peek_token().token == Token::EOF {
        return Ok(());
    }
    let found = parser.peek_token();
    Err(ParserError::ParserError(format!("Expected: end of statement, found: {found}{}", found.span.start)))
}

fn tokenize(text: &str) -> Result<Vec<TokenWithSpan>> {
    let tokens = Tokenizer::new(&DIALECT, text)
        .tokenize_with_location()
        .map_err(|e| syntax_error(text, e.location, &near(text, e.location)))?;
    check_dimensions(&tokens)?;
    Ok(join_strings(tokens))
}

/// How many dimensions the name of an array type may have: each is a level of the parser's tree. PostgreSQL takes any number
/// for one.
const MAX_DIMENSIONS: usize = 500;

fn check_dimensions(tokens: &[TokenWithSpan]) -> Result<()> {
    let mut open = 0;
    for token in tokens {
        match token.token {
            Token::LBracket => open += 1,
            Token::RBracket | Token::Whitespace(_) | Token::Number(..) => {}
            _ => open = 0,
        }
        if open > MAX_DIMENSIONS {
            return Err(stack::too_deep());
        }
    }
    Ok(())
}

/// String constants with a line break between them are one (sql-syntax-lexical.html#SQL-SYNTAX-STRINGS).
fn join_strings(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut joined: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        if let Token::SingleQuotedString(next) = &token.token {
            let blanks = joined.iter().rev().take_while(|t| matches!(t.token, Token::Whitespace(_))).count();
            let line_break = joined.iter().rev().take(blanks).any(|t| {
                matches!(t.token, Token::Whitespace(Whitespace::Newline | Whitespace::SingleLineComment { .. }))
            });
            let before = joined.len().checked_sub(blanks + 1);
            if line_break
                && let Some(Token::SingleQuotedString(text)) =
                    before.and_then(|n| joined.get_mut(n)).map(|t| &mut t.token)
            {
                text.push_str(next);
                joined.truncate(joined.len() - blanks);
                continue;
            }
        }
        joined.push(token);
    }
    joined
}

fn parse<T>(text: &str, run: impl FnOnce(&mut Parser<'_>) -> Result<T, ParserError>) -> Result<T> {
    parse_tokens(text, tokenize(text)?, run)
}

fn parse_tokens<T>(
    text: &str,
    tokens: Vec<TokenWithSpan>,
    run: impl FnOnce(&mut Parser<'_>) -> Result<T, ParserError>,
) -> Result<T> {
    let mut parser = Parser::new(&DIALECT).with_recursion_limit(RECURSION_LIMIT).with_tokens_with_locations(tokens);
    run(&mut parser).map_err(|error| parser_error(text, &error))
}

/// The parser crate's error in PostgreSQL's words.
pub fn parser_error(text: &str, error: &ParserError) -> Error {
    match error {
        ParserError::RecursionLimitExceeded => stack::too_deep(),
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => located(text, message),
    }
}

/// The parser's message ends with " at Line: l, Column: c" unless the text ended too early.
fn located(text: &str, message: &str) -> Error {
    let location = message.rsplit_once("Line: ").and_then(|(_, rest)| {
        let (line, column) = rest.split_once(", Column: ")?;
        Some(Location { line: line.parse().ok()?, column: column.trim().parse().ok()? })
    });
    match location {
        Some(location) if location.line > 0 => syntax_error(text, location, &near(text, location)),
        _ => at_end(text),
    }
}

fn at_end(text: &str) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "syntax error at end of input").with_position(text.chars().count() as u32 + 1)
}

/// A syntax error at a token: PostgreSQL names the token as it was written.
pub fn syntax_error(text: &str, location: Location, near: &str) -> Error {
    match character(text, location) {
        Some(position) if !near.is_empty() => {
            Error::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{near}\"")).with_position(position)
        }
        _ => at_end(text),
    }
}

/// A syntax error at a token, or at the end of the text.
pub fn unexpected(text: &str, token: Option<&TokenWithSpan>) -> Error {
    match token {
        Some(token) => syntax_error(text, token.span.start, &near(text, token.span.start)),
        None => at_end(text),
    }
}

/// The byte offset of a location.
pub fn byte_offset(text: &str, location: Location) -> Option<usize> {
    let line_start = match location.line {
        0 => return None,
        1 => 0,
        line => text.match_indices('\n').nth(line as usize - 2)?.0 + 1,
    };
    let rest = text.get(line_start..)?;
    let column = location.column.saturating_sub(1) as usize;
    let within = rest.char_indices().nth(column).map_or(rest.len(), |(i, _)| i);
    Some(line_start + within)
}

/// The 1-based character position of a location.
pub fn character(text: &str, location: Location) -> Option<u32> {
    let byte = byte_offset(text, location)?;
    Some(text.get(..byte)?.chars().count() as u32 + 1)
}

/// The token as it was written at a location.
fn near(text: &str, location: Location) -> String {
    let Some(rest) = byte_offset(text, location).and_then(|byte| text.get(byte..)) else { return String::new() };
    let mut chars = rest.chars();
    let Some(first) = chars.next() else { return String::new() };
    let length = match first {
        c if c.is_alphanumeric() || c == '_' => {
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len())
        }
        '\'' | '"' => rest.get(1..).and_then(|r| r.find(first)).map_or(rest.len(), |n| n + 2),
        c => c.len_utf8(),
    };
    rest.get(..length).unwrap_or(rest).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from PostgreSQL 15.
    #[test]
    fn syntax_errors_are_worded_and_placed_as_postgresql_does() {
        let cases = [
            ("selec 1", "syntax error at or near \"selec\"", 1),
            ("select 1 +", "syntax error at end of input", 11),
            ("select * from", "syntax error at end of input", 14),
            ("select 1 from t where )", "syntax error at or near \")\"", 23),
            ("pragma user_version", "syntax error at or near \"pragma\"", 1),
            (" \"select\" 1", "syntax error at or near \"\"select\"\"", 2),
            ("replace into t values (1)", "syntax error at or near \"replace\"", 1),
        ];
        for (text, message, position) in cases {
            let error = statement(text).unwrap_err();
            assert_eq!((error.message(), error.fields().position), (message, Some(position)), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        let text = format!("select {}1{}", "(".repeat(5000), ")".repeat(5000));
        assert_eq!(statement(&text).unwrap_err().code(), SqlState::STATEMENT_TOO_COMPLEX);
    }
}
