//! Roles and privileges.

use super::Printer;
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::statement::*;

impl Printer {
    pub(super) fn role(&mut self, role: &RoleSpec) {
        match &role.role {
            RoleSpecType::Name(name) => self.name(name),
            RoleSpecType::CurrentRole => self.put("CURRENT_ROLE"),
            RoleSpecType::CurrentUser => self.put("CURRENT_USER"),
            RoleSpecType::SessionUser => self.put("SESSION_USER"),
            RoleSpecType::Public => self.put("PUBLIC"),
        }
    }

    pub(super) fn roles(&mut self, roles: &[RoleSpec]) {
        self.list(roles, ", ", |p, role| p.role(role));
    }

    pub(super) fn create_role(&mut self, stmt: &CreateRoleStmt) {
        self.put(match stmt.kind {
            RoleStmtType::Role => "CREATE ROLE ",
            RoleStmtType::User => "CREATE USER ",
            RoleStmtType::Group => "CREATE GROUP ",
        });
        // A user may be called mapping.
        self.quoted(&stmt.role);
        self.role_options(&stmt.options);
    }

    pub(super) fn alter_role(&mut self, stmt: &AlterRoleStmt) {
        self.put(if stmt.is_group { "ALTER GROUP " } else { "ALTER ROLE " });
        self.role(&stmt.role);
        match stmt.options.as_slice() {
            [DefElem { arg: Some(DefArg::Roles(members)), .. }] if stmt.is_group => {
                self.put(if stmt.add { " ADD USER " } else { " DROP USER " });
                self.roles(members);
            }
            options => self.role_options(options),
        }
    }

    fn role_options(&mut self, options: &[DefElem]) {
        for option in options {
            self.put(" ");
            self.role_option(option);
        }
    }

    fn role_option(&mut self, option: &DefElem) {
        match (option.name.as_str(), &option.arg) {
            (name, Some(DefArg::Boolean(value))) => {
                self.word(!value, "NO");
                self.put(match name {
                    "superuser" => "SUPERUSER",
                    "createrole" => "CREATEROLE",
                    "isreplication" => "REPLICATION",
                    "createdb" => "CREATEDB",
                    "canlogin" => "LOGIN",
                    "bypassrls" => "BYPASSRLS",
                    "inherit" => "INHERIT",
                    _ => return self.unknown(),
                });
            }
            ("password", None) => self.put("PASSWORD NULL"),
            ("password", Some(DefArg::String(text))) => self.with_string("PASSWORD ", Some(text)),
            ("validUntil", Some(DefArg::String(text))) => self.with_string("VALID UNTIL ", Some(text)),
            ("connectionlimit", Some(DefArg::Integer(limit))) => self.put(&format!("CONNECTION LIMIT {limit}")),
            ("sysid", Some(DefArg::Integer(id))) => self.put(&format!("SYSID {id}")),
            (name, Some(DefArg::Roles(roles))) => {
                self.put(match name {
                    "rolemembers" => "USER ",
                    "adminmembers" => "ADMIN ",
                    "addroleto" => "IN ROLE ",
                    _ => return self.unknown(),
                });
                self.roles(roles);
            }
            _ => self.unknown(),
        }
    }

    // ----- GRANT and REVOKE

    pub(super) fn grant(&mut self, stmt: &GrantStmt) {
        self.put(match (stmt.is_grant, stmt.grant_option) {
            (true, _) => "GRANT ",
            (false, false) => "REVOKE ",
            (false, true) => "REVOKE GRANT OPTION FOR ",
        });
        match stmt.privileges.as_slice() {
            [] => self.put("ALL"),
            privileges => self.privileges(privileges),
        }
        self.put(" ON ");
        self.grant_target(stmt);
        self.put(if stmt.is_grant { " TO " } else { " FROM " });
        self.roles(&stmt.grantees);
        self.word(stmt.is_grant && stmt.grant_option, " WITH GRANT OPTION");
        self.granted_by(stmt.grantor.as_ref());
        self.cascade(stmt.behavior);
    }

    fn granted_by(&mut self, grantor: Option<&RoleSpec>) {
        if let Some(grantor) = grantor {
            self.put(" GRANTED BY ");
            self.role(grantor);
        }
    }

    fn privileges(&mut self, privileges: &[AccessPriv]) {
        self.list(privileges, ", ", |p, privilege| {
            match privilege.name.as_deref() {
                None => p.put("ALL"),
                Some("alter system") => p.put("ALTER SYSTEM"),
                Some(name @ ("select" | "references" | "create")) => p.put(&name.to_ascii_uppercase()),
                Some(name) => p.name(name),
            }
            p.opt_names(&privilege.columns);
        });
    }

    fn grant_target(&mut self, stmt: &GrantStmt) {
        match stmt.target {
            GrantTarget::Object if stmt.object_type == ObjectType::ForeignServer => self.put("FOREIGN SERVER "),
            GrantTarget::Object => {
                self.object_type(stmt.object_type);
                self.put(" ");
            }
            GrantTarget::AllInSchema => {
                self.put("ALL ");
                self.object_type(stmt.object_type);
                self.put("S IN SCHEMA ");
            }
            GrantTarget::Defaults => {
                self.object_type(stmt.object_type);
                self.put("S");
            }
        }
        self.list(&stmt.objects, ", ", |p, object| match object {
            GrantObject::Relation(relation) => p.relation(relation),
            GrantObject::Function(function) => p.object_with_args(stmt.object_type, function),
            GrantObject::Name(name) => p.any_name(name),
            GrantObject::LargeObject(oid) => p.put(oid),
        });
    }

    pub(super) fn grant_role(&mut self, stmt: &GrantRoleStmt) {
        self.put(match (stmt.is_grant, stmt.admin_option) {
            (true, _) => "GRANT ",
            (false, false) => "REVOKE ",
            (false, true) => "REVOKE ADMIN OPTION FOR ",
        });
        self.privileges(&stmt.granted_roles);
        self.put(if stmt.is_grant { " TO " } else { " FROM " });
        self.roles(&stmt.grantee_roles);
        self.word(stmt.is_grant && stmt.admin_option, " WITH ADMIN OPTION");
        self.granted_by(stmt.grantor.as_ref());
        self.cascade(stmt.behavior);
    }

    pub(super) fn alter_default_privileges(&mut self, stmt: &AlterDefaultPrivilegesStmt) {
        self.put("ALTER DEFAULT PRIVILEGES ");
        for option in &stmt.options {
            match &option.arg {
                Some(DefArg::Names(schemas)) => {
                    self.put("IN SCHEMA ");
                    self.list(schemas, ", ", |p, schema| p.any_name(schema));
                }
                Some(DefArg::Roles(roles)) => {
                    self.put("FOR ROLE ");
                    self.roles(roles);
                }
                _ => self.unknown(),
            }
            self.put(" ");
        }
        self.grant(&stmt.action);
    }
}
