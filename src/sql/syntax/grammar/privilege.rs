//! Privileges: GRANT, REVOKE, ALTER DEFAULT PRIVILEGES.
//!
//! Owns: GrantStmt, RevokeStmt, GrantRoleStmt, RevokeRoleStmt, AlterDefaultPrivilegesStmt. Must not know: which
//! privileges there are. Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::definition::DefArg;
use crate::sql::syntax::ast::statement::{
    AccessPriv, AlterDefaultPrivilegesStmt, DropBehavior, GrantObject, GrantRoleStmt, GrantStmt, GrantTarget,
    ObjectType, RoleSpec, Stmt,
};
use crate::sql::syntax::grammar::options::def_elem;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

/// What a GRANT or REVOKE is about.
struct Target {
    target: GrantTarget,
    object_type: ObjectType,
    objects: Vec<GrantObject>,
}

impl Parser<'_> {
    pub(super) fn grant_statement(&mut self) -> Result<Stmt> {
        self.grant(true)
    }

    /// GRANT … ON alone, as an element of CREATE SCHEMA.
    pub(super) fn grant_on(&mut self) -> Result<Stmt> {
        self.grant(false)
    }

    fn grant(&mut self, of_roles: bool) -> Result<Stmt> {
        self.expect(K::Grant)?;
        let is_all = self.at(K::All);
        let privileges = self.privileges()?;
        if of_roles && !is_all && self.eat(K::To) {
            let grantee_roles = self.role_list()?;
            let admin_option = self.eat(K::With);
            if admin_option {
                self.expect_all(&[K::Admin, K::Option])?;
            }
            return Ok(Stmt::GrantRole(GrantRoleStmt {
                granted_roles: privileges,
                grantee_roles,
                is_grant: true,
                admin_option,
                grantor: self.opt_granted_by()?,
                behavior: DropBehavior::Restrict,
            }));
        }
        self.expect(K::On)?;
        let target = self.privilege_target()?;
        let mut stmt = self.grant_stmt(true, privileges, target)?;
        stmt.grant_option = self.opt_grant_grant_option()?;
        stmt.grantor = self.opt_granted_by()?;
        Ok(Stmt::Grant(Box::new(stmt)))
    }

    pub(super) fn revoke_statement(&mut self) -> Result<Stmt> {
        self.expect(K::Revoke)?;
        let grant_option = self.grant_option_for()?;
        // A role may be called admin.
        let admin_option = !grant_option && self.at_all(&[K::Admin, K::Option]);
        if admin_option {
            self.expect_all(&[K::Admin, K::Option, K::For])?;
        }
        let is_all = self.at(K::All) && !admin_option;
        let privileges = if admin_option { self.comma_list(Self::privilege)? } else { self.privileges()? };
        if admin_option || !grant_option && !is_all && self.at(K::From) {
            self.expect(K::From)?;
            return Ok(Stmt::GrantRole(GrantRoleStmt {
                granted_roles: privileges,
                grantee_roles: self.role_list()?,
                is_grant: false,
                admin_option,
                grantor: self.opt_granted_by()?,
                behavior: self.opt_drop_behavior(),
            }));
        }
        self.expect(K::On)?;
        let target = self.privilege_target()?;
        let mut stmt = self.grant_stmt(false, privileges, target)?;
        stmt.grant_option = grant_option;
        stmt.grantor = self.opt_granted_by()?;
        stmt.behavior = self.opt_drop_behavior();
        Ok(Stmt::Grant(Box::new(stmt)))
    }

    /// GRANT OPTION FOR
    fn grant_option_for(&mut self) -> Result<bool> {
        let found = self.eat(K::Grant);
        if found {
            self.expect_all(&[K::Option, K::For])?;
        }
        Ok(found)
    }

    /// TO or FROM grantee_list, and all that is known before.
    fn grant_stmt(&mut self, is_grant: bool, privileges: Vec<AccessPriv>, target: Target) -> Result<GrantStmt> {
        self.expect(if is_grant { K::To } else { K::From })?;
        let grantees = self.comma_list(Self::grantee)?;
        let Target { target, object_type, objects } = target;
        Ok(GrantStmt {
            is_grant,
            target,
            object_type,
            objects,
            privileges,
            grantees,
            grant_option: false,
            grantor: None,
            behavior: DropBehavior::Restrict,
        })
    }

    fn grantee(&mut self) -> Result<RoleSpec> {
        self.eat(K::Group);
        self.role_spec()
    }

    fn opt_grant_grant_option(&mut self) -> Result<bool> {
        let found = self.eat(K::With);
        if found {
            self.expect_all(&[K::Grant, K::Option])?;
        }
        Ok(found)
    }

    fn opt_granted_by(&mut self) -> Result<Option<RoleSpec>> {
        self.optional(K::Granted, |p| {
            p.expect(K::By)?;
            p.role_spec()
        })
    }

    /// privileges; empty for ALL.
    fn privileges(&mut self) -> Result<Vec<AccessPriv>> {
        if !self.eat(K::All) {
            return self.comma_list(Self::privilege);
        }
        self.eat(K::Privileges);
        if !self.at_symbol(b'(') {
            return Ok(Vec::new());
        }
        Ok(vec![AccessPriv { name: None, columns: self.column_list()? }])
    }

    fn privilege(&mut self) -> Result<AccessPriv> {
        if self.eat(K::Alter) {
            self.expect(K::System)?;
            return Ok(AccessPriv { name: Some("alter system".to_owned()), columns: Vec::new() });
        }
        let name = match self.peek() {
            TokenKind::Keyword(keyword @ (K::Select | K::References | K::Create)) => {
                self.advance();
                keyword.word().to_owned()
            }
            _ => self.col_id()?,
        };
        Ok(AccessPriv { name: Some(name), columns: self.opt_column_list()? })
    }

    // ----- privilege_target

    fn privilege_target(&mut self) -> Result<Target> {
        if self.eat(K::All) {
            return self.all_in_schema();
        }
        let TokenKind::Keyword(keyword) = self.peek() else { return self.relations_target(ObjectType::Table) };
        match keyword {
            K::Table => {
                self.advance();
                self.relations_target(ObjectType::Table)
            }
            // The words are tables' names as well.
            _ if !self.is_non_reserved(1) && keyword != K::Foreign => self.relations_target(ObjectType::Table),
            K::Sequence => {
                self.advance();
                self.relations_target(ObjectType::Sequence)
            }
            K::Foreign => {
                self.advance();
                if self.eat(K::Server) {
                    return self.names_target(ObjectType::ForeignServer);
                }
                self.expect_all(&[K::Data, K::Wrapper])?;
                self.names_target(ObjectType::Fdw)
            }
            K::Database | K::Language | K::Schema | K::Tablespace => {
                self.advance();
                self.names_target(match keyword {
                    K::Database => ObjectType::Database,
                    K::Language => ObjectType::Language,
                    K::Schema => ObjectType::Schema,
                    _ => ObjectType::Tablespace,
                })
            }
            K::Domain | K::Type | K::Parameter => {
                self.advance();
                let object_type = match keyword {
                    K::Domain => ObjectType::Domain,
                    K::Type => ObjectType::Type,
                    _ => ObjectType::ParameterAcl,
                };
                let objects = self.comma_list(|p| p.any_name().map(GrantObject::Name))?;
                Ok(Target { target: GrantTarget::Object, object_type, objects })
            }
            K::Function | K::Procedure | K::Routine => {
                self.advance();
                let object_type = match keyword {
                    K::Function => ObjectType::Function,
                    K::Procedure => ObjectType::Procedure,
                    _ => ObjectType::Routine,
                };
                let objects = self.comma_list(|p| p.function_with_argtypes().map(GrantObject::Function))?;
                Ok(Target { target: GrantTarget::Object, object_type, objects })
            }
            K::Large if self.keyword_at(1, K::Object) => {
                self.expect_all(&[K::Large, K::Object])?;
                let objects = self.comma_list(|p| Ok(GrantObject::LargeObject(p.signed_number()?.1)))?;
                Ok(Target { target: GrantTarget::Object, object_type: ObjectType::LargeObject, objects })
            }
            _ => self.relations_target(ObjectType::Table),
        }
    }

    fn relations_target(&mut self, object_type: ObjectType) -> Result<Target> {
        let objects = self.comma_list(|p| p.qualified_name().map(GrantObject::Relation))?;
        Ok(Target { target: GrantTarget::Object, object_type, objects })
    }

    fn names_target(&mut self, object_type: ObjectType) -> Result<Target> {
        let objects = self.comma_list(|p| Ok(GrantObject::Name(vec![p.col_id()?])))?;
        Ok(Target { target: GrantTarget::Object, object_type, objects })
    }

    /// What follows ALL.
    fn all_in_schema(&mut self) -> Result<Target> {
        let object_type = match self.peek() {
            TokenKind::Keyword(K::Tables) => ObjectType::Table,
            TokenKind::Keyword(K::Sequences) => ObjectType::Sequence,
            TokenKind::Keyword(K::Functions) => ObjectType::Function,
            TokenKind::Keyword(K::Procedures) => ObjectType::Procedure,
            TokenKind::Keyword(K::Routines) => ObjectType::Routine,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        self.expect_all(&[K::In, K::Schema])?;
        Ok(Target { target: GrantTarget::AllInSchema, ..self.names_target(object_type)? })
    }

    // ----- ALTER DEFAULT PRIVILEGES

    /// What follows ALTER.
    pub(super) fn alter_default_privileges_stmt(&mut self) -> Result<Stmt> {
        self.expect_all(&[K::Default, K::Privileges])?;
        let mut options = Vec::new();
        loop {
            let location = self.location();
            if self.eat(K::In) {
                self.expect(K::Schema)?;
                let schemas = self.name_list()?.into_iter().map(|name| vec![name]).collect();
                options.push(def_elem("schemas", Some(DefArg::Names(schemas)), location));
            } else if self.eat(K::For) {
                if !self.eat(K::Role) {
                    self.expect(K::User)?;
                }
                options.push(def_elem("roles", Some(DefArg::Roles(self.role_list()?)), location));
            } else {
                break;
            }
        }
        let action = self.def_acl_action()?;
        Ok(Stmt::AlterDefaultPrivileges(Box::new(AlterDefaultPrivilegesStmt { options, action })))
    }

    fn def_acl_action(&mut self) -> Result<GrantStmt> {
        let is_grant = self.eat(K::Grant);
        let mut grant_option = false;
        if !is_grant {
            self.expect(K::Revoke)?;
            grant_option = self.grant_option_for()?;
        }
        let privileges = self.privileges()?;
        self.expect(K::On)?;
        let object_type = match self.peek() {
            TokenKind::Keyword(K::Tables) => ObjectType::Table,
            TokenKind::Keyword(K::Functions | K::Routines) => ObjectType::Function,
            TokenKind::Keyword(K::Sequences) => ObjectType::Sequence,
            TokenKind::Keyword(K::Types) => ObjectType::Type,
            TokenKind::Keyword(K::Schemas) => ObjectType::Schema,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        let target = Target { target: GrantTarget::Defaults, object_type, objects: Vec::new() };
        let mut stmt = self.grant_stmt(is_grant, privileges, target)?;
        if is_grant {
            stmt.grant_option = self.opt_grant_grant_option()?;
        } else {
            stmt.grant_option = grant_option;
            stmt.behavior = self.opt_drop_behavior();
        }
        Ok(stmt)
    }
}
