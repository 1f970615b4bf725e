//! `pgserver health`: whether the server of a configuration is well, asked over its own protocol.
//!
//! Owns: [`check`]. Must not know: how the server is made. Blocking: it is a program of its own, for a container's health
//! check, that must not hang.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::net::tls::TlsMode;
use crate::ops::config::Config;

/// For the whole conversation.
const PATIENCE: Duration = Duration::from_secs(5);
/// No answer to what is asked here is longer.
const MAX_MESSAGE: usize = 64 * 1024;

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Says in what way it is well, or what is wrong.
pub fn check(config: &Config) -> Result<&'static str, String> {
    let address = reachable(config.address());
    let mut conversation = Conversation::open(address).map_err(|e| format!("cannot connect to {address}: {e}"))?;
    conversation.ask(config).map_err(|e| format!("{address}: {e}"))
}

/// Where a server that listens everywhere is reached.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

struct Conversation {
    stream: TcpStream,
    deadline: Instant,
}

impl Conversation {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let deadline = Instant::now() + PATIENCE;
        Ok(Conversation { stream: TcpStream::connect_timeout(&address, PATIENCE)?, deadline })
    }

    fn ask(&mut self, config: &Config) -> io::Result<&'static str> {
        if config.net.tls_mode == TlsMode::Require {
            self.send(&SSL_REQUEST)?;
            let mut answer = [0];
            self.read(&mut answer)?;
            return if answer == *b"S" { Ok("it answers, and wants TLS") } else { Err(senseless()) };
        }
        let text =
            format!("user\0{}\0database\0{}\0application_name\0pgserver health\0\0", config.user, config.database);
        let length = (text.len() + 8) as u32;
        self.send(&[&length.to_be_bytes()[..], &[0, 3, 0, 0], text.as_bytes()].concat())?;
        loop {
            match self.message()? {
                (b'R', body) if body.get(..4) != Some(&[0; 4]) => return Ok("it answers, and wants a password"),
                (b'Z', _) => break,
                (b'E', body) => return Err(refused(&body)),
                _ => {}
            }
        }
        self.send(b"Q\0\0\0\x0dSELECT 1\0")?;
        let mut selected = false;
        loop {
            match self.message()? {
                (b'D', body) => selected = body.ends_with(b"1"),
                (b'Z', _) => break,
                (b'E', body) => return Err(refused(&body)),
                _ => {}
            }
        }
        self.send(b"X\0\0\0\x04")?;
        if selected { Ok("it answers SELECT 1") } else { Err(senseless()) }
    }

    fn message(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.read(&mut head)?;
        let [tag, length @ ..] = head;
        let length = (u32::from_be_bytes(length) as usize).checked_sub(4).filter(|length| *length <= MAX_MESSAGE);
        let mut body = vec![0; length.ok_or_else(senseless)?];
        self.read(&mut body)?;
        Ok((tag, body))
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write_all(bytes)
    }

    fn read(&mut self, mut bytes: &mut [u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.stream.set_read_timeout(Some(self.left()?))?;
            match self.stream.read(bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => bytes = bytes.split_at_mut(count).1,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

fn senseless() -> io::Error {
    io::Error::other("that is no PostgreSQL server")
}

/// An ErrorResponse's message.
fn refused(body: &[u8]) -> io::Error {
    let mut fields = body.split(|byte| *byte == 0).filter_map(|field| field.split_first());
    let message = fields.find(|(name, _)| **name == b'M').map(|(_, text)| String::from_utf8_lossy(text).into_owned());
    io::Error::other(message.unwrap_or_else(|| "refused".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A configuration whose server says that to whatever comes, and closes the connection.
    fn server(answers: &'static [&'static [u8]]) -> Config {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = Config { port: listener.local_addr().unwrap().port(), ..Config::default() };
        config.host = Ipv4Addr::UNSPECIFIED.into();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for answer in answers {
                assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
                stream.write_all(answer).unwrap();
            }
        });
        config
    }

    #[test]
    fn is_well() {
        const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
        const ONE: &[u8] = b"T\0\0\0\x06\0\0D\0\0\0\x0b\0\x01\0\0\0\x011Z\0\0\0\x05I";
        assert_eq!(check(&server(&[WELCOME, ONE])), Ok("it answers SELECT 1"));
        assert_eq!(check(&server(&[b"R\0\0\0\x08\0\0\0\x03"])), Ok("it answers, and wants a password"));
        let mut encrypted = server(&[b"S"]);
        encrypted.net.tls_mode = TlsMode::Require;
        assert_eq!(check(&encrypted), Ok("it answers, and wants TLS"));
    }

    #[test]
    fn is_not_well() {
        const FULL: &[u8] = b"E\0\0\0\x12SFATAL\0Mfull\0\0";
        const ANSWERS: &[(&[&[u8]], &str)] = &[
            (&[FULL], "full"),
            (&[b"HTTP/1.1 400 Bad Request\r\n\r\n"], "that is no PostgreSQL server"),
            (&[b"R\0\0"], "unexpected end of file"),
        ];
        for (answers, expected) in ANSWERS {
            let error = check(&server(answers)).unwrap_err();
            assert!(error.ends_with(expected), "{error}");
        }
        let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = check(&Config { port: unused, ..Config::default() }).unwrap_err();
        assert!(error.starts_with(&format!("cannot connect to 127.0.0.1:{unused}: ")), "{error}");
    }
}
