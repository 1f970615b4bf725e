//! Roles and databases.
//!
//! Owns: RoleSpec, CREATE and ALTER of roles, users, groups, and of databases. Must not know: privileges.
//! Specification: gram.y.

use crate::error::{Result, SqlState};
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::statement::{
    AlterOwnerStmt, AlterRoleStmt, CreateRoleStmt, ObjectRef, ObjectType, RenameStmt, RoleSpec, RoleSpecType,
    RoleStmtType, Stmt,
};
use crate::sql::syntax::grammar::options::def_elem;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

/// Role options that are words without being keywords.
const ROLE_WORDS: &[(&str, &str, bool)] = &[
    ("superuser", "superuser", true),
    ("nosuperuser", "superuser", false),
    ("createrole", "createrole", true),
    ("nocreaterole", "createrole", false),
    ("replication", "isreplication", true),
    ("noreplication", "isreplication", false),
    ("createdb", "createdb", true),
    ("nocreatedb", "createdb", false),
    ("login", "canlogin", true),
    ("nologin", "canlogin", false),
    ("bypassrls", "bypassrls", true),
    ("nobypassrls", "bypassrls", false),
    ("noinherit", "inherit", false),
];

impl Parser<'_> {
    // ----- names of roles

    pub(super) fn role_spec(&mut self) -> Result<RoleSpec> {
        let location = self.location();
        let role = if self.eat(K::CurrentRole) {
            RoleSpecType::CurrentRole
        } else if self.eat(K::CurrentUser) {
            RoleSpecType::CurrentUser
        } else if self.eat(K::SessionUser) {
            RoleSpecType::SessionUser
        } else {
            match self.non_reserved_word()? {
                name if name == "public" => RoleSpecType::Public,
                name if name == "none" => {
                    return Err(self.error_at(location, SqlState::RESERVED_NAME, "role name \"none\" is reserved"));
                }
                name => RoleSpecType::Name(name),
            }
        };
        Ok(RoleSpec { role, location })
    }

    pub(super) fn role_list(&mut self) -> Result<Vec<RoleSpec>> {
        self.comma_list(Self::role_spec)
    }

    /// RoleId: a role that is named by its name.
    pub(super) fn role_id(&mut self) -> Result<String> {
        let spec = self.role_spec()?;
        self.role_id_of(spec)
    }

    fn role_id_of(&self, spec: RoleSpec) -> Result<String> {
        let message = match spec.role {
            RoleSpecType::Name(name) => return Ok(name),
            RoleSpecType::Public => "role name \"public\" is reserved",
            RoleSpecType::CurrentRole => "CURRENT_ROLE cannot be used as a role name here",
            RoleSpecType::CurrentUser => "CURRENT_USER cannot be used as a role name here",
            RoleSpecType::SessionUser => "SESSION_USER cannot be used as a role name here",
        };
        Err(self.error_at(spec.location, SqlState::RESERVED_NAME, message))
    }

    // ----- roles

    /// What follows CREATE ROLE, USER, GROUP.
    pub(super) fn create_role_stmt(&mut self, kind: RoleStmtType) -> Result<Stmt> {
        let role = self.role_id()?;
        self.eat(K::With);
        let mut options = Vec::new();
        while let Some(option) = self.opt_role_elem(true)? {
            options.push(option);
        }
        Ok(Stmt::CreateRole(CreateRoleStmt { kind, role, options }))
    }

    /// What follows ALTER ROLE, ALTER USER.
    pub(super) fn alter_role(&mut self) -> Result<Stmt> {
        if self.eat(K::All) {
            let database = self.opt_in_database()?;
            return Ok(Stmt::AlterRoleSet { role: None, database, set: self.set_reset_clause()? });
        }
        let role = self.role_spec()?;
        if self.at(K::Rename) {
            return self.rename_role(role);
        }
        if self.at_any(&[K::In, K::Set, K::Reset]) {
            let database = self.opt_in_database()?;
            return Ok(Stmt::AlterRoleSet { role: Some(role), database, set: self.set_reset_clause()? });
        }
        self.eat(K::With);
        let mut options = Vec::new();
        while let Some(option) = self.opt_role_elem(false)? {
            options.push(option);
        }
        Ok(Stmt::AlterRole(AlterRoleStmt { role, add: true, is_group: false, options }))
    }

    /// What follows ALTER GROUP.
    pub(super) fn alter_group(&mut self) -> Result<Stmt> {
        let role = self.role_spec()?;
        if self.at(K::Rename) {
            return self.rename_role(role);
        }
        let add = self.eat(K::Add);
        if !add {
            self.expect(K::Drop)?;
        }
        self.expect(K::User)?;
        let location = self.location();
        let options = vec![def_elem("rolemembers", Some(DefArg::Roles(self.role_list()?)), location)];
        Ok(Stmt::AlterRole(AlterRoleStmt { role, add, is_group: true, options }))
    }

    fn rename_role(&mut self, role: RoleSpec) -> Result<Stmt> {
        let subname = Some(self.role_id_of(role)?);
        self.expect_all(&[K::Rename, K::To])?;
        Ok(Stmt::Rename(Box::new(RenameStmt {
            object_type: ObjectType::Role,
            relation_type: None,
            relation: None,
            object: None,
            subname,
            new_name: self.role_id()?,
            behavior: Default::default(),
            missing_ok: false,
        })))
    }

    fn opt_in_database(&mut self) -> Result<Option<String>> {
        self.optional(K::In, |p| {
            p.expect(K::Database)?;
            p.col_id()
        })
    }

    /// CreateOptRoleElem or AlterOptRoleElem, if one comes next.
    fn opt_role_elem(&mut self, create: bool) -> Result<Option<DefElem>> {
        let location = self.location();
        if self.is_ident() {
            return self.role_word(location).map(Some);
        }
        let TokenKind::Keyword(keyword) = self.peek() else { return Ok(None) };
        let only_in_create = matches!(keyword, K::Sysid | K::Admin | K::Role | K::In);
        let in_both = [K::Password, K::Encrypted, K::Unencrypted, K::Inherit, K::Connection, K::Valid, K::User];
        if !(only_in_create && create || in_both.contains(&keyword)) {
            return Ok(None);
        }
        self.advance();
        let (name, arg) = match keyword {
            K::Password if self.eat(K::Null) => ("password", None),
            K::Password => ("password", Some(DefArg::String(self.sconst()?))),
            K::Encrypted => {
                self.expect(K::Password)?;
                ("password", Some(DefArg::String(self.sconst()?)))
            }
            K::Unencrypted => {
                self.expect(K::Password)?;
                self.sconst()?;
                let error = self.refused(location, "UNENCRYPTED PASSWORD is no longer supported");
                let hint = "Remove UNENCRYPTED to store the password in encrypted form instead.";
                return Err(error.with_hint(hint));
            }
            K::Inherit => ("inherit", Some(DefArg::Boolean(true))),
            K::Connection => {
                self.expect(K::Limit)?;
                ("connectionlimit", Some(DefArg::Integer(self.signed_iconst()?)))
            }
            K::Valid => {
                self.expect(K::Until)?;
                ("validUntil", Some(DefArg::String(self.sconst()?)))
            }
            K::User | K::Role => ("rolemembers", Some(DefArg::Roles(self.role_list()?))),
            K::Sysid => ("sysid", Some(DefArg::Integer(self.iconst()?))),
            K::Admin => ("adminmembers", Some(DefArg::Roles(self.role_list()?))),
            _ => {
                if !self.eat(K::Role) {
                    self.expect(K::Group)?;
                }
                ("addroleto", Some(DefArg::Roles(self.role_list()?)))
            }
        };
        Ok(Some(def_elem(name, arg, location)))
    }

    fn role_word(&mut self, location: Location) -> Result<DefElem> {
        let word = self.ident()?;
        match ROLE_WORDS.iter().find(|(known, ..)| *known == word) {
            Some((_, name, value)) => Ok(def_elem(*name, Some(DefArg::Boolean(*value)), location)),
            None => Err(self.syntax_error_at(location, format!("unrecognized role option \"{word}\""))),
        }
    }

    // ----- databases

    /// What follows CREATE DATABASE.
    pub(super) fn createdb_stmt(&mut self) -> Result<Stmt> {
        let name = self.col_id()?;
        self.eat(K::With);
        Ok(Stmt::Createdb { name, options: self.createdb_opt_list()? })
    }

    /// What follows ALTER DATABASE.
    pub(super) fn alter_database(&mut self) -> Result<Stmt> {
        let name = self.col_id()?;
        if self.at(K::Rename) {
            return self.rename_object(ObjectType::Database, ObjectRef::Name(vec![name]));
        }
        if self.eat_all(&[K::Owner, K::To]) {
            let (object_type, object) = (ObjectType::Database, ObjectRef::Name(vec![name]));
            let stmt = AlterOwnerStmt { object_type, object, new_owner: self.role_spec()? };
            return Ok(Stmt::AlterOwner(Box::new(stmt)));
        }
        if self.eat(K::Refresh) {
            self.expect_all(&[K::Collation, K::Version])?;
            return Ok(Stmt::AlterDatabaseRefreshColl { name });
        }
        // A parameter may be called tablespace.
        if self.at_all(&[K::Set, K::Tablespace]) && self.is_col_id(2) {
            self.expect_all(&[K::Set])?;
            let location = self.location();
            self.expect(K::Tablespace)?;
            let options = vec![def_elem("tablespace", Some(DefArg::String(self.col_id()?)), location)];
            return Ok(Stmt::AlterDatabase { name, options });
        }
        if self.at_any(&[K::Set, K::Reset]) {
            return Ok(Stmt::AlterDatabaseSet { name, set: self.set_reset_clause()? });
        }
        self.eat(K::With);
        Ok(Stmt::AlterDatabase { name, options: self.createdb_opt_list()? })
    }

    fn createdb_opt_list(&mut self) -> Result<Vec<DefElem>> {
        let mut options = Vec::new();
        loop {
            let location = self.location();
            let name = if self.is_ident() {
                self.ident()?
            } else if self.eat(K::Connection) {
                self.expect(K::Limit)?;
                "connection_limit".to_owned()
            } else if self.at_any(&[K::Encoding, K::Location, K::Owner, K::Tablespace, K::Template]) {
                self.col_id()?
            } else {
                return Ok(options);
            };
            self.eat_symbol(b'=');
            let arg = if self.eat(K::Default) {
                None
            } else if self.at_boolean_or_string() {
                Some(DefArg::String(self.opt_boolean_or_string()?))
            } else {
                Some(self.numeric_only()?)
            };
            options.push(def_elem(name, arg, location));
        }
    }
}
