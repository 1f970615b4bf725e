//! Text by templates (functions-formatting.html).

use super::Call::Function as F;
use super::{Function, stable};
use crate::sql::type_names::*;

#[rustfmt::skip]
pub(super) static ROWS: &[Function] = &[
    stable("to_char", &[FLOAT4, TEXT], TEXT, F("pg_float4_to_char")),
    stable("to_char", &[FLOAT8, TEXT], TEXT, F("pg_float8_to_char")),
    stable("to_char", &[INT4, TEXT], TEXT, F("pg_numeric_to_char")),
    stable("to_char", &[INT8, TEXT], TEXT, F("pg_numeric_to_char")),
    stable("to_char", &[INTERVAL, TEXT], TEXT, F("pg_interval_to_char")),
    stable("to_char", &[NUMERIC, TEXT], TEXT, F("pg_numeric_to_char")),
    stable("to_char", &[TIMESTAMP, TEXT], TEXT, F("pg_timestamp_to_char")),
    stable("to_char", &[TIMESTAMPTZ, TEXT], TEXT, F("pg_timestamptz_to_char")),
    stable("to_date", &[TEXT, TEXT], DATE, F("pg_to_date")),
    stable("to_number", &[TEXT, TEXT], NUMERIC, F("pg_to_number")),
    stable("to_timestamp", &[TEXT, TEXT], TIMESTAMPTZ, F("pg_to_timestamp")),
];
