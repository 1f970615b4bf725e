//! The analysed INSERT, UPDATE, DELETE, MERGE.
//!
//! Owns: [`Modify`] and its parts. As in PostgreSQL's rewritten query, defaults and generated identities stand among
//! the values. Columns are attribute numbers of the relation that is changed.

use super::{Body, Cte, EntryId, Expr, ExprKind, FromItem, Target};
use crate::types::pg_type::Oid;

#[derive(Clone, Debug, PartialEq)]
pub enum Modify {
    Insert(Insert),
    Update(Update),
    Delete(Delete),
    Merge(Merge),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    pub ctes: Vec<Cte>,
    pub recursive: bool,
    pub relation: Oid,
    /// The relation's entry: the existing row for DO UPDATE, the new one for RETURNING.
    pub entry: EntryId,
    /// What the source's columns are for.
    pub columns: Vec<i16>,
    pub source: Body,
    pub conflict: Option<OnConflict>,
    pub checks: Vec<WithCheck>,
    pub returning: Vec<Target>,
    /// By which a row of a partitioned table finds its partition, over the relation's entry.
    pub routing: Vec<Expr>,
}

/// What must be true of a row (WithCheckOption).
#[derive(Clone, Debug, PartialEq)]
pub struct WithCheck {
    pub kind: CheckKind,
    /// The view's name, or the table's.
    pub name: String,
    /// The policy that says it, where it is one that all must be true of.
    pub policy: Option<String>,
    /// Over the relation's entry.
    pub condition: Expr,
}

/// Of which row it must be true, and when (WCOKind).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// WITH CHECK OPTION of the view that is written to: of a row as it has become.
    View,
    /// Row security: of a row before it is inserted.
    Insert,
    /// Of a row as it is going to be.
    Update,
    /// Of the row that is in the way, before ON CONFLICT updates it.
    Conflict,
    /// Of a row before MERGE updates it.
    MergeUpdate,
    /// Of a row before MERGE deletes it.
    MergeDelete,
}

impl WithCheck {
    /// What is told of a row of which it is not true: code and message.
    pub fn refusal(&self) -> (&'static str, String) {
        let name = &self.name;
        let policy = self.policy.as_ref().map(|policy| format!(" \"{policy}\"")).unwrap_or_default();
        let told = |row: &str, using: &str| {
            format!("{row} row violates row-level security policy{policy}{using} for table \"{name}\"")
        };
        match self.kind {
            CheckKind::View => ("44000", format!("new row violates check option for view \"{name}\"")),
            CheckKind::Insert | CheckKind::Update => ("42501", told("new", "")),
            CheckKind::Conflict => ("42501", told("new", " (USING expression)")),
            CheckKind::MergeUpdate | CheckKind::MergeDelete => ("42501", told("target", " (USING expression)")),
        }
    }
}

/// ON CONFLICT (OnConflictExpr).
#[derive(Clone, Debug, PartialEq)]
pub struct OnConflict {
    /// The key's columns or expressions, over `entry`; empty for any.
    pub target: Vec<Expr>,
    pub target_predicate: Option<Expr>,
    /// The relation's entry in the key and its predicate.
    pub entry: EntryId,
    /// `None` is DO NOTHING.
    pub update: Option<ConflictUpdate>,
}

/// DO UPDATE SET … WHERE …
#[derive(Clone, Debug, PartialEq)]
pub struct ConflictUpdate {
    pub assignments: Vec<(i16, Expr)>,
    pub selection: Option<Expr>,
    /// The entry of the row that was proposed.
    pub excluded: EntryId,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    pub ctes: Vec<Cte>,
    pub recursive: bool,
    pub relation: Oid,
    pub entry: EntryId,
    /// Several columns get the columns of a sub-query's row.
    pub assignments: Vec<(Vec<i16>, Expr)>,
    pub from: Vec<FromItem>,
    pub selection: Option<Expr>,
    pub checks: Vec<WithCheck>,
    pub returning: Vec<Target>,
    /// Rows of the relation's members are changed, too.
    pub members: bool,
    /// See [`Insert::routing`].
    pub routing: Vec<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    pub ctes: Vec<Cte>,
    pub recursive: bool,
    pub relation: Oid,
    pub entry: EntryId,
    pub using: Vec<FromItem>,
    pub selection: Option<Expr>,
    pub returning: Vec<Target>,
    /// Rows of the relation's members are deleted, too.
    pub members: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    pub ctes: Vec<Cte>,
    pub recursive: bool,
    pub relation: Oid,
    pub entry: EntryId,
    pub source: FromItem,
    pub condition: Expr,
    pub actions: Vec<MergeAction>,
    pub checks: Vec<WithCheck>,
    /// Rows of the relation's members are changed, too.
    pub members: bool,
    /// See [`Insert::routing`].
    pub routing: Vec<Expr>,
}

