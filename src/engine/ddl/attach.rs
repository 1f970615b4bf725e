//! ATTACH and DETACH PARTITION, INHERIT and NO INHERIT: tables tied together and apart that were there before.
//!
//! Specification: ATExecAttachPartition, ATExecDetachPartition, ATExecAddInherit, RemoveInheritance and
//! ATExecAttachPartitionIdx in tablecmds.c.

use super::Change;
use super::alter_members::{cut_loose, same_shape, tie_index};
use crate::catalog::inheritance::PartitionBound;
use crate::catalog::schema::{Relation, RelationKind};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{AlterAction, BoundDefinition, Name};
use crate::types::pg_type::Oid;

fn wrong_type(message: impl Into<String>) -> Error {
    Error::new(SqlState::WRONG_OBJECT_TYPE, message.into())
}

/// 42P17 for a table that is not partitioned.
fn refuse_whole(relation: &Relation) -> Result<()> {
    match relation.is_partitioned() {
        true => Ok(()),
        false => {
            let message = format!("table \"{}\" is not partitioned", relation.name);
            Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message))
        }
    }
}

impl Change<'_> {
    /// An action that ties a table to another, or apart from it; false if it is another action.
    pub(super) fn tie(&mut self, relation: &Relation, action: &AlterAction) -> Result<bool> {
        match action {
            AlterAction::AttachPartition { name, bound } => self.attach(relation, name, bound.as_ref())?,
            AlterAction::DetachPartition { name, concurrently, finalize } => {
                refuse_whole(relation)?;
                self.detach(relation, name, (*concurrently, *finalize))?;
            }
            AlterAction::Inherit(parent) => self.add_inherit(relation, parent)?,
            AlterAction::NoInherit(parent) => self.drop_inherit(relation, parent)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn attach(&mut self, parent: &Relation, name: &Name, bound: Option<&BoundDefinition>) -> Result<()> {
        let Some(spec) = bound else { return Err(Error::internal("a partition without a bound")) };
        refuse_whole(parent)?;
        let child = self.table(name)?;
        let mut child = self.declared(&child)?;
        if child.is_partition() {
            return Err(wrong_type(format!("\"{}\" is already a partition", child.name)));
        }
        if !child.options.inheritance.parents.is_empty() {
            return Err(wrong_type("cannot attach inheritance child as partition"));
        }
        if !child.is_partitioned() && !child.options.inheritance.children.is_empty() {
            return Err(wrong_type("cannot attach inheritance parent as partition"));
        }
        self.refuse_circle(&child, parent)?;
        match (parent.temporary, child.temporary) {
            (true, false) => {
                let name = &parent.name;
                let message =
                    format!("cannot attach a permanent relation as partition of temporary relation \"{name}\"");
                return Err(wrong_type(message));
            }
            (false, true) => {
                let name = &parent.name;
                let message =
                    format!("cannot attach a temporary relation as partition of permanent relation \"{name}\"");
                return Err(wrong_type(message));
            }
            _ => {}
        }
        self.check_not_pending(&child, "ALTER TABLE")?;
        let with_tables = |t: &&std::sync::Arc<crate::catalog::trigger::Trigger>| {
            t.for_each_row && (t.old_table.is_some() || t.new_table.is_some())
        };
        if let Some(trigger) = child.options.triggers.iter().find(with_tables) {
            let (trigger, name) = (&trigger.name, &child.name);
            let message = format!("trigger \"{trigger}\" prevents table \"{name}\" from becoming a partition");
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
                .with_detail("ROW triggers with transition tables are not supported on partitions."));
        }
        let bound = self.partition_bound(parent, spec)?;
        self.check_new_bound(parent, &child.name, (&bound, spec))?;
        self.merge_into_existing(&mut child, parent, Some(&bound))?;
        child.options.inheritance.parents = vec![parent.oid];
        child.options.inheritance.bound = Some(bound);
        let oid = child.oid;
        self.put_relation(child)?;
        self.check_partition_rows(oid, &|member| {
            format!("partition constraint of relation \"{}\" is violated by some row", member.name)
        })?;
        self.enter_child(parent.oid, oid)?;
        self.renew_partition_checks(oid)?;
        self.attach_parts(parent.oid, oid)?;
        self.add_trigger_parts(parent, oid, &parent.options.triggers, false)
    }

    /// The new partition's parts of the partitioned table's indexes and foreign keys.
    fn attach_parts(&mut self, parent: Oid, child: Oid) -> Result<()> {
        let parent = self.current(parent)?;
        let before = self.current(child)?;
        let mut work = self.begin_alteration(&before)?;
        for index in &parent.indexes {
            self.add_partition_index(&mut work, &parent, index)?;
        }
        for key in parent.constraints.iter().filter(|c| c.foreign_key().is_some()) {
            let same = |own: &&mut crate::catalog::schema::Constraint| {
                let columns = |relation: &Relation, numbers: &[i16]| -> Vec<String> {
                    numbers.iter().filter_map(|n| relation.column_by_number(*n)).map(|c| c.name.clone()).collect()
                };
                let target = |c: &crate::catalog::schema::Constraint| {
                    c.foreign_key().map(|k| (k.relation, k.columns.clone(), k.on_update, k.on_delete))
                };
                own.options.parent.is_none()
                    && target(own) == target(key)
                    && columns(&before, &own.columns) == columns(&parent, &key.columns)
            };
            match work.after.constraints.iter_mut().find(same) {
                Some(own) => {
                    own.options.parent = Some(key.oid);
                    own.options.inherited = 1;
                    own.options.not_local = true;
                }
                None => {
                    let copy = self.inherited_foreign_key(&parent, &work.after, key)?;
                    work.to_check.push(copy.oid);
                    work.after.constraints.push(copy);
                    work.rebuild = true;
                }
            }
        }
        self.finish_alteration(work)?;
        let after = self.current(child)?;
        self.follow_index(&before, &after)
    }

    fn detach(&mut self, parent: &Relation, name: &Name, (concurrently, finalize): (bool, bool)) -> Result<()> {
        let has_default = parent.options.inheritance.children.iter().any(|oid| {
            let child = self.catalog.relations.get(oid);
            child.is_some_and(|child| child.options.inheritance.bound == Some(PartitionBound::Default))
        });
        if concurrently && has_default {
            let message = "cannot detach partitions concurrently when a default partition exists";
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        let child = self.relation(name)?;
        if !child.options.inheritance.parents.contains(&parent.oid) {
            let message = format!("relation \"{}\" is not a partition of relation \"{}\"", child.name, parent.name);
            return Err(Error::new(SqlState::UNDEFINED_TABLE, message));
        }
        if finalize {
            let message = format!("cannot complete detaching partition \"{}\"", child.name);
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
                .with_detail("There's no pending concurrent detach."));
        }
        self.check_not_pending(&child, "ALTER TABLE")?;
        self.check_not_referred(&child)?;
        self.drop_trigger_parts(&child)?;
        let child = self.current(child.oid)?;
        let mut loose = Relation::clone(&child);
        cut_loose(&mut loose);
        let oid = child.oid;
        self.put_relation(loose)?;
        self.renew_partition_checks(oid)?;
        self.leave_parent(parent.oid, oid)
    }

    fn add_inherit(&mut self, child: &Relation, parent: &Name) -> Result<()> {
        if child.is_partition() {
            return Err(wrong_type("cannot change inheritance of a partition"));
        }
        if child.is_partitioned() {
            return Err(wrong_type("cannot change inheritance of partitioned table"));
        }
        let parent = self.table(parent)?;
        if parent.is_partition() {
            return Err(wrong_type("cannot inherit from a partition"));
        }
        self.check_parent(&parent, child, false)?;
        if child.options.inheritance.parents.contains(&parent.oid) {
            let message = format!("relation \"{}\" would be inherited from more than once", parent.name);
            return Err(Error::new(SqlState::DUPLICATE_TABLE, message));
        }
        self.refuse_circle(child, &parent)?;
        let mut child = self.declared(child)?;
        self.merge_into_existing(&mut child, &parent, None)?;
        child.options.inheritance.parents.push(parent.oid);
        let oid = child.oid;
        self.put_relation(child)?;
        self.enter_child(parent.oid, oid)
    }

    /// 42P07 if the parent is below the child already.
    fn refuse_circle(&self, child: &Relation, parent: &Relation) -> Result<()> {
        match self.catalog.inheritors(child.oid).iter().any(|below| below.oid == parent.oid) {
            true => Err(Error::new(SqlState::DUPLICATE_TABLE, "circular inheritance not allowed")
                .with_detail(format!("\"{}\" is already a child of \"{}\".", parent.name, child.name))),
            false => Ok(()),
        }
    }

    fn drop_inherit(&mut self, child: &Relation, parent: &Name) -> Result<()> {
        if child.is_partition() {
            return Err(wrong_type("cannot change inheritance of a partition"));
        }
        let parent = self.relation(parent)?;
        if !child.options.inheritance.parents.contains(&parent.oid) {
            let message = format!("relation \"{}\" is not a parent of relation \"{}\"", parent.name, child.name);
            return Err(Error::new(SqlState::UNDEFINED_TABLE, message));
        }
        let mut loose = child.clone();
        loose.options.inheritance.parents.retain(|oid| *oid != parent.oid);
        for column in loose.columns.iter_mut().filter(|column| parent.column(&column.name).is_some()) {
            column.options.inherited = column.options.inherited.saturating_sub(1);
            column.options.not_local &= column.options.inherited > 0;
        }
        for constraint in &mut loose.constraints {
            let of_parent = |c: &crate::catalog::schema::Constraint| c.name == constraint.name && c.check().is_some();
            if parent.constraints.iter().any(of_parent) && constraint.check().is_some() {
                constraint.options.inherited = constraint.options.inherited.saturating_sub(1);
                constraint.options.not_local &= constraint.options.inherited > 0;
            }
        }
        let oid = child.oid;
        self.put_relation(loose)?;
        self.leave_parent(parent.oid, oid)
    }

    /// ALTER INDEX … ATTACH PARTITION
    pub(super) fn attach_index(&mut self, index: &Relation, name: &Name) -> Result<()> {
        let part = self.relation(name)?;
        if part.kind != RelationKind::Index {
            return Err(wrong_type(format!("\"{}\" is not an index", part.name)));
        }
        let found = |oid: Oid| self.catalog.index(oid).map(|(table, index)| (Relation::clone(table), index.clone()));
        let (Some((parent, above)), Some((mut child, own))) = (found(index.oid), found(part.oid)) else {
            return Err(Error::internal("an index without a table"));
        };
        if !parent.is_partitioned() {
            let message = format!("index \"{}\" is not partitioned", index.name);
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        if own.options.parent == Some(above.oid) {
            return Ok(());
        }
        let message = format!("cannot attach index \"{}\" as a partition of index \"{}\"", part.name, index.name);
        let refused = |detail: String| {
            Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message.clone()).with_detail(detail))
        };
        if own.options.parent.is_some() {
            return refused(format!("Index \"{}\" is already attached to another index.", part.name));
        }
        if !parent.options.inheritance.children.contains(&child.oid) {
            return refused(format!(
                "Index \"{}\" is not an index on any partition of table \"{}\".",
                part.name, parent.name
            ));
        }
        if !same_shape(&child, &own, &parent, &above) {
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message)
                .with_detail("The index definitions do not match."));
        }
        if above.constraint.is_some() && own.constraint.is_none() {
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message).with_detail(format!(
                "The index \"{}\" belongs to a constraint in table \"{}\" but no constraint exists for index \"{}\".",
                above.name, parent.name, part.name
            )));
        }
        if child.indexes.iter().any(|other| other.options.parent == Some(above.oid)) {
            return refused(format!("Another index is already attached for partition \"{}\".", child.name));
        }
        tie_index(&mut child, own.oid, &parent, &above);
        self.put_relation(child)?;
        self.validate_partitioned_index(parent.oid, above.oid)
    }

    /// An index is valid when all partitions have their parts of it.
    pub(super) fn validate_partitioned_index(&mut self, table: Oid, index: Oid) -> Result<()> {
        let mut table = self.current(table)?;
        let has_part = |oid: &Oid| {
            let child = self.catalog.relations.get(oid);
            child.is_some_and(|child| {
                child.indexes.iter().any(|i| i.options.parent == Some(index) && !i.options.invalid)
            })
        };
        let complete = table.options.inheritance.children.iter().all(has_part);
        let mut above = None;
        for found in table.indexes.iter_mut().filter(|found| found.oid == index && found.options.invalid && complete) {
            found.options.invalid = false;
            above = found.options.parent;
        }
        let parent = table.options.inheritance.parents.first().copied();
        self.put_relation(table)?;
        match (parent, above) {
            (Some(parent), Some(above)) => self.validate_partitioned_index(parent, above),
            _ => Ok(()),
        }
    }
}
