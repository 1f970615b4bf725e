//! INHERITS and PARTITION OF: what a new table takes from its parents, and how tables are tied together and apart.
//!
//! Specification: MergeAttributes, MergeCheckConstraint, ATExecAddInherit, ATExecAttachPartition and ATExecDetachPartition in
//! tablecmds.c.

use std::sync::Arc;

use super::Change;
use super::column::WantedSequence;
use super::constraint::check_constraint_name;
use super::table::{next_number, push_column};
use crate::catalog::definitions::Names;
use crate::catalog::inheritance::PartitionBound;
use crate::catalog::schema::{Column, ColumnOptions, Constraint, ConstraintKind, Relation, RelationKind};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{ColumnDefinition, ConstraintDefinition, ConstraintDefinitionKind, CreateTable};
use crate::types::pg_type::Oid;

fn wrong_type(message: String) -> Error {
    Error::new(SqlState::WRONG_OBJECT_TYPE, message)
}

impl Change<'_> {
    /// The parents that CREATE TABLE names.
    pub(super) fn parents_of(&self, create: &CreateTable, relation: &Relation) -> Result<Vec<Arc<Relation>>> {
        let mut parents: Vec<Arc<Relation>> = Vec::with_capacity(create.parents.len());
        for name in &create.parents {
            let parent = self.relation(name)?;
            if create.bound.is_some() && parent.kind == RelationKind::Table && !parent.is_partitioned() {
                let message = format!("\"{}\" is not partitioned", parent.name);
                return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
            }
            self.check_parent(&parent, relation, create.bound.is_some())?;
            if parents.iter().any(|known| known.oid == parent.oid) {
                let message = format!("relation \"{}\" would be inherited from more than once", parent.name);
                return Err(Error::new(SqlState::DUPLICATE_TABLE, message));
            }
            parents.push(parent);
        }
        Ok(parents)
    }

    /// 42809 for what a table cannot inherit from.
    pub(super) fn check_parent(&self, parent: &Relation, child: &Relation, as_partition: bool) -> Result<()> {
        let name = &parent.name;
        if parent.kind != RelationKind::Table || parent.is_materialized() {
            return Err(wrong_type(format!("inherited relation \"{name}\" is not a table or foreign table")));
        }
        if !parent.declared {
            return Err(Error::unsupported(format!(
                "inheriting from table \"{name}\", which was not created through pgserver"
            )));
        }
        if !as_partition && parent.is_partitioned() {
            return Err(wrong_type(format!("cannot inherit from partitioned table \"{name}\"")));
        }
        if !as_partition && parent.is_partition() {
            return Err(wrong_type(format!("cannot inherit from partition \"{name}\"")));
        }
        match (as_partition, parent.temporary, child.temporary) {
            (false, true, false) => Err(wrong_type(format!("cannot inherit from temporary relation \"{name}\""))),
            (true, true, false) => {
                let message =
                    format!("cannot create a permanent relation as partition of temporary relation \"{name}\"");
                Err(wrong_type(message))
            }
            (true, false, true) => {
                let message =
                    format!("cannot create a temporary relation as partition of permanent relation \"{name}\"");
                Err(wrong_type(message))
            }
            // A session's own part of a table would be read by all.
            (false, false, true) => Err(Error::unsupported("a temporary table that inherits from a permanent one")),
            _ => Ok(()),
        }
    }

    /// A type with its modifier, as messages have it.
    fn shown_with_modifier(&self, type_oid: Oid, typmod: i32) -> String {
        let names = Names { catalog: &self.catalog, search_path: &self.search_path };
        names.format_type(type_oid, Some(typmod))
    }

    fn type_conflict(&self, what: &str, name: &str, a: &Column, b: &Column) -> Error {
        let message = format!("{what} \"{name}\" has a type conflict");
        let (a, b) = (self.shown_with_modifier(a.type_oid, a.typmod), self.shown_with_modifier(b.type_oid, b.typmod));
        Error::new(SqlState::DATATYPE_MISMATCH, message).with_detail(format!("{a} versus {b}"))
    }

    /// The columns of a table with parents: theirs, then its own.
    pub(super) fn inherit_columns(
        &mut self,
        relation: &mut Relation,
        create: &CreateTable,
        parents: &[Arc<Relation>],
    ) -> Result<Vec<WantedSequence>> {
        let is_partition = create.bound.is_some();
        let mut conflicting: Vec<String> = Vec::new();
        for parent in parents {
            for column in &parent.columns {
                self.inherit_column(relation, column, &mut conflicting)?;
            }
        }
        let mut wanted = Vec::new();
        for (place, definition) in create.columns.iter().enumerate() {
            let name = &definition.name;
            if create.columns.iter().take(place).any(|before| before.name == *name) {
                let message = format!("column \"{name}\" specified more than once");
                return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
            }
            let Some(inherited) = relation.column(name).cloned() else {
                if is_partition {
                    let message = format!("column \"{name}\" does not exist");
                    return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
                }
                let (column, sequence) = self.new_column(definition, next_number(relation)?)?;
                push_column(relation, column)?;
                wanted.extend(sequence);
                continue;
            };
            if !is_partition {
                let message = format!("merging column \"{name}\" with inherited definition");
                self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                let (own, sequence) = self.new_column(definition, inherited.number)?;
                if (own.type_oid, own.typmod) != (inherited.type_oid, inherited.typmod) {
                    return Err(self.type_conflict("column", name, &inherited, &own));
                }
                if own.options.collation != inherited.options.collation {
                    return Err(collation_conflict("column", name, &inherited, &own));
                }
                wanted.extend(sequence);
            }
            self.check_generation(&inherited, definition)?;
            conflicting.retain(|other| other != name);
            for column in relation.columns.iter_mut().filter(|column| column.name == *name) {
                column.not_null |= definition.not_null;
                column.options.not_local = false;
                if definition.default.is_some() || definition.generated.is_some() {
                    column.default = None;
                }
                if definition.identity.is_some() {
                    return Err(Error::unsupported("an identity column in place of an inherited one"));
                }
            }
        }
        for like in &create.like {
            wanted.extend(self.copy_columns(relation, like)?);
        }
        if let Some(name) = conflicting.first() {
            let message = format!("column \"{name}\" inherits conflicting default values");
            return Err(Error::new(SqlState::INVALID_COLUMN_DEFINITION, message)
                .with_hint("To resolve the conflict, specify a default explicitly."));
        }
        if is_partition {
            relation.columns.iter_mut().for_each(|column| column.options.not_local = true);
        }
        Ok(wanted)
    }

    fn inherit_column(
        &mut self,
        relation: &mut Relation,
        column: &Column,
        conflicting: &mut Vec<String>,
    ) -> Result<()> {
        let name = &column.name;
        let default = column.default.clone().filter(|_| column.identity.is_none());
        if let Some(known) = relation.column(name).cloned() {
            let message = format!("merging multiple inherited definitions of column \"{name}\"");
            self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
            if (known.type_oid, known.typmod) != (column.type_oid, column.typmod) {
                return Err(self.type_conflict("inherited column", name, &known, column));
            }
            if known.options.collation != column.options.collation {
                return Err(collation_conflict("inherited column", name, &known, column));
            }
            if known.generated != column.generated {
                let message = format!("inherited column \"{name}\" has a generation conflict");
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            }
            for merged in relation.columns.iter_mut().filter(|merged| merged.name == *name) {
                merged.not_null |= column.not_null;
                merged.options.inherited += 1;
                match (&merged.default, &default) {
                    (None, Some(_)) => merged.default.clone_from(&default),
                    (Some(a), Some(b)) if a != b => conflicting.push(name.clone()),
                    _ => {}
                }
            }
            return Ok(());
        }
        push_column(relation, inherited_column(column, next_number(relation)?, default))
    }

    /// A child's generated column is generated in the parent, too, and the other way round.
    fn check_generation(&self, inherited: &Column, definition: &ColumnDefinition) -> Result<()> {
        let name = &definition.name;
        let refused = if inherited.generated {
            if definition.default.is_some() {
                format!("column \"{name}\" inherits from generated column but specifies default")
            } else if definition.identity.is_some() {
                format!("column \"{name}\" inherits from generated column but specifies identity")
            } else {
                return Ok(());
            }
        } else if definition.generated.is_some() {
            return Err(Error::new(
                SqlState::INVALID_COLUMN_DEFINITION,
                format!("child column \"{name}\" specifies generation expression"),
            )
            .with_hint(
                "Omit the generation expression in the definition of the child table column to inherit the generation \
                 expression from the parent table.",
            ));
        } else {
            return Ok(());
        };
        Err(Error::new(SqlState::INVALID_COLUMN_DEFINITION, refused))
    }

    /// The CHECKs that a table takes from its parents.
    pub(super) fn inherit_checks(&mut self, relation: &mut Relation, parents: &[Arc<Relation>]) -> Result<()> {
        for parent in parents {
            for constraint in &parent.constraints {
                let Some(text) = constraint.check().filter(|_| !constraint.options.no_inherit) else { continue };
                let known = relation.constraints.iter_mut().find(|known| known.name == constraint.name);
                if let Some(known) = known {
                    if known.check() != Some(text) {
                        let name = &constraint.name;
                        let message = format!(
                            "check constraint name \"{name}\" appears multiple times but with different expressions"
                        );
                        return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
                    }
                    known.options.inherited += 1;
                    continue;
                }
                let copy = self.inherited_check(parent, relation, constraint)?;
                relation.constraints.push(copy);
            }
        }
        Ok(())
    }

    /// A parent's CHECK as the child has it.
    pub(super) fn inherited_check(
        &self,
        parent: &Relation,
        child: &Relation,
        constraint: &Constraint,
    ) -> Result<Constraint> {
        let names = constraint.columns.iter().filter_map(|number| parent.column_by_number(*number));
        let columns = names.filter_map(|column| child.column(&column.name)).map(|column| column.number).collect();
        let mut copy = Constraint { oid: self.new_oid()?, columns, ..constraint.clone() };
        copy.options.inherited = 1;
        copy.options.not_local = true;
        Ok(copy)
    }

    /// A CHECK of CREATE TABLE's own that a parent has too; true if there is nothing more to add.
    pub(super) fn merge_check(&mut self, relation: &mut Relation, definition: &ConstraintDefinition) -> Result<bool> {
        let (Some(name), ConstraintDefinitionKind::Check(expression)) = (&definition.name, &definition.kind) else {
            return Ok(false);
        };
        let Some(known) = relation.constraints.iter().position(|c| c.name == *name && c.options.inherited > 0) else {
            return Ok(false);
        };
        let text = self.deparse(expression, relation);
        // A partition's is never its own.
        let is_partition = relation.is_partition();
        let table = relation.name.clone();
        let Some(known) = relation.constraints.get_mut(known) else { return Ok(false) };
        if known.check() != Some(text.as_str()) {
            let message = format!("constraint \"{name}\" for relation \"{table}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        if definition.no_inherit {
            let message = format!("constraint \"{name}\" conflicts with inherited constraint on relation \"{table}\"");
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        known.options.not_local = is_partition;
        let message = format!("merging constraint \"{name}\" with inherited definition");
        self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
        Ok(true)
    }

    /// Foreign keys of a partitioned table, as a partition has them.
    pub(super) fn inherit_foreign_keys(&mut self, relation: &mut Relation, parent: &Relation) -> Result<()> {
        for constraint in parent.constraints.iter().filter(|c| c.foreign_key().is_some()) {
            if relation.constraints.iter().any(|c| c.options.parent == Some(constraint.oid)) {
                continue;
            }
            let copy = self.inherited_foreign_key(parent, relation, constraint)?;
            relation.constraints.push(copy);
        }
        Ok(())
    }

    pub(super) fn inherited_foreign_key(
        &self,
        parent: &Relation,
        child: &Relation,
        constraint: &Constraint,
    ) -> Result<Constraint> {
        let taken = |name: &str| check_constraint_name(child, name).is_err();
        let name = match taken(&constraint.name) {
            false => constraint.name.clone(),
            true => {
                let columns: Vec<String> = constraint
                    .columns
                    .iter()
                    .filter_map(|number| parent.column_by_number(*number))
                    .map(|column| column.name.clone())
                    .collect();
                super::naming::free_name(&child.name, Some(&super::naming::joined(&columns)), "fkey", taken)
            }
        };
        let mut copy = self.inherited_check(parent, child, constraint)?;
        copy.name = name;
        copy.options.parent = Some(constraint.oid);
        if let ConstraintKind::ForeignKey(key) = &mut copy.kind {
            let own = |number: &i16| {
                let column = parent.column_by_number(*number)?;
                child.column(&column.name).map(|column| column.number)
            };
            key.set_columns = key.set_columns.iter().filter_map(own).collect();
        }
        Ok(copy)
    }

    // ----- ties

    /// Enters a child, whose own side is written, among its parent's.
    pub(super) fn enter_child(&mut self, parent: Oid, child: Oid) -> Result<()> {
        let (Some(table), Some(child)) = (self.catalog.relations.get(&parent), self.catalog.relations.get(&child))
        else {
            return Ok(());
        };
        let children = self.children_with(table, child);
        let (child, mut table) = (child.oid, Relation::clone(table));
        table.options.inheritance.children = children;
        self.put_relation(table)?;
        self.default_partition_changed(parent, child)
    }

    /// Takes a child out of its parent's.
    pub(super) fn leave_parent(&mut self, parent: Oid, child: Oid) -> Result<()> {
        let Some(table) = self.catalog.relations.get(&parent) else { return Ok(()) };
        let mut table = Relation::clone(table);
        table.options.inheritance.children.retain(|oid| *oid != child);
        self.put_relation(table)?;
        self.default_partition_changed(parent, child)
    }

    /// A relation of the catalog as it is becoming.
    pub(super) fn current(&self, oid: Oid) -> Result<Relation> {
        let found = self.catalog.relations.get(&oid);
        found.map(|relation| Relation::clone(relation)).ok_or_else(|| Error::internal("a relation that is gone"))
    }

    /// The columns of a table that is to inherit, which must be there (MergeAttributesIntoExisting).
    pub(super) fn merge_into_existing(
        &mut self,
        child: &mut Relation,
        parent: &Relation,
        bound: Option<&PartitionBound>,
    ) -> Result<()> {
        if bound.is_some()
            && let Some(column) = child.columns.iter().find(|column| parent.column(&column.name).is_none())
        {
            let message = format!(
                "table \"{}\" contains column \"{}\" not found in parent \"{}\"",
                child.name, column.name, parent.name
            );
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message)
                .with_detail("The new partition may contain only the columns present in parent."));
        }
        for column in &parent.columns {
            let name = &column.name;
            let Some(own) = child.column(name).cloned() else {
                let message = format!("child table is missing column \"{name}\"");
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            };
            if (own.type_oid, own.typmod) != (column.type_oid, column.typmod) {
                let message = format!("child table \"{}\" has different type for column \"{name}\"", child.name);
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            }
            if own.options.collation != column.options.collation {
                let message = format!("child table \"{}\" has different collation for column \"{name}\"", child.name);
                return Err(Error::new(SqlState::COLLATION_MISMATCH, message));
            }
            if column.not_null && !own.not_null {
                let message = format!("column \"{name}\" in child table must be marked NOT NULL");
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            }
            if column.generated != own.generated {
                let message = match column.generated {
                    true => format!("column \"{name}\" in child table must be a generated column"),
                    false => format!("column \"{name}\" in child table must not be a generated column"),
                };
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            }
            for merged in child.columns.iter_mut().filter(|merged| merged.name == *name) {
                merged.options.inherited += 1;
                merged.options.not_local = bound.is_some();
            }
        }
        for constraint in &parent.constraints {
            let Some(text) = constraint.check().filter(|_| !constraint.options.no_inherit) else { continue };
            let table = child.name.clone();
            let Some(own) = child.constraints.iter_mut().find(|c| c.name == constraint.name && c.check().is_some())
            else {
                let message = format!("child table is missing constraint \"{}\"", constraint.name);
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            };
            if own.check() != Some(text) {
                let message = format!(
                    "child table \"{table}\" has different definition for check constraint \"{}\"",
                    constraint.name
                );
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            }
            if own.options.no_inherit {
                let message = format!(
                    "constraint \"{}\" conflicts with non-inherited constraint on child table \"{table}\"",
                    constraint.name
                );
                return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
            }
            own.options.inherited += 1;
            own.options.not_local = bound.is_some();
        }
        Ok(())
    }
}

fn collation_conflict(what: &str, name: &str, a: &Column, b: &Column) -> Error {
    let shown = |column: &Column| column.options.collation.clone().unwrap_or_else(|| "default".to_owned());
    let message = format!("{what} \"{name}\" has a collation conflict");
    let detail = format!("\"{}\" versus \"{}\"", shown(a), shown(b));
    Error::new(SqlState::COLLATION_MISMATCH, message).with_detail(detail)
}

/// A parent's column in a child that has not said anything of it.
pub(super) fn inherited_column(column: &Column, number: i16, default: Option<String>) -> Column {
    Column {
        number,
        default,
        identity: None,
        rowid_alias: false,
        options: ColumnOptions {
            collation: column.options.collation.clone(),
            storage: column.options.storage,
            compression: column.options.compression,
            inherited: 1,
            not_local: true,
            ..ColumnOptions::default()
        },
        ..column.clone()
    }
}
