//! pgcrypto's symmetric encryption by OpenPGP: pgp_sym_encrypt, pgp_sym_decrypt and their forms over bytea. What needs
//! public keys or a decompressor is refused.
//!
//! Must not know: how ciphers work (the crates of their names). Specification: RFC 4880; contrib/pgcrypto/pgp-pgsql.c, pgp-encrypt.c, pgp-decrypt.c, pgp-s2k.c, pgp-cfb.c.

use blowfish::cipher::generic_array::GenericArray;
use blowfish::cipher::{BlockEncrypt, KeyInit};
use sha2::Digest;

use super::super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::limits::session as limits;

/// The functions of this area.
#[rustfmt::skip]
pub(in crate::engine::functions) static FUNCTIONS: &[Definition] = &[
    Definition::stable("pg_pgp_encrypt_text", 2, |a| encrypt(a, true)).taped(),
    Definition::stable("pg_pgp_encrypt_text", 3, |a| encrypt(a, true)).taped(),
    Definition::stable("pg_pgp_encrypt_bytea", 2, |a| encrypt(a, false)).taped(),
    Definition::stable("pg_pgp_encrypt_bytea", 3, |a| encrypt(a, false)).taped(),
    Definition::pure("pg_pgp_decrypt_text", 2, |a| decrypt(a, true)),
    Definition::pure("pg_pgp_decrypt_text", 3, |a| decrypt(a, true)),
    Definition::pure("pg_pgp_decrypt_bytea", 2, |a| decrypt(a, false)),
    Definition::pure("pg_pgp_decrypt_bytea", 3, |a| decrypt(a, false)),
    Definition::pure("pg_pgp", -1, |_| Err(Error::unsupported("OpenPGP encryption with public keys"))),
];

fn failed(message: &'static str) -> Error {
    Error::new(SqlState::EXTERNAL_ROUTINE_INVOCATION_EXCEPTION, message)
}

fn corrupt() -> Error {
    failed("Wrong key or corrupt data")
}

fn illegal() -> Error {
    failed("Illegal argument to function")
}

/// Names of ciphers, their numbers, and how long their keys are.
const CIPHERS: &[(&str, u8, usize)] = &[
    ("3des", 2, 24),
    ("cast5", 3, 16),
    ("bf", 4, 16),
    ("blowfish", 4, 16),
    ("aes", 7, 16),
    ("aes128", 7, 16),
    ("aes192", 8, 24),
    ("aes256", 9, 32),
    ("twofish", 10, 32),
];

const DIGESTS: &[(&str, u8)] =
    &[("md5", 1), ("sha1", 2), ("sha-1", 2), ("ripemd160", 3), ("sha256", 8), ("sha384", 9), ("sha512", 10)];

/// Tags of packets.
const SESSION_KEY: u8 = 3;
const COMPRESSED: u8 = 8;
const ENCRYPTED: u8 = 9;
const MARKER: u8 = 10;
const LITERAL: u8 = 11;
const ENCRYPTED_AND_HASHED: u8 = 18;
const HASH: u8 = 19;

fn cipher_code(name: &str) -> Result<u8> {
    let found = CIPHERS.iter().find(|(known, ..)| *known == name);
    found.map(|(_, code, _)| *code).ok_or_else(|| failed("Unsupported cipher algorithm"))
}

fn digest_code(name: &str) -> Result<u8> {
    let found = DIGESTS.iter().find(|(known, _)| *known == name);
    found.map(|(_, code)| *code).ok_or_else(|| failed("Unsupported digest algorithm"))
}

fn key_size(code: u8) -> Result<usize> {
    let found = CIPHERS.iter().find(|(_, known, _)| *known == code);
    found.map(|(_, _, size)| *size).ok_or_else(|| failed("Unsupported cipher algorithm"))
}

/// What the options say.
struct Options {
    cipher: u8,
    hashed: bool,
    session_key: bool,
    s2k: S2k,
    s2k_cipher: Option<u8>,
    compress: i64,
    crlf: bool,
    unicode: bool,
    /// What a decrypted message is said to be like.
    expected: Vec<(String, i64)>,
}

/// How a password becomes a key.
#[derive(Clone)]
struct S2k {
    mode: u8,
    digest: u8,
    salt: Vec<u8>,
    count: u8,
}

/// atoi
fn number(text: &str) -> i64 {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let value = digits.get(..end).and_then(|digits| digits.parse::<i64>().ok()).unwrap_or(0);
    if text.starts_with('-') { -value } else { value }
}

/// The octet that says at least so many bytes.
fn coded_count(count: i64) -> u8 {
    (0..=u8::MAX).find(|code| decoded_count(*code) as i64 >= count).unwrap_or(u8::MAX)
}

