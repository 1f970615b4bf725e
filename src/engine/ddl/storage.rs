//! What ALTER TABLE, ALTER INDEX, ALTER VIEW and CLUSTER say of how things are stored: parameters, statistics, storage,
//! compression, replica identity, the index to cluster by. It is checked as PostgreSQL checks it, kept and shown.
//!
//! Specification: tablecmds.c, cluster.c.

use std::sync::Arc;

use super::Change;
use super::parameters;
use crate::catalog::schema::{Column, Index, Relation, RelationKind};
use crate::catalog::tables::relations::find;
use crate::catalog::tables::types::type_facts;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{Name, ReindexTarget, ReplicaIdentity, StorageChange};
use crate::sql::syntax::ast::query::RangeVar;
use crate::types::pg_type::Oid;

impl Change<'_> {
    /// Applies it to a table under ALTER TABLE, or to what else ALTER names.
    pub(super) fn change_storage(&self, relation: &mut Relation, change: &StorageChange) -> Result<()> {
        let known = if relation.kind == RelationKind::View { parameters::VIEW } else { parameters::TABLE };
        match change {
            StorageChange::Set(given) => parameters::set(&mut relation.options.parameters, given, known),
            StorageChange::Reset(given) => parameters::reset(&mut relation.options.parameters, given),
            StorageChange::SetColumn(column, given) => {
                let column = column_mut(relation, column)?;
                parameters::set(&mut column.options.parameters, given, parameters::COLUMN)
            }
            StorageChange::ResetColumn(column, given) => {
                parameters::reset(&mut column_mut(relation, column)?.options.parameters, given)
            }
            StorageChange::Statistics(column, target) => {
                let target = statistics_target(*target)?;
                column_mut(relation, column)?.options.statistics = target;
                Ok(())
            }
            StorageChange::NumberedStatistics(..) => {
                let message = "cannot refer to non-index column by number";
                Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
            }
            StorageChange::Storage(column, storage) => self.set_storage(column_mut(relation, column)?, storage),
            StorageChange::Compression(column, method) => {
                self.set_compression(column_mut(relation, column)?, method.as_deref())
            }
            StorageChange::ReplicaIdentity(identity) => set_replica_identity(relation, identity),
            StorageChange::ClusterOn(index) => {
                clustering_index(relation, index)?;
                relation.indexes.iter_mut().for_each(|i| i.options.clustered = i.name == *index);
                Ok(())
            }
            StorageChange::WithoutCluster => {
                relation.indexes.iter_mut().for_each(|i| i.options.clustered = false);
                Ok(())
            }
        }
    }

    /// ALTER INDEX … SET, RESET, ALTER COLUMN n SET STATISTICS.
    pub(super) fn change_index_storage(&mut self, index: &Relation, change: &StorageChange) -> Result<()> {
        let Some((table, _)) = self.catalog.index(index.oid) else { return Err(Error::internal("index's table")) };
        let mut table = self.declared(table)?;
        let Some(found) = table.indexes.iter_mut().find(|i| i.oid == index.oid) else { return Ok(()) };
        match change {
            StorageChange::Set(given) => {
                parameters::set(&mut found.options.parameters, given, parameters::of_method(&found.method))?;
            }
            StorageChange::Reset(given) => parameters::reset(&mut found.options.parameters, given)?,
            StorageChange::NumberedStatistics(number, target) => {
                let key = usize::try_from(*number).ok().and_then(|n| index.columns.get(n.checked_sub(1)?));
                let column = key.map_or("", |key| key.name.as_str());
                index_statistics(found, (*number, column), *target)?;
            }
            StorageChange::Statistics(column, _) | StorageChange::Storage(column, _) => {
                let message = format!("column \"{column}\" of relation \"{}\" does not exist", found.name);
                return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
            }
            _ => {
                let message =
                    format!("ALTER action {} cannot be performed on relation \"{}\"", change.action(), found.name);
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                    .with_detail("This operation is not supported for indexes."));
            }
        }
        self.put_relation(table)
    }

    /// CLUSTER: rows have no place of their own here, so nothing is moved; the index is remembered.
    pub(super) fn cluster(&mut self, table: &Name, index: Option<&str>) -> Result<()> {
        let relation = self.table(table)?;
        let mut clustered = Relation::clone(&relation);
        match index {
            Some(index) => {
                clustering_index(&relation, index)?;
                clustered.indexes.iter_mut().for_each(|i| i.options.clustered = i.name == index);
            }
            None if relation.indexes.iter().any(|i| i.options.clustered) => return Ok(()),
            None => {
                let message = format!("there is no previously clustered index for table \"{}\"", relation.name);
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
            }
        }
        self.check_not_pending(&relation, "CLUSTER")?;
        match relation.declared {
            true => self.put_relation(clustered),
            false => Ok(()),
        }
    }

    /// REINDEX of what is named: indexes are always as they should be, so it only has to be there, and to be of a kind
    /// that PostgreSQL would take (ReindexIndex, ReindexTable, ReindexMultipleTables).
    pub(super) fn reindex(&mut self, target: &ReindexTarget, concurrently: bool) -> Result<()> {
        const NOT_CONCURRENTLY: &str = "cannot reindex system catalogs concurrently";
        let refused = |message: &'static str| Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        match target {
            ReindexTarget::Index(name) => {
                let relation = self.reindexed(name)?;
                match relation.kind {
                    RelationKind::Index => Ok(()),
                    _ => Err(wrong_kind(&relation, "an index")),
                }
            }
            ReindexTarget::Table(name) => {
                let relation = self.reindexed(name)?;
                match relation.kind {
                    RelationKind::Table => {
                        if relation.indexes.is_empty() && !self.has_toast(&relation) && !relation.is_partitioned() {
                            let what = if concurrently { "that can be reindexed concurrently" } else { "to reindex" };
                            let message = format!("table \"{}\" has no indexes {what}", relation.name);
                            self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                        }
                        Ok(())
                    }
                    RelationKind::System if is_catalog_table(&relation) => match concurrently {
                        true => refused(NOT_CONCURRENTLY),
                        false => Ok(()),
                    },
                    _ => Err(wrong_kind(&relation, "a table or materialized view")),
                }
            }
            ReindexTarget::System(_) if concurrently => refused(NOT_CONCURRENTLY),
            ReindexTarget::Schema(name) => {
                self.existing_schema(name)?;
                if concurrently && name == "pg_catalog" {
                    self.warn(SqlState::FEATURE_NOT_SUPPORTED, format!("{NOT_CONCURRENTLY}, skipping all"));
                }
                Ok(())
            }
            ReindexTarget::System(name) | ReindexTarget::Database(name) => {
                if *name != self.context.database {
                    return refused("can only reindex the currently open database");
                }
                if concurrently {
                    self.warn(SqlState::FEATURE_NOT_SUPPORTED, format!("{NOT_CONCURRENTLY}, skipping all"));
                }
                Ok(())
            }
        }
    }

    /// Whether PostgreSQL would keep long values of the table elsewhere, in a table with an index (needs_toast_table).
    fn has_toast(&self, relation: &Relation) -> bool {
        const THRESHOLD: i64 = 2032;
        let mut bytes = 0;
        for column in &relation.columns {
            let facts = type_facts(&self.catalog, column.type_oid);
            match (column.options.storage.unwrap_or(facts.storage), self.base_type(column.type_oid), column.typmod) {
                (b'p', ..) => {}
                (_, Oid::VARCHAR | Oid::BPCHAR, typmod @ 4..) => bytes += i64::from(typmod - 4) * 4 + 4,
                (_, Oid::NUMERIC | Oid::BIT | Oid::VARBIT, 0..) => {}
                _ => return true,
            }
        }
        bytes > THRESHOLD
    }

    fn reindexed(&self, named: &RangeVar) -> Result<Arc<Relation>> {
        self.relation(&Name { schema: named.schema.clone(), name: named.relation.clone() })
    }
}

