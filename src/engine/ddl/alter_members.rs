//! What a change of a table means for those that inherit from it, and for its partitions: they are changed as it was.
//!
//! Specification: the recursions of tablecmds.c (ATAddColumn, ATExecDropColumn, ATAddCheckConstraint …).

use super::Change;
use super::alter::Alteration;
use super::drop::Object;
use super::index::key_names;
use super::inherit::inherited_column;
use crate::catalog::inheritance::Inheritance;
use crate::catalog::schema::{Column, Constraint, Index, Relation};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{AlterAction, ConstraintDefinitionKind};
use crate::types::pg_type::Oid;

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_TABLE_DEFINITION, message)
}

const NOT_ONLY: &str = "Do not specify the ONLY keyword.";

/// A change of a table that others follow.
#[derive(Clone, Copy)]
pub(super) struct Followed<'c> {
    /// The table that the statement names.
    pub(super) root: Oid,
    pub(super) before: &'c Relation,
    pub(super) after: &'c Relation,
    pub(super) actions: &'c [AlterAction],
}

impl Change<'_> {
    /// What cannot be done to a table because of its parents, its key or its members.
    pub(super) fn check_with_members(&self, relation: &Relation, actions: &[AlterAction], only: bool) -> Result<()> {
        let only = only && !relation.options.inheritance.children.is_empty();
        actions.iter().try_for_each(|action| self.check_action_with_members(relation, action, only))
    }

    fn check_action_with_members(&self, relation: &Relation, action: &AlterAction, only: bool) -> Result<()> {
        let partitioned = relation.is_partitioned();
        let inherited = |name: &str| relation.column(name).is_some_and(|column| column.options.inherited > 0);
        match action {
            AlterAction::AddColumn { .. } if relation.is_partition() => {
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot add column to a partition"))
            }
            AlterAction::AddColumn { .. } if only => {
                Err(invalid("column must be added to child tables too".to_owned()))
            }
            AlterAction::DropColumn { name, .. } => {
                if inherited(name) {
                    return Err(invalid(format!("cannot drop inherited column \"{name}\"")));
                }
                self.refuse_key_column("drop", relation, name)?;
                match only && partitioned {
                    true => {
                        let message = "cannot drop column from only the partitioned table when partitions exist";
                        Err(invalid(message.to_owned()).with_hint(NOT_ONLY))
                    }
                    false => Ok(()),
                }
            }
            AlterAction::AlterType { name, .. } => {
                if inherited(name) {
                    return Err(invalid(format!("cannot alter inherited column \"{name}\"")));
                }
                self.refuse_key_column("alter", relation, name)?;
                match only {
                    true => {
                        Err(invalid(format!("type of inherited column \"{name}\" must be changed in child tables too")))
                    }
                    false => Ok(()),
                }
            }
            AlterAction::RenameColumn { name, .. } => match (inherited(name), only) {
                (true, _) => Err(invalid(format!("cannot rename inherited column \"{name}\""))),
                (_, true) => Err(invalid(format!("inherited column \"{name}\" must be renamed in child tables too"))),
                _ => Ok(()),
            },
            AlterAction::RenameConstraint { name, .. } => {
                let found = relation.constraints.iter().find(|c| c.name == *name);
                let (inherited, inheritable) = found.map_or((false, false), |c| {
                    (c.options.inherited > 0, c.check().is_some() && !c.options.no_inherit)
                });
                match (inherited, only && inheritable) {
                    (true, _) => Err(invalid(format!("cannot rename inherited constraint \"{name}\""))),
                    (_, true) => {
                        Err(invalid(format!("inherited constraint \"{name}\" must be renamed in child tables too")))
                    }
                    _ => Ok(()),
                }
            }
            AlterAction::AddConstraint(definition) => match &definition.kind {
                ConstraintDefinitionKind::Check(_) if definition.no_inherit && partitioned => {
                    Err(invalid(format!("cannot add NO INHERIT constraint to partitioned table \"{}\"", relation.name)))
                }
                ConstraintDefinitionKind::Check(_) if only && !definition.no_inherit => {
                    Err(invalid("constraint must be added to child tables too".to_owned()))
                }
                ConstraintDefinitionKind::ForeignKey { table, .. } if partitioned && (only || definition.not_valid) => {
                    let (name, other) = (&relation.name, &table.name);
                    let about = format!("foreign key on partitioned table \"{name}\" referencing relation \"{other}\"");
                    let error = |words: &str| Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{words} {about}"));
                    Err(match only {
                        true => error("cannot use ONLY for"),
                        false => error("cannot add NOT VALID")
                            .with_detail("This feature is not yet supported on partitioned tables."),
                    })
                }
                _ => Ok(()),
            },
            AlterAction::DropConstraint { name, .. } => {
                let found = relation.constraints.iter().find(|c| c.name == *name);
                if found.is_some_and(|c| c.options.inherited > 0) {
                    let message =
                        format!("cannot drop inherited constraint \"{name}\" of relation \"{}\"", relation.name);
                    return Err(invalid(message));
                }
                match only && partitioned && found.is_some_and(|c| c.check().is_some() && !c.options.no_inherit) {
                    true => {
                        let message = "cannot remove constraint from only the partitioned table when partitions exist";
                        Err(invalid(message.to_owned()).with_hint(NOT_ONLY))
                    }
                    false => Ok(()),
                }
            }
            AlterAction::SetNotNull { name, not_null: false } => {
                let parents = relation.options.inheritance.parents.iter();
                let in_parent = |oid: &Oid| {
                    let parent = self.catalog.relations.get(oid);
                    parent.and_then(|parent| parent.column(name)).is_some_and(|column| column.not_null)
                };
                if relation.is_partition() && parents.into_iter().any(in_parent) {
                    return Err(invalid(format!("column \"{name}\" is marked NOT NULL in parent table")));
                }
                match only && partitioned {
                    true => {
                        let message = "cannot remove constraint from only the partitioned table when partitions exist";
                        Err(invalid(message.to_owned()).with_hint(NOT_ONLY))
                    }
                    false => Ok(()),
                }
            }
            AlterAction::SetNotNull { name, not_null: true } if only && partitioned => {
                let children = relation.options.inheritance.children.iter();
                let lacks = |oid: &Oid| {
                    let child = self.catalog.relations.get(oid);
                    child.and_then(|child| child.column(name)).is_some_and(|column| !column.not_null)
                };
                match children.into_iter().any(lacks) {
                    true => Err(invalid("constraint must be added to child tables too".to_owned()).with_hint(NOT_ONLY)),
                    false => Ok(()),
                }
            }
            AlterAction::SetLogged(_) if partitioned => Err(super::alter::not_for(relation, action)),
            _ => Ok(()),
        }
    }

    /// 42P16 for a column of the partition key.
    fn refuse_key_column(&self, verb: &str, relation: &Relation, name: &str) -> Result<()> {
        let (Some(column), Some(key)) = (relation.column(name), &relation.options.inheritance.key) else {
            return Ok(());
        };
        let uses = key.columns.iter().any(|part| {
            part.column == column.number
                || self.text_columns(part.expression.as_deref(), relation).iter().any(|used| used == name)
        });
        match uses {
            true => Err(invalid(format!(
                "cannot {verb} column \"{name}\" because it is part of the partition key of relation \"{}\"",
                relation.name
            ))),
            false => Ok(()),
        }
    }

    /// Changes the members of a table as it was changed.
    pub(super) fn follow_members(&mut self, change: Followed<'_>, only: bool) -> Result<()> {
        let children = change.after.options.inheritance.children.clone();
        for child in children {
            let before = self.current(child)?;
            let mut work = self.begin_alteration(&before)?;
            self.follow_columns(&mut work, change, only)?;
            self.follow_constraints(&mut work, change, only)?;
            self.finish_alteration(work)?;
            if !only {
                let after = self.current(child)?;
                self.follow_members(Followed { before: &before, after: &after, ..change }, false)?;
            }
        }
        Ok(())
    }

    fn follow_columns(&mut self, work: &mut Alteration, change: Followed<'_>, only: bool) -> Result<()> {
        let Followed { root, before, after, actions } = change;
        for gone in before.columns.iter().filter(|column| after.column_by_number(column.number).is_none()) {
            let Some(own) = work.after.columns.iter_mut().find(|column| column.name == gone.name) else { continue };
            own.options.inherited = own.options.inherited.saturating_sub(1);
            if only {
                own.options.not_local = false;
            } else if own.options.inherited == 0 && own.options.not_local {
                let number = own.number;
                self.flush(work)?;
                let oid = work.after.oid;
                let cascade =
                    actions.iter().any(|action| matches!(action, AlterAction::DropColumn { cascade: true, .. }));
                self.drop_objects(&[Object::Column(oid, number)], cascade)?;
                self.refresh(work, oid)?;
            }
        }
        if only {
            return Ok(());
        }
        for column in &after.columns {
            match before.column_by_number(column.number) {
                None => self.add_inherited_column(work, column)?,
                Some(was) => {
                    let Some(own) = work.after.columns.iter_mut().find(|own| own.name == column.name) else { continue };
                    if was.not_null != column.not_null {
                        own.not_null = column.not_null || own.rowid_alias;
                    }
                    if was.default != column.default && !column.generated && column.identity.is_none() {
                        own.default.clone_from(&column.default);
                    }
                    if was.options.statistics != column.options.statistics {
                        own.options.statistics = column.options.statistics;
                    }
                    if was.options.storage != column.options.storage {
                        own.options.storage = column.options.storage;
                    }
                }
            }
        }
        for action in actions {
            if let AlterAction::AlterType { name, data_type, collation, using } = action {
                let own = work.after.column(name).map(|column| (column.type_oid, column.typmod));
                let wanted = after.column(name).map(|column| (column.type_oid, column.typmod));
                if own != wanted {
                    self.refuse_other_parents(work, name, root)?;
                    self.alter_type(work, name, (data_type, collation.as_ref()), using.as_ref())?;
                }
            }
        }
        Ok(())
    }

    /// 42P16 for a column that another table gives to the child, too, which stays as it is.
    fn refuse_other_parents(&self, work: &Alteration, name: &str, root: Oid) -> Result<()> {
        let Some(column) = work.after.column(name) else { return Ok(()) };
        let changed = self.catalog.inheritors(root);
        let parents = work.after.options.inheritance.parents.iter();
        let parents = parents.filter(|oid| changed.iter().any(|table| table.oid == **oid)).count();
        match usize::from(column.options.inherited) > parents {
            true => {
                Err(invalid(format!("cannot alter inherited column \"{name}\" of relation \"{}\"", work.after.name)))
            }
            false => Ok(()),
        }
    }

    fn add_inherited_column(&mut self, work: &mut Alteration, column: &Column) -> Result<()> {
        let (name, child) = (&column.name, work.after.name.clone());
        if let Some(own) = work.after.columns.iter_mut().find(|own| own.name == *name) {
            if (own.type_oid, own.typmod) != (column.type_oid, column.typmod) {
                let message = format!("child table \"{child}\" has different type for column \"{name}\"");
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            }
            own.options.inherited += 1;
            own.not_null |= column.not_null;
            let message = format!("merging definition of column \"{name}\" for child \"{child}\"");
            self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
            return Ok(());
        }
        let default = column.default.clone().filter(|_| column.identity.is_none());
        let inherited = inherited_column(column, super::table::next_number(&work.after)?, default);
        self.append_column(work, inherited)
    }

    fn follow_constraints(&mut self, work: &mut Alteration, change: Followed<'_>, only: bool) -> Result<()> {
        let Followed { before, after, actions, .. } = change;
        let inherits = |constraint: &&Constraint| constraint.check().is_some() && !constraint.options.no_inherit;
        let is_in = |oid: Oid, relation: &Relation| relation.constraints.iter().any(|c| c.oid == oid);
        for gone in before.constraints.iter().filter(inherits).filter(|c| !is_in(c.oid, after)) {
            let Some(own) = work.after.constraints.iter_mut().find(|c| c.name == gone.name) else { continue };
            own.options.inherited = own.options.inherited.saturating_sub(1);
            if only {
                own.options.not_local = false;
            } else if own.options.inherited == 0 && own.options.not_local {
                let constraint = own.oid;
                self.flush(work)?;
                let oid = work.after.oid;
                let cascade =
                    actions.iter().any(|action| matches!(action, AlterAction::DropConstraint { cascade: true, .. }));
                self.drop_objects(&[Object::Constraint(oid, constraint)], cascade)?;
                self.refresh(work, oid)?;
            }
        }
        if only {
            return Ok(());
        }
        for added in after.constraints.iter().filter(inherits).filter(|c| !is_in(c.oid, before)) {
            self.add_inherited_check(work, after, added)?;
        }
        for constraint in after.constraints.iter().filter(inherits) {
            let was = before.constraints.iter().find(|c| c.oid == constraint.oid);
            let own = work.after.constraints.iter_mut().find(|c| c.name == constraint.name);
            if let (Some(was), Some(own)) = (was, own)
                && was.options.not_valid
                && !constraint.options.not_valid
                && std::mem::take(&mut own.options.not_valid)
            {
                work.to_check.push(own.oid);
            }
        }
        if !after.is_partitioned() {
            return Ok(());
        }
        for index in after.indexes.iter().filter(|i| !before.indexes.iter().any(|was| was.oid == i.oid)) {
            self.add_partition_index(work, after, index)?;
        }
        for key in after.constraints.iter().filter(|c| c.foreign_key().is_some() && !is_in(c.oid, before)) {
            let copy = self.inherited_foreign_key(after, &work.after, key)?;
            if !copy.options.not_valid {
                work.to_check.push(copy.oid);
            }
            work.after.constraints.push(copy);
            work.rebuild = true;
        }
        Ok(())
    }

    fn add_inherited_check(&mut self, work: &mut Alteration, parent: &Relation, added: &Constraint) -> Result<()> {
        let (name, child) = (&added.name, work.after.name.clone());
        let is_partition = work.after.is_partition();
        let Some(own) = work.after.constraints.iter_mut().find(|c| c.name == *name) else {
            let copy = self.inherited_check(parent, &work.after, added)?;
            if !copy.options.not_valid {
                work.to_check.push(copy.oid);
            }
            work.after.constraints.push(copy);
            work.rebuild = true;
            return Ok(());
        };
        if own.check() != added.check() {
            let message = format!("constraint \"{name}\" for relation \"{child}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        if own.options.no_inherit {
            let message =
                format!("constraint \"{name}\" conflicts with non-inherited constraint on relation \"{child}\"");
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        if own.options.not_valid && !added.options.not_valid {
            let message = format!("constraint \"{name}\" conflicts with NOT VALID constraint on relation \"{child}\"");
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        match is_partition {
            true => (own.options.inherited, own.options.not_local) = (1, true),
            false => own.options.inherited += 1,
        }
        let message = format!("merging constraint \"{name}\" with inherited definition");
        self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
        Ok(())
    }

    /// A partition's part of an index: one that it has already, or a new one.
    pub(super) fn add_partition_index(
        &mut self,
        work: &mut Alteration,
        parent: &Relation,
        index: &Index,
    ) -> Result<()> {
        if let Some(own) = fitting_index(&work.after, parent, index) {
            tie_index(&mut work.after, own, parent, index);
            return Ok(());
        }
        let known: Vec<Oid> = work.after.indexes.iter().map(|i| i.oid).collect();
        self.inherit_index(&mut work.after, parent, index)?;
        work.new_indexes.extend(work.after.indexes.iter().map(|i| i.oid).filter(|oid| !known.contains(oid)));
        Ok(())
    }

    /// A new index of a partitioned table, for all of its partitions.
    pub(super) fn follow_index(&mut self, before: &Relation, after: &Relation) -> Result<()> {
        self.follow_members(Followed { root: after.oid, before, after, actions: &[] }, false)
    }

    /// RENAME COLUMN of the members.
    pub(super) fn rename_in_members(&mut self, relation: &Relation, from: &str, to: &str) -> Result<()> {
        let all: Vec<Relation> =
            self.catalog.inheritors(relation.oid).into_iter().map(|r| Relation::clone(r)).collect();
        for child in all.iter().skip(1) {
            let Some(column) = child.column(from) else { continue };
            let parents = child.options.inheritance.parents.iter().filter(|oid| all.iter().any(|r| r.oid == **oid));
            if usize::from(column.options.inherited) > parents.count() {
                return Err(invalid(format!("cannot rename inherited column \"{from}\"")));
            }
            self.rename_own_column(child, from, to)?;
        }
        Ok(())
    }

    /// RENAME CONSTRAINT of a CHECK of the members.
    pub(super) fn rename_check_in_members(&mut self, relation: &Relation, from: &str, to: &str) -> Result<()> {
        let inherited =
            relation.constraints.iter().any(|c| c.name == from && c.check().is_some() && !c.options.no_inherit);
        if !inherited {
            return Ok(());
        }
        for child in relation.options.inheritance.children.clone() {
            let child = self.current(child)?;
            self.rename_check_in_members(&child, from, to)?;
            self.rename_constraint(&child, from, to)?;
        }
        Ok(())
    }

    /// 0A000 for a unique key of a partitioned table that does not contain its partition key: rows of different partitions
    /// could be alike.
    pub(super) fn check_partition_unique(&self, relation: &Relation, numbers: &[i16], primary: bool) -> Result<()> {
        let Some(key) = &relation.options.inheritance.key else { return Ok(()) };
        let kind = if primary { "PRIMARY KEY" } else { "UNIQUE" };
        for part in &key.columns {
            if part.column == 0 {
                let message = format!("unsupported {kind} constraint with partition key definition");
                let detail = format!("{kind} constraints cannot be used when partition keys include expressions.");
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_detail(detail));
            }
            if !numbers.contains(&part.column) {
                let column = relation.column_by_number(part.column).map_or("", |column| &column.name);
                let message = "unique constraint on partitioned table must include all partitioning columns";
                let detail = format!(
                    "{kind} constraint on table \"{}\" lacks column \"{column}\" which is part of the partition key.",
                    relation.name
                );
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_detail(detail));
            }
        }
        Ok(())
    }
}

