//! How tables stand to each other: INHERITS, PARTITION BY and PARTITION OF.
//!
//! Owns: [`Inheritance`] and its parts, the ways through the tree of a table's members, and what a partition's rows
//! satisfy as an expression. Must not know: how rows are read, written and routed. Specification: catalog-pg-inherits.html,
//! catalog-pg-partitioned-table.html, partbounds.c, pg_inherits.c.

use std::collections::HashSet;
use std::sync::Arc;

use crate::catalog::definitions::quote_identifier;
use crate::catalog::schema::{CatalogSnapshot, Relation};
use crate::catalog::trigger::Trigger;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// Of one table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inheritance {
    /// What it inherits from, or is a partition of, in pg_inherits' order.
    pub parents: Vec<Oid>,
    /// What inherits from it directly, as it is read: children as they were made, partitions by their bounds, the
    /// default one last.
    pub children: Vec<Oid>,
    /// PARTITION BY
    pub key: Option<PartitionKey>,
    /// FOR VALUES …, or DEFAULT: it is a partition of its one parent.
    pub bound: Option<PartitionBound>,
}

/// How a table is cut (pg_partitioned_table).
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionKey {
    pub strategy: Strategy,
    pub columns: Vec<KeyColumn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    List,
    Range,
    Hash,
}

/// One column or expression of a partition key.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyColumn {
    /// The attribute's number, or 0 for an expression.
    pub column: i16,
    /// As PostgreSQL text.
    pub expression: Option<String>,
    pub type_oid: Oid,
    /// COLLATE and the operator class, where they were written and are not the type's own.
    pub collation: Option<String>,
    pub operator_class: Option<String>,
}

/// Which rows a partition has (PartitionBoundSpec).
#[derive(Clone, Debug, PartialEq)]
pub enum PartitionBound {
    Default,
    List(Vec<Datum>),
    Range { lower: Vec<RangeDatum>, upper: Vec<RangeDatum> },
    Hash { modulus: i32, remainder: i32 },
}

/// A constant of a bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Datum {
    /// As it is stored in a column of the key's type.
    pub value: Value,
    /// Its text as PostgreSQL prints it in a bound: `1`, `'abc'`, `NULL`.
    pub literal: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RangeDatum {
    MinValue,
    Value(Datum),
    MaxValue,
}

impl Strategy {
    /// pg_partitioned_table.partstrat.
    pub fn letter(self) -> &'static str {
        match self {
            Strategy::List => "l",
            Strategy::Range => "r",
            Strategy::Hash => "h",
        }
    }

    /// As PARTITION BY has it.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::List => "list",
            Strategy::Range => "range",
            Strategy::Hash => "hash",
        }
    }

    /// The strategy of that letter.
    pub fn of_letter(letter: &str) -> Option<Self> {
        [Strategy::List, Strategy::Range, Strategy::Hash].into_iter().find(|strategy| strategy.letter() == letter)
    }
}

impl KeyColumn {
    /// What it is over, as an expression over the table's columns.
    pub fn text(&self, table: &Relation) -> String {
        match (table.column_by_number(self.column), &self.expression) {
            (Some(column), _) => quote_identifier(&column.name),
            (None, Some(text)) => format!("({text})"),
            (None, None) => String::new(),
        }
    }
}

impl RangeDatum {
    /// As FOR VALUES FROM (…) has it.
    pub fn text(&self) -> &str {
        match self {
            RangeDatum::MinValue => "MINVALUE",
            RangeDatum::MaxValue => "MAXVALUE",
            RangeDatum::Value(datum) => &datum.literal,
        }
    }
}

