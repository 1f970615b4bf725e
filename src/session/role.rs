//! CREATE, ALTER and DROP ROLE, GRANT and REVOKE of roles, COMMENT ON ROLE.
//!
//! Must not know: how roles are kept (`catalog::cluster`), what they mean (`catalog::roles`). Specification:
//! sql-createrole.html and its kin; checks in the order of PostgreSQL 15's user.c.
//!
//! The bootstrap superuser's name and password are the configuration's, and it stays a superuser that can log in.

use std::collections::BTreeSet;

use crate::catalog::cluster::ClusterChange;
use crate::catalog::password::{Stored, Verifier, md5_hash};
use crate::catalog::roles::{DATABASE_OWNER, Membership, PREDEFINED_MEMBERSHIPS, RoleFacts, Roles};
use crate::engine::identity::denied;
use crate::error::{Error, Result, SqlState};
use crate::session::machine::{Outcome, StateMachine};
use crate::sql::role::{Attributes, RoleCommand};
use crate::sql::syntax::ast::statement::{RoleSpec, RoleSpecType};
use crate::types::datetime::{Stored as _, TimestampTz};
use crate::types::pg_type::Oid;

impl StateMachine {
    pub(super) async fn role_command(&mut self, command: &RoleCommand) -> Outcome<()> {
        match command {
            RoleCommand::Create { name, attributes, with_login } => self.create_role(name, attributes, *with_login)?,
            RoleCommand::Alter { role, attributes } => self.alter_role(role, attributes)?,
            RoleCommand::AlterGroup { role, adds, members } => self.alter_group(role, *adds, members)?,
            RoleCommand::Rename { name, to } => self.rename_role(name, to)?,
            RoleCommand::Drop { roles, if_exists } => return self.drop_roles(roles, *if_exists).await,
            RoleCommand::Comment { name, text } => self.comment_on_role(name, text.clone())?,
            RoleCommand::Membership { roles, members, grants, admin, grantor } => {
                self.change_memberships(roles, members, (*grants, *admin), grantor.as_ref())?;
            }
        }
        Ok(())
    }

