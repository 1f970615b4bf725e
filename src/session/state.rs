//! What one session remembers between messages: the transaction's state, prepared statements, portals, savepoints.
//!
//! Owns: [`TransactionStatus`], [`PreparedStatement`], [`Portal`], [`Session`]. No I/O. Must not know: sockets, how
//! statements run. Specification: protocol-flow.html; the states are named as in PostgreSQL's xact.c.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::context::ActivityState;
use crate::engine::cursor::Cursor;
use crate::error::{Error, Result, SqlState};
use crate::protocol::message::TransactionIndicator;
use crate::session::rows::Rows;
use crate::sql::plan::{CursorOptions, Plan, Planned, PositionedOn, TransactionModes};
use crate::types::format::Format;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// Where the session is in a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransactionStatus {
    /// No transaction (TBLOCK_DEFAULT).
    #[default]
    Default,
    /// One statement runs in a transaction of its own (TBLOCK_STARTED).
    Started,
    /// The statements of a query string, or of a pipeline, share a transaction (TBLOCK_IMPLICIT_INPROGRESS).
    InTransactionImplicit,
    /// After BEGIN (TBLOCK_INPROGRESS).
    InTransaction,
    /// After BEGIN and an error (TBLOCK_ABORT).
    Failed,
}

impl TransactionStatus {
    /// What ReadyForQuery says.
    pub fn indicator(self) -> TransactionIndicator {
        match self {
            TransactionStatus::Default | TransactionStatus::Started | TransactionStatus::InTransactionImplicit => {
                TransactionIndicator::Idle
            }
            TransactionStatus::InTransaction => TransactionIndicator::InTransaction,
            TransactionStatus::Failed => TransactionIndicator::Failed,
        }
    }

    /// What pg_stat_activity says while the session is idle.
    pub fn activity(self) -> ActivityState {
        match self {
            TransactionStatus::InTransaction => ActivityState::InTransaction,
            TransactionStatus::Failed => ActivityState::Failed,
            _ => ActivityState::Idle,
        }
    }

    /// Whether BEGIN began it.
    pub fn is_explicit(self) -> bool {
        matches!(self, TransactionStatus::InTransaction | TransactionStatus::Failed)
    }

    /// Whether a transaction outlives the statement (IsTransactionBlock).
    pub fn is_block(self) -> bool {
        !matches!(self, TransactionStatus::Default | TransactionStatus::Started)
    }
}

/// A statement of Parse or PREPARE.
#[derive(Debug)]
pub struct PreparedStatement {
    pub text: Arc<str>,
    /// The types given in Parse; 0 or missing ones were inferred.
    pub given_types: Vec<Oid>,
    pub planned: Planned,
    /// What the plan was made for, besides the schema; when it has changed the statement is planned anew.
    pub search_path: Arc<[String]>,
}

impl PreparedStatement {
    /// About the memory it takes: the plan may be shared with others, who may let go of it.
    fn bytes(&self) -> usize {
        self.planned.bytes + 2 * self.text.len() + size_of::<Self>()
    }
}

/// The formats of a result's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultFormats {
    All(Format),
    Each(Vec<Format>),
}

impl ResultFormats {
    /// By the rule of Bind: none is text, one is for all. `columns` is the result's width.
    pub fn from_bind(formats: Vec<Format>, columns: usize) -> Result<Self> {
        match (formats.first(), formats.len()) {
            (None, _) => Ok(ResultFormats::All(Format::Text)),
            (Some(format), 1) => Ok(ResultFormats::All(*format)),
            (_, count) if count == columns => Ok(ResultFormats::Each(formats)),
            (_, count) => Err(Error::new(
                SqlState::PROTOCOL_VIOLATION,
                format!("bind message has {count} result formats but query has {columns} columns"),
            )),
        }
    }

    /// The format of a column.
    pub fn of(&self, column: usize) -> Format {
        match self {
            ResultFormats::All(format) => *format,
            ResultFormats::Each(formats) => formats.get(column).copied().unwrap_or_default(),
        }
    }
}

/// Where a portal's rows come from.
pub enum RowSource {
    /// With the outcome of the first step, if it has been made already.
    Cursor(Cursor, Option<bool>),
    /// Rows of text that a utility statement made.
    Lines(std::vec::IntoIter<Vec<String>>),
    /// Those of a cursor, which may have been read already.
    Rows(Box<Rows>),
    /// What a FETCH gives in pieces, with the plan that describes it.
    Fetched(Arc<Plan>, std::vec::IntoIter<Vec<Value>>),
}

/// How far a portal has come.
pub enum PortalState {
    /// Bound, not executed.
    New,
    /// Stopped at a row limit.
    Suspended(RowSource),
    /// All rows were sent; executing it again gives none.
    Completed,
    /// A statement without rows was executed, or it failed; it cannot be executed again.
    Done,
}

/// A statement bound to values, ready to run or half run.
pub struct Portal {
    /// Empty for the unnamed portal.
    pub name: String,
    pub text: Arc<str>,
    pub planned: Planned,
    pub params: Vec<Value>,
    pub formats: ResultFormats,
    pub state: PortalState,
    /// How many savepoints were open when it was made: rolling back to one of them ends it.
    pub depth: usize,
    /// What DECLARE says of it.
    pub options: CursorOptions,
    /// Its transaction has committed, and it goes on (WITH HOLD).
    pub held: bool,
    /// The tables whose rows' numbers are behind its columns.
    pub positioned: PositionedOn,
    /// When it was made, microseconds since 1970-01-01 UTC; 0 for an unnamed one, which nobody is shown.
    pub created: i64,
}

