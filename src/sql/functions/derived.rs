//! Functions that follow from PostgreSQL's catalogs, without a row of their own: what types read, print and send their
//! values with (typinput, typoutput, typsend), what is behind operators (oprcode), and what operator classes compare
//! and hash with (pg_amproc).
//!
//! Owns: [`named`]. Made when a name is asked for that no table has; a name that a table has is not looked for here.
//! Specification: pg_type, pg_operator and pg_amproc.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Call::{Function as F, Template as T, Typed as Y};
use super::{Call, Function, Volatility, comparison_of, scalar};
use crate::catalog::tables::recorded::{Line, Recording, recording};
use crate::sql::operators;
use crate::types::pg_type::{Oid, type_info};

/// The functions of that name.
pub(super) fn named(name: &str) -> &'static [&'static Function] {
    DERIVED.get(name).map_or(&[], Vec::as_slice)
}

static DERIVED: LazyLock<HashMap<&'static str, Vec<&'static Function>>> = LazyLock::new(|| {
    let calls = calls();
    let mut derived: HashMap<&'static str, Vec<&'static Function>> = HashMap::new();
    for line in Recording::new(recording!("pg_proc")).lines() {
        if let Some(function) = function(&line, &calls) {
            derived.entry(function.name).or_default().push(Box::leak(Box::new(function)));
        }
    }
    derived
});

/// What the functions with these OIDs become.
fn calls() -> HashMap<i64, Call> {
    let mut calls = HashMap::new();
    of_types(&mut calls);
    of_operators(&mut calls);
    of_classes(&mut calls);
    // Those that many types share.
    let (printed, sent) = (Y("pg_any_out"), Y("pg_any_send"));
    calls.extend([(751, printed), (3507, printed), (3835, printed), (4230, printed), (2291, printed)]);
    calls.extend([(2401, sent), (3533, sent), (3837, sent), (4234, sent), (2403, sent)]);
    calls
}

/// `pg_in_type`, `pg_out_type` and `pg_send_type`.
fn of_types(calls: &mut HashMap<i64, Call>) {
    for line in Recording::new(recording!("pg_type")).lines() {
        let known = type_info(Oid(line.number("oid") as u32)).filter(|info| info.kind == b'b' && !info.is_array());
        if let Some(info) = known {
            for (column, way) in [("typinput", "in"), ("typoutput", "out"), ("typsend", "send")] {
                let called = Box::leak(format!("pg_{way}_{}", info.name).into_boxed_str());
                calls.entry(line.number(column)).or_insert(F(called));
            }
        }
    }
}

fn of_operators(calls: &mut HashMap<i64, Call>) {
    for line in Recording::new(recording!("pg_operator")).lines() {
        let (name, left, right) = (line.text("oprname"), oid(&line, "oprleft"), oid(&line, "oprright"));
        let listed = operators::named(&name).iter().find(|row| row.left == left && row.right == right);
        let own = || match name.as_ref() {
            "=" => Some(T("({0} = {1})")),
            "<>" => Some(T("({0} <> {1})")),
            "<" => Some(T("({0} < {1})")),
            ">" => Some(T("({0} > {1})")),
            "<=" => Some(T("({0} <= {1})")),
            ">=" => Some(T("({0} >= {1})")),
            _ => None,
        };
        let compared = left == right && (operators::compare_as_stored(left) || left == Oid::ANYENUM);
        if let Some(call) = listed.map(|row| row.call).or_else(|| own().filter(|_| compared)) {
            calls.insert(line.number("oprcode"), call);
        }
    }
}

/// The comparison of btree classes, and the two hashes of hash classes.
fn of_classes(calls: &mut HashMap<i64, Call>) {
    let families = Recording::new(recording!("pg_opfamily")).lines();
    let methods: HashMap<i64, i64> = families.map(|line| (line.number("oid"), line.number("opfmethod"))).collect();
    for line in Recording::new(recording!("pg_amproc")).lines() {
        let method = methods.get(&line.number("amprocfamily")).copied();
        let (left, right) = (oid(&line, "amproclefttype"), oid(&line, "amprocrighttype"));
        let call = match (method, line.number("amprocnum")) {
            (Some(403), 1) => compare(left, right),
            (Some(405), 1) => Some(Y("pg_hash")),
            (Some(405), 2) => Some(Y("pg_hash_extended")),
            _ => None,
        };
        if let Some(call) = call {
            calls.entry(line.number("amproc")).or_insert(call);
        }
    }
}

