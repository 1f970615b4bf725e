//! Operators over what contains other values: json, jsonb, arrays and rows.

use super::{Operator, infix};
use crate::sql::functions::Call::{Function as F, Typed as Y};
use crate::sql::type_names::*;

pub(super) static ROWS: &[Operator] = &[
    infix("*=", RECORD, RECORD, BOOL, F("pg_record_image_eq")),
    infix("*<>", RECORD, RECORD, BOOL, F("pg_record_image_ne")),
    infix("*<", RECORD, RECORD, BOOL, F("pg_record_image_lt")),
    infix("*<=", RECORD, RECORD, BOOL, F("pg_record_image_le")),
    infix("*>", RECORD, RECORD, BOOL, F("pg_record_image_gt")),
    infix("*>=", RECORD, RECORD, BOOL, F("pg_record_image_ge")),
    infix("-", JSONB, INT4, JSONB, F("pg_jsonb_delete_idx")),
    infix("-", JSONB, TEXT, JSONB, F("pg_jsonb_delete")),
    infix("->", JSON, INT4, JSON, F("pg_json_array_element")),
    infix("->", JSON, TEXT, JSON, F("pg_json_object_field")),
    infix("->", JSONB, INT4, JSONB, F("pg_jsonb_array_element")),
    infix("->", JSONB, TEXT, JSONB, F("pg_json_object_field")),
    infix("->>", JSON, INT4, TEXT, F("pg_json_array_element_text")),
    infix("->>", JSON, TEXT, TEXT, F("pg_json_object_field_text")),
    infix("->>", JSONB, INT4, TEXT, F("pg_jsonb_array_element_text")),
    infix("->>", JSONB, TEXT, TEXT, F("pg_json_object_field_text")),
    infix("<@", JSONB, JSONB, BOOL, F("pg_jsonb_contained")),
    infix("@?", JSONB, JSONPATH, BOOL, F("pg_jsonb_path_exists_opr")),
    infix("@@", JSONB, JSONPATH, BOOL, F("pg_jsonb_path_match_opr")),
    infix("?", JSONB, TEXT, BOOL, F("pg_jsonb_exists")),
    infix("@>", JSONB, JSONB, BOOL, F("pg_jsonb_contains")),
    infix("||", JSONB, JSONB, JSONB, F("pg_jsonb_concat")),
    infix("#-", JSONB, TEXT_ARRAY, JSONB, F("pg_jsonb_delete_path")),
    infix("-", JSONB, TEXT_ARRAY, JSONB, F("pg_jsonb_delete_array")),
    infix("#>", JSON, TEXT_ARRAY, JSON, F("pg_json_extract_path")),
    infix("#>", JSONB, TEXT_ARRAY, JSONB, F("pg_json_extract_path")),
    infix("#>>", JSON, TEXT_ARRAY, TEXT, F("pg_json_extract_path_text")),
    infix("#>>", JSONB, TEXT_ARRAY, TEXT, F("pg_json_extract_path_text")),
    infix("?|", JSONB, TEXT_ARRAY, BOOL, F("pg_jsonb_exists_any")),
    infix("?&", JSONB, TEXT_ARRAY, BOOL, F("pg_jsonb_exists_all")),
    infix("&&", ANYARRAY, ANYARRAY, BOOL, Y("pg_arrayoverlap")),
    infix("<@", ANYARRAY, ANYARRAY, BOOL, Y("pg_arraycontained")),
    infix("@>", ANYARRAY, ANYARRAY, BOOL, Y("pg_arraycontains")),
    infix("||", ANYCOMPATIBLEARRAY, ANYCOMPATIBLEARRAY, ANYCOMPATIBLEARRAY, F("pg_array_cat")),
    infix("||", ANYCOMPATIBLEARRAY, ANYCOMPATIBLE, ANYCOMPATIBLEARRAY, Y("pg_array_append")),
    infix("||", ANYCOMPATIBLE, ANYCOMPATIBLEARRAY, ANYCOMPATIBLEARRAY, Y("pg_array_prepend")),
];
