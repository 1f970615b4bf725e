//! System information functions about the server, its roles and its sizes: privileges, encodings, pg_size_pretty.
//!
//! Specification: functions-info.html, functions-admin.html; messages as in acl.c and dbsize.c.

use std::sync::LazyLock;

use super::catalog::relation_named;
use super::{Args, Definition, Output};
use crate::catalog::tables::recorded::{Recording, recording};
use crate::catalog::tables::relations;
use crate::catalog::tables::server::timestamp;
use crate::catalog::tables::source::{BOOTSTRAP_SUPERUSER, database_oid};
use crate::error::{Error, Result, SqlState};
use crate::types::charset;
use crate::types::pg_type::Oid;

/// The functions of this area. In the privilege functions a role is the first of three arguments (four for columns).
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::stable("pg_get_userbyid", 1, user_by_id),
    Definition::pure("pg_encoding_to_char", 1, |a| Ok(encoding_name(a.int(0)?).into())),
    Definition::pure("pg_char_to_encoding", 1, |a| Ok(encoding_number(&a.text(0)?).into())),
    Definition::stable("pg_client_encoding", 0, |a| a.slot().with_session(|s| Ok(s.settings.show("client_encoding")?.into()))),
    Definition::stable("pg_postmaster_start_time", 0, |_| Ok(STARTED.clone().into())),
    Definition::pure("pg_size_pretty_int8", 1, |a| Ok(size_pretty(a.int(0)?).into())),
    Definition::pure("pg_size_bytes", 1, size_bytes),
    Definition::stable("pg_has_table_privilege", 2, |a| relation_privilege(a, TABLE_PRIVILEGES)),
    Definition::stable("pg_has_table_privilege", 3, |a| relation_privilege(a, TABLE_PRIVILEGES)),
    Definition::stable("pg_has_sequence_privilege", 2, |a| relation_privilege(a, SEQUENCE_PRIVILEGES)),
    Definition::stable("pg_has_sequence_privilege", 3, |a| relation_privilege(a, SEQUENCE_PRIVILEGES)),
    Definition::stable("pg_has_any_column_privilege", 2, |a| relation_privilege(a, COLUMN_PRIVILEGES)),
    Definition::stable("pg_has_any_column_privilege", 3, |a| relation_privilege(a, COLUMN_PRIVILEGES)),
    Definition::stable("pg_has_column_privilege", 3, column_privilege),
    Definition::stable("pg_has_column_privilege", 4, column_privilege),
    Definition::stable("pg_has_database_privilege", 2, |a| named_privilege(a, DATABASE_PRIVILEGES, Named::Database)),
    Definition::stable("pg_has_database_privilege", 3, |a| named_privilege(a, DATABASE_PRIVILEGES, Named::Database)),
    Definition::stable("pg_has_schema_privilege", 2, |a| named_privilege(a, SCHEMA_PRIVILEGES, Named::Schema)),
    Definition::stable("pg_has_schema_privilege", 3, |a| named_privilege(a, SCHEMA_PRIVILEGES, Named::Schema)),
    Definition::stable("pg_has_function_privilege", 2, |a| named_privilege(a, &["EXECUTE"], Named::Any)),
    Definition::stable("pg_has_function_privilege", 3, |a| named_privilege(a, &["EXECUTE"], Named::Any)),
    Definition::stable("pg_has_language_privilege", 2, |a| named_privilege(a, &["USAGE"], Named::Any)),
    Definition::stable("pg_has_language_privilege", 3, |a| named_privilege(a, &["USAGE"], Named::Any)),
    Definition::stable("pg_has_type_privilege", 2, |a| named_privilege(a, &["USAGE"], Named::Any)),
    Definition::stable("pg_has_type_privilege", 3, |a| named_privilege(a, &["USAGE"], Named::Any)),
    Definition::stable("pg_has_tablespace_privilege", 2, |a| named_privilege(a, &["CREATE"], Named::Any)),
    Definition::stable("pg_has_tablespace_privilege", 3, |a| named_privilege(a, &["CREATE"], Named::Any)),
    Definition::stable("pg_has_role", 2, |a| named_privilege(a, ROLE_PRIVILEGES, Named::Role)),
    Definition::stable("pg_has_role", 3, |a| named_privilege(a, ROLE_PRIVILEGES, Named::Role)),
    Definition::stable("pg_acldefault", 2, default_privileges),
    Definition::stable("pg_database_is_current", 1, database_is_current),
];

