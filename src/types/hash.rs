//! PostgreSQL's 64-bit hashes of values, by which rows are cut among hash partitions.
//!
//! Owns: [`partition_hash`], [`combine`], [`is_hashable`]. Specification: hashfn.c, hashfunc.c, hash_combine64() in
//! hashfn.h, HASH_PARTITION_SEED in partbounds.h.

use bytes::BytesMut;

use crate::types::array::{Part, Reader};
use crate::types::bytes_text::char_byte;
use crate::types::datetime::Stored;
use crate::types::encoding;
use crate::types::format::{Format, FormatSettings};
use crate::types::interval::Interval;
use crate::types::json::{self, JsonValue};
use crate::types::numeric_wire;
use crate::types::pg_type::{RangeOf, Repr, Scalar, type_info};
use crate::types::range::{Bound, Range};
use crate::types::range_text::{range_of_stored, ranges_of_stored, value_of_bound};
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
    hash(repr, value, SEED)
}

/// The extended hash function of the type; the lower half of it with a seed of 0 is the plain one's hash. `None` for what
/// has none, as NULL.
pub fn hash(repr: Repr, value: &Value, seed: u64) -> Option<u64> {
    let narrow = |value: i64| hash_u32(value as u32, seed);
    match (repr.scalar, value.as_ref()) {
        (_, ValueRef::Null) => None,
        (_, ValueRef::Text(text)) if repr.array_of.is_some() => hash_array(repr.scalar, text, seed),
        (Scalar::Tid, value) => hash_wire(Scalar::Tid, &wire(repr, value)?, seed),
        (Scalar::Int8 | Scalar::Money, ValueRef::Integer(value)) => Some(hash_i64(value, seed)),
        (Scalar::Float4 | Scalar::Float8, ValueRef::Real(value)) => Some(hash_float(value, seed)),
        (Scalar::Float4 | Scalar::Float8, ValueRef::Integer(value)) => Some(hash_float(value as f64, seed)),
        (Scalar::Float4 | Scalar::Float8, ValueRef::Text(_)) => Some(hash_float(f64::NAN, seed)),
        (_, ValueRef::Integer(value)) => Some(narrow(value)),
        (Scalar::Numeric, ValueRef::Text(text)) => hash_numeric(text, seed),
        (Scalar::Interval, ValueRef::Text(text)) => {
            Interval::from_stored(text).ok().map(|interval| hash_i64(interval.comparison_usecs() as i64, seed))
        }
        (Scalar::BpChar, ValueRef::Text(text)) => Some(hash_bytes(text.trim_end_matches(' ').as_bytes(), seed)),
        (Scalar::Char, ValueRef::Text(text)) => Some(narrow(i64::from(char_byte(text) as i8))),
        (Scalar::OidVector, ValueRef::Text(text)) => {
            let oids: Vec<u32> = serde_json::from_str(text).ok()?;
            Some(hash_bytes(&oids.iter().flat_map(|oid| oid.to_le_bytes()).collect::<Vec<_>>(), seed))
        }
        (Scalar::Text, ValueRef::Text(text)) => Some(hash_bytes(text.as_bytes(), seed)),
        (Scalar::Jsonb, ValueRef::Text(text)) => {
            let mut hash = 0;
            let value = json::parse(text).ok()?;
            let is_empty = match &value {
                JsonValue::Array(elements) => elements.is_empty(),
                JsonValue::Object(members) => members.is_empty(),
                _ => false,
            };
            if is_empty {
                return Some(seed);
            }
            if !matches!(value, JsonValue::Array(_) | JsonValue::Object(_)) {
                // A scalar is kept as an array of one.
                hash ^= ARRAY;
            }
            hash_json(&value, seed, &mut hash)?;
            Some(hash)
        }
        (Scalar::Range(of), ValueRef::Text(text)) => hash_range(of, range_of_stored(text).ok()?.as_ref(), seed),
        (Scalar::Multirange(of), ValueRef::Text(text)) => {
            ranges_of_stored(text).ok()?.iter().try_fold(1_u64, |hash, range| {
                let of_range = hash_range(of, Some(range), seed)?;
                Some((hash << 5).wrapping_sub(hash).wrapping_add(of_range))
            })
        }
        (_, ValueRef::Blob(bytes)) => Some(hash_bytes(bytes, seed)),
        (scalar, value) => hash_wire(scalar, &wire(repr, value)?, seed),
    }
}

fn wire(repr: Repr, value: ValueRef<'_>) -> Option<BytesMut> {
    let mut wire = BytesMut::new();
    encoding::encode(repr, Format::Binary, value, &FormatSettings::default(), &mut wire).ok()?;
    Some(wire)
}

