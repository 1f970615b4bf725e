//! PostgreSQL's casts: from, to, context, and what each becomes in SQLite.
//!
//! Owns: the table [`CASTS`]. Specification: sql-createcast.html, pg_cast; a test holds every row to what PostgreSQL
//! has. Casts of a type to itself, which apply a type modifier, are the functions `pg_typmod_<type>`.

use CastContext::{Assignment, Explicit, Implicit};

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::catalog::tables::recorded::{Line, Recording, recording};
use crate::sql::functions::Call::{self, Function as F, Template as T};
use crate::sql::type_names::*;
use crate::types::extension;
use crate::types::pg_type::Oid;

/// Where a cast may be applied without being asked for (pg_cast.castcontext).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CastContext {
    Implicit,
    Assignment,
    Explicit,
}

/// One cast. A pair that is not listed but has a string type (text, varchar, bpchar, name) on one side is a conversion
/// through text: `pg_out_<type>` (assignment) and `pg_in_<type>` (explicit).
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    pub from: Oid,
    pub to: Oid,
    pub context: CastContext,
    /// What it becomes; `Template("{0}")` when the stored form is the same.
    pub call: Call,
}

impl Cast {
    /// Whether the stored form is the same in both types (castmethod b).
    pub fn is_binary_coercible(&self) -> bool {
        matches!(self.call, T("{0}"))
    }
}

const fn cast(from: Oid, to: Oid, context: CastContext, call: Call) -> Cast {
    Cast { from, to, context, call }
}

/// The listed cast between two types.
pub fn find(from: Oid, to: Oid) -> Option<&'static Cast> {
    let found = CASTS.binary_search_by_key(&(from, to), |cast| (cast.from, cast.to)).ok().and_then(|i| CASTS.get(i));
    let of_extension = || extension::of_oid(from).or_else(|| extension::of_oid(to));
    found.or_else(|| of_extension().and_then(|_| EXTENSIONS.iter().find(|cast| (cast.from, cast.to) == (from, to))))
}

/// Those of the extensions' types.
#[rustfmt::skip]
static EXTENSIONS: &[Cast] = &[
    // A collation of the value would be the column's.
    cast(CITEXT, TEXT, Implicit, T("({0} COLLATE BINARY)")),
    cast(CITEXT, VARCHAR, Implicit, T("({0} COLLATE BINARY)")),
    cast(CITEXT, BPCHAR, Assignment, T("({0} COLLATE BINARY)")),
    cast(TEXT, CITEXT, Assignment, T("{0}")),
    cast(VARCHAR, CITEXT, Assignment, T("{0}")),
    cast(BPCHAR, CITEXT, Assignment, T("rtrim({0}, ' ')")),
    cast(BOOL, CITEXT, Assignment, T("(CASE {0} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)")),
    cast(INET, CITEXT, Assignment, F("pg_inet_text")),
    cast(TEXT_ARRAY, HSTORE, Explicit, F("pg_hstore_of_array")),
    cast(HSTORE, JSON, Explicit, F("pg_hstore_to_json")),
    cast(HSTORE, JSONB, Explicit, F("pg_hstore_to_jsonb")),
    cast(VECTOR, FLOAT4_ARRAY, Implicit, F("pg_vector_to_array")),
    cast(INT4_ARRAY, VECTOR, Assignment, F("pg_vector_of_array")),
    cast(FLOAT4_ARRAY, VECTOR, Assignment, F("pg_vector_of_array")),
    cast(FLOAT8_ARRAY, VECTOR, Assignment, F("pg_vector_of_array")),
    cast(NUMERIC_ARRAY, VECTOR, Assignment, F("pg_vector_of_array")),
];

/// Whether PostgreSQL takes a value of one type for one of the other without being asked and without a function.
pub fn is_same_implicitly(from: Oid, to: Oid) -> bool {
    static PAIRS: LazyLock<HashSet<(i64, i64)>> = LazyLock::new(|| {
        let binary = |line: &Line| line.text("castmethod") == "b" && line.text("castcontext") == "i";
        let pairs = Recording::new(recording!("pg_cast")).lines().filter(binary);
        pairs.map(|line| (line.number("castsource"), line.number("casttarget"))).collect()
    });
    PAIRS.contains(&(from.0.into(), to.0.into()))
}

