//! What the rows of a partition satisfy, as an expression (get_partition_qual_relid).
//!
//! Owns: [`conjuncts`] and [`text`]. Specification: get_qual_for_list, get_qual_for_range and get_qual_for_hash in
//! partbounds.c; ruleutils.c for how it is shown.

use crate::catalog::definitions::Names;
use crate::catalog::inheritance::{Datum, Inheritance, KeyColumn, PartitionBound, PartitionKey, RangeDatum};
use crate::catalog::schema::Relation;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// How it is written: as PostgreSQL shows it, or in the same meaning without arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Shown,
    Plain,
}

/// What pg_get_partition_constraintdef shows; `None` for a table that is no partition, or has no constraint.
pub fn text(names: &Names<'_>, relation: &Relation) -> Option<String> {
    let all = conjuncts(names, relation, Style::Shown);
    match all.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        _ => Some(format!("({})", all.join(" AND "))),
    }
}

/// The conditions that a partition's rows satisfy, those of the tables above it first. A hash partition's is a call of
/// satisfies_hash_partition.
pub fn conjuncts(names: &Names<'_>, relation: &Relation, style: Style) -> Vec<String> {
    let mut all = Vec::new();
    let above = names.catalog.partition_ancestors(relation);
    for (place, parent) in above.iter().enumerate().rev() {
        let child = match place.checked_sub(1).and_then(|below| above.get(below)) {
            Some(child) => child,
            None => relation,
        };
        all.extend(own_conjuncts(names, parent, child, style));
    }
    all
}

/// Those of a partition by its own bound.
pub fn own_conjuncts(names: &Names<'_>, parent: &Relation, child: &Relation, style: Style) -> Vec<String> {
    let Inheritance { bound, .. } = &child.options.inheritance;
    let (Some(key), Some(bound)) = (&parent.options.inheritance.key, bound) else { return Vec::new() };
    let writer = Writer { names, parent, key, style };
    match bound {
        PartitionBound::Default => writer.default(child.oid),
        bound => writer.bound(bound, true),
    }
}

struct Writer<'w> {
    names: &'w Names<'w>,
    parent: &'w Relation,
    key: &'w PartitionKey,
    style: Style,
}

