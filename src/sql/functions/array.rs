//! Functions over arrays and set-returning functions (functions-array.html, functions-srf.html).

use super::Call::{Function as F, Typed as Y};
use super::{Function, immutable, set};
use crate::sql::type_names::*;

/// information_schema._pg_expandarray, which is in no table because it is found under its schema only.
pub static EXPAND_ARRAY: Function =
    set("_pg_expandarray", &[ANYARRAY], RECORD, F("pg_unnest")).columns(&[("x", INT2), ("n", INT4)]);

#[rustfmt::skip]
pub(super) static ROWS: &[Function] = &[
    immutable("array_length", &[ANYARRAY, INT4], INT4, F("pg_array_length")),
    immutable("array_ndims", &[ANYARRAY], INT4, F("pg_array_ndims")),
    immutable("array_dims", &[ANYARRAY], TEXT, F("pg_array_dims")),
    immutable("array_upper", &[ANYARRAY, INT4], INT4, F("pg_array_upper")),
    immutable("array_lower", &[ANYARRAY, INT4], INT4, F("pg_array_lower")),
    immutable("cardinality", &[ANYARRAY], INT4, F("pg_cardinality")),
    immutable("array_append", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE], ANYCOMPATIBLEARRAY, Y("pg_array_append")),
    immutable("array_prepend", &[ANYCOMPATIBLE, ANYCOMPATIBLEARRAY], ANYCOMPATIBLEARRAY, Y("pg_array_prepend")),
    immutable("array_cat", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLEARRAY], ANYCOMPATIBLEARRAY, F("pg_array_cat")),
    immutable("array_position", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE], INT4, Y("pg_array_position")),
    immutable("array_position", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE, INT4], INT4, Y("pg_array_position")),
    immutable("array_positions", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE], INT4_ARRAY, Y("pg_array_positions")),
    immutable("array_remove", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE], ANYCOMPATIBLEARRAY, Y("pg_array_remove")),
    immutable("array_replace", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE, ANYCOMPATIBLE], ANYCOMPATIBLEARRAY, Y("pg_array_replace")),
    immutable("array_fill", &[ANYELEMENT, INT4_ARRAY], ANYARRAY, Y("pg_array_fill")),
    immutable("array_fill", &[ANYELEMENT, INT4_ARRAY, INT4_ARRAY], ANYARRAY, Y("pg_array_fill")),
    set("generate_subscripts", &[ANYARRAY, INT4], INT4, Y("pg_generate_subscripts")),
    set("generate_subscripts", &[ANYARRAY, INT4, BOOL], INT4, Y("pg_generate_subscripts")),
    set("generate_series", &[INT4, INT4], INT4, F("pg_generate_series_int")),
    set("generate_series", &[INT4, INT4, INT4], INT4, F("pg_generate_series_int")),
    set("generate_series", &[INT8, INT8], INT8, F("pg_generate_series_int")),
    set("generate_series", &[INT8, INT8, INT8], INT8, F("pg_generate_series_int")),
    set("generate_series", &[NUMERIC, NUMERIC], NUMERIC, F("pg_generate_series_numeric")),
    set("generate_series", &[NUMERIC, NUMERIC, NUMERIC], NUMERIC, F("pg_generate_series_numeric")),
    set("generate_series", &[TIMESTAMP, TIMESTAMP, INTERVAL], TIMESTAMP, F("pg_generate_series_timestamp")),
    set("generate_series", &[TIMESTAMPTZ, TIMESTAMPTZ, INTERVAL], TIMESTAMPTZ, F("pg_generate_series_timestamptz")),
    immutable("trim_array", &[ANYARRAY, INT4], ANYARRAY, F("pg_trim_array")),
    set("unnest", &[ANYARRAY], ANYELEMENT, F("pg_unnest")),
];
