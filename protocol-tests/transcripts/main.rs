//! Runs the transcripts of `fixtures/transcripts`: the same wire conversations pass on PostgreSQL 15 and on pgserver.
//!
//! Each file is one test with a fresh database, listed and filtered as cargo test and nextest do it.
//! `PGTEST_ADDR=host:port` runs the files on a real PostgreSQL; `REWRITE=1` with it records the expectations anew
//! (`scripts/record-transcripts` does both). The language is described in `CONTRIBUTING.md`, "Transcripts".

mod backend;
mod client;
mod frontend;
mod scram;
mod script;
#[path = "../server.rs"]
mod server;
mod target;
mod types;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use client::Client;
use script::{Exchange, Script};
use target::Targets;

const THREADS: usize = 4;

/// The part of libtest's command line that cargo and nextest use.
#[derive(Default)]
struct Options {
    list: bool,
    ignored: bool,
    exact: bool,
    filters: Vec<String>,
    skip: Vec<String>,
}

impl Options {
    fn from_arguments() -> Options {
        let mut options = Options::default();
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--list" => options.list = true,
                "--ignored" => options.ignored = true,
                "--exact" => options.exact = true,
                "--skip" => options.skip.extend(arguments.next()),
                "--format" | "--test-threads" | "--color" | "-Z" => {
                    arguments.next();
                }
                flag if flag.starts_with('-') => {}
                _ => options.filters.push(argument),
            }
        }
        options
    }

    fn wants(&self, name: &str) -> bool {
        let matches = |filter: &String| if self.exact { name == filter } else { name.contains(filter.as_str()) };
        (self.filters.is_empty() || self.filters.iter().any(matches)) && !self.skip.iter().any(matches)
    }
}

fn main() -> ExitCode {
    let options = Options::from_arguments();
    let files = match transcript_files() {
        Ok(files) => files,
        Err(why) => return failure(&why),
    };
    let files: Vec<_> = files.into_iter().filter(|(name, _)| !options.ignored && options.wants(name)).collect();
    if options.list {
        files.iter().for_each(|(name, _)| say(&format!("{name}: test")));
        return ExitCode::SUCCESS;
    }
    let targets = match Targets::from_environment() {
        Ok(targets) => targets,
        Err(why) => return failure(&why),
    };
    let failed = run_all(&files, &targets);
    targets.stop();
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn failure(why: &str) -> ExitCode {
    say(why);
    ExitCode::FAILURE
}

/// A test binary's product is what it prints.
fn say(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn transcript_files() -> Result<Vec<(String, PathBuf)>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/transcripts");
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "pt"))
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_string(), path)))
        .collect();
    files.sort();
    Ok(files)
}

fn run_all(files: &[(String, PathBuf)], targets: &Targets) -> usize {
    let next = AtomicUsize::new(0);
    let failures = AtomicUsize::new(0);
    let differing = Arc::new(Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(files.len()) {
            scope.spawn(|| {
                while let Some((name, path)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = run_file(name, path, targets, &differing);
                    match outcome {
                        Ok(()) => say(&format!("test {name} ... ok")),
                        Err(why) => {
                            failures.fetch_add(1, Ordering::Relaxed);
                            say(&format!("test {name} ... FAILED\n{why}"));
                        }
                    }
                }
            });
        }
    });
    let failed = failures.into_inner();
    let mut differing = std::mem::take(&mut *differing.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    differing.sort();
    say(&format!("\n{} exchanges differ from PostgreSQL on purpose", differing.len()));
    differing.iter().for_each(|line| say(&format!("  {line}")));
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    let passed = files.len() - failed;
    say(&format!("\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out"));
    failed
}

