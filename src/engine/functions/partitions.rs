//! Partitions: which one a row belongs to, and whether it belongs to one.
//!
//! Specification: execPartition.c, satisfies_hash_partition() in partbounds.c.

use super::{Args, Definition, Output, owned};
use crate::catalog::schema::{CatalogSnapshot, RelationKind};
use crate::engine::partitioning::hash_of;
use crate::error::{Error, Result};
use crate::types::pg_type::{Oid, Repr, Scalar, type_info};
use crate::types::value::Value;

/// The functions of this area.
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::stable("__pg_route", -1, route).called_on_null(),
    Definition::pure("__pg_is_in_hash_partition", -1, is_in_hash_partition).called_on_null(),
];

/// __pg_route(table, keys…): the OID of the leaf for a row whose routing keys these are.
fn route(args: &Args<'_>) -> Result<Output> {
    let router = args.cached(0, || {
        let root = Oid(u32::try_from(args.int(0)?).unwrap_or_default());
        args.slot().router(root)
    })?;
    let values: Vec<Value> = (1..args.len()).map(|index| owned(args.raw(index))).collect();
    let leaf = args.slot().with_format(|format| router.route(&values, format))?;
    Ok(i64::from(leaf.0).into())
}

/// __pg_is_in_hash_partition(types, modulus, remainder, keys…)
fn is_in_hash_partition(args: &Args<'_>) -> Result<Output> {
    let reprs = args.cached(0, || {
        let list = args.text(0)?;
        let oid = |text: &str| text.parse().ok().map(Oid).and_then(type_info);
        Ok(list.split(',').map(|text| oid(text).map_or(Repr::scalar(Scalar::Text), |i| i.repr)).collect::<Vec<_>>())
    })?;
    let number = |index: usize| args.int(index).map(|n| u64::try_from(n).unwrap_or_default());
    let (modulus, remainder) = (number(1)?, number(2)?);
    let values: Vec<Value> = (3..args.len()).map(|index| owned(args.raw(index))).collect();
    let keys: Vec<_> = reprs.iter().copied().zip(&values).collect();
    let found = hash_of(&keys).checked_rem(modulus).ok_or_else(|| Error::internal("a hash partition of modulus 0"))?;
    Ok((found == remainder).into())
}

/// A table or index of a tree of partitions, and what is above it; nothing for another.
pub(super) fn above(catalog: &CatalogSnapshot, oid: Oid) -> Vec<Oid> {
    let mut found = Vec::new();
    match catalog.relations.get(&oid) {
        Some(relation) if relation.is_partitioned() || relation.is_partition() => {
            found.push(oid);
            found.extend(catalog.partition_ancestors(relation).iter().map(|above| above.oid));
        }
        Some(relation) if relation.kind == RelationKind::Index => {
            let part = |oid: Oid| catalog.index(oid).and_then(|(_, index)| index.options.parent);
            let of_tree =
                catalog.index(oid).is_some_and(|(t, index)| t.is_partitioned() || index.options.parent.is_some());
            if of_tree {
                found.extend(std::iter::successors(Some(oid), |oid| part(*oid)));
            }
        }
        _ => {}
    }
    found
}

/// What is directly below a table or index of a tree of partitions.
pub(super) fn below(catalog: &CatalogSnapshot, oid: Oid) -> Vec<Oid> {
    match catalog.relations.get(&oid) {
        Some(relation) if relation.kind == RelationKind::Index => {
            let Some((table, _)) = catalog.index(oid) else { return Vec::new() };
            let children = table.options.inheritance.children.iter().filter_map(|oid| catalog.relations.get(oid));
            let indexes = children.flat_map(|child| &child.indexes);
            indexes.filter(|index| index.options.parent == Some(oid)).map(|index| index.oid).collect()
        }
        Some(relation) if relation.is_partitioned() => {
            let mut children = relation.options.inheritance.children.clone();
            children.sort_unstable();
            children
        }
        _ => Vec::new(),
    }
}
