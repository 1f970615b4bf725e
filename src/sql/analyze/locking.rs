//! FOR UPDATE and FOR SHARE: which queries they may stand in, and how long they wait.
//!
//! Owns: [`Analyzer::lock_rows`]. Must not know: how rows are locked. Specification: sql-select.html#SQL-FOR-UPDATE-SHARE,
//! CheckSelectLocking in analyze.c.

use crate::catalog::acl::Privileges;
use crate::catalog::schema::RelationKind;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{self as ast, LockStrength, LockWaitPolicy, LockingClause, SelectBody};
use crate::sql::tree::{Body, EntryKind, Expr, FromItem, JoinKind, Query, RangeTblEntry, RowMark};

impl Analyzer<'_> {
    /// The tables that a query is to lock rows of: with its own clauses, or because the one around it locks its rows.
    pub(super) fn locks_of(&mut self, clauses: &[LockingClause]) -> Option<Vec<String>> {
        let all = std::mem::take(&mut self.locks_next) || clauses.iter().any(|clause| clause.relations.is_empty());
        let named =
            || clauses.iter().flat_map(|clause| &clause.relations).map(|table| table.relation.clone()).collect();
        match all {
            true => Some(Vec::new()),
            false => (!clauses.is_empty()).then(named),
        }
    }

    /// Whether the query at hand locks the rows of what it calls by that name.
    pub(super) fn is_locked(&self, name: &str) -> bool {
        self.locked.as_ref().is_some_and(|names| names.is_empty() || names.iter().any(|known| known == name))
    }

    /// FOR UPDATE and its like: the rows it locks; those of sub-queries and views are marked in them.
    pub(super) fn lock_rows(
        &mut self,
        lock: &LockingClause,
        ast: &SelectBody,
        body: &mut Body,
        marks: &mut Vec<RowMark>,
    ) -> Result<()> {
        refuse_lock(lock, body)?;
        self.locks_rows = match self.locks_rows {
            Some(LockWaitPolicy::Block) => Some(LockWaitPolicy::Block),
            _ => Some(lock.wait),
        };
        let (SelectBody::Select(ast), Body::Select(select)) = (ast, body) else { return Ok(()) };
        let mut written = Vec::new();
        ast.from.iter().for_each(|item| written_items(item, &mut written));
        let mut entries = Vec::new();
        select.from.iter_mut().for_each(|item| entries_of(item, false, &mut entries));
        let mut found = vec![false; lock.relations.len()];
        for (item, (entry, nullable)) in written.into_iter().zip(entries) {
            let (name, relation) = named(item);
            let mut asked = lock.relations.is_empty();
            let mut place = Location::UNKNOWN;
            for (wanted, found) in lock.relations.iter().zip(&mut found) {
                if Some(wanted.relation.as_str()) == name {
                    (asked, *found, place) = (true, true, wanted.location);
                }
            }
            if !asked {
                continue;
            }
            if let Some(relation) = relation.and_then(|table| self.relation(table).ok()).map(|relation| relation.oid) {
                self.permissions.borrow_mut().change(relation, Privileges::UPDATE, &[]);
            }
            if nullable
                && matches!(entry.kind, EntryKind::Relation(_) | EntryKind::Members(_) | EntryKind::Subquery { .. })
            {
                return Err(refused(lock, "cannot be applied to the nullable side of an outer join"));
            }
            self.mark_entry(lock, entry, marks).map_err(|error| self.at(error, place))?;
        }
        match lock.relations.iter().zip(found).find(|(_, found)| !found) {
            None => Ok(()),
            Some((missing, _)) => {
                let (name, clause) = (&missing.relation, clause(lock.strength));
                let message = format!("relation \"{name}\" in {clause} clause not found in FROM clause");
                Err(self.at(Error::new(SqlState::UNDEFINED_TABLE, message), missing.location))
            }
        }
    }

    fn mark_entry(&self, lock: &LockingClause, entry: &mut RangeTblEntry, marks: &mut Vec<RowMark>) -> Result<()> {
        match &mut entry.kind {
            EntryKind::Relation(oid) | EntryKind::Members(oid) => {
                let of_table =
                    self.catalog().relations.get(oid).is_some_and(|relation| relation.kind == RelationKind::Table);
                if of_table {
                    add_mark(
                        marks,
                        RowMark { entry: entry.id, relation: *oid, strength: lock.strength, wait: lock.wait },
                    );
                }
                Ok(())
            }
            EntryKind::Subquery { query, .. } => self.mark_query(lock, query),
            EntryKind::Function { .. } if !lock.relations.is_empty() => {
                Err(refused(lock, "cannot be applied to a function"))
            }
            EntryKind::Cte(_) if !lock.relations.is_empty() => Err(refused(lock, "cannot be applied to a WITH query")),
            EntryKind::Kept { .. } if !lock.relations.is_empty() => {
                Err(refused(lock, "cannot be applied to a named tuplestore"))
            }
            EntryKind::Function { .. } | EntryKind::Cte(_) | EntryKind::Kept { .. } => Ok(()),
        }
    }

    fn mark_query(&self, lock: &LockingClause, query: &mut Query) -> Result<()> {
        refuse_lock(lock, &query.body)?;
        let Body::Select(select) = &mut query.body else { return Ok(()) };
        let mut entries = Vec::new();
        select.from.iter_mut().for_each(|item| entries_of(item, false, &mut entries));
        let all = LockingClause { relations: Vec::new(), ..lock.clone() };
        entries.into_iter().try_for_each(|(entry, _)| self.mark_entry(&all, entry, &mut query.row_marks))
    }
}

