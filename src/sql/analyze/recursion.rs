//! Where a recursive query may not refer to itself.
//!
//! Owns: [`Analyzer::check_recursive_term`]. Specification: queries-with.html#QUERIES-WITH-RECURSIVE,
//! checkWellFormedRecursion in parse_cte.c.

use std::collections::HashMap;

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::syntax::ast::location::Location;
use crate::sql::tree::{Body, CteId, CteQuery, EntryId, EntryKind, Expr, FromItem, JoinKind, Query, SetOperator};

/// Where a reference stands, as far as it matters.
#[derive(Clone, Copy)]
struct Place(Option<&'static str>);

/// The references that have been found.
struct References<'n> {
    id: CteId,
    name: &'n str,
    count: usize,
    /// Where entries are written.
    places: &'n HashMap<EntryId, Location>,
}

impl Analyzer<'_> {
    /// 42P19 unless the recursive term reads its query once, and in rows that are there.
    pub(super) fn check_recursive_term(&self, term: &Query, id: CteId, name: &str) -> Result<()> {
        let mut references = References { id, name, count: 0, places: &self.cte_places };
        references.query(term, Place(None)).map_err(|(error, location)| self.at(error, location))?;
        if references.count > 0 && aggregates(term) {
            let message = "aggregate functions are not allowed in a recursive query's recursive term";
            let error = Error::new(SqlState::INVALID_RECURSION, message);
            return Err(self.last_aggregate.map_or(error.clone(), |location| self.at(error, location)));
        }
        Ok(())
    }
}

fn aggregates(term: &Query) -> bool {
    match &term.body {
        Body::Select(select) => {
            select.targets.iter().any(|target| target.expr.contains_aggregate())
                || select.having.as_ref().is_some_and(Expr::contains_aggregate)
        }
        _ => false,
    }
}

/// What is wrong, and where.
type Found = std::result::Result<(), (Error, Location)>;

impl References<'_> {
    fn query(&mut self, query: &Query, place: Place) -> Found {
        for cte in &query.ctes {
            if let CteQuery::Select(query) = &cte.query {
                self.query(query, place)?;
            }
        }
        match &query.body {
            Body::Select(select) => select.from.iter().try_for_each(|item| self.item(item, place))?,
            Body::Values { .. } => {}
            Body::SetOperation { operator, left, right, .. } => {
                self.query(left, place)?;
                self.query(right, if *operator == SetOperator::Except { Place(Some("EXCEPT")) } else { place })?;
            }
        }
        // Sub-queries of expressions; those in FROM have been seen.
        let mut own = Vec::new();
        own_exprs(query, &mut own);
        own.into_iter().try_for_each(|expr| self.expr(expr))
    }

    fn expr(&mut self, expr: &Expr) -> Found {
        if let Some(query) = expr.subquery() {
            self.query(query, Place(Some("a subquery")))?;
        }
        let mut children = Vec::new();
        expr.for_each_child(&mut |child| children.push(child));
        children.into_iter().try_for_each(|child| self.expr(child))
    }

    fn item(&mut self, item: &FromItem, place: Place) -> Found {
        match item {
            FromItem::Entry(entry) => match &entry.kind {
                EntryKind::Cte(cte) if *cte == self.id => self.reference(place, entry.id),
                EntryKind::Subquery { query, .. } => self.query(query, place),
                _ => Ok(()),
            },
            FromItem::Join { kind, left, right, .. } => {
                let outer = Place(Some("an outer join"));
                let (of_left, of_right) = match kind {
                    JoinKind::Left => (place, outer),
                    JoinKind::Right => (outer, place),
                    JoinKind::Full => (outer, outer),
                    JoinKind::Inner | JoinKind::Cross => (place, place),
                };
                self.item(left, of_left)?;
                self.item(right, of_right)
            }
        }
    }

    fn reference(&mut self, place: Place, entry: EntryId) -> Found {
        self.count += 1;
        let refused = match place {
            Place(Some(place)) => format!("must not appear within {place}"),
            Place(None) if self.count > 1 => "must not appear more than once".to_owned(),
            Place(None) => return Ok(()),
        };
        let message = format!("recursive reference to query \"{}\" {refused}", self.name);
        let location = self.places.get(&entry).copied().unwrap_or(Location::UNKNOWN);
        Err((Error::new(SqlState::INVALID_RECURSION, message), location))
    }
}

/// The expressions of a query's own clauses.
fn own_exprs<'q>(query: &'q Query, out: &mut Vec<&'q Expr>) {
    match &query.body {
        Body::Select(select) => {
            out.extend(select.targets.iter().map(|target| &target.expr));
            out.extend(select.selection.iter().chain(&select.having).chain(&select.group_by));
            select.from.iter().for_each(|item| conditions(item, out));
        }
        Body::Values { rows, .. } => out.extend(rows.iter().flatten()),
        Body::SetOperation { .. } => {}
    }
    out.extend(query.order_by.iter().map(|key| &key.expr));
}

fn conditions<'q>(item: &'q FromItem, out: &mut Vec<&'q Expr>) {
    if let FromItem::Join { left, right, on, .. } = item {
        conditions(left, out);
        conditions(right, out);
        out.extend(on);
    }
}
