//! GRANT, REVOKE, ALTER DEFAULT PRIVILEGES.
//!
//! Specification: sql-grant.html, sql-revoke.html, sql-alterdefaultprivileges.html; checks in the order of PostgreSQL 15's
//! aclchk.c.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Change;
use crate::catalog::acl::{Acl, AclItem, AclKind, Dependents, Holder, Privileges};
use crate::catalog::cluster::ClusterChange;
use crate::catalog::privileges::{DefaultAcl, ObjectAddress, ObjectPrivileges, PG_CLASS, PG_NAMESPACE, PG_TYPE};
use crate::catalog::roles::Roles;
use crate::catalog::routines::{PG_PROC, Routine};
use crate::catalog::schema::{Relation, RelationKind, UserTypeKind};
use crate::catalog::store;
use crate::engine::identity::denied;
use crate::engine::large_objects;
use crate::error::{Error, ErrorFields, Result, Severity, SqlState};
use crate::sql::ddl::Name;
use crate::sql::syntax::ast::definition::DefArg;
use crate::sql::syntax::ast::statement::{
    AccessPriv, AlterDefaultPrivilegesStmt, DropBehavior, GrantObject, GrantStmt, GrantTarget, ObjectType, RoleSpec,
    RoleSpecType,
};
use crate::types::pg_type::Oid;

/// A GRANT or REVOKE whose names are resolved (InternalGrant).
struct Grant {
    is_grant: bool,
    grant_option: bool,
    /// ALL PRIVILEGES
    all: bool,
    privileges: Privileges,
    /// Columns' names with their privileges.
    columns: Vec<(Privileges, Vec<String>)>,
    grantees: Vec<Oid>,
    dependents: Dependents,
}

/// An object with its list as it is.
struct Subject<'s> {
    kind: AclKind,
    owner: Oid,
    acl: Acl,
    /// What messages call it: its kind, and name.
    noun: &'s str,
    name: &'s str,
}

