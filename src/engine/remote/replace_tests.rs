//! Two instances of one database that lose races to each other at random: after each loss the file must be the
//! winner's, and the connections that were open all the time must find it so.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::engine::connection::Connection;
use crate::engine::databases::DatabaseNames;
use crate::engine::functions::ContextSlot;
use crate::engine::remote::bare;
use crate::engine::remote::pin::Pin;
use crate::engine::remote::replace::replace_pages;
use crate::engine::sequences::SequenceRegistry;
use crate::storage::log::changes::Pages;

/// A working copy with the connections of its pool.
struct Instance {
    path: PathBuf,
    sessions: Vec<Connection>,
    pin: Option<Pin>,
    generation: u64,
}

impl Instance {
    fn new(path: PathBuf) -> Self {
        let slot = || ContextSlot::new(Arc::new(SequenceRegistry::default()));
        let names = DatabaseNames::Known(Arc::default());
        let session = |_| Connection::open(&path, true, slot(), names.clone());
        let sessions = (0..3).map(session).collect::<Result<_, _>>().expect("open");
        let mut instance = Instance { path, sessions, pin: None, generation: 0 };
        instance.run(0, "PRAGMA user_version = 1").expect("a first commit");
        instance.renew_pin();
        instance
    }

    fn renew_pin(&mut self) {
        let pin = self.pin.take().map_or_else(|| Pin::new(&self.path), |pin| Pin::take(pin.release()?));
        self.pin = Some(pin.expect("pin"));
    }

    fn run(&self, session: usize, sql: &str) -> rusqlite::Result<()> {
        self.sessions[session].enter().execute(sql)
    }

    /// Some statements by some of the sessions. What a statement may fail with, because the schema is as random as the
    /// statement, is SQLITE_ERROR and SQLITE_CONSTRAINT.
    fn work(&self, chance: &mut StdRng) -> Result<(), String> {
        for _ in 0..chance.random_range(1..6) {
            let session = chance.random_range(0..self.sessions.len());
            let code = match self.run(session, &statement(chance)) {
                Err(rusqlite::Error::SqliteFailure(error, _) | rusqlite::Error::SqlInputError { error, .. }) => error,
                Err(error) => return Err(format!("a session failed: {error}")),
                Ok(()) => continue,
            };
            // What is left of BEGIN … COMMIT.
            let _ = self.run(session, "ROLLBACK");
            if !matches!(code.code, rusqlite::ErrorCode::Unknown | rusqlite::ErrorCode::ConstraintViolation) {
                return Err(format!("a session failed: {code}"));
            }
        }
        Ok(())
    }

    /// What was changed since the pinned state: page numbers with the pages of then and of now.
    fn changes(&self) -> (Pages, Pages) {
        let (before, after) = (pages(self.pin.as_ref().expect("pin")), pages(&Pin::new(&self.path).expect("pin")));
        let differs = |number: &u32| before.get(number) != after.get(number);
        let select = |pages: &Pages| pages.iter().filter(|(n, _)| differs(n)).map(|(n, p)| (*n, p.clone())).collect();
        (select(&before), select(&after))
    }

    /// The race is lost: what was durable comes back, under what the winner has written.
    fn lose_to(&mut self, won: &Pages, page_count: u32) {
        let (mut pages, _) = self.changes();
        pages.extend(won.iter().map(|(number, page)| (*number, page.clone())));
        let pages = pages.into_iter().map(Ok::<_, rusqlite::Error>);
        replace_pages(&self.path, pages, page_count).expect("replace");
        self.generation += 1;
        self.renew_pin();
    }

    fn follow(&self) {
        for session in &self.sessions {
            session.follow(self.generation).expect("follow");
        }
    }

    fn integrity(&self) -> String {
        let connection = bare::open(&self.path).expect("open");
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).unwrap_or_else(|e| e.to_string())
    }
}

