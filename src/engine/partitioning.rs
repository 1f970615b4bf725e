//! Which partition a row belongs to, and how the bounds of partitions compare.
//!
//! Owns: [`Comparison`], [`compare_bounds`], [`Router`]. Must not know: SQL text, how rows are written. Specification:
//! get_partition_for_tuple() and ExecFindPartition() in execPartition.c, partbounds.c.

use std::cmp::Ordering;

use crate::catalog::inheritance::{PartitionBound, RangeDatum, Strategy};
use crate::catalog::schema::{CatalogSnapshot, Relation, UserTypeKind};
use crate::engine::constraint_errors::{show, with_origin};
use crate::engine::functions::compare_values;
use crate::error::{Error, Result, SqlState};
use crate::types::format::FormatSettings;
use crate::types::hash;
use crate::types::pg_type::{Oid, Repr, Scalar};
use crate::types::value::Value;

/// The most bytes of a value that an error shows.
const LONGEST_SHOWN: usize = 64;

/// How values of a type compare.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    repr: Repr,
    /// An enum's, in order.
    labels: Option<Vec<String>>,
}

impl Comparison {
    /// That of a type, built-in or a user's.
    pub(crate) fn of(catalog: &CatalogSnapshot, type_oid: Oid) -> Self {
        let mut oid = type_oid;
        while let Some(UserTypeKind::Domain { base, .. }) = catalog.types.get(&oid).map(|t| &t.kind) {
            oid = *base;
        }
        let labels = match catalog.types.get(&oid).map(|t| &t.kind) {
            Some(UserTypeKind::Enum(labels)) => Some(labels.labels().to_vec()),
            _ => None,
        };
        Comparison { repr: catalog.repr(oid).unwrap_or(Repr::scalar(Scalar::Text)), labels }
    }

    /// Two values; NULL is greater than all.
    pub(crate) fn compare(&self, a: &Value, b: &Value) -> Ordering {
        if let (Some(labels), Value::Text(a), Value::Text(b)) = (&self.labels, a, b) {
            let place = |label: &String| labels.iter().position(|known| known == label);
            return place(a).cmp(&place(b));
        }
        compare_values(self.repr, a, b)
    }
}

