//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the server's side.
//!
//! Owns: [`Verifier`] (what is kept instead of a password) and [`Exchange`] (one authentication). Pure. Must not know:
//! sockets, users. Specification: RFC 5802, RFC 7677, sasl-authentication.html; auth-scram.c for wording.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::{Error, Result, SqlState};

/// PostgreSQL's default number of PBKDF2 iterations (SCRAM_DEFAULT_ITERATIONS).
const ITERATIONS: u32 = 4096;

pub const SCRAM_SHA_256: &str = "SCRAM-SHA-256";
pub const SCRAM_SHA_256_PLUS: &str = "SCRAM-SHA-256-PLUS";

type Key = [u8; 32];

/// What is kept of a password: enough to check it, not enough to know it.
#[derive(Clone)]
pub struct Verifier {
    iterations: u32,
    salt: Vec<u8>,
    stored_key: Key,
    server_key: Key,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier(…)")
    }
}

fn hmac(key: &[u8], data: &[u8]) -> Key {
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

    fn derive(password: &str, salt: &[u8], iterations: u32) -> Self {
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

fn malformed(detail: &str) -> Error {
    Error::fatal(SqlState::PROTOCOL_VIOLATION, "malformed SCRAM message").with_detail(detail)
}

/// One authentication, after the client's first message.
pub struct Exchange {
    verifier: Verifier,
    gs2_header: String,
    channel_binding: Option<Vec<u8>>,
    client_first_bare: String,
    server_first: String,
    nonce: String,
}

impl Exchange {
    /// Reads client-first-message. `certificate_hash` is the channel binding data if the connection is encrypted.
    pub fn start(verifier: Verifier, mechanism: &str, message: &[u8], certificate_hash: Option<&[u8]>) -> Result<Self> {
        Self::start_with_nonce(
            verifier,
            mechanism,
            message,
            certificate_hash,
            &BASE64.encode(rand::random::<[u8; 18]>()),
        )
    }

    fn start_with_nonce(
        verifier: Verifier,
        mechanism: &str,
        message: &[u8],
        certificate_hash: Option<&[u8]>,
        server_nonce: &str,
    ) -> Result<Self> {
        let message = std::str::from_utf8(message).map_err(|_| malformed("The message is not UTF-8."))?;
        let mut parts = message.splitn(3, ',');
        let (flag, authzid, bare) = match (parts.next(), parts.next(), parts.next()) {
            (Some(flag), Some(authzid), Some(bare)) => (flag, authzid, bare),
            _ => return Err(malformed("The message is too short.")),
        };
        let plus = mechanism == SCRAM_SHA_256_PLUS;
        let channel_binding = match flag {
            "n" | "y" if plus => {
                return Err(malformed(
                    "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.",
                ));
            }
            // The client could bind but thinks we cannot: somebody took our offer away.
            "y" if certificate_hash.is_some() => {
                return Err(Error::fatal(
                    SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                    "SCRAM channel binding negotiation error",
                )
                .with_detail("The client supports SCRAM channel binding but thinks the server does not.  However, this server does support channel binding."));
            }
            "n" | "y" => None,
            "p=tls-server-end-point" if plus => Some(certificate_hash.unwrap_or_default().to_vec()),
            _ => return Err(malformed("The client requested an unsupported SCRAM channel-binding type.")),
        };
        if !authzid.is_empty() {
            return Err(Error::fatal(
                SqlState::FEATURE_NOT_SUPPORTED,
                "client uses authorization identity, but it is not supported",
            ));
        }
        if bare.starts_with("m=") {
            let message = "client requires an unsupported SCRAM extension";
            return Err(Error::fatal(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        // n=<user>: ignored as in PostgreSQL, the start-up packet has named the user.
        let client_nonce = bare.split(',').find_map(|a| a.strip_prefix("r=")).filter(|n| !n.is_empty());
        let client_nonce = client_nonce.ok_or_else(|| malformed("The nonce is missing."))?;
        let nonce = format!("{client_nonce}{server_nonce}");
        let server_first = format!("r={nonce},s={},i={}", BASE64.encode(&verifier.salt), verifier.iterations);
        Ok(Exchange {
            verifier,
            gs2_header: format!("{flag},{authzid},"),
            channel_binding,
            client_first_bare: bare.to_owned(),
            server_first,
            nonce,
        })
    }

    /// server-first-message.
    pub fn challenge(&self) -> &str {
        &self.server_first
    }

    /// Checks client-final-message; gives server-final-message, or `None` if the proof is wrong.
    pub fn finish(self, message: &[u8]) -> Result<Option<String>> {
        let message = std::str::from_utf8(message).map_err(|_| malformed("The message is not UTF-8."))?;
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or_else(|| malformed("The proof is missing."))?;
        let mut attributes = without_proof.split(',');
        let binding = attributes.next().and_then(|a| a.strip_prefix("c="));
        let binding = binding.ok_or_else(|| malformed("The channel binding is missing."))?;
        let mut expected = self.gs2_header.clone().into_bytes();
        expected.extend_from_slice(self.channel_binding.as_deref().unwrap_or_default());
        if binding != BASE64.encode(&expected) {
            let message = "SCRAM channel binding check failed";
            return Err(Error::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message));
        }
        if attributes.next().and_then(|a| a.strip_prefix("r=")) != Some(&*self.nonce) {
            return Err(Error::fatal(SqlState::PROTOCOL_VIOLATION, "invalid SCRAM response")
                .with_detail("Nonce does not match."));
        }
        let proof: Key = BASE64
            .decode(proof)
            .ok()
            .and_then(|p| p.try_into().ok())
            .ok_or_else(|| malformed("Malformed proof in client-final-message."))?;
        let auth_message = format!("{},{},{without_proof}", self.client_first_bare, self.server_first);
        let signature = hmac(&self.verifier.stored_key, auth_message.as_bytes());
        let mut client_key = proof;
        client_key.iter_mut().zip(signature).for_each(|(p, s)| *p ^= s);
        let stored_key: Key = Sha256::digest(client_key).into();
        if !bool::from(stored_key.ct_eq(&self.verifier.stored_key)) {
            return Ok(None);
        }
        let server_signature = hmac(&self.verifier.server_key, auth_message.as_bytes());
        Ok(Some(format!("v={}", BASE64.encode(server_signature))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677, section 3.
    #[test]
    fn the_rfc_s_example_authenticates() {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = Verifier::derive("pencil", &salt, 4096);
        let nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let first = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
        let exchange = Exchange::start_with_nonce(verifier, SCRAM_SHA_256, first, None, nonce).unwrap();
        assert_eq!(
            exchange.challenge(),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let last = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        let answer = exchange.finish(last).unwrap();
        assert_eq!(answer.as_deref(), Some("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
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
    fn a_wrong_proof_is_refused_and_a_bad_message_is_an_error() {
        let exchange = || {
            let first = b"n,,n=,r=abc";
            Exchange::start_with_nonce(Verifier::new("right"), SCRAM_SHA_256, first, None, "xyz").unwrap()
        };
        let proof = BASE64.encode([7u8; 32]);
        assert_eq!(exchange().finish(format!("c=biws,r=abcxyz,p={proof}").as_bytes()).unwrap(), None);
        for bad in ["", "c=biws,r=abcxyz", "c=biws,r=other,p=", "c=eSws,r=abcxyz,p=AA=="] {
            assert!(exchange().finish(bad.as_bytes()).is_err(), "{bad}");
        }
        for bad in ["", "n", "x,,r=a", "n,a=bob,r=a", "n,,m=1", "n,,n=bob", "p=tls-unique,,r=a"] {
            let started = Exchange::start(Verifier::new("x"), SCRAM_SHA_256, bad.as_bytes(), None);
            assert!(started.is_err(), "{bad}");
        }
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
