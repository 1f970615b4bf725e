//! pgcrypto's crypt() and gen_salt(): bcrypt and MD5 (contrib/pgcrypto/px-crypt.c, crypt-md5.c, crypt-blowfish.c).
//!
//! The DES methods, which anybody breaks today, are refused by name.

use blowfish::Blowfish;
use md5::{Digest, Md5};

use super::super::{Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;

/// The functions of this area.
pub(in crate::engine::functions) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_crypt", 2, |a| crypt(a.text(0)?.as_bytes(), &a.text(1)?)),
    Definition::stable("pg_gen_salt", 1, |a| gen_salt(&a.text(0)?, 0)).taped(),
    Definition::stable("pg_gen_salt", 2, |a| gen_salt(&a.text(0)?, a.int(1)?)).taped(),
];

/// The digits of MD5's texts, and of bcrypt's.
const MD5_DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BCRYPT_DIGITS: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn digit(digits: &[u8; 64], value: u32) -> char {
    digits.get((value & 0x3f) as usize).map_or('.', |digit| char::from(*digit))
}

fn invalid_salt() -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, "invalid salt")
}

fn wrong_rounds() -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, "gen_salt: Incorrect number of rounds")
}

fn gen_salt(method: &str, rounds: i64) -> Result<Output> {
    let chance: [u8; 16] = rand::random();
    match method.to_ascii_lowercase().as_str() {
        "bf" => {
            let rounds = if rounds == 0 { 6 } else { rounds };
            if !(4..=31).contains(&rounds) {
                return Err(wrong_rounds());
            }
            Ok(format!("$2a${rounds:02}${}", bcrypt_text(&chance)).into())
        }
        "md5" if rounds == 0 || rounds == 1000 => {
            let mut salt = "$1$".to_owned();
            for part in chance.chunks_exact(3).take(2) {
                let value = part.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
                salt.extend((0..4).map(|place| digit(MD5_DIGITS, value >> (6 * place))));
            }
            Ok(salt.into())
        }
        "md5" => Err(wrong_rounds()),
        "des" | "xdes" => Err(Error::unsupported(format!("gen_salt for {method}"))),
        _ => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "gen_salt: Unknown salt algorithm")),
    }
}

fn crypt(password: &[u8], salt: &str) -> Result<Output> {
    let password = password.split(|byte| *byte == 0).next().unwrap_or(&[]);
    if salt.starts_with("$2a$") {
        return bcrypt(password, salt).map(Output::from);
    }
    if salt.starts_with("$1$") {
        return md5_crypt(password, salt).map(Output::from);
    }
    if salt.starts_with("$2x$") || salt.len() >= 2 {
        return Err(Error::unsupported("crypt with a salt that is neither bcrypt's nor MD5's"));
    }
    Err(invalid_salt())
}

/// Bytes as bcrypt writes them: six bits each, from the front.
fn bcrypt_text(bytes: &[u8]) -> String {
    let mut out = String::new();
    for part in bytes.chunks(3) {
        let value = (0..3).fold(0, |value, place| value << 8 | part.get(place).map_or(0, |byte| u32::from(*byte)));
        out.extend((0..=part.len()).map(|place| digit(BCRYPT_DIGITS, value >> (18 - 6 * place))));
    }
    out
}

/// The sixteen bytes of a salt of 22 digits.
fn bcrypt_bytes(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0u8; 16];
    let digits = text.bytes().map(|byte| BCRYPT_DIGITS.iter().position(|digit| *digit == byte));
    let digits: Vec<usize> = digits.collect::<Option<_>>()?;
    for (place, byte) in bytes.iter_mut().enumerate() {
        let (first, shift) = (place * 8 / 6, place * 8 % 6);
        let pair = digits.get(first)? << 6 | digits.get(first + 1).copied().unwrap_or(0);
        *byte = (pair >> (4 - shift) & 0xff) as u8;
    }
    Some(bytes)
}