/// A session's memory.
#[derive(Default)]
pub struct Session {
    pub status: TransactionStatus,
    pub unnamed_statement: Option<Arc<PreparedStatement>>,
    pub statements: HashMap<String, Arc<PreparedStatement>>,
    /// What `statements` and the unnamed one take.
    statement_bytes: usize,
    pub unnamed_portal: Option<Portal>,
    pub portals: HashMap<String, Portal>,
    /// The open savepoints, outermost first: their names, and whether the transaction was READ ONLY before them.
    pub savepoints: Vec<(String, Option<bool>)>,
    /// The modes the open transaction was begun with, for AND CHAIN.
    pub modes: TransactionModes,
    /// A statement of the open transaction has failed because another transaction came first.
    pub conflicted: bool,
    /// A query has run in the open transaction: its modes are fixed.
    pub queried: bool,
    /// pg_cursors may show what is not there any more.
    pub cursors_shown: bool,
    /// An Execute has completed since the last Sync.
    pub pipelining: bool,
}

impl Session {
    /// The prepared statement of that name; the empty name is the unnamed one.
    pub fn statement(&self, name: &str) -> Result<Arc<PreparedStatement>> {
        let found = if name.is_empty() { self.unnamed_statement.as_ref() } else { self.statements.get(name) };
        found.cloned().ok_or_else(|| {
            let message = match name {
                "" => "unnamed prepared statement does not exist".to_owned(),
                name => format!("prepared statement \"{name}\" does not exist"),
            };
            Error::new(SqlState::INVALID_SQL_STATEMENT_NAME, message)
        })
    }

    /// Keeps a prepared statement under a name.
    pub fn keep_statement(&mut self, name: String, statement: Arc<PreparedStatement>) {
        self.statement_bytes += statement.bytes();
        let replaced = match name.is_empty() {
            true => self.unnamed_statement.replace(statement),
            false => self.statements.insert(name, statement),
        };
        self.statement_bytes -= replaced.map_or(0, |replaced| replaced.bytes());
    }

    /// Forgets a prepared statement. Gives whether there was one.
    pub fn forget_statement(&mut self, name: &str) -> bool {
        let forgotten = match name {
            "" => self.unnamed_statement.take(),
            name => self.statements.remove(name),
        };
        self.statement_bytes -= forgotten.as_ref().map_or(0, |forgotten| forgotten.bytes());
        forgotten.is_some()
    }

    /// Forgets all named prepared statements.
    pub fn forget_statements(&mut self) {
        self.statements.clear();
        self.statement_bytes = self.unnamed_statement.as_ref().map_or(0, |statement| statement.bytes());
    }

    /// About the memory it keeps from here on; `None` while it is not known, because results are half read.
    pub fn bytes(&self) -> Option<usize> {
        (self.portals.is_empty() && self.unnamed_portal.is_none()).then_some(self.statement_bytes)
    }

    /// Takes a portal out, to run it.
    pub fn take_portal(&mut self, name: &str) -> Result<Portal> {
        let found = if name.is_empty() { self.unnamed_portal.take() } else { self.portals.remove(name) };
        found.ok_or_else(|| no_portal(name))
    }

    /// The portal of that name; the empty name is the unnamed one.
    pub fn portal(&self, name: &str) -> Result<&Portal> {
        let found = if name.is_empty() { self.unnamed_portal.as_ref() } else { self.portals.get(name) };
        found.ok_or_else(|| no_portal(name))
    }

    /// Keeps a portal under its name.
    pub fn keep_portal(&mut self, portal: Portal) {
        if portal.name.is_empty() {
            self.unnamed_portal = Some(portal);
        } else {
            self.portals.insert(portal.name.clone(), portal);
        }
    }

    /// Closes the portals that were made inside the savepoint with `depth` others around it.
    pub fn close_portals_inside(&mut self, depth: usize) {
        self.portals.retain(|_, portal| portal.held || portal.depth <= depth);
        self.unnamed_portal = self.unnamed_portal.take().filter(|portal| portal.depth <= depth);
    }

    /// Closes all portals but the cursors that are held: the transaction ends.
    pub fn close_portals(&mut self) {
        self.unnamed_portal = None;
        if !self.portals.is_empty() {
            self.portals.retain(|_, portal| portal.held);
        }
    }

    /// How many savepoints are around the innermost one of that name; 3B001 if there is none.
    pub fn savepoint_depth(&self, name: &str) -> Result<usize> {
        self.savepoints.iter().rposition(|(known, _)| known == name).ok_or_else(|| {
            let message = format!("savepoint \"{name}\" does not exist");
            Error::new(SqlState::INVALID_SAVEPOINT_SPECIFICATION, message)
        })
    }
}

fn no_portal(name: &str) -> Error {
    Error::new(SqlState::INVALID_CURSOR_NAME, format!("portal \"{name}\" does not exist"))
}
