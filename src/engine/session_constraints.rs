//! What a session puts off to the end of the statement or of the transaction: constraints, and triggers.
//!
//! Owns: SET CONSTRAINTS, the triggers that wait for COMMIT, and the statement of COPY FROM, whose rows are one statement.
//! Must not know: how constraints are checked (`engine::constraint_timing`), how triggers fire (`engine::triggers`).

use std::sync::Arc;

use crate::engine::connection::Control;
use crate::engine::constraint_errors::Origin;
use crate::engine::constraint_timing;
use crate::engine::cursor::Cursor;
use crate::engine::gate::Gate;
use crate::engine::pool::Lease;
use crate::engine::session::EngineSession;
use crate::engine::session_schema::SessionLink;
use crate::engine::transaction::{Hold, Loss};
use crate::engine::triggers;
use crate::error::Result;
use crate::sql::plan::SqliteStatement;
use crate::types::value::Value;

impl EngineSession {
    /// Opens a statement that is run for each of the rows that come from the client (COPY FROM).
    pub async fn open_loop(
        &mut self,
        statement: &SqliteStatement,
        params: &[Value],
        literals: &[Value],
    ) -> Result<Cursor> {
        self.check_permissions(&statement.permissions)?;
        self.lock(&statement.wait).await?;
        // The rows come from the client and are not kept.
        self.forget_journal();
        let Hold::Write(write) = &self.hold else { return Err(Loss::Failed.error()) };
        let (lease, gate) = (Arc::clone(&write.lease), Gate::Provisional(self.seen.clone(), write.begun));
        lease.slot().give_way(false);
        let origin = Origin::new(Arc::clone(&self.context), self.timing(), statement.target);
        Cursor::open_loop(lease, statement, (params, literals), gate, origin)
    }

    /// SET CONSTRAINTS of these names, schemas in front if they were written, or of all.
    pub fn set_constraints(&mut self, names: Option<&[(Option<String>, String)]>, deferred: bool) -> Result<()> {
        self.forget_journal();
        let lease = match &self.hold {
            Hold::Write(write) => Some(&write.lease),
            _ => None,
        };
        self.link.set_constraints(names, deferred, lease)
    }

    /// Fires the triggers that have waited for the end of the transaction.
    pub(crate) fn fire_deferred(&self) -> Result<()> {
        let Hold::Write(write) = &self.hold else { return Ok(()) };
        if self.link.schema().deferred.is_empty() {
            return Ok(());
        }
        let origin = Origin::new(Arc::clone(&self.context), self.timing(), None);
        let entered = write.lease.enter();
        entered.begin_statement();
        entered.control(Control::DeferForeignKeys).map_err(|code| entered.error(code))?;
        triggers::fire_deferred(&entered, &origin, true)
    }
}

impl SessionLink {
    /// SET CONSTRAINTS. What was put off by a transaction that writes and is not any more is checked now.
    pub(crate) fn set_constraints(
        &self,
        names: Option<&[(Option<String>, String)]>,
        deferred: bool,
        lease: Option<&Arc<Lease>>,
    ) -> Result<()> {
        let catalog = self.catalog();
        let search_path = self.context().settings.schemas_searched().clone();
        let constraints =
            names.map(|names| constraint_timing::named(&catalog, &search_path, names, deferred)).transpose()?;
        let timing = {
            let schema = &mut *self.schema();
            Arc::make_mut(&mut schema.timing).set(constraints.as_deref(), deferred);
            Arc::clone(&schema.timing)
        };
        let Some(lease) = lease else { return Ok(()) };
        let entered = lease.enter();
        if !entered.is_writing() {
            return Ok(());
        }
        timing.check(&entered, &self.context)?;
        timing.apply(&entered)?;
        triggers::fire_deferred(&entered, &Origin::new(Arc::clone(&self.context), timing, None), false)
    }
}
