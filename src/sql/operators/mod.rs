//! PostgreSQL's operators: operand types, result type, and what each becomes in SQLite.
//!
//! Owns: [`Operator`] and the table of them ([`all`], [`named`]), one file per area. Specification: functions.html and
//! pg_operator; a test holds every row to what PostgreSQL has.

mod bits;
mod comparison;
mod containers;
mod datetime;
mod extension;
mod geometry;
mod money;
mod network;
mod number;
mod range;
mod system_ids;
mod text;
mod text_search;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::sql::functions::Call;
use crate::types::order::has_order;
use crate::types::pg_type::Oid;

/// One operator (pg_operator). A prefix operator has `left` = `Oid::INVALID`. Comparison operators are templates over
/// SQLite's own; the translator adds the type's collation.
#[derive(Clone, Copy, Debug)]
pub struct Operator {
    pub name: &'static str,
    pub left: Oid,
    pub right: Oid,
    pub result: Oid,
    pub call: Call,
    /// The extension it is part of; empty for the system's own.
    pub extension: &'static str,
}

impl Operator {
    const fn of(self, extension: &'static str) -> Self {
        Operator { extension, ..self }
    }
}

const fn infix(name: &'static str, left: Oid, right: Oid, result: Oid, call: Call) -> Operator {
    Operator { name, left, right, result, call, extension: "" }
}

const fn prefix(name: &'static str, right: Oid, result: Oid, call: Call) -> Operator {
    Operator { name, left: Oid::INVALID, right, result, call, extension: "" }
}

/// The areas' tables.
static AREAS: &[&[Operator]] = &[
    bits::ROWS,
    comparison::ROWS,
    number::ROWS,
    text::ROWS,
    datetime::ROWS,
    containers::ROWS,
    extension::OF_BTREE_GIST,
    extension::OF_CITEXT,
    extension::OF_HSTORE,
    extension::OF_INTARRAY,
    extension::OF_LTREE,
    extension::OF_PG_TRGM,
    extension::OF_VECTOR,
    network::ROWS,
    range::ROWS,
    geometry::ROWS,
    money::ROWS,
    system_ids::ROWS,
    text_search::ROWS,
];

static BY_NAME: LazyLock<HashMap<&'static str, Vec<&'static Operator>>> = LazyLock::new(|| {
    let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
    for operator in all() {
        by_name.entry(operator.name).or_default().push(operator);
    }
    by_name
});

/// Every operator, in no particular order.
pub fn all() -> impl Iterator<Item = &'static Operator> {
    AREAS.iter().copied().flatten()
}

/// The operators of that name, prefix and infix.
pub fn named(name: &str) -> &'static [&'static Operator] {
    BY_NAME.get(name).map_or(&[], Vec::as_slice)
}

/// Whether values of a type are compared by SQLite's own operators. Other types have no comparisons, or such as are more
/// than SQLite's of the stored form: only their rows here count.
pub fn compare_as_stored(oid: Oid) -> bool {
    has_order(oid) && oid != Oid::VOID
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tables::recorded::{Recording, recording};

    /// Operators over PostgreSQL's anycompatible types are not in the recording.
    #[test]
    fn signatures_are_postgresqls() {
        let recorded: std::collections::HashSet<_> = Recording::new(recording!("pg_operator"))
            .lines()
            .map(|line| {
                let oid = |column| Oid(line.number(column) as u32);
                (line.text("oprname").into_owned(), oid("oprleft"), oid("oprright"), oid("oprresult"))
            })
            .collect();
        let mut seen = std::collections::HashSet::new();
        for operator in all().filter(|o| o.result != Oid::ANYCOMPATIBLEARRAY && o.extension.is_empty()) {
            let signature = (operator.name.to_owned(), operator.left, operator.right, operator.result);
            assert!(recorded.contains(&signature), "{operator:?}");
            assert!(seen.insert(signature), "twice: {operator:?}");
        }
    }
}
