//! What the virtual tables of pg_catalog see through one connection: the session that has borrowed it and the database it
//! belongs to.
//!
//! Owns: [`ConnectionSource`]. Must not know: what the relations look like (`catalog::tables`).

use std::sync::{Arc, Mutex, PoisonError};

use crate::catalog::acl::Acl;
use crate::catalog::cluster::ClusterFacts;
use crate::catalog::definitions::Names;
use crate::catalog::roles::Roles;
use crate::catalog::schema::{CatalogSnapshot, Relation};
use crate::catalog::tables::source::{
    CatalogSource, CursorRow, LockRow, PreparedRow, ReplicationRow, SessionRow, StatementRow, VersionRow,
};
use crate::engine::backends::Backends;
use crate::engine::context::{SessionContext, Wait, Waiting};
use crate::engine::databases::{DatabaseNames, with_always};
use crate::engine::functions::ContextSlot;
use crate::engine::kept::LISTED;
use crate::engine::large_objects;
use crate::error::{ErrorFields, Result, Severity, SqlState};
use crate::settings::Settings;
use crate::settings::session::SettingView;
use crate::sql::functions;
use crate::sql::ruleutils::{self, Style};
use crate::sql::stored::{self, Origin, Target};
use crate::sql::syntax::parse;
use crate::types::pg_type::Oid;

/// The source of one connection's system relations.
pub(crate) struct ConnectionSource {
    slot: ContextSlot,
    names: DatabaseNames,
    /// The versions that a statement has seen: a join that looks again does not ask the store again.
    listed: Mutex<Option<Listed>>,
}

struct Listed {
    /// The session and the begin of its statement.
    statement: (i32, i64),
    versions: Arc<[VersionRow]>,
}

impl ConnectionSource {
    /// The source of a connection whose functions use `slot`.
    pub(crate) fn new(slot: ContextSlot, names: DatabaseNames) -> Self {
        ConnectionSource { slot, names, listed: Mutex::default() }
    }

    /// Something of the session; the engine's own statements, which run without one, see what is empty.
    fn session<T: Default>(&self, body: impl FnOnce(&SessionContext) -> T) -> T {
        self.slot.with_session(|session| Ok(body(session))).unwrap_or_default()
    }

    fn fetch_versions(&self) -> Result<Arc<[VersionRow]>> {
        let session = self.slot.session()?;
        let (statement, kept, places) = self.slot.with_session(|session| {
            let statement = (session.backend_pid, session.statement_start);
            Ok((statement, session.kept.clone(), Arc::clone(&session.places)))
        })?;
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listed) = listed.as_ref().filter(|listed| listed.statement == statement) {
            return Ok(Arc::clone(&listed.versions));
        }
        let (versions, more) = {
            let _waiting = Waiting::new(&session, Wait::Store);
            let _lent = places.lend(1);
            kept.versions(|| self.slot.check_interrupt())?
        };
        if more {
            let message = format!("only the newest {LISTED} versions are shown; pgserver versions --since lists all");
            let warning = ErrorFields::new(Severity::Warning, SqlState::WARNING, message);
            self.slot.with_session(|session| {
                session.notices.push(warning);
                Ok(())
            })?;
        }
        *listed = Some(Listed { statement, versions: Arc::clone(&versions) });
        Ok(versions)
    }

    /// What the file says, in a session's statement.
    fn of_file<T>(&self, read: fn(&rusqlite::Connection) -> Result<T>) -> Result<T, String> {
        let found = self.slot.linked().and_then(|(_, lease)| lease.enter().with(read));
        found.map_err(|error| self.slot.fail(error).to_string())
    }

    /// To be asked while the session's context is not locked.
    fn backends(&self) -> Arc<Backends> {
        self.session(|session| Arc::clone(&session.backends))
    }
}

impl CatalogSource for ConnectionSource {
    fn catalog(&self) -> Arc<CatalogSnapshot> {
        self.session(|session| Arc::clone(&session.catalog))
    }

    fn database(&self) -> String {
        self.session(|session| session.database.clone())
    }

    fn user(&self) -> String {
        self.session(|session| session.roles().name(session.role()))
    }

    fn roles(&self) -> Roles {
        self.session(|session| session.roles())
    }

    fn role(&self) -> Oid {
        self.slot.with_session(|session| Ok(session.role())).unwrap_or(Oid::BOOTSTRAP_SUPERUSER)
    }

    fn search_path(&self) -> Vec<String> {
        self.session(|session| session.settings.search_path())
    }

    fn databases(&self) -> Vec<String> {
        let (mut names, own) = (self.names.list(), self.database());
        // A version of a database is there for who is connected to it.
        if !own.is_empty() {
            names.push(own);
        }
        with_always(names)
    }

    fn cluster(&self) -> Arc<ClusterFacts> {
        self.session(|session| session.cluster_facts())
    }

    fn settings(&self) -> Vec<SettingView> {
        self.session(|session| session.settings.views().collect())
    }

    fn sessions(&self) -> Vec<SessionRow> {
        self.backends().activity()
    }

    fn large_objects(&self) -> Result<Vec<(Oid, Oid, Option<Acl>)>, String> {
        self.of_file(large_objects::all)
    }

    fn large_object_pages(&self) -> Result<Vec<(Oid, i64, Vec<u8>)>, String> {
        self.of_file(large_objects::pages)
    }

    fn statements(&self) -> Vec<StatementRow> {
        self.backends().statements.rows()
    }

    fn statements_info(&self) -> (i64, i64) {
        self.backends().statements.info()
    }

    fn locks(&self) -> Vec<LockRow> {
        self.backends().held_and_awaited()
    }

    fn cursors(&self) -> Vec<CursorRow> {
        self.session(|session| session.cursors.clone())
    }

    fn prepared_statements(&self) -> Vec<PreparedRow> {
        self.session(|session| session.prepared.values().cloned().collect())
    }

    fn versions(&self) -> Result<Arc<[VersionRow]>, String> {
        self.fetch_versions().map_err(|error| self.slot.fail(error).to_string())
    }

    fn replication(&self) -> Option<ReplicationRow> {
        let (kept, name) = self.session(|session| (session.kept.clone(), session.database.clone()));
        kept.replication(name)
    }

    fn sequence_last_value(&self, sequence: Oid) -> Option<i64> {
        self.slot.sequences().state(sequence).filter(|state| state.is_called).map(|state| state.last_value)
    }

    fn updatable_columns(&self, view: &Relation) -> Option<Vec<i16>> {
        let (catalog, settings) = (self.catalog(), Settings::default());
        stored::updatable_columns(view, stored::context(&catalog, &settings)).ok()?.ok()
    }

    fn view_definition(&self, view: &Relation) -> Option<String> {
        let (catalog, settings, search_path) = (self.catalog(), Settings::default(), self.search_path());
        let names = Names { catalog: &catalog, search_path: &search_path };
        ruleutils::view_definition(view, &names, stored::context(&catalog, &settings), Style::VIEW)
    }

    fn describe_expression(&self, relation: &Relation, expression: &str) -> Option<(String, Oid, i32)> {
        let (catalog, settings) = (self.catalog(), Settings::default());
        let ast = parse::expression(expression).ok()?;
        let (how, context) = ((Origin::Stored, Target::Any), stored::context(&catalog, &settings));
        let described = stored::relation_expression(&ast, Some(relation), how, context).ok()?.ok()?;
        Some((stored::expression_name(&ast), described.natural_type, described.typmod))
    }

    fn has_function(&self, name: &str) -> bool {
        functions::is_known(name)
    }
}