fn pages(pin: &Pin) -> Pages {
    let count = pin.page_count().expect("count");
    let pages = pin.pages(1..=count).expect("pages");
    pages.into_iter().map(normalised).collect()
}

/// SQLite writes the change counters and its version into page 1 by itself.
fn normalised((number, mut page): (u32, Vec<u8>)) -> (u32, Vec<u8>) {
    if number == 1 {
        page[24..28].fill(0);
        page[92..100].fill(0);
    }
    (number, page)
}

fn statement(chance: &mut StdRng) -> String {
    let table = format!("t{}", chance.random_range(0..4));
    let (number, size) = (chance.random_range(0..200), chance.random_range(0..3000));
    match chance.random_range(0..14) {
        0 => format!("CREATE TABLE {table} (a INTEGER PRIMARY KEY, b TEXT, c BLOB)"),
        1 => format!("CREATE TABLE {table} (b TEXT PRIMARY KEY, c BLOB) WITHOUT ROWID"),
        2 => format!("DROP TABLE {table}"),
        3 => format!("CREATE INDEX {table}_b ON {table} (b)"),
        4 => format!("DROP INDEX {table}_b"),
        5 => format!("DELETE FROM {table} WHERE rowid % 3 = {}", number % 3),
        6 => "VACUUM".to_owned(),
        7 => format!("ALTER TABLE {table} ADD COLUMN d{number} TEXT DEFAULT 'x'"),
        8 => format!(
            "BEGIN IMMEDIATE; SAVEPOINT s; DELETE FROM {table}; ROLLBACK TO s; INSERT OR REPLACE INTO {table} (b, c) VALUES ('{number}', zeroblob({size})); COMMIT"
        ),
        9 => format!("UPDATE {table} SET c = randomblob({size}) WHERE b < '{number}'"),
        _ => format!(
            "INSERT OR REPLACE INTO {table} (b, c) SELECT value, randomblob({size}) FROM generate_series({number}, {number} + 5)"
        ),
    }
}

/// One after the other wins; gives what was wrong first.
fn fight(directory: &Path, seed: u64, rounds: usize, forget_schema: bool) -> Result<(), String> {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut instances = ["a", "b"].map(|name| Instance::new(directory.join(format!("{name}{seed}.sqlite"))));
    for round in 0..rounds {
        let wrong = |what: String| format!("seed {seed}, round {round}: {what}");
        for instance in &instances {
            instance.work(&mut chance).map_err(wrong)?;
        }
        let (winner, loser) = if chance.random() { (0, 1) } else { (1, 0) };
        let (_, won) = instances[winner].changes();
        instances[winner].renew_pin();
        let page_count = instances[winner].pin.as_ref().and_then(|pin| pin.page_count().ok()).expect("count");
        instances[loser].lose_to(&won, page_count);
        if forget_schema {
            instances[loser].follow();
        }
        let [one, other] = [0, 1].map(|at| pages(instances[at].pin.as_ref().expect("pin")));
        if one != other {
            return Err(wrong("the loser's pages are not the winner's".to_owned()));
        }
        let integrity = instances[loser].integrity();
        if integrity != "ok" {
            return Err(wrong(integrity));
        }
    }
    Ok(())
}

fn scratch(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("pgserver-replace-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a temporary directory");
    directory
}

#[test]
fn the_loser_of_a_race_becomes_the_winner_under_its_open_connections() {
    let directory = scratch("lost");
    for seed in 0..24 {
        assert_eq!(fight(&directory, seed, 25, true), Ok(()));
    }
    std::fs::remove_dir_all(directory).expect("clean up");
}

#[test]
fn a_connection_that_does_not_forget_the_schema_ruins_the_file() {
    let directory = scratch("remembered");
    let ruined = (0..10).any(|seed| fight(&directory, seed, 50, false).is_err());
    assert!(ruined, "500 lost races went well without forgetting the schema");
    std::fs::remove_dir_all(directory).expect("clean up");
}