/// An index of a partition that can be the part of the partitioned table's, and is no other's.
pub(super) fn fitting_index(child: &Relation, parent: &Relation, index: &Index) -> Option<Oid> {
    let constraint = |relation: &Relation, index: &Index| {
        relation.constraints.iter().find(|c| Some(c.oid) == index.constraint).map(|c| std::mem::discriminant(&c.kind))
    };
    let wanted = key_names(parent, index);
    let fits = |own: &&Index| {
        own.options.parent.is_none()
            && same_shape(child, own, parent, index)
            && key_names(child, own) == wanted
            && (index.constraint.is_none() || constraint(child, own) == constraint(parent, index))
    };
    child.indexes.iter().find(fits).map(|own| own.oid)
}

/// Whether an index of a partition is what the partitioned table's is (CompareIndexInfo).
pub(super) fn same_shape(child: &Relation, own: &Index, parent: &Relation, index: &Index) -> bool {
    let name = |relation: &Relation, number: i16| relation.column_by_number(number).map(|column| column.name.clone());
    let keys = own.keys.iter().zip(&index.keys);
    own.unique == index.unique
        && own.method == index.method
        && own.predicate == index.predicate
        && own.options.nulls_not_distinct == index.options.nulls_not_distinct
        && own.keys.len() == index.keys.len()
        && own.included.len() == index.included.len()
        && keys.into_iter().all(|(a, b)| {
            name(child, a.column) == name(parent, b.column)
                && a.expression == b.expression
                && a.collation == b.collation
                && a.operator_class == b.operator_class
        })
        && own.included.iter().zip(&index.included).all(|(a, b)| name(child, *a) == name(parent, *b))
}