impl Writer<'_> {
    fn bound(&self, bound: &PartitionBound, with_null_tests: bool) -> Vec<String> {
        match bound {
            PartitionBound::Default => Vec::new(),
            PartitionBound::List(values) => self.list_parts(values),
            PartitionBound::Range { lower, upper } => {
                let mut all = if with_null_tests { self.null_tests() } else { Vec::new() };
                all.extend(self.range(lower, upper));
                all
            }
            PartitionBound::Hash { modulus, remainder } => {
                let keys: Vec<String> = self.key.columns.iter().map(|column| self.operand(column)).collect();
                vec![format!(
                    "satisfies_hash_partition('{}'::oid, {modulus}, {remainder}, {})",
                    self.parent.oid.0,
                    keys.join(", ")
                )]
            }
        }
    }

    /// No other partition's rows.
    fn default(&self, own: Oid) -> Vec<String> {
        let children = self.parent.options.inheritance.children.iter().filter(|oid| **oid != own);
        let siblings = children.filter_map(|oid| self.names.catalog.relations.get(oid));
        let bounds: Vec<&PartitionBound> = siblings.filter_map(|s| s.options.inheritance.bound.as_ref()).collect();
        let mut values = Vec::new();
        let mut ranges = Vec::new();
        for bound in bounds {
            match bound {
                PartitionBound::List(list) => values.extend(list.iter().cloned()),
                bound => {
                    let all = self.bound(bound, false);
                    ranges.push(if let [only] = all.as_slice() { only.clone() } else { conjunction(&all) });
                }
            }
        }
        values.sort_by(|a, b| in_order(&a.value, &b.value));
        if !values.is_empty() {
            return vec![format!("(NOT {})", self.list(&values))];
        }
        let any = match ranges.as_slice() {
            [] => return Vec::new(),
            [only] => only.clone(),
            _ => format!("({})", ranges.join(" OR ")),
        };
        let mut all = self.null_tests();
        all.push(any);
        vec![format!("(NOT {})", conjunction(&all))]
    }

    fn operand(&self, column: &KeyColumn) -> String {
        column.text(self.parent)
    }

    fn null_tests(&self) -> Vec<String> {
        self.key.columns.iter().map(|column| format!("({} IS NOT NULL)", self.operand(column))).collect()
    }

    fn list(&self, values: &[Datum]) -> String {
        match self.list_parts(values).as_slice() {
            [only] => only.clone(),
            parts => conjunction(parts),
        }
    }

    /// The conditions that together say that the key is one of the values.
    fn list_parts(&self, values: &[Datum]) -> Vec<String> {
        let Some(column) = self.key.columns.first() else { return vec!["true".to_owned()] };
        let operand = self.operand(column);
        let has_null = values.iter().any(|value| value.value == Value::Null);
        let constants: Vec<String> = values
            .iter()
            .filter(|value| value.value != Value::Null)
            .map(|value| self.constant(column, value))
            .collect();
        let is_in = match (constants.as_slice(), self.style) {
            ([], _) => return vec![format!("({operand} IS NULL)")],
            ([only], _) => format!("({operand} = {only})"),
            (_, Style::Plain) => format!("({operand} IN ({}))", constants.join(", ")),
            (_, Style::Shown) => format!("({operand} = ANY (ARRAY[{}]))", constants.join(", ")),
        };
        match has_null {
            true => vec![format!("(({operand} IS NULL) OR {is_in})")],
            false => vec![format!("({operand} IS NOT NULL)"), is_in],
        }
    }

    /// A constant with its type where the text alone would not say it.
    fn constant(&self, column: &KeyColumn, datum: &Datum) -> String {
        match datum.literal.starts_with('\'') {
            true => format!("{}::{}", datum.literal, self.names.format_type(column.type_oid, None)),
            false => datum.literal.clone(),
        }
    }

    fn compared(&self, place: usize, operator: &str, bound: &RangeDatum) -> Option<String> {
        let column = self.key.columns.get(place)?;
        let RangeDatum::Value(datum) = bound else { return None };
        Some(format!("({} {operator} {})", self.operand(column), self.constant(column, datum)))
    }

    fn range(&self, lower: &[RangeDatum], upper: &[RangeDatum]) -> Vec<String> {
        let mut all = Vec::new();
        let same = |(a, b): &(&RangeDatum, &RangeDatum)| matches!((a, b), (RangeDatum::Value(a), RangeDatum::Value(b)) if a.literal == b.literal);
        let first = lower.iter().zip(upper).take_while(same).count();
        all.extend((0..first).filter_map(|place| self.compared(place, "=", lower.get(place)?)));
        all.extend(disjunction(&self.arms(lower, first, (">", ">="), &RangeDatum::MinValue, true)));
        all.extend(disjunction(&self.arms(upper, first, ("<", "<="), &RangeDatum::MaxValue, false)));
        all
    }

    /// The columns before are equal and one is beyond: one arm for each that decides.
    fn arms(
        &self,
        bound: &[RangeDatum],
        first: usize,
        (strict, inclusive): (&str, &str),
        open: &RangeDatum,
        last_included: bool,
    ) -> Vec<String> {
        let mut arms = Vec::new();
        for deciding in first..bound.len() {
            let Some(own) = bound.get(deciding) else { break };
            let next = bound.get(deciding + 1);
            let operator = match next {
                None if last_included => inclusive,
                Some(next) if next == open => inclusive,
                _ => strict,
            };
            let equal = (first..deciding).filter_map(|place| self.compared(place, "=", bound.get(place)?));
            let parts: Vec<String> = equal.chain(self.compared(deciding, operator, own)).collect();
            if matches!(own, RangeDatum::Value(_)) {
                arms.push(if let [only] = parts.as_slice() { only.clone() } else { conjunction(&parts) });
            }
            if !matches!((own, next), (RangeDatum::Value(_), Some(RangeDatum::Value(_)))) {
                break;
            }
        }
        arms
    }
}

/// The order of a partitioned table's values, as far as what is stored tells it.
fn in_order(a: &Value, b: &Value) -> std::cmp::Ordering {
    match (a, b) {
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        _ => std::cmp::Ordering::Equal,
    }
}

fn conjunction(parts: &[String]) -> String {
    format!("({})", parts.join(" AND "))
}

fn disjunction(arms: &[String]) -> Option<String> {
    match arms {
        [] => None,
        [only] => Some(only.clone()),
        _ => Some(format!("({})", arms.join(" OR "))),
    }
}
