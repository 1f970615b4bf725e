//! SET, RESET and SHOW.
//!
//! Specification: sql-set.html, sql-set-constraints.html, gram.y's VariableSetStmt.

use sqlparser::tokenizer::Token;

use crate::error::{Error, Result};
use crate::sql::plan::{TransactionCommand, VariableCommand};
use crate::sql::utility::Utility;
use crate::sql::utility::tokens::Cursor;
use crate::sql::utility::transaction::modes;

pub(super) fn set<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    if c.keyword("CONSTRAINTS") {
        let names = if c.keyword("ALL") {
            None
        } else {
            let mut names = vec![c.qualified_name()?];
            while c.accept(&Token::Comma) {
                names.push(c.qualified_name()?);
            }
            Some(names)
        };
        let deferred = c.keyword("DEFERRED");
        if !deferred {
            c.require("IMMEDIATE")?;
        }
        return Ok(Utility::Transaction(TransactionCommand::SetConstraints { names, deferred }, "SET CONSTRAINTS"));
    }
    if c.keywords(&["SESSION", "CHARACTERISTICS", "AS", "TRANSACTION"]) {
        return Ok(Utility::Transaction(TransactionCommand::SetCharacteristics(modes(c)?), "SET"));
    }
    if c.keyword("TRANSACTION") {
        if c.looking_at("SNAPSHOT") {
            return Err(Error::unsupported("SET TRANSACTION SNAPSHOT"));
        }
        return Ok(Utility::Transaction(TransactionCommand::SetTransaction(modes(c)?), "SET"));
    }
    let local = c.keyword("LOCAL");
    if !local {
        c.keyword("SESSION");
    }
    let (name, value) = assignment(c)?;
    Ok(Utility::Variable(VariableCommand::Set { name, value, local }, "SET"))
}

/// name { = | TO } value, and the special spellings.
pub(super) fn assignment(c: &mut Cursor<'_>) -> Result<(String, Option<String>)> {
    if c.keywords(&["TIME", "ZONE"]) {
        let local = c.keyword("LOCAL") || c.keyword("DEFAULT");
        let value = if local { None } else { Some(time_zone(c)?) };
        return Ok(("timezone".to_owned(), value));
    }
    if c.keyword("NAMES") {
        let default = c.at >= c.tokens.len() || c.keyword("DEFAULT");
        return Ok(("client_encoding".to_owned(), if default { None } else { Some(c.string()?) }));
    }
    if c.keywords(&["AUTHORIZATION"]) {
        let value = if c.keyword("DEFAULT") { None } else { Some(c.value()?) };
        return Ok(("session_authorization".to_owned(), value));
    }
    if c.keyword("ROLE") {
        return Ok(("role".to_owned(), Some(c.value()?)));
    }
    let mut name = c.name()?;
    while c.accept(&Token::Period) {
        name = format!("{name}.{}", c.name()?);
    }
    if !c.accept(&Token::Eq) {
        c.require("TO")?;
    }
    if c.keyword("DEFAULT") {
        return Ok((name, None));
    }
    let mut values = vec![list_value(c, &name)?];
    while c.accept(&Token::Comma) {
        values.push(list_value(c, &name)?);
    }
    Ok((name, Some(values.join(", "))))
}

fn time_zone(c: &mut Cursor<'_>) -> Result<String> {
    if c.keyword("INTERVAL") {
        return Err(Error::unsupported("SET TIME ZONE INTERVAL"));
    }
    c.value()
}

/// One value; in lists of identifiers a quoted one keeps its quotes where it needs them.
fn list_value(c: &mut Cursor<'_>, variable: &str) -> Result<String> {
    let text = c.value()?;
    let plain = text.chars().all(|ch| ch.is_ascii_lowercase() || ch.is_ascii_digit() || ch == '_')
        && text.chars().next().is_some_and(|ch| !ch.is_ascii_digit());
    if variable == "search_path" && !plain {
        return Ok(format!("\"{}\"", text.replace('"', "\"\"")));
    }
    Ok(text)
}

/// The variable's name, the special spellings included.
fn variable_name(c: &mut Cursor<'_>) -> Result<String> {
    if c.keywords(&["TIME", "ZONE"]) {
        return Ok("timezone".to_owned());
    }
    if c.keywords(&["TRANSACTION", "ISOLATION", "LEVEL"]) {
        return Ok("transaction_isolation".to_owned());
    }
    if c.keywords(&["SESSION", "AUTHORIZATION"]) {
        return Ok("session_authorization".to_owned());
    }
    let mut name = c.name()?;
    while c.accept(&Token::Period) {
        name = format!("{name}.{}", c.name()?);
    }
    Ok(name)
}

pub(super) fn reset<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    let command =
        if c.keyword("ALL") { VariableCommand::ResetAll } else { VariableCommand::Reset { name: variable_name(c)? } };
    Ok(Utility::Variable(command, "RESET"))
}

pub(super) fn show<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    let command =
        if c.keyword("ALL") { VariableCommand::ShowAll } else { VariableCommand::Show { name: variable_name(c)? } };
    Ok(Utility::Variable(command, "SHOW"))
}
