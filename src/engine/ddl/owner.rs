//! Whose objects are: what a statement makes is its role's, ALTER … OWNER TO, REASSIGN OWNED, DROP OWNED.
//!
//! Specification: sql-alterdatabase.html and its kin, sql-reassign-owned.html, sql-drop-owned.html; ATExecChangeOwner of
//! tablecmds.c, AlterObjectOwner_internal of alter.c, shdepDropOwned of pg_shdepend.c.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Change;
use super::drop::Object;
use crate::catalog::acl::{Acl, AclKind, Holder, Privileges};
use crate::catalog::cluster::{ClusterChange, DatabaseFacts};
use crate::catalog::named::NamedKind;
use crate::catalog::objects::PG_OPERATOR;
use crate::catalog::privileges::{ObjectAddress, PG_CLASS, PG_NAMESPACE, PG_TYPE};
use crate::catalog::roles::Roles;
use crate::catalog::routines::{PG_PROC, Routine};
use crate::catalog::schema::{CatalogSnapshot, Relation, RelationKind, UserTypeKind};
use crate::catalog::statistics::PG_STATISTIC_EXT;
use crate::engine::identity::denied;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{Ddl, Name, ObjectKind};
use crate::sql::syntax::ast::statement::{RoleSpec, RoleSpecType};
use crate::types::pg_type::Oid;

/// What messages call a relation's kind.
pub(super) fn noun_of(relation: &Relation) -> &'static str {
    match relation.kind {
        RelationKind::View => "view",
        RelationKind::Index => "index",
        RelationKind::Sequence => "sequence",
        RelationKind::Composite => "composite type",
        RelationKind::Table | RelationKind::System => "table",
    }
}

/// The objects of a catalog that can have owners: address, the schema they are in, the kind of their privileges.
fn objects(catalog: &CatalogSnapshot) -> Vec<(ObjectAddress, Oid, AclKind)> {
    let schema_oid = |name: &str| catalog.schemas.iter().find(|s| s.name == name).map_or(Oid::INVALID, |s| s.oid);
    let relations = catalog.relations.values().filter_map(|r| {
        let kind = match r.kind {
            RelationKind::System | RelationKind::Index => return None,
            RelationKind::Sequence => AclKind::Sequence,
            RelationKind::Table | RelationKind::View | RelationKind::Composite => AclKind::Relation,
        };
        Some(((PG_CLASS, r.oid, 0), schema_oid(&r.schema), kind))
    });
    let types = catalog.types.values().map(|t| ((PG_TYPE, t.oid, 0), schema_oid(&t.schema), AclKind::Type));
    // A connection's own schema is nobody's.
    let schemas = catalog.schemas.iter().filter(|schema| !schema.is_temporary());
    let schemas = schemas.map(|s| ((PG_NAMESPACE, s.oid, 0), Oid::INVALID, AclKind::Schema));
    let routines = catalog.routines.values();
    let routines = routines.map(|r| ((PG_PROC, r.oid, 0), schema_oid(&r.schema), AclKind::Function));
    // They have no privileges.
    let operators = catalog.operators.values();
    let operators = operators.map(|o| ((PG_OPERATOR, o.oid, 0), schema_oid(&o.schema), AclKind::Function));
    let named = catalog.named.values();
    let named = named.map(|own| ((own.kind.class(), own.oid, 0), schema_oid(&own.schema), AclKind::Function));
    relations.chain(types).chain(schemas).chain(routines).chain(operators).chain(named).collect()
}

