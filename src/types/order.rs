//! How stored values of a type compare that SQLite keeps as text, or that are text within a text: elements of arrays,
//! bounds of ranges.
//!
//! Owns: [`compare_text`], and which types have an order at all. Must not know: collations, which call it. What is not a value of its type (a file that
//! others wrote) is less than all that are, and compares by bytes.

use std::cmp::Ordering;

use crate::types::datetime::{Stored, TimeTz};
use crate::types::extension::Kind;
use crate::types::interval::Interval;
use crate::types::network::Network;
use crate::types::numeric_wire;
use crate::types::pg_type::{Oid, Repr, Scalar, type_info};
use crate::types::range;
use crate::types::text_search::query_parser::{self, Syntax};
use crate::types::text_search::{TsQuery, TsVector};

impl Repr {
    /// The SQLite collation that orders and compares stored values of this type as PostgreSQL does, if it is not
    /// BINARY.
    pub fn collation(self) -> Option<&'static str> {
        let (scalar, array) = match self.scalar {
            Scalar::Numeric => (Some("pg_numeric"), "pg_numeric_array"),
            Scalar::Interval => (Some("pg_interval"), "pg_interval_array"),
            Scalar::TimeTz => (Some("pg_timetz"), "pg_timetz_array"),
            Scalar::Jsonb => (Some("pg_jsonb"), "pg_jsonb_array"),
            Scalar::Inet | Scalar::Cidr => (Some("pg_network"), "pg_network_array"),
            Scalar::TsVector => (Some("pg_tsvector"), "pg_tsvector_array"),
            Scalar::TsQuery => (Some("pg_tsquery"), "pg_tsquery_array"),
            Scalar::BpChar => (Some("RTRIM"), "pg_bpchar_array"),
            Scalar::Range(of) | Scalar::Multirange(of) => {
                let (scalar, array) = range_collations(of.scalar());
                (Some(scalar), array)
            }
            Scalar::Extension(kind) => kind.collations(),
            Scalar::Row(row) => (Some(row.collation(false)), row.collation(true)),
            _ => (None, "pg_array"),
        };
        if self.array_of.is_some() { Some(array) } else { scalar }
    }
}

/// The collations of ranges over a type, and of arrays of them.
fn range_collations(subtype: Scalar) -> (&'static str, &'static str) {
    match subtype {
        subtype if subtype.is_integer() => ("pg_range_integer", "pg_range_integer_array"),
        Scalar::Float4 | Scalar::Float8 => ("pg_range_float", "pg_range_float_array"),
        Scalar::Numeric => ("pg_range_numeric", "pg_range_numeric_array"),
        Scalar::Interval => ("pg_range_interval", "pg_range_interval_array"),
        Scalar::TimeTz => ("pg_range_timetz", "pg_range_timetz_array"),
        Scalar::Inet | Scalar::Cidr => ("pg_range_network", "pg_range_network_array"),
        Scalar::BpChar => ("pg_range_bpchar", "pg_range_bpchar_array"),
        _ => ("pg_range_text", "pg_range_text_array"),
    }
}

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
    let opaque = type_info(oid).is_some_and(|info| info.repr.scalar == Scalar::Extension(Kind::Opaque));
    !opaque && !WITHOUT_EQUALITY.contains(&element(oid))
}

/// Whether values of a type can be sorted: there is a default operator class for b-trees.
pub fn has_order(oid: Oid) -> bool {
    let extension = match type_info(oid).map(|info| info.repr.scalar) {
        Some(Scalar::Extension(kind)) => kind.has_order(),
        _ => true,
    };
    extension && has_equality(oid) && !WITHOUT_ORDER.contains(&element(oid))
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
        Scalar::Extension(kind) => kind.compare(a, b),
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
