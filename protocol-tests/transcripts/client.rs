//! One connection of a transcript: sends what the lines say, reads what is owed, prints it.
//!
//! When to stop reading needs no directive. Every Query and every Sync owes exactly one ReadyForQuery; CopyInResponse
//! ends an exchange that sends no CopyDone or CopyFail; what owes nothing is read until the line stays silent.

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::backend::{self, Body};
use super::frontend::{self, Args, Owed};
use super::scram::Scram;
use super::script::{Auth, Token, tokenize};

/// How long a line must stay silent to count as finished.
const SILENCE: Duration = Duration::from_millis(200);
/// How long something owed may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A backend's process id and secret, for CancelRequest.
pub type CancelKey = ([u8; 4], Vec<u8>);

pub struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    owed: VecDeque<Owed>,
    portals: HashMap<String, Vec<i16>>,
    pub cancel_key: Option<CancelKey>,
    user: String,
    salt: [u8; 4],
    scram: Option<Scram>,
    in_copy: bool,
    binary_copy: bool,
    closed: bool,
}

/// What one exchange asks of a connection beside messages.
#[derive(Default)]
struct Asked {
    later: bool,
    disconnect: bool,
}

impl Client {
    pub fn connect(addr: SocketAddr) -> Result<Client, String> {
        let stream = TcpStream::connect(addr).map_err(|e| format!("connect to {addr}: {e}"))?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        Ok(Client {
            stream,
            received: Vec::new(),
            owed: VecDeque::new(),
            portals: HashMap::new(),
            cancel_key: None,
            user: String::new(),
            salt: [0; 4],
            scram: None,
            in_copy: false,
            binary_copy: false,
            closed: false,
        })
    }

    /// Connects and authenticates without showing it.
    pub fn open(addr: SocketAddr, auth: &Auth, database: &str) -> Result<Client, String> {
        let mut client = Client::connect(addr)?;
        let mut pending = vec![format!("Startup user='{}' database='{database}'", auth.user)];
        while !pending.is_empty() {
            let answers = client.exchange(&pending, None)?;
            pending.clear();
            match answers.last().map(String::as_str) {
                Some("ReadyForQuery I") => return Ok(client),
                Some("AuthenticationCleartextPassword") => pending.push(format!("Password '{}'", auth.password)),
                Some("AuthenticationMD5Password") => pending.push(format!("PasswordMd5 '{}'", auth.password)),
                Some("AuthenticationSASL [SCRAM-SHA-256]") => pending.push("ScramFirst".into()),
                Some("AuthenticationSASLContinue") => pending.push(format!("ScramFinal '{}'", auth.password)),
                _ => return Err(format!("cannot connect to {database}: {answers:?}")),
            }
        }
        Err("unreachable".into())
    }

    /// Sends the lines in one write and returns the answers, printed.
    pub fn exchange(&mut self, lines: &[String], other: Option<&CancelKey>) -> Result<Vec<String>, String> {
        let mut printed = Vec::new();
        if !self.owes() {
            for (tag, body) in self.buffered(Duration::ZERO)? {
                printed.push(format!("(unexpected) {}", backend::show(tag, &body, &[], false)));
            }
        }
        let mut asked = Asked::default();
        let mut out = Vec::new();
        for line in lines {
            let tokens = tokenize(line).map_err(|e| format!("{e} in: {line}"))?;
            self.add(&tokens, other, &mut out, &mut asked).map_err(|e| format!("{e} in: {line}"))?;
        }
        if !out.is_empty() && self.stream.write_all(&out).is_err() {
            self.closed = true;
        }
        if asked.disconnect {
            let _ = self.stream.shutdown(std::net::Shutdown::Both);
            return Ok(printed);
        }
        self.read_answers(&asked, &mut printed)?;
        Ok(printed)
    }

