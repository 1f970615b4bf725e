//! TRUNCATE: several tables at once, with the tables that refer to them, and their sequences.

use std::sync::Arc;

use super::Change;
use super::sqlite::qualified;
use crate::catalog::schema::{Constraint, Relation};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::Name;

impl Change<'_> {
    pub(super) fn truncate(&mut self, names: &[(Name, bool)], restart_identity: bool, cascade: bool) -> Result<()> {
        let mut tables: Vec<Arc<Relation>> = Vec::new();
        for (name, only) in names {
            let table = self.table(name)?;
            let members = if *only { vec![&table] } else { self.catalog.inheritors(table.oid) };
            if *only && table.is_partitioned() {
                let message = "cannot truncate only a partitioned table";
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                    .with_hint("Do not specify the ONLY keyword, or use TRUNCATE ONLY on the partitions directly."));
            }
            for member in members {
                if tables.iter().all(|t| t.oid != member.oid) {
                    tables.push(Arc::clone(member));
                }
            }
        }
        self.add_referencing(&mut tables, cascade)?;
        tables.iter().try_for_each(|table| self.check_not_pending(table, "TRUNCATE"))?;
        // Every table that refers to one of these is emptied too, so nothing is left to check.
        self.without_foreign_keys(|change| {
            for table in &tables {
                change.execute(&format!("DELETE FROM {}", qualified(table)))?;
            }
            Ok(())
        })?;
        self.emptied.extend(tables.iter().map(|table| table.oid));
        if restart_identity {
            self.restart_owned(&tables)?;
        }
        Ok(())
    }

    fn add_referencing(&mut self, tables: &mut Vec<Arc<Relation>>, cascade: bool) -> Result<()> {
        let mut next = 0;
        while let Some(table) = tables.get(next).cloned() {
            next += 1;
            for other in self.sorted_relations() {
                let refers = |c: &Constraint| c.foreign_key().is_some_and(|key| self.catalog.is_referred(&table, key));
                if !other.constraints.iter().any(refers) {
                    continue;
                }
                if tables.iter().any(|t| t.oid == other.oid) {
                    continue;
                }
                if !cascade {
                    let detail = format!("Table \"{}\" references \"{}\".", other.name, table.name);
                    let hint =
                        format!("Truncate table \"{}\" at the same time, or use TRUNCATE ... CASCADE.", other.name);
                    let message = "cannot truncate a table referenced in a foreign key constraint";
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                        .with_detail(detail)
                        .with_hint(hint));
                }
                let message = format!("truncate cascades to table \"{}\"", other.name);
                self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                tables.push(other);
            }
        }
        Ok(())
    }

    fn restart_owned(&mut self, tables: &[Arc<Relation>]) -> Result<()> {
        for sequence in self.sorted_relations() {
            let Some(options) = sequence.sequence else { continue };
            if options.owned_by.is_some_and(|(owner, _)| tables.iter().any(|t| t.oid == owner)) {
                self.restart_sequence(sequence.oid, &options, options.start)?;
            }
        }
        Ok(())
    }

    /// Every relation of the database by OID, so that what happens does not depend on a hash.
    pub(super) fn sorted_relations(&self) -> Vec<Arc<Relation>> {
        let mut relations: Vec<_> = self
            .catalog
            .relations
            .values()
            .filter(|r| r.kind != crate::catalog::schema::RelationKind::System)
            .cloned()
            .collect();
        relations.sort_unstable_by_key(|r| r.oid);
        relations
    }
}
