//! Tests of what databases share and of databases made of others, on the disk and in an object store.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use crate::catalog::cluster::{ClusterChange, SettingOf};
use crate::catalog::tables::source::BOOTSTRAP_SUPERUSER;
use crate::engine::context::SessionContext;
use crate::engine::databases::Databases;
use crate::engine::interrupt::InterruptHandle;
use crate::engine::remote::RemoteOptions;
use crate::engine::remote::home::WorkingCopies;
use crate::engine::session::EngineSession;
use crate::error::SqlState;
use crate::settings::Settings;
use crate::storage::blob::local_directory::LocalDirectory;

/// A directory that goes with the test.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = NEXT.fetch_add(1, Ordering::Relaxed);
        Place(std::env::temp_dir().join(format!("pgserver-cluster-{}-{unique}", std::process::id())))
    }

    async fn databases(&self, copies: &str, in_store: bool, standby: bool) -> Databases {
        let directory = self.0.join(copies);
        if !in_store {
            return Databases::new(&directory, 3).expect("data directory");
        }
        let store = Arc::new(LocalDirectory::open(&self.0.join("store")).expect("store"));
        let options = RemoteOptions { standby, ..RemoteOptions::default() };
        Databases::in_store(store, WorkingCopies { directory, shared: false, own: None }, 3, options)
            .await
            .expect("databases")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn session(databases: &Databases, name: &str) -> EngineSession {
    let database = databases.connect(name).await.expect("connect");
    let context = SessionContext::new(Settings::default(), "postgres", name, database.catalog());
    EngineSession::new(database, Arc::new(Mutex::new(context)))
}

async fn rows_of_t(databases: &Databases, name: &str) -> i64 {
    let database = databases.open(name).await.expect("open");
    let lease = database.pool().writer().expect("writer");
    lease.enter().with(|c| c.query_row("SELECT count(*) FROM t", [], |row| row.get(0))).expect("count")
}

async fn copies_names_and_settings(in_store: bool) {
    let place = Place::new();
    let databases = place.databases("a", in_store, false).await;
    databases.create("app").await.expect("create");
    let mut writer = session(&databases, "app").await;
    let table = "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2);";
    writer.write_catalog(|connection, _| connection.execute_batch(table)).await.expect("write");
    writer.commit().await.expect("commit");
    let of = SettingOf { database: Some("app".to_owned()), role: None };
    let setting = ClusterChange::Setting(of, "work_mem".to_owned(), Some("3MB".to_owned()));
    assert!(!databases.is_made("postgres"), "it comes to be with its first fact");
    databases.change_cluster(&[setting], &writer).await.expect("change");
    drop(writer);

    let interrupt = InterruptHandle::default();
    databases.create_like("app", false, "copy", &interrupt).await.expect("copy");
    databases.create_like("template1", false, "empty", &interrupt).await.expect("empty");
    assert!(databases.open("empty").await.expect("open").catalog().relation("public", "t").is_none());
    let exists = databases.create_like("app", false, "copy", &interrupt).await.expect_err("exists");
    assert_eq!(exists.code(), SqlState::DUPLICATE_DATABASE);
    databases.rename("app", "renamed", &interrupt).await.expect("rename");
    let names = ClusterChange::Renamed { from: "app".to_owned(), to: "renamed".to_owned() };
    databases.change_cluster(&[names], &session(&databases, "copy").await).await.expect("change");
    assert_eq!(databases.open("app").await.err().expect("gone").code(), SqlState::INVALID_CATALOG_NAME);
    assert!(databases.close(Instant::now()).await);
    drop(databases);

    let again = place.databases("a", in_store, false).await;
    assert_eq!((rows_of_t(&again, "copy").await, rows_of_t(&again, "renamed").await), (2, 2));
    let facts = again.cluster().await.expect("facts");
    assert_eq!(facts.settings_at_start("renamed", BOOTSTRAP_SUPERUSER), [("database", "work_mem", "3MB")]);
    assert!(facts.settings_at_start("copy", BOOTSTRAP_SUPERUSER).is_empty());
    again.close(Instant::now()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_on_the_disk_are_copied_and_renamed_and_keep_their_settings() {
    copies_names_and_settings(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_in_a_store_are_copied_and_renamed_and_keep_their_settings() {
    copies_names_and_settings(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_has_postgres_before_the_others_have_made_it() {
    let place = Place::new();
    let writing = place.databases("a", true, false).await;
    writing.create("app").await.expect("create");
    let standby = place.databases("b", true, true).await;
    let postgres = standby.connect("postgres").await.expect("a stand-in");
    assert!(postgres.is_in_recovery() && !writing.is_made("postgres"));
    assert!(standby.connect("app").await.expect("open").is_in_recovery());
    assert_eq!(standby.connect("nope").await.err().expect("none").code(), SqlState::INVALID_CATALOG_NAME);
    let refused = writing.connect("template0").await.err().expect("takes no connections");
    assert_eq!(refused.code(), SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE);
    let stand_ins = |directory: &Path| std::fs::read_dir(directory).expect("copies").count();
    let before = stand_ins(&place.0.join("b"));
    drop(postgres);
    assert!(stand_ins(&place.0.join("b")) < before, "it goes with its session");
    assert!(writing.connect("postgres").await.is_ok_and(|postgres| !postgres.is_in_recovery()));
    standby.close(Instant::now()).await;
    writing.close(Instant::now()).await;
}