fn decoded_count(code: u8) -> usize {
    (16 + usize::from(code & 15)) << ((code >> 4) + 6)
}

fn options(args: &Args<'_>, decrypting: bool) -> Result<Options> {
    let chance: [u8; 9] = rand::random();
    let count = 65_536 + i64::from(chance[8]) * 736;
    let s2k = S2k { mode: 3, digest: 2, salt: chance.get(..8).unwrap_or_default().to_vec(), count: coded_count(count) };
    let mut options = Options {
        cipher: 7,
        hashed: true,
        session_key: false,
        s2k,
        s2k_cipher: None,
        compress: 0,
        crlf: false,
        unicode: false,
        expected: Vec::new(),
    };
    if args.len() < 3 {
        return Ok(options);
    }
    let text = args.text(2)?.to_ascii_lowercase();
    if text.is_empty() {
        return Ok(options);
    }
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n');
    for pair in text.strip_suffix(',').unwrap_or(&text).split(',') {
        let (key, value) = pair.split_once('=').ok_or_else(illegal)?;
        let (key, value) = (key.trim_matches(blank), value.trim_matches(blank));
        if key.is_empty()
            || value.is_empty()
            || [key, value].iter().any(|word| word.contains(blank) || word.contains('='))
        {
            return Err(illegal());
        }
        options.set(key, value, decrypting)?;
    }
    Ok(options)
}

impl Options {
    fn set(&mut self, key: &str, value: &str, decrypting: bool) -> Result<()> {
        match key {
            "cipher-algo" => self.cipher = cipher_code(value)?,
            "disable-mdc" => self.hashed = number(value) == 0,
            "sess-key" => self.session_key = number(value) != 0,
            "s2k-mode" => match number(value) {
                mode @ (0 | 1 | 3) => self.s2k.mode = mode as u8,
                _ => return Err(illegal()),
            },
            "s2k-count" => match number(value) {
                count @ 1024..=65_011_712 if self.s2k.mode == 3 => self.s2k.count = coded_count(count),
                _ => return Err(illegal()),
            },
            "s2k-digest-algo" => self.s2k.digest = digest_code(value)?,
            "s2k-cipher-algo" => self.s2k_cipher = Some(cipher_code(value)?),
            "compress-algo" => match number(value) {
                algorithm @ 0..=3 => self.compress = algorithm,
                _ => return Err(illegal()),
            },
            "compress-level" => match number(value) {
                0..=9 => {}
                _ => return Err(illegal()),
            },
            "convert-crlf" => self.crlf = number(value) != 0,
            "unicode-mode" => self.unicode = number(value) != 0,
            "debug" if decrypting => {}
            "expect-cipher-algo" | "expect-s2k-cipher-algo" if decrypting => {
                self.expected.push((key.to_owned(), cipher_code(value).map_or(-1, i64::from)));
            }
            "expect-s2k-digest-algo" if decrypting => {
                self.expected.push((key.to_owned(), digest_code(value).map_or(-1, i64::from)));
            }
            "expect-disable-mdc"
            | "expect-sess-key"
            | "expect-s2k-mode"
            | "expect-s2k-count"
            | "expect-compress-algo"
            | "expect-unicode-mode"
                if decrypting =>
            {
                self.expected.push((key.to_owned(), number(value)));
            }
            _ => return Err(illegal()),
        }
        Ok(())
    }
}

fn digest(code: u8, parts: &[&[u8]]) -> Result<Vec<u8>> {
    fn of<D: Digest>(parts: &[&[u8]]) -> Result<Vec<u8>> {
        let mut hash = D::new();
        for piece in parts.iter().flat_map(|part| part.chunks(1 << 16)) {
            limits::work(piece.len())?;
            hash.update(piece);
        }
        Ok(hash.finalize().to_vec())
    }
    match code {
        1 => of::<md5::Md5>(parts),
        2 => of::<sha1::Sha1>(parts),
        8 => of::<sha2::Sha256>(parts),
        9 => of::<sha2::Sha384>(parts),
        10 => of::<sha2::Sha512>(parts),
        _ => Err(failed("Unsupported digest algorithm")),
    }
}

