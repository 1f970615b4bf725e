//! The functions PostgreSQL has and we can run: signatures, result types, and what each becomes in SQLite.
//!
//! Owns: the table [`FUNCTIONS`]. The SQLite side is in `engine::functions`. Specification: functions.html and pg_proc.

use crate::types::pg_type::Oid;

/// What a call becomes in SQLite's dialect.
#[derive(Clone, Copy, Debug)]
pub enum Call {
    /// A call of the SQLite function of that name, arguments as they are.
    Function(&'static str),
    /// An expression over the arguments {0}, {1} …
    Template(&'static str),
}

/// What kind of function it is (pg_proc.prokind, proretset).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionKind {
    Scalar,
    Aggregate,
    Window,
    /// Returns a set: a SQLite table-valued function of the name given, whose first column is `value`, and which has
    /// one hidden column per argument. May stand in FROM or in the select list.
    Set,
}

/// provolatile, as far as it matters: what may be folded into a constant, what needs the write ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volatility {
    Immutable,
    Stable,
    Volatile,
    /// Changes the database (nextval, setval): the statement is a write.
    Writes,
}

/// One signature. Argument and result types may be the polymorphic pseudo-types ANYELEMENT, ANYARRAY,
/// ANYNONARRAY, ANYENUM and ANY, resolved as in xfunc "Polymorphic Types".
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// proname.
    pub name: &'static str,
    pub args: &'static [Oid],
    /// The last argument repeats (VARIADIC "any" or an array's element type).
    pub variadic: bool,
    pub returns: Oid,
    pub kind: FunctionKind,
    pub volatility: Volatility,
    pub call: Call,
}

/// Every function, in no particular order; found by name through a map built once.
pub static FUNCTIONS: &[Function] = &[];
