//! CREATE, ALTER, DROP and COMMENT ON POLICY.
//!
//! Specification: sql-createpolicy.html, sql-alterpolicy.html, sql-droppolicy.html.

use super::{Defined, Definer, ddl, relation_name};
use crate::error::Error;
use crate::sql::ddl::{Ddl, PolicyStatement};
use crate::sql::syntax::ast::definition::{AlterPolicyStmt, CreatePolicyStmt};
use crate::sql::syntax::ast::statement::{DropStmt, RenameStmt};

impl Definer<'_> {
    pub(super) fn create_policy(self, stmt: &CreatePolicyStmt) -> Defined {
        let create = PolicyStatement::Create(Box::new(stmt.clone()));
        ddl(Ddl::Policy(relation_name(&stmt.table), create), "CREATE POLICY")
    }

    pub(super) fn alter_policy(self, stmt: &AlterPolicyStmt) -> Defined {
        let alter = PolicyStatement::Alter(Box::new(stmt.clone()));
        ddl(Ddl::Policy(relation_name(&stmt.table), alter), "ALTER POLICY")
    }

    pub(super) fn rename_policy(self, rename: &RenameStmt) -> Defined {
        let (Some(relation), Some(name)) = (&rename.relation, &rename.subname) else {
            return Err(Error::internal("a policy without its table"));
        };
        let (name, to, if_exists) = (name.clone(), rename.new_name.clone(), rename.missing_ok);
        ddl(Ddl::Policy(relation_name(relation), PolicyStatement::Rename { name, to, if_exists }), "ALTER POLICY")
    }

    pub(super) fn drop_policy(self, drop: &DropStmt) -> Defined {
        let [object] = drop.objects.as_slice() else { return Err(Error::internal("not one policy to drop")) };
        let (table, name) = self.trigger_of(object)?;
        ddl(Ddl::Policy(table, PolicyStatement::Drop { name, if_exists: drop.missing_ok }), "DROP POLICY")
    }
}
