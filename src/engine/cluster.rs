//! What all databases of a server share, as sessions read and change it.
//!
//! Owns: [`Cluster`], how changes get into the database `postgres`. Must not know: statements (`session::database`).

use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use crate::catalog::cluster::{ALWAYS, ClusterChange, ClusterFacts, POSTGRES};
use crate::catalog::store;
use crate::catalog::tables::source::database_oid;
use crate::engine::context::SessionContext;
use crate::engine::databases::{Databases, with_always};
use crate::engine::session::EngineSession;
use crate::error::{Result, SqlState};
use crate::settings::Settings;
use crate::types::pg_type::Oid;

/// How often a change is made anew because another server has committed first.
const ATTEMPTS: u32 = 10;

/// A session's way to the facts; it keeps nothing alive.
#[derive(Clone, Default)]
pub struct Cluster(Weak<Databases>);

impl fmt::Debug for Cluster {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Cluster")
    }
}

impl Cluster {
    /// The cluster that these databases are.
    pub fn of(databases: &Arc<Databases>) -> Self {
        Cluster(Arc::downgrade(databases))
    }

    /// The facts as they are committed.
    pub fn facts(&self) -> Arc<ClusterFacts> {
        self.0.upgrade().map(|databases| databases.known_cluster()).unwrap_or_default()
    }

    /// Whether there is a database of that name.
    pub fn has_database(&self, name: &str) -> bool {
        ALWAYS.contains(&name) || self.0.upgrade().is_some_and(|databases| databases.exists(name))
    }

    /// The name of the database of that OID.
    pub fn name_of(&self, database: Oid) -> Option<String> {
        let names = with_always(self.0.upgrade().map(|databases| databases.names()).unwrap_or_default());
        names.into_iter().find(|name| database_oid(name) == database)
    }

    /// The comment on the database of that OID.
    pub fn comment_on(&self, facts: &ClusterFacts, database: Oid) -> Option<String> {
        facts.database(&self.name_of(database)?).comment
    }
}

impl Databases {
    /// The facts. The database that has them is opened, if there is one.
    pub async fn cluster(&self) -> Result<Arc<ClusterFacts>> {
        if self.opened(POSTGRES).is_none() && self.is_made(POSTGRES) {
            self.open(POSTGRES).await?;
        }
        Ok(self.known_cluster())
    }

    /// The facts, once [`cluster`](Self::cluster) was called.
    pub fn known_cluster(&self) -> Arc<ClusterFacts> {
        self.opened(POSTGRES).map(|postgres| Arc::clone(&postgres.catalog().cluster)).unwrap_or_default()
    }

    /// Makes changes durably, in a transaction of its own on behalf of that session.
    pub async fn change_cluster(&self, changes: &[ClusterChange], of: &EngineSession) -> Result<()> {
        let database = match self.opened(POSTGRES) {
            Some(database) => database,
            None if self.is_made(POSTGRES) => self.open(POSTGRES).await?,
            None => self.open_always(POSTGRES).await?,
        };
        let (user, pid) = {
            let context = of.lock_context();
            (context.user.clone(), context.backend_pid)
        };
        let mut context = SessionContext::new(Settings::default(), &user, POSTGRES, database.catalog());
        context.backend_pid = pid;
        let mut session = EngineSession::interrupted_by(database, Arc::new(Mutex::new(context)), of.interrupt_handle());
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut conflict = None;
            let written = session.write_catalog(|connection, catalog| {
                let mut facts = ClusterFacts::clone(&catalog.cluster);
                for change in changes {
                    conflict = conflict.take().or_else(|| facts.conflict(change));
                    facts.apply(change);
                }
                if conflict.is_some() { Ok(()) } else { store::save_cluster(connection, &facts) }
            });
            let written = written.await;
            let outcome = match (written, conflict) {
                (Ok(()), None) => session.commit().await,
                (Ok(()), Some(conflict)) => session.rollback().await.and(Err(conflict)),
                (Err(error), _) => Err(error),
            };
            match outcome {
                Err(error) if error.code() == SqlState::SERIALIZATION_FAILURE && attempts < ATTEMPTS => {
                    session.rollback().await?;
                }
                outcome => return outcome,
            }
        }
    }
}
