//! Who a client is: trust, password, md5, SCRAM-SHA-256.
//!
//! Owns: [`Authentication`], [`AuthMethod`]. Wrong user and wrong password are told apart by nobody: the same
//! exchange, the same error, the same delay. Specification: auth-methods.html, protocol-flow.html.

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::error::{Error, SqlState};
use crate::net::failed_logins::FailedLogins;
use crate::net::scram::{Exchange, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, Verifier};
use crate::protocol::backend;
use crate::protocol::codec::{Cursor, MAX_PASSWORD, MAX_SASL};
use crate::protocol::conn::FramedConn;

/// How long a refused client waits for its answer; guessing is then slow, at no cost to others.
const FAILURE_DELAY: Duration = Duration::from_millis(500);

/// How clients prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    Trust,
    /// In clear text: for use over TLS.
    Password,
    Md5,
    ScramSha256,
}

/// The one user a server knows, and what is kept of the password.
#[derive(Debug)]
pub struct Authentication {
    method: AuthMethod,
    user: String,
    verifier: Option<Verifier>,
    /// md5(password + user) in hex; only for the md5 method, which cannot do with less.
    md5: Option<String>,
    /// Makes the salts of users that do not exist.
    secret: [u8; 32],
    failed: FailedLogins,
    /// Passwords that are hashed at a time.
    hashing: Semaphore,
}

/// Hashing a password takes milliseconds of a processor: so many at a time, on threads that no session needs.
const HASHING: usize = 2;

/// What is known of a client before it is asked.
#[derive(Clone, Copy, Debug)]
pub struct ClientFacts<'c> {
    /// The server certificate's, on an encrypted connection.
    pub certificate_hash: Option<&'c [u8]>,
    /// Its own certificate is the user's, if it has to be.
    pub certified: bool,
    pub address: IpAddr,
}

/// Why there is no session.
pub enum AuthError {
    /// The client is told.
    Refused(Error),
    /// The client is gone.
    Io(io::Error),
}

impl From<io::Error> for AuthError {
    fn from(error: io::Error) -> Self {
        AuthError::Io(error)
    }
}

impl From<Error> for AuthError {
    fn from(error: Error) -> Self {
        AuthError::Refused(error)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl Authentication {
    /// For one user. `password` may be plain or PostgreSQL's stored SCRAM form; with md5 it must be plain.
    pub fn new(method: AuthMethod, user: &str, password: Option<&str>) -> Result<Self, String> {
        let stored = password.and_then(Verifier::parse);
        if stored.is_some() && method == AuthMethod::Md5 {
            return Err("auth = md5 needs the plain password, not a SCRAM verifier".to_owned());
        }
        if password.is_none() && method != AuthMethod::Trust {
            return Err("this auth method needs a password".to_owned());
        }
        let md5 = match (method, password) {
            (AuthMethod::Md5, Some(password)) => Some(hex(&Md5::digest(format!("{password}{user}")))),
            _ => None,
        };
        let verifier = stored.or_else(|| password.map(Verifier::new));
        Ok(Authentication {
            method,
            user: user.to_owned(),
            verifier,
            md5,
            secret: rand::random(),
            failed: FailedLogins::default(),
            hashing: Semaphore::new(HASHING),
        })
    }

    /// Runs the exchange. On success AuthenticationOk waits in the output buffer.
    pub async fn authenticate(
        &self,
        conn: &mut FramedConn,
        user: &str,
        client: &ClientFacts<'_>,
    ) -> Result<(), AuthError> {
        let address = client.address;
        let accepted = match self.method {
            AuthMethod::Trust if user == self.user && !client.certified => {
                let message = format!("\"trust\" authentication failed for user \"{user}\"");
                return Err(Error::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message).into());
            }
            AuthMethod::Trust if user == self.user => true,
            AuthMethod::Trust => {
                let message = format!("role \"{user}\" does not exist");
                return Err(Error::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message).into());
            }
            AuthMethod::Password => self.password(conn, user, address).await?,
            AuthMethod::Md5 => self.md5(conn, user, address).await?,
            AuthMethod::ScramSha256 => self.scram(conn, user, client).await?,
        };
        if !accepted || !client.certified {
            // What the exchange has said already stays unsaid.
            conn.out().clear();
            self.failed.failed(address, Instant::now());
            tokio::time::sleep(FAILURE_DELAY).await;
            let message = format!("password authentication failed for user \"{user}\"");
            return Err(Error::fatal(SqlState::INVALID_PASSWORD, message).into());
        }
        self.failed.succeeded(address);
        backend::authentication_ok(conn.out());
        Ok(())
    }