/// Every cast that is more than a conversion through text, ordered by the two types' OIDs.
#[rustfmt::skip]
pub static CASTS: &[Cast] = &[
    cast(BOOL, INT4, Explicit, T("{0}")),
    cast(BOOL, TEXT, Assignment, T("(CASE {0} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)")),
    cast(BOOL, BPCHAR, Assignment, T("(CASE {0} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)")),
    cast(BOOL, VARCHAR, Assignment, T("(CASE {0} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)")),
    cast(CHAR, INT4, Explicit, F("pg_chartoi4")),
    cast(CHAR, TEXT, Implicit, F("pg_out_char")),
    cast(CHAR, BPCHAR, Assignment, F("pg_out_char")),
    cast(CHAR, VARCHAR, Assignment, F("pg_out_char")),
    cast(NAME, TEXT, Implicit, T("{0}")),
    cast(NAME, BPCHAR, Assignment, T("{0}")),
    cast(NAME, VARCHAR, Assignment, T("{0}")),
    cast(INT8, INT2, Assignment, F("pg_to_int2")),
    cast(INT8, INT4, Assignment, F("pg_to_int4")),
    cast(INT8, REGPROC, Implicit, F("pg_to_oid")),
    cast(INT8, OID, Implicit, F("pg_to_oid")),
    cast(INT8, FLOAT4, Implicit, F("pg_to_float4")),
    cast(INT8, FLOAT8, Implicit, T("CAST({0} AS REAL)")),
    cast(INT8, MONEY, Assignment, F("pg_cash_of_int")),
    cast(INT8, BIT, Explicit, F("pg_int8_bit")),
    cast(INT8, NUMERIC, Implicit, T("CAST({0} AS TEXT)")),
    cast(INT8, REGPROCEDURE, Implicit, F("pg_to_oid")),
    cast(INT8, REGOPER, Implicit, F("pg_to_oid")),
    cast(INT8, REGOPERATOR, Implicit, F("pg_to_oid")),
    cast(INT8, REGCLASS, Implicit, F("pg_to_oid")),
    cast(INT8, REGTYPE, Implicit, F("pg_to_oid")),
    cast(INT8, REGCONFIG, Implicit, F("pg_to_oid")),
    cast(INT8, REGDICTIONARY, Implicit, F("pg_to_oid")),
    cast(INT8, REGNAMESPACE, Implicit, F("pg_to_oid")),
    cast(INT8, REGROLE, Implicit, F("pg_to_oid")),
    cast(INT8, REGCOLLATION, Implicit, F("pg_to_oid")),
    cast(INT2, INT8, Implicit, T("{0}")),
    cast(INT2, INT4, Implicit, T("{0}")),
    cast(INT2, REGPROC, Implicit, T("({0} & 4294967295)")),
    cast(INT2, OID, Implicit, T("({0} & 4294967295)")),
    cast(INT2, FLOAT4, Implicit, T("CAST({0} AS REAL)")),
    cast(INT2, FLOAT8, Implicit, T("CAST({0} AS REAL)")),
    cast(INT2, NUMERIC, Implicit, T("CAST({0} AS TEXT)")),
    cast(INT2, REGPROCEDURE, Implicit, T("({0} & 4294967295)")),
    cast(INT2, REGOPER, Implicit, T("({0} & 4294967295)")),
    cast(INT2, REGOPERATOR, Implicit, T("({0} & 4294967295)")),
    cast(INT2, REGCLASS, Implicit, T("({0} & 4294967295)")),
    cast(INT2, REGTYPE, Implicit, T("({0} & 4294967295)")),
    cast(INT2, REGCONFIG, Implicit, T("({0} & 4294967295)")),
    cast(INT2, REGDICTIONARY, Implicit, T("({0} & 4294967295)")),
    cast(INT2, REGNAMESPACE, Implicit, T("({0} & 4294967295)")),
    cast(INT2, REGROLE, Implicit, T("({0} & 4294967295)")),
    cast(INT2, REGCOLLATION, Implicit, T("({0} & 4294967295)")),
    cast(INT4, BOOL, Explicit, T("({0} <> 0)")),
    cast(INT4, CHAR, Explicit, F("pg_i4tochar")),
    cast(INT4, INT8, Implicit, T("{0}")),
    cast(INT4, INT2, Assignment, F("pg_to_int2")),
    cast(INT4, REGPROC, Implicit, T("({0} & 4294967295)")),
    cast(INT4, OID, Implicit, T("({0} & 4294967295)")),
    cast(INT4, FLOAT4, Implicit, F("pg_to_float4")),
    cast(INT4, FLOAT8, Implicit, T("CAST({0} AS REAL)")),
    cast(INT4, MONEY, Assignment, F("pg_cash_of_int")),
    cast(INT4, BIT, Explicit, F("pg_int4_bit")),
    cast(INT4, NUMERIC, Implicit, T("CAST({0} AS TEXT)")),
    cast(INT4, REGPROCEDURE, Implicit, T("({0} & 4294967295)")),
    cast(INT4, REGOPER, Implicit, T("({0} & 4294967295)")),
    cast(INT4, REGOPERATOR, Implicit, T("({0} & 4294967295)")),
    cast(INT4, REGCLASS, Implicit, T("({0} & 4294967295)")),
    cast(INT4, REGTYPE, Implicit, T("({0} & 4294967295)")),
    cast(INT4, REGCONFIG, Implicit, T("({0} & 4294967295)")),
    cast(INT4, REGDICTIONARY, Implicit, T("({0} & 4294967295)")),
    cast(INT4, REGNAMESPACE, Implicit, T("({0} & 4294967295)")),
    cast(INT4, REGROLE, Implicit, T("({0} & 4294967295)")),
    cast(INT4, REGCOLLATION, Implicit, T("({0} & 4294967295)")),
    cast(REGPROC, INT8, Assignment, T("{0}")),
    cast(REGPROC, INT4, Assignment, T("(({0} << 32) >> 32)")),
    cast(REGPROC, OID, Implicit, T("{0}")),
    cast(REGPROC, REGPROCEDURE, Implicit, T("{0}")),
    cast(TEXT, CHAR, Assignment, F("pg_text_char")),
    cast(TEXT, NAME, Implicit, F("pg_text_name")),
    cast(TEXT, BPCHAR, Implicit, T("{0}")),
    cast(TEXT, VARCHAR, Implicit, T("{0}")),
    cast(TEXT, REGCLASS, Implicit, F("pg_in_regclass")),
    cast(OID, INT8, Assignment, T("{0}")),
    cast(OID, INT4, Assignment, T("(({0} << 32) >> 32)")),
    cast(OID, REGPROC, Implicit, T("{0}")),
    cast(OID, REGPROCEDURE, Implicit, T("{0}")),
    cast(OID, REGOPER, Implicit, T("{0}")),
    cast(OID, REGOPERATOR, Implicit, T("{0}")),
    cast(OID, REGCLASS, Implicit, T("{0}")),
    cast(OID, REGTYPE, Implicit, T("{0}")),
    cast(OID, REGCONFIG, Implicit, T("{0}")),
    cast(OID, REGDICTIONARY, Implicit, T("{0}")),
    cast(OID, REGNAMESPACE, Implicit, T("{0}")),
    cast(OID, REGROLE, Implicit, T("{0}")),
    cast(OID, REGCOLLATION, Implicit, T("{0}")),
    cast(JSON, JSONB, Assignment, F("pg_in_jsonb")),
    cast(POINT, BOX, Assignment, F("pg_point_box")),
    cast(LSEG, POINT, Explicit, F("pg_lseg_center")),
    cast(PATH, POLYGON, Assignment, F("pg_path_poly")),
    cast(BOX, POINT, Explicit, F("pg_box_center")),
    cast(BOX, LSEG, Explicit, F("pg_box_diagonal")),
    cast(BOX, POLYGON, Assignment, F("pg_box_poly")),
    cast(BOX, CIRCLE, Explicit, F("pg_box_circle")),
    cast(POLYGON, POINT, Explicit, F("pg_poly_center")),
    cast(POLYGON, PATH, Assignment, F("pg_poly_path")),
    cast(POLYGON, BOX, Explicit, F("pg_poly_box")),
    cast(POLYGON, CIRCLE, Explicit, F("pg_poly_circle")),
    cast(CIDR, TEXT, Assignment, F("pg_inet_text")),
    cast(CIDR, INET, Implicit, F("pg_in_inet")),
    cast(CIDR, BPCHAR, Assignment, F("pg_inet_text")),
    cast(CIDR, VARCHAR, Assignment, F("pg_inet_text")),
    cast(FLOAT4, INT8, Assignment, F("pg_float_int8")),
    cast(FLOAT4, INT2, Assignment, F("pg_float_int2")),
    cast(FLOAT4, INT4, Assignment, F("pg_float_int4")),
    cast(FLOAT4, FLOAT8, Implicit, T("{0}")),
    cast(FLOAT4, NUMERIC, Assignment, F("pg_float4_numeric")),
    cast(FLOAT8, INT8, Assignment, F("pg_float_int8")),
    cast(FLOAT8, INT2, Assignment, F("pg_float_int2")),
    cast(FLOAT8, INT4, Assignment, F("pg_float_int4")),
    cast(FLOAT8, FLOAT4, Assignment, F("pg_to_float4")),
    cast(FLOAT8, NUMERIC, Assignment, F("pg_float8_numeric")),
    cast(CIRCLE, POINT, Explicit, F("pg_circle_center")),
    cast(CIRCLE, BOX, Explicit, F("pg_circle_box")),
    cast(CIRCLE, POLYGON, Explicit, T("pg_circle_poly(12, {0})")),
    cast(MACADDR8, MACADDR, Implicit, F("pg_macaddr_narrow")),
    cast(MONEY, NUMERIC, Assignment, F("pg_cash_numeric")),
    cast(MACADDR, MACADDR8, Implicit, F("pg_macaddr_widen")),
    cast(INET, TEXT, Assignment, F("pg_inet_text")),
    cast(INET, CIDR, Assignment, F("pg_inet_cidr")),
    cast(INET, BPCHAR, Assignment, F("pg_inet_text")),
    cast(INET, VARCHAR, Assignment, F("pg_inet_text")),
    cast(BPCHAR, CHAR, Assignment, F("pg_text_char")),
    cast(BPCHAR, NAME, Implicit, T("rtrim(pg_text_name({0}), ' ')")),
    cast(BPCHAR, TEXT, Implicit, T("rtrim({0}, ' ')")),
    cast(BPCHAR, VARCHAR, Implicit, T("rtrim({0}, ' ')")),
    cast(VARCHAR, CHAR, Assignment, F("pg_text_char")),
    cast(VARCHAR, NAME, Implicit, F("pg_text_name")),
    cast(VARCHAR, TEXT, Implicit, T("{0}")),
    cast(VARCHAR, BPCHAR, Implicit, T("{0}")),
    cast(VARCHAR, REGCLASS, Implicit, F("pg_in_regclass")),
    cast(DATE, TIMESTAMP, Implicit, F("pg_date_timestamp")),
    cast(DATE, TIMESTAMPTZ, Implicit, F("pg_date_timestamptz")),
    cast(TIME, INTERVAL, Implicit, F("pg_time_interval")),
    cast(TIME, TIMETZ, Implicit, F("pg_time_timetz")),
    cast(TIMESTAMP, DATE, Assignment, F("pg_timestamp_date")),
    cast(TIMESTAMP, TIME, Assignment, F("pg_timestamp_time")),
    cast(TIMESTAMP, TIMESTAMPTZ, Implicit, F("pg_timestamp_timestamptz")),
    cast(TIMESTAMPTZ, DATE, Assignment, F("pg_timestamptz_date")),
    cast(TIMESTAMPTZ, TIME, Assignment, F("pg_timestamptz_time")),
    cast(TIMESTAMPTZ, TIMESTAMP, Assignment, F("pg_timestamptz_timestamp")),
    cast(TIMESTAMPTZ, TIMETZ, Assignment, F("pg_timestamptz_timetz")),
    cast(INTERVAL, TIME, Assignment, F("pg_interval_time")),
    cast(TIMETZ, TIME, Assignment, F("pg_timetz_time")),
    cast(BIT, INT8, Explicit, F("pg_bit_int8")),
    cast(BIT, INT4, Explicit, F("pg_bit_int4")),
    cast(BIT, VARBIT, Implicit, T("{0}")),
    cast(VARBIT, BIT, Implicit, T("{0}")),
    cast(NUMERIC, INT8, Assignment, F("pg_numeric_int8")),
    cast(NUMERIC, INT2, Assignment, F("pg_numeric_int2")),
    cast(NUMERIC, INT4, Assignment, F("pg_numeric_int4")),
    cast(NUMERIC, FLOAT4, Implicit, F("pg_numeric_float4")),
    cast(NUMERIC, FLOAT8, Implicit, F("pg_numeric_float8")),
    cast(NUMERIC, MONEY, Assignment, F("pg_cash_of_numeric")),
    cast(REGPROCEDURE, INT8, Assignment, T("{0}")),
    cast(REGPROCEDURE, INT4, Assignment, T("(({0} << 32) >> 32)")),
    cast(REGPROCEDURE, REGPROC, Implicit, T("{0}")),
    cast(REGPROCEDURE, OID, Implicit, T("{0}")),
    cast(REGOPER, INT8, Assignment, T("{0}")),
    cast(REGOPER, INT4, Assignment, T("(({0} << 32) >> 32)")),
    cast(REGOPER, OID, Implicit, T("{0}")),
    cast(REGOPER, REGOPERATOR, Implicit, T("{0}")),
    cast(REGOPERATOR, INT8, Assignment, T("{0}")),
    cast(REGOPERATOR, INT4, Assignment, T("(({0} << 32) >> 32)")),
    cast(REGOPERATOR, OID, Implicit, T("{0}")),
    cast(REGOPERATOR, REGOPER, Implicit, T("{0}")),
    cast(REGCLASS, INT8, Assignment, T("{0}")),
    cast(REGCLASS, INT4, Assignment, T("(({0} << 32) >> 32)")),
    cast(REGCLASS, OID, Implicit, T("{0}")),
    cast(REGTYPE, INT8, Assignment, T("{0}")),
    cast(REGTYPE, INT4, Assignment, T("(({0} << 32) >> 32)")),
    cast(REGTYPE, OID, Implicit, T("{0}")),
    cast(REGCONFIG, INT8, Assignment, T("{0}")),
    cast(REGCONFIG, INT4, Assignment, T("(({0} << 32) >> 32)")),
    cast(REGCONFIG, OID, Implicit, T("{0}")),
    cast(REGDICTIONARY, INT8, Assignment, T("{0}")),
    cast(REGDICTIONARY, INT4, Assignment, T("(({0} << 32) >> 32)")),
    cast(REGDICTIONARY, OID, Implicit, T("{0}")),
    cast(JSONB, BOOL, Explicit, F("pg_jsonb_bool")),
    cast(JSONB, INT8, Explicit, F("pg_jsonb_int8")),
    cast(JSONB, INT2, Explicit, F("pg_jsonb_int2")),
    cast(JSONB, INT4, Explicit, F("pg_jsonb_int4")),
    cast(JSONB, JSON, Assignment, T("{0}")),
    cast(JSONB, FLOAT4, Explicit, F("pg_jsonb_float4")),
    cast(JSONB, FLOAT8, Explicit, F("pg_jsonb_float8")),
    cast(JSONB, NUMERIC, Explicit, F("pg_jsonb_numeric")),
    cast(INT4RANGE, INT4MULTIRANGE, Explicit, T("pg_multirange_make('int4range', {0})")),
    cast(NUMRANGE, NUMMULTIRANGE, Explicit, T("pg_multirange_make('numrange', {0})")),
    cast(TSRANGE, TSMULTIRANGE, Explicit, T("pg_multirange_make('tsrange', {0})")),
    cast(TSTZRANGE, TSTZMULTIRANGE, Explicit, T("pg_multirange_make('tstzrange', {0})")),
    cast(DATERANGE, DATEMULTIRANGE, Explicit, T("pg_multirange_make('daterange', {0})")),
    cast(INT8RANGE, INT8MULTIRANGE, Explicit, T("pg_multirange_make('int8range', {0})")),
    cast(REGNAMESPACE, INT8, Assignment, T("{0}")),
    cast(REGNAMESPACE, INT4, Assignment, T("(({0} << 32) >> 32)")),
    cast(REGNAMESPACE, OID, Implicit, T("{0}")),
    cast(REGROLE, INT8, Assignment, T("{0}")),
    cast(REGROLE, INT4, Assignment, T("(({0} << 32) >> 32)")),
    cast(REGROLE, OID, Implicit, T("{0}")),
    cast(REGCOLLATION, INT8, Assignment, T("{0}")),
    cast(REGCOLLATION, INT4, Assignment, T("(({0} << 32) >> 32)")),
    cast(REGCOLLATION, OID, Implicit, T("{0}")),
    cast(XID8, XID, Explicit, F("pg_xid8_xid")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_postgresqls() {
        use crate::catalog::tables::recorded::{Recording, recording};
        let recorded: std::collections::HashMap<_, _> = Recording::new(recording!("pg_cast"))
            .lines()
            .map(|line| {
                let context = match line.text("castcontext").as_ref() {
                    "i" => Implicit,
                    "a" => Assignment,
                    _ => Explicit,
                };
                ((Oid(line.number("castsource") as u32), Oid(line.number("casttarget") as u32)), context)
            })
            .collect();
        for cast in CASTS {
            assert_eq!(recorded.get(&(cast.from, cast.to)), Some(&cast.context), "{cast:?}");
        }
    }

    #[test]
    fn are_in_the_order_that_find_needs() {
        assert!(CASTS.is_sorted_by_key(|cast| (cast.from, cast.to)));
        assert_eq!(find(INT4, INT8).map(|cast| cast.context), Some(Implicit));
        assert!(find(INT4, TEXT).is_none());
    }
}
