//! Rows as values: what fields they have, whole rows of what is in FROM, conversions and comparisons of them.
//!
//! Owns: the rules of rows. Must not know: how they are stored. Specification: rowtypes.html,
//! functions-comparisons.html#ROW-WISE-COMPARISON; coerce_record_to_complex, transformWholeRowRef, record_cmp.

use crate::catalog::composite::{self, Attribute};
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::coerce::coerced;
use crate::sql::analyze::resolve::compared;
use crate::sql::analyze::scope::{RangeColumn, RangeVar, Scope};
use crate::sql::casts::CastContext;
use crate::sql::tree::{
    Body, Coercion, EntryId, EntryKind, Expr, ExprKind, FromItem, Query, RangeTblEntry, Select, Target, Var,
};
use crate::types::order::{has_equality, has_order};
use crate::types::pg_type::{Oid, type_info};

/// Whether an expression is ROW(…) as it was written, of which the context may decide the types.
pub(super) fn is_constructor(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Row { names, .. } if names.is_empty())
        && expr.type_oid == Oid::RECORD
        && expr.typmod == -1
}

impl Analyzer<'_> {
    /// The attributes of values of a type, if they are rows whose type is known.
    pub(super) fn attributes(&self, oid: Oid, typmod: i32) -> Option<Vec<Option<Attribute>>> {
        if oid == Oid::RECORD {
            let attribute = |(name, type_oid, typmod): &(String, Oid, i32)| {
                Some(Attribute { name: name.clone(), type_oid: *type_oid, typmod: *typmod })
            };
            let fields = self.records.fields(typmod);
            return (!fields.is_empty()).then(|| fields.iter().map(attribute).collect());
        }
        composite::row_relation(self.catalog(), oid).map(composite::attributes)
    }

    /// Whether values of a type are rows.
    pub(super) fn is_row(&self, oid: Oid) -> bool {
        oid == Oid::RECORD || self.is_composite(oid)
    }

    /// Whether values of a type are rows of a relation or a composite type.
    pub(super) fn is_composite(&self, oid: Oid) -> bool {
        type_info(oid).is_none() && composite::row_relation(self.catalog(), oid).is_some()
    }

    /// A row whose fields have their types: what nothing has decided is text.
    pub(super) fn known_row(&mut self, mut expr: Expr) -> Result<Expr> {
        if let ExprKind::Row { fields, names } = &mut expr.kind
            && expr.type_oid == Oid::RECORD
            && expr.typmod == -1
        {
            let mut row_type = Vec::with_capacity(fields.len());
            for (index, field) in fields.iter_mut().enumerate() {
                let value = self.determined(field.clone())?;
                *field = self.resolve_unknown(value)?;
                let name = names.get(index).cloned().unwrap_or_else(|| format!("f{}", index + 1));
                row_type.push((name, field.type_oid, field.typmod));
            }
            expr.typmod = self.records.modifier(self.context.catalog, row_type);
        } else if let Some((function, _)) = expr.set_call()
            && expr.type_oid == Oid::RECORD
            && expr.typmod == -1
        {
            let columns = function.columns.iter().map(|(name, oid)| ((*name).to_owned(), *oid, -1));
            expr.typmod = self.records.modifier(self.context.catalog, columns.collect());
        }
        Ok(expr)
    }

    /// The records of one column of VALUES, which must be of one type. A field that is NULL is of the other rows' type.
    pub(super) fn same_records(&mut self, rows: &mut [Vec<Expr>], column: usize) -> Result<()> {
        let mut known: Vec<(Oid, i32)> = Vec::new();
        let untyped = |field: &Expr| field.type_oid == Oid::UNKNOWN && field.is_null();
        for pass in 0..2 {
            for value in rows.iter_mut().filter_map(|row| row.get_mut(column)) {
                if value.type_oid != Oid::RECORD {
                    continue;
                }
                let ExprKind::Row { fields, .. } = &mut value.kind else { continue };
                for (index, field) in fields.iter_mut().enumerate() {
                    if known.len() <= index {
                        known.resize(index + 1, (Oid::UNKNOWN, -1));
                    }
                    let Some(slot) = known.get_mut(index) else { continue };
                    if pass == 0 && slot.0 == Oid::UNKNOWN && field.type_oid != Oid::UNKNOWN {
                        *slot = (field.type_oid, field.typmod);
                    } else if pass == 1 && untyped(field) {
                        (field.type_oid, field.typmod) = *slot;
                    }
                }
            }
        }
        let mut modifier = None;
        for value in rows.iter_mut().filter_map(|row| row.get_mut(column)) {
            *value = self.known_row(value.clone())?;
            if value.type_oid != Oid::RECORD || value.is_null() {
                continue;
            }
            if *modifier.get_or_insert(value.typmod) != value.typmod {
                return Err(Error::unsupported("records of different types in VALUES"));
            }
        }
        if let Some(modifier) = modifier {
            let values = rows.iter_mut().filter_map(|row| row.get_mut(column));
            let untyped = |value: &&mut Expr| value.is_null() && matches!(value.type_oid, Oid::UNKNOWN | Oid::RECORD);
            values.filter(untyped).for_each(|value| (value.type_oid, value.typmod) = (Oid::RECORD, modifier));
        }
        Ok(())
    }

    // ----- whole rows

    /// The row of an entry of FROM; NULL where an outer join has none.
    pub(super) fn row_of(&mut self, entry: &RangeVar) -> Result<Expr> {
        let mut columns = entry.columns.iter();
        let relation = entry.row_type.and_then(|oid| self.catalog().relations.get(&oid));
        let row = match relation {
            Some(relation) => {
                let (mut fields, mut names) = (Vec::new(), Vec::new());
                for attribute in composite::attributes(relation) {
                    let column = attribute.and_then(|attribute| Some((attribute, columns.next()?)));
                    names.push(column.as_ref().map_or_else(String::new, |(attribute, _)| attribute.name.clone()));
                    fields.push(column.map_or_else(|| Expr::null(Oid::TEXT), |(_, column)| column.expr.clone()));
                }
                Expr::new(ExprKind::Row { fields, names }, composite::row_type_oid(relation))
            }
            None => {
                let fields = columns.clone().map(|c| c.expr.clone()).collect();
                let names = columns.map(|c| c.name.clone()).collect();
                self.known_row(Expr::new(ExprKind::Row { fields, names }, Oid::RECORD))?
            }
        };
        if !entry.nullable || self.to_be_printed() {
            return Ok(row);
        }
        let present = match (&entry.present, entry.relation) {
            (Some(present), _) => present.clone(),
            (None, Some(_)) => {
                let var = Var { entry: entry.entry, attribute: Var::CTID, origin: (Oid::INVALID, 0), not_null: false };
                Expr::new(ExprKind::Var(var), Oid::INT8)
            }
            (None, None) => self.presence(entry)?,
        };
        let there = Expr::new(ExprKind::NullTest { arg: Box::new(present), negated: true }, Oid::BOOL);
        let (type_oid, typmod) = (row.type_oid, row.typmod);
        let kind = ExprKind::Case { operand: None, whens: vec![(there, row)], otherwise: None };
        Ok(Expr { kind, type_oid, typmod })
    }

    /// What is not NULL where there is a row of an entry: a column that it does not have yet.
    fn presence(&mut self, entry: &RangeVar) -> Result<Expr> {
        let id = entry.entry;
        let own = |column: &RangeColumn| matches!(&column.expr.kind, ExprKind::Var(var) if var.entry == id);
        let is_its = |scope: &&mut Scope| scope.entries.iter().any(|other| other.entry == id);
        let asked = self.scopes.iter_mut().rev().find(is_its).and_then(|scope| scope.presence.as_mut());
        match (asked, i16::try_from(entry.columns.len() + 1)) {
            (Some(asked), Ok(attribute)) if entry.columns.iter().all(own) => {
                if !asked.contains(&id) {
                    asked.push(id);
                }
                let var = Var { entry: id, attribute, origin: (Oid::INVALID, 0), not_null: false };
                Ok(Expr::new(ExprKind::Var(var), Oid::INT4))
            }
            _ => Err(Error::unsupported("a whole row of what an outer join may not have")),
        }
    }

    /// Gives an entry that column.
    pub(super) fn add_presence(&mut self, item: &mut FromItem, wanted: EntryId) -> Result<()> {
        match item {
            FromItem::Join { left, right, .. } => {
                self.add_presence(left, wanted)?;
                self.add_presence(right, wanted)
            }
            FromItem::Entry(entry) if entry.id == wanted => {
                let lateral = match &entry.kind {
                    EntryKind::Subquery { lateral, .. } => *lateral,
                    EntryKind::Cte(_) | EntryKind::Kept { .. } => false,
                    _ => return Err(Error::unsupported("a whole row of what an outer join may not have")),
                };
                let columns = self.scopes.last().and_then(|s| s.entries.iter().find(|e| e.entry == wanted));
                let columns = columns.map(|found| found.columns.clone()).unwrap_or_default();
                let id = self.fresh_entry();
                let own = columns.into_iter().map(|RangeColumn { name, mut expr }| {
                    if let ExprKind::Var(var) = &mut expr.kind {
                        (var.entry, var.not_null) = (id, false);
                    }
                    Target { name, expr }
                });
                let there = Target { name: String::new(), expr: Expr::integer(1, Oid::INT4) };
                let targets = own.chain([there]).collect();
                let from = vec![FromItem::Entry(RangeTblEntry { id, ..entry.clone() })];
                let query = Query::of(Body::Select(Box::new(Select { targets, from, ..Select::default() })));
                *entry = RangeTblEntry::new(wanted, EntryKind::Subquery { query: Box::new(query), lateral });
                Ok(())
            }
            FromItem::Entry(_) => Ok(()),
        }
    }

    // ----- fields

    /// The fields of a row as expressions, with their names; those that were dropped are not among them.
    pub(super) fn fields_of(&mut self, row: &Expr) -> Option<Vec<(String, Expr)>> {
        let attributes = self.attributes(row.type_oid, row.typmod)?;
        if let (ExprKind::Row { fields, .. }, true) = (&row.kind, row.type_oid != Oid::RECORD || row.typmod != -1) {
            let pairs = attributes.into_iter().zip(fields.iter());
            return Some(pairs.filter_map(|(attribute, field)| Some((attribute?.name, field.clone()))).collect());
        }
        let fields = attributes.into_iter().enumerate().filter_map(|(index, attribute)| {
            let Attribute { name, type_oid, typmod } = attribute?;
            Some((name, self.field_select(row.clone(), index, type_oid, typmod)))
        });
        Some(fields.collect())
    }

    /// A field by its place.
    pub(super) fn field_select(&self, row: Expr, index: usize, type_oid: Oid, typmod: i32) -> Expr {
        if let Some(relation) = composite::row_relation(self.catalog(), row.type_oid)
            && let Ok(number) = i16::try_from(index + 1)
        {
            let mut used = self.used.borrow_mut();
            used.relations.insert(relation.oid);
            used.columns.insert((relation.oid, number));
        }
        let (type_oid, typmod) = self.base_type(type_oid, typmod);
        Expr { typmod, ..Expr::new(ExprKind::Field { arg: Box::new(row), index }, type_oid) }
    }

    // ----- conversions

    /// A row as one of another row type; `None` for what is no row.
    pub(super) fn to_row_type(&mut self, expr: Expr, to: Oid, context: CastContext) -> Result<Option<Expr>> {
        let from = expr.type_oid;
        if from == to {
            return Ok(Some(expr));
        }
        if to == Oid::RECORD {
            return if self.is_row(from) { self.known_row(expr).map(Some) } else { Ok(None) };
        }
        if from != Oid::RECORD {
            return Ok(None);
        }
        let Some(attributes) = self.attributes(to, -1) else { return Ok(None) };
        let cannot = |a: &Self, detail: String| Err(a.cannot_cast(from, to).with_detail(detail));
        // PostgreSQL, too, converts only rows that are made where they are converted.
        let ExprKind::Row { fields: given, .. } = expr.kind else { return Err(self.cannot_cast(from, to)) };
        let mut given = given.into_iter();
        let mut fields = Vec::new();
        for (number, attribute) in (1..).zip(attributes) {
            let Some(Attribute { type_oid, typmod, .. }) = attribute else {
                fields.push(Expr::null(Oid::TEXT));
                continue;
            };
            let Some(value) = given.next() else { return cannot(self, "Input has too few columns.".to_owned()) };
            let actual = value.type_oid;
            let Some(value) = self.try_coerce(value, type_oid, typmod, context)? else {
                let (actual, wanted) = (self.type_name(actual), self.type_name(type_oid));
                return cannot(self, format!("Cannot cast type {actual} to {wanted} in column {number}."));
            };
            fields.push(value);
        }
        if given.next().is_some() {
            return cannot(self, "Input has too many columns.".to_owned());
        }
        Ok(Some(Expr::new(ExprKind::Row { fields, names: Vec::new() }, to)))
    }

    /// What was read as a row, or as an array of rows, with the modifiers and domains of its fields enforced, which
    /// reading does not do.
    pub(super) fn checked_parts(&mut self, expr: Expr) -> Result<Expr> {
        let to = expr.type_oid;
        if matches!(expr.kind, ExprKind::Null) || !self.has_checked_parts(to) {
            return Ok(expr);
        }
        if self.array_element(to).is_some() {
            return self.checked_elements(expr, to);
        }
        let Some(attributes) = self.attributes(to, -1) else { return Ok(expr) };
        let current = Expr::new(ExprKind::Element, to);
        let (mut fields, mut names) = (Vec::new(), Vec::new());
        for (index, attribute) in attributes.into_iter().enumerate() {
            let Some(Attribute { name, type_oid, typmod }) = attribute else {
                fields.push(Expr::null(Oid::TEXT));
                names.push(String::new());
                continue;
            };
            let value = Expr { typmod: -1, ..self.field_select(current.clone(), index, type_oid, -1) };
            fields.push(self.checked_value(value, type_oid, typmod)?);
            names.push(name);
        }
        let row = Expr::new(ExprKind::Row { fields, names }, to);
        Ok(coerced(expr, to, Coercion::Row(Box::new(row))))
    }

    /// The elements of an array that was read as one of their base type, checked.
    pub(super) fn checked_elements(&mut self, array: Expr, to: Oid) -> Result<Expr> {
        let Some(element) = self.array_element(to) else { return Ok(array) };
        if matches!(array.kind, ExprKind::Null) {
            return Ok(array);
        }
        let (type_oid, typmod) = (array.type_oid, array.typmod);
        let current = Expr { typmod, ..Expr::new(ExprKind::Element, self.base_type(element, -1).0) };
        let checked = self.checked_value(current, element, typmod)?;
        Ok(Expr { typmod, ..coerced(array, type_oid, Coercion::Array(Box::new(checked))) })
    }

    pub(super) fn checked_value(&mut self, value: Expr, declared: Oid, typmod: i32) -> Result<Expr> {
        if self.is_enum(value.type_oid) {
            // It was read as a text.
            return self.cast(Expr { type_oid: Oid::TEXT, ..value }, declared, typmod);
        }
        let value = self.checked_parts(value)?;
        self.coerce(value, declared, typmod, CastContext::Assignment)
    }

    /// Whether a part of values of a type has a modifier or a domain.
    fn has_checked_parts(&self, oid: Oid) -> bool {
        if type_info(oid).is_some() {
            return false;
        }
        if let Some(element) = self.array_element(oid) {
            let base = self.base_type(element, -1).0;
            return base != element || self.is_enum(base) || self.has_checked_parts(element);
        }
        let attributes = self.attributes(oid, -1).unwrap_or_default();
        attributes.into_iter().flatten().any(|attribute| {
            let base = self.base_type(attribute.type_oid, -1).0;
            attribute.typmod != -1 || base != attribute.type_oid || self.is_enum(base) || self.has_checked_parts(base)
        })
    }

    // ----- comparisons

    /// IS [NOT] DISTINCT FROM of two ROW(…): whether a field is (make_row_distinct_op).
    pub(super) fn distinct_rows(&mut self, negated: bool, left: Vec<Expr>, right: Vec<Expr>) -> Result<Expr> {
        if left.len() != right.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "unequal number of entries in row expressions"));
        }
        let mut tests = Vec::with_capacity(left.len());
        for (left, right) in left.into_iter().zip(right) {
            tests.push(self.distinct_values(false, left, right)?);
        }
        let any = match tests.len() {
            0 => Expr::integer(0, Oid::BOOL),
            1 => tests.swap_remove(0),
            _ => Expr::new(ExprKind::Or(tests), Oid::BOOL),
        };
        Ok(if negated { Expr::negated(any) } else { any })
    }

    /// Two rows compared as values, NULL being greater than all else; `None` if one is no row (record_cmp).
    pub(super) fn compare_records(&mut self, op: &'static str, left: &Expr, right: &Expr) -> Result<Option<Expr>> {
        if !self.is_row(left.type_oid) || !self.is_row(right.type_oid) {
            return Ok(None);
        }
        let (left, right) = (self.known_row(left.clone())?, self.known_row(right.clone())?);
        for attribute in self.attributes(left.type_oid, left.typmod).unwrap_or_default().into_iter().flatten() {
            let base = self.base_type(attribute.type_oid, -1).0;
            let what = match op {
                "=" | "<>" if !has_equality(base) => "an equality operator",
                "=" | "<>" => continue,
                _ if !has_order(base) => "a comparison function",
                _ => continue,
            };
            let message = format!("could not identify {what} for type {}", self.type_name(base));
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message));
        }
        if left.type_oid == right.type_oid && left.typmod == right.typmod {
            return Ok(Some(compared(op, left, right)));
        }
        let of = |a: &Self, row: &Expr| a.attributes(row.type_oid, row.typmod);
        let (Some(ours), Some(theirs)) = (of(self, &left), of(self, &right)) else {
            return Ok(Some(compared(op, left, right)));
        };
        let dropped = ours.iter().chain(&theirs).any(Option::is_none);
        let (ours, theirs): (Vec<_>, Vec<_>) =
            (ours.into_iter().flatten().collect(), theirs.into_iter().flatten().collect());
        for (number, (a, b)) in (1..).zip(ours.iter().zip(&theirs)) {
            let (a, b) = (self.base_type(a.type_oid, -1).0, self.base_type(b.type_oid, -1).0);
            if a != b && !(self.is_row(a) && self.is_row(b)) {
                let (a, b) = (self.type_name(a), self.type_name(b));
                let message = format!("cannot compare dissimilar column types {a} and {b} at record column {number}");
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            }
        }
        if ours.len() != theirs.len() {
            let message = "cannot compare record types with different numbers of columns";
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        if !dropped {
            return Ok(Some(compared(op, left, right)));
        }
        let mut without_dropped = |row: Expr| -> Result<Expr> {
            let fields = self.fields_of(&row).unwrap_or_default();
            let record = Expr::row(fields.into_iter().map(|(_, field)| field).collect());
            let record = self.known_row(record)?;
            let there = Expr::new(
                ExprKind::NullTest { arg: Box::new(coerced(row, Oid::TEXT, Coercion::Relabel)), negated: true },
                Oid::BOOL,
            );
            let (type_oid, typmod) = (record.type_oid, record.typmod);
            let kind = ExprKind::Case { operand: None, whens: vec![(there, record)], otherwise: None };
            Ok(Expr { kind, type_oid, typmod })
        };
        let (left, right) = (without_dropped(left)?, without_dropped(right)?);
        Ok(Some(compared(op, left, right)))
    }

    /// The element type of what is an array, domains over arrays not counted.
    fn array_element(&self, oid: Oid) -> Option<Oid> {
        crate::sql::types::element_type(self.catalog(), oid)
    }
}
