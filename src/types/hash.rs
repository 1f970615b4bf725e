//! PostgreSQL's 64-bit hashes of values, by which rows are cut among hash partitions.
//!
//! Owns: [`partition_hash`], [`combine`], [`is_hashable`]. Specification: hashfn.c, hashfunc.c, hash_combine64() in
//! hashfn.h, HASH_PARTITION_SEED in partbounds.h.

use bytes::BytesMut;

use crate::types::datetime::Stored;
use crate::types::encoding;
use crate::types::format::{Format, FormatSettings};
use crate::types::interval::Interval;
use crate::types::numeric_wire;
use crate::types::pg_type::{Repr, Scalar};
use crate::types::value::{Value, ValueRef};

/// HASH_PARTITION_SEED
const SEED: u64 = 0x7A5B_2236_7996_DCFD;

/// The hash's state: three words (mix() and final() in hashfn.c).
struct State {
    a: u32,
    b: u32,
    c: u32,
}

impl State {
    fn new(length: u32, seed: u64) -> Self {
        let start = 0x9e37_79b9_u32.wrapping_add(length).wrapping_add(3_923_095);
        let mut state = State { a: start, b: start, c: start };
        if seed != 0 {
            state.a = state.a.wrapping_add((seed >> 32) as u32);
            state.b = state.b.wrapping_add(seed as u32);
            state.mix();
        }
        state
    }

    fn mix(&mut self) {
        let State { a, b, c } = self;
        for (n, m) in [(4, 6), (8, 16), (19, 4)] {
            *a = a.wrapping_sub(*c) ^ c.rotate_left(n);
            *c = c.wrapping_add(*b);
            *b = b.wrapping_sub(*a) ^ a.rotate_left(m);
            *a = a.wrapping_add(*c);
            // The roles move on: c, a, b are the next a, b, c.
            (*a, *b, *c) = (*c, *a, *b);
        }
    }

    fn finish(mut self) -> u64 {
        let State { a, b, c } = &mut self;
        *c = (*c ^ *b).wrapping_sub(b.rotate_left(14));
        *a = (*a ^ *c).wrapping_sub(c.rotate_left(11));
        *b = (*b ^ *a).wrapping_sub(a.rotate_left(25));
        *c = (*c ^ *b).wrapping_sub(b.rotate_left(16));
        *a = (*a ^ *c).wrapping_sub(c.rotate_left(4));
        *b = (*b ^ *a).wrapping_sub(a.rotate_left(14));
        *c = (*c ^ *b).wrapping_sub(b.rotate_left(24));
        u64::from(*b) << 32 | u64::from(*c)
    }
}

/// hash_bytes_extended
fn hash_bytes(bytes: &[u8], seed: u64) -> u64 {
    let mut state = State::new(bytes.len() as u32, seed);
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    let mut blocks = bytes.chunks_exact(12);
    let part = |bytes: &[u8], from: usize, to: usize| {
        word(bytes.get(from.min(bytes.len())..to.min(bytes.len())).unwrap_or_default())
    };
    for block in &mut blocks {
        state.a = state.a.wrapping_add(part(block, 0, 4));
        state.b = state.b.wrapping_add(part(block, 4, 8));
        state.c = state.c.wrapping_add(part(block, 8, 12));
        state.mix();
    }
    let rest = blocks.remainder();
    state.a = state.a.wrapping_add(part(rest, 0, 4));
    state.b = state.b.wrapping_add(part(rest, 4, 8));
    // The lowest byte of c is the length's.
    state.c = state.c.wrapping_add(part(rest, 8, 11) << 8);
    state.finish()
}

/// hash_bytes_uint32_extended
fn hash_u32(value: u32, seed: u64) -> u64 {
    let mut state = State::new(4, seed);
    state.a = state.a.wrapping_add(value);
    state.finish()
}

/// hashint8extended: as an integer where it is one.
fn hash_i64(value: i64, seed: u64) -> u64 {
    let (low, high) = (value as u32, (value >> 32) as u32);
    hash_u32(low ^ if value >= 0 { high } else { !high }, seed)
}

/// hashfloat8extended
fn hash_float(value: f64, seed: u64) -> u64 {
    match value {
        0.0 => seed,
        value if value.is_nan() => hash_bytes(&f64::NAN.to_bits().to_le_bytes(), seed),
        value => hash_bytes(&value.to_le_bytes(), seed),
    }
}

/// hash_numeric_extended: the digits without the zeros around them, and the weight of the first.
fn hash_numeric(text: &str, seed: u64) -> Option<u64> {
    let mut wire = BytesMut::new();
    numeric_wire::write_binary(text, &mut wire).ok()?;
    let (header, digits) = wire.split_at_checked(8)?;
    let weight = i16::from_be_bytes([*header.get(2)?, *header.get(3)?]);
    let sign = u16::from_be_bytes([*header.get(4)?, *header.get(5)?]);
    if sign & 0xC000 == 0xC000 {
        return Some(seed);
    }
    let digits: Vec<[u8; 2]> = digits.chunks_exact(2).filter_map(|digit| digit.try_into().ok()).collect();
    let zeros = digits.iter().take_while(|digit| **digit == [0, 0]).count();
    let kept = digits.get(zeros..).unwrap_or_default();
    let kept = kept.get(..kept.len() - kept.iter().rev().take_while(|digit| **digit == [0, 0]).count())?;
    if kept.is_empty() {
        return Some(seed.wrapping_sub(1));
    }
    let bytes: Vec<u8> = kept.iter().flat_map(|[high, low]| [*low, *high]).collect();
    let weight = i64::from(weight) - i64::try_from(zeros).ok()?;
    Some(hash_bytes(&bytes, seed) ^ weight as u64)
}