/// Of the system's relations, those that are tables in PostgreSQL, too.
fn is_catalog_table(relation: &Relation) -> bool {
    find(&relation.schema, &relation.name).is_some_and(|system| system.kind == b'r')
}

fn wrong_kind(relation: &Relation, article: &str) -> Error {
    Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not {article}", relation.name))
}

fn no_column(column: &str, relation: &str) -> Error {
    let message = format!("column \"{column}\" of relation \"{relation}\" does not exist");
    Error::new(SqlState::UNDEFINED_COLUMN, message)
}

fn column_mut<'r>(relation: &'r mut Relation, name: &str) -> Result<&'r mut Column> {
    let Relation { columns, name: table, .. } = relation;
    columns.iter_mut().find(|c| c.name == name).ok_or_else(|| no_column(name, table))
}

/// -1 is the default one.
fn statistics_target(target: i32) -> Result<Option<i32>> {
    match target {
        -1 => Ok(None),
        ..=-2 => {
            let message = format!("statistics target {target} is too low");
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
        // PostgreSQL lowers what is more, with a warning.
        _ => Ok(Some(target.min(10_000))),
    }
}

fn index_statistics(index: &mut Index, (number, column): (i16, &str), target: i32) -> Result<()> {
    let name = &index.name;
    let place = usize::try_from(number).unwrap_or(0).checked_sub(1);
    let Some(key) = place.and_then(|place| index.keys.get(place)) else {
        let included = place.is_some_and(|place| place < index.keys.len() + index.included.len());
        let (code, message) = if included {
            (
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cannot alter statistics on included column \"{column}\" of index \"{name}\""),
            )
        } else {
            (SqlState::UNDEFINED_COLUMN, format!("column number {number} of relation \"{name}\" does not exist"))
        };
        return Err(Error::new(code, message));
    };
    if key.column != 0 {
        let message = format!("cannot alter statistics on non-expression column \"{column}\" of index \"{name}\"");
        return Err(
            Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_hint("Alter statistics on table column instead.")
        );
    }
    index.options.statistics.retain(|(n, _)| *n != number);
    index.options.statistics.extend(statistics_target(target)?.map(|target| (number, target)));
    Ok(())
}

