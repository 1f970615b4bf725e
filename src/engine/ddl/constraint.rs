//! Constraints from their definitions: columns looked up, names made up, keys of the other side found. Only the
//! relation in hand changes; SQLite's side follows from it.

use std::collections::HashSet;
use std::sync::Arc;

use super::Change;
use super::naming::{self, free_name, joined};
use super::sqlite;
use crate::catalog::schema::{
    Constraint, ConstraintKind, ConstraintOptions, ForeignKey, Index, IndexKey, IndexOptions, Relation,
};
use crate::error::{Error, Result, SqlState};
use crate::sql::casts::{self, CastContext};
use crate::sql::ddl::{ConstraintDefinition, ConstraintDefinitionKind, KeySource, Name};
use crate::types::pg_type::Oid;

impl Change<'_> {
    /// Adds a constraint to a relation that is being made or changed.
    pub(super) fn add_constraint(&mut self, relation: &mut Relation, definition: &ConstraintDefinition) -> Result<()> {
        if let Some(name) = &definition.name {
            check_constraint_name(relation, name)?;
        }
        match &definition.kind {
            ConstraintDefinitionKind::PrimaryKey(KeySource::Columns(columns, included)) => {
                self.add_key(relation, definition, (columns, included), true)
            }
            ConstraintDefinitionKind::Unique(KeySource::Columns(columns, included)) => {
                self.add_key(relation, definition, (columns, included), false)
            }
            ConstraintDefinitionKind::PrimaryKey(KeySource::Index(index)) => {
                self.add_key_using_index(relation, definition, index, true)
            }
            ConstraintDefinitionKind::Unique(KeySource::Index(index)) => {
                self.add_key_using_index(relation, definition, index, false)
            }
            ConstraintDefinitionKind::Exclusion(exclusion) => self.add_exclusion(relation, definition, exclusion),
            ConstraintDefinitionKind::Check(expression) => {
                if definition.no_inherit && relation.is_partitioned() {
                    let message =
                        format!("cannot add NO INHERIT constraint to partitioned table \"{}\"", relation.name);
                    return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
                }
                let names = self.check_condition(expression, relation, "CHECK")?;
                let text = self.deparse(expression, relation);
                let only = match names.as_slice() {
                    [only] => Some(only.as_str()),
                    _ => None,
                };
                let name = self.constraint_name(relation, definition, only, "check");
                let columns = names.iter().filter_map(|n| relation.column(n)).map(|c| c.number).collect();
                self.push_constraint(relation, definition, name, ConstraintKind::Check(text), columns)?;
                Ok(())
            }
            ConstraintDefinitionKind::ForeignKey {
                columns,
                table,
                referenced,
                on_update,
                on_delete,
                set_columns,
                ..
            } => {
                let actions = (*on_update, *on_delete, set_columns.as_slice());
                self.add_foreign_key(relation, definition, columns, (table, referenced), actions)
            }
        }
    }

    pub(super) fn constraint_name(
        &self,
        relation: &Relation,
        definition: &ConstraintDefinition,
        columns: Option<&str>,
        label: &str,
    ) -> String {
        definition.name.clone().unwrap_or_else(|| {
            free_name(&relation.name, columns, label, |name| naming::is_taken(&self.catalog, relation, name))
        })
    }

    pub(super) fn push_constraint(
        &self,
        relation: &mut Relation,
        definition: &ConstraintDefinition,
        name: String,
        kind: ConstraintKind,
        columns: Vec<i16>,
    ) -> Result<Oid> {
        let oid = self.new_oid()?;
        relation.constraints.push(Constraint {
            oid,
            name,
            kind,
            columns,
            deferrable: definition.deferrable,
            initially_deferred: definition.initially_deferred,
            options: constraint_options(definition),
        });
        Ok(oid)
    }

    /// PRIMARY KEY and UNIQUE: the constraint and its index, which share a name.
    fn add_key(
        &mut self,
        relation: &mut Relation,
        definition: &ConstraintDefinition,
        (columns, included): (&[String], &[String]),
        primary: bool,
    ) -> Result<()> {
        if primary && relation.primary_key().is_some() {
            return Err(multiple_primary_keys(relation));
        }
        let numbers = key_columns(relation, columns, primary)?;
        self.check_partition_unique(relation, &numbers, primary)?;
        for column in relation.columns.iter().filter(|column| numbers.contains(&column.number)) {
            self.require_order(column.type_oid)?;
        }
        let named: Vec<String> = columns.iter().chain(included).cloned().collect();
        let included = super::index::included_columns(relation, included)?;
        let (label, part) = if primary { ("pkey", None) } else { ("key", Some(joined(&named))) };
        let name = self.constraint_name(relation, definition, part.as_deref(), label);
        if definition.name.is_some() {
            self.check_index_name(relation, &name)?;
        }
        let mut parameters = Vec::new();
        super::parameters::set(&mut parameters, &definition.parameters, super::parameters::of_method("btree"))?;
        if primary {
            self.make_primary(relation, &numbers, definition.deferrable);
        }
        let kind = if primary { ConstraintKind::PrimaryKey } else { ConstraintKind::Unique };
        let constraint = self.push_constraint(relation, definition, name.clone(), kind, numbers.clone())?;
        let keys = numbers.into_iter().map(IndexKey::of_column).collect();
        relation.indexes.push(Index {
            oid: self.new_oid()?,
            name,
            unique: true,
            primary,
            keys,
            included,
            predicate: None,
            method: "btree".to_owned(),
            constraint: Some(constraint),
            options: IndexOptions {
                nulls_not_distinct: definition.nulls_not_distinct,
                parameters,
                ..Default::default()
            },
        });
        Ok(())
    }

    /// A primary key's columns are not null, and a single integer is SQLite's rowid: a lookup then takes one b-tree
    /// instead of two.
    fn make_primary(&self, relation: &mut Relation, numbers: &[i16], deferrable: bool) {
        let single = numbers.len() == 1 && !deferrable;
        for column in relation.columns.iter_mut().filter(|c| numbers.contains(&c.number)) {
            column.not_null = true;
            column.rowid_alias = single && sqlite::fits_rowid(column);
        }
    }

    fn add_key_using_index(
        &mut self,
        relation: &mut Relation,
        definition: &ConstraintDefinition,
        index: &str,
        primary: bool,
    ) -> Result<()> {
        if primary && relation.primary_key().is_some() {
            return Err(multiple_primary_keys(relation));
        }
        if definition.deferrable {
            return Err(Error::unsupported("USING INDEX of a DEFERRABLE constraint"));
        }
        let Some(position) = relation.indexes.iter().position(|i| i.name == index) else {
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("index \"{index}\" does not exist")));
        };
        let Some(found) = relation.indexes.get(position).cloned() else { return Ok(()) };
        if found.constraint.is_some() {
            let message = format!("index \"{index}\" is already associated with a constraint");
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        let unusual = found.keys.iter().position(|k| IndexKey::of_column(k.column) != *k);
        let reason = if !found.unique {
            Some("is not a unique index")
        } else if found.keys.iter().any(|k| k.column == 0) {
            Some("contains expressions")
        } else if found.predicate.is_some() {
            Some("is a partial index")
        } else {
            None
        };
        let message = match (reason, unusual) {
            (Some(reason), _) => Some(format!("\"{index}\" {reason}")),
            (None, Some(key)) => {
                Some(format!("index \"{index}\" column number {} does not have default sorting behavior", key + 1))
            }
            (None, None) => None,
        };
        if let Some(message) = message {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .with_detail("Cannot create a primary key or unique constraint using such an index."));
        }
        let name = definition.name.clone().unwrap_or_else(|| index.to_owned());
        if name != index {
            let message =
                format!("ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index \"{index}\" to \"{name}\"");
            self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
            self.execute(&self.drop_index_sql(relation, &found))?;
        }
        let numbers: Vec<i16> = found.keys.iter().map(|k| k.column).collect();
        for column in relation.columns.iter_mut().filter(|c| primary && numbers.contains(&c.number)) {
            column.not_null = true;
        }
        let kind = if primary { ConstraintKind::PrimaryKey } else { ConstraintKind::Unique };
        let constraint = self.push_constraint(relation, definition, name.clone(), kind, numbers)?;
        if let Some(entry) = relation.indexes.get_mut(position) {
            entry.name = name.clone();
            entry.primary = primary;
            entry.constraint = Some(constraint);
        }
        if name != index
            && let Some(entry) = relation.indexes.get(position)
        {
            self.execute(&self.create_index_sql(relation, entry)?)?;
        }
        Ok(())
    }

    pub(super) fn check_index_name(&self, relation: &Relation, name: &str) -> Result<()> {
        if relation.name == name || relation.indexes.iter().any(|i| i.name == name) {
            return Err(Error::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")));
        }
        self.check_free(&relation.schema, name)
    }

    fn add_foreign_key(
        &mut self,
        relation: &mut Relation,
        definition: &ConstraintDefinition,
        columns: &[String],
        (table, referenced): (&Name, &[String]),
        (on_update, on_delete, set_columns): (u8, u8, &[String]),
    ) -> Result<()> {
        let parent = self.referenced_table(relation, table)?;
        let numbers = foreign_columns(relation, columns)?;
        let mut set_numbers = foreign_columns(relation, set_columns)?;
        if let Some((name, _)) = set_columns.iter().zip(&set_numbers).find(|(_, number)| !numbers.contains(number)) {
            let message = format!("column \"{name}\" referenced in ON DELETE SET action must be part of foreign key");
            return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message));
        }
        let mut seen = HashSet::new();
        set_numbers.retain(|number| seen.insert(*number));
        let parent_numbers = match (referenced.is_empty(), parent.primary_key()) {
            (false, _) => foreign_columns(&parent, referenced)?,
            (true, Some(key)) => key.columns.clone(),
            (true, None) => {
                let message = format!("there is no primary key for referenced table \"{}\"", parent.name);
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
            }
        };
        if numbers.len() != parent_numbers.len() {
            let message = "number of referencing and referenced columns for foreign key disagree";
            return Err(Error::new(SqlState::INVALID_FOREIGN_KEY, message));
        }
        if deferrable_key_only(&parent, &parent_numbers) {
            let what = if referenced.is_empty() { "primary key" } else { "unique constraint" };
            let message = format!("cannot use a deferrable {what} for referenced table \"{}\"", parent.name);
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        if !has_unique_key(&parent, &parent_numbers) {
            let message =
                format!("there is no unique constraint matching given keys for referenced table \"{}\"", parent.name);
            return Err(Error::new(SqlState::INVALID_FOREIGN_KEY, message));
        }
        let name = self.constraint_name(relation, definition, Some(&joined(columns)), "fkey");
        self.check_key_types(relation, &numbers, &parent, &parent_numbers, &name)?;
        let key = ForeignKey {
            relation: parent.oid,
            columns: parent_numbers,
            on_update,
            on_delete,
            set_columns: set_numbers,
        };
        self.push_constraint(relation, definition, name, ConstraintKind::ForeignKey(key), numbers)?;
        Ok(())
    }

    /// The other side of a foreign key: another table, or the one in hand.
    fn referenced_table(&self, relation: &Relation, name: &Name) -> Result<Arc<Relation>> {
        let own_schema = name.schema.as_ref().is_none_or(|s| *s == relation.schema);
        let own = own_schema && name.name == relation.name && {
            let shadowed = self.find(name).is_some_and(|r| r.oid != relation.oid && r.schema != relation.schema);
            !shadowed || name.schema.is_some()
        };
        let parent = if own { Arc::new(relation.clone()) } else { self.relation(name)? };
        if parent.kind != crate::catalog::schema::RelationKind::Table || parent.is_materialized() {
            let message = format!("referenced relation \"{}\" is not a table", parent.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        let (kind, allowed, fits) = match (relation.temporary, relation.options.unlogged) {
            (true, _) => ("temporary", "temporary", parent.temporary),
            (false, true) => ("unlogged", "permanent or unlogged", !parent.temporary),
            (false, false) => ("permanent", "permanent", !parent.temporary && !parent.options.unlogged),
        };
        if !fits {
            let message = format!("constraints on {kind} tables may reference only {allowed} tables");
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        Ok(parent)
    }

    /// Each pair of columns must be comparable.
    pub(super) fn check_key_types(
        &self,
        child: &Relation,
        numbers: &[i16],
        parent: &Relation,
        parent_numbers: &[i16],
        name: &str,
    ) -> Result<()> {
        for (number, parent_number) in numbers.iter().zip(parent_numbers) {
            let (Some(a), Some(b)) = (child.column_by_number(*number), parent.column_by_number(*parent_number)) else {
                continue;
            };
            if a.type_oid == b.type_oid {
                continue;
            }
            let (base, parent_base) = (self.base_type(a.type_oid), self.base_type(b.type_oid));
            if base != parent_base && !is_comparable(base, parent_base) {
                let detail = format!(
                    "Key columns \"{}\" and \"{}\" are of incompatible types: {} and {}.",
                    a.name,
                    b.name,
                    self.type_display(a.type_oid),
                    self.type_display(b.type_oid)
                );
                let message = format!("foreign key constraint \"{name}\" cannot be implemented");
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).with_detail(detail));
            }
        }
        Ok(())
    }

    /// The type a domain stands for.
    pub(super) fn base_type(&self, oid: Oid) -> Oid {
        self.catalog.base_type(oid)
    }
}