impl Change<'_> {
    pub(super) fn grant(&mut self, stmt: &GrantStmt) -> Result<()> {
        if let Some(grantor) = &stmt.grantor
            && self.role(grantor)? != self.holder().role
        {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "grantor must be current user"));
        }
        let (allowed, what) = privileges_of(stmt.object_type)?;
        let grant = self.resolved(stmt, allowed, what)?;
        match stmt.target {
            GrantTarget::AllInSchema => {
                for schema in &stmt.objects {
                    self.grant_in_schema(&grant, stmt.object_type, schema)?;
                }
            }
            _ => {
                for object in &stmt.objects {
                    self.grant_on(&grant, stmt.object_type, object)?;
                }
            }
        }
        Ok(())
    }

    fn resolved(&self, stmt: &GrantStmt, allowed: Privileges, what: &str) -> Result<Grant> {
        let grantees = stmt.grantees.iter().map(|spec| self.grantee(spec)).collect::<Result<Vec<_>>>()?;
        let (mut privileges, mut columns) = (Privileges::NONE, Vec::new());
        for AccessPriv { name, columns: names } in &stmt.privileges {
            let one = name.as_deref().map(privilege_named).transpose()?;
            let allowed = if names.is_empty() { allowed } else { AclKind::Column.all() };
            if !names.is_empty() && stmt.object_type != ObjectType::Table {
                let message = "column privileges are only valid for relations";
                return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, message));
            }
            if let Some(wrong) = one.filter(|one| !allowed.contains(*one)) {
                return Err(invalid(wrong, if names.is_empty() { what } else { "column" }));
            }
            match names.is_empty() {
                true => privileges = privileges.and(one.unwrap_or_default()),
                false => columns.push((one.unwrap_or(allowed), names.clone())),
            }
        }
        let dependents = match stmt.behavior {
            DropBehavior::Cascade => Dependents::Cascade,
            DropBehavior::Restrict => Dependents::Restrict,
        };
        let (is_grant, grant_option, all) = (stmt.is_grant, stmt.grant_option, stmt.privileges.is_empty());
        Ok(Grant { is_grant, grant_option, all, privileges, columns, grantees, dependents })
    }

    /// The role that is granted something; PUBLIC is no role.
    fn grantee(&self, spec: &RoleSpec) -> Result<Oid> {
        if spec.role == RoleSpecType::Public { Ok(Oid::INVALID) } else { self.role(spec) }
    }

    fn grant_in_schema(&mut self, grant: &Grant, kind: ObjectType, schema: &GrantObject) -> Result<()> {
        let GrantObject::Name(name) = schema else { return Err(Error::internal("a schema without a name")) };
        let schema = self.existing_schema(name.last().map_or("", String::as_str))?.name.clone();
        let wanted: &[RelationKind] = match kind {
            ObjectType::Table => &[RelationKind::Table, RelationKind::View, RelationKind::System],
            ObjectType::Sequence => &[RelationKind::Sequence],
            ObjectType::Function | ObjectType::Procedure | ObjectType::Routine => {
                return self.grant_on_routines(grant, kind, &schema);
            }
            _ => &[],
        };
        let relations: Vec<Arc<Relation>> = self
            .sorted_relations()
            .into_iter()
            .filter(|relation| relation.schema == schema && wanted.contains(&relation.kind))
            .collect();
        relations.iter().try_for_each(|relation| self.grant_on_relation(grant, kind, relation))
    }

    fn grant_on(&mut self, grant: &Grant, kind: ObjectType, object: &GrantObject) -> Result<()> {
        match (kind, object) {
            (ObjectType::Table | ObjectType::Sequence, GrantObject::Relation(range)) => {
                let name = Name { schema: range.schema.clone(), name: range.relation.clone() };
                let relation = match self.usable(&self.holder(), &name)? {
                    Some(relation) => relation,
                    None => self.relation(&name)?,
                };
                self.grant_on_relation(grant, kind, &relation)
            }
            (ObjectType::Schema, GrantObject::Name(name)) => {
                let name = name.last().map_or("", String::as_str);
                let oid = self.existing_schema(name)?.oid;
                self.grant_on_object(grant, (PG_NAMESPACE, oid, 0), AclKind::Schema, "schema", name)
            }
            (ObjectType::Type | ObjectType::Domain, GrantObject::Name(parts)) => {
                let name = self.name_of_parts(parts)?;
                let found = self.user_type(&name)?;
                if kind == ObjectType::Domain && !matches!(found.kind, UserTypeKind::Domain { .. }) {
                    let message = format!("\"{}\" is not a domain", found.name);
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
                }
                self.grant_on_object(grant, (PG_TYPE, found.oid, 0), AclKind::Type, "type", &found.name)
            }
            (ObjectType::Database, GrantObject::Name(name)) => {
                self.grant_on_database(grant, name.last().map_or("", String::as_str))
            }
            (_, GrantObject::Function(object)) => {
                let routine = self.named_routine(kind, object)?;
                self.grant_on_routine(grant, &routine)
            }
            (ObjectType::LargeObject, GrantObject::LargeObject(number)) => self.grant_on_large_object(grant, number),
            // The languages there are are trusted.
            (ObjectType::Language, GrantObject::Name(_)) => Ok(()),
            _ => Err(Error::unsupported("GRANT and REVOKE on objects of this kind")),
        }
    }

    fn grant_on_routines(&mut self, grant: &Grant, kind: ObjectType, schema: &str) -> Result<()> {
        let mut routines: Vec<Arc<Routine>> = self.catalog.routines.values().cloned().collect();
        routines.retain(|routine| {
            routine.schema == schema
                && match kind {
                    ObjectType::Function => !routine.is_procedure(),
                    ObjectType::Procedure => routine.is_procedure(),
                    _ => true,
                }
        });
        routines.sort_unstable_by_key(|routine| routine.oid);
        routines.iter().try_for_each(|routine| self.grant_on_routine(grant, routine))
    }

    fn grant_on_routine(&mut self, grant: &Grant, routine: &Routine) -> Result<()> {
        let address = (PG_PROC, routine.oid, 0);
        self.grant_on_object(grant, address, AclKind::Function, routine.noun(), &routine.name)
    }

    fn grant_on_large_object(&mut self, grant: &Grant, number: &str) -> Result<()> {
        let oid = Oid(number.parse().unwrap_or(0));
        let owner = large_objects::owner(self.connection, oid)?.ok_or_else(|| large_objects::missing(oid))?;
        let kind = AclKind::LargeObject;
        let acl = large_objects::acl(self.connection, oid)?.unwrap_or_else(|| Acl::default_of(kind, owner));
        let name = oid.0.to_string();
        let wanted = if grant.all { kind.all() } else { grant.privileges };
        let subject = Subject { kind, owner, acl, noun: "large object", name: &name };
        let changed = self.changed(grant, &subject, wanted, grant.all)?;
        large_objects::set_acl(self.connection, oid, &changed)
    }

    fn name_of_parts(&self, parts: &[String]) -> Result<Name> {
        match parts {
            [name] => Ok(Name::plain(name)),
            [schema, name] => Ok(Name { schema: Some(schema.clone()), name: name.clone() }),
            _ => {
                let message = format!("improper qualified name (too many dotted names): {}", parts.join("."));
                Err(Error::new(SqlState::SYNTAX_ERROR, message))
            }
        }
    }

    fn grant_on_object(
        &mut self,
        grant: &Grant,
        address: ObjectAddress,
        kind: AclKind,
        noun: &str,
        name: &str,
    ) -> Result<()> {
        let (owner, acl) = self.catalog.owner_and_acl(address, kind);
        let wanted = if grant.all { kind.all() } else { grant.privileges };
        let changed = self.changed(grant, &Subject { kind, owner, acl, noun, name }, wanted, grant.all)?;
        self.put_privileges(address, owner, Some(changed))
    }

    /// ExecGrant_Relation
    fn grant_on_relation(&mut self, grant: &Grant, given: ObjectType, relation: &Arc<Relation>) -> Result<()> {
        let name = relation.name.as_str();
        if relation.kind == RelationKind::Index {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is an index")));
        }
        let is_sequence = relation.kind == RelationKind::Sequence;
        if given == ObjectType::Sequence && !is_sequence {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a sequence")));
        }
        if relation.kind == RelationKind::System {
            return Err(Error::unsupported("GRANT and REVOKE on system relations"));
        }
        let kind = if is_sequence { AclKind::Sequence } else { AclKind::Relation };
        let mut wanted = match grant.all && grant.columns.is_empty() {
            true => kind.all(),
            false => grant.privileges,
        };
        if !kind.all().contains(wanted) {
            if !is_sequence {
                return Err(invalid(Privileges::USAGE, "table"));
            }
            // So that dumps from before there were privileges of sequences can be restored.
            let message = format!("sequence \"{name}\" only supports USAGE, SELECT, and UPDATE privileges");
            self.warn(SqlState::INVALID_GRANT_OPERATION, message);
            wanted = wanted.common(kind.all());
        }
        let address = (PG_CLASS, relation.oid, 0);
        let (owner, acl) = self.catalog.owner_and_acl(address, kind);
        let columns = self.columns_of_grant(grant, relation, wanted)?;
        let noun = if is_sequence { "sequence" } else { "table" };
        let subject = Subject { kind, owner, acl: acl.clone(), noun, name };
        if !wanted.is_empty() {
            let changed = self.changed(grant, &subject, wanted, grant.all)?;
            self.put_privileges(address, owner, Some(changed))?;
        }
        if !grant.is_grant && wanted.common(AclKind::Column.all()) != Privileges::NONE {
            self.check_hidden_columns(&subject, relation)?;
        }
        for (number, wanted) in columns {
            self.grant_on_column(grant, relation, number, wanted, &subject)?;
        }
        Ok(())
    }

    /// The columns whose lists change: those named, and all of them when something is revoked on the whole table.
    fn columns_of_grant(
        &self,
        grant: &Grant,
        relation: &Relation,
        wanted: Privileges,
    ) -> Result<BTreeMap<i16, Privileges>> {
        let mut columns: BTreeMap<i16, Privileges> = BTreeMap::new();
        for (privileges, names) in &grant.columns {
            for name in names {
                let Some(column) = relation.column(name) else {
                    let message = format!("column \"{name}\" of relation \"{}\" does not exist", relation.name);
                    return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
                };
                let known = columns.entry(column.number).or_default();
                *known = known.and(*privileges);
            }
        }
        let revoked = wanted.common(AclKind::Column.all());
        if !grant.is_grant && !revoked.is_empty() && relation.kind != RelationKind::Sequence {
            for column in &relation.columns {
                let known = columns.entry(column.number).or_default();
                *known = known.and(revoked);
            }
        }
        Ok(columns)
    }

    /// What is revoked on a table is revoked on every column, for which one must have some right on each: also on those
    /// that nobody sees, of which tableoid is the first.
    fn check_hidden_columns(&self, table: &Subject<'_>, relation: &Relation) -> Result<()> {
        let holder = self.holder();
        let any = AclKind::Column.all().and(AclKind::Column.all().options());
        if holder.superuser || !table.acl.mask(&holder, table.owner, any).is_empty() {
            return Ok(());
        }
        let refused = |column: &str| {
            Err(denied(format!("permission denied for column \"{column}\" of relation \"{}\"", relation.name)))
        };
        if relation.kind != RelationKind::View {
            return refused("tableoid");
        }
        let own = |column: i16| self.catalog.shown_acl((PG_CLASS, relation.oid, column)).unwrap_or_default();
        let without = |column: i16| own(column).mask(&holder, table.owner, any).is_empty();
        match relation.columns.iter().find(|column| without(column.number)) {
            Some(column) => refused(&column.name),
            None => Ok(()),
        }
    }

    /// ExecGrant_Attribute. Who may grant on the table may on its columns.
    fn grant_on_column(
        &mut self,
        grant: &Grant,
        relation: &Relation,
        number: i16,
        wanted: Privileges,
        table: &Subject<'_>,
    ) -> Result<()> {
        let address = (PG_CLASS, relation.oid, number);
        let known = self.catalog.shown_acl(address);
        let explicit = grant
            .columns
            .iter()
            .any(|(_, names)| relation.column_by_number(number).is_some_and(|column| names.contains(&column.name)));
        if known.is_none() && !explicit {
            return Ok(());
        }
        let old = known.unwrap_or_default();
        let column = relation.column_by_number(number).map_or("", |column| column.name.as_str());
        let merged = Acl(table.acl.0.iter().chain(&old.0).copied().collect());
        let (holder, roles) = (self.holder(), self.roles());
        let (grantor, options) = merged.best_grantor(&holder, table.owner, wanted);
        let all = wanted == AclKind::Column.all();
        let usable =
            self.grantable(grant, (wanted, options), all, &holder, &merged, table.owner, AclKind::Column, || {
                (
                    format!("permission denied for column \"{column}\" of relation \"{}\"", relation.name),
                    format!("column \"{column}\" of relation \"{}\"", relation.name),
                )
            })?;
        let mut acl = old;
        merge(grant, &mut acl, usable, grantor, table.owner, &roles)?;
        let acl = Some(acl).filter(|acl| !acl.0.is_empty());
        self.put_privileges(address, table.owner, acl)
    }

    /// The list after the change, of whatever may be granted.
    fn changed(&mut self, grant: &Grant, subject: &Subject<'_>, wanted: Privileges, all: bool) -> Result<Acl> {
        let (holder, roles) = (self.holder(), self.roles());
        let (grantor, options) = subject.acl.best_grantor(&holder, subject.owner, wanted);
        let usable =
            self.grantable(grant, (wanted, options), all, &holder, &subject.acl, subject.owner, subject.kind, || {
                (format!("permission denied for {} {}", subject.noun, subject.name), format!("\"{}\"", subject.name))
            })?;
        let mut acl = subject.acl.clone();
        merge(grant, &mut acl, usable, grantor, subject.owner, &roles)?;
        Ok(acl)
    }

    /// restrict_and_check_grant: 42501 without any privilege or option on the object, warnings where options are missing.
    #[allow(clippy::too_many_arguments)] // As many as PostgreSQL's has.
    fn grantable(
        &mut self,
        grant: &Grant,
        (wanted, options): (Privileges, Privileges),
        all: bool,
        holder: &Holder,
        acl: &Acl,
        owner: Oid,
        kind: AclKind,
        words: impl Fn() -> (String, String),
    ) -> Result<Privileges> {
        if options.is_empty() {
            let any = kind.all().and(kind.all().options());
            if !holder.superuser && acl.mask(holder, owner, any).is_empty() {
                return Err(denied(words().0));
            }
        }
        let usable = wanted.common(options.granted());
        let what = match (usable.is_empty(), usable == wanted || all) {
            (true, _) => "no",
            (_, false) => "not all",
            _ => return Ok(usable),
        };
        let (code, verb) = match grant.is_grant {
            true => (SqlState::WARNING_PRIVILEGE_NOT_GRANTED, "were granted"),
            false => (SqlState::WARNING_PRIVILEGE_NOT_REVOKED, "could be revoked"),
        };
        self.warn(code, format!("{what} privileges {verb} for {}", words().1));
        Ok(usable)
    }

    fn grant_on_database(&mut self, grant: &Grant, name: &str) -> Result<()> {
        let roles = self.roles();
        let known = self.slot.with_session(|session| Ok(session.cluster.has_database(name)))?;
        if !known {
            return Err(Error::new(SqlState::INVALID_CATALOG_NAME, format!("database \"{name}\" does not exist")));
        }
        let mut facts = roles.facts.database(name);
        let subject =
            Subject { kind: AclKind::Database, owner: facts.owner, acl: facts.privileges(), noun: "database", name };
        let wanted = if grant.all { AclKind::Database.all() } else { grant.privileges };
        facts.acl = Some(self.changed(grant, &subject, wanted, grant.all)?);
        self.change_cluster(ClusterChange::Database(name.to_owned(), facts))
    }

    // ----- ALTER DEFAULT PRIVILEGES

    pub(super) fn alter_default_privileges(&mut self, stmt: &AlterDefaultPrivilegesStmt) -> Result<()> {
        let (mut schemas, mut roles) = (None, None);
        for option in &stmt.options {
            let twice = || Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options");
            match &option.arg {
                Some(DefArg::Names(names)) if schemas.is_none() => schemas = Some(names),
                Some(DefArg::Roles(given)) if roles.is_none() => roles = Some(given),
                _ => return Err(twice()),
            }
        }
        let (kind, what) = match stmt.action.object_type {
            ObjectType::Table => (AclKind::Relation, "relation"),
            ObjectType::Sequence => (AclKind::Sequence, "sequence"),
            ObjectType::Function => (AclKind::Function, "function"),
            ObjectType::Type => (AclKind::Type, "type"),
            _ => (AclKind::Schema, "schema"),
        };
        let grant = self.resolved(&stmt.action, kind.all(), what)?;
        if !grant.columns.is_empty() {
            let message = "default privileges cannot be set for columns";
            return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, message));
        }
        let roles = match roles {
            None => vec![self.holder().role],
            Some(specs) => specs.iter().map(|spec| self.role(spec)).collect::<Result<_>>()?,
        };
        for role in roles {
            self.require_member(role)?;
            match schemas {
                None => self.set_default_acl(&grant, role, Oid::INVALID, kind)?,
                Some(_) if kind == AclKind::Schema => {
                    let message = "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS";
                    return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, message));
                }
                Some(names) => {
                    for name in names {
                        let schema = self.existing_schema(name.last().map_or("", String::as_str))?.oid;
                        self.set_default_acl(&grant, role, schema, kind)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// SetDefaultACL. What is said of one schema is added to what holds everywhere; what says nothing is not kept.
    fn set_default_acl(&mut self, grant: &Grant, role: Oid, schema: Oid, kind: AclKind) -> Result<()> {
        let by_itself = if schema == Oid::INVALID { Acl::default_of(kind, role) } else { Acl::default() };
        let mut all = self.catalog.default_acls.clone();
        let at = all.iter().position(|known| (known.role, known.schema, known.kind) == (role, schema, kind));
        let mut acl = at.and_then(|at| all.get(at)).map_or_else(|| by_itself.clone(), |known| known.acl.clone());
        let wanted = if grant.all { kind.all() } else { grant.privileges };
        merge(grant, &mut acl, wanted, role, role, &self.roles())?;
        let oid = match at {
            Some(at) => all.remove(at).oid,
            None => self.new_oid()?,
        };
        if same(&acl, &by_itself) {
            return self.put_default_acls(all);
        }
        all.push(DefaultAcl { oid, role, schema, kind, acl });
        self.put_default_acls(all)
    }

    pub(super) fn put_default_acls(&mut self, all: Vec<DefaultAcl>) -> Result<()> {
        self.sqlite(store::put_default_acls(self.connection, &all))?;
        self.catalog_mut().default_acls = all;
        Ok(())
    }

    // ----- what is kept

    pub(super) fn put_privileges(&mut self, address: ObjectAddress, owner: Oid, acl: Option<Acl>) -> Result<()> {
        let privileges = ObjectPrivileges { owner, acl };
        let temporary = self.is_temporary(address);
        self.sqlite(store::put_privileges(self.connection, temporary, address, Some(&privileges)))?;
        self.catalog_mut().privileges.insert(address, privileges);
        Ok(())
    }

    pub(super) fn forget_privileges(&mut self, address: ObjectAddress) -> Result<()> {
        for temporary in [false, true] {
            if !temporary || self.catalog.has_schema("pg_temp") {
                self.sqlite(store::put_privileges(self.connection, temporary, address, None))?;
            }
        }
        self.catalog_mut().privileges.remove(&address);
        Ok(())
    }

    fn is_temporary(&self, (class, object, _): ObjectAddress) -> bool {
        match class {
            PG_CLASS => self.catalog.relations.get(&object).is_some_and(|relation| relation.temporary),
            PG_PROC => self.catalog.routines.get(&object).is_some_and(|routine| routine.is_temporary()),
            _ => false,
        }
    }

    /// Happens when the transaction commits.
    pub(super) fn change_cluster(&self, change: ClusterChange) -> Result<()> {
        self.slot.with_session(|session| {
            session.cluster_changes.push((session.depth, change));
            Ok(())
        })
    }

    pub(super) fn warn(&mut self, code: SqlState, message: String) {
        self.notices.push(ErrorFields::new(Severity::Warning, code, message));
    }
}

/// merge_acl_with_grant
fn merge(grant: &Grant, acl: &mut Acl, privileges: Privileges, grantor: Oid, owner: Oid, roles: &Roles) -> Result<()> {
    for grantee in &grant.grantees {
        if grant.is_grant && grant.grant_option && *grantee == Oid::INVALID {
            let message = "grant options can only be granted to roles";
            return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, message));
        }
        // REVOKE takes the option with the privilege; REVOKE GRANT OPTION FOR leaves the privilege.
        let plain = if grant.is_grant || !grant.grant_option { privileges } else { Privileges::NONE };
        let options = if !grant.is_grant || grant.grant_option { privileges.options() } else { Privileges::NONE };
        let change = AclItem { grantee: *grantee, grantor, privileges: plain.and(options) };
        acl.update(change, grant.is_grant, owner, grant.dependents, roles)?;
    }
    Ok(())
}

