//! BEGIN, START TRANSACTION, COMMIT, ROLLBACK and the modes of transactions.
//!
//! Specification: sql-begin.html, sql-set-transaction.html, gram.y's TransactionStmt.

use sqlparser::tokenizer::Token;

use crate::error::Result;
use crate::sql::plan::{BeginMode, IsolationLevel, TransactionCommand, TransactionModes};
use crate::sql::utility::Utility;
use crate::sql::utility::tokens::Cursor;

pub(super) fn begin<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    let begin =
        [("DEFERRED", BeginMode::Deferred), ("IMMEDIATE", BeginMode::Immediate), ("EXCLUSIVE", BeginMode::Exclusive)]
            .into_iter()
            .find(|(word, _)| c.keyword(word))
            .map(|(_, mode)| mode);
    let _ = c.keyword("WORK") || c.keyword("TRANSACTION");
    let modes = TransactionModes { begin, ..modes(c)? };
    Ok(Utility::Transaction(TransactionCommand::Begin(modes), "BEGIN"))
}

pub(super) fn start_transaction<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    c.require("TRANSACTION")?;
    Ok(Utility::Transaction(TransactionCommand::Begin(modes(c)?), "START TRANSACTION"))
}

/// ISOLATION LEVEL …, READ ONLY / WRITE, [NOT] DEFERRABLE; commas between them may be left out.
pub(super) fn modes(c: &mut Cursor<'_>) -> Result<TransactionModes> {
    let mut modes = TransactionModes::default();
    loop {
        if c.keywords(&["ISOLATION", "LEVEL"]) {
            modes.isolation = Some(isolation_level(c)?);
        } else if c.keywords(&["READ", "ONLY"]) {
            modes.read_only = Some(true);
        } else if c.keywords(&["READ", "WRITE"]) {
            modes.read_only = Some(false);
        } else if c.keyword("DEFERRABLE") {
            modes.deferrable = Some(true);
        } else if c.keywords(&["NOT", "DEFERRABLE"]) {
            modes.deferrable = Some(false);
        } else {
            return Ok(modes);
        }
        c.accept(&Token::Comma);
    }
}

fn isolation_level(c: &mut Cursor<'_>) -> Result<IsolationLevel> {
    if c.keywords(&["READ", "UNCOMMITTED"]) {
        Ok(IsolationLevel::ReadUncommitted)
    } else if c.keywords(&["READ", "COMMITTED"]) {
        Ok(IsolationLevel::ReadCommitted)
    } else if c.keywords(&["REPEATABLE", "READ"]) {
        Ok(IsolationLevel::RepeatableRead)
    } else if c.keyword("SERIALIZABLE") {
        Ok(IsolationLevel::Serializable)
    } else {
        Err(c.unexpected())
    }
}

fn chain(c: &mut Cursor<'_>) -> Result<bool> {
    let _ = c.keyword("WORK") || c.keyword("TRANSACTION");
    if c.keywords(&["AND", "NO", "CHAIN"]) {
        return Ok(false);
    }
    Ok(c.keywords(&["AND", "CHAIN"]))
}

pub(super) fn commit<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    if c.keyword("PREPARED") {
        return finish_prepared(c, "COMMIT PREPARED");
    }
    Ok(Utility::Transaction(TransactionCommand::Commit { chain: chain(c)? }, "COMMIT"))
}

fn finish_prepared<'t>(c: &mut Cursor<'t>, command: &'static str) -> Result<Utility<'t>> {
    let identifier = c.string()?;
    Ok(Utility::Transaction(TransactionCommand::FinishPrepared { identifier, command }, command))
}

pub(super) fn rollback<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    if c.keyword("PREPARED") {
        return finish_prepared(c, "ROLLBACK PREPARED");
    }
    let start = c.at;
    let _ = c.keyword("WORK") || c.keyword("TRANSACTION");
    if c.keyword("TO") {
        c.keyword("SAVEPOINT");
        return Ok(Utility::Transaction(TransactionCommand::RollbackTo(c.name()?), "ROLLBACK"));
    }
    c.at = start;
    Ok(Utility::Transaction(TransactionCommand::Rollback { chain: chain(c)? }, "ROLLBACK"))
}
