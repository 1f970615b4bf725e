//! Row triggers of partitioned tables: each partition has a part of every one, under the same name.
//!
//! Specification: CreateTriggerFiringOn(), renametrig_partition() in trigger.c, CloneRowTriggersToPartition() in
//! tablecmds.c.

use std::sync::Arc;

use super::Change;
use super::trigger::{already_exists, insert_sorted};
use crate::catalog::schema::Relation;
use crate::catalog::trigger::Trigger;
use crate::error::{Error, Result, SqlState};
use crate::limits::stack;
use crate::types::pg_type::Oid;

impl Change<'_> {
    /// Gives a partition, and those below it, its parts of these triggers of the table above it.
    pub(super) fn add_trigger_parts(
        &mut self,
        above: &Relation,
        partition: Oid,
        triggers: &[Arc<Trigger>],
        replace: bool,
    ) -> Result<()> {
        stack::check()?;
        let mut relation = self.current(partition)?;
        let mut parts = Vec::new();
        for trigger in triggers.iter().filter(|trigger| trigger.for_each_row) {
            let known = relation.options.triggers.iter().find(|known| known.name == trigger.name).cloned();
            if known.is_some() && !replace {
                return Err(already_exists(&trigger.name, &relation));
            }
            let mut part = Trigger::clone(trigger);
            part.oid = known.map_or_else(|| self.new_oid(), |known| Ok(known.oid))?;
            if part.constraint.is_some() {
                part.constraint = Some(self.new_oid()?);
            }
            let own = |number: i16| {
                let column = above.column_by_number(number)?;
                relation.column(&column.name).map(|column| column.number)
            };
            part.columns = trigger.columns.iter().filter_map(|number| own(*number)).collect();
            for used in part.uses.columns.iter_mut().filter(|(of, _)| *of == above.oid) {
                *used = (relation.oid, own(used.1).unwrap_or(used.1));
            }
            relation.options.triggers.retain(|known| known.name != part.name);
            parts.push(Arc::new(part.clone()));
            insert_sorted(&mut relation, part);
        }
        if parts.is_empty() {
            return Ok(());
        }
        let children = relation.options.inheritance.children.clone();
        let relation = {
            self.put_relation(relation)?;
            self.current(partition)?
        };
        if relation.is_partitioned() {
            for child in children {
                self.add_trigger_parts(&relation, child, &parts, replace)?;
            }
        }
        Ok(())
    }

    /// Changes the parts that the partitions of a table have of one of its triggers.
    pub(super) fn change_trigger_parts(
        &mut self,
        relation: &Relation,
        trigger: &Trigger,
        change: &dyn Fn(&mut Trigger),
    ) -> Result<()> {
        if !relation.is_partitioned() || !trigger.for_each_row {
            return Ok(());
        }
        let below: Vec<Oid> = self.catalog.inheritors(relation.oid).iter().skip(1).map(|below| below.oid).collect();
        for oid in below {
            let mut partition = self.current(oid)?;
            let Some(part) = partition.options.triggers.iter().find(|known| known.name == trigger.name).cloned() else {
                continue;
            };
            partition.options.triggers.retain(|known| known.oid != part.oid);
            let mut part = Trigger::clone(&part);
            change(&mut part);
            if partition.options.triggers.iter().any(|known| known.name == part.name) {
                return Err(already_exists(&part.name, &partition));
            }
            insert_sorted(&mut partition, part);
            self.put_relation(partition)?;
        }
        Ok(())
    }

    /// Takes its parts of the triggers of the table above away from a partition that is going to be one no more.
    pub(super) fn drop_trigger_parts(&mut self, partition: &Relation) -> Result<()> {
        let parts: Vec<Arc<Trigger>> = (partition.options.triggers.iter())
            .filter(|trigger| self.catalog.parent_trigger(partition, trigger).is_some())
            .cloned()
            .collect();
        let below: Vec<Oid> = self.catalog.inheritors(partition.oid).iter().map(|below| below.oid).collect();
        for oid in below {
            let mut relation = self.current(oid)?;
            let is_part = |trigger: &Arc<Trigger>| parts.iter().any(|part| part.name == trigger.name);
            let gone: Vec<Oid> = relation.options.triggers.iter().filter(|t| is_part(t)).map(|t| t.oid).collect();
            if gone.is_empty() {
                continue;
            }
            relation.options.triggers.retain(|trigger| !gone.contains(&trigger.oid));
            gone.into_iter().try_for_each(|trigger| self.forget_comments(trigger))?;
            self.put_relation(relation)?;
        }
        Ok(())
    }

    /// XX000 for a part of a trigger, which is renamed with it.
    pub(super) fn refuse_renaming_part(&self, relation: &Relation, trigger: &Trigger) -> Result<()> {
        if self.catalog.parent_trigger(relation, trigger).is_none() {
            return Ok(());
        }
        let message = format!("cannot rename trigger \"{}\" on table \"{}\"", trigger.name, relation.name);
        let above = self.catalog.partition_ancestors(relation).first().map_or("", |above| above.name.as_str());
        Err(Error::new(SqlState::INTERNAL_ERROR, message)
            .with_hint(format!("Rename the trigger on the partitioned table \"{above}\" instead.")))
    }
}
