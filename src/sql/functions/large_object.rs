//! Large objects (lo-funcs.html). What writes one makes its statement a write.

use super::Call::Function as F;
use super::{Function, volatile, writes};
use crate::sql::type_names::*;

#[rustfmt::skip]
pub(super) static ROWS: &[Function] = &[
    writes("lo_creat", &[INT4], OID, F("pg_lo_creat")),
    writes("lo_create", &[OID], OID, F("pg_lo_create")),
    writes("lo_from_bytea", &[OID, BYTEA], OID, F("pg_lo_from_bytea")),
    writes("lo_unlink", &[OID], INT4, F("pg_lo_unlink")),
    volatile("lo_open", &[OID, INT4], INT4, F("pg_lo_open")),
    volatile("lo_close", &[INT4], INT4, F("pg_lo_close")),
    volatile("loread", &[INT4, INT4], BYTEA, F("pg_lo_read")),
    writes("lowrite", &[INT4, BYTEA], INT4, F("pg_lo_write")),
    volatile("lo_lseek", &[INT4, INT4, INT4], INT4, F("pg_lo_lseek")),
    volatile("lo_lseek64", &[INT4, INT8, INT4], INT8, F("pg_lo_lseek64")),
    volatile("lo_tell", &[INT4], INT4, F("pg_lo_tell")),
    volatile("lo_tell64", &[INT4], INT8, F("pg_lo_tell64")),
    writes("lo_truncate", &[INT4, INT4], INT4, F("pg_lo_truncate")),
    writes("lo_truncate64", &[INT4, INT8], INT4, F("pg_lo_truncate")),
    volatile("lo_get", &[OID], BYTEA, F("pg_lo_get")),
    volatile("lo_get", &[OID, INT8, INT4], BYTEA, F("pg_lo_get")),
    writes("lo_put", &[OID, INT8, BYTEA], VOID, F("pg_lo_put")),
    writes("lo_import", &[TEXT], OID, F("pg_lo_file")),
    writes("lo_import", &[TEXT, OID], OID, F("pg_lo_file")),
    volatile("lo_export", &[OID, TEXT], INT4, F("pg_lo_file")),
];
