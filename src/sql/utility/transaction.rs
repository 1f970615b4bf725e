//! BEGIN, START TRANSACTION, COMMIT, ROLLBACK, the modes of transactions, SET CONSTRAINTS.
//!
//! Specification: sql-begin.html, sql-set-transaction.html, sql-set-constraints.html.

use crate::error::{Error, Result};
use crate::sql::plan::{BeginMode, IsolationLevel, TransactionCommand, TransactionModes};
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::query::RangeVar;
use crate::sql::syntax::ast::statement::{TransactionStmt, TransactionStmtKind};
use crate::sql::utility::Utility;

pub(super) fn transaction<'s>(stmt: &TransactionStmt) -> Result<Utility<'s>> {
    let savepoint = || stmt.savepoint.clone().unwrap_or_default();
    let (command, tag) = match stmt.kind {
        TransactionStmtKind::Begin => (TransactionCommand::Begin(modes(&stmt.options)?), "BEGIN"),
        TransactionStmtKind::Start => (TransactionCommand::Begin(modes(&stmt.options)?), "START TRANSACTION"),
        TransactionStmtKind::Commit => (TransactionCommand::Commit { chain: stmt.chain }, "COMMIT"),
        TransactionStmtKind::Rollback => (TransactionCommand::Rollback { chain: stmt.chain }, "ROLLBACK"),
        TransactionStmtKind::Savepoint => (TransactionCommand::Savepoint(savepoint()), "SAVEPOINT"),
        TransactionStmtKind::Release => (TransactionCommand::Release(savepoint()), "RELEASE"),
        TransactionStmtKind::RollbackTo => (TransactionCommand::RollbackTo(savepoint()), "ROLLBACK"),
        TransactionStmtKind::Prepare => (TransactionCommand::Prepare, "PREPARE TRANSACTION"),
        TransactionStmtKind::CommitPrepared => finish_prepared(stmt, "COMMIT PREPARED"),
        TransactionStmtKind::RollbackPrepared => finish_prepared(stmt, "ROLLBACK PREPARED"),
    };
    Ok(Utility::Transaction(command, tag))
}

fn finish_prepared(stmt: &TransactionStmt, command: &'static str) -> (TransactionCommand, &'static str) {
    let identifier = stmt.gid.clone().unwrap_or_default();
    (TransactionCommand::FinishPrepared { identifier, command }, command)
}

/// ISOLATION LEVEL …, READ ONLY / WRITE, [NOT] DEFERRABLE, and SQLite's DEFERRED, IMMEDIATE, EXCLUSIVE. The last of a
/// kind counts.
pub(super) fn modes(options: &[DefElem]) -> Result<TransactionModes> {
    let mut modes = TransactionModes::default();
    for option in options {
        match (option.name.as_str(), &option.arg) {
            ("transaction_isolation", Some(DefArg::String(level))) => modes.isolation = Some(isolation_level(level)?),
            ("transaction_read_only", Some(DefArg::Boolean(on))) => modes.read_only = Some(*on),
            ("transaction_deferrable", Some(DefArg::Boolean(on))) => modes.deferrable = Some(*on),
            ("transaction_lock", Some(DefArg::String(lock))) => {
                modes.begin = match lock.as_str() {
                    "deferred" => Some(BeginMode::Deferred),
                    "immediate" => Some(BeginMode::Immediate),
                    _ => Some(BeginMode::Exclusive),
                };
            }
            (other, _) => return Err(Error::internal(format!("the transaction mode {other}"))),
        }
    }
    Ok(modes)
}

fn isolation_level(level: &str) -> Result<IsolationLevel> {
    match level {
        "read uncommitted" => Ok(IsolationLevel::ReadUncommitted),
        "read committed" => Ok(IsolationLevel::ReadCommitted),
        "repeatable read" => Ok(IsolationLevel::RepeatableRead),
        "serializable" => Ok(IsolationLevel::Serializable),
        other => Err(Error::internal(format!("the isolation level {other}"))),
    }
}

pub(super) fn set_constraints<'s>(constraints: Option<&[RangeVar]>, deferred: bool) -> Utility<'s> {
    let name = |constraint: &RangeVar| (constraint.schema.clone(), constraint.relation.clone());
    let names = constraints.map(|constraints| constraints.iter().map(name).collect());
    Utility::Transaction(TransactionCommand::SetConstraints { names, deferred }, "SET CONSTRAINTS")
}
