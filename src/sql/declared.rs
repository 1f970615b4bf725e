//! The types that expressions have to those who ask for them by name: a domain where the tree has the type behind it.
//!
//! Owns: [`declared_type`], [`declared_outputs`], for pg_typeof, views and CREATE TABLE AS. Analysis computes with base
//! types, so what is known of a domain is where a value comes from. Specification: exprType, select_common_type.

use crate::catalog::schema::CatalogSnapshot;
use crate::sql::functions::Function;
use crate::sql::tree::{Body, EntryId, EntryKind, Expr, ExprKind, FromItem, Query, Select, SubLinkKind};
use crate::sql::types::{array_type, base_type, user_type};
use crate::types::pg_type::Oid;

/// What takes the type of a value as it is.
const ELEMENTS: &[Oid] = &[Oid::ANYELEMENT, Oid::ANYNONARRAY, Oid::ANYENUM];

/// A value's type, with the domain that it is of.
pub fn declared_type(catalog: &CatalogSnapshot, expr: &Expr) -> Oid {
    Declared { catalog, select: None }.of(expr)
}

/// The declared types of a query's columns.
pub fn declared_outputs(catalog: &CatalogSnapshot, query: &Query) -> Vec<Oid> {
    match &query.body {
        Body::Select(select) => {
            let declared = Declared { catalog, select: Some(select) };
            select.targets.iter().map(|target| declared.of(&target.expr)).collect()
        }
        Body::Values { rows, .. } => {
            let base = query.outputs().into_iter().map(|(_, oid, _)| oid);
            let column = |place: usize| rows.iter().filter_map(move |row| row.get(place));
            base.enumerate()
                .map(|(place, base)| Declared { catalog, select: None }.common(column(place), base))
                .collect()
        }
        Body::SetOperation { left, right, .. } => {
            let sides = declared_outputs(catalog, left).into_iter().zip(declared_outputs(catalog, right));
            sides.map(|(left, right)| if left == right { left } else { base_type(catalog, left, -1).0 }).collect()
        }
    }
}

struct Declared<'q> {
    catalog: &'q CatalogSnapshot,
    /// Where the expression stands.
    select: Option<&'q Select>,
}

impl Declared<'_> {
    fn of(&self, expr: &Expr) -> Oid {
        let base = expr.type_oid;
        // Nothing but a value whose type is behind a domain is worth a look.
        if self.catalog.types.is_empty() {
            return base;
        }
        let declared = match &expr.kind {
            ExprKind::Var(var) => match self.catalog.relations.get(&var.origin.0) {
                Some(relation) => relation.column_by_number(var.origin.1).map(|column| column.type_oid),
                None => self.of_column(var.entry, var.attribute),
            },
            ExprKind::CoerceToDomain { domain, .. } => Some(*domain),
            ExprKind::SubLink(link) => {
                let first = || declared_outputs(self.catalog, &link.query).first().copied();
                match link.kind {
                    SubLinkKind::Expr => first(),
                    SubLinkKind::Array => first().and_then(|oid| array_type(self.catalog, oid)),
                    _ => None,
                }
            }
            ExprKind::Coalesce(args) | ExprKind::MinMax { args, .. } => Some(self.common(args.iter(), base)),
            ExprKind::Case { whens, otherwise: Some(otherwise), .. } => {
                Some(self.common(whens.iter().map(|(_, then)| then).chain([&**otherwise]), base))
            }
            ExprKind::Array(elements) => {
                let element = elements.first().map(|first| self.common(elements.iter(), first.type_oid));
                element.and_then(|element| array_type(self.catalog, element))
            }
            ExprKind::Subscript { container, .. } => match user_type(self.catalog, self.of(container)) {
                Some((user, true)) => Some(user.oid),
                _ => None,
            },
            ExprKind::Func(function, args) => self.polymorphic(function, args),
            ExprKind::Aggref(call) => self.polymorphic(&call.function, &call.args),
            _ => None,
        };
        // What stands there may be another type by now.
        declared.filter(|oid| base_type(self.catalog, *oid, -1).0 == base).unwrap_or(base)
    }

    /// The column of a sub-query in FROM.
    fn of_column(&self, entry: EntryId, attribute: i16) -> Option<Oid> {
        let query = self.select?.from.iter().find_map(|item| sub_query(item, entry))?;
        let place = usize::try_from(attribute).ok()?.checked_sub(1)?;
        declared_outputs(self.catalog, query).get(place).copied()
    }

    /// The type that all of them have, or the one they were brought to.
    fn common<'e>(&self, mut exprs: impl Iterator<Item = &'e Expr>, base: Oid) -> Oid {
        let Some(first) = exprs.next().map(|expr| self.of(expr)) else { return base };
        if exprs.all(|expr| self.of(expr) == first) { first } else { base }
    }

    /// The result of a function that gives what it is given, or an array of it.
    fn polymorphic(&self, function: &Function, args: &[Expr]) -> Option<Oid> {
        let given = |wanted: &[Oid]| {
            let mut fitting = function.args.iter().zip(args).filter(|(oid, _)| wanted.contains(oid));
            fitting.next().map(|(_, arg)| self.of(arg))
        };
        match function.returns {
            Oid::ANYELEMENT => given(ELEMENTS),
            Oid::ANYARRAY => given(&[Oid::ANYARRAY])
                .or_else(|| given(ELEMENTS).and_then(|element| array_type(self.catalog, element))),
            _ => None,
        }
    }
}

fn sub_query(item: &FromItem, wanted: EntryId) -> Option<&Query> {
    match item {
        FromItem::Entry(entry) => match &entry.kind {
            EntryKind::Subquery { query, .. } if entry.id == wanted => Some(query),
            _ => None,
        },
        FromItem::Join { left, right, .. } => sub_query(left, wanted).or_else(|| sub_query(right, wanted)),
    }
}
