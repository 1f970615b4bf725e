//! DO and CALL.
//!
//! Owns: how a procedure's COMMIT and ROLLBACK end the session's transaction. Must not know: the language.
//! Specification: sql-do.html, sql-call.html, plpgsql-transactions.html.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::engine::routines::call::Caller;
use crate::engine::routines::host::{TransactionControl, invalid_termination};
use crate::error::{Error, Result, SqlState};
use crate::session::machine::{Outcome, StateMachine, Stop};
use crate::session::state::TransactionStatus;
use crate::sql::database::DatabaseCommand;
use crate::sql::plan::{CallPlan, PreparedCommand, TransactionModes};
use crate::types::value::Value;

impl StateMachine {
    /// DO.
    pub(super) async fn run_block(&mut self, body: &Arc<str>) -> Outcome<()> {
        self.detach_results()?;
        let block = self.engine.compile_block(body)?;
        let caller = self.engine.caller(block.writes()).await?;
        let mut control = self.control(&caller, block.writes());
        let outcome = block.run(&caller, Some(&mut control));
        let stop = control.stop;
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
        let outcome = caller.call_procedure(call, values, Some(&mut control));
        let stop = control.stop;
        self.engine.called(&caller, outcome.is_ok());
        stop.map_or(Ok(()), Err)?;
        Ok(outcome?)
    }

    /// Transactions can be ended where the statement is one of its own.
    fn control(&mut self, caller: &Caller, writes: bool) -> Control<'_> {
        let is_alone = self.session.status == TransactionStatus::Started;
        Control { caller: caller.clone(), writes, is_alone, stop: None, machine: self }
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

/// The session, for a procedure.
struct Control<'m> {
    machine: &'m mut StateMachine,
    caller: Caller,
    writes: bool,
    /// The transaction is the statement's own.
    is_alone: bool,
    /// The client has gone meanwhile.
    stop: Option<Stop>,
}

impl Control<'_> {
    fn end(&mut self, commits: bool) -> Result<()> {
        if !self.is_alone {
            return Err(invalid_termination());
        }
        if self.caller.link.is_in_block() {
            let what = if commits { "commit" } else { "roll back" };
            let message = format!("cannot {what} while a subtransaction is active");
            return Err(Error::new(SqlState::INVALID_TRANSACTION_TERMINATION, message));
        }
        self.caller.lease.set(None);
        let writes = self.writes;
        let caller = self.waiting(async |machine| {
            machine.end_inside(commits).await?;
            Ok(machine.engine.caller(writes).await?)
        })?;
        self.caller.lease.set(Some(caller.lease.get()?));
        Ok(())
    }

    /// Runs something of the session's to its end.
    fn waiting<T>(&mut self, body: impl AsyncFnOnce(&mut StateMachine) -> Outcome<T>) -> Result<T> {
        let machine = &mut *self.machine;
        match tokio::task::block_in_place(|| Handle::current().block_on(body(machine))) {
            Ok(given) => Ok(given),
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

    fn set_modes(&mut self, modes: TransactionModes) -> Result<()> {
        self.waiting(async |machine| machine.set_modes(modes).await)
    }

    fn prepared(&mut self, command: &PreparedCommand) -> Result<()> {
        self.machine.prepared(command)
    }

    fn database(&mut self, command: &DatabaseCommand) -> Result<()> {
        self.waiting(async |machine| machine.database(command).await)
    }
}