/// Whether a column of one type can be a foreign key to one of another: an index of that knows their comparison, or the
/// value becomes one of that type by itself (ATAddForeignKeyConstraint).
fn is_comparable(child: Oid, parent: Oid) -> bool {
    const FAMILIES: &[&[Oid]] = &[
        &[Oid::INT2, Oid::INT4, Oid::INT8],
        &[Oid::FLOAT4, Oid::FLOAT8],
        &[Oid::DATE, Oid::TIMESTAMP, Oid::TIMESTAMPTZ],
        &[Oid::TEXT, Oid::VARCHAR, Oid::NAME],
    ];
    let in_family = FAMILIES.iter().any(|family| family.contains(&child) && family.contains(&parent));
    in_family || casts::find(child, parent).is_some_and(|cast| cast.context == CastContext::Implicit)
}

/// 42710 if the relation has a constraint of that name.
pub(super) fn check_constraint_name(relation: &Relation, name: &str) -> Result<()> {
    if relation.constraints.iter().any(|c| c.name == name) {
        let message = format!("constraint \"{name}\" for relation \"{}\" already exists", relation.name);
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
    }
    Ok(())
}

fn multiple_primary_keys(relation: &Relation) -> Error {
    let message = format!("multiple primary keys for table \"{}\" are not allowed", relation.name);
    Error::new(SqlState::INVALID_TABLE_DEFINITION, message)
}

