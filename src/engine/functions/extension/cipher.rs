//! pgcrypto's raw encryption: encrypt, decrypt and their forms with an initialization vector, by AES, Blowfish and
//! Triple-DES (contrib/pgcrypto/pgcrypto.c, px.c, openssl.c); and the armor that binary data is mailed in.
//!
//! DES and CAST5, which PostgreSQL's own library refuses today, are refused here as well.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blowfish::cipher::generic_array::GenericArray;
use blowfish::cipher::{BlockDecrypt, BlockEncrypt, BlockSizeUser, KeyInit};

use super::super::json::text_array;
use super::super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::limits::session as limits;

/// The functions of this area.
#[rustfmt::skip]
pub(in crate::engine::functions) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_encrypt", 3, |a| crypted(a, "encrypt", true)),
    Definition::pure("pg_decrypt", 3, |a| crypted(a, "decrypt", false)),
    Definition::pure("pg_encrypt_iv", 4, |a| crypted(a, "encrypt_iv", true)),
    Definition::pure("pg_decrypt_iv", 4, |a| crypted(a, "decrypt_iv", false)),
    Definition::pure("pg_armor", 1, |a| Ok(armored(&a.bytes(0)?, &[])?.into())),
    Definition::pure("pg_armor", 3, |a| Ok(armored(&a.bytes(0)?, &headers(a)?)?.into())),
    Definition::pure("pg_dearmor", 1, |a| Ok(dearmored(&a.text(0)?)?.into())),
];

fn failed(message: String) -> Error {
    Error::new(SqlState::EXTERNAL_ROUTINE_INVOCATION_EXCEPTION, message)
}

/// How a cipher's name, its mode and its padding are written: "aes-cbc/pad:none".
struct Method {
    cipher: Cipher,
    chained: bool,
    padded: bool,
}

#[derive(Clone, Copy)]
enum Cipher {
    Aes,
    Blowfish,
    TripleDes,
    /// One that cannot be initialized.
    Retired,
}

/// The names that PostgreSQL's table has.
const NAMES: &[(&str, Cipher, bool)] = &[
    ("bf", Cipher::Blowfish, true),
    ("blowfish", Cipher::Blowfish, true),
    ("bf-cbc", Cipher::Blowfish, true),
    ("blowfish-cbc", Cipher::Blowfish, true),
    ("bf-ecb", Cipher::Blowfish, false),
    ("blowfish-ecb", Cipher::Blowfish, false),
    ("bf-cfb", Cipher::Retired, true),
    ("blowfish-cfb", Cipher::Retired, true),
    ("des", Cipher::Retired, true),
    ("des-cbc", Cipher::Retired, true),
    ("des-ecb", Cipher::Retired, false),
    ("3des", Cipher::TripleDes, true),
    ("3des-cbc", Cipher::TripleDes, true),
    ("des3-cbc", Cipher::TripleDes, true),
    ("3des-ecb", Cipher::TripleDes, false),
    ("des3-ecb", Cipher::TripleDes, false),
    ("cast5", Cipher::Retired, true),
    ("cast5-cbc", Cipher::Retired, true),
    ("cast5-ecb", Cipher::Retired, false),
    ("aes", Cipher::Aes, true),
    ("aes-cbc", Cipher::Aes, true),
    ("aes-ecb", Cipher::Aes, false),
    ("rijndael", Cipher::Aes, true),
    ("rijndael-cbc", Cipher::Aes, true),
    ("rijndael-ecb", Cipher::Aes, false),
];

fn method(text: &str) -> Result<Method> {
    let lower = text.to_ascii_lowercase();
    let cannot = |what: &str| Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("Cannot use \"{lower}\": {what}"));
    let mut parts = lower.split('/');
    let name = parts.next().unwrap_or_default();
    let mut padded = true;
    for option in parts {
        padded = match option.split_once(':') {
            Some(("pad", "pkcs")) => true,
            Some(("pad", "none")) => false,
            None => return Err(cannot("Bad option format")),
            Some(_) => return Err(cannot("Unknown option")),
        };
    }
    let found = NAMES.iter().find(|(known, ..)| *known == name).ok_or_else(|| cannot("No such cipher algorithm"))?;
    Ok(Method { cipher: found.1, chained: found.2, padded })
}

