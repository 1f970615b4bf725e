//! What roles may do, asked by functions: has_…_privilege, pg_has_role, acldefault.
//!
//! Specification: functions-info.html#FUNCTIONS-INFO-ACCESS-TABLE; messages as in acl.c. A role is the first of one more
//! argument than there are others; an object that is not there gives NULL by its OID, and an error by its name.

use rusqlite::types::ValueRef;

use super::catalog::relation_named;
use super::{Args, Definition, Output, object_ids};
use crate::catalog::acl::{Acl, AclKind, Holder, Privileges};
use crate::catalog::policy::SecurityContext;
use crate::catalog::privileges::{PG_NAMESPACE, PG_TYPE};
use crate::catalog::schema::RelationKind;
use crate::engine::context::SessionContext;
use crate::error::{Error, Result, SqlState};
use crate::types::pg_type::{Oid, Scalar, type_info};

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::stable("pg_has_table_privilege", 2, |a| relation_privilege(a, On::Table)),
    Definition::stable("pg_has_table_privilege", 3, |a| relation_privilege(a, On::Table)),
    Definition::stable("pg_has_sequence_privilege", 2, |a| relation_privilege(a, On::Sequence)),
    Definition::stable("pg_has_sequence_privilege", 3, |a| relation_privilege(a, On::Sequence)),
    Definition::stable("pg_has_any_column_privilege", 2, |a| relation_privilege(a, On::AnyColumn)),
    Definition::stable("pg_has_any_column_privilege", 3, |a| relation_privilege(a, On::AnyColumn)),
    Definition::stable("pg_has_column_privilege", 3, column_privilege),
    Definition::stable("pg_has_column_privilege", 4, column_privilege),
    Definition::stable("pg_has_database_privilege", 2, database_privilege),
    Definition::stable("pg_has_database_privilege", 3, database_privilege),
    Definition::stable("pg_has_schema_privilege", 2, schema_privilege),
    Definition::stable("pg_has_schema_privilege", 3, schema_privilege),
    Definition::stable("pg_has_type_privilege", 2, type_privilege),
    Definition::stable("pg_has_type_privilege", 3, type_privilege),
    Definition::stable("pg_has_function_privilege", 2, |a| by_default(a, AclKind::Function)),
    Definition::stable("pg_has_function_privilege", 3, |a| by_default(a, AclKind::Function)),
    Definition::stable("pg_has_language_privilege", 2, |a| by_default(a, AclKind::Language)),
    Definition::stable("pg_has_language_privilege", 3, |a| by_default(a, AclKind::Language)),
    Definition::stable("pg_has_tablespace_privilege", 2, |a| by_default(a, AclKind::Tablespace)),
    Definition::stable("pg_has_tablespace_privilege", 3, |a| by_default(a, AclKind::Tablespace)),
    Definition::stable("pg_has_role", 2, has_role),
    Definition::stable("pg_has_role", 3, has_role),
    Definition::stable("pg_acldefault", 2, default_privileges),
    Definition::stable("pg_row_security_active", 1, row_security_active),
];

/// Whether policies decide what the current role sees of a table; they do although the session wants none of that.
fn row_security_active(args: &Args<'_>) -> Result<Output> {
    let relation = match args.raw(0) {
        ValueRef::Integer(oid) => Oid(u32::try_from(oid).unwrap_or_default()),
        _ => relation_named(args, &args.text(0)?)?,
    };
    args.slot().with_session(|session| {
        let catalog = std::sync::Arc::clone(&session.catalog);
        let Some(relation) = catalog.relations.get(&relation) else { return Ok(false.into()) };
        let Some(context) = session.security(&catalog) else { return Ok(false.into()) };
        let context = SecurityContext { row_security: true, ..context };
        Ok(context.applies(&catalog, relation, context.role)?.into())
    })
}

/// What of a relation is asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Table,
    Sequence,
    AnyColumn,
}

/// A comma-separated list of privileges, any of which is enough; 22023 for one that such an object does not have.
fn wanted(text: &str, kind: AclKind) -> Result<Vec<Privileges>> {
    text.split(',').map(|part| wanted_one(part.trim(), kind)).collect()
}

fn wanted_one(part: &str, kind: AclKind) -> Result<Privileges> {
    const OPTION: &str = " WITH GRANT OPTION";
    let upper = part.to_uppercase();
    let word = upper.strip_suffix(OPTION).unwrap_or(&upper);
    // What was a privilege once, and is none any more.
    if kind == AclKind::Relation && word == "RULE" {
        return Ok(Privileges::NONE);
    }
    let known = Privileges::named(word).filter(|privilege| kind.all().contains(*privilege));
    let message = || format!("unrecognized privilege type: \"{part}\"");
    let known = known.ok_or_else(|| Error::new(SqlState::INVALID_PARAMETER_VALUE, message()))?;
    Ok(if word.len() < upper.len() { known.options() } else { known })
}

