//! Text forms of the reg types: relations, types, functions, schemas and roles by name.
//!
//! Names are found in the session's catalog along its search path. Outside of a session only numbers are understood.
//! Specification: datatype-oid.html; errors as in regproc.c.

use super::{ContextSlot, Output};
use crate::catalog::definitions::{Names, quote_identifier};
use crate::catalog::tables::procs::{Proc, proc, procs_named};
use crate::catalog::tables::source::BOOTSTRAP_SUPERUSER;
use crate::engine::context::SessionContext;
use crate::error::{Error, Result, SqlState};
use crate::types::pg_type::{Oid, Scalar, TYPES};

/// Whether values of this scalar are OIDs shown by name.
pub(super) fn is_name(scalar: Scalar) -> bool {
    use Scalar::*;
    matches!(scalar, RegClass | RegType | RegProc | RegNamespace | RegRole)
}

/// The OID of the object that `text` names, or its number.
pub(super) fn input(scalar: Scalar, text: &str, slot: &ContextSlot) -> Result<Output> {
    if text == "-" {
        return Ok(0.into());
    }
    if let Ok(number) = text.parse::<u32>() {
        return Ok(i64::from(number).into());
    }
    slot.with_session(|session| {
        let oid = match scalar {
            Scalar::RegType => find_type(session, text)?,
            Scalar::RegProc => find_function(&name_parts(text)?)?,
            Scalar::RegNamespace => find_schema(session, &name_parts(text)?)?,
            Scalar::RegRole => find_role(session, &name_parts(text)?)?,
            _ => find_relation(session, &name_parts(text)?)?,
        };
        Ok(i64::from(oid.0).into())
    })
}

/// The name of the object with that OID as the session's search path sees it; the number if there is none.
pub(super) fn output(scalar: Scalar, value: i64, slot: &ContextSlot) -> Result<String> {
    let oid = Oid(value as u32);
    if oid == Oid::INVALID {
        return Ok("-".to_owned());
    }
    slot.with_session(|session| {
        let path = session.settings.search_path();
        let names = Names { catalog: &session.catalog, search_path: &path };
        let name = match scalar {
            Scalar::RegType => Some(names.format_type(oid, None)).filter(|name| name != "???"),
            Scalar::RegProc => function_name(oid),
            Scalar::RegNamespace => {
                session.catalog.schemas.iter().find(|s| s.oid == oid).map(|s| quote_identifier(&s.name))
            }
            Scalar::RegRole => Some(quote_identifier(&session.user)).filter(|_| oid == BOOTSTRAP_SUPERUSER),
            _ => relation_name(session, &names, oid),
        };
        Ok(name.unwrap_or_else(|| oid.to_string()))
    })
}

/// The parts of a possibly qualified name, folded and unquoted; 42602 for a malformed one.
pub(super) fn name_parts(text: &str) -> Result<Vec<String>> {
    let invalid = || Error::new(SqlState::INVALID_NAME, "invalid name syntax");
    let mut parts = Vec::new();
    let mut rest = text.trim();
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (part, after) = unquote(quoted).ok_or_else(invalid)?;
            parts.push(part);
            rest = after;
        } else {
            let end = rest.find(['.', '"', ' ']).unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            parts.push(part.to_lowercase());
            rest = after;
        }
        if parts.last().is_none_or(String::is_empty) {
            return Err(invalid());
        }
        rest = rest.trim_start();
        match rest.strip_prefix('.') {
            Some(after) => rest = after.trim_start(),
            None if rest.is_empty() => return Ok(parts),
            None => return Err(invalid()),
        }
    }
}

/// A quoted identifier behind its opening quote, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                part.push('"');
                rest = more;
            }
            None => return Some((part, after)),
        }
    }
}

/// Every relation a bare name can mean, indexes included.
fn find_relation(session: &SessionContext, parts: &[String]) -> Result<Oid> {
    let missing = || Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", parts.join(".")));
    let path;
    let (schemas, name) = match parts {
        [name] => {
            path = session.settings.search_path();
            (path.as_slice(), name)
        }
        [schema, name] | [_, schema, name] => (std::slice::from_ref(schema), name),
        _ => return Err(Error::new(SqlState::INVALID_NAME, "invalid name syntax")),
    };
    if let Some(relation) = session.catalog.find_relation(schemas, name) {
        return Ok(relation.oid);
    }
    let index = session
        .catalog
        .relations
        .values()
        .filter(|r| schemas.contains(&r.schema))
        .find_map(|relation| relation.indexes.iter().find(|index| index.name == *name).map(|index| index.oid));
    index.ok_or_else(missing)
}

