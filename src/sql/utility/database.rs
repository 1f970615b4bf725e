//! CREATE, ALTER and DROP DATABASE, COMMENT ON DATABASE; CREATE, ALTER and DROP ROLE.
//!
//! Owns: [`database`]. Must not know: what the statements mean (`session::database`). Specification:
//! sql-createdatabase.html and its kin, gram.y's CreatedbStmt, AlterDatabaseStmt, AlterRoleStmt.

use crate::error::{Error, Result};
use crate::sql::database::{DatabaseCommand, DefElem, DefValue, RoleSpec, SettingChange};
use crate::sql::syntax::ast::definition as ast;
use crate::sql::syntax::ast::statement::{
    AlterOwnerStmt, CommentStmt, ObjectRef, ObjectType, RenameStmt, RoleSpec as AstRole, RoleSpecType, Stmt,
    VariableSetKind,
};
use crate::sql::syntax::token_value::TokenValue;
use crate::sql::utility::{Utility, variable};

/// What a statement about databases or roles asks for; `None` for any other.
pub(super) fn database<'s>(stmt: &Stmt, text: &str) -> Option<Result<Utility<'s>>> {
    let command = command(stmt, text)?;
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
        Stmt::CreateRole(create) => (DatabaseCommand::CreateRole { name: create.role.clone() }, "CREATE ROLE"),
        Stmt::AlterRole(alter) => {
            let options = alter.options.iter().map(|option| attribute(option, text)).collect();
            (DatabaseCommand::AlterRole { role: role(&alter.role), options }, "ALTER ROLE")
        }
        Stmt::AlterRoleSet { role: given, database, set } => {
            let (database, role) = (database.clone(), given.as_ref().map(role));
            let command = |change| (DatabaseCommand::Set { database, role, change }, "ALTER ROLE");
            return Some(change(&set.kind).map(command));
        }
        Stmt::DropRole { roles, missing_ok } => {
            let roles = roles.iter().map(role).collect();
            (DatabaseCommand::DropRole { roles, if_exists: *missing_ok }, "DROP ROLE")
        }
        _ => return None,
    }))
}

fn renamed(rename: &RenameStmt) -> Option<(DatabaseCommand, &'static str)> {
    let name = rename.object.as_ref().and_then(simple_name);
    match rename.object_type {
        ObjectType::Database => {
            Some((DatabaseCommand::Rename { name: name?, to: rename.new_name.clone() }, "ALTER DATABASE"))
        }
        ObjectType::Role => {
            let renaming = DefElem { name: "rename".to_owned(), value: DefValue::Default, position: 0 };
            let role = RoleSpec::Named(name?);
            Some((DatabaseCommand::AlterRole { role, options: vec![renaming] }, "ALTER ROLE"))
        }
        _ => None,
    }
}

fn owned(alter: &AlterOwnerStmt) -> Option<(DatabaseCommand, &'static str)> {
    if alter.object_type != ObjectType::Database {
        return None;
    }
    let name = simple_name(&alter.object)?;
    Some((DatabaseCommand::Owner { name, owner: role(&alter.new_owner) }, "ALTER DATABASE"))
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

fn role(role: &AstRole) -> RoleSpec {
    match &role.role {
        RoleSpecType::Name(name) => RoleSpec::Named(name.clone()),
        RoleSpecType::Public => RoleSpec::Named("public".to_owned()),
        RoleSpecType::CurrentRole | RoleSpecType::CurrentUser | RoleSpecType::SessionUser => RoleSpec::Current,
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

/// A role's attribute by the words that it is written with.
fn attribute(option: &ast::DefElem, text: &str) -> DefElem {
    let word = match option.name.as_str() {
        "canlogin" => "login",
        "isreplication" => "replication",
        "connectionlimit" => "connection limit",
        "validUntil" => "valid until",
        name => name,
    };
    match &option.arg {
        Some(ast::DefArg::Boolean(on)) => {
            let name = if *on { word.to_owned() } else { format!("no{word}") };
            DefElem { value: DefValue::Default, ..element(name, option, text) }
        }
        _ => element(word.to_owned(), option, text),
    }
}
