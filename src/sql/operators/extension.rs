//! Operators of extensions (contrib.html): they are there in databases where the extension was created.

use super::{Operator, infix, prefix};
use crate::sql::functions::Call::{Function as F, Template as T, Typed as Y};
use crate::sql::type_names::*;

/// btree_gist's: how far apart two values are.
#[rustfmt::skip]
pub(super) static OF_BTREE_GIST: &[Operator] = &[
    infix("<->", MONEY, MONEY, MONEY, T("abs(pg_cash_mi({0}, {1}))")).of("btree_gist"),
    infix("<->", DATE, DATE, INT4, T("abs(pg_date_mi({0}, {1}))")).of("btree_gist"),
    infix("<->", FLOAT4, FLOAT4, FLOAT4, T("pg_float4abs(pg_float4mi({0}, {1}))")).of("btree_gist"),
    infix("<->", FLOAT8, FLOAT8, FLOAT8, T("pg_float8abs(pg_float8mi({0}, {1}))")).of("btree_gist"),
    infix("<->", INT2, INT2, INT2, T("pg_int2abs(pg_int2mi({0}, {1}))")).of("btree_gist"),
    infix("<->", INT4, INT4, INT4, T("pg_int4abs(pg_int4mi({0}, {1}))")).of("btree_gist"),
    infix("<->", INT8, INT8, INT8, T("pg_int8abs(pg_int8mi({0}, {1}))")).of("btree_gist"),
    infix("<->", INTERVAL, INTERVAL, INTERVAL, F("pg_interval_dist")).of("btree_gist"),
    infix("<->", OID, OID, OID, T("abs({0} - {1})")).of("btree_gist"),
    infix("<->", TIME, TIME, INTERVAL, F("pg_time_dist")).of("btree_gist"),
    infix("<->", TIMESTAMP, TIMESTAMP, INTERVAL, F("pg_timestamp_dist")).of("btree_gist"),
    infix("<->", TIMESTAMPTZ, TIMESTAMPTZ, INTERVAL, F("pg_timestamptz_dist")).of("btree_gist"),
];

/// citext's beside its comparisons, which are those of its collation.
pub(super) static OF_CITEXT: &[Operator] = &[
    infix("~", CITEXT, CITEXT, BOOL, F("pg_iregex")).of("citext"),
    infix("~", CITEXT, TEXT, BOOL, F("pg_iregex")).of("citext"),
    infix("~*", CITEXT, CITEXT, BOOL, F("pg_iregex")).of("citext"),
    infix("~*", CITEXT, TEXT, BOOL, F("pg_iregex")).of("citext"),
    infix("!~", CITEXT, CITEXT, BOOL, T("(NOT pg_iregex({0}, {1}))")).of("citext"),
    infix("!~", CITEXT, TEXT, BOOL, T("(NOT pg_iregex({0}, {1}))")).of("citext"),
    infix("!~*", CITEXT, CITEXT, BOOL, T("(NOT pg_iregex({0}, {1}))")).of("citext"),
    infix("!~*", CITEXT, TEXT, BOOL, T("(NOT pg_iregex({0}, {1}))")).of("citext"),
    infix("~~", CITEXT, CITEXT, BOOL, F("pg_ilike")).of("citext"),
    infix("~~", CITEXT, TEXT, BOOL, F("pg_ilike")).of("citext"),
    infix("~~*", CITEXT, CITEXT, BOOL, F("pg_ilike")).of("citext"),
    infix("~~*", CITEXT, TEXT, BOOL, F("pg_ilike")).of("citext"),
    infix("!~~", CITEXT, CITEXT, BOOL, T("(NOT pg_ilike({0}, {1}))")).of("citext"),
    infix("!~~", CITEXT, TEXT, BOOL, T("(NOT pg_ilike({0}, {1}))")).of("citext"),
    infix("!~~*", CITEXT, CITEXT, BOOL, T("(NOT pg_ilike({0}, {1}))")).of("citext"),
    infix("!~~*", CITEXT, TEXT, BOOL, T("(NOT pg_ilike({0}, {1}))")).of("citext"),
    infix("~<~", CITEXT, CITEXT, BOOL, T("({0} COLLATE pg_citext < {1})")).of("citext"),
    infix("~<=~", CITEXT, CITEXT, BOOL, T("({0} COLLATE pg_citext <= {1})")).of("citext"),
    infix("~>~", CITEXT, CITEXT, BOOL, T("({0} COLLATE pg_citext > {1})")).of("citext"),
    infix("~>=~", CITEXT, CITEXT, BOOL, T("({0} COLLATE pg_citext >= {1})")).of("citext"),
];

