//! Whether two sub-queries say the same, as GROUP BY and DISTINCT ON ask: what differs is only how their entries are numbered.
//!
//! Owns: [`Analyzer::same_query`]. Specification: equal() in equalfuncs.c, which compares sub-queries as they are written.

use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::tree::{
    Aggref, Body, EntryKind, Expr, FromItem, Query, RangeTblEntry, Select, SortKey, SubLink, SubLinkKind,
};

impl Analyzer<'_> {
    /// EXISTS, IN, ANY …: the same with the same query.
    pub(super) fn same_link(&mut self, a: &SubLink, b: &SubLink) -> bool {
        let known = self.same_entries.len();
        let same = self.same_query(&a.query, &b.query)
            && match (&a.kind, &b.kind) {
                (SubLinkKind::Exists, SubLinkKind::Exists)
                | (SubLinkKind::Expr, SubLinkKind::Expr)
                | (SubLinkKind::Array, SubLinkKind::Array) => true,
                (SubLinkKind::In(a), SubLinkKind::In(b)) => self.same_exprs(a, b),
                (
                    SubLinkKind::Quantified { all: f, comparison: a },
                    SubLinkKind::Quantified { all: g, comparison: b },
                ) => f == g && self.same_expr(a, b),
                _ => false,
            };
        self.same_entries.truncate(known);
        same
    }

    /// An aggregate without a window.
    pub(super) fn same_aggregate(&mut self, a: &Aggref, b: &Aggref) -> bool {
        a.function == b.function
            && (a.star, a.distinct) == (b.star, b.distinct)
            && (a.of, b.of) == (None, None)
            && a.over.is_none()
            && b.over.is_none()
            && self.same_exprs(&a.direct, &b.direct)
            && self.same_exprs(&a.args, &b.args)
            && self.same_keys(&a.order_by, &b.order_by)
            && self.same_option(a.filter.as_ref(), b.filter.as_ref())
    }

    /// The entries of both are noted as being the same.
    fn same_query(&mut self, a: &Query, b: &Query) -> bool {
        let plain = |query: &Query| query.ctes.is_empty() && query.row_marks.is_empty() && !query.with_ties;
        plain(a)
            && plain(b)
            && self.same_body(&a.body, &b.body)
            && self.same_keys(&a.order_by, &b.order_by)
            && self.same_option(a.limit.as_ref(), b.limit.as_ref())
            && self.same_option(a.offset.as_ref(), b.offset.as_ref())
    }

    fn same_body(&mut self, a: &Body, b: &Body) -> bool {
        match (a, b) {
            (Body::Select(a), Body::Select(b)) => self.same_select(a, b),
            (Body::Values { rows: a, .. }, Body::Values { rows: b, .. }) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same_exprs(a, b))
            }
            (
                Body::SetOperation { operator: f, all: all_a, left: left_a, right: right_a },
                Body::SetOperation { operator: g, all: all_b, left: left_b, right: right_b },
            ) => f == g && all_a == all_b && self.same_query(left_a, left_b) && self.same_query(right_a, right_b),
            _ => false,
        }
    }

    fn same_select(&mut self, a: &Select, b: &Select) -> bool {
        let targets = |select: &Select| -> Vec<Expr> { select.targets.iter().map(|t| t.expr.clone()).collect() };
        a.from.len() == b.from.len()
            && a.from.iter().zip(&b.from).all(|(a, b)| self.same_item(a, b))
            && (a.distinct, &a.grouping_sets) == (b.distinct, &b.grouping_sets)
            && self.same_exprs(&targets(a), &targets(b))
            && self.same_exprs(&a.distinct_on, &b.distinct_on)
            && self.same_option(a.selection.as_ref(), b.selection.as_ref())
            && self.same_exprs(&a.group_by, &b.group_by)
            && self.same_option(a.having.as_ref(), b.having.as_ref())
    }

    fn same_item(&mut self, a: &FromItem, b: &FromItem) -> bool {
        match (a, b) {
            (FromItem::Entry(a), FromItem::Entry(b)) => self.same_entry(a, b),
            (
                FromItem::Join { kind: f, left: left_a, right: right_a, on: on_a },
                FromItem::Join { kind: g, left: left_b, right: right_b, on: on_b },
            ) => {
                f == g
                    && self.same_item(left_a, left_b)
                    && self.same_item(right_a, right_b)
                    && self.same_option(on_a.as_ref(), on_b.as_ref())
            }
            _ => false,
        }
    }

    fn same_entry(&mut self, a: &RangeTblEntry, b: &RangeTblEntry) -> bool {
        let open = |entry: &RangeTblEntry| entry.security_quals.is_empty() && !entry.barrier && !entry.security_barrier;
        let same = open(a)
            && open(b)
            && match (&a.kind, &b.kind) {
                (EntryKind::Relation(a), EntryKind::Relation(b)) | (EntryKind::Members(a), EntryKind::Members(b)) => {
                    a == b
                }
                (EntryKind::Cte(a), EntryKind::Cte(b)) => a == b,
                (EntryKind::Subquery { query: a, lateral: f }, EntryKind::Subquery { query: b, lateral: g }) => {
                    f == g && self.same_query(a, b)
                }
                _ => false,
            };
        if same {
            self.same_entries.push((a.id, b.id));
        }
        same
    }

    fn same_exprs(&mut self, a: &[Expr], b: &[Expr]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same_expr(a, b))
    }

    fn same_option(&mut self, a: Option<&Expr>, b: Option<&Expr>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => self.same_expr(a, b),
            (a, b) => a.is_none() && b.is_none(),
        }
    }

    fn same_keys(&mut self, a: &[SortKey], b: &[SortKey]) -> bool {
        let same = |(a, b): (&SortKey, &SortKey)| {
            let order = |key: &SortKey| (key.output, key.descending, key.nulls_first);
            order(a) == order(b) && self.same_expr(&a.expr, &b.expr)
        };
        a.len() == b.len() && a.iter().zip(b).all(same)
    }
}
