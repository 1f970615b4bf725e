//! Functions over pg_lsn, xid8, tid and snapshots (functions-info.html).

use super::Call::Function as F;
use super::{Function, aggregate, immutable};
use crate::sql::type_names::*;

#[rustfmt::skip]
pub(super) static ROWS: &[Function] = &[
    immutable("pg_lsn", &[NUMERIC], PG_LSN, F("pg_lsn_of_numeric")),
    immutable("pg_wal_lsn_diff", &[PG_LSN, PG_LSN], NUMERIC, F("pg_lsn_mi")),
    immutable("xid", &[XID8], XID, F("pg_xid8_xid")),
    immutable("pg_snapshot_xmin", &[PG_SNAPSHOT], XID8, F("pg_snapshot_xmin")),
    immutable("pg_snapshot_xmax", &[PG_SNAPSHOT], XID8, F("pg_snapshot_xmax")),
    immutable("pg_visible_in_snapshot", &[XID8, PG_SNAPSHOT], BOOL, F("pg_snapshot_sees")),
    immutable("txid_snapshot_xmin", &[TXID_SNAPSHOT], INT8, F("pg_snapshot_xmin")),
    immutable("txid_snapshot_xmax", &[TXID_SNAPSHOT], INT8, F("pg_snapshot_xmax")),
    immutable("txid_visible_in_snapshot", &[INT8, TXID_SNAPSHOT], BOOL, F("pg_snapshot_sees")),
    aggregate("min", &[PG_LSN], PG_LSN, F("min")),
    aggregate("max", &[PG_LSN], PG_LSN, F("max")),
    aggregate("min", &[XID8], XID8, F("min")),
    aggregate("max", &[XID8], XID8, F("max")),
    aggregate("min", &[TID], TID, F("min")),
    aggregate("max", &[TID], TID, F("max")),
];
