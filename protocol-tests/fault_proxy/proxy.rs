//! A proxy that stands between a client and an HTTP store and breaks what passes through it, as planned.
//!
//! Owns: framing of HTTP/1.1 requests and answers, and the faults. It rewrites nothing but what a fault says, so that
//! signatures stay valid: the Host header goes through as the client sent it. Plain HTTP only. Must not know: S3,
//! Azure, pgserver. Tests use it as a module; `main.rs` beside it tests it, `cli.rs` makes it a program for scripts.

// Each program that includes this module uses its own part of it.
#![allow(dead_code)]

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It passes.
    None,
    /// It waits before it passes.
    Delay(Duration),
    /// The connection ends and the store never hears of it.
    CutBefore,
    /// The store gets the first bytes of it, this many at most and never all; both connections end.
    CutWithin(usize),
    /// The store answers, and the connection ends instead of passing the answer on.
    CutAfter,
    /// The store gets it twice; the client gets the second answer.
    Duplicate,
    /// The client gets the answer without its last byte.
    Truncate,
    /// The client gets this status, and the store never hears of it.
    Status(u16),
    /// The store answers, and the client gets this status instead.
    StatusAfter(u16),
    /// If-None-Match and If-Match are taken out.
    StripCondition,
    /// The client is sent to the store itself (307), which has not heard of the request.
    Redirect,
}

impl Fault {
    /// Every fault, with short delays, by the name it has on a command line.
    pub const NAMED: &[(&str, Fault)] = &[
        ("delay", Fault::Delay(Duration::from_millis(50))),
        ("cut-before", Fault::CutBefore),
        ("cut-within", Fault::CutWithin(40)),
        ("cut-after", Fault::CutAfter),
        ("duplicate", Fault::Duplicate),
        ("truncate", Fault::Truncate),
        ("status-429", Fault::Status(429)),
        ("status-500", Fault::Status(500)),
        ("status-503", Fault::Status(503)),
        ("status-after-500", Fault::StatusAfter(500)),
        ("strip-condition", Fault::StripCondition),
        ("redirect", Fault::Redirect),
    ];
}

/// A request as a plan sees it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// From 0, over all connections.
    pub number: u64,
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
}

/// Decides what happens to each request.
pub type Plan = Box<dyn FnMut(&Seen<'_>) -> Fault + Send>;

/// The faults with their probabilities, the same for the same seed and order of requests.
pub fn seeded(seed: u64, faults: Vec<(Fault, f64)>) -> Plan {
    let mut state = seed;
    Box::new(move |_| {
        let mut left = random(&mut state);
        for (fault, probability) in &faults {
            left -= probability;
            if left < 0.0 {
                return *fault;
            }
        }
        Fault::None
    })
}

/// splitmix64, as a fraction from 0 up to 1.
fn random(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// What has passed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub requests: u64,
    /// Requests that met a fault.
    pub faults: u64,
    /// PUT and POST, by what was sent to the store.
    pub writes: u64,
    /// Bytes of requests, heads included, as the client sent them.
    pub bytes_up: u64,
    /// Bytes of answers, heads included, as the store sent them.
    pub bytes_down: u64,
}

/// A running proxy. Dropping it ends it and all its connections.
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    store: SocketAddr,
    state: Mutex<State>,
}

struct State {
    plan: Plan,
    /// Before the plan, one for each request.
    next: VecDeque<Fault>,
    stats: Stats,
}

impl FaultProxy {
    /// Listens on `listen` (port 0: any) and passes everything to the store.
    pub async fn start(listen: SocketAddr, store: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let state = State { plan: Box::new(|_| Fault::None), next: VecDeque::new(), stats: Stats::default() };
        let shared = Arc::new(Shared { store, state: Mutex::new(state) });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(FaultProxy { address, shared, accepting })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Replaces the plan.
    pub fn set_plan(&self, plan: Plan) {
        self.shared.state().plan = plan;
    }

    /// The next requests meet these, one each, before the plan is asked again.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.state().next.extend(faults);
    }

