//! SQLite's result codes in PostgreSQL's terms.
//!
//! Owns: [`Failure`], [`plain`], [`from_rusqlite`]. Must not know: the catalog; what a violated constraint is called is
//! `engine::constraint_errors`. Specification: SPEC section 4, sqlite.org/rescode.html, errcodes-appendix.html.

use rusqlite::ffi;

use crate::engine::statement::Code;
use crate::error::{Error, SqlState};
use crate::storage::local;

/// A failed call as SQLite tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The extended result code.
    pub(crate) code: Code,
    pub(crate) message: String,
}

impl Failure {
    /// The primary result code.
    pub(crate) fn primary(&self) -> Code {
        self.code & 0xff
    }
}

/// The message a lost snapshot is answered with; PostgreSQL's own.
pub(crate) const CONCURRENT_UPDATE: &str = "could not serialize access due to concurrent update";

/// Whether SQLite could not sync: nobody knows then what the disk holds, and the next sync proves nothing.
pub(crate) fn is_failed_sync(code: Code) -> bool {
    matches!(code, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
}

/// Ends the process if SQLite could not sync, as the replicator does.
pub(crate) fn end_if_unsynced<T>(what: &str, outcome: &rusqlite::Result<T>) {
    if let Err(error) = outcome
        && error.sqlite_error().is_some_and(|error| is_failed_sync(error.extended_code))
    {
        local::or_end(what, Err(std::io::Error::other(error.to_string())));
    }
}

/// SQLSTATE and message by primary code; an empty message stands for SQLite's own.
const CODES: &[(Code, SqlState, &str)] = &[
    (ffi::SQLITE_PERM, SqlState::INSUFFICIENT_PRIVILEGE, ""),
    (ffi::SQLITE_ABORT, SqlState::SERIALIZATION_FAILURE, "the transaction this query belongs to was rolled back"),
    (ffi::SQLITE_BUSY, SqlState::SERIALIZATION_FAILURE, CONCURRENT_UPDATE),
    (
        ffi::SQLITE_LOCKED,
        SqlState::OBJECT_IN_USE,
        "cannot change the object because it is being used by active queries in this session",
    ),
    (ffi::SQLITE_NOMEM, SqlState::OUT_OF_MEMORY, "out of memory"),
    (ffi::SQLITE_READONLY, SqlState::READ_ONLY_SQL_TRANSACTION, ""),
    (ffi::SQLITE_INTERRUPT, SqlState::QUERY_CANCELED, "canceling statement due to user request"),
    (ffi::SQLITE_IOERR, SqlState::IO_ERROR, ""),
    (ffi::SQLITE_CORRUPT, SqlState::DATA_CORRUPTED, ""),
    (ffi::SQLITE_NOTADB, SqlState::DATA_CORRUPTED, ""),
    (ffi::SQLITE_CANTOPEN, SqlState::IO_ERROR, ""),
    (ffi::SQLITE_PROTOCOL, SqlState::SERIALIZATION_FAILURE, ""),
    (ffi::SQLITE_TOOBIG, SqlState::PROGRAM_LIMIT_EXCEEDED, ""),
    (ffi::SQLITE_CONSTRAINT, SqlState::INTEGRITY_CONSTRAINT_VIOLATION, ""),
    (ffi::SQLITE_MISMATCH, SqlState::DATATYPE_MISMATCH, ""),
    (ffi::SQLITE_AUTH, SqlState::INSUFFICIENT_PRIVILEGE, ""),
    (ffi::SQLITE_RANGE, SqlState::PROTOCOL_VIOLATION, ""),
];

/// In the place of what comes after the rest: the rest is not told.
const DROP: &str = "\0";

/// What SQLITE_ERROR's messages mean: how one begins, its SQLSTATE, and PostgreSQL's words around the rest.
#[rustfmt::skip]
const MESSAGES: &[(&str, SqlState, &str, &str)] = &[
    ("no such table: ", SqlState::UNDEFINED_TABLE, "relation \"", "\" does not exist"),
    ("no such view: ", SqlState::UNDEFINED_TABLE, "view \"", "\" does not exist"),
    ("no such index: ", SqlState::UNDEFINED_OBJECT, "index \"", "\" does not exist"),
    ("no such column: ", SqlState::UNDEFINED_COLUMN, "column \"", "\" does not exist"),
    ("ambiguous column name: ", SqlState::AMBIGUOUS_COLUMN, "column reference \"", "\" is ambiguous"),
    ("no such function: ", SqlState::UNDEFINED_FUNCTION, "function ", " does not exist"),
    ("no such collation sequence: ", SqlState::UNDEFINED_OBJECT, "collation \"", "\" does not exist"),
    ("wrong number of arguments to function ", SqlState::UNDEFINED_FUNCTION, "function ", " does not exist"),
    ("not authorized ", SqlState::INSUFFICIENT_PRIVILEGE, "not authorized ", ""),
    ("too many SQL variables", SqlState::PROGRAM_LIMIT_EXCEEDED, "too many SQL variables", ""),
    ("too many columns", SqlState::PROGRAM_LIMIT_EXCEEDED, "too many columns", ""),
    ("too many terms in compound SELECT", SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded", DROP),
    ("Expression tree is too large", SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded", DROP),
    ("parser stack overflow", SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded", DROP),
    ("Recursion limit", SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded", DROP),
    ("at most ", SqlState::PROGRAM_LIMIT_EXCEEDED, "at most ", ""),
    ("too many arguments on function", SqlState::TOO_MANY_ARGUMENTS, "cannot pass more than 100 arguments to a function", DROP),
    ("variable number must be", SqlState::PROGRAM_LIMIT_EXCEEDED, "too many constants and parameters", DROP),
    ("too many FROM clause terms", SqlState::PROGRAM_LIMIT_EXCEEDED, "too many range table entries", DROP),
    ("too many references to", SqlState::PROGRAM_LIMIT_EXCEEDED, "too many range table entries", DROP),
    ("too many terms in", SqlState::PROGRAM_LIMIT_EXCEEDED, "too many terms in", ""),
    ("LIKE or GLOB pattern too complex", SqlState::PROGRAM_LIMIT_EXCEEDED, "pattern is too complex", DROP),
    ("VIEWs and/or subqueries nested too deep", SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded", DROP),
    ("too many levels of trigger recursion", SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded", DROP),
    ("argument of ntile must be", SqlState::INVALID_ARGUMENT_FOR_NTILE, "argument of ntile must be greater than zero", DROP),
    ("second argument to nth_value must be", SqlState::INVALID_ARGUMENT_FOR_NTH_VALUE, "argument of nth_value must be greater than zero", DROP),
    ("frame starting offset must be a non-negative integer", SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE, "frame starting offset must not be negative", DROP),
    ("frame ending offset must be a non-negative integer", SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE, "frame ending offset must not be negative", DROP),
    ("frame starting offset must be a non-negative number", SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE, "invalid preceding or following size in window function", DROP),
    ("frame ending offset must be a non-negative number", SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE, "invalid preceding or following size in window function", DROP),
    ("ON CONFLICT clause does not match", SqlState::FEATURE_NOT_SUPPORTED, "ON CONFLICT over NULLS NOT DISTINCT is not supported", DROP),
    ("integer overflow", SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range", ""),
    ("malformed JSON", SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json", ""),
    ("string or blob too big", SqlState::PROGRAM_LIMIT_EXCEEDED, "string or blob too big", ""),
];

/// The error for a failure about which nothing more is known.
pub(crate) fn plain(failure: &Failure) -> Error {
    if failure.primary() == ffi::SQLITE_ERROR || failure.primary() == ffi::SQLITE_SCHEMA {
        return by_message(&failure.message);
    }
    if failure.primary() == ffi::SQLITE_FULL {
        return disk_full();
    }
    let row = CODES.iter().find(|(code, ..)| *code == failure.primary());
    match row {
        Some((_, state, "")) => Error::new(*state, failure.message.clone()),
        Some((_, state, message)) => Error::new(*state, *message),
        None => Error::internal(format_args!("SQLite: {} (code {})", failure.message, failure.code)),
    }
}

/// Nothing can be written for want of space.
pub(crate) fn disk_full() -> Error {
    Error::new(SqlState::DISK_FULL, "could not extend the database: no space left on device")
        .with_hint("Check free disk space.")
}

fn by_message(message: &str) -> Error {
    for (start, state, before, after) in MESSAGES {
        if let Some(rest) = message.strip_prefix(start) {
            let message = if *after == DROP { (*before).to_owned() } else { format!("{before}{rest}{after}") };
            return Error::new(*state, message);
        }
    }
    if message.ends_with(" may not be modified") {
        return Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message.to_owned());
    }
    if message.contains("syntax error") || message.starts_with("unrecognized token") {
        return Error::new(SqlState::SYNTAX_ERROR, message.to_owned());
    }
    Error::internal(format_args!("SQLite: {message}"))
}

/// The error of a call through rusqlite.
pub(crate) fn from_rusqlite(error: rusqlite::Error) -> Error {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            plain(&Failure { code: code.extended_code, message: message.unwrap_or_else(|| code.to_string()) })
        }
        rusqlite::Error::SqlInputError { error, msg, .. } => {
            plain(&Failure { code: error.extended_code, message: msg })
        }
        other => Error::internal(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_messages_become_sqlstates() {
        let cases: &[(Code, &str, SqlState, &str)] = &[
            (
                ffi::SQLITE_FULL,
                "database or disk is full",
                SqlState::DISK_FULL,
                "could not extend the database: no space left on device",
            ),
            (ffi::SQLITE_BUSY_SNAPSHOT, "database is locked", SqlState::SERIALIZATION_FAILURE, CONCURRENT_UPDATE),
            (ffi::SQLITE_IOERR_WRITE, "disk I/O error", SqlState::IO_ERROR, "disk I/O error"),
            (ffi::SQLITE_NOTADB, "file is not a database", SqlState::DATA_CORRUPTED, "file is not a database"),
            (ffi::SQLITE_AUTH, "not authorized", SqlState::INSUFFICIENT_PRIVILEGE, "not authorized"),
            (ffi::SQLITE_ERROR, "no such table: x", SqlState::UNDEFINED_TABLE, "relation \"x\" does not exist"),
            (
                ffi::SQLITE_ERROR,
                "too many arguments on function pg_array",
                SqlState::TOO_MANY_ARGUMENTS,
                "cannot pass more than 100 arguments to a function",
            ),
            (
                ffi::SQLITE_ERROR,
                "VIEWs and/or subqueries nested too deep",
                SqlState::STATEMENT_TOO_COMPLEX,
                "stack depth limit exceeded",
            ),
            (ffi::SQLITE_ERROR, "near \"(\": syntax error", SqlState::SYNTAX_ERROR, "near \"(\": syntax error"),
            (ffi::SQLITE_ERROR, "what is this", SqlState::INTERNAL_ERROR, "internal error: SQLite: what is this"),
        ];
        for (code, text, state, message) in cases {
            let error = plain(&Failure { code: *code, message: (*text).to_owned() });
            assert_eq!((error.code(), error.message()), (*state, *message), "{text}");
        }
    }
}