    /// Encodes one line into the write and notes what it owes.
    fn add(
        &mut self,
        tokens: &[Token],
        other: Option<&CancelKey>,
        out: &mut Vec<u8>,
        asked: &mut Asked,
    ) -> Result<(), String> {
        let mut args = Args::new(tokens);
        let name = args.word().ok_or("a line starts with a message's name")?;
        match name.as_str() {
            "Later" => asked.later = true,
            "Await" => {}
            "Disconnect" => asked.disconnect = true,
            "Sleep" => {
                let millis = args.word().and_then(|w| w.parse().ok()).ok_or("Sleep milliseconds")?;
                std::thread::sleep(Duration::from_millis(millis));
            }
            "Cancel" => {
                let (process, secret) = other.ok_or("no connection of that name to cancel")?;
                args.word();
                let secret = match args.pair("secret") {
                    Some(_) => secret.iter().map(|b| b ^ 0x55).collect(),
                    None => secret.clone(),
                };
                out.extend(frontend::cancel(*process, &secret));
            }
            "Startup" => {
                if let Some(Token::Pair(_, user)) =
                    tokens.iter().find(|t| matches!(t, Token::Pair(k, _) if k == "user"))
                {
                    self.user = String::from_utf8_lossy(&frontend::text_of(user)?).into_owned();
                }
                out.extend(frontend::startup(&mut args)?);
                self.owed.push_back(Owed::Startup);
            }
            "PasswordMd5" => {
                let password = args.bytes().ok_or("PasswordMd5 'password'")?;
                let answer = super::scram::md5_answer(&self.user, &password, self.salt);
                out.extend(frontend::frame(b'p', &[answer.as_bytes(), b"\0"].concat()));
                self.owed.push_back(Owed::Startup);
            }
            "ScramFirst" => {
                let (scram, message) = Scram::first();
                self.scram = Some(scram);
                out.extend(frontend::frame(b'p', &message));
                self.owed.push_back(Owed::Startup);
            }
            "ScramFinal" => {
                let password = args.bytes().ok_or("ScramFinal 'password'")?;
                let scram = self.scram.as_mut().ok_or("ScramFinal before ScramFirst")?;
                out.extend(frontend::frame(b'p', scram.last(&password)?.as_bytes()));
                self.owed.push_back(Owed::Startup);
            }
            "Bind" => {
                let (bytes, portal, formats) = frontend::bind(&mut args)?;
                self.portals.insert(portal, formats);
                out.extend(bytes);
            }
            "Execute" => {
                let (bytes, portal) = frontend::execute(&mut args)?;
                let formats = self.portals.get(&portal).cloned().unwrap_or_default();
                self.owed.push_back(Owed::Execute(formats));
                out.extend(bytes);
            }
            _ => {
                let bytes = frontend::encode(&name, &mut args)?.ok_or_else(|| format!("unknown message {name}"))?;
                out.extend(bytes);
                match name.as_str() {
                    "Query" | "FunctionCall" => self.owed.push_back(Owed::Query),
                    "Sync" => self.owed.push_back(Owed::Sync),
                    "Password" => self.owed.push_back(Owed::Startup),
                    "SSLRequest" | "GSSENCRequest" => self.owed.push_back(Owed::Encryption),
                    "CopyDone" | "CopyFail" => {
                        self.owed.push_back(Owed::CopyEnd);
                        self.in_copy = false;
                    }
                    _ => {}
                }
            }
        }
        args.end()
    }

    fn owes(&self) -> bool {
        self.owed.iter().any(|owed| matches!(owed, Owed::Startup | Owed::Encryption | Owed::Query | Owed::Sync))
    }