/// pg_trgm's.
#[rustfmt::skip]
pub(super) static OF_PG_TRGM: &[Operator] = &[
    infix("%", TEXT, TEXT, BOOL, F("pg_is_similar")).of("pg_trgm"),
    infix("<->", TEXT, TEXT, FLOAT4, F("pg_similarity_distance")).of("pg_trgm"),
    infix("<%", TEXT, TEXT, BOOL, F("pg_has_similar_word")).of("pg_trgm"),
    infix("%>", TEXT, TEXT, BOOL, T("pg_has_similar_word({1}, {0})")).of("pg_trgm"),
    infix("<<->", TEXT, TEXT, FLOAT4, F("pg_word_distance")).of("pg_trgm"),
    infix("<->>", TEXT, TEXT, FLOAT4, T("pg_word_distance({1}, {0})")).of("pg_trgm"),
    infix("<<%", TEXT, TEXT, BOOL, F("pg_has_similar_words")).of("pg_trgm"),
    infix("%>>", TEXT, TEXT, BOOL, T("pg_has_similar_words({1}, {0})")).of("pg_trgm"),
    infix("<<<->", TEXT, TEXT, FLOAT4, F("pg_strict_word_distance")).of("pg_trgm"),
    infix("<->>>", TEXT, TEXT, FLOAT4, T("pg_strict_word_distance({1}, {0})")).of("pg_trgm"),
];

/// hstore's beside its comparisons.
#[rustfmt::skip]
pub(super) static OF_HSTORE: &[Operator] = &[
    infix("->", HSTORE, TEXT, TEXT, F("pg_hstore_fetch")).of("hstore"),
    infix("->", HSTORE, TEXT_ARRAY, TEXT_ARRAY, F("pg_hstore_slice_array")).of("hstore"),
    infix("?", HSTORE, TEXT, BOOL, F("pg_hstore_exist")).of("hstore"),
    infix("?|", HSTORE, TEXT_ARRAY, BOOL, F("pg_hstore_exists_any")).of("hstore"),
    infix("?&", HSTORE, TEXT_ARRAY, BOOL, F("pg_hstore_exists_all")).of("hstore"),
    infix("-", HSTORE, TEXT, HSTORE, F("pg_hstore_delete")).of("hstore"),
    infix("-", HSTORE, TEXT_ARRAY, HSTORE, F("pg_hstore_delete_array")).of("hstore"),
    infix("-", HSTORE, HSTORE, HSTORE, F("pg_hstore_delete_hstore")).of("hstore"),
    infix("||", HSTORE, HSTORE, HSTORE, F("pg_hstore_concat")).of("hstore"),
    infix("@>", HSTORE, HSTORE, BOOL, F("pg_hstore_contains")).of("hstore"),
    infix("<@", HSTORE, HSTORE, BOOL, T("pg_hstore_contains({1}, {0})")).of("hstore"),
    infix("@", HSTORE, HSTORE, BOOL, F("pg_hstore_contains")).of("hstore"),
    infix("~", HSTORE, HSTORE, BOOL, T("pg_hstore_contains({1}, {0})")).of("hstore"),
    prefix("%%", HSTORE, TEXT_ARRAY, F("pg_hstore_to_array")).of("hstore"),
    prefix("%#", HSTORE, TEXT_ARRAY, F("pg_hstore_to_matrix")).of("hstore"),
    infix("#=", ANYELEMENT, HSTORE, ANYELEMENT, Y("pg_hstore_populate")).of("hstore"),
    infix("#<#", HSTORE, HSTORE, BOOL, T("(pg_hstore_cmp({0}, {1}) < 0)")).of("hstore"),
    infix("#<=#", HSTORE, HSTORE, BOOL, T("(pg_hstore_cmp({0}, {1}) <= 0)")).of("hstore"),
    infix("#>#", HSTORE, HSTORE, BOOL, T("(pg_hstore_cmp({0}, {1}) > 0)")).of("hstore"),
    infix("#>=#", HSTORE, HSTORE, BOOL, T("(pg_hstore_cmp({0}, {1}) >= 0)")).of("hstore"),
];