/// function(data, key [, initialization vector], method)
fn crypted(args: &Args<'_>, function: &str, encrypt: bool) -> Result<Output> {
    let method = method(&args.text(args.len() - 1)?)?;
    let vector = if args.len() > 3 { args.bytes(2)?.into_owned() } else { Vec::new() };
    let (data, key) = (args.bytes(0)?, args.bytes(1)?);
    limits::work(data.len().saturating_mul(32))?;
    memory::room(data.len(), 64)?;
    let cannot = || failed(format!("{function} error: Cipher cannot be initialized"));
    let job = Job { data: data.into_owned(), vector, method: &method, encrypt };
    let done = match method.cipher {
        Cipher::Aes => {
            let padded = |length: usize| {
                let mut full = vec![0u8; length];
                full.iter_mut().zip(key.iter()).for_each(|(to, from)| *to = *from);
                full
            };
            match key.len() {
                0..=16 => job.run(&aes::Aes128::new_from_slice(&padded(16)).map_err(|_| cannot())?),
                17..=24 => job.run(&aes::Aes192::new_from_slice(&padded(24)).map_err(|_| cannot())?),
                _ => job.run(&aes::Aes256::new_from_slice(&padded(32)).map_err(|_| cannot())?),
            }
        }
        Cipher::Blowfish => {
            if key.len() > 56 {
                return Err(failed(format!("{function} error: Key was too big")));
            }
            job.run(&<blowfish::Blowfish>::new_from_slice(&key).map_err(|_| cannot())?)
        }
        Cipher::TripleDes => {
            let mut full = [0u8; 24];
            full.iter_mut().zip(key.iter()).for_each(|(to, from)| *to = *from);
            job.run(&des::TdesEde3::new(&GenericArray::from(full)))
        }
        Cipher::Retired => return Err(cannot()),
    };
    let what = if encrypt { "Encryption failed" } else { "Decryption failed" };
    Ok(done.ok_or_else(|| failed(format!("{function} error: {what}")))?.into())
}

struct Job<'m> {
    data: Vec<u8>,
    vector: Vec<u8>,
    method: &'m Method,
    encrypt: bool,
}

impl Job<'_> {
    /// Block by block; `None` if the data is no number of blocks, or its padding is none.
    fn run<C: BlockSizeUser + BlockEncrypt + BlockDecrypt>(mut self, cipher: &C) -> Option<Vec<u8>> {
        let size = C::block_size();
        if self.encrypt && self.method.padded {
            let missing = size - self.data.len() % size;
            self.data.resize(self.data.len() + missing, missing as u8);
        }
        if !self.data.len().is_multiple_of(size) || !self.encrypt && self.method.padded && self.data.is_empty() {
            return None;
        }
        let mut before = vec![0u8; size];
        before.iter_mut().zip(&self.vector).for_each(|(to, from)| *to = *from);
        let mix = |block: &mut [u8], with: &[u8]| block.iter_mut().zip(with).for_each(|(to, from)| *to ^= from);
        for block in self.data.chunks_exact_mut(size) {
            let given = block.to_vec();
            if self.encrypt {
                if self.method.chained {
                    mix(block, &before);
                }
                cipher.encrypt_block(GenericArray::from_mut_slice(block));
                before.copy_from_slice(block);
            } else {
                cipher.decrypt_block(GenericArray::from_mut_slice(block));
                if self.method.chained {
                    mix(block, &before);
                }
                before.copy_from_slice(&given);
            }
        }
        if !self.encrypt && self.method.padded {
            let count = usize::from(*self.data.last()?);
            let kept = self.data.len().checked_sub(count).filter(|_| (1..=size).contains(&count))?;
            if self.data.get(kept..)?.iter().any(|byte| usize::from(*byte) != count) {
                return None;
            }
            self.data.truncate(kept);
        }
        Some(self.data)
    }
}

const BEGIN: &str = "-----BEGIN PGP MESSAGE-----";
const END: &str = "-----END PGP MESSAGE-----";
/// Bytes of data in a line.
const LINE: usize = 57;

/// CRC-24 of RFC 4880.
fn checksum(data: &[u8]) -> u32 {
    data.iter().fold(0x00b7_04ce, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 16, |crc, _| {
            let next = crc << 1;
            if next & 0x0100_0000 != 0 { next ^ 0x0186_4cfb } else { next }
        })
    }) & 0x00ff_ffff
}

fn armored(data: &[u8], headers: &[(String, String)]) -> Result<String> {
    memory::room(data.len(), data.len())?;
    let mut out = format!("{BEGIN}\n");
    for (key, value) in headers {
        out.push_str(&format!("{key}: {value}\n"));
    }
    out.push('\n');
    for line in data.chunks(LINE) {
        STANDARD.encode_string(line, &mut out);
        out.push('\n');
    }
    let crc = checksum(data).to_be_bytes();
    out.push('=');
    STANDARD.encode_string(crc.get(1..).unwrap_or_default(), &mut out);
    out.push_str(&format!("\n{END}\n"));
    Ok(out)
}

