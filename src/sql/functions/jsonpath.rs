//! The functions that run a jsonpath (functions-json.html#FUNCTIONS-SQLJSON-PATH).

use super::Call::Function as F;
use super::{Function, immutable, set, stable};
use crate::sql::type_names::*;

#[rustfmt::skip]
pub(super) static ROWS: &[Function] = &[
    immutable("jsonb_path_exists", &[JSONB, JSONPATH], BOOL, F("pg_jsonb_path_exists")),
    immutable("jsonb_path_exists", &[JSONB, JSONPATH, JSONB], BOOL, F("pg_jsonb_path_exists")),
    immutable("jsonb_path_exists", &[JSONB, JSONPATH, JSONB, BOOL], BOOL, F("pg_jsonb_path_exists")),
    immutable("jsonb_path_match", &[JSONB, JSONPATH], BOOL, F("pg_jsonb_path_match")),
    immutable("jsonb_path_match", &[JSONB, JSONPATH, JSONB], BOOL, F("pg_jsonb_path_match")),
    immutable("jsonb_path_match", &[JSONB, JSONPATH, JSONB, BOOL], BOOL, F("pg_jsonb_path_match")),
    set("jsonb_path_query", &[JSONB, JSONPATH], JSONB, F("pg_jsonb_path_query")),
    set("jsonb_path_query", &[JSONB, JSONPATH, JSONB], JSONB, F("pg_jsonb_path_query")),
    set("jsonb_path_query", &[JSONB, JSONPATH, JSONB, BOOL], JSONB, F("pg_jsonb_path_query")),
    immutable("jsonb_path_query_array", &[JSONB, JSONPATH], JSONB, F("pg_jsonb_path_query_array")),
    immutable("jsonb_path_query_array", &[JSONB, JSONPATH, JSONB], JSONB, F("pg_jsonb_path_query_array")),
    immutable("jsonb_path_query_array", &[JSONB, JSONPATH, JSONB, BOOL], JSONB, F("pg_jsonb_path_query_array")),
    immutable("jsonb_path_query_first", &[JSONB, JSONPATH], JSONB, F("pg_jsonb_path_query_first")),
    immutable("jsonb_path_query_first", &[JSONB, JSONPATH, JSONB], JSONB, F("pg_jsonb_path_query_first")),
    immutable("jsonb_path_query_first", &[JSONB, JSONPATH, JSONB, BOOL], JSONB, F("pg_jsonb_path_query_first")),
    stable("jsonb_path_exists_tz", &[JSONB, JSONPATH], BOOL, F("pg_jsonb_path_exists_tz")),
    stable("jsonb_path_exists_tz", &[JSONB, JSONPATH, JSONB], BOOL, F("pg_jsonb_path_exists_tz")),
    stable("jsonb_path_exists_tz", &[JSONB, JSONPATH, JSONB, BOOL], BOOL, F("pg_jsonb_path_exists_tz")),
    stable("jsonb_path_match_tz", &[JSONB, JSONPATH], BOOL, F("pg_jsonb_path_match_tz")),
    stable("jsonb_path_match_tz", &[JSONB, JSONPATH, JSONB], BOOL, F("pg_jsonb_path_match_tz")),
    stable("jsonb_path_match_tz", &[JSONB, JSONPATH, JSONB, BOOL], BOOL, F("pg_jsonb_path_match_tz")),
    set("jsonb_path_query_tz", &[JSONB, JSONPATH], JSONB, F("pg_jsonb_path_query_tz")),
    set("jsonb_path_query_tz", &[JSONB, JSONPATH, JSONB], JSONB, F("pg_jsonb_path_query_tz")),
    set("jsonb_path_query_tz", &[JSONB, JSONPATH, JSONB, BOOL], JSONB, F("pg_jsonb_path_query_tz")),
    stable("jsonb_path_query_array_tz", &[JSONB, JSONPATH], JSONB, F("pg_jsonb_path_query_array_tz")),
    stable("jsonb_path_query_array_tz", &[JSONB, JSONPATH, JSONB], JSONB, F("pg_jsonb_path_query_array_tz")),
    stable("jsonb_path_query_array_tz", &[JSONB, JSONPATH, JSONB, BOOL], JSONB, F("pg_jsonb_path_query_array_tz")),
    stable("jsonb_path_query_first_tz", &[JSONB, JSONPATH], JSONB, F("pg_jsonb_path_query_first_tz")),
    stable("jsonb_path_query_first_tz", &[JSONB, JSONPATH, JSONB], JSONB, F("pg_jsonb_path_query_first_tz")),
    stable("jsonb_path_query_first_tz", &[JSONB, JSONPATH, JSONB, BOOL], JSONB, F("pg_jsonb_path_query_first_tz")),
    immutable("jsonb_path_exists_opr", &[JSONB, JSONPATH], BOOL, F("pg_jsonb_path_exists_opr")),
    immutable("jsonb_path_match_opr", &[JSONB, JSONPATH], BOOL, F("pg_jsonb_path_match_opr")),
];
