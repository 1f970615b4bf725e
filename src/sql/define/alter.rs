//! ALTER of everything: ALTER TABLE's actions, RENAME, SET SCHEMA, OWNER TO.
//!
//! Specification: sql-altertable.html and the other ALTER statements' pages.

use super::options::{check_access_method, check_tablespace, parameters};
use super::routine::change_routine;
use super::{Defined, Definer, ddl, relation_name};
use crate::catalog::named::NamedKind;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{
    AlterAction, Ddl, DomainChange, EnumChange, EnumPlace, IdentityDefinition, Name, ObjectKind, RoutineChange,
    RowSecurityChange, StatisticsChange, StorageChange,
};
use crate::sql::syntax::ast::definition::{
    AlterDomainAction, AlterDomainStmt, AlterEnum, AlterEnumStmt, AlterSeqStmt, AlterTableCmd, AlterTableStmt,
    ColumnSelector, ConstraintKind, DefArg, DefElem,
};
use crate::sql::syntax::ast::statement::{
    AlterObjectSchemaStmt, AlterOwnerStmt, DropBehavior, ObjectRef, ObjectType, RenameStmt,
};
use crate::sql::syntax::print;

impl Definer<'_> {
    pub(super) fn alter_table(self, alter: &AlterTableStmt) -> Defined {
        if let [AlterTableCmd::ChangeOwner(owner)] = alter.commands.as_slice()
            && let Some((kind, tag)) = renamed_kind(alter.object_type)
        {
            let (name, if_exists, owner) = (relation_name(&alter.relation), alter.missing_ok, owner.clone());
            return ddl(Ddl::ChangeOwner { kind, name, if_exists, owner }, tag);
        }
        let (kind, tag) = match alter.object_type {
            ObjectType::Table => (ObjectKind::Table, "ALTER TABLE"),
            ObjectType::View => (ObjectKind::View, "ALTER VIEW"),
            ObjectType::MatView => (ObjectKind::MaterializedView, "ALTER MATERIALIZED VIEW"),
            ObjectType::Index => (ObjectKind::Index, "ALTER INDEX"),
            ObjectType::Sequence => (ObjectKind::Sequence, "ALTER SEQUENCE"),
            ObjectType::ForeignTable => return Err(Error::unsupported("ALTER FOREIGN TABLE")),
            _ => (ObjectKind::Type, "ALTER TYPE"),
        };
        let table = &alter.relation.relation;
        let actions = alter.commands.iter().map(|cmd| self.alter_action(cmd, table)).collect::<Result<Vec<_>>>()?;
        let name = relation_name(&alter.relation);
        let only = !alter.relation.inherit;
        ddl(Ddl::AlterTable { name, kind, if_exists: alter.missing_ok, only, actions }, tag)
    }

    fn alter_action(self, cmd: &AlterTableCmd, table: &str) -> Result<AlterAction> {
        use AlterTableCmd as Cmd;
        Ok(match cmd {
            Cmd::AddColumn { column, missing_ok } => AlterAction::AddColumn {
                definition: Box::new(self.column_definition(column, table)?),
                if_not_exists: *missing_ok,
            },
            Cmd::AddAttribute { attribute, .. } => AlterAction::AddColumn {
                definition: Box::new(self.column_definition(attribute, table)?),
                if_not_exists: false,
            },
            Cmd::ColumnDefault { column, default } => {
                AlterAction::SetDefault { name: column.clone(), default: default.clone() }
            }
            Cmd::DropNotNull { column } => AlterAction::SetNotNull { name: column.clone(), not_null: false },
            Cmd::SetNotNull { column } => AlterAction::SetNotNull { name: column.clone(), not_null: true },
            Cmd::DropExpression { column, missing_ok } => {
                AlterAction::DropExpression { name: column.clone(), if_exists: *missing_ok }
            }
            Cmd::DropColumn { column, behavior, missing_ok } => AlterAction::DropColumn {
                name: column.clone(),
                if_exists: *missing_ok,
                cascade: *behavior == DropBehavior::Cascade,
            },
            Cmd::AddConstraint(constraint) => AlterAction::AddConstraint(Box::new(self.table_constraint(constraint)?)),
            Cmd::AlterConstraint { name, deferrable, initially_deferred, .. } => {
                let initially_deferred = initially_deferred.unwrap_or(false);
                AlterAction::AlterConstraint {
                    name: name.clone(),
                    deferrable: deferrable.unwrap_or(initially_deferred),
                    initially_deferred,
                }
            }
            Cmd::ValidateConstraint(name) => AlterAction::ValidateConstraint(name.clone()),
            Cmd::DropConstraint { name, behavior, missing_ok } => AlterAction::DropConstraint {
                name: name.clone(),
                if_exists: *missing_ok,
                cascade: *behavior == DropBehavior::Cascade,
            },
            Cmd::AlterColumnType { column, type_name, collation, using, .. } => {
                let collation = collation.as_ref().map(|c| self.collation(&c.name, c.location));
                let (data_type, using) = (type_name.clone(), using.clone());
                AlterAction::AlterType { name: column.clone(), data_type, collation, using }
            }
            Cmd::AddIdentity { column, always, options, .. } => AlterAction::AddIdentity {
                name: column.clone(),
                identity: IdentityDefinition { always: *always, settings: self.sequence_settings(options)? },
            },
            Cmd::SetIdentity { column, options } => self.set_identity(column, options)?,
            Cmd::DropIdentity { column, missing_ok } => {
                AlterAction::DropIdentity { name: column.clone(), if_exists: *missing_ok }
            }
            Cmd::AttachPartition { partition, bound } => AlterAction::AttachPartition {
                name: relation_name(partition),
                bound: bound.as_ref().map(|bound| self.partition_bound(bound)),
            },
            other => return accepted_action(other),
        })
    }

    /// SET GENERATED …, SET sequence option, RESTART
    fn set_identity(self, column: &str, options: &[DefElem]) -> Result<AlterAction> {
        let (kinds, sequence): (Vec<&DefElem>, Vec<&DefElem>) =
            options.iter().partition(|option| option.name == "generated");
        if let [_, second, ..] = kinds.as_slice() {
            return Err(self.syntax_error("conflicting or redundant options", second.location));
        }
        let always = kinds.first().map(|option| option.arg == Some(DefArg::Boolean(true)));
        let sequence: Vec<DefElem> = sequence.into_iter().cloned().collect();
        Ok(AlterAction::AlterIdentity { name: column.to_owned(), always, settings: self.sequence_settings(&sequence)? })
    }

    pub(super) fn alter_sequence(self, alter: &AlterSeqStmt) -> Defined {
        let settings = Box::new(self.sequence_settings(&alter.options)?);
        let name = relation_name(&alter.sequence);
        ddl(Ddl::AlterSequence { name, if_exists: alter.missing_ok, settings }, "ALTER SEQUENCE")
    }

    pub(super) fn alter_enum(self, alter: &AlterEnumStmt) -> Defined {
        let change = match &alter.change {
            AlterEnum::Add { label, neighbor, if_not_exists } => EnumChange::AddValue {
                label: label.clone(),
                if_not_exists: *if_not_exists,
                place: match neighbor {
                    None => EnumPlace::Last,
                    Some((true, neighbor)) => EnumPlace::After(neighbor.clone()),
                    Some((false, neighbor)) => EnumPlace::Before(neighbor.clone()),
                },
            },
            AlterEnum::Rename { old, new } => EnumChange::RenameValue { from: old.clone(), to: new.clone() },
        };
        ddl(Ddl::AlterEnum { name: self.name(&alter.name)?, change }, "ALTER TYPE")
    }

    pub(super) fn alter_domain(self, alter: &AlterDomainStmt) -> Defined {
        let change = match &alter.action {
            AlterDomainAction::Default(default) => DomainChange::SetDefault(default.clone()),
            AlterDomainAction::DropNotNull => DomainChange::SetNotNull(false),
            AlterDomainAction::SetNotNull => DomainChange::SetNotNull(true),
            AlterDomainAction::AddConstraint(constraint) => match &constraint.kind {
                ConstraintKind::Check(check) => {
                    let (name, check) = (constraint.name.clone(), check.clone());
                    DomainChange::AddCheck { name, check, not_valid: constraint.not_valid }
                }
                _ => return Err(Error::unsupported("a constraint of a domain other than CHECK")),
            },
            AlterDomainAction::DropConstraint { name, missing_ok, .. } => {
                DomainChange::DropConstraint { name: name.clone(), if_exists: *missing_ok }
            }
            AlterDomainAction::ValidateConstraint(name) => DomainChange::ValidateConstraint(name.clone()),
        };
        ddl(Ddl::AlterDomain { name: self.name(&alter.name)?, change: Box::new(change) }, "ALTER DOMAIN")
    }

    // ----- what all objects share

    pub(super) fn rename(self, rename: &RenameStmt) -> Defined {
        let to = rename.new_name.clone();
        if let Some(ObjectRef::Function(object)) = &rename.object {
            return change_routine(rename.object_type, object, RoutineChange::Rename(to));
        }
        if let (ObjectType::StatisticExt, Some(object)) = (rename.object_type, &rename.object) {
            return self.alter_statistics(object, StatisticsChange::Rename(to));
        }
        if let Some(object) = &rename.object
            && let Some(changed) = change_named(rename.object_type, object, RoutineChange::Rename(to.clone()))
        {
            return changed;
        }
        match rename.object_type {
            ObjectType::Column | ObjectType::TabConstraint | ObjectType::Attribute => self.rename_in_table(rename),
            ObjectType::Trigger => self.rename_trigger(rename),
            ObjectType::Policy => self.rename_policy(rename),
            ObjectType::DomConstraint => Err(Error::unsupported("ALTER DOMAIN … RENAME CONSTRAINT")),
            other => {
                let Some((kind, tag)) = renamed_kind(other) else {
                    return Err(Error::unsupported(format!("ALTER {}", kind_words(other))));
                };
                let name = match (&rename.relation, &rename.object) {
                    (Some(relation), _) => relation_name(relation),
                    (None, Some(object)) => self.object_name(object)?,
                    (None, None) => return Err(Error::internal("a renaming without an object")),
                };
                ddl(Ddl::Rename { kind, name, if_exists: rename.missing_ok, to }, tag)
            }
        }
    }

    fn rename_in_table(self, rename: &RenameStmt) -> Defined {
        let (Some(relation), Some(name)) = (&rename.relation, &rename.subname) else {
            return Err(Error::internal("a renaming without a table"));
        };
        let (kind, tag) = match rename.relation_type {
            None | Some(ObjectType::Table) => (ObjectKind::Table, "ALTER TABLE"),
            Some(ObjectType::Type) => (ObjectKind::Type, "ALTER TYPE"),
            Some(ObjectType::View) => (ObjectKind::View, "ALTER VIEW"),
            Some(ObjectType::MatView) => (ObjectKind::MaterializedView, "ALTER MATERIALIZED VIEW"),
            Some(other) => return Err(Error::unsupported(format!("ALTER {}", kind_words(other)))),
        };
        let (name, to) = (name.clone(), rename.new_name.clone());
        let action = match rename.object_type {
            ObjectType::Column | ObjectType::Attribute => AlterAction::RenameColumn { name, to },
            _ => AlterAction::RenameConstraint { name, to },
        };
        let table = relation_name(relation);
        let actions = vec![action];
        let only = !relation.inherit;
        ddl(Ddl::AlterTable { name: table, kind, if_exists: rename.missing_ok, only, actions }, tag)
    }

    pub(super) fn set_schema(self, alter: &AlterObjectSchemaStmt) -> Defined {
        if let Some(ObjectRef::Function(object)) = &alter.object {
            return change_routine(alter.object_type, object, RoutineChange::SetSchema(alter.new_schema.clone()));
        }
        if let (ObjectType::Extension, Some(ObjectRef::Name(name))) = (alter.object_type, &alter.object) {
            let name = name.last().cloned().unwrap_or_default();
            return ddl(Ddl::ChangeExtension { name, what: "SET SCHEMA" }, "ALTER EXTENSION");
        }
        let schema = alter.new_schema.clone();
        if let Some(object) = &alter.object
            && let Some(changed) = change_named(alter.object_type, object, RoutineChange::SetSchema(schema.clone()))
        {
            return changed;
        }
        if let (ObjectType::StatisticExt, Some(object)) = (alter.object_type, &alter.object) {
            return self.alter_statistics(object, StatisticsChange::SetSchema(alter.new_schema.clone()));
        }
        let Some((kind, tag)) = renamed_kind(alter.object_type) else {
            return Err(Error::unsupported(format!("ALTER {}", kind_words(alter.object_type))));
        };
        let name = match (&alter.relation, &alter.object) {
            (Some(relation), _) => relation_name(relation),
            (None, Some(object)) => self.object_name(object)?,
            (None, None) => return Err(Error::internal("SET SCHEMA without an object")),
        };
        ddl(Ddl::SetSchema { kind, name, if_exists: alter.missing_ok, schema }, tag)
    }

    pub(super) fn alter_owner(self, alter: &AlterOwnerStmt) -> Defined {
        if let ObjectRef::Function(object) = &alter.object {
            return change_routine(alter.object_type, object, RoutineChange::Owner(alter.new_owner.clone()));
        }
        if let ObjectRef::LargeObject(number) = &alter.object {
            let (number, owner) = (number.clone(), alter.new_owner.clone());
            return ddl(Ddl::ChangeLargeObjectOwner { number, owner }, "ALTER LARGE OBJECT");
        }
        let change = RoutineChange::Owner(alter.new_owner.clone());
        if let Some(changed) = change_named(alter.object_type, &alter.object, change) {
            return changed;
        }
        if alter.object_type == ObjectType::StatisticExt {
            return self.alter_statistics(&alter.object, StatisticsChange::Owner(alter.new_owner.clone()));
        }
        let Some((kind, tag)) = renamed_kind(alter.object_type) else {
            return Err(Error::unsupported(format!("ALTER {}", kind_words(alter.object_type))));
        };
        let (name, owner) = (self.object_name(&alter.object)?, alter.new_owner.clone());
        ddl(Ddl::ChangeOwner { kind, name, if_exists: false, owner }, tag)
    }

    fn alter_statistics(self, object: &ObjectRef, change: StatisticsChange) -> Defined {
        ddl(Ddl::AlterStatistics(change, self.object_name(object)?), "ALTER STATISTICS")
    }

    /// The name of an object that has no more than one.
    pub(super) fn object_name(self, object: &ObjectRef) -> Result<Name> {
        match object {
            ObjectRef::Name(name) => self.name(name),
            ObjectRef::Type(type_name) if type_name.array_bounds.is_empty() => match type_name.names.as_slice() {
                // The grammar's own types are pg_catalog's.
                names if type_name.typmods.is_empty() => self.name(names),
                _ => Err(Error::new(SqlState::SYNTAX_ERROR, "type modifiers are not allowed here")),
            },
            _ => Err(Error::internal("an object without a name")),
        }
    }
}

