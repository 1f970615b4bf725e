//! Who a client is: trust, password, md5, SCRAM-SHA-256.
//!
//! Owns: [`Authentication`], [`AuthMethod`]. Wrong user and wrong password are told apart by nobody: the same
//! exchange, the same error, the same delay. Must not know: what a role may do once it is known (`net::admit`).
//! Specification: auth-methods.html, protocol-flow.html.

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::catalog::password::{SCRAM_SHA_256, Stored, Verifier, hex, hmac, md5_hash};
use crate::catalog::roles::Roles;
use crate::engine::context::now;
use crate::error::{Error, SqlState};
use crate::net::failed_logins::FailedLogins;
use crate::net::scram::{Exchange, SCRAM_SHA_256_PLUS};
use crate::protocol::backend;
use crate::protocol::codec::{Cursor, MAX_PASSWORD, MAX_SASL};
use crate::protocol::conn::FramedConn;
use crate::types::datetime::{Stored as _, TimestampTz};

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

/// The user of the configuration, and what is kept of the password; other roles bring their own.
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

impl Authentication {
    /// With one user. `password` may be plain or PostgreSQL's stored SCRAM form; with md5 it must be plain.
    pub fn new(method: AuthMethod, user: &str, password: Option<&str>) -> Result<Self, String> {
        let stored = password.and_then(Verifier::parse);
        if stored.is_some() && method == AuthMethod::Md5 {
            return Err("auth = md5 needs the plain password, not a SCRAM verifier".to_owned());
        }
        if password.is_none() && method != AuthMethod::Trust {
            return Err("this auth method needs a password".to_owned());
        }
        let md5 = match (method, password) {
            (AuthMethod::Md5, Some(password)) => Some(md5_hash(user, password)),
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

    /// Whether that is the user of the configuration, who needs nothing else to log in.
    pub fn is_configured(&self, user: &str) -> bool {
        user == self.user
    }

    /// Runs the exchange. On success AuthenticationOk waits in the output buffer.
    pub async fn authenticate(
        &self,
        conn: &mut FramedConn,
        user: &str,
        client: &ClientFacts<'_>,
        roles: &Roles,
    ) -> Result<(), AuthError> {
        let address = client.address;
        let stored = self.stored(user, roles);
        let accepted = match self.method {
            AuthMethod::Trust if roles.named(user).is_some() && !client.certified => {
                let message = format!("\"trust\" authentication failed for user \"{user}\"");
                return Err(Error::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message).into());
            }
            AuthMethod::Trust if roles.named(user).is_some() => true,
            AuthMethod::Trust => {
                let message = format!("role \"{user}\" does not exist");
                return Err(Error::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message).into());
            }
            AuthMethod::Password => self.password(conn, user, stored, address).await?,
            // As in PostgreSQL, a role with a verifier proves that it knows the password by SCRAM.
            AuthMethod::Md5 if self.is_by_scram(user, stored.as_ref()) => {
                self.scram(conn, user, stored, client).await?
            }
            AuthMethod::Md5 => self.md5(conn, stored, address).await?,
            AuthMethod::ScramSha256 => self.scram(conn, user, stored, client).await?,
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

    /// What is kept of the user's password; nothing if there is no such role, it has none, or it is not valid any more.
    fn stored(&self, user: &str, roles: &Roles) -> Option<Stored> {
        if user == self.user {
            let scram = || self.verifier.clone().map(Stored::Scram);
            return self.md5.clone().map(Stored::Md5).or_else(scram);
        }
        let role = roles.named(user).and_then(|oid| roles.get(oid))?;
        let expired = role.valid_until.as_deref().is_some_and(has_passed);
        role.password.filter(|_| !expired).as_deref().and_then(Stored::parse)
    }

    /// With md5, whether the exchange is SCRAM's: for a role without a password that is as good as chance, but always the
    /// same.
    fn is_by_scram(&self, user: &str, stored: Option<&Stored>) -> bool {
        match stored {
            Some(Stored::Scram(_)) => true,
            Some(Stored::Md5(_)) => false,
            None => hmac(&self.secret, user.as_bytes()).first().is_some_and(|byte| byte & 1 == 1),
        }
    }

    /// What an answer is checked against; without a verifier, something that nothing fits.
    fn verifier(&self, user: &str, stored: Option<Stored>) -> Result<Verifier, Error> {
        if let Some(Stored::Scram(verifier)) = stored {
            return Ok(verifier);
        }
        let like = self.verifier.as_ref().ok_or_else(|| fatal(Error::internal("no password is set")))?;
        Ok(Verifier::mock(like, user, &self.secret))
    }

    async fn password(
        &self,
        conn: &mut FramedConn,
        user: &str,
        stored: Option<Stored>,
        address: IpAddr,
    ) -> Result<bool, AuthError> {
        backend::authentication_password(conn.out());
        let password = password_message(conn).await?;
        self.slow_down(address).await;
        let user = user.to_owned();
        let md5 = match &stored {
            Some(Stored::Md5(_)) => stored.clone(),
            _ => None,
        };
        let verifier = self.verifier(&user, stored)?;
        let _turn = self.hashing.acquire().await.map_err(Error::internal)?;
        let accepted = tokio::task::spawn_blocking(move || {
            // Both, so that it takes as long whatever is kept.
            let by_scram = verifier.accepts(&password);
            by_scram | md5.is_some_and(|md5| md5.accepts(&user, &password))
        });
        Ok(accepted.await.map_err(Error::internal)?)
    }

    async fn md5(&self, conn: &mut FramedConn, stored: Option<Stored>, address: IpAddr) -> Result<bool, AuthError> {
        let salt: [u8; 4] = rand::random();
        backend::authentication_md5(conn.out(), salt);
        let given = password_message(conn).await?;
        self.slow_down(address).await;
        let inner = match stored {
            Some(Stored::Md5(hash)) => hash,
            _ => hex(&rand::random::<[u8; 16]>()),
        };
        let mut outer = Md5::new();
        outer.update(inner.as_bytes());
        outer.update(salt);
        let expected = format!("md5{}", hex(&outer.finalize()));
        Ok(expected.as_bytes().ct_eq(given.as_bytes()).into())
    }

    async fn scram(
        &self,
        conn: &mut FramedConn,
        user: &str,
        stored: Option<Stored>,
        client: &ClientFacts<'_>,
    ) -> Result<bool, AuthError> {
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
        let exchange = Exchange::start(self.verifier(user, stored)?, &mechanism, &data, hash)?;
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

/// Whether a time that was set for a password is over; one that cannot be read is not.
fn has_passed(time: &str) -> bool {
    const EPOCH: i64 = 946_684_800_000_000;
    TimestampTz::from_stored(time).is_ok_and(|until| until.0 < now() - EPOCH)
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
