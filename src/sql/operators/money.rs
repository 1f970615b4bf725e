//! Arithmetic of money; it wraps around where PostgreSQL's does.

use super::{Operator, infix};
use crate::sql::functions::Call::{Function as F, Template as T};
use crate::sql::type_names::*;

#[rustfmt::skip]
pub(super) static ROWS: &[Operator] = &[
    infix("+", MONEY, MONEY, MONEY, F("pg_cash_pl")),
    infix("-", MONEY, MONEY, MONEY, F("pg_cash_mi")),
    infix("*", MONEY, INT2, MONEY, F("pg_cash_mul_int")),
    infix("*", MONEY, INT4, MONEY, F("pg_cash_mul_int")),
    infix("*", MONEY, INT8, MONEY, F("pg_cash_mul_int")),
    infix("*", MONEY, FLOAT4, MONEY, F("pg_cash_mul_float")),
    infix("*", MONEY, FLOAT8, MONEY, F("pg_cash_mul_float")),
    infix("*", INT2, MONEY, MONEY, F("pg_cash_mul_int")),
    infix("*", INT4, MONEY, MONEY, F("pg_cash_mul_int")),
    infix("*", INT8, MONEY, MONEY, F("pg_cash_mul_int")),
    infix("*", FLOAT4, MONEY, MONEY, T("pg_cash_mul_float({1}, {0})")),
    infix("*", FLOAT8, MONEY, MONEY, T("pg_cash_mul_float({1}, {0})")),
    infix("/", MONEY, INT2, MONEY, F("pg_cash_div_int")),
    infix("/", MONEY, INT4, MONEY, F("pg_cash_div_int")),
    infix("/", MONEY, INT8, MONEY, F("pg_cash_div_int")),
    infix("/", MONEY, FLOAT4, MONEY, F("pg_cash_div_float")),
    infix("/", MONEY, FLOAT8, MONEY, F("pg_cash_div_float")),
    infix("/", MONEY, MONEY, FLOAT8, F("pg_cash_div_cash")),
];
