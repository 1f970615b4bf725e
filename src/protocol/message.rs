//! The messages of the protocol, in the specification's own words.
//!
//! Owns: [`FrontendMessage`], [`StartupPacket`], [`TransactionIndicator`], [`Field`]. Bytes are `codec`'s; what a
//! message means is the session's. Specification: protocol-message-formats.html (PostgreSQL 15).

use bytes::Bytes;

use crate::types::format::Format;
use crate::types::pg_type::Oid;

/// What a client sends once it is started up.
#[derive(Clone, Debug, PartialEq)]
pub enum FrontendMessage {
    /// Simple query: any number of statements.
    Query {
        sql: String,
    },
    Parse {
        /// Empty for the unnamed statement.
        statement: String,
        sql: String,
        /// 0 leaves a type to be inferred.
        param_types: Vec<Oid>,
    },
    Bind {
        portal: String,
        statement: String,
        /// None: all text; one: for all; else one each.
        param_formats: Vec<Format>,
        /// `None` is NULL.
        params: Vec<Option<Bytes>>,
        /// As `param_formats`.
        result_formats: Vec<Format>,
    },
    DescribeStatement {
        name: String,
    },
    DescribePortal {
        name: String,
    },
    Execute {
        portal: String,
        /// 0 is no limit.
        max_rows: u32,
    },
    CloseStatement {
        name: String,
    },
    ClosePortal {
        name: String,
    },
    Flush,
    Sync,
    Terminate,
    CopyData(Bytes),
    CopyDone,
    CopyFail {
        message: String,
    },
    /// PasswordMessage, SASLInitialResponse or SASLResponse: the state of authentication tells which.
    Password(Bytes),
    FunctionCall {
        function: Oid,
        /// As Bind's.
        formats: Vec<Format>,
        args: Vec<Option<Bytes>>,
        result: Format,
    },
}

/// The first packet of a connection; it has no type byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartupPacket {
    Startup {
        /// Minor protocol version asked for; the major one is 3.
        minor: u16,
        /// user, database, options and any session variable, in the order sent.
        parameters: Vec<(String, String)>,
    },
    SslRequest,
    GssEncRequest,
    Cancel {
        pid: i32,
        secret: i32,
    },
}

/// ReadyForQuery's status byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionIndicator {
    Idle,
    InTransaction,
    Failed,
}

impl TransactionIndicator {
    /// I, T or E.
    pub fn byte(self) -> u8 {
        match self {
            TransactionIndicator::Idle => b'I',
            TransactionIndicator::InTransaction => b'T',
            TransactionIndicator::Failed => b'E',
        }
    }
}

/// One column of RowDescription.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    pub name: &'a str,
    pub table_oid: Oid,
    pub attribute: i16,
    pub type_oid: Oid,
    pub type_len: i16,
    pub typmod: i32,
    pub format: Format,
}
