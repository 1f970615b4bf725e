//! VACUUM, ANALYZE and EXPLAIN.
//!
//! Specification: sql-vacuum.html, sql-analyze.html, sql-explain.html.

use sqlparser::tokenizer::Token;

use crate::error::{Error, Result};
use crate::sql::utility::tokens::Cursor;
use crate::sql::utility::{Maintenance, Utility};

/// Parenthesised options, whose effect SQLite has or needs not.
fn skip_options(c: &mut Cursor<'_>) -> Result<()> {
    if c.accept(&Token::LParen) {
        c.parenthesised()?;
    }
    Ok(())
}

pub(super) fn vacuum<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    skip_options(c)?;
    let mut steps = vec![Maintenance::Vacuum];
    while ["FULL", "FREEZE", "VERBOSE"].iter().any(|word| c.keyword(word)) {}
    let analyze = c.keyword("ANALYZE") || c.keyword("ANALYSE");
    let tables = analyzed_tables(c)?;
    if analyze {
        steps.extend(tables);
    }
    Ok(Utility::Maintenance(steps, "VACUUM"))
}

pub(super) fn analyze<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    skip_options(c)?;
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
    if c.accept(&Token::LParen) {
        let options = c.parenthesised()?.to_ascii_uppercase();
        if options.contains("ANALYZE") {
            return Err(Error::unsupported("EXPLAIN ANALYZE"));
        }
        if options.contains("FORMAT") && !options.contains("TEXT") {
            return Err(Error::unsupported("EXPLAIN in a format other than text"));
        }
    }
    if c.keyword("ANALYZE") || c.keyword("ANALYSE") {
        return Err(Error::unsupported("EXPLAIN ANALYZE"));
    }
    c.keyword("VERBOSE");
    Ok(Utility::Explain { statement: c.rest() })
}
