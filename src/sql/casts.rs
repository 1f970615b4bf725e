//! PostgreSQL's casts: from, to, context, and what each becomes in SQLite.
//!
//! Owns: the table [`CASTS`]. Specification: sql-createcast.html, pg_cast.

use crate::sql::functions::Call;
use crate::types::pg_type::Oid;

/// Where a cast may be applied without being asked for (pg_cast.castcontext).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CastContext {
    Implicit,
    Assignment,
    Explicit,
}

/// One cast. Casts through text (any type to and from text, varchar, bpchar, name) are not listed: they are
/// `pg_out_<type>` and `pg_in_<type>`.
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    pub from: Oid,
    pub to: Oid,
    pub context: CastContext,
    /// What it becomes; `Template("{0}")` when the stored form is the same.
    pub call: Call,
}

/// Every cast that is not through text.
pub static CASTS: &[Cast] = &[];
