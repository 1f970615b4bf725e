//! Operators over network addresses, but for the comparisons.

use super::{Operator, infix, prefix};
use crate::sql::functions::Call::{Function as F, Template as T};
use crate::sql::type_names::*;

#[rustfmt::skip]
pub(super) static ROWS: &[Operator] = &[
    infix("<<", INET, INET, BOOL, F("pg_inet_sub")),
    infix("<<=", INET, INET, BOOL, F("pg_inet_subeq")),
    infix(">>", INET, INET, BOOL, F("pg_inet_sup")),
    infix(">>=", INET, INET, BOOL, F("pg_inet_supeq")),
    infix("&&", INET, INET, BOOL, F("pg_inet_overlap")),
    prefix("~", INET, INET, F("pg_inet_not")),
    infix("&", INET, INET, INET, F("pg_inet_and")),
    infix("|", INET, INET, INET, F("pg_inet_or")),
    infix("+", INET, INT8, INET, F("pg_inet_plus")),
    infix("+", INT8, INET, INET, T("pg_inet_plus({1}, {0})")),
    infix("-", INET, INT8, INET, F("pg_inet_minus_int8")),
    infix("-", INET, INET, INT8, F("pg_inet_minus")),
    prefix("~", MACADDR, MACADDR, F("pg_macaddr_not")),
    infix("&", MACADDR, MACADDR, MACADDR, F("pg_macaddr_and")),
    infix("|", MACADDR, MACADDR, MACADDR, F("pg_macaddr_or")),
    prefix("~", MACADDR8, MACADDR8, F("pg_macaddr_not")),
    infix("&", MACADDR8, MACADDR8, MACADDR8, F("pg_macaddr_and")),
    infix("|", MACADDR8, MACADDR8, MACADDR8, F("pg_macaddr_or")),
];