/// Whether lists say the same in whatever order.
fn same(a: &Acl, b: &Acl) -> bool {
    a.0.len() == b.0.len() && a.0.iter().all(|item| b.0.contains(item))
}

/// What objects of a kind can have, and what messages call that kind.
fn privileges_of(kind: ObjectType) -> Result<(Privileges, &'static str)> {
    Ok(match kind {
        ObjectType::Table => (AclKind::Relation.all().and(AclKind::Sequence.all()), "relation"),
        ObjectType::Sequence => (AclKind::Sequence.all(), "sequence"),
        ObjectType::Database => (AclKind::Database.all(), "database"),
        ObjectType::Schema => (AclKind::Schema.all(), "schema"),
        ObjectType::Type => (AclKind::Type.all(), "type"),
        ObjectType::Domain => (AclKind::Type.all(), "domain"),
        ObjectType::Function => (AclKind::Function.all(), "function"),
        ObjectType::Procedure => (AclKind::Function.all(), "procedure"),
        ObjectType::Routine => (AclKind::Function.all(), "routine"),
        ObjectType::Language => return Err(Error::unsupported("GRANT ON LANGUAGE")),
        ObjectType::LargeObject => (AclKind::LargeObject.all(), "large object"),
        ObjectType::Tablespace => return Err(Error::unsupported("GRANT ON TABLESPACE")),
        ObjectType::ParameterAcl => return Err(Error::unsupported("GRANT ON PARAMETER")),
        _ => return Err(Error::unsupported("GRANT ON FOREIGN")),
    })
}

fn privilege_named(word: &str) -> Result<Privileges> {
    let unknown = || Error::new(SqlState::SYNTAX_ERROR, format!("unrecognized privilege type \"{word}\""));
    Privileges::named(word).ok_or_else(unknown)
}

fn invalid(privilege: Privileges, what: &str) -> Error {
    let word = privilege.words().next().map_or("", |(word, _)| word);
    Error::new(SqlState::INVALID_GRANT_OPERATION, format!("invalid privilege type {word} for {what}"))
}