/// armor's headers: their keys and their values (parse_key_value_arrays).
fn headers(args: &Args<'_>) -> Result<Vec<(String, String)>> {
    let (keys, values) = (args.text(1)?, args.text(2)?);
    if keys.starts_with("[[") || values.starts_with("[[") {
        return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts"));
    }
    let (keys, values) = (text_array(&keys), text_array(&values));
    if keys.len() != values.len() {
        return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "mismatched array dimensions"));
    }
    let invalid = |message: &'static str| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
    let null = |message: &'static str| Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message);
    let pairs = keys.into_iter().zip(values).map(|(key, value)| {
        let key = key.ok_or_else(|| null("null value not allowed for header key"))?;
        if !key.is_ascii() {
            return Err(invalid("header key must not contain non-ASCII characters"));
        }
        if key.contains(": ") {
            return Err(invalid("header key must not contain \": \""));
        }
        if key.contains('\n') {
            return Err(invalid("header key must not contain newlines"));
        }
        let value = value.ok_or_else(|| null("null value not allowed for header value"))?;
        if !value.is_ascii() {
            return Err(invalid("header value must not contain non-ASCII characters"));
        }
        if value.contains('\n') {
            return Err(invalid("header value must not contain newlines"));
        }
        Ok((key.into_owned(), value.into_owned()))
    });
    pairs.collect()
}

fn corrupt() -> Error {
    failed("Corrupt ascii-armor".to_owned())
}

/// Where the armor's first line ends and its last one begins; what is between them.
fn inside(text: &str) -> Option<&str> {
    let start = text.lines_with_places().find(|(_, line)| line.starts_with("-----BEGIN PGP "))?;
    let after = text.get(start.0 + start.1.len()..)?;
    let end = after.lines_with_places().find(|(_, line)| line.starts_with("-----END PGP "))?;
    start.1.trim_end().ends_with("-----").then(|| after.get(..end.0))?
}

/// Lines with their line breaks, and where they begin.
trait Lines {
    fn lines_with_places(&self) -> impl Iterator<Item = (usize, &str)>;
}

impl Lines for str {
    fn lines_with_places(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut at = 0;
        self.split_inclusive('\n').map(move |line| {
            at += line.len();
            (at - line.len(), line)
        })
    }
}

/// The lines of an armor's head, and what follows the empty line after them.
fn parts(text: &str) -> Option<(Vec<&str>, &str)> {
    let mut rest = inside(text)?;
    let mut head = Vec::new();
    loop {
        let (line, after) = rest.split_once('\n')?;
        rest = after;
        match line.trim_end_matches('\r') {
            "" => return Some((head, rest)),
            line => head.push(line),
        }
    }
}

fn dearmored(text: &str) -> Result<Vec<u8>> {
    let (_, body) = parts(text).ok_or_else(corrupt)?;
    let (data, crc) =
        body.rsplit_once("\n=").or_else(|| body.strip_prefix('=').map(|crc| ("", crc))).ok_or_else(corrupt)?;
    let plain = |text: &str| text.chars().filter(|c| !c.is_ascii_whitespace()).collect::<String>();
    let data = STANDARD.decode(plain(data)).map_err(|_| corrupt())?;
    let crc = STANDARD.decode(plain(crc)).map_err(|_| corrupt())?;
    if checksum(&data).to_be_bytes().get(1..) != Some(crc.as_slice()) {
        return Err(corrupt());
    }
    Ok(data)
}

/// The headers of an armor (pgp_armor_headers).
pub(in crate::engine::functions) fn armor_headers(text: &str) -> Result<Vec<(String, String)>> {
    let (head, _) = parts(text).ok_or_else(corrupt)?;
    let pair = |line: &str| {
        let (key, value) = line.split_once(": ").ok_or_else(corrupt)?;
        Ok((key.to_owned(), value.to_owned()))
    };
    head.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    /// From PostgreSQL.
    #[test]
    fn data_is_encrypted_and_armored() {
        assert_values(&[
            ("hex(pg_encrypt(x'666f6f', x'6b6579', 'aes'))", "9D39856CF85CA2A23708B9CB68FED4F2"),
            ("hex(pg_encrypt(x'666f6f', x'6b6579', '3des'))", "BFE34A5F2FE205CE"),
            ("hex(pg_decrypt(pg_encrypt(x'666f6f', x'6b657920', 'bf'), x'6b657920', 'bf'))", "666F6F"),
            ("pg_encrypt(x'61', x'6b', 'aes-ecb/pad:none')", "39000 encrypt error: Encryption failed"),
            ("pg_encrypt(x'61', x'6b', 'nix')", "22023 Cannot use \"nix\": No such cipher algorithm"),
            ("hex(pg_dearmor(pg_armor(x'7a6f6f6b61')))", "7A6F6F6B61"),
        ]);
    }
}