    fn create_role(&mut self, name: &str, given: &Attributes, with_login: bool) -> Result<()> {
        if given.sysid {
            self.notice("SYSID can no longer be specified".to_owned());
        }
        let wanted = |attribute: Option<bool>| attribute == Some(true);
        if wanted(given.superuser) {
            self.require_superuser("must be superuser to create superusers")?;
        } else if wanted(given.replication) {
            self.require_superuser("must be superuser to create replication users")?;
        } else if wanted(given.bypass_rls) {
            self.require_superuser("must be superuser to create bypassrls users")?;
        } else if !self.can_create_roles() {
            return Err(denied("permission denied to create role"));
        }
        check_not_reserved(name, PREFIX_DETAIL)?;
        let roles = self.context().roles();
        if roles.named(name).is_some() {
            let message = format!("role \"{name}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        let mut role = RoleFacts { can_login: with_login, ..RoleFacts::new(name) };
        self.apply(&mut role, given)?;
        let oid = new_role_oid(&roles);
        self.change(ClusterChange::NewRole(oid, role));
        let grantor = self.context().role();
        for of in &given.member_of {
            let of = self.role(of)?;
            self.add_members(of, &[oid], grantor, false)?;
        }
        let oids = |specs: &[RoleSpec]| specs.iter().map(|spec| self.role(spec)).collect::<Result<Vec<_>>>();
        let (admins, members) = (oids(&given.admins)?, oids(&given.members)?);
        self.add_members(oid, &admins, grantor, true)?;
        self.add_members(oid, &members, grantor, false)
    }

    fn alter_role(&mut self, spec: &RoleSpec, given: &Attributes) -> Result<()> {
        if let RoleSpecType::Name(name) = &spec.role {
            check_not_reserved(name, "Cannot alter reserved roles.")?;
        }
        let oid = self.role(spec)?;
        let roles = self.context().roles();
        let Some(mut role) = roles.get(oid) else { return Err(no_role(&roles.name(oid))) };
        if role.superuser || given.superuser.is_some() {
            self.require_superuser("must be superuser to alter superuser roles or change superuser attribute")?;
        } else if role.replication || given.replication.is_some() {
            self.require_superuser("must be superuser to alter replication roles or change replication attribute")?;
        } else if given.bypass_rls.is_some() {
            self.require_superuser("must be superuser to change bypassrls attribute")?;
        } else if !self.can_create_roles() {
            let only_password = Attributes { password: given.password.clone(), ..Attributes::default() } == *given;
            if !only_password || given.password.is_none() || oid != self.context().role() {
                return Err(denied("permission denied"));
            }
        }
        if oid == Oid::BOOTSTRAP_SUPERUSER {
            check_bootstrap(given)?;
        }
        self.apply(&mut role, given)?;
        self.change(ClusterChange::Role(oid, role));
        let (grantor, members) = (self.context().role(), given.members.iter().map(|spec| self.role(spec)));
        let members = members.collect::<Result<Vec<_>>>()?;
        self.add_members(oid, &members, grantor, false)
    }

    fn alter_group(&mut self, group: &RoleSpec, adds: bool, members: &[RoleSpec]) -> Result<()> {
        if let RoleSpecType::Name(name) = &group.role {
            check_not_reserved(name, "Cannot alter reserved roles.")?;
        }
        let group = self.role(group)?;
        if !self.can_create_roles() {
            return Err(denied("permission denied"));
        }
        let members = members.iter().map(|spec| self.role(spec)).collect::<Result<Vec<_>>>()?;
        let grantor = self.context().role();
        match adds {
            true => self.add_members(group, &members, grantor, false),
            false => self.remove_members(group, &members, grantor, false),
        }
    }

    /// Makes a role what the statement says.
    fn apply(&mut self, role: &mut RoleFacts, given: &Attributes) -> Result<()> {
        role.superuser = given.superuser.unwrap_or(role.superuser);
        role.inherit = given.inherit.unwrap_or(role.inherit);
        role.create_role = given.create_role.unwrap_or(role.create_role);
        role.create_db = given.create_db.unwrap_or(role.create_db);
        role.can_login = given.can_login.unwrap_or(role.can_login);
        role.replication = given.replication.unwrap_or(role.replication);
        role.bypass_rls = given.bypass_rls.unwrap_or(role.bypass_rls);
        role.connection_limit = given.connection_limit.unwrap_or(role.connection_limit);
        if let Some(time) = &given.valid_until {
            let time = TimestampTz::parse(time, self.context().settings.format())?;
            role.valid_until = Some(time.to_stored()?);
        }
        if let Some(password) = &given.password {
            role.password = match password {
                Some(password) => self.hashed(&role.name, password),
                None => None,
            };
        }
        Ok(())
    }

    /// What is kept of a password; a ready hash is kept as it is. An empty one is no password (with a notice).
    fn hashed(&self, role: &str, password: &str) -> Option<String> {
        let ready = Stored::parse(password);
        if password.is_empty() || ready.as_ref().is_some_and(|hash| hash.accepts(role, "")) {
            self.notice("empty string is not a valid password, clearing password".to_owned());
            return None;
        }
        if ready.is_some() {
            return Some(password.to_owned());
        }
        let method = self.context().settings.current("password_encryption").unwrap_or_default();
        Some(match method.as_str() {
            "md5" => format!("md5{}", md5_hash(role, password)),
            _ => Verifier::new(password).to_text(),
        })
    }

    fn rename_role(&mut self, name: &str, to: &str) -> Result<()> {
        let roles = self.context().roles();
        let Some(oid) = roles.named(name) else { return Err(no_role(name)) };
        let identity = self.context().settings.identity();
        if oid == identity.session {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "session user cannot be renamed"));
        }
        if oid == identity.current {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "current user cannot be renamed"));
        }
        check_not_reserved(name, PREFIX_DETAIL)?;
        check_not_reserved(to, PREFIX_DETAIL)?;
        if roles.named(to).is_some() {
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("role \"{to}\" already exists")));
        }
        let Some(mut role) = roles.get(oid) else { return Err(no_role(name)) };
        if role.superuser {
            self.require_superuser("must be superuser to rename superusers")?;
        } else if !self.can_create_roles() {
            return Err(denied("permission denied to rename role"));
        }
        if oid == Oid::BOOTSTRAP_SUPERUSER {
            return Err(Error::unsupported("renaming the role that the configuration names"));
        }
        // The name is part of what was hashed.
        if role.password.as_deref().is_some_and(|hash| matches!(Stored::parse(hash), Some(Stored::Md5(_)))) {
            role.password = None;
            self.notice("MD5 password cleared because of role rename".to_owned());
        }
        self.change(ClusterChange::Role(oid, RoleFacts { name: to.to_owned(), ..role }));
        Ok(())
    }

    async fn drop_roles(&mut self, specs: &[RoleSpec], if_exists: bool) -> Outcome<()> {
        if !self.can_create_roles() {
            return Err(denied("permission denied to drop role").into());
        }
        let mut dropped = BTreeSet::new();
        for spec in specs {
            if let Some(oid) = self.role_to_drop(spec, if_exists)?
                && dropped.insert(oid)
            {
                self.check_nothing_depends_on(oid).await?;
                self.change(ClusterChange::DroppedRole(oid));
            }
        }
        Ok(())
    }

    /// The role, if it may be dropped; none if there is none, which `if_exists` allows.
    fn role_to_drop(&self, spec: &RoleSpec, if_exists: bool) -> Result<Option<Oid>> {
        let RoleSpecType::Name(name) = &spec.role else {
            let message = "cannot use special role specifier in DROP ROLE";
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        };
        let roles = self.context().roles();
        let Some(oid) = roles.named(name) else {
            if !if_exists {
                return Err(no_role(name));
            }
            self.notice(format!("role \"{name}\" does not exist, skipping"));
            return Ok(None);
        };
        let identity = self.context().settings.identity();
        if oid == identity.current {
            return Err(Error::new(SqlState::OBJECT_IN_USE, "current user cannot be dropped"));
        }
        if oid == identity.session {
            return Err(Error::new(SqlState::OBJECT_IN_USE, "session user cannot be dropped"));
        }
        if roles.is_superuser(oid) {
            self.require_superuser("must be superuser to drop superusers")?;
        }
        if roles.is_predefined(oid) {
            let message = format!("cannot drop role {name} because it is required by the database system");
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message));
        }
        Ok(Some(oid))
    }

    fn comment_on_role(&mut self, name: &str, text: Option<String>) -> Result<()> {
        let roles = self.context().roles();
        let Some(oid) = roles.named(name) else { return Err(no_role(name)) };
        let Some(role) = roles.get(oid) else { return Err(no_role(name)) };
        if role.superuser {
            self.require_superuser(format!("must be owner of role {name}"))?;
        } else if !self.can_create_roles() {
            return Err(denied(format!("must have CREATEROLE privilege to comment on roles named \"{name}\"")));
        }
        if roles.is_predefined(oid) && oid != Oid::BOOTSTRAP_SUPERUSER {
            return Err(Error::unsupported("COMMENT ON a predefined role"));
        }
        self.change(ClusterChange::Role(oid, RoleFacts { comment: text, ..role }));
        Ok(())
    }

    fn change_memberships(
        &mut self,
        names: &[String],
        members: &[RoleSpec],
        (grants, admin): (bool, bool),
        grantor: Option<&RoleSpec>,
    ) -> Result<()> {
        let grantor = match grantor {
            Some(grantor) => self.role(grantor)?,
            None => self.context().role(),
        };
        let members = members.iter().map(|spec| self.role(spec)).collect::<Result<Vec<_>>>()?;
        for name in names {
            let role = self.context().roles().named(name).ok_or_else(|| no_role(name))?;
            match grants {
                true => self.add_members(role, &members, grantor, admin)?,
                false => self.remove_members(role, &members, grantor, admin)?,
            }
        }
        Ok(())
    }

    fn add_members(&mut self, role: Oid, members: &[Oid], grantor: Oid, admin: bool) -> Result<()> {
        if members.is_empty() {
            return Ok(());
        }
        self.check_may_change_members(role, grantor)?;
        let name = self.context().roles().name(role);
        if role == DATABASE_OWNER {
            let message = format!("role \"{name}\" cannot have explicit members");
            return Err(Error::new(SqlState::INTERNAL_ERROR, message));
        }
        if grantor != self.context().role() {
            self.require_superuser("must be superuser to set grantor")?;
        }
        for member in members {
            let roles = self.context().roles();
            let member_name = roles.name(*member);
            if *member == DATABASE_OWNER {
                let message = format!("role \"{member_name}\" cannot be a member of any role");
                return Err(Error::new(SqlState::INTERNAL_ERROR, message));
            }
            let owner = self.context().database_owner(&roles.facts);
            if roles.is_member_by_grant(role, *member, owner) {
                let message = format!("role \"{name}\" is a member of role \"{member_name}\"");
                return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, message));
            }
            let known = roles.memberships().find(|(of, by, _)| (*of, *by) == (role, *member));
            if known.is_some_and(|(.., more)| !admin || more.admin) {
                self.notice(format!("role \"{member_name}\" is already a member of role \"{name}\""));
                continue;
            }
            refuse_predefined(role, *member)?;
            self.change(ClusterChange::Member(role, *member, Some(Membership { grantor, admin })));
        }
        Ok(())
    }

    fn remove_members(&mut self, role: Oid, members: &[Oid], grantor: Oid, only_admin: bool) -> Result<()> {
        if members.is_empty() {
            return Ok(());
        }
        self.check_may_change_members(role, grantor)?;
        for member in members {
            let roles = self.context().roles();
            let known = roles.memberships().find(|(of, by, _)| (*of, *by) == (role, *member));
            let Some((.., more)) = known else {
                let message =
                    format!("role \"{}\" is not a member of role \"{}\"", roles.name(*member), roles.name(role));
                self.warn(SqlState::WARNING, message);
                continue;
            };
            refuse_predefined(role, *member)?;
            let left = only_admin.then_some(Membership { admin: false, ..more });
            self.change(ClusterChange::Member(role, *member, left));
        }
        Ok(())
    }

    fn check_may_change_members(&self, role: Oid, grantor: Oid) -> Result<()> {
        let roles = self.context().roles();
        if roles.is_superuser(role) {
            return self.require_superuser("must be superuser to alter superusers");
        }
        let owner = self.context().database_owner(&roles.facts);
        if !self.can_create_roles() && !roles.is_admin(grantor, role, owner) {
            return Err(denied(format!("must have admin option on role \"{}\"", roles.name(role))));
        }
        Ok(())
    }

    /// 42501
    pub(super) fn require_superuser(&self, message: impl Into<String>) -> Result<()> {
        if self.context().is_superuser() { Ok(()) } else { Err(denied(message)) }
    }

    /// have_createrole_privilege()
    pub(super) fn can_create_roles(&self) -> bool {
        let context = self.context();
        context.is_superuser() || context.roles().get(context.role()).is_some_and(|role| role.create_role)
    }

    /// The role's OID; 42704.
    pub(super) fn role(&self, spec: &RoleSpec) -> Result<Oid> {
        let context = self.context();
        let name = match &spec.role {
            RoleSpecType::CurrentRole | RoleSpecType::CurrentUser => return Ok(context.role()),
            RoleSpecType::SessionUser => return Ok(context.settings.identity().session),
            RoleSpecType::Public => return Err(no_role("public")),
            RoleSpecType::Name(name) => name,
        };
        context.roles().named(name).ok_or_else(|| no_role(name))
    }
}

