//! Operators over pg_lsn, but for the comparisons of a type with itself.

use super::{Operator, infix};
use crate::sql::functions::Call::{Function as F, Template as T};
use crate::sql::type_names::*;

#[rustfmt::skip]
pub(super) static ROWS: &[Operator] = &[
    infix("+", PG_LSN, NUMERIC, PG_LSN, F("pg_lsn_pli")),
    infix("+", NUMERIC, PG_LSN, PG_LSN, T("pg_lsn_pli({1}, {0})")),
    infix("-", PG_LSN, PG_LSN, NUMERIC, F("pg_lsn_mi")),
    infix("-", PG_LSN, NUMERIC, PG_LSN, F("pg_lsn_mii")),
];
