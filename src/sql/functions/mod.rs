//! The functions PostgreSQL has and we can run: signatures, result types, and what each becomes in SQLite.
//!
//! Owns: [`Call`], [`Function`] and the table of them ([`all`], [`named`]), one file per area. The SQLite side is in
//! `engine::functions`. Specification: functions.html and pg_proc; a test holds every row to what PostgreSQL has.

mod aggregate;
mod array;
mod bits;
mod catalog;
mod datetime;
mod defaults;
mod derived;
mod extension;
mod formatting;
mod geometry;
mod io;
mod json;
mod jsonpath;
mod large_object;
mod math;
mod money;
mod network;
mod operator;
mod range;
mod session;
mod string;
mod support;
mod system_ids;
mod text_search;
mod xml;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

pub use defaults::default_of;

use crate::types::pg_type::Oid;

pub use aggregate::{HYPOTHETICAL_SET, MOVING, ORDERED_SET};
pub use array::EXPAND_ARRAY;
pub use xml::*;

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
    /// And may wait for another transaction, which may be waiting for its turn to write.
    Waits,
    /// Changes the database (nextval, setval): the statement is a write.
    Writes,
}

impl Volatility {
    /// provolatile is v.
    pub fn is_volatile(self) -> bool {
        matches!(self, Volatility::Volatile | Volatility::Waits | Volatility::Writes)
    }
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
    /// The extension it is part of; empty for the system's own.
    pub extension: &'static str,
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
    Function {
        name,
        args,
        variadic: false,
        returns,
        kind: FunctionKind::Scalar,
        volatility,
        call,
        extension: "",
        columns: &[],
    }
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

const fn waits(name: &'static str, args: &'static [Oid], returns: Oid, call: Call) -> Function {
    scalar(name, args, returns, Volatility::Waits, call)
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
    const fn of(self, extension: &'static str) -> Self {
        Function { extension, ..self }
    }

    const fn columns(self, columns: &'static [(&'static str, Oid)]) -> Self {
        Function { columns, ..self }
    }

    const fn variadic(self) -> Self {
        Function { variadic: true, ..self }
    }
}

/// How a function that users made is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoutineCall {
    Immutable,
    Stable,
    Volatile,
    Writes,
    Set,
}

impl RoutineCall {
    /// The same, or what calls a user's function as if it always gave the same.
    pub fn immutable(function: &'static Function) -> &'static Function {
        let [immutable, stable, volatile, writes, _] = &ROUTINES;
        let is_one = [stable, volatile, writes].iter().any(|known| std::ptr::eq(*known, function));
        if is_one { immutable } else { function }
    }

    /// Whether it is one of those that call a function which changes nothing and gives one value.
    pub fn reads(function: &'static Function) -> bool {
        let [immutable, stable, volatile, ..] = &ROUTINES;
        [immutable, stable, volatile].iter().any(|known| std::ptr::eq(*known, function))
    }

    /// The server's function that calls it; its first argument says which one is called.
    pub fn function(self) -> &'static Function {
        let [immutable, stable, volatile, writes, set] = &ROUTINES;
        match self {
            RoutineCall::Immutable => immutable,
            RoutineCall::Stable => stable,
            RoutineCall::Volatile => volatile,
            RoutineCall::Writes => writes,
            RoutineCall::Set => set,
        }
    }
}

/// In the order of [`RoutineCall`].
static ROUTINES: [Function; 5] = [
    immutable("", &[Oid::ANY], Oid::ANY, Call::Function("pg_routine_immutable")).variadic(),
    stable("", &[Oid::ANY], Oid::ANY, Call::Function("pg_routine_stable")).variadic(),
    volatile("", &[Oid::ANY], Oid::ANY, Call::Function("pg_routine")).variadic(),
    writes("", &[Oid::ANY], Oid::ANY, Call::Function("pg_routine")).variadic(),
    set("", &[Oid::ANY], Oid::ANY, Call::Function("pg_routine_set")).variadic(),
];

/// Computes an aggregate that users made; its first argument says which one.
pub static AGGREGATE: Function = aggregate("", &[Oid::ANY], Oid::ANY, Call::Function("pg_aggregate")).variadic();

/// Whether TABLESAMPLE takes a row: which row, the method, the percentage, the seed.
pub static SAMPLE: Function =
    stable("tablesample", &[Oid::ANY], Oid::BOOL, Call::Function("pg_tablesample")).variadic();

/// The areas' tables.
static AREAS: &[&[Function]] = &[
    aggregate::ROWS,
    array::ROWS,
    bits::ROWS,
    catalog::ROWS,
    datetime::ROWS,
    extension::ROWS,
    extension::OF_BTREE_GIST,
    extension::OF_CITEXT,
    extension::OF_HSTORE,
    extension::OF_INTARRAY,
    extension::OF_PG_STAT_STATEMENTS,
    extension::OF_TABLEFUNC,
    extension::OF_LTREE,
    extension::OF_PG_TRGM,
    extension::OF_VECTOR,
    formatting::ROWS,
    geometry::ROWS,
    io::ROWS,
    json::ROWS,
    jsonpath::ROWS,
    math::ROWS,
    money::ROWS,
    network::ROWS,
    operator::ROWS,
    session::ROWS,
    string::ROWS,
    support::ROWS,
    text_search::ROWS,
    xml::ROWS,
    large_object::ROWS,
    range::ROWS,
    system_ids::ROWS,
];

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