/// When the process began to serve, as a stored timestamptz.
static STARTED: LazyLock<String> = LazyLock::new(|| timestamp(jiff::Timestamp::now().as_microsecond()));

/// Notes the time the server started at; called when the first connection is made.
pub(super) fn note_start() {
    LazyLock::force(&STARTED);
}

const TABLE_PRIVILEGES: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"];
const COLUMN_PRIVILEGES: &[&str] = &["SELECT", "INSERT", "UPDATE", "REFERENCES"];
const SEQUENCE_PRIVILEGES: &[&str] = &["USAGE", "SELECT", "UPDATE"];
const DATABASE_PRIVILEGES: &[&str] = &["CREATE", "CONNECT", "TEMPORARY", "TEMP"];
const SCHEMA_PRIVILEGES: &[&str] = &["CREATE", "USAGE"];
const ROLE_PRIVILEGES: &[&str] = &["USAGE", "MEMBER"];

/// The name of the role with that OID.
fn role_name(args: &Args<'_>, oid: i64) -> Result<Option<String>> {
    let oid = Oid(u32::try_from(oid).unwrap_or_default());
    args.slot().with_session(|session| Ok(session.roles().get(oid).map(|role| role.name)))
}

fn user_by_id(args: &Args<'_>) -> Result<Output> {
    let oid = args.int(0)?;
    Ok(role_name(args, oid)?.unwrap_or_else(|| format!("unknown (OID={oid})")).into())
}

fn encoding_name(number: i64) -> &'static str {
    usize::try_from(number).ok().and_then(charset::numbered).map_or("", |charset| charset.name)
}

fn encoding_number(name: &str) -> i64 {
    charset::number_of(name).and_then(|number| i64::try_from(number).ok()).unwrap_or(-1)
}

/// Checks a comma-separated list of privileges; 22023 for one that such an object does not have.
fn check_privileges(text: &str, known: &[&str]) -> Result<()> {
    for part in text.split(',') {
        let name = part.trim().to_uppercase();
        let plain =
            name.strip_suffix(" WITH GRANT OPTION").or(name.strip_suffix(" WITH ADMIN OPTION")).unwrap_or(&name);
        if !known.contains(&plain) {
            let message = format!("unrecognized privilege type: \"{}\"", part.trim());
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
    }
    Ok(())
}

/// Whether the role in an argument may do everything: 42704 if there is no such role.
fn role_is_superuser(args: &Args<'_>, index: usize) -> Result<bool> {
    if let rusqlite::types::ValueRef::Integer(oid) = args.raw(index) {
        return Ok(oid == i64::from(BOOTSTRAP_SUPERUSER.0));
    }
    let name = args.text(index)?;
    let is_user = args.slot().with_session(|s| Ok(s.user == *name))?;
    let mut predefined = Recording::new(recording!("pg_authid")).lines();
    if is_user || predefined.any(|r| r.text("rolname") == name) || name == "public" {
        return Ok(is_user);
    }
    Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist")))
}

/// [role,] relation, privilege. Everything belongs to the superuser; the others may read the system's relations.
fn relation_privilege(args: &Args<'_>, known: &[&str]) -> Result<Output> {
    let last = args.len() - 1;
    let relation = match args.raw(last - 1) {
        rusqlite::types::ValueRef::Text(_) => relation_named(args, &args.text(last - 1)?)?,
        _ => Oid(u32::try_from(args.int(last - 1)?).unwrap_or_default()),
    };
    check_privileges(&args.text(last)?, known)?;
    let exists = args.slot().with_session(|s| Ok(s.catalog.relations.contains_key(&relation)))?;
    if !exists {
        return Ok(Output::NULL);
    }
    let superuser = last < 2 || role_is_superuser(args, 0)?;
    let readable = relations::relations().iter().any(|r| r.relation.oid == relation);
    Ok((superuser || (readable && args.text(last)?.eq_ignore_ascii_case("SELECT"))).into())
}

/// [role,] relation, column, privilege; the column must exist (42703).
fn column_privilege(args: &Args<'_>) -> Result<Output> {
    let last = args.len() - 1;
    let relation = match args.raw(last - 2) {
        rusqlite::types::ValueRef::Text(_) => relation_named(args, &args.text(last - 2)?)?,
        _ => Oid(u32::try_from(args.int(last - 2)?).unwrap_or_default()),
    };
    check_privileges(&args.text(last)?, COLUMN_PRIVILEGES)?;
    let superuser = last < 3 || role_is_superuser(args, 0)?;
    let column = args.text(last - 1)?;
    let by_number = matches!(args.raw(last - 1), rusqlite::types::ValueRef::Integer(_));
    args.slot().with_session(|s| {
        let Some(relation) = s.catalog.relations.get(&relation) else { return Ok(Output::NULL) };
        let number = column.parse().unwrap_or_default();
        let found = if by_number { relation.column_by_number(number) } else { relation.column(&column) };
        match found {
            Some(_) => Ok(superuser.into()),
            None if by_number => Ok(Output::NULL),
            None => {
                let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
                Err(Error::new(SqlState::UNDEFINED_COLUMN, message))
            }
        }
    })
}

/// Objects that are not relations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Database,
    Schema,
    Role,
    Any,
}

