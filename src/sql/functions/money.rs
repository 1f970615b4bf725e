//! Functions over money (datatype-money.html).

use super::Call::{Function as F, Template as T};
use super::{Function, aggregate, immutable, stable};
use crate::sql::type_names::*;

#[rustfmt::skip]
pub(super) static ROWS: &[Function] = &[
    stable("money", &[INT4], MONEY, F("pg_cash_of_int")),
    stable("money", &[INT8], MONEY, F("pg_cash_of_int")),
    stable("money", &[NUMERIC], MONEY, F("pg_cash_of_numeric")),
    stable("numeric", &[MONEY], NUMERIC, F("pg_cash_numeric")),
    stable("cash_in", &[CSTRING], MONEY, F("pg_in_money")),
    stable("cash_out", &[MONEY], CSTRING, F("pg_out_money")),
    immutable("cashlarger", &[MONEY, MONEY], MONEY, T("max({0}, {1})")),
    immutable("cashsmaller", &[MONEY, MONEY], MONEY, T("min({0}, {1})")),
    aggregate("min", &[MONEY], MONEY, F("min")),
    aggregate("max", &[MONEY], MONEY, F("max")),
    aggregate("sum", &[MONEY], MONEY, F("sum")),
];
