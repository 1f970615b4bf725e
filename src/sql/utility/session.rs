//! What belongs to a session: DISCARD, PREPARE, EXECUTE, DEALLOCATE, LOCK.
//!
//! Specification: sql-prepare.html, sql-discard.html, sql-lock.html.

use sqlparser::tokenizer::Token;

use crate::error::Result;
use crate::sql::parse;
use crate::sql::plan::{DiscardTarget, PreparedCommand, SessionCommand, TransactionCommand};
use crate::sql::utility::Utility;
use crate::sql::utility::tokens::Cursor;

pub(super) fn discard<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    let targets = [
        ("ALL", DiscardTarget::All, "DISCARD ALL"),
        ("PLANS", DiscardTarget::Plans, "DISCARD PLANS"),
        ("SEQUENCES", DiscardTarget::Sequences, "DISCARD SEQUENCES"),
        ("TEMP", DiscardTarget::Temp, "DISCARD TEMP"),
        ("TEMPORARY", DiscardTarget::Temp, "DISCARD TEMP"),
    ];
    match targets.into_iter().find(|(word, ..)| c.keyword(word)) {
        Some((_, target, tag)) => Ok(Utility::Session(SessionCommand::Discard(target), tag)),
        None => Err(c.unexpected()),
    }
}

pub(super) fn deallocate<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    c.keyword("PREPARE");
    if c.keyword("ALL") {
        return Ok(Utility::Prepared(PreparedCommand::DeallocateAll, "DEALLOCATE ALL"));
    }
    Ok(Utility::Prepared(PreparedCommand::Deallocate { name: c.name()? }, "DEALLOCATE"))
}

pub(super) fn prepare<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    if c.keyword("TRANSACTION") {
        c.string()?;
        return Ok(Utility::Transaction(TransactionCommand::Prepare, "PREPARE TRANSACTION"));
    }
    let name = c.name()?;
    let mut types = Vec::new();
    if c.accept(&Token::LParen) {
        types = split_commas(c.parenthesised()?);
    }
    c.require("AS")?;
    Ok(Utility::Prepare { name, types, query: c.rest() })
}

pub(super) fn execute<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    let name = c.name()?;
    let mut arguments = Vec::new();
    if c.accept(&Token::LParen) {
        arguments = split_commas(c.parenthesised()?);
    }
    Ok(Utility::Prepared(PreparedCommand::Execute { name, arguments }, "EXECUTE"))
}

/// Splits at commas outside of parentheses, brackets and quotes.
fn split_commas(text: &str) -> Vec<String> {
    let Ok(tokens) = parse::tokens(text) else { return vec![text.to_owned()] };
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for token in &tokens {
        match token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth -= 1,
            Token::Comma if depth == 0 => {
                let at = parse::byte_offset(text, token.span.start).unwrap_or(text.len());
                parts.push(text.get(start..at).unwrap_or("").trim().to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or("").trim().to_owned());
    parts
}

/// The lock modes that let others write (explicit-locking.html).
const SHARED_WITH_WRITERS: &[&str] = &["access share", "row share", "row exclusive"];

pub(super) fn lock<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    c.keyword("TABLE");
    c.keyword("ONLY");
    let mut tables = vec![c.qualified_name()?];
    while c.accept(&Token::Comma) {
        tables.push(c.qualified_name()?);
    }
    let mut mode = Vec::new();
    if c.keyword("IN") {
        while !c.looking_at("MODE") {
            mode.push(c.name()?.to_lowercase());
        }
        c.require("MODE")?;
    }
    let nowait = c.keyword("NOWAIT");
    let mode = mode.join(" ");
    Ok(Utility::Lock { tables, write: !SHARED_WITH_WRITERS.contains(&mode.as_str()), nowait })
}