/// [role,] object, privilege.
fn named_privilege(args: &Args<'_>, known: &[&str], kind: Named) -> Result<Output> {
    let last = args.len() - 1;
    check_privileges(&args.text(last)?, known)?;
    let superuser = last < 2 || role_is_superuser(args, 0)?;
    if let rusqlite::types::ValueRef::Text(_) = args.raw(last - 1) {
        object_exists(args, &args.text(last - 1)?, kind)?;
    }
    if kind == Named::Role {
        // The superuser is a member of every role; any other role only of itself.
        let same = last >= 2 && args.text(0)? == args.text(1)?;
        return Ok((superuser || same).into());
    }
    // PUBLIC may connect, and use functions, languages, types and the schemas that are always there.
    let creates = args.text(last)?.to_uppercase().contains("CREATE");
    let public = !creates && (kind != Named::Schema || is_public_schema(args, last - 1)?);
    Ok((superuser || public).into())
}

/// Whether the schema in an argument, by name or OID, is one that everybody may use.
fn is_public_schema(args: &Args<'_>, index: usize) -> Result<bool> {
    const PUBLIC: &[&str] = &["public", "pg_catalog", "information_schema"];
    let name = args.text(index)?;
    args.slot().with_session(|s| {
        let same = |schema: &str, oid: Oid| schema == name || oid.to_string() == *name;
        Ok(s.catalog.schemas.iter().any(|s| same(&s.name, s.oid) && PUBLIC.contains(&s.name.as_str())))
    })
}