fn bcrypt(password: &[u8], setting: &str) -> Result<String> {
    let rounds = setting.get(4..6).filter(|rounds| rounds.bytes().all(|b| b.is_ascii_digit()));
    let rounds: u32 = rounds.and_then(|rounds| rounds.parse().ok()).ok_or_else(invalid_salt)?;
    let text = setting.get(7..29).filter(|_| setting.get(6..7) == Some("$")).ok_or_else(invalid_salt)?;
    let salt = bcrypt_bytes(text).filter(|_| (4..=31).contains(&rounds)).ok_or_else(invalid_salt)?;
    // The key is the password with the zero byte behind it, of which 72 bytes count.
    let key: Vec<u8> = password.iter().copied().chain([0]).take(72).collect();
    let mut state = Blowfish::bc_init_state();
    state.salted_expand_key(&salt, &key);
    for _ in 0..1u64 << rounds {
        limits::work(20_000)?;
        state.bc_expand_key(&key);
        state.bc_expand_key(&salt);
    }
    let mut hash = Vec::new();
    for words in [[0x4f72_7068, 0x6561_6e42], [0x6568_6f6c, 0x6465_7253], [0x6372_7944, 0x6f75_6274]] {
        let found = (0..64).fold(words, |words: [u32; 2], _| state.bc_encrypt(words));
        hash.extend(found.into_iter().flat_map(u32::to_be_bytes));
    }
    hash.truncate(23);
    // Only two bits of the salt's last digit count.
    let salt = bcrypt_text(&salt);
    Ok(format!("$2a${rounds:02}${salt}{}", bcrypt_text(&hash)))
}

fn md5_crypt(password: &[u8], setting: &str) -> Result<String> {
    let salt = setting.strip_prefix("$1$").unwrap_or(setting).split('$').next().unwrap_or("");
    let salt: String = salt.chars().take(8).collect();
    limits::work(1000 * (password.len() + 64))?;
    let both = [password, salt.as_bytes(), password].concat();
    let mut digest = Md5::digest(&both);
    let mut first = Md5::new();
    first.update(password);
    first.update("$1$");
    first.update(&salt);
    for part in password.chunks(16) {
        first.update(digest.get(..part.len()).unwrap_or(&[]));
    }
    let mut rest = password.len();
    while rest > 0 {
        // The digest was wiped: its first byte is zero.
        first.update(if rest & 1 == 1 { &[0] } else { password.get(..1).unwrap_or(&[]) });
        rest >>= 1;
    }
    digest = first.finalize();
    for round in 0..1000 {
        let mut next = Md5::new();
        let (before, after) = if round % 2 == 1 { (password, &*digest) } else { (&*digest, password) };
        next.update(before);
        if round % 3 != 0 {
            next.update(&salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(after);
        let made = next.finalize();
        digest = made;
    }
    let mut out = format!("$1${salt}$");
    let byte = |place: usize| digest.get(place).map_or(0, |byte| u32::from(*byte));
    for places in [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] {
        let value = places.into_iter().fold(0, |value, place| value << 8 | byte(place));
        out.extend((0..4).map(|place| digit(MD5_DIGITS, value >> (6 * place))));
    }
    out.extend((0..2).map(|place| digit(MD5_DIGITS, byte(11) >> (6 * place))));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::assert_values;

    /// Recorded from PostgreSQL 15.
    #[test]
    fn passwords_are_hashed_as_pgcrypto_does() {
        assert_values(&[
            (
                "pg_crypt('password', '$2a$06$RQiOJ.3ELirrXwxIZY8q0O')",
                "$2a$06$RQiOJ.3ELirrXwxIZY8q0Opor.9oUAL1MojNiw3NUwpUDdI7wuxEa",
            ),
            (
                "pg_crypt('', '$2a$06$RQiOJ.3ELirrXwxIZY8q0O')",
                "$2a$06$RQiOJ.3ELirrXwxIZY8q0OlGbBEpDmx7IRZlNYvGJ1SHXwNi2cEKK",
            ),
            (
                "pg_crypt('pässword', '$2a$04$RQiOJ.3ELirrXwxIZY8q0O')",
                "$2a$04$RQiOJ.3ELirrXwxIZY8q0Ot.Jf.MWDJeFFtXG9XsS7lFU/YZ0tJf6",
            ),
            ("pg_crypt('', '$1$Szzz0yzz')", "$1$Szzz0yzz$To38XrR3BsbXQW2ZpfKjF1"),
            ("pg_crypt('foox', '$1$Szzz0yzz')", "$1$Szzz0yzz$IYL49cd3t9bllsA7Jmz1M1"),
            ("substr(pg_gen_salt('bf', 8), 1, 7) || length(pg_gen_salt('bf'))", "$2a$08$29"),
            ("substr(pg_gen_salt('md5'), 1, 3) || length(pg_gen_salt('md5'))", "$1$11"),
            ("pg_gen_salt('bf', 33)", "22023 gen_salt: Incorrect number of rounds"),
            ("pg_gen_salt('foo')", "22023 gen_salt: Unknown salt algorithm"),
            ("pg_crypt('a', '$2a$06$RQiOJ.3ELirrXwxIZY8q0')", "22023 invalid salt"),
        ]);
    }
}
