//! Operators over bit and varbit; the comparisons are those of their texts.

use super::{Operator, infix, prefix};
use crate::sql::functions::Call::{Function as F, Template as T};
use crate::sql::type_names::*;

pub(super) static ROWS: &[Operator] = &[
    infix("#", BIT, BIT, BIT, F("pg_bitxor")),
    infix("&", BIT, BIT, BIT, F("pg_bitand")),
    infix("<", BIT, BIT, BOOL, T("({0} < {1})")),
    infix("<", VARBIT, VARBIT, BOOL, T("({0} < {1})")),
    infix("<<", BIT, INT4, BIT, F("pg_bitshiftleft")),
    infix("<=", BIT, BIT, BOOL, T("({0} <= {1})")),
    infix("<=", VARBIT, VARBIT, BOOL, T("({0} <= {1})")),
    infix("<>", BIT, BIT, BOOL, T("({0} <> {1})")),
    infix("<>", VARBIT, VARBIT, BOOL, T("({0} <> {1})")),
    infix("=", BIT, BIT, BOOL, T("({0} = {1})")),
    infix("=", VARBIT, VARBIT, BOOL, T("({0} = {1})")),
    infix(">", BIT, BIT, BOOL, T("({0} > {1})")),
    infix(">", VARBIT, VARBIT, BOOL, T("({0} > {1})")),
    infix(">=", BIT, BIT, BOOL, T("({0} >= {1})")),
    infix(">=", VARBIT, VARBIT, BOOL, T("({0} >= {1})")),
    infix(">>", BIT, INT4, BIT, F("pg_bitshiftright")),
    infix("|", BIT, BIT, BIT, F("pg_bitor")),
    infix("||", VARBIT, VARBIT, VARBIT, T("({0} || {1})")),
    prefix("~", BIT, BIT, F("pg_bitnot")),
];
