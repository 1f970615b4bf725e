//! Utility statements that are not about objects: transactions, variables, PREPARE, COPY, EXPLAIN, maintenance.
//!
//! Owns: [`utility`] and [`Utility`]: from the tree as written to what the session is to do. Statements about objects
//! are in `define`. Specification: sql-commands.html.

mod copy;
mod cursor;
mod database;
mod maintenance;
mod role;
mod routine;
mod transaction;
mod variable;

use crate::error::Result;
use crate::sql::database::DatabaseCommand;
use crate::sql::explain::Options;
use crate::sql::plan::{
    CursorCommand, CursorOptions, DiscardTarget, PreparedCommand, SessionCommand, Tag, TransactionCommand,
    VariableCommand,
};
use crate::sql::syntax::ast::expression::{FuncCall, TypeName};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::SelectStmt;
use crate::sql::syntax::ast::statement::{DiscardMode, LockMode, Stmt};
use crate::sql::syntax::print;

pub(in crate::sql) use crate::sql::utility::maintenance::{check_options, is_on};
pub(in crate::sql) use crate::sql::utility::variable::flattened;

pub use crate::sql::utility::copy::{CopySource, CopyStatement, CopyWords};

/// What a utility statement asks for.
#[derive(Clone, Debug)]
pub enum Utility<'s> {
    Transaction(TransactionCommand, &'static str),
    Variable(VariableCommand, &'static str),
    /// PREPARE, with where its statement begins in the text.
    Prepare {
        name: String,
        types: &'s [TypeName],
        query: Location,
    },
    Prepared(PreparedCommand, &'static str),
    Session(SessionCommand, &'static str),
    Database(DatabaseCommand, &'static str),
    Maintenance(Vec<Maintenance>, &'static str),
    /// DECLARE with its query.
    Declare {
        name: String,
        options: CursorOptions,
        query: &'s SelectStmt,
    },
    /// FETCH, MOVE and CLOSE.
    Cursor(CursorCommand, Tag),
    /// The explained statement.
    Explain {
        statement: &'s Stmt,
        options: Options,
        /// Where the statement begins in the text.
        location: Location,
    },
    Copy(CopyStatement<'s>),
    /// DO, with the block's text.
    Do(String),
    Call(&'s FuncCall),
    /// LOCK TABLE names; `write` if the mode conflicts with writers.
    Lock {
        tables: Vec<(Option<String>, String)>,
        write: bool,
        nowait: bool,
    },
}

/// A table that is to be vacuumed or analyzed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintained {
    pub schema: Option<String>,
    pub table: String,
    pub columns: Vec<String>,
}

/// VACUUM, ANALYZE and CHECKPOINT, with the tables that were named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Maintenance {
    Vacuum(Vec<Maintained>),
    Analyze(Option<Maintained>),
    Checkpoint,
}

/// What a statement asks for; `None` if it is not one of those that belong here.
pub fn utility<'s>(stmt: &'s Stmt, text: &str) -> Option<Result<Utility<'s>>> {
    let session = |command, tag| Ok(Utility::Session(command, tag));
    Some(match stmt {
        Stmt::Transaction(stmt) => transaction::transaction(stmt),
        Stmt::ConstraintsSet { constraints, deferred } => {
            Ok(transaction::set_constraints(constraints.as_deref(), *deferred))
        }
        Stmt::VariableSet(stmt) => variable::set(stmt),
        Stmt::VariableShow { name } => Ok(variable::show(name)),
        Stmt::Prepare(stmt) => {
            Ok(Utility::Prepare { name: stmt.name.clone(), types: &stmt.arg_types, query: stmt.location })
        }
        Stmt::Execute(stmt) => {
            let arguments = stmt.params.iter().map(print::expression).collect();
            Ok(Utility::Prepared(PreparedCommand::Execute { name: stmt.name.clone(), arguments }, "EXECUTE"))
        }
        Stmt::Deallocate { name: None } => Ok(Utility::Prepared(PreparedCommand::DeallocateAll, "DEALLOCATE ALL")),
        Stmt::Deallocate { name: Some(name) } => {
            Ok(Utility::Prepared(PreparedCommand::Deallocate { name: name.clone() }, "DEALLOCATE"))
        }
        Stmt::DeclareCursor(stmt) => cursor::declare(stmt),
        Stmt::Fetch(stmt) => Ok(cursor::fetch(stmt)),
        Stmt::ClosePortal { name } => {
            Ok(Utility::Cursor(CursorCommand::Close(name.clone()), Tag::Fixed("CLOSE CURSOR")))
        }
        Stmt::Copy(stmt) => copy::copy(stmt, text).map(Utility::Copy),
        Stmt::Explain(stmt) => maintenance::explain(stmt, text),
        Stmt::Vacuum(stmt) => maintenance::vacuum(stmt, text),
        Stmt::CheckPoint => Ok(Utility::Maintenance(vec![Maintenance::Checkpoint], "CHECKPOINT")),
        Stmt::Listen { channel } => session(SessionCommand::Listen(channel.clone()), "LISTEN"),
        Stmt::Unlisten { channel } => session(SessionCommand::Unlisten(channel.clone()), "UNLISTEN"),
        Stmt::Notify { channel, payload } => {
            let (channel, payload) = (channel.clone(), payload.clone().unwrap_or_default());
            session(SessionCommand::Notify { channel, payload }, "NOTIFY")
        }
        Stmt::Discard(mode) => match mode {
            DiscardMode::All => session(SessionCommand::Discard(DiscardTarget::All), "DISCARD ALL"),
            DiscardMode::Plans => session(SessionCommand::Discard(DiscardTarget::Plans), "DISCARD PLANS"),
            DiscardMode::Sequences => session(SessionCommand::Discard(DiscardTarget::Sequences), "DISCARD SEQUENCES"),
            DiscardMode::Temp => session(SessionCommand::Discard(DiscardTarget::Temp), "DISCARD TEMP"),
        },
        Stmt::Do { args } => routine::block(args),
        Stmt::Call(call) => Ok(Utility::Call(call)),
        Stmt::Lock(stmt) => Ok(Utility::Lock {
            tables: stmt.relations.iter().map(|r| (r.schema.clone(), r.relation.clone())).collect(),
            // Weaker modes let others write (explicit-locking.html).
            write: stmt.mode > LockMode::RowExclusive,
            nowait: stmt.nowait,
        }),
        other => return database::database(other, text),
    })
}
