//! The schema as one session sees and changes it.
//!
//! Owns: [`SessionSchema`], and the part of [`EngineSession`] that carries out DDL: what the open transaction has changed
//! is the session's own until COMMIT publishes it, and temporary tables stay its own. Must not know: how a change is
//! carried out (`engine::ddl`).

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::catalog::acl::Privileges;
use crate::catalog::schema::{CatalogSnapshot, Relation};
use crate::catalog::store;
use crate::catalog::tables::relations::system_relations;
use crate::catalog::trigger;
use crate::engine::connection::Entered;
use crate::engine::constraint_errors::Origin;
use crate::engine::constraint_timing::Timing;
use crate::engine::context::{SessionContext, SharedContext};
use crate::engine::database::Database;
use crate::engine::ddl;
use crate::engine::error_map;
use crate::engine::event_queue::Waiting;
use crate::engine::interrupt::InterruptHandle;
use crate::engine::pool::Lease;
use crate::engine::routines::blocks::Block;
use crate::engine::routines::cursors::FunctionCursors;
use crate::engine::sequences::{self, SequenceState};
use crate::engine::session::EngineSession;
use crate::engine::statement::Code;
use crate::engine::transaction::{Hold, Loss};
use crate::engine::triggers;
use crate::error::{Result, SqlState};
use crate::sql::ddl::{Ddl, Name};
use crate::sql::planner::PlanContext;
use crate::storage::watermark::CommitSequence;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// What a session and the functions that its statements call have in common.
pub(crate) struct SessionLink {
    pub(crate) database: Arc<Database>,
    pub(crate) context: SharedContext,
    schema: Mutex<SessionSchema>,
    /// The blocks with EXCEPTION that functions are in.
    pub(crate) blocks: Mutex<Vec<Block>>,
    pub(crate) cursors: Mutex<FunctionCursors>,
    pub(crate) interrupt: InterruptHandle,
}

/// A session's own view of the schema.
#[derive(Default)]
pub(crate) struct SessionSchema {
    /// As the open transaction has changed it.
    changed: Option<Arc<CatalogSnapshot>>,
    /// With the session's temporary objects, once it has some, and the version of the shared schema it was made from.
    with_temporary: Mutex<Option<(u64, Arc<CatalogSnapshot>)>>,
    /// Sequences that DDL of the open transaction has set, with what they were before: unlike nextval that is undone.
    restarted: Vec<(Oid, SequenceState)>,
    /// Tables that TRUNCATE has emptied in the open transaction.
    emptied: Vec<Oid>,
    /// SET CONSTRAINTS.
    pub(crate) timing: Arc<Timing>,
    /// The trigger events that wait for the end of the transaction.
    pub(crate) deferred: Vec<Waiting>,
    /// The session has made temporary tables ON COMMIT DROP or DELETE ROWS.
    acts_on_commit: bool,
    /// The session's own connection for good, once it has temporary tables.
    pub(crate) pinned: Option<Arc<Lease>>,
}

/// The state of a session's schema at a savepoint.
#[derive(Clone)]
pub(crate) struct SchemaMark {
    timing: Arc<Timing>,
    changed: Option<Arc<CatalogSnapshot>>,
    restarted: usize,
    emptied: usize,
    /// How many trigger events waited for the end of the transaction.
    deferred: usize,
}

impl SessionSchema {
    /// What [`EngineSession::undo_schema`] goes back to.
    pub(crate) fn mark(&self) -> SchemaMark {
        SchemaMark {
            deferred: self.deferred.len(),
            timing: Arc::clone(&self.timing),
            changed: self.changed.clone(),
            restarted: self.restarted.len(),
            emptied: self.emptied.len(),
        }
    }

    /// The transaction has been committed.
    pub(crate) fn committed(&mut self) {
        self.changed = None;
        self.restarted.clear();
        self.emptied.clear();
    }
}

impl EngineSession {
    /// The schema as this session sees it: its own uncommitted one after DDL in the open transaction, and with its
    /// temporary tables.
    pub fn catalog(&self) -> Arc<CatalogSnapshot> {
        if let Some(replica) = self.link.database.replica().filter(|_| self.link.schema().changed.is_none()) {
            self.seen.note_if_pending(replica.schema_stamp());
        }
        self.link.catalog()
    }

