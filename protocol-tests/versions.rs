//! Earlier states of databases, through the binary and its sockets: listed, restored, branched, connected to by name.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use pgserver::ops::config::{Config, Storage};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, NoTls, SimpleQueryMessage};

mod embedded;

use embedded::{Directory, Running};

fn config(directory: &Directory) -> Config {
    Config { storage: Storage::Directory, store_directory: directory.0.join("store"), ..directory.config() }
}

/// The command, with the store of the server.
fn pgserver(directory: &Directory, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pgserver"))
        .args(arguments)
        .current_dir(&directory.0)
        .env("STORAGE", "directory")
        .env("STORE_DIRECTORY", directory.0.join("store"))
        .env("DB_PATH", directory.0.join("scratch"))
        .output()
        .unwrap()
}

/// What it prints; it must succeed.
fn done(directory: &Directory, arguments: &[&str]) -> String {
    let output = pgserver(directory, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What it complains about; it must fail with that code.
fn refused(directory: &Directory, code: i32, arguments: &[&str]) -> String {
    let output = pgserver(directory, arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    error
}

async fn connect(server: &Running, database: &str) -> Result<Client, Error> {
    let (client, connection) = server.client().dbname(database).connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn refusal(server: &Running, database: &str) -> SqlState {
    connect(server, database).await.err().and_then(|error| error.code().cloned()).expect("refused")
}

/// The first column of every row.
async fn column(client: &Client, query: &str) -> Vec<String> {
    let messages = client.simple_query(query).await.unwrap();
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("NULL").to_owned()),
        _ => None,
    });
    rows.collect()
}

async fn names(client: &Client) -> Vec<String> {
    column(client, "select name from t order by id").await
}

async fn last_sequence(client: &Client) -> i64 {
    client.query_one("select max(sequence) from pgserver.versions", &[]).await.unwrap().get(0)
}

/// Files of versions in the directory of working copies.
fn copies(directory: &Directory) -> usize {
    let entries = std::fs::read_dir(directory.0.join("data")).unwrap().flatten();
    entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "version")).count()
}