/// WHEN [NOT] MATCHED [AND …] THEN …; the first whose condition holds is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct MergeAction {
    pub matched: bool,
    pub condition: Option<Expr>,
    pub kind: MergeKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum MergeKind {
    Update(Vec<(i16, Expr)>),
    Delete,
    /// Values of columns.
    Insert(Vec<(i16, Expr)>),
    DoNothing,
}

impl Merge {
    /// What the actions are made of.
    pub fn action_exprs(&self) -> impl Iterator<Item = &Expr> {
        self.actions.iter().flat_map(|action| {
            let values = match &action.kind {
                MergeKind::Update(values) | MergeKind::Insert(values) => values.as_slice(),
                MergeKind::Delete | MergeKind::DoNothing => &[],
            };
            action.condition.iter().chain(values.iter().map(|(_, value)| value))
        })
    }
}

impl Update {
    /// The columns that are assigned to.
    pub fn assigned(&self) -> Vec<i16> {
        self.assignments.iter().flat_map(|(numbers, _)| numbers).copied().collect()
    }

    /// Whether a row may belong into another partition afterwards.
    pub fn moves(&self) -> bool {
        let assigned = self.assigned();
        let is_assigned = |part: &Expr| matches!(&part.kind, ExprKind::Var(var) if assigned.contains(&var.attribute));
        self.routing.iter().any(|key| key.any(&is_assigned))
    }
}

impl Modify {
    /// The relation that is changed.
    pub fn relation(&self) -> Oid {
        match self {
            Modify::Insert(insert) => insert.relation,
            Modify::Update(update) => update.relation,
            Modify::Delete(delete) => delete.relation,
            Modify::Merge(merge) => merge.relation,
        }
    }

    /// Its WITH list, and whether that is RECURSIVE.
    pub fn with(&self) -> (&[Cte], bool) {
        match self {
            Modify::Insert(insert) => (&insert.ctes, insert.recursive),
            Modify::Update(update) => (&update.ctes, update.recursive),
            Modify::Delete(delete) => (&delete.ctes, delete.recursive),
            Modify::Merge(merge) => (&merge.ctes, merge.recursive),
        }
    }

    /// What must be true of rows.
    pub fn checks(&self) -> &[WithCheck] {
        match self {
            Modify::Insert(insert) => &insert.checks,
            Modify::Update(update) => &update.checks,
            Modify::Merge(merge) => &merge.checks,
            Modify::Delete(_) => &[],
        }
    }

    /// Whether row security is asked about its rows.
    pub fn checks_policies(&self) -> bool {
        self.checks().iter().any(|check| check.kind != CheckKind::View)
    }

    /// RETURNING's columns.
    pub fn ctes_mut(&mut self) -> &mut [Cte] {
        match self {
            Modify::Insert(insert) => &mut insert.ctes,
            Modify::Update(update) => &mut update.ctes,
            Modify::Delete(delete) => &mut delete.ctes,
            Modify::Merge(merge) => &mut merge.ctes,
        }
    }

    pub fn returning(&self) -> &[Target] {
        match self {
            Modify::Insert(insert) => &insert.returning,
            Modify::Update(update) => &update.returning,
            Modify::Delete(delete) => &delete.returning,
            Modify::Merge(_) => &[],
        }
    }
}
