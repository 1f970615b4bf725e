//! What is kept of a role's password: a SCRAM-SHA-256 verifier, or the hash of md5 authentication.
//!
//! Owns: [`Verifier`], [`Stored`], their text as pg_authid.rolpassword has it. Pure. Must not know: who authenticates, and
//! how (`net`). Specification: RFC 5802, RFC 7677, catalog-pg-authid.html, crypt.c.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// PostgreSQL's default number of PBKDF2 iterations (SCRAM_DEFAULT_ITERATIONS).
const ITERATIONS: u32 = 4096;

/// The mechanism's name, with which a verifier's text begins.
pub const SCRAM_SHA_256: &str = "SCRAM-SHA-256";

/// A key of SCRAM.
pub type Key = [u8; 32];

/// What is kept of a password: enough to check it, not enough to know it.
#[derive(Clone)]
pub struct Verifier {
    pub iterations: u32,
    pub salt: Vec<u8>,
    pub stored_key: Key,
    pub server_key: Key,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier(…)")
    }
}

/// HMAC-SHA-256.
pub fn hmac(key: &[u8], data: &[u8]) -> Key {
    // An HMAC takes keys of any length.
    let mut mac = match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => return [0; 32],
    };
    mac.update(data);
    mac.finalize().into_bytes().into()
}

/// As every client prepares it (RFC 4013); what has no prepared form is taken as it is, as in PostgreSQL.
fn prepared(password: &str) -> Cow<'_, str> {
    stringprep::saslprep(password).unwrap_or(Cow::Borrowed(password))
}

impl Verifier {
    /// Of a password, with a random salt.
    pub fn new(password: &str) -> Self {
        Self::derive(password, &rand::random::<[u8; 16]>(), ITERATIONS)
    }

    /// Of a password, with that salt.
    pub fn derive(password: &str, salt: &[u8], iterations: u32) -> Self {
        let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(prepared(password).as_bytes(), salt, iterations);
        let stored_key = Sha256::digest(hmac(&salted, b"Client Key")).into();
        Verifier { iterations, salt: salt.to_vec(), stored_key, server_key: hmac(&salted, b"Server Key") }
    }

    /// As PostgreSQL stores it: `SCRAM-SHA-256$4096:salt$StoredKey:ServerKey`. Whoever has it can try passwords at
    /// leisure, so it is kept like one.
    pub fn to_text(&self) -> String {
        let [salt, stored, server] = [&self.salt[..], &self.stored_key, &self.server_key].map(|b| BASE64.encode(b));
        format!("{SCRAM_SHA_256}${}:{salt}${stored}:{server}", self.iterations)
    }

    /// Of nobody: no password fits, and the challenge looks like that of `real`, with as many iterations, a salt as
    /// long and as constant. `secret` is this server's own.
    pub fn mock(real: &Verifier, user: &str, secret: &[u8; 32]) -> Self {
        let blocks = (0..real.salt.len().div_ceil(32)).flat_map(|block| {
            let input = [&(block as u64).to_be_bytes(), user.as_bytes()].concat();
            hmac(secret, &input)
        });
        let salt = blocks.take(real.salt.len()).collect();
        Verifier { iterations: real.iterations, salt, stored_key: rand::random(), server_key: rand::random() }
    }

    /// Reads PostgreSQL's own form: SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>.
    pub fn parse(text: &str) -> Option<Self> {
        let (parameters, keys) = text.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
        let (iterations, salt) = parameters.split_once(':')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        Some(Verifier {
            iterations: iterations.parse().ok().filter(|n| *n > 0)?,
            salt: BASE64.decode(salt).ok()?,
            stored_key: BASE64.decode(stored_key).ok()?.try_into().ok()?,
            server_key: BASE64.decode(server_key).ok()?.try_into().ok()?,
        })
    }

    /// Whether this is the password (for the `password` method, where the client sends it as it is).
    pub fn accepts(&self, password: &str) -> bool {
        let other = Self::derive(password, &self.salt, self.iterations);
        other.stored_key.ct_eq(&self.stored_key).into()
    }
}

