//! DO and CALL.
//!
//! Owns: how a procedure's COMMIT and ROLLBACK end the session's transaction. Must not know: the language.
//! Specification: sql-do.html, sql-call.html, plpgsql-transactions.html.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::engine::routines::call::{Caller, LeaseCell};
use crate::engine::routines::host::TransactionControl;
use crate::error::{Error, Result, SqlState};
use crate::session::machine::{Outcome, StateMachine, Stop};
use crate::session::state::TransactionStatus;
use crate::sql::plan::CallPlan;
use crate::types::value::Value;

impl StateMachine {
    /// DO.
    pub(super) async fn run_block(&mut self, body: &Arc<str>) -> Outcome<()> {
        self.detach_results()?;
        let block = self.engine.compile_block(body)?;
        let caller = self.engine.caller(block.writes()).await?;
        let mut control = self.control(&caller, block.writes());
        let outcome = block.run(&caller, control.as_mut().map(|control| control as &mut dyn TransactionControl));
        let stop = control.and_then(|control| control.stop);
        self.engine.called(&caller, outcome.is_ok());
        stop.map_or(Ok(()), Err)?;
        Ok(outcome?)
    }

    /// CALL: what the output parameters were set to.
    pub(super) async fn call_procedure(
        &mut self,
        call: &CallPlan,
        values: (&[Value], &[Value]),
    ) -> Outcome<Vec<Value>> {
        self.detach_results()?;
        let caller = self.engine.caller(call.writes).await?;
        let mut control = self.control(&caller, call.writes);
        let transaction = control.as_mut().map(|control| control as &mut dyn TransactionControl);
        let outcome = caller.call_procedure(call, values, transaction);
        let stop = control.and_then(|control| control.stop);
        self.engine.called(&caller, outcome.is_ok());
        stop.map_or(Ok(()), Err)?;
        Ok(outcome?)
    }

    /// Transactions can be ended where the statement is one of its own.
    fn control(&mut self, caller: &Caller, writes: bool) -> Option<Control<'_>> {
        let alone = self.session.status == TransactionStatus::Started;
        alone.then(|| Control { lease: caller.lease.clone(), writes, stop: None, machine: self })
    }

    /// Ends the transaction inside of a procedure and begins the next one.
    async fn end_inside(&mut self, commits: bool) -> Outcome<()> {
        let modes = self.session.modes;
        if commits { self.commit().await } else { self.roll_back().await }?;
        self.start_transaction(None).await?;
        let _ = modes;
        Ok(())
    }
}

/// What ends transactions for a procedure.
struct Control<'m> {
    machine: &'m mut StateMachine,
    lease: LeaseCell,
    writes: bool,
    /// The client has gone meanwhile.
    stop: Option<Stop>,
}

impl Control<'_> {
    fn end(&mut self, commits: bool) -> Result<()> {
        self.lease.set(None);
        let (machine, writes) = (&mut *self.machine, self.writes);
        let ended = tokio::task::block_in_place(|| {
            Handle::current().block_on(async {
                machine.end_inside(commits).await?;
                Ok::<_, Stop>(machine.engine.caller(writes).await?)
            })
        });
        match ended {
            Ok(caller) => {
                self.lease.set(Some(caller.lease.get()?));
                Ok(())
            }
            Err(Stop::Error(error)) => Err(error),
            Err(stop) => {
                self.stop = Some(stop);
                Err(Error::new(SqlState::QUERY_CANCELED, "the client has gone"))
            }
        }
    }
}

impl TransactionControl for Control<'_> {
    fn commit(&mut self, _chain: bool) -> Result<()> {
        self.end(true)
    }

    fn rollback(&mut self, _chain: bool) -> Result<()> {
        self.end(false)
    }
}
