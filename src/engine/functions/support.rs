//! What operator classes are made of, over values of any type: comparing, hashing, the larger and the smaller of two; and
//! how values of any type are printed and sent.
//!
//! Owns: the functions that `sql::functions::derived` names. Specification: nbtcompare.c, hashfunc.c, varlena.c, and the
//! types' own files.

use std::cmp::Ordering;

use super::elements::Typed;
use super::io::binary_form;
use super::{Args, Definition, Output, compare_values, owned};
use crate::error::{Error, Result, SqlState};
use crate::types::hash::hash;
use crate::types::pg_type::Scalar;

/// The functions of this area.
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::stable("pg_any_out", 2, |a| Ok(Typed::new(a)?.text(0)?.into())),
    Definition::stable("pg_any_send", 2, send),
    Definition::pure("pg_compare", 3, compare),
    Definition::pure("pg_larger", 3, |a| larger(a, Ordering::Less)),
    Definition::pure("pg_smaller", 3, |a| larger(a, Ordering::Greater)),
    Definition::pure("pg_hash", 2, |a| Ok(i64::from(hash_of(a, 0)? as i32).into())),
    Definition::pure("pg_hash_extended", 3, |a| Ok((hash_of(a, a.int(2)? as u64)? as i64).into())),
];

fn send(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    binary_form(typed.type_of(0)?, typed.raw(0), args.slot()).map(Into::into)
}

/// pg_compare(types, a, b): -1, 0 or 1, where PostgreSQL's functions promise the sign.
fn compare(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    let repr = typed.type_of(0)?.repr;
    let (a, b) = (owned(typed.raw(0)), owned(typed.raw(1)));
    Ok((compare_values(repr, &a, &b) as i64).into())
}

/// The first argument, unless the order of both is that.
fn larger(args: &Args<'_>, unless: Ordering) -> Result<Output> {
    let typed = Typed::new(args)?;
    let (a, b) = (owned(typed.raw(0)), owned(typed.raw(1)));
    let order = compare_values(typed.type_of(0)?.repr, &a, &b);
    Ok(Output::Argument(if order == unless { 2 } else { 1 }))
}

/// Whether there is a hash operator class for the type.
fn is_hashed(scalar: Scalar) -> bool {
    !matches!(
        scalar,
        Scalar::Money | Scalar::Bit | Scalar::TsVector | Scalar::TsQuery | Scalar::Json | Scalar::JsonPath
    )
}

fn hash_of(args: &Args<'_>, seed: u64) -> Result<u64> {
    let typed = Typed::new(args)?;
    let info = typed.type_of(0)?;
    if info.is_array() && !is_hashed(info.repr.scalar) {
        let what = if args.len() > 2 { "an extended hash" } else { "a hash" };
        let element = info.sql_name.strip_suffix("[]").unwrap_or(info.sql_name);
        let message = format!("could not identify {what} function for type {element}");
        return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message));
    }
    let missing = || Error::unsupported(format!("a hash of type {}", info.sql_name));
    hash(info.repr, &owned(typed.raw(0)), seed).ok_or_else(missing)
}
