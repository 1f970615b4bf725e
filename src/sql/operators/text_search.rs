//! Full text search: matching, and putting documents and queries together.

use super::{Operator, infix, prefix};
use crate::sql::functions::Call::{Function as F, Template as T};
use crate::sql::type_names::*;

pub(super) static ROWS: &[Operator] = &[
    infix("<", TSVECTOR, TSVECTOR, BOOL, T("({0} < {1})")),
    infix("<=", TSVECTOR, TSVECTOR, BOOL, T("({0} <= {1})")),
    infix("=", TSVECTOR, TSVECTOR, BOOL, T("({0} = {1})")),
    infix("<>", TSVECTOR, TSVECTOR, BOOL, T("({0} <> {1})")),
    infix(">=", TSVECTOR, TSVECTOR, BOOL, T("({0} >= {1})")),
    infix(">", TSVECTOR, TSVECTOR, BOOL, T("({0} > {1})")),
    infix("<", TSQUERY, TSQUERY, BOOL, T("({0} < {1})")),
    infix("<=", TSQUERY, TSQUERY, BOOL, T("({0} <= {1})")),
    infix("=", TSQUERY, TSQUERY, BOOL, T("({0} = {1})")),
    infix("<>", TSQUERY, TSQUERY, BOOL, T("({0} <> {1})")),
    infix(">=", TSQUERY, TSQUERY, BOOL, T("({0} >= {1})")),
    infix(">", TSQUERY, TSQUERY, BOOL, T("({0} > {1})")),
    infix("@@", TSVECTOR, TSQUERY, BOOL, F("pg_ts_match")),
    infix("@@", TSQUERY, TSVECTOR, BOOL, F("pg_ts_match_query")),
    infix("@@@", TSVECTOR, TSQUERY, BOOL, F("pg_ts_match")),
    infix("@@@", TSQUERY, TSVECTOR, BOOL, F("pg_ts_match_query")),
    infix("@@", TEXT, TSQUERY, BOOL, F("pg_ts_match_text")),
    infix("@@", TEXT, TEXT, BOOL, F("pg_ts_match_texts")),
    infix("||", TSVECTOR, TSVECTOR, TSVECTOR, F("pg_tsvector_concat")),
    infix("&&", TSQUERY, TSQUERY, TSQUERY, F("pg_tsquery_and")),
    infix("||", TSQUERY, TSQUERY, TSQUERY, F("pg_tsquery_or")),
    infix("<->", TSQUERY, TSQUERY, TSQUERY, F("pg_tsquery_phrase")),
    prefix("!!", TSQUERY, TSQUERY, F("pg_tsquery_not")),
    infix("@>", TSQUERY, TSQUERY, BOOL, F("pg_tsquery_contains")),
    infix("<@", TSQUERY, TSQUERY, BOOL, F("pg_tsquery_contained")),
];
