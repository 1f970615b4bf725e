//! Whether the current role may carry out a change of the schema: 42501 before anything of it is done.
//!
//! Must not know: how changes are carried out. What is not there is not looked at: the statement itself says so. GRANT,
//! OWNER TO and their kin ask where they have found their objects. Specification: ddl-priv.html; aclcheck_error's words,
//! the checks of tablecmds.c, namespace.c and schemacmds.c.

use super::Change;
use super::owner::noun_of;
use crate::catalog::acl::{AclKind, Holder, Privileges};
use crate::catalog::privileges::{PG_CLASS, PG_NAMESPACE, PG_TYPE};
use crate::catalog::schema::{Relation, RelationKind};
use crate::engine::identity::denied;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{
    AlterAction, CommentTarget, ConstraintDefinition, ConstraintDefinitionKind, CreateTable, DataType, Ddl, Name,
    ObjectKind, ReindexTarget, SequenceSettings,
};

impl Change<'_> {
    /// Superusers may do everything.
    pub(super) fn authorize(&self, ddl: &Ddl) -> Result<()> {
        let holder = &*self.holder();
        if holder.superuser {
            return Ok(());
        }
        match ddl {
            Ddl::CreateTable(create) => self.authorize_create_table(holder, create),
            Ddl::CreateTableAs(create) => self.may_create_in(holder, &create.name, create.temporary),
            Ddl::CreateIndex(create) => match self.usable(holder, &create.table)? {
                Some(table) => {
                    self.require_owner(holder, &table)?;
                    self.require_create(holder, &table.schema)
                }
                None => Ok(()),
            },
            Ddl::CreateView(create) => {
                self.may_create_in(holder, &create.name, create.temporary)?;
                match self.find(&create.name).filter(|_| create.or_replace) {
                    Some(view) => self.require_owner(holder, &view),
                    None => Ok(()),
                }
            }
            Ddl::CreateSequence { name, temporary, settings, .. } => {
                self.may_create_in(holder, name, *temporary)?;
                self.authorize_owned_by(holder, settings, holder.role)
            }
            Ddl::CreateSchema { owner, .. } => {
                self.require_on_database(holder, Privileges::CREATE)?;
                owner.as_ref().map_or(Ok(()), |owner| self.require_member(self.role(owner)?))
            }
            Ddl::CreateEnum { name, .. } | Ddl::CreateComposite { name, .. } => self.may_create_in(holder, name, false),
            Ddl::CreateRange(create) => self.may_create_in(holder, &super::routine::routine_name(&create.name)?, false),
            Ddl::CreateDomain(create) => {
                self.may_create_in(holder, &create.name, false)?;
                self.may_use_type(holder, &create.base)
            }
            Ddl::AlterTable { name, actions, .. } => self.authorize_alter_table(holder, name, actions),
            Ddl::AlterSequence { name, settings, .. } => match self.usable(holder, name)? {
                Some(sequence) => {
                    self.require_owner(holder, &sequence)?;
                    let owner = self.catalog.owner_of(PG_CLASS, sequence.oid);
                    self.authorize_owned_by(holder, settings, owner)
                }
                None => Ok(()),
            },
            Ddl::AlterEnum { name, .. } | Ddl::AlterDomain { name, .. } => self.require_type_owner(holder, name),
            Ddl::Rename { kind, name, .. } => self.authorize_rename(holder, *kind, name),
            Ddl::SetSchema { kind, name, schema, .. } => {
                self.authorize_object(holder, *kind, name)?;
                self.require_create(holder, schema)
            }
            Ddl::Drop { kind, names, .. } => names.iter().try_for_each(|name| self.authorize_drop(holder, *kind, name)),
            Ddl::Comment { target, .. } => self.authorize_comment(holder, target),
            Ddl::Truncate { tables, restart_identity, cascade } => {
                self.authorize_truncate(holder, tables, (*restart_identity, *cascade))
            }
            Ddl::Reindex { target, .. } => match target {
                ReindexTarget::Index(name) | ReindexTarget::Table(name) => {
                    let name = Name { schema: name.schema.clone(), name: name.relation.clone() };
                    self.authorize_object(holder, ObjectKind::Table, &name)
                }
                ReindexTarget::Schema(name) => self.require_schema_owner(holder, name),
                ReindexTarget::System(name) | ReindexTarget::Database(name) => {
                    match holder.has_privileges_of(self.roles().facts.database(self.context.database).owner) {
                        true => Ok(()),
                        false => Err(denied(format!("must be owner of database {name}"))),
                    }
                }
            },
            Ddl::ClusterAll => Ok(()),
            Ddl::Cluster { table: name, .. } | Ddl::RefreshMaterializedView { name, .. } => {
                match self.usable(holder, name)? {
                    Some(relation) => self.require_owner(holder, &relation),
                    None => Ok(()),
                }
            }
            // All of them are trusted. They are the bootstrap superuser's, whoever created them.
            Ddl::CreateExtension { name, .. } => self.require_on_database(holder, Privileges::CREATE).map_err(|_| {
                denied(format!("permission denied to create extension \"{name}\""))
                    .with_hint("Must have CREATE privilege on current database to create this extension.")
            }),
            Ddl::DropExtension { names, .. } => match names.iter().find(|name| self.catalog.has_extension(name)) {
                Some(name) => Err(denied(format!("must be owner of extension {name}"))),
                None => Ok(()),
            },
            Ddl::CreateRoutine(create) => {
                self.may_create_in(holder, &super::routine::routine_name(&create.name)?, false)
            }
            Ddl::CreateAggregate(define) | Ddl::CreateOperator(define) | Ddl::CreateNamed(define) => {
                self.may_create_in(holder, &super::routine::routine_name(&define.name)?, false)
            }
            Ddl::RenameTrigger { table, .. } => self.authorize_object(holder, ObjectKind::Table, table),
            Ddl::DropTrigger { table, .. } => match self.usable(holder, table)? {
                Some(table) if !self.catalog.owns(holder, PG_CLASS, table.oid) => {
                    Err(denied(format!("must be owner of relation {}", table.name)))
                }
                _ => Ok(()),
            },
            // These ask themselves, once they have found their relation.
            Ddl::Policy(table, _) => self.usable(holder, table).map(|_| ()),
            Ddl::CreateStatistics(_, name) => self.may_create_in(holder, name, false),
            Ddl::CreateTrigger(_)
            | Ddl::AlterStatistics(..)
            | Ddl::DropStatistics { .. }
            | Ddl::Grant(_)
            | Ddl::AlterRoutine(_)
            | Ddl::AlterOperator { .. }
            | Ddl::AlterExtension { .. }
            | Ddl::ChangeExtension { .. }
            | Ddl::ChangeOperator { .. }
            | Ddl::ChangeNamed { .. }
            | Ddl::DropNamed { .. }
            | Ddl::DropOperators { .. }
            | Ddl::CreateCast(_)
            | Ddl::DropCast { .. }
            | Ddl::ChangeRoutine { .. }
            | Ddl::DropRoutines { .. }
            | Ddl::AlterDefaultPrivileges(_)
            | Ddl::ChangeOwner { .. }
            | Ddl::ChangeLargeObjectOwner { .. }
            | Ddl::ReassignOwned { .. }
            | Ddl::DropOwned { .. }
            | Ddl::EndOfTransaction => Ok(()),
        }
    }

    fn authorize_create_table(&self, holder: &Holder, create: &CreateTable) -> Result<()> {
        self.may_create_in(holder, &create.name, create.temporary)?;
        for like in &create.like {
            if let Some(source) = self.usable(holder, &like.source)?
                && !self.catalog.may(holder, source.oid, Privileges::SELECT)
            {
                return Err(refused(&source));
            }
        }
        for column in &create.columns {
            self.may_use_type(holder, &column.data_type)?;
            column.constraints.iter().try_for_each(|c| self.may_reference(holder, c))?;
        }
        create.constraints.iter().try_for_each(|c| self.may_reference(holder, c))?;
        // Foreign keys are added to the table by its name.
        let is_key = |c: &ConstraintDefinition| matches!(c.kind, ConstraintDefinitionKind::ForeignKey { .. });
        let mut constraints = create.columns.iter().flat_map(|c| &c.constraints).chain(&create.constraints);
        if constraints.any(is_key) {
            self.usable(holder, &create.name)?;
        }
        Ok(())
    }

    fn authorize_alter_table(&self, holder: &Holder, name: &Name, actions: &[AlterAction]) -> Result<()> {
        let Some(relation) = self.usable(holder, name)? else { return Ok(()) };
        self.require_owner(holder, &relation)?;
        for action in actions {
            match action {
                AlterAction::AddColumn { definition, .. } => {
                    self.may_use_type(holder, &definition.data_type)?;
                    definition.constraints.iter().try_for_each(|c| self.may_reference(holder, c))?;
                }
                AlterAction::AlterType { data_type, .. } => self.may_use_type(holder, data_type)?,
                AlterAction::AddConstraint(constraint) => self.may_reference(holder, constraint)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// OWNED BY joins what has one owner.
    fn authorize_owned_by(
        &self,
        holder: &Holder,
        settings: &SequenceSettings,
        owner: crate::types::pg_type::Oid,
    ) -> Result<()> {
        let Some(Some((table, _))) = &settings.owned_by else { return Ok(()) };
        let Some(table) = self.usable(holder, table)? else { return Ok(()) };
        if self.catalog.owner_of(PG_CLASS, table.oid) == owner {
            return Ok(());
        }
        let message = "sequence must have same owner as table it is linked to";
        Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message))
    }

    fn authorize_rename(&self, holder: &Holder, kind: ObjectKind, name: &Name) -> Result<()> {
        self.authorize_object(holder, kind, name)?;
        match kind {
            ObjectKind::Schema => self.require_on_database(holder, Privileges::CREATE),
            ObjectKind::Type | ObjectKind::Domain => Ok(()),
            _ => self.find(name).map_or(Ok(()), |relation| self.require_create(holder, &relation.schema)),
        }
    }

    /// That it is the role's.
    fn authorize_object(&self, holder: &Holder, kind: ObjectKind, name: &Name) -> Result<()> {
        match kind {
            ObjectKind::Schema => self.require_schema_owner(holder, &name.name),
            ObjectKind::Type | ObjectKind::Domain => self.require_type_owner(holder, name),
            _ => self.usable(holder, name)?.map_or(Ok(()), |relation| self.require_owner(holder, &relation)),
        }
    }

    /// Whose the schema is may drop what is in it.
    fn authorize_drop(&self, holder: &Holder, kind: ObjectKind, name: &Name) -> Result<()> {
        // Only this session has it, and DISCARD TEMP drops it as whoever it is then.
        if name.schema.as_deref() == Some("pg_temp") {
            return Ok(());
        }
        let schema = match kind {
            ObjectKind::Schema => return self.require_schema_owner(holder, &name.name),
            ObjectKind::Type | ObjectKind::Domain => self.find_type(name).map(|found| found.schema),
            _ => match self.usable(holder, name)? {
                // That it is something else is said first.
                Some(relation) if noun_of(&relation) != kind.noun() => return Ok(()),
                relation => relation.map(|relation| relation.schema.clone()),
            },
        };
        let schema = self.catalog.schemas.iter().find(|known| Some(&known.name) == schema.as_ref());
        match schema.is_some_and(|schema| self.catalog.owns(holder, PG_NAMESPACE, schema.oid)) {
            true => Ok(()),
            false => self.authorize_object(holder, kind, name),
        }
    }

    fn authorize_comment(&self, holder: &Holder, target: &CommentTarget) -> Result<()> {
        match target {
            CommentTarget::Object { kind, name } => self.authorize_object(holder, *kind, name),
            CommentTarget::Column { table, .. }
            | CommentTarget::Constraint { table, .. }
            | CommentTarget::Trigger { table, .. }
            | CommentTarget::Policy { table, .. } => match self.usable(holder, table)? {
                Some(table) if !self.catalog.owns(holder, PG_CLASS, table.oid) => {
                    Err(denied(format!("must be owner of relation {}", table.name)))
                }
                _ => Ok(()),
            },
            CommentTarget::DomainConstraint { domain, .. } => self.require_type_owner(holder, domain),
            CommentTarget::Routine(..)
            | CommentTarget::Operator(_)
            | CommentTarget::Cast(..)
            | CommentTarget::Named(..) => Ok(()),
        }
    }

    /// TRUNCATE on each of the tables, with CASCADE also on those that refer to them.
    fn authorize_truncate(
        &self,
        holder: &Holder,
        names: &[(Name, bool)],
        (restart_identity, cascade): (bool, bool),
    ) -> Result<()> {
        let mut tables = Vec::new();
        for (name, _) in names {
            tables.extend(self.usable(holder, name)?);
        }
        let mut next = 0;
        while let Some(table) = tables.get(next).cloned() {
            next += 1;
            if !self.catalog.may(holder, table.oid, Privileges::TRUNCATE) {
                return Err(refused(&table));
            }
            let refers =
                |r: &Relation| r.constraints.iter().filter_map(|c| c.foreign_key()).any(|k| k.relation == table.oid);
            for child in self.catalog.relations.values().filter(|r| cascade && refers(r)) {
                if !tables.iter().any(|known| known.oid == child.oid) {
                    tables.push(std::sync::Arc::clone(child));
                }
            }
        }
        let owner = |r: &Relation| r.sequence.and_then(|sequence| sequence.owned_by).map(|(table, _)| table);
        let owned = |r: &&std::sync::Arc<Relation>| tables.iter().any(|table| owner(r) == Some(table.oid));
        let sequences = self.catalog.relations.values().filter(|r| restart_identity && owned(r));
        sequences.into_iter().try_for_each(|sequence| self.require_owner(holder, sequence))
    }

    // ----- one right

    /// The relation of that name, in a schema that the role may use: 42501.
    pub(super) fn usable(&self, holder: &Holder, name: &Name) -> Result<Option<std::sync::Arc<Relation>>> {
        if let Some(schema) = &name.schema
            && !self.catalog.may_schema(holder, schema, Privileges::USAGE)
        {
            return Err(denied(format!("permission denied for schema {schema}")));
        }
        Ok(self.find(name))
    }

    fn may_create_in(&self, holder: &Holder, name: &Name, temporary: bool) -> Result<()> {
        if temporary || name.schema.as_deref() == Some("pg_temp") {
            return self.require_on_database(holder, Privileges::TEMPORARY);
        }
        let schema = self.creation_schema(name, false)?;
        self.require_create(holder, &schema)
    }

    fn require_create(&self, holder: &Holder, schema: &str) -> Result<()> {
        match self.catalog.may_schema(holder, schema, Privileges::CREATE) {
            true => Ok(()),
            false => Err(denied(format!("permission denied for schema {schema}"))),
        }
    }

    pub(super) fn require_on_database(&self, holder: &Holder, wanted: Privileges) -> Result<()> {
        let (roles, name) = (self.roles(), self.context.database);
        let facts = roles.facts.database(name);
        if holder.superuser || facts.privileges().mask(holder, facts.owner, wanted) == wanted {
            return Ok(());
        }
        Err(denied(match wanted {
            Privileges::TEMPORARY => format!("permission denied to create temporary tables in database \"{name}\""),
            _ => format!("permission denied for database {name}"),
        }))
    }

    fn require_owner(&self, holder: &Holder, relation: &Relation) -> Result<()> {
        if relation.kind == RelationKind::System || self.catalog.owns(holder, PG_CLASS, relation.oid) {
            return Ok(());
        }
        Err(denied(format!("must be owner of {} {}", noun_of(relation), relation.name)))
    }

    fn require_schema_owner(&self, holder: &Holder, name: &str) -> Result<()> {
        let schema = self.catalog.schemas.iter().find(|schema| schema.name == name);
        match schema.is_none_or(|schema| self.catalog.owns(holder, PG_NAMESPACE, schema.oid)) {
            true => Ok(()),
            false => Err(denied(format!("must be owner of schema {name}"))),
        }
    }

    fn require_type_owner(&self, holder: &Holder, name: &Name) -> Result<()> {
        let Some(found) = self.find_type(name) else {
            return match self.find_composite(name) {
                Some(relation) if !self.catalog.owns(holder, PG_CLASS, relation.oid) => {
                    Err(denied(format!("must be owner of type {}", relation.name)))
                }
                _ => Ok(()),
            };
        };
        match self.catalog.owns(holder, PG_TYPE, found.oid) {
            true => Ok(()),
            false => Err(denied(format!("must be owner of type {}", found.name))),
        }
    }

    /// USAGE on a type of users, which everybody has until it is revoked.
    fn may_use_type(&self, holder: &Holder, data_type: &DataType) -> Result<()> {
        let name = match data_type.names.as_slice() {
            [name] => Name::plain(name),
            [schema, name] => Name { schema: Some(schema.clone()), name: name.clone() },
            _ => return Ok(()),
        };
        let Some(found) = self.find_type(&name) else { return Ok(()) };
        let wanted = Privileges::USAGE;
        match self.catalog.mask(holder, (PG_TYPE, found.oid, 0), AclKind::Type, wanted) == wanted {
            true => Ok(()),
            false => Err(denied(format!("permission denied for type {}", found.name))),
        }
    }

    /// REFERENCES on the columns of the other table, or on all of it.
    fn may_reference(&self, holder: &Holder, constraint: &ConstraintDefinition) -> Result<()> {
        let ConstraintDefinitionKind::ForeignKey { table, referenced, .. } = &constraint.kind else { return Ok(()) };
        let Some(table) = self.usable(holder, table)? else { return Ok(()) };
        let columns: Vec<i16> = match referenced.as_slice() {
            [] => table.primary_key().map(|key| key.columns.clone()).unwrap_or_default(),
            names => names.iter().filter_map(|name| table.column(name)).map(|column| column.number).collect(),
        };
        let wanted = Privileges::REFERENCES;
        let all = columns.iter().all(|column| self.catalog.may_column(holder, table.oid, *column, wanted));
        match all && !columns.is_empty() || self.catalog.may(holder, table.oid, wanted) {
            true => Ok(()),
            false => Err(refused(&table)),
        }
    }
}

fn refused(relation: &Relation) -> Error {
    denied(format!("permission denied for {} {}", noun_of(relation), relation.name))
}
