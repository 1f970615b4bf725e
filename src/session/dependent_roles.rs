//! Whether anything still depends on a role that is to be dropped.
//!
//! Must not know: roles' statements (`session::role`). Specification: checkSharedDependencies of pg_shdepend.c.

use crate::error::{Error, SqlState};
use crate::session::machine::{Outcome, StateMachine};
use crate::types::pg_type::Oid;

/// How many objects are named in a DETAIL.
const NAMED: usize = 100;

impl StateMachine {
    /// 2BP01 if something is the role's, or there are privileges that it has.
    pub(super) async fn check_nothing_depends_on(&mut self, role: Oid) -> Outcome<()> {
        let roles = self.context().roles();
        let mut found = Vec::new();
        for (name, database) in &roles.facts.databases {
            if database.owner == role {
                found.push(format!("owner of database {name}"));
            } else if database.acl.as_ref().is_some_and(|acl| acl.roles().any(|named| named == role)) {
                found.push(format!("privileges for database {name}"));
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        found.truncate(NAMED);
        let message = format!("role \"{}\" cannot be dropped because some objects depend on it", roles.name(role));
        Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message).with_detail(found.join("\n")).into())
    }
}