/// Of several clauses about a table the strongest counts, and not waiting before waiting (applyLockingClause).
fn add_mark(marks: &mut Vec<RowMark>, mark: RowMark) {
    match marks.iter_mut().find(|known| known.entry == mark.entry) {
        Some(known) => {
            known.strength = if known.strength as u8 > mark.strength as u8 { known.strength } else { mark.strength };
            known.wait = if known.wait as u8 > mark.wait as u8 { known.wait } else { mark.wait };
        }
        None => marks.push(mark),
    }
}

fn clause(strength: LockStrength) -> &'static str {
    match strength {
        LockStrength::ForKeyShare => "FOR KEY SHARE",
        LockStrength::ForShare => "FOR SHARE",
        LockStrength::ForNoKeyUpdate => "FOR NO KEY UPDATE",
        LockStrength::ForUpdate => "FOR UPDATE",
    }
}

fn refused(lock: &LockingClause, why: &str) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{} {why}", clause(lock.strength)))
}

/// FOR UPDATE locks rows of tables: 0A000 where the query's rows are none (CheckSelectLocking).
fn refuse_lock(lock: &LockingClause, body: &Body) -> Result<()> {
    let with = match body {
        Body::Select(select) => {
            let in_targets = |test: fn(&Expr) -> bool| select.targets.iter().any(|target| test(&target.expr));
            let clauses = [
                (select.distinct || !select.distinct_on.is_empty(), "DISTINCT clause"),
                (!select.group_by.is_empty(), "GROUP BY clause"),
                (select.having.is_some(), "HAVING clause"),
                (in_targets(Expr::contains_aggregate), "aggregate functions"),
                (in_targets(Expr::contains_window), "window functions"),
                (in_targets(Expr::contains_set), "set-returning functions in the target list"),
            ];
            clauses.into_iter().find(|(present, _)| *present).map(|(_, clause)| clause)
        }
        Body::Values { .. } => None,
        Body::SetOperation { .. } => Some("UNION/INTERSECT/EXCEPT"),
    };
    with.map_or(Ok(()), |with| Err(refused(lock, &format!("is not allowed with {with}"))))
}

/// What FROM was written as, in the order of its entries.
fn written_items<'q>(item: &'q ast::FromItem, items: &mut Vec<&'q ast::FromItem>) {
    match item {
        ast::FromItem::Join(join) => {
            written_items(&join.left, items);
            written_items(&join.right, items);
        }
        _ => items.push(item),
    }
}

/// FROM's entries, and whether an outer join can leave them out.
fn entries_of<'t>(item: &'t mut FromItem, nullable: bool, entries: &mut Vec<(&'t mut RangeTblEntry, bool)>) {
    match item {
        FromItem::Entry(entry) => entries.push((entry, nullable)),
        FromItem::Join { kind, left, right, .. } => {
            entries_of(left, nullable || matches!(kind, JoinKind::Right | JoinKind::Full), entries);
            entries_of(right, nullable || matches!(kind, JoinKind::Left | JoinKind::Full), entries);
        }
    }
}

/// What OF calls an item, and the table that it names.
fn named(item: &ast::FromItem) -> (Option<&str>, Option<&ast::RangeVar>) {
    fn of_table(table: &ast::RangeVar) -> &str {
        table.alias.as_ref().map_or(table.relation.as_str(), |alias| alias.name.as_str())
    }
    match item {
        ast::FromItem::Relation(table) => (Some(of_table(table)), Some(table)),
        ast::FromItem::TableSample(sample) => (Some(of_table(&sample.relation)), Some(&sample.relation)),
        ast::FromItem::Subselect(sub) => (sub.alias.as_ref().map(|alias| alias.name.as_str()), None),
        ast::FromItem::Function(function) => (function.alias.as_ref().map(|alias| alias.name.as_str()), None),
        ast::FromItem::TableFunc(_) | ast::FromItem::Join(_) => (None, None),
    }
}