    /// ON COMMIT DROP and DELETE ROWS, just before a commit that writes.
    pub(crate) async fn act_on_commit(&mut self) -> Result<()> {
        if self.link.schema().acts_on_commit && matches!(self.hold, Hold::Write(_)) {
            Box::pin(self.ddl(&Ddl::EndOfTransaction)).await?;
        }
        Ok(())
    }

    /// Carries out a change of the schema inside the (possibly implicit) transaction. Gives the number of rows of
    /// CREATE TABLE AS; notices go to the context. After an error the session aborts the transaction as always.
    pub async fn ddl(&mut self, ddl: &Ddl) -> Result<Option<u64>> {
        self.ensure_write().await?;
        // A change of the schema is not repeated.
        self.forget_journal();
        let Hold::Write(write) = &self.hold else { return Err(Loss::Failed.error()) };
        self.link.ddl(&Arc::clone(&write.lease), ddl)
    }

    /// Whether the open transaction has made or emptied a table, so that nobody else sees its rows.
    pub fn is_new_here(&self, table: Oid) -> bool {
        let is_made = |changed: &Arc<CatalogSnapshot>| {
            changed.relations.contains_key(&table) && !self.link.database.catalog().relations.contains_key(&table)
        };
        let schema = self.link.schema();
        schema.emptied.contains(&table) || schema.changed.as_ref().is_some_and(is_made)
    }

    /// Writes rows of the catalog inside the transaction.
    pub(crate) async fn write_catalog(
        &mut self,
        write: impl FnOnce(&Connection, &CatalogSnapshot) -> rusqlite::Result<()>,
    ) -> Result<()> {
        self.ensure_write().await?;
        self.forget_journal();
        let Hold::Write(transaction) = &self.hold else { return Err(Loss::Failed.error()) };
        let lease = Arc::clone(&transaction.lease);
        let catalog = self.catalog();
        let entered = lease.enter();
        entered.begin_statement();
        entered.with(|connection| write(connection, &catalog)).map_err(error_map::from_rusqlite)?;
        self.link.schema().changed = Some(Arc::new(load_catalog(&entered)?));
        Ok(())
    }

    /// Makes the committed schema everybody's, without the temporary tables of this session.
    pub(crate) fn publish_schema(&self, sequence: CommitSequence) {
        let schema = self.link.schema();
        let Some(changed) = &schema.changed else { return };
        self.link.database.schema_changes(sequence);
        let mut changed = Arc::clone(changed);
        if !changed.uncommitted_labels.is_empty() {
            // What was planned without them is planned anew.
            let version = store::next_version();
            let labels = Default::default();
            changed = Arc::new(CatalogSnapshot { version, uncommitted_labels: labels, ..(*changed).clone() });
        }
        if !changed.has_temporary() {
            return self.link.database.publish(changed);
        }
        let shared = Arc::new(changed.without_temporary(store::next_version()));
        let mut own = schema.with_temporary.lock().unwrap_or_else(PoisonError::into_inner);
        *own = Some((shared.version, changed));
        self.link.database.publish(shared);
    }
}

impl SessionLink {
    /// Of a session that has not done anything.
    pub(crate) fn new(database: &Arc<Database>, context: &SharedContext, interrupt: InterruptHandle) -> Arc<Self> {
        Arc::new(SessionLink {
            database: Arc::clone(database),
            context: Arc::clone(context),
            schema: Mutex::default(),
            blocks: Mutex::default(),
            cursors: Mutex::default(),
            interrupt,
        })
    }

    /// The data are valid after any panic.
    pub(crate) fn schema(&self) -> MutexGuard<'_, SessionSchema> {
        self.schema.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn context(&self) -> MutexGuard<'_, SessionContext> {
        self.context.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The schema as the session sees it.
    pub(crate) fn catalog(&self) -> Arc<CatalogSnapshot> {
        let schema = self.schema();
        if let Some(changed) = &schema.changed {
            return Arc::clone(changed);
        }
        let shared = self.database.catalog();
        match &schema.pinned {
            Some(_) => schema.catalog_with_temporary(shared),
            None => shared,
        }
    }

