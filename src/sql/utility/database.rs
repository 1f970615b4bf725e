//! CREATE, ALTER and DROP DATABASE, COMMENT ON DATABASE; ALTER ROLE … SET.
//!
//! Owns: [`database`]. Must not know: what the statements mean (`session::database`). Specification:
//! sql-createdatabase.html and its kin, gram.y's CreatedbStmt, AlterDatabaseStmt, AlterRoleSetStmt.

use crate::error::{Error, Result};
use crate::sql::database::{DatabaseCommand, DefElem, DefValue, SettingChange};
use crate::sql::syntax::ast::definition as ast;
use crate::sql::syntax::ast::statement::{
    AlterOwnerStmt, CommentStmt, ObjectRef, ObjectType, RenameStmt, Stmt, VariableSetKind,
};
use crate::sql::syntax::token_value::TokenValue;
use crate::sql::utility::{Utility, role, variable};

/// What a statement about databases or roles asks for; `None` for any other.
pub(super) fn database<'s>(stmt: &Stmt, text: &str) -> Option<Result<Utility<'s>>> {
    let of_role = || role::role(stmt, text).map(|r| r.map(|(command, tag)| (DatabaseCommand::Role(command), tag)));
    let command = command(stmt, text).or_else(of_role)?;
    Some(command.map(|(command, tag)| Utility::Database(command, tag)))
}

fn command(stmt: &Stmt, text: &str) -> Option<Result<(DatabaseCommand, &'static str)>> {
    Some(Ok(match stmt {
        Stmt::Createdb { name, options } => {
            (DatabaseCommand::Create { name: name.clone(), options: elements(options, text) }, "CREATE DATABASE")
        }
        Stmt::AlterDatabase { name, options } => {
            (DatabaseCommand::Alter { name: name.clone(), options: elements(options, text) }, "ALTER DATABASE")
        }
        Stmt::AlterDatabaseRefreshColl { name } => {
            (DatabaseCommand::RefreshCollation { name: name.clone() }, "ALTER DATABASE")
        }
        Stmt::AlterDatabaseSet { name, set } => {
            return Some(change(&set.kind).map(|change| {
                (DatabaseCommand::Set { database: Some(name.clone()), role: None, change }, "ALTER DATABASE")
            }));
        }
        Stmt::Dropdb { name, missing_ok, options } => {
            // FORCE is the one option that the grammar knows.
            let force = !options.is_empty();
            (DatabaseCommand::Drop { name: name.clone(), if_exists: *missing_ok, force }, "DROP DATABASE")
        }
        Stmt::Rename(rename) => renamed(rename)?,
        Stmt::AlterOwner(alter) => owned(alter)?,
        Stmt::Comment(comment) => commented(comment)?,
        Stmt::AlterRoleSet { role, database, set } => {
            let (database, role) = (database.clone(), role.clone());
            let command = |change| (DatabaseCommand::Set { database, role, change }, "ALTER ROLE");
            return Some(change(&set.kind).map(command));
        }
        _ => return None,
    }))
}

fn renamed(rename: &RenameStmt) -> Option<(DatabaseCommand, &'static str)> {
    if rename.object_type != ObjectType::Database {
        return None;
    }
    let name = rename.object.as_ref().and_then(simple_name)?;
    Some((DatabaseCommand::Rename { name, to: rename.new_name.clone() }, "ALTER DATABASE"))
}

fn owned(alter: &AlterOwnerStmt) -> Option<(DatabaseCommand, &'static str)> {
    if alter.object_type != ObjectType::Database {
        return None;
    }
    let name = simple_name(&alter.object)?;
    Some((DatabaseCommand::Owner { name, owner: alter.new_owner.clone() }, "ALTER DATABASE"))
}

fn commented(comment: &CommentStmt) -> Option<(DatabaseCommand, &'static str)> {
    if comment.object_type != ObjectType::Database {
        return None;
    }
    let text = comment.comment.clone().filter(|text| !text.is_empty());
    Some((DatabaseCommand::Comment { name: simple_name(&comment.object)?, text }, "COMMENT"))
}

/// The name of what has no schema.
fn simple_name(object: &ObjectRef) -> Option<String> {
    match object {
        ObjectRef::Name(name) => name.last().cloned(),
        _ => None,
    }
}

/// SET and RESET.
fn change(kind: &VariableSetKind) -> Result<SettingChange> {
    Ok(match kind {
        VariableSetKind::Value { name, args } => {
            SettingChange::Set(name.clone(), Some(variable::flattened(name, args)?))
        }
        VariableSetKind::Default { name } => SettingChange::Set(name.clone(), None),
        VariableSetKind::Current { name } => SettingChange::FromCurrent(name.clone()),
        VariableSetKind::Reset { name } => SettingChange::Reset(name.clone()),
        VariableSetKind::ResetAll => SettingChange::ResetAll,
        VariableSetKind::Modes { .. } | VariableSetKind::Snapshot(_) => {
            return Err(Error::unsupported("ALTER … SET TRANSACTION"));
        }
    })
}

fn elements(options: &[ast::DefElem], text: &str) -> Vec<DefElem> {
    options.iter().map(|option| element(option.name.clone(), option, text)).collect()
}

fn element(name: String, option: &ast::DefElem, text: &str) -> DefElem {
    let value = match &option.arg {
        Some(ast::DefArg::Integer(number)) => DefValue::Number(number.to_string()),
        Some(ast::DefArg::Float(number)) => DefValue::Number(number.clone()),
        Some(ast::DefArg::String(text)) => DefValue::Text(text.clone()),
        Some(ast::DefArg::Boolean(on)) => DefValue::Text(on.to_string()),
        _ => DefValue::Default,
    };
    let position = option.location.byte().map_or(0, |byte| TokenValue { text }.position(byte));
    DefElem { name, value, position }
}
