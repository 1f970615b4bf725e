//! Functions of the extensions that are built in: here those of uuid-ossp, pgcrypto, unaccent and fuzzystrmatch, others in
//! the folder.
//!
//! Specification: contrib.html, and the extensions' code in PostgreSQL 15. A UUID of version 1 has a random node, as
//! uuid_generate_v1mc has: nobody learns a machine's address from it.

pub(super) mod cipher;
pub(super) mod crypt;
pub(super) mod hstore;
pub(super) mod intarray;
pub(super) mod ltree;
mod metaphone;
pub(super) mod pgp;
pub(super) mod trigrams;
pub(super) mod vector;

use std::collections::HashMap;
use std::sync::LazyLock;

use hmac::{Hmac, Mac};
use sha2::Digest;

use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::limits::session as limits;
use crate::types::bytes_text::{parse_uuid, write_uuid};

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_uuid_nil", 0, |_| Ok(Output::Static("00000000-0000-0000-0000-000000000000"))),
    Definition::pure("pg_uuid_ns_dns", 0, |_| Ok(Output::Static("6ba7b810-9dad-11d1-80b4-00c04fd430c8"))),
    Definition::pure("pg_uuid_ns_url", 0, |_| Ok(Output::Static("6ba7b811-9dad-11d1-80b4-00c04fd430c8"))),
    Definition::pure("pg_uuid_ns_oid", 0, |_| Ok(Output::Static("6ba7b812-9dad-11d1-80b4-00c04fd430c8"))),
    Definition::pure("pg_uuid_ns_x500", 0, |_| Ok(Output::Static("6ba7b814-9dad-11d1-80b4-00c04fd430c8"))),
    Definition::stable("pg_uuid_generate_v1", 0, |_| uuid(by_time(), 1)).taped(),
    Definition::pure("pg_uuid_generate_v3", 2, |a| named_uuid(a, |data| md5::Md5::digest(data).to_vec(), 3)),
    Definition::pure("pg_uuid_generate_v5", 2, |a| named_uuid(a, |data| sha1::Sha1::digest(data).to_vec(), 5)),
    Definition::pure("pg_digest", 2, |a| Ok((algorithm(&a.text(1)?)?.digest)(&a.bytes(0)?).into())),
    Definition::pure("pg_hmac", 3, |a| Ok((algorithm(&a.text(2)?)?.hmac)(&a.bytes(1)?, &a.bytes(0)?)?.into())),
    Definition::stable("pg_gen_random_bytes", 1, random_bytes).taped(),
    Definition::pure("pg_unaccent", 1, |a| unaccent(&a.text(0)?)),
    Definition::pure("pg_metaphone", 2, |a| metaphone::of(&a.text(0)?, a.int(1)?).map(Into::into)),
    Definition::pure("pg_soundex", 1, |a| Ok(soundex(&a.text(0)?).into())),
    Definition::pure("pg_difference", 2, |a| { let (l, r) = (soundex(&a.text(0)?), soundex(&a.text(1)?)); Ok(equal_places(&l, &r).into()) }),
    Definition::pure("pg_levenshtein", 2, |a| levenshtein(a, [1, 1, 1], None)),
    Definition::pure("pg_levenshtein", 5, |a| levenshtein(a, [a.int(2)?, a.int(3)?, a.int(4)?], None)),
    Definition::pure("pg_levenshtein_less_equal", 3, |a| levenshtein(a, [1, 1, 1], Some(a.int(2)?))),
    Definition::pure("pg_levenshtein_less_equal", 6, |a| levenshtein(a, [a.int(2)?, a.int(3)?, a.int(4)?], Some(a.int(5)?))),
];

fn uuid(mut bytes: [u8; 16], version: u8) -> Result<Output> {
    bytes[6] = bytes[6] & 0x0f | version << 4;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    write_uuid(&bytes, &mut text).map_err(|_| Error::internal("writing a UUID"))?;
    Ok(text.into())
}