/// The role in an argument, or the current one; the public is no role. 42704.
fn holder(args: &Args<'_>, index: Option<usize>) -> Result<Holder> {
    let Some(index) = index else {
        return args.slot().with_session(|session| Ok(Holder::clone(&session.holder())));
    };
    let name = args.text(index)?;
    let by_number = matches!(args.raw(index), ValueRef::Integer(_));
    let number = args.raw(index).as_i64().unwrap_or_default();
    args.slot().with_session(|session| {
        let roles = session.roles();
        let role = match (by_number, &*name) {
            (true, _) => Oid(u32::try_from(number).unwrap_or_default()),
            (false, "public") => Oid::INVALID,
            (false, name) => roles.named(name).ok_or_else(|| no_role(name))?,
        };
        Ok(Holder::new(&roles, role, session.database_owner(&roles.facts)))
    })
}

fn no_role(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist"))
}

fn number(args: &Args<'_>, index: usize) -> Result<Oid> {
    Ok(Oid(u32::try_from(args.int(index)?).unwrap_or_default()))
}

fn is_name(args: &Args<'_>, index: usize) -> bool {
    matches!(args.raw(index), ValueRef::Text(_))
}

/// An object by its name in any of the ways that its regtype reads, or by its OID.
fn object(args: &Args<'_>, index: usize, scalar: Scalar) -> Result<Oid> {
    if !is_name(args, index) {
        return number(args, index);
    }
    match object_ids::input(scalar, &args.text(index)?, args.slot())? {
        Output::Value(rusqlite::types::Value::Integer(oid)) => Ok(Oid(u32::try_from(oid).unwrap_or_default())),
        _ => Ok(Oid::INVALID),
    }
}

fn relation(args: &Args<'_>, index: usize) -> Result<Oid> {
    if is_name(args, index) { relation_named(args, &args.text(index)?) } else { number(args, index) }
}

fn relation_privilege(args: &Args<'_>, on: On) -> Result<Output> {
    let last = args.len() - 1;
    let relation = relation(args, last - 1)?;
    let kind = match on {
        On::Table => AclKind::Relation,
        On::Sequence => AclKind::Sequence,
        On::AnyColumn => AclKind::Column,
    };
    let wanted = wanted(&args.text(last)?, kind)?;
    let holder = holder(args, (last == 2).then_some(0))?;
    args.slot().with_session(|session| {
        let catalog = &session.catalog;
        let Some(found) = catalog.relations.get(&relation) else { return Ok(Output::NULL) };
        if on == On::Sequence && found.kind != RelationKind::Sequence {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a sequence", found.name)));
        }
        let columns = |wanted| found.columns.iter().any(|c| catalog.may_column(&holder, relation, c.number, wanted));
        let has = |wanted: Privileges| {
            !wanted.is_empty() && (catalog.may(&holder, relation, wanted) || on == On::AnyColumn && columns(wanted))
        };
        Ok(wanted.into_iter().any(has).into())
    })
}

/// [role,] relation, column, privilege; the column must exist (42703).
fn column_privilege(args: &Args<'_>) -> Result<Output> {
    let last = args.len() - 1;
    let relation = relation(args, last - 2)?;
    let column = args.text(last - 1)?;
    let by_number = !is_name(args, last - 1);
    let wanted = wanted(&args.text(last)?, AclKind::Column)?;
    let holder = holder(args, (last == 3).then_some(0))?;
    args.slot().with_session(|session| {
        let catalog = &session.catalog;
        let Some(found) = catalog.relations.get(&relation) else { return Ok(Output::NULL) };
        let number = column.parse().unwrap_or_default();
        let column_found = if by_number { found.column_by_number(number) } else { found.column(&column) };
        match column_found {
            Some(known) => {
                let has = |wanted| catalog.may_column(&holder, relation, known.number, wanted);
                Ok(wanted.into_iter().any(has).into())
            }
            None if by_number => Ok(Output::NULL),
            None => {
                let message = format!("column \"{column}\" of relation \"{}\" does not exist", found.name);
                Err(Error::new(SqlState::UNDEFINED_COLUMN, message))
            }
        }
    })
}

fn database_privilege(args: &Args<'_>) -> Result<Output> {
    let last = args.len() - 1;
    let wanted = wanted(&args.text(last)?, AclKind::Database)?;
    let holder = holder(args, (last == 2).then_some(0))?;
    let (name, by_name) = (args.text(last - 1)?, is_name(args, last - 1));
    args.slot().with_session(|session| {
        let facts = session.cluster_facts();
        let known = match by_name {
            true => session.cluster.has_database(&name).then(|| name.to_string()),
            false => session.cluster.name_of(Oid(name.parse().unwrap_or_default())),
        };
        let Some(known) = known else {
            return match by_name {
                false => Ok(Output::NULL),
                true => {
                    let message = format!("database \"{name}\" does not exist");
                    Err(Error::new(SqlState::INVALID_CATALOG_NAME, message))
                }
            };
        };
        let database = facts.database(&known);
        let acl = database.privileges();
        let has = |wanted| holder.superuser || acl.mask(&holder, database.owner, wanted) == wanted;
        Ok(wanted.into_iter().any(has).into())
    })
}

