//! Partitions that a query cannot need are not read: a partition's SELECT has a condition over the query's constants and
//! parameters alone, which SQLite evaluates before it looks at the partition.
//!
//! Owns: what is known of a table's columns before its rows are read, and the conditions that follow from the bounds. Must not
//! know: the values, which are known when the statement runs. Specification: partprune.c.

use super::Lower;
use super::tree::{Expr, ExprKind};
use crate::catalog::inheritance::{Datum, PartitionBound, PartitionKey, RangeDatum};
use crate::catalog::schema::{CatalogSnapshot, Relation, UserTypeKind};
use crate::error::Result;
use crate::sql::tree::{
    Coercion, EntryId, Expr as Typed, ExprKind as Kind, FromItem as TypedItem, JoinKind, OperatorRef,
};
use crate::sql::types;
use crate::types::pg_type::{Oid, Repr};
use crate::types::value::Value;

/// The most partitions whose bounds the default one's condition lists.
const MOST_LISTED: usize = 64;

/// A conjunct of a query's conditions: a column compared with what does not depend on rows.
#[derive(Clone, Debug)]
pub(super) struct Known {
    entry: EntryId,
    attribute: i16,
    op: &'static str,
    /// Of IN several, one of which it equals.
    values: Vec<Typed>,
}

impl Lower<'_> {
    /// Remembers what the conditions of a query say of columns.
    pub(super) fn note_known(&mut self, selection: Option<&Typed>, from: &[TypedItem]) {
        selection.into_iter().for_each(|selection| self.note_conjuncts(selection));
        from.iter().for_each(|item| self.note_joins(item));
    }

    fn note_joins(&mut self, item: &TypedItem) {
        if let TypedItem::Join { kind: JoinKind::Inner | JoinKind::Cross, left, right, on } = item {
            on.iter().for_each(|on| self.note_conjuncts(on));
            self.note_joins(left);
            self.note_joins(right);
        }
    }

    fn note_conjuncts(&mut self, condition: &Typed) {
        match &condition.kind {
            Kind::And(parts) => parts.iter().for_each(|part| self.note_conjuncts(part)),
            Kind::Op(OperatorRef::Comparison(op), operands) => {
                let [left, right] = operands.as_slice() else { return };
                let turned = match *op {
                    "<" => ">",
                    ">" => "<",
                    "<=" => ">=",
                    ">=" => "<=",
                    same => same,
                };
                self.note(left, op, std::slice::from_ref(right));
                self.note(right, turned, std::slice::from_ref(left));
            }
            Kind::InList { expr, list, negated: false } => self.note(expr, "=", list),
            _ => {}
        }
    }

    fn note(&mut self, operand: &Typed, op: &'static str, values: &[Typed]) {
        let Some((entry, attribute)) = column_of(operand) else { return };
        if ["=", "<", "<=", ">", ">="].contains(&op) && values.iter().all(is_fixed) {
            self.known.push(Known { entry, attribute, op, values: values.to_vec() });
        }
    }

    /// What must be true if a member has rows that the query wants.
    pub(super) fn needed(&mut self, entry: EntryId, relation: &Relation, member: &Relation) -> Result<Option<Expr>> {
        let known: Vec<Known> = self.known.iter().filter(|known| known.entry == entry).cloned().collect();
        if known.is_empty() || !member.is_partition() {
            return Ok(None);
        }
        let catalog = self.catalog();
        let mut conditions = Vec::new();
        let mut child = member;
        for parent in catalog.partition_ancestors(member) {
            if child.oid == relation.oid {
                break;
            }
            if let (Some(key), Some(bound)) = (&parent.options.inheritance.key, &child.options.inheritance.bound) {
                self.needed_by_bound(relation, (parent, key), (child, bound), &known, &mut conditions)?;
            }
            child = parent;
        }
        Ok(Expr::connected("({0} AND {1})", conditions))
    }

    fn needed_by_bound(
        &mut self,
        relation: &Relation,
        (parent, key): (&Relation, &PartitionKey),
        (child, bound): (&Relation, &PartitionBound),
        known: &[Known],
        conditions: &mut Vec<Expr>,
    ) -> Result<()> {
        let Some(first) = key.columns.first() else { return Ok(()) };
        let column = parent.column_by_number(first.column).and_then(|column| relation.column(&column.name));
        let Some(column) = column.filter(|column| is_plain(self.catalog(), column.type_oid)) else { return Ok(()) };
        let alone = key.columns.len() == 1;
        for known in known.iter().filter(|known| known.attribute == column.number) {
            let alike = |value: &Typed| self.stored_alike(value.type_oid, column.type_oid);
            if !known.values.iter().all(alike) {
                continue;
            }
            let mut any = Vec::new();
            for value in &known.values {
                let value = self.expr(value)?;
                let condition = match bound {
                    PartitionBound::List(values) if known.op == "=" => Some(is_in(&value, values, column.type_oid)),
                    PartitionBound::Range { lower, upper } => {
                        in_range(&value, known.op, (lower.first(), upper.first()), alone, column.type_oid)
                    }
                    PartitionBound::Default if known.op == "=" => {
                        self.in_default(&value, parent, child, alone, column.type_oid)
                    }
                    _ => None,
                };
                match condition {
                    Some(condition) => any.push(condition),
                    None => {
                        any.clear();
                        break;
                    }
                }
            }
            conditions.extend(Expr::connected("({0} OR {1})", any));
        }
        Ok(())
    }

    /// A value of none of the other partitions.
    fn in_default(
        &self,
        value: &Expr,
        parent: &Relation,
        child: &Relation,
        alone: bool,
        type_oid: Oid,
    ) -> Option<Expr> {
        let siblings = &parent.options.inheritance.children;
        if !alone || siblings.len() > MOST_LISTED {
            return None;
        }
        let siblings =
            siblings.iter().filter(|oid| **oid != child.oid).filter_map(|oid| self.catalog().relations.get(oid));
        let mut conditions = Vec::new();
        for sibling in siblings {
            conditions.push(match sibling.options.inheritance.bound.as_ref()? {
                PartitionBound::List(values) => is_in(value, values, type_oid),
                PartitionBound::Range { lower, upper } => {
                    in_range(value, "=", (lower.first(), upper.first()), true, type_oid)?
                }
                PartitionBound::Default | PartitionBound::Hash { .. } => return None,
            });
        }
        Expr::connected("({0} OR {1})", conditions).map(Expr::negated)
    }

    /// Whether values of two types may be compared as they are stored.
    fn stored_alike(&self, a: Oid, b: Oid) -> bool {
        let (a, b): (Repr, Repr) = (types::repr_of(self.catalog(), a), types::repr_of(self.catalog(), b));
        a == b || a.array_of.is_none() && b.array_of.is_none() && a.scalar.is_integer() && b.scalar.is_integer()
    }
}