/// Tenths of microseconds since the Gregorian calendar began, then chance.
fn by_time() -> [u8; 16] {
    const GREGORIAN: u64 = 0x01B2_1DD2_1381_4000;
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let time = (since.as_nanos() / 100) as u64 + GREGORIAN;
    let mut bytes: [u8; 16] = rand::random();
    bytes[..4].copy_from_slice(&(time as u32).to_be_bytes());
    bytes[4..6].copy_from_slice(&((time >> 32) as u16).to_be_bytes());
    bytes[6..8].copy_from_slice(&((time >> 48) as u16).to_be_bytes());
    // A group address: no machine's own.
    bytes[10] |= 1;
    bytes
}

fn named_uuid(args: &Args<'_>, hash: fn(&[u8]) -> Vec<u8>, version: u8) -> Result<Output> {
    let mut data = parse_uuid(&args.text(0)?)?.to_vec();
    data.extend_from_slice(args.text(1)?.as_bytes());
    let hashed = hash(&data);
    let first = hashed.first_chunk::<16>().ok_or_else(|| Error::internal("a short hash"))?;
    uuid(*first, version)
}

/// A hash of pgcrypto's.
struct Algorithm {
    name: &'static str,
    digest: fn(&[u8]) -> Vec<u8>,
    hmac: fn(&[u8], &[u8]) -> Result<Vec<u8>>,
}

macro_rules! algorithms {
    ($($name:literal $type:ty),*) => {
        &[$(Algorithm {
            name: $name,
            digest: |data| <$type>::digest(data).to_vec(),
            hmac: |key, data| {
                let mut mac = Hmac::<$type>::new_from_slice(key).map_err(|_| Error::internal("a key's length"))?;
                mac.update(data);
                Ok(mac.finalize().into_bytes().to_vec())
            },
        }),*]
    };
}

static ALGORITHMS: &[Algorithm] = algorithms!(
    "md5" md5::Md5, "sha1" sha1::Sha1, "sha224" sha2::Sha224, "sha256" sha2::Sha256, "sha384" sha2::Sha384,
    "sha512" sha2::Sha512
);

fn algorithm(name: &str) -> Result<&'static Algorithm> {
    let name = name.to_ascii_lowercase();
    ALGORITHMS.iter().find(|algorithm| algorithm.name == name).ok_or_else(|| {
        let message = format!("Cannot use \"{name}\": No such hash algorithm");
        Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
    })
}

fn random_bytes(args: &Args<'_>) -> Result<Output> {
    let length = usize::try_from(args.int(0)?).ok().filter(|length| (1..=1024).contains(length));
    let length =
        length.ok_or_else(|| Error::new(SqlState::EXTERNAL_ROUTINE_INVOCATION_EXCEPTION, "Length not in range"))?;
    let mut bytes = vec![0u8; length];
    rand::Rng::fill(&mut rand::rng(), bytes.as_mut_slice());
    Ok(bytes.into())
}

static UNACCENT: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    include_str!("../../../fixtures/unaccent.tsv").lines().filter_map(|line| line.split_once('\t')).collect()
});

fn unaccent(text: &str) -> Result<Output> {
    let mut out = String::with_capacity(text.len());
    let mut buffer = [0u8; 4];
    for character in text.chars() {
        limits::work(8)?;
        memory::room(out.len(), 8)?;
        let own: &str = character.encode_utf8(&mut buffer);
        out.push_str(UNACCENT.get(own).copied().unwrap_or(own));
    }
    Ok(out.into())
}

fn soundex_code(letter: u8) -> u8 {
    const CODES: &[u8; 26] = b"01230120022455012623010202";
    let letter = letter.to_ascii_uppercase();
    CODES.get(usize::from(letter.wrapping_sub(b'A'))).copied().unwrap_or(letter)
}

/// A letter and three digits; nothing for a text without letters.
fn soundex(text: &str) -> String {
    let Some(start) = text.bytes().position(|byte| byte.is_ascii_alphabetic()) else { return String::new() };
    let bytes = text.as_bytes().get(start..).unwrap_or(&[]);
    let mut code = String::new();
    code.extend(bytes.first().map(|first| char::from(first.to_ascii_uppercase())));
    for pair in bytes.windows(2) {
        let [before, letter] = pair else { break };
        let digit = soundex_code(*letter);
        if code.len() < 4 && letter.is_ascii_alphabetic() && digit != soundex_code(*before) && digit != b'0' {
            code.push(char::from(digit));
        }
    }
    format!("{code:0<4}")
}

