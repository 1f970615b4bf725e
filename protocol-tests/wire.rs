//! A client made of bare sockets, for tests that need to say when each byte is sent and read.

#![allow(dead_code, reason = "each test uses its own part")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How long an answer may take before it counts as a hang. Far more than any needs.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub fn startup(version: u32, parameters: &[u8]) -> Vec<u8> {
    let mut packet = (parameters.len() as u32 + 8).to_be_bytes().to_vec();
    packet.extend(version.to_be_bytes());
    packet.extend(parameters);
    packet
}

pub fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    lying_frame(tag, body.len() as u32 + 4, body)
}

pub fn lying_frame(tag: u8, length: u32, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![tag];
    frame.extend(length.to_be_bytes());
    frame.extend(body);
    frame
}

/// The next message, `None` at the end of the connection.
pub fn message(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    match stream.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => return None,
        Err(error) => panic!("neither an answer nor an end: {error}"),
    }
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).unwrap();
    Some((head[0], body))
}

/// A field of an ErrorResponse or NoticeResponse.
pub fn error_field(body: &[u8], field: u8) -> String {
    let found = body.split(|b| *b == 0).find_map(|text| text.strip_prefix(&[field]));
    String::from_utf8(found.unwrap_or_default().to_vec()).unwrap()
}

/// What a query was answered.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The values of all rows, as text; NULL is empty.
    pub values: Vec<String>,
    pub tags: Vec<String>,
    /// SQLSTATE and message, each.
    pub errors: Vec<String>,
    /// The transaction's state; `None` if the connection ended.
    pub status: Option<char>,
}

/// A started session.
pub struct Session {
    pub stream: TcpStream,
    pub addr: SocketAddr,
    pub pid: i32,
    secret: [u8; 4],
}

impl Session {
    /// For user and database postgres.
    pub fn open(addr: SocketAddr) -> Session {
        Session::on(connect(addr), addr)
    }

    /// Over a socket of the test's own making.
    pub fn on(mut stream: TcpStream, addr: SocketAddr) -> Session {
        stream.write_all(&startup(0x0003_0000, b"user\0postgres\0database\0postgres\0\0")).unwrap();
        let (mut pid, mut secret) = (0, [0; 4]);
        loop {
            let (tag, body) = message(&mut stream).expect("the server refused a good client");
            match tag {
                b'K' => {
                    pid = i32::from_be_bytes(body[..4].try_into().unwrap());
                    secret = body[4..].try_into().unwrap();
                }
                b'Z' => return Session { stream, addr, pid, secret },
                b'E' => panic!("refused: {}", error_field(&body, b'M')),
                _ => {}
            }
        }
    }

    /// Sends a query and does not wait.
    pub fn send(&mut self, sql: &str) {
        self.stream.write_all(&frame(b'Q', &[sql.as_bytes(), b"\0"].concat())).unwrap();
    }

    /// Reads to ReadyForQuery, CopyInResponse or the end of the connection.
    pub fn answer(&mut self) -> Answer {
        let mut answer = Answer::default();
        while let Some((tag, body)) = message(&mut self.stream) {
            match tag {
                b'D' => answer.values.extend(row(&body)),
                b'C' => answer.tags.push(String::from_utf8(body[..body.len() - 1].to_vec()).unwrap()),
                b'E' => answer.errors.push(format!("{} {}", error_field(&body, b'C'), error_field(&body, b'M'))),
                b'Z' => {
                    answer.status = Some(char::from(body[0]));
                    return answer;
                }
                b'G' => return answer,
                _ => {}
            }
        }
        answer
    }

    /// Sends a query and reads its answer.
    pub fn query(&mut self, sql: &str) -> Answer {
        self.send(sql);
        self.answer()
    }

    /// The one value a query gives.
    pub fn value(&mut self, sql: &str) -> String {
        let mut answer = self.query(sql);
        assert_eq!((answer.values.len(), answer.errors.len()), (1, 0), "{sql}: {answer:?}");
        answer.values.remove(0)
    }

    /// A query that must succeed.
    pub fn run(&mut self, sql: &str) {
        let answer = self.query(sql);
        assert_eq!(answer.errors, Vec::<String>::new(), "{sql}");
    }

    /// Ends the data of a COPY FROM.
    pub fn send_copy_done(&mut self) {
        self.stream.write_all(&frame(b'c', &[])).unwrap();
    }

    /// The notifications that come with a query's answer, each as its channel and payload.
    pub fn notifications(&mut self, sql: &str) -> Vec<String> {
        self.send(sql);
        let mut heard = Vec::new();
        let mut answered = 0;
        // They are told before ReadyForQuery; those that come late are told before the next one.
        while answered < 2 {
            let (tag, body) = message(&mut self.stream).expect("the connection ended");
            match tag {
                b'A' => {
                    let text = String::from_utf8(body[4..].to_vec()).unwrap();
                    heard.push(text.trim_end_matches('\0').replace('\0', " "));
                }
                b'Z' => {
                    answered += 1;
                    if answered < 2 {
                        self.send(sql);
                    }
                }
                _ => {}
            }
        }
        heard
    }

    /// Sends a CancelRequest for what this session runs.
    pub fn cancel(&self) {
        let body = [&80_877_102u32.to_be_bytes()[..], &self.pid.to_be_bytes(), &self.secret].concat();
        let mut stream = connect(self.addr);
        stream.write_all(&[&16u32.to_be_bytes()[..], &body].concat()).unwrap();
        assert_eq!(message(&mut stream), None, "a cancel request is not answered");
    }
}

fn row(body: &[u8]) -> Vec<String> {
    let mut rest = &body[2..];
    let mut values = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
        values.push(String::from_utf8(after[..length].to_vec()).unwrap());
        rest = &after[length..];
    }
    values
}

/// Waits until a session waits for a lock.
pub fn await_waiting(other: &mut Session, pid: i32) {
    let start = Instant::now();
    let waiting = format!("select wait_event_type from pg_stat_activity where pid = {pid}");
    while other.value(&waiting) != "Lock" {
        assert!(start.elapsed() < PATIENCE, "{pid} does not wait");
        thread::sleep(Duration::from_millis(5));
    }
}