/// Whether values stored so can be cut among hash partitions.
pub fn is_hashable(repr: Repr) -> bool {
    repr.array_of.is_none()
        && (repr.scalar.is_integer()
            || matches!(
                repr.scalar,
                Scalar::Bool
                    | Scalar::Float4
                    | Scalar::Float8
                    | Scalar::Numeric
                    | Scalar::Text
                    | Scalar::BpChar
                    | Scalar::Char
                    | Scalar::Bytea
                    | Scalar::Uuid
                    | Scalar::Date
                    | Scalar::Time
                    | Scalar::Timestamp
                    | Scalar::TimestampTz
                    | Scalar::Interval
            ))
}

/// The hash of one column of a partition key; `None` for what has none, as NULL.
pub fn partition_hash(repr: Repr, value: &Value) -> Option<u64> {
    let narrow = |value: i64| hash_u32(value as u32, SEED);
    match (repr.scalar, value.as_ref()) {
        (_, ValueRef::Null) => None,
        (Scalar::Int8 | Scalar::Money, ValueRef::Integer(value)) => Some(hash_i64(value, SEED)),
        (Scalar::Float4 | Scalar::Float8, ValueRef::Real(value)) => Some(hash_float(value, SEED)),
        (Scalar::Float4 | Scalar::Float8, ValueRef::Integer(value)) => Some(hash_float(value as f64, SEED)),
        (Scalar::Float4 | Scalar::Float8, ValueRef::Text(_)) => Some(hash_float(f64::NAN, SEED)),
        (_, ValueRef::Integer(value)) => Some(narrow(value)),
        (Scalar::Numeric, ValueRef::Text(text)) => hash_numeric(text, SEED),
        (Scalar::Interval, ValueRef::Text(text)) => {
            Interval::from_stored(text).ok().map(|interval| hash_i64(interval.comparison_usecs() as i64, SEED))
        }
        (Scalar::BpChar, ValueRef::Text(text)) => Some(hash_bytes(text.trim_end_matches(' ').as_bytes(), SEED)),
        (Scalar::Char, ValueRef::Text(text)) => {
            Some(narrow(text.bytes().next().map_or(0, |byte| i64::from(byte as i8))))
        }
        (Scalar::Text, ValueRef::Text(text)) => Some(hash_bytes(text.as_bytes(), SEED)),
        (_, ValueRef::Blob(bytes)) => Some(hash_bytes(bytes, SEED)),
        (scalar, value) => {
            let mut wire = BytesMut::new();
            encoding::encode(repr, Format::Binary, value, &FormatSettings::default(), &mut wire).ok()?;
            match (scalar, <[u8; 4]>::try_from(&*wire), <[u8; 8]>::try_from(&*wire)) {
                (Scalar::Date, Ok(days), _) => Some(narrow(i64::from(i32::from_be_bytes(days)))),
                (Scalar::Time | Scalar::Timestamp | Scalar::TimestampTz, _, Ok(usecs)) => {
                    Some(hash_i64(i64::from_be_bytes(usecs), SEED))
                }
                _ => Some(hash_bytes(&wire, SEED)),
            }
        }
    }
}

/// hash_combine64
pub fn combine(a: u64, b: u64) -> u64 {
    a ^ b.wrapping_add(0x49a0_f4dd_15e5_a8e3).wrapping_add(a << 54).wrapping_add(a >> 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From hashint4extended(…, 8816678312871386365) and its kin.
    #[test]
    fn values_hash_as_in_postgresql() {
        let check = |scalar: Scalar, value: Value, expected: i64| {
            assert_eq!(partition_hash(Repr::scalar(scalar), &value), Some(expected as u64), "{value:?}");
        };
        let text = |text: &str| Value::Text(text.to_owned());
        check(Scalar::Int4, Value::Integer(1), 5_968_994_663_651_403_477);
        check(Scalar::Int4, Value::Integer(-7), -7_298_374_200_968_567_817);
        check(Scalar::Int8, Value::Integer(123_456_789_012), 1_825_551_100_719_034_884);
        check(Scalar::Int8, Value::Integer(-5_000_000_000), -4_482_100_988_868_492_312);
        check(Scalar::Text, text(""), -5_700_645_584_453_517_373);
        check(Scalar::Text, text("abc"), 3_628_778_498_291_917_250);
        check(Scalar::Text, text("twelve bytes and some more"), 3_169_970_560_168_632_785);
        check(Scalar::BpChar, text("ab   "), 596_009_030_900_183_869);
        check(Scalar::Float8, Value::Real(1.5), -2_826_383_321_045_882_978);
        check(Scalar::Numeric, text("1234567.8900"), 5_804_892_603_956_827_535);
        check(Scalar::Numeric, text("-0.00012"), 3_073_084_697_884_637_736);
        check(Scalar::Numeric, text("0"), 8_816_678_312_871_386_364);
        check(Scalar::Date, text("2020-01-01"), -3_078_580_042_271_029_453);
        check(Scalar::Timestamp, text("2020-01-01 10:11:12.5"), 8_178_430_477_368_781_507);
        check(Scalar::Uuid, text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), 424_513_190_990_560_493);
        check(Scalar::Bool, Value::Integer(1), 5_968_994_663_651_403_477);
        check(Scalar::Interval, text("1 mon 02:00:00"), -8_303_991_700_349_621_659);
    }
}
