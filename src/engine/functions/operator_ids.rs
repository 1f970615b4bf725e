//! Text forms of regoper and regoperator: operators by name, and by name and operands' types.
//!
//! Owns: [`input`], [`output`]. Must not know: SQLite. Specification: datatype-oid.html; errors as in regproc.c.

use super::object_ids::find_type;
use crate::catalog::definitions::{Names, quote_identifier};
use crate::catalog::members;
use crate::catalog::objects::PG_OPERATOR;
use crate::catalog::tables::operators::{operator_by_oid, operators_named};
use crate::engine::context::SessionContext;
use crate::error::{Error, Result, SqlState};
use crate::types::pg_type::{Oid, Scalar};
use crate::types::qualified_name::name_parts;

/// An operator as it is shown.
struct Found {
    oid: Oid,
    schema: String,
    name: String,
    left: Oid,
    right: Oid,
}

/// The operator that the text names.
pub(super) fn input(session: &SessionContext, scalar: Scalar, text: &str) -> Result<Oid> {
    if scalar == Scalar::RegOperator {
        return by_types(session, text);
    }
    match named(session, text)?.as_slice() {
        [only] => Ok(only.oid),
        [] => Err(missing(text)),
        _ => Err(Error::new(SqlState::AMBIGUOUS_FUNCTION, format!("more than one operator named {text}"))),
    }
}

/// An operator's name, or its name and operands; `None` if there is none with that OID.
pub(super) fn output(session: &SessionContext, names: &Names<'_>, scalar: Scalar, oid: Oid) -> Option<String> {
    let found = operator(session, oid)?;
    let schema = quote_identifier(&found.schema);
    if scalar == Scalar::RegOper {
        // The name alone where it means just this one.
        let alone = named(session, &found.name).is_ok_and(|all| matches!(all.as_slice(), [only] if only.oid == oid));
        return Some(if alone { found.name } else { format!("{schema}.{}", found.name) });
    }
    let shown = |oid| if oid == Oid::INVALID { "NONE".to_owned() } else { names.format_type(oid, None) };
    let visible = found.schema == "pg_catalog" || names.search_path.contains(&found.schema);
    let schema = if visible { String::new() } else { format!("{schema}.") };
    Some(format!("{schema}{}({},{})", found.name, shown(found.left), shown(found.right)))
}

fn by_types(session: &SessionContext, text: &str) -> Result<Oid> {
    let malformed = |what: &str| Error::new(SqlState::INVALID_TEXT_REPRESENTATION, what.to_owned());
    let (name, rest) = text.split_once('(').ok_or_else(|| malformed("expected a left parenthesis"))?;
    let types = rest.trim_end().strip_suffix(')').ok_or_else(|| malformed("expected a right parenthesis"))?;
    let types: Vec<&str> = types.split(',').map(str::trim).collect();
    let one = |name: &str| if name.eq_ignore_ascii_case("none") { Ok(Oid::INVALID) } else { find_type(session, name) };
    let (left, right) = match types.as_slice() {
        [left, right] => (one(left)?, one(right)?),
        [_] => {
            let error = Error::new(SqlState::UNDEFINED_PARAMETER, "missing argument");
            return Err(error.with_hint("Use NONE to denote the missing argument of a unary operator."));
        }
        _ => {
            let error = Error::new(SqlState::TOO_MANY_ARGUMENTS, "too many arguments");
            return Err(error.with_hint("Provide two argument types for operator."));
        }
    };
    let found = named(session, name)?.into_iter().find(|found| found.left == left && found.right == right);
    found.map(|found| found.oid).ok_or_else(|| missing(text))
}

fn missing(text: &str) -> Error {
    Error::new(SqlState::UNDEFINED_FUNCTION, format!("operator does not exist: {text}"))
}

/// The operators that a name means, with or without a schema.
fn named(session: &SessionContext, text: &str) -> Result<Vec<Found>> {
    let (schemas, name) = match text.trim().rsplit_once('.') {
        Some((schema, name)) => (name_parts(schema)?, name),
        None => (session.settings.search_path(), text.trim()),
    };
    let seen = |schema: &str| schemas.iter().any(|one| one == schema) || schema == "pg_catalog" && !text.contains('.');
    let mut all = Vec::new();
    if seen("pg_catalog") {
        all.extend(operators_named(name).iter().filter_map(|own| operator(session, own.oid)));
    }
    let users = session.catalog.operators.values().filter(|own| own.name == name && seen(&own.schema));
    all.extend(users.filter_map(|own| operator(session, own.oid)));
    let extensions = members::lines(&session.catalog, PG_OPERATOR);
    let of_name = extensions.filter(|(line, extension)| line.text("oprname") == name && seen(&extension.schema));
    all.extend(of_name.filter_map(|(line, _)| operator(session, Oid(line.number("oid").try_into().ok()?))));
    Ok(all)
}

fn operator(session: &SessionContext, oid: Oid) -> Option<Found> {
    if let Some(own) = operator_by_oid(oid) {
        let (name, schema) = (own.name.clone(), "pg_catalog".to_owned());
        return Some(Found { oid, schema, name, left: own.left, right: own.right });
    }
    if let Some(own) = session.catalog.operators.get(&oid) {
        let (name, schema) = (own.name.clone(), own.schema.clone());
        return Some(Found { oid, schema, name, left: own.left, right: own.right });
    }
    let mut extensions = members::lines(&session.catalog, PG_OPERATOR);
    let (line, extension) = extensions.find(|(line, _)| line.number("oid") == i64::from(oid.0))?;
    let side = |column| Oid(line.number(column).try_into().unwrap_or_default());
    let (name, schema) = (line.text("oprname").into_owned(), extension.schema.clone());
    Some(Found { oid, schema, name, left: side("oprleft"), right: side("oprright") })
}
