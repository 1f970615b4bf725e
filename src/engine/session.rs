//! One client session's side of the engine: its connection while it has one, its transaction, its cursors.
//!
//! Owns: [`EngineSession`]: lazy begin, write ticket, savepoints, commit with the durable watermark, rollback. Must
//! not know: messages, portals, PostgreSQL's aborted-block rule (that is `session`). DESIGN: connections are pooled.

use std::sync::Arc;

use crate::catalog::schema::CatalogSnapshot;
use crate::engine::context::SharedContext;
use crate::engine::cursor::Cursor;
use crate::engine::database::Database;
use crate::error::Result;
use crate::sql::ddl::Ddl;
use crate::sql::plan::{SqliteStatement, TransactionModes};
use crate::types::value::Value;

/// One client session's side of the engine.
pub struct EngineSession {
    database: Arc<Database>,
    context: SharedContext,
}

impl EngineSession {
    /// A session without a connection; it borrows one when a statement needs it.
    pub fn new(database: Arc<Database>, context: SharedContext) -> Self {
        EngineSession { database, context }
    }

    /// The database.
    pub fn database(&self) -> &Arc<Database> {
        &self.database
    }

    /// The functions' view of this session.
    pub fn context(&self) -> &SharedContext {
        &self.context
    }

    /// The schema as this session sees it: its own uncommitted one after DDL in the open transaction.
    pub fn catalog(&self) -> Arc<CatalogSnapshot> {
        todo!()
    }

    /// Sets the modes of the transaction that is starting (BEGIN, or the implicit one); touches SQLite only for
    /// BEGIN IMMEDIATE / EXCLUSIVE. Without it the session's defaults hold.
    pub async fn begin(&mut self, modes: TransactionModes) -> Result<()> {
        let _ = modes;
        todo!()
    }

    /// Opens a statement: borrows a connection, takes the ticket and begins a write transaction if it writes, binds,
    /// and gives the cursor, not stepped yet. `params` and `literals` are what the statement's binds refer to.
    /// Waiting for the ticket honours lock_timeout (55P03), statement_timeout and cancel (57014).
    pub async fn open(&mut self, statement: &SqliteStatement, params: &[Value], literals: &[Value]) -> Result<Cursor> {
        let _ = (statement, params, literals);
        todo!()
    }

    /// Carries out a change of the schema inside the (possibly implicit) transaction.
    pub async fn ddl(&mut self, ddl: &Ddl) -> Result<()> {
        let _ = ddl;
        todo!()
    }

    /// Runs VACUUM, ANALYZE … outside of a transaction.
    pub async fn maintenance(&mut self, statements: &[String]) -> Result<()> {
        let _ = statements;
        todo!()
    }

    /// Takes the write ticket and begins the write transaction now (LOCK TABLE, SELECT FOR UPDATE need not).
    pub async fn lock(&mut self) -> Result<()> {
        todo!()
    }

    /// Ends the transaction and waits until it is durable. All cursors of it must be closed or are closed.
    pub async fn commit(&mut self) -> Result<()> {
        todo!()
    }

    /// Undoes the transaction.
    pub async fn rollback(&mut self) -> Result<()> {
        todo!()
    }

    /// SAVEPOINT; remembered until the first write.
    pub async fn savepoint(&mut self, name: &str) -> Result<()> {
        let _ = name;
        todo!()
    }

    /// RELEASE; 3B001 when there is none of that name.
    pub async fn release(&mut self, name: &str) -> Result<()> {
        let _ = name;
        todo!()
    }

    /// ROLLBACK TO; 3B001 when there is none of that name.
    pub async fn rollback_to(&mut self, name: &str) -> Result<()> {
        let _ = name;
        todo!()
    }

    /// Waits until everything this session has read since the last call is durable (the output gate). Cheap when
    /// nothing is pending. Call before bytes of a statement's outcome leave.
    pub async fn gate(&mut self) -> Result<()> {
        todo!()
    }

    /// The handle by which another task interrupts this session's running statement or wait (57014).
    pub fn interrupt_handle(&self) -> crate::engine::interrupt::InterruptHandle {
        todo!()
    }
}