/// Values of two types meet as their operators make them.
fn compare(left: Oid, right: Oid) -> Option<Call> {
    Some(match (left, right) {
        (Oid::DATE, Oid::TIMESTAMP) => T("pg_compare('timestamp', pg_wide_date_timestamp({0}), {1})"),
        (Oid::TIMESTAMP, Oid::DATE) => T("pg_compare('timestamp', {0}, pg_wide_date_timestamp({1}))"),
        (Oid::DATE, Oid::TIMESTAMPTZ) => T("pg_compare('timestamptz', pg_wide_date_timestamptz({0}), {1})"),
        (Oid::TIMESTAMPTZ, Oid::DATE) => T("pg_compare('timestamptz', {0}, pg_wide_date_timestamptz({1}))"),
        (Oid::TIMESTAMP, Oid::TIMESTAMPTZ) => T("pg_compare('timestamptz', pg_wide_timestamp_timestamptz({0}), {1})"),
        (Oid::TIMESTAMPTZ, Oid::TIMESTAMP) => T("pg_compare('timestamptz', {0}, pg_wide_timestamp_timestamptz({1}))"),
        _ => Y("pg_compare"),
    })
}

fn oid(line: &Line, column: &str) -> Oid {
    Oid(line.number(column) as u32)
}

fn function(line: &Line, calls: &HashMap<i64, Call>) -> Option<Function> {
    let name = line.text("proname");
    if line.text("prokind") != "f" || line.number("proretset") != 0 || super::is_listed(&name) {
        return None;
    }
    let types: Vec<i64> = serde_json::from_str(&line.text("proargtypes")).ok()?;
    let types: Vec<Oid> = types.into_iter().map(|oid| Oid(oid as u32)).collect();
    let same = types.first() == types.get(1) && types.len() == 2;
    let call = match calls.get(&line.number("oid")).copied() {
        Some(call) => call,
        None if same && name.ends_with("larger") => Y("pg_larger"),
        None if same && name.ends_with("smaller") => Y("pg_smaller"),
        None => return None,
    };
    let refused = |oid: &Oid| {
        let is_value = matches!(call, Y("pg_hash" | "pg_hash_extended" | "pg_larger" | "pg_smaller"));
        // Labels tell neither an enum's order nor its hash; records come without their types.
        type_info(*oid).is_none() || is_value && *oid == Oid::ANYENUM || *oid == Oid::RECORD
    };
    // With a modifier they are rows of `io`.
    let is_input = types.first() == Some(&Oid::CSTRING);
    if is_input && types.len() != 1 || types.iter().any(refused) {
        return None;
    }
    let volatility = match line.text("provolatile").as_ref() {
        "i" => Volatility::Immutable,
        "s" => Volatility::Stable,
        _ => Volatility::Volatile,
    };
    let name: &'static str = Box::leak(name.into_owned().into_boxed_str());
    let returns = oid(line, "prorettype");
    type_info(returns)?;
    Some(scalar(name, Box::leak(types.into_boxed_slice()), returns, volatility, call))
}

impl Function {
    /// Whether it takes enums by their places among their labels: it compares, and gives something else.
    pub fn compares_by_order(&self) -> bool {
        match self.call {
            Y("pg_compare") => true,
            call => comparison_of(call).is_some_and(|op| !matches!(op, "=" | "<>")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_functions() {
        let is_known = |name: &&str| !named(name).is_empty();
        let names =
            ["float8send", "numeric_eq", "btint4cmp", "hashtextextended", "cash_pl", "point_in", "numeric_larger"];
        assert_eq!(names.iter().filter(|name| !is_known(name)).collect::<Vec<_>>(), Vec::<&&str>::new());
        assert!(named("abs").is_empty() && named("nothing").is_empty());
    }
}