const PREFIX_DETAIL: &str = "Role names starting with \"pg_\" are reserved.";

/// 42939 (IsReservedName)
pub(super) fn check_not_reserved(name: &str, detail: &str) -> Result<()> {
    if !name.starts_with("pg_") {
        return Ok(());
    }
    Err(Error::new(SqlState::RESERVED_NAME, format!("role name \"{name}\" is reserved")).with_detail(detail))
}

/// 0A000 for what the configuration says of its user, and what that must keep.
fn check_bootstrap(given: &Attributes) -> Result<()> {
    if given.password.is_some() {
        return Err(Error::unsupported("changing the password that the configuration says"));
    }
    if given.superuser == Some(false) || given.can_login == Some(false) {
        return Err(Error::unsupported("NOSUPERUSER and NOLOGIN for the role that the configuration names"));
    }
    Ok(())
}

/// The memberships that every server has stay.
fn refuse_predefined(role: Oid, member: Oid) -> Result<()> {
    match PREDEFINED_MEMBERSHIPS.contains(&(role, member)) {
        true => Err(Error::unsupported("changing a membership of a predefined role in another")),
        false => Ok(()),
    }
}

/// One that no role has, and with near certainty none ever had: lists of privileges in other databases may still name it.
fn new_role_oid(roles: &Roles) -> Oid {
    loop {
        let oid = Oid(0x4000_0000 | (rand::random::<u32>() & 0x3fff_ffff));
        if roles.get(oid).is_none() {
            return oid;
        }
    }
}

fn no_role(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist"))
}
