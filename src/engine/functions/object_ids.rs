//! Text forms of the reg types: relations, types, functions, schemas and roles by name.
//!
//! Names are found in the session's catalog along its search path. Outside of a session only numbers are understood.
//! Specification: datatype-oid.html; errors as in regproc.c.

use std::sync::Arc;

use rusqlite::types::Value as SqliteValue;
use serde_json::Value;

use super::{ContextSlot, Output, operator_ids};
use crate::catalog::definitions::{Names, quote_identifier};
use crate::catalog::members;
use crate::catalog::routine_text::routine_of;
use crate::catalog::routines::{PG_PROC, Routine};
use crate::catalog::tables::procs::{proc, procs_named};
use crate::catalog::tables::types::{information_type, recorded_type};
use crate::engine::context::SessionContext;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::type_name;
use crate::sql::syntax::grammar::statement;
use crate::types::array::split_bounds;
use crate::types::pg_type::{Oid, Scalar};
use crate::types::qualified_name::name_parts;
use crate::types::text_search::configuration;

/// The OID of the object that `text` names, or its number.
pub(super) fn input(scalar: Scalar, text: &str, slot: &ContextSlot) -> Result<Output> {
    if text == "-" {
        return Ok(0.into());
    }
    if let Ok(number) = text.parse::<u32>() {
        return Ok(i64::from(number).into());
    }
    if let Some(found) = find_text_search(scalar, text) {
        return found.map(|oid| i64::from(oid.0).into());
    }
    slot.with_session(|session| {
        let oid = match scalar {
            Scalar::RegType => find_type(session, text)?,
            Scalar::RegProc => find_function(session, &name_parts(text)?)?,
            Scalar::RegProcedure => find_signature(session, text)?,
            Scalar::RegNamespace => find_schema(session, &name_parts(text)?)?,
            Scalar::RegRole => find_role(session, &name_parts(text)?)?,
            Scalar::RegCollation => find_collation(session, &name_parts(text)?)?,
            Scalar::RegOper | Scalar::RegOperator => operator_ids::input(session, scalar, text)?,
            _ => {
                let parts = name_parts(text)?;
                if let [.., schema, _] = parts.as_slice() {
                    session.check_schema(schema)?;
                }
                find_relation(session, &parts)?
            }
        };
        Ok(i64::from(oid.0).into())
    })
}

/// The name of the object with that OID as the session's search path sees it; the number if there is none.
pub(super) fn output(scalar: Scalar, value: i64, slot: &ContextSlot) -> Result<String> {
    let oid = Oid(value as u32);
    if oid == Oid::INVALID {
        let none = if matches!(scalar, Scalar::RegOper | Scalar::RegOperator) { "0" } else { "-" };
        return Ok(none.to_owned());
    }
    match scalar {
        Scalar::RegConfig => {
            return Ok(configuration::configuration(oid).map_or_else(|| oid.to_string(), |found| found.name.to_owned()));
        }
        Scalar::RegDictionary => {
            return Ok(configuration::dictionary(oid).map_or_else(|| oid.to_string(), |found| found.name.to_owned()));
        }
        _ => {}
    }
    slot.with_session(|session| {
        let path = session.settings.search_path();
        let names = Names { catalog: &session.catalog, search_path: &path };
        let name = match scalar {
            Scalar::RegType => Some(names.format_type(oid, None)).filter(|name| name != "???"),
            Scalar::RegProc => match routine_of(&names, oid) {
                Some(routine) => Some(names.routine_name(routine)),
                None => function_name(&names, oid),
            },
            Scalar::RegProcedure => match routine_of(&names, oid) {
                Some(routine) => Some(names.routine_signature(routine)),
                None => proc(oid).map(|proc| proc.signature(&names)),
            },
            Scalar::RegNamespace => {
                session.catalog.schemas.iter().find(|s| s.oid == oid).map(|s| quote_identifier(&s.name))
            }
            Scalar::RegRole => session.roles().get(oid).map(|role| quote_identifier(&role.name)),
            Scalar::RegCollation => Some(names.collation(oid)).filter(|name| !name.is_empty()),
            Scalar::RegOper | Scalar::RegOperator => operator_ids::output(session, &names, scalar, oid),
            _ => relation_name(session, &names, oid),
        };
        Ok(name.unwrap_or_else(|| oid.to_string()))
    })
}