/// How many of the four places are equal; two empty codes are.
fn equal_places(left: &str, right: &str) -> i64 {
    let place = |code: &str, index: usize| code.as_bytes().get(index).copied();
    (0..4).filter(|index| place(left, *index) == place(right, *index)).count() as i64
}

/// The costs are those of an insertion, a deletion and a substitution.
fn levenshtein(args: &Args<'_>, costs: [i64; 3], most: Option<i64>) -> Result<Output> {
    const LONGEST: usize = 255;
    let (source, target) = (args.text(0)?, args.text(1)?);
    let source: Vec<char> = source.chars().take(LONGEST + 1).collect();
    let target: Vec<char> = target.chars().take(LONGEST + 1).collect();
    if source.len() > LONGEST || target.len() > LONGEST {
        let message = format!("levenshtein argument exceeds maximum length of {LONGEST} characters");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    limits::work(source.len() * target.len() * 4)?;
    let [insertion, deletion, substitution] = costs;
    let mut row: Vec<i64> = (0..=source.len() as i64).map(|index| index * deletion).collect();
    for (number, wanted) in target.iter().enumerate() {
        let mut left = (number as i64 + 1) * insertion;
        let mut next = Vec::with_capacity(row.len());
        next.push(left);
        for (above, given) in row.windows(2).zip(&source) {
            let [diagonal, above] = above else { break };
            let replaced = diagonal + if given == wanted { 0 } else { substitution };
            left = (above + insertion).min(left + deletion).min(replaced);
            next.push(left);
        }
        row = next;
    }
    let distance = row.last().copied().unwrap_or(0);
    Ok(match most.filter(|most| *most >= 0) {
        Some(most) if distance > most => most + 1,
        _ => distance,
    }
    .into())
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    /// Recorded from PostgreSQL 15 with its extensions.
    #[test]
    fn extensions_compute_what_postgresqls_do() {
        assert_values(&[
            (
                "pg_uuid_generate_v3(pg_uuid_ns_url(), 'http://www.postgresql.org')",
                "cf16fe52-3365-3a1f-8572-288d8d2aaa46",
            ),
            ("pg_uuid_generate_v5(pg_uuid_ns_dns(), 'x')", "05b16a01-46c6-56dd-bd6e-c6dfb4a1427a"),
            ("substr(pg_uuid_generate_v1(), 15, 1)", "1"),
            ("hex(pg_digest('a', 'sha1'))", "86F7E437FAA5A7FCE15D1DDCB9EAEAEA377667B8"),
            ("hex(pg_hmac('a', 'k', 'SHA256'))", "78DA91511E675587F5B9DF78BEDEBAF5560DA2ABB88162EE875DCDF744951D9E"),
            ("pg_digest('a', 'foo')", "22023 Cannot use \"foo\": No such hash algorithm"),
            ("length(pg_gen_random_bytes(16))", "16"),
            ("pg_gen_random_bytes(0)", "39000 Length not in range"),
            ("pg_unaccent('Hôtel ½ Straße')", "Hotel 1/2 Strasse"),
            ("pg_soundex('Anne') || pg_soundex('Pfister') || pg_soundex('12')", "A500P236"),
            ("pg_difference('Anne', 'Andrew')", "2"),
            ("pg_difference('', '')", "4"),
            ("pg_levenshtein('GUMBO', 'GAMBOL')", "2"),
            ("pg_levenshtein('GUMBO', 'GAMBOL', 2, 1, 1)", "3"),
            ("pg_levenshtein('kitten', 'sitting', 1, 2, 3)", "7"),
            ("pg_levenshtein('', 'abc')", "3"),
            ("pg_levenshtein_less_equal('extensive', 'exhaustive', 2)", "3"),
            ("pg_levenshtein_less_equal('extensive', 'exhaustive', 4)", "4"),
        ]);
    }
}
