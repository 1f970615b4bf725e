//! Which collation values have: for who asks (the columns of views and of CREATE TABLE AS, COLLATION FOR), and for
//! where values are put in order. Those of libc, C and the database's order by bytes; those of ICU by their locale, and
//! what is equal there by bytes, so equality is the bytes' under all of them.
//!
//! Owns: [`output_collations`], [`collation_of`], [`Derived`]. Specification: parse_collate.c.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::catalog::schema::CatalogSnapshot;
use crate::error::{Error, Result, SqlState};
use crate::sql::tree::{
    Body, CteId, EntryId, EntryKind, Expr, ExprKind, FromItem, Query, Select, SubLinkKind, Var, Written,
};
use crate::sql::types::{base_type, element_type};
use crate::types::pg_type::{Oid, type_info};

const DEFAULT: Oid = Oid(100);

/// What is known of a value's collation (COLLATE_NONE and its kin).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collation {
    /// The type has none.
    None,
    Implicit(Oid),
    /// Of two columns with different collations: none is derived.
    Conflict(Oid, Oid),
    Explicit(Oid),
}

impl Collation {
    /// The collation; none for a conflict.
    pub fn oid(self) -> Oid {
        match self {
            Collation::None | Collation::Conflict(..) => Oid::INVALID,
            Collation::Implicit(oid) | Collation::Explicit(oid) => oid,
        }
    }

    /// As it is kept where it is not the type's own.
    pub fn kept_beside(self, catalog: &CatalogSnapshot, type_oid: Oid) -> Option<String> {
        let own = Some(self.oid()).filter(|oid| *oid != Oid::INVALID && *oid != catalog.type_collation(type_oid));
        own.map(|oid| catalog.kept_collation(oid))
    }

    /// Of what is made of both (merge_collation_state).
    fn merge(self, other: Collation) -> Collation {
        match (self, other) {
            (Collation::Explicit(_), _) | (_, Collation::None) => self,
            (_, Collation::Explicit(_)) | (Collation::None, _) => other,
            (Collation::Conflict(..), _) => self,
            (_, Collation::Conflict(..)) => other,
            (Collation::Implicit(one), Collation::Implicit(two)) if one == two || two == DEFAULT => self,
            (Collation::Implicit(DEFAULT), _) => other,
            (Collation::Implicit(one), Collation::Implicit(two)) => Collation::Conflict(one, two),
        }
    }
}

/// The collation of a type's values (typcollation).
fn of_type(oid: Oid) -> Oid {
    type_info(oid).map_or(Oid::INVALID, |info| info.collation)
}

/// What is known of the columns of sub-queries and WITH queries while a statement is lowered.
#[derive(Default)]
pub struct Derived {
    entries: HashMap<EntryId, Vec<Collation>>,
    ctes: HashMap<CteId, Vec<Collation>>,
}

impl Derived {
    /// Keeps what the columns of a sub-query have, if that is more than their types have.
    pub fn note_entry(&mut self, catalog: &CatalogSnapshot, entry: EntryId, query: &Query) {
        if let Some(collations) = self.of_ordered(catalog, query) {
            self.entries.insert(entry, collations);
        }
    }

    /// The same of a WITH query.
    pub fn note_cte(&mut self, catalog: &CatalogSnapshot, cte: CteId, query: &Query) {
        if let Some(collations) = self.of_ordered(catalog, query) {
            self.ctes.insert(cte, collations);
        }
    }

    /// An entry that reads a WITH query.
    pub fn note_reader(&mut self, entry: EntryId, cte: CteId) {
        if let Some(collations) = self.ctes.get(&cte) {
            self.entries.insert(entry, collations.clone());
        }
    }

    fn of_ordered(&self, catalog: &CatalogSnapshot, query: &Query) -> Option<Vec<Collation>> {
        let collations = self.columns(catalog, query);
        collations.iter().any(|collation| locale(catalog, *collation).is_some()).then_some(collations)
    }

    /// The collations of what two queries give together.
    pub fn of_both(&self, catalog: &CatalogSnapshot, left: &Query, right: &Query) -> Vec<Collation> {
        let sides = columns(catalog, self, left).into_iter().zip(columns(catalog, self, right));
        sides.map(|(left, right)| left.merge(right)).collect()
    }

    /// The collations of a query's columns.
    fn columns(&self, catalog: &CatalogSnapshot, query: &Query) -> Vec<Collation> {
        columns(catalog, self, query)
    }

