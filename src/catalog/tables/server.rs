//! Rows about the server rather than the schema: databases, roles, settings, sessions.
//!
//! Must not know: SQLite. Specification: catalogs.html, views.html, monitoring-stats.html.

use crate::catalog::acl::Acl;
use crate::catalog::cluster::{TEMPLATE0, TEMPLATE1};
use crate::catalog::roles::{READ_ALL_STATS, Roles};
use crate::catalog::tables::constraints::{PG_AUTHID, PG_DATABASE};
use crate::catalog::tables::contents::View;
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::catalog::tables::source::{SessionRow, database_oid};
use crate::settings::variable::{Kind, Unit};
use crate::types::pg_type::Oid;

/// pg_tablespace's pg_default.
const DEFAULT_TABLESPACE: Oid = Oid(1663);
/// track_activity_query_size less the final zero of C.
const QUERY_SIZE: usize = 1023;
/// What initdb grants on the templates.
const TEMPLATES_ACL: &str = "=c/10,10=CTc/10";
/// pg_database.encoding of UTF8.
const UTF8: i32 = 6;

/// pg_database.
pub fn databases(rows: &mut Rows, view: &View<'_>) {
    let roles = view.source.roles();
    let cluster = &roles.facts;
    for name in view.source.databases() {
        let facts = cluster.database(&name);
        let is_template = matches!(&*name, TEMPLATE0 | TEMPLATE1);
        let acl = facts.acl.clone().or_else(|| is_template.then(|| Acl::from_stored(TEMPLATES_ACL)));
        row!(rows,
            oid: database_oid(&name),
            datdba: facts.owner,
            encoding: UTF8,
            datlocprovider: "c",
            datistemplate: facts.is_template,
            datallowconn: facts.allow_connections,
            datconnlimit: facts.connection_limit,
            dattablespace: DEFAULT_TABLESPACE,
            datcollate: facts.collate,
            datctype: facts.ctype,
            datminmxid: 1,
            datacl: acl.map(|acl| Cell::texts(acl.texts(&roles))),
            datname: name,
        );
    }
}

/// pg_db_role_setting.
pub fn database_role_settings(rows: &mut Rows, view: &View<'_>) {
    for (of, settings) in &view.source.cluster().settings {
        row!(rows,
            setdatabase: of.database.as_deref().map_or(Oid::INVALID, database_oid),
            setrole: of.role.unwrap_or(Oid::INVALID),
            setconfig: Cell::texts(settings.iter().map(|(name, value)| format!("{name}={value}"))),
        );
    }
}

/// pg_shdescription: comments on databases and roles.
pub fn shared_descriptions(rows: &mut Rows, view: &View<'_>) {
    let cluster = view.source.cluster();
    for (oid, role) in &cluster.roles {
        if let Some(comment) = &role.comment {
            row!(rows, objoid: *oid, classoid: PG_AUTHID, description: comment);
        }
    }
    for name in view.source.databases() {
        if let Some(comment) = cluster.database(&name).comment {
            row!(rows, objoid: database_oid(&name), classoid: PG_DATABASE, description: comment);
        }
    }
}

/// pg_settings.
pub fn settings(rows: &mut Rows, view: &View<'_>) {
    for setting in view.source.settings() {
        let variable = setting.variable;
        row!(rows,
            name: variable.name,
            setting: setting.setting,
            category: variable.category,
            short_desc: variable.description,
            context: variable.context.as_str(),
            source: setting.source,
            boot_val: variable.show_plain(&variable.default()),
            reset_val: setting.reset,
            pending_restart: false,
        );
        describe_kind(rows, &variable.kind);
    }
}

/// Sets a setting's type, unit and limits.
fn describe_kind(rows: &mut Rows, kind: &Kind) {
    let (vartype, unit, limits) = match *kind {
        Kind::Boolean { .. } => ("bool", Unit::None, None),
        Kind::Integer { min, max, unit, .. } => ("integer", unit, Some((min.to_string(), max.to_string()))),
        Kind::Real { min, max, unit, .. } => ("real", unit, Some((short_real(min), short_real(max)))),
        Kind::Enum { values, .. } => {
            rows.set("enumvals", Cell::texts(values));
            ("enum", Unit::None, None)
        }
        Kind::Text { .. } => ("string", Unit::None, None),
    };
    rows.set("vartype", vartype.into());
    rows.set("unit", unit.name().into());
    if let Some((min, max)) = limits {
        rows.set("min_val", min.into());
        rows.set("max_val", max.into());
    }
}

/// A limit as C's %g prints it; the only large one is the largest float.
fn short_real(limit: f64) -> String {
    if limit == f64::MAX { "1.79769e+308".to_owned() } else { limit.to_string() }
}

/// pg_stat_activity.
pub fn activity(rows: &mut Rows, view: &View<'_>) {
    let (roles, own) = (view.source.roles(), view.source.role());
    let owner = roles.facts.database(&view.source.database()).owner;
    let sees = |of| roles.has_privileges_of(own, READ_ALL_STATS, owner) || roles.has_privileges_of(own, of, owner);
    for session in view.source.sessions() {
        match sees(session.role) {
            true => session_row(rows, &roles, session),
            false => hidden_session_row(rows, &roles, session),
        }
    }
}