/// A text search configuration or dictionary, if that is what is looked for: they are the same in every database.
fn find_text_search(scalar: Scalar, text: &str) -> Option<Result<Oid>> {
    if !matches!(scalar, Scalar::RegConfig | Scalar::RegDictionary) {
        return None;
    }
    let name = match name_parts(text) {
        Ok(parts) => parts.join("."),
        Err(error) => return Some(Err(error)),
    };
    let (found, kind) = match scalar {
        Scalar::RegConfig => (configuration::named(&name).map(|found| found.oid), "configuration"),
        _ => (configuration::dictionary_named(&name).map(|found| found.oid), "dictionary"),
    };
    let message = || format!("text search {kind} \"{name}\" does not exist");
    Some(found.ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, message())))
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

/// The type that the text names in the grammar of types (parseTypeString). A type modifier is read over.
pub(super) fn find_type(session: &SessionContext, text: &str) -> Result<Oid> {
    let invalid = format!("invalid type name \"{text}\"");
    let named = statement::type_name(text).map_err(|error| match error.code() {
        SqlState::SYNTAX_ERROR => Error::new(error.code(), error.message().to_owned()).within(&invalid),
        _ => error,
    })?;
    if named.setof {
        return Err(Error::new(SqlState::SYNTAX_ERROR, invalid));
    }
    if let ([schema, name], true) = (named.names.as_slice(), named.array_bounds.is_empty())
        && schema == "information_schema"
        && let Some(oid) = information_type(name)
    {
        return Ok(oid);
    }
    match type_name::resolve(&named, &session.catalog, session.settings.schemas_searched()) {
        // A type of which there are no values here has a number all the same.
        Err(error) if error.code() == SqlState::FEATURE_NOT_SUPPORTED => {
            let own = named.names.last().filter(|_| named.array_bounds.is_empty()).and_then(|name| recorded_type(name));
            own.ok_or(error)
        }
        resolved => Ok(resolved?.oid),
    }
}

/// The users' functions of a name.
fn routines_named(session: &SessionContext, parts: &[String]) -> Vec<Arc<Routine>> {
    let path;
    let (schemas, name) = match parts {
        [name] => {
            path = session.settings.search_path();
            (path.as_slice(), name)
        }
        [.., schema, name] => (std::slice::from_ref(schema), name),
        [] => return Vec::new(),
    };
    schemas.iter().flat_map(|schema| session.catalog.routines_in(schema, name)).cloned().collect()
}

/// A function by its name; 42725 for a name that several have.
fn find_function(session: &SessionContext, parts: &[String]) -> Result<Oid> {
    let name = parts.last().map_or("", String::as_str);
    let shown = parts.join(".");
    let routines = routines_named(session, parts);
    match routines.as_slice() {
        [only] => return Ok(only.oid),
        [] => {}
        _ => {
            let message = format!("more than one function named \"{shown}\"");
            return Err(Error::new(SqlState::AMBIGUOUS_FUNCTION, message));
        }
    }
    let known_schema = parts.len() == 1 || (parts.len() == 2 && parts.first().is_some_and(|s| s == "pg_catalog"));
    let found = if known_schema { procs_named(name) } else { Vec::new() };
    match found.as_slice() {
        [function] if function.unique_name => Ok(function.oid),
        [_, ..] => Err(Error::new(SqlState::AMBIGUOUS_FUNCTION, format!("more than one function named \"{shown}\""))),
        [] => Err(Error::new(SqlState::UNDEFINED_FUNCTION, format!("function \"{shown}\" does not exist"))),
    }
}

