//! Tests the fault proxy itself: what each fault does to a request and its answer, seen from both sides.

mod proxy;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proxy::{Fault, FaultProxy, Seen, seeded};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const REQUEST: &str =
    "PUT /key?a=b HTTP/1.1\r\nHost: store.example\r\nIf-None-Match: *\r\nContent-Length: 5\r\n\r\nhello";
const ANSWER: &str = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";

/// A store that notes what it is sent and answers whole requests with [`ANSWER`].
struct Store {
    address: SocketAddr,
    received: Arc<Mutex<Vec<String>>>,
}

impl Store {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, received) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let noted = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut text = Vec::new();
                while !text.ends_with(b"hello") && stream.read_buf(&mut text).await.is_ok_and(|read| read > 0) {}
                noted.lock().unwrap().push(String::from_utf8(text.clone()).unwrap());
                if text.ends_with(b"hello") {
                    stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
                    stream.write_all(ANSWER.as_bytes()).await.unwrap();
                }
            }
        });
        Store { address, received }
    }

    fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

/// Sends the request and gives all that comes back until the connection ends or a whole answer is there.
async fn send(proxy: SocketAddr) -> String {
    let mut stream = TcpStream::connect(proxy).await.unwrap();
    stream.write_all(REQUEST.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    let whole = |text: &[u8]| text.ends_with(b"0\r\n\r\n") || text.ends_with(b"retry-after: 1\r\n\r\n");
    while !whole(&text) && stream.read_buf(&mut text).await.is_ok_and(|read| read > 0) {}
    String::from_utf8(text).unwrap()
}

/// What the client gets and what the store is sent.
async fn through(fault: Fault) -> (String, Vec<String>) {
    let store = Store::start().await;
    let proxy = FaultProxy::start("127.0.0.1:0".parse().unwrap(), store.address).await.unwrap();
    proxy.next([fault]);
    let answer = send(proxy.address()).await;
    // A request that passes comes after whatever the fault let through.
    assert_eq!(send(proxy.address()).await, ANSWER);
    let mut received = store.received();
    assert_eq!(received.pop().as_deref(), Some(REQUEST));
    (answer, received)
}

#[tokio::test]
async fn a_redirect_names_the_store() {
    let store = Store::start().await;
    let proxy = FaultProxy::start("127.0.0.1:0".parse().unwrap(), store.address).await.unwrap();
    proxy.next([Fault::Redirect]);
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(REQUEST.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") && stream.read_buf(&mut text).await.unwrap() > 0 {}
    let location = format!("\r\nlocation: http://{}/key?a=b\r\n", store.address);
    assert!(String::from_utf8(text).unwrap().contains(&location));
    assert!(store.received().is_empty());
}

#[tokio::test]
async fn each_fault_does_what_it_says() {
    let once = vec![REQUEST.to_owned()];
    let none: Vec<String> = Vec::new();
    let status = |status| format!("HTTP/1.1 {status} Fault\r\ncontent-length: 0\r\nretry-after: 1\r\n\r\n");
    let stripped = vec![REQUEST.replace("If-None-Match: *\r\n", "")];
    let cases = [
        (Fault::None, ANSWER.to_owned(), &once),
        (Fault::Delay(Duration::from_millis(20)), ANSWER.to_owned(), &once),
        (Fault::CutBefore, String::new(), &none),
        (Fault::CutAfter, String::new(), &once),
        (Fault::Duplicate, ANSWER.to_owned(), &vec![REQUEST.to_owned(); 2]),
        (Fault::Truncate, ANSWER[..ANSWER.len() - 1].to_owned(), &once),
        (Fault::Status(429), status(429), &none),
        (Fault::StatusAfter(500), status(500), &once),
        (Fault::StripCondition, ANSWER.to_owned(), &stripped),
    ];
    for (fault, answer, received) in cases {
        assert_eq!(through(fault).await, (answer, received.clone()), "{fault:?}");
    }
}

/// The store may be sent less than the cut allows, since the connection is reset, but never all of it.
#[tokio::test]
async fn a_request_cut_within_is_never_whole() {
    for bytes in [0, 1, 40, REQUEST.len() - 1, REQUEST.len(), REQUEST.len() + 9] {
        let (answer, received) = through(Fault::CutWithin(bytes)).await;
        assert_eq!(answer, "");
        assert!(received.iter().all(|text| REQUEST.starts_with(text) && text.len() < REQUEST.len()), "{received:?}");
    }
}

#[tokio::test]
async fn plans_see_requests_and_figures_count_them() {
    let store = Store::start().await;
    let proxy = FaultProxy::start("127.0.0.1:0".parse().unwrap(), store.address).await.unwrap();
    proxy.set_plan(Box::new(|seen: &Seen<'_>| {
        assert_eq!((seen.method, seen.target), ("PUT", "/key?a=b"));
        if seen.number % 2 == 1 { Fault::Status(503) } else { Fault::None }
    }));
    for number in 0..4 {
        let expected = if number % 2 == 1 { "HTTP/1.1 503" } else { "HTTP/1.1 201" };
        assert!(send(proxy.address()).await.starts_with(expected));
    }
    let stats = proxy.stats();
    assert_eq!((stats.requests, stats.faults, stats.writes), (4, 2, 2));
    assert_eq!((stats.bytes_up, stats.bytes_down), (4 * REQUEST.len() as u64, 2 * ANSWER.len() as u64));
}

#[test]
fn seeded_plans_repeat_and_keep_to_their_probabilities() {
    let draw = |seed| {
        let mut plan = seeded(seed, vec![(Fault::CutBefore, 0.1), (Fault::CutAfter, 0.2)]);
        let seen = Seen { number: 0, method: "GET", target: "/" };
        (0..10_000).map(|_| plan(&seen)).collect::<Vec<_>>()
    };
    let faults = draw(7);
    assert_eq!(faults, draw(7));
    assert_ne!(faults, draw(8));
    let count = |fault| faults.iter().filter(|f| **f == fault).count();
    assert!((800..1200).contains(&count(Fault::CutBefore)) && (1800..2200).contains(&count(Fault::CutAfter)));
}