/// Of what is hashed as it is on the wire.
fn hash_wire(scalar: Scalar, wire: &[u8], seed: u64) -> Option<u64> {
    match (scalar, wire) {
        (Scalar::Date, wire) => Some(hash_u32(i32::from_be_bytes(wire.try_into().ok()?) as u32, seed)),
        (Scalar::Time | Scalar::Timestamp | Scalar::TimestampTz, wire) => {
            Some(hash_i64(i64::from_be_bytes(wire.try_into().ok()?), seed))
        }
        (Scalar::TimeTz, wire) => {
            let (time, zone) = wire.split_at_checked(8)?;
            let zone = i32::from_be_bytes(zone.try_into().ok()?);
            Some(hash_i64(i64::from_be_bytes(time.try_into().ok()?), seed) ^ hash_u32(zone as u32, seed))
        }
        // Without whether it is a cidr, and the length.
        (Scalar::Inet, [family, bits, _, _, address @ ..]) => {
            Some(hash_bytes(&[&[*family, *bits], address].concat(), seed))
        }
        // A tid is two halves of a block number, the higher first, and a place.
        (Scalar::Tid, [a, b, c, d, e, f]) => Some(hash_bytes(&[*b, *a, *d, *c, *f, *e], seed)),
        (_, wire) => Some(hash_bytes(wire, seed)),
    }
}

/// hash_array_extended
fn hash_array(scalar: Scalar, stored: &str, seed: u64) -> Option<u64> {
    let mut parts = Reader::new(stored);
    let mut hash = 1_u64;
    while let Some(part) = parts.next_part().ok()? {
        if let Part::Element(element) = part {
            let of_element = match element.to_value(scalar).ok()? {
                Value::Null => 0,
                element => self::hash(Repr::scalar(scalar), &element, seed)?,
            };
            hash = (hash << 5).wrapping_sub(hash).wrapping_add(of_element);
        }
    }
    Some(hash)
}

/// ROTATE_HIGH_AND_LOW_32BITS
fn rotate_halves(value: u64) -> u64 {
    (value << 1) & 0xffff_fffe_ffff_fffe | (value >> 31) & 0x1_0000_0001
}

/// hash_range_extended
fn hash_range(of: RangeOf, range: Option<&Range>, seed: u64) -> Option<u64> {
    let subtype = type_info(of.subtype)?.repr;
    let mut flags = u32::from(range.is_none());
    let bound = |bound: &Bound| match &bound.value {
        Some(text) => hash(subtype, &value_of_bound(of, text).ok()?, seed),
        None => Some(0),
    };
    let (mut lower, mut upper) = (0, 0);
    if let Some(range) = range {
        (lower, upper) = (bound(&range.lower)?, bound(&range.upper)?);
        flags |= u32::from(range.lower.inclusive) << 1 | u32::from(range.upper.inclusive) << 2;
        flags |= u32::from(range.lower.value.is_none()) << 3 | u32::from(range.upper.value.is_none()) << 4;
    }
    Some(rotate_halves(hash_u32(flags, seed) ^ lower) ^ upper)
}

/// What an array and an object begin with (JB_FARRAY and JB_FOBJECT, in both halves).
const ARRAY: u64 = 0x4000_0000_4000_0000;
const OBJECT: u64 = 0x2000_0000_2000_0000;

/// jsonb_hash_extended
fn hash_json(value: &JsonValue, seed: u64, hash: &mut u64) -> Option<()> {
    crate::limits::stack::check().ok()?;
    let of_scalar = match value {
        JsonValue::Null => seed.wrapping_add(1),
        JsonValue::Bool(value) if seed == 0 => {
            if *value {
                2
            } else {
                4
            }
        }
        JsonValue::Bool(value) => hash_u32(u32::from(*value), seed),
        JsonValue::Text(text) => hash_bytes(text.as_bytes(), seed),
        JsonValue::Number(number) => hash_numeric(number, seed)?,
        JsonValue::Array(elements) => {
            *hash ^= ARRAY;
            return elements.iter().try_for_each(|element| hash_json(element, seed, hash));
        }
        JsonValue::Object(members) => {
            *hash ^= OBJECT;
            return members.iter().try_for_each(|(key, value)| {
                *hash = rotate_halves(*hash) ^ hash_bytes(key.as_bytes(), seed);
                hash_json(value, seed, hash)
            });
        }
    };
    *hash = rotate_halves(*hash) ^ of_scalar;
    Some(())
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
