//! The functions PostgreSQL has and we can run: signatures, result types, and what each becomes in SQLite.
//!
//! Owns: [`Call`], [`Function`] and the table of them ([`all`], [`named`]), one file per area. The SQLite side is in
//! `engine::functions`. Specification: functions.html and pg_proc; a test holds every row to what PostgreSQL has.

mod aggregate;
mod array;
mod catalog;
mod datetime;
mod json;
mod math;
mod session;
mod string;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::types::pg_type::Oid;

/// What a call becomes in SQLite's dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A call of the SQLite function of that name, arguments as they are.
    Function(&'static str),
    /// The same, with one more argument in front: a constant text that names the arguments' types, in order and
    /// separated by commas ("text,int4,_numeric"). A domain goes by its base type's name, an enum by "text". This is
    /// how functions over any type learn what they were given: stored values alone do not tell.
    Typed(&'static str),
    /// An expression over the arguments {0}, {1} …
    Template(&'static str),
}

/// What kind of function it is (pg_proc.prokind, proretset).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionKind {
    Scalar,
    /// Also usable as a window function. min and max compare under their argument's collation.
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
    /// The columns of each row, for a set-returning function of type record; the SQLite function has them under the
    /// same names. Empty: one column named like the function, `value` in SQLite.
    pub columns: &'static [(&'static str, Oid)],
}

const fn scalar(
    name: &'static str,
    args: &'static [Oid],
    returns: Oid,
    volatility: Volatility,
    call: Call,
) -> Function {
    Function { name, args, variadic: false, returns, kind: FunctionKind::Scalar, volatility, call, columns: &[] }
}

const fn immutable(name: &'static str, args: &'static [Oid], returns: Oid, call: Call) -> Function {
    scalar(name, args, returns, Volatility::Immutable, call)
}

const fn stable(name: &'static str, args: &'static [Oid], returns: Oid, call: Call) -> Function {
    scalar(name, args, returns, Volatility::Stable, call)
}

const fn volatile(name: &'static str, args: &'static [Oid], returns: Oid, call: Call) -> Function {
    scalar(name, args, returns, Volatility::Volatile, call)
}

const fn set(name: &'static str, args: &'static [Oid], returns: Oid, call: Call) -> Function {
    Function { kind: FunctionKind::Set, ..scalar(name, args, returns, Volatility::Immutable, call) }
}

const fn aggregate(name: &'static str, args: &'static [Oid], returns: Oid, call: Call) -> Function {
    Function { kind: FunctionKind::Aggregate, ..scalar(name, args, returns, Volatility::Immutable, call) }
}

const fn window(name: &'static str, args: &'static [Oid], returns: Oid, call: Call) -> Function {
    Function { kind: FunctionKind::Window, ..scalar(name, args, returns, Volatility::Immutable, call) }
}

const fn writes(name: &'static str, args: &'static [Oid], returns: Oid, call: Call) -> Function {
    scalar(name, args, returns, Volatility::Writes, call)
}

impl Function {
    const fn columns(self, columns: &'static [(&'static str, Oid)]) -> Self {
        Function { columns, ..self }
    }

    const fn variadic(self) -> Self {
        Function { variadic: true, ..self }
    }
}

/// The areas' tables.
static AREAS: &[&[Function]] =
    &[aggregate::ROWS, array::ROWS, catalog::ROWS, datetime::ROWS, json::ROWS, math::ROWS, session::ROWS, string::ROWS];

static BY_NAME: LazyLock<HashMap<&'static str, Vec<&'static Function>>> = LazyLock::new(|| {
    let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
    for function in all() {
        by_name.entry(function.name).or_default().push(function);
    }
    by_name
});

/// Every function, in no particular order.
pub fn all() -> impl Iterator<Item = &'static Function> {
    AREAS.iter().copied().flatten()
}

/// The functions of that name.
pub fn named(name: &str) -> &'static [&'static Function] {
    BY_NAME.get(name).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_signature_is_listed_twice() {
        let mut seen = std::collections::HashSet::new();
        let twice: Vec<_> = all().filter(|f| !seen.insert((f.name, f.args))).map(|f| f.name).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }
}
