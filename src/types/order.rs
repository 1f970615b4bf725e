//! How stored values of a type compare that SQLite keeps as text, or that are text within a text: elements of arrays,
//! bounds of ranges.
//!
//! Owns: [`compare_text`], and which types have an order at all. Must not know: collations, which call it. What is not a value of its type (a file that
//! others wrote) is less than all that are, and compares by bytes.

use std::cmp::Ordering;

use crate::types::datetime::{Stored, TimeTz};
use crate::types::interval::Interval;
use crate::types::network::Network;
use crate::types::numeric_wire;
use crate::types::pg_type::{Oid, Scalar, type_info};
use crate::types::range;
use crate::types::text_search::query_parser::{self, Syntax};
use crate::types::text_search::{TsQuery, TsVector};

/// Types whose values PostgreSQL cannot tell apart for GROUP BY and DISTINCT, nor sort.
const WITHOUT_EQUALITY: &[Oid] = &[
    Oid::JSON,
    Oid::JSONPATH,
    Oid::XML,
    Oid::POINT,
    Oid::LSEG,
    Oid::LINE,
    Oid::BOX,
    Oid::PATH,
    Oid::POLYGON,
    Oid::CIRCLE,
    Oid::PG_SNAPSHOT,
    Oid::TXID_SNAPSHOT,
];

/// Types it can tell apart and not sort.
const WITHOUT_ORDER: &[Oid] = &[Oid::XID, Oid::CID];

/// A type, or what its arrays are of.
fn element(oid: Oid) -> Oid {
    type_info(oid).and_then(|info| info.repr.array_of).unwrap_or(oid)
}

/// Whether values of a type can be grouped: there is a default operator class for hashing or for b-trees.
pub fn has_equality(oid: Oid) -> bool {
    !WITHOUT_EQUALITY.contains(&element(oid))
}

/// Whether values of a type can be sorted: there is a default operator class for b-trees.
pub fn has_order(oid: Oid) -> bool {
    has_equality(oid) && !WITHOUT_ORDER.contains(&element(oid))
}

/// Compares two stored values of a scalar, both as text. jsonb is not among the types it knows.
pub fn compare_text(scalar: Scalar, a: &str, b: &str) -> Ordering {
    match scalar {
        scalar if scalar.is_integer() => read(a, b, |text| text.parse::<i64>().ok(), i64::cmp),
        Scalar::Float4 | Scalar::Float8 => read(a, b, |text| text.parse::<f64>().ok(), compare_floats),
        Scalar::Numeric => numeric_wire::compare_text(a, b),
        Scalar::Interval => read(a, b, |text| Interval::from_stored(text).ok(), Interval::cmp),
        Scalar::TimeTz => read(a, b, |text| TimeTz::from_stored(text).ok(), TimeTz::cmp),
        Scalar::Inet | Scalar::Cidr => read(a, b, |text| Network::from_stored(text).ok(), Network::cmp),
        Scalar::TsVector => read(a, b, |text| TsVector::parse(text).ok(), TsVector::compare),
        Scalar::TsQuery => read(a, b, parsed_query, TsQuery::compare),
        Scalar::BpChar => a.trim_end_matches(' ').cmp(b.trim_end_matches(' ')),
        Scalar::Range(of) | Scalar::Multirange(of) => range::compare_stored(of.scalar(), a, b),
        _ => a.cmp(b),
    }
}

/// Compares what both texts are read as.
pub fn read<T>(a: &str, b: &str, parse: impl Fn(&str) -> Option<T>, compare: impl Fn(&T, &T) -> Ordering) -> Ordering {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => compare(&a, &b),
        (a_read, b_read) => a_read.is_some().cmp(&b_read.is_some()).then_with(|| a.cmp(b)),
    }
}

/// NaN is greater than everything and equal to itself; both zeros are equal.
fn compare_floats(a: &f64, b: &f64) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn parsed_query(text: &str) -> Option<TsQuery> {
    query_parser::parse(text, Syntax::Standard, &mut query_parser::as_it_is).ok().map(|(query, _)| query)
}
