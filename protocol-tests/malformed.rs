//! Clients that send what no client should: each gets an ErrorResponse or the end of its connection, in bounded time and
//! memory, and everybody else goes on being served.

#[path = "server.rs"]
mod server;
#[path = "wire.rs"]
mod wire;

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};

use rlimit::Resource;
use server::Server;
use wire::{Session, connect, error_field, frame, lying_frame, message, startup};

/// What a client is told.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    /// The SQLSTATEs of the ErrorResponses.
    errors: Vec<String>,
    /// How many ReadyForQuery came.
    ready: usize,
}

/// A session that is ready for queries.
fn session(addr: SocketAddr) -> TcpStream {
    Session::open(addr).stream
}

/// Sends bytes, says that there are no more, and reads until the server ends the connection.
fn tell(mut stream: TcpStream, bytes: &[u8]) -> Told {
    // The server may have ended the connection before it has read everything.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut told = Told { errors: Vec::new(), ready: 0 };
    while let Some((tag, body)) = message(&mut stream) {
        match tag {
            b'E' => told.errors.push(error_field(&body, b'C')),
            b'Z' => told.ready += 1,
            _ => {}
        }
    }
    told
}

/// A client like any other is served.
fn assert_serving(addr: SocketAddr, after: &str) {
    let told = tell(session(addr), &frame(b'Q', b"select 1\0"));
    assert_eq!(told, Told { errors: vec![], ready: 1 }, "after {after}");
}

fn start() -> Server {
    Server::start("postgres", "trust", "").unwrap()
}

fn texts(codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

#[test]
fn start_up_packets_that_are_none() {
    let server = start();
    let user = b"user\0postgres\0";
    let cases: &[(&str, Vec<u8>, &[&str])] = &[
        ("nothing", vec![], &[]),
        ("half a length", vec![0, 0], &[]),
        ("length 0", vec![0; 8], &[]),
        ("length 3", vec![0, 0, 0, 3, 0, 0, 0, 0], &[]),
        ("no room for a version", vec![0, 0, 0, 7, 0, 3, 0], &[]),
        ("longer than any", [&10_005u32.to_be_bytes()[..], &[0; 10_001]].concat(), &[]),
        ("two gigabytes", vec![0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0], &[]),
        ("a web browser", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), &[]),
        ("an end in the middle", vec![0, 0, 0, 50, 0, 3, 0, 0, b'u'], &[]),
        ("protocol 4", startup(0x0004_0000, b"user\0postgres\0\0"), &["0A000"]),
        ("no parameters", startup(0x0003_0000, b""), &["08P01"]),
        ("no user", startup(0x0003_0000, b"database\0postgres\0\0"), &["28000"]),
        ("no terminator", startup(0x0003_0000, user), &["08P01"]),
        ("a name without a value", startup(0x0003_0000, b"user\0postgres\0x\0\0"), &["08P01"]),
        ("something behind the end", startup(0x0003_0000, b"user\0postgres\0\0x"), &["08P01"]),
        ("text that is not UTF-8", startup(0x0003_0000, b"user\0\xff\xfe\0\0"), &["08P01"]),
        ("a short cancel request", startup(80_877_102, b"\0\0\0\x01"), &["08P01"]),
        ("a cancel request for nobody", startup(80_877_102, b"\0\0\0\x01\0\0\0\x02"), &[]),
    ];
    for (name, bytes, errors) in cases {
        assert_eq!(tell(connect(server.addr), bytes), Told { errors: texts(errors), ready: 0 }, "{name}");
    }
    assert_serving(server.addr, "start-up packets that are none");
}

