//! Functions over bit and varbit (functions-bitstring.html).

use super::Call::{Function as F, Template as T};
use super::{Function, aggregate, immutable};
use crate::sql::type_names::*;

#[rustfmt::skip]
pub(super) static ROWS: &[Function] = &[
    immutable("length", &[BIT], INT4, T("length({0})")),
    immutable("bit_length", &[BIT], INT4, T("length({0})")),
    immutable("octet_length", &[BIT], INT4, T("((length({0}) + 7) / 8)")),
    immutable("bit_count", &[BIT], INT8, F("pg_bit_bit_count")),
    immutable("substring", &[BIT, INT4], BIT, F("pg_bitsubstr")),
    immutable("substring", &[BIT, INT4, INT4], BIT, F("pg_bitsubstr")),
    immutable("overlay", &[BIT, BIT, INT4], BIT, F("pg_bitoverlay")),
    immutable("overlay", &[BIT, BIT, INT4, INT4], BIT, F("pg_bitoverlay")),
    immutable("position", &[BIT, BIT], INT4, F("pg_bitposition")),
    immutable("get_bit", &[BIT, INT4], INT4, F("pg_bitgetbit")),
    immutable("set_bit", &[BIT, INT4, INT4], BIT, F("pg_bitsetbit")),
    immutable("bit", &[INT4, INT4], BIT, F("pg_int4_bit")),
    immutable("bit", &[INT8, INT4], BIT, F("pg_int8_bit")),
    immutable("bit", &[BIT, INT4, BOOL], BIT, F("pg_typmod_bit")),
    immutable("varbit", &[VARBIT, INT4, BOOL], VARBIT, F("pg_typmod_varbit")),
    immutable("int4", &[BIT], INT4, F("pg_bit_int4")),
    immutable("int8", &[BIT], INT8, F("pg_bit_int8")),
    immutable("bitand", &[BIT, BIT], BIT, F("pg_bitand")),
    immutable("bitor", &[BIT, BIT], BIT, F("pg_bitor")),
    immutable("bitxor", &[BIT, BIT], BIT, F("pg_bitxor")),
    immutable("bitnot", &[BIT], BIT, F("pg_bitnot")),
    immutable("bitcat", &[VARBIT, VARBIT], VARBIT, T("({0} || {1})")),
    immutable("bitshiftleft", &[BIT, INT4], BIT, F("pg_bitshiftleft")),
    immutable("bitshiftright", &[BIT, INT4], BIT, F("pg_bitshiftright")),
    immutable("bit_in", &[CSTRING, OID, INT4], BIT, T("iif({1} IS NULL OR {2} IS NULL, NULL, pg_typmod_bit(pg_in_bit({0}), {2}, 0))")),
    immutable("bit_out", &[BIT], CSTRING, T("{0}")),
    immutable("varbit_in", &[CSTRING, OID, INT4], VARBIT, T("iif({1} IS NULL OR {2} IS NULL, NULL, pg_typmod_varbit(pg_in_varbit({0}), {2}, 0))")),
    immutable("varbit_out", &[VARBIT], CSTRING, T("{0}")),
    aggregate("bit_and", &[BIT], BIT, F("pg_bit_and_bits")),
    aggregate("bit_or", &[BIT], BIT, F("pg_bit_or_bits")),
    aggregate("bit_xor", &[BIT], BIT, F("pg_bit_xor_bits")),
];
