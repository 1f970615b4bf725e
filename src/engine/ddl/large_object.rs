//! ALTER LARGE OBJECT, and what COMMENT ON LARGE OBJECT is about.

use super::Change;
use crate::engine::large_objects;
use crate::error::{Error, Result, SqlState};
use crate::sql::syntax::ast::statement::RoleSpec;
use crate::types::pg_type::Oid;

/// pg_description.classoid of large objects.
pub(super) const PG_LARGEOBJECT: Oid = Oid(2613);

impl Change<'_> {
    /// The object of that number, which must be there and the role's.
    pub(super) fn large_object(&self, number: &str) -> Result<Oid> {
        let oid = Oid(number.parse().unwrap_or(0));
        let owner = large_objects::owner(self.connection, oid)?.ok_or_else(|| large_objects::missing(oid))?;
        let holder = self.holder();
        match holder.superuser || holder.has_privileges_of(owner) {
            true => Ok(oid),
            false => {
                let message = format!("must be owner of large object {}", oid.0);
                Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
            }
        }
    }

    pub(super) fn change_large_object_owner(&mut self, number: &str, owner: &RoleSpec) -> Result<()> {
        let oid = self.large_object(number)?;
        let owner = self.role(owner)?;
        large_objects::set_owner(self.connection, oid, owner)
    }
}
