//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the server's side.
//!
//! Owns: [`Exchange`], one authentication. Pure. Must not know: sockets, users, how verifiers are kept
//! (`catalog::password`). Specification: RFC 5802, RFC 7677, sasl-authentication.html; auth-scram.c for wording.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::catalog::password::{Key, Verifier, hmac};
use crate::error::{Error, Result, SqlState};

pub const SCRAM_SHA_256_PLUS: &str = "SCRAM-SHA-256-PLUS";

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
    use crate::catalog::password::SCRAM_SHA_256;

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
}
