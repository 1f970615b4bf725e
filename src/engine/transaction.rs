//! What a session's transaction holds of SQLite: nothing, a snapshot, or the write ticket with a write transaction.
//!
//! Owns: [`Hold`], [`WriteTransaction`], [`Savepoints`], [`Modes`]. Must not know: statements, messages.
//! DESIGN: connections are pooled, sessions are not pinned unless they must be.

use std::sync::Arc;

use crate::engine::connection::Entered;
use crate::engine::database::Ticket;
use crate::engine::error_map::CONCURRENT_UPDATE;
use crate::engine::gate::overtaken;
use crate::engine::pool::Lease;
use crate::engine::session_schema::SchemaMark;
use crate::error::{Error, Result, SqlState};
use crate::sql::plan::{BeginMode, IsolationLevel, TransactionModes};
use crate::storage::watermark::CommitSequence;

/// What the transaction holds.
pub(crate) enum Hold {
    /// Nothing: every statement borrows a connection and reads its own snapshot (READ COMMITTED before its first write).
    Nothing,
    /// A connection with an open read transaction (REPEATABLE READ, SERIALIZABLE, BEGIN DEFERRED).
    Snapshot(Arc<Lease>),
    /// The write ticket and a connection with a write transaction.
    Write(WriteTransaction),
    /// It has written, and was undone so that others can write while its client idles; it is repeated before it goes on
    /// (`engine::parking`).
    Parked,
    /// The transaction was rolled back without being asked to; only ROLLBACK is left.
    Lost(Loss),
}

/// Why a transaction was rolled back without being asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// By SQLite: an interrupted write, a full disk.
    Failed,
    /// It stood on commits that another instance of the server has overtaken.
    Overtaken,
    /// It was parked, and what it had read is not there any more.
    Changed,
}

/// An open write transaction.
pub(crate) struct WriteTransaction {
    // Before the ticket: the transaction has ended when the next writer may begin.
    pub(crate) lease: Arc<Lease>,
    pub(crate) _ticket: Ticket,
    /// Everything it can have seen of others is at most this.
    pub(crate) begun: CommitSequence,
}

/// How a transaction was begun.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Modes {
    pub(crate) read_only: bool,
    /// It keeps one snapshot from its first statement on.
    pub(crate) snapshot: bool,
    /// It takes the write ticket at once.
    pub(crate) immediate: bool,
}

impl From<TransactionModes> for Modes {
    fn from(modes: TransactionModes) -> Self {
        let isolated = matches!(modes.isolation, Some(IsolationLevel::RepeatableRead | IsolationLevel::Serializable));
        Modes {
            read_only: modes.read_only.unwrap_or(false),
            snapshot: isolated || modes.begin == Some(BeginMode::Deferred),
            immediate: matches!(modes.begin, Some(BeginMode::Immediate | BeginMode::Exclusive)),
        }
    }
}

/// The savepoints of a transaction, innermost last. In SQLite the n-th is called `pn`: PostgreSQL's names may repeat
/// and differ in case only. Before the transaction has something open in SQLite they are only remembered.
#[derive(Clone, Default)]
pub(crate) struct Savepoints(Vec<Savepoint>);

#[derive(Clone)]
struct Savepoint {
    name: String,
    /// How far the transaction had changed the schema by then.
    schema: SchemaMark,
}

impl Savepoints {
    /// Sets one; `open` is the connection with the transaction, if there is one.
    pub(crate) fn set(&mut self, name: &str, schema: SchemaMark, open: Option<&Entered<'_>>) -> Result<()> {
        if let Some(entered) = open {
            run(entered, "SAVEPOINT", self.0.len())?;
        }
        self.0.push(Savepoint { name: name.to_owned(), schema });
        Ok(())
    }

    /// RELEASE: the innermost of that name and all inside it.
    pub(crate) fn release(&mut self, name: &str, open: Option<&Entered<'_>>) -> Result<()> {
        let position = self.position(name)?;
        if let Some(entered) = open {
            run(entered, "RELEASE", position)?;
        }
        self.0.truncate(position);
        Ok(())
    }

    /// ROLLBACK TO: the savepoint stays, those inside it go. Gives the schema as it was when it was set.
    pub(crate) fn rollback_to(&mut self, name: &str, open: Option<&Entered<'_>>) -> Result<Option<SchemaMark>> {
        let position = self.position(name)?;
        if let Some(entered) = open {
            run(entered, "ROLLBACK TO", position)?;
        }
        self.0.truncate(position + 1);
        Ok(self.0.last().map(|savepoint| savepoint.schema.clone()))
    }

    /// Sets in SQLite what was only remembered, in the transaction just opened.
    pub(crate) fn materialise(&self, entered: &Entered<'_>) -> Result<()> {
        (0..self.0.len()).try_for_each(|position| run(entered, "SAVEPOINT", position))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The innermost one's name.
    pub(crate) fn innermost(&self) -> Option<&str> {
        self.0.last().map(|savepoint| savepoint.name.as_str())
    }

    /// The transaction has ended.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    fn position(&self, name: &str) -> Result<usize> {
        self.0.iter().rposition(|savepoint| savepoint.name == name).ok_or_else(|| {
            Error::new(SqlState::INVALID_SAVEPOINT_SPECIFICATION, format!("savepoint \"{name}\" does not exist"))
        })
    }
}

fn run(entered: &Entered<'_>, command: &str, position: usize) -> Result<()> {
    entered.execute(&format!("{command} p{position}")).map_err(crate::engine::error_map::from_rusqlite)
}

impl Loss {
    /// The answer to everything but ROLLBACK.
    pub(crate) fn error(self) -> Error {
        match self {
            Loss::Overtaken => overtaken(),
            Loss::Changed => Error::new(SqlState::SERIALIZATION_FAILURE, CONCURRENT_UPDATE)
                .with_detail("While the transaction idled after it had written, others have changed what it had read.")
                .with_hint("The transaction might succeed if retried."),
            Loss::Failed => Error::new(
                SqlState::SERIALIZATION_FAILURE,
                "the transaction was rolled back when its writing statement was interrupted or ran out of space",
            )
            .with_hint("Roll back and retry the transaction."),
        }
    }
}