fn schema_privilege(args: &Args<'_>) -> Result<Output> {
    let last = args.len() - 1;
    let wanted = wanted(&args.text(last)?, AclKind::Schema)?;
    let holder = holder(args, (last == 2).then_some(0))?;
    let (name, by_name) = (args.text(last - 1)?, is_name(args, last - 1));
    args.slot().with_session(|session| {
        let same = |oid: Oid, schema: &str| if by_name { schema == name } else { oid.to_string() == *name };
        let Some(schema) = session.catalog.schemas.iter().find(|s| same(s.oid, &s.name)) else {
            return match by_name {
                false => Ok(Output::NULL),
                true => {
                    let message = format!("schema \"{name}\" does not exist");
                    Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message))
                }
            };
        };
        let has =
            |wanted| session.catalog.mask(&holder, (PG_NAMESPACE, schema.oid, 0), AclKind::Schema, wanted) == wanted;
        Ok(wanted.into_iter().any(has).into())
    })
}

fn type_privilege(args: &Args<'_>) -> Result<Output> {
    let last = args.len() - 1;
    let wanted = wanted(&args.text(last)?, AclKind::Type)?;
    let holder = holder(args, (last == 2).then_some(0))?;
    let oid = object(args, last - 1, Scalar::RegType)?;
    args.slot().with_session(|session| {
        let user = session.catalog.user_type(oid).map(|user| user.oid);
        if user.is_none() && type_info(oid).is_none() {
            return Ok(Output::NULL);
        }
        // An array is used as its elements are.
        let address = (PG_TYPE, user.unwrap_or(oid), 0);
        let has = |wanted| session.catalog.mask(&holder, address, AclKind::Type, wanted) == wanted;
        Ok(wanted.into_iter().any(has).into())
    })
}

/// Of objects that nobody has granted anything on: what the public may do by default.
fn by_default(args: &Args<'_>, kind: AclKind) -> Result<Output> {
    let last = args.len() - 1;
    let wanted = wanted(&args.text(last)?, kind)?;
    let holder = holder(args, (last == 2).then_some(0))?;
    if kind == AclKind::Function {
        object(args, last - 1, Scalar::RegProcedure)?;
    }
    let owner = Oid::BOOTSTRAP_SUPERUSER;
    let acl = Acl::default_of(kind, owner);
    let has = |wanted| holder.superuser || acl.mask(&holder, owner, wanted) == wanted;
    Ok(wanted.into_iter().any(has).into())
}

/// pg_has_role([role,] of, USAGE | MEMBER [WITH ADMIN OPTION]).
fn has_role(args: &Args<'_>) -> Result<Output> {
    let last = args.len() - 1;
    let member = holder(args, (last == 2).then_some(0))?.role;
    let of = holder(args, Some(last - 1))?.role;
    let text = args.text(last)?;
    let ask = |session: &SessionContext, part: &str| {
        let (roles, part) = (session.roles(), part.trim());
        let owner = session.database_owner(&roles.facts);
        match part.to_uppercase().as_str() {
            "USAGE" => Ok(roles.has_privileges_of(member, of, owner)),
            "MEMBER" => Ok(roles.is_member(member, of, owner)),
            "USAGE WITH GRANT OPTION"
            | "USAGE WITH ADMIN OPTION"
            | "MEMBER WITH GRANT OPTION"
            | "MEMBER WITH ADMIN OPTION" => Ok(roles.is_admin(member, of, owner)),
            _ => {
                let message = format!("unrecognized privilege type: \"{part}\"");
                Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
            }
        }
    };
    args.slot().with_session(|session| {
        let answers = text.split(',').map(|part| ask(session, part)).collect::<Result<Vec<_>>>()?;
        Ok(answers.contains(&true).into())
    })
}

/// acldefault(kind, owner).
fn default_privileges(args: &Args<'_>) -> Result<Output> {
    let letter = args.text(0)?;
    let Some(kind) = letter.chars().next().and_then(AclKind::of_letter).filter(|_| letter.len() == 1) else {
        let message = format!("unrecognized object type abbreviation: {letter}");
        return Err(Error::new(SqlState::INTERNAL_ERROR, message));
    };
    let acl = Acl::default_of(kind, number(args, 1)?);
    args.slot().with_session(|session| {
        let items = acl.texts(&session.roles());
        Ok(serde_json::Value::from(items).to_string().into())
    })
}
