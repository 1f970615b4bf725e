//! Operators, casts and range types that users made (pg_operator, pg_cast, pg_range).
//!
//! Owns: [`UserOperator`], [`UserCast`], [`RangeFacts`] and how a [`CatalogSnapshot`] has them. Must not know: how they are kept
//! (`catalog::store`), what they mean. Specification: catalog-pg-operator.html, catalog-pg-cast.html.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::catalog::schema::{CatalogSnapshot, UserTypeKind};
use crate::types::pg_range::RangeType;
use crate::types::pg_type::Oid;

pub const PG_OPERATOR: Oid = Oid(2617);
pub const PG_CAST: Oid = Oid(2605);

/// An operator; what it does not have is `Oid::INVALID`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserOperator {
    pub oid: Oid,
    pub schema: String,
    pub name: String,
    /// `Oid::INVALID` for a prefix operator.
    pub left: Oid,
    pub right: Oid,
    /// Without a function it is a shell, which another one names as its commutator or negator.
    pub function: Oid,
    pub result: Oid,
    pub commutator: Oid,
    pub negator: Oid,
    pub restrict: Oid,
    pub join: Oid,
    pub merges: bool,
    pub hashes: bool,
}

/// A cast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCast {
    pub oid: Oid,
    pub source: Oid,
    pub target: Oid,
    /// `Oid::INVALID` without one.
    pub function: Oid,
    /// castcontext: i, a, e.
    pub context: u8,
    /// castmethod: f, b, i.
    pub method: u8,
}

/// A range type (pg_range).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RangeFacts {
    pub subtype: Oid,
    pub multirange: Oid,
    /// SUBTYPE_DIFF
    pub difference: Oid,
    /// SUBTYPE_OPCLASS, where it was written.
    pub operator_class: Option<String>,
    /// The functions that make such ranges and multiranges.
    pub constructors: Vec<Oid>,
}

impl UserOperator {
    /// As it is kept.
    pub fn to_json(&self) -> Json {
        let oids = [
            self.left,
            self.right,
            self.function,
            self.result,
            self.commutator,
            self.negator,
            self.restrict,
            self.join,
        ];
        json!({ "oids": oids.map(|oid| oid.0), "merges": self.merges, "hashes": self.hashes })
    }

    /// The inverse.
    pub fn of_json(oid: Oid, (schema, name): (String, String), json: &Json) -> Self {
        let place = |place: usize| number(json.get("oids").and_then(|oids| oids.get(place)));
        let flag = |name: &str| json.get(name).and_then(Json::as_bool).unwrap_or_default();
        UserOperator {
            oid,
            schema,
            name,
            left: place(0),
            right: place(1),
            function: place(2),
            result: place(3),
            commutator: place(4),
            negator: place(5),
            restrict: place(6),
            join: place(7),
            merges: flag("merges"),
            hashes: flag("hashes"),
        }
    }

    /// The types of its operands; `Oid::INVALID` on the left of a prefix operator.
    pub fn operands(&self) -> [Oid; 2] {
        [self.left, self.right]
    }

    pub fn is_shell(&self) -> bool {
        self.function == Oid::INVALID
    }
}

impl UserCast {
    /// As it is kept.
    pub fn to_json(&self) -> Json {
        json!([self.source.0, self.target.0, self.function.0, self.context, self.method])
    }

    /// The inverse.
    pub fn of_json(oid: Oid, json: &Json) -> Self {
        let letter = |place: usize, other: u8| {
            let number = json.get(place).and_then(Json::as_u64);
            number.and_then(|number| u8::try_from(number).ok()).unwrap_or(other)
        };
        UserCast {
            oid,
            source: number(json.get(0)),
            target: number(json.get(1)),
            function: number(json.get(2)),
            context: letter(3, b'e'),
            method: letter(4, b'f'),
        }
    }
}

fn number(json: Option<&Json>) -> Oid {
    let number = json.and_then(Json::as_u64).and_then(|oid| u32::try_from(oid).ok());
    number.map_or(Oid::INVALID, Oid)
}

impl CatalogSnapshot {
    /// The operators of a name, in the order of their OIDs.
    pub fn operators_named(&self, name: &str) -> Vec<&Arc<UserOperator>> {
        let mut found: Vec<_> = self.operators.values().filter(|operator| operator.name == name).collect();
        found.sort_unstable_by_key(|operator| operator.oid);
        found
    }

    /// The operator of a schema for exactly these types.
    pub fn operator(&self, schema: &str, name: &str, operands: [Oid; 2]) -> Option<&Arc<UserOperator>> {
        let mut all = self.operators.values();
        all.find(|operator| operator.name == name && operator.schema == schema && operator.operands() == operands)
    }

    /// The range type of users with that OID.
    pub fn range_type(&self, oid: Oid) -> Option<RangeType> {
        match &self.types.get(&oid)?.kind {
            UserTypeKind::Range(range) => {
                Some(RangeType { range: oid, subtype: range.subtype, multirange: range.multirange })
            }
            _ => None,
        }
    }

    /// The cast from one type to another.
    pub fn cast(&self, source: Oid, target: Oid) -> Option<&UserCast> {
        self.casts.values().find(|cast| cast.source == source && cast.target == target)
    }
}
