//! Which collation values have. All of them order by bytes here, so this is only for who asks: the columns of views and
//! of CREATE TABLE AS, and COLLATION FOR.
//!
//! Owns: [`output_collations`], [`collation_of`]. Specification: parse_collate.c.

use crate::catalog::schema::CatalogSnapshot;
use crate::catalog::tables::classes::{collation_name, collation_oid};
use crate::sql::tree::{Body, EntryKind, Expr, ExprKind, FromItem, Query, Select, SubLinkKind, Var, Written};
use crate::sql::types::{base_type, element_type};
use crate::types::pg_type::{Oid, type_info};

const DEFAULT: Oid = Oid(100);

/// What is known of a value's collation (COLLATE_NONE and its kin).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collation {
    /// The type has none.
    None,
    Implicit(Oid),
    /// Two columns of different collations: none is derived.
    Conflict,
    Explicit(Oid),
}

impl Collation {
    /// The collation; none for a conflict.
    pub fn oid(self) -> Oid {
        match self {
            Collation::None | Collation::Conflict => Oid::INVALID,
            Collation::Implicit(oid) | Collation::Explicit(oid) => oid,
        }
    }

    /// As the name of what is not the type's own.
    pub fn name_beside(self, type_oid: Oid) -> Option<String> {
        collation_name(self.oid()).filter(|_| self.oid() != of_type(type_oid))
    }

    /// Of what is made of both (merge_collation_state).
    fn merge(self, other: Collation) -> Collation {
        match (self, other) {
            (Collation::Explicit(_), _) | (_, Collation::None) => self,
            (_, Collation::Explicit(_)) | (Collation::None, _) => other,
            (Collation::Conflict, _) | (_, Collation::Conflict) => Collation::Conflict,
            (Collation::Implicit(one), Collation::Implicit(two)) if one == two || two == DEFAULT => self,
            (Collation::Implicit(DEFAULT), _) => other,
            _ => Collation::Conflict,
        }
    }
}

/// The collation of a type's values (typcollation).
fn of_type(oid: Oid) -> Oid {
    type_info(oid).map_or(Oid::INVALID, |info| info.collation)
}

/// The collations of a query's columns. COLLATE is seen in trees only that are made to be printed.
pub fn output_collations(catalog: &CatalogSnapshot, query: &Query) -> Vec<Collation> {
    match &query.body {
        Body::Select(select) => {
            let within = Within { catalog, select: Some(select) };
            select.targets.iter().map(|target| within.of(&target.expr)).collect()
        }
        Body::Values { rows, names } => {
            let within = Within { catalog, select: None };
            let column = |place: usize| rows.iter().filter_map(move |row| row.get(place));
            (0..names.len()).map(|place| within.merged(column(place))).collect()
        }
        Body::SetOperation { left, right, .. } => {
            let sides = output_collations(catalog, left).into_iter().zip(output_collations(catalog, right));
            sides.map(|(left, right)| left.merge(right)).collect()
        }
    }
}

/// The collation of an expression.
pub fn collation_of(catalog: &CatalogSnapshot, expr: &Expr) -> Collation {
    Within { catalog, select: None }.of(expr)
}

struct Within<'q> {
    catalog: &'q CatalogSnapshot,
    select: Option<&'q Select>,
}

impl Within<'_> {
    fn of(&self, expr: &Expr) -> Collation {
        let (base, _) = base_type(self.catalog, expr.type_oid, -1);
        let own = of_type(base);
        if own == Oid::INVALID {
            return Collation::None;
        }
        let derived = match &expr.kind {
            ExprKind::Null | ExprKind::Param(_) | ExprKind::Literal(_) | ExprKind::Const(_) => Collation::None,
            ExprKind::Var(var) => self.of_column(var).unwrap_or(Collation::None),
            ExprKind::Written(Written::Collate(names), _) => {
                Collation::Explicit(collation_oid(names.last().map_or("default", String::as_str)))
            }
            ExprKind::SubLink(link) => {
                let first = || output_collations(self.catalog, &link.query).first().copied();
                match (&link.kind, element_type(self.catalog, base)) {
                    (SubLinkKind::Expr, _) | (SubLinkKind::Array, Some(_)) => {
                        first().map_or(Collation::None, |collation| match collation {
                            Collation::Explicit(oid) => Collation::Implicit(oid),
                            other => other,
                        })
                    }
                    _ => Collation::None,
                }
            }
            ExprKind::Case { whens, otherwise, .. } => {
                self.merged(whens.iter().map(|(_, then)| then).chain(otherwise.as_deref()))
            }
            ExprKind::Aggref(call) => self.merged(call.args.iter().chain(&call.direct)),
            _ => {
                let mut merged = Collation::None;
                expr.for_each_child(&mut |child| merged = merged.merge(self.of(child)));
                merged
            }
        };
        match derived {
            Collation::None => Collation::Implicit(own),
            other => other,
        }
    }

    fn merged<'e>(&self, exprs: impl Iterator<Item = &'e Expr>) -> Collation {
        exprs.fold(Collation::None, |merged, expr| merged.merge(self.of(expr)))
    }

    fn of_column(&self, var: &Var) -> Option<Collation> {
        match self.select.and_then(|select| select.from.iter().find_map(|item| entry_of(item, var))) {
            Some(EntryKind::Subquery { query, .. }) => {
                let place = usize::try_from(var.attribute).ok()?.checked_sub(1)?;
                match output_collations(self.catalog, query).get(place)? {
                    Collation::Explicit(oid) => Some(Collation::Implicit(*oid)),
                    other => Some(*other),
                }
            }
            _ => self.of_relation(var),
        }
    }

    fn of_relation(&self, var: &Var) -> Option<Collation> {
        let column = self.catalog.relations.get(&var.origin.0)?.column_by_number(var.origin.1)?;
        column.options.collation.as_deref().map(|name| Collation::Implicit(collation_oid(name)))
    }
}

fn entry_of<'q>(item: &'q FromItem, var: &Var) -> Option<&'q EntryKind> {
    match item {
        FromItem::Entry(entry) => (entry.id == var.entry).then_some(&entry.kind),
        FromItem::Join { left, right, .. } => entry_of(left, var).or_else(|| entry_of(right, var)),
    }
}