/// A bound of a range and the values of a key, or another bound. MINVALUE and MAXVALUE end the comparison.
pub(crate) fn compare_bounds(comparisons: &[Comparison], a: &[RangeDatum], b: &[RangeDatum]) -> Ordering {
    for ((comparison, a), b) in comparisons.iter().zip(a).zip(b) {
        let order = match (a, b) {
            (RangeDatum::Value(a), RangeDatum::Value(b)) => comparison.compare(&a.value, &b.value),
            (RangeDatum::MinValue, RangeDatum::MinValue) | (RangeDatum::MaxValue, RangeDatum::MaxValue) => {
                return Ordering::Equal;
            }
            (RangeDatum::MinValue, _) | (_, RangeDatum::MaxValue) => Ordering::Less,
            (RangeDatum::MaxValue, _) | (_, RangeDatum::MinValue) => Ordering::Greater,
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn compare_to_key(comparisons: &[Comparison], bound: &[RangeDatum], key: &[&Value]) -> Ordering {
    for ((comparison, bound), value) in comparisons.iter().zip(bound).zip(key) {
        let order = match bound {
            RangeDatum::MinValue => Ordering::Less,
            RangeDatum::MaxValue => Ordering::Greater,
            RangeDatum::Value(datum) => comparison.compare(&datum.value, value),
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// The hash of a row's key; NULLs count for nothing (compute_partition_hash_value).
pub(crate) fn hash_of(keys: &[(Repr, &Value)]) -> u64 {
    let hashes = keys.iter().filter_map(|(repr, value)| hash::partition_hash(*repr, value));
    hashes.fold(0, hash::combine)
}

/// Finds the partition of rows of one table.
pub(crate) struct Router {
    tables: Vec<Table>,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Leaf(Oid),
    /// A partition that is cut further, by its place among the router's tables.
    Table(usize),
}

/// A partitioned table.
struct Table {
    /// For errors.
    relation: std::sync::Arc<Relation>,
    /// Where its key's values stand among those given, and how they compare.
    arguments: Vec<usize>,
    comparisons: Vec<Comparison>,
    parts: Parts,
    default: Option<Place>,
}

enum Parts {
    List {
        values: Vec<(Value, Place)>,
        null: Option<Place>,
    },
    /// By their bounds, which do not overlap.
    Range(Vec<(Vec<RangeDatum>, Vec<RangeDatum>, Place)>),
    Hash(Vec<(u64, u64, Place)>),
}

impl Router {
    /// That of a partitioned table; the values of `routing_keys` are given in their order.
    pub(crate) fn of(catalog: &CatalogSnapshot, root: Oid) -> Self {
        let keys = catalog.routing_keys(root);
        let tables: Vec<_> = catalog.inheritors(root).into_iter().filter(|table| table.is_partitioned()).collect();
        let place = |oid: Oid| match tables.iter().position(|table| table.oid == oid) {
            Some(place) => Place::Table(place),
            None => Place::Leaf(oid),
        };
        let table = |relation: &&std::sync::Arc<Relation>| {
            let columns = relation.options.inheritance.key.iter().flat_map(|key| &key.columns);
            let argument = |text: String| keys.iter().position(|key| *key == text).unwrap_or_default();
            let comparisons: Vec<_> = columns.clone().map(|key| Comparison::of(catalog, key.type_oid)).collect();
            let (parts, default) = parts_of(catalog, relation, &comparisons, &place);
            Table {
                relation: std::sync::Arc::clone(relation),
                arguments: columns.map(|column| argument(column.text(relation))).collect(),
                comparisons,
                parts,
                default,
            }
        };
        Router { tables: tables.iter().map(table).collect() }
    }

    /// The partition of a row: 23514 if there is none.
    pub(crate) fn route(&self, values: &[Value], format: &FormatSettings) -> Result<Oid> {
        let mut next = 0;
        loop {
            let Some(table) = self.tables.get(next) else { return Err(Error::internal("no partitioned table")) };
            let key: Vec<&Value> = table.arguments.iter().filter_map(|at| values.get(*at)).collect();
            match table.find(&key) {
                Some(Place::Leaf(oid)) => return Ok(oid),
                Some(Place::Table(below)) => next = below,
                None => return Err(table.no_partition(&key, format)),
            }
        }
    }
}

fn parts_of(
    catalog: &CatalogSnapshot,
    relation: &Relation,
    comparisons: &[Comparison],
    place: &dyn Fn(Oid) -> Place,
) -> (Parts, Option<Place>) {
    let inheritance = &relation.options.inheritance;
    let strategy = inheritance.key.as_ref().map_or(Strategy::List, |key| key.strategy);
    let children = inheritance.children.iter().filter_map(|oid| catalog.relations.get(oid));
    let (mut values, mut null, mut ranges, mut hashes, mut default) = (Vec::new(), None, Vec::new(), Vec::new(), None);
    for child in children {
        let place = place(child.oid);
        match &child.options.inheritance.bound {
            Some(PartitionBound::Default) => default = Some(place),
            Some(PartitionBound::List(list)) => {
                for datum in list {
                    match &datum.value {
                        Value::Null => null = Some(place),
                        value => values.push((value.clone(), place)),
                    }
                }
            }
            Some(PartitionBound::Range { lower, upper }) => ranges.push((lower.clone(), upper.clone(), place)),
            Some(PartitionBound::Hash { modulus, remainder }) => {
                let number = |n: &i32| u64::try_from(*n).unwrap_or_default();
                hashes.push((number(modulus), number(remainder), place));
            }
            None => {}
        }
    }
    if let Some(comparison) = comparisons.first() {
        values.sort_by(|(a, _), (b, _)| comparison.compare(a, b));
    }
    ranges.sort_by(|(a, ..), (b, ..)| compare_bounds(comparisons, a, b));
    let parts = match strategy {
        Strategy::List => Parts::List { values, null },
        Strategy::Range => Parts::Range(ranges),
        Strategy::Hash => Parts::Hash(hashes),
    };
    (parts, default)
}

impl Table {
    fn find(&self, key: &[&Value]) -> Option<Place> {
        let found = match (&self.parts, key) {
            (Parts::List { null, .. }, [Value::Null]) => *null,
            (Parts::List { values, .. }, [value]) => {
                let comparison = self.comparisons.first()?;
                let at = values.binary_search_by(|(known, _)| comparison.compare(known, value));
                at.ok().and_then(|at| values.get(at)).map(|(_, place)| *place)
            }
            (Parts::List { .. }, _) => None,
            (Parts::Range(_), key) if key.iter().any(|value| **value == Value::Null) => None,
            (Parts::Range(ranges), key) => {
                let above = |bound: &[RangeDatum]| compare_to_key(&self.comparisons, bound, key).is_gt();
                let at = ranges.partition_point(|(lower, ..)| !above(lower));
                let range = at.checked_sub(1).and_then(|at| ranges.get(at));
                range.filter(|(_, upper, _)| above(upper)).map(|(.., place)| *place)
            }
            (Parts::Hash(parts), key) => {
                let keys: Vec<_> = self.comparisons.iter().map(|c| c.repr).zip(key.iter().copied()).collect();
                let hash = hash_of(&keys);
                let is_it =
                    |(modulus, remainder, _): &&(u64, u64, Place)| hash.checked_rem(*modulus) == Some(*remainder);
                parts.iter().find(is_it).map(|(.., place)| *place)
            }
        };
        found.or(self.default)
    }

    fn no_partition(&self, key: &[&Value], format: &FormatSettings) -> Error {
        let relation = &self.relation;
        let shown = |(comparison, value): (&Comparison, &&Value)| {
            let mut text = show(comparison.repr, value, format).unwrap_or_default();
            if text.len() > LONGEST_SHOWN {
                let end = (0..=LONGEST_SHOWN).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
                text.truncate(end);
                text.push_str("...");
            }
            text
        };
        let values: Vec<String> = self.comparisons.iter().zip(key).map(shown).collect();
        let columns = relation.options.inheritance.key.iter().flat_map(|key| &key.columns);
        let names: Vec<String> = columns.map(|column| key_name(&column.text(relation))).collect();
        let message = format!("no partition of relation \"{}\" found for row", relation.name);
        let detail =
            format!("Partition key of the failing row contains ({}) = ({}).", names.join(", "), values.join(", "));
        with_origin(Error::new(SqlState::CHECK_VIOLATION, message).with_detail(detail), relation)
    }
}

/// A key as pg_get_partkeydef writes it: a call of a function stands without parentheses around it.
pub(crate) fn key_name(text: &str) -> String {
    let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else { return text.to_owned() };
    let name = inner.split('(').next().unwrap_or_default();
    let is_call = inner.ends_with(')')
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.');
    if is_call || inner.starts_with('(') { inner.to_owned() } else { text.to_owned() }
}
