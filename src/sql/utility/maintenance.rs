//! VACUUM, ANALYZE and EXPLAIN.
//!
//! Specification: sql-vacuum.html, sql-analyze.html, sql-explain.html.

use sqlparser::tokenizer::Token;

use crate::error::{Error, Result, SqlState};
use crate::sql::utility::tokens::Cursor;
use crate::sql::utility::{Maintenance, Utility};

/// Their effect SQLite has or needs not, except that of ANALYZE.
const VACUUM_OPTIONS: &[&str] = &[
    "full",
    "freeze",
    "verbose",
    "analyze",
    "disable_page_skipping",
    "skip_locked",
    "index_cleanup",
    "process_toast",
    "truncate",
    "parallel",
];

const ANALYZE_OPTIONS: &[&str] = &["verbose", "skip_locked"];

/// Those beside ANALYZE and FORMAT ask for figures that SQLite's plans do not have.
const EXPLAIN_OPTIONS: &[&str] =
    &["analyze", "verbose", "costs", "settings", "buffers", "wal", "timing", "summary", "format"];

/// Parenthesised options and their values, lower case; one that is not known is 42601.
fn options(c: &mut Cursor<'_>, command: &str, known: &[&str]) -> Result<Vec<(String, Option<String>)>> {
    let mut given = Vec::new();
    if !c.accept(&Token::LParen) {
        return Ok(given);
    }
    loop {
        let position = c.position();
        let name = c.name()?;
        if !known.contains(&name.as_str()) {
            let message = format!("unrecognized {command} option \"{name}\"");
            return Err(Error::new(SqlState::SYNTAX_ERROR, message).with_position(position));
        }
        let bare = matches!(c.peek(), Some(Token::Comma | Token::RParen));
        let value = if bare { None } else { Some(c.value()?.to_ascii_lowercase()) };
        given.push((name, value));
        if !c.accept(&Token::Comma) {
            c.expect(&Token::RParen)?;
            return Ok(given);
        }
    }
}

/// Whether the option was given and not switched off.
fn is_on(given: &[(String, Option<String>)], option: &str) -> bool {
    given
        .iter()
        .rev()
        .find(|(name, _)| name == option)
        .is_some_and(|(_, value)| !matches!(value.as_deref(), Some("false" | "off" | "0")))
}

pub(super) fn vacuum<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    let given = options(c, "VACUUM", VACUUM_OPTIONS)?;
    let mut steps = vec![Maintenance::Vacuum];
    while ["FULL", "FREEZE", "VERBOSE"].iter().any(|word| c.keyword(word)) {}
    let analyze = c.keyword("ANALYZE") || c.keyword("ANALYSE") || is_on(&given, "analyze");
    let tables = analyzed_tables(c)?;
    if analyze {
        steps.extend(tables);
    }
    Ok(Utility::Maintenance(steps, "VACUUM"))
}

pub(super) fn analyze<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    options(c, "ANALYZE", ANALYZE_OPTIONS)?;
    c.keyword("VERBOSE");
    Ok(Utility::Maintenance(analyzed_tables(c)?, "ANALYZE"))
}

fn analyzed_tables(c: &mut Cursor<'_>) -> Result<Vec<Maintenance>> {
    if c.peek().is_none() {
        return Ok(vec![Maintenance::Analyze(None)]);
    }
    let mut steps = Vec::new();
    loop {
        steps.push(Maintenance::Analyze(Some(c.qualified_name()?)));
        if c.accept(&Token::LParen) {
            c.parenthesised()?;
        }
        if !c.accept(&Token::Comma) {
            return Ok(steps);
        }
    }
}

pub(super) fn explain<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    // A query may begin with a parenthesis, too.
    let query = match c.tokens.get(c.at + 1).map(|t| &t.token) {
        Some(Token::Word(word)) => {
            ["SELECT", "WITH", "VALUES"].iter().any(|begin| word.value.eq_ignore_ascii_case(begin))
        }
        other => other == Some(&Token::LParen),
    };
    let given = if query { Vec::new() } else { options(c, "EXPLAIN", EXPLAIN_OPTIONS)? };
    if is_on(&given, "analyze") {
        return Err(Error::unsupported("EXPLAIN ANALYZE"));
    }
    if given.iter().any(|(name, value)| name == "format" && value.as_deref() != Some("text")) {
        return Err(Error::unsupported("EXPLAIN in a format other than text"));
    }
    if c.keyword("ANALYZE") || c.keyword("ANALYSE") {
        return Err(Error::unsupported("EXPLAIN ANALYZE"));
    }
    c.keyword("VERBOSE");
    Ok(Utility::Explain { statement: c.rest() })
}