#[test]
fn frames_that_break_the_rules() {
    let server = start();
    let synced = |tag, body: &[u8]| [frame(tag, body), frame(b'S', b"")].concat();
    // What is sent, its errors, and how many ReadyForQuery follow.
    let cases: &[(&str, Vec<u8>, &[&str], usize)] = &[
        ("an end in a length", vec![b'Q', 0, 0], &[], 0),
        ("an end in a body", lying_frame(b'Q', 100, b"select 1"), &[], 0),
        ("an unknown type", frame(b'z', b""), &["08P01"], 0),
        ("length 0", lying_frame(b'S', 0, b""), &[], 0),
        ("length 3", lying_frame(b'Q', 3, b""), &[], 0),
        ("a negative length", lying_frame(b'Q', 0xffff_ffff, b"select 1\0"), &[], 0),
        ("a gigabyte", lying_frame(b'Q', 0x4000_0000, b"select 1\0"), &[], 0),
        ("a Sync of a megabyte", lying_frame(b'S', 1 << 20, b""), &[], 0),
        ("a Query without its end", frame(b'Q', b"select 1"), &["08P01"], 1),
        ("a Query that goes on behind it", frame(b'Q', b"select 1\0x"), &["08P01"], 1),
        ("a Query that is not UTF-8", frame(b'Q', b"select '\xff'\0"), &["22021"], 1),
        ("an empty Parse", synced(b'P', b""), &["08P01"], 1),
        ("a Parse with too few types", synced(b'P', b"\0select 1\0\x03\xe8"), &["08P01"], 1),
        ("a Parse with too many", synced(b'P', b"\0select 1\0\0\0x"), &["08P01"], 1),
        ("a Bind with too few values", synced(b'B', b"\0\0\0\0\xff\xff"), &["08P01"], 1),
        ("a Bind of a negative length", synced(b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xfe"), &["08P01"], 1),
        ("a Describe of nothing", synced(b'D', b""), &["08P01"], 1),
        ("a Describe of an unknown kind", synced(b'D', b"X\0"), &["08P01"], 1),
        ("a Close of an unknown kind", synced(b'C', b"X\0"), &["08P01"], 1),
        ("an Execute without a limit", synced(b'E', b"\0\0"), &["08P01"], 1),
        ("a password nobody asked for", frame(b'p', b"secret\0"), &["08P01"], 0),
    ];
    for (name, bytes, errors, ready) in cases {
        let told = tell(session(server.addr), bytes);
        assert_eq!(told, Told { errors: texts(errors), ready: *ready }, "{name}");
    }
    assert_serving(server.addr, "frames that break the rules");
}

/// Whoever has not logged in is refused by the first bytes of what he must not send, however much he announces: nothing of
/// it is collected, and nothing of it is waited for.
#[test]
fn messages_before_authentication() {
    for (method, kind) in [("password", "password"), ("md5", "password"), ("scram-sha-256", "SASL")] {
        let server = Server::start("postgres", method, "secret").unwrap();
        let unexpected = |tag: u8| format!("expected {kind} response, got message type {tag}");
        for (sent, told) in [
            (lying_frame(b'Q', 256 << 20, b""), unexpected(b'Q')),
            (b"Q".to_vec(), unexpected(b'Q')),
            (b"B".to_vec(), unexpected(b'B')),
            (b"\xff".to_vec(), unexpected(255)),
            (lying_frame(b'p', 70_000, b"x"), "invalid message length".to_owned()),
        ] {
            let mut stream = connect(server.addr);
            stream.write_all(&startup(0x0003_0000, b"user\0postgres\0\0")).unwrap();
            assert_eq!(message(&mut stream).unwrap().0, b'R');
            // And no end of what is sent.
            stream.write_all(&sent).unwrap();
            let (tag, body) = message(&mut stream).unwrap();
            assert_eq!((tag, error_field(&body, b'C').as_str(), error_field(&body, b'M')), (b'E', "08P01", told));
            assert_eq!(message(&mut stream), None);
        }
    }
}

#[test]
fn silent_clients_do_not_keep_others_out() {
    // The server is to cope with the limit most systems give it.
    let (_, hard) = Resource::NOFILE.get().unwrap();
    Resource::NOFILE.set(1024.min(hard), hard).unwrap();
    let server = start();
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let mut silent: Vec<TcpStream> = (0..1_100).map(|_| connect(server.addr)).collect();
    for (index, stream) in silent.iter_mut().enumerate() {
        // Some have begun to speak and do not go on.
        stream.write_all(&[0; 3][..index % 4]).unwrap();
    }
    assert_serving(server.addr, "1,100 silent connections were opened");
    drop(silent);
    assert_serving(server.addr, "1,100 silent connections were closed");
}

/// With no more descriptors than the system allows, those who have logged in are not shut out by those who have not.
#[test]
fn silent_clients_do_not_take_the_descriptors_of_sessions() {
    let server = Server::start_within(400, "trust", "").unwrap();
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let mut session = Session::open(server.addr);
    session.run("create table t (i int); insert into t select generate_series(1, 100)");
    let mut silent: Vec<TcpStream> = (0..1_100).map(|_| connect(server.addr)).collect();
    // Each of these needs files of its own: a new database, connections for cursors, one for temporary tables.
    session.run("create database other");
    session.run("create temp table own (i int); insert into own select i from t");
    let readers: Vec<Session> = (0..10)
        .map(|_| {
            let mut reader = Session::open(server.addr);
            reader.run("begin; declare c cursor for select i from t; fetch 1 from c");
            reader
        })
        .collect();
    assert_eq!(session.value("select count(*) from own"), "100");
    // Who was there longest has made room, and was told.
    let (tag, body) = message(&mut silent[0]).unwrap();
    assert_eq!((tag, error_field(&body, b'C').as_str()), (b'E', "53300"));
    assert_eq!(message(&mut silent[0]), None);
    assert!(!server.log().contains("cannot accept a connection"), "{}", server.log());
    drop((silent, readers));
    assert_serving(server.addr, "1,100 silent connections");
}

/// Who has not logged in has nothing that a stop would wait for.
#[test]
fn silent_clients_do_not_hold_up_a_stop() {
    let mut server =
        Server::start_with("postgres", "password", "secret", &[("SHUTDOWN_GRACE_SECONDS", "3600")]).unwrap();
    let mut silent: Vec<TcpStream> = (0..2).map(|_| connect(server.addr)).collect();
    silent[1].write_all(&startup(0x0003_0000, b"user\0postgres\0\0")).unwrap();
    assert_eq!(message(&mut silent[1]).unwrap().0, b'R');
    server.stop();
    for mut stream in silent {
        let (tag, body) = message(&mut stream).unwrap();
        assert_eq!((tag, error_field(&body, b'C').as_str()), (b'E', "57P03"));
        assert_eq!(message(&mut stream), None);
    }
}

/// Sends a byte at a time for as long as the server listens.
fn dribble(mut stream: TcpStream, bytes: impl Iterator<Item = u8>) -> Told {
    let mut writer = stream.try_clone().unwrap();
    let bytes: Vec<u8> = bytes.collect();
    let sending = std::thread::spawn(move || {
        for byte in bytes {
            if writer.write_all(&[byte]).is_err() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    });
    let mut told = Told { errors: Vec::new(), ready: 0 };
    while let Some((tag, body)) = message(&mut stream) {
        if tag == b'E' {
            told.errors.push(error_field(&body, b'C'));
        }
    }
    drop(stream);
    sending.join().unwrap();
    told
}

/// Each byte is a sign of life, but not of a start-up or a message that comes to its end.
#[test]
fn a_byte_at_a_time_is_no_reason_to_wait_for_ever() {
    let server = Server::start_with("postgres", "trust", "", &[("AUTH_TIMEOUT_SECONDS", "1")]).unwrap();
    let packet = [&9_000u32.to_be_bytes()[..], &[0, 3, 0, 0]].concat();
    let endless = packet.into_iter().chain(std::iter::repeat_n(b'x', 8_000));
    assert_eq!(dribble(connect(server.addr), endless), Told { errors: vec![], ready: 0 });

    let mut other = Session::open(server.addr);
    other.run("create table t (i int)");
    for (limit, before, error) in [
        ("idle_session_timeout", "select 1", "57P05"),
        ("idle_in_transaction_session_timeout", "begin; insert into t values (1)", "25P03"),
    ] {
        let mut session = Session::open(server.addr);
        session.run(&format!("set {limit} = 500"));
        session.run(before);
        let endless = lying_frame(b'Q', 100_000, b"select 1").into_iter().chain(std::iter::repeat_n(b' ', 8_000));
        assert_eq!(dribble(session.stream, endless), Told { errors: texts(&[error]), ready: 0 }, "{limit}");
    }
    other.run("insert into t values (2)");
    assert_eq!(other.value("select count(*) from t"), "1");
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_nobody_reads_take_no_memory() {
    let server = start();
    let mut other = Session::open(server.addr);
    other.run("create table t (i int)");
    let before = resident_megabytes(&server);
    let mut deaf: Vec<Session> = (0..20).map(|_| Session::open(server.addr)).collect();
    for session in &mut deaf {
        session.send("select repeat('x', 1000) from generate_series(1, 1000000000)");
        // Its rows are on their way.
        assert_eq!(message(&mut session.stream).unwrap().0, b'T');
        other.run("insert into t values (1)");
    }
    let grown = resident_megabytes(&server).saturating_sub(before);
    assert!(grown < 100, "the server grew by {grown} MB");
    drop(deaf);
    assert_eq!(other.value("select count(*) from t"), "20");
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_announced_but_not_sent_takes_no_memory() {
    let server = start();
    assert_serving(server.addr, "the start");
    let before = resident_megabytes(&server);
    let announced: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = session(server.addr);
            stream.write_all(&lying_frame(b'Q', 200 << 20, b"select ")).unwrap();
            stream
        })
        .collect();
    assert_serving(server.addr, "20 GB were announced");
    let grown = resident_megabytes(&server).saturating_sub(before);
    assert!(grown < 100, "the server grew by {grown} MB");
    drop(announced);
}

/// Passwords and data are in memory; a crash leaves no file of it behind unless somebody wants that.
#[cfg(target_os = "linux")]
#[test]
fn core_dumps_are_off_unless_wanted() {
    for (setting, limited) in [("off", true), ("on", false)] {
        let server = Server::start_with("postgres", "trust", "", &[("CORE_DUMPS", setting)]).unwrap();
        let limits = |process: &str| {
            let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
            limits.lines().find(|line| line.starts_with("Max core file size")).unwrap().to_owned()
        };
        let expected = if limited { ["0", "0"].map(str::to_owned).to_vec() } else { words(&limits("self")) };
        assert_eq!(words(&limits(&server.process.id().to_string())), expected);
    }
}

/// Soft and hard limit.
#[cfg(target_os = "linux")]
fn words(line: &str) -> Vec<String> {
    line.split_whitespace().skip(4).take(2).map(str::to_owned).collect()
}

/// VmRSS (proc(5)).
#[cfg(target_os = "linux")]
fn resident_megabytes(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() / 1024
}