/// What is called as a function and has a rule of its own in `analyze::call`.
pub const PG_TYPEOF: &str = "pg_typeof";

/// Whether there is a function of that name.
pub fn is_known(name: &str) -> bool {
    name == PG_TYPEOF || !named(name).is_empty()
}

/// The functions of that name.
pub fn named(name: &str) -> &'static [&'static Function] {
    BY_NAME.get(name).map_or_else(|| derived::named(name), Vec::as_slice)
}

/// Whether a table has the name.
fn is_listed(name: &str) -> bool {
    BY_NAME.contains_key(name)
}

/// The comparison that a call is, which SQLite makes under the collation of what is compared.
pub fn comparison_of(call: Call) -> Option<&'static str> {
    Some(match call {
        Call::Template("({0} = {1})") => "=",
        Call::Template("({0} <> {1})") => "<>",
        Call::Template("({0} < {1})") => "<",
        Call::Template("({0} > {1})") => ">",
        Call::Template("({0} <= {1})") => "<=",
        Call::Template("({0} >= {1})") => ">=",
        _ => return None,
    })
}

/// The type that every function of that name with so many arguments has at a place, if it is one type and no pseudo-type:
/// what a literal there means.
pub fn only_type_at(name: &str, count: usize, place: usize) -> Option<Oid> {
    let mut types = named(name).iter().filter(|f| f.args.len() == count).filter_map(|f| f.args.get(place));
    let first = *types.next()?;
    let is_pseudo = crate::types::pg_type::type_info(first).is_none_or(|info| info.kind != b'b');
    (!is_pseudo && types.all(|oid| *oid == first)).then_some(first)
}

static VOLATILE: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let volatile = all().chain(&ROUTINES).filter(|f| f.volatility.is_volatile());
    let names = volatile.filter_map(|f| match f.call {
        Call::Function(name) | Call::Typed(name) => Some(name),
        // What these read does not change while a row is computed.
        Call::Template(_) => None,
    });
    names.collect()
});

/// Whether the call is a volatile function's: two evaluations may differ, or do something twice.
pub fn is_volatile(call: Call) -> bool {
    match call {
        Call::Function(name) | Call::Typed(name) => VOLATILE.contains(name),
        Call::Template(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tables::recorded::{Line, Recording, recording};

    #[test]
    fn no_signature_is_listed_twice() {
        let mut seen = std::collections::HashSet::new();
        let twice: Vec<_> = all().filter(|f| !seen.insert((f.name, f.args))).map(|f| f.name).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }

    /// What the grammar makes functions of; pg_proc does not have them.
    const GRAMMAR: &[&str] = &[
        "current_catalog",
        "current_date",
        "current_role",
        "current_time",
        "current_timestamp",
        "localtime",
        "localtimestamp",
        "user",
    ];

    /// Over PostgreSQL's anycompatible types, which the recording leaves out.
    fn is_compatible_family(function: &Function) -> bool {
        function.args.iter().any(|oid| matches!(*oid, Oid::ANYCOMPATIBLE | Oid::ANYCOMPATIBLEARRAY))
    }

    fn describes(line: &Line, function: &Function) -> bool {
        let types: Vec<i64> = serde_json::from_str(&line.text("proargtypes")).unwrap();
        let mut types: Vec<Oid> = types.into_iter().map(|oid| Oid(oid as u32)).collect();
        let variadic = line.number("provariadic");
        if variadic != 0
            && let Some(last) = types.last_mut()
        {
            *last = Oid(variadic as u32);
        }
        let kind = match (line.text("prokind").as_ref(), line.number("proretset")) {
            ("f", 0) => FunctionKind::Scalar,
            ("f", _) => FunctionKind::Set,
            ("a", _) => FunctionKind::Aggregate,
            _ => FunctionKind::Window,
        };
        let volatility = match (line.text("provolatile").as_ref(), function.volatility) {
            ("v", volatile) if volatile.is_volatile() => volatile,
            ("v", _) => Volatility::Volatile,
            ("s", _) => Volatility::Stable,
            _ => Volatility::Immutable,
        };
        let fewest = types.len() - line.number("pronargdefaults") as usize;
        types.starts_with(function.args)
            && function.args.len() >= fewest
            && function.variadic == (variadic != 0)
            && function.returns == Oid(line.number("prorettype") as u32)
            && function.kind == kind
            && (function.volatility == volatility || kind != FunctionKind::Scalar)
    }

    #[test]
    fn signatures_are_postgresqls() {
        let mut lines: HashMap<String, Vec<Line>> = HashMap::new();
        for line in Recording::new(recording!("pg_proc")).lines() {
            lines.entry(line.text("proname").into_owned()).or_default().push(line);
        }
        // The recording is of a database without extensions.
        let own = |f: &&Function| f.extension.is_empty();
        let described = |f: &Function| lines.get(f.name).is_some_and(|lines| lines.iter().any(|l| describes(l, f)));
        let wrong: Vec<_> = all()
            .filter(own)
            .filter(|f| !GRAMMAR.contains(&f.name) && !is_compatible_family(f) && !described(f))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
