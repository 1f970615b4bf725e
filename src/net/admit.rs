//! Whether a role that has proved who it is gets a session: LOGIN, and the right to connect to the database.
//!
//! Must not know: how it has proved that (`net::auth`), how many sessions there may be (`session::greeting`).
//! Specification: InitializeSessionUserId of miscinit.c, CheckMyDatabase of postinit.c.

use crate::catalog::acl::{Holder, Privileges};
use crate::catalog::roles::Roles;
use crate::engine::identity::base_name;
use crate::error::{Error, Result, SqlState};
use crate::types::pg_type::Oid;

/// The role, if it may log in: 28000.
pub fn may_log_in(roles: &Roles, user: &str) -> Result<Oid> {
    let refused = |what| {
        let message = format!("role \"{user}\" {what}");
        Error::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message)
    };
    let oid = roles.named(user).ok_or_else(|| refused("does not exist"))?;
    match oid == Oid::BOOTSTRAP_SUPERUSER || roles.get(oid).is_some_and(|role| role.can_login) {
        true => Ok(oid),
        false => Err(refused("is not permitted to log in")),
    }
}

/// 42501 without the privilege CONNECT; a version of a database is entered like the database.
pub fn may_enter(roles: &Roles, role: Oid, database: &str) -> Result<()> {
    let facts = roles.facts.database(base_name(&roles.facts, database));
    let holder = Holder::new(roles, role, facts.owner);
    let connect = Privileges::CONNECT;
    if holder.superuser || facts.privileges().mask(&holder, facts.owner, connect) == connect {
        return Ok(());
    }
    let message = format!("permission denied for database \"{database}\"");
    Err(Error::fatal(SqlState::INSUFFICIENT_PRIVILEGE, message).with_detail("User does not have CONNECT privilege."))
}