/// Actions about storage, owners and triggers, and those that cannot be.
fn accepted_action(cmd: &AlterTableCmd) -> Result<AlterAction> {
    use AlterTableCmd as Cmd;
    if let Some(change) = storage_change(cmd)? {
        return Ok(AlterAction::Storage(change));
    }
    match cmd {
        Cmd::ChangeOwner(_) => return Err(Error::unsupported("OWNER TO beside other actions of ALTER TABLE")),
        Cmd::DropOids => {}
        Cmd::SetAccessMethod(name) => check_access_method(Some(name))?,
        Cmd::SetTableSpace(name) => check_tablespace(Some(name))?,
        Cmd::SetLogged => return Ok(AlterAction::SetLogged(true)),
        Cmd::SetUnlogged => return Ok(AlterAction::SetLogged(false)),
        Cmd::Trigger { target, firing } => {
            return Ok(AlterAction::SetTriggers { which: target.clone(), firing: *firing });
        }
        Cmd::Rule { .. } => return Err(Error::unsupported("ALTER TABLE ENABLE RULE")),
        Cmd::AddInherit(parent) => return Ok(AlterAction::Inherit(relation_name(parent))),
        Cmd::DropInherit(parent) => return Ok(AlterAction::NoInherit(relation_name(parent))),
        Cmd::AddOf(_) | Cmd::DropOf => return Err(Error::unsupported("ALTER TABLE OF")),
        Cmd::DetachPartition { partition, concurrent } => {
            let (name, concurrently) = (relation_name(partition), *concurrent);
            return Ok(AlterAction::DetachPartition { name, concurrently, finalize: false });
        }
        Cmd::DetachPartitionFinalize(partition) => {
            let name = relation_name(partition);
            return Ok(AlterAction::DetachPartition { name, concurrently: false, finalize: true });
        }
        Cmd::EnableRowSecurity => return Ok(AlterAction::RowSecurity(RowSecurityChange::Enable)),
        Cmd::DisableRowSecurity => return Ok(AlterAction::RowSecurity(RowSecurityChange::Disable)),
        Cmd::ForceRowSecurity => return Ok(AlterAction::RowSecurity(RowSecurityChange::Force)),
        Cmd::NoForceRowSecurity => return Ok(AlterAction::RowSecurity(RowSecurityChange::NoForce)),
        Cmd::GenericOptions(_) | Cmd::AlterColumnGenericOptions { .. } => {
            return Err(Error::unsupported("ALTER TABLE OPTIONS"));
        }
        _ => return Err(Error::unsupported("this form of ALTER TABLE")),
    }
    Ok(AlterAction::Accept)
}

