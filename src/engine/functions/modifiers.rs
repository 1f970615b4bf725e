//! `pg_typmod_<type>`: type modifiers, as the casts of a type to itself apply them.
//!
//! Owns: what a modifier does to a stored value, and to each element of an array. Specification: the types' length
//! coercion functions (varchar, bpchar, numeric, timestamp_scale …).

use serde_json::Value;

use super::arrays::array;
use super::elements::find_type;
use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::types::bits;
use crate::types::datetime::{Stored, Time, TimeTz, Timestamp, TimestampTz};
use crate::types::format::FormatSettings;
use crate::types::interval::Interval;
use crate::types::numeric::Numeric;
use crate::types::pg_type::Scalar;

/// The functions of this area.
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_typmod_varchar", 3, |a| limit_length(a, "character varying")),
    Definition::pure("pg_typmod_bpchar", 3, |a| limit_length(a, "character")),
    Definition::pure("pg_typmod_numeric", 2, |a| Ok(a.numeric(0)?.apply_typmod(a.int4(1)?)?.to_string().into())),
    Definition::pure("pg_typmod_time", 2, |a| scalar(a, Scalar::Time)),
    Definition::pure("pg_typmod_timetz", 2, |a| scalar(a, Scalar::TimeTz)),
    Definition::pure("pg_typmod_timestamp", 2, |a| scalar(a, Scalar::Timestamp)),
    Definition::pure("pg_typmod_timestamptz", 2, |a| scalar(a, Scalar::TimestampTz)),
    Definition::pure("pg_typmod_interval", 2, |a| scalar(a, Scalar::Interval)),
    Definition::pure("pg_typmod_array", 4, elements),
    Definition::stable("pg_interval_in", 2, |a| {
        let parse = |settings: &FormatSettings| Interval::parse_with_typmod(&a.text(0)?, settings, a.int4(1)?);
        Ok(a.slot().with_format(parse)?.to_stored()?.into())
    }),
];

fn scalar(args: &Args<'_>, scalar: Scalar) -> Result<Output> {
    let typmod = args.int4(1)?;
    if matches!(scalar, Scalar::Timestamp | Scalar::TimestampTz) && !(-1..=6).contains(&typmod) {
        let message = format!("timestamp({typmod}) precision must be between 0 and 6");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(apply(scalar, &args.text(0)?, args.int4(1)?)?.into())
}

/// A stored value that is a text, under a modifier other than a length.
fn apply(scalar: Scalar, text: &str, typmod: i32) -> Result<String> {
    match scalar {
        Scalar::Numeric => Ok(Numeric::parse(text)?.apply_typmod(typmod)?.to_string()),
        Scalar::Time => Time::from_stored(text)?.apply_typmod(typmod).to_stored(),
        Scalar::TimeTz => TimeTz::from_stored(text)?.apply_typmod(typmod).to_stored(),
        Scalar::Timestamp => Timestamp::from_stored(text)?.apply_typmod(typmod)?.to_stored(),
        Scalar::TimestampTz => TimestampTz::from_stored(text)?.apply_typmod(typmod)?.to_stored(),
        Scalar::Interval => Interval::from_stored(text)?.apply_typmod(typmod)?.to_stored(),
        _ => Ok(text.to_owned()),
    }
}

/// varchar(n) and char(n).
fn limit_length(args: &Args<'_>, type_name: &str) -> Result<Output> {
    let (text, typmod, explicit) = (args.text(0)?, args.int4(1)?, args.bool(2)?);
    Ok(limited(&text, typmod, explicit, type_name)?.map_or(Output::Argument(0), Output::from))
}

/// A text cut or padded to its length; `None` if it is as it should be. Only blanks may be cut off, unless the cast is
/// explicit; char is padded.
fn limited(text: &str, typmod: i32, explicit: bool, type_name: &str) -> Result<Option<String>> {
    let Some(limit) = usize::try_from(typmod.saturating_sub(4)).ok() else { return Ok(None) };
    let length = text.chars().count();
    if length <= limit {
        let pads = type_name == "character" && length < limit;
        return Ok(pads.then(|| text.to_owned() + &" ".repeat(limit - length)));
    }
    let (kept, cut) = text.split_at(super::strings::byte_offset(text, limit));
    if !explicit && cut.bytes().any(|b| b != b' ') {
        return Err(Error::new(
            SqlState::STRING_DATA_RIGHT_TRUNCATION,
            format!("value too long for type {type_name}({limit})"),
        ));
    }
    Ok(Some(kept.to_owned()))
}

/// pg_typmod_array(element type, array, modifier, explicit): the modifier applied to each element.
fn elements(args: &Args<'_>) -> Result<Output> {
    let info = args.cached(0, || find_type(&args.text(0)?))?;
    let (typmod, explicit) = (args.int4(2)?, args.bool(3)?);
    let element = |text: String| match info.name {
        "varchar" => Ok(limited(&text, typmod, explicit, "character varying")?.unwrap_or(text)),
        "bpchar" => Ok(limited(&text, typmod, explicit, "character")?.unwrap_or(text)),
        "bit" => Ok(bits::fixed(&text, typmod, explicit)?.unwrap_or(text)),
        "varbit" => Ok(bits::varying(&text, typmod, explicit)?.unwrap_or(text)),
        _ => apply(info.repr.scalar, &text, typmod),
    };
    Ok(map(Value::Array(array(args, 1)?), &element)?.to_string().into())
}

/// Every element that is a text through a function; the others have no modifiers.
fn map(value: Value, element: &dyn Fn(String) -> Result<String>) -> Result<Value> {
    Ok(match value {
        Value::Array(inner) => Value::Array(inner.into_iter().map(|value| map(value, element)).collect::<Result<_>>()?),
        Value::String(text) => Value::String(element(text)?),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn modifiers_hold_for_values_and_elements() {
        assert_values(&[
            ("pg_typmod_varchar('abc', 7, 0)", "abc"),
            ("pg_typmod_varchar('abcd', 7, 0)", "22001 value too long for type character varying(3)"),
            ("pg_typmod_varchar('abc ', 7, 0)", "abc"),
            ("pg_typmod_varchar('abcd', 7, 1)", "abc"),
            ("pg_typmod_bpchar('a', 7, 0) || '|'", "a  |"),
            ("pg_typmod_bpchar('abcd', 7, 0)", "22001 value too long for type character(3)"),
            ("pg_typmod_numeric('1.005', 196614)", "1.01"),
            ("pg_typmod_array('varchar', '[\"abcd\",null]', 7, 1)", "[\"abc\",null]"),
            ("pg_typmod_array('varchar', '[\"abcd\"]', 7, 0)", "22001 value too long for type character varying(3)"),
            ("pg_typmod_array('bpchar', '[[\"a\"],[\"abc\"]]', 7, 0)", "[[\"a  \"],[\"abc\"]]"),
            ("pg_typmod_array('numeric', '[\"1.25\",\"3\"]', 262149, 0)", "[\"1.3\",\"3.0\"]"),
            ("pg_typmod_array('timestamp', '[\"2024-01-01 00:00:00.56\"]', 0, 0)", "[\"2024-01-01 00:00:01\"]"),
        ]);
    }
}