    pub fn stats(&self) -> Stats {
        self.shared.state().stats
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decide(&self, request: &Message) -> Fault {
        let mut words = request.start_line().split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut state = self.state();
        let number = state.stats.requests;
        state.stats.requests += 1;
        state.stats.bytes_up += request.len() as u64;
        let fault = match state.next.pop_front() {
            Some(fault) => fault,
            None => (state.plan)(&Seen { number, method, target }),
        };
        state.stats.faults += u64::from(fault != Fault::None);
        let reaches = !matches!(fault, Fault::CutBefore | Fault::CutWithin(_) | Fault::Status(_) | Fault::Redirect);
        state.stats.writes += u64::from(reaches && matches!(method, "PUT" | "POST"));
        fault
    }

    /// One request to the store on a connection of its own, and the answer.
    async fn forward(&self, request: &Message) -> io::Result<Message> {
        let mut store = BufReader::new(connect(self.store).await?);
        store.write_all(&request.head).await?;
        store.write_all(&request.body).await?;
        let bodiless = request.start_line().starts_with("HEAD ");
        loop {
            let answer =
                Message::read(&mut store, Kind::Answer { bodiless }).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            // 100 Continue is not the answer.
            if answer.status() >= 200 {
                self.state().stats.bytes_down += answer.len() as u64;
                return Ok(answer);
            }
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task when the proxy ends, which ends the connections too.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        if let Ok((client, _)) = listener.accept().await {
            let shared = Arc::clone(&shared);
            connections.spawn(async move {
                // Whatever goes wrong ends the connection; that is a fault a client must live with, too.
                _ = serve(client, &shared).await;
            });
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Requests of one connection, one after the other, until a fault or either side ends it.
async fn serve(client: TcpStream, shared: &Shared) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = BufReader::new(client);
    while let Some(mut request) = Message::read(&mut client, Kind::Request).await? {
        let answer = match shared.decide(&request) {
            Fault::None => shared.forward(&request).await?,
            Fault::Delay(time) => {
                tokio::time::sleep(time).await;
                shared.forward(&request).await?
            }
            Fault::CutBefore => return Ok(()),
            Fault::CutWithin(bytes) => return cut_within(&request, bytes, shared.store).await,
            Fault::CutAfter => {
                shared.forward(&request).await?;
                return Ok(());
            }
            Fault::Duplicate => {
                shared.forward(&request).await?;
                shared.forward(&request).await?
            }
            Fault::Truncate => {
                let answer = shared.forward(&request).await?;
                let whole = [answer.head, answer.body].concat();
                return client.write_all(&whole[..whole.len() - 1]).await;
            }
            Fault::Status(status) => Message::of_status(status),
            Fault::StatusAfter(status) => {
                shared.forward(&request).await?;
                Message::of_status(status)
            }
            Fault::Redirect => Message::redirect(shared.store, &request),
            Fault::StripCondition => {
                request.strip(&["if-none-match", "if-match"]);
                shared.forward(&request).await?
            }
        };
        client.write_all(&answer.head).await?;
        client.write_all(&answer.body).await?;
        if answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            return Ok(());
        }
    }
    Ok(())
}

/// A connection that is forgotten at once when it is closed: its answer was read, and thousands of them in a minute
/// must not use up the ports.
async fn connect(store: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(store).await?;
    stream.set_nodelay(true)?;
    stream.set_zero_linger()?;
    Ok(stream)
}

/// Gives the store the beginning of a request.
async fn cut_within(request: &Message, bytes: usize, store: SocketAddr) -> io::Result<()> {
    let whole = [&request.head[..], &request.body[..]].concat();
    let mut store = connect(store).await?;
    store.write_all(&whole[..bytes.min(whole.len() - 1)]).await
}

/// A request or an answer as it went over the wire.
struct Message {
    /// With the empty line that ends it.
    head: Vec<u8>,
    /// As framed: chunks stay chunks.
    body: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Kind {
    Request,
    /// `bodiless`: of a HEAD request, whose Content-Length is not about its body.
    Answer {
        bodiless: bool,
    },
}

impl Message {
    /// Reads one; `None`: the connection ended before its first byte.
    async fn read(stream: &mut BufReader<TcpStream>, kind: Kind) -> io::Result<Option<Self>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_until(b'\n', &mut head).await? == 0 {
                return if head.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
        let mut message = Message { head, body: Vec::new() };
        if matches!(kind, Kind::Request) && message.header("expect").is_some() {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let none = matches!(kind, Kind::Answer { bodiless: true }) || matches!(message.status(), 100..200 | 204 | 304);
        if message.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            message.read_chunks(stream).await?;
        } else if let Some(length) = message.header("content-length").and_then(|value| value.parse().ok()) {
            if !none {
                message.read_exact(stream, length).await?;
            }
        } else if matches!(kind, Kind::Answer { .. }) && !none {
            stream.read_to_end(&mut message.body).await?;
        }
        Ok(Some(message))
    }

    async fn read_exact(&mut self, stream: &mut BufReader<TcpStream>, count: usize) -> io::Result<()> {
        let from = self.body.len();
        self.body.resize(from + count, 0);
        stream.read_exact(&mut self.body[from..]).await?;
        Ok(())
    }

    /// Chunks up to the last, which is empty; trailers are not used by stores.
    async fn read_chunks(&mut self, stream: &mut BufReader<TcpStream>) -> io::Result<()> {
        loop {
            let from = self.body.len();
            if stream.read_until(b'\n', &mut self.body).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = String::from_utf8_lossy(&self.body[from..]).into_owned();
            let size = line.trim().split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
            self.read_exact(stream, size + 2).await?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn of_status(status: u16) -> Self {
        let head = format!("HTTP/1.1 {status} Fault\r\ncontent-length: 0\r\nretry-after: 1\r\n\r\n");
        Message { head: head.into_bytes(), body: Vec::new() }
    }

    fn redirect(store: SocketAddr, request: &Message) -> Self {
        let target = request.start_line().split(' ').nth(1).unwrap_or_default();
        let location = format!("location: http://{store}{target}");
        let head = format!("HTTP/1.1 307 Temporary Redirect\r\n{location}\r\ncontent-length: 0\r\n\r\n");
        Message { head: head.into_bytes(), body: Vec::new() }
    }

    fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        std::str::from_utf8(&self.head).unwrap_or_default().split("\r\n")
    }

    fn start_line(&self) -> &str {
        self.lines().next().unwrap_or_default()
    }

    /// Of an answer; 0 of a request.
    fn status(&self) -> u16 {
        let version_and_status = self.start_line().strip_prefix("HTTP/1.1 ");
        version_and_status.and_then(|rest| rest.get(..3)).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let pairs = self.lines().filter_map(|line| line.split_once(':'));
        pairs.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    fn strip(&mut self, names: &[&str]) {
        let named =
            |line: &&str| line.split_once(':').is_some_and(|(n, _)| names.iter().any(|s| n.eq_ignore_ascii_case(s)));
        let kept: Vec<&str> = self.lines().filter(|line| !named(line)).collect();
        self.head = kept.join("\r\n").into_bytes();
    }
}
