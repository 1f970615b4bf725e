//! Utility statements that are not about objects: transactions, variables, PREPARE, COPY, EXPLAIN, maintenance.
//!
//! Owns: [`statement`] and [`Utility`]: which statement it is by its first word. Its files have PostgreSQL's grammar of
//! these statements over tokens, since most of them are not the parser crate's. Schema changes are in `parse_ddl`. Specification: sql-commands.html, gram.y.

mod copy;
mod cursor;
mod database;
mod maintenance;
mod session;
mod tokens;
mod transaction;
mod variable;

use sqlparser::tokenizer::Token;

use crate::error::{Error, Result};
use crate::sql::database::DatabaseCommand;
use crate::sql::plan::{
    CursorCommand, CursorOptions, PreparedCommand, SessionCommand, Tag, TransactionCommand, VariableCommand,
};
use crate::sql::utility::tokens::Cursor;

pub use crate::sql::utility::copy::{CopySource, CopyStatement, CopyWords};

/// A parsed utility statement.
#[derive(Clone, Debug)]
pub enum Utility<'t> {
    Transaction(TransactionCommand, &'static str),
    Variable(VariableCommand, &'static str),
    /// PREPARE's parameter types as text.
    Prepare {
        name: String,
        types: Vec<String>,
        query: &'t str,
    },
    Prepared(PreparedCommand, &'static str),
    Session(SessionCommand, &'static str),
    Database(DatabaseCommand, &'static str),
    Maintenance(Vec<Maintenance>, &'static str),
    /// DECLARE with its query.
    Declare {
        name: String,
        options: CursorOptions,
        query: &'t str,
    },
    /// FETCH, MOVE and CLOSE.
    Cursor(CursorCommand, Tag),
    /// The explained statement.
    Explain {
        statement: &'t str,
    },
    Copy(CopyStatement<'t>),
    /// LOCK TABLE names; `write` if the mode conflicts with writers.
    Lock {
        tables: Vec<(Option<String>, String)>,
        write: bool,
        nowait: bool,
    },
}

/// VACUUM, ANALYZE and CHECKPOINT, with the table if one was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Maintenance {
    Vacuum,
    Analyze(Option<(Option<String>, String)>),
    Checkpoint,
}

/// Parses a statement if its first word is one of those that belong here.
pub fn statement(text: &str) -> Option<Result<Utility<'_>>> {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let first = text.get(..end)?.to_ascii_uppercase();
    type Rule = for<'t> fn(&mut Cursor<'t>) -> Result<Utility<'t>>;
    if matches!(first.as_str(), "CREATE" | "ALTER" | "DROP" | "COMMENT") {
        // Most of these are not ours, and what is not may be nothing the tokens say anything about.
        let mut cursor = Cursor::new(text).ok()?;
        cursor.at = 1;
        let rule = database::rule(&first, &cursor)?;
        return Some(rule(&mut cursor).and_then(|parsed| cursor.end().map(|()| parsed)));
    }
    let rule: Rule = match first.as_str() {
        "BEGIN" => transaction::begin,
        "START" => transaction::start_transaction,
        "COMMIT" | "END" => transaction::commit,
        "ROLLBACK" | "ABORT" => transaction::rollback,
        "SAVEPOINT" => |c| Ok(Utility::Transaction(TransactionCommand::Savepoint(c.name()?), "SAVEPOINT")),
        "RELEASE" => |c| {
            c.keyword("SAVEPOINT");
            Ok(Utility::Transaction(TransactionCommand::Release(c.name()?), "RELEASE"))
        },
        "SET" => variable::set,
        "RESET" => variable::reset,
        "SHOW" => variable::show,
        "DISCARD" => session::discard,
        "DEALLOCATE" => session::deallocate,
        "PREPARE" => session::prepare,
        "EXECUTE" => session::execute,
        "LOCK" => session::lock,
        "VACUUM" => maintenance::vacuum,
        "ANALYZE" | "ANALYSE" => maintenance::analyze,
        "CHECKPOINT" => |_| Ok(Utility::Maintenance(vec![Maintenance::Checkpoint], "CHECKPOINT")),
        "EXPLAIN" => maintenance::explain,
        "COPY" => copy::copy,
        "DECLARE" => cursor::declare,
        "FETCH" => |c| cursor::fetch(c, false),
        "MOVE" => |c| cursor::fetch(c, true),
        "CLOSE" => |c| {
            let name = if c.keyword("ALL") { None } else { Some(c.name()?) };
            Ok(Utility::Cursor(CursorCommand::Close(name), Tag::Fixed("CLOSE CURSOR")))
        },
        "LISTEN" => |c| Ok(Utility::Session(SessionCommand::Listen(c.name()?), "LISTEN")),
        "UNLISTEN" => |c| {
            let channel = if c.accept(&Token::Mul) { None } else { Some(c.name()?) };
            Ok(Utility::Session(SessionCommand::Unlisten(channel), "UNLISTEN"))
        },
        "NOTIFY" => |c| {
            let channel = c.name()?;
            let payload = if c.accept(&Token::Comma) { c.string()? } else { String::new() };
            Ok(Utility::Session(SessionCommand::Notify { channel, payload }, "NOTIFY"))
        },
        "DO" => |_| Err(Error::unsupported("DO")),
        "CALL" => |_| Err(Error::unsupported("CALL")),
        "LOAD" => |_| Err(Error::unsupported("LOAD")),
        "MERGE" => |_| Err(Error::unsupported("MERGE")),
        _ => return None,
    };
    Some(Cursor::new(text).and_then(|mut cursor| {
        cursor.at = 1;
        let parsed = rule(&mut cursor)?;
        cursor.end()?;
        Ok(parsed)
    }))
}
