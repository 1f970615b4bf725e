//! Arithmetic of dates, times and intervals. Commutators are the same function with its arguments exchanged.

use super::{Operator, infix, prefix};
use crate::sql::functions::Call::{Function as F, Template as T};
use crate::sql::type_names::*;

pub(super) static ROWS: &[Operator] = &[
    infix("*", FLOAT8, INTERVAL, INTERVAL, T("pg_interval_mul({1}, {0})")),
    infix("*", INTERVAL, FLOAT8, INTERVAL, F("pg_interval_mul")),
    infix("+", DATE, INT4, DATE, F("pg_date_pli")),
    infix("+", DATE, INTERVAL, TIMESTAMP, F("pg_date_pl_interval")),
    infix("+", DATE, TIME, TIMESTAMP, F("pg_datetime_timestamp")),
    infix("+", DATE, TIMETZ, TIMESTAMPTZ, F("pg_datetimetz_timestamptz")),
    infix("+", INT4, DATE, DATE, T("pg_date_pli({1}, {0})")),
    infix("+", INTERVAL, DATE, TIMESTAMP, T("pg_date_pl_interval({1}, {0})")),
    infix("+", INTERVAL, INTERVAL, INTERVAL, F("pg_interval_pl")),
    infix("+", INTERVAL, TIME, TIME, T("pg_time_pl_interval({1}, {0})")),
    infix("+", INTERVAL, TIMESTAMP, TIMESTAMP, T("pg_timestamp_pl_interval({1}, {0})")),
    infix("+", INTERVAL, TIMESTAMPTZ, TIMESTAMPTZ, T("pg_timestamptz_pl_interval({1}, {0})")),
    infix("+", INTERVAL, TIMETZ, TIMETZ, T("pg_timetz_pl_interval({1}, {0})")),
    infix("+", TIME, DATE, TIMESTAMP, T("pg_datetime_timestamp({1}, {0})")),
    infix("+", TIME, INTERVAL, TIME, F("pg_time_pl_interval")),
    infix("+", TIMESTAMP, INTERVAL, TIMESTAMP, F("pg_timestamp_pl_interval")),
    infix("+", TIMESTAMPTZ, INTERVAL, TIMESTAMPTZ, F("pg_timestamptz_pl_interval")),
    infix("+", TIMETZ, DATE, TIMESTAMPTZ, T("pg_datetimetz_timestamptz({1}, {0})")),
    infix("+", TIMETZ, INTERVAL, TIMETZ, F("pg_timetz_pl_interval")),
    prefix("-", INTERVAL, INTERVAL, F("pg_interval_um")),
    infix("-", DATE, DATE, INT4, F("pg_date_mi")),
    infix("-", DATE, INT4, DATE, F("pg_date_mii")),
    infix("-", DATE, INTERVAL, TIMESTAMP, F("pg_date_mi_interval")),
    infix("-", INTERVAL, INTERVAL, INTERVAL, F("pg_interval_mi")),
    infix("-", TIME, INTERVAL, TIME, F("pg_time_mi_interval")),
    infix("-", TIME, TIME, INTERVAL, F("pg_time_mi_time")),
    infix("-", TIMESTAMP, INTERVAL, TIMESTAMP, F("pg_timestamp_mi_interval")),
    infix("-", TIMESTAMP, TIMESTAMP, INTERVAL, F("pg_timestamp_mi")),
    infix("-", TIMESTAMPTZ, INTERVAL, TIMESTAMPTZ, F("pg_timestamptz_mi_interval")),
    infix("-", TIMESTAMPTZ, TIMESTAMPTZ, INTERVAL, F("pg_timestamptz_mi")),
    infix("-", TIMETZ, INTERVAL, TIMETZ, F("pg_timetz_mi_interval")),
    infix("/", INTERVAL, FLOAT8, INTERVAL, F("pg_interval_div")),
];