/// vector's beside its comparisons.
#[rustfmt::skip]
pub(super) static OF_VECTOR: &[Operator] = &[
    infix("<->", VECTOR, VECTOR, FLOAT8, F("pg_vector_l2_distance")).of("vector"),
    infix("<#>", VECTOR, VECTOR, FLOAT8, F("pg_vector_negative_product")).of("vector"),
    infix("<=>", VECTOR, VECTOR, FLOAT8, F("pg_vector_cosine_distance")).of("vector"),
    infix("<+>", VECTOR, VECTOR, FLOAT8, F("pg_vector_l1_distance")).of("vector"),
    infix("+", VECTOR, VECTOR, VECTOR, F("pg_vector_add")).of("vector"),
    infix("-", VECTOR, VECTOR, VECTOR, F("pg_vector_sub")).of("vector"),
    infix("*", VECTOR, VECTOR, VECTOR, F("pg_vector_mul")).of("vector"),
    infix("||", VECTOR, VECTOR, VECTOR, F("pg_vector_concat")).of("vector"),
];

/// ltree's.
#[rustfmt::skip]
pub(super) static OF_LTREE: &[Operator] = &[
    infix("<@", LTREE, LTREE, BOOL, T("pg_ltree_isparent({1}, {0})")).of("ltree"),
    infix("@>", LTREE, LTREE, BOOL, F("pg_ltree_isparent")).of("ltree"),
    infix("^<@", LTREE, LTREE, BOOL, T("pg_ltree_isparent({1}, {0})")).of("ltree"),
    infix("^@>", LTREE, LTREE, BOOL, F("pg_ltree_isparent")).of("ltree"),
    infix("||", LTREE, LTREE, LTREE, F("pg_ltree_concat")).of("ltree"),
    infix("||", LTREE, TEXT, LTREE, T("pg_ltree_concat({0}, pg_ltree_in({1}))")).of("ltree"),
    infix("||", TEXT, LTREE, LTREE, T("pg_ltree_concat(pg_ltree_in({0}), {1})")).of("ltree"),
    infix("~", LQUERY, LTREE, BOOL, T("pg_ltree_regex({1}, {0})")).of("ltree"),
    infix("~", LTREE, LQUERY, BOOL, F("pg_ltree_regex")).of("ltree"),
    infix("^~", LQUERY, LTREE, BOOL, T("pg_ltree_regex({1}, {0})")).of("ltree"),
    infix("^~", LTREE, LQUERY, BOOL, F("pg_ltree_regex")).of("ltree"),
    infix("?", LQUERY_ARRAY, LTREE, BOOL, T("pg_ltree_regex_any({1}, {0})")).of("ltree"),
    infix("?", LTREE, LQUERY_ARRAY, BOOL, F("pg_ltree_regex_any")).of("ltree"),
    infix("^?", LQUERY_ARRAY, LTREE, BOOL, T("pg_ltree_regex_any({1}, {0})")).of("ltree"),
    infix("^?", LTREE, LQUERY_ARRAY, BOOL, F("pg_ltree_regex_any")).of("ltree"),
    infix("@", LTXTQUERY, LTREE, BOOL, T("pg_ltree_search({1}, {0})")).of("ltree"),
    infix("@", LTREE, LTXTQUERY, BOOL, F("pg_ltree_search")).of("ltree"),
    infix("^@", LTXTQUERY, LTREE, BOOL, T("pg_ltree_search({1}, {0})")).of("ltree"),
    infix("^@", LTREE, LTXTQUERY, BOOL, F("pg_ltree_search")).of("ltree"),
    infix("<@", LTREE, LTREE_ARRAY, BOOL, T("pg_ltree_any(0, {1}, {0})")).of("ltree"),
    infix("@>", LTREE_ARRAY, LTREE, BOOL, T("pg_ltree_any(0, {0}, {1})")).of("ltree"),
    infix("@>", LTREE, LTREE_ARRAY, BOOL, T("pg_ltree_any(1, {1}, {0})")).of("ltree"),
    infix("<@", LTREE_ARRAY, LTREE, BOOL, T("pg_ltree_any(1, {0}, {1})")).of("ltree"),
    infix("~", LQUERY, LTREE_ARRAY, BOOL, T("pg_ltree_any(2, {1}, {0})")).of("ltree"),
    infix("~", LTREE_ARRAY, LQUERY, BOOL, T("pg_ltree_any(2, {0}, {1})")).of("ltree"),
    infix("?", LQUERY_ARRAY, LTREE_ARRAY, BOOL, T("pg_ltree_any_regex_any({1}, {0})")).of("ltree"),
    infix("?", LTREE_ARRAY, LQUERY_ARRAY, BOOL, F("pg_ltree_any_regex_any")).of("ltree"),
    infix("@", LTXTQUERY, LTREE_ARRAY, BOOL, T("pg_ltree_any(3, {1}, {0})")).of("ltree"),
    infix("@", LTREE_ARRAY, LTXTQUERY, BOOL, T("pg_ltree_any(3, {0}, {1})")).of("ltree"),
    infix("^<@", LTREE, LTREE_ARRAY, BOOL, T("pg_ltree_any(0, {1}, {0})")).of("ltree"),
    infix("^@>", LTREE_ARRAY, LTREE, BOOL, T("pg_ltree_any(0, {0}, {1})")).of("ltree"),
    infix("^@>", LTREE, LTREE_ARRAY, BOOL, T("pg_ltree_any(1, {1}, {0})")).of("ltree"),
    infix("^<@", LTREE_ARRAY, LTREE, BOOL, T("pg_ltree_any(1, {0}, {1})")).of("ltree"),
    infix("^~", LQUERY, LTREE_ARRAY, BOOL, T("pg_ltree_any(2, {1}, {0})")).of("ltree"),
    infix("^~", LTREE_ARRAY, LQUERY, BOOL, T("pg_ltree_any(2, {0}, {1})")).of("ltree"),
    infix("^?", LQUERY_ARRAY, LTREE_ARRAY, BOOL, T("pg_ltree_any_regex_any({1}, {0})")).of("ltree"),
    infix("^?", LTREE_ARRAY, LQUERY_ARRAY, BOOL, F("pg_ltree_any_regex_any")).of("ltree"),
    infix("^@", LTXTQUERY, LTREE_ARRAY, BOOL, T("pg_ltree_any(3, {1}, {0})")).of("ltree"),
    infix("^@", LTREE_ARRAY, LTXTQUERY, BOOL, T("pg_ltree_any(3, {0}, {1})")).of("ltree"),
    infix("?@>", LTREE_ARRAY, LTREE, LTREE, T("pg_ltree_first(0, {0}, {1})")).of("ltree"),
    infix("?<@", LTREE_ARRAY, LTREE, LTREE, T("pg_ltree_first(1, {0}, {1})")).of("ltree"),
    infix("?~", LTREE_ARRAY, LQUERY, LTREE, T("pg_ltree_first(2, {0}, {1})")).of("ltree"),
    infix("?@", LTREE_ARRAY, LTXTQUERY, LTREE, T("pg_ltree_first(3, {0}, {1})")).of("ltree"),
];

