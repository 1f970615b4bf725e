//! Whole sessions, from arbitrary bytes: messages and statements to a server in this process, over a socket.
//!
//! It must not panic or end, must not answer XX000 (what SQLite says, or a mistake of the server's), must frame what it says, and
//! a session must be over soon after its client has left, whatever it ran. The input is made of parts, see [`message`];
//! two mutations in three change a statement's tokens, or take other statements from `fixtures`.
#![no_main]

use std::collections::HashSet;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use pgserver::limits::{memory, stack};
use pgserver::ops::config::Config;
use pgserver::server::Server;
use pgserver::sql::syntax::lexer::tokens;
use tokio::runtime::Builder;

/// Between the parts of an input, and between what a part of an input is made of.
const PART: u8 = 0x1e;
const FIELD: u8 = 0x1f;

/// After so many inputs a database is left for a new one.
const INPUTS: usize = 50;

/// How long a session may take, and how long it may still run after its client has left.
const PATIENCE: Duration = Duration::from_secs(5);
const END: Duration = Duration::from_secs(40);

const TABLES: &str = "create table t (a int primary key, b text, c numeric, d timestamptz, e jsonb, f int[], g int4range);
    insert into t select g, 'text ' || g, g / 3.0, timestamptz '2000-01-01' + g * interval '1 day', jsonb_build_object('a', g), array[g, g + 1], int4range(g, g + 5) from generate_series(1, 20) g;
    create table u (id int generated always as identity primary key, t int references t on delete cascade, p point, x xml, v tsvector);
    insert into u (t, x, v) select g, '<a>1</a>', 'word' from generate_series(1, 5) g;
    create view w as select t.a, u.id from t left join u on u.t = t.a;
    create function f(int) returns int language plpgsql as $$ begin if $1 > 3 then return 1; end if; return f($1 + 1); end $$";

const EXTENSIONS: [&str; 9] =
    ["ltree", "intarray", "hstore", "citext", "pg_trgm", "fuzzystrmatch", "tablefunc", "unaccent", "pg_stat_statements"];

/// What is at the end of something.
const LITERALS: [&str; 30] = [
    "0", "-1", "1", "2147483647", "-2147483648", "9223372036854775807", "-9223372036854775808", "1e308", "'NaN'", "null", "''",
    "'é'", "'\u{10ffff}'", "'infinity'", "'{}'", "'[]'", "'{1,2}'::int[]", "'{\"a\":[1]}'::jsonb", "repeat('é', 1000)", "array[1,2,3]",
    "row(1,'x')", "32768", "'4713-01-01 BC'::date", "interval '-1 month'", "'1'::xml", "'empty'::int4range", "$1", "(select 1)",
    "'a & b'::tsquery", "E'\\\\x00'",
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// What a quoted word of a transcript says.
fn unquoted(word: &str) -> String {
    let (mut out, mut chars) = (String::new(), word.chars());
    while let Some(c) = chars.next() {
        match c {
            '\'' => break,
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(c) => out.push(c),
                None => {}
            },
            c => out.push(c),
        }
    }
    out
}

/// Statements that the tests run.
static STATEMENTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut found = Vec::new();
    let transcripts = std::fs::read_dir(fixtures().join("transcripts")).into_iter().flatten().flatten();
    for text in transcripts.filter_map(|file| std::fs::read_to_string(file.path()).ok()) {
        let lines = text.lines().filter_map(|line| line.split_once("Query '").or_else(|| line.split_once("Parse '' '")));
        found.extend(lines.map(|(_, rest)| unquoted(rest)).filter(|sql| sql.len() < 2000));
    }
    for (file, before, after) in [
        ("functions.tsv", "select ", ""),
        ("plpgsql_runs.tsv", "do $do$", "$do$"),
        ("grammar.tsv", "", ""),
        ("datetime.tsv", "select ", ""),
        ("formatting.tsv", "select ", ""),
        ("numeric.tsv", "select ", ""),
    ] {
        let text = std::fs::read_to_string(fixtures().join(file)).unwrap_or_default();
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        found.extend(lines.filter_map(|line| Some(format!("{before}{}{after}", line.split('\t').next()?))));
    }
    found.sort();
    found.dedup();
    found
});