fn storage_change(cmd: &AlterTableCmd) -> Result<Option<StorageChange>> {
    use AlterTableCmd as Cmd;
    Ok(Some(match cmd {
        Cmd::SetStatistics { column: ColumnSelector::Name(column), target } => {
            StorageChange::Statistics(column.clone(), *target)
        }
        Cmd::SetStatistics { column: ColumnSelector::Number(number), target } => {
            StorageChange::NumberedStatistics(i16::try_from(*number).unwrap_or(i16::MAX), *target)
        }
        Cmd::SetOptions { column, options } => StorageChange::SetColumn(column.clone(), parameters(options)?),
        Cmd::ResetOptions { column, options } => StorageChange::ResetColumn(column.clone(), parameters(options)?),
        Cmd::SetStorage { column, storage } => StorageChange::Storage(column.clone(), storage.clone()),
        Cmd::SetCompression { column, compression } => StorageChange::Compression(column.clone(), compression.clone()),
        Cmd::ClusterOn(index) => StorageChange::ClusterOn(index.clone()),
        Cmd::DropCluster => StorageChange::WithoutCluster,
        Cmd::SetRelOptions(options) => StorageChange::Set(parameters(options)?),
        Cmd::ResetRelOptions(options) => StorageChange::Reset(parameters(options)?),
        Cmd::ReplicaIdentity(identity) => StorageChange::ReplicaIdentity(identity.clone()),
        _ => return Ok(None),
    }))
}