    /// The locale by which values are ordered that come from all of these expressions. 42P22 if theirs is not known
    /// (42P21 where they are sorted), 42P21 if two are asked for.
    pub fn locale<'e>(
        &self,
        catalog: &CatalogSnapshot,
        exprs: impl IntoIterator<Item = &'e Expr>,
        sorted: bool,
    ) -> Result<Option<Cow<'static, str>>> {
        let within = Within { catalog, select: None, derived: Some(self) };
        let mut merged = Collation::None;
        for expr in exprs {
            let one = within.of(expr);
            if let (Collation::Explicit(one), Collation::Explicit(other)) = (merged, one)
                && one != other
            {
                let name = |oid| catalog.collation_name(oid).unwrap_or_default();
                let message =
                    format!("collation mismatch between explicit collations \"{}\" and \"{}\"", name(one), name(other));
                return Err(Error::new(SqlState::COLLATION_MISMATCH, message));
            }
            merged = merged.merge(one);
        }
        if let Collation::Conflict(one, two) = merged
            && sorted
        {
            let name = |oid| catalog.collation_name(oid).unwrap_or_default();
            let message =
                format!("collation mismatch between implicit collations \"{}\" and \"{}\"", name(one), name(two));
            let hint = "You can choose the collation by applying the COLLATE clause to one or both expressions.";
            return Err(Error::new(SqlState::COLLATION_MISMATCH, message).with_hint(hint));
        }
        if matches!(merged, Collation::Conflict(..)) {
            let message = "could not determine which collation to use for string comparison";
            let hint = "Use the COLLATE clause to set the collation explicitly.";
            return Err(Error::new(SqlState::INDETERMINATE_COLLATION, message).with_hint(hint));
        }
        Ok(locale(catalog, merged))
    }
}

/// The locale by which a collation orders.
pub fn locale(catalog: &CatalogSnapshot, collation: Collation) -> Option<Cow<'static, str>> {
    match collation.oid() {
        Oid::INVALID | DEFAULT => None,
        oid => catalog.collation_locale(oid),
    }
}

/// The collations of a query's columns.
pub fn output_collations(catalog: &CatalogSnapshot, query: &Query) -> Vec<Collation> {
    columns(catalog, &Derived::default(), query)
}

fn columns(catalog: &CatalogSnapshot, derived: &Derived, query: &Query) -> Vec<Collation> {
    match &query.body {
        Body::Select(select) => {
            let within = Within { catalog, select: Some(select), derived: Some(derived) };
            select.targets.iter().map(|target| within.of(&target.expr)).collect()
        }
        Body::Values { rows, names } => {
            let within = Within { catalog, select: None, derived: Some(derived) };
            let column = |place: usize| rows.iter().filter_map(move |row| row.get(place));
            (0..names.len()).map(|place| within.merged(column(place))).collect()
        }
        Body::SetOperation { left, right, .. } => derived.of_both(catalog, left, right),
    }
}

/// The collation of an expression.
pub fn collation_of(catalog: &CatalogSnapshot, expr: &Expr) -> Collation {
    Within { catalog, select: None, derived: None }.of(expr)
}

struct Within<'q> {
    catalog: &'q CatalogSnapshot,
    select: Option<&'q Select>,
    derived: Option<&'q Derived>,
}

impl Within<'_> {
    fn of(&self, expr: &Expr) -> Collation {
        let (base, _) = base_type(self.catalog, expr.type_oid, -1);
        let own = match base == expr.type_oid {
            true => of_type(base),
            // A domain may have one of its own.
            false => self.catalog.type_collation(expr.type_oid),
        };
        if own == Oid::INVALID {
            return Collation::None;
        }
        let derived = match &expr.kind {
            ExprKind::Null | ExprKind::Param(_) | ExprKind::Literal(_) | ExprKind::Const(_) => Collation::None,
            ExprKind::Var(var) => self.of_column(var).unwrap_or(Collation::None),
            ExprKind::Written(Written::Collate(oid), _) => Collation::Explicit(*oid),
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
        if let Some(columns) = self.derived.and_then(|derived| derived.entries.get(&var.entry)) {
            let place = usize::try_from(var.attribute).ok()?.checked_sub(1)?;
            return columns.get(place).map(|collation| match collation {
                Collation::Explicit(oid) => Collation::Implicit(*oid),
                other => *other,
            });
        }
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
        let own = column.options.collation.as_deref().map(|kept| self.catalog.collation_oid(kept));
        // A domain may have one of its own.
        let is_domain = || self.catalog.types.contains_key(&column.type_oid);
        own.or_else(|| is_domain().then(|| self.catalog.type_collation(column.type_oid))).map(Collation::Implicit)
    }
}

fn entry_of<'q>(item: &'q FromItem, var: &Var) -> Option<&'q EntryKind> {
    match item {
        FromItem::Entry(entry) => (entry.id == var.entry).then_some(&entry.kind),
        FromItem::Join { left, right, .. } => entry_of(left, var).or_else(|| entry_of(right, var)),
    }
}