fn key_columns(relation: &Relation, columns: &[String], primary: bool) -> Result<Vec<i16>> {
    let mut seen = HashSet::new();
    let number = |name: &String| {
        let Some(column) = relation.column(name) else {
            let message = format!("column \"{name}\" named in key does not exist");
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
        };
        if !seen.insert(column.number) {
            let kind = if primary { "primary key" } else { "unique" };
            let message = format!("column \"{name}\" appears twice in {kind} constraint");
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        Ok(column.number)
    };
    columns.iter().map(number).collect()
}

/// Whether the columns of a PRIMARY KEY or UNIQUE constraint are there.
pub(super) fn check_key_columns(relation: &Relation, definition: &ConstraintDefinition) -> Result<()> {
    match &definition.kind {
        ConstraintDefinitionKind::PrimaryKey(KeySource::Columns(columns, _)) => {
            key_columns(relation, columns, true).map(drop)
        }
        ConstraintDefinitionKind::Unique(KeySource::Columns(columns, _)) => {
            key_columns(relation, columns, false).map(drop)
        }
        _ => Ok(()),
    }
}

fn foreign_columns(relation: &Relation, columns: &[String]) -> Result<Vec<i16>> {
    let number = |name: &String| {
        relation.column(name).map(|c| c.number).ok_or_else(|| {
            let message = format!("column \"{name}\" referenced in foreign key constraint does not exist");
            Error::new(SqlState::UNDEFINED_COLUMN, message)
        })
    };
    columns.iter().map(number).collect()
}

fn constraint_options(definition: &ConstraintDefinition) -> ConstraintOptions {
    ConstraintOptions {
        not_valid: definition.not_valid,
        no_inherit: definition.no_inherit,
        match_full: matches!(definition.kind, ConstraintDefinitionKind::ForeignKey { match_full: true, .. }),
        ..Default::default()
    }
}

fn has_unique_key(relation: &Relation, numbers: &[i16]) -> bool {
    relation.key_index(numbers).is_some()
}

/// Whether the columns are a key, but only of constraints that are not checked at once.
fn deferrable_key_only(relation: &Relation, numbers: &[i16]) -> bool {
    !has_unique_key(relation, numbers) && relation.unique_indexes(numbers).next().is_some()
}