/// pg_attribute.attstorage by what is written.
const STORAGE: &[(&str, u8)] = &[("plain", b'p'), ("external", b'e'), ("extended", b'x'), ("main", b'm')];

impl Change<'_> {
    /// What a type is called that is never stored out of line or compressed.
    fn plain_type(&self, column: &Column) -> Option<String> {
        let is_plain = type_facts(&self.catalog, column.type_oid).storage == b'p';
        is_plain.then(|| self.type_display(column.type_oid))
    }

    fn set_storage(&self, column: &mut Column, storage: &str) -> Result<()> {
        let Some((_, letter)) = STORAGE.iter().find(|(name, _)| name.eq_ignore_ascii_case(storage)) else {
            let message = format!("invalid storage type \"{storage}\"");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        };
        if let Some(shown) = self.plain_type(column).filter(|_| *letter != b'p') {
            let message = format!("column data type {shown} can only have storage PLAIN");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        column.options.storage = Some(*letter);
        Ok(())
    }

    pub(super) fn set_compression(&self, column: &mut Column, method: Option<&str>) -> Result<()> {
        let letter = match method {
            None | Some("default") => None,
            Some("pglz") => Some(b'p'),
            Some("lz4") => Some(b'l'),
            Some(other) => {
                let message = format!("invalid compression method \"{other}\"");
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
        };
        if let Some(shown) = self.plain_type(column).filter(|_| letter.is_some()) {
            let message = format!("column data type {shown} does not support compression");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        column.options.compression = letter;
        Ok(())
    }
}

fn set_replica_identity(relation: &mut Relation, identity: &ReplicaIdentity) -> Result<()> {
    let (letter, index) = match identity {
        ReplicaIdentity::Default => (None, None),
        ReplicaIdentity::Full => (Some(b'f'), None),
        ReplicaIdentity::Nothing => (Some(b'n'), None),
        ReplicaIdentity::Index(name) => {
            check_identity_index(relation, name)?;
            (Some(b'i'), Some(name))
        }
    };
    relation.options.replica_identity = letter;
    relation.indexes.iter_mut().for_each(|i| i.options.replica_identity = Some(&i.name) == index);
    Ok(())
}

/// The index must tell rows apart by columns that are never null.
fn check_identity_index(relation: &Relation, name: &str) -> Result<()> {
    let Some(index) = relation.indexes.iter().find(|i| i.name == name) else {
        let message = format!("index \"{name}\" for table \"{}\" does not exist", relation.name);
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
    };
    let nullable = index.keys.iter().filter_map(|k| relation.column_by_number(k.column)).find(|c| !c.not_null);
    let refused = |what: &str| {
        let message = format!("cannot use {what} index \"{name}\" as replica identity");
        Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
    };
    if !index.unique {
        refused("non-unique")
    } else if relation.deferrable_key(index).is_some() {
        let message = format!("cannot use non-immediate index \"{name}\" as replica identity");
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
    } else if index.keys.iter().any(|k| k.column == 0) {
        refused("expression")
    } else if index.predicate.is_some() {
        refused("partial")
    } else if let Some(column) = nullable {
        let message = format!(
            "index \"{name}\" cannot be used as replica identity because column \"{}\" is nullable",
            column.name
        );
        Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
    } else {
        Ok(())
    }
}

fn clustering_index(relation: &Relation, name: &str) -> Result<()> {
    let Some(index) = relation.indexes.iter().find(|i| i.name == name) else {
        let message = format!("index \"{name}\" for table \"{}\" does not exist", relation.name);
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
    };
    let reason = match index.method.as_str() {
        _ if index.predicate.is_some() => format!("cannot cluster on partial index \"{name}\""),
        "btree" | "gist" => return Ok(()),
        _ => format!("cannot cluster on index \"{name}\" because access method does not support clustering"),
    };
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, reason))
}
