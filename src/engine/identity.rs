//! As whom a session acts, and what that role may do: SET ROLE, SET SESSION AUTHORIZATION, variables that only superusers
//! set.
//!
//! Must not know: statements (`session`), objects' privileges (`engine::privileges`). Specification: sql-set-role.html,
//! sql-set-session-authorization.html; variable.c, miscinit.c, superuser.c.

use std::sync::Arc;

use crate::catalog::acl::Holder;
use crate::catalog::cluster::ClusterFacts;
use crate::catalog::policy::SecurityContext;
use crate::catalog::roles::Roles;
use crate::catalog::schema::CatalogSnapshot;
use crate::engine::context::SessionContext;
use crate::engine::databases::version_of;
use crate::error::{Error, Result, SqlState};
use crate::settings::session::find;
use crate::settings::variable::Context;
use crate::types::pg_type::Oid;

/// What was found out of the current role, for as long as nobody's roles change.
#[derive(Debug)]
pub struct KnownHolder {
    facts: Arc<ClusterFacts>,
    holder: Arc<Holder>,
}

impl SessionContext {
    /// All roles, as the open transaction has changed them.
    pub fn roles(&self) -> Roles {
        Roles::new(self.cluster_facts(), Arc::clone(&self.superuser_name))
    }

    /// current_user
    pub fn role(&self) -> Oid {
        self.settings.identity().current
    }

    /// Whether the current role may do everything: at once for the one that most servers have.
    pub fn is_superuser(&self) -> bool {
        let role = self.role();
        role == Oid::BOOTSTRAP_SUPERUSER || self.roles().is_superuser(role)
    }

    /// Who owns the database.
    pub fn database_owner(&self, facts: &ClusterFacts) -> Oid {
        facts.database(base_name(facts, &self.database)).owner
    }

    /// The current role with what counts for its privileges.
    pub fn holder(&mut self) -> Arc<Holder> {
        let (role, facts) = (self.role(), self.cluster_facts());
        if let Some(known) = &self.known_holder
            && known.holder.role == role
            && Arc::ptr_eq(&known.facts, &facts)
        {
            return Arc::clone(&known.holder);
        }
        let owner = self.database_owner(&facts);
        let roles = Roles::new(Arc::clone(&facts), Arc::clone(&self.superuser_name));
        let holder = Arc::new(Holder::new(&roles, role, owner));
        self.known_holder = Some(KnownHolder { facts, holder: Arc::clone(&holder) });
        holder
    }

    /// For whom statements are planned; none where no table has row security.
    pub fn security(&self, catalog: &CatalogSnapshot) -> Option<SecurityContext> {
        if !catalog.has_row_security() {
            return None;
        }
        let roles = self.roles();
        let owner = self.database_owner(&roles.facts);
        let row_security = self.settings.current("row_security").is_none_or(|value| value != "off");
        Some(SecurityContext { roles, role: self.role(), owner, row_security })
    }

    /// Whether the current role has the privileges of another.
    pub fn has_privileges_of(&mut self, role: Oid) -> bool {
        self.role() == Oid::BOOTSTRAP_SUPERUSER || self.holder().has_privileges_of(role)
    }

    /// SET [LOCAL] name = value; `None` is DEFAULT. Gives the new value as SHOW prints it.
    pub fn set_variable(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<String> {
        match find(name) {
            Some(variable) if variable.name == "role" => self.set_role(value, local)?,
            Some(variable) if variable.name == "session_authorization" => {
                self.set_session_authorization(value, local)?;
            }
            Some(variable) if variable.context == Context::Superuser && !self.is_superuser() => {
                return Err(denied(format!("permission denied to set parameter \"{name}\"")));
            }
            _ => return self.settings.set(name, value, local),
        }
        self.settings.show(name)
    }

    /// RESET name.
    pub fn reset_variable(&mut self, name: &str) -> Result<()> {
        match find(name) {
            Some(_) => self.set_variable(name, None, false).map(drop),
            None => self.settings.reset(name),
        }
    }

    /// Goes on as that role, for a function that is SECURITY DEFINER.
    pub fn act_as(&mut self, role: Oid) {
        let roles = self.roles();
        let name = roles.name(role);
        self.settings.set_role(Some((role, name.as_str())), roles.is_superuser(role), true);
    }

    fn set_role(&mut self, name: Option<&str>, local: bool) -> Result<()> {
        let (roles, session) = (self.roles(), self.settings.identity().session);
        let Some(name) = name.filter(|name| *name != "none") else {
            self.settings.set_role(None, roles.is_superuser(session), local);
            return Ok(());
        };
        let role = self.role_to_become(&roles, name)?;
        self.settings.set_role(Some((role, name)), roles.is_superuser(role), local);
        Ok(())
    }

    /// The role of that name, if the session may SET ROLE to it.
    fn role_to_become(&self, roles: &Roles, name: &str) -> Result<Oid> {
        let role = roles.named(name).ok_or_else(|| no_role(name))?;
        let (session, owner) = (self.settings.identity().session, self.database_owner(&roles.facts));
        match roles.is_member(session, role, owner) {
            true => Ok(role),
            false => Err(denied(format!("permission denied to set role \"{name}\""))),
        }
    }

    fn set_session_authorization(&mut self, name: Option<&str>, local: bool) -> Result<()> {
        let roles = self.roles();
        let Some(name) = name else {
            self.settings.set_session_authorization(None, roles.is_superuser(self.authenticated), local);
            return Ok(());
        };
        let role = roles.named(name).ok_or_else(|| no_role(name))?;
        if role != self.authenticated && !self.authenticated_superuser {
            return Err(denied("permission denied to set session authorization"));
        }
        self.settings.set_session_authorization(Some((role, name)), roles.is_superuser(role), local);
        Ok(())
    }

    /// A setting that the session begins with; its value was checked when it was made, but roles come and go.
    pub fn begin_with(&mut self, name: &str, value: &str, source: &'static str) -> Result<()> {
        match find(name) {
            Some(variable) if variable.name == "role" => {
                let (roles, session) = (self.roles(), self.settings.identity().session);
                let role = match value {
                    "none" => None,
                    name => Some((self.role_to_become(&roles, name)?, name)),
                };
                let current = role.map_or(session, |(role, _)| role);
                self.settings.begin_with_role(role, roles.is_superuser(current), source);
                Ok(())
            }
            Some(variable) if variable.name == "session_authorization" => {
                Err(denied(format!("permission denied to set parameter \"{name}\"")))
            }
            _ => self.settings.start_with(name, value, source),
        }
    }
}

/// The database itself, where a session is connected to one of its versions.
pub fn base_name<'n>(facts: &ClusterFacts, name: &'n str) -> &'n str {
    match version_of(name) {
        Some((database, _)) if !facts.mentions(name) => database,
        _ => name,
    }
}

fn no_role(name: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("role \"{name}\" does not exist"))
}

/// 42501
pub fn denied(message: impl Into<String>) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message.into())
}