impl S2k {
    /// The key that the password gives.
    fn key(&self, password: &[u8], size: usize) -> Result<Vec<u8>> {
        let salt: &[u8] = if self.mode == 0 { &[] } else { &self.salt };
        let mut unit = [salt, password].concat();
        let count = if self.mode == 3 { decoded_count(self.count).max(unit.len()) } else { unit.len() };
        let times = ((1 << 16) / unit.len().max(1)).clamp(1, count.div_ceil(unit.len().max(1)).max(1));
        memory::room(unit.len(), unit.len().saturating_mul(times))?;
        unit = unit.repeat(times);
        // The password again and again, until there are so many bytes.
        let whole = count / unit.len().max(1);
        let left = unit.get(..count - whole * unit.len()).unwrap_or_default();
        let mut key = Vec::with_capacity(size);
        let mut round = 0;
        while key.len() < size {
            let zeros = vec![0; round];
            let mut parts: Vec<&[u8]> = vec![&zeros];
            parts.extend(std::iter::repeat_n(unit.as_slice(), whole));
            parts.push(left);
            key.extend(digest(self.digest, &parts)?);
            round += 1;
        }
        key.truncate(size);
        Ok(key)
    }
}

/// Encrypts a block in place.
type Block = dyn Fn(&mut [u8]);

/// A block cipher under its key.
struct Blocks {
    size: usize,
    encrypt: Box<Block>,
}

fn blocks(code: u8, key: &[u8]) -> Result<Blocks> {
    fn of<C: KeyInit + BlockEncrypt + 'static>(key: &[u8]) -> Result<Blocks> {
        let cipher = C::new_from_slice(key).map_err(|_| failed("Cipher cannot be initialized"))?;
        Ok(Blocks {
            size: C::block_size(),
            encrypt: Box::new(move |block| cipher.encrypt_block(GenericArray::from_mut_slice(block))),
        })
    }
    match code {
        2 => of::<des::TdesEde3>(key),
        3 => Err(failed("Cipher cannot be initialized")),
        // PostgreSQL 15 over OpenSSL 3 gives it another key than OpenPGP says: nobody but itself reads that.
        4 => Err(Error::unsupported("OpenPGP encryption with Blowfish")),
        7 => of::<aes::Aes128>(key),
        8 => of::<aes::Aes192>(key),
        9 => of::<aes::Aes256>(key),
        _ => Err(failed("Unsupported cipher algorithm")),
    }
}

impl Blocks {
    /// Cipher feedback, from a vector on.
    fn feedback(&self, data: &mut [u8], mut vector: Vec<u8>, encrypt: bool) -> Result<()> {
        for piece in data.chunks_mut(self.size) {
            limits::work(piece.len() * 4)?;
            (self.encrypt)(&mut vector);
            for (byte, mask) in piece.iter_mut().zip(&mut vector) {
                let given = *byte;
                *byte ^= *mask;
                *mask = if encrypt { *byte } else { given };
            }
        }
        Ok(())
    }

    /// A message, which begins with a block of chance and its last two bytes again. Without a hash the feedback begins anew
    /// behind these.
    fn message(&self, data: &mut [u8], hashed: bool, encrypt: bool) -> Result<()> {
        let zeros = vec![0; self.size];
        if hashed {
            return self.feedback(data, zeros, encrypt);
        }
        let (prefix, rest) = data.split_at_mut_checked(self.size + 2).ok_or_else(corrupt)?;
        let before = prefix.to_vec();
        self.feedback(prefix, zeros, encrypt)?;
        let encrypted = if encrypt { prefix.to_vec() } else { before };
        self.feedback(rest, encrypted.get(2..).unwrap_or_default().to_vec(), encrypt)
    }
}

fn packet(tag: u8, body: &[u8], out: &mut Vec<u8>) -> Result<()> {
    memory::room(out.len(), body.len() + 6)?;
    out.push(0xc0 | tag);
    match body.len() {
        length @ 0..=191 => out.push(length as u8),
        length @ 192..=8383 => {
            let length = length - 192;
            out.extend([(length >> 8) as u8 + 192, length as u8]);
        }
        length => {
            out.push(255);
            let length = u32::try_from(length).map_err(|_| failed("pgcrypto bug"))?;
            out.extend(length.to_be_bytes());
        }
    }
    out.extend_from_slice(body);
    Ok(())
}