impl PartitionBound {
    /// FOR VALUES …, as pg_get_expr(relpartbound) gives it.
    pub fn text(&self) -> String {
        let list = |bounds: &[RangeDatum]| bounds.iter().map(RangeDatum::text).collect::<Vec<_>>().join(", ");
        match self {
            PartitionBound::Default => "DEFAULT".to_owned(),
            PartitionBound::List(values) => {
                let values: Vec<&str> = values.iter().map(|value| value.literal.as_str()).collect();
                format!("FOR VALUES IN ({})", values.join(", "))
            }
            PartitionBound::Range { lower, upper } => {
                format!("FOR VALUES FROM ({}) TO ({})", list(lower), list(upper))
            }
            PartitionBound::Hash { modulus, remainder } => {
                format!("FOR VALUES WITH (modulus {modulus}, remainder {remainder})")
            }
        }
    }
}

impl Relation {
    /// Whether it is cut into partitions and has no rows of its own.
    pub fn is_partitioned(&self) -> bool {
        self.options.inheritance.key.is_some()
    }

    /// Whether a column is one of its partition key.
    pub fn has_key_column(&self, number: i16) -> bool {
        self.options.inheritance.key.iter().flat_map(|key| &key.columns).any(|column| column.column == number)
    }

    /// Whether it is a partition.
    pub fn is_partition(&self) -> bool {
        self.options.inheritance.bound.is_some()
    }

    /// Whether others may hold rows that are read as its own.
    pub fn has_members(&self) -> bool {
        self.is_partitioned() || !self.options.inheritance.children.is_empty()
    }
}

impl CatalogSnapshot {
    fn children<'c>(&'c self, relation: &'c Relation) -> impl DoubleEndedIterator<Item = &'c Arc<Relation>> {
        relation.options.inheritance.children.iter().filter_map(|child| self.relations.get(child))
    }

    /// A table and all that inherit from it, the nearer first (find_all_inheritors).
    pub fn inheritors(&self, relation: Oid) -> Vec<&Arc<Relation>> {
        let mut found: Vec<&Arc<Relation>> = self.relations.get(&relation).into_iter().collect();
        let mut known = HashSet::from([relation]);
        let mut next = 0;
        while let Some(parent) = found.get(next).copied() {
            next += 1;
            for child in self.children(parent) {
                if known.insert(child.oid) {
                    found.push(child);
                }
            }
        }
        found
    }

    /// The tables that have the rows of a table, in the order in which they are read.
    pub fn members(&self, relation: Oid) -> Vec<&Arc<Relation>> {
        let Some(top) = self.relations.get(&relation) else { return Vec::new() };
        if !top.is_partitioned() {
            return self.inheritors(relation);
        }
        let mut leaves = Vec::new();
        let mut stack: Vec<&Arc<Relation>> = vec![top];
        while let Some(next) = stack.pop() {
            if next.is_partitioned() {
                stack.extend(self.children(next).rev());
            } else {
                leaves.push(next);
            }
        }
        leaves
    }

    /// The trigger of the table above a partition that one of the partition's comes from: they always have one name.
    pub fn parent_trigger(&self, partition: &Relation, trigger: &Trigger) -> Option<Oid> {
        let above = self.partition_ancestors(partition).into_iter().next()?;
        let found = above.options.triggers.iter().find(|known| known.name == trigger.name && known.for_each_row);
        found.filter(|_| trigger.for_each_row).map(|found| found.oid)
    }

    /// The tables above a partition, the nearest first.
    pub fn partition_ancestors<'c>(&'c self, relation: &'c Relation) -> Vec<&'c Arc<Relation>> {
        let parent = |relation: &Relation| {
            let parents = &relation.options.inheritance;
            parents.bound.as_ref().and_then(|_| self.relations.get(parents.parents.first()?))
        };
        std::iter::successors(parent(relation), |above| parent(above)).collect()
    }

    /// The keys by which rows find their partition below a table, each once: of its own key first, then of the keys of
    /// its partitions. As text over the columns, whose names are the same in all of them.
    pub fn routing_keys(&self, relation: Oid) -> Vec<String> {
        let mut keys = Vec::new();
        for table in self.inheritors(relation) {
            for column in table.options.inheritance.key.iter().flat_map(|key| &key.columns) {
                let text = column.text(table);
                if !keys.contains(&text) {
                    keys.push(text);
                }
            }
        }
        keys
    }
}
