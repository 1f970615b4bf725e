//! Which range type is over which type, and which multirange goes with it.
//!
//! Owns: the built-in part of pg_range. Specification: catalog-pg-range.html.

use crate::types::pg_type::Oid;

/// One range type (pg_range).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeType {
    pub range: Oid,
    pub subtype: Oid,
    pub multirange: Oid,
}

const fn row(range: Oid, subtype: Oid, multirange: Oid) -> RangeType {
    RangeType { range, subtype, multirange }
}

/// The built-in range types.
pub static RANGES: &[RangeType] = &[
    row(Oid::INT4RANGE, Oid::INT4, Oid::INT4MULTIRANGE),
    row(Oid::NUMRANGE, Oid::NUMERIC, Oid::NUMMULTIRANGE),
    row(Oid::TSRANGE, Oid::TIMESTAMP, Oid::TSMULTIRANGE),
    row(Oid::TSTZRANGE, Oid::TIMESTAMPTZ, Oid::TSTZMULTIRANGE),
    row(Oid::DATERANGE, Oid::DATE, Oid::DATEMULTIRANGE),
    row(Oid::INT8RANGE, Oid::INT8, Oid::INT8MULTIRANGE),
];

/// The range type with this OID.
pub fn by_range(oid: Oid) -> Option<&'static RangeType> {
    RANGES.iter().find(|range| range.range == oid)
}

/// The range type whose multirange has this OID.
pub fn by_multirange(oid: Oid) -> Option<&'static RangeType> {
    RANGES.iter().find(|range| range.multirange == oid)
}
