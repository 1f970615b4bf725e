//! Two servers inside the test with one database, in a store of the test's own that holds back what one of them writes
//! until the other one has committed: what clients of the slower one are told.

use std::ops::Range;
use std::sync::Arc;

use pgserver::server::Server;
use pgserver::storage::blob::local_directory::LocalDirectory;
use pgserver::storage::blob::{Blob, BlobFuture, BlobInfo, BlobStore, Body, Listing, Metadata, Precondition, Put};
use tokio::sync::watch;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage};

mod embedded;

use embedded::{Directory, Running};

/// A directory as a store whose writes wait while it is closed.
#[derive(Debug)]
struct Gated {
    inner: LocalDirectory,
    open: watch::Sender<bool>,
    waiting: watch::Sender<u32>,
}

impl BlobStore for Gated {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn get<'a>(&'a self, key: &'a str, range: Option<Range<u64>>) -> BlobFuture<'a, Blob> {
        self.inner.get(key, range)
    }

    fn head<'a>(&'a self, key: &'a str) -> BlobFuture<'a, BlobInfo> {
        self.inner.head(key)
    }

    fn put<'a>(&'a self, key: &'a str, body: Body, when: Precondition, metadata: &'a Metadata) -> BlobFuture<'a, Put> {
        Box::pin(async move {
            let mut open = self.open.subscribe();
            if !*open.borrow() {
                self.waiting.send_modify(|waiting| *waiting += 1);
                open.wait_for(|open| *open).await.unwrap();
            }
            self.inner.put(key, body, when, metadata).await
        })
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BlobFuture<'a, Listing> {
        self.inner.list(prefix, after)
    }

    fn delete<'a>(&'a self, key: &'a str) -> BlobFuture<'a, ()> {
        self.inner.delete(key)
    }
}

/// A server that reaches the store through a gate, one that reaches it directly, and a client of each.
struct Race {
    directory: Directory,
    gate: Arc<Gated>,
    servers: Vec<Running>,
    slow: Client,
    quick: Client,
}

impl Race {
    async fn new(name: &str) -> Self {
        let directory = Directory::new(name);
        let open = || LocalDirectory::open(&directory.0.join("store")).unwrap();
        let (gate, waiting) = (watch::Sender::new(true), watch::Sender::new(0));
        let gate = Arc::new(Gated { inner: open(), open: gate, waiting });
        let stores: [Arc<dyn BlobStore>; 2] = [Arc::clone(&gate) as _, Arc::new(open())];
        let (mut servers, mut clients) = (Vec::new(), Vec::new());
        for (number, store) in stores.into_iter().enumerate() {
            let mut config = directory.config();
            config.directory = Some(directory.0.join(format!("copies-{number}")));
            let server = Running::serve(Server::bind_with_store(config, store).await.unwrap());
            let (client, _) = server.connect().await;
            if number == 0 {
                client
                    .batch_execute("create table t (id int primary key, v int); insert into t values (1, 1)")
                    .await
                    .unwrap();
            }
            servers.push(server);
            clients.push(client);
        }
        let quick = clients.pop().unwrap();
        let slow = clients.pop().unwrap();
        Race { directory, gate, servers, slow, quick }
    }

    /// Runs `slow`, and while its commit is on the way to the store `quick`, which gets there first.
    async fn run<T>(&self, slow: impl Future<Output = T>, quick: &str) -> T {
        self.gate.open.send_replace(false);
        let mut waiting = self.gate.waiting.subscribe();
        waiting.mark_unchanged();
        let overtaking = async {
            waiting.changed().await.unwrap();
            self.quick.batch_execute(quick).await.unwrap();
            self.gate.open.send_replace(true);
        };
        tokio::join!(slow, overtaking).0
    }

    async fn end(self) {
        for server in self.servers {
            server.stop().await;
        }
        drop(self.directory);
    }
}

async fn value(client: &Client) -> i32 {
    client.query_one("select v from t", &[]).await.unwrap().get(0)
}

/// The client is told the answer that stands on what the other server has committed, and no error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_is_overtaken_is_run_again() {
    let race = Race::new("again").await;
    let statement = race.slow.prepare("update t set v = v + $1 returning v").await.unwrap();
    let rows = race.run(race.slow.query(&statement, &[&1]), "update t set v = v * 10").await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get::<_, i32>(0)).collect::<Vec<_>>(), [11]);

    let answer =
        race.run(race.slow.simple_query("update t set v = v + 1 returning v"), "update t set v = v * 10").await;
    let values: Vec<_> = answer
        .unwrap()
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .collect();
    assert_eq!(values, ["111"], "once, and of the second run");
    assert_eq!(value(&race.slow).await, 111);
    race.end().await;
}

/// The other server has dropped its table: it is planned again before it is run again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_does_not_work_any_more_is_told_why() {
    let race = Race::new("gone").await;
    let error = race.run(race.slow.simple_query("update t set v = 2"), "drop table t").await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::UNDEFINED_TABLE));
    race.end().await;
}

/// A client may have decided by what it read: only it can run the transaction again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_is_overtaken_is_undone() {
    let race = Race::new("undone").await;
    race.slow.batch_execute("begin; update t set v = v + 1").await.unwrap();
    let error = race.run(race.slow.batch_execute("commit"), "update t set v = 10").await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE));
    assert_eq!(value(&race.slow).await, 10);
    race.end().await;
}