/// The kinds of objects there are, and the tag of altering one.
/// A change of what is known by its name alone.
fn change_named(kind: ObjectType, object: &ObjectRef, change: RoutineChange) -> Option<Defined> {
    let (kind, tag) = match kind {
        ObjectType::Collation => (NamedKind::Collation, "ALTER COLLATION"),
        _ => return None,
    };
    let ObjectRef::Name(name) = object else { return None };
    Some(ddl(Ddl::ChangeNamed { kind, name: name.clone(), change: Some(change) }, tag))
}

fn renamed_kind(kind: ObjectType) -> Option<(ObjectKind, &'static str)> {
    Some(match kind {
        ObjectType::Table => (ObjectKind::Table, "ALTER TABLE"),
        ObjectType::View => (ObjectKind::View, "ALTER VIEW"),
        ObjectType::MatView => (ObjectKind::MaterializedView, "ALTER MATERIALIZED VIEW"),
        ObjectType::Index => (ObjectKind::Index, "ALTER INDEX"),
        ObjectType::Sequence => (ObjectKind::Sequence, "ALTER SEQUENCE"),
        ObjectType::Schema => (ObjectKind::Schema, "ALTER SCHEMA"),
        ObjectType::Type => (ObjectKind::Type, "ALTER TYPE"),
        ObjectType::Domain => (ObjectKind::Domain, "ALTER DOMAIN"),
        _ => return None,
    })
}

/// What the command for a kind of object is called: that of the table or type for a part of one.
pub(crate) fn kind_words(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::Attribute => "TYPE",
        ObjectType::Column | ObjectType::TabConstraint => "TABLE",
        ObjectType::DomConstraint => "DOMAIN",
        other => print::object_words(other),
    }
}
