//! Sets over the catalogs: keywords, options, privileges, partitions.
//!
//! Specification: functions-info.html; aclexplode as in acl.c.

use rusqlite::types::Value;

use super::{Arguments, Row, Rows, SetFunction, row, rows, single};
use crate::catalog::roles::Roles;
use crate::catalog::tables::recorded::{Recording, recording};
use crate::engine::context::SessionContext;
use crate::engine::functions::partitions;
use crate::error::Result;
use crate::types::pg_type::Oid;

pub(super) static FUNCTIONS: &[SetFunction] = &[
    SetFunction {
        columns: &["word", "catcode", "barelabel", "catdesc", "baredesc"],
        ..SetFunction::new("pg_get_keywords", 0, |_| rows(keywords().into_iter()))
    },
    SetFunction { columns: &["option_name", "option_value"], ..SetFunction::new("pg_options_to_table", 1, options) },
    SetFunction {
        columns: &["grantor", "grantee", "privilege_type", "is_grantable"],
        ..SetFunction::new("pg_aclexplode", 1, privileges)
    },
    SetFunction::new("pg_listening_channels", 0, |args| {
        let channels = |session: &mut SessionContext| Ok(session.notifications.channels(session.backend_pid));
        rows(args.slot.with_session(channels)?.into_iter().map(single))
    }),
    SetFunction {
        columns: &["relid"],
        ..SetFunction::new("pg_partition_ancestors", 1, |args| {
            let found = above(args)?;
            rows(found.into_iter().map(|oid| single(Value::Integer(oid.0.into()))))
        })
    },
    SetFunction {
        columns: &["relid", "parentrelid", "isleaf", "level"],
        ..SetFunction::new("pg_partition_tree", 1, partition_tree)
    },
];

fn relation(args: &Arguments<'_>) -> Result<Oid> {
    Ok(Oid(u32::try_from(args.int(0)?).unwrap_or_default()))
}

fn above(args: &Arguments<'_>) -> Result<Vec<Oid>> {
    let relation = relation(args)?;
    args.slot.with_session(|session| Ok(partitions::above(&session.catalog, relation)))
}

/// pg_partition_tree: the nearer first.
fn partition_tree(args: &Arguments<'_>) -> Result<Rows> {
    let root = relation(args)?;
    let found = args.slot.with_session(|session| {
        let catalog = &session.catalog;
        let parent = partitions::above(catalog, root).get(1).copied();
        let is_there = !partitions::above(catalog, root).is_empty();
        let mut found: Vec<(Oid, Option<Oid>, i64)> = is_there.then_some((root, parent, 0)).into_iter().collect();
        let mut next = 0;
        while let Some((oid, _, level)) = found.get(next).copied() {
            next += 1;
            found.extend(partitions::below(catalog, oid).into_iter().map(|child| (child, Some(oid), level + 1)));
        }
        let is_leaf = |oid: Oid| match catalog.index(oid) {
            Some((table, _)) => !table.is_partitioned(),
            None => !catalog.relations.get(&oid).is_some_and(|relation| relation.is_partitioned()),
        };
        Ok(found.into_iter().map(|(oid, parent, level)| (oid, parent, is_leaf(oid), level)).collect::<Vec<_>>())
    })?;
    rows(found.into_iter().map(|(oid, parent, is_leaf, level)| {
        let parent = parent.map_or(Value::Null, |oid| Value::Integer(oid.0.into()));
        row([Value::Integer(oid.0.into()), parent, Value::Integer(is_leaf.into()), Value::Integer(level)])
    }))
}

fn keywords() -> Vec<Row> {
    let lines = Recording::new(recording!("keywords")).lines();
    let text = |line: &crate::catalog::tables::recorded::Line, name: &str| Value::Text(line.text(name).into_owned());
    lines
        .map(|line| {
            row([
                text(&line, "word"),
                text(&line, "catcode"),
                Value::Integer(line.number("barelabel")),
                text(&line, "catdesc"),
                text(&line, "baredesc"),
            ])
        })
        .collect()
}

fn items(args: &Arguments<'_>) -> Result<Vec<String>> {
    Ok(serde_json::from_str(&args.text(0)?).unwrap_or_default())
}

/// pg_options_to_table: "name=value" in two columns.
fn options(args: &Arguments<'_>) -> Result<Rows> {
    let split = |item: String| match item.split_once('=') {
        Some((name, value)) => row([name.to_owned().into(), value.to_owned().into()]),
        None => single(item),
    };
    rows(items(args)?.into_iter().map(split))
}

/// The privileges by their letters (acl.h).
const PRIVILEGES: &[(char, &str)] = &[
    ('a', "INSERT"),
    ('r', "SELECT"),
    ('w', "UPDATE"),
    ('d', "DELETE"),
    ('D', "TRUNCATE"),
    ('x', "REFERENCES"),
    ('t', "TRIGGER"),
    ('X', "EXECUTE"),
    ('U', "USAGE"),
    ('C', "CREATE"),
    ('T', "TEMPORARY"),
    ('c', "CONNECT"),
    ('s', "SET"),
    ('A', "ALTER SYSTEM"),
];

/// aclexplode: "grantee=letters/grantor", each letter a row, an asterisk behind it the grant option.
fn privileges(args: &Arguments<'_>) -> Result<Rows> {
    let mut exploded = Vec::new();
    let roles = args.slot.with_session(|session| Ok(session.roles())).unwrap_or_default();
    let role_oid = |name: &str| role_oid(&roles, name);
    for item in items(args)? {
        let Some((grantee, rest)) = item.split_once('=') else { continue };
        let Some((letters, grantor)) = rest.split_once('/') else { continue };
        let mut letters = letters.chars().peekable();
        while let Some(letter) = letters.next() {
            let grantable = letters.next_if_eq(&'*').is_some();
            let Some((_, privilege)) = PRIVILEGES.iter().find(|(l, _)| *l == letter) else { continue };
            exploded.push(row([
                Value::Integer(role_oid(grantor)),
                Value::Integer(role_oid(grantee)),
                Value::Text((*privilege).to_owned()),
                Value::Integer(grantable.into()),
            ]));
        }
    }
    rows(exploded.into_iter())
}

/// A role's OID by the name in a privilege; none is PUBLIC. What is no name any more is the number it had.
fn role_oid(roles: &Roles, name: &str) -> i64 {
    let name = match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => name.to_owned(),
    };
    match roles.named(&name) {
        _ if name.is_empty() => 0,
        Some(oid) => i64::from(oid.0),
        None => name.parse().unwrap_or_default(),
    }
}