/// The first packet, and what is behind it.
fn next_packet(data: &[u8]) -> Result<(u8, Vec<u8>, &[u8])> {
    let (first, mut rest) = data.split_first().ok_or_else(corrupt)?;
    let mut take = |count: usize| -> Result<&[u8]> {
        let (taken, left) = rest.split_at_checked(count).ok_or_else(corrupt)?;
        rest = left;
        Ok(taken)
    };
    let long = |bytes: &[u8]| bytes.iter().fold(0usize, |number, byte| number << 8 | usize::from(*byte));
    if first & 0x80 == 0 {
        return Err(corrupt());
    }
    if first & 0x40 == 0 {
        let tag = first >> 2 & 15;
        let body = match first & 3 {
            3 => std::mem::take(&mut rest).to_vec(),
            size => {
                let length = long(take(1 << size)?);
                take(length)?.to_vec()
            }
        };
        return Ok((tag, body, rest));
    }
    let (tag, mut body) = (first & 0x3f, Vec::new());
    loop {
        let first = long(take(1)?);
        let (length, partial) = match first {
            0..=191 => (first, false),
            192..=223 => (((first - 192) << 8) + long(take(1)?) + 192, false),
            255 => (long(take(4)?), false),
            _ => (1 << (first & 31), true),
        };
        let piece = take(length)?;
        memory::room(body.len(), piece.len())?;
        body.extend_from_slice(piece);
        if !partial {
            return Ok((tag, body, rest));
        }
    }
}

/// (data, password [, options])
fn encrypt(args: &Args<'_>, text: bool) -> Result<Output> {
    let options = options(args, false)?;
    let password = args.text(1)?;
    if options.compress != 0 {
        return Err(Error::unsupported("compressing what OpenPGP encrypts"));
    }
    let data = if text { args.text(0)?.as_bytes().to_vec() } else { args.bytes(0)?.into_owned() };
    memory::room(data.len(), data.len().saturating_mul(4))?;
    let data = match options.crlf && text {
        true => String::from_utf8_lossy(&data).replace('\n', "\r\n").into_bytes(),
        false => data,
    };
    let size = key_size(options.cipher)?;
    let s2k_cipher = options.s2k_cipher.filter(|_| options.session_key).unwrap_or(options.cipher);
    let password_key = options.s2k.key(password.as_bytes(), key_size(s2k_cipher)?)?;
    let mut head = vec![4, s2k_cipher, options.s2k.mode, options.s2k.digest];
    if options.s2k.mode != 0 {
        head.extend(&options.s2k.salt);
    }
    if options.s2k.mode == 3 {
        head.push(options.s2k.count);
    }
    let key = match options.session_key {
        false => password_key,
        true => {
            let mut key = vec![0; size];
            rand::Rng::fill(&mut rand::rng(), key.as_mut_slice());
            let mut sealed = [&[options.cipher], key.as_slice()].concat();
            let by = blocks(s2k_cipher, &password_key)?;
            by.feedback(&mut sealed, vec![0; by.size], true)?;
            head.extend(sealed);
            key
        }
    };
    let by = blocks(options.cipher, &key)?;
    let mut message = vec![0; by.size];
    rand::Rng::fill(&mut rand::rng(), message.as_mut_slice());
    message.extend_from_within(by.size - 2..);
    let kind = match (text, options.unicode) {
        (true, true) => b'u',
        (true, false) => b't',
        (false, _) => b'b',
    };
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let seconds = (since.as_secs() as u32).to_be_bytes();
    packet(LITERAL, &[&[kind, 0], seconds.as_slice(), &data].concat(), &mut message)?;
    if options.hashed {
        message.extend([0xc0 | HASH, 20]);
        let hash = digest(2, &[&message])?;
        message.extend(hash);
    }
    by.message(&mut message, options.hashed, true)?;
    let mut out = Vec::new();
    packet(SESSION_KEY, &head, &mut out)?;
    match options.hashed {
        true => {
            message.insert(0, 1);
            packet(ENCRYPTED_AND_HASHED, &message, &mut out)?;
        }
        false => packet(ENCRYPTED, &message, &mut out)?,
    }
    Ok(out.into())
}

/// What a message turned out to be.
#[derive(Default)]
struct Found {
    key: Option<(u8, Vec<u8>)>,
    facts: Vec<(&'static str, i64)>,
}

impl Found {
    /// The packet with the session's key, or how the password becomes it.
    fn session_key(&mut self, body: &[u8], password: &[u8]) -> Result<()> {
        let [4, s2k_cipher, mode, digest, rest @ ..] = body else { return Err(corrupt()) };
        let salted = match mode {
            0 => 0,
            1 | 3 => 8,
            _ => return Err(failed("Bad S2K mode")),
        };
        let (salt, rest) = rest.split_at_checked(salted).ok_or_else(corrupt)?;
        let (count, rest) = match mode {
            3 => rest.split_first().ok_or_else(corrupt)?,
            _ => (&0, rest),
        };
        let s2k = S2k { mode: *mode, digest: *digest, salt: salt.to_vec(), count: *count };
        let key = s2k.key(password, key_size(*s2k_cipher)?)?;
        let mut opened = rest.to_vec();
        let (cipher, key) = match rest.is_empty() {
            true => (*s2k_cipher, key),
            false => {
                let by = blocks(*s2k_cipher, &key)?;
                by.feedback(&mut opened, vec![0; by.size], false)?;
                let (cipher, key) = opened.split_first().ok_or_else(corrupt)?;
                match key_size(*cipher) {
                    Ok(size) if size == key.len() => (*cipher, key.to_vec()),
                    _ => return Err(corrupt()),
                }
            }
        };
        self.facts = vec![
            ("expect-cipher-algo", i64::from(cipher)),
            ("expect-s2k-mode", i64::from(*mode)),
            ("expect-s2k-digest-algo", i64::from(*digest)),
            ("expect-s2k-cipher-algo", i64::from(*s2k_cipher)),
            ("expect-sess-key", i64::from(!rest.is_empty())),
        ];
        if *mode == 3 {
            self.facts.push(("expect-s2k-count", decoded_count(*count) as i64));
        }
        self.key = Some((cipher, key));
        Ok(())
    }

