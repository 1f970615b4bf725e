//! Recursive queries that SQLite does not take: it knows a query that refers to itself in FROM of its recursive term, and
//! nowhere else. Where the reference stands deeper the term becomes a statement of its own that is run for each row of the
//! query; that gives the same rows as long as each row gives its own.
//!
//! Owns: [`Lower::recursive_term`]. Specification: queries-with.html#QUERIES-WITH-RECURSIVE; SQLite's lang_with.html.

use std::rc::Rc;

use super::Lower;
use super::tree::{Body, Expr, ExprKind, FromItem, Query, Select, SetOperator, Target};
use crate::error::{Error, Result};

/// The references to a WITH query that have been found.
#[derive(Default)]
struct References {
    /// In FROM of the term itself.
    direct: usize,
    deeper: usize,
    /// What is around one makes its rows of more than one row of the query.
    gathers: bool,
}

impl Lower<'_> {
    /// The recursive term of the query of that name, as SQLite can run it; `all` of UNION ALL.
    pub(super) fn recursive_term(&mut self, name: &Rc<str>, mut term: Query, all: bool) -> Result<Query> {
        let mut found = References::default();
        found.in_query(&term, name, all, 0);
        if found.deeper == 0 && !found.gathers {
            return Ok(term);
        }
        if found.gathers || found.direct + found.deeper != 1 {
            return Err(Error::unsupported("a recursive term that gathers the rows of its query"));
        }
        let columns = term.outputs();
        let row = self.fresh_alias();
        let names = columns.iter().enumerate();
        let targets = names.map(|(index, (column, type_oid, typmod))| {
            let like = Expr { kind: ExprKind::Null, type_oid: *type_oid, typmod: *typmod };
            Target { name: column.clone(), expr: Expr::positional(row.clone(), index, &like) }
        });
        let one = Query::of_select(Select { targets: targets.collect(), ..Select::default() });
        replace_in_query(&mut term, name, &one);
        let alias = self.fresh_alias();
        let plan = self.plan_item(term, alias.clone())?;
        let targets = columns.into_iter().enumerate().map(|(index, (column, type_oid, typmod))| {
            let like = Expr { kind: ExprKind::Null, type_oid, typmod };
            Target { name: column, expr: Expr::positional(alias.clone(), index, &like) }
        });
        let from = vec![FromItem::Cte { name: name.clone(), alias: row }, plan];
        Ok(Query::of_select(Select { targets: targets.collect(), from, ..Select::default() }))
    }
}

impl References {
    /// Looks for references; `depth` is how many queries are around the query.
    fn in_query(&mut self, query: &Query, name: &Rc<str>, all: bool, depth: usize) {
        let before = self.direct + self.deeper;
        for cte in &query.ctes {
            let known = self.direct + self.deeper;
            self.in_query(&cte.query, name, all, depth + 1);
            // What reads it more than once pairs its rows.
            let reads = self.direct + self.deeper > known;
            self.gathers |= reads && cte_references(query, &cte.name) != 1;
        }
        match &query.body {
            Body::Select(select) => {
                let known = self.direct + self.deeper;
                select.from.iter().for_each(|item| self.in_item(item, name, all, depth));
                let computed = select.targets.iter().map(|target| &target.expr);
                let gathers = |expr: &Expr| expr.contains_aggregate() || expr.contains_window();
                if self.direct + self.deeper > known {
                    self.gathers |= !select.group_by.is_empty()
                        || select.having.is_some()
                        || !select.distinct_on.is_empty()
                        || depth > 0 && select.distinct && all
                        || computed.into_iter().any(gathers);
                }
            }
            Body::Values { .. } => {}
            Body::SetOperation { operator, all: keeps, left, right } => {
                let known = self.direct + self.deeper;
                self.in_query(left, name, all, depth + 1);
                self.in_query(right, name, all, depth + 1);
                if self.direct + self.deeper > known {
                    self.gathers |= *operator != SetOperator::Union || all || *keeps;
                }
            }
        }
        if self.direct + self.deeper > before {
            self.gathers |= query.limit.is_some() || query.offset.is_some();
        }
    }

    fn in_item(&mut self, item: &FromItem, name: &Rc<str>, all: bool, depth: usize) {
        match item {
            FromItem::Cte { name: read, .. } if read == name => match depth {
                0 => self.direct += 1,
                _ => self.deeper += 1,
            },
            FromItem::Derived { query, .. } | FromItem::Plan { query, .. } => {
                self.in_query(query, name, all, depth + 1)
            }
            FromItem::Join { left, right, .. } => {
                self.in_item(left, name, all, depth);
                self.in_item(right, name, all, depth);
            }
            FromItem::Cte { .. } | FromItem::Table { .. } | FromItem::Function { .. } => {}
        }
    }
}

/// How often a query reads one of its own WITH queries.
fn cte_references(query: &Query, name: &Rc<str>) -> usize {
    let in_ctes: usize = query.ctes.iter().map(|cte| cte_references(&cte.query, name)).sum();
    in_ctes
        + match &query.body {
            Body::Select(select) => select.from.iter().map(|item| item_references(item, name)).sum(),
            Body::Values { .. } => 0,
            Body::SetOperation { left, right, .. } => cte_references(left, name) + cte_references(right, name),
        }
}

fn item_references(item: &FromItem, name: &Rc<str>) -> usize {
    match item {
        FromItem::Cte { name: read, .. } => usize::from(read == name),
        FromItem::Derived { query, .. } | FromItem::Plan { query, .. } => cte_references(query, name),
        FromItem::Join { left, right, .. } => item_references(left, name) + item_references(right, name),
        FromItem::Table { .. } | FromItem::Function { .. } => 0,
    }
}

fn replace_in_query(query: &mut Query, name: &Rc<str>, one: &Query) {
    query.ctes.iter_mut().for_each(|cte| replace_in_query(&mut cte.query, name, one));
    match &mut query.body {
        Body::Select(select) => select.from.iter_mut().for_each(|item| replace_in_item(item, name, one)),
        Body::Values { .. } => {}
        Body::SetOperation { left, right, .. } => {
            replace_in_query(left, name, one);
            replace_in_query(right, name, one);
        }
    }
}

fn replace_in_item(item: &mut FromItem, name: &Rc<str>, one: &Query) {
    match item {
        FromItem::Cte { name: read, alias } if read == name => {
            *item = FromItem::Derived { query: Box::new(one.clone()), alias: alias.clone() };
        }
        FromItem::Derived { query, .. } | FromItem::Plan { query, .. } => replace_in_query(query, name, one),
        FromItem::Join { left, right, .. } => {
            replace_in_item(left, name, one);
            replace_in_item(right, name, one);
        }
        FromItem::Cte { .. } | FromItem::Table { .. } | FromItem::Function { .. } => {}
    }
}