/// Makes an index of a partition the part of the partitioned table's.
pub(super) fn tie_index(child: &mut Relation, own: Oid, parent: &Relation, index: &Index) {
    let mut constraint = None;
    for found in child.indexes.iter_mut().filter(|found| found.oid == own) {
        found.options.parent = Some(index.oid);
        constraint = found.constraint;
    }
    let above = parent.constraints.iter().find(|c| Some(c.oid) == index.constraint).map(|c| c.oid);
    for found in child.constraints.iter_mut().filter(|found| Some(found.oid) == constraint && above.is_some()) {
        found.options.parent = above;
        found.options.inherited = 1;
        found.options.not_local = true;
    }
}

/// A table without parents and children, and whatever was a part of its parent's its own.
pub(super) fn cut_loose(relation: &mut Relation) {
    relation.options.inheritance =
        Inheritance { parents: Vec::new(), bound: None, ..std::mem::take(&mut relation.options.inheritance) };
    for column in &mut relation.columns {
        column.options.inherited = column.options.inherited.saturating_sub(1);
        column.options.not_local = false;
    }
    for constraint in &mut relation.constraints {
        constraint.options.inherited = 0;
        constraint.options.not_local = false;
        constraint.options.parent = None;
    }
    relation.indexes.iter_mut().for_each(|index| index.options.parent = None);
}