/// Of a session of another role: that it is there.
fn hidden_session_row(rows: &mut Rows, roles: &Roles, session: SessionRow) {
    row!(rows,
        datid: database_oid(&session.database),
        datname: session.database,
        pid: session.pid,
        usesysid: session.role,
        usename: roles.name(session.role),
        application_name: session.application_name,
        query: "<insufficient privilege>",
    );
}

fn session_row(rows: &mut Rows, roles: &Roles, session: SessionRow) {
    row!(rows,
        datid: database_oid(&session.database),
        datname: session.database,
        pid: session.pid,
        usesysid: session.role,
        usename: roles.name(session.role),
        application_name: session.application_name,
        client_addr: session.client_addr.map(|a| a.ip().to_string()),
        client_port: session.client_addr.map(|a| i32::from(a.port())),
        backend_start: timestamp(session.backend_start),
        xact_start: session.xact_start.map(timestamp),
        query_start: session.query_start.map(timestamp),
        state_change: session.state_change.map(timestamp),
        wait_event_type: session.wait.map(|(kind, _)| kind),
        wait_event: session.wait.map(|(_, event)| event),
        state: session.state,
        query: shown_query(&session.query),
        backend_type: "client backend",
    );
}

/// As much of a query as track_activity_query_size allows, in whole characters.
fn shown_query(query: &str) -> String {
    let end = query.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= QUERY_SIZE).last();
    query.get(..end.unwrap_or(0)).unwrap_or_default().to_owned()
}

/// pg_largeobject_metadata.
pub fn large_objects(rows: &mut Rows, view: &View<'_>) -> Result<(), String> {
    let roles = view.source.roles();
    for (oid, owner, acl) in view.source.large_objects()? {
        row!(rows, oid: oid, lomowner: owner, lomacl: acl.map(|acl| Cell::texts(acl.texts(&roles))));
    }
    Ok(())
}

/// pg_largeobject.
pub fn large_object_pages(rows: &mut Rows, view: &View<'_>) -> Result<(), String> {
    for (oid, number, data) in view.source.large_object_pages()? {
        row!(rows, loid: oid, pageno: number, data: Cell::Blob(data.into()));
    }
    Ok(())
}

/// pg_locks. Of what PostgreSQL locks there are advisory locks here and the right to write, one per database.
pub fn locks(rows: &mut Rows, view: &View<'_>) {
    for lock in view.source.locks() {
        row!(rows,
            locktype: lock.locktype,
            virtualtransaction: format!("{}/1", lock.pid),
            pid: lock.pid,
            mode: lock.mode,
            granted: lock.granted,
            fastpath: false,
            waitstart: lock.wait_start.map(timestamp),
            transactionid: lock.transaction,
        );
        if let Some((class, object, sub)) = lock.advisory {
            rows.set("database", lock.database.into());
            rows.set("classid", class.into());
            rows.set("objid", object.into());
            rows.set("objsubid", i32::from(sub).into());
        }
    }
}

/// A timestamptz in its stored form, from microseconds since 1970-01-01 UTC.
pub fn timestamp(microseconds: i64) -> String {
    let time = jiff::Timestamp::from_microsecond(microseconds).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M:%S%.f+00").to_string()
}

/// pg_prepared_statements.
pub fn prepared_statements(rows: &mut Rows, view: &View<'_>) {
    for statement in view.source.prepared_statements() {
        row!(rows,
            name: statement.name,
            statement: statement.statement.to_string(),
            prepare_time: timestamp(statement.prepare_time),
            parameter_types: Cell::oids(statement.parameter_types),
            from_sql: statement.from_sql,
            generic_plans: 0,
            custom_plans: 0,
        );
    }
}

/// pg_cursors.
pub fn cursors(rows: &mut Rows, view: &View<'_>) {
    for cursor in view.source.cursors() {
        row!(rows,
            name: cursor.name,
            statement: cursor.statement.to_string(),
            is_holdable: cursor.holdable,
            is_binary: cursor.binary,
            is_scrollable: cursor.scrollable,
            creation_time: timestamp(cursor.created),
        );
    }
}

/// pg_stat_database: who is connected; SQLite keeps no other statistics.
pub fn database_statistics(rows: &mut Rows, view: &View<'_>) {
    let sessions = view.source.sessions();
    for name in view.source.databases() {
        let backends = sessions.iter().filter(|s| s.database == name).count();
        row!(rows, datid: database_oid(&name), datname: name, numbackends: i64::try_from(backends).unwrap_or_default());
    }
}

/// pg_timezone_names, as of now.
pub fn timezones(rows: &mut Rows, _view: &View<'_>) {
    let now = jiff::Timestamp::now();
    for name in jiff::tz::db().available() {
        let Ok(zone) = jiff::tz::TimeZone::get(name.as_str()) else { continue };
        let info = zone.to_offset_info(now);
        let (abbreviation, dst) = (info.abbreviation().to_owned(), info.dst().is_dst());
        let seconds = info.offset().seconds();
        let sign = if seconds < 0 { "-" } else { "" };
        let (hours, minutes, rest) = (seconds.abs() / 3600, seconds.abs() / 60 % 60, seconds.abs() % 60);
        row!(rows,
            name: name.as_str().to_owned(),
            abbrev: abbreviation,
            utc_offset: format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
            is_dst: dst,
        );
    }
}
