//! Operators of extensions (contrib.html): they are there in databases where the extension was created.

use super::{Operator, infix};
use crate::sql::functions::Call::{Function as F, Template as T};
use crate::sql::type_names::*;

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