    /// Waits before an answer from an address that has given wrong ones is looked at.
    async fn slow_down(&self, address: IpAddr) {
        let delay = self.failed.delay(address, Instant::now());
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }

    /// What the user's answer is checked against; for a user that does not exist, something that nothing fits.
    fn verifier(&self, user: &str) -> Result<Verifier, Error> {
        let real = self.verifier.as_ref().ok_or_else(|| fatal(Error::internal("no password is set")))?;
        Ok(if user == self.user { real.clone() } else { Verifier::mock(real, user, &self.secret) })
    }

    async fn password(&self, conn: &mut FramedConn, user: &str, address: IpAddr) -> Result<bool, AuthError> {
        backend::authentication_password(conn.out());
        let password = password_message(conn).await?;
        self.slow_down(address).await;
        let verifier = self.verifier(user)?;
        let _turn = self.hashing.acquire().await.map_err(Error::internal)?;
        let accepted = tokio::task::spawn_blocking(move || verifier.accepts(&password)).await;
        Ok(accepted.map_err(Error::internal)?)
    }

    async fn md5(&self, conn: &mut FramedConn, user: &str, address: IpAddr) -> Result<bool, AuthError> {
        let salt: [u8; 4] = rand::random();
        backend::authentication_md5(conn.out(), salt);
        let given = password_message(conn).await?;
        self.slow_down(address).await;
        let mock = hex(&self.secret);
        let inner = self.md5.as_deref().filter(|_| user == self.user).unwrap_or(&mock);
        let mut outer = Md5::new();
        outer.update(inner.as_bytes());
        outer.update(salt);
        let expected = format!("md5{}", hex(&outer.finalize()));
        Ok(expected.as_bytes().ct_eq(given.as_bytes()).into())
    }

    async fn scram(&self, conn: &mut FramedConn, user: &str, client: &ClientFacts<'_>) -> Result<bool, AuthError> {
        let (hash, address) = (client.certificate_hash, client.address);
        let mechanisms: &[&str] = if hash.is_some() { &[SCRAM_SHA_256_PLUS, SCRAM_SHA_256] } else { &[SCRAM_SHA_256] };
        backend::authentication_sasl(conn.out(), mechanisms);
        let mut first = Cursor::new(answer(conn, "SASL", MAX_SASL).await?);
        let mechanism = first.text().map_err(fatal)?;
        if !mechanisms.contains(&mechanism.as_str()) {
            let message = "client selected an invalid SASL authentication mechanism";
            return Err(Error::fatal(SqlState::PROTOCOL_VIOLATION, message).into());
        }
        let length = first.u32().map_err(fatal)?;
        let data = first.take(length as usize).map_err(fatal)?;
        let exchange = Exchange::start(self.verifier(user)?, &mechanism, &data, hash)?;
        backend::authentication_sasl_continue(conn.out(), exchange.challenge().as_bytes());
        let response = answer(conn, "SASL", MAX_SASL).await?;
        self.slow_down(address).await;
        match exchange.finish(&response)? {
            Some(signature) => {
                backend::authentication_sasl_final(conn.out(), signature.as_bytes());
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

/// Whatever goes wrong before a session exists ends the connection.
fn fatal(error: Error) -> Error {
    error.with_severity(crate::error::Severity::Fatal)
}

/// Waits for a password, plain or as an md5 hash. An empty one is never right, whatever is stored.
async fn password_message(conn: &mut FramedConn) -> Result<String, AuthError> {
    let password = Cursor::new(answer(conn, "password", MAX_PASSWORD).await?).text().map_err(fatal)?;
    if password.is_empty() {
        return Err(Error::fatal(SqlState::INVALID_PASSWORD, "empty password returned by client").into());
    }
    Ok(password)
}

/// Flushes the question and waits for the answer; `kind` is what a message of another type is told was expected.
async fn answer(conn: &mut FramedConn, kind: &str, limit: usize) -> Result<bytes::Bytes, AuthError> {
    conn.flush().await?;
    match conn.recv_password(kind, limit).await? {
        Some(answer) => Ok(answer?),
        None => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
    }
}
