//! Queries.
//!
//! Owns: [`Lower::query`] and the clauses of SELECT. Specification: sql-select.html; SQLite's lang_select.html.

use std::rc::Rc;

use super::expr::under_locale;
use super::program::Last;
use super::tree::{Body, ColumnRef, Cte, Expr, ExprKind, FromItem, Query, Select, SetOperator, SortKey, Target};
use super::{Level, Lower};
use crate::error::{Error, Result};
use crate::limits::stack;
use crate::sql::collations;
use crate::sql::folding;
use crate::sql::lower::search::{Search, Volatile};
use crate::sql::tree::{
    Body as TypedBody, Cte as TypedCte, CteId, CteQuery, EntryKind, Expr as Typed, ExprKind as TypedKind,
    FromItem as TypedItem, Query as TypedQuery, Select as TypedSelect, SortKey as TypedKey,
};
use crate::sql::types;
use crate::types::order::has_order;
use crate::types::pg_type::{Oid, type_info};

impl Lower<'_> {
    /// A query with everything around its body.
    pub(super) fn query(&mut self, query: &TypedQuery) -> Result<Query> {
        stack::check()?;
        let recursive = std::mem::take(&mut self.recursive);
        if query.with_ties {
            return self.with_ties(query);
        }
        if !query.row_marks.is_empty() {
            return self.locked(query);
        }
        let ctes = match self.steps_of(&query.ctes, query.recursive, &Last::Query(query), self.reads_before(query))? {
            true => Vec::new(),
            false => self.ctes(&query.ctes)?,
        };
        let (body, order_by) = match &query.body {
            // SQLite knows a recursive query by its UNION.
            TypedBody::SetOperation { operator, all, left, right } if recursive.is_some() => {
                let (left, right) = (self.query(left)?, self.query(right)?);
                let right = match &recursive {
                    Some(name) => self.recursive_term(name, right, *all)?,
                    None => right,
                };
                let (left, right) = (Box::new(left), Box::new(right));
                let body = Body::SetOperation { operator: *operator, all: *all, left, right };
                (body, self.sort_keys(&query.order_by)?)
            }
            body => {
                let (body, order_by) = self.body(body, &query.order_by)?;
                (if order_by.is_empty() { correlated_values(body) } else { body }, order_by)
            }
        };
        let sorted = Query { ctes, recursive: query.recursive, body, order_by, limit: None, offset: None };
        self.limited(query, sorted)
    }

    pub(super) fn ctes(&mut self, ctes: &[TypedCte]) -> Result<Vec<Cte>> {
        ctes.iter()
            .map(|cte| {
                let CteQuery::Select(query) = &cte.query else {
                    return Err(Error::internal("a change of data below the top level"));
                };
                self.recursive = query.reads_cte(cte.id).then(|| self.cte_name(cte.id));
                self.collations.note_cte(self.context.catalog, cte.id, query);
                let query = self.query(query)?;
                let cte = Cte { name: self.cte_name(cte.id), query, materialized: cte.materialized };
                self.ctes.push(cte.clone());
                Ok(cte)
            })
            .collect()
    }

    /// Copies of the WITH queries around it that a query reads, for a statement that does not see them.
    pub(super) fn ctes_read_by(&self, query: &Query) -> Result<Vec<Cte>> {
        let mut wanted = Vec::new();
        names_of_ctes(query, &mut wanted);
        let mut next = 0;
        let mut copies: Vec<Cte> = Vec::new();
        while let Some(name) = wanted.get(next).cloned() {
            next += 1;
            if is_defined_in(query, &name) {
                continue;
            }
            if let Some(cte) = self.ctes.iter().find(|cte| cte.name == name) {
                if Volatile.in_query(&cte.query) {
                    return Err(Error::unsupported(
                        "a LATERAL sub-query that reads a WITH query with a volatile function",
                    ));
                }
                names_of_ctes(&cte.query, &mut wanted);
                copies.push(cte.clone());
            } else {
                return Err(Error::unsupported("a LATERAL sub-query that reads the recursive query it stands in"));
            }
        }
        // Those that others read come first.
        copies.sort_by_key(|copy| self.ctes.iter().position(|cte| cte.name == copy.name));
        Ok(copies)
    }

    /// The name of a WITH query: SQLite looks for it before it looks for tables, so it is one that no table has.
    pub(super) fn cte_name(&self, id: CteId) -> Rc<str> {
        format!("__pg_cte{}", id.0).into()
    }

    pub(super) fn body(&mut self, body: &TypedBody, order_by: &[TypedKey]) -> Result<(Body, Vec<SortKey>)> {
        match body {
            TypedBody::Select(select) => {
                let (select, keys) = self.select(select, order_by)?;
                Ok((Body::Select(Box::new(select)), keys))
            }
            TypedBody::Values { rows, names } => {
                let rows = rows.iter().map(|row| self.exprs(row)).collect::<Result<Vec<_>>>()?;
                Ok((Body::Values { rows, names: names.clone() }, self.sort_keys(order_by)?))
            }
            TypedBody::SetOperation { operator, all, left, right } => {
                let collations = self.collations.of_both(self.catalog(), left, right);
                let (left, right) = (self.query(left)?, self.query(right)?);
                let body = if *all && *operator != SetOperator::Union {
                    self.multiset_operation(*operator, left, right)
                } else if !*all && *operator == SetOperator::Union && self.differs_in_equal_rows(&left) {
                    // SQLite's UNION keeps the last of what is equal, PostgreSQL's the first.
                    let (left, right) = (Box::new(left), Box::new(right));
                    let all = Query::of(Body::SetOperation { operator: SetOperator::Union, all: true, left, right });
                    let mut select = self.select_all(all);
                    select.distinct = true;
                    Body::Select(Box::new(select))
                } else {
                    let (left, right) = (Box::new(left), Box::new(right));
                    Body::SetOperation { operator: *operator, all: *all, left, right }
                };
                let mut keys = self.sort_keys(order_by)?;
                for key in &mut keys {
                    let collation = key.output.and_then(|output| collations.get(output).copied());
                    key.expr = under_locale(
                        key.expr.clone(),
                        collation.and_then(|own| collations::locale(self.catalog(), own)).as_deref(),
                    );
                }
                Ok((body, keys))
            }
        }
    }

    /// Whether values of one of a query's columns can be equal and still look different: 1.0 and 1.00.
    fn differs_in_equal_rows(&self, query: &Query) -> bool {
        query.outputs().iter().any(|(_, oid, _)| {
            let element = types::element_type(self.catalog(), *oid).unwrap_or(*oid);
            matches!(
                element,
                Oid::NUMERIC | Oid::FLOAT4 | Oid::FLOAT8 | Oid::INTERVAL | Oid::TIMETZ | Oid::BPCHAR | Oid::JSONB
            )
        })
    }

    /// UNION without an order is sorted in PostgreSQL unless it is large, NULLs last; SQLite has them first.
    pub(super) fn order_union(&self, typed: &TypedQuery, query: &mut Query) {
        let union = matches!(&typed.body, TypedBody::SetOperation { operator: SetOperator::Union, all: false, .. });
        let outputs = query.outputs();
        let sortable = |oid: Oid| has_order(oid) && oid != Oid::RECORD && type_info(oid).is_some();
        if !union || !query.order_by.is_empty() || !outputs.iter().all(|(_, oid, _)| sortable(*oid)) {
            return;
        }
        let key = |(index, (_, type_oid, typmod)): (usize, &(String, Oid, i32))| {
            let expr = match &query.body {
                Body::Select(select) => select.targets.get(index)?.expr.clone(),
                _ => {
                    let column = ColumnRef { alias: None, column: format!("c{}", index + 1).into(), not_null: false };
                    Expr { kind: ExprKind::Column(column), type_oid: *type_oid, typmod: *typmod }
                }
            };
            Some(SortKey { expr, output: Some(index), descending: false, nulls_first: false })
        };
        query.order_by = outputs.iter().enumerate().filter_map(key).collect();
    }

    fn sort_keys(&mut self, keys: &[TypedKey]) -> Result<Vec<SortKey>> {
        keys.iter().map(|key| self.sort_key(key)).collect()
    }

    fn select(&mut self, select: &TypedSelect, order_by: &[TypedKey]) -> Result<(Select, Vec<SortKey>)> {
        self.levels.push(Level::default());
        let result = self.select_in_level(select, order_by);
        self.levels.pop();
        result
    }

    fn select_in_level(&mut self, select: &TypedSelect, order_by: &[TypedKey]) -> Result<(Select, Vec<SortKey>)> {
        if let Some((select, order_by)) = self.grouped_apart(select, order_by)? {
            return self.plain_select(&select, &order_by);
        }
        if let Some((select, order_by)) = self.read_before(select, order_by)? {
            return self.plain_select(&select, &order_by);
        }
        self.plain_select(select, order_by)
    }

    fn plain_select(&mut self, select: &TypedSelect, order_by: &[TypedKey]) -> Result<(Select, Vec<SortKey>)> {
        if let Some((select, order_by)) = self.sets_apart(select, order_by)? {
            return self.plain_select(&select, &order_by);
        }
        self.note_known(select.selection.as_ref(), &select.from);
        let mut from = self.from_clause(&select.from)?;
        let selection = match &select.selection {
            Some(selection) => {
                let lowered = self.selection(selection, &select.from)?;
                Some(self.with_postings(selection, lowered)?)
            }
            None => None,
        };
        let exprs = select.targets.iter().map(|target| &target.expr).chain(&select.distinct_on);
        let sets = self.begin_sets(exprs.chain(order_by.iter().map(|key| &key.expr)))?;
        let targets = (select.targets.iter())
            .map(|target| Ok(Target { expr: self.expr(&target.expr)?, name: target.name.clone() }))
            .collect::<Result<Vec<_>>>()?;
        let keys = self.keys_of_targets(order_by, &targets)?;
        let distinct_on = self.exprs(&select.distinct_on)?;
        self.end_sets();
        let group_by = self.exprs(&select.group_by)?;
        let having = select.having.as_ref().map(|having| self.condition(having)).transpose()?;
        if Volatile.in_exprs(&distinct_on) {
            return Err(Error::unsupported("DISTINCT ON a volatile expression"));
        }
        let unique = self.is_unique(&select.from, &from, selection.as_ref());
        from.extend(sets);
        let distinct = select.distinct;
        Ok((Select { distinct, distinct_on, targets, from, selection, group_by, having, unique }, keys))
    }

    /// WHERE. If parts of it can fail, what costs less is looked at first, as PostgreSQL does (order_qual_clauses), and
    /// SQLite does not take such a part before the others into a sub-query.
    fn selection(&mut self, selection: &Typed, from: &[TypedItem]) -> Result<Expr> {
        let TypedKind::And(parts) = &selection.kind else { return self.condition(selection) };
        if !parts.iter().any(|part| part.any(&folding::can_fail)) {
            return self.condition(selection);
        }
        let mut parts: Vec<&Typed> = parts.iter().collect();
        parts.sort_by_key(|part| folding::cost(part));
        let entries = from.iter().flat_map(TypedItem::entries);
        let is_table = |kind: &EntryKind| matches!(kind, EntryKind::Relation(_) | EntryKind::Kept { .. });
        let has_queries = entries.map(|entry| &entry.kind).any(|kind| !is_table(kind));
        let lowered = parts.into_iter().map(|part| {
            let condition = self.condition(part)?;
            Ok(match has_queries && part.any(&folding::can_fail) {
                true => Expr::template("({0} OR random() IS NULL)", vec![condition], Oid::BOOL),
                false => condition,
            })
        });
        let lowered = lowered.collect::<Result<Vec<_>>>()?;
        Expr::connected("({0} AND {1})", lowered).ok_or_else(|| Error::internal("a connective without operands"))
    }

    /// The sort keys; those that are output columns need not be made again.
    fn keys_of_targets(&mut self, keys: &[TypedKey], targets: &[Target]) -> Result<Vec<SortKey>> {
        keys.iter()
            .map(|key| match key.output.and_then(|output| targets.get(output)) {
                Some(target) => Ok(SortKey {
                    expr: self.collated(
                        Expr { type_oid: key.expr.type_oid, typmod: key.expr.typmod, ..target.expr.clone() },
                        std::slice::from_ref(&key.expr),
                    )?,
                    output: key.output,
                    descending: key.descending,
                    nulls_first: key.nulls_first,
                }),
                None => self.sort_key(key),
            })
            .collect()
    }
}