/// A built-in function by name and argument types: `lower(text)`.
fn find_signature(session: &SessionContext, text: &str) -> Result<Oid> {
    let malformed = |what: &str| Error::new(SqlState::INVALID_TEXT_REPRESENTATION, what.to_owned());
    let (name, rest) = text.split_once('(').ok_or_else(|| malformed("expected a left parenthesis"))?;
    let types = rest.trim_end().strip_suffix(')').ok_or_else(|| malformed("expected a right parenthesis"))?;
    let types = types.split(',').map(str::trim).filter(|_| !types.trim().is_empty());
    let types = types.map(|name| find_type(session, name)).collect::<Result<Vec<_>>>()?;
    let parts = name_parts(name)?;
    let routine = routines_named(session, &parts).into_iter().find(|routine| routine.input_types() == types);
    if let Some(routine) = routine {
        return Ok(routine.oid);
    }
    let known_schema = parts.len() == 1 || (parts.len() == 2 && parts.first().is_some_and(|s| s == "pg_catalog"));
    let candidates = if known_schema { procs_named(parts.last().map_or("", String::as_str)) } else { Vec::new() };
    let found = candidates.into_iter().find(|proc| proc.argument_types() == types);
    let missing = || Error::new(SqlState::UNDEFINED_FUNCTION, format!("function \"{text}\" does not exist"));
    found.map(|proc| proc.oid).ok_or_else(missing)
}

/// A stored array of OIDs with the objects' names in their place.
pub(super) fn array_of_names(scalar: Scalar, stored: &str, slot: &ContextSlot) -> Result<String> {
    map_elements(stored, &|value| match value {
        Value::Number(oid) => Ok(Value::String(output(scalar, oid.as_i64().unwrap_or_default(), slot)?)),
        other => Ok(other),
    })
}

/// A stored array of objects' names with their OIDs in their place.
pub(super) fn array_of_ids(scalar: Scalar, stored: &str, slot: &ContextSlot) -> Result<String> {
    map_elements(stored, &|value| match value {
        Value::String(name) => match input(scalar, &name, slot)? {
            Output::Value(SqliteValue::Integer(oid)) => Ok(Value::Number(oid.into())),
            _ => Err(Error::internal("a name that gives no number")),
        },
        other => Ok(other),
    })
}

fn map_elements(stored: &str, each: &dyn Fn(Value) -> Result<Value>) -> Result<String> {
    fn mapped(value: Value, each: &dyn Fn(Value) -> Result<Value>) -> Result<Value> {
        match value {
            Value::Array(inner) => Ok(Value::Array(inner.into_iter().map(|v| mapped(v, each)).collect::<Result<_>>()?)),
            other => each(other),
        }
    }
    let (bounds, json) = split_bounds(stored);
    let value = serde_json::from_str(json).map_err(super::elements::malformed_array)?;
    let mapped = mapped(value, each)?.to_string();
    Ok(bounds.map_or_else(|| mapped.clone(), |bounds| format!("/*{bounds}*/{mapped}")))
}

fn function_name(names: &Names<'_>, oid: Oid) -> Option<String> {
    let own = proc(oid)?;
    if own.extension.is_empty() {
        let shadows = |schema: &String| names.catalog.routines_in(schema, &own.name).next().is_some();
        let shared = members::lines(names.catalog, PG_PROC)
            .any(|(line, of)| line.text("proname") == own.name && names.search_path.contains(&of.schema));
        if shared || names.search_path.iter().any(shadows) {
            return Some(names.qualified("pg_catalog", &own.name, false));
        }
        return Some(own.shown_name());
    }
    // Qualified where the name alone means several, or another.
    let members = members::lines(names.catalog, PG_PROC).filter(|(line, _)| line.text("proname") == own.name);
    let alone = members.count() == 1 && procs_named(&own.name).is_empty();
    let created = names.catalog.extensions.iter().find(|created| created.name == own.extension)?;
    let visible = alone && names.search_path.contains(&created.schema);
    Some(names.qualified(&created.schema, &own.name, visible))
}

fn find_collation(session: &SessionContext, parts: &[String]) -> Result<Oid> {
    session.catalog.find_collation(parts, &session.settings.search_path()).ok_or_else(|| {
        let message = format!("collation \"{}\" for encoding \"UTF8\" does not exist", parts.join("."));
        Error::new(SqlState::UNDEFINED_OBJECT, message)
    })
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
    let missing = || Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist"));
    session.roles().named(&name).ok_or_else(missing)
}
