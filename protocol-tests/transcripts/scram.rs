//! The client's side of md5 and SCRAM-SHA-256 authentication (sasl-authentication.html, RFC 5802).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

const NONCE: &str = "cGdzZXJ2ZXIgdHJhbnNjcmlwdHM";

pub struct Scram {
    pub server_first: String,
    client_final: String,
    server_key: Vec<u8>,
}

impl Scram {
    /// The conversation and its SASLInitialResponse.
    pub fn first() -> (Scram, Vec<u8>) {
        let first = format!("n,,n=,r={NONCE}");
        let mut message = b"SCRAM-SHA-256\0".to_vec();
        message.extend((first.len() as u32).to_be_bytes());
        message.extend(first.as_bytes());
        (Scram { server_first: String::new(), client_final: String::new(), server_key: Vec::new() }, message)
    }

    fn attribute(&self, name: &str) -> Result<&str, String> {
        let found = self.server_first.split(',').find_map(|part| part.strip_prefix(name));
        found.ok_or_else(|| format!("no {name} in {}", self.server_first))
    }

    fn auth_message(&self) -> String {
        format!("n=,r={NONCE},{},{}", self.server_first, self.client_final)
    }

    /// client-final-message with its proof.
    pub fn last(&mut self, password: &[u8]) -> Result<String, String> {
        let nonce = self.attribute("r=")?.to_string();
        if !nonce.starts_with(NONCE) {
            return Err("the server's nonce does not extend ours".into());
        }
        let salt = BASE64.decode(self.attribute("s=")?).map_err(|e| e.to_string())?;
        let iterations = self.attribute("i=")?.parse::<u32>().map_err(|e| e.to_string())?;
        let mut salted = [0; 32];
        pbkdf2::pbkdf2::<Hmac<Sha256>>(password, &salt, iterations, &mut salted).map_err(|e| e.to_string())?;
        let client_key = hmac(&salted, b"Client Key");
        self.server_key = hmac(&salted, b"Server Key");
        self.client_final = format!("c=biws,r={nonce}");
        let signature = hmac(&Sha256::digest(&client_key), self.auth_message().as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        Ok(format!("{},p={}", self.client_final, BASE64.encode(proof)))
    }

    /// Whether the server knows the password too.
    pub fn verify(&self, server_final: &[u8]) -> bool {
        let signature = hmac(&self.server_key, self.auth_message().as_bytes());
        server_final == format!("v={}", BASE64.encode(signature)).as_bytes()
    }
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }
        Err(_) => Vec::new(),
    }
}

/// The text of an md5 password message.
pub fn md5_answer(user: &str, password: &[u8], salt: [u8; 4]) -> String {
    let inner = hex(&md5::Md5::digest([password, user.as_bytes()].concat()));
    format!("md5{}\0", hex(&md5::Md5::digest([inner.as_bytes(), &salt].concat()))).trim_end_matches('\0').to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
