//! CREATE, ALTER, DROP and COMMENT ON TRIGGER.
//!
//! Specification: sql-createtrigger.html, sql-altertrigger.html, sql-droptrigger.html.

use super::{Defined, Definer, ddl, relation_name};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{CreateTrigger, Ddl, Name};
use crate::sql::syntax::ast::routine::CreateTrigStmt;
use crate::sql::syntax::ast::statement::{DropBehavior, DropStmt, ObjectRef, RenameStmt};

impl Definer<'_> {
    pub(super) fn create_trigger(self, stmt: &CreateTrigStmt) -> Defined {
        let create = CreateTrigger { stmt: stmt.clone(), text: self.text.to_owned() };
        ddl(Ddl::CreateTrigger(Box::new(create)), "CREATE TRIGGER")
    }

    pub(super) fn rename_trigger(self, rename: &RenameStmt) -> Defined {
        let (Some(relation), Some(name)) = (&rename.relation, &rename.subname) else {
            return Err(Error::internal("a trigger without its table"));
        };
        let (table, to) = (relation_name(relation), rename.new_name.clone());
        ddl(Ddl::RenameTrigger { table, name: name.clone(), to }, "ALTER TRIGGER")
    }

    pub(super) fn drop_trigger(self, drop: &DropStmt) -> Defined {
        let cascade = drop.behavior == DropBehavior::Cascade;
        let [object] = drop.objects.as_slice() else { return Err(Error::internal("not one trigger to drop")) };
        let (table, name) = self.trigger_of(object)?;
        ddl(Ddl::DropTrigger { table, name, if_exists: drop.missing_ok, cascade }, "DROP TRIGGER")
    }

    /// A trigger and the relation it is on: [schema.]table.trigger.
    pub(super) fn trigger_of(self, object: &ObjectRef) -> Result<(Name, String)> {
        match object {
            ObjectRef::Name(name) => match name.as_slice() {
                [table @ .., trigger] if !table.is_empty() => Ok((self.name(table)?, trigger.clone())),
                _ => Err(Error::new(SqlState::SYNTAX_ERROR, "a trigger is named with its table")),
            },
            _ => Err(Error::internal("a trigger without a name")),
        }
    }
}
