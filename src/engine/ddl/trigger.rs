//! CREATE, ALTER and DROP TRIGGER, ENABLE and DISABLE TRIGGER.
//!
//! Owns: which triggers there can be. Must not know: how they fire (`engine::triggers`). Specification:
//! sql-createtrigger.html, CreateTriggerFiringOn() in trigger.c.

use std::sync::Arc;

use super::Change;
use super::drop::Object;
use super::owner::noun_of;
use super::rebuild::Sources;
use crate::catalog::acl::{AclKind, Privileges};
use crate::catalog::routines::PG_PROC;
use crate::catalog::schema::{Constraint, Relation, RelationKind};
use crate::catalog::tables::procs;
use crate::catalog::trigger::{Enabled, Events, Timing, Trigger};
use crate::engine::identity::denied;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{
    CreateTrigStmt, CreateTrigger, Name, TriggerEvent, TriggerFiring, TriggerSelector, TriggerTiming,
};
use crate::sql::trigger;
use crate::types::pg_type::Oid;

impl Change<'_> {
    pub(super) fn create_trigger(&mut self, create: &CreateTrigger) -> Result<()> {
        let stmt = &create.stmt;
        let table = Name { schema: stmt.relation.schema.clone(), name: stmt.relation.relation.clone() };
        let relation = self.relation(&table)?;
        check_kind(&relation, stmt)?;
        let other = match &stmt.constraint_relation {
            Some(name) => {
                let name = Name { schema: name.schema.clone(), name: name.relation.clone() };
                Some(self.relation(&name)?.oid)
            }
            None => None,
        };
        self.check_trigger_privilege(&relation)?;
        let events = events(stmt);
        check_events(stmt, events)?;
        let (old_table, new_table) = transition_tables(&relation, stmt, events)?;
        let existing = relation.options.triggers.iter().find(|known| known.name == stmt.name).cloned();
        let mut made = Trigger {
            oid: Oid::INVALID,
            name: stmt.name.clone(),
            function: Oid::INVALID,
            timing: match stmt.timing {
                TriggerTiming::Before => Timing::Before,
                TriggerTiming::After => Timing::After,
                TriggerTiming::InsteadOf => Timing::InsteadOf,
            },
            for_each_row: stmt.row,
            events,
            columns: Vec::new(),
            arguments: stmt.args.clone(),
            condition: None,
            enabled: existing.as_ref().map_or(Enabled::Origin, |known| known.enabled),
            constraint: None,
            constraint_relation: other,
            deferrable: stmt.deferrable,
            initially_deferred: stmt.initially_deferred,
            old_table,
            new_table,
            uses: Default::default(),
        };
        if let Some(condition) = &stmt.when {
            let (text, uses) = trigger::text(condition, &made, &relation, &create.text, self.planning())?;
            (made.condition, made.uses) = (Some(text), uses);
        }
        made.function = self.trigger_function(&stmt.function)?;
        if let Some(known) = &existing {
            if !stmt.replace {
                return Err(already_exists(&stmt.name, &relation));
            }
            let named = format!("trigger \"{}\" for relation \"{}\"", stmt.name, relation.name);
            let refused = |what: &str| Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("{named} {what}")));
            if self.catalog.parent_trigger(&relation, known).is_some() {
                return refused("is an internal or a child trigger");
            }
            if known.constraint.is_some() {
                return refused("is a constraint trigger");
            }
        }
        made.columns = update_columns(&relation, stmt)?;
        made.oid = match &existing {
            Some(known) => known.oid,
            None => self.new_oid()?,
        };
        if stmt.is_constraint {
            made.constraint = Some(self.new_oid()?);
        }
        let mut changed = Relation::clone(&relation);
        changed.options.triggers.retain(|known| known.name != made.name);
        insert_sorted(&mut changed, made.clone());
        self.put_relation(changed)?;
        if relation.is_partitioned() && made.for_each_row {
            let (relation, parts) = (self.current(relation.oid)?, [Arc::new(made)]);
            for child in relation.options.inheritance.children.clone() {
                self.add_trigger_parts(&relation, child, &parts, stmt.replace)?;
            }
        }
        Ok(())
    }

    /// TRIGGER on the relation.
    fn check_trigger_privilege(&self, relation: &Relation) -> Result<()> {
        let holder = &*self.holder();
        if holder.superuser || self.catalog.may(holder, relation.oid, Privileges::TRIGGER) {
            return Ok(());
        }
        Err(denied(format!("permission denied for {} {}", noun_of(relation), relation.name)))
    }

    /// The function of that name without arguments, which returns trigger and may be executed.
    fn trigger_function(&self, name: &[String]) -> Result<Oid> {
        let shown = name.join(".");
        let (schema, function) = match name {
            [name] => (None, name.as_str()),
            [schema, name] | [_, schema, name] => (Some(schema.as_str()), name.as_str()),
            _ => (None, shown.as_str()),
        };
        let is_system = schema.is_none_or(|schema| schema == "pg_catalog");
        let built_in = procs::procs_named(function).into_iter().find(|p| is_system && p.argument_types().is_empty());
        let schemas: Vec<&str> = match schema {
            Some(schema) => vec![schema],
            None => self.search_path.iter().map(String::as_str).collect(),
        };
        let users = schemas.iter().find_map(|schema| self.catalog.routine(schema, function, &[]));
        let found = built_in.map(|proc| (proc.oid, proc.returns()));
        let found = found.or_else(|| users.filter(|r| !r.is_procedure()).map(|r| (r.oid, r.returns)));
        let Some((oid, returns)) = found else {
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, format!("function {shown}() does not exist")));
        };
        let holder = &*self.holder();
        let wanted = Privileges::EXECUTE;
        let mask = || self.catalog.mask(holder, (PG_PROC, oid, 0), AclKind::Function, wanted);
        if users.is_some() && !holder.superuser && mask() != wanted {
            return Err(denied(format!("permission denied for function {shown}")));
        }
        if returns != Oid::TRIGGER {
            let message = format!("function {shown} must return type trigger");
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        Ok(oid)
    }

    /// SQLite is told of the foreign keys whose actions are its own from now on, or are not any more.
    pub(super) fn settle_actions(&mut self) -> Result<()> {
        let keys = |catalog: &crate::catalog::schema::CatalogSnapshot| {
            let keys = catalog.server_keys();
            (Arc::clone(&keys.acting), Arc::clone(&keys.own))
        };
        let (before, after) = (keys(self.context.catalog), keys(&self.catalog));
        if before == after {
            return Ok(());
        }
        let differs = |c: &Constraint| {
            before.0.contains(&c.oid) != after.0.contains(&c.oid)
                || before.1.contains(&c.oid) != after.1.contains(&c.oid)
        };
        for relation in self.sorted_relations() {
            if relation.constraints.iter().any(differs) && !self.redeclare(&relation, &relation)? {
                self.rebuild(&relation, Relation::clone(&relation), &Sources::new())?;
            }
        }
        Ok(())
    }

    pub(super) fn rename_trigger(&mut self, table: &Name, name: &str, to: &str) -> Result<()> {
        let relation = self.relation(table)?;
        let found = self.trigger_of(&relation, name)?;
        self.refuse_renaming_part(&relation, &found)?;
        if relation.options.triggers.iter().any(|known| known.name == to) {
            let message = format!("trigger \"{to}\" for relation \"{}\" already exists", relation.name);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        let mut changed = Relation::clone(&relation);
        changed.options.triggers.retain(|known| known.oid != found.oid);
        insert_sorted(&mut changed, Trigger { name: to.to_owned(), ..Trigger::clone(&found) });
        self.change_trigger_parts(&relation, &found, &|part| part.name = to.to_owned())?;
        self.put_relation(changed)
    }

    pub(super) fn drop_trigger(&mut self, table: &Name, name: &str, if_exists: bool, cascade: bool) -> Result<()> {
        let found = match self.find(table) {
            Some(relation) => self.trigger_of(&relation, name).map(|trigger| (relation.oid, trigger.oid)),
            None => match table.schema.as_ref().filter(|schema| !self.catalog.has_schema(schema)) {
                Some(schema) => {
                    let message = format!("schema \"{schema}\" does not exist");
                    Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message))
                }
                None => {
                    let message = format!("relation \"{table}\" does not exist");
                    Err(Error::new(SqlState::UNDEFINED_TABLE, message))
                }
            },
        };
        match found {
            Ok((relation, trigger)) => self.drop_objects(&[Object::Trigger(relation, trigger)], cascade),
            Err(error) if if_exists => {
                let message = match error.code() {
                    SqlState::UNDEFINED_OBJECT => {
                        format!("trigger \"{name}\" for relation \"{table}\" does not exist")
                    }
                    _ => error.message().to_owned(),
                };
                self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{message}, skipping"));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Removes a trigger that nothing depends on any more.
    pub(super) fn remove_trigger(&mut self, relation: Oid, trigger: Oid) -> Result<()> {
        let Some(relation) = self.catalog.relations.get(&relation).cloned() else { return Ok(()) };
        let mut changed = Relation::clone(&relation);
        changed.options.triggers.retain(|known| known.oid != trigger);
        self.forget_comments(trigger)?;
        self.put_relation(changed)
    }

    /// The partitions' parts of triggers fire as these do.
    pub(super) fn set_firing_below(
        &mut self,
        relation: &Relation,
        which: &TriggerSelector,
        firing: TriggerFiring,
    ) -> Result<()> {
        for trigger in &relation.options.triggers {
            if !matches!(which, TriggerSelector::Name(name) if *name != trigger.name) {
                self.change_trigger_parts(relation, trigger, &|part| part.enabled = enabled(firing))?;
            }
        }
        Ok(())
    }

    /// The trigger of that name; 42704.
    pub(super) fn trigger_of(&self, relation: &Relation, name: &str) -> Result<Arc<Trigger>> {
        relation.options.triggers.iter().find(|known| known.name == name).cloned().ok_or_else(|| {
            let message = format!("trigger \"{name}\" for table \"{}\" does not exist", relation.name);
            Error::new(SqlState::UNDEFINED_OBJECT, message)
        })
    }
}

fn enabled(firing: TriggerFiring) -> Enabled {
    match firing {
        TriggerFiring::Origin => Enabled::Origin,
        TriggerFiring::Always => Enabled::Always,
        TriggerFiring::Replica => Enabled::Replica,
        TriggerFiring::Disabled => Enabled::Disabled,
    }
}

/// ENABLE and DISABLE TRIGGER. ALL means those of foreign keys too.
pub(super) fn set_firing(relation: &mut Relation, which: &TriggerSelector, firing: TriggerFiring) -> Result<()> {
    let enabled = enabled(firing);
    let mut found = false;
    for trigger in &mut relation.options.triggers {
        if matches!(which, TriggerSelector::Name(name) if *name != trigger.name) {
            continue;
        }
        found = true;
        Arc::make_mut(trigger).enabled = enabled;
    }
    match which {
        TriggerSelector::All => relation.options.triggers_disabled = firing == TriggerFiring::Disabled,
        TriggerSelector::Name(name) if !found => {
            let message = format!("trigger \"{name}\" for table \"{}\" does not exist", relation.name);
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        }
        _ => {}
    }
    Ok(())
}

/// 42710
pub(super) fn already_exists(trigger: &str, relation: &Relation) -> Error {
    let message = format!("trigger \"{trigger}\" for relation \"{}\" already exists", relation.name);
    Error::new(SqlState::DUPLICATE_OBJECT, message)
}

pub(super) fn insert_sorted(relation: &mut Relation, trigger: Trigger) {
    let triggers = &mut relation.options.triggers;
    triggers.push(Arc::new(trigger));
    triggers.sort_by(|a, b| a.name.cmp(&b.name));
}

fn wrong_kind(relation: &Relation, what: &str, detail: &str) -> Error {
    let message = format!("\"{}\" is a {what}", relation.name);
    Error::new(SqlState::WRONG_OBJECT_TYPE, message).with_detail(detail)
}

/// What kind of relation can have such a trigger.
fn check_kind(relation: &Relation, stmt: &CreateTrigStmt) -> Result<()> {
    let truncates = stmt.events.contains(&TriggerEvent::Truncate);
    match relation.kind {
        RelationKind::Table if !relation.is_materialized() => {
            if stmt.timing == TriggerTiming::InsteadOf {
                return Err(wrong_kind(relation, "table", "Tables cannot have INSTEAD OF triggers."));
            }
            if relation.is_partitioned() && stmt.row && !stmt.transitions.is_empty() {
                let detail = "ROW triggers with transition tables are not supported on partitioned tables.";
                let message = format!("\"{}\" is a partitioned table", relation.name);
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_detail(detail));
            }
            if !relation.declared {
                return Err(Error::unsupported("a trigger on a table that another program has made"));
            }
            Ok(())
        }
        RelationKind::View => {
            if stmt.timing != TriggerTiming::InsteadOf && stmt.row {
                return Err(wrong_kind(relation, "view", "Views cannot have row-level BEFORE or AFTER triggers."));
            }
            if truncates {
                return Err(wrong_kind(relation, "view", "Views cannot have TRUNCATE triggers."));
            }
            Ok(())
        }
        RelationKind::System => Err(super::system_relation(&relation.name)),
        _ => {
            let message = format!("relation \"{}\" cannot have triggers", relation.name);
            let kinds = super::drop::object_kind(relation).map_or("relation", |kind| kind.noun());
            let kinds = if kinds == "index" { "indexe" } else { kinds };
            Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .with_detail(format!("This operation is not supported for {kinds}s.")))
        }
    }
}