    /// Runs something that plans a statement. The session's state is locked meanwhile.
    pub(crate) fn planning<T>(&self, body: impl FnOnce(PlanContext<'_>) -> Result<T>) -> Result<T> {
        let catalog = self.catalog();
        let context = &mut *self.context();
        let holder = (context.role() != Oid::BOOTSTRAP_SUPERUSER).then(|| context.holder());
        let may_use =
            |schema: &str| holder.as_ref().is_none_or(|holder| catalog.may_schema(holder, schema, Privileges::USAGE));
        let security = context.security(&catalog);
        let security = security.as_ref();
        let (user, database) = (context.user.as_str(), context.database.as_str());
        body(PlanContext {
            catalog: &catalog,
            settings: &context.settings,
            user,
            database,
            may_use: &may_use,
            security,
        })
    }

    /// Carries out a change of the schema in the write transaction of that connection.
    pub(crate) fn ddl(&self, lease: &Arc<Lease>, ddl: &Ddl) -> Result<Option<u64>> {
        // Also where a function makes one.
        self.context().tape.refuse();
        let mut catalog = self.catalog();
        if lease.enter().with(store::file_version).map_err(error_map::from_rusqlite)? != catalog.file_version {
            // Another program has changed the file's schema.
            catalog = Arc::new(load_catalog(&lease.enter())?);
        }
        let truncated = match ddl {
            Ddl::Truncate { tables, cascade, .. } => self.truncated(&catalog, tables, *cascade),
            _ => Vec::new(),
        };
        self.fire_truncate(lease, &truncated, trigger::Timing::Before)?;
        let outcome = self.execute_ddl(lease, &catalog, ddl)?;
        let catalog = match outcome.catalog {
            Some(catalog) => catalog,
            None => {
                let loaded = load_catalog(&lease.enter())?;
                Arc::new(CatalogSnapshot { uncommitted_labels: catalog.uncommitted_labels.clone(), ..loaded })
            }
        };
        let mut schema = self.schema();
        schema.restarted.extend(outcome.restarted);
        schema.emptied.extend(outcome.emptied);
        if schema.pinned.is_none() && catalog.has_temporary() {
            lease.keep_for_good();
            schema.pinned = Some(Arc::clone(lease));
        }
        schema.changed = Some(catalog);
        schema.acts_on_commit |= ddl.acts_on_commit();
        drop(schema);
        self.context().notices.extend(outcome.notices);
        self.fire_truncate(lease, &truncated, trigger::Timing::After)?;
        Ok(outcome.rows)
    }

    /// The tables that TRUNCATE empties, if one of them has triggers for it.
    fn truncated(&self, catalog: &CatalogSnapshot, names: &[(Name, bool)], cascade: bool) -> Vec<Oid> {
        let path = self.context().settings.search_path();
        let found = names.iter().filter_map(|(name, only)| {
            let table = match &name.schema {
                Some(schema) => catalog.relation(schema, &name.name),
                None => catalog.find_relation(&path, &name.name),
            };
            table.map(|table| if *only { vec![table] } else { catalog.inheritors(table.oid) })
        });
        let mut tables: Vec<Oid> = Vec::new();
        found.flatten().for_each(|table| {
            if !tables.contains(&table.oid) {
                tables.push(table.oid);
            }
        });
        let mut next = 0;
        while let Some(table) = tables.get(next).copied().filter(|_| cascade) {
            next += 1;
            let refers = |r: &&Arc<Relation>| {
                let table = catalog.relations.get(&table);
                let mut keys = r.constraints.iter().filter_map(|c| c.foreign_key());
                keys.any(|key| table.is_some_and(|table| catalog.is_referred(table, key)))
            };
            let mut referring: Vec<Oid> = catalog.relations.values().filter(refers).map(|r| r.oid).collect();
            referring.sort_unstable();
            referring.into_iter().for_each(|oid| {
                if !tables.contains(&oid) {
                    tables.push(oid);
                }
            });
        }
        let fires = |oid: &Oid| {
            let table = catalog.relations.get(oid);
            table.is_some_and(|table| table.options.triggers.iter().any(|t| t.events.truncate))
        };
        if tables.iter().any(fires) { tables } else { Vec::new() }
    }

    fn fire_truncate(&self, lease: &Lease, tables: &[Oid], timing: trigger::Timing) -> Result<()> {
        if tables.is_empty() {
            return Ok(());
        }
        let timing_of_constraints = Arc::clone(&self.schema().timing);
        let origin = Origin::new(Arc::clone(&self.context), timing_of_constraints, None);
        let entered = lease.enter();
        entered.begin_statement();
        triggers::truncating(&entered, &origin, tables, timing)
    }

    fn execute_ddl(&self, lease: &Lease, catalog: &Arc<CatalogSnapshot>, ddl: &Ddl) -> Result<ddl::DdlOutcome> {
        // Copies, because SQL functions lock the context while the statement runs.
        let (settings, user, database, holder, security) = {
            let mut context = self.context();
            let holder = (context.role() != Oid::BOOTSTRAP_SUPERUSER).then(|| context.holder());
            let security = context.security(catalog);
            (context.settings.clone(), context.user.clone(), context.database.clone(), holder, security)
        };
        let usage = Privileges::USAGE;
        let may_use = |schema: &str| holder.as_ref().is_none_or(|holder| catalog.may_schema(holder, schema, usage));
        let planning = PlanContext {
            catalog,
            settings: &settings,
            user: &user,
            database: &database,
            may_use: &may_use,
            security: security.as_ref(),
        };
        let entered = lease.enter();
        entered.begin_statement();
        let pending = entered.has_deferred_violations();
        let outcome = entered.with(|connection| ddl::execute(connection, lease.slot(), ddl, planning, pending));
        outcome.map_err(|error| match error.code() {
            SqlState::DISK_FULL => {
                lease.note_failure(rusqlite::ffi::SQLITE_FULL);
                error
            }
            SqlState::QUERY_CANCELED => self.interrupt.check().err().unwrap_or(error),
            _ => error,
        })
    }

    /// The transaction's changes of the schema since the mark were undone (all of them without one): sequences it has
    /// made are not there, those it has set are where they were.
    pub(crate) fn undo_schema(&self, mark: Option<SchemaMark>) {
        let registry = self.database.sequences();
        let schema = &mut *self.schema();
        let (timing, restored, keep, emptied, deferred) = match mark {
            Some(mark) => (mark.timing, mark.changed, mark.restarted, mark.emptied, mark.deferred),
            None => (Arc::default(), None, 0, 0, 0),
        };
        schema.deferred.truncate(deferred);
        schema.emptied.truncate(emptied);
        schema.timing = timing;
        for (oid, state) in schema.restarted.drain(keep.min(schema.restarted.len())..).rev() {
            registry.load(oid, state);
            // The file may be behind it.
            registry.put_back(vec![(oid, state)]);
        }
        if let Some(undone) = std::mem::replace(&mut schema.changed, restored) {
            let now = schema.changed.clone().unwrap_or_else(|| self.database.catalog());
            for (oid, relation) in undone.relations.missing_in(&now.relations) {
                if !relation.temporary {
                    registry.forget(*oid);
                }
            }
        }
    }
}

impl SessionSchema {
    fn catalog_with_temporary(&self, shared: Arc<CatalogSnapshot>) -> Arc<CatalogSnapshot> {
        let mut own = self.with_temporary.lock().unwrap_or_else(PoisonError::into_inner);
        // Without any the session has made some in a transaction that was undone.
        let Some((version, catalog)) = &*own else { return shared };
        if *version == shared.version {
            return Arc::clone(catalog);
        }
        let both = Arc::new(shared.with_temporary_of(catalog, store::next_version()));
        *own = Some((shared.version, Arc::clone(&both)));
        both
    }
}

fn load_catalog(entered: &Entered<'_>) -> Result<CatalogSnapshot> {
    let read = entered.with(|database| store::load(database, system_relations()));
    read.map(ddl::complete).map_err(error_map::from_rusqlite)
}

/// Sequences moved since the last commit go into the file with this one.
pub(crate) fn write_sequences(entered: &Entered<'_>, moved: &[(Oid, SequenceState)]) -> Result<(), Code> {
    static UPDATE: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from(sequences::UPDATE_STATE));
    moved.iter().try_for_each(|(oid, state)| {
        let values = [
            Value::Integer(i64::from(oid.0)),
            Value::Integer(state.last_value),
            Value::Integer(i64::from(state.is_called)),
        ];
        entered.run_cached(&UPDATE, &values)
    })
}
