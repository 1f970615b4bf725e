//! The analysed INSERT, UPDATE, DELETE.
//!
//! Owns: [`Modify`] and its parts. As in PostgreSQL's rewritten query, defaults and generated identities stand among
//! the values. Columns are attribute numbers of the relation that is changed.

use super::{Body, Cte, EntryId, Expr, FromItem, Target};
use crate::types::pg_type::Oid;

#[derive(Clone, Debug)]
pub enum Modify {
    Insert(Insert),
    Update(Update),
    Delete(Delete),
}

#[derive(Clone, Debug)]
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
    pub checks: Vec<ViewCheck>,
    pub returning: Vec<Target>,
}

/// WITH CHECK OPTION of the view that is written to (WithCheckOption): what must be true of a row as it has become.
#[derive(Clone, Debug)]
pub struct ViewCheck {
    pub view: String,
    /// Over the relation's entry.
    pub condition: Expr,
}

/// ON CONFLICT (OnConflictExpr).
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub struct ConflictUpdate {
    pub assignments: Vec<(i16, Expr)>,
    pub selection: Option<Expr>,
    /// The entry of the row that was proposed.
    pub excluded: EntryId,
}

#[derive(Clone, Debug)]
pub struct Update {
    pub ctes: Vec<Cte>,
    pub recursive: bool,
    pub relation: Oid,
    pub entry: EntryId,
    /// Several columns get the columns of a sub-query's row.
    pub assignments: Vec<(Vec<i16>, Expr)>,
    pub from: Vec<FromItem>,
    pub selection: Option<Expr>,
    pub checks: Vec<ViewCheck>,
    pub returning: Vec<Target>,
}

#[derive(Clone, Debug)]
pub struct Delete {
    pub ctes: Vec<Cte>,
    pub recursive: bool,
    pub relation: Oid,
    pub entry: EntryId,
    pub using: Vec<FromItem>,
    pub selection: Option<Expr>,
    pub returning: Vec<Target>,
}

impl Modify {
    /// RETURNING's columns.
    pub fn returning(&self) -> &[Target] {
        match self {
            Modify::Insert(insert) => &insert.returning,
            Modify::Update(update) => &update.returning,
            Modify::Delete(delete) => &delete.returning,
        }
    }
}