static SERVER: LazyLock<SocketAddr> = LazyLock::new(|| {
    memory::set_limits(128 << 20, 512 << 20);
    let directory = std::env::temp_dir().join(format!("pgserver-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory for the databases");
    let mut config =
        Config { port: 0, directory: Some(directory), database: "postgres".to_owned(), ..Config::default() };
    config.session.idle_writer_timeout = Duration::from_secs(2);
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        // Sanitized frames of a debug build are several times as large as those the limit was made for.
        .thread_stack_size(8 * stack::SIZE)
        .on_thread_start(stack::begin_thread)
        .enable_all()
        .build()
        .expect("a runtime");
    let server = runtime.block_on(Server::bind(config)).expect("a server");
    let address = server.local_addr();
    runtime.spawn(server.run(std::future::pending()));
    std::mem::forget(runtime);
    address
});

fn frame(out: &mut Vec<u8>, tag: u8, body: &[u8]) {
    out.push(tag);
    out.extend((body.len() as u32 + 4).to_be_bytes());
    out.extend(body);
}

/// The bytes of one part: a statement as it is, or by its first byte something else.
fn message(part: &[u8], out: &mut Vec<u8>) {
    let Some((&kind, rest)) = part.split_first() else { return };
    let mut fields = rest.split(|&byte| byte == FIELD);
    match kind {
        // A statement of the extended protocol, and its parameters: each a byte for its format, and the value.
        1 => {
            let text = fields.next().unwrap_or_default();
            let parameters: Vec<&[u8]> = fields.collect();
            frame(out, b'P', &[b"\0", text, b"\0\0\0"].concat());
            let mut body = b"\0\0".to_vec();
            body.extend((parameters.len() as u16).to_be_bytes());
            for value in &parameters {
                body.extend((u16::from(value.first() == Some(&b'b'))).to_be_bytes());
            }
            body.extend((parameters.len() as u16).to_be_bytes());
            for value in &parameters {
                let value = value.get(1..).unwrap_or_default();
                body.extend((value.len() as u32).to_be_bytes());
                body.extend(value);
            }
            // Results in binary.
            body.extend([0, 1, 0, 1]);
            frame(out, b'B', &body);
            frame(out, b'D', b"P\0");
            frame(out, b'E', b"\0\0\0\0\x05");
            frame(out, b'E', b"\0\0\0\0\0");
            frame(out, b'S', b"");
        }
        // A message of any type.
        2 => {
            if let Some((&tag, body)) = rest.split_first() {
                frame(out, tag, body);
            }
        }
        // Bytes.
        3 => out.extend(rest),
        4 => frame(out, b'd', rest),
        5 => frame(out, b'c', b""),
        6 => frame(out, b'f', b"enough\0"),
        7 => frame(out, b'S', b""),
        _ => frame(out, b'Q', &[part, b"\0"].concat()),
    }
}

/// A client of the test's own.
struct Client(TcpStream);

impl Client {
    fn open(database: &str) -> Client {
        let stream = TcpStream::connect(*SERVER).expect("the server listens");
        let _ = stream.set_nodelay(true);
        let mut packet = 0x0003_0000_u32.to_be_bytes().to_vec();
        packet.extend(format!("user\0postgres\0database\0{database}\0\0").as_bytes());
        let mut client = Client(stream);
        client.send(&[&(packet.len() as u32 + 4).to_be_bytes(), &packet[..]].concat());
        client
    }

    /// What is not taken any more is answered by then.
    fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }

    /// Reads messages until one that ends it, or the end of the connection; false if that takes too long.
    fn read(&mut self, until: Option<u8>, mut each: impl FnMut(u8, &[u8])) -> bool {
        let begun = Instant::now();
        let (mut kept, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
        let _ = self.0.set_read_timeout(Some(PATIENCE));
        loop {
            let mut at = 0;
            while let Some(head) = kept.get(at..at + 5) {
                let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
                assert!(length >= 4, "a frame of {length} bytes");
                let (tag, Some(body)) = (head[0], kept.get(at + 5..at + 1 + length)) else { break };
                assert!(tag.is_ascii_graphic(), "a message of type {tag}");
                each(tag, body);
                at += 1 + length;
                if until == Some(tag) {
                    return true;
                }
            }
            kept.drain(..at);
            match self.0.read(&mut buffer) {
                Ok(0) => return true,
                Ok(read) => kept.extend(&buffer[..read]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return false,
                Err(_) => return true,
            }
            if begun.elapsed() > PATIENCE {
                return false;
            }
        }
    }

    /// Runs a statement to its end, and gives the fields of its rows.
    fn query(&mut self, sql: &str) -> Vec<String> {
        let mut values = Vec::new();
        let mut message = Vec::new();
        frame(&mut message, b'Q', &[sql.as_bytes(), b"\0"].concat());
        self.send(&message);
        self.read(Some(b'Z'), |tag, body| {
            if tag == b'D' {
                values.push(String::from_utf8_lossy(body.get(6..).unwrap_or_default()).into_owned());
            }
        });
        values
    }

    fn ready(database: &str) -> Client {
        let mut client = Client::open(database);
        client.read(Some(b'Z'), |_, _| {});
        client
    }
}

/// Nobody but who asks has a session any more, soon.
fn await_end(input: &[u8]) {
    let begun = Instant::now();
    let mut client = Client::ready("postgres");
    while client.query("select pid from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'").len() > 0 {
        assert!(begun.elapsed() < END, "a session goes on without its client: {:?}", String::from_utf8_lossy(input));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The database that inputs use, now and then a new one.
fn database() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    static KEPT: Mutex<Option<HashSet<String>>> = Mutex::new(None);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("fuzz{}", count / INPUTS);
    if count % INPUTS == 0 {
        let mut client = Client::ready("postgres");
        let mut kept = KEPT.lock().expect("nobody fails with it");
        let present = client.query("select datname from pg_database");
        match kept.as_mut() {
            None => *kept = Some(present.into_iter().collect()),
            Some(kept) => present.iter().filter(|name| !kept.contains(*name)).for_each(|name| {
                client.query(&format!("drop database \"{}\" with (force)", name.replace('"', "\"\"")));
            }),
        }
        for role in client.query("select rolname from pg_roles where rolname !~ '^pg_' and rolname <> 'postgres'") {
            client.query(&format!("drop role \"{}\"", role.replace('"', "\"\"")));
        }
        client.query("alter role postgres reset all");
        client.query(&format!("create database {name}"));
        let mut client = Client::ready(&name);
        for extension in EXTENSIONS {
            client.query(&format!("create extension \"{extension}\""));
        }
        client.query(TABLES);
    }
    name
}

fuzz_target!(|input: &[u8]| {
    let mut client = Client::open(&database());
    let mut messages = Vec::new();
    message(b"set statement_timeout = '1s'", &mut messages);
    for part in input.split(|&byte| byte == PART) {
        message(part, &mut messages);
    }
    frame(&mut messages, b'X', b"");
    client.send(&messages);
    let over = client.read(None, |tag, body| {
        if tag == b'E' && body.windows(7).any(|field| field == b"\0CXX000") {
            panic!("{:?} is told {:?}", String::from_utf8_lossy(input), String::from_utf8_lossy(body));
        }
    });
    drop(client);
    if !over {
        await_end(input);
    }
});

/// Numbers of a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % most.max(1)
    }

    fn of<'a, T: ?Sized + AsRef<str>>(&mut self, list: &'a [T]) -> &'a str
    where
        T: Sized,
    {
        list[self.below(list.len())].as_ref()
    }
}

