//! Row security of what a statement changes: which of its rows it finds, and what must be true of new ones.
//!
//! Owns: whose and which policies count for INSERT, UPDATE, DELETE and MERGE. Where conditions stand is in `row_security`.
//! Specification: get_row_security_policies() in rowsecurity.c.

use crate::catalog::policy::PolicyCommand;
use crate::error::Result;
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::modify::restricted;
use crate::sql::analyze::result_relation::ResultRelation;
use crate::sql::tree::{CheckKind, EntryId, Expr, ExprKind, FromItem, MergeAction, MergeKind, OnConflict, WithCheck};

impl<'a> Analyzer<'a> {
    /// Runs with the rights by which a statement changes its table: those of the innermost view's owner.
    fn as_changer<T>(&mut self, target: &ResultRelation<'a>, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        target.through.iter().for_each(|level| self.permissions.borrow_mut().enter_view(level.view));
        let result = run(self);
        target.through.iter().for_each(|_| self.permissions.borrow_mut().leave_view());
        result
    }

    /// The condition by which an UPDATE or DELETE finds its rows: those of the views, its own, and the policies.
    pub(super) fn secured_rows(
        &mut self,
        target: &ResultRelation<'a>,
        (entry, reads, command): (EntryId, bool, PolicyCommand),
        from: &mut [FromItem],
        (conditions, selection): (Vec<Expr>, Option<Expr>),
    ) -> Result<Option<Expr>> {
        let commands = [command, PolicyCommand::Select];
        let commands = commands.get(..if reads { 2 } else { 1 }).unwrap_or_default();
        let mut quals = self.as_changer(target, |a| a.security_quals(target.table, entry, commands))?;
        let barrier = target.through.iter().any(|level| level.view.is_on("security_barrier"));
        let mut selection = match barrier {
            true => {
                quals.extend(conditions);
                selection
            }
            false => restricted(conditions, selection),
        };
        self.secure(from, &mut selection, Some((entry, &quals)));
        Ok(selection)
    }

    /// What must be true of the rows of an INSERT, and of those that ON CONFLICT updates.
    pub(super) fn check_inserted(
        &mut self,
        checks: &mut Vec<WithCheck>,
        target: &ResultRelation<'a>,
        entry: EntryId,
        (reads, updates): (bool, bool),
    ) -> Result<()> {
        use CheckKind::{Conflict, Insert, Update};
        let row = (target.table, entry);
        self.as_changer(target, |a| {
            a.add_row_checks(checks, row, (Insert, PolicyCommand::Insert), false)?;
            if reads {
                a.add_row_checks(checks, row, (Insert, PolicyCommand::Select), true)?;
            }
            if !updates {
                return Ok(());
            }
            a.add_row_checks(checks, row, (Conflict, PolicyCommand::Update), true)?;
            if reads {
                a.add_row_checks(checks, row, (Conflict, PolicyCommand::Select), true)?;
            }
            a.add_row_checks(checks, row, (Update, PolicyCommand::Update), false)?;
            match reads {
                true => a.add_row_checks(checks, row, (Update, PolicyCommand::Select), true),
                false => Ok(()),
            }
        })
    }

    /// What must be true of the rows of an UPDATE as they are going to be.
    pub(super) fn check_updated(
        &mut self,
        checks: &mut Vec<WithCheck>,
        target: &ResultRelation<'a>,
        entry: EntryId,
        reads: bool,
    ) -> Result<()> {
        let row = (target.table, entry);
        self.as_changer(target, |a| {
            a.add_row_checks(checks, row, (CheckKind::Update, PolicyCommand::Update), false)?;
            match reads {
                true => a.add_row_checks(checks, row, (CheckKind::Update, PolicyCommand::Select), true),
                false => Ok(()),
            }
        })
    }

    /// MERGE's condition with the policies by which rows are read, and what must be true of rows that it changes.
    pub(super) fn secured_merge(
        &mut self,
        target: &ResultRelation<'a>,
        entry: EntryId,
        (source, condition): (&mut FromItem, Expr),
        actions: &[MergeAction],
    ) -> Result<(Expr, Vec<WithCheck>)> {
        let table = target.table;
        let own = actions.iter().flat_map(|action| {
            let values = match &action.kind {
                MergeKind::Update(values) | MergeKind::Insert(values) => values.as_slice(),
                MergeKind::Delete | MergeKind::DoNothing => &[],
            };
            action.condition.iter().chain(values.iter().map(|(_, value)| value))
        });
        let reads = reads_target(entry, own.chain([&condition]));
        let quals = match reads {
            true => self.security_quals(table, entry, &[PolicyCommand::Select])?,
            false => Vec::new(),
        };
        let condition = self.secure_join(source, condition, (entry, &quals));
        let mut checks = Vec::new();
        use CheckKind::{Insert, MergeDelete, MergeUpdate, Update};
        let row = (table, entry);
        self.add_row_checks(&mut checks, row, (MergeUpdate, PolicyCommand::Update), true)?;
        self.add_row_checks(&mut checks, row, (Update, PolicyCommand::Update), false)?;
        if reads {
            self.add_row_checks(&mut checks, row, (Update, PolicyCommand::Select), true)?;
        }
        self.add_row_checks(&mut checks, row, (MergeDelete, PolicyCommand::Delete), true)?;
        self.add_row_checks(&mut checks, row, (Insert, PolicyCommand::Insert), false)?;
        Ok((condition, checks))
    }
}

/// Whether one of the expressions reads the row of an entry.
pub(super) fn reads_target<'e>(entry: EntryId, mut exprs: impl Iterator<Item = &'e Expr>) -> bool {
    let is_it = |expr: &Expr| matches!(&expr.kind, ExprKind::Var(var) if var.entry == entry);
    exprs.any(|expr| expr.any_deep(&is_it))
}

/// Whether ON CONFLICT reads the table: to find what is in the way, or for the new values.
pub(super) fn conflict_reads(on: &OnConflict, entry: EntryId) -> bool {
    let of_update =
        on.update.iter().flat_map(|update| update.assignments.iter().map(|(_, value)| value).chain(&update.selection));
    !on.target.is_empty() || reads_target(entry, of_update)
}
