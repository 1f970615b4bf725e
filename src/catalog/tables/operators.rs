//! Operators as pg_operator has them: PostgreSQL's own, recorded, and those that users made; users' casts.
//!
//! Must not know: SQLite, which of them can be used here.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::catalog::objects::{PG_OPERATOR, UserOperator};
use crate::catalog::tables::contents::View;
use crate::catalog::tables::recorded::{Recording, recording};
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::types::pg_type::Oid;

/// An operator of PostgreSQL's.
#[derive(Clone, Debug)]
pub struct OwnOperator {
    pub oid: Oid,
    pub name: String,
    /// `Oid::INVALID` for a prefix operator.
    pub left: Oid,
    pub right: Oid,
    pub result: Oid,
    pub function: Oid,
}

fn recorded() -> &'static HashMap<String, Vec<OwnOperator>> {
    static OPERATORS: OnceLock<HashMap<String, Vec<OwnOperator>>> = OnceLock::new();
    OPERATORS.get_or_init(|| {
        let mut by_name: HashMap<String, Vec<OwnOperator>> = HashMap::new();
        for line in Recording::new(recording!("pg_operator")).lines() {
            let oid = |name: &str| Oid(line.number(name).try_into().unwrap_or_default());
            let name = line.text("oprname").into_owned();
            by_name.entry(name.clone()).or_default().push(OwnOperator {
                oid: oid("oid"),
                name,
                left: oid("oprleft"),
                right: oid("oprright"),
                result: oid("oprresult"),
                function: oid("oprcode"),
            });
        }
        by_name
    })
}

/// Those of that name.
pub fn operators_named(name: &str) -> &'static [OwnOperator] {
    recorded().get(name).map_or(&[], Vec::as_slice)
}

/// The one of that name for exactly these types.
pub fn operator(name: &str, left: Oid, right: Oid) -> Option<&'static OwnOperator> {
    operators_named(name).iter().find(|operator| operator.left == left && operator.right == right)
}

/// The one with that OID.
pub fn operator_by_oid(oid: Oid) -> Option<&'static OwnOperator> {
    recorded().values().flatten().find(|operator| operator.oid == oid)
}

/// pg_operator: those that users made.
pub fn operators(rows: &mut Rows, view: &View<'_>) {
    let mut operators: Vec<&Arc<UserOperator>> = view.catalog.operators.values().collect();
    operators.sort_unstable_by_key(|operator| operator.oid);
    for operator in operators {
        row!(rows,
            oid: operator.oid,
            oprname: &operator.name,
            oprnamespace: view.namespace_oid(&operator.schema),
            oprowner: view.catalog.owner_of(PG_OPERATOR, operator.oid),
            oprkind: if operator.left == Oid::INVALID { "l" } else { "b" },
            oprcanmerge: operator.merges,
            oprcanhash: operator.hashes,
            oprleft: operator.left,
            oprright: operator.right,
            oprresult: operator.result,
            oprcom: operator.commutator,
            oprnegate: operator.negator,
            oprcode: operator.function,
            oprrest: operator.restrict,
            oprjoin: operator.join,
        );
    }
}

/// pg_cast: those that users made.
pub fn casts(rows: &mut Rows, view: &View<'_>) {
    let mut casts: Vec<_> = view.catalog.casts.values().collect();
    casts.sort_unstable_by_key(|cast| cast.oid);
    for cast in casts {
        row!(rows,
            oid: cast.oid,
            castsource: cast.source,
            casttarget: cast.target,
            castfunc: cast.function,
            castcontext: Cell::letter(cast.context),
            castmethod: Cell::letter(cast.method),
        );
    }
}