impl Change<'_> {
    /// The current role; the engine's own statements are the superuser's.
    pub(super) fn holder(&self) -> Arc<Holder> {
        let superuser = || {
            let role = Oid::BOOTSTRAP_SUPERUSER;
            Arc::new(Holder { role, superuser: true, roles: BTreeSet::from([role]) })
        };
        self.slot.with_session(|session| Ok(session.holder())).unwrap_or_else(|_| superuser())
    }

    pub(super) fn roles(&self) -> Roles {
        self.slot.with_session(|session| Ok(session.roles())).unwrap_or_default()
    }

    /// The role's OID; 42704.
    pub(super) fn role(&self, spec: &RoleSpec) -> Result<Oid> {
        let identity = self.context.settings.identity();
        let name = match &spec.role {
            RoleSpecType::CurrentRole | RoleSpecType::CurrentUser => return Ok(identity.current),
            RoleSpecType::SessionUser => return Ok(identity.session),
            RoleSpecType::Public => "public",
            RoleSpecType::Name(name) => name,
        };
        let missing = || Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist"));
        self.roles().named(name).ok_or_else(missing)
    }

    /// check_is_member_of_role()
    pub(super) fn require_member(&self, role: Oid) -> Result<()> {
        let (holder, roles) = (self.holder(), self.roles());
        let owner = roles.facts.database(self.context.database).owner;
        match roles.is_member(holder.role, role, owner) {
            true => Ok(()),
            false => Err(denied(format!("must be member of role \"{}\"", roles.name(role)))),
        }
    }

    // ----- after a statement

    /// Gives what the statement has made its owner and its first list, and forgets what was said of what is gone.
    pub(super) fn settle_ownership(&mut self, ddl: &Ddl) -> Result<()> {
        let before = Arc::clone(self.context.catalog);
        let gone: Vec<ObjectAddress> =
            self.catalog.privileges.keys().filter(|address| !exists(&self.catalog, **address)).copied().collect();
        gone.into_iter().try_for_each(|address| self.forget_privileges(address))?;
        let default_acls = &self.catalog.default_acls;
        let known = |schema: Oid| schema == Oid::INVALID || self.catalog.schemas.iter().any(|s| s.oid == schema);
        if default_acls.iter().any(|default| !known(default.schema)) {
            let kept = default_acls.iter().filter(|default| known(default.schema)).cloned().collect();
            self.put_default_acls(kept)?;
        }
        let role = match ddl {
            Ddl::CreateSchema { owner: Some(owner), .. } => self.role(owner)?,
            _ => self.holder().role,
        };
        for (address, schema, kind) in objects(&self.catalog) {
            if address.0 != PG_OPERATOR && !self.catalog.named.contains_key(&address.1) && !exists(&before, address) {
                self.settle(address, schema, kind, role)?;
            }
        }
        Ok(())
    }

    fn settle(&mut self, address: ObjectAddress, schema: Oid, kind: AclKind, role: Oid) -> Result<()> {
        let relation = self.catalog.relations.get(&address.1).filter(|_| address.0 == PG_CLASS);
        let table = relation.and_then(|r| r.sequence).and_then(|sequence| sequence.owned_by);
        // A serial column's sequence is its table's owner's.
        let owner = table.map_or(role, |(table, _)| match self.catalog.privileges.get(&(PG_CLASS, table, 0)) {
            Some(known) => known.owner,
            None if exists(self.context.catalog, (PG_CLASS, table, 0)) => Oid::BOOTSTRAP_SUPERUSER,
            None => role,
        });
        let acl = self.catalog.initial_acl(owner, schema, kind);
        // The owner that a schema of this name has by itself is another.
        let is_public = address.0 == PG_NAMESPACE && self.catalog.owner_of(PG_NAMESPACE, address.1) != owner;
        if owner == Oid::BOOTSTRAP_SUPERUSER && acl.is_none() && !is_public {
            return Ok(());
        }
        self.put_privileges(address, owner, acl)
    }

    // ----- ALTER … OWNER TO

    pub(super) fn change_owner(
        &mut self,
        kind: ObjectKind,
        name: &Name,
        if_exists: bool,
        owner: &RoleSpec,
    ) -> Result<()> {
        let owner = self.role(owner)?;
        match kind {
            ObjectKind::Schema => {
                let schema = self.existing_schema(&name.name)?.clone();
                self.check_new_owner((PG_NAMESPACE, schema.oid, 0), owner, ("schema", &schema.name), None)?;
                self.set_owner((PG_NAMESPACE, schema.oid, 0), owner)
            }
            ObjectKind::Type | ObjectKind::Domain => {
                if let Some(relation) = self.find_composite(name).filter(|_| self.find_type(name).is_none()) {
                    let address = (PG_CLASS, relation.oid, 0);
                    self.check_new_owner(address, owner, ("type", &relation.name), Some(&relation.schema))?;
                    return self.set_owner(address, owner);
                }
                let found = self.user_type(name)?;
                if kind == ObjectKind::Domain && !matches!(found.kind, UserTypeKind::Domain { .. }) {
                    let message = format!("{name} is not a domain");
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
                }
                let address = (PG_TYPE, found.oid, 0);
                self.check_new_owner(address, owner, ("type", &found.name), Some(&found.schema))?;
                self.set_owner(address, owner)
            }
            _ => {
                let Some(relation) = self.find(name) else {
                    if if_exists {
                        self.notice(
                            SqlState::SUCCESSFUL_COMPLETION,
                            format!("relation \"{name}\" does not exist, skipping"),
                        );
                        return Ok(());
                    }
                    return self.relation(name).map(drop);
                };
                self.change_relation_owner(kind, &relation, owner)
            }
        }
    }

    fn change_relation_owner(&mut self, kind: ObjectKind, relation: &Arc<Relation>, owner: Oid) -> Result<()> {
        let name = relation.name.as_str();
        let fits = match kind {
            ObjectKind::View => relation.kind == RelationKind::View,
            ObjectKind::Sequence => relation.kind == RelationKind::Sequence,
            _ => true,
        };
        if !fits {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a {}", kind.noun())));
        }
        if relation.kind == RelationKind::Index {
            let warning = format!("cannot change owner of index \"{name}\"");
            self.warn(SqlState::WRONG_OBJECT_TYPE, warning);
            return Ok(());
        }
        if relation.kind == RelationKind::System {
            return Err(super::system_relation(name));
        }
        let holder = self.holder();
        if !self.catalog.owns(&holder, PG_CLASS, relation.oid) {
            return Err(denied(format!("must be owner of {} {name}", noun_of(relation))));
        }
        if let Some((table, _)) = relation.sequence.and_then(|sequence| sequence.owned_by)
            && self.catalog.owner_of(PG_CLASS, relation.oid) != owner
        {
            let table = self.catalog.relations.get(&table).map_or("", |table| table.name.as_str());
            let message = format!("cannot change owner of sequence \"{name}\"");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                .with_detail(format!("Sequence \"{name}\" is linked to table \"{table}\".")));
        }
        let address = (PG_CLASS, relation.oid, 0);
        self.check_new_owner(address, owner, (noun_of(relation), name), Some(&relation.schema))?;
        self.set_relation_owner(relation, owner)
    }

    pub(super) fn change_routine_owner(&mut self, routine: &Routine, owner: Oid) -> Result<()> {
        let address = (PG_PROC, routine.oid, 0);
        self.check_new_owner(address, owner, (routine.noun(), &routine.name), Some(&routine.schema))?;
        self.set_owner(address, owner)
    }

    /// What a superuser is not asked: it is one's own, one is a member of the new owner, who may create such things there.
    fn check_new_owner(
        &self,
        address: ObjectAddress,
        owner: Oid,
        (noun, name): (&str, &str),
        schema: Option<&str>,
    ) -> Result<()> {
        let holder = self.holder();
        if holder.superuser || self.catalog.owner_of(address.0, address.1) == owner {
            return Ok(());
        }
        if !self.catalog.owns(&holder, address.0, address.1) {
            return Err(denied(format!("must be owner of {noun} {name}")));
        }
        self.require_member(owner)?;
        match schema {
            Some(schema) => {
                let new = self.holder_of(owner);
                if !self.catalog.may_schema(&new, schema, Privileges::CREATE) {
                    return Err(denied(format!("permission denied for schema {schema}")));
                }
            }
            None => self.require_on_database(&holder, Privileges::CREATE)?,
        }
        Ok(())
    }

    fn holder_of(&self, role: Oid) -> Holder {
        let roles = self.roles();
        Holder::new(&roles, role, roles.facts.database(self.context.database).owner)
    }

    /// With its columns' lists and the sequences that belong to its columns.
    fn set_relation_owner(&mut self, relation: &Relation, owner: Oid) -> Result<()> {
        self.set_owner((PG_CLASS, relation.oid, 0), owner)?;
        for column in &relation.columns {
            let address = (PG_CLASS, relation.oid, column.number);
            if self.catalog.privileges.contains_key(&address) {
                self.set_owner(address, owner)?;
            }
        }
        let owned = |r: &&Arc<Relation>| r.sequence.is_some_and(|s| s.owned_by.is_some_and(|(t, _)| t == relation.oid));
        let sequences: Vec<Oid> = self.catalog.relations.values().filter(owned).map(|r| r.oid).collect();
        sequences.into_iter().try_for_each(|sequence| self.set_owner((PG_CLASS, sequence, 0), owner))
    }

    /// What the old owner has granted the new one has granted from now on.
    pub(super) fn set_owner(&mut self, address: ObjectAddress, owner: Oid) -> Result<()> {
        let old = match self.catalog.privileges.get(&address) {
            Some(known) => known.owner,
            None => self.catalog.owner_of(address.0, address.1),
        };
        let acl = self.catalog.shown_acl(address).map(|acl| acl.with_owner(old, owner));
        self.put_privileges(address, owner, acl)
    }

    // ----- REASSIGN OWNED and DROP OWNED

    /// The roles, if their objects may be dealt with so.
    fn owners(&self, specs: &[RoleSpec], verb: &str, what: &str) -> Result<Vec<Oid>> {
        let owners = specs.iter().map(|spec| self.role(spec)).collect::<Result<Vec<_>>>()?;
        let (holder, roles) = (self.holder(), self.roles());
        if owners.iter().any(|owner| !holder.has_privileges_of(*owner)) {
            return Err(denied(format!("permission denied to {verb}")));
        }
        if let Some(pinned) = owners.iter().find(|owner| roles.is_predefined(**owner)) {
            let message = format!(
                "cannot {what} objects owned by role {} because they are required by the database system",
                roles.name(*pinned)
            );
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message));
        }
        Ok(owners)
    }

    pub(super) fn reassign_owned(&mut self, specs: &[RoleSpec], to: &RoleSpec) -> Result<()> {
        let owners = self.owners(specs, "reassign objects", "reassign ownership of")?;
        let to = self.role(to)?;
        if !self.holder().has_privileges_of(to) {
            return Err(denied("permission denied to reassign objects"));
        }
        for (address, ..) in self.owned_by(&owners) {
            match self.catalog.relations.get(&address.1).filter(|_| address.0 == PG_CLASS).cloned() {
                Some(relation) => self.set_relation_owner(&relation, to)?,
                None => self.set_owner(address, to)?,
            }
        }
        for (name, facts) in self.roles().facts.databases.clone() {
            if owners.contains(&facts.owner) {
                let acl = facts.acl.as_ref().map(|acl| acl.with_owner(facts.owner, to));
                self.change_cluster(ClusterChange::Database(name, DatabaseFacts { owner: to, acl, ..facts }))?;
            }
        }
        Ok(())
    }

    fn owned_by(&self, owners: &[Oid]) -> Vec<(ObjectAddress, Oid, AclKind)> {
        let mut found = objects(&self.catalog);
        found.retain(|((class, object, _), ..)| owners.contains(&self.catalog.owner_of(*class, *object)));
        found.sort_by_key(|(address, ..)| *address);
        found
    }

    pub(super) fn drop_owned(&mut self, specs: &[RoleSpec], cascade: bool) -> Result<()> {
        let owners = self.owners(specs, "drop objects", "drop")?;
        let mut dropped = Vec::new();
        for ((class, oid, _), ..) in self.owned_by(&owners) {
            let relation = self.catalog.relations.get(&oid).filter(|_| class == PG_CLASS);
            // It goes with its column.
            if relation.is_some_and(|r| r.sequence.is_some_and(|sequence| sequence.owned_by.is_some())) {
                continue;
            }
            dropped.push(match class {
                PG_CLASS => Object::Relation(oid),
                PG_TYPE => Object::Type(oid),
                PG_PROC => Object::Routine(oid),
                PG_OPERATOR => Object::Operator(oid),
                _ if let Some(own) = self.catalog.named.get(&oid) => Object::Named(own.kind, oid),
                _ => Object::Schema(oid),
            });
        }
        self.drop_objects(&dropped, cascade)?;
        self.drop_policies_of(&owners)?;
        let addresses: Vec<ObjectAddress> = self.catalog.privileges.keys().copied().collect();
        for address in addresses {
            self.drop_grants(address, &owners)?;
        }
        let kept: Vec<_> = self.catalog.default_acls.iter().filter(|d| !owners.contains(&d.role)).cloned().collect();
        let kept = kept.into_iter().map(|mut default| {
            default.acl = without(&default.acl, &owners);
            default
        });
        self.put_default_acls(kept.collect())?;
        for (name, facts) in self.roles().facts.databases.clone() {
            if let Some(acl) = &facts.acl {
                let acl = Some(without(acl, &owners));
                self.change_cluster(ClusterChange::Database(name, DatabaseFacts { acl, ..facts }))?;
            }
        }
        Ok(())
    }

    /// What was granted to these roles is revoked.
    fn drop_grants(&mut self, address: ObjectAddress, owners: &[Oid]) -> Result<()> {
        let Some(known) = self.catalog.privileges.get(&address).cloned() else { return Ok(()) };
        let Some(acl) = &known.acl else { return Ok(()) };
        let left = without(acl, owners);
        if left == *acl {
            return Ok(());
        }
        let left = Some(left).filter(|left| address.2 == 0 || !left.0.is_empty());
        self.put_privileges(address, known.owner, left)
    }
}

/// A list without what these roles were granted, or have granted.
fn without(acl: &Acl, roles: &[Oid]) -> Acl {
    let named = |role: &Oid| roles.contains(role);
    Acl(acl.0.iter().filter(|item| !named(&item.grantee) && !named(&item.grantor)).copied().collect())
}

/// Whether a catalog has an object, or a column.
fn exists(catalog: &CatalogSnapshot, (class, object, part): ObjectAddress) -> bool {
    match class {
        PG_CLASS => {
            let relation = catalog.relations.get(&object);
            relation.is_some_and(|r| part == 0 || r.column_by_number(part).is_some())
        }
        PG_TYPE => catalog.types.contains_key(&object),
        PG_PROC => catalog.routines.contains_key(&object),
        PG_OPERATOR => catalog.operators.contains_key(&object),
        class if NamedKind::ALL.iter().any(|kind| kind.class() == class) => catalog.named.contains_key(&object),
        PG_STATISTIC_EXT => catalog.extended_statistics().any(|(_, own)| own.oid == object),
        _ => catalog.schemas.iter().any(|schema| schema.oid == object),
    }
}