/// A statement with some of its tokens changed.
fn changed(sql: &str, chance: &mut Chance) -> String {
    let mut words: Vec<String> = tokens(sql, true).iter().map(|token| token.text(sql).to_owned()).collect();
    for _ in 0..=chance.below(3) {
        let other = chance.of(&STATEMENTS[..]);
        let theirs: Vec<&str> = tokens(other, true).iter().map(|token| token.text(other)).collect();
        let (at, from) = (chance.below(words.len()), chance.below(theirs.len()));
        let (end, until) = ((at + 1 + chance.below(4)).min(words.len()), (from + 1 + chance.below(8)).min(theirs.len()));
        match chance.below(8) {
            0 => drop(words.drain(at..end)),
            1 => drop(words.splice(at..end, theirs[from..until].iter().map(|&word| word.to_owned()))),
            2 => drop(words.splice(at..at, theirs[from..until].iter().map(|&word| word.to_owned()))),
            3 => {
                let again: Vec<String> = words[at..end].to_vec();
                drop(words.splice(end..end, again));
            }
            4 => {
                let literal = chance.of(&LITERALS).to_owned();
                // In place of a constant, if there is one from there on.
                let constant = (at..words.len()).find(|&at| words[at].starts_with(|c: char| c.is_ascii_digit() || c == '\''));
                if let Some(word) = words.get_mut(constant.unwrap_or(at)) {
                    *word = literal;
                }
            }
            5 => drop(words.splice(at..at, [format!("{other} ")])),
            6 if at < words.len() => {
                words[at] = format!("({}", words[at]);
                let last = (end - 1).max(at);
                words[last] = format!("{})", words[last]);
            }
            _ => {
                if let Some(word) = words.get_mut(at) {
                    let longer = word.repeat(1 + chance.below(40));
                    *word = longer;
                }
            }
        }
    }
    words.join(" ")
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut chance = Chance(u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    if chance.below(3) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut parts: Vec<Vec<u8>> = data[..size].split(|&byte| byte == PART).map(<[u8]>::to_vec).collect();
    let at = chance.below(parts.len());
    match chance.below(8) {
        0 | 1 => parts.insert(at, chance.of(&STATEMENTS[..]).as_bytes().to_vec()),
        2 if parts.len() > 1 => drop(parts.remove(at)),
        3 => {
            let mut part = vec![1];
            part.extend(chance.of(&STATEMENTS[..]).as_bytes());
            for _ in 0..chance.below(3) {
                part.extend([FIELD, b't']);
                part.extend(chance.of(&LITERALS).trim_matches('\'').as_bytes());
            }
            parts.insert(at, part);
        }
        _ => {
            let text = String::from_utf8_lossy(&parts[at]).into_owned();
            parts[at] = match chance.below(3) {
                0 => changed(chance.of(&STATEMENTS[..]), &mut chance),
                _ => changed(&text, &mut chance),
            }
            .into_bytes();
        }
    }
    let made = parts.join(&PART);
    let length = made.len().min(max_size).min(data.len());
    data[..length].copy_from_slice(&made[..length]);
    length
});
