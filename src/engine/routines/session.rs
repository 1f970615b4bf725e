//! A session's own calls: DO and CALL, which are no statements of SQLite.
//!
//! Owns: [`Block`], and the connection that a call runs on.

use std::sync::{Arc, MutexGuard};

use crate::engine::gate::Gate;
use crate::engine::routines::cache::Compiled;
use crate::engine::routines::call::{Caller, LeaseCell, call_procedure, run_block};
use crate::engine::routines::cursors::FunctionCursors;
use crate::engine::routines::effects::effects;
use crate::engine::routines::execute::Executor;
use crate::engine::routines::host::TransactionControl;
use crate::engine::session::EngineSession;
use crate::engine::transaction::Hold;
use crate::error::{Error, Result};
use crate::sql::plan::CallPlan;
use crate::types::value::Value;

/// A block of DO.
pub(crate) struct Block {
    compiled: Arc<Compiled>,
    writes: bool,
}

impl Block {
    /// Whether it may change the database.
    pub fn writes(&self) -> bool {
        self.writes
    }

    pub fn run(&self, caller: &Caller, transaction: Option<&mut dyn TransactionControl>) -> Result<()> {
        run_block(caller, &self.compiled, transaction)
    }
}

impl Caller {
    /// CALL: what the output parameters were set to.
    pub(crate) fn call_procedure(
        &self,
        call: &CallPlan,
        values: (&[Value], &[Value]),
        transaction: Option<&mut dyn TransactionControl>,
    ) -> Result<Vec<Value>> {
        let executor = Executor { link: Arc::clone(&self.link), lease: self.lease.clone(), reads_only: false };
        let arguments = executor.arguments(call, values)?;
        call_procedure(self, &call.site, arguments, transaction)
    }
}

impl EngineSession {
    pub(crate) fn compile_block(&self, body: &str) -> Result<Block> {
        let (link, catalog) = (&self.link, self.catalog());
        let compiled = link.planning(|planning| Compiled::of_block(body, planning))?;
        let texts = compiled.function.texts().iter().map(String::as_str);
        let effects = effects(texts, compiled.function.is_dynamic());
        let writes = effects.writes || catalog.called_routines_write(&effects);
        Ok(Block { compiled, writes })
    }

    /// A connection for a call; the transaction is one that writes if the call does.
    pub(crate) async fn caller(&mut self, writes: bool) -> Result<Caller> {
        if writes {
            self.ensure_write().await?;
        } else {
            self.ensure_readable().await?;
        }
        // What a call does is not kept.
        self.forget_journal();
        let lease = match &self.hold {
            Hold::Write(write) => Arc::clone(&write.lease),
            Hold::Snapshot(lease) => Arc::clone(lease),
            Hold::Lost(loss) => return Err(loss.error()),
            Hold::Parked => return Err(Error::internal("a parked transaction calls")),
            Hold::Nothing => self.read(true).await?.0,
        };
        lease.slot().give_way(false);
        Ok(Caller { link: Arc::clone(&self.link), lease: LeaseCell::new(lease) })
    }

    /// The cursors that functions have opened.
    pub(crate) fn function_cursors(&self) -> MutexGuard<'_, FunctionCursors> {
        self.link.cursors()
    }

    /// A call has ended: what it has seen may not be durable yet.
    pub(crate) fn called(&self, caller: &Caller, well: bool) {
        caller.lease.set(None);
        match &self.hold {
            Hold::Write(write) if !well => Gate::Provisional(self.seen.clone(), write.begun).failed(),
            Hold::Write(_) => {}
            _ => self.seen.note_snapshot(),
        }
    }
}