/// PostgreSQL's error if there is no such object.
fn object_exists(args: &Args<'_>, name: &str, kind: Named) -> Result<()> {
    match kind {
        Named::Schema => args.slot().with_session(|s| {
            if s.catalog.has_schema(name) {
                return Ok(());
            }
            Err(Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist")))
        }),
        Named::Role => {
            let mut predefined = Recording::new(recording!("pg_authid")).lines();
            let known = predefined.any(|r| r.text("rolname") == name);
            if known || args.slot().with_session(|s| Ok(s.user == name))? {
                return Ok(());
            }
            Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist")))
        }
        Named::Database | Named::Any => Ok(()),
    }
}

/// Whether a database, by name or OID, is the current one.
fn database_is_current(args: &Args<'_>) -> Result<Output> {
    let current = args.slot().with_session(|s| Ok(s.database.clone()))?;
    Ok(match args.raw(0) {
        rusqlite::types::ValueRef::Integer(oid) => oid == i64::from(database_oid(&current).0),
        _ => args.text(0)? == current,
    }
    .into())
}

/// What an object's owner and the public may do by default, by acldefault's letter: public's, owner's.
const DEFAULT_PRIVILEGES: &[(&str, &str, &str)] = &[
    ("c", "", ""),
    ("r", "", "arwdDxt"),
    ("s", "", "rwU"),
    ("d", "Tc", "CTc"),
    ("f", "X", "X"),
    ("l", "U", "U"),
    ("L", "", "rw"),
    ("n", "", "UC"),
    ("p", "", "sA"),
    ("t", "", "C"),
    ("F", "", "U"),
    ("S", "", "U"),
    ("T", "U", "U"),
];

/// acldefault(kind, owner).
fn default_privileges(args: &Args<'_>) -> Result<Output> {
    let kind = args.text(0)?;
    let owner = role_name(args, args.int(1)?)?.unwrap_or_else(|| args.int(1).unwrap_or_default().to_string());
    let Some((_, public, own)) = DEFAULT_PRIVILEGES.iter().find(|(letter, ..)| *letter == kind) else {
        let message = format!("unrecognized object type abbreviation: {kind}");
        return Err(Error::new(SqlState::INTERNAL_ERROR, message));
    };
    let mut items = Vec::new();
    if !public.is_empty() {
        items.push(format!("={public}/{owner}"));
    }
    if !own.is_empty() {
        items.push(format!("{owner}={own}/{owner}"));
    }
    Ok(serde_json::Value::from(items).to_string().into())
}

/// pg_size_pretty's units: name, the size up to which the unit before is used, rounded or not.
const UNITS: &[&str] = &["bytes", "kB", "MB", "GB", "TB", "PB"];

/// A size in the largest unit in which it is below 10,240 (20,480 half units), rounded half away from zero.
fn size_pretty(size: i64) -> String {
    const LIMIT: u64 = 10 * 1024;
    let mut size = i128::from(size);
    for (i, unit) in UNITS.iter().enumerate() {
        // From kB on the number carries one more bit, which is rounded off when it is printed.
        let limit = if i == 0 { i128::from(LIMIT) } else { i128::from(LIMIT) * 2 - 1 };
        if size.abs() < limit || i + 1 == UNITS.len() {
            let shown = if i == 0 { size } else { (size + if size < 0 { -1 } else { 1 }) / 2 };
            return format!("{shown} {unit}");
        }
        // Towards the next unit: ten bits, of which one is kept.
        size /= if i == 0 { 1 << 9 } else { 1 << 10 };
    }
    String::new()
}

/// pg_size_bytes: "1.5 GB" to bytes.
fn size_bytes(args: &Args<'_>) -> Result<Output> {
    let text = args.text(0)?;
    let invalid = || {
        Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid size: \"{text}\""))
            .with_hint("Valid units are \"bytes\", \"B\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".")
    };
    let trimmed = text.trim();
    let end = trimmed.find(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c))).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(end);
    let unit = match unit.trim() {
        "" => 0,
        b if b.eq_ignore_ascii_case("b") => 0,
        name => UNITS.iter().position(|u| u.eq_ignore_ascii_case(name)).ok_or_else(invalid)?,
    };
    let value: f64 = number.parse().map_err(|_| invalid())?;
    Ok(((value * 1024f64.powi(i32::try_from(unit).unwrap_or_default())).round() as i64).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_as_postgresql_rounds_them() {
        // Recorded: select pg_size_pretty(n::bigint).
        for (size, expected) in [
            (0, "0 bytes"),
            (10239, "10239 bytes"),
            (10240, "10 kB"),
            (-10240, "-10 kB"),
            (10752, "11 kB"),
            (10485247, "10239 kB"),
            (10485248, "10 MB"),
            (1_234_567_890, "1177 MB"),
            (i64::MAX, "8192 PB"),
        ] {
            assert_eq!(size_pretty(size), expected, "{size}");
        }
    }
}