/// Waits until nobody has a version open: a session ends a little after its client.
async fn await_no_copies(directory: &Directory) {
    for _ in 0..1_000 {
        if copies(directory) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the working copies of versions are still there");
}

/// Rows of a plain file, and that it is whole.
fn rows_of(file: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let check: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let mut statement = database.prepare("SELECT name FROM t ORDER BY id").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// A server whose database has a history: the sequences and times after one row, after three, after VACUUM and a
/// dropped table, and after the rows were changed.
struct History {
    directory: Directory,
    server: Running,
    client: Client,
    one: i64,
    three: i64,
    three_at: String,
    vacuumed: i64,
}

impl History {
    async fn new(name: &str) -> Self {
        let directory = Directory::new(name);
        let server = Running::start(config(&directory)).await;
        let client = connect(&server, "myapp").await.unwrap();
        client
            .batch_execute("create table t (id int primary key, name text); create table big (b text)")
            .await
            .unwrap();
        client.batch_execute("insert into t values (1, 'one')").await.unwrap();
        let one = last_sequence(&client).await;
        client.batch_execute("insert into big select repeat('x', 500) from generate_series(1, 2000)").await.unwrap();
        client.batch_execute("insert into t values (2, 'two'), (3, 'three')").await.unwrap();
        let three = last_sequence(&client).await;
        let now = "select to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
        let three_at = column(&client, now).await.remove(0);
        client.batch_execute("drop table big").await.unwrap();
        client.batch_execute("vacuum").await.unwrap();
        let vacuumed = last_sequence(&client).await;
        client.batch_execute("update t set name = name || '!'").await.unwrap();
        client.batch_execute("delete from t where id = 2").await.unwrap();
        History { directory, server, client, one, three, three_at, vacuumed }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.0.join(name)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_sees_a_database_as_of_a_number_or_a_time() {
    let history = History::new("versions-connect").await;
    let server = &history.server;
    for (at, expected) in [
        (history.one.to_string(), &["one"][..]),
        (history.three.to_string(), &["one", "two", "three"]),
        (history.three_at.clone(), &["one", "two", "three"]),
        (history.vacuumed.to_string(), &["one", "two", "three"]),
        ((history.vacuumed + 1).to_string(), &["one!", "two!", "three!"]),
    ] {
        let version = connect(server, &format!("myapp@{at}")).await.unwrap();
        assert_eq!(names(&version).await, expected, "{at}");
    }
    assert_eq!(names(&history.client).await, ["one!", "three!"]);

    let name = format!("myapp@{}", history.three_at);
    let version = connect(server, &name).await.unwrap();
    assert_eq!(column(&version, "select current_database()").await, [name.as_str()]);
    let listed = format!("select datname from pg_database where datname = '{name}'");
    assert_eq!(column(&version, &listed).await, [name.as_str()]);
    assert_eq!(column(&version, "select count(*) from big").await, ["2000"], "dropped since");
    assert_eq!(column(&version, "select count(*) > 3 from pgserver.versions").await, ["t"]);
    for writing in [
        "insert into t values (9, 'nine')",
        "create table u (i int)",
        "create temp table u (i int)",
        "vacuum",
        "begin; update t set name = 'x'",
    ] {
        let error = version.batch_execute(writing).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::READ_ONLY_SQL_TRANSACTION), "{writing}");
        version.batch_execute("rollback").await.unwrap();
    }
    assert_eq!(names(&version).await, ["one", "two", "three"]);
    drop(version);
    await_no_copies(&history.directory).await;
    history.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_mean_the_same_state_share_one_copy() {
    let history = History::new("versions-share").await;
    let (by_number, by_time) = (format!("myapp@{}", history.three), format!("myapp@{}", history.three_at));
    let mut connecting = tokio::task::JoinSet::new();
    for name in [by_number, by_time].iter().cycle().take(10) {
        let mut to = history.server.client();
        to.dbname(name);
        connecting.spawn(async move {
            let (client, connection) = to.connect(NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        });
    }
    let clients = connecting.join_all().await;
    for client in &clients {
        assert_eq!(names(client).await, ["one", "two", "three"]);
    }
    assert_eq!(copies(&history.directory), 1);
    let other = connect(&history.server, &format!("myapp@{}", history.one)).await.unwrap();
    assert_eq!(copies(&history.directory), 2);
    drop(clients);
    assert_eq!(names(&other).await, ["one"]);

    // A database dropped and made anew has other states under the same numbers, and what is open stays open.
    let admin = connect(&history.server, "myapp").await.unwrap();
    admin.batch_execute("create database other").await.unwrap();
    let made = connect(&history.server, "other").await.unwrap();
    made.batch_execute("create table t (id int, name text); insert into t values (1, 'first life')").await.unwrap();
    let at = format!("other@{}", last_sequence(&made).await);
    let before = connect(&history.server, &at).await.unwrap();
    drop(made);
    drop_database(&admin, "other").await.unwrap();
    assert_eq!(names(&before).await, ["first life"]);
    assert_eq!(refusal(&history.server, &at).await, SqlState::INVALID_CATALOG_NAME);
    admin.batch_execute("create database other").await.unwrap();
    let made = connect(&history.server, "other").await.unwrap();
    made.batch_execute("create table t (id int, name text); insert into t values (1, 'second life')").await.unwrap();
    let after = connect(&history.server, &at).await.unwrap();
    assert_eq!((names(&before).await, names(&after).await), (vec!["first life".into()], vec!["second life".into()]));
    history.server.stop().await;
    assert_eq!(copies(&history.directory), 0);
}

/// A session ends a little after its client.
async fn drop_database(admin: &Client, name: &str) -> Result<(), Error> {
    loop {
        match admin.batch_execute(&format!("drop database {name}")).await {
            Err(error) if error.code() == Some(&SqlState::OBJECT_IN_USE) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            result => return result,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_is_not_there_is_refused() {
    let history = History::new("versions-refused").await;
    for name in ["myapp@99999", "myapp@2020-01-01", "myapp@2999-01-01T00:00:00Z", "nobody@1", "myapp@yesterday", "@1"] {
        assert_eq!(refusal(&history.server, name).await, SqlState::INVALID_CATALOG_NAME, "{name}");
    }
    let create = history.client.batch_execute("create database \"x@5\"").await.unwrap_err();
    assert_eq!(create.code(), Some(&SqlState::INVALID_NAME));
    history.server.stop().await;

    let directory = Directory::new("versions-local");
    let server = Running::start(directory.config()).await;
    assert_eq!(refusal(&server, "myapp@1").await, SqlState::FEATURE_NOT_SUPPORTED);
    assert_eq!(refusal(&server, "nobody@1").await, SqlState::INVALID_CATALOG_NAME);
    let local = connect(&server, "myapp").await.unwrap();
    assert_eq!(column(&local, "select count(*) from pgserver.versions").await, ["0"]);
    let state = "select database || ' ' || storage || ' ' || sync || ' ' || conflicts from pgserver.replication";
    assert_eq!(column(&local, state).await, ["myapp local commit 0"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_list_restore_and_branch_while_the_server_runs() {
    let history = History::new("versions-commands").await;
    let (directory, server) = (&history.directory, &history.server);
    let listed = done(directory, &["versions", "myapp"]);
    let shown =
        column(&history.client, "select sequence || ' ' || bytes || ' ' || kind from pgserver.versions order by 1");
    let mut expected: Vec<String> = listed
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .map(|line| format!("{} {} {}", line[0], line[2], line[3]))
        .collect();
    expected.sort();
    assert_eq!(shown.await, expected);
    assert_eq!(done(directory, &["versions", "myapp", "--limit", "2"]).lines().count(), 3);
    let since = history.three.to_string();
    let later = done(directory, &["versions", "myapp", "--since", &since]);
    assert!(later.lines().nth(1).is_some_and(|line| line.trim_start().starts_with(&since)), "{later}");
    // A time from the list is that version.
    let time = later.lines().nth(1).and_then(|line| line.split_whitespace().nth(1)).unwrap();

    for (to, file) in [(time, "by-time.sqlite"), (since.as_str(), "by-number.sqlite")] {
        done(directory, &["restore", "myapp", "--to", to, "--into", file]);
        assert_eq!(rows_of(&history.path(file)), ["one", "two", "three"]);
    }
    let before = std::fs::read(history.path("by-time.sqlite")).unwrap();
    assert!(
        refused(directory, 1, &["restore", "myapp", "--into", "by-time.sqlite"]).contains("nothing is overwritten")
    );
    assert_eq!(std::fs::read(history.path("by-time.sqlite")).unwrap(), before);
    done(directory, &["restore", "myapp", "--into", "./latest"]);
    assert_eq!(rows_of(&history.path("latest")), ["one!", "three!"]);

    done(directory, &["restore", "myapp", "--to", &since, "--into", "restored"]);
    let restored = connect(server, "restored").await.unwrap();
    restored.batch_execute("insert into t values (4, 'four')").await.unwrap();
    assert_eq!(names(&restored).await, ["one", "two", "three", "four"]);

    done(directory, &["branch", "myapp", "twig", "--at", &history.one.to_string()]);
    assert_eq!(count_files(&history.path("store/twig.pgs+")), 1, "only a manifest");
    let twig = connect(server, "twig").await.unwrap();
    twig.batch_execute("insert into t values (2, 'zwei')").await.unwrap();
    assert_eq!(names(&twig).await, ["one", "zwei"]);
    let begin = connect(server, &format!("twig@{}", history.one)).await.unwrap();
    assert_eq!(names(&begin).await, ["one"]);
    assert_eq!(column(&twig, "select kind from pgserver.versions order by sequence limit 1").await, ["branch"]);
    done(directory, &["branch", "restored", "leaf"]);
    drop(restored);
    let error = drop_database(&history.client, "restored").await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::DEPENDENT_OBJECTS_STILL_EXIST), "it has a branch");
    drop_database(&history.client, "leaf").await.unwrap();
    drop_database(&history.client, "restored").await.unwrap();
    assert_eq!(names(&history.client).await, ["one!", "three!"]);

    for (code, arguments, part) in [
        (1, &["versions", "nobody"][..], "there are: myapp, twig"),
        (1, &["restore", "myapp", "--to", "99999", "--into", "x.sqlite"], "see pgserver versions myapp"),
        (1, &["restore", "myapp", "--to", "2020-01-01", "--into", "x.sqlite"], "not kept any more"),
        (1, &["restore", "myapp", "--into", "twig"], "already has a database"),
        (1, &["branch", "myapp", "twig"], "already has a database"),
        (
            2,
            &["restore", "myapp", "--to", "tomorrow", "--into", "x.sqlite"],
            "--to tomorrow is not valid; allowed: a time",
        ),
        (2, &["branch", "myapp", "a@7"], "stands for a version"),
        (2, &["versions", "myapp", "--limit", "0"], "--limit 0 is not valid"),
    ] {
        let error = refused(directory, code, arguments);
        assert!(error.contains(part), "{arguments:?}: {error}");
    }
    assert!(!history.path("x.sqlite").exists() && count_files(&history.path("scratch")) == 0);
    history.server.stop().await;
}

fn count_files(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { count_files(&entry.path()) } else { 1 }).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_servers_own_schema_is_in_no_catalog() {
    let history = History::new("versions-schema").await;
    let client = &history.client;
    let state = "select database || ' ' || sync || ' ' || standby || ' ' || conflicts || ' ' || lag_bytes
                 from pgserver.replication where error is null";
    assert_eq!(column(client, state).await, ["myapp commit false 0 0"]);
    let sequences =
        "select (select sequence from pgserver.replication) = (select max(sequence) from pgserver.versions)";
    assert_eq!(column(client, sequences).await, ["t"]);
    let joined = "select count(*) from pgserver.versions a join pgserver.versions b on b.sequence = a.sequence + 1";
    let pairs = column(client, joined).await;
    assert_eq!(pairs, column(client, "select count(*) - 1 from pgserver.versions").await);
    // Tools that read catalogs do not come across it.
    let listed = "select nspname from pg_namespace where nspname = 'pgserver'
                  union all select relname from pg_class where relname in ('replication', 'versions')
                  union all select table_name from information_schema.tables where table_schema = 'pgserver'
                  union all select viewname from pg_views where schemaname = 'pgserver'
                  union all select extname from pg_extension where extname = 'pgserver'";
    assert!(column(client, listed).await.is_empty());
    assert!(client.simple_query("select * from versions").await.is_err(), "not in the search path");
    for refused in [
        "drop schema pgserver cascade",
        "create schema pgserver",
        "create table pgserver.x (i int)",
        "drop view pgserver.versions",
        "insert into pgserver.versions (sequence) values (1)",
        "alter schema pgserver rename to x",
    ] {
        assert!(client.batch_execute(refused).await.is_err(), "{refused}");
    }
    history.server.stop().await;
}
