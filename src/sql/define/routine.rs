//! Functions, procedures and languages: what is said of them besides CREATE FUNCTION.
//!
//! Specification: sql-alterfunction.html, sql-dropfunction.html, sql-createlanguage.html.

use super::{Defined, Definer, Definition, ddl};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{Ddl, RoutineChange};
use crate::sql::syntax::ast::definition::DefElem;
use crate::sql::syntax::ast::routine::{CreatePLangStmt, ObjectWithArgs};
use crate::sql::syntax::ast::statement::{DropBehavior, DropStmt, ObjectRef, ObjectType};

pub(super) fn altered_tag(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::Procedure => "ALTER PROCEDURE",
        ObjectType::Routine => "ALTER ROUTINE",
        ObjectType::Aggregate => "ALTER AGGREGATE",
        _ => "ALTER FUNCTION",
    }
}

/// RENAME TO, SET SCHEMA, OWNER TO.
pub(super) fn change_routine(kind: ObjectType, routine: &ObjectWithArgs, change: RoutineChange) -> Defined {
    match kind {
        ObjectType::Function | ObjectType::Procedure | ObjectType::Routine | ObjectType::Aggregate => {
            ddl(Ddl::ChangeRoutine { kind, routine: Box::new(routine.clone()), change }, altered_tag(kind))
        }
        _ => ddl(Ddl::ChangeOperator { operator: Box::new(routine.clone()), change }, "ALTER OPERATOR"),
    }
}

impl Definer<'_> {
    /// No option but SET is written twice.
    pub(super) fn check_once(self, options: &[DefElem]) -> Result<()> {
        for (index, option) in options.iter().enumerate() {
            let is_second = options.iter().take(index).any(|known| known.name == option.name);
            if is_second && option.name != "set" {
                return Err(self.syntax_error("conflicting or redundant options", option.location));
            }
        }
        Ok(())
    }
}

pub(super) fn drop_routines(drop: &DropStmt) -> Defined {
    let object = |object: &ObjectRef| match object {
        ObjectRef::Function(object) => Ok(object.clone()),
        _ => Err(Error::internal("a function without a name")),
    };
    let routines = drop.objects.iter().map(object).collect::<Result<_>>()?;
    let cascade = drop.behavior == DropBehavior::Cascade;
    let tag = match drop.object_type {
        ObjectType::Procedure => "DROP PROCEDURE",
        ObjectType::Routine => "DROP ROUTINE",
        ObjectType::Aggregate => "DROP AGGREGATE",
        _ => "DROP FUNCTION",
    };
    ddl(Ddl::DropRoutines { kind: drop.object_type, routines, if_exists: drop.missing_ok, cascade }, tag)
}

/// CREATE LANGUAGE: plpgsql is there already.
pub(super) fn create_language(create: &CreatePLangStmt) -> Defined {
    match (create.name.as_str(), create.replace) {
        ("plpgsql", true) => Ok((Definition::Accepted, "CREATE LANGUAGE")),
        ("plpgsql", false) => Err(Error::new(SqlState::DUPLICATE_OBJECT, "extension \"plpgsql\" already exists")),
        _ => Err(Error::unsupported(format!("the language {}", create.name))),
    }
}
