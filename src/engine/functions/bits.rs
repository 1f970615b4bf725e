//! Functions and operators over bit and varbit (functions-bitstring.html); the computing is `types::bits`.

use super::{Args, Definition, Output};
use crate::error::Result;
use crate::types::bits;

/// The functions of this area.
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_typmod_bit", 3, |a| modified(bits::fixed(&a.text(0)?, a.int4(1)?, a.bool(2)?))),
    Definition::pure("pg_typmod_varbit", 3, |a| modified(bits::varying(&a.text(0)?, a.int4(1)?, a.bool(2)?))),
    Definition::pure("pg_int8_bit", 1, |a| Ok(bits::from_integer(a.int(0)?, 64, 1)?.into())),
    Definition::pure("pg_int4_bit", 1, |a| Ok(bits::from_integer(a.int(0)?, 32, 1)?.into())),
    Definition::pure("pg_int8_bit", 2, |a| Ok(bits::from_integer(a.int(0)?, 64, a.int4(1)?)?.into())),
    Definition::pure("pg_int4_bit", 2, |a| Ok(bits::from_integer(a.int(0)?, 32, a.int4(1)?)?.into())),
    Definition::pure("pg_bit_int8", 1, |a| Ok(bits::to_integer(&a.text(0)?, 64)?.into())),
    Definition::pure("pg_bit_int4", 1, |a| Ok(bits::to_integer(&a.text(0)?, 32)?.into())),
    Definition::pure("pg_bitand", 2, |a| combine(a, "AND", |a, b| a & b)),
    Definition::pure("pg_bitor", 2, |a| combine(a, "OR", |a, b| a | b)),
    Definition::pure("pg_bitxor", 2, |a| combine(a, "XOR", |a, b| a ^ b)),
    Definition::pure("pg_bitnot", 1, |a| Ok(bits::not(&a.text(0)?).into())),
    Definition::pure("pg_bitshiftleft", 2, |a| Ok(bits::shift_left(&a.text(0)?, a.int(1)?).into())),
    Definition::pure("pg_bitshiftright", 2, |a| Ok(bits::shift_left(&a.text(0)?, -a.int(1)?).into())),
    Definition::pure("pg_bitsubstr", 2, |a| Ok(bits::substring(&a.text(0)?, a.int4(1)?, None)?.into())),
    Definition::pure("pg_bitsubstr", 3, |a| Ok(bits::substring(&a.text(0)?, a.int4(1)?, Some(a.int4(2)?))?.into())),
    Definition::pure("pg_bitoverlay", 3, |a| overlay(a, None)),
    Definition::pure("pg_bitoverlay", 4, |a| overlay(a, Some(a.int4(3)?))),
    Definition::pure("pg_bitposition", 2, |a| Ok(bits::position(&a.text(1)?, &a.text(0)?).into())),
    Definition::pure("pg_bitgetbit", 2, |a| Ok(bits::get(&a.text(0)?, a.int4(1)?)?.into())),
    Definition::pure("pg_bitsetbit", 3, |a| Ok(bits::set(&a.text(0)?, a.int4(1)?, a.int4(2)?)?.into())),
    Definition::pure("pg_bit_bit_count", 1, |a| {
        Ok((a.text(0)?.bytes().filter(|digit| *digit == b'1').count() as i64).into())
    }),
];

fn modified(value: Result<Option<String>>) -> Result<Output> {
    Ok(value?.map_or(Output::Argument(0), Output::from))
}

fn combine(args: &Args<'_>, name: &str, operation: fn(u8, u8) -> u8) -> Result<Output> {
    Ok(bits::combine(&args.text(0)?, &args.text(1)?, name, operation)?.into())
}

fn overlay(args: &Args<'_>, length: Option<i32>) -> Result<Output> {
    Ok(bits::overlay(&args.text(0)?, &args.text(1)?, args.int4(2)?, length)?.into())
}
