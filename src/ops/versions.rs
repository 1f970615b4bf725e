//! `pgserver versions`, `restore` and `branch`: earlier states of databases in an object store, without a server.
//!
//! Owns: [`run`]. Must not know: how states are kept and found (`storage::log`).

use std::future::Future;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::databases::check_new_name;
use crate::metrics::Metrics;
use crate::ops::command::{Arguments, Command, Failure};
use crate::ops::config::{Config, Storage};
use crate::ops::object_store::{check_conditions, object_store};
use crate::storage::blob::BlobStore;
use crate::storage::blob::metered::Metered;
use crate::storage::log::chain::{Chain, Options};
use crate::storage::log::delta::Id;
use crate::storage::log::fault::LogError;
use crate::storage::log::hlc::Timestamp;
use crate::storage::log::restore::{self, Target};
use crate::storage::log::state;
use crate::storage::log::versions::{self, Listing, Span};

/// Versions listed unless told otherwise.
const LISTED: usize = 100;

/// How often a terminal is told how far it is.
const TICK: Duration = Duration::from_millis(300);

/// Does what one of these commands asks for. What it made is said on the standard output.
pub fn run(arguments: &Arguments, config: &Config) -> Result<(), Failure> {
    let work = Work::new(arguments, config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Failed(format!("cannot start: {error}")))?;
    runtime.block_on(async {
        match arguments.command {
            Command::Versions => work.list(arguments).await,
            Command::Restore => work.restore(arguments).await,
            _ => work.branch(arguments).await,
        }
    })
}

/// What every one of them needs.
struct Work {
    store: Arc<dyn BlobStore>,
    metrics: Arc<Metrics>,
    database: String,
    /// Where a working file may be.
    directory: PathBuf,
}

impl Work {
    fn new(arguments: &Arguments, config: &Config) -> Result<Self, Failure> {
        if config.storage == Storage::Local {
            let message = "STORAGE = local: databases on the disk have no versions; \
                           set STORAGE = s3, azure or directory, as for the server whose databases are meant";
            return Err(Failure::Wrong(message.to_owned()));
        }
        let store = object_store(config).map_err(Failure::Wrong)?;
        let store = store.ok_or_else(|| Failure::Wrong("there is no object store".to_owned()))?;
        let metrics = Arc::<Metrics>::default();
        Ok(Work {
            store: Arc::new(Metered::new(store, Arc::clone(&metrics))),
            metrics,
            database: arguments.operand(0).to_owned(),
            directory: config.directory.clone().unwrap_or_else(std::env::temp_dir),
        })
    }