/// VALUES of one row with columns of a query around it as a SELECT, which SQLite takes for what it is in WITH, too.
fn correlated_values(body: Body) -> Body {
    match body {
        Body::Values { mut rows, names } if rows.len() == 1 && Columns.in_exprs(rows.iter().flatten()) => {
            let row = rows.pop().unwrap_or_default();
            let targets = row.into_iter().zip(names).map(|(expr, name)| Target { expr, name }).collect();
            Body::Select(Box::new(Select { targets, ..Select::default() }))
        }
        body => body,
    }
}

struct Columns;

impl Search for Columns {
    fn is_expr(&self, expr: &Expr) -> bool {
        matches!(expr.kind, ExprKind::Column(_))
    }
}

/// The WITH queries that a query reads, each once, in its own WITH list too.
fn names_of_ctes(query: &Query, names: &mut Vec<Rc<str>>) {
    struct Names<'a>(std::cell::RefCell<&'a mut Vec<Rc<str>>>);
    impl Search for Names<'_> {
        fn is_item(&self, item: &FromItem) -> bool {
            if let FromItem::Cte { name, .. } = item {
                let mut names = self.0.borrow_mut();
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
            false
        }
    }
    Names(std::cell::RefCell::new(names)).in_query(query);
}

/// Whether a WITH list anywhere in the query defines that name.
fn is_defined_in(query: &Query, name: &str) -> bool {
    struct Defines<'a>(&'a str);
    impl Search for Defines<'_> {
        fn in_query(&self, query: &Query) -> bool {
            query.ctes.iter().any(|cte| *cte.name == *self.0 || self.in_query(&cte.query)) || self.in_body(&query.body)
        }
    }
    Defines(name).in_query(query)
}