fn relation_name(session: &SessionContext, names: &Names<'_>, oid: Oid) -> Option<String> {
    if let Some(relation) = session.catalog.relations.get(&oid) {
        return Some(names.relation(relation));
    }
    session.catalog.relations.values().find_map(|relation| {
        let index = relation.indexes.iter().find(|index| index.oid == oid)?;
        Some(names.qualified(&relation.schema, &index.name, names.search_path.contains(&relation.schema)))
    })
}

/// Other spellings of built-in types than their two names.
const TYPE_ALIASES: &[(&str, &str)] = &[
    ("int", "int4"),
    ("decimal", "numeric"),
    ("float", "float8"),
    ("time", "time"),
    ("timestamp", "timestamp"),
    ("char", "bpchar"),
    ("\"char\"", "char"),
    ("character", "bpchar"),
];

/// A type by any of its names, with `[]` for its array. A type modifier is read over.
fn find_type(session: &SessionContext, text: &str) -> Result<Oid> {
    let missing = || Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{text}\" does not exist"));
    let (base, is_array) = match text.trim().split_once('[') {
        Some((base, _)) => (base.trim(), true),
        None => (text.trim(), false),
    };
    let base = match (base.find('('), base.find(')')) {
        (Some(open), Some(close)) if open < close => format!("{}{}", &base[..open].trim_end(), &base[close + 1..]),
        _ => base.to_owned(),
    };
    let plain = base.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let plain = plain.strip_prefix("pg_catalog.").unwrap_or(&plain);
    let alias = TYPE_ALIASES.iter().find(|(alias, _)| *alias == plain).map_or(plain, |(_, name)| name);
    let builtin = TYPES.iter().find(|t| t.name == alias || t.sql_name == alias);
    if let Some(info) = builtin {
        return if is_array {
            Some(info.array).filter(|oid| *oid != Oid::INVALID).ok_or_else(missing)
        } else {
            Ok(info.oid)
        };
    }
    let parts = name_parts(&base)?;
    let path = session.settings.search_path();
    let (schemas, name) = match parts.as_slice() {
        [name] => (path.as_slice(), name),
        [schema, name] => (std::slice::from_ref(schema), name),
        _ => return Err(missing()),
    };
    let found = schemas.iter().find_map(|schema| session.catalog.type_names.get(&(schema.clone(), name.clone())));
    let oid = *found.ok_or_else(missing)?;
    match session.catalog.types.get(&oid).filter(|_| is_array) {
        Some(user) => Ok(user.array),
        None => Ok(oid),
    }
}

/// A built-in function; 42725 for a name that several have.
fn find_function(parts: &[String]) -> Result<Oid> {
    let name = parts.last().map_or("", String::as_str);
    let shown = parts.join(".");
    let known_schema = parts.len() == 1 || (parts.len() == 2 && parts.first().is_some_and(|s| s == "pg_catalog"));
    let found = if known_schema { procs_named(name) } else { Vec::new() };
    match found.as_slice() {
        [function] => Ok(function.oid),
        [_, _, ..] => {
            Err(Error::new(SqlState::AMBIGUOUS_FUNCTION, format!("more than one function named \"{shown}\"")))
        }
        [] => Err(Error::new(SqlState::UNDEFINED_FUNCTION, format!("function \"{shown}\" does not exist"))),
    }
}

fn function_name(oid: Oid) -> Option<String> {
    proc(oid).map(Proc::shown_name)
}

fn find_schema(session: &SessionContext, parts: &[String]) -> Result<Oid> {
    let name = parts.join(".");
    let found = session.catalog.schemas.iter().find(|schema| schema.name == name);
    found
        .map(|schema| schema.oid)
        .ok_or_else(|| Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist")))
}

fn find_role(session: &SessionContext, parts: &[String]) -> Result<Oid> {
    let name = parts.join(".");
    if name == session.user {
        return Ok(BOOTSTRAP_SUPERUSER);
    }
    Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist")))
}
