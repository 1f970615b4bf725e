//! The session: who, where, which settings; sequences; waiting (functions-info.html, functions-sequence.html).

use super::Call::Function as F;
use super::{Function, stable, volatile, writes};
use crate::sql::type_names::*;

#[rustfmt::skip]
pub(super) static ROWS: &[Function] = &[
    stable("current_database", &[], NAME, F("pg_current_database")),
    stable("current_schema", &[], NAME, F("pg_current_schema")),
    stable("current_schemas", &[BOOL], NAME_ARRAY, F("pg_current_schemas")),
    stable("current_user", &[], NAME, F("pg_current_user")),
    stable("session_user", &[], NAME, F("pg_session_user")),
    stable("version", &[], TEXT, F("pg_version")),
    stable("pg_backend_pid", &[], INT4, F("pg_backend_pid")),
    stable("inet_client_addr", &[], INET, F("pg_inet_client_addr")),
    stable("inet_client_port", &[], INT4, F("pg_inet_client_port")),
    stable("current_setting", &[TEXT], TEXT, F("pg_current_setting")),
    stable("current_setting", &[TEXT, BOOL], TEXT, F("pg_current_setting")),
    volatile("set_config", &[TEXT, TEXT, BOOL], TEXT, F("pg_set_config")),
    volatile("pg_sleep", &[FLOAT8], VOID, F("pg_sleep")),
    volatile("pg_sleep_for", &[INTERVAL], VOID, F("pg_sleep_for")),
    // Locks of this kind cannot be taken, so there are none to release; connection pools ask for it.
    volatile("pg_advisory_unlock_all", &[], VOID, F("pg_advisory_unlock_all")),
    writes("nextval", &[REGCLASS], INT8, F("pg_nextval")),
    volatile("currval", &[REGCLASS], INT8, F("pg_currval")),
    volatile("lastval", &[], INT8, F("pg_lastval")),
    writes("setval", &[REGCLASS, INT8], INT8, F("pg_setval")),
    writes("setval", &[REGCLASS, INT8, BOOL], INT8, F("pg_setval")),
    volatile("gen_random_uuid", &[], UUID, F("pg_gen_random_uuid")),
    // PostgreSQL numbers transactions that write; here the number is the time a transaction began.
    stable("txid_current", &[], INT8, F("pg_txid_current")),
    // The grammar's functions without parentheses.
    stable("current_catalog", &[], NAME, F("pg_current_database")),
    stable("current_role", &[], NAME, F("pg_current_user")),
    stable("user", &[], NAME, F("pg_current_user")),
];