fn run_file(name: &str, path: &Path, targets: &Targets, differing: &Mutex<Vec<String>>) -> Result<(), String> {
    let source = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let mut script = Script::parse(&source)?;
    let addr = targets.addr(&script.auth)?;
    let database = format!("pt_{name}");
    targets.create_database(addr, &script.auth, &database)?;
    let rewrite = targets.is_postgres() && std::env::var("REWRITE").is_ok_and(|value| value == "1");
    let mut run = Run { addr, auth: script.auth.clone(), database: &database, clients: HashMap::new() };
    let mut failures = String::new();
    for exchange in &mut script.exchanges {
        if let Some(reason) = exchange.differs() {
            let mut list = differing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            list.push(format!("{name}:{}: {reason}", exchange.first_line));
        }
        let answers = run.exchange(exchange).map_err(|e| format!("{}:{}: {e}", path.display(), exchange.first_line))?;
        if rewrite {
            exchange.rewrite(&answers);
            continue;
        }
        let want = exchange.expected(targets.is_postgres());
        let got: Vec<String> = answers.iter().map(|(conn, text)| format!("{conn}< {text}")).collect();
        if want != got {
            failures.push_str(&mismatch(path, exchange, &want, &got));
        }
    }
    let left = run.finish()?;
    targets.drop_database(addr, &database)?;
    if rewrite {
        std::fs::write(path, script.print()).map_err(|e| e.to_string())?;
    }
    if !left.is_empty() {
        failures.push_str(&format!("after the last exchange:\n{}\n", left.join("\n")));
    }
    if failures.is_empty() { Ok(()) } else { Err(failures) }
}

/// The whole exchange, with lines that differ marked.
fn mismatch(path: &Path, exchange: &Exchange, want: &[String], got: &[String]) -> String {
    let mut out = format!("--- {}:{}\n", path.display(), exchange.first_line);
    for (conn, lines) in exchange.sends() {
        lines.iter().for_each(|line| out.push_str(&format!("      {conn}> {line}\n")));
    }
    for (title, lines, others) in [("want", want, got), ("got ", got, want)] {
        for (index, line) in lines.iter().enumerate() {
            let mark = if others.get(index) == Some(line) { ' ' } else { '*' };
            out.push_str(&format!("{title} {mark}{line}\n"));
        }
    }
    out
}

/// The connections of one file.
struct Run<'a> {
    addr: std::net::SocketAddr,
    auth: script::Auth,
    database: &'a str,
    clients: HashMap<String, Client>,
}

impl Run<'_> {
    fn exchange(&mut self, exchange: &Exchange) -> Result<Vec<(String, String)>, String> {
        let mut answers = Vec::new();
        for (conn, lines) in exchange.sends() {
            let lines: Vec<String> = lines.iter().map(|line| line.replace("$db", self.database)).collect();
            let key = match lines.first().and_then(|line| line.strip_prefix("Cancel")) {
                Some(rest) => {
                    let target = rest.split_whitespace().find(|word| !word.contains('=')).unwrap_or("");
                    self.clients.get(target).and_then(|client| client.cancel_key.clone())
                }
                None => None,
            };
            let client = match self.clients.remove(&conn) {
                Some(client) => client,
                None if starts_connection(&lines) => Client::connect(self.addr)?,
                None => Client::open(self.addr, &self.auth, self.database)?,
            };
            let client = self.clients.entry(conn.clone()).or_insert(client);
            for line in client.exchange(&lines, key.as_ref())? {
                answers.push((conn.clone(), line.replace(self.database, "$db")));
            }
            let ended =
                lines.iter().any(|line| line == "Disconnect" || line == "Terminate" || line.starts_with("Cancel"));
            if ended || answers.last().is_some_and(|(_, line)| line == "(closed)") {
                self.clients.remove(&conn);
            }
        }
        Ok(answers)
    }

    fn finish(self) -> Result<Vec<String>, String> {
        let mut left = Vec::new();
        for (_, client) in self.clients {
            left.extend(client.finish()?);
        }
        Ok(left)
    }
}

/// Whether a connection's first lines do the start-up themselves.
fn starts_connection(lines: &[String]) -> bool {
    const FIRST: &[&str] = &["Startup", "RawStartup", "SSLRequest", "GSSENCRequest", "Cancel"];
    lines.first().is_some_and(|line| FIRST.iter().any(|word| line.split(' ').next() == Some(word)))
}