    fn read_answers(&mut self, asked: &Asked, printed: &mut Vec<String>) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        let mut quiet = asked.later || self.in_copy || !self.owes();
        let mut statuses: Vec<String> = Vec::new();
        loop {
            if self.closed {
                printed.append(&mut sorted(&mut statuses));
                printed.push("(closed)".into());
                self.owed.clear();
                return Ok(());
            }
            if self.owed.front() == Some(&Owed::Encryption) && !self.received.is_empty() {
                printed.push(format!("({})", self.received.remove(0) as char));
                self.owed.pop_front();
            }
            if !quiet && (!self.owes() || self.in_copy) {
                quiet = false;
                if self.received.is_empty() {
                    break;
                }
            }
            let wait = if quiet { SILENCE } else { deadline.saturating_duration_since(Instant::now()) };
            let Some((tag, body)) = self.message(wait)? else {
                if self.closed || self.owed.front() == Some(&Owed::Encryption) && !self.received.is_empty() {
                    continue;
                }
                printed.append(&mut sorted(&mut statuses));
                if !quiet {
                    printed.push("(timeout)".into());
                } else if asked.later {
                    printed.push("(waiting)".into());
                }
                return Ok(());
            };
            let line = self.print(tag, &body);
            match tag {
                b'S' => statuses.push(line),
                _ => {
                    printed.append(&mut sorted(&mut statuses));
                    printed.push(line);
                }
            }
            if asked.later && !self.owes() {
                quiet = true;
            }
        }
        printed.append(&mut sorted(&mut statuses));
        Ok(())
    }

    /// Prints a message and settles what it answers.
    fn print(&mut self, tag: u8, body: &[u8]) -> String {
        let formats = match self.owed.front() {
            Some(Owed::Execute(formats)) => formats.clone(),
            _ => Vec::new(),
        };
        let mut line = backend::show(tag, body, &formats, self.binary_copy);
        match tag {
            b'C' | b's' | b'I' => {
                self.in_copy = false;
                if matches!(self.owed.front(), Some(Owed::Execute(_))) {
                    self.owed.pop_front();
                }
                if matches!(self.owed.front(), Some(Owed::CopyEnd)) {
                    self.owed.pop_front();
                }
            }
            b'E' => {
                self.in_copy = false;
                while matches!(self.owed.front(), Some(Owed::Execute(_) | Owed::CopyEnd)) {
                    self.owed.pop_front();
                }
            }
            b'Z' => {
                while let Some(owed) = self.owed.pop_front() {
                    if matches!(owed, Owed::Query | Owed::Sync | Owed::Startup) {
                        break;
                    }
                }
                while self.owed.front() == Some(&Owed::CopyEnd) {
                    self.owed.pop_front();
                }
            }
            b'G' | b'H' => {
                self.binary_copy = body.first() == Some(&1);
                if tag == b'G' {
                    self.start_copy();
                }
            }
            b'K' if body.len() > 4 => {
                self.cancel_key = Some(([body[0], body[1], body[2], body[3]], body[4..].to_vec()));
            }
            b'R' => line = self.authentication(body, line),
            _ => {}
        }
        line
    }

    /// While the server reads a COPY it ignores Sync: those sent behind an Execute of COPY owe nothing.
    fn start_copy(&mut self) {
        let end = self.owed.iter().position(|owed| *owed == Owed::CopyEnd);
        self.in_copy = end.is_none();
        if matches!(self.owed.front(), Some(Owed::Execute(_))) {
            let end = end.unwrap_or(self.owed.len());
            let mut index = 0;
            self.owed.retain(|owed| {
                index += 1;
                *owed != Owed::Sync || index > end
            });
        }
    }

    fn authentication(&mut self, body: &[u8], line: String) -> String {
        let mut reader = Body::new(body);
        let code = reader.i32().unwrap_or(-1);
        let rest = reader.rest();
        if code != 0 && code != 12 {
            self.owed.pop_front();
        }
        match (code, &mut self.scram) {
            (5, _) if rest.len() == 4 => self.salt.copy_from_slice(rest),
            (11, Some(scram)) => scram.server_first = String::from_utf8_lossy(rest).into_owned(),
            (12, Some(scram)) => {
                return format!("{line} {}", if scram.verify(rest) { "(verified)" } else { "(wrong signature)" });
            }
            _ => {}
        }
        line
    }

    /// Whole messages that have arrived or arrive within `wait`.
    pub fn buffered(&mut self, wait: Duration) -> Result<Vec<(u8, Vec<u8>)>, String> {
        let mut out = Vec::new();
        while let Some(message) = self.message(wait)? {
            out.push(message);
        }
        Ok(out)
    }

    /// The next message, or `None` when nothing arrives in time or the connection ends.
    fn message(&mut self, wait: Duration) -> Result<Option<(u8, Vec<u8>)>, String> {
        let deadline = Instant::now() + wait;
        loop {
            if self.owed.front() == Some(&Owed::Encryption) && !self.received.is_empty() {
                return Ok(None);
            }
            if self.received.len() >= 5 {
                let length =
                    u32::from_be_bytes([self.received[1], self.received[2], self.received[3], self.received[4]]);
                let total = length as usize + 1;
                if self.received.len() >= total {
                    let message: Vec<u8> = self.received.drain(..total).collect();
                    return Ok(Some((message[0], message[5..].to_vec())));
                }
            }
            if self.closed {
                return Ok(None);
            }
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.stream.set_read_timeout(Some(left)).map_err(|e| e.to_string())?;
            let mut chunk = [0; 65536];
            match self.stream.read(&mut chunk) {
                Ok(0) => self.closed = true,
                Ok(n) => self.received.extend(&chunk[..n]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if Instant::now() >= deadline {
                        return Ok(None);
                    }
                }
                Err(_) => self.closed = true,
            }
        }
    }

    /// What arrived after the last exchange, and a polite end.
    pub fn finish(mut self) -> Result<Vec<String>, String> {
        let left = self.buffered(Duration::from_millis(5))?;
        let _ = self.stream.write_all(&frontend::frame(b'X', &[]));
        Ok(left.iter().map(|(tag, body)| format!("(unexpected) {}", backend::show(*tag, body, &[], false))).collect())
    }
}

/// The order in which a server reports several parameters means nothing.
fn sorted(statuses: &mut Vec<String>) -> Vec<String> {
    let mut lines = std::mem::take(statuses);
    lines.sort();
    lines
}
