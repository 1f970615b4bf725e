//! Whether a cursor over a query can go backwards although nobody has asked for it.
//!
//! Owns: [`Query::scans_backward`]. Specification: ExecSupportsBackwardScan, over the plan that PostgreSQL makes of a query
//! whose tables are small.

use super::*;

impl Query {
    /// Whether PostgreSQL's plan can run backwards: a scan can, a sort can, what joins, groups or computes cannot.
    pub fn scans_backward(&self) -> bool {
        self.row_marks.is_empty() && (self.is_sorted() || self.body_scans_backward())
    }

    /// The plan ends with a sort: DISTINCT and window functions are sorted below it, and what returns sets comes after.
    fn is_sorted(&self) -> bool {
        let simple = match &self.body {
            Body::Select(select) => !select.distinct && select.distinct_on.is_empty() && !select.returns_sets(),
            _ => true,
        };
        !self.order_by.is_empty() && simple
    }

    fn body_scans_backward(&self) -> bool {
        match &self.body {
            Body::Select(select) => {
                let computes = |target: &Target| target.expr.any(&|part| matches!(part.kind, ExprKind::Aggref(_)));
                let plain = !select.distinct
                    && select.distinct_on.is_empty()
                    && select.group_by.is_empty()
                    && select.grouping_sets.is_empty()
                    && select.having.is_none()
                    && !select.returns_sets()
                    && !select.targets.iter().any(computes);
                match select.from.as_slice() {
                    [FromItem::Entry(entry)] => plain && self.entry_scans_backward(&entry.kind),
                    _ => false,
                }
            }
            // One row is a Result.
            Body::Values { rows, .. } => rows.len() > 1,
            Body::SetOperation { operator: SetOperator::Union, all: true, left, right } => {
                left.scans_backward() && right.scans_backward()
            }
            Body::SetOperation { .. } => false,
        }
    }

    fn entry_scans_backward(&self, kind: &EntryKind) -> bool {
        match kind {
            EntryKind::Relation(_) | EntryKind::Members(_) | EntryKind::Function { .. } | EntryKind::Kept { .. } => {
                true
            }
            EntryKind::Subquery { query, .. } => query.scans_backward(),
            EntryKind::Cte(id) => match self.ctes.iter().find(|cte| cte.id == *id) {
                Some(Cte { query: CteQuery::Select(query), materialized, .. }) => {
                    *materialized == Some(true) || self.recursive || query.scans_backward()
                }
                _ => true,
            },
        }
    }
}

impl Select {
    fn returns_sets(&self) -> bool {
        self.targets.iter().any(|target| target.expr.any(&|part| part.set_call().is_some()))
    }
}
