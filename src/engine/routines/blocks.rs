//! Blocks with EXCEPTION: subtransactions of the session's transaction, in the order in which they were begun, whichever
//! functions they belong to.
//!
//! Owns: [`Block`], and how one begins and ends. A savepoint of SQLite is only set when something is about to be written:
//! a block that reads needs none, and SQLite sets none while a statement that writes is being stepped.

use std::sync::{Arc, MutexGuard, PoisonError};

use crate::engine::connection::Entered;
use crate::engine::error_map;
use crate::engine::pool::Lease;
use crate::engine::session_schema::{SchemaMark, SessionLink};
use crate::error::{Error, Result};

/// A block that has begun.
pub(crate) struct Block {
    /// How many savepoints were open when it began.
    depth: usize,
    schema: SchemaMark,
    /// Its savepoint is set in SQLite.
    is_set: bool,
    /// Something in it could not be carried out here: no handler is to take that for an error of the program.
    is_refused: bool,
}

impl SessionLink {
    fn blocks(&self) -> MutexGuard<'_, Vec<Block>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a block with EXCEPTION is open.
    pub(crate) fn is_in_block(&self) -> bool {
        !self.blocks().is_empty()
    }

    pub(super) fn begin_block(&self) {
        let schema = self.schema().mark();
        let context = &mut *self.context();
        context.settings.savepoint();
        context.pending.savepoint();
        self.blocks().push(Block { depth: context.depth, schema, is_set: false, is_refused: false });
        context.depth += 1;
    }

    /// Something is about to be written: the savepoints of all blocks are set.
    pub(crate) fn set_savepoints(&self, entered: &Entered<'_>) -> Result<()> {
        let mut failed = None;
        for (index, block) in self.blocks().iter_mut().enumerate().filter(|(_, block)| !block.is_set) {
            match entered.execute(&format!("SAVEPOINT f{index}")) {
                Ok(()) => block.is_set = true,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        let Some(error) = failed else { return Ok(()) };
        let is_busy = error.sqlite_error().is_some_and(|error| error.code == rusqlite::ErrorCode::DatabaseBusy);
        Err(if is_busy { self.refused() } else { error_map::from_rusqlite(error) })
    }

    /// 0A000 for writing where it cannot be undone; blocks with EXCEPTION end by it.
    pub(super) fn refused(&self) -> Error {
        self.blocks().iter_mut().for_each(|block| block.is_refused = true);
        Error::unsupported("writing in a function that is called where rows are checked or only read")
    }

    /// A block ended well.
    pub(super) fn release_block(&self, lease: &Arc<Lease>) -> Result<()> {
        let index = self.blocks().len().saturating_sub(1);
        let Some(block) = self.blocks().pop() else { return Err(Error::internal("no block")) };
        let context = &mut *self.context();
        let depth = block.depth;
        context.settings.release(depth);
        context.pending.release(depth);
        context.cluster_changes.iter_mut().for_each(|(made_at, _)| *made_at = (*made_at).min(depth));
        context.depth = depth;
        if context.locks_in_transaction {
            context.backends.locks().release_savepoint(context.backend_pid, depth);
        }
        match block.is_set {
            true => lease.enter().execute(&format!("RELEASE f{index}")).map_err(error_map::from_rusqlite),
            false => Ok(()),
        }
    }

    /// A block ended with an error.
    pub(super) fn roll_back_block(&self, lease: &Arc<Lease>) -> Result<()> {
        let index = self.blocks().len().saturating_sub(1);
        let Some(block) = self.blocks().pop() else { return Err(Error::internal("no block")) };
        {
            let context = &mut *self.context();
            let depth = block.depth;
            context.settings.rollback_to(depth);
            context.settings.release(depth);
            context.pending.rollback_to(depth);
            context.pending.release(depth);
            context.cluster_changes.retain(|(made_at, _)| *made_at <= depth);
            context.depth = depth;
            if context.locks_in_transaction {
                context.backends.locks().roll_back_to(context.backend_pid, depth);
                context.backends.locks().release_savepoint(context.backend_pid, depth);
            }
        }
        if block.is_set {
            let entered = lease.enter();
            let undone = entered.execute(&format!("ROLLBACK TO f{index}"));
            undone.and_then(|()| entered.execute(&format!("RELEASE f{index}"))).map_err(error_map::from_rusqlite)?;
        }
        self.undo_schema(Some(block.schema));
        let timing = Arc::clone(&self.schema().timing);
        match lease.enter() {
            _ if block.is_refused => Err(self.refused()),
            entered if entered.is_writing() && entered.slot().trigger_depth() == 0 => timing.apply(&entered),
            _ => Ok(()),
        }
    }

    /// A call ended with an error: what it has begun is undone by whoever catches it, or with the transaction.
    pub(super) fn block_count(&self) -> usize {
        self.blocks().len()
    }

    /// No function runs any more.
    pub(crate) fn forget_blocks(&self) {
        self.blocks().clear();
    }
}