    /// The literal packet of an encrypted one: its kind and its data.
    fn literal(&mut self, tag: u8, body: &[u8]) -> Result<(u8, Vec<u8>)> {
        let hashed = tag == ENCRYPTED_AND_HASHED;
        let body = match (hashed, body.split_first()) {
            (false, _) => body,
            (true, Some((1, body))) => body,
            _ => return Err(corrupt()),
        };
        let (cipher, key) = self.key.as_ref().ok_or_else(corrupt)?;
        let by = blocks(*cipher, key)?;
        let mut message = body.to_vec();
        by.message(&mut message, hashed, false)?;
        let (prefix, mut content) = message.split_at_checked(by.size + 2).ok_or_else(corrupt)?;
        let (block, again) = prefix.split_at(by.size);
        if !block.ends_with(again) {
            return Err(corrupt());
        }
        if hashed {
            let (over, hash) = message.split_last_chunk::<20>().ok_or_else(corrupt)?;
            if !over.ends_with(&[0xc0 | HASH, 20]) || digest(2, &[over])? != hash {
                return Err(corrupt());
            }
            content = content.get(..content.len().saturating_sub(22)).unwrap_or_default();
        }
        self.facts.push(("expect-disable-mdc", i64::from(!hashed)));
        self.facts.push(("expect-compress-algo", 0));
        let mut inner = next_packet(content)?;
        if let (COMPRESSED, body) = (inner.0, inner.1.clone()) {
            match body.split_first() {
                Some((0, rest)) => {
                    let (tag, body, _) = next_packet(rest)?;
                    inner = (tag, body, &[]);
                }
                _ => return Err(Error::unsupported("decompressing what OpenPGP encrypted")),
            }
        }
        let (LITERAL, [kind, length, rest @ ..]) = (inner.0, inner.1.as_slice()) else { return Err(corrupt()) };
        let data = rest.get(usize::from(*length) + 4..).ok_or_else(corrupt)?.to_vec();
        self.facts.push(("expect-unicode-mode", i64::from(*kind == b'u')));
        Ok((*kind, data))
    }
}

fn decrypt(args: &Args<'_>, text: bool) -> Result<Output> {
    let options = options(args, true)?;
    let (data, password) = (args.bytes(0)?, args.text(1)?);
    memory::room(data.len(), data.len().saturating_mul(4))?;
    let mut found = Found::default();
    let mut rest: &[u8] = &data;
    loop {
        let (tag, body, after) = next_packet(rest)?;
        rest = after;
        match tag {
            MARKER => {}
            SESSION_KEY => found.session_key(&body, password.as_bytes())?,
            ENCRYPTED | ENCRYPTED_AND_HASHED => {
                let (kind, data) = found.literal(tag, &body)?;
                let differs = |(name, wanted): &&(String, i64)| {
                    found.facts.iter().any(|(known, value)| known == name && value != wanted)
                };
                if let Some((name, _)) = options.expected.iter().find(differs) {
                    return Err(Error::unsupported(format!("a notice for {name}")));
                }
                return shown(kind, data, text, options.crlf);
            }
            _ => return Err(corrupt()),
        }
    }
}

fn shown(kind: u8, data: Vec<u8>, text: bool, crlf: bool) -> Result<Output> {
    let is_text = matches!(kind, b't' | b'u');
    if text && !is_text {
        return Err(failed("Not text data"));
    }
    if !text {
        return Ok(data.into());
    }
    let text = crate::types::encoding::utf8(&data)?;
    Ok(match crlf {
        true => text.replace("\r\n", "\n"),
        false => text.to_owned(),
    }
    .into())
}
