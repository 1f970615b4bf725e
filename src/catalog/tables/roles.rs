//! Rows about roles: pg_authid and its views, pg_auth_members, information_schema's roles.
//!
//! Must not know: SQLite. Specification: catalog-pg-authid.html, catalog-pg-auth-members.html, view-pg-roles.html,
//! view-pg-user.html, view-pg-shadow.html, view-pg-group.html, infoschema-enabled-roles.html.

use crate::catalog::cluster::SettingOf;
use crate::catalog::roles::RoleFacts;
use crate::catalog::tables::contents::View;
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::types::pg_type::Oid;

/// What is shown in place of every password.
const HIDDEN: &str = "********";

/// pg_authid.
pub fn authids(rows: &mut Rows, view: &View<'_>) {
    for (oid, role) in view.source.roles().all() {
        role_row(rows, oid, &role);
        rows.set("rolpassword", role.password.into());
    }
}

/// pg_roles.
pub fn roles(rows: &mut Rows, view: &View<'_>) {
    for (oid, role) in view.source.roles().all() {
        role_row(rows, oid, &role);
        rows.set("rolpassword", HIDDEN.into());
        rows.set("rolconfig", settings_of(view, oid));
    }
}

fn role_row(rows: &mut Rows, oid: Oid, role: &RoleFacts) {
    row!(rows,
        oid: oid,
        rolname: &role.name,
        rolsuper: role.superuser,
        rolinherit: role.inherit,
        rolcreaterole: role.create_role,
        rolcreatedb: role.create_db,
        rolcanlogin: role.can_login,
        rolreplication: role.replication,
        rolbypassrls: role.bypass_rls,
        rolconnlimit: role.connection_limit,
        rolvaliduntil: role.valid_until.clone(),
    );
}

/// What ALTER ROLE … SET says of sessions in all databases.
fn settings_of(view: &View<'_>, role: Oid) -> Cell {
    let of = SettingOf { database: None, role: Some(role) };
    let facts = view.source.cluster();
    facts.settings.get(&of).map_or(Cell::Null, |s| Cell::texts(s.iter().map(|(name, value)| format!("{name}={value}"))))
}

/// pg_user.
pub fn users(rows: &mut Rows, view: &View<'_>) {
    login_roles(rows, view, |_| HIDDEN.into());
}

/// pg_shadow.
pub fn shadow(rows: &mut Rows, view: &View<'_>) {
    login_roles(rows, view, |role| role.password.clone().into());
}

fn login_roles(rows: &mut Rows, view: &View<'_>, password: fn(&RoleFacts) -> Cell) {
    for (oid, role) in view.source.roles().all().into_iter().filter(|(_, role)| role.can_login) {
        row!(rows,
            usename: &role.name,
            usesysid: oid,
            usecreatedb: role.create_db,
            usesuper: role.superuser,
            userepl: role.replication,
            usebypassrls: role.bypass_rls,
            valuntil: role.valid_until.clone(),
            useconfig: settings_of(view, oid),
        );
        rows.set("passwd", password(&role));
    }
}

/// pg_group.
pub fn groups(rows: &mut Rows, view: &View<'_>) {
    let roles = view.source.roles();
    for (oid, role) in roles.all().into_iter().filter(|(_, role)| !role.can_login) {
        let members = roles.memberships().filter(|(of, ..)| *of == oid).map(|(_, member, _)| member);
        row!(rows, groname: &role.name, grosysid: oid, grolist: Cell::oids(members));
    }
}

/// pg_auth_members.
pub fn memberships(rows: &mut Rows, view: &View<'_>) {
    for (role, member, more) in view.source.roles().memberships() {
        row!(rows, roleid: role, member: member, grantor: more.grantor, admin_option: more.admin);
    }
}

/// enabled_roles.
pub fn enabled_roles(rows: &mut Rows, view: &View<'_>) {
    let (roles, own) = (view.source.roles(), view.source.role());
    let owner = roles.facts.database(&view.source.database()).owner;
    for (oid, role) in roles.all().into_iter().filter(|(oid, _)| roles.has_privileges_of(own, *oid, owner)) {
        let _ = oid;
        row!(rows, role_name: role.name);
    }
}