/// An enum's values compare by their place, which is no constant's.
fn is_plain(catalog: &CatalogSnapshot, type_oid: Oid) -> bool {
    match catalog.types.get(&type_oid).map(|user| &user.kind) {
        Some(UserTypeKind::Enum(_)) => false,
        Some(UserTypeKind::Domain { base, .. }) => is_plain(catalog, *base),
        Some(UserTypeKind::Range(_) | UserTypeKind::Multirange { .. }) | None => true,
    }
}

/// The column that an operand is, if it is one.
fn column_of(operand: &Typed) -> Option<(EntryId, i16)> {
    match &operand.kind {
        Kind::Var(var) => Some((var.entry, var.attribute)),
        Kind::Coerce { how: Coercion::Relabel, arg } => column_of(arg),
        _ => None,
    }
}

/// Whether an expression is a constant or a parameter, maybe converted.
fn is_fixed(value: &Typed) -> bool {
    match &value.kind {
        Kind::Param(_) | Kind::Literal(_) | Kind::Const(_) => true,
        Kind::Coerce { how: Coercion::Relabel | Coercion::Cast(_) | Coercion::Input | Coercion::ViaIo, arg }
        | Kind::CoerceTypmod { arg, .. } => is_fixed(arg),
        _ => false,
    }
}

fn constant(datum: &Datum, type_oid: Oid) -> Expr {
    Expr::constant(datum.value.clone(), type_oid)
}

fn is_in(value: &Expr, values: &[Datum], type_oid: Oid) -> Expr {
    let values = values.iter().filter(|datum| datum.value != Value::Null);
    let list: Vec<Expr> = values.map(|datum| constant(datum, type_oid)).collect();
    match list.is_empty() {
        true => Expr::integer(0, Oid::BOOL),
        false => Expr::new(ExprKind::InList { expr: Box::new(value.clone()), list, negated: false }, Oid::BOOL),
    }
}

/// Whether a value that a column is compared with allows for rows within bounds; of a key of several columns, these are
/// the first's.
fn in_range(
    value: &Expr,
    op: &str,
    (lower, upper): (Option<&RangeDatum>, Option<&RangeDatum>),
    alone: bool,
    type_oid: Oid,
) -> Option<Expr> {
    let compared = |op: &'static str, bound: Option<&RangeDatum>| match bound {
        Some(RangeDatum::Value(datum)) => Some(Expr::compare(op, value.clone(), constant(datum, type_oid))),
        _ => None,
    };
    let above = |strict: bool| compared(if strict { ">" } else { ">=" }, lower);
    let below = compared(if alone { "<" } else { "<=" }, upper);
    let parts: Vec<Expr> = match op {
        "=" => above(false).into_iter().chain(below).collect(),
        "<" => above(alone).into_iter().collect(),
        "<=" => above(false).into_iter().collect(),
        _ => below.into_iter().collect(),
    };
    Some(Expr::connected("({0} AND {1})", parts).unwrap_or_else(|| Expr::integer(1, Oid::BOOL)))
}