fn events(stmt: &CreateTrigStmt) -> Events {
    let mut events = Events::default();
    for event in &stmt.events {
        match event {
            TriggerEvent::Insert => events.insert = true,
            TriggerEvent::Delete => events.delete = true,
            TriggerEvent::Update(_) => events.update = true,
            TriggerEvent::Truncate => events.truncate = true,
        }
    }
    events
}

/// What does not go together.
fn check_events(stmt: &CreateTrigStmt, events: Events) -> Result<()> {
    let refused = |message: &str| Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message.to_owned()));
    if stmt.row && events.truncate {
        return refused("TRUNCATE FOR EACH ROW triggers are not supported");
    }
    if stmt.timing == TriggerTiming::InsteadOf {
        if !stmt.row {
            return refused("INSTEAD OF triggers must be FOR EACH ROW");
        }
        if stmt.when.is_some() {
            return refused("INSTEAD OF triggers cannot have WHEN conditions");
        }
        if stmt.events.iter().any(|event| matches!(event, TriggerEvent::Update(columns) if !columns.is_empty())) {
            return refused("INSTEAD OF triggers cannot have column lists");
        }
    }
    Ok(())
}

/// The names of REFERENCING OLD TABLE and NEW TABLE.
fn transition_tables(
    relation: &Relation,
    stmt: &CreateTrigStmt,
    events: Events,
) -> Result<(Option<String>, Option<String>)> {
    let invalid = |message: &str| Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message.to_owned()));
    let refused = |message: &str| Error::new(SqlState::FEATURE_NOT_SUPPORTED, message.to_owned());
    let (mut old, mut new) = (None, None);
    for transition in &stmt.transitions {
        if !transition.is_table {
            let error = refused("ROW variable naming in the REFERENCING clause is not supported");
            return Err(error.with_hint("Use OLD TABLE or NEW TABLE for naming transition tables."));
        }
        if relation.kind == RelationKind::View {
            return Err(wrong_kind(relation, "view", "Triggers on views cannot have transition tables."));
        }
        if stmt.timing != TriggerTiming::After {
            return invalid("transition table name can only be specified for an AFTER trigger");
        }
        if events.truncate {
            return Err(refused("TRUNCATE triggers with transition tables are not supported"));
        }
        if stmt.events.len() != 1 {
            return Err(refused("transition tables cannot be specified for triggers with more than one event"));
        }
        if matches!(stmt.events.first(), Some(TriggerEvent::Update(columns)) if !columns.is_empty()) {
            return Err(refused("transition tables cannot be specified for triggers with column lists"));
        }
        let (known, word, wanted) = match transition.is_new {
            true if !events.insert && !events.update => {
                return invalid("NEW TABLE can only be specified for an INSERT or UPDATE trigger");
            }
            false if !events.delete && !events.update => {
                return invalid("OLD TABLE can only be specified for a DELETE or UPDATE trigger");
            }
            true => (&mut new, "NEW", &transition.name),
            false => (&mut old, "OLD", &transition.name),
        };
        if known.replace(wanted.clone()).is_some() {
            return invalid(&format!("{word} TABLE cannot be specified multiple times"));
        }
    }
    if stmt.row && !stmt.transitions.is_empty() && !relation.options.inheritance.parents.is_empty() {
        let below = if relation.is_partition() { "partitions" } else { "inheritance children" };
        return Err(refused(&format!("ROW triggers with transition tables are not supported on {below}")));
    }
    if old.is_some() && old == new {
        return invalid("OLD TABLE name and NEW TABLE name cannot be the same");
    }
    Ok((old, new))
}

/// UPDATE OF.
fn update_columns(relation: &Relation, stmt: &CreateTrigStmt) -> Result<Vec<i16>> {
    let mut columns = Vec::new();
    for event in &stmt.events {
        let TriggerEvent::Update(names) = event else { continue };
        for name in names {
            let Some(column) = relation.column(name) else {
                let message = format!("column \"{name}\" of relation \"{}\" does not exist", relation.name);
                return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
            };
            if columns.contains(&column.number) {
                let message = format!("column \"{name}\" specified more than once");
                return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
            }
            columns.push(column.number);
        }
    }
    Ok(columns)
}
