//! REFRESH MATERIALIZED VIEW. A materialized view is a table whose query is kept, as a view's is.
//!
//! CONCURRENTLY asks for what PostgreSQL asks for, and differs in nothing else: readers see the rows of before until the
//! transaction ends anyway. Specification: sql-refreshmaterializedview.html, matview.c.

use std::sync::Arc;

use super::Change;
use super::sqlite::qualified;
use crate::catalog::policy::SecurityContext;
use crate::catalog::privileges::PG_CLASS;
use crate::catalog::schema::Relation;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::Name;
use crate::sql::stored::stored_query_for;
use crate::sql::syntax::parse;

impl Change<'_> {
    pub(super) fn refresh_materialized_view(&mut self, name: &Name, concurrently: bool, with_data: bool) -> Result<()> {
        let relation = self.relation(name)?;
        let Some(text) = relation.view_query.as_deref().filter(|_| relation.is_materialized()) else {
            let message = format!("\"{}\" is not a materialized view", relation.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        };
        if concurrently {
            check_concurrently(&relation)?;
        }
        let query = parse::query(text)?;
        // As its owner sees the tables.
        let owner = self.catalog.owner_of(PG_CLASS, relation.oid);
        let security = self.context.security.map(|security| SecurityContext { role: owner, ..security.clone() });
        let described = stored_query_for(&query, security.as_ref(), self.planning())?;
        self.execute(&format!("DELETE FROM {}", qualified(&relation)))?;
        if with_data {
            self.fill(&relation, &described.sql)?;
        }
        let mut refreshed = Relation::clone(&relation);
        refreshed.options.unpopulated = !with_data;
        self.put_relation(refreshed)
    }

    /// What can have indexes: a table, or a materialized view.
    pub(super) fn indexed_relation(&self, name: &Name) -> Result<Arc<Relation>> {
        match self.find(name) {
            Some(relation) if relation.is_materialized() => Ok(relation),
            _ => self.table(name),
        }
    }
}

/// Rows are told apart by a unique index over columns of all rows.
fn check_concurrently(relation: &Relation) -> Result<()> {
    if relation.options.unpopulated {
        let message = "CONCURRENTLY cannot be used when the materialized view is not populated";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    let mut indexes = relation.indexes.iter();
    if indexes.any(|i| i.unique && i.predicate.is_none() && i.keys.iter().all(|key| key.column != 0)) {
        return Ok(());
    }
    let message = format!("cannot refresh materialized view \"{}.{}\" concurrently", relation.schema, relation.name);
    let hint = "Create a unique index with no WHERE clause on one or more columns of the materialized view.";
    Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message).with_hint(hint))
}
