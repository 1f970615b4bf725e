//! CREATE, ALTER and DROP ROLE, GRANT and REVOKE of roles, COMMENT ON ROLE.
//!
//! Owns: [`role`]. Must not know: what the statements mean (`session::role`). Specification: gram.y's CreateRoleStmt,
//! AlterRoleStmt, GrantRoleStmt; the checks of options in user.c.

use crate::error::{Error, Result, SqlState};
use crate::sql::role::{Attributes, RoleCommand};
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::statement::{
    AlterRoleStmt, CommentStmt, CreateRoleStmt, GrantRoleStmt, ObjectRef, ObjectType, RenameStmt, RoleStmtType, Stmt,
};
use crate::sql::syntax::token_value::TokenValue;

/// What a statement about roles asks for, and its tag; `None` for any other.
pub(super) fn role(stmt: &Stmt, text: &str) -> Option<Result<(RoleCommand, &'static str)>> {
    Some(match stmt {
        Stmt::CreateRole(create) => created(create, text).map(|command| (command, "CREATE ROLE")),
        Stmt::AlterRole(alter) => altered(alter, text).map(|command| (command, "ALTER ROLE")),
        Stmt::DropRole { roles, missing_ok } => {
            Ok((RoleCommand::Drop { roles: roles.clone(), if_exists: *missing_ok }, "DROP ROLE"))
        }
        Stmt::GrantRole(grant) => {
            let tag = if grant.is_grant { "GRANT ROLE" } else { "REVOKE ROLE" };
            membership(grant).map(|command| (command, tag))
        }
        Stmt::Rename(rename) => return renamed(rename).map(|command| Ok((command, "ALTER ROLE"))),
        Stmt::Comment(comment) => return commented(comment).map(|command| Ok((command, "COMMENT"))),
        _ => return None,
    })
}

fn created(create: &CreateRoleStmt, text: &str) -> Result<RoleCommand> {
    let with_login = create.kind == RoleStmtType::User;
    Ok(RoleCommand::Create { name: create.role.clone(), attributes: attributes(&create.options, text)?, with_login })
}

fn altered(alter: &AlterRoleStmt, text: &str) -> Result<RoleCommand> {
    let role = alter.role.clone();
    let attributes = attributes(&alter.options, text)?;
    Ok(match alter.is_group {
        true => RoleCommand::AlterGroup { role, adds: alter.add, members: attributes.members },
        false => RoleCommand::Alter { role, attributes },
    })
}

fn renamed(rename: &RenameStmt) -> Option<RoleCommand> {
    if rename.object_type != ObjectType::Role {
        return None;
    }
    Some(RoleCommand::Rename { name: rename.subname.clone()?, to: rename.new_name.clone() })
}

fn commented(comment: &CommentStmt) -> Option<RoleCommand> {
    if comment.object_type != ObjectType::Role {
        return None;
    }
    let ObjectRef::Name(name) = &comment.object else { return None };
    let text = comment.comment.clone().filter(|text| !text.is_empty());
    Some(RoleCommand::Comment { name: name.last()?.clone(), text })
}

fn membership(grant: &GrantRoleStmt) -> Result<RoleCommand> {
    let role = |privilege: &crate::sql::syntax::ast::statement::AccessPriv| match &privilege.name {
        Some(name) if privilege.columns.is_empty() => Ok(name.clone()),
        _ => {
            let message = "column names cannot be included in GRANT/REVOKE ROLE";
            Err(Error::new(SqlState::INVALID_GRANT_OPERATION, message))
        }
    };
    Ok(RoleCommand::Membership {
        roles: grant.granted_roles.iter().map(role).collect::<Result<_>>()?,
        members: grant.grantee_roles.clone(),
        grants: grant.is_grant,
        admin: grant.admin_option,
        grantor: grant.grantor.clone(),
    })
}

/// The options, none of which may be given twice.
fn attributes(options: &[DefElem], text: &str) -> Result<Attributes> {
    let mut read = Attributes::default();
    for (at, option) in options.iter().enumerate() {
        if options.iter().take(at).any(|earlier| earlier.name == option.name) {
            let error = Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options");
            return Err(match option.location.byte() {
                Some(byte) => error.with_position(TokenValue { text }.position(byte)),
                None => error,
            });
        }
        attribute(&mut read, option)?;
    }
    Ok(read)
}

fn attribute(read: &mut Attributes, option: &DefElem) -> Result<()> {
    match (option.name.as_str(), &option.arg) {
        ("superuser", Some(DefArg::Boolean(value))) => read.superuser = Some(*value),
        ("inherit", Some(DefArg::Boolean(value))) => read.inherit = Some(*value),
        ("createrole", Some(DefArg::Boolean(value))) => read.create_role = Some(*value),
        ("createdb", Some(DefArg::Boolean(value))) => read.create_db = Some(*value),
        ("canlogin", Some(DefArg::Boolean(value))) => read.can_login = Some(*value),
        ("isreplication", Some(DefArg::Boolean(value))) => read.replication = Some(*value),
        ("bypassrls", Some(DefArg::Boolean(value))) => read.bypass_rls = Some(*value),
        ("connectionlimit", Some(DefArg::Integer(limit))) => {
            if i64::from(*limit) < -1 {
                let message = format!("invalid connection limit: {limit}");
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
            read.connection_limit = Some(*limit);
        }
        ("password", None) => read.password = Some(None),
        ("password", Some(DefArg::String(password))) => read.password = Some(Some(password.clone())),
        ("validUntil", Some(DefArg::String(time))) => read.valid_until = Some(time.clone()),
        ("sysid", _) => read.sysid = true,
        ("addroleto", Some(DefArg::Roles(roles))) => read.member_of = roles.clone(),
        ("rolemembers", Some(DefArg::Roles(roles))) => read.members = roles.clone(),
        ("adminmembers", Some(DefArg::Roles(roles))) => read.admins = roles.clone(),
        _ => return Err(Error::unsupported(format!("the role option {}", option.name))),
    }
    Ok(())
}