/// intarray's.
#[rustfmt::skip]
pub(super) static OF_INTARRAY: &[Operator] = &[
    infix("~~", QUERY_INT, INT4_ARRAY, BOOL, T("pg_intarray_query({1}, {0})")).of("intarray"),
    infix("@@", INT4_ARRAY, QUERY_INT, BOOL, F("pg_intarray_query")).of("intarray"),
    infix("&&", INT4_ARRAY, INT4_ARRAY, BOOL, F("pg_intarray_overlap")).of("intarray"),
    infix("<@", INT4_ARRAY, INT4_ARRAY, BOOL, T("pg_intarray_contains({1}, {0})")).of("intarray"),
    infix("@>", INT4_ARRAY, INT4_ARRAY, BOOL, F("pg_intarray_contains")).of("intarray"),
    prefix("#", INT4_ARRAY, INT4, F("pg_intarray_count")).of("intarray"),
    infix("#", INT4_ARRAY, INT4, INT4, F("pg_intarray_idx")).of("intarray"),
    infix("+", INT4_ARRAY, INT4, INT4_ARRAY, F("pg_intarray_push")).of("intarray"),
    infix("+", INT4_ARRAY, INT4_ARRAY, INT4_ARRAY, F("pg_intarray_push_array")).of("intarray"),
    infix("-", INT4_ARRAY, INT4, INT4_ARRAY, F("pg_intarray_del")).of("intarray"),
    infix("|", INT4_ARRAY, INT4, INT4_ARRAY, F("pg_intarray_union_elem")).of("intarray"),
    infix("|", INT4_ARRAY, INT4_ARRAY, INT4_ARRAY, F("pg_intarray_union")).of("intarray"),
    infix("-", INT4_ARRAY, INT4_ARRAY, INT4_ARRAY, F("pg_intarray_subtract")).of("intarray"),
    infix("&", INT4_ARRAY, INT4_ARRAY, INT4_ARRAY, F("pg_intarray_inter")).of("intarray"),
];
