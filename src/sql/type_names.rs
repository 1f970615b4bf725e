//! The types' OIDs under short names, for the tables of functions, operators and casts, where a line is a row.

use crate::types::pg_type::Oid;

macro_rules! short_names {
    ($($name:ident)*) => {
        $(pub(super) const $name: Oid = Oid::$name;)*
    };
}

short_names! {
    BOOL BYTEA CHAR NAME INT8 INT2 INT4 REGPROC TEXT OID XID OIDVECTOR JSON FLOAT4 FLOAT8 INET BPCHAR FLOAT8_ARRAY INTERVAL_ARRAY
    VARCHAR DATE TIME TIMESTAMP TIMESTAMPTZ INTERVAL TIMETZ NUMERIC REGPROCEDURE REGCLASS REGTYPE REGNAMESPACE REGROLE UUID JSONB
    CIDR CSTRING ANY ANYARRAY ANYELEMENT ANYNONARRAY ANYENUM TEXT_ARRAY INT4_ARRAY NAME_ARRAY RECORD VOID
}