/// What pg_authid.rolpassword may be.
#[derive(Clone, Debug)]
pub enum Stored {
    Scram(Verifier),
    /// md5(password + role) in hex.
    Md5(String),
}

impl Stored {
    /// Reads either form; `None` for a password that is still to be hashed.
    pub fn parse(text: &str) -> Option<Self> {
        let hash = text.strip_prefix("md5").filter(|hash| hash.len() == 32);
        match hash.filter(|hash| hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))) {
            Some(hash) => Some(Stored::Md5(hash.to_owned())),
            None => Verifier::parse(text).map(Stored::Scram),
        }
    }

    /// Whether this is the role's password.
    pub fn accepts(&self, role: &str, password: &str) -> bool {
        match self {
            Stored::Scram(verifier) => verifier.accepts(password),
            Stored::Md5(hash) => md5_hash(role, password).as_bytes().ct_eq(hash.as_bytes()).into(),
        }
    }
}

/// md5(password + role) in hex.
pub fn md5_hash(role: &str, password: &str) -> String {
    hex(&Md5::digest(format!("{password}{role}")))
}

/// Bytes in hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ready_hash_is_told_from_a_password() {
        // Recorded: select rolpassword after create role x password 'secret' with password_encryption = md5.
        let stored = Stored::parse("md5ac2b10d9871b8fe9d086b7652279ff79").unwrap();
        assert!(stored.accepts("x", "secret") && !stored.accepts("y", "secret"));
        for plain in ["", "secret", "md5", "md5AC2B10D9871B8FE9D086B7652279FF79", "SCRAM-SHA-256$x"] {
            assert!(Stored::parse(plain).is_none(), "{plain}");
        }
    }

    #[test]
    fn passwords_are_prepared() {
        // RFC 4013, section 3; the last two have no prepared form.
        for (typed, same) in [
            ("I\u{ad}X", "IX"),
            ("user", "user"),
            ("USER", "USER"),
            ("\u{aa}", "a"),
            ("\u{2168}", "IX"),
            ("e\u{301}t\u{e9}", "\u{e9}t\u{e9}"),
            ("\u{7}", "\u{7}"),
            ("\u{627}1", "\u{627}1"),
        ] {
            assert!(Verifier::new(typed).accepts(same), "{typed:?}");
        }
        assert!(!Verifier::new("USER").accepts("user"));
    }

    #[test]
    fn a_user_that_does_not_exist_is_challenged_like_the_one_that_does() {
        for length in [1, 16, 24, 80] {
            let real = Verifier::derive("secret", &vec![7; length], 3);
            let mock = Verifier::mock(&real, "nobody", &[1; 32]);
            assert_eq!((mock.salt.len(), mock.iterations), (length, 3));
            assert_eq!(mock.salt, Verifier::mock(&real, "nobody", &[1; 32]).salt, "the salt must not change");
            assert!(!mock.accepts("secret"));
        }
    }

    #[test]
    fn postgresql_s_stored_form_is_written() {
        let text = Verifier::new("secret").to_text();
        let read = Verifier::parse(&text).unwrap();
        assert!(read.accepts("secret") && !read.accepts("Secret") && read.to_text() == text, "{text}");
    }

    #[test]
    fn postgresql_s_stored_form_is_read() {
        // Recorded from PostgreSQL 15: CREATE ROLE … PASSWORD 'secret'.
        assert!(Verifier::parse("SCRAM-SHA-256$4096:AAAA$AAAA:AAAA").is_none());
        let made = Verifier::new("secret");
        let text = format!(
            "SCRAM-SHA-256${}:{}${}:{}",
            made.iterations,
            BASE64.encode(&made.salt),
            BASE64.encode(made.stored_key),
            BASE64.encode(made.server_key)
        );
        let read = Verifier::parse(&text).unwrap();
        assert!(read.accepts("secret"));
        assert!(!read.accepts("Secret"));
    }
}
