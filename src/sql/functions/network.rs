//! Functions over network addresses (functions-net.html).

use super::Call::Function as F;
use super::{Function, aggregate, immutable};
use crate::sql::type_names::*;

#[rustfmt::skip]
pub(super) static ROWS: &[Function] = &[
    immutable("abbrev", &[INET], TEXT, F("pg_out_inet")),
    immutable("abbrev", &[CIDR], TEXT, F("pg_cidr_abbrev")),
    immutable("broadcast", &[INET], INET, F("pg_inet_broadcast")),
    immutable("cidr", &[INET], CIDR, F("pg_inet_cidr")),
    immutable("family", &[INET], INT4, F("pg_inet_family")),
    immutable("host", &[INET], TEXT, F("pg_inet_host")),
    immutable("hostmask", &[INET], INET, F("pg_inet_hostmask")),
    immutable("inet_merge", &[INET, INET], CIDR, F("pg_inet_merge")),
    immutable("inet_same_family", &[INET, INET], BOOL, F("pg_inet_same_family")),
    immutable("masklen", &[INET], INT4, F("pg_inet_masklen")),
    immutable("netmask", &[INET], INET, F("pg_inet_netmask")),
    immutable("network", &[INET], CIDR, F("pg_inet_cidr")),
    immutable("set_masklen", &[INET, INT4], INET, F("pg_inet_set_masklen")),
    immutable("set_masklen", &[CIDR, INT4], CIDR, F("pg_cidr_set_masklen")),
    immutable("text", &[INET], TEXT, F("pg_inet_text")),
    aggregate("min", &[INET], INET, F("min")),
    aggregate("max", &[INET], INET, F("max")),
    immutable("trunc", &[MACADDR], MACADDR, F("pg_macaddr_trunc")),
    immutable("trunc", &[MACADDR8], MACADDR8, F("pg_macaddr_trunc")),
    immutable("macaddr", &[MACADDR8], MACADDR, F("pg_macaddr_narrow")),
    immutable("macaddr8", &[MACADDR], MACADDR8, F("pg_macaddr_widen")),
    immutable("macaddr8_set7bit", &[MACADDR8], MACADDR8, F("pg_macaddr8_set7bit")),
    immutable("macaddr_not", &[MACADDR], MACADDR, F("pg_macaddr_not")),
    immutable("macaddr_and", &[MACADDR, MACADDR], MACADDR, F("pg_macaddr_and")),
    immutable("macaddr_or", &[MACADDR, MACADDR], MACADDR, F("pg_macaddr_or")),
    immutable("macaddr8_not", &[MACADDR8], MACADDR8, F("pg_macaddr_not")),
    immutable("macaddr8_and", &[MACADDR8, MACADDR8], MACADDR8, F("pg_macaddr_and")),
    immutable("macaddr8_or", &[MACADDR8, MACADDR8], MACADDR8, F("pg_macaddr_or")),
];
