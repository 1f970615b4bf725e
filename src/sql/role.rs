//! Statements about roles, as they are written.
//!
//! Owns: [`RoleCommand`] and its parts. Must not know: what they mean (`session::role`).

use crate::sql::syntax::ast::statement::RoleSpec;

/// CREATE, ALTER and DROP ROLE, USER, GROUP; GRANT and REVOKE of roles; COMMENT ON ROLE.
#[derive(Clone, Debug, PartialEq)]
pub enum RoleCommand {
    Create {
        name: String,
        attributes: Attributes,
        with_login: bool,
    },
    Alter {
        role: RoleSpec,
        attributes: Attributes,
    },
    /// ALTER GROUP … ADD or DROP USER.
    AlterGroup {
        role: RoleSpec,
        adds: bool,
        members: Vec<RoleSpec>,
    },
    Rename {
        name: String,
        to: String,
    },
    Drop {
        roles: Vec<RoleSpec>,
        if_exists: bool,
    },
    Comment {
        name: String,
        text: Option<String>,
    },
    /// GRANT roles TO members, or REVOKE.
    Membership {
        roles: Vec<String>,
        members: Vec<RoleSpec>,
        grants: bool,
        /// WITH ADMIN OPTION, ADMIN OPTION FOR
        admin: bool,
        grantor: Option<RoleSpec>,
    },
}

/// What a statement says of a role; `None` is what it does not mention.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes {
    pub superuser: Option<bool>,
    pub inherit: Option<bool>,
    pub create_role: Option<bool>,
    pub create_db: Option<bool>,
    pub can_login: Option<bool>,
    pub replication: Option<bool>,
    pub bypass_rls: Option<bool>,
    pub connection_limit: Option<i32>,
    /// PASSWORD NULL is `Some(None)`.
    pub password: Option<Option<String>>,
    pub valid_until: Option<String>,
    /// SYSID, which is ignored as in PostgreSQL.
    pub sysid: bool,
    /// IN ROLE
    pub member_of: Vec<RoleSpec>,
    /// ROLE, USER
    pub members: Vec<RoleSpec>,
    /// ADMIN
    pub admins: Vec<RoleSpec>,
}