    async fn list(&self, arguments: &Arguments) -> Result<(), Failure> {
        let since = arguments.option("--since").map(|text| target("--since", text)).transpose()?;
        let mut span = Span { limit: if since.is_some() { usize::MAX } else { LISTED }, ..Span::default() };
        match since {
            Some(Target::Sequence(sequence)) => span.from = sequence,
            Some(Target::Time(time)) => span.since = Timestamp::of(time),
            Some(Target::Latest) | None => {}
        }
        if let Some(text) = arguments.option("--limit") {
            let limit = text.parse().ok().filter(|limit| *limit > 0);
            let wrong = || format!("--limit {text} is not valid; allowed: a whole number from 1 on");
            span.limit = limit.ok_or_else(|| Failure::Wrong(wrong()))?;
        }
        let listing = self.reporting("read", versions::versions(&self.store, &self.database, span)).await;
        let listing = self.explain(listing, "").await?;
        if listing.more {
            eprintln!("pgserver: there are older versions; see --limit and --since");
        }
        match io::stdout().write_all(table(&listing).as_bytes()) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(|error| Failure::Failed(format!("cannot write the list: {error}"))),
        }
    }

    async fn restore(&self, arguments: &Arguments) -> Result<(), Failure> {
        let to = arguments.option("--to").map(|text| target("--to", text)).transpose()?.unwrap_or(Target::Latest);
        let into = arguments.option("--into").unwrap_or_default();
        if is_file(into) { self.restore_file(to, Path::new(into)).await } else { self.restore_database(to, into).await }
    }

    async fn restore_file(&self, to: Target, file: &Path) -> Result<(), Failure> {
        let refusal = || format!("--into {}: there is such a file already, and nothing is overwritten", file.display());
        if file.exists() {
            return Err(Failure::Failed(refusal()));
        }
        let restored = self.reporting("fetched", restore::restore(&self.store, &self.database, to, file)).await;
        if matches!(&restored, Err(LogError::Local(error)) if error.kind() == io::ErrorKind::AlreadyExists) {
            return Err(Failure::Failed(refusal()));
        }
        let head = self.explain(restored, &format!("--into {}: ", file.display())).await?;
        say(&format!(
            "{} is \"{}\" at sequence {}, committed {}",
            file.display(),
            self.database,
            head.sequence,
            head.commit.to_rfc3339()
        ))
    }

    async fn restore_database(&self, to: Target, new: &str) -> Result<(), Failure> {
        self.may_create("--into", new).await?;
        std::fs::create_dir_all(&self.directory)
            .map_err(|error| Failure::Failed(format!("cannot use {}: {error}", self.directory.display())))?;
        let file = self.directory.join(format!("restoring-{}", Id::random()));
        let made = self.reporting("fetched", restore::restore(&self.store, &self.database, to, &file)).await;
        let made = match made {
            Ok(head) => {
                let options = Options::new(Arc::clone(&self.store));
                self.reporting("moved", Chain::create(&options, new, &file)).await.map(|_| head)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = state::discard(&file) {
            eprintln!("pgserver: cannot remove {}: {error}", file.display());
        }
        if matches!(made, Err(LogError::Exists)) {
            return Err(self.exists("--into", new));
        }
        let head = self.explain(made, "").await?;
        say(&format!(
            "database \"{new}\" is \"{}\" at sequence {}, committed {}",
            self.database,
            head.sequence,
            head.commit.to_rfc3339()
        ))
    }

    async fn branch(&self, arguments: &Arguments) -> Result<(), Failure> {
        let at = arguments.option("--at").map(|text| target("--at", text)).transpose()?.unwrap_or(Target::Latest);
        let new = arguments.operand(1);
        self.may_create("NEW", new).await?;
        let options = Options::new(Arc::clone(&self.store));
        let branched = self.reporting("read", versions::branch(&options, &self.database, at, new)).await;
        if matches!(branched, Err(LogError::Exists)) {
            return Err(self.exists("NEW", new));
        }
        let sequence = self.explain(branched, "").await?;
        say(&format!("database \"{new}\" is a branch of \"{}\" at sequence {sequence}", self.database))
    }

    async fn may_create(&self, argument: &str, name: &str) -> Result<(), Failure> {
        check_new_name(name).map_err(|error| Failure::Wrong(format!("{argument} {name}: {}", error.message())))?;
        check_conditions(&self.store).await.map_err(Failure::Failed)
    }

    fn exists(&self, argument: &str, name: &str) -> Failure {
        let location = self.store.location();
        Failure::Failed(format!(
            "{argument} {name}: {location} already has a database of that name; choose another one"
        ))
    }

    /// What went wrong and what can be done about it.
    async fn explain<T>(&self, outcome: Result<T, LogError>, what: &str) -> Result<T, Failure> {
        let error = match outcome {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let (database, location) = (&self.database, self.store.location());
        Err(Failure::Failed(match error {
            LogError::NoSuchDatabase => {
                let there = versions::databases(&self.store).await.unwrap_or_default();
                let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
                if there.split(", ").any(|name| name == database) {
                    format!(
                        "DB {database}: {location} has only its plain file; it has versions once a server has opened it"
                    )
                } else {
                    format!("DB {database}: there is no such database in {location}; there are: {there}")
                }
            }
            LogError::NotKept => format!(
                "DB {database}: that version is not kept any more, or has never been; see pgserver versions {database}"
            ),
            LogError::Store(error) => format!("cannot use the object store {location}: {error}"),
            error => format!("{what}{error}"),
        }))
    }

    /// Tells a terminal how many bytes have come until the work is done.
    async fn reporting<T>(&self, done: &str, work: impl Future<Output = T>) -> T {
        if !io::stderr().is_terminal() {
            return work.await;
        }
        let (begun, before) = (Instant::now(), self.metrics.store.bytes());
        let show = |end: &str| {
            let (sent, received) = self.metrics.store.bytes();
            let megabytes = ((sent - before.0) + (received - before.1)) as f64 / 1e6;
            // A terminal that takes no more is no reason to stop.
            let _ = write!(io::stderr(), "\r{done} {megabytes:.1} MB in {:.1} s{end}", begun.elapsed().as_secs_f64());
        };
        let mut work = std::pin::pin!(work);
        let mut shown = false;
        loop {
            match tokio::time::timeout(TICK, &mut work).await {
                Ok(value) => {
                    if shown {
                        show("\n");
                    }
                    return value;
                }
                Err(_) => {
                    shown = true;
                    show("");
                }
            }
        }
    }
}

fn say(what: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{what}").map_err(|error| Failure::Failed(format!("done, but cannot say so: {error}")))
}

/// An option's time or number.
fn target(option: &str, text: &str) -> Result<Target, Failure> {
    text.parse().map_err(|allowed| Failure::Wrong(format!("{option} {text} is not valid; allowed: {allowed}")))
}

/// Whether `--into` names a file rather than a database.
fn is_file(into: &str) -> bool {
    into.contains('/') || [".sqlite", ".sqlite3", ".db"].iter().any(|ending| into.ends_with(ending))
}

/// The list as a table: columns as wide as they have to be, numbers to the right.
fn table(listing: &Listing) -> String {
    const HEAD: [&str; 7] = ["sequence", "time", "bytes", "kind", "transactions", "changed_pages", "pages"];
    const RIGHT: [bool; 7] = [true, false, true, false, true, true, true];
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(listing.versions.iter().map(|version| {
        [
            version.sequence.to_string(),
            version.commit.to_rfc3339(),
            version.bytes.to_string(),
            version.kind.name().to_owned(),
            version.transactions.to_string(),
            version.changed_pages.to_string(),
            number(version.pages.map(u64::from)),
        ]
    }));
    let mut text = String::new();
    for line in &lines {
        let mut columns = String::new();
        for (column, right) in RIGHT.iter().enumerate() {
            let cell = |line: &[String; 7]| line.get(column).map_or(0, String::len);
            let width = lines.iter().map(cell).max().unwrap_or_default();
            let value = line.get(column).map_or("", String::as_str);
            columns.push_str(&if *right { format!("{value:>width$}  ") } else { format!("{value:<width$}  ") });
        }
        text.push_str(columns.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::log::versions::{Kind, Version};

    #[test]
    fn a_file_is_told_from_a_database() {
        for (into, file) in
            [("x.sqlite", true), ("./x", true), ("/a/b", true), ("a.db", true), ("app", false), ("v1.2", false)]
        {
            assert_eq!(is_file(into), file, "{into}");
        }
    }

    #[test]
    fn the_table_has_what_restore_takes() {
        let first = Version {
            sequence: 9,
            commit: Timestamp(1_795_435_200_000_000),
            kind: Kind::Base,
            bytes: 812,
            transactions: 0,
            changed_pages: 0,
            pages: None,
            post_checksum: 0,
        };
        let second = Version { sequence: 10, kind: Kind::Delta, bytes: 25, transactions: 3, pages: Some(17), ..first };
        let listing = Listing { versions: vec![first, second], page_size: 4096, more: false };
        let expected = "\
sequence  time                         bytes  kind   transactions  changed_pages  pages
       9  2026-11-23T12:00:00.000000Z    812  base              0              0      -
      10  2026-11-23T12:00:00.000000Z     25  delta             3              0     17
";
        assert_eq!(table(&listing), expected);
    }

    #[test]
    fn databases_on_the_disk_have_no_versions() {
        let arguments = Arguments::parse(["versions", "app"].map(str::to_owned)).expect("understood");
        let Err(Failure::Wrong(error)) = run(&arguments, &Config::default()) else { panic!("not refused") };
        assert!(error.starts_with("STORAGE = local: ") && error.contains("set STORAGE = s3"), "{error}");
    }
}
